//! The program as a state machine: messages in, effects out, and a view of it to draw.
//!
//! Pure: it knows no terminal, no clock and no thread. The `runtime` feeds it and carries out what
//! it asks for; time arrives with each message.

mod action;
mod asking;
mod bind_pane;
mod completing;
mod cursor;
mod go_to;
mod hand;
mod input;
pub mod keymap;
pub mod layout;
mod marked;
mod message;
mod neighbours;
mod notify;
mod overdue;
mod custom_view;
mod palette;
mod past;
mod pause;
mod prompt;
mod question;
mod recorded;
mod selection;
mod settings;
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
pub use message::{
    BindReport, Confirmed, Effect, EndRole, EndTarget, Ending, Exit, Inspected, Msg, Signal,
    Written,
};
pub use notify::Notify;
pub use custom_view::{CustomView, Place};
pub use prompt::PromptKind;
pub use question::{Choice, Confirmation, Question};
pub use selection::{Asked, Sort, Tab};
pub use settings::{Settings, Environment};
pub use watching::{Told, ChangeFeed};

use crate::columns::{self, Column, ColumnId};
use crate::filter::FilterError;
use crate::model::{Moment, Playback};
use crate::track::{EventLog, Row, Table};
use bind_pane::BindPane;
use cursor::Cursor;
use go_to::GoTo;
use hand::Hand;
use marked::MarkedPorts;
use neighbours::Neighbours;
use palette::Palette;
use past::Past;
use pause::Pause;
use prompt::Prompt;
use selection::{Criteria, Selection};
use stats::Stats;

/// What takes the keys instead of the table.
#[derive(Clone, Debug)]
enum Modal {
    None,
    Prompt(Prompt),
    GoTo(GoTo),
    Menu(Menu),
    Palette(Palette),
    Question(Box<Question>),
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
    custom_view: Option<custom_view::Opened>,
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

    /// The moment at which the table is shown. A recording has its own time: that of the table. Otherwise it is
    /// now, or that of the pause; the wall clock is the table's own, carried on, so that a clock that is set
    /// back makes no age jump.
    fn shown_at(&self, now: Moment) -> Moment {
        if self.surroundings.is_recording {
            return self.table.taken_at;
        }
        let now = self.pause.as_ref().map_or(now, |pause| pause.since);
        let (taken_at, ahead) = (self.table.taken_at, self.table.taken_at.age(now));
        // The system's clock may claim the end of time.
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
