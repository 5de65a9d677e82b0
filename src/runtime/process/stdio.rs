//! Standard input and output of this process.
//!
//! Either may be non-blocking, as another program on the same terminal can make it so: then they answer
//! "try again" where a blocking one would wait.

#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(unix)]
use std::time::Duration;

use std::io::{self, BufRead as _, Read as _, Write};

#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A writer to standard output that waits for room instead of failing with "try again".
#[derive(Debug)]
pub struct RetryWriter<W>(pub W);

impl<W: Write> RetryWriter<W> {
    fn retry<T>(&mut self, mut act: impl FnMut(&mut W) -> io::Result<T>) -> io::Result<T> {
        loop {
            match act(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_room(),
                done => return done,
            }
        }
    }
}

impl<W: Write> Write for RetryWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(|out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.retry(Write::flush)
    }
}

/// Reads standard input to its end and drops what it reads.
///
/// # Errors
/// If it can't be read.
pub fn drain_stdin() -> io::Result<()> {
    loop {
        match io::copy(&mut io::stdin().lock(), &mut io::sink()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_input(),
            read => return read.map(drop),
        }
    }
}

/// The longest line that is read; the rest of a longer one is dropped.
const MAX_LINE: u64 = 64 * 1024;

/// Reads standard input line by line until its end, or until `callback` wants no more. Blocks the calling thread.
///
/// # Errors
/// If it can't be read.
pub fn read_lines(mut callback: impl FnMut(String) -> bool) -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        let left = MAX_LINE.saturating_sub(line.len() as u64);
        let read = match left {
            0 => stdin.skip_until(b'\n').map(|_| line.push(b'\n')),
            left => (&mut stdin)
                .take(left)
                .read_until(b'\n', &mut line)
                .map(drop),
        };
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_input(),
            Err(error) => return Err(error),
            Ok(()) if line.ends_with(b"\n") => {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                if !callback(text) {
                    return Ok(());
                }
            }
            Ok(()) if line.len() as u64 >= MAX_LINE => {}
            Ok(()) => {
                // The last line has no end.
                if !line.is_empty() {
                    callback(String::from_utf8_lossy(&line).into_owned());
                }
                return Ok(());
            }
        }
    }
}

/// Whether standard input is at its end right now. Reads nothing from it.
pub fn stdin_is_at_end() -> bool {
    #[cfg(unix)]
    {
        use std::io::IsTerminal as _;
        let stdin = io::stdin();
        let ready = || poll_stream(&stdin, PollFlags::IN, Some(Duration::ZERO));
        let is_ready = !stdin.is_terminal() && ready().is_ok_and(|it| !it.is_empty());
        is_ready && stdin.lock().fill_buf().is_ok_and(<[u8]>::is_empty)
    }
    // It can't be determined without blocking.
    #[cfg(not(unix))]
    false
}

/// Polls a stream until it is ready for `events`, fails or hangs up: which of these. Empty if none of them
/// happened within `time`.
#[cfg(unix)]
pub(in crate::runtime) fn poll_stream(
    stream: impl AsFd,
    events: PollFlags,
    time: Option<Duration>,
) -> rustix::io::Result<PollFlags> {
    let mut polled = [PollFd::new(&stream, events)];
    let time = time.and_then(|time| Timespec::try_from(time).ok());
    poll(&mut polled, time.as_ref())?;
    Ok(polled[0].revents())
}

// A poll that fails is followed by another read or write, which reports the error.
#[cfg(unix)]
fn wait_for_input() {
    let _ = poll_stream(io::stdin(), PollFlags::IN, None);
}

#[cfg(unix)]
fn wait_for_room() {
    let _ = poll_stream(io::stdout(), PollFlags::OUT, None);
}

#[cfg(not(unix))]
fn wait_for_input() {
    std::thread::sleep(std::time::Duration::from_millis(10));
}

#[cfg(not(unix))]
use self::wait_for_input as wait_for_room;
