//! Saves the settings that keys and menus changed: first the difference to the config file, then a question.
//!
//! Only the runtime reads and writes the file.

use crate::app::dialogs::Sheet;
use crate::app::layout::Size;
use crate::app::view::{Line, Role, cut_line, span};
use crate::app::views::ViewId;
use crate::app::{App, Dialog, Effect, NoticeKind, Pane};
use crate::keymap::{Action, DialogAction};
use crate::model::Moment;
use crate::settings::{Change, Settings};

/// What would be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    /// The config file.
    pub path: String,
    /// The keys whose values differ from those of the file.
    pub changes: Vec<Change>,
    /// The settings.
    pub settings: Settings,
}

impl App {
    /// The settings that would begin the program as it is now.
    fn current_settings(&self) -> Settings {
        let arrangement = self.arrangement_of_tabs();
        let (view, custom_view) = match self.current_view() {
            ViewId::Tab(tab) => (tab, None),
            ViewId::Custom(at) => (self.settings.view, Some(at)),
        };
        let mut settings = Settings {
            view,
            custom_view,
            kinds: self.rows.criteria.kinds,
            sort: arrangement.sort,
            columns: arrangement.columns.shown().map(|one| one.id).collect(),
            group: self.rows.selection.shown().fields(),
            stats: matches!(self.dock.pane, Some(Pane::Stats)),
            ..self.settings.clone()
        };
        // A filter that is only narrowed to a family is not the user's.
        if self.settings.narrowed_filter().as_ref() != Ok(&arrangement.filter) {
            settings.filter = arrangement.filter;
        }
        settings
    }

    /// Compares the settings with the config file.
    pub(crate) fn prepare_save(&mut self, now: Moment) {
        self.notify(NoticeKind::Pending, "reading the config…", now);
        let settings = self.current_settings();
        self.request(Effect::PrepareSave(Box::new(settings)));
    }

    pub(crate) fn receive_difference(&mut self, save: Save, now: Moment) {
        self.notices.current = None;
        if save.changes.is_empty() {
            let text = format!("nothing to save: {} has these settings", save.path);
            self.report(text, now);
        } else if matches!(self.dialog, Dialog::None) {
            self.dialog = Dialog::Save(Box::new(save));
        }
    }

    /// Handles keys while the question is open; any other action means no.
    pub(crate) fn act_on_save(&mut self, action: Action, now: Moment) {
        let Dialog::Save(save) = std::mem::replace(&mut self.dialog, Dialog::None) else {
            return;
        };
        if action == Action::Dialog(DialogAction::Confirm) {
            self.notify(NoticeKind::Pending, "writing the config…", now);
            self.request(Effect::Save(save));
        }
    }
}

/// The difference, a line for each key, and the file.
pub(super) fn sheet(save: &Save, size: Size) -> Sheet {
    let columns = size.overlay_width();
    let mut lines = vec![vec![
        span("Save these settings in ", Role::Plain),
        span(save.path.clone(), Role::Strong),
        span("?", Role::Plain),
    ]];
    lines.push(Line::new());
    for change in &save.changes {
        lines.push(vec![span(
            format!("- {} = {}", change.key, change.before),
            Role::Dim,
        )]);
        lines.push(vec![span(
            format!("+ {} = {}", change.key, change.after),
            Role::Good,
        )]);
    }
    lines.push(Line::new());
    lines.push(vec![span("Everything else in the file stays.", Role::Dim)]);
    let lines = lines.into_iter().map(|line| cut_line(line, columns));
    Sheet::of("save", lines.collect())
}
