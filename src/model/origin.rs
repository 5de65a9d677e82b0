//! Where snapshots come from, and its capabilities.

use super::Text;

/// The origin of snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its kind.
    pub kind: OriginKind,
    /// The name of the host or the recording.
    pub name: Text,
    /// Its capabilities.
    pub can: Capabilities,
}

/// The kinds of origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// The network namespace that this program runs in, now.
    Own,
    /// A recording of some machine at an earlier time.
    Recording,
}

/// A set of capabilities of an origin.
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

    /// A recording with this name, without capabilities.
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
    /// The owners of a socket can be looked up on demand.
    pub const OWNERS: Self = Self(1 << 2);
    /// A free port can be chosen.
    pub const FREE_PORT: Self = Self(1 << 3);
    /// Every snapshot is live; otherwise each has a recorded time.
    pub const LIVE: Self = Self(1 << 4);
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
        let own = Origin::own().can;
        let recording = Origin::recording("r.jsonl").can;
        let some = Capabilities::BIND.and(Capabilities::LIVE);
        assert!(own.has(some) && some.has(Capabilities::LIVE) && !some.has(Capabilities::SIGNAL));
        assert!(!recording.has(Capabilities::LIVE) && recording.has(Capabilities::NONE));
    }
}
