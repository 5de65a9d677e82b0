//! The decision about one port by its first fix, and plans for several.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::bind::bind_test::predict;
use crate::bind::fix::{Program, Word};
use crate::bind::{Address, Agreement, Probe, ProbeResult, Trial};
use crate::model::{
    Background, Behind, BehindKind, EndRisk, Engine, Evidence, Holder, Limits, Manager, Moment,
    Pid, Protocol, Quick, Reaction, Restarts, Socket, State, Supervisor, SupervisorKind, Term,
    Unit,
};

const ANN: u32 = 1000;

fn process(pid: Pid, parent: Pid, name: &str) -> Arc<Process> {
    Arc::new(Process {
        parent: Some(parent),
        started_at_tick: Some(u64::from(pid) * 10),
        uid: Some(ANN),
        ..Process::new(pid, name)
    })
}

/// A listener on a port, of `node (PID)` with this background.
fn holder(port: u16, pid: Pid, background: impl FnOnce(Background) -> Background) -> Holder {
    let local = std::net::SocketAddr::from(([0, 0, 0, 0], port)).into();
    let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
    socket.inode = Some(u32::from(port));
    socket.owner = Owner::Known([process(pid, 40, "node")].into());
    Holder {
        backgrounds: vec![background(Background::new(pid))],
        ..Holder::new(socket)
    }
}

/// The bind test of a port that these sockets keep, as this user.
fn tested(port: u16, holders: Vec<Holder>, uid: u32) -> (Target, BindTestResult, Verdict) {
    let at = Moment {
        steady: Duration::ZERO,
        wall: jiff::Timestamp::UNIX_EPOCH,
    };
    let is_free = holders.is_empty();
    let parent = process(40, 1, "sh");
    let evidence = Evidence {
        limits: Limits {
            uid: Some(uid),
            ..Limits::default()
        },
        processes: [(40, parent)].into(),
        ..Evidence::new(at, holders)
    };
    let target = Target {
        protocol: Protocol::Tcp,
        address: Address::Every,
        ports: port..=port,
    };
    let probe = Probe {
        address: "0.0.0.0".parse().unwrap(),
        v6only: None,
        reuse_address: true,
        result: if is_free {
            ProbeResult::Ok
        } else {
            ProbeResult::Errno("EADDRINUSE".into())
        },
    };
    let result = BindTestResult {
        caller: None,
        caller_pid: None,
        trials: vec![Trial {
            prediction: predict((&target, None), &evidence, (probe.address, None), true),
            probe,
        }],
        target: target.clone(),
        evidence,
        agreement: Agreement::Agreed,
    };
    let verdict = Verdict::of(&result, &TimeZone::UTC, at);
    (target, result, verdict)
}

fn decision(holder: Holder, uid: u32, rules: &EndRules<'_>) -> Decision {
    let plan = EndPlan::of([tested(3000, vec![holder], uid)], rules);
    plan.ports[0].decision.clone()
}

fn plain(background: Background) -> Background {
    background
}

fn reacting(term: Term) -> impl FnOnce(Background) -> Background {
    move |background| Background {
        reaction: Reaction {
            term,
            ..Reaction::ORDINARY
        },
        ..background
    }
}

/// The steps as they are printed.
fn steps(decision: &Decision) -> Vec<String> {
    match decision {
        Decision::End(steps) => steps.iter().map(describe_step).collect(),
        other => panic!("{other:?}"),
    }
}

