//! Settings that were read again while the program runs.

use super::super::selection::Selection;
use super::super::{App, Effect, Pane, Settings, without};
use super::Effects;
use crate::model::Moment;

impl App {
    /// Takes settings that were read again. What is said otherwise than before counts from now on; what is said as
    /// before stays as the keys have made it since.
    pub(super) fn take_settings(&mut self, new: Settings, from: &str, now: Moment) -> Effects {
        let old = std::mem::replace(&mut self.as_read, new.clone());
        if new == old {
            self.tell(format!("read {from}: nothing new in it"), now);
            return Vec::new();
        }
        let opened = self.own_view.as_ref().map(|own| own.at);
        let opened = opened.and_then(|at| Some(old.views.get(at)?.name.clone()));
        self.leave_own_view();
        let effects = self.pace(&old, &new);
        self.follow_view(&old, &new);
        if new.stats != old.stats {
            self.show_stats(new.stats);
        }
        let (interval, mut themes) = (self.settings.interval, self.settings.themes.clone());
        follow(&mut themes, &old.themes, &new.themes);
        self.settings = Settings {
            interval,
            themes,
            ..new
        };
        self.open_again(&old, opened.as_deref());
        // What was found of a row may have hung on them.
        self.selection = Selection::new(self.criteria.clone());
        self.reselect(now);
        self.tell(format!("read {from}"), now);
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
        self.criteria.linger = new.linger;
        self.criteria.highlight = new.highlight;
        effects
    }

    /// Which rows and columns are shown, and in which order.
    fn follow_view(&mut self, old: &Settings, new: &Settings) {
        follow(&mut self.criteria.tab, &old.view, &new.view);
        follow(&mut self.criteria.tcp, &old.tcp, &new.tcp);
        follow(&mut self.criteria.udp, &old.udp, &new.udp);
        follow(&mut self.criteria.sort, &old.sort, &new.sort);
        if old.columns != new.columns {
            self.hidden_columns = without(&new.columns);
        }
        // Whoever made the settings has seen to it that there is room for the family.
        if let (Ok(was), Ok(is)) = (old.narrowed_filter(), new.narrowed_filter())
            && was != is
        {
            self.filter_text = is.to_string();
            self.filter_error = None;
            self.criteria.filter = is;
        }
    }

    /// The view of one's own that was open, if there still is one of that name, or the one that the file now begins
    /// with.
    fn open_again(&mut self, old: &Settings, opened: Option<&str>) {
        let views = &self.settings.views;
        let named = |name| views.iter().position(|view| view.name == name);
        let is_new = self.settings.own_view != old.own_view;
        let begins_with = self.settings.own_view.filter(|_| is_new);
        if let Some(at) = begins_with.or_else(|| opened.and_then(named)) {
            self.open_own_view(at);
        }
    }

    fn show_stats(&mut self, is_wanted: bool) {
        let are_shown = matches!(self.pane, Some(Pane::Stats));
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
