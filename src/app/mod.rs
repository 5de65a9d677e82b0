//! The program as a state machine: messages in, effects out, and a view of it to draw.
//!
//! Pure: no terminal, no clock, no thread. The `runtime` sends the messages, each with the time, and carries out the
//! effects.

mod counters;
mod dialogs;
mod dispatch;
mod filter_line;
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

pub use dialogs::menu::{FileFormat, RowFormat};
pub(crate) use dialogs::prompt::PromptKind;
pub use dialogs::save::Save;
pub use layout::Size;
pub use message::{
    BindReport, Confirmed, Effect, EndRole, EndTarget, Ending, Exit, Input, Inspected, Mouse, Msg,
    PortToFree, RowNamespace, Written,
};
pub use playhead::seek::{Direction, MomentRequest, Seek, ShownMoment, Timeline, TimelinePart};
pub use table::widths::WidthReason;
pub use views::ViewId;

use crate::keymap::Action;
pub use crate::model::Signal;
use crate::model::{Lineage, Moment, Origin};
use crate::settings::Settings;
use crate::theme::{Colour, Depth, Glyphs};
use crate::track::{EventLog, Table};
use dialogs::Dialog;
use filter_line::FilterLine;
use mouse::MouseState;
use notices::{NoticeKind, Notices};
use panes::details::rates::RateHistory;
use panes::events::history::CountHistory;
use panes::stats::Stats;
use panes::{Dock, Pane};
use pinned_ports::PinnedPorts;
use playhead::Playhead;
use table::TableView;

/// Where the program runs, and as whom.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Name of this host or of the recording, for the header.
    pub host: String,
    /// The origin of the table, with its capabilities.
    pub origin: Origin,
    /// The user's own uid.
    pub uid: Option<u32>,
    /// This process and its ancestors.
    pub lineage: Lineage,
    /// Time zone of displayed times.
    pub time_zone: jiff::tz::TimeZone,
    /// Size of the terminal at the start.
    pub size: Size,
    /// How many colours the terminal supports.
    pub depth: Depth,
    /// Which characters the terminal supports.
    pub glyphs: Glyphs,
    /// The program that opens a URL in the browser.
    pub opener: &'static str,
    /// The moment to begin at, instead of now or the beginning of a recording.
    pub begin_at: Option<jiff::Timestamp>,
}

/// The whole state of the live table, in parts that own their data.
#[derive(Clone, Debug)]
pub struct App {
    settings: Settings,
    /// The settings as they were last read.
    config: Settings,
    environment: Environment,
    rows: TableView,
    /// Whether the counters of sockets were requested.
    has_counters: bool,
    filter: FilterLine,
    playhead: Playhead,
    dialog: Dialog,
    dock: Dock,
    notices: Notices,
    pinned: PinnedPorts,
    mouse: MouseState,
    /// Whether the user has agreed to open addresses in the browser.
    opens_browser: bool,
    log: EventLog,
    /// The last minutes, for sparklines and the timeline.
    history: CountHistory,
    /// The rates of the last minutes.
    rates: RateHistory,
    /// The cost of the refreshes.
    stats: Stats,
    jobs: Jobs,
    size: Size,
    /// The terminal's background, if it has said so.
    background: Option<Colour>,
    /// Effects requested by the current message, in order.
    effects: Vec<Effect>,
}

/// Numbers requests, to match answers to them.
#[derive(Clone, Copy, Debug, Default)]
struct Jobs {
    bind_test: u64,
    /// The last request for the background of a socket's owners.
    inspection: u64,
    /// How many signals have no outcome yet.
    endings: u32,
}

impl App {
    /// The program at its start, before the first snapshot.
    pub fn new(settings: Settings, environment: Environment, now: Moment) -> Self {
        let rows = TableView::new(&settings, environment.uid, now);
        let mut app = Self {
            filter: FilterLine {
                text: rows.criteria.filter.to_string(),
                ..FilterLine::default()
            },
            rows,
            has_counters: false,
            playhead: Playhead::default(),
            dialog: Dialog::None,
            dock: Dock {
                pane: settings.stats.then_some(Pane::Stats),
                ..Dock::default()
            },
            notices: Notices::default(),
            pinned: PinnedPorts::default(),
            mouse: MouseState::default(),
            opens_browser: false,
            log: EventLog::default(),
            history: CountHistory::default(),
            rates: RateHistory::default(),
            stats: Stats::default(),
            jobs: Jobs::default(),
            effects: Vec::new(),
            size: environment.size,
            background: None,
            config: settings.clone(),
            settings,
            environment,
        };
        if let Some(at) = app.settings.custom_view {
            app.open_custom_view(at);
        }
        app.refresh_widths();
        app
    }

    /// Size of the terminal that the view is made for.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// The table as last taken.
    pub const fn table(&self) -> &Arc<Table> {
        &self.rows.table
    }

    fn request(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The table's key for this action as text, for hints.
    fn key(&self, action: Action) -> Option<String> {
        self.settings.keymap.key(action)
    }
}
