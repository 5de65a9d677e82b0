//! What the keys do in the table.

use super::super::asking::Menu;
use super::super::cursor::Step;
use super::super::prompt::{Prompt, PromptKind};
use super::super::question::Question;
use super::super::view::duration_text;
use super::super::{Action, App, Effect, Modal, News, Pane};
use super::Effects;
use crate::columns::ColumnId;
use crate::model::{Holder, Kinds, Moment, Protocol};

impl App {
    pub(super) fn act(&mut self, action: Action, now: Moment) -> Effects {
        use Action as A;
        let page = isize::try_from(self.rows_in_sight().max(2) - 1).unwrap_or(isize::MAX);
        match action {
            A::Down => self.step(Step::By(1)),
            A::Up => self.step(Step::By(-1)),
            A::PageDown => self.step(Step::By(page)),
            A::PageUp => self.step(Step::By(-page)),
            A::Top => self.step(Step::First),
            A::Bottom => self.step(Step::Last),
            A::GoTo => self.begin_to_go(),
            A::ToggleFollow => self.toggle_follow(),
            A::ToggleMarked => self.toggle_marked(now),
            A::ShowListening
            | A::ShowConnections
            | A::ShowAll
            | A::ShowChanges
            | A::ShowFifth
            | A::ShowSixth
            | A::ShowSeventh
            | A::ShowEighth
            | A::ShowNinth => self.show_by(action, now),
            A::NextView => self.show_neighbour(1, now),
            A::PreviousView => self.show_neighbour(self.places().len() - 1, now),
            A::ToggleTcp => return self.toggle_kind(Protocol::Tcp, now),
            A::ToggleUdp => return self.toggle_kind(Protocol::Udp, now),
            A::ChooseKinds => self.modal = Modal::Menu(Menu::kinds(self.criteria.kinds, 0)),
            A::SortByNext => self.sort_by_next(now),
            A::ReverseSort => self.sort_by(self.criteria.sort.by, now),
            A::ToggleNames => self.names = !self.names,
            A::EditFilter => {
                self.modal = Modal::Prompt(Prompt::new(PromptKind::Filter, &self.filter_text));
            }
            A::RestoreFilter => self.restore_filter(now),
            _ if !self.can_act_here(action) => {
                self.warn(
                    "this is a recording: nothing can be done about what it shows",
                    now,
                );
            }
            A::BindTestAny => {
                self.modal = Modal::Prompt(Prompt::new(PromptKind::Target, ""));
            }
            A::ChooseColumns => self.modal = Modal::Menu(Menu::columns(&self.hidden_columns, 0)),
            A::NextTheme => self.choose_next_theme(now),
            A::OpenPalette => self.modal = Modal::Palette(self.new_palette()),
            A::ToggleHelp => self.modal = Modal::Help { scroll: 0 },
            A::ToggleDetails => self.toggle_pane(Pane::Details),
            A::ToggleEvents => self.toggle_pane(Pane::Events),
            A::ToggleStats => self.toggle_pane(Pane::Stats),
            A::PaneDown => {
                self.stop_following_in_pane();
                self.pane_scroll = self.pane_scroll.saturating_add(1);
            }
            A::PaneUp => {
                self.stop_following_in_pane();
                self.pane_scroll = self.pane_scroll.min(self.last_pane_scroll(now));
                self.pane_scroll = self.pane_scroll.saturating_sub(1);
            }
            A::Back => self.go_back(now),
            _ => return self.ask_the_world(action, now),
        }
        Vec::new()
    }

    /// Actions that need more than the program's own state.
    pub(super) fn ask_the_world(&mut self, action: Action, now: Moment) -> Effects {
        match action {
            Action::Port(crate::keymap::PortAction::BindTest) => self.bind_test_selected(now),
            Action::BindTest(crate::keymap::BindTestAction::Watch) | Action::CopyFix | Action::BindTest(crate::keymap::BindTestAction::EndBlocker) | Action::BindTest(crate::keymap::BindTestAction::GoToBlocker) => {
                self.act_in_bind_test(action, now)
            }
            Action::Port(crate::keymap::PortAction::FindFreePort) => {
                let from = match self.selected().map(|row| &row.socket) {
                    None => 8080,
                    Some(socket) if socket.protocol.has_ports() => socket.local.port,
                    Some(socket) => {
                        let kind = socket.protocol.name();
                        let why = format!("a {kind} socket has no port to find a free one near");
                        self.warn(why, now);
                        return Vec::new();
                    }
                };
                let doing = format!("looking for a free port above {from}…");
                self.notify(News::Pending, doing, now);
                vec![Effect::FindFreePort { from }]
            }
            Action::Port(crate::keymap::PortAction::EndProcess) => self.ask_to_end(now),
            Action::Table(crate::keymap::TableAction::Copy) => {
                match self.selected() {
                    Some(row) => self.modal = Modal::Menu(Menu::copy(row)),
                    None => self.warn("no row is selected: nothing to copy", now),
                }
                Vec::new()
            }
            Action::Table(crate::keymap::TableAction::Write) => {
                match self.selection.shown().len() {
                    0 => self.warn("no rows are shown: nothing to write", now),
                    rows => self.modal = Modal::Menu(Menu::write(rows)),
                }
                Vec::new()
            }
            Action::Program(crate::keymap::ProgramAction::ReadSettings) => {
                self.notify(News::Pending, "reading the settings…".into(), now);
                vec![Effect::ReadSettings]
            }
            Action::Program(crate::keymap::ProgramAction::TogglePause) => self.toggle_pause(now),
            Action::Program(crate::keymap::ProgramAction::Refresh) => self.refresh(now),
            Action::Program(crate::keymap::ProgramAction::Slower) => self.change_interval(1, now),
            Action::Program(crate::keymap::ProgramAction::Faster) => self.change_interval(-1, now),
            _ => Vec::new(),
        }
    }

