//! Trouble: its line below the header, its colour and mark, and the key that goes through it.

use crate::app::layout::Area;
use crate::app::tests::*;
use crate::app::view::Role;
use crate::filter::Filter;
use crate::model::Queue;

/// A connection of `app` from this port.
fn connection(port: u16, state: State) -> Socket {
    let mut socket = listener(port);
    socket.remote = Some(Endpoint::new([10, 0, 0, 9].into(), 443));
    socket.state = state;
    socket
}

fn full(port: u16) -> Socket {
    Socket {
        queue: Some(Queue {
            receive: 6,
            send: 5,
        }),
        ..listener(port)
    }
}

/// The line below the header.
fn trouble(desk: &Desk) -> String {
    let view = desk.view();
    view.trouble.iter().map(|span| span.text.as_str()).collect()
}

/// The line, if it had so many cells.
fn trouble_in(desk: &Desk, width: u16) -> String {
    let area = Area {
        width,
        height: 1,
        ..Area::default()
    };
    let line = desk.app.trouble_text(desk.now(), area);
    line.iter().map(|span| span.text.as_str()).collect()
}

/// The role of the state of the row with this port, and whether the row has a `!`.
fn state_of(desk: &Desk, port: u16) -> (Role, bool) {
    let view = desk.view();
    let port = port.to_string();
    let mut rows = view.rows.iter();
    let row = rows.find(|row| row.cells.iter().any(|cell| cell.text.trim() == port));
    let row = row.expect("it is in sight");
    let is_state = |text: &str| {
        State::ALL
            .iter()
            .any(|state| text.starts_with(state.as_str()))
    };
    let mut cells = row.cells.iter();
    let state = cells.find(|cell| is_state(cell.text.trim())).unwrap();
    (state.role, row.trouble.is_some() && row.mark.is_none())
}

#[test]
fn without_trouble_there_is_no_line_and_nothing_is_red() {
    let mut desk = Desk::new();
    desk.read(&[listener(10), connection(20, State::CloseWait)]);
    assert_eq!(
        (desk.view().layout.trouble.height, trouble(&desk)),
        (0, String::new())
    );
    assert_eq!(state_of(&desk, 20), (Role::Plain, false));
    desk.press("!");
    assert_eq!(footer(&desk), " no row is in trouble");
}

#[test]
fn a_state_turns_red_while_nothing_else_changes() {
    let mut desk = Desk::new();
    desk.read(&[listener(10), connection(20, State::CloseWait)]);
    let wake = desk.app.next_wake(desk.now()).unwrap();
    assert!(wake <= Duration::from_secs(30), "{wake:?}");
    desk.wait(Duration::from_millis(29_999)).wake();
    assert_eq!(trouble(&desk), "");
    let wake = desk.app.next_wake(desk.now()).unwrap();
    assert!(wake <= Duration::from_millis(10), "{wake:?}");
    desk.wait(wake).wake();
    assert_eq!(trouble(&desk), " ! 1 CLOSE_WAIT app(20)");
    assert_eq!(state_of(&desk, 20), (Role::Bad, true));
}

#[test]
fn the_line_stays_for_ten_seconds_so_that_the_table_stands_still() {
    let mut desk = Desk::new();
    desk.read(&[full(10)]);
    assert_eq!(trouble(&desk), " ! accept queue full :10 app(10)");
    desk.wait(SECOND).read_ports(&[10]);
    assert_eq!(trouble(&desk), " no longer in trouble");
    desk.wait(Duration::from_secs(9)).wake();
    assert_eq!(desk.view().layout.trouble.height, 1);
    let wake = desk.app.next_wake(desk.now()).unwrap();
    desk.wait(wake).wake();
    assert_eq!(desk.view().layout.trouble.height, 0);
}

#[test]
fn the_line_says_as_much_as_fits_the_most_urgent_first() {
    let mut desk = Desk::new();
    let mut sockets: Vec<_> = (20..34)
        .map(|port| connection(port, State::CloseWait))
        .collect();
    let owner = sockets[0].owner.clone();
    for socket in &mut sockets {
        socket.owner = owner.clone();
    }
    sockets.extend((40..43).map(|port| connection(port, State::SynSent)));
    sockets.extend([full(9200)]);
    desk.read(&sockets);
    desk.wait(Duration::from_secs(30)).wake();
    let whole = " ! accept queue full :9200 app(9200) · 14 CLOSE_WAIT app(20) · 1 SYN_SENT app(40) for 30s \
                 · 1 SYN_SENT app(41) for 30s · 1 SYN_SENT app(42) for 30s";
    assert_eq!(trouble_in(&desk, 160), whole);
    assert_eq!(
        trouble_in(&desk, 80),
        " ! accept queue full :9200 app(9200) · 14 CLOSE_WAIT app(20) · 3 SYN_SENT"
    );
    assert_eq!(trouble_in(&desk, 40), " ! accept queue full :9200 · +2");
    assert_eq!(trouble_in(&desk, 10), " ! accept…");
    for width in 0..160 {
        let line = trouble_in(&desk, width);
        assert!(
            crate::columns::width(&line) <= usize::from(width),
            "{width}: {line}"
        );
    }
}

