//! What is known of the name of a unix socket, judged: can a server bind it, and if not, why.
//!
//! Pure. A bind makes the file, and fails where anything stands at the path; so a file that a server left behind
//! keeps the next one out, whether anybody listens or not (`unix(7)`).

use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::Outcome;
use super::phrases::{capitalised, owner_at_the_beginning, owner_of};
use super::who;
use crate::bind::Start;
use crate::bind::fix::reader::Reader;
use crate::bind::fix::{self, Fix, FixCode, Situation, is_systemd, shell_word};
use crate::model::{
    AtPath, Behind, Connected, EndRisk, Evidence, Folder, Gap, Holder, Moment, Protocol,
    SocketFile, Supervisor, UnixAddress, UnixEvidence, UnixHolder, UnixKind,
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

/// The answer about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixVerdict {
    /// In one word.
    pub outcome: Outcome,
    /// Why.
    pub cause: UnixCause,
    /// In one sentence.
    pub summary: String,
    /// What explains it, in full sentences.
    pub details: Vec<String>,
    /// What helps, the best first.
    pub fixes: Vec<Fix>,
    /// What the owner is there for, where that is more than the process.
    pub behind: Option<Behind>,
    /// What starts the owner again.
    pub kept_by: Option<Supervisor>,
    /// The sockets that have the name.
    pub blockers: Vec<UnixHolder>,
    /// What could not be found out.
    pub gaps: Vec<Gap>,
    /// When it was looked at.
    pub taken_at: Moment,
}

/// A cause with its sentence and what helps.
struct Answer {
    outcome: Outcome,
    cause: UnixCause,
    summary: String,
    fixes: Vec<Fix>,
}

impl Answer {
    fn new(outcome: Outcome, cause: UnixCause, summary: String) -> Self {
        let fixes = Vec::new();
        Self {
            outcome,
            cause,
            summary,
            fixes,
        }
    }

    fn with(self, fixes: Vec<Fix>) -> Self {
        Self { fixes, ..self }
    }
}

impl UnixVerdict {
    /// Judges what is known of a name.
    pub fn of(name: &UnixAddress, evidence: &UnixEvidence, zone: &TimeZone, now: Moment) -> Self {
        let case = Case {
            name,
            evidence,
            zone,
        };
        let answer = case.answer();
        let first = case.present().next().map(|one| &one.holder);
        let background = first.and_then(|holder| holder.backgrounds.first());
        Self {
            outcome: answer.outcome,
            cause: answer.cause,
            summary: answer.summary,
            details: case.details(answer.cause, now),
            fixes: answer.fixes,
            behind: background.and_then(|background| background.behind.clone()),
            kept_by: background.and_then(|background| background.kept_by.clone()),
            blockers: case.present().cloned().collect(),
            gaps: evidence.gaps.clone(),
            taken_at: evidence.taken_at,
        }
    }

