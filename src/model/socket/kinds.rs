//! A set of protocols: which kinds of sockets are read and shown.

use crate::model::Protocol;

/// Some of the protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Default for Kinds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Kinds {
    /// TCP and UDP, which every snapshot has.
    pub const DEFAULT: Self = Self::of(Protocol::Tcp).with(Protocol::Udp);

    /// No protocol.
    pub const NONE: Self = Self(0);

    /// Every protocol.
    pub const ALL: Self = Self((1 << Protocol::ALL.len()) - 1);

    /// One protocol.
    pub const fn of(protocol: Protocol) -> Self {
        Self(1 << protocol as u8)
    }

    /// Adds this protocol.
    #[must_use]
    pub const fn with(self, protocol: Protocol) -> Self {
        self.and(Self::of(protocol))
    }

    /// The union of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Removes these protocols.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Toggles a protocol.
    #[must_use]
    pub const fn toggled(self, protocol: Protocol) -> Self {
        Self(self.0 ^ Self::of(protocol).0)
    }

    /// Whether this protocol is among them.
    pub const fn has(self, protocol: Protocol) -> bool {
        self.0 & Self::of(protocol).0 != 0
    }

    /// Whether it is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The protocols besides TCP and UDP, which are read only on request.
    #[must_use]
    pub const fn optional(self) -> Self {
        self.without(Self::DEFAULT)
    }

    /// Iterates in the order of [`Protocol::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Protocol> {
        Protocol::ALL
            .into_iter()
            .filter(move |&protocol| self.has(protocol))
    }
}

impl FromIterator<Protocol> for Kinds {
    fn from_iter<I: IntoIterator<Item = Protocol>>(protocols: I) -> Self {
        protocols.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_it_was_made_of_and_nothing_else() {
        let some: Kinds = [Protocol::Unix, Protocol::Tcp].into_iter().collect();
        assert_eq!(
            some.iter().collect::<Vec<_>>(),
            [Protocol::Tcp, Protocol::Unix]
        );
        assert_eq!(some.optional(), Kinds::of(Protocol::Unix));
        assert_eq!(some.toggled(Protocol::Unix), Kinds::of(Protocol::Tcp));
        assert!(Kinds::ALL.iter().eq(Protocol::ALL));
        assert!(Kinds::NONE.is_empty());
    }
}
