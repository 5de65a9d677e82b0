//! The keys: one table from which the screen's hints, the help and the docs are made.
//!
//! The table has the default keys; a [`Keymap`] has those of this user, and is what the program looks up.

mod action;
mod checks;
mod user_keys;

use std::borrow::Cow;
use std::fmt;

use strum::{IntoStaticStr, VariantArray};

pub use action::{
    Action, BindTestAction, DialogAction, MoveAction, PaneAction, PortAction, ProgramAction,
    SessionAction, TableAction, TimeAction,
};
pub use checks::{BoundAction, Flaw};
pub use user_keys::Keymap;

/// The current mode of the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    /// Moving in the table; panes may be open below it.
    Table,
    /// The same while a bind test is open: what is not bound here is looked up there.
    Bind,
    /// Moving in a focused pane: what is not bound here is looked up in the table, or in the bind test that is open.
    Pane,
    /// Typing a filter or a port. What is not bound here is typed.
    Prompt,
    /// Typing a text to find. What is not bound here is typed.
    Finding,
    /// Going from match to match of a text that was found: what is not bound here is looked up in the table.
    Matches,
    /// Typing a port to go to. A key that is neither a digit nor bound here closes it, and acts as in the table.
    Digits,
    /// Choosing from a menu.
    Menu,
    /// Choosing an action by typing. What is not bound here is typed.
    Palette,
    /// Answering a question.
    Question,
    /// Answering it a second time, which takes another key.
    #[strum(serialize = "insist")]
    ConfirmAgain,
    /// Reading the help.
    Help,
    /// Typing what to search for in the help. What is not bound here is typed.
    #[strum(serialize = "help-search")]
    HelpSearch,
}

/// A key press, free of any terminal library's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr)]
#[expect(missing_docs, reason = "each is the key of that name")]
pub enum Key {
    /// A character as typed, with Shift applied.
    Char(char),
    /// A lower-case letter with Ctrl held.
    Ctrl(char),
    Enter,
    Esc,
    Tab,
    #[strum(serialize = "Shift-Tab")]
    BackTab,
    Backspace,
    #[strum(serialize = "Del")]
    Delete,
    #[strum(serialize = "↑")]
    Up,
    #[strum(serialize = "↓")]
    Down,
    #[strum(serialize = "←")]
    Left,
    #[strum(serialize = "→")]
    Right,
    #[strum(serialize = "PgUp")]
    PageUp,
    #[strum(serialize = "PgDn")]
    PageDown,
    Home,
    End,
    /// A function key, from 1.
    F(u8),
}

impl fmt::Display for Key {
    /// The key as help and documentation write it: `j`, `Space`, `Ctrl-C`, `PgDn`, `↑`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(' ') => f.write_str("Space"),
            Self::Char(c) => write!(f, "{c}"),
            Self::Ctrl(c) => write!(f, "Ctrl-{}", c.to_ascii_uppercase()),
            Self::F(number) => write!(f, "F{number}"),
            named => f.write_str(named.into()),
        }
    }
}

/// A section of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
pub enum Section {
    /// Where the cursor goes.
    Move,
    /// What a socket is: details, bind test, filter, order.
    #[strum(serialize = "Look")]
    Inspect,
    /// What can be done about it.
    Act,
    /// Which rows and columns are shown, and how.
    View,
    /// Which moment is shown.
    Time,
    /// The program itself.
    Program,
}

impl Section {
    /// Every section, in the order of the help.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its heading.
    pub fn title(self) -> &'static str {
        self.into()
    }
}

/// One or more keys, the mode and action that they are bound to, and the help.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The mode in which they are bound.
    pub mode: Mode,
    /// Where the help lists it; only the rows of the table have one.
    pub section: Option<Section>,
    /// The keys; hints name the first. A user may have removed all.
    pub keys: Cow<'static, [Key]>,
    /// The action.
    pub action: Action,
    /// One line of help, without a full stop.
    pub help: &'static str,
    /// The word in the bottom line, for the few that are there.
    pub hint: Option<&'static str>,
}

