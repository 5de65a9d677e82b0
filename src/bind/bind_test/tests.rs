//! Agreement and disagreement, with a fake prober.

use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::model::{Answered, Holder, Moment, Protocol, Socket, State};

/// One answer after the other: whether a listener is in the table, and the result of a bind.
struct Scripted {
    tables: VecDeque<bool>,
    answers: VecDeque<&'static str>,
}

impl Prober for Scripted {
    fn rows(&mut self) -> Evidence {
        let local: std::net::SocketAddr = "127.0.0.1:80".parse().unwrap();
        let listener = Socket::new(Protocol::Tcp, local.into(), None, State::Listen);
        let is_there = self
            .tables
            .pop_front()
            .expect("not asked more often than that");
        let at = Moment {
            steady: Duration::ZERO,
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        let holder = is_there.then(|| Holder::new(listener));
        Evidence::new(at, holder.into_iter().collect())
    }

    fn probes(&mut self, _: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        let result = match self.answers.pop_front().unwrap() {
            "ok" => ProbeResult::Ok,
            name => ProbeResult::Errno(name.into()),
        };
        vec![Probe {
            address: "127.0.0.1".parse().unwrap(),
            v6only: None,
            reuse_address: true,
            result,
        }]
    }

    fn explain(&mut self, _: &mut Evidence, _: Answered) {}
}

/// The agreement reached, and how many rounds it took.
fn tested<const N: usize>(rounds: [(bool, &'static str); N]) -> (Agreement, usize) {
    let mut prober = Scripted {
        tables: rounds.iter().map(|&(is_there, _)| is_there).collect(),
        answers: rounds.iter().map(|&(_, answer)| answer).collect(),
    };
    let target = "127.0.0.1:80".parse().unwrap();
    let test_result = BindTestResult::of(&target, &mut prober);
    (test_result.agreement, N - prober.tables.len())
}

const TAKEN: &str = "EADDRINUSE";

#[test]
fn a_correct_prediction_takes_one_test() {
    assert_eq!(
        tested([(true, TAKEN), (true, TAKEN)]),
        (Agreement::Agreed, 1)
    );
    assert_eq!(
        tested([(false, "ok"), (false, "ok")]),
        (Agreement::Agreed, 1)
    );
}

#[test]
fn an_error_that_masks_the_holders_contradicts_nothing() {
    for is_there in [true, false] {
        let rounds = [(is_there, "EACCES"), (is_there, "EACCES")];
        assert_eq!(tested(rounds), (Agreement::Agreed, 1));
    }
}

#[test]
fn a_table_that_was_a_moment_old_is_read_again() {
    assert_eq!(
        tested([(false, TAKEN), (true, TAKEN)]),
        (Agreement::Agreed, 2)
    );
    assert_eq!(
        tested([(true, "ok"), (false, "ok")]),
        (Agreement::Agreed, 2)
    );
}

#[test]
fn answers_that_change_are_a_race() {
    assert_eq!(
        tested([(false, TAKEN), (false, "ok")]),
        (Agreement::Changed, 2)
    );
    assert_eq!(
        tested([(true, "ok"), (true, TAKEN)]),
        (Agreement::Changed, 2)
    );
}

#[test]
fn a_refusal_that_a_whole_table_never_explains_is_invisible() {
    assert_eq!(tested([(false, TAKEN); 5]), (Agreement::Disagreed, 5));
    let seen_late = [
        (false, TAKEN),
        (false, TAKEN),
        (false, TAKEN),
        (true, TAKEN),
    ];
    assert_eq!(tested(seen_late), (Agreement::Agreed, 4));
    let gone = [(false, TAKEN), (false, TAKEN), (false, "ok")];
    assert_eq!(tested(gone), (Agreement::Changed, 3));
}
