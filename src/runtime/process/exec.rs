//! Replaces this program by another that inherits a socket, as systemd passes sockets (`sd_listen_fds(3)`):
//! as descriptor 3, announced in `LISTEN_FDS` and `LISTEN_PID`.
//!
//! This very process executes the program, so pid and exit code are the same, and the port is never free in
//! between.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

use socket2::Socket;

/// Variables that announce passed sockets. Those set for us must not reach the command.
const LISTEN: [&str; 4] = [
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
];

/// Executes a command in place of this program, with the socket as descriptor 3. `{}` in its words is
/// replaced by the port, which is in `PORT` as well.
///
/// # Errors
/// Why the command could not be executed. It does not return otherwise.
#[cfg(unix)]
pub fn exec_with_socket(words: &[OsString], socket: Socket, port: u16) -> io::Result<Infallible> {
    use std::os::unix::process::CommandExt as _;

    use command_fds::{CommandFdExt as _, FdMapping};

    let mut command = command(words, port);
    command.env("LISTEN_FDS", "1");
    command.env("LISTEN_PID", std::process::id().to_string());
    let mapping = FdMapping {
        parent_fd: socket.into(),
        child_fd: 3,
    };
    command
        .fd_mappings(vec![mapping])
        .map_err(io::Error::other)?;
    Err(command.exec())
}

/// Not supported on this system.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn exec_with_socket(_: &[OsString], _: Socket, _: u16) -> io::Result<Infallible> {
    let message = "sockets can't be handed over on this system; --hold keeps the port instead";
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

/// The command with the port filled in, and without the variables of [`LISTEN`].
pub(super) fn command(words: &[OsString], port: u16) -> Command {
    let mut words = words.iter().map(|word| filled(word, port));
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).env("PORT", port.to_string());
    for name in LISTEN {
        command.env_remove(name);
    }
    command
}

/// The word with every `{}` replaced by the port.
#[cfg(unix)]
fn filled(word: &OsStr, port: u16) -> OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let (mut rest, mut filled) = (word.as_bytes(), Vec::new());
    while let Some(at) = rest.windows(2).position(|pair| pair == b"{}") {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(port.to_string().as_bytes());
        rest = &rest[at + 2..];
    }
    filled.extend_from_slice(rest);
    OsString::from_vec(filled)
}

/// The word with every `{}` replaced by the port; one that is not Unicode stays as it is.
#[cfg(not(unix))]
fn filled(word: &OsStr, port: u16) -> OsString {
    let text = word.to_str();
    text.map_or_else(
        || word.into(),
        |text| text.replace("{}", &port.to_string()).into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_braces_becomes_the_port() {
        let filled = |word: &str| filled(OsStr::new(word), 80);
        assert_eq!(filled("http://localhost:{}/{}"), "http://localhost:80/80");
        assert_eq!(filled("{}"), "80");
        assert_eq!(filled("{ }{"), "{ }{");
    }

    #[cfg(unix)]
    #[test]
    fn words_that_are_not_unicode_are_filled_too() {
        use std::os::unix::ffi::OsStrExt as _;
        let word = OsStr::from_bytes(b"\xff{}\xfe");
        assert_eq!(filled(word, 7).as_bytes(), b"\xff7\xfe");
    }
}
