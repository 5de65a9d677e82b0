//! Which columns are shown, how wide they are, and what may change that.

use crate::app::tests::*;
use crate::columns::ColumnId;
use crate::model::{State, Text};

impl Desk {
    /// The headings, each with its first cell.
    fn headings(&self) -> Vec<(u16, String)> {
        let titles = self.view().titles.into_iter();
        let each = titles.map(|title| (title.x, title.text.trim().replace(" ▲", "")));
        each.collect()
    }

    fn has_heading(&self, title: &str) -> bool {
        self.headings().iter().any(|(_, text)| text == title)
    }

    /// The text of each row's cell below this heading.
    fn cells(&self, title: &str) -> Vec<String> {
        let view = self.view();
        let mut titles = view.titles.iter();
        let at = titles.position(|one| one.text.trim().starts_with(title));
        let rows = view.rows.iter();
        let cells = rows.map(|row| row.cells[at.unwrap()].text.trim().to_owned());
        cells.collect()
    }

    fn reason(&self) -> Option<WidthReason> {
        self.app.width_changes().1
    }
}

fn connected(port: u16, state: State) -> Socket {
    let peer = Endpoint::new("127.0.0.1".parse().unwrap(), 80);
    Socket {
        remote: Some(peer),
        state,
        ..listener(port)
    }
}

/// A listener whose process has this name and this command line.
fn server(port: u16, name: &str, command: &str) -> Socket {
    let process = Process {
        command: Some(Text::new(command)),
        ..Process::new(u32::from(port), name)
    };
    Socket {
        owner: Owner::Known([Arc::new(process)].into()),
        ..listener(port)
    }
}

#[test]
fn paging_moves_no_column() {
    let mut desk = Desk::new();
    let mut sockets: Vec<_> = (100..200).map(listener).collect();
    sockets.push(server(300, "a-long-name", "a-long-name --and=arguments"));
    desk.resize(160, 24).read(&sockets);
    let at_top = desk.headings();
    for key in [Key::End, Key::PageUp, Key::Home, Key::PageDown] {
        desk.key(key);
        assert_eq!(desk.headings(), at_top, "{key}");
    }
}

#[test]
fn a_highlighted_change_moves_no_column_and_the_state_before_is_shown_as_far_as_it_fits() {
    for (width, text) in [(80, "CLOSE_WAIT"), (160, "ESTAB → CLOSE_WAIT")] {
        let mut desk = Desk::new();
        desk.resize(width, 24);
        desk.read(&[connected(4000, State::Established)]);
        let before = desk.headings();
        desk.wait(SECOND).read(&[connected(4000, State::CloseWait)]);
        assert_eq!(desk.cells("STATE"), [text]);
        assert_eq!(desk.headings(), before);
        desk.wait(HIGHLIGHT).wake();
        assert_eq!(desk.cells("STATE"), ["CLOSE_WAIT"]);
        assert_eq!(desk.headings(), before);
    }
}

#[test]
fn a_column_grows_for_a_longer_text_and_stays_so_until_another_filter_is_chosen() {
    let mut desk = Desk::with_ports(&[10]);
    desk.resize(160, 24);
    let narrow = desk.headings();
    let long = server(20, "some-name-of-twenty", "x");
    desk.wait(SECOND).read(&[listener(10), long]);
    let wide = desk.headings();
    assert_ne!(wide, narrow);
    assert_eq!(desk.reason(), Some(WidthReason::Rows));
    for _ in 0..3 {
        desk.wait(LINGER).read_ports(&[10]);
        assert_eq!(desk.headings(), wide);
    }
    desk.press("/10");
    desk.key(Key::Enter);
    assert_eq!(desk.headings(), narrow);
    assert_eq!(desk.reason(), Some(WidthReason::Filter));
}

#[test]
fn a_filter_without_matches_leaves_the_columns_as_they_are() {
    let mut desk = Desk::with_ports(&[10, 20]);
    let before = desk.headings();
    desk.press("/zzz");
    assert!(desk.view().rows.is_empty());
    assert_eq!(desk.headings(), before);
}

#[test]
fn the_main_columns_are_there_before_the_first_row() {
    let desk = Desk::new();
    let titles: Vec<_> = desk.headings().into_iter().map(|one| one.1).collect();
    let expected = ["PROTO", "LOCAL ADDRESS", "PORT", "STATE", "PID", "PROCESS"];
    assert_eq!(titles, expected);
}

