//! The way from the supervisor to the thread that explains. Sending never waits: while the supervisor waited, no call
//! below the filter would get its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::explain::Job;

/// The most jobs that wait when another failed call is to be explained, and when a success is reported.
const MAX_FAILED: usize = 256;
const MAX_SUCCEEDED: usize = 4096;

pub(super) struct JobSender {
    to: Sender<Job>,
    waiting: Arc<AtomicUsize>,
}

pub(super) struct JobReceiver {
    from: Receiver<Job>,
    waiting: Arc<AtomicUsize>,
}

pub(super) fn job_channel() -> (JobSender, JobReceiver) {
    let (to, from) = channel();
    let waiting = Arc::<AtomicUsize>::default();
    let sender = JobSender {
        to,
        waiting: Arc::clone(&waiting),
    };
    (sender, JobReceiver { from, waiting })
}

impl JobSender {
    /// Sends a job, or returns it if there are too many of its kind.
    #[expect(
        clippy::result_large_err,
        reason = "it is the job that was given, as with `Sender`"
    )]
    pub(super) fn send(&self, job: Job) -> Result<(), Job> {
        let most = match &job {
            Job::Failed(_) | Job::Unix(_) | Job::More(..) => MAX_FAILED,
            Job::Succeeded(..) => MAX_SUCCEEDED,
            Job::Opened(_) | Job::Unjudged(..) | Job::Finish => usize::MAX,
        };
        if self.waiting.load(Ordering::Relaxed) >= most {
            return Err(job);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.to.send(job).map_err(|refused| refused.0)
    }
}

impl JobReceiver {
    /// The next job; `None` when the supervisor has ended.
    pub(super) fn next(&self) -> Option<Job> {
        let job = self.from.recv().ok()?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(job)
    }
}
