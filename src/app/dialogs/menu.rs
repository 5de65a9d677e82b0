//! Menus: a list of choices and their effects.

use crate::app::layout::Size;
use crate::app::view::sheet::Sheet;
use crate::app::view::{Line, Role, cut_line, span};
use crate::app::{App, Dialog, Effect, NoticeKind, Written};
use crate::bind::{Verdict, shell_word};
use crate::columns::{self, ColumnId, cut, cut_middle, width};
use crate::keymap::{Action, DialogAction};
use crate::model::{Endpoint, Kinds, Moment, Protocol, Socket, State, UnixName, clean, counted};
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

/// Each choice takes one line, so that the one under the cursor is always visible.
pub(super) fn sheet(menu: &Menu, size: Size, height: usize) -> Sheet {
    let columns = size.overlay_width();
    let line = |item: &MenuItem| -> Line {
        let check = match item.is_on {
            None => "",
            Some(true) => "[x] ",
            Some(false) => "[ ] ",
        };
        let line = vec![
            span(check, Role::Accent),
            span(item.label.clone(), Role::Plain),
        ];
        cut_line(line, columns)
    };
    Sheet {
        top: menu.at.saturating_sub(height - 1),
        height,
        choices: menu.items.len(),
        selected: Some(menu.at),
        ..Sheet::of(&menu.title, menu.items.iter().map(line).collect())
    }
}

/// Cells of a text that a notice on the smallest terminal shows.
const LEAST_SHOWN: usize = 12;

impl App {
    /// Handles keys in a menu; any other action closes it.
    pub(crate) fn act_in_menu(&mut self, action: Action, now: Moment) {
        let page = self.menu_height();
        let Dialog::Menu(menu) = &mut self.dialog else {
            return;
        };
        if let Action::Move(action) = action {
            menu.go_to(menu.at.saturating_add_signed(action.lines(page)));
            return;
        }
        let (at, choice) = (menu.at, menu.items[menu.at].choice.clone());
        self.dialog = Dialog::None;
        if action == Action::Dialog(DialogAction::Accept) {
            self.confirm_choice(choice, now);
        } else if action == Action::Dialog(DialogAction::Toggle) {
            self.toggle_choice(at, choice, now);
        }
    }

    /// Carries out a choice; a switch is not changed.
    fn confirm_choice(&mut self, choice: MenuChoice, now: Moment) {
        match choice {
            MenuChoice::Copy(text) => {
                self.notify_copied(&text, now);
                self.request(Effect::Copy(text));
            }
            MenuChoice::Write(format) => {
                let rows = self.rows.selection.shown().rows(&self.rows.table);
                let ids: Vec<_> = rows.map(|row| row.id).collect();
                let pending = format!("writing {}…", counted(ids.len(), "row", "rows"));
                self.notify(NoticeKind::Pending, pending, now);
                self.request(Effect::Write(format, ids));
            }
            MenuChoice::Column(_) | MenuChoice::Kind(_) => {}
        }
    }

    /// Switches a choice on or off, and keeps the menu open.
    fn toggle_choice(&mut self, at: usize, choice: MenuChoice, now: Moment) {
        let menu = match choice {
            MenuChoice::Copy(_) | MenuChoice::Write(_) => return self.confirm_choice(choice, now),
            MenuChoice::Kind(protocol) => {
                self.toggle_kind(protocol, now);
                Menu::kinds(self.rows.criteria.kinds, at)
            }
            MenuChoice::Column(id) => {
                self.toggle_column(id);
                Menu::columns(&self.rows.hidden_columns, at)
            }
        };
        self.dialog = Dialog::Menu(menu);
    }

    fn toggle_column(&mut self, id: ColumnId) {
        let hidden = &mut self.rows.hidden_columns;
        let count = hidden.len();
        hidden.retain(|&one| one != id);
        if hidden.len() == count {
            hidden.push(id);
        }
    }

    /// A long text is cut, but not the words around it. We don't know whether the terminal copied it.
    pub(crate) fn notify_copied(&mut self, text: &str, now: Moment) {
        const BY: &str = " to the clipboard (by the terminal)";
        let words = width("copied ") + width(BY) + 1;
        let room = usize::from(self.size.width).saturating_sub(words);
        let text = cut(&clean(text), room.max(LEAST_SHOWN));
        self.report(format!("copied {text}{BY}"), now);
    }

    /// Reports where the rows were written. A long path is cut in the middle, so folder and extension stay.
    pub(crate) fn notify_written(&mut self, written: &Written, now: Moment) {
        let words = format!("wrote {} to ", counted(written.rows, "row", "rows"));
        let room = usize::from(self.size.width).saturating_sub(width(&words) + 1);
        let path = cut_middle(&clean(&written.path), room.max(LEAST_SHOWN));
        let why = written.not_in.as_ref();
        let why = why.map_or_else(String::new, |why| format!(", not to {why}"));
        self.report(format!("{words}{path}{why}"), now);
    }
}
