//! Makes frames of snapshots, and decides when: which snapshots share a frame, when a keyframe is due, when a section ends.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use crate::history::GapReason;
use crate::history::codec::{Batch, Encoder, MAX_STEPS};
use crate::history::format::{Frame, Head, Kind, Start, StartReason};
use crate::model::{Moment, Snapshot, Text};
use crate::source::Redactor;

/// How long changes wait to share a frame.
const FRAME: Duration = Duration::from_secs(5);

/// How long few changes wait.
const SMALL_FRAME: Duration = Duration::from_secs(10);

/// So many are no longer few.
const FEW: u32 = 64;

/// So many snapshots end a frame.
const MANY: usize = MAX_STEPS / 4;

/// The least time between two frames, also when a listener changed.
const LEAST: Duration = Duration::from_millis(900);

/// So often a frame is written although nothing changed, so that a gap is known as one.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// The longest time from one keyframe to the next.
const KEYFRAME: Duration = Duration::from_mins(30);

/// How long a section is that is written to a disk.
pub(crate) const SECTION: Duration = Duration::from_hours(1);

/// The most that the wall clock may jump within a section.
const MAX_JUMP: Duration = Duration::from_secs(2);

/// What a start frame says about the recorder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    pub host: Option<Text>,
    pub boot_id: Option<Text>,
    pub is_redacted: bool,
    /// How long a section may be.
    pub section: Duration,
    /// The longest time between two snapshots that is no gap.
    pub max_silence: Duration,
}

impl Recorder {
    /// One whose sections are so long, and that takes snapshots at this interval: a much longer time between two is a gap.
    pub fn new(section: Duration, interval: Duration) -> Self {
        Self {
            section,
            max_silence: Duration::from_secs(90) + 2 * interval,
            ..Self::default()
        }
    }
}

/// Frames to be written: those of a section begin a new segment.
#[derive(Debug)]
pub(crate) enum Output {
    Section(Frame, Frame),
    Frame(Frame),
}

impl Output {
    pub fn into_frames(self) -> Vec<Frame> {
        match self {
            Self::Section(start, keyframe) => vec![start, keyframe],
            Self::Frame(frame) => vec![frame],
        }
    }
}

/// Makes frames of snapshots.
pub(crate) struct Framer {
    recorder: Recorder,
    redactor: Option<Redactor>,
    /// The number of the run, by chance, and its first snapshot.
    run_number: u64,
    run: Option<Moment>,
    section: Option<Section>,
    /// Whether the next snapshot begins a section.
    is_section_complete: bool,
    sequence: u32,
}

/// The section that is being written.
struct Section {
    encoder: Encoder,
    first: Moment,
    /// When the last keyframe was made, on the steady clock.
    keyframe_at: Duration,
    last: Moment,
    /// The last snapshot that was in a frame.
    framed: Moment,
    /// The first snapshot that is not yet in a frame.
    waiting: Option<Moment>,
    /// How many snapshots are not yet in a frame.
    steps: usize,
    is_urgent: bool,
}

impl Framer {
    pub fn new(recorder: Recorder) -> Self {
        let redactor = recorder.is_redacted.then(Redactor::default);
        Self {
            recorder,
            redactor,
            run_number: RandomState::new().build_hasher().finish(),
            run: None,
            section: None,
            is_section_complete: false,
            sequence: 0,
        }
    }

    /// The frames that are due with this snapshot. `restart`: a section begins, as frames before it were not written.
    pub fn add(&mut self, snapshot: &Snapshot, restart: Option<GapReason>) -> Vec<Output> {
        let redacted = self.redactor.as_mut().map(|it| it.redact(snapshot));
        let snapshot = redacted.as_ref().unwrap_or(snapshot);
        let now = snapshot.taken_at;
        let mut output = Vec::new();
        if restart.is_some() {
            self.section = None;
        }
        let reason = match (&self.section, restart) {
            (_, Some(reason)) => Some(StartReason::After(reason)),
            (None, None) => Some(StartReason::Started),
            (Some(section), None) => self.gap_before(section, now).map(StartReason::After),
        };
        if let Some(reason) = reason {
            output.extend(self.flush());
            output.push(self.begin(snapshot, reason));
            return output;
        }
        self.add_step(snapshot);
        let is_over = |section: &Section| section.first.age(now) >= self.recorder.section;
        if self.section.as_ref().is_some_and(is_over) || self.is_section_complete {
            output.extend(self.flush());
            output.push(self.begin(snapshot, StartReason::Continued));
        } else if self.section.as_ref().is_some_and(Section::is_due) {
            output.extend(self.flush());
            output.extend(self.keyframe_if_due(now));
        }
        output
    }

    /// Lets a section begin with the next snapshot, without a gap.
    pub const fn complete_section(&mut self) {
        self.is_section_complete = true;
    }

    /// The frames with what is left, and a stop frame.
    pub fn finish(&mut self) -> Vec<Output> {
        let mut output: Vec<_> = self.flush().into_iter().collect();
        if let Some(section) = self.section.take() {
            let frame = self.frame(Kind::Stop, 0, (section.last, section.last), &[]);
            output.push(Output::Frame(frame));
        }
        output
    }

    /// Why a snapshot can't continue the section, if it can't.
    fn gap_before(&self, section: &Section, now: Moment) -> Option<GapReason> {
        let passed = section.last.age(now);
        let drift = drift(section.last, now);
        if now.steady < section.last.steady || drift > MAX_JUMP {
            Some(GapReason::ClockSet)
        } else if passed > self.recorder.max_silence {
            Some(GapReason::NoSnapshots)
        } else {
            None
        }
    }

