//! The program as a state machine: messages in, effects out, and a view of it to draw.
//!
//! Pure: it knows no terminal, no clock and no thread. The `runtime` feeds it and carries out what
//! it asks for; time arrives with each message.

mod dialogs;
mod dispatch;
mod environment;
mod filter_line;
mod input;
pub mod layout;
mod message;
mod mouse;
mod notices;
mod panes;
mod pinned_ports;
mod playhead;
mod reload;
mod table;
mod theme;
pub mod view;
mod views;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use dialogs::end_process::{Choice, Confirmation, Question};
pub use dialogs::menu::{FileFormat, Menu, MenuChoice, MenuItem};
pub use dialogs::prompt::PromptKind;
pub use environment::Environment;
pub use input::{Input, Mouse};
pub use layout::Size;
pub use message::{
    BindReport, Confirmed, Effect, EndRole, EndTarget, Ending, Exit, Inspected, Msg, Signal,
    Written,
};
pub use views::Place;

use crate::columns::{self, Column, ColumnId};
use crate::filter::FilterError;
use crate::model::{Moment, Playback};
use crate::query::{Criteria, Selection};
use crate::settings::Settings;
use crate::track::{EventLog, Row, Table};
use dialogs::Modal;
use dispatch::Effects;
use mouse::Hand;
use notices::{News, Notice};
use panes::Pane;
use panes::details::Neighbours;
use panes::events::history::Past;
use panes::stats::Stats;
use pinned_ports::MarkedPorts;
use playhead::Pause;
use table::cursor::Cursor;

/// The whole state of the live table.
#[derive(Clone, Debug)]
pub struct App {
    settings: Settings,
    /// The settings as they were last read.
    as_read: Settings,
    surroundings: Environment,
    table: Arc<Table>,
    log: EventLog,
    /// The last minutes, for pictures of them.
    past: Past,
    /// What the refreshes cost.
    stats: Stats,
    criteria: Criteria,
    /// The rows shown.
    selection: Selection,
    cursor: Cursor,
    /// Whether the cursor goes to what happened last.
    is_following: bool,
    /// On the mouse.
    hand: Hand,
    /// The selected row's, while its details are shown.
    neighbours: Option<Neighbours>,
    modal: Modal,
    pane: Option<Pane>,
    pane_scroll: usize,
    filter_text: String,
    /// What is wrong with the filter being typed.
    filter_error: Option<FilterError>,
    /// The filters that were kept or cleared, each once, the latest last.
    history: Vec<String>,
    /// The filter that was cleared last, until it is brought back.
    cleared: Option<String>,
    hidden_columns: Vec<ColumnId>,
    /// The view of the user's own that is open.
    custom_view: Option<views::Opened>,
    names: bool,
    /// While the table stands still.
    pause: Option<Pause>,
    /// How far the recording has been played that the table is of.
    playback: Option<Playback>,
    /// The recorded time between the last two tables of a recording.
    recorded_gap: Option<Duration>,
    /// The last attempt to read the table failed: why.
    failure: Option<String>,
    notice: Option<Notice>,
    /// The ports that are watched.
    marked: MarkedPorts,
    /// What happened to them since a key was pressed, the latest first.
    port_news: Vec<String>,
    job: u64,
    /// The last request for what is behind the owners of a socket.
    inspection: u64,
    /// How many signals were asked for of which it is not known yet what came.
    endings: u32,
    size: Size,
    has_snapshot: bool,
}

impl App {
    /// The program at its start, before the first snapshot.
    pub fn new(settings: Settings, surroundings: Environment, now: Moment) -> Self {
        // Whoever made the settings has seen to it that there is room for the family.
        let filter = settings.narrowed_filter();
        let criteria = Criteria {
            tab: settings.view,
            kinds: settings.kinds,
            filter: filter.unwrap_or_else(|_| settings.filter.clone()),
            sort: settings.sort,
            linger: settings.linger,
            highlight: settings.highlight,
            uid: surroundings.uid,
        };
        let mut app = Self {
            custom_view: None,
            table: Arc::new(Table::empty(now)),
            log: EventLog::default(),
            past: Past::default(),
            stats: Stats::default(),
            filter_text: criteria.filter.to_string(),
            selection: Selection::new(criteria.clone()),
            criteria,
            cursor: Cursor::default(),
            is_following: false,
            hand: Hand::default(),
            neighbours: None,
            modal: Modal::None,
            pane: settings.stats.then_some(Pane::Stats),
            pane_scroll: 0,
            filter_error: None,
            history: Vec::new(),
            cleared: None,
            hidden_columns: without(&settings.columns),
            names: true,
            pause: None,
            playback: None,
            recorded_gap: None,
            failure: None,
            notice: None,
            marked: MarkedPorts::default(),
            port_news: Vec::new(),
            job: 0,
            inspection: 0,
            endings: 0,
            size: surroundings.size,
            has_snapshot: false,
            as_read: settings.clone(),
            settings,
            surroundings,
        };
        if let Some(at) = app.settings.custom_view {
            app.open_own_view(at);
        }
        app
    }

    /// Every column in the order in which they stand: those that there were at the start come first.
    fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let chosen = self.chosen_columns();
        let all = chosen.iter().copied().chain(without(chosen));
        all.map(columns::column)
    }

    /// Size of the terminal that the view is made for.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// The table as last taken.
    pub const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Selects and orders the rows anew; the cursor stays on its socket.
    fn reselect(&mut self, now: Moment) {
        let now = self.shown_at(now);
        self.selection.update(&self.criteria, &self.table, now);
        self.scroll_to_cursor();
    }

    /// The selected row.
    fn selected(&self) -> Option<&Row> {
        let id = self.cursor.selected()?;
        let row = &self.table.rows[*self.selection.shown().get(self.cursor.place())?];
        (row.id == id).then_some(row)
    }
}

/// The columns that are not among these.
fn without(columns: &[ColumnId]) -> Vec<ColumnId> {
    let all = columns::ALL.iter().map(|column| column.id);
    all.filter(|id| !columns.contains(id)).collect()
}
