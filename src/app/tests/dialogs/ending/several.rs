//! One question for the processes of several marked rows.

use crate::app::tests::*;
use crate::model::{
    Behind, BehindKind, EndRisk, Engine, Member, Pid, Reaction, Run, Supervisor, SupervisorKind,
    Term,
};

/// The requests of the one effect.
fn endings(effects: &[Effect]) -> (&[Ending], Vec<u16>) {
    let [Effect::EndSeveral { endings, ports }] = effects else {
        panic!("{effects:?}")
    };
    (
        endings,
        ports.iter().map(|one| one.target.first_port()).collect(),
    )
}

fn pids(endings: &[Ending]) -> Vec<Pid> {
    let targets = endings.iter().flat_map(|ending| &ending.targets);
    targets.map(|target| target.process.pid).collect()
}

/// The lines of the question on a wide terminal.
fn said(desk: &Desk) -> Vec<String> {
    let mut app = desk.app.clone();
    app.size = Size {
        width: 1000,
        height: 1000,
    };
    let overlay = app.view(desk.now()).overlay.expect("it asks");
    let text = |line: &view::Line| line.iter().map(|span| span.text.as_str()).collect();
    overlay.lines.iter().map(text).collect()
}

fn of_container(pid: Pid) -> Background {
    let behind = Behind {
        name: Some("web".into()),
        engine: Some(Engine::Docker),
        ..Behind::new(BehindKind::Container)
    };
    Background {
        behind: Some(behind),
        end_risk: EndRisk::ContainerProxy,
        ..Background::new(pid)
    }
}

/// A desk with listeners on 80, 81 and 82, all marked, and the question open. The scene answers for the owners.
fn asking() -> Desk {
    let mut desk = Desk::with_ports(&[80, 81, 82]);
    desk.inspects_itself = true;
    desk.press("VK");
    desk
}

/// Answers the request about this port's owner.
fn found(desk: &mut Desk, port: u32, background: Background) -> Vec<Effect> {
    let Dialog::EndSeveral(_) = &desk.app.dialog else {
        panic!("no question about several")
    };
    let first = desk.app.jobs.inspection - 2;
    desk.send(Msg::OwnerInspected(Box::new(Inspected {
        job: first + u64::from(port - 80),
        backgrounds: vec![background],
        supervisor: None,
        limits: Limits {
            uid: Some(1000),
            ..Limits::default()
        },
    })))
}

#[test]
fn one_question_names_each_marked_process_and_one_yes_ends_them() {
    let mut desk = Desk::with_ports(&[80, 81, 82]);
    desk.press("  K");
    let lines = said(&desk);
    assert_eq!(lines[0], "Send SIGTERM to 2 processes?");
    assert_eq!(lines[1], "signal [TERM] INT  HUP  QUIT  KILL ");
    assert_eq!(lines[2], "app (80) listens on port 80.");
    assert_eq!(lines[3], "  `app --serve`, run by ann.");
    assert_eq!(lines[4], "app (81) listens on port 81.");
    assert!(!lines.join("\n").contains("app (82)"));
    let effects = desk.press("sy");
    let (endings, ports) = endings(&effects);
    assert_eq!(pids(endings), [80, 81]);
    assert_eq!(ports, [80, 81]);
    for ending in endings {
        assert_eq!(ending.signal, Signal::Int);
        assert_eq!(ending.confirmed, Confirmed::Once);
        assert_eq!(ending.sockets.len(), 1);
    }
    assert_eq!(desk.mode(), Mode::Table);
    assert!(footer(&desk).contains("sending SIGINT to 2 processes…"));
}

#[test]
fn any_key_for_no_ends_nothing() {
    for keys in ["n", "q", "Y", "yn"] {
        let mut desk = asking();
        desk.press(keys);
        for port in 80..83 {
            if matches!(desk.app.dialog, Dialog::EndSeveral(_)) {
                let effects = found(&mut desk, port, Background::new(port));
                assert_eq!(effects, [], "{keys}");
            }
        }
    }
}

#[test]
fn a_process_with_several_marked_sockets_is_asked_about_once_and_all_its_ports_are_watched() {
    let owner = listener(80).owner;
    let other = Socket {
        owner: owner.clone(),
        ..listener(443)
    };
    let mut desk = Desk::new();
    desk.read(&[listener(80), other]);
    desk.press("VK");
    assert_eq!(desk.mode(), Mode::Question);
    assert_eq!(
        said(&desk)[0],
        "Send SIGTERM to app (80)? It listens on ports 80, 443."
    );
    let effects = desk.press("y");
    let (endings, ports) = endings(&effects);
    assert_eq!(pids(endings), [80]);
    assert_eq!(endings[0].sockets, [80, 443]);
    assert_eq!(ports, [80, 443]);
}

