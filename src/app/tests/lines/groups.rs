//! The table in groups: their lines, opening and closing, and where the cursor is.

use crate::app::tests::*;
use crate::app::view::{Click, RowSign};
use crate::model::Queue;
use crate::query::{GroupBy, GroupFields};

/// A connection from this port to `10.0.0.9`, of the process with this pid.
fn connection(port: u16, pid: u32, state: State) -> Socket {
    Socket {
        remote: Some(Endpoint::new([10, 0, 0, 9].into(), 443)),
        state,
        owner: Owner::Known([process(pid)].into()),
        ..listener(port)
    }
}

/// A listener and four connections of one process, two connections of another.
fn sockets() -> Vec<Socket> {
    let server = Socket {
        owner: Owner::Known([process(1)].into()),
        ..listener(5000)
    };
    let of_server = (1..5).map(|number| connection(5000 + number, 1, State::Established));
    let of_other = [
        connection(6000, 2, State::Established),
        connection(6001, 2, State::CloseWait),
    ];
    [server]
        .into_iter()
        .chain(of_server)
        .chain(of_other)
        .collect()
}

fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.read(&sockets());
    desk
}

/// The same, grouped by process.
fn by_process() -> Desk {
    let mut desk = desk();
    desk.press("z");
    desk
}

/// The lines of the table: the parts of each with one space between them.
fn lines(desk: &Desk) -> Vec<String> {
    let view = desk.view();
    let text = |row: &crate::app::view::RowView| {
        let cells = row.cells.iter().map(|cell| cell.text.trim());
        let cells: Vec<_> = cells.filter(|text| !text.is_empty()).collect();
        cells.join(" ")
    };
    view.rows.iter().map(text).collect()
}

/// The beginnings of the lines: of groups the key, of rows the port.
fn outline(desk: &Desk) -> Vec<String> {
    let lines = lines(desk);
    let begin = |line: &String| {
        let mut words = line.split(' ');
        if let Some(expander @ ("▸" | "▾")) = words.next() {
            return format!("{expander} {}", words.next().unwrap());
        }
        let port = line.split(' ').find(|word| word.parse::<u16>().is_ok());
        port.expect("a row has a port").to_owned()
    };
    lines.iter().map(begin).collect()
}

/// The line under the cursor.
fn selected(desk: &Desk) -> String {
    let at = desk.view().rows.iter().position(|row| row.is_selected);
    outline(desk).swap_remove(at.expect("the cursor is in sight"))
}

/// What is said of the group beside the filter.
fn filter_text(desk: &Desk) -> String {
    let view = desk.view();
    view.filter.iter().map(|span| span.text.as_str()).collect()
}

#[test]
fn a_key_goes_through_the_fields_and_back_to_the_rows() {
    let mut desk = desk();
    for fields in ["process", "port", "peer", "state", "unit"] {
        desk.press("z");
        assert!(
            filter_text(&desk).contains(&format!("by {fields} ")),
            "{}",
            filter_text(&desk)
        );
        assert!(lines(&desk).iter().all(|line| line.starts_with('▸')));
    }
    desk.key(Key::F(5));
    assert_eq!(desk.ports(), [5000, 5001, 5002, 5003, 5004, 6000, 6001]);
    assert!(!filter_text(&desk).contains("by "));
}

/// A key goes from it to none.
#[test]
fn the_menu_groups_by_project_too() {
    let of_project = |port: u16, project: &str| Socket {
        owner: Owner::Known(
            [Arc::new(Process {
                project: Some(project.into()),
                ..Process::new(port.into(), "app")
            })]
            .into(),
        ),
        ..listener(port)
    };
    let mut desk = Desk::new();
    desk.read(&[
        of_project(80, "/srv/shop"),
        of_project(81, "/srv/shop"),
        listener(90),
    ]);
    desk.press("Z");
    let place = GroupBy::ALL.iter().position(|&by| by == GroupBy::Project);
    desk.press(&"j".repeat(place.unwrap()));
    desk.key(Key::Enter);
    desk.key(Key::Esc);
    assert!(filter_text(&desk).contains("by project "));
    assert_eq!(outline(&desk), ["▸ /srv/shop", "▸ –"]);
    desk.press("z");
    assert_eq!(desk.ports(), [80, 81, 90]);
}

