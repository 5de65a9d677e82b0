//! The explanation of a unix socket's name: whether a server can bind it, and if not, why.
//!
//! Pure. A bind creates the file, and fails if anything is at the path: a leftover file blocks the next server, whether
//! a socket still listens or not (`unix(7)`).

mod answers;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::bind::Start;
use crate::bind::text::{after, capitalised};
use crate::bind::verdict::phrases::{owner_first, owner_of};
use crate::bind::verdict::{AnyVerdict, Outcome, owner_line};
use crate::model::{AtPath, Moment, UnixAddress, UnixEvidence, UnixHolder, UnixKind};

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
    /// Explains the evidence about a name.
    pub fn of(name: &UnixAddress, evidence: &UnixEvidence, zone: &TimeZone, now: Moment) -> Self {
        let case = Case {
            name,
            evidence,
            zone,
        };
        let (reason, summary, fixes) = case.answer();
        let (outcome, start) = match reason {
            UnixCause::Free => (Outcome::Free, Start::Ok),
            UnixCause::Raced => (Outcome::Raced, Start::Unknown),
            UnixCause::ProbeFailed => (Outcome::Unavailable, Start::Unknown),
            UnixCause::FolderDenied => (Outcome::Denied, Start::Refused),
            UnixCause::MissingFolder | UnixCause::ReadOnlyFolder | UnixCause::PathTooLong => {
                (Outcome::Unavailable, Start::Refused)
            }
            _ => (Outcome::InUse, Start::Refused),
        };
        let first = case.present().next().map(|one| &one.holder);
        let background = first.and_then(|holder| holder.backgrounds.first());
        Self {
            outcome,
            cause: reason,
            summary,
            details: case.details(reason, now),
            fixes,
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
            namespace: evidence.limits.namespace().cloned(),
            taken_at: evidence.taken_at,
            is_recorded: false,
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

    fn details(&self, cause: UnixCause, now: Moment) -> Vec<String> {
        let (processes, limits) = (&self.evidence.processes, &self.evidence.limits);
        let first = self.present().next().map(|one| &one.holder);
        let who = first.and_then(|one| owner_line::sentence(processes, limits, one, now.wall));
        let mut details: Vec<String> = who.into_iter().collect();
        if let (UnixCause::StaleSocketFile | UnixCause::SocketFile, Some(AtPath::Socket(file))) =
            (cause, &self.evidence.at_path)
            && let Some(made_at) = file.made_at
        {
            let at = made_at.to_zoned(self.zone.clone());
            let (at, by) = (at.strftime("%F at %T"), after(", by ", file.user.as_ref()));
            details.push(format!(
                "It was bound on {at}{by}. Many servers remove such a file when they start; the others need it removed."
            ));
        }
        for one in &self.evidence.holders {
            let owner = owner_of(&one.holder);
            if one.is_cut_off {
                details.push(format!(
                    "{} is bound to another file of this name: one that was removed or replaced, or that of a \
                     container.",
                    owner_first(&one.holder)
                ));
            }
            // Each type of socket has separate abstract names.
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

    /// The name as it is typed.
    fn text(&self) -> String {
        match self.name {
            UnixAddress::Path(path) => path.clone(),
            UnixAddress::Abstract(name) => format!("@{name}"),
        }
    }
}
