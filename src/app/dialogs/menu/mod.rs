//! Menus: what there is to choose from, and what each choice means.

mod update;
pub(crate) mod view;

use std::sync::Arc;

use crate::bind::{Verdict, shell_word};
use crate::columns::{self, ColumnId};
use crate::model::{Endpoint, Kinds, Process, Protocol, Socket, State, UnixName};
use crate::track::Row;

/// A list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// What is chosen.
    pub title: String,
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
    /// Show or hide sockets of a protocol.
    Kind(Protocol),
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

impl FileFormat {
    /// What names of such files end in.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

impl Menu {
    /// What can be copied of a row. Its command line is copied as it is shown, arguments joined by spaces: a
    /// text to read, not a command to run, for it is unknown where an argument ended. A command that ends its
    /// owner is not among them: which one harms nothing else a bind test finds out.
    pub fn copy(row: &Row) -> Self {
        let socket = &row.socket;
        let mut texts = Vec::new();
        texts.extend(
            socket
                .local_text()
                .map(|local| (local_label(socket), local)),
        );
        match socket.remote {
            Some(remote) if socket.protocol.has_ports() => {
                texts.push(("peer", remote.to_string()));
            }
            _ => texts.extend(socket.remote_text().map(|peer| ("peer", peer))),
        }
        if let Some(process) = first_but_init(socket.owner.processes()) {
            texts.push(("pid", process.pid.to_string()));
            texts.extend(
                process
                    .command
                    .iter()
                    .map(|command| ("command", command.to_string())),
            );
        }
        texts.extend(unnamed_inode(socket));
        if socket.protocol == Protocol::Tcp && socket.state == State::Listen {
            let url = format!("http://{}/", reachable(socket.local));
            texts.push(("curl", format!("curl {}", shell_word(&url))));
        }
        let item = |(name, text): (&str, String)| MenuItem {
            label: format!("{name:<8} {text}"),
            is_on: None,
            choice: MenuChoice::Copy(text),
        };
        Self {
            title: "copy".into(),
            items: texts.into_iter().map(item).collect(),
            at: 0,
        }
    }

    /// What can be copied of the answer to a bind test.
    pub fn remedies(verdict: &Verdict) -> Self {
        let command = |remedy: &crate::bind::Fix| {
            let command = remedy.command.clone()?;
            Some(MenuItem {
                label: command.clone(),
                is_on: None,
                choice: MenuChoice::Copy(command),
            })
        };
        let mut items: Vec<_> = verdict.fixes.iter().filter_map(command).collect();
        items.push(MenuItem {
            label: verdict.summary.clone(),
            is_on: None,
            choice: MenuChoice::Copy(verdict.summary.clone()),
        });
        Self {
            title: "copy".into(),
            items,
            at: 0,
        }
    }

    /// What the rows shown can be written as.
    pub fn write(rows: usize) -> Self {
        let title = match rows {
            1 => "write the row shown".into(),
            rows => format!("write the {rows} rows shown"),
        };
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
            title,
            items: formats.into_iter().map(item).collect(),
            at: 0,
        }
    }

    /// Which kinds of sockets there are, and which are shown.
    pub fn kinds(shown: Kinds, at: usize) -> Self {
        let item = |protocol: Protocol| MenuItem {
            label: format!("{:<9} {}", protocol.as_str(), description(protocol)),
            is_on: Some(shown.has(protocol)),
            choice: MenuChoice::Kind(protocol),
        };
        Self {
            title: "protocols".into(),
            items: Protocol::ALL.into_iter().map(item).collect(),
            at,
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
            title: "columns".into(),
            items,
            at,
        }
    }
}

/// What a menu says of a protocol.
const fn description(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::UdpLite => "UDP-Lite, which has ports of its own",
        Protocol::Sctp => "SCTP, which has ports of its own",
        Protocol::Raw => "raw IP and ping sockets",
        Protocol::Packet => "packet sockets: what tcpdump and DHCP clients open",
        Protocol::Unix => "unix sockets: paths and abstract names",
    }
}

/// What its own side is called.
fn local_label(socket: &Socket) -> &'static str {
    match socket.unix().and_then(|unix| unix.name.as_ref()) {
        Some(UnixName::Path(_)) => "path",
        Some(UnixName::Abstract(_)) => "name",
        None => "address",
    }
}

/// What there is of a unix socket without a name, so that there is something to copy.
fn unnamed_inode(socket: &Socket) -> Option<(&'static str, String)> {
    let inode = socket.inode.filter(|_| socket.unix().is_some())?;
    Some(("inode", inode.to_string()))
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

/// The process to speak of: the lowest pid, but not init, which holds sockets for its services.
fn first_but_init(processes: &[Arc<Process>]) -> Option<&Arc<Process>> {
    processes.iter().find(|process| process.pid != 1)
}