    fn begin(&mut self, snapshot: &Snapshot, reason: StartReason) -> Output {
        let now = snapshot.taken_at;
        self.is_section_complete = false;
        // The steady clock goes back only if it is another one.
        let run = self.run.filter(|run| run.steady <= now.steady);
        let run = *self.run.insert(run.unwrap_or(now));
        let recorder = &self.recorder;
        let start = Start {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            run: Some(self.run_number),
            host: recorder.host.clone(),
            boot_id: recorder.boot_id.clone(),
            is_redacted: recorder.is_redacted,
        };
        let start = serde_json::to_vec(&start).unwrap_or_default();
        let start = self.frame(Kind::Start, reason.flags(), (now, now), &[start]);
        let mut encoder = match (&mut self.section, reason) {
            (Some(before), StartReason::Continued) => {
                Encoder::continued(snapshot, run, &mut before.encoder)
            }
            (_, StartReason::After(_)) => Encoder::after_gap(snapshot, run),
            _ => Encoder::new(snapshot, run),
        };
        let keyframe = encoder.keyframe();
        let flags = Head::IS_FIRST | self.redacted_flag();
        let keyframe = self.frame(Kind::Keyframe, flags, (now, now), &keyframe);
        self.section = Some(Section {
            encoder,
            first: now,
            keyframe_at: now.steady,
            last: now,
            framed: now,
            waiting: None,
            steps: 0,
            is_urgent: false,
        });
        Output::Section(start, keyframe)
    }

    fn add_step(&mut self, snapshot: &Snapshot) {
        let Some(section) = &mut self.section else {
            return;
        };
        section.last = snapshot.taken_at;
        let changed = section.encoder.add(snapshot);
        if changed.is_any {
            section.waiting.get_or_insert(snapshot.taken_at);
            section.steps += 1;
            section.is_urgent |= changed.has_listener_change;
        }
    }

    /// A frame of the changes so far; without any, one that says so.
    pub fn flush(&mut self) -> Option<Output> {
        let section = self.section.as_mut()?;
        let last = section.last;
        if section.waiting.is_none() && section.framed == last {
            return None;
        }
        let (first, mut flags) = match section.waiting.take() {
            Some(first) => (first, 0),
            None => (last, Head::IS_HEARTBEAT),
        };
        section.framed = last;
        section.is_urgent = false;
        section.steps = 0;
        let batch = section.encoder.take();
        if batch.has_listener_change {
            flags |= Head::HAS_LISTENER_CHANGE;
        }
        Some(Output::Frame(self.changes(&batch, flags, (first, last))))
    }

    /// The frames of the changes so far, if there are any.
    pub fn flush_changes(&mut self) -> Vec<Output> {
        let is_waiting = |section: &Section| section.waiting.is_some();
        if self.section.as_ref().is_some_and(is_waiting) {
            self.flush_early()
        } else {
            Vec::new()
        }
    }

    /// The same at the request of a reader; then a keyframe, if one is due.
    pub fn flush_early(&mut self) -> Vec<Output> {
        let mut output: Vec<_> = self.flush().into_iter().collect();
        let last = self.section.as_ref().map(|section| section.last);
        if let Some(last) = last.filter(|_| !output.is_empty()) {
            output.extend(self.keyframe_if_due(last));
        }
        output
    }

    fn changes(&mut self, batch: &Batch, flags: u16, (first, last): (Moment, Moment)) -> Frame {
        let mut frame = self.frame(Kind::Changes, flags, (first, last), &batch.pieces);
        frame.set_counts(batch.counts);
        frame
    }

    fn keyframe_if_due(&mut self, now: Moment) -> Option<Output> {
        let section = self.section.as_mut()?;
        let is_due = now.steady.saturating_sub(section.keyframe_at) >= KEYFRAME;
        if !is_due && !section.encoder.is_large() {
            return None;
        }
        section.keyframe_at = now.steady;
        let keyframe = section.encoder.keyframe();
        let flags = self.redacted_flag();
        let frame = self.frame(Kind::Keyframe, flags, (now, now), &keyframe);
        Some(Output::Frame(frame))
    }

    fn redacted_flag(&self) -> u16 {
        u16::from(self.recorder.is_redacted) * Head::IS_REDACTED
    }

    fn frame(
        &mut self,
        kind: Kind,
        flags: u16,
        (from, to): (Moment, Moment),
        pieces: &[Vec<u8>],
    ) -> Frame {
        let span = from.age(to).as_millis();
        let head = Head {
            flags,
            sequence: self.sequence,
            span: u32::try_from(span).unwrap_or(u32::MAX),
            ..Head::new(kind, from.wall.as_millisecond())
        };
        self.sequence = self.sequence.wrapping_add(1);
        Frame::compressed(head, pieces)
    }
}

impl Section {
    fn is_due(&self) -> bool {
        let since = self.framed.age(self.last);
        let Some(waiting) = self.waiting else {
            return since >= HEARTBEAT;
        };
        let is_small = self.encoder.waiting() < FEW;
        let wait = if is_small { SMALL_FRAME } else { FRAME };
        let is_long = waiting.age(self.last) + LEAST >= wait;
        is_long || self.steps >= MANY || self.is_urgent && since >= LEAST
    }
}

/// How much more or less time passed on the wall clock.
fn drift(from: Moment, to: Moment) -> Duration {
    Duration::from_millis(signed_drift(from, to).unsigned_abs())
}

/// How much more time passed on the wall clock, in ms.
fn signed_drift(from: Moment, to: Moment) -> i64 {
    let wall = to.wall.as_millisecond() - from.wall.as_millisecond();
    wall - i64::try_from(from.age(to).as_millis()).unwrap_or(i64::MAX)
}
