//! The cursor stays on its row or group and marks on their rows, whatever else happens to the table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sockeye::app::Msg;
use sockeye::app::view::{RowSign, RowView, View};
use sockeye::keymap::Key;
use sockeye::model::{Namespace, NamespaceId, Socket, State};

use super::stage::{Stage, connection, known, process};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// A key that moves the cursor.
    Move(Key),
    /// A key after which the cursor is on the same row or group, if that is still there.
    Key(Key),
    /// A key that marks or unmarks rows.
    Mark(Key),
    /// A snapshot of the sockets whose bit is set, in states that follow from the number.
    Read(u16, usize),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let moving = vec![
        Key::Down,
        Key::Up,
        Key::Home,
        Key::End,
        Key::Left,
        Key::PageDown,
    ];
    let keys = [
        'z', 's', 'S', 'n', '1', '2', '3', '4', 't', 'U', 'p', 'e', 'd', 'N',
    ];
    let keys = keys.map(Key::Char).into_iter();
    let keys = keys.chain([Key::Right, Key::Esc, Key::F(5)]);
    prop_oneof![
        4 => select(moving).prop_map(Event::Move),
        5 => select(keys.collect::<Vec<_>>()).prop_map(Event::Key),
        3 => select(vec![Key::Char(' '), Key::Char('V')]).prop_map(Event::Mark),
        4 => (any::<u16>(), 0..4usize).prop_map(|(bits, states)| Event::Read(bits, states)),
        2 => (0..8000u64).prop_map(Event::Wait),
    ]
}

/// Sixteen connections of four processes to four peers, some in another namespace; no two have the same address.
fn sockets(bits: u16, states: usize) -> Vec<Socket> {
    let states = |number: usize| {
        [State::Established, State::CloseWait, State::TimeWait][(number + states) % 3]
    };
    let socket = |number: usize| {
        let id = u32::try_from(number).expect("there are sixteen");
        let owner = process(
            100 + id % 4,
            ["nginx", "node"][number % 2],
            "ann",
            Duration::from_mins(9),
        );
        let local = format!("10.0.0.7:{}", 4000 + number);
        let peer = format!("10.0.0.{}:443", 10 + number / 4);
        let namespace = (number % 3 == 1).then(|| {
            let id = 1 + id % 2;
            Arc::new(Namespace {
                id: NamespaceId(id),
                inode: None,
                cookie: None,
                name: format!("web-{id}").as_str().into(),
                container: None,
            })
        });
        Socket {
            namespace,
            ..connection(&local, &peer, states(number), 1 + id, known(&[&owner]))
        }
    };
    let there = (0..16).filter(|number| bits & (1 << number) != 0);
    there.map(socket).collect()
}

/// What a line shows: of a group its fields, its group and its key, of a row its port. Closed rows are left out: a new socket
/// may have their address.
fn identities(view: &View) -> Vec<Option<String>> {
    let grouping: String = view.filter.iter().map(|span| span.text.as_str()).collect();
    let grouping = grouping
        .split("  ")
        .find(|part| part.starts_with("by "))
        .map(str::to_owned);
    let port = view
        .titles
        .iter()
        .position(|title| title.text.contains("PORT"));
    let is_group = |row: &RowView| row.cells[0].text.starts_with(['▸', '▾']);
    let identity = |row: &RowView| {
        if is_group(row) {
            return Some(format!("{grouping:?} {}", row.cells[1].text));
        }
        let is_closed = row.cells.iter().any(|cell| cell.text.trim() == "closed");
        let port = row.cells.get(port?)?.text.trim();
        (!is_closed).then(|| port.to_owned())
    };
    view.rows.iter().map(identity).collect()
}

fn is_paused(view: &View) -> bool {
    let mut spans = view.header.iter().chain(&view.header_right);
    spans.any(|span| span.text.contains("paused"))
}

fn selected(view: &View) -> Option<String> {
    let at = view.rows.iter().position(|row| row.is_selected)?;
    identities(view).swap_remove(at)
}

/// Whether each row in sight is marked, by its port; groups and closed rows are left out.
fn marks(view: &View) -> BTreeMap<String, bool> {
    let rows = identities(view).into_iter().zip(&view.rows);
    let marks = rows.filter_map(|(identity, row)| {
        let port = identity.filter(|one| one.parse::<u16>().is_ok())?;
        Some((port, row.sign == Some(RowSign::Marked)))
    });
    marks.collect()
}

fn happen(stage: &mut Stage, event: &Event) {
    match event {
        Event::Move(key) | Event::Key(key) | Event::Mark(key) => drop(stage.key(*key)),
        Event::Read(bits, states) => drop(stage.read(&sockets(*bits, *states))),
        Event::Wait(millis) => {
            stage.wait(Duration::from_millis(*millis));
            stage.send(Msg::Woke);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_moves_the_cursor_off_its_row_or_group_while_that_is_there(
        events in vec(event(), 80),
    ) {
        // Every line is in sight.
        let mut stage = Stage::new(160, 70);
        stage.read(&sockets(u16::MAX, 0));
        stage.press("3");
        for event in &events {
            let view = stage.app.view(stage.now);
            let (before, was_paused) = (selected(&view), is_paused(&view));
            happen(&mut stage, event);
            let view = stage.app.view(stage.now);
            if was_paused && !is_paused(&view) {
                // Meanwhile another socket may have got the port.
                continue;
            }
            let is_there = before.is_some() && identities(&view).contains(&before);
            if !matches!(event, Event::Move(_) | Event::Mark(_)) && is_there {
                prop_assert_eq!(selected(&view), before, "after {:?}", event);
            }
        }
    }

    /// Only `Esc` clears them, and only the keys for that change them.
    #[test]
    fn nothing_moves_a_mark_off_its_row_while_that_is_there(events in vec(event(), 80)) {
        let mut stage = Stage::new(160, 70);
        stage.read(&sockets(u16::MAX, 0));
        stage.press("3");
        for event in &events {
            let view = stage.app.view(stage.now);
            let (before, was_paused) = (marks(&view), is_paused(&view));
            happen(&mut stage, event);
            let view = stage.app.view(stage.now);
            let after = marks(&view);
            let has_resumed = was_paused && !is_paused(&view);
            if has_resumed || matches!(event, Event::Mark(_) | Event::Key(Key::Esc)) {
                continue;
            }
            for (port, is_marked) in before {
                let now = after.get(&port);
                prop_assert!(now.is_none_or(|&now| now == is_marked), "{} after {:?}", port, event);
            }
        }
    }
}
