//! What the details say.

use crate::app::tests::panes::stats::lines as pane_lines;
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
fn details_of_a_short_lived_socket_say_what_the_kernel_reported_and_what_is_unknown() {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), 5000);
    let closed = |remote| ClosedSocket {
        socket: Socket::new(Protocol::Tcp, local, remote, State::Closed),
        at: moment(SECOND),
        tcp: remote.map(|_| TcpInfo {
            bytes_sent: 1,
            bytes_received: 340,
            rtt: Duration::from_micros(120),
            retransmits: 2,
            ..TcpInfo::default()
        }),
    };
    let details = |remote| {
        let mut desk = Desk::new();
        desk.read(&[]);
        desk.wait(SECOND).read_closed(&[], &[closed(remote)]);
        desk.press("3");
        desk.key(Key::Enter);
        pane_text(&desk)
    };
    let text = details(Some(local));
    for part in [
        "opened and closed between two snapshots",
        "340 received, 1 sent",
        "0.1ms",
        "2 segments",
        "unknown: it closed before a snapshot found its process",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = details(None);
    assert!(
        text.contains("its connection failed or was reset from here"),
        "{text}"
    );
    assert!(!text.contains("received"), "{text}");
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
    desk.send(Msg::Input(Input::Resized { width, height }));
    let narrow = row(&desk, 0);
    assert_eq!(narrow.matches("hidden").count(), 1, "{narrow}");
    assert!(narrow.contains("|–|root · hidden"), "{narrow}");
    assert_eq!(row(&desk, 1).matches("kernel").count(), 1);
    let (width, height) = (160, 45);
    desk.send(Msg::Input(Input::Resized { width, height }));
    let wide = row(&desk, 0);
    assert!(wide.contains("|–|hidden|root|"), "{wide}");
}

fn connection(local: &str, remote: &str, pid: u32) -> Socket {
    let end = |text: &str| Endpoint::from(text.parse::<std::net::SocketAddr>().unwrap());
    Socket {
        owner: Owner::Known([process(pid)].into()),
        ..Socket::new(
            Protocol::Tcp,
            end(local),
            Some(end(remote)),
            State::Established,
        )
    }
}

/// A server on port 80 with a local client and two from elsewhere, on a large terminal.
fn server_with_clients() -> Desk {
    let mut desk = Desk::new();
    let (width, height) = (160, 60);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk.read(&clients());
    desk
}

fn clients() -> Vec<Socket> {
    let any = Endpoint::new("0.0.0.0".parse().unwrap(), 80);
    let server = Socket {
        local: any,
        ..listener(80)
    };
    vec![
        server,
        connection("127.0.0.1:80", "127.0.0.1:5000", 80),
        connection("127.0.0.1:5000", "127.0.0.1:80", 7),
        connection("10.0.0.7:80", "10.0.0.9:1", 80),
        connection("10.0.0.7:80", "10.0.0.9:2", 80),
    ]
}

/// All lines of the details, those below the edge of the pane too.
fn lines(desk: &Desk) -> Vec<String> {
    let row = desk.app.selected().expect("a row is selected");
    let lines = desk.app.details(row, Some(160), desk.now());
    let text = |line: &Vec<crate::app::view::Span>| {
        let spans = line.iter().map(|span| span.text.as_str());
        spans.collect::<String>().trim_end().to_owned()
    };
    lines.iter().map(text).collect()
}

fn line_with(desk: &Desk, part: &str) -> String {
    let lines = lines(desk);
    let found = lines.iter().find(|line| line.contains(part));
    found
        .unwrap_or_else(|| panic!("{part}: {lines:#?}"))
        .clone()
}

/// The cells of a column, from the top.
fn column(desk: &Desk, title: &str) -> Vec<String> {
    let view = desk.view();
    let at = view
        .titles
        .iter()
        .position(|cell| cell.text.trim_end_matches(['▲', '▼', ' ']).trim() == title);
    let at = at.unwrap_or_else(|| panic!("{title}: {:?}", view.titles));
    let cells = view.rows.iter();
    cells
        .map(|row| row.cells[at].text.trim().to_owned())
        .collect()
}

#[test]
fn a_listener_counts_its_connections_and_how_many_are_new() {
    let mut desk = server_with_clients();
    assert_eq!(column(&desk, "CONNS"), ["3", "–", "–", "–", "–"]);
    let mut sockets = clients();
    sockets.extend((3..8).map(|port| connection("10.0.0.7:80", &format!("10.0.0.9:{port}"), 80)));
    desk.wait(SECOND).read(&sockets);
    assert_eq!(column(&desk, "CONNS")[0], "8 +5/s");
    for _ in 0..6 {
        desk.wait(SECOND).read(&sockets);
    }
    assert_eq!(column(&desk, "CONNS")[0], "8");
}

