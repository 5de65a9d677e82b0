//! Where snapshots come from, and what can be done there.

use super::Text;

/// A place that snapshots are taken of, at one time or another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Which kind of place it is.
    pub kind: OriginKind,
    /// Its name: the host's, or that of the recording.
    pub name: Text,
    /// What can be done there.
    pub can: Capabilities,
}

/// The kinds of origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// The network namespace that this program runs in, now.
    Own,
    /// A recording: some machine, at an earlier time.
    Recording,
}

/// A set of things that can be done at an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Origin {
    /// This machine's own network namespace.
    pub fn own() -> Self {
        Self {
            kind: OriginKind::Own,
            name: Text::new("localhost"),
            can: Capabilities::ALL,
        }
    }

    /// A recording of this name: it can only be watched.
    pub fn recording(name: &str) -> Self {
        Self {
            kind: OriginKind::Recording,
            name: Text::new(name),
            can: Capabilities::NONE,
        }
    }
}

impl Capabilities {
    /// Binds can be tested.
    pub const BIND: Self = Self(1);
    /// Processes can be sent a signal.
    pub const SIGNAL: Self = Self(1 << 1);
    /// The owners of a socket can be looked up when they are needed.
    pub const OWNERS: Self = Self(1 << 2);
    /// A free port can be chosen.
    pub const FREE_PORT: Self = Self(1 << 3);
    /// Every snapshot shows the present; without it, each has a time of its own.
    pub const LIVE: Self = Self(1 << 4);
    /// Nothing but looking at snapshots.
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
        let own = Origin::own().can;
        let recording = Origin::recording("r.jsonl").can;
        let some = Capabilities::BIND.and(Capabilities::LIVE);
        assert!(own.has(some) && some.has(Capabilities::LIVE) && !some.has(Capabilities::SIGNAL));
        assert!(!recording.has(Capabilities::LIVE) && recording.has(Capabilities::NONE));
    }
}
