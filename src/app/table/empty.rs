//! One sentence for a table without rows.

use crate::app::App;
use crate::app::notices::slow_notice::{LONG, no_answer};
use crate::app::views::ViewId;
use crate::keymap::Action;
use crate::keymap::TableAction;
use crate::model::{Moment, Problem, ProblemCode};
use crate::query::Tab;

impl App {
    /// Why there may be sockets though there are no rows: a part of the table could not be read.
    fn unread(&self) -> Option<&Problem> {
        let mut problems = self.rows.table.problems.iter();
        let wants_others_alone = self.rows.criteria.kinds.optional() == self.rows.criteria.kinds;
        let is_unread = |problem: &&Problem| match problem.code {
            ProblemCode::TableUnreadable => true,
            ProblemCode::NotListed => wants_others_alone,
            _ => false,
        };
        problems.find(is_unread)
    }

    /// One sentence for a table without rows.
    pub(crate) fn why_empty(&self, now: Moment) -> String {
        if !self.rows.has_snapshot {
            // Until there is a table, its age is that of the program.
            let age = self.rows.table.taken_at.age(now);
            return match &self.rows.failure {
                Some(why) => why.clone(),
                None if age < LONG => "Reading the sockets…".into(),
                None => format!("Reading the sockets… {}", no_answer(age)),
            };
        }
        if let Some(problem) = self.unread() {
            return problem.message.to_string();
        }
        let counts = self.rows.selection.counts();
        let elsewhere: Vec<_> = Tab::ALL
            .iter()
            .zip(counts.by_tab)
            .filter(|(tab, count)| **tab != self.rows.criteria.tab && *count > 0)
            .map(|(&tab, count)| format!("{} has {count}", self.tab_text(ViewId::Tab(tab))))
            .collect();
        let elsewhere = if elsewhere.is_empty() {
            String::new()
        } else {
            format!(" {}.", elsewhere.join(", "))
        };
        if self.switched_off().next().is_some() {
            let keys: Vec<_> = self.switched_off().filter_map(|(_, key)| key).collect();
            let remedy = match &keys[..] {
                [] => String::new(),
                [one] => format!(": {one} brings it back"),
                keys => format!(": {} bring it back", keys.join(" and ")),
            };
            return format!("Nothing to show with a protocol off{remedy}.{elsewhere}");
        }
        let others = self
            .rows
            .criteria
            .filter
            .kinds()
            .without(self.rows.criteria.kinds);
        if let Some(other) = others.iter().next() {
            let key = self
                .settings
                .keymap
                .key(Action::Table(TableAction::ChooseKinds));
            let remedy = key.map_or(String::new(), |key| format!(": {key} chooses the kinds"));
            let name = other.name();
            return format!("{name} sockets are not read{remedy}.{elsewhere}");
        }
        if self.rows.criteria.filter.is_empty() {
            return match self.rows.criteria.tab {
                Tab::Listening => format!("Nothing listens.{elsewhere}"),
                Tab::Connections => format!("No connections.{elsewhere}"),
                Tab::All => "No sockets.".into(),
                Tab::Changes => format!("Nothing has changed yet.{elsewhere}"),
            };
        }
        let all = counts.unfiltered;
        let back = self.settings.keymap.key(Action::Back);
        let remedy = back.map_or(String::new(), |key| format!(" {key} shows all {all}."));
        format!(
            "Nothing matches `{}`.{remedy}{elsewhere}",
            self.rows.criteria.filter
        )
    }
}
