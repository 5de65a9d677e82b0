//! The messages that the program handles, and the effects that it requests.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{FileFormat, MomentRequest, RowFormat, Save, ShownMoment};
use crate::bind::{BindTestResult, Target};
use crate::keymap::Key;
use crate::model::{
    Background, Kinds, Limits, Namespace, Pid, Process, Refresh, Services, Signal, Socket, Text,
};
use crate::settings::Settings;
use crate::theme::Colour;
use crate::track::{RowId, TableUpdate};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key, the mouse, a paste or another size.
    Input(Input),
    /// The collector took a snapshot and compared it.
    SnapshotTaken(TableUpdate),
    /// The cost of the snapshot whose update follows.
    RefreshMeasured(Refresh),
    /// The screen was drawn, which took this long. Shown with the next refresh, so that no drawing causes another.
    Drawn(Duration),
    /// The collector could not take a snapshot: the error, then a fix.
    SnapshotFailed(String),
    /// A bind test is done.
    BindTested(Box<BindReport>),
    /// A bind test gave no answer.
    BindTestFailed {
        /// Which request it belongs to.
        job: u64,
        /// Why, in one line.
        message: String,
    },
    /// A job is done, or failed.
    JobDone {
        /// Whether it succeeded.
        succeeded: bool,
        /// The result, in one line.
        message: String,
    },
    /// The settings were read again.
    SettingsRead {
        /// The config, overridden by the command line.
        settings: Box<Settings>,
        /// The file.
        from: String,
    },
    /// A moment of the history was found.
    MomentShown(Box<ShownMoment>),
    /// A moment could not be shown.
    MomentFailed {
        /// Which request it belongs to.
        job: u64,
        /// Why, in one line.
        message: String,
    },
    /// The settings were compared with the config file.
    SavePrepared(Box<Save>),
    /// The rows, or the last hour, were written.
    RowsWritten(Written),
    /// The background of a socket's owners was read, or could not be.
    OwnerInspected(Box<Inspected>),
    /// Why a signal was not sent.
    SignalFailed(String),
    /// A signal was sent, and its outcome is pending: one line on the progress.
    EndPending(String),
    /// The outcome of a signal.
    EndOutcome {
        /// Whether all targets have ended, and their port is free.
        succeeded: bool,
        /// One sentence or two.
        message: String,
    },
    /// The program has to end: by a signal, or because an essential part crashed.
    ExitRequested(Exit),
    /// The program has to suspend itself (`SIGTSTP`).
    SuspendRequested,
    /// The program was continued; the content of the screen is unknown.
    Resumed,
    /// Time passed.
    Woke,
}

/// Why the program ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The user quit.
    Quit,
    /// By a signal of this number.
    Signal(i32),
    /// The terminal is gone.
    TerminalGone,
    /// An essential thread crashed: its message.
    Crashed(String),
}

/// The result of one bind test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindReport {
    /// Which request it answers; an answer to an older one is dropped.
    pub job: u64,
    /// The result.
    pub test_result: BindTestResult,
}

/// The background of a socket's owners, for the question whether to end one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// Which request it answers; dropped unless that is the open question's.
    pub job: u64,
    /// The background of each owner, by pid; empty if nothing could be read.
    pub backgrounds: Vec<Background>,
    /// The process that restarts an owner, with its background, if it must be ended to keep the port free.
    pub supervisor: Option<(Arc<Process>, Background)>,
    /// The limits that determine which user must run a command.
    pub limits: Limits,
}

/// Rows or snapshots that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// How many.
    pub count: usize,
    /// What: the word for one, and for several.
    pub nouns: [&'static str; 2],
    /// The file with its folder.
    pub path: String,
    /// The preferred folder, and why writing there failed.
    pub not_in: Option<String>,
}

/// The network namespace of a row, if it is not the one that this program runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowNamespace {
    /// Which one it is.
    pub namespace: Arc<Namespace>,
    /// The container that the socket was made in: several may share the namespace.
    pub container: Option<Text>,
    /// The owners of the row's socket: the namespace is most likely found through them.
    pub owners: Vec<Pid>,
}

impl RowNamespace {
    /// The namespace of a socket.
    pub fn of(socket: &Socket) -> Option<Self> {
        let owners = socket.owner.present().iter();
        Some(Self {
            namespace: Arc::clone(socket.namespace.as_ref()?),
            container: socket.container.clone(),
            owners: owners.map(|owner| owner.pid).collect(),
        })
    }

    /// ` in container web`, for the end of a phrase; empty for the namespace that this program runs in.
    pub fn in_words(this: Option<&Self>) -> String {
        this.map_or_else(String::new, |it| match &it.container {
            Some(container) => format!(" in container {container}"),
            None => format!(" in {}", it.namespace.describe()),
        })
    }
}

/// A port to be freed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortToFree {
    /// A target with one port.
    pub target: Target,
    /// Where it is.
    pub namespace: Option<RowNamespace>,
}

impl PortToFree {
    /// Whether it is the same port in the same namespace.
    pub fn is_same(&self, other: &Self) -> bool {
        let id = |one: &Self| one.namespace.as_ref().map(|it| it.namespace.id);
        self.target == other.target && id(self) == id(other)
    }
}

