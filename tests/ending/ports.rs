//! Ports that are freed by the library, without a terminal and a question.

use std::time::Duration;

use sockeye::bind::{Decision, EndOutcome, EndPlan, EndReport, EndRules, RefusalCode, Target};
use sockeye::clock::Clock;
use sockeye::runtime::end_port::{EndOptions, carry_out, is_own_users, test_ports};

use crate::ending::scene::{PORT, Server, listener};
use crate::support::netns::{has_users, in_pidns_with_users, stage_with_pids};

fn target() -> Target {
    PORT.to_string().parse().unwrap()
}

/// Only processes of one's own user.
fn rules() -> EndRules<'static> {
    EndRules {
        may_end: Some(&is_own_users),
        ..EndRules::DEFAULT
    }
}

fn plan() -> EndPlan {
    EndPlan::of(test_ports(&[target()], Clock::start(), None), &rules())
}

fn carried_out(plan: EndPlan) -> (EndReport, Vec<String>) {
    let options = EndOptions {
        rules: rules(),
        timeout: Duration::from_secs(10),
        escalates: false,
        inside: None,
    };
    let mut lines = Vec::new();
    let report = carry_out(plan, &options, Clock::start(), &mut |line| {
        lines.push(line.to_owned());
    });
    (report, lines)
}

#[test]
fn a_plan_is_carried_out_without_a_question() {
    stage_with_pids(|| {
        let mut server = Server::with(listener());
        assert!(server.answers());
        let (report, lines) = carried_out(plan());
        assert!(report.is_free(), "{report:?}");
        let pid = server.pid();
        assert_eq!(lines[0], format!("sent SIGTERM to cat ({pid})"));
        assert_eq!(
            (report.sent[0].pids.as_slice(), report.ended.len()),
            (&[pid][..], 1)
        );
        assert!(server.wait_for_signal().is_some());
    });
}

#[test]
fn what_has_ended_before_needs_no_signal() {
    stage_with_pids(|| {
        let mut server = Server::with(listener());
        assert!(server.answers());
        let plan = plan();
        server.kill();
        server.reap();
        let (report, lines) = carried_out(plan);
        assert!(report.is_free() && report.sent.is_empty(), "{report:?}");
        assert_eq!(report.ports[0].outcome, EndOutcome::NothingToDo);
        assert_eq!(lines, [""; 0]);
    });
}

#[test]
fn a_process_of_another_user_is_not_planned() {
    const BOB: u32 = 65_533;
    in_pidns_with_users(
        "ending::ports::a_process_of_another_user_is_not_planned",
        || {
            if !has_users() {
                println!("NOT RUN: no other users here");
                return;
            }
            let mut server = Server::run(listener(), "exec cat", Some(BOB));
            assert!(server.answers());
            let plan = plan();
            let Decision::Refuse(refusal) = &plan.ports[0].decision else {
                panic!("{plan:?}");
            };
            assert_eq!(refusal.code, RefusalCode::NotMine);
            assert!(refusal.why.contains("belongs to"), "{refusal:?}");
            let (report, lines) = carried_out(plan);
            assert!(!report.is_free() && lines.is_empty(), "{report:?}");
            assert!(server.answers());
        },
    );
}
