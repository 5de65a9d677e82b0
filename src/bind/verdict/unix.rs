//! The explanation of a unix socket's name: whether a server can bind it, and if not, why.
//!
//! Pure. A bind makes the file, and fails if anything is at the path: a file that a server left behind keeps the next
//! one out, whether a socket still listens or not (`unix(7)`).

use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::causes::Explanation;
use super::phrases::{after, capitalised, owner_first, owner_of};
use super::{AnyVerdict, Outcome, who};
use crate::bind::Start;
use crate::bind::fix::{self, Fix, FixCode, Frees, Situation, is_guarded, is_systemd, shell_word};
use crate::model::{
    AtPath, Connected, Folder, Holder, Moment, Protocol, SocketFile, UnixAddress, UnixEvidence,
    UnixHolder, UnixKind,
};

/// The longest path that every program can name: `sun_path` with a NUL at its end.
pub const MAX_PATH: usize = 107;

/// Why a name can or can't be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the summaries say each in full sentences")]
pub enum UnixCause {
    Free,
    UnixListener,
    UnixDatagram,
    UnixBound,
    UnixElsewhere,
    StaleSocketFile,
    SocketFile,
    NotASocket,
    DanglingLink,
    MissingFolder,
    FolderDenied,
    ReadOnlyFolder,
    PathTooLong,
    Raced,
    ProbeFailed,
}

/// The explanation of a unix socket's name.
pub type UnixVerdict = AnyVerdict<UnixCause, UnixHolder>;

impl UnixVerdict {
    /// Explains what was read about a name.
    pub fn of(name: &UnixAddress, evidence: &UnixEvidence, zone: &TimeZone, now: Moment) -> Self {
        let case = Case {
            name,
            evidence,
            zone,
        };
        let (outcome, cause, explanation) = case.answer();
        let first = case.present().next().map(|one| &one.holder);
        let background = first.and_then(|holder| holder.backgrounds.first());
        let start = match (outcome, cause) {
            (Outcome::Free, _) => Start::Ok,
            (_, UnixCause::Raced | UnixCause::ProbeFailed) => Start::Unknown,
            _ => Start::Refused,
        };
        Self {
            outcome,
            cause,
            summary: explanation.summary,
            details: case.details(cause, now),
            fixes: explanation.fixes,
            behind: background.and_then(|background| background.behind.clone()),
            kept_by: background.and_then(|background| background.kept_by.clone()),
            free_in: None,
            with_reuse_address: start,
            without: start,
            profiles: Vec::new(),
            probes: Vec::new(),
            matrix: Vec::new(),
            blockers: case.present().cloned().collect(),
            notes: Vec::new(),
            gaps: evidence.gaps.clone(),
            taken_at: evidence.taken_at,
        }
    }
}

type Answer = (Outcome, UnixCause, Explanation);

struct Case<'a> {
    name: &'a UnixAddress,
    evidence: &'a UnixEvidence,
    zone: &'a TimeZone,
}

