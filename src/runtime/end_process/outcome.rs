//! What came of a signal, and the sentence that says so. Pure.

use std::fmt;
use std::time::Duration;

use crate::model::counted;

/// What came of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They ended, and no port was in question.
    Ended {
        after: Duration,
    },
    /// They ended, and a server can start.
    Free {
        after: Duration,
        port: String,
        /// What lingers, in one sentence.
        leftovers: Option<String>,
        /// What may start it again later.
        supervisor: Option<String>,
    },
    /// They ended, and something has the port that was not there before.
    Back {
        after: Duration,
        back: Return,
    },
    /// They ended, and others that were there before keep the port.
    Kept {
        after: Duration,
        port: String,
        /// How many processes, where they are known.
        count: usize,
        names: String,
        /// What the bind test says.
        summary: String,
    },
    StillRunning(StillRunning),
}

/// A process that has the port now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Return {
    pub(super) pid: u32,
    pub(super) name: String,
    /// Whether it is the same program as one that ended.
    pub(super) is_same: bool,
    /// How long after the end it was seen; `None` where it shares a socket that was never closed.
    pub(super) after: Option<Duration>,
    /// What started it.
    pub(super) by: Option<String>,
    /// What keeps it down.
    pub(super) command: Option<String>,
    pub(super) port: String,
}

/// Processes that the signal did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StillRunning {
    pub(super) who: String,
    /// Empty where it is not known.
    pub(super) why: String,
    /// What ends it.
    pub(super) ends: Option<&'static str>,
    /// The port, if it was let go all the same.
    pub(super) free_port: Option<String>,
}

/// `after 0.2 s`, `at once`
pub(super) struct After(pub(super) Duration);

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_millis(50) {
            f.write_str("at once")
        } else {
            write!(f, "after {:.1} s", self.0.as_secs_f64())
        }
    }
}

impl Outcome {
    /// Whether what was wanted came of it.
    pub(super) const fn is_good(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Free { .. })
    }

    /// The sentence, for processes of this name.
    pub(super) fn words(&self, who: &str) -> String {
        let exited = |after: &Duration| format!("{who} exited {}", After(*after));
        match self {
            Self::Ended { after } => exited(after),
            Self::Free {
                after,
                port,
                leftovers,
                supervisor,
            } => {
                let more = match (supervisor, leftovers) {
                    (Some(supervisor), _) => format!(" now; {supervisor} may start it again"),
                    (None, Some(lingers)) => lingering(lingers),
                    (None, None) => String::new(),
                };
                format!("{}; port {port} is free{more}", exited(after))
            }
            Self::Back { after, back } => format!("{}, {}", exited(after), back.words()),
            Self::Kept {
                after,
                port,
                count,
                names,
                summary,
            } => {
                let processes = match count {
                    0 => return format!("{}. {}", exited(after), summary.trim_end_matches('.')),
                    &many => counted(many, "other process keeps", "other processes keep"),
                };
                format!("{}, but {processes} port {port}: {names}", exited(after))
            }
            Self::StillRunning(still) => still.words(),
        }
    }
}

/// What a bind test says of leftovers, to be said after "is free".
fn lingering(summary: &str) -> String {
    let summary = summary.trim_end_matches('.');
    match summary.strip_prefix("Free") {
        Some(rest) => rest.to_owned(),
        None => format!(". {summary}"),
    }
}

impl Return {
    fn words(&self) -> String {
        let Self {
            pid, name, port, ..
        } = self;
        let after = self.after.map(|after| format!(" {}", After(after)));
        let after = after.unwrap_or_default();
        let by = self.by.as_ref();
        let by = by.map_or_else(String::new, |by| format!(", started by {by}"));
        let command = self.command.as_ref();
        if !self.is_same {
            return format!("but {name} ({pid}) has port {port} now{by}");
        }
        let command = command.map_or_else(String::new, |command| {
            format!(": `{command}` keeps it down")
        });
        format!("back as {pid}{after}{by}{command}")
    }
}

impl StillRunning {
    fn words(&self) -> String {
        let why = match (self.why.as_str(), self.ends) {
            ("", None) => String::new(),
            ("", Some(ends)) => format!(": {ends}"),
            (why, None) => format!(": {why}"),
            (why, Some(ends)) => format!(": {why}; {ends}"),
        };
        let port = self.free_port.as_ref();
        let port = port.map_or_else(String::new, |port| format!(" (port {port} is free)"));
        format!("{} still running after 3 s{why}{port}", self.who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIFTH: Duration = Duration::from_millis(200);

    fn back() -> Return {
        Return {
            pid: 1054,
            name: "python3 app.py".into(),
            is_same: true,
            after: Some(Duration::from_millis(400)),
            by: Some("supervisord (77)".into()),
            command: Some("supervisorctl stop web".into()),
            port: "8080".into(),
        }
    }

    #[test]
    fn each_outcome_is_one_sentence() {
        let free = |leftovers: Option<&str>, supervisor: Option<&str>| Outcome::Free {
            after: FIFTH,
            port: "8080".into(),
            leftovers: leftovers.map(Into::into),
            supervisor: supervisor.map(Into::into),
        };
        let kept = |count| Outcome::Kept {
            after: FIFTH,
            port: "8080".into(),
            count,
            names: "nginx (12)".into(),
            summary: "A hidden process has it.".into(),
        };
        let still = |why: &str, ends| {
            Outcome::StillRunning(StillRunning {
                who: "app (12)".into(),
                why: why.into(),
                ends,
                free_port: None,
            })
        };
        let other = Return {
            is_same: false,
            ..back()
        };
        for (outcome, words) in [
            (
                free(None, None),
                "app (12) exited after 0.2 s; port 8080 is free",
            ),
            (
                free(
                    Some(
                        "Free for a server that sets SO_REUSEADDR: all that is left is 1 connection.",
                    ),
                    None,
                ),
                "app (12) exited after 0.2 s; port 8080 is free for a server that sets SO_REUSEADDR: all that is left is 1 connection",
            ),
            (
                free(None, Some("runsv (7)")),
                "app (12) exited after 0.2 s; port 8080 is free now; runsv (7) may start it again",
            ),
            (
                Outcome::Back {
                    after: Duration::from_millis(20),
                    back: back(),
                },
                "app (12) exited at once, back as 1054 after 0.4 s, started by supervisord (77): `supervisorctl stop web` keeps it down",
            ),
            (
                Outcome::Back {
                    after: FIFTH,
                    back: other,
                },
                "app (12) exited after 0.2 s, but python3 app.py (1054) has port 8080 now, started by supervisord (77)",
            ),
            (
                kept(1),
                "app (12) exited after 0.2 s, but 1 other process keeps port 8080: nginx (12)",
            ),
            (
                kept(0),
                "app (12) exited after 0.2 s. A hidden process has it",
            ),
            (
                still("it ignores SIGTERM", Some("SIGKILL ends it")),
                "app (12) still running after 3 s: it ignores SIGTERM; SIGKILL ends it",
            ),
            (
                still("it waits for I/O in the kernel", None),
                "app (12) still running after 3 s: it waits for I/O in the kernel",
            ),
        ] {
            assert_eq!(outcome.words("app (12)"), words);
        }
    }
}