/// A signal to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The processes that get it, in this order; never empty.
    pub targets: Vec<EndTarget>,
    /// Each owner must still have one of these sockets, by inode, if sockets have inodes.
    pub sockets: Vec<u32>,
    /// Which signal.
    pub signal: Signal,
    /// How it was confirmed.
    pub confirmed: Confirmed,
    /// The port to be freed.
    pub port: Option<PortToFree>,
    /// The owners when the question was opened, by pid.
    pub owners: Vec<Pid>,
}

impl Ending {
    /// The process that the question was about: the first owner.
    pub fn process(&self) -> Option<&Arc<Process>> {
        let mut targets = self.targets.iter();
        let owner = targets.find(|target| target.role == EndRole::Owner);
        owner.or(self.targets.first()).map(|target| &target.process)
    }
}

/// A process to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndTarget {
    /// The process at that time; its pid may have been reused.
    pub process: Arc<Process>,
    /// Why to end it.
    pub role: EndRole,
}

/// Why to end a process; this must still be true when the signal is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRole {
    /// It has the socket.
    Owner,
    /// It restarts an owner: it must still be an ancestor of an owner that is also ended.
    Supervisor,
}

/// How often the user has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Once, as for any process.
    Once,
    /// Twice, as for a [guarded](crate::model::Guard) process.
    Twice,
}

/// A request to the runtime.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Leave the terminal and end.
    End(Exit),
    /// Take a snapshot now.
    Refresh,
    /// Take a snapshot at this interval.
    SetInterval(Duration),
    /// Keep closed rows for this long.
    SetLinger(Duration),
    /// Use these names for ports from the next snapshot on.
    SetServices(Services),
    /// Read these kinds of sockets besides TCP and UDP.
    SetKinds(Kinds),
    /// Read the counters of sockets from now on, or no longer.
    SetCounters(bool),
    /// Read the settings again, and answer with [`Msg::SettingsRead`].
    ReadSettings,
    /// Compare these settings with the config file, and answer with [`Msg::SavePrepared`].
    PrepareSave(Box<Settings>),
    /// Write these settings to the config file, unless it differs otherwise than confirmed.
    Save(Box<Save>),
    /// Pause or resume taking snapshots.
    SetPaused(bool),
    /// Find a moment of the history, and answer with [`Msg::MomentShown`] or [`Msg::MomentFailed`]. Of several requests only
    /// the last one needs an answer.
    ShowMoment(Box<MomentRequest>),
    /// Bind for real, and answer with [`Msg::BindTested`].
    BindTest {
        /// To be repeated in the answer.
        job: u64,
        /// A target with one port.
        target: Target,
        /// Where to bind.
        namespace: Option<RowNamespace>,
    },
    /// Find a port above this one that can be bound, and report it.
    FindFreePort {
        /// Where to begin.
        from: u16,
        /// Where to bind.
        namespace: Option<RowNamespace>,
    },
    /// Read the background of a socket's owners, and answer with [`Msg::OwnerInspected`].
    InspectOwner {
        /// To be repeated in the answer.
        job: u64,
        /// The socket, with its owners.
        socket: Box<Socket>,
    },
    /// Send a signal to processes, if they are still the same; then wait for the outcome, and answer with
    /// [`Msg::EndOutcome`] or [`Msg::SignalFailed`].
    EndProcess(Ending),
    /// The same for several, each by itself: what keeps one from ending does not keep the others.
    EndSeveral {
        /// The requests, those for processes that started others first.
        endings: Vec<Ending>,
        /// All ports to be freed.
        ports: Vec<PortToFree>,
    },
    /// Put text on the clipboard.
    Copy(String),
    /// Put these rows of the current table on the clipboard.
    CopyRows(RowFormat, Vec<RowId>),
    /// Open this URL in the user's browser. Only a failure is answered, with [`Msg::JobDone`].
    OpenUrl(String),
    /// Ring the terminal's bell.
    Bell,
    /// Show this on the desktop, if the terminal supports it.
    DesktopNotice(String),
    /// Use the mouse, or leave it to the terminal.
    SetMouse(bool),
    /// Write these rows of the current table to a file of this format.
    Write(FileFormat, Vec<RowId>),
    /// Write the last hour to a new recording.
    WriteHistory,
    /// Stop this job like `Ctrl-Z` outside raw mode; answered with [`Msg::SuspendRequested`].
    SuspendJob,
    /// Give the terminal back and stop until continued.
    Suspend,
    /// Take the terminal again and draw everything.
    Redraw,
    /// Redraw everything: the terminal has cut or moved its content.
    Repaint,
}

/// A mouse action at a cell, counted from 0 at the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "column and row of the cell")]
pub enum Mouse {
    /// The left button went down.
    Click { column: u16, row: u16 },
    /// It moved to another cell while down.
    Drag { column: u16, row: u16 },
    /// It was released anywhere.
    Release,
    /// One notch up.
    WheelUp { column: u16, row: u16 },
    /// One notch down.
    WheelDown { column: u16, row: u16 },
}

/// Anything that comes from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed or repeated.
    Key(Key),
    /// The mouse was used.
    Mouse(Mouse),
    /// Text was pasted in one piece (bracketed paste).
    Paste(String),
    /// The terminal's background colour, in reply to a query.
    Background(Colour),
    /// The terminal now has this many columns and rows.
    Resized {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
}