#[test]
fn rows_are_sorted_by_connections_again_when_only_those_change() {
    let mut desk = Desk::new();
    let (width, height) = (160, 60);
    desk.send(Msg::Input(Input::Resized { width, height }));
    let client = |port: u16, n: u16| {
        connection(
            &format!("127.0.0.1:{port}"),
            &format!("10.0.0.9:{n}"),
            port.into(),
        )
    };
    let listeners = || vec![listener(80), listener(81)];
    let sockets = [
        listeners(),
        vec![client(80, 1), client(80, 2), client(81, 1)],
    ]
    .concat();
    desk.read(&sockets);
    let now = desk.now();
    desk.app.sort_by(columns::ColumnId::Conns, now);
    assert_eq!(&column(&desk, "CONNS")[..2], ["2", "1"]);
    assert_eq!(desk.ports()[..2], [80, 81]);
    let sockets = [
        listeners(),
        vec![client(80, 1), client(81, 1), client(81, 2)],
    ]
    .concat();
    desk.wait(SECOND).read(&sockets);
    desk.wait(SECOND).read(&sockets);
    assert_eq!(desk.ports()[..2], [81, 80]);
}

#[test]
fn the_peer_of_a_connection_on_this_machine_is_named() {
    let desk = server_with_clients();
    assert_eq!(
        column(&desk, "REMOTE"),
        [
            "–",
            "10.0.0.9:1",
            "10.0.0.9:2",
            ":5000 → app (7)",
            ":80 → app (80)"
        ]
    );
}

#[test]
fn details_of_a_listener_begin_with_what_its_connections_amount_to() {
    let mut desk = server_with_clients();
    desk.key(Key::Enter);
    let lines = lines(&desk);
    assert!(lines[2].ends_with("3 ESTABLISHED"), "{lines:#?}");
    assert!(lines[3].starts_with("peers"), "{lines:#?}");
    assert!(lines[3].ends_with("10.0.0.9   ×2"), "{lines:#?}");
    assert!(lines[4].ends_with("127.0.0.1  ×1  → app (7)"), "{lines:#?}");
    assert!(line_with(&desk, "oldest").contains("tcp "));
    assert!(lines.contains(&"connections: 3".to_owned()), "{lines:#?}");
}

#[test]
fn the_owners_of_a_prefork_server_are_one_table_and_a_fact_that_all_share_is_there_once() {
    let worker = |pid, cwd: &str| {
        Arc::new(Process {
            cwd: Some(cwd.into()),
            executable: Some("/usr/sbin/app".into()),
            ..(*process(pid)).clone()
        })
    };
    let owners: Vec<_> = (1..=12)
        .map(|pid| worker(pid, if pid == 1 { "/" } else { "/srv" }))
        .collect();
    let mut desk = Desk::new();
    let (width, height) = (160, 100);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk.read(&[Socket {
        owner: Owner::Known(owners.into()),
        ..listener(80)
    }]);
    desk.key(Key::Enter);
    let lines = lines(&desk);
    let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!(count("app --serve"), 12);
    assert_eq!(count("/usr/sbin/app"), 1);
    assert_eq!(line_with(&desk, "folder"), "folder      / · 1");
    let folder = line_with(&desk, "/srv");
    assert!(
        folder.ends_with("/srv · 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"),
        "{folder}"
    );
}

#[test]
fn a_line_about_another_socket_goes_to_its_row() {
    let mut desk = server_with_clients();
    desk.press("jjj");
    assert_eq!(
        desk.app.selected().unwrap().socket.remote.unwrap().port,
        5000
    );
    desk.key(Key::Enter);
    let peer = line_with(&desk, "peer ");
    assert_eq!(
        peer,
        "peer        app (7) · its socket tcp 127.0.0.1:5000 → 127.0.0.1:80 ESTABLISHED"
    );
    let accepted = line_with(&desk, "accepted by");
    assert_eq!(accepted, "accepted by tcp 0.0.0.0:80 LISTEN app(80)");
    let double_click_on = |desk: &mut Desk, part: &str| {
        desk.click_on_line(part);
        assert_eq!(desk.mode(), Mode::Pane, "a single click focuses the pane");
        desk.click_on_line(part);
        assert_eq!(desk.mode(), Mode::Table);
        desk.wait(SECOND);
    };
    double_click_on(&mut desk, "peer ");
    assert_eq!(desk.app.selected().unwrap().socket.local.port, 5000);
    // And back, as this is the peer of that one.
    double_click_on(&mut desk, "peer ");
    assert_eq!(
        desk.app.selected().unwrap().socket.remote.unwrap().port,
        5000
    );
    double_click_on(&mut desk, "accepted by");
    assert!(desk.app.selected().unwrap().socket.is_listening());
}

