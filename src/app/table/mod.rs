//! The table: its rows and their order, its cursor, and its keys.

pub(crate) mod cursor;
mod find;
mod group_line;
pub(crate) mod group_notes;
mod groups;
pub(crate) mod marks;
mod namespaces;
mod sideways;
pub(crate) mod trouble;
pub(crate) mod view;
pub(crate) mod widths;

use std::sync::Arc;

use crate::app::dialogs::menu::Menu;
use crate::app::dialogs::prompt::{Prompt, Turn};
use crate::app::views::ViewId;
use crate::app::{App, Dialog, Effect, Pane, PromptKind, views};
use crate::columns::{self, ColumnId, ColumnList};
use crate::keymap::TableAction;
use crate::model::{Kinds, Moment, NamespaceScope, Protocol};
use crate::query::{Line, NamespaceFinder, Query, Selection, Tab};
use crate::settings::Settings;
use crate::track::{Row, Table};
use cursor::{Cursor, Step};
use find::Find;
use group_notes::GroupNotes;
use marks::Marks;
use namespaces::Scope;
use sideways::Side;
use trouble::TroubleLine;
use widths::Widths;

#[derive(Clone, Debug)]
pub(crate) struct TableView {
    pub table: Arc<Table>,
    pub criteria: Query,
    /// The namespaces of the command line.
    pub namespaces: NamespaceFinder,
    pub selection: Selection,
    pub cursor: Cursor,
    /// Who has the sockets of the groups in sight, and their peers.
    pub group_notes: GroupNotes,
    pub marks: Marks,
    pub scope: Scope,
    pub trouble_line: TroubleLine,
    /// What is being found.
    pub find: Option<Find>,
    /// Whether the cursor goes to the row of the newest event.
    pub is_following: bool,
    pub columns: ColumnList,
    pub widths: Widths,
    /// Cells by which the command lines are scrolled to the left.
    pub skipped: usize,
    /// Whether services and users are shown by name.
    pub names: bool,
    pub custom_view: Option<views::Opened>,
    /// Why the last attempt to read the sockets failed.
    pub failure: Option<String>,
    pub has_snapshot: bool,
}

impl TableView {
    pub fn new(settings: &Settings, uid: Option<u32>, now: Moment) -> Self {
        // `Settings` is validated: narrowing to one address family cannot exceed the filter's size limit.
        let filter = settings.narrowed_filter();
        let namespaces = NamespaceFinder::new(settings.namespaces.clone());
        let criteria = Query {
            tab: settings.view,
            kinds: settings.kinds,
            namespaces: namespaces.scope(),
            filter: filter.unwrap_or_else(|_| settings.filter.clone()),
            sort: settings.sort,
            linger: settings.linger,
            highlight: settings.highlight,
            uid,
            mine: None,
        };
        let mut selection = Selection::new(criteria.clone());
        selection.group_by(settings.group);
        Self {
            table: Arc::new(Table::empty(now)),
            selection,
            criteria,
            namespaces,
            cursor: Cursor::default(),
            group_notes: GroupNotes::default(),
            marks: Marks::default(),
            scope: Scope::default(),
            trouble_line: TroubleLine::default(),
            find: None,
            is_following: false,
            columns: ColumnList::of(&settings.columns),
            widths: Widths::default(),
            skipped: 0,
            names: true,
            custom_view: None,
            failure: None,
            has_snapshot: false,
        }
    }
}

impl App {
    /// The row under the cursor; `None` on a group.
    pub(crate) fn selected(&self) -> Option<&Row> {
        let id = self.rows.cursor.selected()?;
        match self.rows.selection.shown().line(self.rows.cursor.place())? {
            Line::Row(at) => Some(&*self.rows.table.rows[at]).filter(|row| row.id == id),
            Line::Group(_) => None,
        }
    }

    /// Filters and sorts the rows again; the cursor stays on its socket.
    pub(crate) fn reselect(&mut self, now: Moment) {
        let now = self.shown_at(now);
        let rows = &mut self.rows;
        rows.selection.update(&rows.criteria, &rows.table, now);
        rows.update_matches(now);
        let is_in_trouble = self.is_anything_in_trouble();
        self.rows.trouble_line.update(is_in_trouble, now);
        self.scroll_to_cursor();
    }

    /// Finds the namespaces of the command line in a new table, unless others were chosen since.
    pub(crate) fn find_namespaces(&mut self, now: Moment) {
        let rows = &mut self.rows;
        if rows.criteria.namespaces != rows.namespaces.scope() {
            return;
        }
        let was_missing = rows.namespaces.is_missing();
        let found = rows.namespaces.update(&rows.table);
        rows.criteria.namespaces = rows.namespaces.scope();
        if let Err(error) = found
            && !was_missing
        {
            self.report(error.to_string(), now);
        }
    }