    /// Shows sockets of a protocol, or no longer. Those beside TCP and UDP are read only while they are shown.
    pub(super) fn toggle_kind(&mut self, protocol: Protocol, now: Moment) -> Effects {
        self.criteria.kinds = self.criteria.kinds.toggled(protocol);
        self.reselect(now);
        if Kinds::DEFAULT.has(protocol) {
            return Vec::new();
        }
        vec![Effect::SetKinds(self.criteria.kinds)]
    }

    /// Nothing can be done about what a recording shows.
    pub(in crate::app) const fn can_act_here(&self, action: Action) -> bool {
        !(self.surroundings.is_recording && concerns_this_machine(action))
    }

    /// The user moves the cursor, which then follows nothing any more.
    pub(super) fn step(&mut self, step: Step) {
        self.is_following = false;
        self.move_cursor(step);
    }

    pub(super) fn move_cursor(&mut self, step: Step) {
        let height = self.rows_in_sight();
        self.cursor
            .go(step, &self.table, self.selection.shown(), height);
        if matches!(self.pane, Some(Pane::Details)) {
            self.pane_scroll = 0;
        }
    }

    pub(super) fn show_neighbour(&mut self, by: usize, now: Moment) {
        let (places, shown) = (self.places(), self.place());
        let at = places.iter().position(|&place| place == shown);
        self.show_place(places[(at.unwrap_or(0) + by) % places.len()], now);
    }

    /// Sorts by a column, or the other way round if it is the one already.
    pub(super) fn sort_by(&mut self, column: ColumnId, now: Moment) {
        let sort = &mut self.criteria.sort;
        sort.descending = sort.by == column && !sort.descending;
        sort.by = column;
        self.reselect(now);
    }

    pub(super) fn sort_by_next(&mut self, now: Moment) {
        let columns = self.fitted_columns(now);
        let at = columns
            .iter()
            .position(|fitted| fitted.column.id == self.criteria.sort.by);
        // A terminal of two cells has room for no column.
        let next = at.and_then(|at| columns.get(at + 1)).or(columns.first());
        if let Some(next) = next {
            self.sort_by(next.column.id, now);
        }
    }

    pub(super) fn toggle_pane(&mut self, pane: Pane) {
        let is_open = self
            .pane
            .as_ref()
            .is_some_and(|open| std::mem::discriminant(open) == std::mem::discriminant(&pane));
        self.set_pane((!is_open).then_some(pane));
    }

    pub(super) fn set_pane(&mut self, pane: Option<Pane>) {
        self.pane = pane;
        self.pane_scroll = 0;
        self.scroll_to_cursor();
    }

    pub(super) fn go_back(&mut self, now: Moment) {
        if self.pane.is_some() {
            self.set_pane(None);
        } else {
            self.clear_filter(now);
        }
    }

    /// Steps through a fixed row of intervals, from 100 ms to a minute.
    pub(super) fn change_interval(&mut self, by: isize, now: Moment) -> Effects {
        const MILLIS: [u64; 9] = [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
        let millis = u64::try_from(self.settings.interval.as_millis()).unwrap_or(u64::MAX);
        let next = if by > 0 {
            MILLIS.iter().find(|&&one| one > millis)
        } else {
            MILLIS.iter().rev().find(|&&one| one < millis)
        };
        let Some(&next) = next else { return Vec::new() };
        self.settings.interval = std::time::Duration::from_millis(next);
        self.tell(
            format!("every {}", duration_text(self.settings.interval)),
            now,
        );
        vec![Effect::SetInterval(self.settings.interval)]
    }

    pub(super) fn ask_to_end(&mut self, now: Moment) -> Effects {
        let Some(row) = self.selected() else {
            self.warn("no row is selected", now);
            return Vec::new();
        };
        let (holder, is_closed) = (Holder::new(row.socket.clone()), row.is_closed());
        let known = (&*self.table, &self.surroundings.lineage);
        let asked = Question::end_owner(&holder, is_closed, known, self.inspection + 1);
        self.ask(asked, now)
    }

    /// Opens a question, and has read what is behind the owners that it is about.
    pub(super) fn ask(&mut self, asked: Result<Question, String>, now: Moment) -> Effects {
        match asked {
            Ok(question) => {
                self.inspection = question.job;
                let (job, socket) = (question.job, Box::new(question.socket().clone()));
                self.modal = Modal::Question(Box::new(question));
                vec![Effect::InspectOwner { job, socket }]
            }
            Err(why) => {
                self.warn(why, now);
                Vec::new()
            }
        }
    }
}

/// Whether an action acts on this machine's ports and processes.
const fn concerns_this_machine(action: Action) -> bool {
    matches!(
        action,
        Action::Port(crate::keymap::PortAction::BindTest) | Action::Port(crate::keymap::PortAction::BindTestAny) | Action::Port(crate::keymap::PortAction::FindFreePort) | Action::Port(crate::keymap::PortAction::EndProcess)
    )
}