#[test]
fn a_column_without_texts_comes_with_the_first_and_stays() {
    let mut desk = Desk::with_ports(&[10]);
    desk.resize(200, 24);
    assert!(!desk.has_heading("REMOTE") && !desk.has_heading("UNIT"));
    let of_unit = Socket {
        unit: Some("web.service".into()),
        ..connected(4000, State::Established)
    };
    desk.wait(SECOND).read(&[listener(10), of_unit]);
    assert!(desk.has_heading("REMOTE") && desk.has_heading("UNIT"));
    desk.wait(LINGER).read_ports(&[10]);
    desk.wait(LINGER).read_ports(&[10]);
    assert!(desk.has_heading("REMOTE") && desk.has_heading("UNIT"));
    desk.press("1");
    assert!(!desk.has_heading("REMOTE") && !desk.has_heading("UNIT"));
}

/// A server on port 80, and so many clients from elsewhere.
fn served(clients: u16) -> Vec<Socket> {
    let client = |port| Socket {
        remote: Some(Endpoint::new("10.0.0.9".parse().unwrap(), port)),
        state: State::Established,
        ..listener(80)
    };
    let server = std::iter::once(listener(80));
    server.chain((1..=clients).map(client)).collect()
}

#[test]
fn connections_have_a_column_from_the_first_on_and_no_number_or_rate_moves_it() {
    let mut desk = Desk::new();
    desk.resize(160, 45).read(&served(0));
    assert!(!desk.has_heading("CONNS"));
    desk.wait(SECOND).read(&served(1));
    assert!(desk.has_heading("CONNS"));
    let before = desk.headings();
    for count in [2, 400, 3, 0] {
        desk.wait(SECOND).read(&served(count));
        assert_eq!(desk.headings(), before, "{count}");
    }
    desk.wait(LINGER).read(&served(0));
    desk.wait(LINGER).read(&served(0));
    assert_eq!(desk.cells("CONNS"), ["0"]);
    desk.press("/80");
    desk.key(Key::Enter);
    assert!(!desk.has_heading("CONNS"), "another filter measures again");
}

#[test]
fn whoever_is_the_peer_on_this_machine_moves_no_column() {
    let peer = |owner| Socket {
        remote: Some(Endpoint::new("127.0.0.1".parse().unwrap(), 4000)),
        state: State::Established,
        owner,
        ..listener(80)
    };
    let client = |pid, name: &str| {
        let process = Process::new(pid, name);
        peer(Owner::Known([Arc::new(process)].into()))
    };
    let own = connected(4000, State::Established);
    let mut headings = BTreeSet::new();
    let mut peers = BTreeSet::new();
    // The peer alone is not among the rows shown, so that its own columns have no say.
    for peer in [
        peer(Owner::Unknown),
        client(7, "x"),
        client(18640, "python3 client.py"),
        client(18640, "python3 load/client.py --now"),
        client(4_000_000, "a process with a long name of many words"),
    ] {
        let mut desk = Desk::new();
        desk.resize(160, 45).read(&[own.clone(), peer]);
        desk.press("/port:4000");
        desk.key(Key::Enter);
        headings.insert(desk.headings());
        peers.extend(desk.cells("REMOTE"));
    }
    assert_eq!(headings.len(), 1, "{headings:#?}");
    let expected = [
        "127.0.0.1:80",
        ":80 → x (7)",
        ":80 → python3 client.py (18640)",
        ":80 → python3 load/client.py --now",
        ":80 → a process with a long name of…",
    ];
    assert_eq!(peers, expected.map(str::to_owned).into());
}

#[test]
fn a_pane_at_the_right_narrows_the_columns_and_its_end_widens_them_again() {
    let mut desk = Desk::new();
    desk.resize(160, 45);
    desk.read(&[server(80, "app", &"x".repeat(500))]);
    let before = desk.headings();
    desk.key(Key::Enter);
    let rows = desk.view().layout.rows;
    assert!(rows.width < 160);
    let view = desk.view();
    let ends = view
        .titles
        .iter()
        .map(|title| usize::from(title.x) + title.text.len());
    assert!(ends.max() <= Some(rows.width.into()), "{:?}", view.titles);
    assert_eq!(desk.reason(), Some(WidthReason::Room));
    desk.key(Key::Esc);
    assert_eq!(desk.headings(), before);
}

