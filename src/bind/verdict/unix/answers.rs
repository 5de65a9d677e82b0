//! The cause of a name that can or can't be bound, with its sentence and fixes.

use super::{Case, MAX_PATH, UnixCause};
use crate::bind::fix::{Fix, FixCode, Frees, shell_word};
use crate::bind::verdict::causes::Explanation;
use crate::bind::verdict::phrases::owner_first;
use crate::model::{AtPath, Connected, Folder, SocketFile, UnixAddress, UnixHolder, UnixKind};

type Answer = (UnixCause, Explanation);

impl Case<'_> {
    pub(super) fn answer(&self) -> Answer {
        let name = self.name;
        if !self.evidence.is_consistent() {
            let text = format!(
                "The answer changed during the test: {name} was taken or released just then."
            );
            let explanation = Explanation::new(text).fix(FixCode::Wait.fix("Test again"));
            return (UnixCause::Raced, explanation);
        }
        match (&self.evidence.at_path, name) {
            (_, UnixAddress::Path(path)) if path.len() > MAX_PATH => {
                let text = format!(
                    "The path has {} bytes: that of a unix socket has at most {MAX_PATH}.",
                    path.len()
                );
                let help = "Give the server a shorter path, or start it in that folder with a relative one";
                let explanation = Explanation::new(text).fix(FixCode::ChangeConfig.fix(help));
                (UnixCause::PathTooLong, explanation)
            }
            (Some(AtPath::Nothing(folder)), _) => self.nothing(folder),
            (Some(AtPath::Socket(file)), _) => match self.present().next() {
                Some(first) => self.taken_by(first),
                None => self.without_socket(file),
            },
            (Some(AtPath::Other(what)), _) => {
                let text = format!("{name} is {what}, not a socket: a bind fails with EADDRINUSE.");
                let help = "Give the server another path, or move that out of the way";
                let explanation = Explanation::new(text).fix(FixCode::ChangeConfig.fix(help));
                (UnixCause::NotASocket, explanation)
            }
            (Some(AtPath::DanglingLink), _) => {
                let text =
                    format!("{name} is a symbolic link to nothing: a bind fails with EADDRINUSE.");
                let help = "Remove the link, or give the server the path that it leads to";
                let explanation = Explanation::new(text).fix(FixCode::RemoveFile.fix(help));
                (UnixCause::DanglingLink, explanation)
            }
            (Some(AtPath::Unseen(error)), _) => self.unknown(error),
            (None, _) => self.abstract_name(),
        }
    }

    /// The answer if nothing is at the path.
    fn nothing(&self, folder: &Folder) -> Answer {
        let (name, shown) = (self.name, self.folder());
        let (cause, text, help) = match folder {
            Folder::Writable => {
                let text = format!(
                    "{name} is free: there is no such file, and you may create it in {shown}."
                );
                return (UnixCause::Free, Explanation::new(text));
            }
            Folder::Missing => (
                UnixCause::MissingFolder,
                format!("There is no folder {shown}: a bind fails with ENOENT."),
                "Create the folder, so that the server's user may write there",
            ),
            Folder::NotAFolder => (
                UnixCause::MissingFolder,
                format!("{shown} is not a folder: a bind fails with ENOTDIR."),
                "Give the server another path",
            ),
            Folder::Denied => (
                UnixCause::FolderDenied,
                format!("You may not create a file in {shown}: a bind fails with EACCES."),
                "Run the server as a user who may write there, or give it another path",
            ),
            Folder::ReadOnly => (
                UnixCause::ReadOnlyFolder,
                format!("{shown} is on a read-only file system: a bind fails with EROFS."),
                "Give the server a path on another file system, such as below /run",
            ),
            Folder::Failed(error) => return self.unknown(error),
        };
        let explanation = Explanation::new(text).fix(FixCode::ChangeConfig.fix(help));
        (cause, explanation)
    }

    /// The answer if there is the file of a socket, but no socket of this namespace.
    fn without_socket(&self, file: &SocketFile) -> Answer {
        let name = self.name;
        let (cause, text, fix) = match &self.evidence.connected {
            Some(Connected::Bound) => (
                UnixCause::UnixElsewhere,
                format!(
                    "A socket is bound to {name}, but none of this network namespace: it belongs to a container which \
                     shares the folder, or to a program in another namespace."
                ),
                FixCode::StopContainer
                    .fix("Stop the container or the program that shares the folder"),
            ),
            Some(Connected::Refused) => (
                UnixCause::StaleSocketFile,
                format!(
                    "{name} is left over: no socket is bound to it. Clients get ECONNREFUSED, and a bind fails with \
                     EADDRINUSE as long as the file is there."
                ),
                self.remove("Remove the file", "rm", file.is_removable),
            ),
            Some(Connected::Unknown(error)) => {
                let command = format!("sockeye check {}", shell_word(&self.text()));
                let text = "Check as root whether it is left over";
                let check = FixCode::ChangeConfig.command(text, command);
                let check = Fix {
                    frees: Frees::No,
                    ..check.by_root(&self.evidence.limits)
                };
                let text = format!(
                    "{name} is the file of a socket, so a bind fails with EADDRINUSE. Whether a server still uses it is \
                     unknown: you may not connect to it ({error})."
                );
                (UnixCause::SocketFile, text, check)
            }
            None => return self.unknown("no answer"),
        };
        (cause, Explanation::new(text).fix(fix))
    }

    fn taken_by(&self, first: &UnixHolder) -> Answer {
        let (owner, name) = (owner_first(&first.holder), self.name);
        let (cause, text) = match (first.is_listening, first.kind) {
            (true, UnixKind::SeqPacket) => (
                UnixCause::UnixListener,
                format!("{owner} listens on {name}, with a seqpacket socket."),
            ),
            (true, _) => (
                UnixCause::UnixListener,
                format!("{owner} listens on {name}."),
            ),
            (false, UnixKind::Datagram) => (
                UnixCause::UnixDatagram,
                format!("{owner} receives datagrams on {name}."),
            ),
            (false, _) => (
                UnixCause::UnixBound,
                format!("{owner} is bound to {name} but does not listen: clients are refused."),
            ),
        };
        let explanation = Explanation::new(text).fixes(self.end_holders());
        (cause, explanation)
    }

    fn abstract_name(&self) -> Answer {
        match (self.evidence.bound.as_deref(), self.present().next()) {
            (Some("ok"), _) => {
                let text = format!("{} is free: a stream socket can be bound to it.", self.name);
                (UnixCause::Free, Explanation::new(text))
            }
            (Some("EADDRINUSE"), Some(first)) => self.taken_by(first),
            (other, _) => self.unknown(other.unwrap_or("no answer")),
        }
    }

    fn unknown(&self, error: &str) -> Answer {
        let text = format!("It is unknown whether {} can be bound: {error}.", self.name);
        (UnixCause::ProbeFailed, Explanation::new(text))
    }
}
