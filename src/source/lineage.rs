//! This program and its ancestors, as far as this user can see them.
//!
//! The lineage only gets shorter. If a process ends, its children get a new parent: an ancestor
//! (`PR_SET_CHILD_SUBREAPER` of `prctl(2)`) or the first process of their pid namespace. So an earlier lineage contains
//! every later one.

use crate::model::{Lineage, Member, Pid};

/// How often the lineage is read until it is the same twice.
const MAX_WALKS: usize = 64;

/// Reads the lineage, parent by parent, until it is the same twice: a member may end meanwhile.
pub fn lineage() -> Lineage {
    let mut line = walk();
    for _ in 0..MAX_WALKS {
        let again = walk();
        if again == line {
            break;
        }
        line = again;
    }
    Lineage(line)
}

fn walk() -> Vec<Member> {
    let mut line: Vec<Member> = Vec::new();
    let mut next = own_pid();
    while let Some(pid) = next
        && !line.iter().any(|member| member.pid == pid)
    {
        let (started_at_tick, parent) = start_and_parent(pid);
        line.push(Member {
            pid,
            started_at_tick,
        });
        // The parent of the first process, and one outside the pid namespace, is 0.
        next = parent.filter(|&parent| parent != 0);
    }
    line
}

/// The pid that this process has in `/proc`, which may be of another pid namespace.
#[cfg(target_os = "linux")]
pub(super) fn own_pid() -> Option<Pid> {
    let name = std::fs::read_link("/proc/self").ok()?;
    name.to_str()?.parse().ok()
}

/// When a process started, and its parent.
#[cfg(target_os = "linux")]
fn start_and_parent(pid: Pid) -> (Option<u64>, Option<Pid>) {
    let stat = super::proc_stat::proc_stat(pid);
    stat.map(|stat| (stat.started_at_tick, stat.parent)).unzip()
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
fn own_pid() -> Option<Pid> {
    Some(std::process::id())
}

#[cfg(not(target_os = "linux"))]
fn start_and_parent(pid: Pid) -> (Option<u64>, Option<Pid>) {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
    let pid = sysinfo::Pid::from_u32(pid);
    let Ok(mut system) = System::new() else {
        return (None, None);
    };
    let only = ProcessesToUpdate::Some(&[pid]);
    system.refresh_processes_specifics(only, false, ProcessRefreshKind::nothing());
    let parent = system.process(pid).and_then(sysinfo::Process::parent);
    (None, parent.map(sysinfo::Pid::as_u32))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_this_process_and_its_parent() {
        let line = walk();
        let pids: Vec<Pid> = line.iter().map(|member| member.pid).collect();
        let parent = std::os::unix::process::parent_id();
        assert_eq!(pids[..2], [std::process::id(), parent]);
        assert_eq!(lineage(), Lineage(line));
    }
}
