//! Anything that can be typed, clicked, pasted or read, in any order: the program stays sane.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sockeye::app::layout::Area;
use sockeye::app::view::{Click, View};
use sockeye::app::{BindReport, Effect, Input, Mouse, Msg, WidthReason};
use sockeye::keymap::KEYMAP;
use sockeye::keymap::{Action, Key};
use sockeye::model::{Holder, Owner, Socket, State};
use sockeye::ui;

use super::stage::{Stage, asked_test, connection, known, listener, process, test_result, udp};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Key(Key),
    Mouse(Mouse),
    Paste(String),
    Resize(u16, u16),
    /// A reading of the sockets whose bit is set.
    Read(u16),
    Fail,
    /// The result of the last requested bind test, or of an older one.
    Answer {
        is_late: bool,
    },
    Wake,
    Wait(Duration),
}

fn event() -> impl Strategy<Value = Event> {
    let bound: Vec<Key> = KEYMAP
        .iter()
        .flat_map(|one| one.keys.iter())
        .copied()
        .collect();
    let cell = || (0..100u16, 0..40u16);
    let mouse = prop_oneof![
        cell().prop_map(|(column, row)| Mouse::Click { column, row }),
        cell().prop_map(|(column, row)| Mouse::Drag { column, row }),
        Just(Mouse::Release),
        cell().prop_map(|(column, row)| Mouse::WheelUp { column, row }),
        cell().prop_map(|(column, row)| Mouse::WheelDown { column, row }),
    ];
    let edge = select(vec![
        Key::Backspace,
        Key::Delete,
        Key::Left,
        Key::Right,
        Key::Ctrl('w'),
        Key::Ctrl('u'),
    ]);
    let size = prop_oneof![
        Just((80, 24)),
        Just((160, 45)),
        (0..100u16, 0..40u16),
        (1..12u16, 1..8u16),
    ];
    prop_oneof![
        12 => select(bound).prop_map(Event::Key),
        4 => any::<char>().prop_map(|c| Event::Key(Key::Char(c))),
        6 => select("nginx:80|!() tcp".chars().collect::<Vec<_>>()).prop_map(|c| Event::Key(Key::Char(c))),
        3 => edge.prop_map(Event::Key),
        4 => mouse.prop_map(Event::Mouse),
        1 => ".{0,20}".prop_map(Event::Paste),
        2 => size.prop_map(|(width, height)| Event::Resize(width, height)),
        6 => any::<u16>().prop_map(Event::Read),
        1 => Just(Event::Fail),
        2 => any::<bool>().prop_map(|is_late| Event::Answer { is_late }),
        3 => Just(Event::Wake),
        4 => (0..20_000u64).prop_map(|millis| Event::Wait(Duration::from_millis(millis))),
    ]
}

/// Sixteen sockets of every kind, some of which are there.
fn sockets(bits: u16) -> Vec<Socket> {
    let web = process(812, "nginx", "root", Duration::from_mins(90));
    let node = process(40211, "ノード", "ann", Duration::from_secs(77));
    let mut all = Vec::new();
    for n in 0..4u32 {
        all.push(listener("0.0.0.0:80", 10 + n, known(&[&web, &node])));
        all.push(listener(
            &format!("[::1]:{}", 8080 + n),
            20 + n,
            Owner::Hidden,
        ));
        let peer = format!("10.0.0.9:{}", 50000 + n);
        let state = State::ALL[(usize::from(bits) + n as usize) % State::ALL.len()];
        all.push(connection(
            "10.0.0.7:443",
            &peer,
            state,
            30 + n,
            known(&[&web]),
        ));
        all.push(udp(
            &format!("127.0.0.1:{}", 53 + n),
            None,
            40 + n,
            known(&[&node]),
        ));
    }
    let bit = |at: usize| bits & (1 << at) != 0;
    let there = all.into_iter().enumerate().filter(|(at, _)| bit(*at));
    there.map(|(_, socket)| socket).collect()
}

/// The app and its requested effects.
struct Run {
    stage: Stage,
    asked: Vec<Effect>,
}

impl Run {
    fn take(&mut self, event: &Event) -> Vec<Effect> {
        match event {
            Event::Key(key) => return self.stage.key(*key),
            Event::Mouse(mouse) => return self.input(Input::Mouse(*mouse)),
            Event::Paste(text) => return self.input(Input::Paste(text.clone())),
            Event::Resize(width, height) => drop(self.stage.resize(*width, *height)),
            Event::Read(bits) => drop(self.stage.read(&sockets(*bits))),
            Event::Fail => drop(self.stage.send(Msg::SnapshotFailed("unreadable".into()))),
            Event::Answer { is_late } => self.answer(*is_late),
            Event::Wake => return self.stage.send(Msg::Woke),
            Event::Wait(time) => drop(self.stage.wait(*time)),
        }
        Vec::new()
    }

    fn input(&mut self, input: Input) -> Vec<Effect> {
        self.stage.send(Msg::Input(input))
    }

