//! Finds rows by a text without hiding the others: the cursor goes from match to match.
//!
//! The text is a filter, so whatever can be filtered by can be found. It is typed in a prompt; afterwards, in
//! [`Mode::Matches`](crate::keymap::Mode::Matches), keys go on until Esc.

use crate::app::dialogs::prompt::{Prompt, Turn};
use crate::app::table::TableView;
use crate::app::table::cursor::{Cursor, Step};
use crate::app::view::{Line, Role, line_width, span};
use crate::app::{App, Dialog, PromptKind};
use crate::columns::cut;
use crate::filter::{Context, Filter};
use crate::keymap::{Action, DialogAction, Mode, TableAction};
use crate::model::{Moment, counted};
use crate::query;

/// The most cells of the text in the footer.
const MAX_SHOWN: usize = 24;

/// A text that is searched among the rows shown.
#[derive(Clone, Debug)]
pub(crate) struct Find {
    text: String,
    /// The text, or its last valid version.
    filter: Filter,
    /// Where the cursor was before.
    from: Cursor,
    /// The places of the matching lines, in order.
    places: Vec<usize>,
}

impl Find {
    fn new(from: Cursor) -> Self {
        Self {
            text: String::new(),
            filter: Filter::default(),
            from,
            places: Vec::new(),
        }
    }

    pub fn matches(&self, place: usize) -> bool {
        self.places.binary_search(&place).is_ok()
    }

    /// The first match at this place or after it; after the last comes the first.
    fn first_from(&self, place: usize) -> Option<usize> {
        let at = self.places.partition_point(|&one| one < place);
        self.places.get(at).or(self.places.first()).copied()
    }

    /// The last match before this place; before the first comes the last.
    fn last_before(&self, place: usize) -> Option<usize> {
        let at = self.places.partition_point(|&one| one < place);
        let before = at.checked_sub(1).and_then(|at| self.places.get(at));
        before.or(self.places.last()).copied()
    }

    /// `match 3 of 12`, or how many there are if the cursor is on none of them.
    fn position_text(&self, place: usize) -> String {
        let all = self.places.len();
        match self.places.binary_search(&place) {
            Ok(at) => format!("match {} of {all}", at + 1),
            Err(_) if all == 0 => "no match".to_owned(),
            Err(_) => counted(all, "match", "matches"),
        }
    }
}

impl TableView {
    /// Finds the matching lines again: the text or the lines have changed.
    pub fn update_matches(&mut self, now: Moment) {
        let Some(find) = &mut self.find else {
            return;
        };
        find.places.clear();
        if find.filter.is_empty() {
            return;
        }
        let context = Context {
            now,
            highlight: self.criteria.highlight,
            uid: self.criteria.uid,
        };
        let mut pass = find.filter.pass(&context).with_flows(&self.table.flows);
        let listing = self.selection.shown();
        let mut matches = |at: usize| pass.matches(&self.table.rows[at]);
        let lines = listing.lines_from(0).enumerate();
        let matching = lines.filter(|(_, line)| match *line {
            query::Line::Row(at) => matches(at),
            // A closed group matches by any of its rows, so that they can be found.
            query::Line::Group(at) => {
                let is_open = listing.group_id(at).is_some_and(|id| listing.is_open(&id));
                !is_open && listing.rows_of(&listing.groups()[at]).any(&mut matches)
            }
        });
        find.places = matching.map(|(place, _)| place).collect();
    }
}

impl App {
    pub(crate) fn open_find(&mut self) {
        if self.size.is_compact() {
            // There is room only for the pane or the table.
            self.set_pane(None);
        }
        self.rows.find = Some(Find::new(self.rows.cursor.clone()));
        self.dialog = Dialog::Prompt(Prompt::new(PromptKind::Find, ""));
    }

