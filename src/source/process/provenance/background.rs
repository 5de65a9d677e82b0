//! The thread that reads what may take long: folders on slow file systems, and files of many processes.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most jobs in the queue.
const MAX_QUEUE: usize = 1024;

/// A piece of work; it sends its results itself.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The queue of the thread, once it has started.
static QUEUE: Mutex<Option<SyncSender<Job>>> = Mutex::new(None);

/// Starts the thread, if it is not there: it stays, and in the network namespace that it was started in.
#[cfg(target_os = "linux")]
pub(crate) fn start_background_thread() {
    drop(started());
}

/// Adds to the queue, if there is room, and starts the thread if it is not there. Returns whether there was room.
pub(super) fn queue(job: Job) -> bool {
    let mut queue = started();
    let sent = queue.as_ref().map(|queue| queue.try_send(job));
    if matches!(sent, Some(Err(TrySendError::Disconnected(_)))) {
        *queue = None;
    }
    matches!(sent, Some(Ok(())))
}

fn started() -> MutexGuard<'static, Option<SyncSender<Job>>> {
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    if queue.is_none() {
        *queue = start().ok();
    }
    queue
}

fn start() -> std::io::Result<SyncSender<Job>> {
    let (jobs, queue) = sync_channel::<Job>(MAX_QUEUE);
    let work = move || {
        for job in queue {
            job();
        }
    };
    std::thread::Builder::new()
        .name("provenance".into())
        .spawn(work)?;
    Ok(jobs)
}