#[test]
fn a_process_that_started_others_gets_the_signal_first() {
    let child = Arc::new(Process {
        parent: Some(81),
        ..Process::new(80, "worker")
    });
    let socket = Socket {
        owner: Owner::Known([child].into()),
        ..listener(80)
    };
    let mut desk = Desk::new();
    desk.read(&[socket, listener(81)]);
    let effects = desk.press("VKy");
    assert_eq!(pids(endings(&effects).0), [81, 80]);
}

#[test]
fn of_a_chain_of_processes_each_gets_the_signal_before_those_it_started() {
    let started_by = |pid: u16, parent: Option<Pid>| {
        let process = Arc::new(Process {
            parent,
            ..Process::new(pid.into(), "worker")
        });
        Socket {
            owner: Owner::Known([process].into()),
            ..listener(pid)
        }
    };
    let mut desk = Desk::new();
    desk.read(&[
        started_by(80, Some(81)),
        started_by(81, Some(82)),
        started_by(82, Some(83)),
        started_by(83, None),
    ]);
    let effects = desk.press("VKy");
    assert_eq!(pids(endings(&effects).0), [83, 82, 81, 80]);
}

#[test]
fn a_yes_waits_until_the_background_of_all_is_known() {
    let mut desk = asking();
    assert_eq!(desk.press("y"), []);
    assert!(footer(&desk).contains("finding out what depends on 3 processes…"));
    assert_eq!(found(&mut desk, 81, Background::new(81)), []);
    assert_eq!(found(&mut desk, 80, Background::new(80)), []);
    let effects = found(&mut desk, 82, Background::new(82));
    assert_eq!(pids(endings(&effects).0), [80, 81, 82]);
}

#[test]
fn an_early_yes_for_several_is_void_after_another_signal_or_other_targets_were_chosen() {
    for key in [Key::Right, Key::Left, Key::Char('a')] {
        let mut desk = asking();
        desk.press("y");
        desk.key(key);
        assert!(!footer(&desk).contains("finding out"), "{key:?}");
        for port in 80..83 {
            let effects = found(&mut desk, port, Background::new(port));
            assert_eq!(effects, [], "{key:?}");
        }
        assert_eq!(desk.mode(), Mode::Question, "{key:?}");
        assert_eq!(pids(endings(&desk.press("y")).0), [80, 81, 82]);
    }
}

#[test]
fn what_has_a_better_fix_than_a_signal_gets_none_unless_it_is_included() {
    let mut desk = asking();
    desk.press("y");
    found(&mut desk, 80, Background::new(80));
    found(&mut desk, 81, of_container(81));
    assert_eq!(found(&mut desk, 82, Background::new(82)), []);
    assert_eq!(desk.mode(), Mode::Question, "the early yes is void");
    let lines = said(&desk);
    assert_eq!(lines[0], "Send SIGTERM to 2 processes?");
    assert_eq!(lines[2], "end    [2 without a better fix] all 3 ");
    let text = lines.join("\n");
    let (_, left_out) = text.split_once("These get no signal:\n").unwrap();
    assert!(
        left_out.starts_with("app (81) listens on port 81."),
        "{text}"
    );
    assert!(left_out.contains("docker stop web`"), "{text}");
    let mut included = desk.app.clone();
    let effects = desk.press("y");
    assert_eq!(pids(endings(&effects).0), [80, 82]);
    assert_eq!(endings(&effects).1, [80, 82]);

    std::mem::swap(&mut desk.app, &mut included);
    desk.press("a");
    assert_eq!(said(&desk)[0], "Send SIGTERM to 3 processes?");
    assert_eq!(desk.press("yyyy"), [], "the proxy is guarded");
    assert_eq!(desk.mode(), Mode::ConfirmAgain);
    let lines = said(&desk);
    let why = "app (81) is the proxy of a container, which goes on without it.";
    assert_eq!(lines[0], why);
    assert_eq!(
        lines[1],
        "Send SIGTERM to 3 processes all the same? Only a capital Y does."
    );
    let effects = desk.press("Y");
    let (endings, _) = endings(&effects);
    let confirmed: Vec<_> = endings.iter().map(|one| one.confirmed).collect();
    let twice = [Confirmed::Once, Confirmed::Twice, Confirmed::Once];
    assert_eq!(confirmed, twice, "only for what is guarded");
}

