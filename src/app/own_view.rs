//! Views of one's own: each takes its filter, its order and its columns along, and whoever leaves it finds those that
//! there were.

use super::selection::Sort;
use super::{Action, App, Tab, without};
use crate::columns::ColumnId;
use crate::filter::Filter;
use crate::model::Moment;

/// A view that a user has set up.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomView {
    /// What its tab says.
    pub name: String,
    /// The view that it begins from.
    pub shows: Tab,
    /// Its filter.
    pub filter: Filter,
    /// Its columns in their order, if they are others than usual.
    pub columns: Option<Vec<ColumnId>>,
    /// Its order, if it is another than usual.
    pub sort: Option<Sort>,
}

/// The view of one's own that is open.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// Its place among them.
    pub at: usize,
    /// What is in force again when it is left.
    before: Arrangement,
}

/// What each view has for itself, and the keys may change while it is open.
#[derive(Clone, Debug)]
pub(super) struct Arrangement {
    filter: Filter,
    filter_text: String,
    sort: Sort,
    hidden_columns: Vec<ColumnId>,
}

/// One of the tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A view that there always is.
    Tab(Tab),
    /// One of the user's own, by its place among them.
    Own(usize),
}

/// What shows each tab, in their order.
const ACTIONS: [Action; 9] = [
    Action::ShowView(0),
    Action::ShowView(1),
    Action::ShowView(2),
    Action::ShowView(3),
    Action::ShowView(4),
    Action::ShowView(5),
    Action::ShowView(6),
    Action::ShowView(7),
    Action::ShowView(8),
];

impl App {
    /// Every tab, in order.
    pub(super) fn places(&self) -> Vec<Place> {
        let always = Tab::ALL.map(Place::Tab).into_iter();
        let own = (0..self.settings.views.len()).map(Place::Own);
        always.chain(own).collect()
    }

    /// The tab that is shown.
    pub(super) fn place(&self) -> Place {
        let own = self.custom_view.as_ref().map(|own| Place::Own(own.at));
        own.unwrap_or(Place::Tab(self.criteria.tab))
    }

    /// A tab's key, if it has one, and its name.
    pub(super) fn tab_text(&self, place: Place) -> String {
        let at = self.places().iter().position(|&one| one == place);
        let action = at.and_then(|at| ACTIONS.get(at));
        let key = action.and_then(|&action| self.settings.keymap.key(action));
        let name = match place {
            Place::Tab(tab) => tab.title(),
            Place::Own(at) => self.settings.views.get(at).map_or("", |view| &view.name),
        };
        key.map_or_else(|| name.to_owned(), |key| format!("{key} {name}"))
    }

    /// The tab that an action stands for, if there is one.
    fn place_of(&self, action: Action) -> Option<Place> {
        let at = ACTIONS.iter().position(|&one| one == action)?;
        self.places().get(at).copied()
    }

    /// Whether an action stands for a tab that there is not.
    pub(super) fn lacks_place_of(&self, action: Action) -> bool {
        ACTIONS.contains(&action) && self.place_of(action).is_none()
    }

    /// The view of one's own that an action shows, if it shows one.
    pub(super) fn own_view_of(&self, action: Action) -> Option<&CustomView> {
        match self.place_of(action)? {
            Place::Tab(_) => None,
            Place::Own(at) => self.settings.views.get(at),
        }
    }

    /// Shows the tab that an action stands for; says so if there is none.
    pub(super) fn show_by(&mut self, action: Action, now: Moment) {
        match self.place_of(action) {
            Some(place) => self.show_place(place, now),
            None => self.warn(
                "there is no such view: [[views]] in the file of settings makes one (sockeye config)",
                now,
            ),
        }
    }

    pub(super) fn show_place(&mut self, place: Place, now: Moment) {
        self.leave_own_view();
        match place {
            Place::Tab(tab) => self.criteria.tab = tab,
            Place::Own(at) => self.open_own_view(at),
        }
        self.reselect(now);
    }

    pub(super) fn open_own_view(&mut self, at: usize) {
        let Some(view) = self.settings.views.get(at).cloned() else {
            return;
        };
        // Whoever made the settings has seen to it that there is room for the family.
        let filter = self.settings.narrowed(&view.filter).unwrap_or(view.filter);
        let before = self.arrangement();
        let hidden_columns = view.columns.as_deref().map(without);
        self.arrange(Arrangement {
            filter_text: filter.to_string(),
            filter,
            sort: view.sort.unwrap_or(before.sort),
            hidden_columns: hidden_columns.unwrap_or_else(|| before.hidden_columns.clone()),
        });
        self.criteria.tab = view.shows;
        self.custom_view = Some(Opened { at, before });
    }

    pub(super) fn leave_own_view(&mut self) {
        if let Some(opened) = self.custom_view.take() {
            self.arrange(opened.before);
        }
    }

    /// What the view that is open has for itself.
    pub(super) fn arrangement(&self) -> Arrangement {
        Arrangement {
            filter: self.criteria.filter.clone(),
            filter_text: self.filter_text.clone(),
            sort: self.criteria.sort,
            hidden_columns: self.hidden_columns.clone(),
        }
    }

    pub(super) fn arrange(&mut self, as_was: Arrangement) {
        self.criteria.filter = as_was.filter;
        self.criteria.sort = as_was.sort;
        self.filter_text = as_was.filter_text;
        self.filter_error = None;
        self.hidden_columns = as_was.hidden_columns;
    }

    /// The columns that were chosen, in their order: the open view's, or else those of the settings.
    pub(super) fn chosen_columns(&self) -> &[ColumnId] {
        let own = self.custom_view.as_ref();
        let own = own.and_then(|own| self.settings.views.get(own.at)?.columns.as_deref());
        own.unwrap_or(&self.settings.columns)
    }
}
