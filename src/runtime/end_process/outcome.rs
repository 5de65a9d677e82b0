//! The outcome of a signal, as the end of the sentence `NAME exited after 0.2 s`. Pure.

use std::time::Duration;

use crate::model::duration::format_after;
use crate::model::{Pid, counted};

/// The state of the port after the processes ended.
pub(in crate::runtime) enum Outcome {
    /// No port was in question.
    Ended,
    /// A server can start.
    Free {
        /// The bind test's summary of leftover connections.
        leftovers: Option<String>,
        /// A supervisor that may restart the process later.
        supervisor: Option<String>,
    },
    /// A process that did not have it before.
    Back {
        pid: u32,
        name: String,
        /// Whether it is the same program as one that ended.
        is_same: bool,
        /// How long after the end it was seen; `None` if it shares a socket that was never closed.
        after: Option<Duration>,
        /// The supervisor that started it.
        by: Option<String>,
        /// The command that stops it for good.
        command: Option<String>,
    },
    /// Other processes that had it before.
    Kept {
        /// Their pids; empty if unknown.
        pids: Vec<Pid>,
        names: String,
        summary: String,
    },
}

impl Outcome {
    pub(in crate::runtime) fn text(&self, port: u16) -> String {
        let optional = |text: Option<String>| text.unwrap_or_default();
        match self {
            Self::Ended => String::new(),
            Self::Free {
                leftovers,
                supervisor,
            } => {
                let leftovers = leftovers.as_deref().map(|all| all.trim_end_matches('.'));
                let more = match (supervisor, leftovers) {
                    (Some(supervisor), _) => format!(" now; {supervisor} may start it again"),
                    (None, Some(summary)) => match summary.strip_prefix("Free") {
                        Some(rest) => rest.to_owned(),
                        None => format!(". {summary}"),
                    },
                    (None, None) => String::new(),
                };
                format!("; port {port} is free{more}")
            }
            Self::Back {
                pid,
                name,
                is_same,
                after: seen_after,
                by,
                command,
            } => {
                let by = optional(by.as_ref().map(|by| format!(", started by {by}")));
                if !is_same {
                    return format!(", but {name} ({pid}) has port {port} now{by}");
                }
                let after = optional(seen_after.map(|time| format!(" {}", format_after(time))));
                let command = command.as_ref();
                let command = optional(command.map(|one| format!(": `{one}` keeps it down")));
                format!(", back as {pid}{after}{by}{command}")
            }
            Self::Kept { pids, summary, .. } if pids.is_empty() => {
                format!(". {}", summary.trim_end_matches('.'))
            }
            Self::Kept { pids, names, .. } => {
                let processes = counted(pids.len(), "other process keeps", "other processes keep");
                format!(", but {processes} port {port}: {names}")
            }
        }
    }
}

/// The whole sentence on processes that still run: why (if known), how to end them, and whether the port is free
/// anyway.
pub(in crate::runtime) fn still_running(
    who: &str,
    why: &str,
    ends: Option<&str>,
    free_port: Option<u16>,
) -> String {
    let why = match (why, ends) {
        ("", None) => String::new(),
        ("", Some(ends)) => format!(": {ends}"),
        (why, None) => format!(": {why}"),
        (why, Some(ends)) => format!(": {why}; {ends}"),
    };
    let port = free_port.map(|port| format!(" (port {port} is free)"));
    let port = port.unwrap_or_default();
    format!("{who} still running after 3 s{why}{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIFTH: Duration = Duration::from_millis(200);

    fn back(is_same: bool) -> Outcome {
        Outcome::Back {
            pid: 1054,
            name: "python3 app.py".into(),
            is_same,
            after: Some(Duration::from_millis(400)),
            by: Some("supervisord (77)".into()),
            command: Some("supervisorctl stop web".into()),
        }
    }

    #[test]
    fn each_outcome_is_one_sentence() {
        let free = |leftovers: Option<&str>, supervisor: Option<&str>| Outcome::Free {
            leftovers: leftovers.map(Into::into),
            supervisor: supervisor.map(Into::into),
        };
        let kept = |count| Outcome::Kept {
            pids: (0..count).collect(),
            names: "nginx (12)".into(),
            summary: "A hidden process has it.".into(),
        };
        for (time, outcome, text) in [
            (
                FIFTH,
                free(None, None),
                "app (12) exited after 0.2 s; port 8080 is free",
            ),
            (
                FIFTH,
                free(
                    Some(
                        "Free for a server that sets SO_REUSEADDR: all that's left is 1 connection.",
                    ),
                    None,
                ),
                "app (12) exited after 0.2 s; port 8080 is free for a server that sets SO_REUSEADDR: all that's left is 1 connection",
            ),
            (
                FIFTH,
                free(None, Some("runsv (7)")),
                "app (12) exited after 0.2 s; port 8080 is free now; runsv (7) may start it again",
            ),
            (
                Duration::from_millis(20),
                back(true),
                "app (12) exited at once, back as 1054 after 0.4 s, started by supervisord (77): `supervisorctl stop web` keeps it down",
            ),
            (
                FIFTH,
                back(false),
                "app (12) exited after 0.2 s, but python3 app.py (1054) has port 8080 now, started by supervisord (77)",
            ),
            (
                FIFTH,
                kept(1),
                "app (12) exited after 0.2 s, but 1 other process keeps port 8080: nginx (12)",
            ),
            (
                FIFTH,
                kept(0),
                "app (12) exited after 0.2 s. A hidden process has it",
            ),
        ] {
            let sentence = format!(
                "app (12) exited {}{}",
                format_after(time),
                outcome.text(8080)
            );
            assert_eq!(sentence, text);
        }
        let kill = Some("SIGKILL ends it");
        assert_eq!(
            still_running("app (12)", "it ignores SIGTERM", kill, None),
            "app (12) still running after 3 s: it ignores SIGTERM; SIGKILL ends it"
        );
        assert_eq!(
            still_running("app (12)", "it waits for I/O in the kernel", None, None),
            "app (12) still running after 3 s: it waits for I/O in the kernel"
        );
    }
}