    fn answer(&mut self, is_late: bool) {
        let tests = self
            .asked
            .iter()
            .filter_map(|one| asked_test(std::slice::from_ref(one)));
        let asked = if is_late {
            tests.min_by_key(|(job, _)| *job)
        } else {
            tests.max_by_key(|(job, _)| *job)
        };
        if let Some((job, target)) = asked {
            // What answers depends on the port alone, so that each kind of answer comes.
            let port = *target.ports.start();
            let refused = (port % 3 > 0).then_some("EADDRINUSE");
            let answers = [("0.0.0.0", None, true, refused)];
            let left = Holder {
                expires_in: (port % 3 > 1).then_some(Duration::from_millis(7300)),
                ..Holder::new(connection(
                    &format!("10.0.0.7:{port}"),
                    "10.0.0.9:50000",
                    State::TimeWait,
                    1,
                    Owner::None,
                ))
            };
            let test_result = test_result(&target, self.stage.now, &[left], &answers);
            let report = BindReport { job, test_result };
            let effects = self.stage.send(Msg::BindTested(Box::new(report)));
            self.asked.extend(effects);
        }
    }

    fn view(&self) -> View {
        self.stage.app.view(self.stage.now)
    }
}

fn draw(view: &View) {
    let backend = TestBackend::new(view.size.width, view.size.height);
    let mut terminal = Terminal::new(backend).expect("a buffer takes everything");
    terminal
        .draw(|frame| ui::draw(frame, view))
        .expect("a buffer takes everything");
}

/// What must hold of every screen.
fn is_sane(view: &View) -> Result<(), TestCaseError> {
    let rows = usize::from(view.layout.rows.height);
    prop_assert!(view.rows.len() <= rows);
    prop_assert_eq!(view.rows.is_empty(), view.empty.is_some());
    let selected = view.rows.iter().filter(|row| row.is_selected).count();
    prop_assert_eq!(
        selected,
        usize::from(!view.rows.is_empty()),
        "one row has the cursor"
    );
    let spans = view.header.iter().chain(view.footer.iter().flatten());
    let panes = view
        .pane
        .iter()
        .flat_map(|pane| pane.lines.iter().flatten());
    let overlays = view
        .overlay
        .iter()
        .flat_map(|over| over.lines.iter().flatten());
    for span in spans.chain(panes).chain(overlays) {
        prop_assert!(!span.text.contains(char::is_control), "{:?}", span);
    }
    for cell in view.rows.iter().flat_map(|row| &row.cells) {
        let cells = u16::try_from(sockeye::columns::width(&cell.text)).unwrap_or(u16::MAX);
        prop_assert!(cell.x + cells <= view.size.width.max(cell.x + cells.min(6)));
        prop_assert!(!cell.text.contains(char::is_control), "{:?}", cell);
    }
    let l = &view.layout;
    let parts = [
        l.header, l.trouble, l.tabs, l.titles, l.rows, l.pane, l.footer,
    ];
    for (at, part) in parts.iter().enumerate() {
        prop_assert!(part.x + part.width <= view.size.width, "{:?}", l);
        prop_assert!(part.y + part.height <= view.size.height, "{:?}", l);
        for other in &parts[at + 1..] {
            prop_assert!(!overlap(*part, *other), "{:?}", l);
        }
    }
    if let Some(pane) = &view.pane {
        let is_in_sight = pane.selected.is_none_or(|at| at < pane.lines.len());
        prop_assert!(is_in_sight || l.pane.height < 4, "{:?}", pane);
        prop_assert!(pane.is_focused || pane.selected.is_none());
        let room = l
            .pane
            .width
            .saturating_sub(if l.has_borders { 4 } else { 0 });
        for line in &pane.lines {
            let cells = line.iter().map(|span| sockeye::columns::width(&span.text));
            prop_assert!(
                cells.sum::<usize>() <= room.into(),
                "{:?} in {}",
                line,
                room
            );
        }
    }
    for target in &view.targets {
        let area = target.area;
        prop_assert!(area.x + area.width <= view.size.width, "{:?}", target);
        prop_assert!(area.y + area.height <= view.size.height, "{:?}", target);
    }
    Ok(())
}

fn overlap(one: Area, other: Area) -> bool {
    let meet = |a: u16, width: u16, b: u16, other: u16| a < b + other && b < a + width;
    meet(one.x, one.width, other.x, other.width) && meet(one.y, one.height, other.y, other.height)
}

/// Where the columns begin and how wide they are.
fn columns(view: &View) -> Vec<(u16, usize)> {
    let titles = view.titles.iter();
    let each = titles.map(|title| (title.x, sockeye::columns::width(&title.text)));
    each.collect()
}

/// Whether this may be why an event moved the columns. Without input only rows can; a key may also show rows that were
/// held back.
fn may_move_columns(event: &Event, reason: WidthReason) -> bool {
    match event {
        Event::Read(_) | Event::Wake | Event::Wait(_) => reason == WidthReason::Rows,
        Event::Resize(..) => reason == WidthReason::Room,
        Event::Fail | Event::Answer { .. } => false,
        Event::Key(_) | Event::Mouse(_) | Event::Paste(_) => true,
    }
}

