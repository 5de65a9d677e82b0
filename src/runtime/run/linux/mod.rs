//! The processes of a run on Linux: `front`, `supervisor` and the program, started by `start`.

mod caller;
mod calls;
mod channel;
mod explain;
mod front;
mod jobs;
mod start;
mod supervisor;
mod waiting;
mod wake;

use std::time::Duration;

pub use start::run;

/// How long a call that failed waits at most for its explanation, once it is known who has the port.
const PATIENCE: Duration = Duration::from_millis(4);

/// How long `--free-first` tries to free a port.
const FREE_LIMIT: Duration = Duration::from_secs(15);

/// Replaces standard input and output by nothing, and standard error too if `all`: at their other ends only the program
/// should be seen.
fn detach_streams(all: bool) {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
    let Ok(null) = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) else {
        return;
    };
    let _ = dup2_stdin(&null);
    let _ = dup2_stdout(&null);
    if all {
        let _ = dup2_stderr(&null);
    }
}
