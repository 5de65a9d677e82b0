//! What the cursor does when rows come, go and move.

use crate::app::tests::*;

#[test]
fn the_selection_follows_its_socket_when_rows_come_and_go_above_it() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("j");
    desk.wait(SECOND).read_ports(&[5, 6, 10, 20, 30]);
    assert_eq!(desk.selected_port(), Some(20));
    desk.settle_on(&[20, 30]);
    desk.wait(LINGER).wake();
    assert_eq!(desk.ports(), [20, 30]);
    assert_eq!(desk.selected_port(), Some(20));
}

#[test]
fn the_selection_follows_its_socket_when_the_order_changes() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("S");
    assert_eq!(desk.ports(), [30, 20, 10]);
    assert_eq!(desk.selected_port(), Some(10));
}

#[test]
fn the_selection_goes_to_the_next_row_when_its_own_is_gone() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("j");
    desk.settle_on(&[10, 30]);
    desk.wait(LINGER).wake();
    assert_eq!(desk.selected_port(), Some(30));
    desk.settle_on(&[10]);
    desk.wait(LINGER).wake();
    assert_eq!(desk.selected_port(), Some(10));
}

#[test]
fn a_port_that_closes_and_opens_again_keeps_the_cursor() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("j");
    desk.settle_on(&[10, 30]);
    let mut again = listener(20);
    again.inode = Some(999);
    desk.wait(SECOND).read(&[listener(10), listener(30), again]);
    assert_eq!(desk.selected_port(), Some(20));
    assert_eq!(desk.ports(), [10, 20, 30]);
}

/// Who has scrolled down reads what is there; what comes above must not push it away.
#[test]
fn a_scrolled_table_keeps_the_selected_row_on_its_line() {
    let many: Vec<u16> = (1000..1100).collect();
    let mut desk = Desk::with_ports(&many);
    desk.press("G");
    for _ in 0..5 {
        desk.press("k");
    }
    let (port, line) = (desk.selected_port(), desk.line());
    let mut more: Vec<u16> = (500..520).collect();
    more.extend(&many);
    desk.wait(SECOND).read_ports(&more);
    assert_eq!((desk.selected_port(), desk.line()), (port, line));
    desk.settle_on(&many);
    desk.wait(LINGER).wake();
    assert_eq!((desk.selected_port(), desk.line()), (port, line));
}

#[test]
fn the_selected_row_stays_in_sight_when_a_pane_opens_and_the_terminal_shrinks() {
    let mut desk = Desk::with_ports(&(1000..1100).collect::<Vec<_>>());
    desk.press("G");
    desk.key(Key::Enter);
    assert!(desk.ports().contains(&1099));
    for height in (4..=24).rev() {
        desk.key(Key::Esc);
        desk.send(Msg::Input(Input::Resized { width: 80, height }));
        assert!(desk.ports().contains(&1099), "height {height}");
    }
}

/// On a small terminal a prompt, a question or a notice takes a line from the table.
#[test]
fn the_selected_row_stays_in_sight_when_the_bottom_lines_grow() {
    for open in ["/", "B", "K", "C", "?"] {
        let mut desk = Desk::with_ports(&(1000..1100).collect::<Vec<_>>());
        let (width, height) = (40, 10);
        desk.send(Msg::Input(Input::Resized { width, height }));
        desk.press("G");
        desk.press(open);
        assert!(desk.ports().contains(&1099), "{open}");
    }
}

#[test]
fn a_click_selects_the_row_under_it() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    let click = |column, row| Msg::Input(Input::Mouse(Mouse::Click { column, row }));
    desk.send(click(40, 5));
    assert_eq!(desk.selected_port(), Some(30));
    desk.send(click(40, 20));
    assert_eq!(desk.selected_port(), Some(30), "there is no row");
}

#[test]
fn a_click_on_a_heading_sorts_and_one_more_reverses() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    let port = desk
        .view()
        .titles
        .iter()
        .find(|title| title.is_chosen)
        .unwrap()
        .x;
    let click = Msg::Input(Input::Mouse(Mouse::Click {
        column: port,
        row: 2,
    }));
    desk.send(click.clone());
    assert_eq!(desk.ports(), [30, 20, 10]);
    desk.send(click);
    assert_eq!(desk.ports(), [10, 20, 30]);
}

#[test]
fn a_click_on_a_view_shows_it() {
    let mut desk = Desk::with_ports(&[10]);
    for (at, tab) in desk.view().tabs.into_iter().enumerate() {
        let column = tab.x;
        desk.send(Msg::Input(Input::Mouse(Mouse::Click { column, row: 1 })));
        assert!(desk.view().tabs[at].is_chosen, "{}", tab.text);
    }
}

/// Rows that are equal in what they are sorted by keep one order, however the reading lists them.
#[test]
fn ties_never_reshuffle() {
    let mut sockets: Vec<_> = (1..40).map(listener).collect();
    for socket in &mut sockets {
        socket.owner = Owner::None;
    }
    let mut desk = Desk::new();
    desk.read(&sockets);
    for _ in 0..columns::ALL.len() * 2 {
        let order = desk.app.rows.selection.shown().clone();
        sockets.rotate_left(7);
        sockets.reverse();
        desk.wait(Duration::from_millis(10)).read(&sockets);
        assert_eq!(
            desk.app.rows.selection.shown(),
            &order,
            "sorted by {:?}",
            desk.app.rows.criteria.sort
        );
        desk.sort_by_next();
    }
}

#[test]
fn hiding_the_column_that_sorts_leaves_a_table_that_can_be_sorted() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("C ");
    desk.key(Key::Down);
    desk.press(" ");
    desk.key(Key::Enter);
    for _ in 0..20 {
        desk.sort_by_next();
        assert_eq!(desk.ports().len(), 2);
    }
}

#[test]
fn a_terminal_without_room_for_a_column_can_be_sorted() {
    for width in 0..12 {
        let mut desk = Desk::with_ports(&[10, 20]);
        desk.send(Msg::Input(Input::Resized { width, height: 5 }));
        desk.sort_by_next();
        desk.sort_by_next();
        desk.press("S");
        desk.sort_by_next();
        assert_eq!(desk.ports().len(), 2, "width {width}");
    }
}

#[test]
fn each_view_shows_what_its_name_says() {
    let mut desk = Desk::new();
    let peer = Endpoint::new("127.0.0.1".parse().unwrap(), 9);
    let client = Socket {
        remote: Some(peer),
        state: State::Established,
        ..listener(20)
    };
    desk.read(&[listener(10), client.clone()]);
    desk.wait(SECOND)
        .read(&[listener(10), client, listener(30)]);
    for (key, ports) in [
        ("1", vec![10, 30]),
        ("2", vec![20]),
        ("3", vec![10, 20, 30]),
        ("4", vec![30]),
    ] {
        desk.press(key);
        assert_eq!(desk.ports(), ports, "view {key}");
    }
}