fn refusal(decision: &Decision) -> (RefusalCode, String) {
    match decision {
        Decision::Refuse(refusal) => (refusal.code, refusal.why.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_free_port_needs_nothing() {
    let plan = EndPlan::of([tested(3000, Vec::new(), ANN)], &EndRules::DEFAULT);
    assert_eq!(plan.ports[0].decision, Decision::Free);
    assert!(!plan.has_steps() && plan.is_complete());
}

#[test]
fn a_process_gets_the_signal_of_its_fix_or_the_one_that_is_named() {
    let quick = |background| Background {
        reaction: Reaction {
            quick: Some(Quick {
                signal: Signal::Int,
                instead_of: "waits",
            }),
            ..Reaction::ORDINARY
        },
        ..background
    };
    let hup = EndRules {
        signal: Some(Signal::Hup),
        ..EndRules::DEFAULT
    };
    for (holder, rules, expected) in [
        (
            holder(3000, 812, plain),
            EndRules::DEFAULT,
            "send SIGTERM to node (812)",
        ),
        (
            holder(3000, 812, quick),
            EndRules::DEFAULT,
            "send SIGINT to node (812)",
        ),
        (holder(3000, 812, plain), hup, "send SIGHUP to node (812)"),
        (holder(3000, 812, quick), hup, "send SIGHUP to node (812)"),
    ] {
        assert_eq!(steps(&decision(holder, ANN, &rules)), [expected]);
    }
}

#[test]
fn sigkill_is_sent_only_if_it_is_allowed_or_named() {
    let ignoring = || holder(3000, 812, reacting(Term::Ignored));
    let (code, why) = refusal(&decision(ignoring(), ANN, &EndRules::DEFAULT));
    assert_eq!(code, RefusalCode::NeedsHard);
    assert_eq!(
        why,
        "add --hard to do it by SIGKILL (kill node (812): it ignores SIGTERM)"
    );
    let hard = EndRules {
        allows_kill: true,
        ..EndRules::DEFAULT
    };
    let named = EndRules {
        signal: Some(Signal::Kill),
        ..EndRules::DEFAULT
    };
    for rules in [hard, named] {
        let steps = steps(&decision(ignoring(), ANN, &rules));
        assert_eq!(steps, ["send SIGKILL to node (812)"]);
    }
    // Another signal than the one that it ignores.
    let int = EndRules {
        signal: Some(Signal::Int),
        ..EndRules::DEFAULT
    };
    let steps = steps(&decision(ignoring(), ANN, &int));
    assert_eq!(steps, ["send SIGINT to node (812)"]);
}

#[test]
fn what_restarts_a_process_is_ended_with_it_and_verified() {
    let kept = |background| Background {
        kept_by: Some(Supervisor {
            pid: Some(40),
            restarts: Restarts::Yes,
            ..Supervisor::new(SupervisorKind::ShellLoop)
        }),
        ..background
    };
    let known = decision(holder(3000, 812, kept), ANN, &EndRules::DEFAULT);
    assert_eq!(steps(&known), ["send SIGTERM to sh (40) and node (812)"]);
    let (target, mut result, verdict) = tested(3000, vec![holder(3000, 812, kept)], ANN);
    result.evidence.processes.clear();
    let plan = EndPlan::of([(target, result, verdict)], &EndRules::DEFAULT);
    let (code, _) = refusal(&plan.ports[0].decision);
    assert_eq!(code, RefusalCode::Unverified);
}

#[test]
fn a_process_that_is_needed_is_not_ended() {
    for end_risk in [EndRisk::Ancestor, EndRisk::SshServer, EndRisk::Engine] {
        let needed = |background| Background {
            end_risk,
            ..background
        };
        let (code, _) = refusal(&decision(holder(3000, 812, needed), 0, &EndRules::DEFAULT));
        assert_eq!(code, RefusalCode::NoCommand, "{end_risk:?}");
    }
}

fn container(background: Background) -> Background {
    Background {
        end_risk: EndRisk::ContainerProxy,
        behind: Some(Behind {
            engine: Some(Engine::Docker),
            is_reachable: false,
            name: Some("web".into()),
            ..Behind::new(BehindKind::Container)
        }),
        ..background
    }
}

#[test]
fn a_command_of_root_is_run_by_sudo_where_there_is_a_terminal() {
    let sudo = EndRules {
        allows_sudo: true,
        ..EndRules::DEFAULT
    };
    let of = |uid, rules: &EndRules<'_>| decision(holder(3000, 812, container), uid, rules);
    assert_eq!(steps(&of(ANN, &sudo)), ["run: sudo docker stop web"]);
    assert_eq!(steps(&of(0, &EndRules::DEFAULT)), ["run: docker stop web"]);
    let (code, why) = refusal(&of(ANN, &EndRules::DEFAULT));
    assert_eq!(code, RefusalCode::NeedsRoot);
    assert_eq!(
        why,
        "not permitted, root has to do it: sudo sockeye end 3000"
    );
}

/// Between the look at a pid and `sudo kill` the pid could become that of another process.
#[test]
fn a_signal_is_never_sent_by_sudo() {
    let of_other = |background| Background {
        may_signal: false,
        ..background
    };
    let sudo = EndRules {
        allows_sudo: true,
        ..EndRules::DEFAULT
    };
    let (code, _) = refusal(&decision(holder(3000, 812, of_other), ANN, &sudo));
    assert_eq!(code, RefusalCode::NeedsRoot);
    let as_root = decision(holder(3000, 812, of_other), 0, &EndRules::DEFAULT);
    assert_eq!(steps(&as_root), ["send SIGTERM to node (812)"]);
}

#[test]
fn the_command_of_another_user_is_a_login_of_that_user() {
    let of_bob = |background| {
        let mut background = container(background);
        if let Some(behind) = &mut background.behind {
            behind.engine = Some(Engine::Podman);
            behind.user = Some("bob".into());
        }
        background
    };
    let sudo = EndRules {
        allows_sudo: true,
        ..EndRules::DEFAULT
    };
    let as_ann = decision(holder(3000, 812, of_bob), ANN, &sudo);
    assert_eq!(steps(&as_ann), ["run: sudo -iu bob podman stop web"]);
    let as_root = decision(holder(3000, 812, of_bob), 0, &EndRules::DEFAULT);
    let Decision::End(steps) = as_root else {
        panic!("{as_root:?}");
    };
    let words = ["runuser", "-l", "bob", "-c", "podman stop web"];
    let words = words.map(|word| Word::Text(word.to_owned())).to_vec();
    let variable = None;
    assert_eq!(steps, [EndStep::Run(Program { variable, words })]);
}

/// The process is in `web.service`, as its main process.
fn in_unit(background: Background) -> Background {
    Background {
        unit: Some(Unit {
            name: "web.service".into(),
            manager: Manager::System,
            is_server: Some(true),
            main_pid: Some(812),
            restart: None,
            kill_mode: None,
            triggered_by: Vec::new(),
        }),
        ..background
    }
}

#[test]
fn a_unit_that_ignores_sigterm_is_killed_only_if_that_is_allowed() {
    let unit = |background| in_unit(reacting(Term::Ignored)(background));
    let of = |rules: &EndRules<'_>| decision(holder(3000, 812, unit), 0, rules);
    assert_eq!(refusal(&of(&EndRules::DEFAULT)).0, RefusalCode::NeedsHard);
    let hard = EndRules {
        allows_kill: true,
        ..EndRules::DEFAULT
    };
    let expected = [
        "run: systemctl --no-block stop web.service",
        "run: systemctl kill -s KILL web.service",
    ];
    assert_eq!(steps(&of(&hard)), expected);
}

#[test]
fn a_process_with_two_of_the_ports_gets_one_signal() {
    let of = |port, pid| {
        let also = |background| Background {
            also_ends: [3000, 3001, 9229]
                .into_iter()
                .filter(|other| *other != port)
                .map(|port| AlsoEnds::new(AlsoEndsKind::Port, &format!("{port}/tcp")))
                .collect(),
            ..background
        };
        tested(port, vec![holder(port, pid, also)], ANN)
    };
    let plan = EndPlan::of(
        [of(3000, 812), of(3001, 812), of(3002, 900)],
        &EndRules::DEFAULT,
    );
    let steps: Vec<_> = plan.steps().iter().map(describe_step).collect();
    assert_eq!(steps, ["send SIGTERM to node (812) and node (900)"]);
    let also_ends: Vec<_> = plan
        .also_ends()
        .iter()
        .map(|one| one.name.to_string())
        .collect();
    assert_eq!(also_ends, ["9229/tcp"]);
}

#[test]
fn a_container_that_publishes_two_of_the_ports_is_stopped_once() {
    let of = |port, pid| tested(port, vec![holder(port, pid, container)], 0);
    let plan = EndPlan::of([of(3000, 812), of(3001, 813)], &EndRules::DEFAULT);
    let steps: Vec<_> = plan.steps().iter().map(describe_step).collect();
    assert_eq!(steps, ["run: docker stop web"]);
}

#[test]
fn if_a_process_of_one_port_may_not_be_ended_nothing_is() {
    let may_end = |process: &Process| match process.pid {
        812 => Ok(()),
        _ => Err(format!("{} is another user's", process.name_and_pid())),
    };
    let rules = EndRules {
        may_end: Some(&may_end),
        ..EndRules::DEFAULT
    };
    let of = |port, pid| tested(port, vec![holder(port, pid, plain)], ANN);
    let plan = EndPlan::of([of(3000, 812), of(3001, 813)], &rules);
    assert!(!plan.has_steps() && !plan.is_complete());
    let reasons = plan.ports.iter().map(|port| refusal(&port.decision).1);
    let reasons: Vec<_> = reasons.collect();
    let expected = [
        "nothing is ended, because of port 3001",
        "node (813) is another user's",
    ];
    assert_eq!(reasons, expected);
    let plan = EndPlan::of([of(3000, 812)], &rules);
    assert!(plan.has_steps());
}

/// Only 812 may be ended.
fn only_first(process: &Process) -> Result<(), String> {
    match process.pid {
        812 => Ok(()),
        _ => Err(format!("{} is another user's", process.name_and_pid())),
    }
}

/// The decision under that rule, if these processes end with a command.
fn decision_if_end(holder: Holder, all: Option<&[Pid]>) -> Decision {
    let ends_with = |_: &Process, _: EndScope<'_>| {
        let all = all?.iter().map(|&pid| (*process(pid, 40, "node")).clone());
        Some(all.collect())
    };
    let rules = EndRules {
        may_end: Some(&only_first),
        ends_with: Some(&ends_with),
        ..EndRules::DEFAULT
    };
    decision(holder, 0, &rules)
}

#[test]
fn a_command_is_run_under_a_rule_only_if_all_that_ends_with_it_may_be_ended() {
    let app = |background| {
        let mut kept_by = Supervisor::new(SupervisorKind::Runit);
        kept_by.name = Some("/srv/web".into());
        kept_by.pid = Some(40);
        Background {
            kept_by: Some(kept_by),
            ..background
        }
    };
    let both = [
        (holder(3000, 812, in_unit), "systemctl stop web.service"),
        (holder(3000, 812, app), "sv down /srv/web"),
    ];
    for (holder, command) in both {
        let of = |all| decision_if_end(holder.clone(), all);
        assert_eq!(steps(&of(Some(&[812]))), [format!("run: {command}")]);
        let (code, why) = refusal(&of(Some(&[812, 813])));
        assert_eq!(code, RefusalCode::NotMine);
        assert_eq!(why, format!("node (813) is another user's (`{command}`)"));
        let (_, why) = refusal(&of(None));
        let unknown = "it is not known which processes would end";
        assert_eq!(why, format!("{unknown} (`{command}`)"));
    }
    // Nothing says what a container has.
    let (_, why) = refusal(&decision_if_end(holder(3000, 812, container), Some(&[812])));
    assert!(why.starts_with("it is not known which"), "{why}");
    // A caller that can't find out runs nothing.
    let rules = EndRules {
        may_end: Some(&only_first),
        ..EndRules::DEFAULT
    };
    let (code, _) = refusal(&decision(holder(3000, 812, in_unit), 0, &rules));
    assert_eq!(code, RefusalCode::NotMine);
}

#[test]
fn what_else_ends_has_to_be_known_under_a_rule() {
    let with = |kind| {
        let also = move |background| Background {
            also_ends: vec![AlsoEnds::new(kind, "it")],
            ..background
        };
        holder(3000, 812, also)
    };
    let (_, why) = refusal(&decision_if_end(with(AlsoEndsKind::Login), Some(&[812])));
    assert_eq!(why, "it would also end the login of it");
    let others = decision_if_end(with(AlsoEndsKind::Process), Some(&[812, 813]));
    assert_eq!(refusal(&others).1, "node (813) is another user's");
    let own = decision_if_end(with(AlsoEndsKind::Process), Some(&[812]));
    assert_eq!(steps(&own), ["send SIGTERM to node (812)"]);
    let port = decision_if_end(with(AlsoEndsKind::Port), None);
    assert_eq!(steps(&port), ["send SIGTERM to node (812)"]);
}

#[test]
fn a_process_that_can_not_be_seen_may_not_be_ended_under_a_rule() {
    let may_end = |_: &Process| Ok(());
    let rules = EndRules {
        may_end: Some(&may_end),
        ..EndRules::DEFAULT
    };
    let mut hidden = holder(3000, 812, plain);
    let mut socket = (*hidden.socket).clone();
    socket.owner = Owner::Hidden;
    hidden.socket = socket.into();
    hidden.behind = container(Background::new(812)).behind;
    hidden.backgrounds.clear();
    let (code, _) = refusal(&decision(hidden, 0, &rules));
    assert_eq!(code, RefusalCode::NotMine);
}

#[test]
fn a_port_that_becomes_free_by_itself_is_waited_for() {
    let local = std::net::SocketAddr::from(([0, 0, 0, 0], 3000)).into();
    let remote = std::net::SocketAddr::from(([127, 0, 0, 1], 9)).into();
    let socket = Socket::new(Protocol::Tcp, local, Some(remote), State::TimeWait);
    let left = Holder {
        expires_in: Some(Duration::from_secs(9)),
        ..Holder::new(socket)
    };
    let decision = decision(left, ANN, &EndRules::DEFAULT);
    assert_eq!(decision, Decision::Wait);
}