#[test]
fn where_there_are_containers_the_last_field_is_theirs() {
    let mut desk = Desk::new();
    let mut web = listener(80);
    web.container = Some("web".into());
    desk.read(&[web, listener(90)]);
    desk.press("zzzzz");
    assert!(filter_text(&desk).contains("by container "));
    assert_eq!(outline(&desk), ["▸ web", "▸ –"]);
    desk.press("z");
    assert_eq!(desk.ports(), [80, 90]);
}

#[test]
fn a_group_says_how_many_sockets_it_has_in_which_states_and_who_is_at_the_other_end() {
    let desk = by_process();
    assert_eq!(
        lines(&desk),
        [
            "▸ app(1) 5 4 ESTABLISHED , 1 LISTEN",
            "▸ app(2) 2 1 ESTABLISHED , 1 CLOSE_WAIT",
        ]
    );
    let wide = {
        let mut desk = by_process();
        let (width, height) = (120, 24);
        desk.send(Msg::Input(Input::Resized { width, height }));
        lines(&desk)
    };
    assert_eq!(wide[0], "▸ app(1) 5 4 ESTABLISHED , 1 LISTEN → 10.0.0.9 ×4");
}

#[test]
fn groups_begin_closed_and_keys_open_and_close_them() {
    let mut desk = by_process();
    assert_eq!(outline(&desk), ["▸ app(1)", "▸ app(2)"]);
    desk.press("j");
    desk.key(Key::Right);
    assert_eq!(outline(&desk), ["▸ app(1)", "▾ app(2)", "6000", "6001"]);
    desk.press("j");
    assert_eq!(desk.selected_port(), Some(6000));
    // From a row its group closes, and the cursor is on it.
    desk.key(Key::Left);
    assert_eq!(outline(&desk), ["▸ app(1)", "▸ app(2)"]);
    assert_eq!(selected(&desk), "▸ app(2)");
    desk.key(Key::Enter);
    assert_eq!(selected(&desk), "▾ app(2)");
    desk.key(Key::Enter);
    assert_eq!(selected(&desk), "▸ app(2)");
    desk.key(Key::Left);
    assert_eq!(selected(&desk), "▸ app(2)");
}

#[test]
fn a_click_on_the_expander_or_two_on_the_line_open_and_close() {
    let mut desk = by_process();
    let click = |column, row| Msg::Input(Input::Mouse(Mouse::Click { column, row }));
    assert_eq!(desk.view().click_at(2, 3), Some(Click::Group(0)));
    desk.send(click(2, 3));
    assert_eq!(outline(&desk).len(), 7);
    desk.wait(SECOND).send(click(2, 3));
    assert_eq!(outline(&desk).len(), 2);
    desk.wait(SECOND).send(click(20, 4));
    assert_eq!(selected(&desk), "▸ app(2)");
    desk.send(click(20, 4));
    assert_eq!(outline(&desk), ["▸ app(1)", "▾ app(2)", "6000", "6001"]);
    assert_eq!(desk.app.selected(), None);
}

#[test]
fn an_open_group_stays_open_when_the_table_is_read_and_when_its_rows_are_filtered() {
    let mut desk = by_process();
    desk.press("j");
    desk.key(Key::Right);
    let mut more = sockets();
    more.push(connection(6002, 2, State::Established));
    desk.wait(SECOND).read(&more);
    assert_eq!(
        outline(&desk),
        ["▸ app(1)", "▾ app(2)", "6000", "6001", "6002"]
    );
    desk.press("/:6002");
    desk.key(Key::Enter);
    assert_eq!(outline(&desk), ["▾ app(2)", "6002"]);
    desk.key(Key::Esc);
    desk.press("zzzzzz");
    assert_eq!(outline(&desk).len(), 5);
}

