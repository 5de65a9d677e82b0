//! Where snapshots come from, and what can be done there.

/// Where snapshots come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The network namespace that this program runs in, now.
    Own,
    /// A recording: some machine, at an earlier time. It can only be viewed.
    Recording,
}

impl Origin {
    /// Whether every snapshot is live, so that ports can be tested and processes ended; else each has a recorded time.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_can_only_be_watched() {
        assert!(Origin::Own.is_live() && !Origin::Recording.is_live());
    }
}