const fn bind(
    mode: Mode,
    keys: &'static [Key],
    action: Action,
    help: &'static str,
    hint: &'static str,
) -> Binding {
    Binding {
        mode,
        section: None,
        keys: Cow::Borrowed(keys),
        action,
        help,
        hint: if hint.is_empty() { None } else { Some(hint) },
    }
}

/// A row of the table, in a section of the help.
const fn table(
    section: Section,
    keys: &'static [Key],
    action: Action,
    help: &'static str,
    hint: &'static str,
) -> Binding {
    let mut binding = bind(Table, keys, action, help, hint);
    binding.section = Some(section);
    binding
}

use Action as A;
use Key::{
    BackTab, Char, Ctrl, Down, End, Enter, Esc, F, Home, Left, PageDown, PageUp, Right, Tab, Up,
};
use Mode::{
    Bind, ConfirmAgain, Digits, Finding, Help, HelpSearch, Matches, Menu, Palette, Pane, Prompt,
    Question, Table,
};
use Section::{Act, Inspect, Move, Program, Time, View};

/// The default keys. The hints are in the order of the list.
#[rustfmt::skip]
pub const KEYMAP: &[Binding] = &[
    table(Inspect, &[Char('b')], A::Port(PortAction::BindTest), "bind test of the selected port: is it taken, on which address", "bind test"),
    table(Inspect, &[Char('B')], A::Port(PortAction::BindTestAny), "bind test of any port", ""),
    table(Inspect, &[Enter], A::Pane(PaneAction::ToggleDetails), "details: socket, process, its other sockets; on a published port: go inside, and back", "open"),
    table(Inspect, &[Char('d')], A::Pane(PaneAction::ShowDetails), "details, also of a published port and of a group", ""),
    table(Inspect, &[Char('/')], A::Table(TableAction::EditFilter), "filter the rows while you type", "filter"),
    table(Inspect, &[Char('U')], A::Table(TableAction::RestoreFilter), "restore the filter that was cleared last", ""),
    table(Inspect, &[Char('s'), F(6)], A::Table(TableAction::ChooseSort), "choose the column to sort by", "sort"),
    table(Inspect, &[], A::Table(TableAction::SortByNext), "sort by the next column", ""),
    table(Inspect, &[Char('S')], A::Table(TableAction::ReverseSort), "reverse the order", ""),
    table(View, &[Char('z'), F(5)], A::Table(TableAction::GroupByNext), "group by process, port, peer, state, unit or container, then not at all", ""),
    table(View, &[Char('Z')], A::Table(TableAction::ChooseGroups), "choose one or two fields to group by", ""),
    table(Inspect, &[Char('e')], A::Pane(PaneAction::ToggleEvents), "events: what opened, changed and closed, with times", "events"),
    table(Act, &[Char('K'), Char('x'), F(9)], A::Port(PortAction::EndProcess), "end the process, or those of the marked rows: you confirm, then see the outcome", "end"),
    table(Act, &[Char(' ')], A::Table(TableAction::MarkRow), "mark or unmark the row or group; end, copy, write and pin act on marked rows", ""),
    table(Act, &[Char('V')], A::Table(TableAction::MarkAll), "mark all rows shown; again: unmark all", ""),
    table(Act, &[Char('f')], A::Port(PortAction::FindFreePort), "find a free port near the selected one, by binding", ""),
    table(Act, &[Char('O')], A::Port(PortAction::OpenInBrowser), "open the selected TCP listener in the browser", ""),
    table(Act, &[Char('c'), Char('y')], A::Table(TableAction::Copy), "copy address, pid, command line, curl command, or the whole row", ""),
    table(Act, &[Char('w')], A::Table(TableAction::Write), "write the marked rows, or all rows shown, to a file: JSON or CSV", ""),
    table(Program, &[Char('p')], A::Program(ProgramAction::TogglePause), "pause, resume", "pause"),
    table(Program, &[Char('r')], A::Program(ProgramAction::Refresh), "refresh now; with a bind test open, test again", ""),
    table(Program, &[Char('+')], A::Program(ProgramAction::Slower), "refresh less often", ""),
    table(Program, &[Char('-')], A::Program(ProgramAction::Faster), "refresh more often", ""),
    table(Move, &[Char('j'), Down], A::Move(MoveAction::Down), "next row", ""),
    table(Move, &[Char('k'), Up], A::Move(MoveAction::Up), "previous row", ""),
    table(Move, &[PageDown, Ctrl('d')], A::Move(MoveAction::PageDown), "a page down", ""),
    table(Move, &[PageUp, Ctrl('u')], A::Move(MoveAction::PageUp), "a page up", ""),
    table(Move, &[Char('g')], A::Table(TableAction::GoTo), "first row; digits typed next go to that port", ""),
    table(Move, &[Home], A::Move(MoveAction::Top), "first row", ""),
    table(Move, &[Char('G'), End], A::Move(MoveAction::Bottom), "last row", ""),
    table(Move, &[Right], A::Table(TableAction::Right), "open the group; on a row: scroll long command lines", ""),
    table(Move, &[Left], A::Table(TableAction::Left), "scroll the command lines back, then close the group", ""),
    table(Move, &[F(3), Ctrl('f')], A::Table(TableAction::Find), "find rows by a text without hiding others; after Enter n and N go on", ""),
    table(Act, &[Char('m')], A::Table(TableAction::TogglePinned), "pin the selected row's port: an alert when a listener opens, closes or changes there", ""),
    table(Move, &[Char('!')], A::Table(TableAction::NextTrouble), "next row in trouble: a full queue, a leak, no answer", ""),
    table(Move, &[Char('F')], A::Table(TableAction::ToggleFollow), "follow: go to the row of the newest event, until the cursor is moved", ""),
    table(Inspect, &[Char('o')], A::Pane(PaneAction::Focus), "focus the open pane, or the details: move, search and zoom in it", ""),
    table(Move, &[Char(']')], A::Pane(PaneAction::Down), "scroll the open pane down", ""),
    table(Move, &[Char('[')], A::Pane(PaneAction::Up), "scroll the open pane up", ""),
    table(View, &[Char('1')], A::ShowView(0), "show listening and bound sockets", ""),
    table(View, &[Char('2')], A::ShowView(1), "show connections", ""),
    table(View, &[Char('3')], A::ShowView(2), "show everything", ""),
    table(View, &[Char('4')], A::ShowView(3), "show what opened, changed or closed", ""),
    table(View, &[], A::Table(TableAction::ShowTrouble), "show the rows in trouble: full queues, leaks, no answer", ""),
    table(View, &[Char('5')], A::ShowView(4), "show the fifth view; views five to nine come from the config", ""),
    table(View, &[Char('6')], A::ShowView(5), "show the sixth view", ""),
    table(View, &[Char('7')], A::ShowView(6), "show the seventh view", ""),
    table(View, &[Char('8')], A::ShowView(7), "show the eighth view", ""),
    table(View, &[Char('9')], A::ShowView(8), "show the ninth view", ""),
    table(View, &[Tab], A::Table(TableAction::NextView), "next view", ""),
    table(View, &[BackTab], A::Table(TableAction::PreviousView), "previous view", ""),
    table(View, &[Char('t')], A::Table(TableAction::ToggleTcp), "TCP on or off", ""),
    table(View, &[Char('u')], A::Table(TableAction::ToggleUdp), "UDP on or off", ""),
    table(View, &[Char('P')], A::Table(TableAction::ChooseKinds), "choose protocols: also UDP-Lite, SCTP, raw, packet and unix sockets", ""),
    table(View, &[Char('N')], A::Table(TableAction::NextNamespace), "network namespaces: own, all, then each other one", ""),
    table(View, &[], A::Table(TableAction::ShowAllNamespaces), "show every namespace: the sockets of all containers", ""),
    table(View, &[], A::Table(TableAction::ShowOwnNamespace), "show only the own namespace", ""),
    table(Inspect, &[Char('$')], A::Pane(PaneAction::ToggleStats), "stats: sockets by state, top processes and peers, the cost of each refresh", ""),
    table(View, &[Char('C')], A::Table(TableAction::ChooseColumns), "choose columns", ""),
    table(View, &[Char('i')], A::Table(TableAction::ToggleNumbers), "numbers of connections on or off: rates, totals, round trips, retransmits, drops", ""),
    table(View, &[Char('T')], A::Program(ProgramAction::NextTheme), "next theme: other colors, at once", ""),
    table(Program, &[Char('M')], A::Program(ProgramAction::ToggleMouse), "leave the mouse to the terminal, to select text, or use it again", ""),
    table(Program, &[Char('R')], A::Program(ProgramAction::ReadSettings), "read the config again", ""),
    table(Program, &[Char('W')], A::Program(ProgramAction::SaveSettings), "save view, filter, columns, order, theme, … in the config: you see the changes first", ""),
    table(Time, &[Char(',')], A::Time(TimeAction::PreviousSnapshot), "back in time: the snapshot before", ""),
    table(Time, &[Char('.')], A::Time(TimeAction::NextSnapshot), "forward in time: the next snapshot", ""),
    table(Time, &[Char('<')], A::Time(TimeAction::PreviousChange), "back to the last change of the selected row or port", ""),
    table(Time, &[Char('>')], A::Time(TimeAction::NextChange), "forward to the next change of the selected row or port", ""),
    table(Time, &[Char('@')], A::Time(TimeAction::GoTo), "go to a time: 03:12, 2h ago, yesterday 3am", ""),
    table(Time, &[Char('{')], A::Time(TimeAction::Start), "the start of the history or recording", ""),
    table(Time, &[Char('}')], A::Time(TimeAction::End), "its end", ""),
    table(Time, &[Char('0')], A::Time(TimeAction::Now), "back to now", ""),
    table(View, &[Char('n')], A::Table(TableAction::ToggleNames), "show services and users as names or as numbers", ""),
    table(Move, &[Esc], A::Back, "close the pane, then return to now, then clear the filter, then the marks", ""),
    table(Program, &[Char(':')], A::Program(ProgramAction::OpenPalette), "command palette: type to find an action", "actions"),
    table(Program, &[Char('?'), F(1)], A::Program(ProgramAction::ToggleHelp), "this help", "help"),
    table(Program, &[Char('q'), Ctrl('c'), F(10)], A::Session(SessionAction::Quit), "quit", "quit"),
    table(Program, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    table(Program, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    bind(Bind, &[Char('r')], A::Program(ProgramAction::Refresh), "test again", "test again"),
    bind(Bind, &[Char('w')], A::BindTest(BindTestAction::Watch), "watch: count down to when the port frees itself, test again each second, ring the bell when it is free", "watch"),
    bind(Bind, &[Char('c'), Char('y')], A::CopyFix, "copy a fix, or the answer", "copy"),
    bind(Bind, &[Char('K'), Char('x'), F(9)], A::BindTest(BindTestAction::EndBlocker), "end the process that has the port: you confirm first, then see the outcome", "end"),
    bind(Bind, &[Char('a')], A::BindTest(BindTestAction::ToggleMatrix), "show or hide the answer for each address, and which servers could start", "addresses"),
    bind(Bind, &[Char('J')], A::BindTest(BindTestAction::GoToBlocker), "go to the row of the next blocking socket", "go to row"),
    bind(Bind, &[Esc], A::Back, "close the bind test", "close"),

    bind(Pane, &[Enter], A::Pane(PaneAction::GoToRow), "go to the row of the event or socket on this line", "go to row"),
    bind(Pane, &[Char('/')], A::Pane(PaneAction::Search), "search in the pane", "search"),
    bind(Pane, &[Char('n')], A::Pane(PaneAction::NextMatch), "next match", ""),
    bind(Pane, &[Char('N')], A::Pane(PaneAction::PreviousMatch), "previous match", ""),
    bind(Pane, &[Char('+')], A::Pane(PaneAction::Zoom), "zoom: the pane takes the place of the table; again: back", "zoom"),
    bind(Pane, &[Char('g'), Home], A::Move(MoveAction::Top), "first line", ""),
    bind(Pane, &[Esc, Char('o')], A::Back, "leave the pane open and return to the table", "back"),

    bind(Prompt, &[Enter], A::Dialog(DialogAction::Accept), "confirm", "confirm"),
    bind(Prompt, &[Tab], A::Dialog(DialogAction::CompleteNext), "complete the word, or take the next suggestion", "complete"),
    bind(Prompt, &[BackTab], A::Dialog(DialogAction::CompletePrevious), "take the previous suggestion", ""),
    bind(Prompt, &[Esc], A::Back, "cancel; a filter is cleared", "cancel"),
    bind(Prompt, &[Up], A::Dialog(DialogAction::RecallEarlier), "earlier filter that begins with the text", "earlier"),
    bind(Prompt, &[Down], A::Dialog(DialogAction::RecallLater), "later filter", ""),
    bind(Prompt, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(Prompt, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(Prompt, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    bind(Finding, &[Enter], A::Dialog(DialogAction::Accept), "confirm: the cursor stays", "confirm"),
    bind(Finding, &[Down, F(3)], A::Table(TableAction::FindNext), "next match", "next"),
    bind(Finding, &[Up], A::Table(TableAction::FindPrevious), "previous match", "previous"),
    bind(Finding, &[Tab], A::Dialog(DialogAction::CompleteNext), "complete the word, or take the next suggestion", ""),
    bind(Finding, &[BackTab], A::Dialog(DialogAction::CompletePrevious), "take the previous suggestion", ""),
    bind(Finding, &[Esc], A::Back, "cancel: the cursor goes back", "cancel"),
    bind(Finding, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(Finding, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(Finding, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    bind(Matches, &[Char('n')], A::Table(TableAction::FindNext), "next match", "next"),
    bind(Matches, &[Char('N')], A::Table(TableAction::FindPrevious), "previous match", "previous"),
    bind(Matches, &[Esc], A::Back, "end finding; the cursor stays", "close"),

    bind(Digits, &[Enter], A::Dialog(DialogAction::Accept), "confirm; show the port if it is hidden", "confirm"),
    bind(Digits, &[Esc], A::Back, "cancel: the cursor goes back", "cancel"),
    bind(Digits, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(Digits, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(Digits, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    bind(Menu, &[Char('j'), Down], A::Move(MoveAction::Down), "next", ""),
    bind(Menu, &[Char('k'), Up], A::Move(MoveAction::Up), "previous", ""),
    bind(Menu, &[Enter], A::Dialog(DialogAction::Accept), "confirm", "confirm"),
    bind(Menu, &[Char(' ')], A::Dialog(DialogAction::Toggle), "on or off", "on/off"),
    bind(Menu, &[Char('K')], A::Dialog(DialogAction::MoveUp), "move the column to the left, in the menu of columns", "move left"),
    bind(Menu, &[Char('J')], A::Dialog(DialogAction::MoveDown), "move the column to the right, in the menu of columns", "move right"),
    bind(Menu, &[Esc, Char('q')], A::Back, "close", "close"),
    bind(Menu, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(Menu, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(Menu, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    bind(Palette, &[Enter], A::Dialog(DialogAction::Accept), "confirm: run the action", "confirm"),
    bind(Palette, &[Down, Ctrl('n')], A::Move(MoveAction::Down), "next", "next"),
    bind(Palette, &[Up, Ctrl('p')], A::Move(MoveAction::Up), "previous", ""),
    bind(Palette, &[PageDown], A::Move(MoveAction::PageDown), "a page down", ""),
    bind(Palette, &[PageUp], A::Move(MoveAction::PageUp), "a page up", ""),
    bind(Palette, &[Esc], A::Back, "close", "close"),
    bind(Palette, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(Palette, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(Palette, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    bind(Question, &[Char('y')], A::Dialog(DialogAction::Confirm), "yes", "yes"),
    bind(Question, &[Char('n'), Esc, Char('q')], A::Back, "no", "no"),
    bind(Question, &[Char('s'), Tab, Right], A::Dialog(DialogAction::OtherSignal), "the next signal", "signal"),
    bind(Question, &[BackTab, Left], A::Dialog(DialogAction::PreviousSignal), "the previous signal", ""),
    bind(Question, &[Char('a')], A::Dialog(DialogAction::OtherTargets), "end its parent too, or all owners of the socket; of several, also those with a better fix", "parent, all"),
    bind(Question, &[Char('c')], A::CopyFix, "copy the better command, and end nothing", "copy"),
    bind(Question, &[Char('j'), Down], A::Move(MoveAction::Down), "scroll down", ""),
    bind(Question, &[Char('k'), Up], A::Move(MoveAction::Up), "scroll up", ""),
    bind(Question, &[PageDown], A::Move(MoveAction::PageDown), "a page down", ""),
    bind(Question, &[PageUp], A::Move(MoveAction::PageUp), "a page up", ""),
    bind(Question, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(Question, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(Question, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    // No first: a second click where the first yes was must not be another.
    bind(ConfirmAgain, &[Char('n'), Esc, Char('q')], A::Back, "no", "no"),
    bind(ConfirmAgain, &[Char('Y')], A::Dialog(DialogAction::Confirm), "yes, end it anyway", "yes, end it"),
    bind(ConfirmAgain, &[Char('j'), Down], A::Move(MoveAction::Down), "scroll down", ""),
    bind(ConfirmAgain, &[Char('k'), Up], A::Move(MoveAction::Up), "scroll up", ""),
    bind(ConfirmAgain, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(ConfirmAgain, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(ConfirmAgain, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    bind(Help, &[Char('j'), Down], A::Move(MoveAction::Down), "scroll down", "down"),
    bind(Help, &[Char('k'), Up], A::Move(MoveAction::Up), "scroll up", "up"),
    bind(Help, &[PageDown, Char(' ')], A::Move(MoveAction::PageDown), "a page down", ""),
    bind(Help, &[PageUp], A::Move(MoveAction::PageUp), "a page up", ""),
    bind(Help, &[Char('/')], A::Table(TableAction::EditFilter), "search the help while you type", "search"),
    bind(Help, &[Char('?'), F(1), Esc, Char('q'), Enter], A::Back, "close the help", "close"),
    bind(Help, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(Help, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(Help, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),

    bind(HelpSearch, &[Enter], A::Dialog(DialogAction::Accept), "confirm: the lines found stay", "confirm"),
    bind(HelpSearch, &[Esc], A::Back, "cancel: all lines again", "cancel"),
    bind(HelpSearch, &[Down], A::Move(MoveAction::Down), "scroll down", ""),
    bind(HelpSearch, &[Up], A::Move(MoveAction::Up), "scroll up", ""),
    bind(HelpSearch, &[PageDown], A::Move(MoveAction::PageDown), "a page down", ""),
    bind(HelpSearch, &[PageUp], A::Move(MoveAction::PageUp), "a page up", ""),
    bind(HelpSearch, &[Ctrl('c')], A::Session(SessionAction::Quit), "quit", ""),
    bind(HelpSearch, &[Ctrl('l')], A::Session(SessionAction::Redraw), "redraw the screen, if something else wrote on it", ""),
    bind(HelpSearch, &[Ctrl('z')], A::Session(SessionAction::Suspend), "suspend to the shell; fg returns", ""),
];

/// Every mode that has keys, in the order of the table.
pub fn modes() -> Vec<Mode> {
    let mut modes: Vec<_> = KEYMAP.iter().map(|binding| binding.mode).collect();
    modes.dedup();
    modes
}

impl Mode {
    /// Whether a key that is not bound in it does what it does in the table.
    pub const fn is_of_table(self) -> bool {
        matches!(self, Self::Bind | Self::Matches | Self::Pane)
    }

    /// Its name in the config.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Its heading in the help and in lists of keys.
    pub fn title(self) -> &'static str {
        match self {
            Self::Bind => "Bind test",
            Self::Pane => "In a focused pane",
            other => other.name(),
        }
    }
}

impl Binding {
    /// Its keys as text: `K x`, `Enter`.
    pub fn keys_text(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(ToString::to_string).collect();
        keys.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_mode_has_its_bindings_in_one_place() {
        let names: HashSet<_> = modes().into_iter().map(Mode::name).collect();
        assert_eq!(names.len(), modes().len());
    }

    /// `table(…)` makes a row of the table, `bind(…)` one of another mode.
    #[test]
    fn every_row_of_the_table_is_in_a_section_of_the_help() {
        for binding in KEYMAP {
            let is_of_table = binding.mode == Table;
            assert_eq!(binding.section.is_some(), is_of_table, "{binding:?}");
        }
    }

    #[test]
    fn k_never_ends_a_process() {
        assert_eq!(
            Keymap::default().lookup(Table, Char('k')),
            Some(A::Move(MoveAction::Up))
        );
    }
}
