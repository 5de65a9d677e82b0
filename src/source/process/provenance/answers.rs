//! Answers of the background thread to what was queued there.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::source::Meter;

/// How long a command with a single snapshot waits for results.
const PATIENCE: Duration = Duration::from_millis(150);

/// The way back from the thread; made when it is first needed.
pub(super) struct Answers<T> {
    channel: Option<(Sender<T>, Receiver<T>)>,
    /// Whether waiting for results took too long once.
    is_slow: bool,
}

/// The time that is left to wait for answers.
pub(super) struct Patience {
    left: Duration,
    meter: Meter,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self {
            channel: None,
            is_slow: false,
        }
    }
}

impl<T> Answers<T> {
    /// What a job sends its answer by.
    pub(super) fn sender(&mut self) -> Sender<T> {
        self.channel.get_or_insert_with(channel).0.clone()
    }

    /// The answers that are there.
    pub(super) fn take(&self) -> Vec<T> {
        let channel = self.channel.iter();
        channel
            .flat_map(|(_, answers)| answers.try_iter())
            .collect()
    }

    /// Waits for the next answer as long as there is patience; never again if that was not enough once.
    pub(super) fn next(&mut self, patience: &mut Patience) -> Option<T> {
        let (_, answers) = self.channel.as_ref().filter(|_| !self.is_slow)?;
        let answer = answers.recv_timeout(patience.left).ok();
        patience.left = patience.left.saturating_sub(patience.meter.lap());
        self.is_slow = answer.is_none();
        answer
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
impl<T> Answers<T> {
    /// Whether nothing was queued yet.
    pub(super) const fn is_unused(&self) -> bool {
        self.channel.is_none()
    }

    /// The next answer, however long it takes.
    pub(super) fn wait_for_one(&self) -> T {
        let (_, answers) = self.channel.as_ref().unwrap();
        answers.recv().unwrap()
    }
}

impl Patience {
    pub(super) fn start() -> Self {
        Self {
            left: PATIENCE,
            meter: Meter::start(),
        }
    }
}
