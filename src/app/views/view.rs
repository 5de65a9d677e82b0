//! The tabs of the views.

use crate::app::App;
use crate::app::view::{CellView, Click, Role, span};
use crate::app::views::ViewId;
use crate::columns::width;

/// Cells that tabs of custom views leave to the filter and the count.
const FILTER_ROOM: usize = 20;

impl App {
    /// The visible tabs.
    pub(crate) fn tab_views(&self) -> Vec<CellView> {
        let mut x = 1;
        let tabs = self.visible_views().into_iter().map(|id| {
            let is_chosen = id == self.current_view();
            let role = if is_chosen { Role::Accent } else { Role::Dim };
            let text = span(self.tab_text(id), role).text;
            let start = x;
            x += u16::try_from(width(&text)).unwrap_or(0) + 2;
            CellView {
                x: start,
                text,
                role,
                is_chosen,
                click: Some(Click::Show(id)),
            }
        });
        tabs.collect()
    }

    /// The views with a visible tab: the built-in ones, and as many custom ones as fit beside the filter. The current
    /// view always has a tab, if needed in place of others.
    fn visible_views(&self) -> Vec<ViewId> {
        let mut visible = Vec::new();
        for id in self.view_ids() {
            if matches!(id, ViewId::Custom(_)) && !self.has_room_for(&visible, id) {
                break;
            }
            visible.push(id);
        }
        let shown = self.current_view();
        if !visible.contains(&shown) {
            while !visible.is_empty() && !self.has_room_for(&visible, shown) {
                visible.pop();
            }
            visible.push(shown);
        }
        visible
    }

    /// Whether another tab fits beside the filter.
    fn has_room_for(&self, others: &[ViewId], next: ViewId) -> bool {
        let tabs = others.iter().chain([&next]);
        let cells: usize = tabs.map(|&tab| width(&self.tab_text(tab)) + 2).sum();
        cells + FILTER_ROOM <= usize::from(self.size.width) + 1
    }

    pub(crate) fn tabs_width(&self) -> usize {
        let last = self.tab_views().pop();
        last.map_or(0, |tab| usize::from(tab.x) + width(&tab.text))
    }
}
