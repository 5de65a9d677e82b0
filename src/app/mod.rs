//! The program as a state machine: messages in, effects out, and a view of it to draw.
//!
//! Pure: it knows no terminal, no clock and no thread. The `runtime` feeds it and carries out what
//! it asks for; time arrives with each message.

mod action;
mod asking;
mod bind_pane;
mod cursor;
mod input;
pub mod keymap;
pub mod layout;
mod message;
mod neighbours;
mod overdue;
mod prompt;
mod question;
mod selection;
mod stats;
mod update;
pub mod view;
mod watching;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use action::Action;
pub use asking::{FileFormat, Menu, MenuChoice, MenuItem};
pub use input::{Input, Key, Mouse};
pub use layout::Size;
pub use message::{BindReport, Confirmed, Effect, Ending, Exit, Msg, Signal};
pub use prompt::PromptKind;
pub use question::{Confirmation, Question};
pub use selection::{Asked, Sort, Tab};
pub use watching::{Told, Watching};

use crate::columns::{self, Column, ColumnId};
use crate::filter::{Filter, FilterError};
use crate::model::{Lineage, Moment};
use crate::track::{EventLog, Row, Table};
use bind_pane::BindPane;
use cursor::Cursor;
use neighbours::Neighbours;
use prompt::Prompt;
use selection::{Criteria, Selection};
use stats::Stats;

/// What the program is started with.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own for the user"
)]
pub struct Settings {
    /// Name of this host, for the header, or what else the table comes from.
    pub host: String,
    /// Whether the table is a recording, so that nothing can be done about what it shows.
    pub is_recording: bool,
    /// The user's own uid.
    pub uid: Option<u32>,
    /// This process and its ancestors.
    pub lineage: Lineage,
    /// Time from one snapshot to the next.
    pub interval: Duration,
    /// For how long closed rows stay.
    pub linger: Duration,
    /// For how long changes are marked.
    pub highlight: Duration,
    /// The view to begin with.
    pub tab: Tab,
    /// Whether TCP is shown.
    pub tcp: bool,
    /// Whether UDP is shown.
    pub udp: bool,
    /// The filter to begin with.
    pub filter: Filter,
    /// The columns to begin with, in their order.
    pub columns: Vec<ColumnId>,
    /// The order to begin with.
    pub sort: Sort,
    /// Whether what refreshes cost is shown from the start.
    pub stats: bool,
    /// Time zone in which the clock is read.
    pub time_zone: jiff::tz::TimeZone,
    /// Size of the terminal.
    pub size: Size,
}

/// What takes the keys instead of the table.
#[derive(Clone, Debug)]
enum Modal {
    None,
    Prompt(Prompt),
    Menu(Menu),
    Question(Question),
    Help { scroll: usize },
}

/// What is open below the table.
#[derive(Clone, Debug)]
enum Pane {
    Details,
    Events,
    Stats,
    Bind(Box<BindPane>),
}

/// A line at the bottom that says what came of something.
#[derive(Clone, Debug)]
struct Notice {
    text: String,
    news: News,
    since: Moment,
}

/// What a notice has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// It is done.
    Good,
    /// It is not, or cannot be.
    Bad,
    /// It is being done: that stands until there is an answer.
    Pending,
}

/// The whole state of the live table.
#[derive(Clone, Debug)]
pub struct App {
    settings: Settings,
    table: Arc<Table>,
    log: EventLog,
    /// What the refreshes cost.
    stats: Stats,
    criteria: Criteria,
    /// The rows shown.
    selection: Selection,
    cursor: Cursor,
    /// The selected row's, while its details are shown.
    neighbours: Option<Neighbours>,
    modal: Modal,
    pane: Option<Pane>,
    pane_scroll: usize,
    filter_text: String,
    /// What is wrong with the filter being typed.
    filter_error: Option<FilterError>,
    history: Vec<String>,
    hidden_columns: Vec<ColumnId>,
    names: bool,
    /// Since when the table stands still.
    paused_at: Option<Moment>,
    /// The last attempt to read the table failed: why.
    failure: Option<String>,
    notice: Option<Notice>,
    job: u64,
    size: Size,
    has_snapshot: bool,
}

impl App {
    /// The program at its start, before the first snapshot.
    pub fn new(settings: Settings, now: Moment) -> Self {
        let criteria = Criteria {
            tab: settings.tab,
            tcp: settings.tcp,
            udp: settings.udp,
            filter: settings.filter.clone(),
            sort: settings.sort,
            linger: settings.linger,
            highlight: settings.highlight,
            uid: settings.uid,
        };
        Self {
            table: Arc::new(Table::empty(now)),
            log: EventLog::default(),
            stats: Stats::default(),
            filter_text: criteria.filter.to_string(),
            selection: Selection::new(criteria.clone()),
            criteria,
            cursor: Cursor::default(),
            neighbours: None,
            modal: Modal::None,
            pane: settings.stats.then_some(Pane::Stats),
            pane_scroll: 0,
            filter_error: None,
            history: Vec::new(),
            hidden_columns: without(&settings.columns),
            names: true,
            paused_at: None,
            failure: None,
            notice: None,
            job: 0,
            size: settings.size,
            has_snapshot: false,
            settings,
        }
    }

    /// Every column in the order in which they stand: those that there were at the start come first.
    fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let chosen = &self.settings.columns;
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

    /// The moment at which the table is shown: it stands still while paused. The wall clock is the
    /// table's own, carried on: a recording plays in its time, and a clock that is set back makes
    /// no age jump.
    fn shown_at(&self, now: Moment) -> Moment {
        let now = self.paused_at.unwrap_or(now);
        let (taken_at, ahead) = (self.table.taken_at, self.table.taken_at.age(now));
        // A recording may claim the end of time.
        let wall = taken_at.wall.checked_add(ahead).unwrap_or(taken_at.wall);
        Moment {
            steady: now.steady,
            wall,
        }
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

    fn tell(&mut self, text: impl Into<String>, now: Moment) {
        self.notify(News::Good, text.into(), now);
    }

    fn warn(&mut self, text: impl Into<String>, now: Moment) {
        self.notify(News::Bad, text.into(), now);
    }

    fn notify(&mut self, news: News, text: String, now: Moment) {
        self.notice = Some(Notice {
            text,
            news,
            since: now,
        });
    }
}

/// The columns that are not among these.
fn without(columns: &[ColumnId]) -> Vec<ColumnId> {
    let all = columns::ALL.iter().map(|column| column.id);
    all.filter(|id| !columns.contains(id)).collect()
}
