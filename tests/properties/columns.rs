//! The list of columns, whatever is listed, switched and moved: every column is in it once.

use proptest::collection::vec;
use proptest::prelude::*;
use sockeye::columns::{self, ColumnId, ColumnList};

#[derive(Clone, Debug)]
enum Step {
    Toggle(usize),
    Shift(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    // Also places behind the last one.
    let place = 0..columns::ALL.len() + 2;
    prop_oneof![
        (0..columns::ALL.len()).prop_map(Step::Toggle),
        (place, any::<bool>()).prop_map(|(at, is_right)| Step::Shift(at, is_right)),
    ]
}

fn column() -> impl Strategy<Value = ColumnId> {
    (0..columns::ALL.len()).prop_map(|at| columns::ALL[at].id)
}

fn all(list: &ColumnList) -> Vec<ColumnId> {
    list.all().map(|column| column.id).collect()
}

fn shown(list: &ColumnList) -> Vec<ColumnId> {
    list.shown().map(|column| column.id).collect()
}

proptest! {
    #[test]
    fn no_column_is_lost_or_there_twice_and_some_are_always_shown(
        listed in vec(column(), 0..20),
        steps in vec(step(), 0..60),
    ) {
        let mut list = ColumnList::of(&listed);
        for step in steps {
            match step {
                Step::Toggle(at) => list.toggle(columns::ALL[at].id),
                Step::Shift(at, is_right) => {
                    let before = all(&list);
                    let to = list.shift(at, is_right);
                    let moved = all(&list);
                    prop_assert_eq!(before.get(at), moved.get(to));
                }
            }
            let mut sorted = all(&list);
            sorted.sort_by_key(|&id| id as usize);
            prop_assert!(sorted.iter().eq(columns::ALL.iter().map(|column| &column.id)));
            let always = columns::ALL.iter().filter(|column| !column.is_optional());
            for column in always {
                prop_assert!(shown(&list).contains(&column.id));
            }
        }
        // What is shown is what the config would list.
        prop_assert_eq!(shown(&ColumnList::of(&shown(&list))), shown(&list));
    }
}