    pub(crate) fn act_on_table(&mut self, action: TableAction, now: Moment) {
        match action {
            TableAction::GoTo => self.open_go_to(),
            TableAction::ToggleFollow => {
                self.rows.is_following = !self.rows.is_following;
                self.follow(self.log.len(), now);
            }
            TableAction::TogglePinned => self.toggle_pinned(now),
            TableAction::MarkRow => self.mark_row(now),
            TableAction::MarkAll => self.mark_all(now),
            TableAction::NextTrouble => self.go_to_next_trouble(now),
            TableAction::ShowTrouble => self.show_view(ViewId::Tab(Tab::Trouble), now),
            TableAction::NextView => self.cycle_view(1, now),
            TableAction::PreviousView => self.cycle_view(-1, now),
            TableAction::ToggleTcp => self.toggle_kind(Protocol::Tcp, now),
            TableAction::ToggleUdp => self.toggle_kind(Protocol::Udp, now),
            TableAction::NextNamespace => self.show_next_namespace(now),
            TableAction::ShowAllNamespaces => self.show_namespaces(NamespaceScope::All, now),
            TableAction::ShowOwnNamespace => self.show_namespaces(NamespaceScope::Own, now),
            TableAction::ChooseKinds => {
                self.dialog = Dialog::Menu(Menu::kinds(self.rows.criteria.kinds, 0));
            }
            TableAction::ChooseColumns => self.dialog = Dialog::Menu(self.columns_menu(0)),
            TableAction::ToggleNumbers => self.toggle_numbers(now),
            TableAction::EditFilter => {
                self.dialog = Dialog::Prompt(Prompt::new(PromptKind::Filter, &self.filter.text));
            }
            TableAction::RestoreFilter => self.restore_filter(now),
            TableAction::ChooseSort => self.open_sort_menu(),
            TableAction::Find => self.open_find(),
            TableAction::FindNext => self.step_match(Turn::On),
            TableAction::FindPrevious => self.step_match(Turn::Back),
            TableAction::SortByNext => self.sort_by_next(now),
            TableAction::ReverseSort => self.sort_by(self.rows.criteria.sort.by, now),
            TableAction::GroupByNext => self.group_by_next(now),
            TableAction::ChooseGroups => self.choose_groups(),
            TableAction::Right if self.open_group_at_cursor(now) => {}
            TableAction::Right => self.scroll_commands(Side::Right, now),
            // First back to the beginning of the command lines, then out of the group.
            TableAction::Left if self.skipped_cells() > 0 || !self.close_group_at_cursor(now) => {
                self.scroll_commands(Side::Left, now);
            }
            TableAction::Left => {}
            TableAction::ToggleNames => self.rows.names = !self.rows.names,
            TableAction::Copy => match self.acted_on_rows().as_slice() {
                [] => self.warn("no row is selected: nothing to copy", now),
                [row] => self.dialog = Dialog::Menu(Menu::copy(row, self.reachable(row))),
                rows => {
                    let rows = rows.iter().map(|row| (*row, self.reachable(row)));
                    self.dialog = Dialog::Menu(Menu::copy_all(&rows.collect::<Vec<_>>()));
                }
            },
            TableAction::Write => match self.written_rows().len() {
                0 => self.warn("no rows are shown: nothing to write", now),
                rows => {
                    let is_marked = !self.rows.marks.is_empty();
                    self.dialog = Dialog::Menu(Menu::write(rows, is_marked, self.is_live()));
                }
            },
        }
    }

    /// Shows or hides sockets of a protocol. Other than TCP and UDP, they are read only while shown.
    pub(crate) fn toggle_kind(&mut self, protocol: Protocol, now: Moment) {
        let kinds = self.rows.criteria.kinds.toggled(protocol);
        self.rows.criteria.kinds = kinds;
        self.reselect(now);
        if !Kinds::DEFAULT.has(protocol) {
            self.request(Effect::SetKinds(kinds));
        }
    }

    /// Moves the cursor for the user, which ends following.
    pub(crate) fn step(&mut self, step: Step) {
        self.rows.is_following = false;
        self.move_cursor(step);
    }

    pub(crate) fn move_cursor(&mut self, step: Step) {
        let (height, rows) = (self.rows_in_sight(), &mut self.rows);
        let listing = rows.selection.shown();
        rows.cursor.go(step, listing, &rows.table, height);
        if matches!(self.dock.pane, Some(Pane::Details)) {
            self.dock.scroll = 0;
            if let Some(focus) = &mut self.dock.focus {
                focus.line = 0;
            }
        }
    }

    /// Sorts by a column, the largest numbers first, or reverses the order if already sorted by it.
    pub(crate) fn sort_by(&mut self, column: ColumnId, now: Moment) {
        let sort = &mut self.rows.criteria.sort;
        sort.descending = if sort.by == column {
            !sort.descending
        } else {
            columns::column(column).is_largest_first()
        };
        sort.by = column;
        self.reselect(now);
    }

    fn sort_by_next(&mut self, now: Moment) {
        let columns = self.fitted_columns();
        let by = self.rows.criteria.sort.by;
        let at = columns.iter().position(|fitted| fitted.column.id == by);
        // A terminal of two cells has no room for a column.
        let next = at.and_then(|at| columns.get(at + 1)).or(columns.first());
        if let Some(next) = next {
            self.sort_by(next.column.id, now);
        }
    }

    /// Selects a row of the table. If it is not shown, all namespaces are shown, or else view and filter are reset first.
    pub(crate) fn show_row(&mut self, at: usize, now: Moment) {
        let namespace = self.rows.table.rows[at].socket.namespace_id();
        if !self.rows.criteria.namespaces.has(namespace) {
            self.show_namespaces(NamespaceScope::All, now);
        }
        if !self.rows.selection.shows(at) {
            self.leave_custom_view();
            self.rows.criteria.tab = Tab::All;
            self.rows.criteria.kinds = self.rows.criteria.kinds.and(Kinds::DEFAULT);
            self.clear_filter(now);
        }
        if self.size.is_compact() {
            // There is room only for the pane or the table.
            self.set_pane(None);
        }
        if let Some(place) = self.reveal(at, now) {
            self.step(Step::To(place));
        }
    }
}
