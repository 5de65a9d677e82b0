//! Menus and questions: what the program asks, and what each answer means.

use std::sync::Arc;

use jiff::Timestamp;

use super::Signal;
use crate::bind::Verdict;
use crate::columns::{self, ColumnId};
use crate::model::{Endpoint, Owner, Pid, Process, Protocol, Socket, State, Text};
use crate::track::{Row, Table};

/// A list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// What is chosen.
    pub title: &'static str,
    /// The choices; never empty.
    pub items: Vec<MenuItem>,
    /// The one under the cursor.
    pub at: usize,
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// What it is called.
    pub label: String,
    /// For a choice that is on or off: which.
    pub is_on: Option<bool>,
    /// What choosing it does.
    pub choice: MenuChoice,
}

/// What a choice stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MenuChoice {
    /// Put this text on the clipboard.
    Copy(String),
    /// Show or hide a column.
    Column(ColumnId),
    /// Write the rows shown to a file.
    Write(FileFormat),
}

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// One object, as `list --json` prints it.
    Json,
    /// A row for each socket and process, as `list --csv` prints them.
    Csv,
}

/// Whether to end a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The process.
    pub pid: Pid,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Its name.
    pub name: Text,
    /// The signal to send.
    pub signal: Signal,
    /// What it holds and what will be lost.
    pub loss: String,
    /// Whether it was asked for the sake of the port under test.
    pub frees_tested_port: bool,
}

impl Menu {
    /// What can be copied of a row.
    pub fn copy(row: &Row) -> Self {
        let socket = &row.socket;
        let mut texts = vec![("address", socket.local.to_string())];
        if let Some(remote) = socket.remote {
            texts.push(("peer", remote.to_string()));
        }
        if let Some(process) = first_but_init(socket.owner.processes()) {
            texts.push(("pid", process.pid.to_string()));
            texts.extend(
                process
                    .command
                    .iter()
                    .map(|command| ("command", command.to_string())),
            );
            texts.push(("kill", format!("kill {}", process.pid)));
        }
        if socket.protocol == Protocol::Tcp && socket.state == State::Listen {
            texts.push(("curl", format!("curl http://{}/", reachable(socket.local))));
        }
        let item = |(name, text): (&str, String)| MenuItem {
            label: format!("{name:<8} {text}"),
            is_on: None,
            choice: MenuChoice::Copy(text),
        };
        Self {
            title: "copy",
            items: texts.into_iter().map(item).collect(),
            at: 0,
        }
    }

    /// What can be copied of the answer to a bind test.
    pub fn remedies(verdict: &Verdict) -> Self {
        let command = |remedy: &crate::bind::Remedy| {
            let command = remedy.command.clone()?;
            Some(MenuItem {
                label: command.clone(),
                is_on: None,
                choice: MenuChoice::Copy(command),
            })
        };
        let mut items: Vec<_> = verdict.remedies.iter().filter_map(command).collect();
        items.push(MenuItem {
            label: verdict.summary.clone(),
            is_on: None,
            choice: MenuChoice::Copy(verdict.summary.clone()),
        });
        Self {
            title: "copy",
            items,
            at: 0,
        }
    }

    /// What the rows shown can be written as.
    pub fn write() -> Self {
        let item = |(label, format): (&str, FileFormat)| MenuItem {
            label: label.to_owned(),
            is_on: None,
            choice: MenuChoice::Write(format),
        };
        let formats = [
            (
                "JSON   one object, everything that is known",
                FileFormat::Json,
            ),
            ("CSV    a row for each socket and process", FileFormat::Csv),
        ];
        Self {
            title: "write the rows shown",
            items: formats.into_iter().map(item).collect(),
            at: 0,
        }
    }

