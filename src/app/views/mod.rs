//! Views of one's own: each takes its filter, its order and its columns along, and whoever leaves it finds those that
//! there were.

mod view;

use crate::app::{App, without};
use crate::columns::ColumnId;
use crate::filter::Filter;
use crate::keymap::Action;
use crate::model::Moment;
use crate::query::Sort;
use crate::query::Tab;
use crate::settings::CustomView;

/// The view of one's own that is open.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// Its place among them.
    pub at: usize,
    /// What is in force again when it is left.
    before: Arrangement,
}

/// What each view has for itself, and the keys may change while it is open.
#[derive(Clone, Debug)]
pub(crate) struct Arrangement {
    filter: Filter,
    filter_text: String,
    sort: Sort,
    hidden_columns: Vec<ColumnId>,
}

/// One of the tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewId {
    /// A view that there always is.
    Tab(Tab),
    /// One of the user's own, by its place among them.
    Custom(usize),
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
    pub(crate) fn view_ids(&self) -> Vec<ViewId> {
        let always = Tab::ALL.map(ViewId::Tab).into_iter();
        let own = (0..self.settings.views.len()).map(ViewId::Custom);
        always.chain(own).collect()
    }

    /// The tab that is shown.
    pub(crate) fn current_view(&self) -> ViewId {
        let own = self
            .rows
            .custom_view
            .as_ref()
            .map(|own| ViewId::Custom(own.at));
        own.unwrap_or(ViewId::Tab(self.rows.criteria.tab))
    }

    /// A tab's key, if it has one, and its name.
    pub(crate) fn tab_text(&self, place: ViewId) -> String {
        let at = self.view_ids().iter().position(|&one| one == place);
        let action = at.and_then(|at| ACTIONS.get(at));
        let key = action.and_then(|&action| self.settings.keymap.key(action));
        let name = match place {
            ViewId::Tab(tab) => tab.title(),
            ViewId::Custom(at) => self.settings.views.get(at).map_or("", |view| &view.name),
        };
        key.map_or_else(|| name.to_owned(), |key| format!("{key} {name}"))
    }

    /// The tab that an action stands for, if there is one.
    fn place_of(&self, action: Action) -> Option<ViewId> {
        let at = ACTIONS.iter().position(|&one| one == action)?;
        self.view_ids().get(at).copied()
    }

    /// Whether an action stands for a tab that there is not.
    pub(crate) fn lacks_place_of(&self, action: Action) -> bool {
        ACTIONS.contains(&action) && self.place_of(action).is_none()
    }

    /// The view of one's own that an action shows, if it shows one.
    pub(crate) fn custom_view_of(&self, action: Action) -> Option<&CustomView> {
        match self.place_of(action)? {
            ViewId::Tab(_) => None,
            ViewId::Custom(at) => self.settings.views.get(at),
        }
    }

    /// Shows the tab that an action stands for; says so if there is none.
    pub(crate) fn show_by(&mut self, action: Action, now: Moment) {
        match self.place_of(action) {
            Some(place) => self.show_place(place, now),
            None => self.warn(
                "there is no such view: [[views]] in the file of settings makes one (sockeye config)",
                now,
            ),
        }
    }

    pub(crate) fn show_place(&mut self, place: ViewId, now: Moment) {
        self.leave_custom_view();
        match place {
            ViewId::Tab(tab) => self.rows.criteria.tab = tab,
            ViewId::Custom(at) => self.open_custom_view(at),
        }
        self.reselect(now);
    }

    pub(crate) fn open_custom_view(&mut self, at: usize) {
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
        self.rows.criteria.tab = view.shows;
        self.rows.custom_view = Some(Opened { at, before });
    }

    pub(crate) fn leave_custom_view(&mut self) {
        if let Some(opened) = self.rows.custom_view.take() {
            self.arrange(opened.before);
        }
    }

    /// What the view that is open has for itself.
    pub(crate) fn arrangement(&self) -> Arrangement {
        Arrangement {
            filter: self.rows.criteria.filter.clone(),
            filter_text: self.filter.text.clone(),
            sort: self.rows.criteria.sort,
            hidden_columns: self.rows.hidden_columns.clone(),
        }
    }

    pub(crate) fn arrange(&mut self, as_was: Arrangement) {
        self.rows.criteria.filter = as_was.filter;
        self.rows.criteria.sort = as_was.sort;
        self.filter.text = as_was.filter_text;
        self.filter.error = None;
        self.rows.hidden_columns = as_was.hidden_columns;
    }

    /// The columns that were chosen, in their order: the open view's, or else those of the settings.
    pub(crate) fn chosen_columns(&self) -> &[ColumnId] {
        let own = self.rows.custom_view.as_ref();
        let own = own.and_then(|own| self.settings.views.get(own.at)?.columns.as_deref());
        own.unwrap_or(&self.settings.columns)
    }

    pub(crate) fn cycle_view(&mut self, by: usize, now: Moment) {
        let (places, shown) = (self.view_ids(), self.current_view());
        let at = places.iter().position(|&place| place == shown);
        self.show_place(places[(at.unwrap_or(0) + by) % places.len()], now);
    }
}