#[test]
fn services_have_a_column_only_while_names_are_shown() {
    let mut desk = Desk::with_ports(&[80]);
    desk.resize(160, 24);
    assert!(desk.has_heading("SERVICE"));
    desk.press("n");
    assert!(!desk.has_heading("SERVICE"));
    assert_eq!(desk.reason(), Some(WidthReason::Names));
}

#[test]
fn the_command_has_all_the_room_that_the_other_texts_leave() {
    let mut desk = Desk::new();
    desk.resize(200, 24);
    desk.read(&[server(80, "app", &"x".repeat(500))]);
    let view = desk.view();
    let titles: Vec<_> = view.titles.iter().collect();
    let command = titles.last().unwrap();
    assert!(command.text.starts_with("COMMAND"));
    assert!(command.text.len() > 110, "{titles:#?}");
}

#[test]
fn the_menu_says_for_which_column_there_is_no_room_and_a_chosen_one_gets_it() {
    let mut desk = Desk::new();
    desk.resize(80, 40);
    desk.read(&[server(80, "app", &"x".repeat(50))]);
    desk.press("C");
    let line = |desk: &Desk, title: &str| {
        let lines = desk.view().overlay.unwrap().lines.into_iter();
        let mut texts =
            lines.map(|line| line.into_iter().map(|span| span.text).collect::<String>());
        texts.find(|text| text.contains(title)).unwrap()
    };
    assert!(line(&desk, "COMMAND").contains("no room · command line"));
    assert!(line(&desk, "UNIT").contains("nothing to show · "));
    assert!(!line(&desk, "PID").contains(" · "));
    desk.press(&"j".repeat(columns::ALL.len()));
    desk.press("  ");
    assert!(!line(&desk, "COMMAND").contains("no room"));
    assert_eq!(desk.reason(), Some(WidthReason::Columns));
    desk.key(Key::Esc);
    assert!(desk.has_heading("COMMAND"));
    for always in ["PORT", "STATE", "PROCESS"] {
        assert!(desk.has_heading(always), "{always}");
    }
    desk.press("C");
    desk.resize(200, 24);
    assert!(!line(&desk, "SERVICE").contains("no room"));
}

#[test]
fn columns_of_the_config_are_kept_before_those_of_the_default() {
    let columns = [
        ColumnId::Port,
        ColumnId::SendQ,
        ColumnId::Unit,
        ColumnId::Command,
    ];
    let mut desk = Desk::with(Settings {
        columns: [&columns[..], &[ColumnId::State, ColumnId::Process]].concat(),
        view: Tab::All,
        ..Settings::default()
    });
    desk.read_ports(&[80]);
    assert!(
        columns
            .iter()
            .all(|&id| desk.has_heading(crate::columns::column(id).title))
    );
}

#[test]
fn long_commands_scroll_sideways_together_as_far_as_the_longest() {
    let mut desk = Desk::new();
    desk.resize(120, 24);
    let long = format!("{}END", "0123456789".repeat(20));
    desk.read(&[server(80, "app", &long), server(90, "app", "short")]);
    let start = desk.cells("COMMAND");
    assert!(
        start[0].starts_with("0123") && start[0].ends_with('…'),
        "{start:?}"
    );
    desk.key(Key::Right);
    let next = desk.cells("COMMAND");
    assert!(
        next[0].starts_with('…') && next[0].ends_with('…'),
        "{next:?}"
    );
    assert_eq!(next[1], "…");
    for _ in 0..50 {
        desk.key(Key::Right);
    }
    assert!(desk.cells("COMMAND")[0].ends_with("END"));
    desk.key(Key::Left);
    assert!(!desk.cells("COMMAND")[0].ends_with("END"));
    for _ in 0..50 {
        desk.key(Key::Left);
    }
    assert_eq!(desk.cells("COMMAND"), start);
    desk.key(Key::Right);
    desk.press("1");
    assert_eq!(
        desk.cells("COMMAND"),
        start,
        "another view begins at the left"
    );
}

#[test]
fn scrolling_without_a_command_column_says_why_nothing_happens() {
    let mut desk = Desk::new();
    desk.resize(70, 24);
    desk.read(&[server(80, "app", &"x".repeat(50))]);
    desk.key(Key::Right);
    assert!(footer(&desk).contains("no room for the command: C chooses columns"));
}
