//! Panics: the terminal is given back before the message is printed, and a worker's panic becomes
//! one line for the main thread instead of text across the screen.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe, Location};
use std::thread::{self, JoinHandle};

use crate::model::Text;

use super::terminal;

thread_local! {
    /// This thread's last panic, from the hook: `MESSAGE (file:line)`.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs the hook; the calling thread is the main thread from then on. Its panics restore the
/// terminal and print one line, and a backtrace if `RUST_BACKTRACE` is set. A panic on any other
/// thread prints nothing.
pub fn install_hook() {
    let main = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        let line = summary(info.payload(), info.location());
        if thread::current().id() == main {
            terminal::restore();
            // If standard error is gone, nothing is printed.
            let mut err = io::stderr().lock();
            let report = bug_report(&format!("it crashed: {line}"));
            let _ = writeln!(err, "sockeye: {report}");
            let backtrace = Backtrace::capture();
            if backtrace.status() == BacktraceStatus::Captured {
                let _ = write!(err, "{backtrace}");
            }
        } else {
            // `try_with`: the thread may panic while its locals are being destroyed.
            let _ = LAST_PANIC.try_with(|last| last.replace(Some(line)));
        }
    }));
}

/// The message for the user about a crash.
pub fn bug_report(what: &str) -> String {
    format!("{what}; this is a bug, please report it")
}

/// Runs `body`. If it panics, the error is `MESSAGE (file:line)`; state that it left inconsistent must not be used.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let noted = LAST_PANIC.take();
        noted.unwrap_or_else(|| summary(&*payload, None))
    })
}

/// Runs `body` on a thread named `name`. If it panics, `on_crash` gets, on that thread, the line
/// `the NAME thread crashed: MESSAGE (file:line)`.
///
/// # Errors
/// If the system starts no further thread.
pub fn spawn_worker(
    name: &str,
    on_crash: impl FnOnce(String) + Send + 'static,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name(name.to_owned());
    let name = name.to_owned();
    thread.spawn(move || {
        if let Err(what) = catch(body) {
            on_crash(format!("the {name} thread crashed: {what}"));
        }
    })
}

/// The message on one line, harmless to print, with its place in the source if that is known.
fn summary(payload: &(dyn Any + Send), location: Option<&Location<'_>>) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    let message = Text::new(message);
    match location {
        Some(place) => format!("{message} ({}:{})", place.file(), place.line()),
        None => message.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// The line for a worker that runs `body`.
    fn crash_of(body: impl FnOnce() + Send + 'static) -> Option<String> {
        let (sender, crashes) = mpsc::channel();
        let on_crash = move |line| sender.send(line).expect("the test listens");
        let worker = spawn_worker("probe", on_crash, body).unwrap();
        worker.join().expect("the panic was caught");
        crashes.try_recv().ok()
    }

    #[test]
    fn a_worker_that_ends_well_reports_nothing() {
        assert_eq!(crash_of(|| {}), None);
    }

    #[test]
    fn a_crash_is_one_harmless_line() {
        let line = crash_of(|| panic!("no\n{}", "\x1b[2J")).unwrap();
        assert_eq!(line, "the probe thread crashed: no\\n\\x1b[2J");
    }

    #[test]
    fn a_crash_without_a_message_is_reported_too() {
        let line = crash_of(|| panic::panic_any(7)).unwrap();
        assert_eq!(line, "the probe thread crashed: a panic without a message");
    }
}
