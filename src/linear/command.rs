//! Runs commands: each verb leads to one method.

use super::word::{self, Verb, Word};
use super::{PAGE, Session};
use crate::app::Effect;
use crate::keymap::{Action, KEYMAP, ProgramAction, SessionAction, TableAction};
use crate::model::{Moment, clean};

/// Whether only the screen shows anything of the action. Saved settings would be those [adapted](super::adapted) to
/// lines.
const fn needs_screen(action: Action) -> bool {
    matches!(
        action,
        Action::Pane(_)
            | Action::Program(ProgramAction::SaveSettings | ProgramAction::ToggleMouse)
            | Action::Table(
                TableAction::GoTo
                    | TableAction::Find
                    | TableAction::FindNext
                    | TableAction::FindPrevious
                    | TableAction::GroupByNext
                    | TableAction::MarkRow
                    | TableAction::MarkAll
                    | TableAction::Left
                    | TableAction::Right
            )
    )
}

impl Session {
    /// Runs a line of text; returns the effects to carry out.
    pub(super) fn execute(&mut self, line: &str, now: Moment) -> Vec<Effect> {
        if let Some(effects) = self.confirm_by_pid(line, now) {
            return effects;
        }
        if line.is_empty() {
            return Vec::new();
        }
        match word::parse(&clean(line)) {
            Ok((verb, rest)) => {
                let cancelled = self.cancel_unless_answer(verb);
                let mut effects = self.execute_verb(verb, rest, now);
                effects.splice(0..0, cancelled);
                effects
            }
            Err(why) => {
                let effects = self.cancel_question();
                self.print(why);
                effects
            }
        }
    }

    fn execute_verb(&mut self, verb: Verb, rest: &str, now: Moment) -> Vec<Effect> {
        match verb {
            Verb::List => self.list_so_many(rest, now),
            Verb::More => self.print_so_many(rest),
            Verb::Find => self.find(rest, now),
            Verb::Row => return self.go_to_row(rest, now),
            Verb::Here => self.print_current(now),
            Verb::Details => return self.details(rest, now),
            Verb::Group => self.group(rest),
            Verb::Trouble => self.trouble(now),
            Verb::Events => self.events(rest, now),
            Verb::Changes => self.set_changes(rest),
            Verb::Status => self.status(),
            Verb::Help => self.help(rest),
            Verb::Go => return self.go(rest, now),
            Verb::Next => return self.step(1, now),
            Verb::Previous => return self.step(-1, now),
            Verb::First => return self.step(isize::MIN, now),
            Verb::Last => return self.step(isize::MAX, now),
            Verb::Test => return self.test(rest, now),
            Verb::Wait => return self.wait(now),
            Verb::Free => return self.free(rest, now),
            Verb::End => return self.end(rest, now),
            Verb::Yes => return self.confirm(now),
            Verb::No => self.no(),
            Verb::Signal => return self.choose_signal(rest, now),
            Verb::Targets => return self.change_targets(now),
            Verb::Pin => return self.pin(rest, true, now),
            Verb::Unpin => return self.pin(rest, false, now),
            Verb::Filter => return self.filter(rest, now),
            Verb::View => return self.view(rest, now),
            Verb::Sort => return self.sort(rest, now),
            Verb::Reverse => return self.reverse(now),
            Verb::Kinds => return self.kinds(rest, now),
            Verb::Namespaces => return self.namespaces(rest, now),
            Verb::Write => return self.write(rest, now),
            Verb::Pause => return self.set_paused(true, now),
            Verb::Resume => return self.set_paused(false, now),
            Verb::Refresh => return self.refresh(now),
            Verb::Interval => return self.interval(rest, now),
            Verb::Run => return self.run_action(rest, now),
            Verb::Quit => return self.act(Action::Session(SessionAction::Quit), now),
        }
        Vec::new()
    }

    /// Takes a snapshot now. An open bind test would be repeated instead.
    fn refresh(&mut self, now: Moment) -> Vec<Effect> {
        self.awaits_table = self.app.is_live();
        let mut effects = self.app.command(|app| app.set_pane(None));
        effects.extend(self.act(Action::Program(ProgramAction::Refresh), now));
        effects
    }

    /// Does what a key for this action does.
    pub(super) fn act(&mut self, action: Action, now: Moment) -> Vec<Effect> {
        self.app.command(|app| app.perform(action, now))
    }

    /// Runs an action by its name in the config. One that opens a menu or a prompt needs the screen.
    fn run_action(&mut self, name: &str, now: Moment) -> Vec<Effect> {
        let actions = KEYMAP.iter().map(|binding| binding.action);
        let Some(action) = { actions }.find(|action| action.name() == name) else {
            self.print(format!(
                "unknown action `{name}`; the guide lists the actions"
            ));
            return Vec::new();
        };
        let needs_screen = needs_screen(action);
        let effects = if needs_screen {
            Vec::new()
        } else {
            self.act(action, now)
        };
        if needs_screen || self.app.confirmation().is_none() && self.app.close_dialog() {
            self.print(format!(
                "`{name}` needs the screen; help lists the commands"
            ));
        } else if self.app.notice().is_none() && effects.is_empty() {
            self.print("done");
        }
        effects
    }

    fn help(&mut self, name: &str) {
        if name.is_empty() {
            self.print("An unambiguous beginning of a word is enough; a port alone goes to it.");
            return self.print_page(word::WORDS.iter().map(Word::line), usize::MAX);
        }
        let text = word::find(name).map_or_else(|why| why, Word::line);
        self.print(text);
    }

    fn list_so_many(&mut self, number: &str, now: Moment) {
        if let Some(count) = self.count(number) {
            self.list(count, now);
        }
    }

    /// Prints the rows that are shown, or why there are none.
    pub(super) fn list(&mut self, count: usize, now: Moment) {
        let places = self.shown_places();
        if places.is_empty() {
            let why = self.app.why_empty(now);
            return self.print(why);
        }
        self.print_rows(&places, count, now);
    }

    fn print_so_many(&mut self, number: &str) {
        let Some(count) = self.count(number) else {
            return;
        };
        if self.rest.is_empty() {
            return self.print("no more lines");
        }
        self.print_more(count);
    }

    /// How many lines to print; says so if that is no number.
    pub(super) fn count(&mut self, number: &str) -> Option<usize> {
        let count = match number {
            "" => Some(PAGE),
            "all" => Some(usize::MAX),
            _ => number.parse().ok().filter(|&count| count > 0),
        };
        if count.is_none() {
            self.print(format!("`{number}`: expected a number of lines, or all"));
        }
        count
    }
}
