//! Ending a process: which one is meant, what is asked, and what it takes to say yes.

use super::*;
use crate::model::{Holder, Member, Pid};

/// The one signal that these effects ask for.
pub(super) fn ending(effects: &[Effect]) -> &Ending {
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
    desk.app.surroundings.lineage = Lineage::new(pids.iter().map(member).collect());
    desk
}

fn shared_by(port: u16, pids: &[Pid]) -> Socket {
    Socket {
        owner: Owner::Known(pids.iter().map(|&pid| process(pid)).collect()),
        ..listener(port)
    }
}

fn question(desk: &Desk) -> &Question {
    let Modal::Question(question) = &desk.app.modal else {
        panic!("it asks nothing: {:?}", desk.app.notice)
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
    assert_eq!((ending.process.pid, ending.signal), (80, Signal::Kill));
    assert_eq!(ending.confirmed, Confirmed::Once);
    assert_eq!(desk.mode(), Mode::Table);
}

#[test]
fn the_question_is_about_the_process_and_the_socket_that_were_selected_when_it_was_asked() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("K");
    desk.settle_on(&[81]);
    let effects = desk.press("y");
    assert_eq!(ending(&effects).process.pid, 80);
    assert_eq!(ending(&effects).sockets, [80]);
}

#[test]
fn a_connection_that_waits_to_be_accepted_stands_for_its_listener() {
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
fn of_those_who_share_a_socket_one_is_asked_about_that_needs_no_second_thought() {
    for (pids, expected) in [
        (&[1, 20, 80][..], 80),
        (&[20, 30, 80], 80),
        (&[1, 20], 20),
        (&[80, 81], 80),
    ] {
        let mut desk = desk_below(&[40, 30, 20, 1]);
        desk.read(&[shared_by(80, pids)]);
        desk.press("K");
        assert_eq!(question(&desk).ending.process.pid, expected, "{pids:?}");
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
        assert_eq!(desk.mode(), Mode::Insist);
        assert!(question(&desk).text()[1].contains("Only a capital Y"));
        let effects = desk.press("Y");
        let ending = ending(&effects);
        assert_eq!(ending.process.pid, pid);
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
    assert!(question(&desk).text()[1].contains("with INT"));
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
    assert_eq!(ending(&desk.press("Y")).process.pid, 1);
}

#[test]
fn the_pane_of_a_bind_test_asks_twice_as_well() {
    let mut desk = desk_below(&[40, 10]);
    desk.read(&[listener(10)]);
    let effects = desk.press("b");
    let answer = super::bind::report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.tell(Msg::BindTested(Box::new(answer)));
    assert_eq!(desk.press("Ky"), []);
    assert_eq!(ending(&desk.press("Y")).confirmed, Confirmed::Twice);
    assert!(desk.view().pane.unwrap().title.contains("watching"));
}
