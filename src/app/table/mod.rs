//! What the keys do in the table.

pub(crate) mod cursor;
mod empty;
pub(crate) mod view;

use std::sync::Arc;

use crate::app::Effects;
use crate::app::dialogs::menu::Menu;
use crate::app::dialogs::prompt::{Prompt, PromptKind};
use crate::app::table::cursor::Step;
use crate::app::{App, Dialog, Effect, NoticeKind, Pane};
use crate::app::{views, without};
use crate::columns::ColumnId;
use crate::keymap::Action;
use crate::keymap::{
    BindTestAction, MoveAction, PaneAction, PortAction, ProgramAction, TableAction,
};
use crate::model::{Kinds, Moment, Protocol};
use crate::query::Tab;
use crate::query::{Criteria, Selection};
use crate::settings::Settings;
use crate::track::Table;
use cursor::Cursor;

/// The table on the screen: what it shows, in which order, and where the cursor is.
#[derive(Clone, Debug)]
pub(crate) struct TableView {
    pub table: Arc<Table>,
    pub criteria: Criteria,
    /// The rows shown.
    pub selection: Selection,
    pub cursor: Cursor,
    /// Whether the cursor goes to the row of the newest event.
    pub is_following: bool,
    pub hidden_columns: Vec<ColumnId>,
    /// Whether services and users are shown by name.
    pub names: bool,
    /// The custom view that is open.
    pub custom_view: Option<views::Opened>,
    /// Why the last attempt to read the sockets failed.
    pub failure: Option<String>,
    pub has_snapshot: bool,
}

impl TableView {
    /// An empty table that shows what the settings say.
    pub fn new(settings: &Settings, uid: Option<u32>, now: Moment) -> Self {
        // `Settings` is validated: narrowing to one address family cannot exceed the filter's size limit.
        let filter = settings.narrowed_filter();
        let criteria = Criteria {
            tab: settings.view,
            kinds: settings.kinds,
            filter: filter.unwrap_or_else(|_| settings.filter.clone()),
            sort: settings.sort,
            linger: settings.linger,
            highlight: settings.highlight,
            uid,
        };
        Self {
            table: Arc::new(Table::empty(now)),
            selection: Selection::new(criteria.clone()),
            criteria,
            cursor: Cursor::default(),
            is_following: false,
            hidden_columns: without(&settings.columns),
            names: true,
            custom_view: None,
            failure: None,
            has_snapshot: false,
        }
    }
}

impl App {
    pub(crate) fn act(&mut self, action: Action, now: Moment) -> Effects {
        use Action as A;
        let page = isize::try_from(self.rows_in_sight().max(2) - 1).unwrap_or(isize::MAX);
        match action {
            A::Move(MoveAction::Down) => self.step(Step::By(1)),
            A::Move(MoveAction::Up) => self.step(Step::By(-1)),
            A::Move(MoveAction::PageDown) => self.step(Step::By(page)),
            A::Move(MoveAction::PageUp) => self.step(Step::By(-page)),
            A::Move(MoveAction::Top) => self.step(Step::First),
            A::Move(MoveAction::Bottom) => self.step(Step::Last),
            A::Table(TableAction::GoTo) => self.begin_to_go(),
            A::Table(TableAction::ToggleFollow) => self.toggle_follow(),
            A::Table(TableAction::TogglePinned) => self.toggle_marked(now),
            A::ShowView(0)
            | A::ShowView(1)
            | A::ShowView(2)
            | A::ShowView(3)
            | A::ShowView(4)
            | A::ShowView(5)
            | A::ShowView(6)
            | A::ShowView(7)
            | A::ShowView(8) => self.show_by(action, now),
            A::Table(TableAction::NextView) => self.cycle_view(1, now),
            A::Table(TableAction::PreviousView) => self.cycle_view(self.view_ids().len() - 1, now),
            A::Table(TableAction::ToggleTcp) => return self.toggle_kind(Protocol::Tcp, now),
            A::Table(TableAction::ToggleUdp) => return self.toggle_kind(Protocol::Udp, now),
            A::Table(TableAction::ChooseKinds) => {
                self.dialog = Dialog::Menu(Menu::kinds(self.rows.criteria.kinds, 0))
            }
            A::Table(TableAction::SortByNext) => self.sort_by_next(now),
            A::Table(TableAction::ReverseSort) => self.sort_by(self.rows.criteria.sort.by, now),
            A::Table(TableAction::ToggleNames) => self.rows.names = !self.rows.names,
            A::Table(TableAction::EditFilter) => {
                self.dialog = Dialog::Prompt(Prompt::new(PromptKind::Filter, &self.filter.text));
            }
            A::Table(TableAction::RestoreFilter) => self.restore_filter(now),
            _ if !self.can_act_here(action) => {
                self.warn(
                    "this is a recording: nothing can be done about what it shows",
                    now,
                );
            }
            A::Port(PortAction::BindTestAny) => {
                self.dialog = Dialog::Prompt(Prompt::new(PromptKind::Target, ""));
            }
            A::Table(TableAction::ChooseColumns) => {
                self.dialog = Dialog::Menu(Menu::columns(&self.rows.hidden_columns, 0))
            }
            A::Program(ProgramAction::NextTheme) => self.choose_next_theme(now),
            A::Program(ProgramAction::OpenPalette) => {
                self.dialog = Dialog::Palette(self.new_palette())
            }
            A::Program(ProgramAction::ToggleHelp) => self.dialog = Dialog::Help { scroll: 0 },
            A::Pane(PaneAction::ToggleDetails) => self.toggle_pane(Pane::Details),
            A::Pane(PaneAction::ToggleEvents) => self.toggle_pane(Pane::Events),
            A::Pane(PaneAction::ToggleStats) => self.toggle_pane(Pane::Stats),
            A::Pane(PaneAction::Down) => {
                self.stop_following_in_pane();
                self.dock.scroll = self.dock.scroll.saturating_add(1);
            }
            A::Pane(PaneAction::Up) => {
                self.stop_following_in_pane();
                self.dock.scroll = self.dock.scroll.min(self.last_pane_scroll(now));
                self.dock.scroll = self.dock.scroll.saturating_sub(1);
            }
            A::Back => self.go_back(now),
            _ => return self.request_effect(action, now),
        }
        Vec::new()
    }

