//! Writes a history: frames are made where the snapshots are, and written by a thread of its own, as a disk may take long.

mod disk;
pub(super) mod folder;
pub(super) mod framer;
pub(super) mod system;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use self::disk::{Disk, Limits};
use self::folder::{Lock, take_flush_request};
use self::framer::{Framer, Output, Recorder, SECTION};
use super::{GapReason, StoreError};
use crate::model::{Problem, ProblemCode, Snapshot, Text};

/// How many frames may wait for the disk.
const MAX_WAITING: usize = 64;

/// After a failure the next attempt is made this much later.
const RETRY: Duration = Duration::from_secs(10);

/// What to store, and how long.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// Older segments are removed. Default: 7 days.
    pub keep: Duration,
    /// The most bytes of all segments together; the oldest are removed. Default: 1 GiB.
    pub max_size: u64,
    /// How long it is known which process had a port. Default: 90 days.
    pub keep_holders: Duration,
    /// Whether to use pseudonyms for every address, user, argument, unit, container and interface, and to leave out the names of
    /// the machine.
    pub is_redacted: bool,
    /// The bytes to leave free on the disk. Default: `None`, which is 5 % of it, at least 1 GiB and at most 4 GiB.
    pub min_free: Option<u64>,
    /// The time between two snapshots. Default: 1 s.
    pub interval: Duration,
    /// A longer time between two snapshots is a gap. Default: `None`, which is 90 s and two intervals.
    pub max_silence: Option<Duration>,
    /// The name of the machine.
    pub host: Option<Text>,
    /// Identifies the time since the machine started, such as `/proc/sys/kernel/random/boot_id`.
    pub boot_id: Option<Text>,
}

impl Default for WriterOptions {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            keep: 7 * DAY,
            max_size: 1 << 30,
            keep_holders: 90 * DAY,
            is_redacted: false,
            min_free: None,
            interval: Duration::from_secs(1),
            max_silence: None,
            host: None,
            boot_id: None,
        }
    }
}

impl WriterOptions {
    fn recorder(&self) -> Recorder {
        // Both identify the machine.
        let named = |name: &Option<Text>| name.clone().filter(|_| !self.is_redacted);
        let recorder = Recorder::new(SECTION, self.interval);
        Recorder {
            host: named(&self.host),
            boot_id: named(&self.boot_id),
            is_redacted: self.is_redacted,
            max_silence: self.max_silence.unwrap_or(recorder.max_silence),
            ..recorder
        }
    }
}

/// What became of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is stored, or will be within 10 seconds.
    Written,
    /// Nothing is stored at present, for this reason; attempts are made every 10 seconds.
    Stopped(Problem),
}

/// Writes a history to a folder. Dropped without [`close`](Self::close), it ends like a crash: what was written stays readable.
pub struct Writer {
    framer: Framer,
    /// `None` once it is closed.
    sender: Option<SyncSender<Command>>,
    status: Arc<Mutex<Status>>,
    thread: Option<JoinHandle<()>>,
    /// Why nothing is stored at present.
    stopped: Option<Stop>,
    /// The last snapshot's time on the steady clock.
    now: Duration,
    path: PathBuf,
    /// Whether a reader waits for the next snapshot.
    is_flush_due: bool,
    _lock: Lock,
}

/// What the thread reports.
#[derive(Debug, Default)]
struct Status {
    /// Why a frame was not written, until the writer has noticed.
    failure: Option<Failure>,
    /// Whether a section was begun since the last attempt.
    has_begun: bool,
    /// Whether the segment is so large that the next section is due.
    is_segment_large: bool,
}

/// Nothing is stored.
struct Stop {
    /// When the writer noticed it, on the steady clock.
    at: Duration,
    failure: Failure,
    /// Whether an attempt is on its way to the disk.
    is_retrying: bool,
}

#[derive(Debug)]
struct Failure {
    reason: GapReason,
    message: String,
}

enum Command {
    /// Writes frames that were made at this time on the steady clock.
    Write(Duration, Vec<Output>),
    /// Reports when everything before it is written.
    Sync(SyncSender<()>),
    Close,
}

