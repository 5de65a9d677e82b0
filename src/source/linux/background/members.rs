//! The processes that end together: those of a unit, of an app of a supervisor, and what a process started.

use super::facts::{all_pids, cgroup_of, children_of, line_of};
use crate::model::Pid;

/// More processes than any app has; parents that are not read at one instant could form a ring.
const MAX_PIDS: usize = 10_000;

/// The processes of the unit of this name that a process is in; `None` if it is in none.
pub(crate) fn of_unit(pid: Pid, unit: &str) -> Option<Vec<Pid>> {
    let path = cgroup_of(pid)?;
    let group = group_of(&path, unit)?;
    let is_member = |&pid: &Pid| cgroup_of(pid).is_some_and(|path| is_within(&path, group));
    Some(all_pids().filter(is_member).collect())
}

/// The processes of an app: the child of the supervisor that a process is, or descends from, with all that descend from it.
/// If the process is the supervisor, all of its apps. `None` if it is not below that supervisor.
pub(crate) fn of_app(pid: Pid, supervisor: Pid) -> Option<Vec<Pid>> {
    let line = line_of(pid);
    let first = line
        .iter()
        .find(|one| one.pid == supervisor || one.parent == supervisor)?;
    Some(with_descendants(first.pid))
}

/// A process, its children, and theirs.
pub(crate) fn with_descendants(pid: Pid) -> Vec<Pid> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(&one) = all.get(at) {
        let children = children_of(one).into_iter();
        let new: Vec<_> = children.filter(|child| !all.contains(child)).collect();
        all.extend(new);
        at += 1;
        if all.len() > MAX_PIDS {
            break;
        }
    }
    all
}

/// The group of a unit, which a group is or is below.
fn group_of<'a>(path: &'a str, unit: &str) -> Option<&'a str> {
    let mut end = 0;
    for component in path.split('/') {
        end += component.len();
        // Of a name that is also one of the kernel's files, systemd keeps the group behind a `_`.
        if component == unit || component.strip_prefix('_') == Some(unit) {
            return path.get(..end);
        }
        end += 1;
    }
    None
}

fn is_within(path: &str, group: &str) -> bool {
    let rest = path.strip_prefix(group);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_group_of_a_unit_has_the_groups_below_it_and_no_others() {
        let own = "/user.slice/user@1000.service/app.slice/web.service";
        let below = format!("{own}/workers");
        assert_eq!(group_of(&below, "web.service"), Some(own));
        assert_eq!(group_of(own, "db.service"), None);
        assert_eq!(
            group_of(own, "user@1000.service"),
            Some("/user.slice/user@1000.service")
        );
        assert!(is_within(own, own) && is_within(&format!("{own}/x"), own));
        assert!(!is_within(&format!("{own}-x"), own));
    }

    #[test]
    fn an_app_is_a_child_of_its_supervisor_with_all_below() {
        let script = "sh -c 'sleep 60 & echo $!; wait' & wait";
        let mut app = Command::new("sh");
        let app = app
            .args(["-c", script])
            .stdout(std::process::Stdio::piped());
        let mut app = app.spawn().unwrap();
        let mut line = String::new();
        let mut output = std::io::BufReader::new(app.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        let server: Pid = line.trim().parse().unwrap();
        let all = of_app(server, std::process::id()).unwrap();
        assert_eq!((all.len(), all[0], all[2]), (3, app.id(), server));
        assert_eq!(of_app(server, server).unwrap(), [server]);
        assert_eq!(of_app(app.id(), server), None);
        // The shell first: it ends by itself when the server has ended.
        for pid in [all[1], server] {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        app.wait().unwrap();
    }
}
