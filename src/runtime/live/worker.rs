//! What every front end of the live table shares: the channels to its threads, and what their jobs need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use super::ConfigFile;
use crate::app::MomentRequest;
use crate::clock::Clock;
use crate::runtime::collector::Control;
use crate::runtime::history::LastHour;

/// The most messages to queue while a write blocks, on a terminal that accepts no output. Threads block beyond that;
/// typed input then stays in the terminal.
const MAX_WAITING: usize = 512;

/// The sending ends of the main loop, which receives `M`.
pub(super) struct Worker<M> {
    pub clock: Clock,
    pub config: ConfigFile,
    /// The history that is kept in memory, to write it.
    pub history: Option<LastHour>,
    pub sender: SyncSender<M>,
    pub control: Sender<Control>,
    /// Requests for moments of the history.
    pub moments: Sender<MomentRequest>,
    /// Lets the collector continue: its last update was processed.
    processed: Sender<()>,
    /// Whether the process was stopped and continued while there was no room for a message.
    pub was_resumed: Arc<AtomicBool>,
}

/// The receiving ends, of the main loop, the collector and the history.
pub(super) struct Ends<M> {
    pub messages: Receiver<M>,
    pub commands: Receiver<Control>,
    pub is_processed: Receiver<()>,
    pub moments: Receiver<MomentRequest>,
}

impl<M> Worker<M> {
    pub fn new(clock: Clock, config: ConfigFile, history: Option<LastHour>) -> (Self, Ends<M>) {
        let (sender, messages) = mpsc::sync_channel(MAX_WAITING);
        let (control, commands) = mpsc::channel();
        let (processed, is_processed) = mpsc::channel();
        let (moments, requested) = mpsc::channel();
        let worker = Self {
            clock,
            config,
            history,
            sender,
            control,
            moments,
            processed,
            was_resumed: Arc::default(),
        };
        let ends = Ends {
            messages,
            commands,
            is_processed,
            moments: requested,
        };
        (worker, ends)
    }

    /// Lets the collector continue. If it is gone it has crashed, which it reports itself.
    pub fn report_processed(&self) {
        let _ = self.processed.send(());
    }

    /// Whether the process was continued without a message about it, since this was last called.
    pub fn take_resumed(&self) -> bool {
        self.was_resumed.swap(false, Ordering::Relaxed)
    }
}
