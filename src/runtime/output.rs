//! Standard output that somebody made non-blocking, as a program that shares the terminal may: it says
//! "try again" where it would wait. That is no error, so we wait.

use std::io::{self, Write};

/// Writes to standard output as if it were blocking.
#[derive(Debug)]
pub struct RetryWriter<W>(pub W);

impl<W: Write> RetryWriter<W> {
    /// Does it again as long as there is no room.
    fn persist<T>(&mut self, mut act: impl FnMut(&mut W) -> io::Result<T>) -> io::Result<T> {
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
        self.persist(|out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.persist(Write::flush)
    }
}

#[cfg(unix)]
fn wait_for_room() {
    use rustix::event::{PollFd, PollFlags, poll};
    let stdout = io::stdout();
    // Whatever it says, writing again tells more.
    let _ = poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None);
}

#[cfg(not(unix))]
fn wait_for_room() {
    std::thread::sleep(std::time::Duration::from_millis(10));
}
