//! Commands that sum up: counts, groups, trouble, events.

use super::Session;
use super::rows::change_text;
use crate::model::{Moment, counted};
use crate::query::{Group, GroupBy, GroupFields, Grouping, Groups};

impl Session {
    /// Prints how many sockets there are of each kind.
    pub(super) fn print_counts(&mut self) {
        let counts = self.app.count_texts().chain(self.others_text());
        let counts: Vec<_> = counts.collect();
        self.print(counts.join(", "));
    }

    pub(super) fn status(&mut self) {
        self.print_counts();
        self.print_shown();
        if self.app.is_paused() {
            self.print("paused; resume continues");
        }
        if let Some(ports) = self.app.pinned_text() {
            self.print(format!("pinned {ports}"));
        }
        let failure = self.app.rows().failure.clone();
        let problems = self.app.shown_problems();
        let problems = problems.map(|problem| problem.message.to_string());
        let problems: Vec<_> = failure.into_iter().chain(problems).collect();
        for problem in problems {
            self.print(format!("problem: {problem}"));
        }
        let in_trouble = self.app.rows().selection.in_trouble().count();
        if in_trouble > 0 {
            let rows = counted(in_trouble, "row is", "rows are");
            self.print(format!("{rows} in trouble; trouble reads them"));
        }
    }

    /// Prints every row in trouble, whether the view shows it or not.
    pub(super) fn trouble(&mut self, now: Moment) {
        let places = self.app.rows().selection.in_trouble().map(|(at, _)| at);
        let places: Vec<_> = places.collect();
        let shortage = self
            .app
            .port_shortage()
            .map(|problem| problem.message.to_string());
        if places.is_empty() && shortage.is_none() {
            return self.print("no row is in trouble");
        }
        if let Some(shortage) = shortage {
            self.print(shortage);
        }
        self.print_rows(&places, super::PAGE, now);
    }

    /// Counts the rows shown by one or two fields.
    pub(super) fn group(&mut self, text: &str) {
        let words: Vec<_> = text
            .split([',', ' '])
            .filter(|word| !word.is_empty())
            .collect();
        let unknown = words.iter().find(|word| GroupBy::by_name(word).is_none());
        let fields: Vec<_> = words
            .iter()
            .filter_map(|word| GroupBy::by_name(word))
            .collect();
        let GroupFields { by, then } = match (unknown, GroupFields::of(&fields)) {
            (None, Ok(Some(fields))) => fields,
            (unknown, _) => {
                let names: Vec<_> = GroupBy::ALL.iter().map(|field| field.name()).collect();
                let unknown =
                    unknown.map_or_else(String::new, |word| format!("unknown field `{word}`; "));
                return self.print(format!(
                    "{unknown}group by one or two of: {}",
                    names.join(", ")
                ));
            }
        };
        let rows: Vec<_> = self
            .app
            .rows()
            .selection
            .shown()
            .rows(self.app.table())
            .collect();
        let grouping = Grouping {
            by,
            then,
            sort: None,
            reverse: false,
        };
        let groups = Groups::of(&rows, grouping);
        let lines = groups.innermost().map(|(outer, group)| {
            let outer = outer.map_or_else(String::new, |outer| format!("{}, ", key(outer)));
            format!("{outer}{}", group_text(group))
        });
        let lines: Vec<_> = lines.collect();
        let all = counted(lines.len(), "group", "groups");
        self.print(format!(
            "{all} of {}",
            counted(rows_len(&groups), "row", "rows")
        ));
        self.print_page(lines, super::PAGE);
    }

    /// Prints the latest changes that match the filter, the newest first.
    pub(super) fn events(&mut self, number: &str, now: Moment) {
        let Some(count) = self.count(number) else {
            return;
        };
        let rows = self.app.rows();
        let filter = rows.criteria.pass(self.app.shown_at(now));
        let mut filter = filter.with_flows(&rows.table.flows);
        let scope = self.app.rows().criteria.namespaces;
        let events = self.app.event_log().iter().rev();
        let matching = events.filter(|event| {
            scope.has(event.row.socket.namespace_id()) && filter.matches(&event.row)
        });
        let lines = matching.map(|event| {
            let at = self.app.clock(event.change.at.wall);
            let text = change_text(Some(&event.change.kind), &event.row, event.change.at);
            format!("{at} {text}")
        });
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() {
            return self.print("nothing has opened, changed or closed yet, or the filter hides it");
        }
        self.print_page(lines, count);
    }
}

fn rows_len(groups: &Groups) -> usize {
    groups.outer().map(|(group, _)| group.sum.sockets).sum()
}

/// `process node(812)`, `state ESTABLISHED`, `no unit`
fn key(group: &Group) -> String {
    let key = group.key.to_string();
    if key == "–" {
        return format!("no {}", group.by.name());
    }
    format!("{} {key}", group.by.name())
}

/// `process node(812): 12 sockets, 10 ESTABLISHED, 2 LISTEN`
fn group_text(group: &Group) -> String {
    let sockets = counted(group.sum.sockets, "socket", "sockets");
    let mut states: Vec<_> = group.sum.states().collect();
    states.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let states = states
        .iter()
        .map(|(state, count)| format!(", {count} {state}"));
    let states: String = states.collect();
    let states = if group.by == GroupBy::State {
        ""
    } else {
        &states
    };
    format!("{}: {sockets}{states}", key(group))
}
