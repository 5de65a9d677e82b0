//! What supervisors are recognised by, read from `/proc`.

use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::geteuid;

use super::super::facts::{self, Environment, Facts};
use super::{Look, loops, pm2};
use crate::model::{Pid, Text};

/// This system.
pub(in super::super) struct System<'a> {
    pub(in super::super) environment: Option<&'a Environment>,
    pub(in super::super) port: u16,
}

impl Look for System<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.environment?.get(name)
    }

    fn folder(&self, pid: Pid) -> Option<Text> {
        facts::folder_of(pid).and_then(facts::spelled)
    }

    fn has_loop(&self, shell: &Facts) -> Option<bool> {
        let script = shell
            .argv
            .iter()
            .skip(1)
            .find(|one| !one.starts_with('-'))?;
        loops::has_loop(&text_of(shell.pid, script)?)
    }

    fn children(&self, pid: Pid) -> Vec<Pid> {
        facts::children_of(pid)
    }

    fn clustered(&self, daemon: Pid) -> Option<String> {
        pm2::clustered(daemon, self.port)
    }

    fn uses_pm2_home(&self, home: &str, uid: Option<u32>) -> bool {
        let of_home = || Some(format!("{}/.pm2", env::var("HOME").ok()?));
        let own = env::var("PM2_HOME").ok().or_else(of_home);
        own.as_deref() == Some(home) && uid == Some(geteuid().as_raw())
    }

    fn owner(&self, path: &str) -> Option<u32> {
        fs::metadata(path).ok().map(|file| file.uid())
    }

    fn waits(&self, pid: Pid) -> bool {
        let waits = fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
        waits.contains("do_wait")
    }
}

/// The beginning of a script, as the process that runs it sees the file. Nothing but a file is opened: a pipe
/// or a device would keep the reader waiting.
fn text_of(pid: Pid, script: &str) -> Option<String> {
    /// No more than this is read of it.
    const MOST_BYTES: u64 = 64 * 1024;
    let place = if script.starts_with('/') {
        "root"
    } else {
        "cwd"
    };
    let path = PathBuf::from(format!("/proc/{pid}/{place}")).join(script.trim_start_matches('/'));
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(open(path, flags, Mode::empty()).ok()?);
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut text = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}
