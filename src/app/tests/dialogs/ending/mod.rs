//! Ending a process: its target, the question, and the confirmation.

mod several;

use crate::app::tests::*;
use crate::model::{
    AlsoEnds, AlsoEndsKind, Behind, BehindKind, EndRisk, Engine, Holder, Member, Pid, Reaction,
    Run, Supervisor, SupervisorKind, Term,
};

/// The one signal that these effects ask for.
pub fn ending(effects: &[Effect]) -> &Ending {
    let [Effect::EndProcess(ending)] = effects else {
        panic!("{effects:?}")
    };
    ending
}

/// A desk whose sockeye has these pids: its own, its parent's, and so on.
fn desk_below(pids: &[Pid]) -> Desk {
    let mut desk = Desk::new();
    let member = |&pid| Member {
        pid,
        started_at_tick: None,
    };
    desk.app.environment.lineage = Lineage(pids.iter().map(member).collect());
    desk
}

fn shared_by(port: u16, pids: &[Pid]) -> Socket {
    Socket {
        owner: Owner::Known(pids.iter().map(|&pid| process(pid)).collect()),
        ..listener(port)
    }
}

fn question(desk: &Desk) -> &crate::app::dialogs::end_process::Question {
    let Dialog::Question(question) = &desk.app.dialog else {
        panic!("it asks nothing: {:?}", desk.app.notices.current)
    };
    question
}

#[test]
fn a_question_is_answered_by_y_with_the_chosen_signal() {
    let mut desk = Desk::with_ports(&[80]);
    desk.press("K");
    for _ in 0..4 {
        desk.press("s");
    }
    let effects = desk.press("y");
    let ending = ending(&effects);
    assert_eq!(
        (ending.process().unwrap().pid, ending.signal),
        (80, Signal::Kill)
    );
    assert_eq!(ending.confirmed, Confirmed::Once);
    assert_eq!(desk.mode(), Mode::Table);
}

#[test]
fn the_question_is_about_the_process_and_the_socket_that_were_selected_when_it_opened() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("K");
    desk.settle_on(&[81]);
    let effects = desk.press("y");
    assert_eq!(ending(&effects).process().unwrap().pid, 80);
    assert_eq!(ending(&effects).sockets, [80]);
}

#[test]
fn a_connection_that_waits_to_be_accepted_counts_as_its_listener() {
    let peer = Some(Endpoint::new("127.0.0.1".parse().unwrap(), 9));
    let waiting = Socket {
        inode: None,
        remote: peer,
        state: State::Established,
        ..listener(80)
    };
    let other = Socket {
        inode: Some(4),
        owner: listener(80).owner,
        ..listener(81)
    };
    let mut desk = Desk::new();
    desk.read(&[waiting, listener(80), other]);
    for _ in 0..2 {
        desk.press("K");
        assert_eq!(ending(&desk.press("y")).sockets, [80]);
        desk.press("j");
    }
}