    /// Searches the text being typed, and goes to its first match from where the cursor was before. Without a match the
    /// cursor returns there; if the text is no filter yet, it stays.
    pub(crate) fn try_find(&mut self, now: Moment) {
        let (Dialog::Prompt(prompt), Some(find)) = (&self.dialog, &mut self.rows.find) else {
            return;
        };
        match Filter::parse_with(prompt.text(), &self.settings.services) {
            Err(error) => self.filter.error = Some(error),
            Ok(filter) => {
                self.filter.error = None;
                prompt.text().trim().clone_into(&mut find.text);
                find.filter = filter;
                let from = find.from.clone();
                let at = self.shown_at(now);
                self.rows.update_matches(at);
                self.rows.cursor = from;
                self.scroll_to_cursor();
                let place = self.rows.cursor.place();
                let find = self.rows.find.as_ref();
                if let Some(place) = find.and_then(|find| find.first_from(place)) {
                    self.step(Step::To(place));
                }
            }
        }
    }

    /// Goes to the next match or the one before.
    pub(crate) fn step_match(&mut self, turn: Turn) {
        let place = self.rows.cursor.place();
        let next = self.rows.find.as_ref().and_then(|find| match turn {
            Turn::On => find.first_from(place + 1),
            Turn::Back => find.last_before(place),
        });
        if let Some(place) = next {
            self.step(Step::To(place));
        }
    }

    /// Handles keys while the text is typed.
    pub(crate) fn act_in_find(&mut self, action: Action, now: Moment) {
        if action == Action::Back {
            self.cancel_find();
        } else if action == Action::Dialog(DialogAction::Accept) {
            self.confirm_find();
        } else if action == Action::Table(TableAction::FindNext) {
            self.step_match(Turn::On);
        } else if action == Action::Table(TableAction::FindPrevious) {
            self.step_match(Turn::Back);
        } else if action == Action::Dialog(DialogAction::CompleteNext) {
            self.complete(Turn::On, now);
        } else if action == Action::Dialog(DialogAction::CompletePrevious) {
            self.complete(Turn::Back, now);
        }
    }

    /// The cursor goes back to where it was before.
    fn cancel_find(&mut self) {
        self.dialog = Dialog::None;
        self.filter.error = None;
        if let Some(find) = self.rows.find.take() {
            self.rows.cursor = find.from;
            self.scroll_to_cursor();
        }
    }

    /// Closes the prompt; the cursor stays, and the matches stay marked. With an error in the text it stays open.
    fn confirm_find(&mut self) {
        if let Dialog::Prompt(prompt) = &mut self.dialog {
            prompt.completing = None;
        }
        if self.filter.error.is_none() {
            self.dialog = Dialog::None;
            self.rows.find.take_if(|find| find.filter.is_empty());
        }
    }

    /// The matches are no longer marked; the cursor stays.
    pub(crate) fn end_find(&mut self) {
        self.rows.find = None;
        self.scroll_to_cursor();
    }

    /// `match 3 of 12`; `None` if nothing is searched.
    pub(crate) fn match_text(&self) -> Option<String> {
        let find = self.rows.find.as_ref()?;
        let is_searched = !find.filter.is_empty();
        is_searched.then(|| find.position_text(self.rows.cursor.place()))
    }

    /// The line at the bottom between two matches: what is found, and the keys that go on.
    pub(crate) fn matches_line(&self, columns: usize) -> Option<Line> {
        let find = self.rows.find.as_ref();
        let find = find.filter(|_| self.mode() == Mode::Matches)?;
        let position = self.match_text()?;
        let mut line = vec![
            span(" find ", Role::Dim),
            span(cut(&find.text, MAX_SHOWN.min(columns / 4)), Role::Accent),
            span(format!("  {position} "), Role::Strong),
        ];
        // Those that fit, the first ones first: each is a key, its word and a gap.
        let mut hints = self.hints(Mode::Matches, usize::MAX);
        while hints.len() > 3 && line_width(&line) + line_width(&hints) > columns {
            hints.truncate(hints.len() - 3);
        }
        line.extend(hints);
        Some(line)
    }
}
