//! Where snapshots come from, and what can be done there.

/// Where snapshots come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The network namespace that this program runs in, now.
    Own,
    /// A recording: some machine, at an earlier time.
    Recording,
}

impl Origin {
    /// What can be done there: a recording can only be viewed.
    pub const fn can(self) -> Capabilities {
        match self {
            Self::Own => Capabilities::ALL,
            Self::Recording => Capabilities::NONE,
        }
    }
}

/// A set of things that can be done at an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Capabilities {
    /// Binds can be tested.
    pub const BIND: Self = Self(1);
    /// Processes can be sent a signal.
    pub const SIGNAL: Self = Self(1 << 1);
    /// A free port can be chosen.
    pub const FREE_PORT: Self = Self(1 << 2);
    /// Every snapshot is live; otherwise each has a recorded time.
    pub const LIVE: Self = Self(1 << 3);
    /// Its addresses can be opened in a browser here.
    pub const OPEN: Self = Self(1 << 4);
    /// No capabilities: snapshots can only be viewed.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self((1 << 5) - 1);

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of these are among them.
    pub const fn has(self, these: Self) -> bool {
        self.0 & these.0 == these.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_can_only_be_watched() {
        let own = Origin::Own.can();
        let recording = Origin::Recording.can();
        let some = Capabilities::BIND.and(Capabilities::LIVE);
        assert!(own.has(some) && some.has(Capabilities::LIVE) && !some.has(Capabilities::SIGNAL));
        assert!(!recording.has(Capabilities::LIVE) && recording.has(Capabilities::NONE));
    }
}