    /// Actions that need more than the program's own state.
    pub(crate) fn request_effect(&mut self, action: Action, now: Moment) -> Effects {
        match action {
            Action::Port(PortAction::BindTest) => self.bind_test_selected(now),
            Action::BindTest(BindTestAction::Watch)
            | Action::CopyFix
            | Action::BindTest(BindTestAction::EndBlocker)
            | Action::BindTest(BindTestAction::GoToBlocker) => self.act_in_bind_test(action, now),
            Action::Port(PortAction::FindFreePort) => {
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
                self.notify(NoticeKind::Pending, doing, now);
                vec![Effect::FindFreePort { from }]
            }
            Action::Port(PortAction::EndProcess) => self.ask_to_end(now),
            Action::Table(TableAction::Copy) => {
                match self.selected() {
                    Some(row) => self.dialog = Dialog::Menu(Menu::copy(row)),
                    None => self.warn("no row is selected: nothing to copy", now),
                }
                Vec::new()
            }
            Action::Table(TableAction::Write) => {
                match self.rows.selection.shown().len() {
                    0 => self.warn("no rows are shown: nothing to write", now),
                    rows => self.dialog = Dialog::Menu(Menu::write(rows)),
                }
                Vec::new()
            }
            Action::Program(ProgramAction::ReadSettings) => {
                self.notify(NoticeKind::Pending, "reading the settings…".into(), now);
                vec![Effect::ReadSettings]
            }
            Action::Program(ProgramAction::TogglePause) => self.toggle_pause(now),
            Action::Program(ProgramAction::Refresh) => self.refresh(now),
            Action::Program(ProgramAction::Slower) => self.change_interval(1, now),
            Action::Program(ProgramAction::Faster) => self.change_interval(-1, now),
            _ => Vec::new(),
        }
    }

    /// Shows sockets of a protocol, or no longer. Those beside TCP and UDP are read only while they are shown.
    pub(crate) fn toggle_kind(&mut self, protocol: Protocol, now: Moment) -> Effects {
        self.rows.criteria.kinds = self.rows.criteria.kinds.toggled(protocol);
        self.reselect(now);
        if Kinds::DEFAULT.has(protocol) {
            return Vec::new();
        }
        vec![Effect::SetKinds(self.rows.criteria.kinds)]
    }

    /// Nothing can be done about what a recording shows.
    pub(crate) const fn can_act_here(&self, action: Action) -> bool {
        !(self.environment.is_recording && concerns_this_machine(action))
    }

    /// The user moves the cursor, which then follows nothing any more.
    pub(crate) fn step(&mut self, step: Step) {
        self.rows.is_following = false;
        self.move_cursor(step);
    }

    pub(crate) fn move_cursor(&mut self, step: Step) {
        let height = self.rows_in_sight();
        self.rows
            .cursor
            .go(step, &self.rows.table, self.rows.selection.shown(), height);
        if matches!(self.dock.pane, Some(Pane::Details)) {
            self.dock.scroll = 0;
        }
    }

    /// Sorts by a column, or the other way round if it is the one already.
    pub(crate) fn sort_by(&mut self, column: ColumnId, now: Moment) {
        let sort = &mut self.rows.criteria.sort;
        sort.descending = sort.by == column && !sort.descending;
        sort.by = column;
        self.reselect(now);
    }

    pub(crate) fn sort_by_next(&mut self, now: Moment) {
        let columns = self.fitted_columns(now);
        let at = columns
            .iter()
            .position(|fitted| fitted.column.id == self.rows.criteria.sort.by);
        // A terminal of two cells has room for no column.
        let next = at.and_then(|at| columns.get(at + 1)).or(columns.first());
        if let Some(next) = next {
            self.sort_by(next.column.id, now);
        }
    }

    /// Selects a row of the table; where it is not shown, the view and the filter give way.
    pub(crate) fn show_row(&mut self, at: usize, now: Moment) {
        if !self.rows.selection.shows(at) {
            self.leave_custom_view();
            self.rows.criteria.tab = Tab::All;
            self.rows.criteria.kinds = self.rows.criteria.kinds.and(Kinds::DEFAULT);
            self.clear_filter(now);
        }
        if self.size.is_compact() {
            // There is room for the pane or for the table.
            self.set_pane(None);
        }
        if let Some(place) = self
            .rows
            .selection
            .shown()
            .iter()
            .position(|&index| index == at)
        {
            self.step(Step::To(place));
        }
    }
}

/// Whether an action acts on this machine's ports and processes.
const fn concerns_this_machine(action: Action) -> bool {
    matches!(
        action,
        Action::Port(PortAction::BindTest)
            | Action::Port(PortAction::BindTestAny)
            | Action::Port(PortAction::FindFreePort)
            | Action::Port(PortAction::EndProcess)
    )
}
