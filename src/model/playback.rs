//! How far a recording has been played.

/// Which snapshot of a recording is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playback {
    /// The snapshot's number; the first is 1.
    pub number: usize,
    /// How many there are; `None` until they are counted.
    pub total: Option<usize>,
    /// Whether it is the last one.
    pub has_ended: bool,
}
