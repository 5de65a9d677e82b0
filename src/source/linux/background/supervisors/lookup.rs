//! Reads the data by which supervisors are recognised from the system.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::{Lookup, loops, services};
use crate::model::{Pid, Text};
use crate::source::linux::background::facts::{self, Facts, read_file};

/// The most to read of a script.
const MOST_BYTES: u64 = 64 * 1024;

/// This system, for the owner of a port.
pub(crate) struct System {
    pub(crate) pid: Pid,
    pub(crate) port: u16,
}

impl Lookup for System {
    fn variable(&self, name: &str) -> Option<String> {
        facts::variable_of(self.pid, name)
    }

    fn folder(&self, pid: Pid) -> Option<Text> {
        let path = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        let text = Text::new(path.to_str()?);
        (path.to_str() == Some(&*text)).then_some(text)
    }

    fn has_loop(&self, shell: &Facts) -> Option<bool> {
        let mut arguments = shell.argv.iter().skip(1);
        let script = arguments.find(|one| !one.starts_with('-'))?;
        // The file, in the mount namespace of its process.
        let is_absolute = script.starts_with('/');
        let root = if is_absolute { "root" } else { "cwd" };
        let file = format!("/proc/{}/{root}/{script}", shell.pid);
        let (text, _) = read_file(Path::new(&file), MOST_BYTES)?;
        loops::has_loop(&String::from_utf8_lossy(&text))
    }

    fn children(&self, pid: Pid) -> Vec<Pid> {
        facts::children_of(pid)
    }

    fn clustered(&self, daemon: Pid) -> Option<String> {
        services::clustered(daemon, self.port)
    }

    fn uses_pm2_home(&self, home: &str, uid: Option<u32>) -> bool {
        let in_home = || Some(Path::new(&env::var_os("HOME")?).join(".pm2"));
        let own = env::var_os("PM2_HOME").map(PathBuf::from).or_else(in_home);
        own.as_deref() == Some(Path::new(home)) && uid == Some(geteuid().as_raw())
    }

    fn owner(&self, path: &str) -> Option<u32> {
        fs::metadata(path).ok().map(|file| file.uid())
    }

    fn waits(&self, pid: Pid) -> bool {
        let waits_in = fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
        waits_in.contains("do_wait")
    }
}