    /// Which columns there are, and which are hidden.
    pub fn columns(hidden: &[ColumnId], at: usize) -> Self {
        let item = |column: &columns::Column| MenuItem {
            label: format!("{:<14} {}", column.title, column.description),
            is_on: Some(!hidden.contains(&column.id)),
            choice: MenuChoice::Column(column.id),
        };
        let can_be_hidden = |column: &&columns::Column| column.priority > 0;
        let items = columns::ALL
            .iter()
            .filter(can_be_hidden)
            .map(item)
            .collect();
        Self {
            title: "columns",
            items,
            at,
        }
    }
}

/// An address that a client on this host can use to reach a listener.
fn reachable(local: Endpoint) -> Endpoint {
    let address = match local.address {
        std::net::IpAddr::V4(v4) if v4.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(v6) if v6.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    Endpoint::new(address, local.port)
}

impl Question {
    /// Asks whether to end the process that has a socket.
    ///
    /// # Errors
    /// One line that says why there is nothing to end.
    pub fn end_owner(socket: &Socket, is_closed: bool, table: &Table) -> Result<Self, String> {
        let process = match &socket.owner {
            _ if is_closed => return Err("this socket is closed already".into()),
            Owner::Known(processes) => first_but_init(processes).ok_or(
                "pid 1 holds this socket for its service: stop the unit instead of ending it",
            )?,
            Owner::Hidden => return Err("the owner is hidden: run as root to end it".into()),
            Owner::Kernel => return Err("the kernel has this socket: no process to end".into()),
            Owner::Unknown => return Err("the owner is still being looked for".into()),
            Owner::Past(_) | Owner::None => {
                return Err("no process has this socket any more: it goes by itself".into());
            }
        };
        Ok(Self {
            pid: process.pid,
            started_at: process.started_at,
            name: process.name.clone(),
            signal: Signal::Term,
            loss: what_is_lost(process, table) + &who_keeps_it(&socket.owner),
            frees_tested_port: false,
        })
    }

    /// The next signal to offer.
    #[must_use]
    pub fn with_next_signal(mut self) -> Self {
        let at = Signal::ALL
            .iter()
            .position(|&signal| signal == self.signal)
            .unwrap_or(0);
        self.signal = Signal::ALL[(at + 1) % Signal::ALL.len()];
        self
    }

    /// The question in one line.
    pub fn text(&self) -> String {
        format!(
            "{} ({}) {} End it with {}?",
            self.name,
            self.pid,
            self.loss,
            self.signal.as_str()
        )
    }
}

/// The process to speak of: the lowest pid, but not init, which holds sockets for its services.
fn first_but_init(processes: &[Arc<Process>]) -> Option<&Arc<Process>> {
    processes.iter().find(|process| process.pid != 1)
}

/// A shared socket outlives one of its processes.
fn who_keeps_it(owner: &Owner) -> String {
    match owner.present().len() {
        0 | 1 => String::new(),
        2 => " Another process keeps this socket.".into(),
        many => format!(" {} others keep this socket.", many - 1),
    }
}

/// `listens on 80, 443 and serves 12 connections.`
fn what_is_lost(process: &Process, table: &Table) -> String {
    let sockets = || {
        table
            .rows
            .iter()
            .filter(|row| !row.is_closed())
            .filter(|row| {
                row.socket
                    .owner
                    .present()
                    .iter()
                    .any(|one| one.is_same(process))
            })
            .map(|row| &row.socket)
    };
    let mut ports: Vec<u16> = sockets()
        .filter(|s| !s.is_connection())
        .map(|socket| socket.local.port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    let listed: Vec<_> = ports.iter().take(8).map(ToString::to_string).collect();
    let more = if ports.len() > 8 { ", …" } else { "" };
    let holds = (!ports.is_empty()).then(|| format!("holds {}{more}", listed.join(", ")));
    let serves = match sockets().filter(|socket| socket.is_connection()).count() {
        0 => None,
        1 => Some("has 1 connection".to_owned()),
        many => Some(format!("has {many} connections")),
    };
    let both: Vec<_> = holds.into_iter().chain(serves).collect();
    format!("{}.", both.join(" and "))
}
