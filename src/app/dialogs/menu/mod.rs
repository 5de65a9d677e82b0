//! Menus: a list of choices and their effects.

mod update;
pub(crate) mod view;

use crate::bind::{Verdict, shell_word};
use crate::columns::{self, ColumnId};
use crate::model::{Endpoint, Kinds, Protocol, Socket, State, UnixName};
use crate::track::Row;

/// A list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// The title.
    pub title: String,
    /// The choices; never empty.
    pub items: Vec<MenuItem>,
    /// The index of the choice under the cursor.
    pub at: usize,
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// Its label.
    pub label: String,
    /// The state of an on/off choice.
    pub is_on: Option<bool>,
    /// Its effect.
    pub choice: MenuChoice,
}

/// The effect of a choice.
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

/// The file format for rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// One object, as `list --json` prints it.
    Json,
    /// A row for each socket and process, as `list --csv` prints them.
    Csv,
}

impl FileFormat {
    /// The file name extension.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

impl Menu {
    fn new(title: impl Into<String>, items: impl Iterator<Item = MenuItem>, at: usize) -> Self {
        Self {
            title: title.into(),
            items: items.collect(),
            at,
        }
    }

    /// Puts the cursor on an item, or on the last one.
    pub fn go_to(&mut self, at: usize) {
        self.at = at.min(self.items.len().saturating_sub(1));
    }

    /// What can be copied from a row. The command line is copied as shown, with arguments joined by spaces: to read,
    /// not to run, as the boundaries of arguments are lost. There is no command to end the owner: a bind test finds a
    /// safe one.
    pub fn copy(row: &Row) -> Self {
        let socket = &row.socket;
        let local = socket.local_text().map(|text| (local_label(socket), text));
        let remote = match socket.remote {
            Some(remote) if socket.protocol.has_ports() => Some(remote.to_string()),
            _ => socket.remote_text(),
        };
        // Init holds sockets for its services.
        let owner = socket
            .owner
            .processes()
            .iter()
            .find(|process| process.pid != 1);
        let command = owner.and_then(|process| process.command.as_ref());
        let inode = socket.inode.filter(|_| socket.unix().is_some());
        let is_server = socket.protocol == Protocol::Tcp && socket.state == State::Listen;
        let curl = || {
            let url = format!("http://{}/", reachable(socket.local));
            format!("curl {}", shell_word(&url))
        };
        let texts = [
            local,
            remote.map(|text| ("peer", text)),
            owner.map(|process| ("pid", process.pid.to_string())),
            command.map(|text| ("command", text.to_string())),
            inode.map(|inode| ("inode", inode.to_string())),
            is_server.then(|| ("curl", curl())),
        ];
        let item = |(name, text)| copy_item(format!("{name:<8} {text}"), text);
        Self::new("copy", texts.into_iter().flatten().map(item), 0)
    }

    /// What can be copied from a bind test.
    pub fn fixes(verdict: &Verdict) -> Self {
        let commands = verdict.fixes.iter().filter_map(|fix| fix.command.clone());
        let texts = commands.chain([verdict.summary.clone()]);
        Self::new("copy", texts.map(|text| copy_item(text.clone(), text)), 0)
    }

    /// The file formats for the rows shown.
    pub fn write(rows: usize) -> Self {
        let title = match rows {
            1 => "write the row shown".into(),
            rows => format!("write the {rows} rows shown"),
        };
        let formats = [
            (
                "JSON   one object, everything that is known",
                FileFormat::Json,
            ),
            ("CSV    a row for each socket and process", FileFormat::Csv),
        ];
        let item = |(label, format): (&str, _)| MenuItem {
            label: label.to_owned(),
            is_on: None,
            choice: MenuChoice::Write(format),
        };
        Self::new(title, formats.into_iter().map(item), 0)
    }

    /// The kinds of sockets, with those shown checked.
    pub fn kinds(shown: Kinds, at: usize) -> Self {
        let item = |protocol: Protocol| MenuItem {
            label: format!("{:<9} {}", protocol.as_str(), description(protocol)),
            is_on: Some(shown.has(protocol)),
            choice: MenuChoice::Kind(protocol),
        };
        Self::new("protocols", Protocol::ALL.into_iter().map(item), at)
    }

    /// The columns, with hidden ones unchecked.
    pub fn columns(hidden: &[ColumnId], at: usize) -> Self {
        let items = columns::ALL.iter().filter(|column| column.priority > 0);
        let item = |column: &columns::Column| MenuItem {
            label: format!("{:<14} {}", column.title, column.description),
            is_on: Some(!hidden.contains(&column.id)),
            choice: MenuChoice::Column(column.id),
        };
        Self::new(
            "columns (port, state and process always stay)",
            items.map(item),
            at,
        )
    }
}

fn copy_item(label: String, text: String) -> MenuItem {
    MenuItem {
        label,
        is_on: None,
        choice: MenuChoice::Copy(text),
    }
}

/// The description of a protocol in the menu.
const fn description(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::UdpLite => "UDP-Lite, with its own ports",
        Protocol::Sctp => "SCTP, with its own ports",
        Protocol::Raw => "raw IP and ping sockets",
        Protocol::Packet => "packet sockets: what tcpdump and DHCP clients open",
        Protocol::Unix => "unix sockets: paths and abstract names",
    }
}

/// The label of the local side.
fn local_label(socket: &Socket) -> &'static str {
    match socket.unix().and_then(|unix| unix.name.as_ref()) {
        Some(UnixName::Path(_)) => "path",
        Some(UnixName::Abstract(_)) => "name",
        None => "address",
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
