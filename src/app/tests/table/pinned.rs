//! Pinned ports and their alerts.

use crate::app::tests::*;

/// Applies a snapshot of these sockets; returns the requested effects.
fn read(desk: &mut Desk, sockets: &[Socket]) -> Vec<Effect> {
    desk.wait(SECOND);
    let observation = desk.tracker.apply(Snapshot {
        kinds: Kinds::DEFAULT,
        late_namespaces: Vec::new(),
        taken_at: desk.now(),
        sockets: sockets.to_vec(),
        processes: HashMap::new(),
        problems: Vec::new(),
        ..Snapshot::default()
    });
    desk.send(Msg::SnapshotTaken(observation))
}

fn read_ports(desk: &mut Desk, ports: &[u16]) -> Vec<Effect> {
    let sockets: Vec<_> = ports.iter().map(|&port| listener(port)).collect();
    read(desk, &sockets)
}

/// A row counts as closed in the second snapshot without it.
fn settle(desk: &mut Desk, ports: &[u16]) -> Vec<Effect> {
    let first = read_ports(desk, ports);
    [first, read_ports(desk, ports)].concat()
}

fn owned(port: u16, pid: u32) -> Socket {
    Socket {
        owner: Owner::Known([process(pid)].into()),
        inode: Some(pid),
        ..listener(port)
    }
}

fn header(desk: &Desk) -> String {
    let view = desk.view();
    let spans = view.header.iter();
    spans.map(|span| span.text.as_str()).collect()
}

fn watched(desk: &Desk) -> Vec<bool> {
    let rows = desk.view().rows.into_iter();
    rows.map(|row| row.sign == Some(view::RowSign::Pinned))
        .collect()
}

#[test]
fn m_watches_the_port_of_the_row_and_m_again_no_longer() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("jm");
    assert_eq!(watched(&desk), [false, true, false]);
    assert!(header(&desk).contains("pinned 20"));
    assert!(
        footer(&desk)
            .contains("pinned 20: you get an alert when a listener opens, closes or changes there")
    );
    desk.press("jm");
    assert!(header(&desk).contains("pinned 20, 30"));
    desk.press("km");
    assert_eq!(watched(&desk), [false, false, true]);
    assert!(footer(&desk).contains("unpinned 20"));
    desk.press("jm");
    assert!(!header(&desk).contains("pinned"));
}

#[test]
fn a_pinned_port_that_closes_opens_and_changes_its_owner_is_shown_and_rings() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("jm");
    assert_eq!(settle(&mut desk, &[10]), [Effect::Bell]);
    assert!(
        footer(&desk).contains("20 closed: was app(20)"),
        "{}",
        footer(&desk)
    );
    desk.press("k");
    assert!(!footer(&desk).contains("closed"));
    desk.wait(LINGER).wake();
    assert_eq!(
        read_ports(&mut desk, &[10, 20]),
        [Effect::Bell],
        "it is watched still"
    );
    assert!(
        footer(&desk).contains("20 opened: app(20)"),
        "{}",
        footer(&desk)
    );
    desk.press("k");
    let other = owned(20, 77);
    let first = read(&mut desk, &[listener(10), other.clone()]);
    let second = read(&mut desk, &[listener(10), other]);
    assert_eq!([first, second].concat(), [Effect::Bell]);
    let told = "20 changed its owner: app(20) → app(77)";
    assert!(footer(&desk).contains(told), "{}", footer(&desk));
}

#[test]
fn an_alert_says_when_and_the_latest_comes_first() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("jmjmk");
    settle(&mut desk, &[10, 20]);
    settle(&mut desk, &[10]);
    let alerts = " 12:00:03 20 closed: was app(20) · 12:00:01 30 closed: was app(30)";
    assert_eq!(footer(&desk), alerts);
    desk.press("j");
    assert!(!footer(&desk).contains("closed"));
    assert!(!header(&desk).contains("alert"), "a key has dismissed them");
}

#[test]
fn an_alert_expires_after_half_a_minute_and_the_header_counts_it_until_the_events_are_opened() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("mj");
    settle(&mut desk, &[20]);
    desk.wait(LINGER).wake();
    let left = desk.app.next_wake(desk.now()).expect("it expires");
    assert!(left <= 20 * SECOND + SECOND / 10, "{left:?}");
    assert!(footer(&desk).contains("10 closed"));
    desk.wait(20 * SECOND).wake();
    assert!(!footer(&desk).contains("10 closed"));
    assert!(
        header(&desk).contains("pinned 10  1 alert"),
        "{}",
        header(&desk)
    );
    desk.press("e");
    assert!(pane_text(&desk).contains("closed"));
    assert!(!header(&desk).contains("1 alert"), "{}", header(&desk));
}

