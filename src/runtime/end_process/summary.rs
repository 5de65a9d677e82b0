//! What came of the signals to several processes, as one sentence: how many exited, which ports are free, and each
//! exception. Pure.

use std::collections::HashSet;

use super::outcome::Outcome;
use crate::model::{Pid, counted};

/// The most exceptions that are described.
const MAX_EXCEPTIONS: usize = 6;

/// The most processes that are named instead of counted.
const MAX_NAMED: usize = 3;

pub(super) struct Summary {
    /// How many were to exit.
    all: usize,
    /// `all 3`
    who: String,
    /// `exited after 0.2 s`
    exited: String,
    are_all: bool,
    free: Vec<u16>,
    exceptions: Vec<String>,
    /// How many ports were not watched.
    unwatched: usize,
    has_failed: bool,
}

impl Summary {
    /// `after` says when the last of those that exited did.
    pub(super) fn new(exited: usize, all: usize, after: &str) -> Self {
        let who = match (exited, all) {
            (0, 1) => "it".to_owned(),
            (0, all) => format!("none of {all}"),
            (2, 2) => "both".to_owned(),
            (all, of) if all == of => format!("all {all}"),
            (some, all) => format!("{some} of {all}"),
        };
        let exited_text = match (exited, all) {
            (0, 1) => "has not exited".to_owned(),
            (0, _) => "exited".to_owned(),
            _ => format!("exited {after}"),
        };
        Self {
            all,
            who,
            exited: exited_text,
            are_all: exited == all,
            free: Vec::new(),
            exceptions: Vec::new(),
            unwatched: 0,
            has_failed: false,
        }
    }

    /// Names all that exited, if they are few.
    pub(super) fn name(&mut self, who: String) {
        if self.are_all && self.all <= MAX_NAMED {
            self.who = who;
        }
    }

    /// Adds the state of a port. `left` are the pids of processes that still run, about which there is another
    /// exception.
    pub(super) fn add_port(&mut self, port: u16, outcome: &Outcome, left: &HashSet<Pid>) {
        let text = outcome.text(port);
        let exception = match outcome {
            Outcome::Ended => return,
            Outcome::Free {
                leftovers: None,
                supervisor: None,
            } => return self.free.push(port),
            Outcome::Free { .. } => text.trim_start_matches("; ").to_owned(),
            Outcome::Kept { pids, .. }
                if !pids.is_empty() && pids.iter().all(|pid| left.contains(pid)) =>
            {
                self.has_failed = true;
                return;
            }
            Outcome::Kept { pids, .. } if pids.is_empty() => {
                self.has_failed = true;
                format!("port {port}: {}", text.trim_start_matches(". "))
            }
            Outcome::Kept { .. } | Outcome::Back { is_same: false, .. } => {
                self.has_failed = true;
                text.trim_start_matches(", but ").to_owned()
            }
            Outcome::Back { name, .. } => {
                self.has_failed = true;
                let text = text.trim_start_matches(", ");
                format!("{name} on port {port} is {text}")
            }
        };
        self.exceptions.push(exception);
    }

    /// Adds processes that still run: names, and why.
    pub(super) fn add_running(&mut self, running: Vec<(String, String)>) {
        self.has_failed |= !running.is_empty();
        let text = |(names, why): (String, String)| match why.as_str() {
            "" => format!("{names} still running after 3 s"),
            why => format!("{names} still running after 3 s: {why}"),
        };
        self.exceptions.extend(running.into_iter().map(text));
    }

    /// Adds sentences on processes that got no signal.
    pub(super) fn add_failures(&mut self, failures: &[String]) {
        self.has_failed |= !failures.is_empty();
        self.exceptions.extend_from_slice(failures);
    }

    /// Adds ports of which nothing is known.
    pub(super) const fn add_unwatched(&mut self, count: usize) {
        self.unwatched += count;
    }

    /// Whether all exited and all watched ports are free.
    pub(super) const fn is_success(&self) -> bool {
        self.are_all && !self.has_failed
    }

