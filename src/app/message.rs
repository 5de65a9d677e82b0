//! What happens to the program, and what it asks of the world.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{FileFormat, Input};
use crate::bind::{BindTestResult, Target};
use crate::model::{Background, Kinds, Limits, Pid, Process, Refresh, Socket};
use crate::settings::Settings;
use crate::track::{RowId, TableUpdate};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// The person at the terminal did something.
    Input(Input),
    /// The collector took a snapshot and compared it.
    SnapshotTaken(TableUpdate),
    /// What the snapshot took that comes next.
    RefreshMeasured(Refresh),
    /// The screen was drawn, and this is how long that took. Shown with the next refresh, so that no
    /// drawing asks for another.
    Drawn(Duration),
    /// The collector could not take one: what failed, then what to try.
    SnapshotFailed(String),
    /// A bind test is done.
    BindTested(Box<BindReport>),
    /// A bind test gave no answer.
    BindTestFailed {
        /// Which request it belongs to.
        job: u64,
        /// Why: one line to show.
        message: String,
    },
    /// A job that was asked for is done, or failed: one line to show.
    JobDone {
        /// Whether it did what was asked.
        succeeded: bool,
        /// What to tell.
        message: String,
    },
    /// The settings were read again.
    SettingsRead {
        /// What counts now, the command line put over it.
        settings: Box<Settings>,
        /// The file.
        from: String,
    },
    /// The rows were written.
    RowsWritten(Written),
    /// What is behind the owners of a socket was read, or could not be.
    OwnerInspected(Box<Inspected>),
    /// A process was not sent its signal: why.
    SignalFailed(String),
    /// A signal was sent, and what comes of it is looked at: one line on how far that is.
    EndPending(String),
    /// What came of a signal.
    EndOutcome {
        /// Whether all that was to end has ended, and its port is free.
        succeeded: bool,
        /// One sentence or two.
        message: String,
    },
    /// The system asks the program to end, or a part that it can't do without crashed.
    ExitRequested(Exit),
    /// The shell asks the program to stop until it is continued (`SIGTSTP`).
    SuspendRequested,
    /// The program goes on after it was stopped; the screen may show anything.
    Resumed,
    /// Time passed.
    Woke,
}

/// Why the program ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The person quit.
    Quit,
    /// A signal of this number asked for it.
    Signal(i32),
    /// The terminal is gone.
    TerminalGone,
    /// A thread that it can't do without crashed: what it said.
    Crashed(String),
}

/// What one bind test brought to light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindReport {
    /// Which request it answers; an answer to an older one is dropped.
    pub job: u64,
    /// What was found out.
    pub test_result: BindTestResult,
}

/// What is behind the owners of a socket: what a question before an end says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Which request it answers; an answer to another one than the open question's is dropped.
    pub job: u64,
    /// What was read of each owner, by pid; empty where nothing could be read.
    pub backgrounds: Vec<Background>,
    /// The process that starts one of them again, with what was read of it, where ending it is the way to
    /// keep the port free.
    pub supervisor: Option<(Arc<Process>, Background)>,
    /// What decides who has to run a command.
    pub limits: Limits,
}

/// Where rows were written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// How many.
    pub rows: usize,
    /// The file, its folder told.
    pub path: String,
    /// Which folder they should have gone to, and why they could not.
    pub not_in: Option<String>,
}

/// The signals that the program offers to send, the gentlest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "signal(7) describes each")]
pub enum Signal {
    Term,
    Int,
    Hup,
    Quit,
    Kill,
}

impl Signal {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Term, Self::Int, Self::Hup, Self::Quit, Self::Kill];

    /// Its name without `SIG`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Hup => "HUP",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
        }
    }
}

/// A signal that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The processes that are to get it, in the order in which they do; never empty.
    pub targets: Vec<EndTarget>,
    /// The inodes of the sockets of which each owner must still hold one, where sockets have inodes.
    pub sockets: Vec<u32>,
    /// Which signal.
    pub signal: Signal,
    /// How it was confirmed.
    pub confirmed: Confirmed,
    /// What is to be free afterwards: a target with one port. `None` where no port is in question.
    pub port: Option<Target>,
    /// Every process that had the socket when it was asked for, by pid.
    pub owners: Vec<Pid>,
}

impl Ending {
    /// The process that the question was about: the first owner.
    pub fn process(&self) -> Option<&Arc<Process>> {
        let is_owner = |target: &&EndTarget| target.role == EndRole::Owner;
        let owner = self.targets.iter().find(is_owner);
        owner.or(self.targets.first()).map(|target| &target.process)
    }
}

/// A process that is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndTarget {
    /// The process as it was seen; its pid may be another's by now.
    pub process: Arc<Process>,
    /// Why it is to end.
    pub role: EndRole,
}

/// Why a process is to end, and so what must still be true of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRole {
    /// It has the socket.
    Owner,
    /// It starts an owner again: it must still be an ancestor of one that is to end as well.
    Supervisor,
}

/// How often a person has said yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// As for any process.
    Once,
    /// As it takes for one that is [guarded](crate::model::Guard).
    Twice,
}

/// Something that the runtime shall do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Leave the terminal and end.
    End(Exit),
    /// Take a snapshot now.
    Refresh,
    /// Take a snapshot each time this long has passed.
    SetInterval(Duration),
    /// Keep closed rows for this long.
    SetLinger(Duration),
    /// Read these kinds of sockets from now on, TCP and UDP in any case.
    SetKinds(Kinds),
    /// Read the settings again, and answer with [`Msg::SettingsRead`].
    ReadSettings,
    /// Stop or go on taking snapshots.
    SetPaused(bool),
    /// Bind for real, and answer with [`Msg::BindTested`].
    BindTest {
        /// To be repeated in the answer.
        job: u64,
        /// A target with one port.
        target: Target,
    },
    /// Look for a port above this one that can be bound, and say which.
    FindFreePort {
        /// Where to begin.
        from: u16,
    },
    /// Read what is behind the owners of a socket, and answer with [`Msg::OwnerInspected`].
    InspectOwner {
        /// To be repeated in the answer.
        job: u64,
        /// The socket, with its owners.
        socket: Box<Socket>,
    },
    /// Send a signal to processes, if they are still those that are meant; then look what comes of it, and
    /// answer with [`Msg::EndOutcome`] or [`Msg::SignalFailed`].
    EndProcess(Ending),
    /// Put text on the clipboard.
    Copy(String),
    /// Ring the terminal's bell.
    Bell,
    /// Show this on the desktop, where the terminal does that.
    DesktopNotice(String),
    /// Write these rows of the current table to a file of this format.
    Write(FileFormat, Vec<RowId>),
    /// Ask the shell's job control to stop this job, as `Ctrl-Z` does outside raw mode; it comes
    /// back as [`Msg::SuspendRequested`].
    SuspendJob,
    /// Give the terminal back and stop until continued.
    Suspend,
    /// Take the terminal again and draw everything.
    Redraw,
    /// Draw everything: the terminal has cut or moved what it showed.
    Repaint,
}