/// The outcome of a signal comes together with the alert that the port has closed.
#[test]
fn an_alert_hides_neither_the_outcome_of_a_signal_nor_a_notice() {
    for (width, height) in [(80, 24), (40, 10), (160, 45)] {
        let mut desk = Desk::with_ports(&[10, 20]);
        desk.send(Msg::Input(Input::Resized { width, height }));
        desk.press("mKy");
        settle(&mut desk, &[20]);
        let message = "app (10) has ended".to_owned();
        desk.send(Msg::EndOutcome {
            succeeded: true,
            message,
        });
        let lines: Vec<String> = desk
            .view()
            .footer
            .iter()
            .map(|line| text_of(line))
            .collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0], " app (10) has ended");
        assert!(lines[1].contains("10 closed: was app(10)"), "{lines:?}");
        assert_eq!(desk.view().layout.footer.height, 2);
    }
}

fn text_of(line: &[crate::app::view::Span]) -> String {
    line.iter().map(|span| span.text.as_str()).collect()
}

#[test]
fn several_at_once_ring_once() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("mjm");
    assert_eq!(settle(&mut desk, &[]), [Effect::Bell]);
    let told = footer(&desk);
    assert!(told.contains("10 closed: was app(10)") && told.contains("20 closed: was app(20)"));
}

#[test]
fn each_kind_of_alert_does_what_it_says() {
    let text = || "10 closed: was app(10)".to_owned();
    for (notify, effects) in [
        (Notify::Bell, vec![Effect::Bell]),
        (Notify::Desktop, vec![Effect::DesktopNotice(text())]),
        (
            Notify::Both,
            vec![Effect::Bell, Effect::DesktopNotice(text())],
        ),
        (Notify::None, vec![]),
    ] {
        let mut desk = Desk::with_ports(&[10]);
        desk.app.settings.notify = notify;
        desk.press("m");
        assert_eq!(settle(&mut desk, &[]), effects, "{notify:?}");
        assert!(footer(&desk).contains(&text()), "{notify:?}");
    }
}

#[test]
fn connections_of_a_watched_port_come_and_go_unsaid() {
    let client = Socket {
        remote: Some(Endpoint::new("127.0.0.1".parse().unwrap(), 9)),
        state: State::Established,
        inode: Some(9),
        ..listener(10)
    };
    let mut desk = Desk::with_ports(&[10]);
    desk.press("m");
    for sockets in [
        &[listener(10), client.clone()][..],
        &[listener(10)],
        &[listener(10)],
    ] {
        assert_eq!(read(&mut desk, sockets), []);
    }
    assert!(!footer(&desk).contains("10 "), "{}", footer(&desk));
}

#[test]
fn another_protocol_s_port_is_another_port() {
    let udp = Socket {
        protocol: Protocol::Udp,
        state: State::Unconn,
        inode: Some(99),
        ..listener(10)
    };
    let mut desk = Desk::new();
    desk.read(&[listener(10), udp.clone()]);
    desk.press("m");
    assert_eq!(watched(&desk).iter().filter(|&&is| is).count(), 1);
    assert_eq!(settle(&mut desk, &[10]), [], "UDP closed");
    desk.press("u");
    let mut desk = Desk::new();
    desk.read(std::slice::from_ref(&udp));
    desk.press("m");
    assert!(header(&desk).contains("pinned 10/udp"));
    assert!(footer(&desk).contains("pinned 10/udp: you get an alert when"));
    assert_eq!(settle(&mut desk, &[]), [Effect::Bell]);
    assert!(footer(&desk).contains("10/udp closed: was app(10)"));
}

#[test]
fn a_port_that_closes_on_one_address_and_is_open_on_another_is_shown_with_the_address() {
    let other = Socket {
        local: Endpoint::new("127.0.0.2".parse().unwrap(), 10),
        inode: Some(99),
        ..listener(10)
    };
    let mut desk = Desk::new();
    desk.read(&[listener(10), other]);
    desk.press("m");
    settle(&mut desk, &[10]);
    let told = footer(&desk);
    assert!(
        told.contains("10 closed on 127.0.0.2:10: was app(10)"),
        "{told}"
    );
}