#[test]
fn of_several_owners_the_question_is_about_one_without_a_second_confirmation() {
    for (pids, expected) in [
        (&[1, 20, 80][..], 80),
        (&[20, 30, 80], 80),
        (&[1, 20], 20),
        (&[80, 81], 80),
    ] {
        let mut desk = desk_below(&[40, 30, 20, 1]);
        desk.read(&[shared_by(80, pids)]);
        desk.press("K");
        assert_eq!(
            question(&desk).ending.process().unwrap().pid,
            expected,
            "{pids:?}"
        );
        let text = question(&desk).text().join(" ");
        let told = match pids.len() {
            2 => "Another process keeps this socket.",
            _ => "2 others keep this socket.",
        };
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn what_sockeye_depends_on_takes_a_second_yes_by_another_key() {
    for (pid, what) in [
        (40, "It is sockeye itself."),
        (30, "It is the parent of sockeye"),
        (20, "It is an ancestor of sockeye"),
        (1, "It is pid 1: this system or container ends with it."),
    ] {
        let mut desk = desk_below(&[40, 30, 20, 1]);
        desk.read(&[shared_by(80, &[pid])]);
        desk.press("K");
        let text = question(&desk).text().join(" ");
        assert!(text.contains(what), "{text}");
        assert_eq!(desk.press("yyyy"), [], "a held key");
        assert_eq!(desk.mode(), Mode::ConfirmAgain);
        assert!(question(&desk).text()[1].contains("Only a capital Y"));
        let effects = desk.press("Y");
        let ending = ending(&effects);
        assert_eq!(ending.process().unwrap().pid, pid);
        assert_eq!(ending.confirmed, Confirmed::Twice);
        assert_eq!(desk.mode(), Mode::Table);
    }
}

#[test]
fn the_second_yes_alone_or_a_no_at_any_time_ends_nothing() {
    for keys in ["KY", "KyKy", "Kyn", "Kyq", "Kn", "KYY"] {
        let mut desk = desk_below(&[40, 30, 20, 1]);
        desk.read(&[shared_by(80, &[30])]);
        assert_eq!(desk.press(keys), [], "{keys}");
    }
}

#[test]
fn both_questions_are_about_the_chosen_signal() {
    let mut desk = desk_below(&[40, 30]);
    desk.read(&[shared_by(80, &[30])]);
    desk.press("Ks");
    assert_eq!(desk.press("y"), []);
    assert!(question(&desk).text()[1].contains("SIGINT"));
    let ending = ending(&desk.press("Y")).clone();
    assert_eq!(ending.signal, Signal::Int);
}

#[test]
fn pid_1_is_left_alone_where_it_keeps_sockets_for_its_services() {
    let named = |name: &str| {
        let process = Process {
            parent: None,
            ..Process::new(1, name)
        };
        Socket {
            owner: Owner::Known([Arc::new(process)].into()),
            ..listener(80)
        }
    };
    let of_unit = Socket {
        unit: Some("web.socket".into()),
        ..named("init")
    };
    for socket in [named("systemd"), of_unit] {
        let mut desk = Desk::new();
        desk.read(&[socket]);
        assert_eq!(desk.press("K"), []);
        assert_eq!(desk.mode(), Mode::Table);
        assert!(footer(&desk).contains("stop the unit instead"));
    }
    let mut desk = Desk::new();
    desk.read(&[named("node")]);
    desk.press("Ky");
    assert_eq!(ending(&desk.press("Y")).process().unwrap().pid, 1);
}

#[test]
fn the_pane_of_a_bind_test_needs_two_confirmations_as_well() {
    let mut desk = desk_below(&[40, 10]);
    desk.read(&[listener(10)]);
    let effects = desk.press("b");
    let answer =
        crate::app::tests::panes::bind::report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    assert_eq!(desk.press("Ky"), []);
    assert_eq!(ending(&desk.press("Y")).confirmed, Confirmed::Twice);
    assert!(desk.view().pane.unwrap().title.contains("watching"));
}

/// A desk whose owners are inspected when the scene says so, with the question about port 80 open.
fn asking(socket: &Socket) -> (Desk, u64) {
    let mut desk = Desk::new();
    desk.inspects_itself = true;
    desk.read(std::slice::from_ref(socket));
    let effects = desk.press("K");
    let [Effect::InspectOwner { job, socket: asked }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(&**asked, socket);
    let job = *job;
    (desk, job)
}

fn found(desk: &mut Desk, job: u64, backgrounds: Vec<Background>) -> Vec<Effect> {
    let supervisor = None;
    let limits = Limits {
        uid: Some(1000),
        ..Limits::default()
    };
    desk.send(Msg::OwnerInspected(Box::new(Inspected {
        job,
        backgrounds,
        supervisor,
        limits,
    })))
}

fn of(pid: Pid, end_risk: EndRisk) -> Background {
    Background {
        end_risk,
        ..Background::new(pid)
    }
}

fn proxy_of_web(pid: Pid) -> Background {
    let behind = Behind {
        name: Some("web".into()),
        engine: Some(Engine::Docker),
        ..Behind::new(BehindKind::Container)
    };
    Background {
        behind: Some(behind),
        ..of(pid, EndRisk::ContainerProxy)
    }
}

/// The sentences of the question, a line each on a wide terminal.
fn said(desk: &Desk) -> Vec<String> {
    let mut app = desk.app.clone();
    app.size.width = 1000;
    let overlay = app.view(desk.now()).overlay.expect("it asks");
    let text = |line: &view::Line| line.iter().map(|span| span.text.as_str()).collect();
    overlay.lines.iter().map(text).collect()
}

#[test]
fn a_yes_before_it_is_known_what_depends_on_it_is_carried_out_when_nothing_does() {
    let (mut desk, job) = asking(&listener(80));
    assert_eq!(desk.press("y"), [], "it is not known yet");
    assert!(footer(&desk).contains("finding out what depends on app (80)…"));
    assert_eq!(desk.mode(), Mode::Question, "and can be taken back");
    let effects = found(&mut desk, job, vec![Background::new(80)]);
    assert_eq!(ending(&effects).confirmed, Confirmed::Once);
    assert_eq!(desk.mode(), Mode::Table);
}

#[test]
fn a_yes_before_it_is_known_that_others_need_it_ends_nothing_whatever_is_typed_ahead() {
    for ahead in ["y", "yyyy", "yY", "yYyYyY", "Yy"] {
        let (mut desk, job) = asking(&listener(80));
        assert_eq!(desk.press(ahead), [], "{ahead}");
        assert_eq!(found(&mut desk, job, vec![proxy_of_web(80)]), []);
        assert_eq!(desk.mode(), Mode::Question, "it asks anew");
        let text = said(&desk).join("\n");
        assert!(
            text.contains("It is the proxy of a container, which goes on without it."),
            "{text}"
        );
        assert_eq!(desk.press("yyyy"), []);
        assert_eq!(desk.mode(), Mode::ConfirmAgain);
        assert_eq!(ending(&desk.press("Y")).confirmed, Confirmed::Twice);
    }
}

#[test]
fn a_no_after_an_early_yes_counts_and_a_late_answer_is_for_its_own_question_only() {
    let (mut desk, job) = asking(&listener(80));
    desk.press("yn");
    assert_eq!(found(&mut desk, job, vec![Background::new(80)]), []);
    desk.press("K");
    desk.press("y");
    assert_eq!(found(&mut desk, job, vec![Background::new(80)]), [], "old");
    let effects = found(&mut desk, job + 1, vec![Background::new(80)]);
    assert_eq!(ending(&effects).process().unwrap().pid, 80);
}

#[test]
fn an_early_yes_is_void_after_another_signal_or_other_targets_were_chosen() {
    for key in [Key::Right, Key::Left, Key::Char('a')] {
        let (mut desk, job) = asking(&shared_by(80, &[80, 81]));
        desk.press("y");
        assert!(footer(&desk).contains("finding out"), "{key:?}");
        desk.key(key);
        assert!(!footer(&desk).contains("finding out"), "{key:?}");
        let backgrounds = vec![Background::new(80), Background::new(81)];
        assert_eq!(found(&mut desk, job, backgrounds), [], "{key:?}");
        assert_eq!(desk.mode(), Mode::Question, "{key:?}");
        ending(&desk.press("y"));
    }
}

#[test]
fn every_risk_but_ordinary_work_takes_a_second_yes() {
    for end_risk in [
        EndRisk::ContainerProxy,
        EndRisk::ContainerMonitor,
        EndRisk::Engine,
        EndRisk::Manager,
        EndRisk::Supervisor,
        EndRisk::Login,
        EndRisk::OwnLogin,
        EndRisk::Ancestor,
        EndRisk::Resolver,
        EndRisk::SshServer,
        EndRisk::Network,
        EndRisk::SystemService,
    ] {
        let (mut desk, job) = asking(&listener(80));
        found(&mut desk, job, vec![of(80, end_risk)]);
        assert_eq!(desk.press("yKyKyKy"), [], "{end_risk:?}");
        assert_eq!(desk.mode(), Mode::ConfirmAgain, "{end_risk:?}");
    }
    for end_risk in [EndRisk::Ordinary, EndRisk::ContainerInit] {
        let (mut desk, job) = asking(&listener(80));
        found(&mut desk, job, vec![of(80, end_risk)]);
        ending(&desk.press("y"));
    }
}

#[test]
fn the_command_that_is_better_is_shown_and_can_be_copied_instead() {
    let (mut desk, job) = asking(&listener(80));
    found(&mut desk, job, vec![proxy_of_web(80)]);
    let text = said(&desk).join("\n");
    assert!(
        text.contains("Better: Stop the container web: `sudo docker stop web`")
            || text.contains("Better: Stop the container web: `docker stop web`"),
        "{text}"
    );
    assert!(footer(&desk).contains("c copy"));
    let effects = desk.press("c");
    let [Effect::Copy(command)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert!(command.ends_with("docker stop web"), "{command}");
    assert_eq!(desk.mode(), Mode::Table, "and nothing is ended");
}

#[test]
fn what_starts_it_again_and_what_keeps_it_down_is_said() {
    let (mut desk, job) = asking(&listener(80));
    let kept_by = Supervisor {
        name: Some("web".into()),
        pid: Some(77),
        process: Some("supervisord".into()),
        place: Some("/etc/s.conf".into()),
        ..Supervisor::new(SupervisorKind::Supervisord)
    };
    let background = Background {
        kept_by: Some(kept_by),
        also_ends: vec![AlsoEnds::new(AlsoEndsKind::Login, "ann on pts/3")],
        ..Background::new(80)
    };
    found(&mut desk, job, vec![background]);
    let text = said(&desk).join("\n");
    let kept =
        "supervisord (77) starts it again; `supervisorctl -c /etc/s.conf stop web` keeps it down.";
    assert!(text.contains(kept), "{text}");
    assert!(
        text.contains("Also ends the login of ann on pts/3."),
        "{text}"
    );
}

#[test]
fn how_it_reacts_to_the_chosen_signal_is_said() {
    for (run, term, keys, words) in [
        (Run::Running, Term::Ignored, "", Some("It ignores SIGTERM")),
        (Run::Running, Term::Ignored, "s", None),
        (Run::Running, Term::Blocked, "", Some("It blocks SIGTERM")),
        (
            Run::Stopped,
            Term::Ends,
            "",
            Some("It is stopped: it handles the signal when"),
        ),
        (
            Run::Uninterruptible,
            Term::Ends,
            "ssss",
            Some("It waits for I/O in the kernel"),
        ),
        (Run::Running, Term::Ends, "", None),
    ] {
        let (mut desk, job) = asking(&listener(80));
        let quick = None;
        let reaction = Reaction { run, term, quick };
        let background = Background {
            reaction,
            ..Background::new(80)
        };
        found(&mut desk, job, vec![background]);
        desk.press(keys);
        let text = said(&desk).join("\n");
        match words {
            Some(words) => assert!(text.contains(words), "{text}"),
            None => assert!(
                !text.contains("SIGKILL") && !text.contains("stopped"),
                "{text}"
            ),
        }
    }
}

#[test]
fn the_question_names_the_command_the_ports_and_the_signals() {
    let served = Socket {
        remote: Some(Endpoint::new("127.0.0.1".parse().unwrap(), 9)),
        state: State::Established,
        inode: Some(5),
        ..listener(80)
    };
    let mut desk = Desk::new();
    desk.read(&[listener(80), served]);
    desk.press("K");
    let lines = said(&desk);
    assert_eq!(
        lines[0],
        "Send SIGTERM to app (80)? It listens on port 80 and has 1 open connection."
    );
    assert_eq!(lines[1], "signal [TERM] INT  HUP  QUIT  KILL ");
    assert_eq!(lines.last().unwrap(), "`app --serve`, run by ann.");
    for (key, signal) in [
        (Key::Tab, "[INT]"),
        (Key::Right, "[HUP]"),
        (Key::Left, "[INT]"),
        (Key::BackTab, "[TERM]"),
        (Key::Left, "[KILL]"),
        (Key::Char('s'), "[TERM]"),
    ] {
        desk.key(key);
        assert!(said(&desk)[1].contains(signal), "{key}");
    }
}

#[test]
fn all_that_have_the_socket_can_be_ended_at_once() {
    let mut desk = Desk::new();
    desk.read(&[shared_by(80, &[12, 13, 14])]);
    desk.press("K");
    assert!(
        said(&desk)[2].contains("[only it] all 3 "),
        "{:?}",
        said(&desk)
    );
    desk.press("a");
    assert!(said(&desk)[2].contains("[all 3]"));
    let effects = desk.press("y");
    let targets = ending(&effects).targets.iter();
    let pids: Vec<Pid> = targets.map(|target| target.process.pid).collect();
    assert_eq!(pids, [12, 13, 14]);
    desk.press("Kaay");
    desk.press("Kaa");
    assert!(said(&desk)[2].contains("[only it]"), "round and round");
}

#[test]
fn one_guarded_process_among_all_takes_the_second_yes() {
    let mut desk = desk_below(&[40, 30]);
    desk.read(&[shared_by(80, &[30, 80])]);
    desk.press("K");
    assert_eq!(question(&desk).guard(), None);
    desk.press("a");
    let text = said(&desk).join("\n");
    assert!(text.contains("app (30) is the parent of sockeye"), "{text}");
    assert_eq!(desk.press("yyy"), []);
    assert_eq!(desk.mode(), Mode::ConfirmAgain);
    assert_eq!(ending(&desk.press("Y")).targets.len(), 2);
}

#[test]
fn a_parent_that_starts_it_again_can_be_ended_too_and_gets_the_signal_first() {
    let (mut desk, job) = asking(&listener(80));
    let kept_by = Supervisor {
        pid: Some(7),
        process: Some("loop.sh".into()),
        ..Supervisor::new(SupervisorKind::ShellLoop)
    };
    let background = Background {
        kept_by: Some(kept_by),
        ..Background::new(80)
    };
    for (end_risk, keys) in [(EndRisk::Ordinary, "y"), (EndRisk::Supervisor, "yY")] {
        let supervisor = Arc::new(Process::new(7, "loop.sh"));
        desk.send(Msg::OwnerInspected(Box::new(Inspected {
            job: question(&desk).job,
            backgrounds: vec![background.clone()],
            supervisor: Some((supervisor, of(7, end_risk))),
            limits: Limits::default(),
        })));
        let text = said(&desk).join("\n");
        assert!(
            text.contains("loop.sh (7) starts it again, unless it ends too."),
            "{text}"
        );
        desk.press("a");
        let text = said(&desk).join("\n");
        assert!(
            text.contains("Send SIGTERM to loop.sh (7) and app (80)?"),
            "{text}"
        );
        let effects = desk.press(keys);
        let roles = ending(&effects).targets.iter();
        let roles: Vec<_> = roles.map(|one| (one.process.pid, one.role)).collect();
        assert_eq!(roles, [(7, EndRole::Supervisor), (80, EndRole::Owner)]);
        desk.press("K");
    }
    assert!(job > 0);
}

#[test]
fn the_outcome_of_a_signal_is_shown_when_it_is_known() {
    let mut desk = Desk::with_ports(&[80]);
    desk.press("Ky");
    let looking = "app (80) exited after 0.2 s; checking whether something restarts it…";
    desk.send(Msg::EndPending(looking.into()));
    assert!(footer(&desk).contains(looking));
    let message = "app (80) exited after 0.2 s, back as 1054 after 0.4 s, started by supervisord (77): \
                   `supervisorctl -c /etc/s.conf stop web` keeps it down";
    desk.send(Msg::EndOutcome {
        succeeded: false,
        message: message.into(),
    });
    // It has as many lines as it takes on 80 columns.
    let view = desk.view();
    let line = |line: &view::Line| {
        let text: String = line.iter().map(|span| span.text.as_str()).collect();
        text.trim().to_owned()
    };
    let lines: Vec<String> = view.footer.iter().map(line).collect();
    assert!(lines.len() == 2, "{lines:?}");
    assert_eq!(lines.join(" "), message);
    desk.send(Msg::EndPending("late".into()));
    assert!(!footer(&desk).contains("late"), "it is over");
}

#[test]
fn of_a_bind_test_it_is_known_at_once_what_depends_on_the_owner() {
    let mut desk = Desk::new();
    desk.inspects_itself = true;
    desk.read(&[listener(10)]);
    let effects = desk.press("b");
    let holder = Holder {
        backgrounds: vec![proxy_of_web(10)],
        ..Holder::new(listener(10))
    };
    let answer = crate::app::tests::panes::bind::report(&desk, &effects, vec![holder]);
    desk.send(Msg::BindTested(Box::new(answer)));
    let effects = desk.press("Ky");
    assert!(
        matches!(effects[..], [Effect::InspectOwner { .. }]),
        "{effects:?}"
    );
    assert_eq!(desk.mode(), Mode::ConfirmAgain, "without an answer to that");
}

#[test]
fn ending_before_the_bind_test_has_its_answer_or_without_a_row_says_so() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("bK");
    assert!(footer(&desk).contains("the bind test has no answer yet"));
    let mut desk = Desk::with_ports(&[]);
    desk.press("K");
    assert!(footer(&desk).contains("no row is selected"));
}

#[test]
fn the_question_names_folder_start_and_what_started_it_and_children_that_keep_the_socket() {
    let child = |pid| {
        Arc::new(Process {
            parent: Some(80),
            ..Process::new(pid, "worker")
        })
    };
    let started = moment(Duration::ZERO).wall - Duration::from_mins(12);
    let server = Arc::new(Process {
        command: Some("python3 pg.py".into()),
        cwd: Some("/srv/shop".into()),
        user: Some("ann".into()),
        started_at: Some(started),
        ..Process::new(80, "python3 pg.py")
    });
    let socket = Socket {
        owner: Owner::Known([server, child(81), child(82)].into()),
        ..listener(80)
    };
    let mut desk = Desk::new();
    desk.read(&[socket]);
    desk.press("K");
    let lines = said(&desk);
    assert_eq!(
        lines[0],
        "Send SIGTERM to python3 pg.py (80)? It listens on port 80. 2 children keep this socket."
    );
    assert_eq!(
        lines[lines.len() - 2..],
        [
            "`python3 pg.py` in `/srv/shop`, started 12 min ago by ann.",
            "worker (81) and worker (82) keep it.",
        ]
    );
}

#[test]
fn a_question_that_does_not_fit_scrolls_and_says_how_much_is_hidden() {
    let (mut desk, job) = asking(&listener(80));
    let background = Background {
        also_ends: vec![AlsoEnds::new(AlsoEndsKind::Login, "ann on pts/3")],
        ..proxy_of_web(80)
    };
    found(&mut desk, job, vec![background]);
    desk.send(Msg::Input(Input::Resized {
        width: 30,
        height: 8,
    }));
    let shown = |desk: &Desk| -> String {
        let overlay = desk.view().overlay.unwrap();
        let spans = overlay.lines.iter().flatten();
        let texts: Vec<_> = spans.map(|span| span.text.as_str()).collect();
        texts.join(" ")
    };
    let first = shown(&desk);
    assert!(first.contains("Send SIGTERM to app (80)?"), "{first}");
    assert!(first.contains("more lines"), "{first}");
    let mut seen = first;
    for _ in 0..20 {
        desk.press("j");
        seen += &shown(&desk);
    }
    let last = shown(&desk);
    assert!(!last.contains("more lines"), "{last}");
    assert!(last.contains("ann."), "{last}");
    assert!(seen.contains("Also ends the login"), "{seen}");
    desk.press("kkkkkkkkkkkkkkkkkkkkkkkkk");
    assert!(shown(&desk).contains("Send SIGTERM"), "back at the top");
    assert_eq!(desk.mode(), Mode::Question);
}
