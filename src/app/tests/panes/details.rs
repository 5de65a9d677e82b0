//! What the details say.

use crate::app::tests::*;

#[test]
fn details_list_the_other_sockets_of_the_selected_row_s_process_as_they_come_and_go() {
    let of = |port: u16, pid: u32| Socket {
        owner: Owner::Known([process(pid)].into()),
        ..listener(port)
    };
    let mut desk = Desk::new();
    desk.read(&[of(80, 1), of(81, 1), of(82, 2)]);
    desk.key(Key::Enter);
    assert!(pane_text(&desk).contains("other sockets of app (1): 1"));
    desk.wait(SECOND)
        .read(&[of(80, 1), of(81, 1), of(82, 2), of(83, 1)]);
    assert!(pane_text(&desk).contains("other sockets of app (1): 2"));
    desk.press("jj");
    assert!(!pane_text(&desk).contains("other sockets"));
}

#[test]
fn details_of_a_closed_row_say_when_it_closed_and_what_it_was() {
    let mut desk = Desk::with_ports(&[10]);
    desk.wait(SECOND).settle_on(&[]);
    desk.key(Key::Enter);
    let text = pane_text(&desk);
    assert!(
        text.contains("closed since ") && text.contains(", was LISTEN"),
        "{text}"
    );
    assert!(!text.contains("backlog"), "{text}");
}

#[test]
fn details_of_a_leftover_say_when_it_ends_and_count_it_down() {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), 5000);
    let waiting = Socket {
        expires_in: Some(Duration::from_millis(42_500)),
        ..Socket::new(Protocol::Tcp, local, Some(local), State::TimeWait)
    };
    let mut desk = Desk::new();
    desk.read(&[waiting]);
    desk.key(Key::Enter);
    let text = pane_text(&desk);
    assert!(
        text.contains("TIME_WAIT") && text.contains(" · ends in 43 s"),
        "{text}"
    );
    let sleep = desk.app.next_wake(desk.now()).unwrap();
    assert!(sleep < SECOND, "{sleep:?}");
    desk.wait(sleep).wake();
    assert!(pane_text(&desk).contains(" · ends in 42 s"));
    desk.wait(SECOND * 60).wake();
    assert!(pane_text(&desk).contains(" · ends now"));
}

#[test]
fn a_listener_and_a_connection_do_not_end_by_themselves() {
    let mut desk = Desk::with_ports(&[10]);
    desk.key(Key::Enter);
    assert!(!pane_text(&desk).contains("ends"));
}

#[test]
fn one_byte_is_no_bytes() {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), 5000);
    let of = |receive| {
        let mut desk = Desk::new();
        desk.read(&[Socket {
            queue: Some(crate::model::Queue { receive, send: 1 }),
            ..Socket::new(Protocol::Tcp, local, Some(local), State::Established)
        }]);
        desk.key(Key::Enter);
        pane_text(&desk)
    };
    assert!(of(1).contains("1 byte not yet read, 1 not yet acknowledged"));
    assert!(of(0).contains("0 bytes not yet read"));
    assert!(of(2).contains("2 bytes not yet read"));
}

/// Once in a row: at 80 columns the process column says whose it is, where there is a column of users, that one.
#[test]
fn a_hidden_owner_is_shown_once_in_a_row() {
    let mut desk = Desk::new();
    let hidden = |port, owner| Socket {
        owner,
        user: Some("root".into()),
        ..listener(port)
    };
    desk.read(&[
        hidden(22, Owner::Hidden),
        hidden(2049, Owner::Kernel),
        listener(8080),
    ]);
    let row = |desk: &Desk, at: usize| {
        let cells = desk.view().rows.remove(at).cells.into_iter();
        let texts: Vec<_> = cells.map(|cell| cell.text.trim().to_owned()).collect();
        texts.join("|")
    };
    let (width, height) = (64, 24);
    desk.tell(Msg::Input(Input::Resized { width, height }));
    let narrow = row(&desk, 0);
    assert_eq!(narrow.matches("hidden").count(), 1, "{narrow}");
    assert!(narrow.contains("|–|root · hidden"), "{narrow}");
    assert_eq!(row(&desk, 1).matches("kernel").count(), 1);
    let (width, height) = (160, 45);
    desk.tell(Msg::Input(Input::Resized { width, height }));
    let wide = row(&desk, 0);
    assert!(wide.contains("|–|hidden|root|"), "{wide}");
}
