//! Binds of unix sockets. The kernel carries them out; one whose path is in use is reported.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Explainer, MAX_SERIES, Pending};
use crate::bind::shell_word;
use crate::model::{Pid, Text};
use crate::runtime::run::linux::caller::CallerProcess;
use crate::runtime::run::linux::calls::file_id;
use crate::source::process::ProcessReader;

/// A unix socket that a thread binds to a path.
pub(crate) struct UnixBind {
    pub(crate) thread: Pid,
    /// As the thread wrote it: it may be relative to its folder.
    pub(crate) path: PathBuf,
    /// The kernel carries it out afterwards.
    pub(crate) pending: Arc<Pending>,
}

impl UnixBind {
    /// The absolute path, if there is a file of any kind: then bind(2) fails with `EADDRINUSE` (`unix(7)`). `None` for a
    /// thread with another root: a link can't be followed for it.
    fn used_path(&self) -> Option<PathBuf> {
        let of_thread = |name| format!("/proc/{}/{name}", self.thread);
        let root = file_id(of_thread("root"))?;
        if file_id("/") != Some(root) {
            return None;
        }
        let path = if self.path.is_absolute() {
            self.path.clone()
        } else {
            fs::read_link(of_thread("cwd")).ok()?.join(&self.path)
        };
        fs::symlink_metadata(&path).is_ok().then_some(path)
    }
}

impl Explainer {
    /// Reports a path that is in use, once.
    pub(super) fn unix(&mut self, bind: &UnixBind) {
        // Once it is answered, the file may be its own.
        let used = bind.used_path().filter(|_| bind.pending.is_open());
        let is_new = |path: &PathBuf| {
            self.said_paths.len() < MAX_SERIES && self.said_paths.insert(path.clone())
        };
        if let Some(path) = used.filter(is_new) {
            let caller = CallerProcess::of(bind.thread, &mut ProcessReader::default());
            let path = path.to_string_lossy();
            self.output.unjudged(&format!(
                "{}: the path of its unix socket exists, so bind(2) fails: {}. `sockeye check {}` says what has it",
                caller.report().name(),
                Text::new(&path),
                shell_word(&path),
            ));
        }
        bind.pending.answer();
    }
}