impl Case<'_> {
    /// The sockets that a client reaches by the name.
    fn present(&self) -> impl Iterator<Item = &UnixHolder> {
        let is_abstract = matches!(self.name, UnixAddress::Abstract(_));
        let holders = self.evidence.holders.iter();
        holders.filter(move |one| !one.is_cut_off && (!is_abstract || one.kind == UnixKind::Stream))
    }

    fn answer(&self) -> Answer {
        let name = self.name;
        if !self.evidence.is_settled() {
            let text = format!(
                "The answer changed during the test: {name} was taken or released just then."
            );
            let explanation = Explanation::new(text).fix(FixCode::Wait.fix("Test again"));
            return (Outcome::Raced, UnixCause::Raced, explanation);
        }
        match (&self.evidence.at_path, name) {
            (_, UnixAddress::Path(path)) if path.len() > MAX_PATH => {
                let text = format!(
                    "The path has {} bytes: that of a unix socket has at most {MAX_PATH}.",
                    path.len()
                );
                let help = "Give the server a shorter path, or start it in that folder with a relative one";
                let explanation = Explanation::new(text).fix(FixCode::ChangeConfig.fix(help));
                (Outcome::Unavailable, UnixCause::PathTooLong, explanation)
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
                (Outcome::InUse, UnixCause::NotASocket, explanation)
            }
            (Some(AtPath::DanglingLink), _) => {
                let text =
                    format!("{name} is a symbolic link to nothing: a bind fails with EADDRINUSE.");
                let help = "Remove the link, or give the server the path that it leads to";
                let explanation = Explanation::new(text).fix(FixCode::RemoveFile.fix(help));
                (Outcome::InUse, UnixCause::DanglingLink, explanation)
            }
            (Some(AtPath::Unseen(error)), _) => self.unknown(error),
            (None, _) => self.abstract_name(),
        }
    }

    /// The answer if nothing is at the path.
    fn nothing(&self, folder: &Folder) -> Answer {
        let (name, shown) = (self.name, self.folder());
        let (outcome, cause, text, help) = match folder {
            Folder::Writable => {
                let text = format!(
                    "{name} is free: there is no such file, and you may create it in {shown}."
                );
                return (Outcome::Free, UnixCause::Free, Explanation::new(text));
            }
            Folder::Missing => (
                Outcome::Unavailable,
                UnixCause::MissingFolder,
                format!("There is no folder {shown}: a bind fails with ENOENT."),
                "Create the folder, so that the server's user may write there",
            ),
            Folder::NotAFolder => (
                Outcome::Unavailable,
                UnixCause::MissingFolder,
                format!("{shown} is not a folder: a bind fails with ENOTDIR."),
                "Give the server another path",
            ),
            Folder::Denied => (
                Outcome::Denied,
                UnixCause::FolderDenied,
                format!("You may not create a file in {shown}: a bind fails with EACCES."),
                "Run the server as a user who may write there, or give it another path",
            ),
            Folder::ReadOnly => (
                Outcome::Unavailable,
                UnixCause::ReadOnlyFolder,
                format!("{shown} is on a read-only file system: a bind fails with EROFS."),
                "Give the server a path on another file system, such as below /run",
            ),
            Folder::Failed(error) => return self.unknown(error),
        };
        let explanation = Explanation::new(text).fix(FixCode::ChangeConfig.fix(help));
        (outcome, cause, explanation)
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
                let look = "Check as root whether it is left over";
                let look = FixCode::ChangeConfig.command(look, command);
                let look = Fix {
                    frees: Frees::No,
                    ..look.as_root(&self.evidence.limits)
                };
                let text = format!(
                    "{name} is the file of a socket, so a bind fails with EADDRINUSE. Whether a server still uses it is \
                     unknown: you may not connect to it ({error})."
                );
                (UnixCause::SocketFile, text, look)
            }
            None => return self.unknown("no answer"),
        };
        (Outcome::InUse, cause, Explanation::new(text).fix(fix))
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
        (Outcome::InUse, cause, explanation)
    }

    fn abstract_name(&self) -> Answer {
        match (self.evidence.bound.as_deref(), self.present().next()) {
            (Some("ok"), _) => {
                let text = format!("{} is free: a stream socket can be bound to it.", self.name);
                (Outcome::Free, UnixCause::Free, Explanation::new(text))
            }
            (Some("EADDRINUSE"), Some(first)) => self.taken_by(first),
            (other, _) => self.unknown(other.unwrap_or("no answer")),
        }
    }

    fn unknown(&self, error: &str) -> Answer {
        let text = format!("It is unknown whether {} can be bound: {error}.", self.name);
        (
            Outcome::Unavailable,
            UnixCause::ProbeFailed,
            Explanation::new(text),
        )
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
        if backgrounds.any(|background| is_guarded(background.end_risk)) {
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
            look_as_root: Some(format!("sudo sockeye check {}", shell_word(&self.text()))),
        });
        if let Some(AtPath::Socket(file)) = &self.evidence.at_path {
            for fix in &mut fixes {
                self.remove_too(fix, file.is_removable);
            }
        }
        fixes
    }

    /// Has a fix that ends the owner for good remove the file as well: many servers leave it, and killed ones always do.
    /// One that is restarted may have made it again.
    fn remove_too(&self, fix: &mut Fix, is_removable: bool) {
        if fix.restarts || fix.frees != Frees::Yes {
            return;
        }
        let remove = self.remove("", "rm -f", is_removable).command;
        match (&mut fix.command, remove) {
            (Some(command), Some(remove)) => {
                *command = format!("{command} && {remove}");
                fix.text.push_str(" and remove the file");
            }
            (Some(_), None) => {
                let text = || "If the file stays, remove it.".to_owned();
                fix.warning.get_or_insert_with(text);
            }
            (None, _) => {}
        }
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
            fix.as_root(&self.evidence.limits)
        }
    }

    fn details(&self, cause: UnixCause, now: Moment) -> Vec<String> {
        let UnixEvidence {
            processes, limits, ..
        } = self.evidence;
        let who = self
            .present()
            .next()
            .and_then(|first| who::sentence(processes, limits, &first.holder, now.wall));
        let made = match (cause, &self.evidence.at_path) {
            (UnixCause::StaleSocketFile | UnixCause::SocketFile, Some(AtPath::Socket(file))) => {
                self.made(file)
            }
            _ => None,
        };
        let mut details: Vec<String> = who.into_iter().chain(made).collect();
        for one in &self.evidence.holders {
            let owner = owner_of(&one.holder);
            if one.is_cut_off {
                details.push(format!(
                    "{} is bound to another file of this name: one that was removed or replaced, or that of a \
                     container.",
                    owner_first(&one.holder)
                ));
            }
            // An abstract name is another one for each kind of socket.
            let is_abstract = matches!(self.name, UnixAddress::Abstract(_));
            if is_abstract && one.kind != UnixKind::Stream {
                let kind = one.kind.as_str();
                details.push(capitalised(&format!(
                    "{owner} has the name for {kind} sockets: it is taken for those."
                )));
            }
        }
        if cause == UnixCause::Free {
            let text = "Free right now; another program can still take it before you do.";
            details.push(text.to_owned());
        }
        details
    }

    /// Who made a file that is left over, and when.
    fn made(&self, file: &SocketFile) -> Option<String> {
        let at = file.made_at?.to_zoned(self.zone.clone());
        let (at, by) = (at.strftime("%F at %T"), after(", by ", file.user.as_ref()));
        Some(format!(
            "It was bound on {at}{by}. Many servers remove such a file when they start; the others need it removed."
        ))
    }

    /// The folder of a path.
    fn folder(&self) -> String {
        let path = self.text();
        let folder = Path::new(&path)
            .parent()
            .map(|folder| folder.to_string_lossy());
        match folder.as_deref() {
            None | Some("" | ".") => "this folder".to_owned(),
            Some(folder) => UnixAddress::Path(folder.to_owned()).to_string(),
        }
    }

    /// The name as it is typed.
    fn text(&self) -> String {
        match self.name {
            UnixAddress::Path(path) => path.clone(),
            UnixAddress::Abstract(name) => format!("@{name}"),
        }
    }
}
