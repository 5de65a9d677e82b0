//! Names of users that are in no file: LDAP, systemd's `DynamicUser`, a container manager's.
//!
//! Only the C library's name service knows them, and it may wait for a server that does not answer. So
//! `getent(1)` is run in a thread of its own, one user at a time and each for two seconds at most. What
//! it says is picked up later; asking never waits.

use std::collections::{HashSet, VecDeque};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::parse;
use crate::model::Text;
use crate::source::linux::tools;

/// For so long one lookup may be silent.
const PATIENCE: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};

/// No more users than this wait for their turn.
const MAX_QUEUE: usize = 64;

/// An entry is one line; more of it than this is none.
const MAX_BYTES: usize = 16 * 1024;

/// What was asked for, and what was found.
#[derive(Default)]
struct Shared {
    queue: VecDeque<u32>,
    /// How many are queued or under way.
    open: usize,
    found: Vec<(u32, Answer)>,
    child: Option<Child>,
    is_over: bool,
}

/// What a lookup comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Name(Text),
    /// There is no such user.
    Unknown,
    /// It was not answered, or the tool can't be run.
    Failed,
}

/// The lookups of one source.
pub(super) struct Lookups {
    tool: Option<PathBuf>,
    shared: Arc<(Mutex<Shared>, Condvar)>,
    is_started: bool,
    waiting: HashSet<u32>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self::with(tools::find("getent"))
    }
}

impl Lookups {
    /// With this program as `getent`; `None`: there is none, and no user is known.
    pub(super) fn with(tool: Option<PathBuf>) -> Self {
        Self {
            tool,
            shared: Arc::default(),
            is_started: false,
            waiting: HashSet::new(),
        }
    }

    /// Whether this user is looked for now.
    pub(super) fn is_waiting(&self, uid: u32) -> bool {
        self.waiting.contains(&uid)
    }

    /// Has a user looked up; the answer at once where nothing can be looked up. `None`: it comes later,
    /// or the queue is full, and it can be asked for again.
    pub(super) fn ask(&mut self, uid: u32) -> Option<Answer> {
        let Some(tool) = &self.tool else {
            return Some(Answer::Unknown);
        };
        if !self.is_started {
            let (tool, shared) = (tool.clone(), Arc::clone(&self.shared));
            let thread = std::thread::Builder::new().name("users".into());
            if thread.spawn(move || work(&tool, &shared)).is_err() {
                return None;
            }
            self.is_started = true;
        }
        let (state, changed) = &*self.shared;
        let mut state = lock(state);
        if state.queue.len() < MAX_QUEUE {
            state.queue.push_back(uid);
            state.open += 1;
            self.waiting.insert(uid);
            changed.notify_all();
        }
        None
    }

    /// What was answered since this was last asked.
    pub(super) fn take(&mut self) -> Vec<(u32, Answer)> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let found = std::mem::take(&mut lock(&self.shared.0).found);
        for (uid, _) in &found {
            self.waiting.remove(uid);
        }
        found
    }

    /// Waits until all is answered, for no longer than this. Returns whether it is.
    pub(super) fn wait(&self, time: Duration) -> bool {
        if self.waiting.is_empty() {
            return true;
        }
        let (state, changed) = &*self.shared;
        let waited = changed.wait_timeout_while(lock(state), time, |state| state.open > 0);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.open == 0
    }
}

impl Drop for Lookups {
    /// Ends the thread, and a lookup that is under way.
    fn drop(&mut self) {
        let (state, changed) = &*self.shared;
        let mut state = lock(state);
        state.is_over = true;
        if let Some(child) = &mut state.child {
            let _ = child.kill();
        }
        changed.notify_all();
    }
}

fn lock(state: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks up one user after the other until it is over.
fn work(tool: &PathBuf, shared: &(Mutex<Shared>, Condvar)) {
    let (state, changed) = shared;
    loop {
        let is_idle = |state: &mut Shared| state.queue.is_empty() && !state.is_over;
        let guard = changed.wait_while(lock(state), is_idle);
        let mut guard = guard.unwrap_or_else(PoisonError::into_inner);
        if guard.is_over {
            return;
        }
        let Some(uid) = guard.queue.pop_front() else {
            continue;
        };
        drop(guard);
        let answer = look_up(tool, uid, state);
        let mut guard = lock(state);
        guard.found.push((uid, answer));
        guard.open -= 1;
        changed.notify_all();
    }
}

/// Runs `getent passwd UID`. It has ended and is reaped when this returns.
fn look_up(tool: &PathBuf, uid: u32, state: &Mutex<Shared>) -> Answer {
    let mut command = Command::new(tool);
    command.args(["passwd", &uid.to_string()]).env_clear();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return Answer::Failed;
    };
    let Some(output) = child.stdout.take() else {
        return Answer::Failed;
    };
    {
        let mut state = lock(state);
        if state.is_over {
            let _ = child.kill();
        }
        state.child = Some(child);
    }
    let text = read(output);
    let child = lock(state).child.take();
    if let Some(mut child) = child {
        let _ = child.kill();
        let _ = child.wait();
    }
    match text {
        None => Answer::Failed,
        Some(text) => {
            let found = parse(&text).find(|&(id, _)| id == uid);
            found.map_or(Answer::Unknown, |(_, name)| {
                Answer::Name(Text::from_bytes(name))
            })
        }
    }
}

/// All that is printed; `None` if nothing comes for too long.
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

#[cfg(test)]
pub(super) mod tests;
