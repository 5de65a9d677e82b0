//! Sockets beside TCP and UDP: switching them on, and what keys do on their rows.

use crate::app::tests::*;
use crate::model::{
    PacketSocket, PacketType, Portless, Problem, ProblemCode, RawSocket, UnixKind, UnixName,
    UnixPeer, UnixSocket,
};

fn unix(name: &[u8], inode: u32) -> Socket {
    let unix = UnixSocket {
        kind: UnixKind::Stream,
        name: UnixName::from_bytes(name),
        peer: None,
    };
    Socket {
        inode: Some(inode),
        owner: Owner::Known([process(inode)].into()),
        ..Socket::without_port(Portless::Unix(unix), None, State::Listen)
    }
}

fn raw(inode: u32) -> Socket {
    let raw = RawSocket {
        number: 1,
        identifier: None,
    };
    Socket {
        inode: Some(inode),
        ..Socket::without_port(Portless::Raw(raw), Some([0; 4].into()), State::Unconn)
    }
}

fn packet(inode: u32) -> Socket {
    let packet = PacketSocket {
        kind: PacketType::Raw,
        ethertype: 3,
    };
    Socket {
        inode: Some(inode),
        interface: Some("eth0".into()),
        ..Socket::without_port(Portless::Packet(packet), None, State::Unconn)
    }
}

/// With these kinds shown from the start.
fn desk(kinds: Kinds) -> Desk {
    Desk::with(Settings {
        view: Tab::All,
        kinds,
        ..Settings::default()
    })
}

fn header(desk: &Desk) -> String {
    let view = desk.view();
    view.header.iter().map(|span| span.text.as_str()).collect()
}

