//! The user that this program runs as, and all user names.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod lookups;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use self::linux::{Users, rename, rename_all, rename_socket};
#[cfg(not(target_os = "linux"))]
pub(crate) use self::portable::Users;

/// The uid of the user who runs this program; Windows has none.
pub fn own_uid() -> Option<u32> {
    #[cfg(unix)]
    let uid = Some(rustix::process::getuid().as_raw());
    #[cfg(not(unix))]
    let uid = None;
    uid
}

/// The uid of the user who invoked this program: as root by sudo, that of the user who ran sudo (`SUDO_UID`).
pub fn invoking_uid() -> Option<u32> {
    #[cfg(target_os = "linux")]
    if let Some(uid) = crate::source::linux::rights::sudo_uid() {
        return Some(uid);
    }
    own_uid()
}
