//! Names of users that are in no file: LDAP, systemd's `DynamicUser`, a container manager's.
//!
//! Only the C library's name service has them, and it may wait for a server that does not respond. So `getent(1)` runs
//! in a thread, for one user at a time and two seconds at most. Requests don't wait; results are collected later.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::model::Text;
use crate::source::Meter;
use crate::source::linux::tools;

/// Timeout for output of a lookup.
const PATIENCE: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};

/// The most users in the queue.
const MAX_QUEUE: usize = 64;

/// An entry is one line; longer output is not an entry.
const MAX_BYTES: usize = 16 * 1024;

/// The result of a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Name(Text),
    /// The user doesn't exist.
    Unknown,
    /// No answer came, or the tool can't be run.
    Failed,
}

/// The lookups of one source.
pub(super) struct Lookups {
    tool: Option<PathBuf>,
    thread: Option<Thread>,
    running: Arc<Mutex<Running>>,
    /// Users whose results were not collected yet.
    waiting: HashSet<u32>,
    answers: Vec<(u32, Answer)>,
}

/// What is sent to the thread that looks up one user after the other, and received from it.
type Thread = (SyncSender<u32>, Receiver<(u32, Answer)>);

/// The lookup that is under way.
#[derive(Default)]
struct Running {
    child: Option<Child>,
    is_over: bool,
}

impl Default for Lookups {
    fn default() -> Self {
        Self::with(tools::find("getent"))
    }
}

impl Lookups {
    /// Uses this program as `getent`; `None`: there is none, so no lookups.
    pub(super) fn with(tool: Option<PathBuf>) -> Self {
        Self {
            tool,
            thread: None,
            running: Arc::default(),
            waiting: HashSet::new(),
            answers: Vec::new(),
        }
    }

    /// Whether a lookup is queued or under way.
    pub(super) fn is_waiting(&self, uid: u32) -> bool {
        self.waiting.contains(&uid)
    }

    /// Starts looking up a user; the answer at once where nothing can be looked up. `None`: it comes later,
    /// or the queue is full and it can be requested again.
    pub(super) fn request(&mut self, uid: u32) -> Option<Answer> {
        let Some(tool) = &self.tool else {
            return Some(Answer::Unknown);
        };
        if self.thread.is_none() {
            self.thread = start(tool.clone(), Arc::clone(&self.running)).ok();
        }
        let (requests, _) = self.thread.as_ref()?;
        if requests.try_send(uid).is_ok() {
            self.waiting.insert(uid);
        }
        None
    }

    /// The answers since the last call.
    pub(super) fn take(&mut self) -> Vec<(u32, Answer)> {
        if let Some((_, answers)) = &self.thread {
            self.answers.extend(answers.try_iter());
        }
        for (uid, _) in &self.answers {
            self.waiting.remove(uid);
        }
        std::mem::take(&mut self.answers)
    }

    /// Waits for all answers, for no longer than this. Returns whether they are there.
    pub(super) fn wait(&mut self, time: Duration) -> bool {
        let (mut left, mut meter) = (time, Meter::start());
        while let Some((_, answers)) = &self.thread
            && self.answers.len() < self.waiting.len()
        {
            let Ok(answer) = answers.recv_timeout(left) else {
                return false;
            };
            self.answers.push(answer);
            left = left.saturating_sub(meter.lap());
        }
        true
    }
}

impl Drop for Lookups {
    /// Ends a lookup that is under way, and so the thread.
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        running.is_over = true;
        if let Some(child) = &mut running.child {
            let _ = child.kill();
        }
    }
}

fn start(tool: PathBuf, running: Arc<Mutex<Running>>) -> std::io::Result<Thread> {
    let (requests, queue) = sync_channel(MAX_QUEUE);
    let (sender, answers) = channel();
    // It ends once the lookups are dropped, as no one receives the answers then.
    let work = move || {
        let mut uids = queue.into_iter();
        let _ = uids.try_for_each(|uid| sender.send((uid, run_getent(&tool, uid, &running))));
    };
    let thread = std::thread::Builder::new().name("users".into());
    thread.spawn(work)?;
    Ok((requests, answers))
}

fn lock(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `getent passwd UID`. It has ended and is reaped when this returns.
fn run_getent(tool: &PathBuf, uid: u32, running: &Mutex<Running>) -> Answer {
    let mut command = Command::new(tool);
    command.args(["passwd", &uid.to_string()]).env_clear();
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.stdout(Stdio::piped()).spawn() else {
        return Answer::Failed;
    };
    let output = child.stdout.take();
    {
        let mut running = lock(running);
        if running.is_over {
            let _ = child.kill();
        }
        running.child = Some(child);
    }
    let text = output.and_then(read);
    let child = lock(running).child.take();
    if let Some(mut child) = child {
        let _ = child.kill();
        let _ = child.wait();
    }
    match text.map(|text| name_in(&text, uid)) {
        Some(Some(name)) => Answer::Name(name),
        Some(None) => Answer::Unknown,
        None => Answer::Failed,
    }
}

/// All output; `None` on a timeout.
fn read(mut output: ChildStdout) -> Option<Vec<u8>> {
    let (mut text, mut part) = (Vec::new(), [0; 1024]);
    while text.len() < MAX_BYTES {
        let mut ready = [PollFd::new(&output, PollFlags::IN)];
        match poll(&mut ready, Some(&PATIENCE)) {
            Err(rustix::io::Errno::INTR) => continue,
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        match output.read(&mut part).ok()? {
            0 => break,
            length => text.extend_from_slice(&part[..length]),
        }
    }
    Some(text)
}

/// The name of a user in `/etc/passwd` or in an answer of `getent passwd` (`passwd(5)`).
pub(super) fn name_in(passwd: &[u8], uid: u32) -> Option<Text> {
    let found = parse(passwd).find(|&(id, _)| id == uid);
    found.map(|(_, name)| Text::from_bytes(name))
}

/// The uid and name on each line of `name:password:uid:…`; other lines are passed over.
fn parse(passwd: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    passwd.split(|&byte| byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|&byte| byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
        Some((uid, name))
    })
}

#[cfg(test)]
pub(super) mod tests;
