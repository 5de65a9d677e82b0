//! The menus of fields to group by.

use crate::app::dialogs::menu::{Menu, MenuChoice, MenuItem};
use crate::query::{GroupBy, GroupFields};

impl Menu {
    /// The fields, and none; the cursor is on the present one, without one on the first.
    pub fn groups(now: Option<GroupFields>) -> Self {
        let fields = GroupBy::ALL.iter().copied().map(Some);
        let fields: Vec<_> = fields.chain([None]).collect();
        let is_present = |&field: &Option<GroupBy>| now.is_some_and(|now| field == Some(now.by));
        let at = fields.iter().position(is_present);
        let item = |field: Option<GroupBy>| {
            let label = field.map_or_else(|| row("none", "no groups"), label);
            MenuItem::new(label, None, MenuChoice::GroupBy(field))
        };
        Self::of("group by", fields.into_iter().map(item), at.unwrap_or(0))
    }

    /// The other fields, to group by within each group of the first, and none; the cursor is on the present one.
    pub fn inner_groups(by: GroupBy, now: Option<GroupBy>) -> Self {
        let others = GroupBy::ALL.iter().copied().filter(|&field| field != by);
        let others: Vec<_> = std::iter::once(None).chain(others.map(Some)).collect();
        let at = others.iter().position(|&field| field == now);
        let item = |then: Option<GroupBy>| {
            let label = then.map_or_else(|| row("none", "no groups within"), label);
            MenuItem::new(
                label,
                None,
                MenuChoice::GroupFields(GroupFields { by, then }),
            )
        };
        let title = format!("group by {}, then by", by.name());
        Self::of(&title, others.into_iter().map(item), at.unwrap_or(0))
    }
}

fn label(field: GroupBy) -> String {
    row(field.name(), field.description())
}

fn row(name: &str, description: &str) -> String {
    format!("{name:<10} {description}")
}