#[test]
fn the_cursor_stays_on_its_group_when_the_groups_change_places() {
    let mut desk = by_process();
    desk.press("j");
    let mut more = sockets();
    more.extend((6100..6110).map(|port| connection(port, 2, State::Established)));
    desk.wait(SECOND).read(&more);
    assert_eq!(outline(&desk), ["▸ app(2)", "▸ app(1)"]);
    assert_eq!(selected(&desk), "▸ app(2)");
    desk.press("ssssss");
    assert_eq!(selected(&desk), "▸ app(2)");
}

#[test]
fn the_cursor_stays_with_its_row_when_that_changes_its_group() {
    let mut desk = desk();
    desk.press("zzzz");
    assert_eq!(
        outline(&desk),
        ["▸ ESTABLISHED", "▸ LISTEN", "▸ CLOSE_WAIT"]
    );
    desk.key(Key::Home);
    desk.key(Key::Right);
    desk.press("jj");
    assert_eq!(desk.selected_port(), Some(5002));
    let mut later = sockets();
    later[2].state = State::CloseWait;
    desk.wait(SECOND).read(&later);
    // The group that has it now is closed.
    assert_eq!(selected(&desk), "▸ CLOSE_WAIT");
}

#[test]
fn the_cursor_stays_with_its_row_when_the_rows_are_grouped_and_with_its_group_when_not() {
    let mut desk = desk();
    desk.press("G");
    assert_eq!(desk.selected_port(), Some(6001));
    desk.press("z");
    assert_eq!(selected(&desk), "▸ app(2)");
    desk.press("zzzzz");
    assert_eq!(desk.selected_port(), Some(6001));
    desk.press("zzzzk");
    desk.key(Key::Home);
    desk.press("zz");
    assert_eq!(desk.selected_port(), Some(5001));
}

#[test]
fn the_menu_groups_by_two_fields() {
    let mut desk = desk();
    desk.press("Z");
    desk.key(Key::Enter);
    assert!(filter_text(&desk).contains("by process "));
    // Of the others the fourth is the state.
    desk.press("jjjj");
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Table);
    assert!(filter_text(&desk).contains("by process, state "));
    desk.key(Key::Right);
    assert_eq!(
        outline(&desk),
        ["▾ app(1)", "▸ ESTABLISHED", "▸ LISTEN", "▸ app(2)"]
    );
    desk.press("j");
    desk.key(Key::Right);
    desk.press("j");
    assert_eq!(desk.selected_port(), Some(5001));
    for (line, count) in [("▸ ESTABLISHED", 4), ("▸ app(1)", 2), ("▸ app(1)", 2)] {
        desk.key(Key::Left);
        assert_eq!(
            (selected(&desk), outline(&desk).len()),
            (line.to_owned(), count)
        );
    }
    desk.key(Key::Right);
    assert_eq!(outline(&desk).len(), 4);
}

#[test]
fn the_menu_of_a_second_field_can_be_left_with_one() {
    let mut desk = desk();
    desk.press("Zj");
    desk.key(Key::Enter);
    desk.key(Key::Esc);
    assert_eq!(
        desk.app.rows.selection.fields(),
        Some(GroupFields::one(GroupBy::Port))
    );
    // The last choice is no groups.
    desk.press("Z");
    for _ in 0..GroupBy::ALL.len() {
        desk.press("j");
    }
    desk.key(Key::Enter);
    assert_eq!(
        (desk.app.rows.selection.fields(), desk.mode()),
        (None, Mode::Table)
    );
}

