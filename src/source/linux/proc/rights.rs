//! The privileges that this process lacks to read another.
//!
//! Listing the descriptors of another user's process takes `CAP_DAC_READ_SEARCH` (only that user may read the list),
//! reading them `CAP_SYS_PTRACE` (`ptrace(2)`, "Ptrace access mode checking"). Both count in the user namespace of the
//! other process or in one above.

use rustix::fs::stat;
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities, no_new_privs};

use crate::source::HiddenReason;

/// The inode of the initial user namespace (`PROC_USER_INIT_INO` of the kernel).
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// Whether this is not the initial user namespace; `None` if that is unknown.
pub(crate) fn is_in_user_namespace() -> Option<bool> {
    let namespace = stat("/proc/self/ns/user").ok()?;
    Some(namespace.st_ino != INITIAL_USER_NAMESPACE)
}

/// Whether this process has a capability in its own user namespace; `None` if that can't be read.
pub(crate) fn has_capability(capability: CapabilitySet) -> Option<bool> {
    Some(capabilities(None).ok()?.effective.contains(capability))
}

/// The user who became root by `sudo` (`SUDO_UID` of `sudo(8)`), if that is not root.
pub(crate) fn sudo_uid() -> Option<u32> {
    let uid = std::env::var("SUDO_UID").ok()?.parse().ok()?;
    (geteuid().is_root() && uid != 0).then_some(uid)
}

/// Whether no program started from here can become root (`no_new_privs`).
pub(crate) fn is_confined() -> bool {
    no_new_privs().unwrap_or(false)
}

/// Why reading a process was refused.
pub(crate) fn refusal() -> HiddenReason {
    let has = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    let (ptrace, search) = (
        has.contains(CapabilitySet::SYS_PTRACE),
        has.intersects(CapabilitySet::DAC_READ_SEARCH | CapabilitySet::DAC_OVERRIDE),
    );
    match (ptrace, search) {
        (true, true) if is_in_user_namespace() == Some(true) => HiddenReason::OtherUsers,
        (true, true) => HiddenReason::Forbidden,
        _ if !geteuid().is_root() && is_confined() => HiddenReason::Confined,
        _ if !geteuid().is_root() => HiddenReason::NotPermitted,
        (false, true) => HiddenReason::Lacking("CAP_SYS_PTRACE"),
        (true, false) => HiddenReason::Lacking("CAP_DAC_READ_SEARCH"),
        (false, false) => HiddenReason::Lacking("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"),
    }
}
