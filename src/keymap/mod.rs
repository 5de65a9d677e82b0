//! The keys: one table from which the screen's hints, the help and the docs are made.
//!
//! The table is what every key does at first; a [`Keymap`] is what it does for this user, and all that the
//! program asks.

mod action;
mod flaws;
mod in_force;
mod key;

use std::borrow::Cow;

pub use action::Action;
pub use flaws::{BoundAction, Flaw};
pub use in_force::Keymap;
pub use key::Key;

/// What the keyboard is for at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Moving in the table; panes may be open below it.
    Table,
    /// The same while a bind test is open: what is not bound here is looked up there.
    Bind,
    /// Typing a filter or a port. What is not bound here is typed.
    Prompt,
    /// Typing a port to go to. What is no digit and not bound here ends that, and acts as in the table.
    Digits,
    /// Choosing from a menu.
    Menu,
    /// Choosing an action by typing. What is not bound here is typed.
    Palette,
    /// Answering a question.
    Question,
    /// Answering it a second time, which takes another key.
    Insist,
    /// Reading the help.
    Help,
}

/// One or more keys, what they do where, and how that is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Where the keys mean this.
    pub mode: Mode,
    /// The keys; the first is the one that hints name. A user may have left none.
    pub keys: Cow<'static, [Key]>,
    /// What they do.
    pub action: Action,
    /// One line of help, without a full stop.
    pub help: &'static str,
    /// The word that the bottom line shows, for the few that stand there.
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
        keys: Cow::Borrowed(keys),
        action,
        help,
        hint: if hint.is_empty() { None } else { Some(hint) },
    }
}

use Action as A;
use Key::{BackTab, Char, Ctrl, Down, End, Enter, Esc, Home, PageDown, PageUp, Tab, Up};
use Mode::{Bind, Digits, Help, Insist, Menu, Palette, Prompt, Question, Table};