#[test]
fn the_order_of_rows_orders_the_groups_where_it_can() {
    let mut desk = desk();
    desk.press("zz");
    assert_eq!(outline(&desk)[..2], ["▸ 5000", "▸ 5001"]);
    desk.press("S");
    assert_eq!(outline(&desk)[..2], ["▸ 6001", "▸ 6000"]);
    // A process has no port: the largest group is the first, and its rows are in reversed order.
    desk.press("zzzzz");
    assert_eq!(outline(&desk), ["▸ app(1)", "▸ app(2)"]);
    desk.key(Key::Home);
    desk.key(Key::Right);
    assert_eq!(outline(&desk)[1..4], ["5004", "5003", "5002"]);
}

/// By port and by the queue the rows are in the same order.
#[test]
fn another_order_of_the_groups_counts_even_if_the_rows_stay_in_theirs() {
    let mut desk = Desk::new();
    let queue = |receive| Some(Queue { receive, send: 0 });
    let mut one = connection(5000, 2, State::Established);
    let mut two = connection(5001, 1, State::Established);
    let mut three = connection(5002, 1, State::Established);
    (one.queue, two.queue, three.queue) = (queue(1), queue(2), queue(3));
    desk.read(&[one, two, three]);
    desk.press("z");
    assert_eq!(outline(&desk), ["▸ app(1)", "▸ app(2)"]);
    let now = desk.now();
    desk.app.sort_by(columns::ColumnId::RecvQ, now);
    desk.press("S");
    assert_eq!(outline(&desk), ["▸ app(2)", "▸ app(1)"]);
}

#[test]
fn a_group_has_the_mark_and_the_rate_of_its_rows() {
    let mut desk = by_process();
    let mark = |desk: &Desk| desk.view().rows[0].mark.map(|(mark, _)| mark.glyph());
    assert_eq!(mark(&desk), None);
    let mut more = sockets();
    more.extend((5100..5110).map(|port| connection(port, 1, State::Established)));
    desk.wait(SECOND).read(&more);
    assert_eq!(mark(&desk), Some('+'));
    assert!(lines(&desk)[0].contains(" 15 +10/s "), "{:?}", lines(&desk));
    more[1].state = State::FinWait2;
    desk.wait(SECOND).read(&more);
    assert_eq!(mark(&desk), Some('~'));
    for _ in 0..5 {
        desk.wait(SECOND).read(&more);
    }
    assert_eq!(mark(&desk), None);
    assert!(!lines(&desk)[0].contains("/s"));
    more.truncate(8);
    for _ in 0..2 {
        desk.wait(SECOND).read(&more);
    }
    assert_eq!(mark(&desk), Some('-'));
    assert!(lines(&desk)[0].contains("CLOSED"), "{:?}", lines(&desk));
}

#[test]
fn the_rate_of_a_group_is_per_second_however_far_apart_the_snapshots_are() {
    for (apart, rate) in [(5, " 15 +2/s "), (10, " 15 +1/s "), (20, " 15 +0.5/s ")] {
        let mut desk = by_process();
        let mut more = sockets();
        more.extend((5100..5110).map(|port| connection(port, 1, State::Established)));
        desk.wait(apart * SECOND).read(&more);
        assert!(lines(&desk)[0].contains(rate), "{:?}", lines(&desk));
    }
}

#[test]
fn a_group_with_a_row_in_trouble_has_its_mark_and_the_key_opens_it() {
    let mut desk = by_process();
    let mut full = sockets();
    full[0].queue = Some(Queue {
        receive: 6,
        send: 5,
    });
    desk.wait(SECOND).read(&full);
    let row = desk.view().rows.swap_remove(0);
    assert!(row.trouble.is_some() && row.mark.is_none());
    desk.press("G!");
    assert_eq!(desk.selected_port(), Some(5000));
    assert_eq!(outline(&desk)[0], "▾ app(1)");
    // The cursor on a group is before its first row.
    desk.key(Key::Left);
    desk.press("!");
    assert_eq!(desk.selected_port(), Some(5000));
}

