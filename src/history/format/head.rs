//! The head of a frame: what it is, how long, when, how many changes, and the checksums of both parts.
//!
//! Heads have a fixed length, so that a reader finds its way by them alone.

/// The first bytes of every head.
pub(crate) const MAGIC: [u8; 4] = *b"sckF";

/// The version that is written. A reader reads all earlier ones.
pub(crate) const VERSION: u8 = 1;

/// The length of a head, in bytes.
pub(crate) const HEAD_LENGTH: usize = 46;

/// The most bytes of a body, compressed or not, so that a small file can't fill the memory.
pub(crate) const MAX_BODY: u32 = 32 << 20;

/// What a frame contains. A reader skips the kinds that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A section begins: who records, when, why. A keyframe follows.
    Start,
    /// Everything at one moment.
    Keyframe,
    /// What changed in one or several snapshots.
    Changes,
    /// The recorder ended the section on purpose.
    Stop,
    /// The frames of the file.
    Index,
    /// The processes of the ports.
    Holders,
    /// Some ports: which sockets were bound to them, and in which frames their connections opened and closed.
    Ports,
    /// Where the index and the ports are.
    Directory,
    /// The ports of segments that were removed.
    Archive,
    /// Of a later version.
    Unknown(u8),
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Start,
        Self::Keyframe,
        Self::Changes,
        Self::Stop,
        Self::Index,
        Self::Holders,
        Self::Ports,
        Self::Directory,
        Self::Archive,
    ];

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Start => 1,
            Self::Keyframe => 2,
            Self::Changes => 3,
            Self::Stop => 4,
            Self::Index => 5,
            Self::Holders => 6,
            Self::Ports => 7,
            Self::Directory => 8,
            Self::Archive => 9,
            Self::Unknown(number) => number,
        }
    }

    pub(crate) fn of(number: u8) -> Self {
        let known = Self::ALL.into_iter().find(|kind| kind.number() == number);
        known.unwrap_or(Self::Unknown(number))
    }
}

/// How many sockets changed, as a head has it: 65,535 is that or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangeCounts {
    /// New in the table, or opened and closed between two snapshots.
    pub(crate) opened: u16,
    /// No longer in the table, or opened and closed between two snapshots.
    pub(crate) closed: u16,
    /// Another state, owner or address.
    pub(crate) changed: u16,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) flags: u16,
    /// The length of the body in the file.
    pub(crate) length: u32,
    /// The same before it was compressed.
    pub(crate) raw_length: u32,
    /// The frame's number in its file.
    pub(crate) sequence: u32,
    /// The wall-clock time of its first snapshot, in ms since 1970.
    pub(crate) wall: i64,
    /// How long after that its last snapshot was, in ms.
    pub(crate) span: u32,
    pub(crate) counts: ChangeCounts,
    /// The checksum of the body.
    pub(crate) body_crc: u32,
}

impl Head {
    /// A port without a peer, or its owner, changed.
    pub(crate) const HAS_LISTENER_CHANGE: u16 = 1;

    /// Of a keyframe: no changes lead to it, as it is the first of its section.
    pub(crate) const IS_FIRST: u16 = 2;

    /// Of changes: there are none, the recorder runs.
    pub(crate) const IS_HEARTBEAT: u16 = 4;

    /// Of a keyframe: names and addresses are pseudonyms.
    pub(crate) const IS_REDACTED: u16 = 8;

    /// A head of a moment, in ms since 1970; the rest is zero.
    pub(crate) fn new(kind: Kind, wall: i64) -> Self {
        Self {
            kind,
            flags: 0,
            length: 0,
            raw_length: 0,
            sequence: 0,
            wall,
            span: 0,
            counts: ChangeCounts::default(),
            body_crc: 0,
        }
    }

    /// Whether its body is not too large.
    pub(crate) fn is_bounded(&self) -> bool {
        self.length <= MAX_BODY && self.raw_length <= MAX_BODY
    }

    /// The wall-clock time of its last snapshot, in ms since 1970.
    pub(crate) fn end(&self) -> i64 {
        self.wall.saturating_add(i64::from(self.span))
    }

    pub(crate) fn to_bytes(self) -> [u8; HEAD_LENGTH] {
        let mut bytes = Vec::with_capacity(HEAD_LENGTH);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[VERSION, self.kind.number()]);
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        for number in [self.length, self.raw_length, self.sequence] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.wall.to_le_bytes());
        bytes.extend_from_slice(&self.span.to_le_bytes());
        let counts = self.counts;
        for number in [counts.opened, counts.closed, counts.changed] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.body_crc.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let mut head = [0; HEAD_LENGTH];
        head.copy_from_slice(&bytes);
        head
    }

    /// Reads a head, or says what is wrong with it.
    pub(crate) fn parse(bytes: &[u8; HEAD_LENGTH]) -> Result<Self, HeadError> {
        let numbers = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let (start, crc) = bytes.split_at(HEAD_LENGTH - 4);
        if bytes[..4] != MAGIC || crc32fast::hash(start).to_le_bytes() != crc {
            return Err(HeadError::Damaged);
        }
        if bytes[4] > VERSION {
            return Err(HeadError::Version(bytes[4]));
        }
        let head = Self {
            kind: Kind::of(bytes[5]),
            flags: short(6),
            length: numbers(8),
            raw_length: numbers(12),
            sequence: numbers(16),
            wall: i64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| bytes[20 + i])),
            span: numbers(28),
            counts: ChangeCounts {
                opened: short(32),
                closed: short(34),
                changed: short(36),
            },
            body_crc: numbers(38),
        };
        if !head.is_bounded() {
            return Err(HeadError::Damaged);
        }
        Ok(head)
    }
}

/// Why bytes are no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// They are not what was written.
    Damaged,
    /// They were written by a later version.
    Version(u8),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            kind: Kind::Changes,
            flags: 1,
            length: 2,
            raw_length: 3,
            sequence: 4,
            wall: -5,
            span: 6,
            counts: ChangeCounts {
                opened: 7,
                closed: 8,
                changed: 9,
            },
            body_crc: 10,
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for kind in Kind::ALL.into_iter().chain([Kind::Unknown(99)]) {
            let head = Head { kind, ..head() };
            assert_eq!(Head::parse(&head.to_bytes()), Ok(head));
        }
    }

    #[test]
    fn every_flipped_bit_of_a_head_is_noticed() {
        let bytes = head().to_bytes();
        for at in 0..HEAD_LENGTH {
            for bit in 0..8 {
                let mut wrong = bytes;
                wrong[at] ^= 1 << bit;
                assert_eq!(Head::parse(&wrong), Err(HeadError::Damaged), "{at}.{bit}");
            }
        }
    }

    #[test]
    fn a_later_version_and_a_body_beyond_the_limit_are_refused() {
        let mut bytes = head().to_bytes();
        bytes[4] = VERSION + 1;
        let crc = crc32fast::hash(&bytes[..HEAD_LENGTH - 4]);
        bytes[HEAD_LENGTH - 4..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Head::parse(&bytes), Err(HeadError::Version(VERSION + 1)));
        let raw_length = MAX_BODY + 1;
        let long = Head {
            raw_length,
            ..head()
        };
        assert_eq!(Head::parse(&long.to_bytes()), Err(HeadError::Damaged));
    }
}
