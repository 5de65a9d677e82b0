//! What keys and clicks do with groups: choose the fields, open, close, go to a row in a closed group.

use crate::app::App;
use crate::app::Dialog;
use crate::app::dialogs::menu::Menu;
use crate::app::table::cursor::Step;
use crate::keymap::{Action, PaneAction};
use crate::model::Moment;
use crate::query::{Group, GroupBy, GroupFields, GroupId, Line, LineId};
use crate::track::Row;

/// What one key after the other groups by, before none. The last one is [`GroupBy::Container`] if there are containers.
const CYCLE: [GroupBy; 5] = [
    GroupBy::Process,
    GroupBy::Port,
    GroupBy::Peer,
    GroupBy::State,
    GroupBy::Unit,
];

impl App {
    /// The group on this line, with its index in the listing.
    pub(crate) fn group_on_line(&self, place: usize) -> Option<(usize, &Group)> {
        let listing = self.rows.selection.shown();
        match listing.line(place)? {
            Line::Group(at) => Some((at, listing.groups().get(at)?)),
            Line::Row(_) => None,
        }
    }

    /// The group under the cursor, with its index in the listing.
    pub(crate) fn group_at_cursor(&self) -> Option<(usize, &Group)> {
        self.group_on_line(self.rows.cursor.place())
    }

    /// The rows of the selected line: the row, or all rows of the group.
    pub(crate) fn rows_at_cursor(&self) -> Vec<&Row> {
        let listing = self.rows.selection.shown();
        let table = &self.rows.table;
        match self.group_at_cursor() {
            Some((_, group)) => {
                let rows = listing.rows_of(group);
                rows.map(|at| &*table.rows[at]).collect()
            }
            None => self.selected().into_iter().collect(),
        }
    }

    /// Groups by other fields. The cursor stays with its row, or with the first row of its group.
    pub(crate) fn group_by(&mut self, fields: Option<GroupFields>, now: Moment) {
        let first = || self.rows_at_cursor().first().map(|row| row.id);
        if let Some(id) = self.rows.cursor.last_row().or_else(first) {
            self.rows.cursor.set_selected(LineId::Row(id));
        }
        self.rows.selection.group_by(fields);
        self.reselect(now);
    }

    /// Groups by the next field, after the last one by none.
    pub(crate) fn group_by_next(&mut self, now: Moment) {
        let fields = self.rows.selection.fields();
        let by = fields.map(|fields| fields.by);
        let place = |by: GroupBy| {
            let by = if by == GroupBy::Container {
                GroupBy::Unit
            } else {
                by
            };
            CYCLE.iter().position(|&one| one == by)
        };
        let next = match by {
            None => CYCLE.first(),
            // After a field that the key doesn't reach there is none.
            Some(by) => place(by).and_then(|place| CYCLE.get(place + 1)),
        };
        let mut rows = self.rows.table.rows.iter();
        let by = next.map(|&by| match by {
            GroupBy::Unit if rows.any(|row| row.socket.container_name().is_some()) => {
                GroupBy::Container
            }
            by => by,
        });
        self.group_by(by.map(GroupFields::one), now);
    }

    /// Opens the menu of fields.
    pub(crate) fn choose_groups(&mut self) {
        self.dialog = Dialog::Menu(Menu::groups(self.rows.selection.fields()));
    }

    /// Groups by a field chosen in the menu, and offers a second one.
    pub(crate) fn group_by_chosen(&mut self, by: Option<GroupBy>, now: Moment) {
        let fields = self.rows.selection.fields();
        self.group_by(by.map(GroupFields::one), now);
        if let Some(by) = by {
            let then = fields.filter(|fields| fields.by == by);
            self.dialog = Dialog::Menu(Menu::inner_groups(by, then.and_then(|one| one.then)));
        }
    }

    /// Opens the group under the cursor. Returns whether there is one.
    pub(crate) fn open_group_at_cursor(&mut self, now: Moment) -> bool {
        let Some((at, _)) = self.group_at_cursor() else {
            return false;
        };
        self.open_or_close(at, true, now);
        true
    }

    /// Closes the group under the cursor, or the one that the row or the closed group is in; the cursor goes there.
    /// Returns whether there was one to close.
    pub(crate) fn close_group_at_cursor(&mut self, now: Moment) -> bool {
        let listing = self.rows.selection.shown();
        let group = match listing.line(self.rows.cursor.place()) {
            Some(Line::Row(at)) => listing.groups_of_row(at).pop(),
            Some(Line::Group(at)) => listing.group_id(at).and_then(|group| {
                let is_open = listing.is_open(&group);
                if is_open { Some(group) } else { group.parent() }
            }),
            None => None,
        };
        let Some(group) = group else { return false };
        self.set_open(group.clone(), false, now);
        self.go_to_group(group);
        true
    }

    /// Opens the group on a line if it is closed, or else closes it.
    pub(crate) fn toggle_group(&mut self, place: usize, now: Moment) {
        if let Some((at, _)) = self.group_on_line(place) {
            self.step(Step::To(place));
            self.open_or_close(at, !self.is_open(at), now);
        }
    }

    /// Whether the group of this index in the listing is open.
    pub(crate) fn is_open(&self, group: usize) -> bool {
        let listing = self.rows.selection.shown();
        let id = listing.group_id(group);
        id.is_some_and(|id| listing.is_open(&id))
    }

    fn open_or_close(&mut self, group: usize, is_open: bool, now: Moment) {
        let Some(id) = self.rows.selection.shown().group_id(group) else {
            return;
        };
        self.rows.is_following = false;
        self.set_open(id, is_open, now);
        self.scroll_to_cursor();
    }

    /// The lines below the group get other places, and so do the matches of what is being found.
    fn set_open(&mut self, group: GroupId, is_open: bool, now: Moment) {
        self.rows.selection.set_open(group, is_open);
        let now = self.shown_at(now);
        self.rows.update_matches(now);
    }

    fn go_to_group(&mut self, group: GroupId) {
        let listing = self.rows.selection.shown();
        let place = listing.place(&LineId::Group(group), &self.rows.table);
        if let Some(place) = place {
            self.step(Step::To(place));
        }
    }

    /// The place of the row of this index in the table. The groups that it is in are opened.
    pub(crate) fn reveal(&mut self, at: usize, now: Moment) -> Option<usize> {
        for group in self.rows.selection.shown().groups_of_row(at) {
            if !self.rows.selection.shown().is_open(&group) {
                self.set_open(group, true, now);
            }
        }
        self.rows.selection.shown().place_of_row(at)
    }

    /// What a key does on a group in place of its action, as a word for its hint.
    pub(crate) fn action_on_group(&self, action: Action) -> Option<&'static str> {
        let (at, _) = self.group_at_cursor()?;
        let is_of_details = action == Action::Pane(PaneAction::ToggleDetails);
        let word = if self.is_open(at) { "close" } else { "open" };
        is_of_details.then_some(word)
    }

    /// Opens or closes the group under the cursor in place of the details; returns whether there is one.
    pub(crate) fn toggle_group_at_cursor(&mut self, now: Moment) -> bool {
        let place = self.rows.cursor.place();
        let is_group = self.group_at_cursor().is_some();
        self.toggle_group(place, now);
        is_group
    }
}
