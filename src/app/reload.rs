//! Settings that were read again while the program runs.

use crate::app::Effects;
use crate::app::views::Arrangement;
use crate::app::{App, Effect, Pane, without};
use crate::model::Moment;
use crate::query::Selection;
use crate::settings::{CustomView, Settings};
use crate::theme::Themes;

impl App {
    /// Takes settings that were read again. What is said otherwise than before counts from now on; what is said as
    /// before stays as the keys have made it since.
    pub(crate) fn take_settings(&mut self, new: Settings, from: &str, now: Moment) -> Effects {
        let old = std::mem::replace(&mut self.config, new.clone());
        if new == old {
            self.report(format!("read {from}: nothing new in it"), now);
            return Vec::new();
        }
        let opened = self.opened(&old);
        self.leave_custom_view();
        let mut effects = self.pace(&old, &new);
        self.follow_view(&old, &new);
        if new.kinds != old.kinds {
            effects.push(Effect::SetKinds(self.rows.criteria.kinds));
        }
        if new.stats != old.stats {
            self.show_stats(new.stats);
        }
        let (interval, mut themes) = (self.settings.interval, self.settings.themes.clone());
        follow_themes(&mut themes, &old.themes, &new.themes);
        self.settings = Settings {
            interval,
            themes,
            ..new
        };
        self.open_again(&old, opened);
        // What was found of a row may have hung on them.
        self.rows.selection = Selection::new(self.rows.criteria.clone());
        self.reselect(now);
        self.report(format!("read {from}"), now);
        effects
    }

    /// How often there is a reading, and how long what it finds stays.
    fn pace(&mut self, old: &Settings, new: &Settings) -> Effects {
        let mut effects = Vec::new();
        if new.interval != old.interval {
            self.settings.interval = new.interval;
            effects.push(Effect::SetInterval(new.interval));
        }
        if new.linger != old.linger {
            effects.push(Effect::SetLinger(new.linger));
        }
        self.rows.criteria.linger = new.linger;
        self.rows.criteria.highlight = new.highlight;
        effects
    }

    /// Which rows and columns are shown, and in which order.
    fn follow_view(&mut self, old: &Settings, new: &Settings) {
        if old.begins_with() != new.begins_with() {
            self.rows.criteria.tab = new.view;
        }
        follow(&mut self.rows.criteria.kinds, &old.kinds, &new.kinds);
        follow(&mut self.rows.criteria.sort, &old.sort, &new.sort);
        if old.columns != new.columns {
            self.rows.hidden_columns = without(&new.columns);
        }
        let asks = |settings: &Settings| (settings.filter.clone(), settings.family);
        // Whoever made the settings has seen to it that there is room for the family.
        if asks(old) != asks(new)
            && let Ok(filter) = new.narrowed_filter()
        {
            self.filter.text = filter.to_string();
            self.filter.error = None;
            self.rows.criteria.filter = filter;
        }
    }

    /// The view of one's own that is open, as the file had it and as the keys have made it since.
    fn opened(&self, old: &Settings) -> Option<(CustomView, Arrangement)> {
        let view = old.views.get(self.rows.custom_view.as_ref()?.at)?;
        Some((view.clone(), self.arrangement()))
    }

    /// The view that the file now begins with, if it began with another, or else the one of one's own that was open,
    /// if there still is one of that name.
    fn open_again(&mut self, old: &Settings, opened: Option<(CustomView, Arrangement)>) {
        if old.begins_with() != self.settings.begins_with() {
            if let Some(at) = self.settings.custom_view {
                self.open_custom_view(at);
            }
            return;
        }
        let Some((was, arrangement)) = opened else {
            return;
        };
        let named = |view: &CustomView| view.name == was.name;
        if let Some(at) = self.settings.views.iter().position(named) {
            self.open_custom_view(at);
            if self.settings.views[at] == was && self.settings.family == old.family {
                self.arrange(arrangement);
            }
        }
    }

    fn show_stats(&mut self, is_wanted: bool) {
        let are_shown = matches!(self.dock.pane, Some(Pane::Stats));
        if is_wanted != are_shown {
            self.set_pane(is_wanted.then_some(Pane::Stats));
        }
    }
}

/// What a key may have changed since: the new one, if it is new.
fn follow<T: PartialEq + Clone>(shown: &mut T, old: &T, new: &T) {
    if old != new {
        shown.clone_from(new);
    }
}

/// Themes may be new while the one to begin with is the same: then the one that a key chose stays, if it is still there.
fn follow_themes(shown: &mut Themes, old: &Themes, new: &Themes) {
    let chosen = shown.chosen().name.clone();
    shown.clone_from(new);
    if old.chosen().name == new.chosen().name {
        // One that is gone gives way to the one to begin with.
        let _ = shown.choose(&chosen);
    }
}
