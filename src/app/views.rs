//! The views: the built-in ones, and custom ones from the config. A custom view has its own filter, order and columns;
//! leaving it restores the previous ones.

use crate::app::App;
use crate::app::view::{CellView, Click, Role, span};
use crate::columns::{ColumnList, width};
use crate::filter::Filter;
use crate::keymap::{Action, TableAction};
use crate::model::Moment;
use crate::query::{Sort, Tab};

#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub at: usize,
    /// The state to restore when leaving it.
    before: Arrangement,
}

/// Per-view state, which keys may change while the view is open.
#[derive(Clone, Debug)]
pub(crate) struct Arrangement {
    pub filter: Filter,
    filter_text: String,
    pub sort: Sort,
    pub columns: ColumnList,
}

/// One of the tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewId {
    /// A built-in view.
    Tab(Tab),
    /// A view of the config, by its index there.
    Custom(usize),
}

/// Cells that the tabs after the first four leave to the filter and the count.
const FILTER_ROOM: usize = 20;

impl App {
    /// All of them: first those with a digit as their key, then the one of rows in trouble.
    pub(crate) fn view_ids(&self) -> Vec<ViewId> {
        let custom = (0..self.settings.views.len()).map(ViewId::Custom);
        let numbered = Tab::NUMBERED.map(ViewId::Tab).into_iter();
        let trouble = [ViewId::Tab(Tab::Trouble)];
        numbered.chain(custom).chain(trouble).collect()
    }

    /// Those that have a tab: the one of rows in trouble while the line about trouble is there, or while it is open.
    fn views_with_tab(&self) -> Vec<ViewId> {
        let mut views = self.view_ids();
        let trouble = ViewId::Tab(Tab::Trouble);
        if !self.rows.trouble_line.is_shown() && self.current_view() != trouble {
            views.retain(|&view| view != trouble);
        }
        views
    }

    pub(crate) fn current_view(&self) -> ViewId {
        match &self.rows.custom_view {
            Some(opened) => ViewId::Custom(opened.at),
            None => ViewId::Tab(self.rows.criteria.tab),
        }
    }

    /// The view that a digit shows.
    pub(crate) fn view_at(&self, place: u8) -> Option<ViewId> {
        let view = self.view_ids().get(usize::from(place)).copied();
        view.filter(|&view| view != ViewId::Tab(Tab::Trouble))
    }

    /// The action that shows a view.
    fn show_action(&self, view: ViewId) -> Option<Action> {
        if view == ViewId::Tab(Tab::Trouble) {
            return Some(Action::Table(TableAction::ShowTrouble));
        }
        let place = self.view_ids().iter().position(|&one| one == view)?;
        u8::try_from(place).ok().map(Action::ShowView)
    }

    pub(crate) fn view_name(&self, view: ViewId) -> &str {
        match view {
            ViewId::Tab(tab) => tab.title(),
            ViewId::Custom(at) => self.settings.views.get(at).map_or("", |view| &view.name),
        }
    }

    /// A tab's key, if it has one, and its name.
    pub(crate) fn tab_text(&self, view: ViewId) -> String {
        let key = self.show_action(view).and_then(|action| self.key(action));
        let name = self.view_name(view);
        key.map_or_else(|| name.to_owned(), |key| format!("{key} {name}"))
    }

    pub(crate) fn show_view_at(&mut self, place: u8, now: Moment) {
        let Some(view) = self.view_at(place) else {
            let text = format!(
                "no view {}; add [[views]] to the config file (sockeye config shows how)",
                place + 1
            );
            return self.warn(text, now);
        };
        self.show_view(view, now);
    }

    pub(crate) fn show_view(&mut self, view: ViewId, now: Moment) {
        self.leave_custom_view();
        match view {
            ViewId::Tab(tab) => self.rows.criteria.tab = tab,
            ViewId::Custom(at) => self.open_custom_view(at),
        }
        self.reselect(now);
    }

    pub(crate) fn cycle_view(&mut self, by: isize, now: Moment) {
        let views = self.views_with_tab();
        let shown = self.current_view();
        let at = views.iter().position(|&view| view == shown).unwrap_or(0) + views.len();
        self.show_view(views[at.saturating_add_signed(by) % views.len()], now);
    }

    pub(crate) fn open_custom_view(&mut self, at: usize) {
        let Some(view) = self.settings.views.get(at).cloned() else {
            return;
        };
        // `Settings` is validated: narrowing to one address family cannot exceed the filter's size limit.
        let filter = self.settings.narrowed(&view.filter).unwrap_or(view.filter);
        let before = self.arrangement();
        let columns = view.columns.as_deref().map(ColumnList::of);
        self.arrange(Arrangement {
            filter_text: filter.to_string(),
            filter,
            sort: view.sort.unwrap_or(before.sort),
            columns: columns.unwrap_or_else(|| before.columns.clone()),
        });
        self.rows.criteria.tab = view.shows;
        self.rows.custom_view = Some(Opened { at, before });
    }

    pub(crate) fn leave_custom_view(&mut self) {
        if let Some(opened) = self.rows.custom_view.take() {
            self.arrange(opened.before);
        }
    }

    pub(crate) fn arrangement(&self) -> Arrangement {
        Arrangement {
            filter: self.rows.criteria.filter.clone(),
            filter_text: self.filter.text.clone(),
            sort: self.rows.criteria.sort,
            columns: self.rows.columns.clone(),
        }
    }

    /// The state of the built-in views, also while a custom one is open.
    pub(crate) fn arrangement_of_tabs(&self) -> Arrangement {
        let opened = self.rows.custom_view.as_ref();
        opened.map_or_else(|| self.arrangement(), |opened| opened.before.clone())
    }

    pub(crate) fn arrange(&mut self, arrangement: Arrangement) {
        self.rows.criteria.filter = arrangement.filter;
        self.rows.criteria.sort = arrangement.sort;
        self.filter.text = arrangement.filter_text;
        self.filter.error = None;
        self.rows.columns = arrangement.columns;
    }

    /// The visible tabs: the built-in views with a digit, and as many others as fit beside the filter. The current view always
    /// has a tab, if needed in place of others.
    pub(crate) fn tab_views(&self) -> Vec<CellView> {
        let mut visible = Vec::new();
        for (place, id) in self.views_with_tab().into_iter().enumerate() {
            if place >= Tab::NUMBERED.len() && !self.has_room_for(&visible, id) {
                break;
            }
            visible.push(id);
        }
        let shown = self.current_view();
        if !visible.contains(&shown) {
            while !visible.is_empty() && !self.has_room_for(&visible, shown) {
                visible.pop();
            }
            visible.push(shown);
        }
        let mut x = 0;
        let tabs = visible.into_iter().map(|id| {
            let is_chosen = id == shown;
            let role = if is_chosen { Role::Accent } else { Role::Dim };
            let tab = CellView {
                x,
                text: span(format!(" {} ", self.tab_text(id)), role).text,
                role,
                is_chosen,
                click: Some(Click::Show(id)),
            };
            x += u16::try_from(width(&tab.text)).unwrap_or(0);
            tab
        });
        tabs.collect()
    }

    fn has_room_for(&self, others: &[ViewId], next: ViewId) -> bool {
        let tabs = others.iter().chain([&next]);
        let cells: usize = tabs.map(|&tab| width(&self.tab_text(tab)) + 2).sum();
        cells + FILTER_ROOM <= usize::from(self.size.width) + 1
    }
}