impl Desk {
    /// Clicks on the label of this line of the details.
    fn click_on_line(&mut self, part: &str) {
        let area = self.view().layout.pane_lines();
        let lines = pane_lines(self);
        let at = lines.iter().position(|line| line.contains(part));
        let row = area.y + u16::try_from(at.unwrap()).unwrap();
        let column = area.x;
        self.send(Msg::Input(Input::Mouse(Mouse::Click { column, row })));
    }
}

#[test]
fn enter_in_the_focused_details_goes_to_the_row_of_each_line_about_another_socket() {
    for (part, port) in [
        ("peer ", 5000),
        ("accepted by", 80),
        ("10.0.0.9:2", 80),
        ("tcp 10.0.0.7:80", 80),
    ] {
        let mut desk = server_with_clients();
        let is_of_listener = part.starts_with("10.");
        desk.press(if is_of_listener { "" } else { "jjj" });
        desk.key(Key::Enter);
        desk.press("o");
        let lines = pane_lines(&desk);
        let at = lines.iter().rposition(|line| line.contains(part));
        let at = at.unwrap_or_else(|| panic!("{part}: {lines:#?}"));
        desk.press(&"j".repeat(at));
        let before = desk.app.selected().unwrap().id;
        desk.key(Key::Enter);
        assert_eq!(desk.mode(), Mode::Table, "{part}");
        assert_ne!(desk.app.selected().unwrap().id, before, "{part}");
        assert_eq!(desk.selected_port(), Some(port), "{part}");
    }
}

#[test]
fn a_long_fact_is_wrapped_below_its_beginning_and_keeps_its_click_on_every_line() {
    let mut desk = server_with_clients();
    desk.press("jjj");
    desk.resize(140, 60).key(Key::Enter);
    let columns = usize::from(desk.view().layout.pane_lines().width);
    let row = desk.app.selected().unwrap();
    let lines = desk.app.details(row, Some(columns), desk.now());
    let is_peer = |line: &&crate::app::view::Line| line[0].text.starts_with("peer");
    let at = lines.iter().position(|line| is_peer(&line)).unwrap();
    let text = |at: usize| -> String { lines[at].iter().map(|span| &*span.text).collect() };
    assert_eq!(
        text(at),
        "peer        app (7) · its socket tcp 127.0.0.1:5000"
    );
    assert_eq!(text(at + 1), "            → 127.0.0.1:80 ESTABLISHED");
    let mut spans = lines[at].iter().chain(&lines[at + 1]);
    let click = lines[at][0].click;
    assert!(click.is_some() && spans.all(|span| span.click == click));
    let is_within = |line: &crate::app::view::Line| crate::app::view::line_width(line) <= columns;
    assert!(lines.iter().all(is_within), "nothing is cut");
}

#[test]
fn details_have_the_changes_of_their_row_and_of_no_other() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.key(Key::Enter);
    assert!(!pane_text(&desk).contains("history"));
    let mut other = listener(10);
    other.owner = Owner::Known([process(99)].into());
    other.inode = Some(1000);
    for _ in 0..3 {
        desk.wait(SECOND)
            .read(&[other.clone(), listener(20), listener(30)]);
    }
    let (width, height) = (160, 60);
    desk.send(Msg::Input(Input::Resized { width, height }));
    let lines = lines(&desk);
    let at = lines.iter().position(|line| line == "history").unwrap();
    assert!(
        lines[at + 1].ends_with("~ owner app(10) → app(99)"),
        "{lines:#?}"
    );
    assert!(!lines.iter().any(|line| line.contains("30")), "{lines:#?}");
}

#[test]
fn without_columns_an_owner_is_a_sentence_and_no_table() {
    let mut desk = Desk::with_ports(&[80]);
    desk.key(Key::Enter);
    let row = desk.app.selected().unwrap();
    let lines = desk.app.details(row, None, desk.now());
    let texts: Vec<String> = lines
        .iter()
        .map(|line| line.iter().map(|span| &*span.text).collect())
        .collect();
    assert!(!texts.iter().any(|text| text.contains("PID")), "{texts:#?}");
    let owner = texts.iter().find(|text| text.starts_with("owner")).unwrap();
    assert!(owner.contains(", pid "), "{owner}");
}
