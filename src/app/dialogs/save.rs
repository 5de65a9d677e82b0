//! Saves the settings that keys and menus changed: first the difference to the config file, then a question.
//!
//! Only the runtime reads and writes the file.

use crate::app::dialogs::Sheet;
use crate::app::dialogs::end_process::{scrolled, wrapped};
use crate::app::layout::Size;
use crate::app::view::{Line, Role};
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

/// Whether to save these settings.
#[derive(Clone, Debug)]
pub(crate) struct SaveQuestion {
    save: Box<Save>,
    /// The first visible line.
    pub scroll: usize,
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
            let text = format!("nothing to save: these are the settings of {}", save.path);
            self.report(text, now);
        } else if matches!(self.dialog, Dialog::None) {
            let save = Box::new(save);
            self.dialog = Dialog::Save(SaveQuestion { save, scroll: 0 });
        }
    }

    /// Handles keys while the question is open; an action that neither scrolls nor confirms means no.
    pub(crate) fn act_on_save(&mut self, action: Action, now: Moment) {
        if let Action::Move(action) = action {
            return self.move_in_question(action);
        }
        let Dialog::Save(question) = std::mem::replace(&mut self.dialog, Dialog::None) else {
            return;
        };
        if action == Action::Dialog(DialogAction::Confirm) {
            self.notify(NoticeKind::Pending, "writing the config…", now);
            self.request(Effect::Save(question.save));
        }
    }
}

/// The file, and the difference: for each key its value there and the one it would get. Nothing is cut.
pub(crate) fn sheet(question: &SaveQuestion, size: Size, height: usize) -> Sheet {
    let columns = size.overlay_width();
    let save = &question.save;
    let of = |text: String, role| wrapped([text], role, columns);
    let mut lines = of(
        format!("Save these settings in {}?", save.path),
        Role::Strong,
    );
    lines.push(Line::new());
    for change in &save.changes {
        let Change { key, before, after } = change;
        lines.extend(of(format!("- {key} = {before}"), Role::Dim));
        lines.extend(of(format!("+ {key} = {after}"), Role::Good));
    }
    lines.push(Line::new());
    lines.extend(of("Everything else in the file stays.".into(), Role::Dim));
    scrolled(Sheet::of("save", lines), question.scroll, size, height)
}
