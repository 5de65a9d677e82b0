//! The sentence for a table without rows.

use crate::app::App;
use crate::app::notices::slow_notice::{LONG, no_answer};
use crate::app::views::ViewId;
use crate::keymap::{Action, TableAction};
use crate::model::{Moment, ProblemCode};
use crate::query::Tab;

impl App {
    /// Why there are no rows.
    pub(crate) fn why_empty(&self, now: Moment) -> String {
        if !self.rows.has_snapshot {
            return self.why_no_snapshot(now);
        }
        if let Some(message) = self.unread() {
            return message;
        }
        let (keymap, criteria) = (&self.settings.keymap, &self.rows.criteria);
        let elsewhere = self.rows_elsewhere();
        if self.hidden_protocols().next().is_some() {
            let remedy = match &self.keys_of_hidden_protocols()[..] {
                [] => String::new(),
                [one] => format!(": {one} shows it again"),
                keys => format!(": {} show them again", keys.join(" and ")),
            };
            return format!("No rows while a protocol is off{remedy}.{elsewhere}");
        }
        let unread = criteria.filter.kinds().without(criteria.kinds);
        if let Some(other) = unread.iter().next() {
            let key = keymap.key(Action::Table(TableAction::ChooseKinds));
            let remedy = key.map_or(String::new(), |key| format!(": {key} chooses the kinds"));
            return format!("{} sockets are not read{remedy}.{elsewhere}", other.name());
        }
        if criteria.filter.is_empty() {
            return match criteria.tab {
                Tab::Listening => format!("Nothing is listening.{elsewhere}"),
                Tab::Connections => format!("No connections.{elsewhere}"),
                Tab::All => "No sockets.".into(),
                Tab::Changes => format!("Nothing has changed yet.{elsewhere}"),
            };
        }
        let all = self.rows.selection.counts().unfiltered;
        let back = keymap.key(Action::Back);
        let remedy = back.map_or(String::new(), |key| format!(" {key} shows all {all}."));
        format!("Nothing matches `{}`.{remedy}{elsewhere}", criteria.filter)
    }

    fn why_no_snapshot(&self, now: Moment) -> String {
        // Before the first table, its age is that of the program.
        let age = self.rows.table.taken_at.age(now);
        match &self.rows.failure {
            Some(why) => why.clone(),
            None if age < LONG => "Reading the sockets…".into(),
            None => format!("Reading the sockets… {}", no_answer(age)),
        }
    }

    /// The message of a problem that can be the reason: a part of the table is unreadable.
    fn unread(&self) -> Option<String> {
        let kinds = self.rows.criteria.kinds;
        let mut problems = self.rows.table.problems.iter();
        let unread = problems.find(|problem| match problem.code {
            ProblemCode::TableUnreadable => true,
            ProblemCode::NotListed => kinds.optional() == kinds,
            _ => false,
        });
        unread.map(|problem| problem.message.to_string())
    }

    /// ` 2 Connections has 400, 3 All has 400.`
    fn rows_elsewhere(&self) -> String {
        let counts = Tab::ALL
            .into_iter()
            .zip(self.rows.selection.counts().by_tab);
        let others = counts.filter(|&(tab, count)| tab != self.rows.criteria.tab && count > 0);
        let others =
            others.map(|(tab, count)| format!("{} has {count}", self.tab_text(ViewId::Tab(tab))));
        let others: Vec<_> = others.collect();
        if others.is_empty() {
            String::new()
        } else {
            format!(" {}.", others.join(", "))
        }
    }
}