/// Every key of the program as it is at first. The hints stand in the order of the list.
#[rustfmt::skip]
pub const KEYMAP: &[Binding] = &[
    bind(Table, &[Char('b')], A::BindTest, "bind test of the selected port: is it taken, on which address", "bind test"),
    bind(Table, &[Char('B')], A::BindTestAny, "bind test of any port", ""),
    bind(Table, &[Enter], A::ToggleDetails, "details: socket, process, its ancestors, its other sockets", "details"),
    bind(Table, &[Char('/')], A::EditFilter, "filter the rows, while it is typed", "filter"),
    bind(Table, &[Char('U')], A::RestoreFilter, "bring back the filter that was cleared last", ""),
    bind(Table, &[Char('s')], A::SortByNext, "sort by the next column", "sort"),
    bind(Table, &[Char('S')], A::ReverseSort, "reverse the order", ""),
    bind(Table, &[Char('e')], A::ToggleEvents, "events: what opened, changed and closed, with times", "events"),
    bind(Table, &[Char('K'), Char('x')], A::EndProcess, "end the process: asks first, then says what came of it", "end"),
    bind(Table, &[Char('f')], A::FindFreePort, "find a free port near the selected one, by binding", ""),
    bind(Table, &[Char('c'), Char('y')], A::Copy, "copy address, pid, command line or curl command", ""),
    bind(Table, &[Char('w')], A::Write, "write the rows shown to a file: JSON or CSV", ""),
    bind(Table, &[Char('p'), Char(' ')], A::TogglePause, "pause, resume", "pause"),
    bind(Table, &[Char('r')], A::Refresh, "refresh now; with a bind test open, test again", ""),
    bind(Table, &[Char('+')], A::Slower, "refresh less often", ""),
    bind(Table, &[Char('-')], A::Faster, "refresh more often", ""),
    bind(Table, &[Char('j'), Down], A::Down, "next row", ""),
    bind(Table, &[Char('k'), Up], A::Up, "previous row", ""),
    bind(Table, &[PageDown, Ctrl('d')], A::PageDown, "a page down", ""),
    bind(Table, &[PageUp, Ctrl('u')], A::PageUp, "a page up", ""),
    bind(Table, &[Char('g')], A::GoTo, "first row; digits typed next go to that port", ""),
    bind(Table, &[Home], A::Top, "first row", ""),
    bind(Table, &[Char('G'), End], A::Bottom, "last row", ""),
    bind(Table, &[Char('m')], A::ToggleMarked, "watch the selected row's port: tell when it opens, closes or changes its owner", ""),
    bind(Table, &[Char('F')], A::ToggleFollow, "follow what happens: go to the row of the newest event, until the cursor is moved", ""),
    bind(Table, &[Char(']')], A::PaneDown, "scroll the open pane down", ""),
    bind(Table, &[Char('[')], A::PaneUp, "scroll the open pane up", ""),
    bind(Table, &[Char('1')], A::ShowListening, "show what listens or is bound", ""),
    bind(Table, &[Char('2')], A::ShowConnections, "show connections", ""),
    bind(Table, &[Char('3')], A::ShowAll, "show everything", ""),
    bind(Table, &[Char('4')], A::ShowChanges, "show what closed or changed", ""),
    bind(Table, &[Char('5')], A::ShowFifth, "show the fifth view, which is one of your own, as are those to the ninth", ""),
    bind(Table, &[Char('6')], A::ShowSixth, "show the sixth view", ""),
    bind(Table, &[Char('7')], A::ShowSeventh, "show the seventh view", ""),
    bind(Table, &[Char('8')], A::ShowEighth, "show the eighth view", ""),
    bind(Table, &[Char('9')], A::ShowNinth, "show the ninth view", ""),
    bind(Table, &[Tab], A::NextView, "next view", ""),
    bind(Table, &[BackTab], A::PreviousView, "previous view", ""),
    bind(Table, &[Char('t')], A::ToggleTcp, "TCP on or off", ""),
    bind(Table, &[Char('u')], A::ToggleUdp, "UDP on or off", ""),
    bind(Table, &[Char('P')], A::ChooseKinds, "choose protocols: also UDP-Lite, SCTP, raw, packet and unix sockets", ""),
    bind(Table, &[Char('$')], A::ToggleStats, "stats: what each refresh cost, and where its time went", ""),
    bind(Table, &[Char('C')], A::ChooseColumns, "choose columns", ""),
    bind(Table, &[Char('T')], A::NextTheme, "next theme: other colours, at once", ""),
    bind(Table, &[Char('R')], A::ReadSettings, "read the file of settings again", ""),
    bind(Table, &[Char('n')], A::ToggleNames, "names of services and users, or numbers", ""),
    bind(Table, &[Esc], A::Back, "close the pane, then clear the filter", ""),
    bind(Table, &[Char(':')], A::OpenPalette, "every action by its name: type to find it", "actions"),
    bind(Table, &[Char('?')], A::ToggleHelp, "this help", "help"),
    bind(Table, &[Char('q'), Ctrl('c')], A::Quit, "quit", "quit"),
    bind(Table, &[Ctrl('l')], A::Redraw, "draw the screen anew, after others wrote on it", ""),
    bind(Table, &[Ctrl('z')], A::Suspend, "back to the shell; fg returns", ""),

    bind(Bind, &[Char('r')], A::Refresh, "test again", "again"),
    bind(Bind, &[Char('w')], A::Watch, "watch: count down what ends by itself, test again each second, ring when it is free", "watch"),
    bind(Bind, &[Char('c'), Char('y')], A::CopyRemedy, "copy a command that helps, or the answer", "copy"),
    bind(Bind, &[Char('K'), Char('x')], A::EndBlocker, "end the process that has the port: asks first, then says what came of it", "end"),
    bind(Bind, &[Char('J')], A::GoToBlocker, "go to the row of the next socket in the way", "go to it"),
    bind(Bind, &[Esc], A::Back, "close the bind test", "close"),

    bind(Prompt, &[Enter], A::Accept, "keep it", "keep"),
    bind(Prompt, &[Tab], A::CompleteNext, "complete the word, or take the next one offered", "complete"),
    bind(Prompt, &[BackTab], A::CompletePrevious, "take the one offered before", ""),
    bind(Prompt, &[Esc], A::Back, "clear it", "clear"),
    bind(Prompt, &[Up], A::RecallEarlier, "earlier one that begins with what is typed", "earlier"),
    bind(Prompt, &[Down], A::RecallLater, "later one", ""),
    bind(Prompt, &[Ctrl('c')], A::Quit, "quit", ""),
    bind(Prompt, &[Ctrl('l')], A::Redraw, "draw the screen anew, after others wrote on it", ""),
    bind(Prompt, &[Ctrl('z')], A::Suspend, "back to the shell; fg returns", ""),

    bind(Digits, &[Enter], A::Accept, "stay there; show the port if it is hidden", "stay"),
    bind(Digits, &[Esc], A::Back, "go back to where the cursor was", "back"),
    bind(Digits, &[Ctrl('c')], A::Quit, "quit", ""),
    bind(Digits, &[Ctrl('l')], A::Redraw, "draw the screen anew, after others wrote on it", ""),
    bind(Digits, &[Ctrl('z')], A::Suspend, "back to the shell; fg returns", ""),

    bind(Menu, &[Char('j'), Down], A::Down, "next", ""),
    bind(Menu, &[Char('k'), Up], A::Up, "previous", ""),
    bind(Menu, &[Enter], A::Accept, "take it", "take"),
    bind(Menu, &[Char(' ')], A::Toggle, "on or off", "on/off"),
    bind(Menu, &[Esc, Char('q')], A::Back, "leave", "leave"),
    bind(Menu, &[Ctrl('c')], A::Quit, "quit", ""),
    bind(Menu, &[Ctrl('l')], A::Redraw, "draw the screen anew, after others wrote on it", ""),
    bind(Menu, &[Ctrl('z')], A::Suspend, "back to the shell; fg returns", ""),

    bind(Palette, &[Enter], A::Accept, "do it", "do it"),
    bind(Palette, &[Down, Ctrl('n')], A::Down, "next", "next"),
    bind(Palette, &[Up, Ctrl('p')], A::Up, "previous", ""),
    bind(Palette, &[PageDown], A::PageDown, "a page down", ""),
    bind(Palette, &[PageUp], A::PageUp, "a page up", ""),
    bind(Palette, &[Esc], A::Back, "leave", "leave"),
    bind(Palette, &[Ctrl('c')], A::Quit, "quit", ""),
    bind(Palette, &[Ctrl('l')], A::Redraw, "draw the screen anew, after others wrote on it", ""),
    bind(Palette, &[Ctrl('z')], A::Suspend, "back to the shell; fg returns", ""),

    bind(Question, &[Char('y')], A::Confirm, "yes", "yes"),
    bind(Question, &[Char('n'), Esc, Char('q')], A::Back, "no", "no"),
    bind(Question, &[Char('s'), Tab], A::OtherSignal, "another signal", "signal"),
    bind(Question, &[Char('a')], A::OtherTargets, "end its parent too, or all that have the socket", "parent, all"),
    bind(Question, &[Char('c')], A::CopyRemedy, "copy the command that is better, and end nothing", "copy"),
    bind(Question, &[Ctrl('c')], A::Quit, "quit", ""),
    bind(Question, &[Ctrl('l')], A::Redraw, "draw the screen anew, after others wrote on it", ""),
    bind(Question, &[Ctrl('z')], A::Suspend, "back to the shell; fg returns", ""),

    // No first: a second click where the first yes was must not be another.
    bind(Insist, &[Char('n'), Esc, Char('q')], A::Back, "no", "no"),
    bind(Insist, &[Char('Y')], A::Confirm, "yes, all the same", "yes, end it"),
    bind(Insist, &[Ctrl('c')], A::Quit, "quit", ""),
    bind(Insist, &[Ctrl('l')], A::Redraw, "draw the screen anew, after others wrote on it", ""),
    bind(Insist, &[Ctrl('z')], A::Suspend, "back to the shell; fg returns", ""),

    bind(Help, &[Char('j'), Down], A::Down, "scroll down", "down"),
    bind(Help, &[Char('k'), Up], A::Up, "scroll up", "up"),
    bind(Help, &[PageDown, Char(' ')], A::PageDown, "a page down", ""),
    bind(Help, &[PageUp], A::PageUp, "a page up", ""),
    bind(Help, &[Char('?'), Esc, Char('q'), Enter], A::Back, "leave the help", "leave"),
    bind(Help, &[Ctrl('c')], A::Quit, "quit", ""),
    bind(Help, &[Ctrl('l')], A::Redraw, "draw the screen anew, after others wrote on it", ""),
    bind(Help, &[Ctrl('z')], A::Suspend, "back to the shell; fg returns", ""),
];

/// Every mode that has keys, in the order of the table.
pub fn modes() -> Vec<Mode> {
    let mut modes: Vec<_> = KEYMAP.iter().map(|binding| binding.mode).collect();
    modes.dedup();
    modes
}

impl Mode {
    /// What the file of settings calls it: the variant's name in small letters, with hyphens.
    pub fn name(self) -> String {
        hyphenated(&format!("{self:?}"))
    }
}

/// `BindTestAny` as `bind-test-any`.
pub(super) fn hyphenated(variant: &str) -> String {
    let mut name = String::new();
    for c in variant.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
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

    #[test]
    fn names_are_those_of_the_variants_with_hyphens() {
        assert_eq!(A::BindTestAny.name(), "bind-test-any");
        assert_eq!(Mode::Table.name(), "table");
    }

    #[test]
    fn k_never_ends_a_process() {
        assert_eq!(Keymap::default().lookup(Table, Char('k')), Some(A::Up));
    }
}
