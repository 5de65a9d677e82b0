//! The network namespace of a process, and why one can't be entered.

use std::fmt;
use std::io;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt as _;

#[cfg(target_os = "linux")]
use super::linux::scan;
use crate::model::Pid;

/// Whether this system has network namespaces.
pub const HAS_NAMESPACES: bool = cfg!(target_os = "linux");

/// Why a namespace can't be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// It has ended.
    Gone(String),
    /// This user may not enter it.
    NotPermitted(String),
    /// The kernel refused, or has none.
    Failed(String),
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Gone(text) | Self::NotPermitted(text) | Self::Failed(text)) = self;
        f.write_str(text)
    }
}

/// The number of the network namespace of a process.
///
/// # Errors
/// If there is no such process (`NotFound`), or this user may not read that of it.
#[cfg(target_os = "linux")]
pub fn network_namespace(pid: Pid) -> io::Result<u64> {
    let link = std::fs::read_link(format!("/proc/{pid}/ns/net"))?;
    let number = scan::namespace(link.as_os_str().as_bytes(), b"net:[");
    number.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// There is none.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn network_namespace(_: Pid) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn this_process_is_in_its_own_namespace_and_no_process_in_none() {
        let own = std::fs::metadata("/proc/self/ns/net").unwrap().ino();
        assert_eq!(network_namespace(std::process::id()).ok(), Some(own));
        let none = network_namespace(u32::MAX).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }
}
