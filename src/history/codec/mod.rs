//! Snapshots as bodies of frames, and back. Pure.

use crate::history::format::{ChangeCounts, Start};
use crate::model::{Moment, Snapshot};
use crate::source::RecordingFrame as Whole;

/// What a snapshot changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Whether there is anything to store.
    pub is_any: bool,
    /// Whether a socket without a peer, its owner or a problem changed.
    pub has_listener_change: bool,
}

/// Changes that are ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub raw: Vec<u8>,
    pub counts: ChangeCounts,
    pub has_listener_change: bool,
    /// When the first and the last snapshot of it were taken; equal to `None` if it has none.
    pub times: Option<(Moment, Moment)>,
}

/// Encodes a series of snapshots.
pub(crate) struct Encoder {
    last: Whole,
    steps: Vec<Vec<u8>>,
    counts: ChangeCounts,
    has_listener_change: bool,
    times: Option<(Moment, Moment)>,
}

impl Encoder {
    /// A series that begins with this snapshot.
    pub fn new(first: &Snapshot) -> Self {
        Self {
            last: Whole::of(first),
            steps: Vec::new(),
            counts: ChangeCounts::default(),
            has_listener_change: false,
            times: None,
        }
    }

    /// Adds the changes since the snapshot before.
    pub fn add(&mut self, snapshot: &Snapshot) -> Changed {
        let whole = Whole::of(snapshot);
        let step = serde_json::to_vec(&whole.since(&self.last)).unwrap_or_default();
        self.last = whole;
        self.steps.push(step);
        let first = self.times.map_or(snapshot.taken_at, |(first, _)| first);
        self.times = Some((first, snapshot.taken_at));
        Changed {
            is_any: true,
            has_listener_change: false,
        }
    }

    /// Takes the changes since the last call.
    pub fn take(&mut self) -> Batch {
        let mut raw = Vec::new();
        for step in self.steps.drain(..) {
            let length = u32::try_from(step.len()).unwrap_or(u32::MAX);
            raw.extend_from_slice(&length.to_le_bytes());
            raw.extend_from_slice(&step);
        }
        Batch {
            raw,
            counts: std::mem::take(&mut self.counts),
            has_listener_change: std::mem::take(&mut self.has_listener_change),
            times: self.times.take(),
        }
    }

    /// Everything as of the last snapshot.
    pub fn keyframe(&mut self) -> Vec<u8> {
        serde_json::to_vec(&self.last).unwrap_or_default()
    }
}

/// The changes of one snapshot.
pub(crate) struct Step(Whole);

impl Step {
    pub fn taken_at(&self) -> Moment {
        self.0.taken_at()
    }
}

/// Decodes a series of snapshots.
pub(crate) struct Decoder(Whole);

impl Decoder {
    /// A series that begins with this keyframe.
    pub fn new(raw: &[u8], _start: &Start) -> Result<Self, String> {
        Ok(Self(parse(raw)?))
    }

    pub fn taken_at(&self) -> Moment {
        self.0.taken_at()
    }

    /// Reads changes, without applying them.
    pub fn read(&mut self, raw: &[u8]) -> Result<Vec<Step>, String> {
        let (mut steps, mut rest) = (Vec::new(), raw);
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = u32::from_le_bytes(*length) as usize;
            let (step, after) = after.split_at_checked(length).ok_or("it is cut off")?;
            steps.push(Step(parse(step)?));
            rest = after;
        }
        Ok(steps)
    }

    /// Applies the next changes.
    pub fn apply(&mut self, step: Step) -> Result<(), String> {
        self.0 = step.0.completed(Some(&self.0))?;
        Ok(())
    }

    /// The snapshot as of the last changes.
    pub fn snapshot(&self) -> Result<Snapshot, String> {
        self.0.snapshot()
    }
}

fn parse(json: &[u8]) -> Result<Whole, String> {
    serde_json::from_slice(json).map_err(|error| error.to_string())
}