/// The cells of each row shown, but for those without a text.
fn rows(desk: &Desk) -> Vec<String> {
    let view = desk.view();
    let row = |row: &crate::app::view::RowView| {
        let cells = row.cells.iter().map(|cell| cell.text.trim());
        cells
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    view.rows.iter().map(row).collect()
}

#[test]
fn the_menu_of_protocols_switches_one_on_and_requests_it_from_the_source() {
    let mut desk = Desk::with_ports(&[80]);
    assert!(!header(&desk).contains("unix"), "{}", header(&desk));
    desk.press("P");
    let effects = desk.press("jjjjjj ");
    let wanted = Kinds::DEFAULT.with(Protocol::Unix);
    assert_eq!(effects, [Effect::SetKinds(wanted)]);
    desk.key(Key::Esc);
    desk.wait(SECOND)
        .read(&[listener(80), unix(b"/run/app.sock", 7)]);
    assert_eq!(rows(&desk).len(), 2);
    assert!(header(&desk).contains("1 unix"), "{}", header(&desk));
    desk.press("P");
    assert_eq!(desk.press("jjjjjj "), [Effect::SetKinds(Kinds::DEFAULT)]);
    desk.key(Key::Esc);
    assert_eq!(rows(&desk).len(), 1, "at once, before the next reading");
    assert!(!header(&desk).contains("unix"));
}

#[test]
fn tcp_and_udp_are_read_whether_or_not_they_are_shown() {
    let mut desk = Desk::with_ports(&[80]);
    assert_eq!(desk.press("tuP  j "), [], "nothing is asked of the source");
}

#[test]
fn rows_without_a_port_say_what_they_are_bound_to() {
    let mut desk = desk(Kinds::ALL);
    let hostile = b"\0\x1b[2J\0x";
    desk.read(&[
        unix(b"/run/app.sock", 7),
        unix(hostile, 8),
        raw(9),
        packet(10),
    ]);
    let rows = rows(&desk);
    let has = |words: &str| rows.iter().any(|row| row.contains(words));
    assert!(has("0.0.0.0:icmp – "), "{rows:?}");
    assert!(has("all%eth0 – "), "{rows:?}");
    assert!(has("/run/app.sock – "), "{rows:?}");
    assert!(has("@\\x1b[2J\\x00x – "), "{rows:?}");
}

#[test]
fn they_stand_in_the_order_of_their_protocols_then_of_their_names_behind_all_ports() {
    let mut desk = desk(Kinds::ALL);
    let names = [
        "/run/b",
        "/run/a",
        "/run/a/long/name/that/differs/late/2",
        "",
    ];
    let unix = (1..)
        .zip(names)
        .map(|(inode, name)| unix(name.as_bytes(), inode));
    let sockets: Vec<_> = unix.chain([raw(9), packet(10), listener(80)]).collect();
    desk.read(&sockets);
    let order: Vec<_> = desk
        .app
        .rows_in_view()
        .map(|row| row.socket.local_text().unwrap_or_default())
        .collect();
    let late = "/run/a/long/name/that/differs/late/2";
    let expected = [
        "127.0.0.1:80",
        "0.0.0.0:icmp",
        "all",
        "/run/a",
        late,
        "/run/b",
        "",
    ];
    assert_eq!(order, expected);
}

#[test]
fn a_filter_finds_them_by_protocol_name_and_peer_and_never_by_a_port() {
    let mut client = unix(b"", 11);
    let peer = UnixPeer {
        inode: 7,
        name: UnixName::from_bytes(b"/run/app.sock"),
        process: Some("nginx(812)".into()),
    };
    client.portless = Some(Arc::new(Portless::Unix(UnixSocket {
        kind: UnixKind::Stream,
        name: None,
        peer: Some(peer),
    })));
    let sockets = [
        unix(b"/run/app.sock", 7),
        unix(b"\0app", 8),
        raw(9),
        packet(10),
        client,
    ];
    for (filter, expected) in [
        ("proto:unix", 3),
        ("proto:raw4", 1),
        ("proto:packet", 1),
        ("unix", 3),
        ("u_str", 3),
        ("app.sock", 2),
        ("@app", 1),
        ("nginx", 1),
        ("/nginx.812/", 1),
        ("/^u_str .run.app/", 1),
        ("icmp", 1),
        (":0", 0),
        ("is:public", 1),
        ("is:loopback", 0),
        ("addr:0.0.0.0/0", 1),
        ("tcp", 0),
    ] {
        let mut desk = desk(Kinds::ALL);
        desk.read(&sockets);
        desk.press(&format!("/{filter}"));
        desk.key(Key::Enter);
        assert_eq!(rows(&desk).len(), expected, "{filter}");
    }
}

#[test]
fn a_filter_for_a_kind_that_is_not_read_says_so() {
    let mut desk = Desk::with_ports(&[80]);
    desk.press("/proto:unix");
    let empty = desk.view().empty.expect("no row is shown");
    assert!(
        empty.starts_with("unix sockets are not read: P chooses the kinds."),
        "{empty}"
    );
}

#[test]
fn what_makes_no_sense_without_a_port_says_so_in_one_line() {
    for (socket, kind) in [
        (unix(b"/a", 7), "unix"),
        (raw(9), "raw"),
        (packet(10), "packet"),
    ] {
        let mut desk = desk(Kinds::ALL);
        desk.read(&[socket]);
        for (key, says) in [
            (
                "b",
                format!("a bind test is of a TCP or UDP port; this is a {kind} socket"),
            ),
            (
                "f",
                format!("a {kind} socket has no port to find a free one near"),
            ),
            ("m", format!("a {kind} socket has no port to pin")),
        ] {
            assert_eq!(desk.press(key), [], "{key}");
            assert!(footer(&desk).contains(&says), "{}", footer(&desk));
        }
        desk.press("g0");
        desk.key(Key::Esc);
    }
}

#[test]
fn the_owner_of_a_unix_socket_can_be_ended_and_no_port_is_waited_for() {
    let mut desk = desk(Kinds::ALL);
    desk.read(&[unix(b"/run/app.sock", 7)]);
    desk.press("K");
    let Dialog::Question(question) = &desk.app.dialog else {
        panic!("{}", footer(&desk))
    };
    assert_eq!(question.ending.port, None);
    assert_eq!(question.ending.sockets, [7]);
    let overlay = desk.view().overlay.expect("the question is open");
    let text: String = overlay
        .lines
        .iter()
        .flatten()
        .map(|span| span.text.as_str())
        .collect();
    assert!(text.contains("/run/app.sock"), "{text}");
}

#[test]
fn details_say_what_a_unix_socket_is_and_who_is_at_the_other_end() {
    let mut desk = desk(Kinds::ALL);
    desk.read(&[unix(b"\0app", 7)]);
    desk.key(Key::Enter);
    let text = pane_text(&desk);
    for part in [
        "u_str @app",
        "stream · bound to an abstract name",
        "inode 7",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_kind_that_cannot_be_listed_is_no_empty_table() {
    let mut desk = desk(Kinds::of(Protocol::Sctp));
    let problem = Problem {
        brief: "sctp not listed".into(),
        ..Problem::new(
            ProblemCode::NotListed,
            "SCTP sockets can't be listed: no handler",
        )
    };
    let observation = desk.tracker.apply(Snapshot {
        kinds: Kinds::DEFAULT.with(Protocol::Sctp),
        late_namespaces: Vec::new(),
        taken_at: desk.now(),
        sockets: vec![listener(80)],
        processes: HashMap::new(),
        problems: vec![problem],
        ..Snapshot::default()
    });
    desk.send(Msg::SnapshotTaken(observation));
    let empty = desk.view().empty.expect("no row is shown");
    assert!(empty.contains("SCTP sockets can't be listed"), "{empty}");
    assert!(
        header(&desk).contains("sctp not listed"),
        "{}",
        header(&desk)
    );
}
