//! The tabs of the views.

use crate::app::App;
use crate::app::view::{Click, Role, TabView, span};
use crate::app::views::ViewId;
use crate::columns::width;

/// Cells that views of one's own leave to the filter and the count.
const FILTER_ROOM: usize = 20;

impl App {
    /// The views whose tabs are in sight, the one shown among them.
    pub(crate) fn tab_views(&self) -> Vec<TabView> {
        let mut x = 1;
        let tabs = self.places_in_sight().into_iter().map(|place| {
            let view = TabView {
                x,
                text: span(self.tab_text(place), Role::Plain).text,
                is_selected: place == self.current_view(),
                click: Click::Show(place),
            };
            x += u16::try_from(width(&view.text)).unwrap_or(0) + 2;
            view
        });
        tabs.collect()
    }

    /// The views whose tabs there is room for: those that there always are, and of one's own as many as leave the
    /// filter its place. The one that is shown is named in any case; those before it give way.
    fn places_in_sight(&self) -> Vec<ViewId> {
        let mut in_sight = Vec::new();
        for place in self.view_ids() {
            if matches!(place, ViewId::Custom(_)) && !self.is_room_for(&in_sight, place) {
                break;
            }
            in_sight.push(place);
        }
        let shown = self.current_view();
        if !in_sight.contains(&shown) {
            while !in_sight.is_empty() && !self.is_room_for(&in_sight, shown) {
                in_sight.pop();
            }
            in_sight.push(shown);
        }
        in_sight
    }

    /// Whether a tab fits behind others, with the filter at the right.
    fn is_room_for(&self, others: &[ViewId], next: ViewId) -> bool {
        let tabs = others.iter().chain([&next]);
        let cells: usize = tabs.map(|&tab| width(&self.tab_text(tab)) + 2).sum();
        cells + FILTER_ROOM <= usize::from(self.size.width) + 1
    }

    pub(crate) fn tabs_width(&self) -> usize {
        let last = self.tab_views().pop();
        last.map_or(0, |tab| usize::from(tab.x) + width(&tab.text))
    }
}
