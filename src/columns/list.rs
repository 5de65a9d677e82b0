//! Which columns a table has, and in which order: every column has its place in the list, also while it is hidden.

use super::{ALL, COUNTED, Column, ColumnId, column, default_columns};

/// Every column, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnList(Vec<(ColumnId, Shown)>);

/// Whether a column is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// If a row has a text there, and as far as there is room.
    ByDefault,
    /// As the user chose it: it outranks the others for room.
    ByChoice,
    /// Not at all.
    Hidden,
}

impl ColumnList {
    /// These columns in their order, then the others, which are hidden if they can be. A list of at most half of the default
    /// columns chooses these; a longer one only hides the others, so that hiding a few, saving and reading the list again
    /// changes nothing for the rest. Columns that need counters don't count for that, and have their usual place.
    pub fn of(listed: &[ColumnId]) -> Self {
        let listed_defaults = default_columns().filter(|one| listed.contains(&one.id));
        let is_choice = listed_defaults.count() * 2 <= default_columns().count();
        let mut list: Vec<(ColumnId, Shown)> = Vec::new();
        let all = ALL.iter().map(|column| column.id);
        for id in listed.iter().copied().chain(all) {
            if list.iter().any(|(one, _)| *one == id) {
                continue;
            }
            let is_listed = listed.contains(&id);
            if id.needs_counters() && !is_listed {
                continue;
            }
            let shown = if is_listed && is_choice {
                Shown::ByChoice
            } else if is_listed || !column(id).is_optional() {
                Shown::ByDefault
            } else {
                Shown::Hidden
            };
            list.push((id, shown));
        }
        for id in COUNTED.iter().filter(|id| !listed.contains(id)) {
            let before = ALL[*id as usize - 1].id;
            let at = list.iter().position(|(one, _)| *one == before);
            list.insert(at.map_or(list.len(), |at| at + 1), (*id, Shown::Hidden));
        }
        Self(list)
    }

