//! Whether a process belongs to a project.
//!
//! Folders are compared, not their paths: in another mount namespace the same path is another folder, and the same
//! folder has another path in a container that mounts it.

use std::path::Path;

use crate::model::Process;

/// Whether a process is in this project, a folder; not if it is in none, or that can't be known.
pub(super) fn is_in_project(process: &Process, project: &Path) -> bool {
    platform::is_in_project(process, project) == Some(true)
}

/// Whether the project of a process is this folder, a real path without symbolic links. A process without a project
/// belongs to the folder that it is in, and to those above. `None` if its working directory is unknown, or it has ended.
///
/// Reads the folders only of a process that has a project: where those were read once, they don't hang.
pub fn is_of_project(process: &Process, project: &Path) -> Option<bool> {
    process.cwd.as_ref()?;
    platform::is_of_project(process, project)
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs::{metadata, read_link};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    use super::Process;
    use crate::source::proc_stat::proc_stat;
    use crate::source::process::provenance::{project_through, root};

    pub(super) fn is_of_project(process: &Process, project: &Path) -> Option<bool> {
        if process.project.is_some() {
            return is_in_project(process, project);
        }
        let path = read_link(working_directory(process)).ok()?;
        let is_member = is_in_our_mounts(process.pid) && path.starts_with(project);
        is_same_process(process).then_some(is_member)
    }

    pub(super) fn is_in_project(process: &Process, project: &Path) -> Option<bool> {
        let folder = working_directory(process);
        let path = read_link(&folder).ok()?;
        // Otherwise it is the project of its script.
        let of_script = || {
            let found = process.project.as_deref()?;
            Some(root(process.pid).join(found.trim_start_matches('/')))
        };
        let found = project_through(process.uid, &folder, &path).or_else(of_script);
        let is_member = found.is_some_and(|found| is_same_folder(&found, project));
        is_same_process(process).then_some(is_member)
    }

    fn working_directory(process: &Process) -> PathBuf {
        PathBuf::from(format!("/proc/{}/cwd", process.pid))
    }

    /// Whether what was read by its pid is about this process.
    fn is_same_process(process: &Process) -> bool {
        let now = proc_stat(process.pid);
        now.is_some_and(|now| {
            let tick = process.started_at_tick;
            tick.is_none_or(|tick| tick == now.started_at_tick)
        })
    }

    fn is_same_folder(one: &Path, other: &Path) -> bool {
        let [one, other] = [one, other].map(|folder| metadata(folder).ok());
        let id = |file: std::fs::Metadata| (file.dev(), file.ino());
        one.is_some() && one.map(id) == other.map(id)
    }

    /// Whether the paths of a process are those of this program.
    fn is_in_our_mounts(pid: u32) -> bool {
        let of = |process: &str| read_link(format!("/proc/{process}/ns/mnt")).ok();
        of(&pid.to_string()).is_some_and(|its| Some(its) == of("self"))
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::path::Path;

    use super::Process;

    pub(super) fn is_in_project(process: &Process, project: &Path) -> Option<bool> {
        process.project.as_ref()?;
        is_of_project(process, project)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
    pub(super) fn is_of_project(process: &Process, project: &Path) -> Option<bool> {
        let real = |path: &str| std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        Some(match (&process.project, &process.cwd) {
            (Some(found), _) => real(found) == project,
            (None, Some(cwd)) => real(cwd).starts_with(project),
            (None, None) => false,
        })
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::path::PathBuf;
    use std::process::{Child, Command};

    use super::*;
    use crate::model::Moment;
    use crate::source::process::Processes;
    use crate::source::project_of;

    struct Sleeper(Child, PathBuf);

    impl Sleeper {
        fn start(name: &str, folder: &str, markers: &[&str]) -> Self {
            let top = std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id()));
            std::fs::create_dir_all(top.join(folder)).unwrap();
            for marker in markers {
                std::fs::create_dir_all(top.join(marker)).unwrap();
            }
            let top = top.canonicalize().unwrap();
            let mut child = Command::new("sleep");
            let child = child.arg("60").current_dir(top.join(folder)).spawn();
            Self(child.unwrap(), top)
        }

        fn record(&self) -> Process {
            let mut processes = Processes::default();
            processes.refresh(&[self.0.id()], Moment::default());
            processes.late_facts();
            (**processes.get(self.0.id()).unwrap()).clone()
        }

        fn belongs_to(&self, folder: &str) -> Option<bool> {
            let mut record = self.record();
            // The thread that looks for it may be late on a busy machine.
            let cwd = record.cwd.clone().unwrap();
            record.project = project_of(Path::new(&*cwd)).map(|project| project.path);
            is_of_project(&record, &self.1.join(folder))
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
            std::fs::remove_dir_all(&self.1).unwrap();
        }
    }

    #[test]
    fn a_process_belongs_to_the_nearest_project_only() {
        let sleeper = Sleeper::start(
            "nearest-one",
            "shop/web/src",
            &["shop/.git", "shop/web/.git"],
        );
        assert_eq!(sleeper.belongs_to("shop/web"), Some(true));
        assert_eq!(sleeper.belongs_to("shop"), Some(false));
        assert_eq!(sleeper.belongs_to("shop/web/src"), Some(false));
    }

    #[test]
    fn without_a_project_it_belongs_to_its_folder_and_those_above() {
        let sleeper = Sleeper::start("no-project", "files/public", &[]);
        assert_eq!(sleeper.belongs_to("files"), Some(true));
        assert_eq!(sleeper.belongs_to("files/public"), Some(true));
        assert_eq!(sleeper.belongs_to("files/public/deeper"), Some(false));
    }

    #[test]
    fn another_process_with_its_pid_is_unknown() {
        let sleeper = Sleeper::start("other-process", "shop", &["shop/.git"]);
        let mut record = sleeper.record();
        record.started_at_tick = record.started_at_tick.map(|tick| tick - 1);
        assert_eq!(is_of_project(&record, &sleeper.1.join("shop")), None);
        record.cwd = None;
        assert_eq!(is_of_project(&record, &sleeper.1.join("shop")), None);
    }
}