#[test]
fn a_group_with_a_pinned_port_has_its_star() {
    let mut desk = desk();
    desk.press("Gmz");
    let rows = desk.view().rows.into_iter();
    let stars: Vec<_> = rows.map(|row| row.sign == Some(RowSign::Pinned)).collect();
    assert_eq!(stars, [false, true]);
}

#[test]
fn typing_a_port_goes_to_its_group_and_confirming_opens_it() {
    let mut desk = by_process();
    desk.press("g6001");
    assert_eq!(selected(&desk), "▸ app(2)");
    desk.key(Key::Enter);
    assert_eq!(desk.selected_port(), Some(6001));
    assert_eq!(outline(&desk), ["▸ app(1)", "▾ app(2)", "6000", "6001"]);
    desk.press("g5003");
    desk.key(Key::Esc);
    assert_eq!(desk.selected_port(), Some(6001));
    assert_eq!(outline(&desk).len(), 4);
}

#[test]
fn following_opens_the_group_of_the_newest_event() {
    let mut desk = by_process();
    desk.press("F");
    let mut more = sockets();
    more.push(connection(6002, 2, State::Established));
    desk.wait(SECOND).read(&more);
    assert_eq!(desk.selected_port(), Some(6002));
}

#[test]
fn views_and_a_pause_keep_the_groups() {
    let mut desk = by_process();
    desk.press("1");
    assert_eq!(outline(&desk), ["▸ app(1)"]);
    desk.press("3p");
    let mut more = sockets();
    more.push(connection(6002, 2, State::Established));
    desk.wait(SECOND).read(&more);
    desk.press("G");
    desk.key(Key::Right);
    assert_eq!(outline(&desk).len(), 4);
    desk.press("p");
    assert_eq!(outline(&desk).len(), 5);
}

#[test]
fn a_group_has_no_row_but_all_of_its_rows() {
    let mut desk = by_process();
    assert_eq!(desk.app.selected(), None);
    assert_eq!(desk.app.rows_at_cursor().len(), 5);
    desk.key(Key::Right);
    desk.press("j");
    assert_eq!(desk.app.rows_at_cursor().len(), 1);
    desk.key(Key::Left);
    desk.press("b");
    assert_eq!(desk.mode(), Mode::Table, "a bind test is of one row");
}

#[test]
fn all_rows_are_written_those_of_closed_groups_too() {
    let mut desk = by_process();
    desk.press("w");
    let effects = desk.key(Key::Enter);
    let rows = effects.iter().find_map(|effect| match effect {
        Effect::Write(_, rows) => Some(rows.len()),
        _ => None,
    });
    assert_eq!(rows, Some(7));
    assert_eq!(filter_text(&desk), "by process  7 ");
    let (width, height) = (100, 24);
    desk.send(Msg::Input(Input::Resized { width, height }));
    assert_eq!(filter_text(&desk), "by process  2 groups  7 ");
}

