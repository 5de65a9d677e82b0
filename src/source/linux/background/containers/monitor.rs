//! podman's monitor of a container, whose arguments have the container's id and name.
//!
//! Any user may call a program `conmon` and give it a name. So a monitor is always one of its user's containers, and
//! another user's must run the installed program.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use rustix::process::geteuid;

use super::own_group;
use super::publishers::{self, Publisher};
use crate::model::{Engine, Pid};
use crate::source::linux::background::facts::{self, Facts};
use crate::source::linux::placement;

/// The bits of a file's mode by which others than its owner may write it.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A monitor.
#[derive(Debug)]
pub(super) struct Monitor<'a> {
    pub(super) facts: &'a Facts,
    /// The user that it runs the container for.
    pub(super) uid: u32,
    pub(super) id: &'a str,
    pub(super) name: Option<&'a str>,
}

impl<'a> Monitor<'a> {
    /// A process as a monitor of this machine's podman, if it is one: not a program in a container, and not another
    /// user's program that is only called like one.
    pub(super) fn of(facts: &'a Facts) -> Option<Self> {
        let Publisher::Conmon { id, name } = publishers::publisher(facts)? else {
            return None;
        };
        let uid = facts.acts_for()?;
        let is_of_user = uid == 0 || uid == geteuid().as_raw();
        let is_trusted = is_of_user || is_installed(facts.pid, "conmon");
        let monitor = Self {
            facts,
            uid,
            id,
            name,
        };
        (is_trusted && monitor.is_of_this_machine()).then_some(monitor)
    }

    /// Whether it is in no container, or in a group that podman made for the container or that this program is in.
    fn is_of_this_machine(&self) -> bool {
        placement::container(&self.facts.cgroup).is_none_or(|group| {
            let is_its_own = group.engine == Engine::Podman && group.id == self.id;
            is_its_own || own_group() == Some(group)
        })
    }
}

/// Whether a process runs a program of this name that only root may replace; not if that can't be read.
fn is_installed(pid: Pid, name: &str) -> bool {
    let has_name = facts::executable_name(pid).as_deref() == Some(name);
    let is_root_s = |file: &fs::Metadata| file.uid() == 0 && file.mode() & WRITABLE_BY_OTHERS == 0;
    let file = fs::metadata(format!("/proc/{pid}/exe"));
    has_name && file.as_ref().is_ok_and(is_root_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In no range of uids.
    const OTHER: u32 = u32::MAX - 2;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// Another user ran a shell as `conmon … -n payments`, and the namespace of its child was called `payments`.
    #[test]
    fn a_shell_of_another_user_that_is_called_conmon_is_no_monitor() {
        let command = format!("conmon -c {ID} -n payments");
        let of_user = |uid, cgroup: &str| Facts {
            // This process, which runs another program.
            pid: std::process::id(),
            uids: vec![uid; 4],
            cgroup: cgroup.replace("ID", ID),
            ..Facts::of_command(&command)
        };
        let is_monitor = |facts: &Facts| Monitor::of(facts).is_some();
        assert!(!is_monitor(&of_user(OTHER, "/")));
        assert!(is_monitor(&of_user(0, "/")));
        assert!(is_monitor(&of_user(geteuid().as_raw(), "/")));
        assert!(is_monitor(&of_user(
            0,
            "/machine.slice/libpod-conmon-ID.scope"
        )));
        // Inside a container it is none of this machine's.
        assert!(!is_monitor(&of_user(0, "/docker/ID")));
        let other = ID.replace('0', "1");
        assert!(!is_monitor(&of_user(
            0,
            &format!("/machine.slice/libpod-{other}.scope")
        )));
        // Without known uids it is no user's.
        let unknown = Facts {
            uids: Vec::new(),
            ..of_user(0, "/")
        };
        assert!(!is_monitor(&unknown));
    }

    #[test]
    fn a_program_is_installed_if_only_root_may_replace_it() {
        let own = std::process::id();
        let name = fs::read_link(format!("/proc/{own}/exe")).unwrap();
        let name = name.file_name().unwrap().to_string_lossy().into_owned();
        let mode = fs::metadata(format!("/proc/{own}/exe")).unwrap();
        let expected = mode.uid() == 0 && mode.mode() & WRITABLE_BY_OTHERS == 0;
        assert_eq!(is_installed(own, &name), expected);
        assert!(!is_installed(own, "conmon"));
        assert!(!is_installed(u32::MAX, "conmon"));
    }
}