#[test]
fn the_key_goes_from_one_to_the_next_and_from_the_last_to_the_first() {
    let mut desk = Desk::new();
    desk.read(&[listener(10), full(20), listener(30), full(40), listener(50)]);
    let mut go = |expected| {
        desk.press("!");
        assert_eq!(desk.selected_port(), Some(expected));
        footer(&desk)
    };
    assert_eq!(
        go(20),
        " 1 of 2 in trouble: its accept queue is full, new clients hang"
    );
    go(40);
    go(20);
    go(40);
}

#[test]
fn trouble_in_another_view_is_gone_to_and_the_filter_stays() {
    let mut desk = Desk::new();
    desk.read(&[listener(10), connection(20, State::SynSent)]);
    desk.wait(Duration::from_secs(3)).wake();
    desk.press("1/app");
    desk.key(Key::Enter);
    assert_eq!(desk.ports(), [10]);
    desk.press("!");
    assert_eq!(
        (desk.selected_port(), desk.ports()),
        (Some(20), vec![10, 20])
    );
    assert_eq!(desk.app.rows.criteria.filter.to_string(), "app");
    // What the filter leaves out is only named.
    desk.key(Key::Esc);
    desk.press("/:10");
    desk.key(Key::Enter);
    assert_eq!(desk.ports(), [10]);
    desk.press("!");
    assert_eq!(desk.ports(), [10]);
    let expected = "no row shown here is in trouble, 1 elsewhere: Esc clears the filter";
    assert!(footer(&desk).contains(expected), "{}", footer(&desk));
}

#[test]
fn a_click_on_the_line_is_the_key() {
    let mut desk = Desk::new();
    desk.read(&[listener(10), full(20)]);
    let y = desk.view().layout.trouble.y;
    let click = desk.view().click_at(5, y);
    let action = Action::Table(crate::keymap::TableAction::NextTrouble);
    assert_eq!(click, Some(crate::app::view::Click::Do(action)));
}

#[test]
fn a_filter_for_trouble_fills_as_time_passes() {
    let mut desk = Desk::new();
    desk.read(&[listener(10), connection(20, State::SynSent)]);
    desk.press("/is:trouble");
    desk.key(Key::Enter);
    assert_eq!(desk.ports(), [0; 0]);
    desk.wait(Duration::from_secs(3)).wake();
    assert_eq!(desk.ports(), [20]);
}

fn tab_texts(desk: &Desk) -> Vec<String> {
    let tabs = desk.view().tabs.into_iter();
    tabs.map(|tab| tab.text.trim().to_owned()).collect()
}

#[test]
fn the_view_of_trouble_has_a_tab_while_something_is_wrong() {
    let mut desk = Desk::new();
    desk.read(&[listener(7), full(80)]);
    assert_eq!(tab_texts(&desk).last().unwrap(), "Trouble");
    desk.key(Key::BackTab);
    desk.key(Key::BackTab);
    desk.key(Key::BackTab);
    assert_eq!(desk.ports(), [80]);
    desk.read(&[listener(7), listener(80)]);
    assert_eq!(desk.ports(), [0; 0]);
    assert!(tab_texts(&desk).contains(&"Trouble".into()), "it is open");
    desk.wait(Duration::from_secs(11)).wake();
    assert!(tab_texts(&desk).contains(&"Trouble".into()), "it is open");
    desk.press("3");
    assert_eq!(tab_texts(&desk).len(), 4);
}

#[test]
fn the_view_of_trouble_takes_no_digit_from_the_views_of_the_config() {
    let mut desk = Desk::with(Settings {
        views: vec![CustomView {
            name: "low".into(),
            shows: Tab::All,
            filter: Filter::parse(":7").unwrap(),
            columns: None,
            sort: None,
        }],
        ..Desk::new().app.config
    });
    desk.send(Msg::Input(Input::Resized {
        width: 120,
        height: 30,
    }));
    desk.read(&[listener(7), full(80)]);
    assert_eq!(tab_texts(&desk)[4..], ["5 low", "Trouble"]);
    desk.press("6");
    assert!(footer(&desk).contains("no view 6"), "{}", footer(&desk));
    desk.press("5");
    assert_eq!(desk.ports(), [7]);
    desk.key(Key::Tab);
    assert_eq!(desk.ports(), [80]);
}

#[test]
fn the_palette_shows_the_view_of_trouble_and_the_filter_stays() {
    let mut desk = Desk::new();
    desk.read(&[full(80), full(81), listener(82)]);
    desk.press("/:80,82");
    desk.key(Key::Enter);
    desk.press(":trouble view");
    desk.key(Key::Enter);
    assert_eq!(desk.ports(), [80]);
    desk.key(Key::Esc);
    assert_eq!(desk.ports(), [80, 81]);
}

/// Time alone fills it, as it does the line.
#[test]
fn a_row_appears_in_the_view_of_trouble_when_its_time_has_come() {
    let mut desk = Desk::new();
    desk.read(&[connection(40, State::CloseWait)]);
    desk.press(":trouble view");
    desk.key(Key::Enter);
    assert_eq!(desk.ports(), [0; 0]);
    desk.wait(Duration::from_secs(30)).wake();
    assert_eq!(desk.ports(), [40]);
}