    /// Whether a server can start on it now.
    pub const fn start(&self) -> Start {
        match (self.outcome, self.cause) {
            (Outcome::Free, _) => Start::Ok,
            (_, UnixCause::Raced | UnixCause::ProbeFailed) => Start::Unknown,
            _ => Start::Refused,
        }
    }
}

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
        if !self.evidence.is_settled() {
            let text = format!(
                "The answer changed during the test: {} was taken or released just then.",
                self.name
            );
            let again = Fix::sentence(FixCode::Wait, "Test again");
            return Answer::new(Outcome::Raced, UnixCause::Raced, text).with(vec![again]);
        }
        match (&self.evidence.at_path, self.name) {
            (_, UnixAddress::Path(path)) if path.len() > MAX_PATH => too_long(path),
            (Some(AtPath::Nothing(folder)), _) => self.nothing(folder),
            (Some(AtPath::Socket(file)), _) => self.socket_file(file),
            (Some(AtPath::Other(what)), _) => self.other(what),
            (Some(AtPath::DanglingLink), _) => self.dangling(),
            (Some(AtPath::Unseen(error)), _) => self.unknown(error),
            (None, _) => self.abstract_name(),
        }
    }

    fn nothing(&self, folder: &Folder) -> Answer {
        let (name, shown) = (self.name, self.folder());
        let (outcome, cause, text, help) = match folder {
            Folder::Writable => {
                let text = format!(
                    "{name} is free: there is no such file, and you may create it in {shown}."
                );
                return Answer::new(Outcome::Free, UnixCause::Free, text);
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
        Answer::new(outcome, cause, text).with(vec![Fix::sentence(FixCode::ChangeConfig, help)])
    }

    fn socket_file(&self, file: &SocketFile) -> Answer {
        let in_use = |cause, text| Answer::new(Outcome::InUse, cause, text);
        if let Some(first) = self.present().next() {
            return self.taken_by(first);
        }
        let name = self.name;
        match &self.evidence.connected {
            Some(Connected::Bound) => {
                let text = format!(
                    "No socket of this network namespace has {name}, yet one is bound to it: that of a container which \
                     shares the folder, or of a program in a namespace of its own."
                );
                let stop = "Stop the container or the program that shares the folder";
                let fix = Fix::sentence(FixCode::StopContainer, stop);
                in_use(UnixCause::UnixElsewhere, text).with(vec![fix])
            }
            Some(Connected::Refused) => {
                let text = format!(
                    "{name} is left over: no socket is bound to it. Clients get ECONNREFUSED, and a bind fails with \
                     EADDRINUSE as long as the file is there."
                );
                let fix = self.remove("Remove the file", "rm", file.is_removable);
                in_use(UnixCause::StaleSocketFile, text).with(vec![fix])
            }
            Some(Connected::Unknown(error)) => {
                let text = format!(
                    "{name} is the file of a socket, so a bind fails with EADDRINUSE; whether any server is still there \
                     can't be told: you may not connect to it ({error})."
                );
                let look = Fix::command(
                    FixCode::ChangeConfig,
                    "Look as root whether it is left over",
                    format!("sockeye check {}", shell_word(&self.text())),
                );
                let fix = Fix {
                    frees: fix::Frees::No,
                    ..Reader::of(&self.evidence.limits).as_root(look)
                };
                in_use(UnixCause::SocketFile, text).with(vec![fix])
            }
            None => self.unknown("no answer"),
        }
    }

    fn taken_by(&self, first: &UnixHolder) -> Answer {
        let (owner, name) = (owner_at_the_beginning(&first.holder), self.name);
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
        Answer::new(Outcome::InUse, cause, text).with(self.end())
    }

    fn other(&self, what: &str) -> Answer {
        let text = format!(
            "{} is {what}, not a socket: a bind fails with EADDRINUSE.",
            self.name
        );
        let fix = Fix::sentence(
            FixCode::ChangeConfig,
            "Give the server another path, or move that out of the way",
        );
        Answer::new(Outcome::InUse, UnixCause::NotASocket, text).with(vec![fix])
    }

    fn dangling(&self) -> Answer {
        let text = format!(
            "{} is a symbolic link to nothing: a bind fails with EADDRINUSE.",
            self.name
        );
        let fix = Fix::sentence(
            FixCode::RemoveFile,
            "Remove the link, or give the server the path that it leads to",
        );
        Answer::new(Outcome::InUse, UnixCause::DanglingLink, text).with(vec![fix])
    }

    fn abstract_name(&self) -> Answer {
        match self.evidence.bound.as_deref() {
            Some("ok") => {
                let text = format!("{} is free: a stream socket can be bound to it.", self.name);
                Answer::new(Outcome::Free, UnixCause::Free, text)
            }
            Some("EADDRINUSE") => match self.present().next() {
                Some(first) => self.taken_by(first),
                None => self.unknown("EADDRINUSE"),
            },
            other => self.unknown(other.unwrap_or("no answer")),
        }
    }

    fn unknown(&self, error: &str) -> Answer {
        let text = format!("Whether {} can be bound is not known: {error}.", self.name);
        Answer::new(Outcome::Unavailable, UnixCause::ProbeFailed, text)
    }

    /// What ends the sockets that have the name. The file may stay all the same.
    fn end(&self) -> Vec<Fix> {
        let holders: Vec<&Holder> = self.present().map(|one| &one.holder).collect();
        let present = || {
            holders
                .iter()
                .flat_map(|holder| holder.socket.owner.present())
        };
        if present().any(|process| is_systemd(process)) {
            let text =
                "Stop the socket unit that systemd listens for: `systemctl list-sockets` names it";
            return vec![Fix::sentence(FixCode::StopSocketUnit, text)];
        }
        let is_needed = |end_risk| !matches!(end_risk, EndRisk::Ordinary | EndRisk::ContainerInit);
        let mut backgrounds = holders.iter().flat_map(|holder| &holder.backgrounds);
        if backgrounds.any(|background| is_needed(background.end_risk)) {
            let who = holders.first().map(|holder| owner_of(holder));
            let text = format!(
                "Give the server another path: {} is needed by this machine or by your session",
                who.unwrap_or_default()
            );
            return vec![Fix::sentence(FixCode::ChangeConfig, text)];
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

    /// Has a fix that ends the owner for good remove the file as well: many servers leave it, and all that are
    /// killed do. One that is started again may have made it anew.
    fn remove_too(&self, fix: &mut Fix, is_removable: bool) {
        if fix.restarts || fix.frees != fix::Frees::Yes {
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
            return Fix::sentence(FixCode::RemoveFile, text);
        }
        // A name that begins with a dash would be an option.
        let here = if path.starts_with('-') { "./" } else { "" };
        let operand = format!("{here}{path}");
        let fix = Fix::command(
            FixCode::RemoveFile,
            text,
            format!("{command} {}", shell_word(&operand)),
        );
        if is_removable {
            fix
        } else {
            Reader::of(&self.evidence.limits).as_root(fix)
        }
    }

    fn details(&self, cause: UnixCause, now: Moment) -> Vec<String> {
        let mut details = Vec::new();
        let around = Evidence {
            limits: self.evidence.limits.clone(),
            processes: self.evidence.processes.clone(),
            ..Evidence::new(self.evidence.taken_at, Vec::new())
        };
        let first = self.present().next();
        details.extend(first.and_then(|one| who::sentence(&around, &one.holder, now.wall)));
        if let (UnixCause::StaleSocketFile | UnixCause::SocketFile, Some(AtPath::Socket(file))) =
            (cause, &self.evidence.at_path)
        {
            details.extend(self.made(file));
        }
        for one in self.evidence.holders.iter().filter(|one| one.is_cut_off) {
            let owner = owner_at_the_beginning(&one.holder);
            details.push(format!(
                "{owner} is bound to another file of this name: one that was removed or replaced, or that of a \
                 container."
            ));
        }
        if matches!(self.name, UnixAddress::Abstract(_)) {
            details.extend(self.of_other_kinds());
        }
        if cause == UnixCause::Free {
            let text = "Free right now; another program can still take it before you do.";
            details.push(text.to_owned());
        }
        details
    }

    /// Who made a file that is left over, as far as it says.
    fn made(&self, file: &SocketFile) -> Option<String> {
        let at = file.made_at?.to_zoned(self.zone.clone());
        let user = file.user.as_ref();
        let by = user.map_or_else(String::new, |user| format!(", by {user}"));
        Some(format!(
            "It was bound on {}{by}. Many servers remove such a file when they start; the others need it removed.",
            at.strftime("%F at %T")
        ))
    }

    /// An abstract name is another one for each kind of socket.
    fn of_other_kinds(&self) -> Vec<String> {
        let others = self.evidence.holders.iter();
        let others = others.filter(|one| one.kind != UnixKind::Stream);
        others
            .map(|one| {
                let (owner, kind) = (owner_of(&one.holder), one.kind.as_str());
                capitalised(&format!(
                    "{owner} has the name for {kind} sockets: for these it is taken."
                ))
            })
            .collect()
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

fn too_long(path: &str) -> Answer {
    let text = format!(
        "The path has {} bytes: that of a unix socket has at most {MAX_PATH}.",
        path.len()
    );
    let fix = Fix::sentence(
        FixCode::ChangeConfig,
        "Give the server a shorter path, or start it in that folder with a relative one",
    );
    Answer::new(Outcome::Unavailable, UnixCause::PathTooLong, text).with(vec![fix])
}
