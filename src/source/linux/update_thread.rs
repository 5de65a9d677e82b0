//! A thread that updates a state when its files are ready, and on request.
//!
//! It works without the lock of the state, and takes that only to change it. So whatever blocks the thread (a file of `/proc`
//! can, of a process whose memory is a file of FUSE) blocks no other thread: a request waits for a limited time, and the end
//! of the thread is not waited for.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{read, retry_on_intr, write};

/// For how long a request waits. An update takes some milliseconds, and more on a busy machine.
const MAX_WAIT: Duration = Duration::from_millis(200);

/// A running thread and its state. The thread ends by itself after this is dropped.
pub(super) struct UpdateThread<T>(Arc<Shared<T>>);

/// The thread's side of it.
pub(super) struct Updates<T> {
    shared: Arc<Shared<T>>,
    /// The last request before the update that runs.
    request: u64,
}

struct Shared<T> {
    state: Mutex<T>,
    requests: Mutex<Requests>,
    /// Notified after each update.
    updated: Condvar,
    /// An `eventfd(2)`, readable after a request.
    wake: OwnedFd,
}

#[derive(Default)]
struct Requests {
    last: u64,
    /// The last one that an update followed.
    done: u64,
    is_over: bool,
}

impl<T: Send + 'static> UpdateThread<T> {
    /// Starts a thread that runs this function. It calls [`Updates::wait`] before each update.
    pub(super) fn start(
        name: &str,
        state: T,
        run: impl FnOnce(Updates<T>) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            requests: Mutex::default(),
            updated: Condvar::new(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        });
        let updates = Updates {
            shared: Arc::clone(&shared),
            request: 0,
        };
        Builder::new().name(name.into()).spawn(|| run(updates))?;
        Ok(Self(shared))
    }
}

impl<T> UpdateThread<T> {
    /// Requests an update and waits for it. Returns whether there was one. While an earlier request still has none, it does
    /// not wait.
    pub(super) fn update(&self) -> bool {
        let mut requests = lock(&self.0.requests);
        if requests.done < requests.last {
            return false;
        }
        requests.last += 1;
        let request = requests.last;
        self.0.wake();
        let is_waiting = |requests: &mut Requests| requests.done < request;
        let waited = self
            .0
            .updated
            .wait_timeout_while(requests, MAX_WAIT, is_waiting);
        let (requests, _) = waited.unwrap_or_else(PoisonError::into_inner);
        requests.done >= request
    }

    /// The state after the last update.
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        lock(&self.0.state)
    }
}

impl<T> Drop for UpdateThread<T> {
    fn drop(&mut self) {
        lock(&self.0.requests).is_over = true;
        self.0.wake();
    }
}

impl<T> Shared<T> {
    fn wake(&self) {
        let _ = write(&self.wake, &1_u64.to_ne_bytes());
    }
}

impl<T> Updates<T> {
    /// The last update is complete. Waits until one of the files is readable or has an error, there is a request, or the
    /// time is over. Returns what each file is ready for; `None` once the thread is to end.
    pub(super) fn wait(
        &mut self,
        files: &[OwnedFd],
        timeout: Option<&Timespec>,
    ) -> Option<Vec<PollFlags>> {
        lock(&self.shared.requests).done = self.request;
        self.shared.updated.notify_all();
        let all = std::iter::once(&self.shared.wake).chain(files);
        let mut all: Vec<_> = all.map(|file| PollFd::new(file, PollFlags::IN)).collect();
        retry_on_intr(|| poll(&mut all, timeout)).ok()?;
        let _ = read(&self.shared.wake, &mut [0; 8]);
        let requests = lock(&self.shared.requests);
        self.request = requests.last;
        let ready = all[1..].iter().map(PollFd::revents);
        (!requests.is_over).then(|| ready.collect())
    }

    /// The state, to change it. Nothing may block while it is locked.
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        lock(&self.shared.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "measures only")]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_request_returns_after_an_update_that_began_later() {
        let thread = UpdateThread::start("test", 0, |mut updates| {
            while updates.wait(&[], None).is_some() {
                *updates.lock() += 1;
            }
        });
        let thread = thread.unwrap();
        for count in 1..=3 {
            assert!(thread.update());
            assert_eq!(*thread.lock(), count);
        }
    }

    #[test]
    fn an_update_that_blocks_blocks_neither_the_state_nor_the_end() {
        let (unblock, blocked) = channel::<()>();
        let (end, ended) = channel();
        let thread = UpdateThread::start("test", 7, move |mut updates| {
            while updates.wait(&[], None).is_some() {
                blocked.recv().unwrap();
            }
            end.send(()).unwrap();
        });
        let thread = thread.unwrap();
        assert!(!thread.update());
        assert_eq!(*thread.lock(), 7);
        // No second wait for the same update.
        let start = Instant::now();
        for _ in 0..100 {
            assert!(!thread.update());
        }
        assert!(start.elapsed() < MAX_WAIT * 20);
        drop(thread);
        assert!(ended.try_recv().is_err());
        unblock.send(()).unwrap();
        ended.recv().unwrap();
    }
}