    /// Every column, also the hidden ones.
    pub fn all(&self) -> impl Iterator<Item = &'static Column> {
        self.0.iter().map(|(id, _)| column(*id))
    }

    /// The columns that are not hidden.
    pub fn shown(&self) -> impl Iterator<Item = &'static Column> {
        self.all().filter(|column| !self.is_hidden(column.id))
    }

    /// Whether the user hid a column, or did not list it.
    pub fn is_hidden(&self, id: ColumnId) -> bool {
        self.0.contains(&(id, Shown::Hidden))
    }

    /// Whether the user chose a column.
    pub fn is_chosen(&self, id: ColumnId) -> bool {
        self.0.contains(&(id, Shown::ByChoice))
    }

    /// Hides a column, or shows a hidden one: then it is the user's choice. A column that can't be hidden stays.
    pub fn toggle(&mut self, id: ColumnId) {
        let mut list = self.0.iter_mut().filter(|(one, _)| *one == id);
        if let Some((_, shown)) = list.find(|_| column(id).is_optional()) {
            *shown = match *shown {
                Shown::Hidden => Shown::ByChoice,
                Shown::ByDefault | Shown::ByChoice => Shown::Hidden,
            };
        }
    }

    /// Whether a column that needs counters is shown.
    pub fn shows_counters(&self) -> bool {
        self.shown().any(|column| column.id.needs_counters())
    }

    /// Hides all columns that need counters if any of them is shown, or else shows all.
    pub fn toggle_counters(&mut self) {
        let shown = if self.shows_counters() {
            Shown::Hidden
        } else {
            Shown::ByDefault
        };
        let list = self.0.iter_mut();
        let counted = list.filter(|(id, _)| COUNTED.contains(id));
        counted.for_each(|(_, one)| *one = shown);
    }

    /// Moves the column at this place by one to the right, or else to the left, and returns its place. The last one and the
    /// first one stay there.
    pub fn shift(&mut self, at: usize, is_right: bool) -> usize {
        let to = if is_right {
            at + 1
        } else {
            at.saturating_sub(1)
        };
        if at.max(to) >= self.0.len() {
            return at;
        }
        self.0.swap(at, to);
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: impl Iterator<Item = &'static Column>) -> Vec<&'static str> {
        columns.map(|column| column.name).collect()
    }

    #[test]
    fn listed_columns_come_first_and_the_others_are_hidden_behind_them() {
        let list = ColumnList::of(&[ColumnId::State, ColumnId::Pid]);
        // Two that can't be hidden follow in the order of all.
        assert_eq!(names(list.shown()), ["state", "pid", "port", "process"]);
        assert_eq!(names(list.all())[..4], ["state", "pid", "proto", "local"]);
        assert!(list.is_chosen(ColumnId::Pid) && !list.is_chosen(ColumnId::Port));
    }

    #[test]
    fn all_columns_in_any_order_are_no_choice_of_columns() {
        let mut all: Vec<_> = ALL.iter().map(|column| column.id).collect();
        all.reverse();
        let list = ColumnList::of(&all);
        assert!(list.shown().map(|column| column.id).eq(all.iter().copied()));
        assert!(!all.iter().any(|&id| list.is_chosen(id)));
    }

    #[test]
    fn columns_that_remain_after_some_were_hidden_are_the_same_when_the_list_is_read_again() {
        let ids = |list: &ColumnList| list.shown().map(|column| column.id).collect::<Vec<_>>();
        let all: Vec<_> = ALL.iter().map(|column| column.id).collect();
        for first in 0..ALL.len() {
            let mut list = ColumnList::of(&all);
            list.shift(first, true);
            let optional = ALL
                .iter()
                .cycle()
                .skip(first)
                .filter(|one| one.is_optional());
            // Up to all but one more than half of the default columns.
            let optional = optional.filter(|one| !one.id.needs_counters());
            let count = default_columns().count();
            for column in optional.take(count - count / 2 - 1) {
                list.toggle(column.id);
                let again = ColumnList::of(&ids(&list));
                assert_eq!(ids(&again), ids(&list));
                for &id in &all {
                    assert_eq!(again.is_chosen(id), list.is_chosen(id), "{id:?}");
                    assert_eq!(again.is_hidden(id), list.is_hidden(id), "{id:?}");
                }
            }
        }
    }

    #[test]
    fn a_list_of_at_most_half_of_the_columns_chooses_them() {
        let optional = ALL.iter().filter(|column| column.is_optional());
        let count = default_columns().count();
        let half: Vec<_> = optional.map(|one| one.id).take(count / 2).collect();
        let list = ColumnList::of(&half);
        assert!(half.iter().all(|&id| list.is_chosen(id)));
        // A column that is listed twice counts once.
        let twice = half.repeat(2);
        assert_eq!(ColumnList::of(&twice), list);
    }

    #[test]
    fn the_columns_with_counters_are_shown_and_hidden_together() {
        let defaults: Vec<_> = default_columns().map(|column| column.id).collect();
        let mut list = ColumnList::of(&defaults);
        let before = list.clone();
        assert!(!list.shows_counters());
        list.toggle_counters();
        assert_eq!(list.shown().count(), ALL.len());
        list.toggle_counters();
        assert_eq!(list, before);
        list.toggle(ColumnId::Rtt);
        list.toggle_counters();
        assert_eq!(list.shown().count(), defaults.len());
    }

    #[test]
    fn a_hidden_column_comes_back_in_its_place_and_one_that_always_stays_can_not_be_hidden() {
        let first = ColumnList::of(&ALL.iter().map(|column| column.id).collect::<Vec<_>>());
        for column in ALL {
            let mut list = first.clone();
            list.toggle(column.id);
            assert_eq!(list.is_hidden(column.id), column.priority > 0);
            list.toggle(column.id);
            assert_eq!(names(list.shown()), names(first.shown()));
            assert_eq!(list.is_chosen(column.id), column.priority > 0);
        }
    }
}
