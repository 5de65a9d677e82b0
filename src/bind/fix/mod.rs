//! Fixes that free a port, best first, with the exact command if there is one.
//!
//! The rule: the first fix with a command frees the port for good when run as printed, and ends only the processes that
//! it names. If no command does that, the first fix is a sentence. Commands that end something else, or that free the port
//! only for a moment, come later with a warning. Commands are not run here, but by people, so names from outside are quoted
//! in `shell`.

mod action;
mod container;
mod kept_for;
mod owner_groups;
mod process;
mod process_group;
mod protected;
mod service;
pub(super) mod shell;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::model::{AlsoEnds, Holder, Limits, Protocol, Restarts};
pub use action::{Action, Program, Step, Word};
pub(super) use owner_groups::{end_holders, is_systemd};
pub use process_group::supervisor_text;
pub(super) use protected::consequence;
pub use shell::shell_word;

/// A fix for a taken port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Its kind, for scripts.
    pub code: FixCode,
    /// The instruction: a sentence without a full stop.
    pub text: String,
    /// The exact command, for a POSIX shell. It is shown, never run.
    pub command: Option<String>,
    /// What the command does, to carry it out without a shell; empty for a sentence, and for commands that only a
    /// person should run.
    #[serde(skip)]
    pub actions: Vec<Action>,
    /// The user who has to run the command.
    #[serde(rename = "as")]
    pub run_as: RunAs,
    /// Whether the port is free afterwards.
    pub frees: Frees,
    /// Whether the ended process is restarted, so that the port is free only for a moment; in JSON whether it may be. If that
    /// is not certain, the warning says so.
    #[serde(serialize_with = "may_restart")]
    pub restarts: Restarts,
    /// What else ends.
    pub also_ends: Vec<AlsoEnds>,
    /// A warning: a full sentence.
    pub warning: Option<String>,
}

impl FixCode {
    /// A fix that is a sentence.
    pub fn fix(self, text: impl Into<String>) -> Fix {
        Fix {
            code: self,
            text: text.into(),
            command: None,
            actions: Vec::new(),
            run_as: RunAs::User,
            frees: Frees::Yes,
            restarts: Restarts::No,
            also_ends: Vec::new(),
            warning: None,
        }
    }

    /// A fix with its command.
    pub fn command(self, text: impl Into<String>, command: impl Into<String>) -> Fix {
        Fix {
            command: Some(command.into()),
            ..self.fix(text)
        }
    }
}

impl Fix {
    /// Its side effects and limits, in sentences; `None` if it does exactly what its text says.
    pub fn caution(&self) -> Option<String> {
        let mut sentences = Vec::new();
        if !self.also_ends.is_empty() {
            let shown = self.also_ends.iter().take(MAX_ENDS);
            let mut things: Vec<_> = shown.map(also_ends_text).collect();
            let more = self.also_ends.len().saturating_sub(MAX_ENDS);
            things.extend((more > 0).then(|| format!("and {more} more")));
            sentences.push(format!("Also ends {}.", things.join(", ")));
        }
        sentences.extend(self.restart_text().map(str::to_owned));
        sentences.extend(self.warning.clone());
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }

    /// Whether what is ended may be restarted.
    pub fn may_restart(&self) -> bool {
        self.restarts != Restarts::No
    }

    /// That what is ended is restarted, if that is certain.
    pub fn restart_text(&self) -> Option<&'static str> {
        let is_certain = self.restarts != Restarts::Unknown;
        (self.may_restart() && is_certain).then_some("It is started again.")
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn may_restart<S: Serializer>(restarts: &Restarts, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(*restarts != Restarts::No)
}

/// What else ends, in words: `port 9202/tcp`, `the login of ann on pts/3`.
pub fn also_ends_text(ends: &AlsoEnds) -> String {
    use crate::model::AlsoEndsKind as Kind;
    match ends.kind {
        Kind::Port => format!("port {}", ends.name),
        Kind::Process => ends.name.to_string(),
        Kind::Login => format!("the login of {}", ends.name),
        Kind::Service => format!("the service {}", ends.name),
        Kind::Container => format!("the container {}", ends.name),
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Some(command) => write!(f, "{}: {command}", self.text),
            None => write!(f, "{}.", self.text),
        }
    }
}

/// The most things to name in a caution; JSON has all of them.
const MAX_ENDS: usize = 8;

/// The kind of a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "docs/scripts.md says each in a sentence")]
pub enum FixCode {
    StopUnit,
    StopSocketUnit,
    StopContainer,
    StopApp,
    EndProcess,
    EndProcesses,
    ContinueThenEnd,
    EndHard,
    CloseConnections,
    Wait,
    SetReuseAddress,
    SetReusePort,
    BindOtherAddress,
    OtherPort,
    MoveServer,
    ReservePort,
    ChangeConfig,
    CloseForward,
    RemoveFile,
    NoneNeeded,
}

/// Who has to run a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunAs {
    /// Root; for an ordinary user the command begins with `sudo`.
    Root,
    /// The current user.
    User,
    /// This user.
    #[serde(untagged)]
    Named(String),
}

impl RunAs {
    /// `root`, `user`, or the user's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Named(name) => name,
        }
    }
}

/// The effect of a fix on the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Frees {
    /// The server can start afterwards.
    Yes,
    /// It can't, but the fix helps otherwise.
    No,
    /// A client has to close its connection first.
    AfterRestartOfClient,
}

/// The port to free.
pub(super) struct Situation<'a> {
    /// The blockers with processes, most important first.
    pub(super) holders: Vec<&'a Holder>,
    pub(super) limits: &'a Limits,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    /// The command that shows a hidden owner.
    pub(super) check_as_root: Option<String>,
}

/// The fixes that free the port of one socket, the best first.
pub fn fixes_for(holder: &Holder, limits: &Limits) -> Vec<Fix> {
    end_holders(&Situation {
        holders: vec![holder],
        limits,
        protocol: holder.socket.protocol,
        port: holder.socket.local.port,
        check_as_root: None,
    })
}
