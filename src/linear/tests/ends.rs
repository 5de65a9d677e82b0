//! Ending a process takes words that are not typed by chance.

use super::*;
use crate::app::Confirmed;

fn sent(desk: &Desk) -> Option<Confirmed> {
    desk.effects.iter().find_map(|effect| match effect {
        Effect::EndProcess(ending) => Some(ending.confirmed),
        _ => None,
    })
}

#[test]
fn yes_ends_the_process_of_the_question_and_no_other_word_does() {
    let mut desk = Desk::with_ports(&[80, 8080]);
    let lines = desk.types("end 8080");
    assert_eq!(
        lines[0],
        "Send SIGTERM to app (8080)? It listens on port 8080."
    );
    desk.inspect();
    for word in ["y", "ye", "YES!", "8080"] {
        desk.types(word);
        assert_eq!(sent(&desk), None, "{word}");
        desk.types("end 8080");
        desk.inspect();
    }
    desk.types("yes");
    assert_eq!(sent(&desk), Some(Confirmed::Once));
    assert!(desk.session.is_busy());
    desk.types("yes");
    assert_eq!(sent(&desk), None);
}

#[test]
fn any_other_command_closes_the_question() {
    let mut desk = Desk::with_ports(&[80]);
    desk.types("end 80");
    desk.inspect();
    assert_eq!(desk.types("list")[0], "cancelled: no signal was sent");
    assert_eq!(desk.types("yes"), ["there is no question"]);
    desk.types("end 80");
    desk.inspect();
    assert_eq!(desk.types("no"), ["cancelled: no signal was sent"]);
    assert_eq!(desk.types("yes"), ["there is no question"]);
}

#[test]
fn an_early_yes_waits_until_the_owners_are_read() {
    let mut desk = Desk::with_ports(&[80]);
    desk.types("end");
    let request = desk.effects.clone();
    desk.types("yes");
    assert_eq!(sent(&desk), None);
    desk.effects = request;
    desk.inspect();
    assert_eq!(sent(&desk), Some(Confirmed::Once));
}

/// A listener on another address.
fn second(pid: u32, port: u16) -> Socket {
    Socket {
        inode: Some(60_000),
        local: Endpoint::new("127.0.0.2".parse().unwrap(), port),
        owner: Owner::Known([process(pid)].into()),
        ..listener(port)
    }
}

#[test]
fn a_port_with_several_owners_is_not_ended_before_one_is_chosen() {
    let mut desk = Desk::new(&[listener(8080), second(99, 8080)]);
    assert_eq!(
        desk.types("end 8080"),
        [
            "several owners have port 8080: app, pid 8080; app, pid 99; find :8080 and row NUMBER choose one, then end"
        ]
    );
    assert_eq!(desk.types("yes"), ["there is no question"]);
    assert_eq!(sent(&desk), None);
    desk.types("find :8080");
    desk.types("row 2");
    desk.types("end");
    desk.inspect();
    desk.types("yes");
    assert_eq!(sent(&desk), Some(Confirmed::Once));
}

#[test]
fn a_port_with_several_rows_of_one_owner_is_ended_and_the_rows_are_counted() {
    let mut desk = Desk::new(&[listener(8080), second(8080, 8080)]);
    let lines = desk.types("end 8080");
    assert_eq!(lines[0], "2 rows have that port; find :8080 reads them");
    assert!(
        lines[1].starts_with("Send SIGTERM to app (8080)?"),
        "{lines:?}"
    );
}

#[test]
fn an_early_yes_is_void_after_another_signal_was_typed() {
    let mut desk = Desk::with_ports(&[80]);
    desk.types("end");
    let request = desk.effects.clone();
    desk.types("yes");
    desk.types("signal kill");
    desk.effects = request;
    desk.inspect();
    assert_eq!(sent(&desk), None);
    desk.types("yes");
    assert_eq!(sent(&desk), Some(Confirmed::Once));
}

#[test]
fn a_guarded_process_takes_its_pid_too() {
    // The first process of the system.
    let mut desk = Desk::with_ports(&[1]);
    desk.types("end 1");
    desk.inspect();
    let lines = desk.types("yes");
    assert_eq!(sent(&desk), None);
    assert!(lines[1].ends_with("type its pid, 1."), "{lines:?}");
    assert_eq!(desk.types("yes"), ["type the pid, 1, or no"]);
    assert_eq!(sent(&desk), None);
    desk.types("1");
    assert_eq!(sent(&desk), Some(Confirmed::Twice));
}

#[test]
fn the_signal_is_chosen_by_its_name() {
    let mut desk = Desk::with_ports(&[80]);
    assert_eq!(desk.types("signal kill"), ["there is no question"]);
    desk.types("end 80");
    desk.inspect();
    assert_eq!(
        desk.types("signal sigkill")[0],
        "Send SIGKILL to app (80)? It listens on port 80."
    );
    assert!(desk.types("signal stop")[0].starts_with("unknown signal `stop`: TERM, INT"));
    assert_eq!(desk.types("targets"), ["there is nothing else to end"]);
}

#[test]
fn a_recording_refuses_actions() {
    let mut desk = Desk::of(Origin::Recording, &[listener(80)]);
    for command in ["end 80", "test", "test 80", "free 80"] {
        let lines = desk.types(command);
        assert!(
            lines.contains(&"this is a recording; actions are disabled".to_owned()),
            "{command}: {lines:?}"
        );
        assert_eq!(desk.effects.len(), 0, "{command}");
    }
}