#[test]
fn if_all_have_a_better_fix_yes_sends_nothing_and_their_commands_can_be_copied() {
    let mut desk = asking();
    for port in 80..83 {
        found(&mut desk, port, of_container(port));
    }
    assert_eq!(
        said(&desk)[0],
        "Each of these 3 has a better fix than a signal."
    );
    assert_eq!(desk.press("y"), []);
    assert!(footer(&desk).contains("nothing was sent: each has a better fix"));
    assert_eq!(desk.mode(), Mode::Question);
    let effects = desk.press("c");
    let [Effect::Copy(command)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(command.matches("docker stop web").count(), 3, "{command}");
    assert_eq!(desk.mode(), Mode::Table);
}

#[test]
fn a_guarded_process_among_them_takes_a_second_yes_for_all() {
    let mut desk = Desk::new();
    let member = |pid| Member {
        pid,
        started_at_tick: None,
    };
    desk.app.environment.lineage = Lineage(vec![member(40), member(81)]);
    desk.read_ports(&[80, 81]);
    desk.press("VK");
    let text = said(&desk).join("\n");
    assert!(text.contains("  It is the parent of sockeye"), "{text}");
    for keys in ["yyyy", "n"] {
        assert_eq!(desk.press(keys), [], "{keys}");
    }
    assert_eq!(desk.mode(), Mode::Table);
    desk.press("Ky");
    assert_eq!(pids(endings(&desk.press("Y")).0), [80, 81]);
}

#[test]
fn what_is_known_about_each_end_is_below_its_name() {
    let mut desk = asking();
    let kept_by = Supervisor {
        pid: Some(7),
        process: Some("loop.sh".into()),
        ..Supervisor::new(SupervisorKind::ShellLoop)
    };
    found(
        &mut desk,
        81,
        Background {
            kept_by: Some(kept_by),
            ..Background::new(81)
        },
    );
    let reaction = Reaction {
        run: Run::Running,
        term: Term::Ignored,
        quick: None,
    };
    found(
        &mut desk,
        82,
        Background {
            reaction,
            ..Background::new(82)
        },
    );
    let lines = said(&desk);
    let after = |name: &str| {
        let at = lines
            .iter()
            .position(|line| line.starts_with(name))
            .unwrap();
        lines[at + 1].as_str()
    };
    assert_eq!(after("app (81)"), "  loop.sh (7) starts it again.");
    assert_eq!(after("app (82)"), "  It ignores SIGTERM; SIGKILL ends it.");
    desk.press("s");
    let text = said(&desk).join("\n");
    assert!(!text.contains("It ignores SIGTERM"), "{text}");
}

#[test]
fn sockets_without_a_process_to_end_are_named_and_closed_ones_are_left_out() {
    let hidden = |port| Socket {
        owner: Owner::Hidden,
        ..listener(port)
    };
    let sockets = [listener(80), listener(81), hidden(443), hidden(444)];
    let mut desk = Desk::new();
    desk.read(&[&sockets[..], &[listener(90)]].concat());
    desk.press("V");
    for _ in 0..2 {
        desk.wait(SECOND).read(&sockets);
    }
    desk.press("K");
    let lines = said(&desk);
    assert_eq!(lines[0], "Send SIGTERM to 2 processes?");
    let last = lines.last().unwrap();
    assert_eq!(
        last,
        "Nothing to end at 443, 444: the owner is hidden: no process to end."
    );
    let effects = desk.press("y");
    assert_eq!(pids(endings(&effects).0), [80, 81]);
}

#[test]
fn if_no_marked_row_has_a_process_to_end_that_is_said() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("V");
    desk.settle_on(&[]);
    assert_eq!(desk.press("K"), []);
    assert!(footer(&desk).contains("these sockets are closed already"));
    let ports: Vec<u16> = (1000..1101).collect();
    let mut desk = Desk::with_ports(&ports);
    assert_eq!(desk.press("VK"), []);
    assert!(footer(&desk).contains("more than 100 processes"));
}

#[test]
fn few_backgrounds_are_read_at_a_time() {
    let ports: Vec<u16> = (80..90).collect();
    let mut desk = Desk::with_ports(&ports);
    desk.inspects_itself = true;
    let mut requests = desk.press("VK");
    assert_eq!(requests.len(), 4);
    let mut answered = 0;
    while let Some(request) = requests.pop() {
        let found = ordinary(&request);
        requests.extend(desk.send(Msg::OwnerInspected(Box::new(found))));
        assert!(requests.len() <= 4);
        answered += 1;
    }
    assert_eq!(answered, 10);
    assert_eq!(pids(endings(&desk.press("y")).0).len(), 10);
}

#[test]
fn the_outcome_is_shown_when_it_is_known() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("VKy");
    let message = "both exited after 0.2 s; ports 80 and 81 are free";
    desk.send(Msg::EndOutcome {
        succeeded: true,
        message: message.into(),
    });
    assert!(footer(&desk).contains(message));
}
