//! The sockets of Linux: the table, their owners, units and containers.
//!
//! `netlink` reads the table, `owners` finds the processes with an inode, `cgroup` finds the unit or container.

// Where the library for perf events has bindings.
#[cfg_attr(
    not(any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )),
    path = "attribution/unsupported.rs"
)]
mod attribution;
pub(crate) mod background;
pub(crate) mod cgroup;
mod destroyed;
pub(crate) mod ephemeral;
mod families;
pub(crate) mod fork;
pub(crate) mod interfaces;
pub(crate) mod namespaces;
pub(crate) mod netlink;
pub(crate) mod owners;
pub(crate) mod placement;
mod platform;
pub(crate) mod problems;
pub(crate) mod proc;
pub(super) mod process_events;
pub(super) mod process_handle;
mod reading;
pub(crate) mod redirects;
mod table;
pub(crate) mod tools;
#[cfg(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64"
))]
pub(super) mod trace;
mod update_thread;

pub(crate) use self::families::unix as unix_table;
pub(crate) use self::interfaces::Interfaces;
pub(super) use self::platform::Platform;
pub(crate) use self::proc::{descriptor_limit, mounts, net as proc_net, rights, scan};
