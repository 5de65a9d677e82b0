//! Opens a URL in the user's browser, through the program of the desktop for that.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::jobs::failed;
use crate::app::Msg;
use crate::clock::Clock;

/// The program that opens a URL.
pub const OPENER: &str = if cfg!(windows) {
    "cmd"
} else if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

/// Its arguments before the URL. The empty one is the title of a window that `start` does not open.
const BEFORE: &[&str] = if cfg!(windows) {
    &["/c", "start", ""]
} else {
    &[]
};

/// If the opener ends later than this, it was itself the browser, and the user has closed it.
const OPENING: Duration = Duration::from_secs(10);

/// Opens a URL: without a shell, without the terminal, and in a process group of its own, so that no key of this
/// terminal reaches the opener and it outlives this program. Waits for its end; only a failure has a message.
pub(super) fn open_url(url: &str, clock: Clock) -> Msg {
    let mut command = Command::new(OPENER);
    command.args(BEFORE).arg(url);
    command.stdin(Stdio::null());
    command.stdout(Stdio::null());
    command.stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let began = clock.now();
    match command.status() {
        Err(error) => failed(format!("can't open {url}: {OPENER}: {error}")),
        Ok(status) if !status.success() && began.age(clock.now()) < OPENING => {
            failed(format!("can't open {url}: {OPENER} failed ({status})"))
        }
        Ok(_) => Msg::Woke,
    }
}
