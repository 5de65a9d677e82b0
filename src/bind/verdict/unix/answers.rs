//! The cause of a name that can or can't be bound, with its sentence and fixes.

use std::path::Path;

use super::{Case, MAX_PATH, UnixCause};
use crate::bind::fix::shell::check_command;
use crate::bind::fix::{self, Fix, FixCode, Frees, Situation, consequence, is_systemd, shell_word};
use crate::bind::text::after;
use crate::bind::verdict::phrases::{owner_first, owner_of};
use crate::model::{
    AtPath, Connected, Folder, Holder, Protocol, SocketFile, UnixAddress, UnixHolder, UnixKind,
};

/// The cause, the sentence and the fixes.
type Answer = (UnixCause, String, Vec<Fix>);

fn change_config(cause: UnixCause, text: String, help: &str) -> Answer {
    (cause, text, vec![FixCode::ChangeConfig.fix(help)])
}

impl Case<'_> {
    pub(super) fn answer(&self) -> Answer {
        let name = self.name;
        if !self.evidence.is_consistent() {
            let text = format!(
                "The answer changed during the test: {name} was taken or released just then."
            );
            return (
                UnixCause::Raced,
                text,
                vec![FixCode::Wait.fix("Test again")],
            );
        }
        let first = self.present().next();
        match (&self.evidence.at_path, name) {
            (_, UnixAddress::Path(path)) if path.len() > MAX_PATH => {
                let text = format!(
                    "The path has {} bytes: that of a unix socket has at most {MAX_PATH}.",
                    path.len()
                );
                let help = "Give the server a shorter path, or start it in that folder with a relative one";
                change_config(UnixCause::PathTooLong, text, help)
            }
            (Some(AtPath::Nothing(folder)), _) => self.nothing(folder),
            (Some(AtPath::Socket(file)), _) => match first {
                Some(first) => self.taken_by(first),
                None => self.without_socket(file),
            },
            (Some(AtPath::Other(what)), _) => {
                let text = format!("{name} is {what}, not a socket: a bind fails with EADDRINUSE.");
                let help = "Give the server another path, or move that out of the way";
                change_config(UnixCause::NotASocket, text, help)
            }
            (Some(AtPath::DanglingLink), _) => {
                let text =
                    format!("{name} is a symbolic link to nothing: a bind fails with EADDRINUSE.");
                let help = "Remove the link, or give the server the path that it leads to";
                (
                    UnixCause::DanglingLink,
                    text,
                    vec![FixCode::RemoveFile.fix(help)],
                )
            }
            (Some(AtPath::Unseen(error)), _) => self.unknown(error),
            (None, _) => match (self.evidence.bound.as_deref(), first) {
                (Some("ok"), _) => {
                    let text = format!("{name} is free: a stream socket can be bound to it.");
                    (UnixCause::Free, text, Vec::new())
                }
                (Some("EADDRINUSE"), Some(first)) => self.taken_by(first),
                (other, _) => self.unknown(other.unwrap_or("no answer")),
            },
        }
    }

    /// The answer if nothing is at the path.
    fn nothing(&self, folder: &Folder) -> Answer {
        let (name, path) = (self.name, self.text());
        let parent = Path::new(&path).parent();
        let shown = match parent.map(|folder| folder.to_string_lossy()).as_deref() {
            None | Some("" | ".") => "this folder".to_owned(),
            Some(folder) => UnixAddress::Path(folder.to_owned()).to_string(),
        };
        match folder {
            Folder::Writable => {
                let text = format!(
                    "{name} is free: there is no such file, and you may create it in {shown}."
                );
                (UnixCause::Free, text, Vec::new())
            }
            Folder::Missing => change_config(
                UnixCause::MissingFolder,
                format!("There is no folder {shown}: a bind fails with ENOENT."),
                "Create the folder, so that the server's user may write there",
            ),
            Folder::NotAFolder => change_config(
                UnixCause::MissingFolder,
                format!("{shown} is not a folder: a bind fails with ENOTDIR."),
                "Give the server another path",
            ),
            Folder::Denied => change_config(
                UnixCause::FolderDenied,
                format!("You may not create a file in {shown}: a bind fails with EACCES."),
                "Run the server as a user who may write there, or give it another path",
            ),
            Folder::ReadOnly => change_config(
                UnixCause::ReadOnlyFolder,
                format!("{shown} is on a read-only file system: a bind fails with EROFS."),
                "Give the server a path on another file system, such as below /run",
            ),
            Folder::Failed(error) => self.unknown(error),
        }
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
        (cause, text, vec![fix])
    }

    fn taken_by(&self, first: &UnixHolder) -> Answer {
        use UnixCause::{UnixBound, UnixDatagram, UnixListener};
        let (cause, verb, rest) = match (first.is_listening, first.kind) {
            (true, UnixKind::SeqPacket) => {
                (UnixListener, "listens on", ", with a seqpacket socket")
            }
            (true, _) => (UnixListener, "listens on", ""),
            (false, UnixKind::Datagram) => (UnixDatagram, "receives datagrams on", ""),
            (false, _) => {
                let rest = " but does not listen: clients are refused";
                (UnixBound, "is bound to", rest)
            }
        };
        let owner = owner_first(&first.holder);
        let text = format!("{owner} {verb} {}{rest}.", self.name);
        (cause, text, self.end_holders())
    }

    fn unknown(&self, error: &str) -> Answer {
        let text = format!("It is unknown whether {} can be bound: {error}.", self.name);
        (UnixCause::ProbeFailed, text, Vec::new())
    }

    /// Ends the sockets that have the name. The file may stay.
    fn end_holders(&self) -> Vec<Fix> {
        let holders: Vec<&Holder> = self.present().map(|one| &one.holder).collect();
        let mut owners = holders.iter().flat_map(|one| one.socket.owner.present());
        if owners.any(|process| is_systemd(process)) {
            let text =
                "Stop the socket unit that systemd listens for: `systemctl list-sockets` names it";
            return vec![FixCode::StopSocketUnit.fix(text)];
        }
        let mut backgrounds = holders.iter().flat_map(|holder| &holder.backgrounds);
        if backgrounds.any(|background| consequence(background.end_risk).is_some()) {
            let who = after("", holders.first().map(|holder| owner_of(holder)));
            let text = format!(
                "Give the server another path: {who} is needed by this machine or by your session"
            );
            return vec![FixCode::ChangeConfig.fix(text)];
        }
        let mut fixes = fix::end_holders(&Situation {
            holders,
            limits: &self.evidence.limits,
            protocol: Protocol::Tcp,
            port: 0,
            check_as_root: check_command(&self.text(), &self.evidence.limits)
                .map(|command| format!("sudo {command}")),
        });
        let Some(AtPath::Socket(file)) = &self.evidence.at_path else {
            return fixes;
        };
        // Many servers leave the file, and killed ones always do. A restarted server may have created it again.
        let is_for_good = |fix: &&mut Fix| !fix.may_restart() && fix.frees == Frees::Yes;
        let remove = self.remove("", "rm -f", file.is_removable).command;
        for fix in fixes.iter_mut().filter(is_for_good) {
            match (&mut fix.command, &remove) {
                (Some(command), Some(remove)) => {
                    *command = format!("{command} && {remove}");
                    fix.actions.clear();
                    fix.text.push_str(" and remove the file");
                }
                (Some(_), None) => {
                    let text = || "If the file stays, remove it.".to_owned();
                    fix.warning.get_or_insert_with(text);
                }
                (None, _) => {}
            }
        }
        fixes
    }

    fn remove(&self, text: &str, command: &str, is_removable: bool) -> Fix {
        let path = self.text();
        if path.chars().any(char::is_control) {
            return FixCode::RemoveFile.fix(text);
        }
        // A name that begins with a dash would be an option.
        let here = if path.starts_with('-') { "./" } else { "" };
        let command = format!("{command} {}", shell_word(&format!("{here}{path}")));
        let fix = FixCode::RemoveFile.command(text, command);
        if is_removable {
            fix
        } else {
            fix.by_root(&self.evidence.limits)
        }
    }
}