/// Whether it says yes: the key, or a click on its hint.
fn says_yes(event: &Event, view: &View) -> bool {
    match event {
        Event::Key(key) => matches!(key, Key::Char('y' | 'Y')),
        Event::Mouse(Mouse::Click { column, row }) => {
            view.click_at(*column, *row)
                == Some(Click::Do(Action::Dialog(
                    sockeye::keymap::DialogAction::Confirm,
                )))
        }
        _ => false,
    }
}

/// A clearing `Esc` selected rows for more lines than were left beside what it said.
#[test]
fn the_cursor_is_in_sight_after_every_key_of_a_filter_in_the_smallest_terminals() {
    for (width, height) in (1..24).flat_map(|width| (4..12).map(move |height| (width, height))) {
        for seed in 0..4 {
            let stage = Stage::new(width, height);
            let mut run = Run {
                stage,
                asked: Vec::new(),
            };
            let keys = ['3', 'G', 'p', '/', '8', '\u{1b}', 'p', 'k', '/', '8'];
            let keys = keys.map(|key| match key {
                '\u{1b}' => Key::Esc,
                key => Key::Char(key),
            });
            let last = [Key::Enter, Key::Esc];
            let events = keys.into_iter().chain(last).map(Event::Key);
            for event in std::iter::once(Event::Read(1000 + seed)).chain(events) {
                run.take(&event);
                let sane = is_sane(&run.view());
                assert!(sane.is_ok(), "{width}x{height} {event:?}: {sane:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_events_panics_or_ends_a_process_without_a_confirmation(events in vec(event(), 500)) {
        let mut run = Run { stage: Stage::new(80, 24), asked: Vec::new() };
        for (at, event) in events.iter().enumerate() {
            let seen = run.view();
            let question = seen.overlay.as_ref().is_some_and(|over| over.title.starts_with("end "));
            let effects = run.take(event);
            for effect in &effects {
                if let Effect::EndProcess(_) | Effect::EndSeveral { .. } = effect {
                    prop_assert!(question, "nobody asked");
                    prop_assert!(says_yes(event, &seen), "{:?}", event);
                }
            }
            run.asked.extend(effects);
            let view = run.view();
            is_sane(&view)?;
            if at % 10 == 0 {
                draw(&view);
            }
        }
    }

    #[test]
    fn the_columns_move_only_for_a_reason_that_is_named(events in vec(event(), 200)) {
        let mut run = Run { stage: Stage::new(160, 45), asked: Vec::new() };
        let mut seen = (columns(&run.view()), run.stage.app.width_changes());
        for event in &events {
            let effects = run.take(event);
            run.asked.extend(effects);
            let now = (columns(&run.view()), run.stage.app.width_changes());
            let (changes, reason) = now.1;
            if now.0 != seen.0 {
                prop_assert!(changes > seen.1.0, "{:?} moved the columns", event);
                let reason = reason.expect("a change has a reason");
                prop_assert!(may_move_columns(event, reason), "{:?} for {:?}", event, reason);
            }
            seen = now;
        }
    }

    /// Whatever rows come, change, close and go, and wherever the table is scrolled to: once the columns have had room
    /// for all of them, they stand still.
    #[test]
    fn no_table_moves_the_columns_a_second_time(
        tables in vec((any::<u16>(), 0..9000u64, any::<bool>()), 1..12),
        size in select(vec![(160, 45), (110, 30), (80, 24), (40, 10)]),
    ) {
        let mut stage = Stage::new(size.0, size.1);
        let pass = |stage: &mut Stage| {
            let mut all = Vec::new();
            for &(bits, millis, is_down) in &tables {
                stage.wait(Duration::from_millis(millis)).read(&sockets(bits));
                stage.key(if is_down { Key::PageDown } else { Key::PageUp });
                all.push(columns(&stage.app.view(stage.now)));
            }
            all
        };
        pass(&mut stage);
        pass(&mut stage);
        let mut last = pass(&mut stage);
        last.dedup();
        prop_assert_eq!(last.len(), 1, "{:?}", last);
    }

    /// The program sleeps until `next_wake`: until then, time alone changes nothing.
    #[test]
    fn time_changes_nothing_before_the_next_wake(events in vec(event(), 60)) {
        let mut run = Run { stage: Stage::new(160, 45), asked: Vec::new() };
        for event in &events {
            let effects = run.take(event);
            run.asked.extend(effects);
            // What is overdue happens at once: the runtime wakes the program before it draws.
            run.stage.send(Msg::Woke);
            let (view, now) = (run.view(), run.stage.now);
            let day = Duration::from_hours(24);
            let sleep = run.stage.app.next_wake(now).unwrap_or(day);
            let almost = sleep.saturating_sub(Duration::from_millis(6));
            run.stage.wait(almost);
            prop_assert_eq!(run.view(), view, "after {:?} of {:?}", almost, sleep);
        }
    }
}
