//! One trial bind and its result.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

/// What is bound: an address, and `IPV6_V6ONLY` for one of IPv6.
pub(in crate::bind) type Bind = (IpAddr, Option<bool>);

/// One trial bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The address that was bound; `0.0.0.0` or `::` for every address of the family.
    pub address: IpAddr,
    /// `IPV6_V6ONLY` of the socket; `None` for IPv4.
    pub v6only: Option<bool>,
    /// Whether the socket had `SO_REUSEADDR`, which most servers set.
    pub reuse_address: bool,
    /// The result.
    pub result: ProbeResult,
}

/// The result of a trial bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// The bind succeeded (and was undone at once).
    Ok,
    /// The socket could not be made or bound: the error's name, or `errno 123` if `bind` is not known to return it.
    Errno(Cow<'static, str>),
}

impl Probe {
    /// The address and `IPV6_V6ONLY`.
    pub(in crate::bind) const fn bind(&self) -> Bind {
        (self.address, self.v6only)
    }

    /// Whether it was of every IPv6 address, and of no IPv4 address.
    pub(in crate::bind) const fn is_v6_wildcard(&self) -> bool {
        matches!(self.v6only, Some(true)) && self.address.is_unspecified()
    }
}

impl ProbeResult {
    /// Whether the bind succeeded.
    pub const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// Whether it is the error of this name.
    pub fn is(&self, errno: &str) -> bool {
        !self.is_ok() && self.as_str() == errno
    }

    /// Whether another socket has the port.
    pub fn is_in_use(&self) -> bool {
        self.is("EADDRINUSE")
    }

    /// `ok` or the error's name, as JSON and the screen write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ok => "ok",
            Self::Errno(name) => name,
        }
    }
}

impl fmt::Display for ProbeResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ProbeResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