    pub(super) fn text(&self) -> String {
        let ports: Vec<_> = self.free.iter().map(u16::to_string).collect();
        let free = match ports.as_slice() {
            [] => None,
            [port] => Some(format!("port {port} is free")),
            [ports @ .., last] => Some(format!("ports {} and {last} are free", ports.join(", "))),
        };
        let shown = self.exceptions.iter().take(MAX_EXCEPTIONS).cloned();
        let more = self.exceptions.len().saturating_sub(MAX_EXCEPTIONS);
        let more = (more > 0).then(|| format!("and {more} more"));
        let unwatched = (self.unwatched > 0).then(|| {
            let ports = counted(self.unwatched, "more port", "more ports");
            format!("and {ports} not checked")
        });
        let first = [format!("{} {}", self.who, self.exited)]
            .into_iter()
            .chain(free);
        let clauses: Vec<_> = first.chain(shown).chain(more).chain(unwatched).collect();
        clauses.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Outcome = Outcome::Free {
        leftovers: None,
        supervisor: None,
    };

    fn summary(exited: usize, all: usize) -> Summary {
        Summary::new(exited, all, "after 0.2 s")
    }

    fn kept(pids: &[Pid]) -> Outcome {
        Outcome::Kept {
            pids: pids.to_vec(),
            names: "nginx (12)".into(),
            summary: "A hidden process has it.".into(),
        }
    }

    #[test]
    fn if_all_exited_the_free_ports_are_named() {
        let mut all = summary(3, 3);
        all.add_port(8080, &FREE, &HashSet::new());
        all.add_port(8081, &FREE, &HashSet::new());
        assert!(all.is_success());
        let text = "all 3 exited after 0.2 s; ports 8080 and 8081 are free";
        assert_eq!(all.text(), text);
        let mut one = summary(1, 1);
        one.name("app (12)".into());
        one.add_port(80, &FREE, &HashSet::new());
        assert_eq!(one.text(), "app (12) exited after 0.2 s; port 80 is free");
        assert_eq!(summary(2, 2).text(), "both exited after 0.2 s");
    }

    #[test]
    fn names_replace_the_count_of_few_and_all_12_stay_counted() {
        for (count, named) in [
            (1, "app (1) exited after 0.2 s"),
            (2, "app (1) exited after 0.2 s"),
            (12, "all 12 exited after 0.2 s"),
        ] {
            let mut all = summary(count, count);
            all.name("app (1)".into());
            assert_eq!(all.text(), named, "{count}");
        }
        let mut some = summary(1, 12);
        some.name("app (1)".into());
        assert_eq!(some.text(), "1 of 12 exited after 0.2 s");
    }

    #[test]
    fn ports_that_were_not_checked_are_counted_last() {
        let mut all = summary(2, 2);
        all.add_port(80, &FREE, &HashSet::new());
        all.add_unwatched(8);
        assert!(all.is_success());
        let text = "both exited after 0.2 s; port 80 is free; and 8 more ports not checked";
        assert_eq!(all.text(), text);
    }

    #[test]
    fn what_still_runs_is_named_once_and_its_port_is_not_named() {
        let mut some = summary(3, 4);
        some.add_port(8080, &FREE, &HashSet::new());
        some.add_port(9000, &kept(&[123]), &HashSet::from([123]));
        some.add_running(vec![("node (123)".into(), "it ignores SIGTERM".into())]);
        some.add_failures(&["redis (7): not permitted".into()]);
        assert!(!some.is_success());
        assert_eq!(
            some.text(),
            "3 of 4 exited after 0.2 s; port 8080 is free; node (123) still running after 3 s: \
             it ignores SIGTERM; redis (7): not permitted"
        );
    }

    #[test]
    fn a_port_that_is_taken_again_or_still_is_an_exception() {
        let mut all = summary(2, 2);
        all.add_port(80, &kept(&[12]), &HashSet::new());
        all.add_port(81, &kept(&[]), &HashSet::new());
        let back = Outcome::Back {
            pid: 1054,
            name: "app".into(),
            is_same: true,
            after: None,
            by: Some("supervisord (77)".into()),
            command: Some("supervisorctl stop web".into()),
        };
        all.add_port(82, &back, &HashSet::new());
        let later = Outcome::Free {
            leftovers: None,
            supervisor: Some("runsv (7)".into()),
        };
        all.add_port(83, &later, &HashSet::new());
        assert!(!all.is_success());
        assert_eq!(
            all.text(),
            "both exited after 0.2 s; 1 other process keeps port 80: nginx (12); \
             port 81: A hidden process has it; app on port 82 is back as 1054, started by \
             supervisord (77): `supervisorctl stop web` keeps it down; port 83 is free now; \
             runsv (7) may start it again"
        );
    }
}