/// If each event were compared with all earlier ones, this test would take half a minute.
#[test]
fn forty_thousand_sockets_that_close_at_once_are_each_reported_once() {
    let address = |n| std::net::Ipv4Addr::from_bits(0x7f01_0000 + n);
    let many = (0..40_000).map(|n| Socket {
        local: Endpoint::new(address(n).into(), 10),
        inode: Some(1000 + n),
        ..listener(10)
    });
    let mut desk = Desk::new();
    desk.app.settings.notify = Notify::Desktop;
    desk.read(
        &std::iter::once(listener(10))
            .chain(many)
            .collect::<Vec<_>>(),
    );
    desk.press("m");
    let effects = settle(&mut desk, &[10]);
    let [Effect::DesktopNotice(told)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(told.matches("10 closed on 127.1.").count(), 40_000);
}

#[test]
fn two_sockets_of_one_owner_are_reported_once() {
    let other = Socket {
        local: Endpoint::new("127.0.0.2".parse().unwrap(), 10),
        inode: Some(99),
        ..listener(10)
    };
    let mut desk = Desk::with_ports(&[10]);
    desk.press("m");
    settle(&mut desk, &[]);
    desk.press("k");
    desk.wait(LINGER).wake();
    assert_eq!(read(&mut desk, &[listener(10), other]), [Effect::Bell]);
    assert_eq!(
        footer(&desk).matches("opened").count(),
        1,
        "{}",
        footer(&desk)
    );
}

#[test]
fn pinned_ports_are_reported_whatever_is_shown() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("m2");
    desk.press("/:99");
    desk.key(Key::Enter);
    assert_eq!(settle(&mut desk, &[20]), [Effect::Bell]);
    assert!(footer(&desk).contains("10 closed"));
}

#[test]
fn an_alert_has_a_line_beside_the_keys_of_a_menu_and_of_a_question() {
    for open in ["c", "K", "?", "O", ":"] {
        let mut desk = Desk::with_ports(&[10, 20]);
        desk.press("m");
        desk.press(open);
        let before = footer(&desk);
        assert_eq!(settle(&mut desk, &[20]), [Effect::Bell], "{open}");
        let lines = desk.view().footer;
        let (last, others) = lines.split_last().expect("two lines");
        assert!(text_of(last).contains("10 closed"), "{open}");
        let others: String = others.iter().map(|line| text_of(line)).collect();
        assert_eq!(others, before, "{open}");
        desk.key(Key::Esc);
        assert_eq!(desk.mode(), Mode::Table, "{open}");
    }
}

#[test]
fn while_a_text_is_typed_its_keys_leave_alerts_alone() {
    for (open, typed) in [("/", ":2"), ("g", "2"), ("B", "20")] {
        let mut desk = Desk::with_ports(&[10, 20]);
        desk.press("m");
        desk.press(open);
        settle(&mut desk, &[20]);
        let lines = desk.view().footer.len();
        desk.press(typed);
        assert_eq!(desk.view().footer.len(), lines);
        assert!(
            footer(&desk).contains("10 closed"),
            "{open}: {}",
            footer(&desk)
        );
        desk.key(Key::Esc);
        desk.press("j");
        assert!(!footer(&desk).contains("10 closed"), "{open}");
    }
}

#[test]
fn a_small_terminal_marks_what_is_watched_and_gives_the_news_a_line() {
    let mut desk = Desk::with_ports(&[10, 20]);
    let (width, height) = (40, 10);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk.press("m");
    desk.press("k");
    assert_eq!(watched(&desk), [true, false]);
    settle(&mut desk, &[20]);
    assert!(footer(&desk).contains("10 closed: was app(10)"));
}

#[test]
fn more_ports_than_there_is_room_for_are_counted() {
    let ports: Vec<u16> = (10..22).collect();
    let mut desk = Desk::with_ports(&ports);
    for _ in &ports {
        desk.press("mj");
    }
    let (width, height) = (200, 24);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk.press("g");
    desk.key(Key::Enter);
    let header = header(&desk);
    assert!(
        header.contains("pinned 10, 11, 12, 13, 14, 15, 16, 17, 4 more"),
        "{header}"
    );
}

#[test]
fn without_a_row_no_port_is_watched() {
    let mut desk = Desk::with_ports(&[]);
    desk.press("m");
    assert!(footer(&desk).contains("no port is selected"));
}
