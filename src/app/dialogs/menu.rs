//! Menus: a list of choices and their effects.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::app::dialogs::Sheet;
use crate::app::layout::Size;
use crate::app::view::{Role, cut_line, span};
use crate::app::{App, Dialog, Effect, Written};
use crate::bind::{Verdict, shell_word};
use crate::columns::{ColumnId, cut, cut_middle, width};
use crate::keymap::{Action, DialogAction};
use crate::model::{Endpoint, Kinds, Moment, Protocol, State, UnixName, clean, counted};
use crate::query::{GroupBy, GroupFields};
use crate::track::{Row, RowId};

/// A list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Menu {
    pub title: String,
    /// The choices; never empty.
    pub items: Vec<MenuItem>,
    pub at: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MenuItem {
    pub label: String,
    /// The state of an on/off choice.
    pub is_on: Option<bool>,
    pub choice: MenuChoice,
}

impl MenuItem {
    pub(super) const fn new(label: String, is_on: Option<bool>, choice: MenuChoice) -> Self {
        Self {
            label,
            is_on,
            choice,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MenuChoice {
    Copy(String),
    CopyRows(RowFormat, Vec<RowId>),
    Kind(Protocol),
    Column(ColumnId),
    Sort(ColumnId),
    Write(FileFormat),
    WriteHistory,
    /// Groups by this field, and offers a second one.
    GroupBy(Option<GroupBy>),
    /// Groups by these fields.
    GroupFields(GroupFields),
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

/// The text format of copied rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// Aligned cells, as `list` prints them.
    Text,
    /// A line for each row, as `list --ndjson` prints it.
    Json,
}

impl Menu {
    pub(super) fn of(title: &str, items: impl Iterator<Item = MenuItem>, at: usize) -> Self {
        let (title, items) = (title.to_owned(), items.collect());
        Self { title, items, at }
    }

    pub fn go_to(&mut self, at: usize) {
        self.at = at.min(self.items.len().saturating_sub(1));
    }

    /// Whether it copies or writes rows.
    pub fn is_about_rows(&self) -> bool {
        self.items
            .iter()
            .any(|item| matches!(item.choice, MenuChoice::CopyRows(..) | MenuChoice::Write(_)))
    }

    /// What can be copied from a row, and the row itself. The command line is copied as shown, with arguments joined by
    /// spaces: to read, not to run, as the boundaries of arguments are lost. There is no command to end the owner: a bind
    /// test finds a safe one. `reachable` is the row whose address a client on this host can use for it.
    pub fn copy(row: &Row, reachable: Option<&Row>) -> Self {
        let mut menu = Self::texts_of(row, reachable);
        menu.items.extend(whole_rows(&[row]));
        menu
    }

    fn texts_of(row: &Row, reachable: Option<&Row>) -> Self {
        let socket = &row.socket;
        let label = match socket.unix().and_then(|unix| unix.name.as_ref()) {
            Some(UnixName::Path(_)) => "path",
            Some(UnixName::Abstract(_)) => "name",
            None => "address",
        };
        let remote = match socket.remote {
            Some(remote) if socket.protocol.has_ports() => Some(remote.to_string()),
            _ => socket.remote_text(),
        };
        // Init holds sockets for its services.
        let mut processes = socket.owner.processes().iter();
        let owner = processes.find(|process| process.pid != 1);
        let command = owner.and_then(|process| process.command.as_ref());
        let inode = socket.inode.filter(|_| socket.unix().is_some());
        let is_open = |row: &&Row| matches!(row.socket.state, State::Listen | State::Dnat);
        let server = reachable.filter(|row| row.socket.protocol == Protocol::Tcp && is_open(row));
        let curl = |Endpoint { address, port }: Endpoint| {
            let address = match address {
                IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                address => address,
            };
            let url = format!("http://{}/", Endpoint::new(address, port));
            format!("curl {}", shell_word(&url))
        };
        let texts = [
            socket.local_text().map(|text| (label, text)),
            remote.map(|text| ("peer", text)),
            owner.map(|process| ("pid", process.pid.to_string())),
            command.map(|text| ("command", text.to_string())),
            inode.map(|inode| ("inode", inode.to_string())),
            server.map(|row| ("curl", curl(row.socket.local))),
        ];
        let texts = texts.into_iter().flatten();
        Self::of_texts(texts.map(|(name, text)| (format!("{name:<8} {text}"), text)))
    }

    pub fn fixes(verdict: &Verdict) -> Self {
        let commands = verdict.fixes.iter().filter_map(|fix| fix.command.clone());
        let texts = commands.chain([verdict.summary.clone()]);
        Self::of_texts(texts.map(|text| (text.clone(), text)))
    }

    fn of_texts(texts: impl Iterator<Item = (String, String)>) -> Self {
        let item = |(label, text)| MenuItem::new(label, None, MenuChoice::Copy(text));
        Self::of("copy", texts.map(item), 0)
    }

    /// The same of several rows: each choice copies the texts of all rows that have it, with spaces between them, or `; ` if
    /// they have spaces. A line break would run what is pasted into a shell.
    pub fn copy_all(rows: &[(&Row, Option<&Row>)]) -> Self {
        let mut merged: Vec<(String, Vec<String>)> = Vec::new();
        let items = rows
            .iter()
            .flat_map(|(row, to)| Self::texts_of(row, *to).items);
        for item in items {
            let MenuChoice::Copy(text) = item.choice else {
                continue;
            };
            let name = item.label.strip_suffix(&*text).unwrap_or(&item.label);
            match merged.iter_mut().find(|(one, _)| one == name) {
                Some((_, texts)) => texts.push(text),
                None => merged.push((name.to_owned(), vec![text])),
            }
        }
        let texts = merged.into_iter().map(|(name, mut texts)| {
            let mut seen = HashSet::new();
            texts.retain(|text| seen.insert(text.clone()));
            let more = match texts.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let has_spaces = texts.iter().any(|text| text.contains(' '));
            let between = if has_spaces { "; " } else { " " };
            (format!("{name}{}{more}", texts[0]), texts.join(between))
        });
        let title = format!("copy of {} rows", rows.len());
        let rows: Vec<_> = rows.iter().map(|&(row, _)| row).collect();
        let mut menu = Self::of_texts(texts);
        menu.title = title;
        menu.items.extend(whole_rows(&rows));
        menu
    }

    /// The file formats for the marked rows, or for those shown.
    pub fn write(rows: usize, is_marked: bool, has_history: bool) -> Self {
        let item = |label: &str, choice| MenuItem::new(label.to_owned(), None, choice);
        let json = "JSON   one object, everything that is known";
        let csv = "CSV    a row for each socket and process";
        let history = "the last hour, all sockets: a recording for --replay";
        let what = if is_marked { "marked" } else { "shown" };
        let title = match rows {
            1 => format!("write the row {what}"),
            rows => format!("write the {rows} rows {what}"),
        };
        let formats = [(json, FileFormat::Json), (csv, FileFormat::Csv)].into_iter();
        let formats = formats.map(|(label, format)| item(label, MenuChoice::Write(format)));
        let history = has_history.then(|| item(history, MenuChoice::WriteHistory));
        Self::of(&title, formats.chain(history), 0)
    }

    /// The kinds of sockets, with those shown checked.
    pub fn kinds(shown: Kinds, at: usize) -> Self {
        let item = |protocol: Protocol| {
            let label = format!("{:<9} {}", protocol.as_str(), description(protocol));
            let is_on = Some(shown.has(protocol));
            MenuItem::new(label, is_on, MenuChoice::Kind(protocol))
        };
        Self::of("protocols", Protocol::ALL.into_iter().map(item), at)
    }
}

pub(super) const fn description(protocol: Protocol) -> &'static str {
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

/// Each choice takes one line, so that the one under the cursor is always visible.
pub(super) fn sheet(menu: &Menu, size: Size, height: usize) -> Sheet {
    let columns = size.overlay_width();
    let line = |item: &MenuItem| {
        let check = match item.is_on {
            None => "",
            Some(true) => "[x] ",
            Some(false) => "[ ] ",
        };
        let (check, label) = (span(check, Role::Accent), span(&*item.label, Role::Plain));
        cut_line(vec![check, label], columns)
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
        if let Action::Dialog(action @ (DialogAction::MoveDown | DialogAction::MoveUp)) = action {
            return self.move_column(action == DialogAction::MoveDown);
        }
        let (at, choice) = (menu.at, menu.items[menu.at].choice.clone());
        self.dialog = Dialog::None;
        let toggles = action == Action::Dialog(DialogAction::Toggle);
        if !toggles && action != Action::Dialog(DialogAction::Accept) {
            return;
        }
        match choice {
            MenuChoice::Copy(text) => self.copy(text, now),
            MenuChoice::Write(format) => self.write_shown(format, now),
            MenuChoice::WriteHistory => self.write_history(now),
            MenuChoice::CopyRows(format, rows) => self.copy_rows(format, rows, now),
            MenuChoice::GroupBy(by) => self.group_by_chosen(by, now),
            MenuChoice::GroupFields(fields) => self.group_by(Some(fields), now),
            // A switch is changed only by the key for that, which keeps the menu open.
            MenuChoice::Kind(_) | MenuChoice::Column(_) if !toggles => {}
            MenuChoice::Kind(protocol) => {
                self.toggle_kind(protocol, now);
                self.dialog = Dialog::Menu(Menu::kinds(self.rows.criteria.kinds, at));
            }
            MenuChoice::Column(id) => {
                self.rows.columns.toggle(id);
                self.dialog = Dialog::Menu(self.columns_menu(at));
            }
            MenuChoice::Sort(id) => self.choose_sort(id, now),
        }
    }

    /// Copies a text; the notice cuts a long one, but not the words around it. We don't know whether the terminal
    /// copied it.
    pub(crate) fn copy(&mut self, text: String, now: Moment) {
        const BY: &str = " to the clipboard (by the terminal)";
        let words = width("copied ") + width(BY) + 1;
        let room = usize::from(self.size.width).saturating_sub(words);
        let shown = cut(&clean(&text), room.max(LEAST_SHOWN));
        self.report(format!("copied {shown}{BY}"), now);
        self.request(Effect::Copy(text));
    }

    /// Copies whole rows, as far as they are still in the table.
    fn copy_rows(&mut self, format: RowFormat, mut rows: Vec<RowId>, now: Moment) {
        rows.retain(|&id| self.rows.table.position(id).is_some());
        if rows.is_empty() {
            return self.warn("its row is not in the table any more", now);
        }
        let count = counted(rows.len(), "row", "rows");
        let kind = match format {
            RowFormat::Text => "text",
            RowFormat::Json => "JSON",
        };
        let text = format!("copied {count} as {kind} to the clipboard (by the terminal)");
        self.report(text, now);
        self.request(Effect::CopyRows(format, rows));
    }

    /// Reports where rows or snapshots were written. A long path is cut in the middle, so folder and extension stay.
    pub(crate) fn notify_written(&mut self, written: &Written, now: Moment) {
        let [one, many] = written.nouns;
        let words = format!("wrote {} to ", counted(written.count, one, many));
        let room = usize::from(self.size.width).saturating_sub(width(&words) + 1);
        let path = cut_middle(&clean(&written.path), room.max(LEAST_SHOWN));
        let why = written.not_in.as_ref();
        let why = why.map_or_else(String::new, |why| format!(", not to {why}"));
        self.report(format!("{words}{path}{why}"), now);
    }
}
/// The choices that copy rows as a whole.
fn whole_rows(rows: &[&Row]) -> impl Iterator<Item = MenuItem> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let what = if ids.len() == 1 { "row" } else { "rows" };
    [("text", RowFormat::Text), ("JSON", RowFormat::Json)]
        .into_iter()
        .map(move |(name, format)| {
            let choice = MenuChoice::CopyRows(format, ids.clone());
            MenuItem::new(format!("{what} as {name}"), None, choice)
        })
}