#[test]
fn the_details_of_a_group_are_its_sums_owners_and_peers() {
    let mut desk = by_process();
    desk.key(Key::Right);
    desk.press("j");
    desk.key(Key::Enter);
    desk.press("k");
    let text = pane_text(&desk);
    for part in [
        "process app(1)",
        "5 sockets",
        "1 LISTEN, 4 ESTABLISHED",
        "5 app",
        "4 → 10.0.0.9",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let hint: String = desk
        .view()
        .pane
        .unwrap()
        .hint
        .iter()
        .map(|span| span.text.clone())
        .collect();
    assert!(hint.contains("Esc close"), "{hint}");
    desk.key(Key::Esc);
    assert_eq!(desk.view().pane, None);
}

#[test]
fn the_other_end_of_a_group_is_named_as_in_the_details_whatever_own_address_it_has() {
    let end = |address: u8, port| Endpoint::new([10, 0, 0, address].into(), port);
    let named = |pid: u32, name: &str| Owner::Known([Arc::new(Process::new(pid, name))].into());
    let server = Socket {
        local: end(1, 5000),
        owner: named(1, "server"),
        ..listener(5000)
    };
    let accepted = Socket {
        remote: Some(end(2, 6000)),
        state: State::Established,
        ..server.clone()
    };
    let client = Socket {
        local: end(2, 6000),
        remote: Some(end(1, 5000)),
        owner: named(2, "client"),
        state: State::Established,
        ..listener(6000)
    };
    // From the port of the listener, but of another address: not accepted by it.
    let other = Socket {
        local: end(3, 5000),
        remote: Some(end(9, 443)),
        owner: named(3, "other"),
        state: State::Established,
        ..listener(5000)
    };
    let mut desk = Desk::new();
    desk.read(&[server, accepted, client, other]);
    desk.press("z");
    let text = lines(&desk).join("\n");
    for part in ["← client ×1", "→ server ×1", "→ 10.0.0.9 ×1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_hint_says_what_the_key_does_to_the_group() {
    let mut desk = by_process();
    assert!(footer(&desk).contains("Enter open"), "{}", footer(&desk));
    desk.key(Key::Enter);
    assert!(footer(&desk).contains("Enter close"), "{}", footer(&desk));
    desk.press("j");
    assert!(footer(&desk).contains("Enter open"), "{}", footer(&desk));
}

#[test]
fn the_settings_group_the_table_at_the_start_and_when_they_are_read_again() {
    let settings = |group| Settings {
        view: Tab::All,
        group,
        ..Settings::default()
    };
    let mut desk = Desk::with(settings(Some(GroupFields::one(GroupBy::State))));
    desk.read(&sockets());
    assert_eq!(
        outline(&desk),
        ["▸ ESTABLISHED", "▸ LISTEN", "▸ CLOSE_WAIT"]
    );
    desk.key(Key::Right);
    let read = |settings| Msg::SettingsRead {
        settings: Box::new(settings),
        from: "config.toml".into(),
    };
    let linger = Settings {
        linger: SECOND,
        ..settings(Some(GroupFields::one(GroupBy::State)))
    };
    desk.send(read(linger));
    assert_eq!(outline(&desk).len(), 8, "it is still open");
    desk.send(read(settings(None)));
    assert_eq!(desk.ports().len(), 7);
}

#[test]
fn esc_clears_the_filter_and_leaves_the_groups() {
    let mut desk = by_process();
    desk.press("/:6001");
    desk.key(Key::Enter);
    desk.key(Key::Esc);
    desk.key(Key::Esc);
    assert_eq!(outline(&desk), ["▸ app(1)", "▸ app(2)"]);
}

#[test]
fn nothing_is_grouped_anew_by_keys_or_by_a_table_that_is_the_same() {
    let mut desk = by_process();
    desk.settle_on_same();
    let before = desk.app.rows.selection.generation();
    desk.press("jkG");
    desk.key(Key::Right);
    desk.key(Key::Left);
    desk.press("e");
    desk.settle_on_same();
    assert_eq!(desk.app.rows.selection.generation(), before);
    desk.press("/5");
    assert_ne!(desk.app.rows.selection.generation(), before);
}

impl Desk {
    /// Reads the same sockets twice.
    fn settle_on_same(&mut self) {
        for _ in 0..2 {
            self.wait(SECOND).read(&sockets());
        }
    }
}

#[test]
fn a_group_line_fits_into_every_terminal() {
    for width in 1..100 {
        let mut desk = by_process();
        desk.send(Msg::Input(Input::Resized { width, height: 24 }));
        desk.key(Key::Right);
        let view = desk.view();
        for row in &view.rows {
            let cells = row.cells.windows(2);
            for pair in cells {
                let end = usize::from(pair[0].x) + columns::width(&pair[0].text);
                assert!(end <= usize::from(pair[1].x), "{width}: {pair:?}");
            }
        }
    }
}