impl Writer {
    /// Opens a folder, and creates it if needed, readable only by its owner.
    ///
    /// # Errors
    /// When another recorder writes to it, or it can't be created or locked.
    pub fn open(folder: impl AsRef<Path>, options: &WriterOptions) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        let lock = Lock::take(folder)?;
        let disk = Disk::new(Limits {
            folder: folder.to_path_buf(),
            keep: options.keep,
            max_size: options.max_size,
            keep_holders: options.keep_holders,
            min_free: options.min_free,
        });
        let (sender, receiver) = mpsc::sync_channel(MAX_WAITING);
        let status = Arc::new(Mutex::new(Status::default()));
        let shared = Arc::clone(&status);
        let thread = std::thread::Builder::new().name("history".to_owned());
        let thread = thread
            .spawn(move || write_all(disk, &receiver, &shared))
            .map_err(|reason| StoreError::file(folder, reason))?;
        Ok(Self {
            framer: Framer::new(options.recorder()),
            sender: Some(sender),
            status,
            thread: Some(thread),
            stopped: None,
            now: Duration::ZERO,
            path: folder.to_path_buf(),
            is_flush_due: false,
            _lock: lock,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a reader has begun to wait for a snapshot, and for everything before it: see
    /// [`History::request_flush`](crate::history::History::request_flush). It gets them with the next one that is added.
    pub fn is_flush_requested(&mut self) -> bool {
        let is_new = take_flush_request(&self.path);
        self.is_flush_due |= is_new;
        is_new
    }

    /// Stores a snapshot. Never waits for the disk.
    ///
    /// # Errors
    /// When the thread that writes has crashed.
    pub fn add(&mut self, snapshot: &Snapshot) -> Result<Stored, StoreError> {
        let now = snapshot.taken_at.steady;
        self.now = now;
        self.notice(now);
        let is_flush_due = std::mem::take(&mut self.is_flush_due);
        let is_flush_due = take_flush_request(&self.path) || is_flush_due;
        let mut restart = None;
        if let Some(stop) = self.stopped.as_mut().filter(|stop| !stop.is_retrying) {
            if now.saturating_sub(stop.at) < RETRY {
                return Ok(Stored::Stopped(stop.failure.problem()));
            }
            stop.is_retrying = true;
            restart = Some(stop.failure.reason);
            lock(&self.status).has_begun = false;
        }
        let mut output = self.framer.add(snapshot, restart);
        if is_flush_due {
            output.extend(self.framer.flush_early());
        }
        if !output.is_empty() {
            self.send(output)?;
        }
        Ok(match &self.stopped {
            None => Stored::Written,
            Some(stop) => Stored::Stopped(stop.failure.problem()),
        })
    }

    /// Notices what the thread reports.
    fn notice(&mut self, now: Duration) {
        let mut status = lock(&self.status);
        if let Some(failure) = status.failure.take() {
            self.stopped = Some(Stop {
                at: now,
                failure,
                is_retrying: false,
            });
        } else if status.has_begun && self.stopped.as_ref().is_some_and(|stop| stop.is_retrying) {
            self.stopped = None;
        }
        if std::mem::take(&mut status.is_segment_large) {
            self.framer.complete_section();
        }
    }

    /// Waits until everything that is due is on the disk.
    ///
    /// # Errors
    /// When the thread that writes has crashed.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        let (done, wait) = mpsc::sync_channel(1);
        let sender = self.sender.as_ref().ok_or_else(|| self.crashed())?;
        let sent = sender.send(Command::Sync(done));
        sent.map_err(|_| self.crashed())?;
        wait.recv().map_err(|_| self.crashed())
    }

    /// Writes what is left and ends the segment.
    ///
    /// # Errors
    /// When the last frames could not be written.
    pub fn close(mut self) -> Result<(), StoreError> {
        let output = self.framer.finish();
        let sender = self.sender.take().ok_or_else(|| self.crashed())?;
        let sent = sender.send(Command::Write(self.now, output));
        let sent = sent.and_then(|()| sender.send(Command::Close));
        sent.map_err(|_| self.crashed())?;
        let ended = self.thread.take().map(JoinHandle::join);
        if !matches!(ended, Some(Ok(()))) {
            return Err(self.crashed());
        }
        // An attempt that succeeded in the end is no failure.
        self.notice(Duration::MAX);
        match self.stopped.take() {
            None => Ok(()),
            Some(Stop { failure, .. }) => {
                let reason = std::io::Error::other(failure.message);
                Err(StoreError::file(&self.path, reason))
            }
        }
    }

    fn send(&mut self, output: Vec<Output>) -> Result<(), StoreError> {
        let sender = self.sender.as_ref().ok_or_else(|| self.crashed())?;
        match sender.try_send(Command::Write(self.now, output)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                // The frames after this one build on it: a new section begins when there is room.
                lock(&self.status).failure = Some(Failure {
                    reason: GapReason::Overflow,
                    message: "the disk is too slow".to_owned(),
                });
                Ok(())
            }
            Err(TrySendError::Disconnected(_)) => Err(self.crashed()),
        }
    }

    fn crashed(&self) -> StoreError {
        let reason = std::io::Error::other("the thread that writes the history has crashed");
        StoreError::file(&self.path, reason)
    }
}

impl Drop for Writer {
    /// The lock outlives the thread, so that no other recorder finds it writing.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Failure {
    fn problem(&self) -> Problem {
        let message = format!("no history is stored: {}", self.message);
        Problem {
            brief: Text::new("no history is stored"),
            ..Problem::new(ProblemCode::RecordingEnded, &message)
        }
    }
}

fn lock(status: &Mutex<Status>) -> MutexGuard<'_, Status> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes until the writer is closed or dropped.
fn write_all(mut disk: Disk, commands: &Receiver<Command>, status: &Mutex<Status>) {
    disk.complete_all();
    for command in commands {
        match command {
            Command::Close => {
                disk.end();
                return;
            }
            Command::Sync(done) => {
                let _ = done.send(());
            }
            Command::Write(now, output) => {
                disk.advance(now);
                for output in output {
                    write(&mut disk, output, status);
                }
            }
        }
    }
}

/// Writes frames; after a failure only those of a new section.
fn write(disk: &mut Disk, output: Output, status: &Mutex<Status>) {
    let (written, is_section) = match output {
        Output::Section(start, keyframe) => (disk.begin(&[start, keyframe]), true),
        Output::Frame(frame) => (disk.append(&frame), false),
    };
    let mut status = lock(status);
    match written {
        Ok(()) => {
            status.has_begun |= is_section;
            status.is_segment_large |= disk.is_segment_large();
        }
        Err(refused) => {
            disk.abandon();
            status.failure = Some(Failure {
                reason: GapReason::DiskFull,
                message: refused.to_string(),
            });
        }
    }
}
