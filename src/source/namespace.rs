//! The network namespace of a process.

use std::io;

use crate::model::Pid;

/// Whether this system has network namespaces.
pub const HAS_NAMESPACES: bool = cfg!(target_os = "linux");

/// The number of the network namespace of a process; `None` for this one.
///
/// # Errors
/// If there is no such process (`NotFound`), or this user may not read that of it.
#[cfg(target_os = "linux")]
pub fn network_namespace(pid: Option<Pid>) -> io::Result<u64> {
    let process = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let link = std::fs::read_link(format!("/proc/{process}/ns/net"))?;
    let number = link.to_str().and_then(|link| {
        let number = link.strip_prefix("net:[")?.strip_suffix(']')?;
        number.parse().ok()
    });
    number.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// There is none.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn network_namespace(_: Option<Pid>) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_in_its_own_namespace_and_no_process_in_none() {
        let own = network_namespace(None).unwrap();
        assert_eq!(network_namespace(Some(std::process::id())).ok(), Some(own));
        let none = network_namespace(Some(u32::MAX)).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }
}
