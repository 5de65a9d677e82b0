//! Settings that were read again while the program runs.

use crate::app::views::Arrangement;
use crate::app::{App, Effect, Pane};
use crate::columns::ColumnList;
use crate::model::Moment;
use crate::settings::{CustomView, Settings};
use crate::theme::Themes;

impl App {
    /// Applies the changes in settings that were read again. Unchanged settings keep what the keys have set since.
    pub(crate) fn reload(&mut self, new: Settings, from: &str, now: Moment) {
        let old = std::mem::replace(&mut self.config, new.clone());
        if new == old {
            self.report(format!("read {from}: nothing new in it"), now);
            return;
        }
        // The open custom view, as configured and as changed by keys since.
        let opened = self.rows.custom_view.as_ref();
        let opened = opened.and_then(|opened| old.views.get(opened.at)).cloned();
        let opened = opened.map(|view| (view, self.arrangement()));
        self.leave_custom_view();
        if new.interval != old.interval {
            self.settings.interval = new.interval;
            self.request(Effect::SetInterval(new.interval));
        }
        if new.linger != old.linger {
            self.request(Effect::SetLinger(new.linger));
        }
        if new.services != old.services {
            self.request(Effect::SetServices(new.services.clone()));
        }
        self.reload_view(&old, &new);
        if new.kinds != old.kinds {
            self.request(Effect::SetKinds(self.rows.criteria.kinds));
        }
        let shows_stats = matches!(self.dock.pane, Some(Pane::Stats));
        if new.stats != old.stats && new.stats != shows_stats {
            self.set_pane(new.stats.then_some(Pane::Stats));
        }
        if new.mouse != old.mouse {
            self.set_mouse(new.mouse);
        }
        let mouse = self.settings.mouse;
        let (interval, mut themes) = (self.settings.interval, self.settings.themes.clone());
        reload_themes(&mut themes, &old.themes, &new.themes);
        self.settings = Settings {
            interval,
            themes,
            mouse,
            ..new
        };
        self.reopen(&old, opened);
        // Data about a row may depend on them.
        self.rows.selection = self.rows.selection.restarted(self.rows.criteria.clone());
        self.reselect(now);
        self.report(format!("read {from}"), now);
    }

    fn reload_view(&mut self, old: &Settings, new: &Settings) {
        let criteria = &mut self.rows.criteria;
        (criteria.linger, criteria.highlight) = (new.linger, new.highlight);
        if old.first_view() != new.first_view() {
            criteria.tab = new.view;
        }
        if old.kinds != new.kinds {
            criteria.kinds = new.kinds;
        }
        if old.sort != new.sort {
            criteria.sort = new.sort;
        }
        if old.group != new.group {
            self.rows.selection.group_by(new.group);
        }
        if old.columns != new.columns {
            self.rows.columns = ColumnList::of(&new.columns);
        }
        // `Settings` is validated: narrowing to one address family cannot exceed the filter's size limit.
        if (&old.filter, old.family) != (&new.filter, new.family)
            && let Ok(filter) = new.narrowed_filter()
        {
            self.filter.text = filter.to_string();
            self.filter.error = None;
            criteria.filter = filter;
        }
    }

    /// Opens the config's first view if that changed, or else the custom view that was open, if it still exists by
    /// name.
    fn reopen(&mut self, old: &Settings, opened: Option<(CustomView, Arrangement)>) {
        if old.first_view() != self.settings.first_view() {
            if let Some(at) = self.settings.custom_view {
                self.open_custom_view(at);
            }
            return;
        }
        let Some((was, arrangement)) = opened else {
            return;
        };
        let mut views = self.settings.views.iter();
        if let Some(at) = views.position(|view| view.name == was.name) {
            self.open_custom_view(at);
            if self.settings.views[at] == was && self.settings.family == old.family {
                self.arrange(arrangement);
            }
        }
    }
}

/// If only other themes changed, a theme chosen by key stays, if it still exists.
fn reload_themes(shown: &mut Themes, old: &Themes, new: &Themes) {
    let chosen = shown.chosen().name.clone();
    shown.clone_from(new);
    if old.chosen().name == new.chosen().name {
        // An unknown name leaves the first one chosen.
        let _ = shown.choose(&chosen);
    }
}
