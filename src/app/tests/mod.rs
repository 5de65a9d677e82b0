//! What keys, readings and time make of the program, scene by scene.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::keymap::{KEYMAP, Keymap, Mode};
use super::view::View;
use super::*;
use crate::columns;
use crate::model::{
    Background, Endpoint, Kinds, Limits, Lineage, Owner, Process, Protocol, Snapshot, Socket, State,
};
use crate::theme::{Depth, Glyphs};
use crate::track::{RowId, Tracker};

mod bind;
mod ending;
mod faults;
mod kinds;
mod marked;
mod mouse;
mod palette;
mod pause;
mod ports;
mod prompt;
mod recorded;
mod settings;
mod stats;
mod themes;

const HIGHLIGHT: Duration = Duration::from_secs(5);
const LINGER: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn moment(since_start: Duration) -> Moment {
    Moment {
        steady: Duration::from_secs(100) + since_start,
        wall: jiff::Timestamp::from_second(1_767_355_200).unwrap() + since_start,
    }
}

/// The program on a terminal of 80×24, the tracker that feeds it, and the time.
struct Desk {
    app: App,
    tracker: Tracker,
    time: Duration,
    /// Whether the scene itself answers what is asked of owners.
    inspects_itself: bool,
}

impl Desk {
    fn new() -> Self {
        Self::with(Settings {
            linger: LINGER,
            highlight: HIGHLIGHT,
            view: Tab::All,
            ..Settings::default()
        })
    }

    fn with(settings: Settings) -> Self {
        let surroundings = Environment {
            host: "host".into(),
            is_recording: false,
            uid: Some(1000),
            lineage: Lineage::default(),
            time_zone: jiff::tz::TimeZone::UTC,
            size: Size {
                width: 80,
                height: 24,
            },
            depth: Depth::Full,
            glyphs: Glyphs::Unicode,
        };
        Self {
            app: App::new(settings, surroundings, moment(Duration::ZERO)),
            tracker: Tracker::new(LINGER),
            time: Duration::ZERO,
            inspects_itself: false,
        }
    }

    /// With listeners on these ports.
    fn with_ports(ports: &[u16]) -> Self {
        let mut desk = Self::new();
        desk.read_ports(ports);
        desk
    }

    fn now(&self) -> Moment {
        moment(self.time)
    }

    fn wait(&mut self, time: Duration) -> &mut Self {
        self.time += time;
        self
    }

    fn wake(&mut self) -> Vec<Effect> {
        self.tell(Msg::Woke)
    }

    /// Unless a scene looks for itself, what is behind owners is read at once and is nothing.
    fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        let now = self.now();
        let effects = self.app.update(msg, now);
        self.inspect(effects)
    }

    fn inspect(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        let now = self.now();
        let is_inspection = |effect: &Effect| matches!(effect, Effect::InspectOwner { .. });
        while let Some(at) = effects
            .iter()
            .position(is_inspection)
            .filter(|_| !self.inspects_itself)
        {
            let found = ordinary(&effects.remove(at));
            effects.extend(self.app.update(Msg::OwnerInspected(Box::new(found)), now));
        }
        effects
    }

    fn read(&mut self, sockets: &[Socket]) {
        let observation = self.tracker.apply(Snapshot {
            kinds: self.app.criteria.kinds.and(Kinds::DEFAULT),
            ephemeral: None,
            taken_at: self.now(),
            sockets: sockets.to_vec(),
            processes: HashMap::new(),
            problems: Vec::new(),
        });
        self.tell(Msg::SnapshotTaken(observation));
    }

    fn read_ports(&mut self, ports: &[u16]) {
        let sockets: Vec<_> = ports.iter().map(|&port| listener(port)).collect();
        self.read(&sockets);
    }

    /// Reads these ports twice, a second apart: what closed is known to have closed then.
    fn settle_on(&mut self, ports: &[u16]) {
        for _ in 0..2 {
            self.wait(SECOND).read_ports(ports);
        }
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        self.tell(Msg::Input(Input::Key(key)))
    }

    fn press(&mut self, keys: &str) -> Vec<Effect> {
        keys.chars().flat_map(|c| self.key(Key::Char(c))).collect()
    }

    fn view(&self) -> View {
        self.app.view(self.now())
    }

    fn selected_port(&self) -> Option<u16> {
        self.app.selected().map(|row| row.socket.local.port)
    }

    /// The ports in sight, from the top.
    fn ports(&self) -> Vec<u16> {
        let rows = self.app.rows_in_view();
        rows.map(|row| row.socket.local.port).collect()
    }

    /// Line of the screen on which the cursor is, counted from the first row.
    fn line(&self) -> usize {
        self.app.cursor.place() - self.app.cursor.top()
    }

    fn mode(&self) -> Mode {
        self.app.mode()
    }
}

fn process(pid: u32) -> Arc<Process> {
    Arc::new(Process {
        command: Some("app --serve".into()),
        user: Some("ann".into()),
        ..Process::new(pid, "app")
    })
}

fn listener(port: u16) -> Socket {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), port);
    Socket {
        inode: Some(u32::from(port)),
        uid: Some(1000),
        user: Some("ann".into()),
        owner: Owner::Known([process(u32::from(port))].into()),
        ..Socket::new(Protocol::Tcp, local, None, State::Listen)
    }
}

/// The answer to a request for what is behind owners: nothing.
fn ordinary(effect: &Effect) -> Inspected {
    let Effect::InspectOwner { job, socket } = effect else {
        panic!("{effect:?}")
    };
    let owners = socket.owner.present().iter();
    Inspected {
        job: *job,
        backgrounds: owners.map(|owner| Background::new(owner.pid)).collect(),
        supervisor: None,
        limits: Limits::default(),
    }
}

fn pane_text(desk: &Desk) -> String {
    let pane = desk.view().pane.expect("a pane is open");
    let lines = pane.lines.iter().flatten();
    lines.map(|span| span.text.as_str()).collect()
}

fn footer(desk: &Desk) -> String {
    let view = desk.view();
    let spans = view.footer.iter().flatten();
    spans.map(|span| span.text.as_str()).collect()
}

fn pane_title(desk: &Desk) -> String {
    desk.view().pane.expect("a pane is open").title
}

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

// Keys.

#[test]
fn every_action_has_a_key() {
    let variants: BTreeSet<String> = include_str!("../action.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(','))
        .map(String::from)
        .collect();
    assert!(variants.contains("Down") && variants.contains("RecallLater"));
    let bound: BTreeSet<String> = KEYMAP
        .iter()
        .map(|binding| format!("{:?}", binding.action))
        .collect();
    assert_eq!(variants, bound);
}

#[test]
fn every_key_of_the_table_does_something() {
    for binding in Keymap::default().bindings(Mode::Table) {
        for &key in &*binding.keys {
            let mut desk = Desk::with_ports(&(1000..1100).collect::<Vec<_>>());
            let (width, height) = (160, 24);
            desk.tell(Msg::Input(Input::Resized { width, height }));
            desk.press("/a");
            desk.key(Key::Enter);
            desk.press("eGk");
            for _ in 0..40 {
                desk.key(Key::Char('k'));
            }
            desk.settle_on(&[80]);
            desk.settle_on(&(1000..1100).collect::<Vec<_>>());
            desk.press("]");
            if binding.action == Action::ShowView(2) {
                desk.press("1");
            }
            let before = desk.view();
            let effects = desk.key(key);
            assert!(
                !effects.is_empty() || desk.view() != before,
                "{key} ({:?})",
                binding.action
            );
        }
    }
}

#[test]
fn k_never_ends_a_process_whatever_is_open() {
    for open in ["", "e", "b", "C", "c", "?", "B", "/"] {
        let mut desk = Desk::with_ports(&[80, 81, 82]);
        desk.press(open);
        for _ in 0..20 {
            let effects = desk.key(Key::Char('k'));
            let ends = |effect: &Effect| matches!(effect, Effect::EndProcess(_));
            assert!(!effects.iter().any(ends), "after {open:?}");
            assert_ne!(desk.mode(), Mode::Question);
        }
    }
}

#[test]
fn ctrl_c_quits_from_every_mode() {
    for (open, mode) in [
        ("", Mode::Table),
        ("/", Mode::Prompt),
        ("B", Mode::Prompt),
        ("C", Mode::Menu),
        ("K", Mode::Question),
        ("?", Mode::Help),
    ] {
        let mut desk = Desk::with_ports(&[80]);
        desk.press(open);
        assert_eq!(desk.mode(), mode, "{open}");
        assert_eq!(desk.key(Key::Ctrl('c')), [Effect::End(Exit::Quit)]);
    }
}

#[test]
fn every_mode_is_left_with_esc_and_nothing_is_lost() {
    for open in ["B", "C", "c", "K", "?"] {
        let mut desk = Desk::with_ports(&[80, 81]);
        desk.press("j");
        let before = desk.view();
        desk.press(open);
        assert_ne!(desk.mode(), Mode::Table, "{open}");
        assert_eq!(desk.key(Key::Esc), []);
        assert_eq!(desk.mode(), Mode::Table);
        assert_eq!(desk.view(), before, "{open}");
    }
}

#[test]
fn esc_closes_the_pane_first_and_clears_the_filter_then() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("/:81");
    desk.key(Key::Enter);
    desk.press("e");
    desk.key(Key::Esc);
    assert!(desk.app.pane.is_none());
    assert_eq!(desk.ports(), [81], "the filter is still there");
    desk.key(Key::Esc);
    assert_eq!(desk.ports(), [80, 81]);
}

#[test]
fn a_recording_may_claim_the_end_of_time() {
    let mut desk = Desk::new();
    let observation = desk.tracker.apply(Snapshot {
        kinds: Kinds::DEFAULT,
        ephemeral: None,
        taken_at: Moment {
            wall: jiff::Timestamp::MAX,
            ..desk.now()
        },
        sockets: vec![listener(80)],
        processes: HashMap::new(),
        problems: Vec::new(),
    });
    desk.tell(Msg::SnapshotTaken(observation));
    desk.wait(SECOND).wake();
    for key in ["j", "e"] {
        desk.press(key);
        let _ = desk.app.view(desk.now());
    }
    desk.key(Key::Enter);
    assert_eq!(desk.app.view(desk.now()).rows.len(), 1);
}

#[test]
fn what_a_recording_shows_is_left_alone() {
    let mut desk = Desk::with_ports(&[80]);
    desk.app.surroundings.is_recording = true;
    for key in ["b", "B", "f", "K", "x"] {
        assert_eq!(desk.press(key), [], "{key}");
        assert_eq!(desk.mode(), Mode::Table, "{key}");
        assert!(
            desk.app.notice.is_some() && desk.app.pane.is_none(),
            "{key}"
        );
    }
}

// The cursor.

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
        desk.tell(Msg::Input(Input::Resized { width: 80, height }));
        assert!(desk.ports().contains(&1099), "height {height}");
    }
}

/// On a small terminal a prompt, a question or a notice takes a line from the table.
#[test]
fn the_selected_row_stays_in_sight_when_the_bottom_lines_grow() {
    for open in ["/", "B", "K", "C", "?"] {
        let mut desk = Desk::with_ports(&(1000..1100).collect::<Vec<_>>());
        let (width, height) = (40, 10);
        desk.tell(Msg::Input(Input::Resized { width, height }));
        desk.press("G");
        desk.press(open);
        assert!(desk.ports().contains(&1099), "{open}");
    }
}

#[test]
fn a_click_selects_the_row_under_it() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    let click = |column, row| Msg::Input(Input::Mouse(Mouse::Click { column, row }));
    desk.tell(click(40, 5));
    assert_eq!(desk.selected_port(), Some(30));
    desk.tell(click(40, 20));
    assert_eq!(desk.selected_port(), Some(30), "there is no row");
}

#[test]
fn a_click_on_a_heading_sorts_and_one_more_reverses() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    let port = desk
        .view()
        .titles
        .iter()
        .find(|title| title.is_sorted)
        .unwrap()
        .x;
    let click = Msg::Input(Input::Mouse(Mouse::Click {
        column: port,
        row: 2,
    }));
    desk.tell(click.clone());
    assert_eq!(desk.ports(), [30, 20, 10]);
    desk.tell(click);
    assert_eq!(desk.ports(), [10, 20, 30]);
}

#[test]
fn a_click_on_a_view_shows_it() {
    let mut desk = Desk::with_ports(&[10]);
    for (at, tab) in desk.view().tabs.into_iter().enumerate() {
        let column = tab.x;
        desk.tell(Msg::Input(Input::Mouse(Mouse::Click { column, row: 1 })));
        assert!(desk.view().tabs[at].is_selected, "{}", tab.text);
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
        let order = desk.app.selection.shown().to_vec();
        sockets.rotate_left(7);
        sockets.reverse();
        desk.wait(Duration::from_millis(10)).read(&sockets);
        assert_eq!(
            desk.app.selection.shown(),
            order,
            "sorted by {:?}",
            desk.app.criteria.sort
        );
        desk.press("s");
    }
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
fn a_hidden_owner_is_told_once_in_a_row() {
    let mut desk = Desk::new();
    let hidden = |port, owner| Socket {
        owner,
        user: Some("root".into()),
        ..listener(port)
    };
    desk.read(&[hidden(22, Owner::Hidden), hidden(2049, Owner::Kernel)]);
    let row = |desk: &Desk, at: usize| {
        let cells = desk.view().rows.remove(at).cells.into_iter();
        let texts: Vec<_> = cells.map(|cell| cell.text.trim().to_owned()).collect();
        texts.join("|")
    };
    let narrow = row(&desk, 0);
    assert_eq!(narrow.matches("hidden").count(), 1, "{narrow}");
    assert!(narrow.contains("|–|root · hidden"), "{narrow}");
    assert_eq!(row(&desk, 1).matches("kernel").count(), 1);
    let (width, height) = (160, 45);
    desk.tell(Msg::Input(Input::Resized { width, height }));
    let wide = row(&desk, 0);
    assert!(wide.contains("|–|hidden|root|"), "{wide}");
}

#[test]
fn ending_before_the_bind_test_has_its_answer_or_without_a_row_says_so() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("bK");
    assert!(footer(&desk).contains("the bind test has no answer yet"));
    let mut desk = Desk::with_ports(&[]);
    desk.press("K");
    assert!(footer(&desk).contains("no row is selected"));
}

// Time and pause.

#[test]
fn a_closed_row_goes_when_its_time_is_over() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.wait(SECOND).read_ports(&[10]);
    desk.wait(SECOND).read_ports(&[10]);
    // It was missed one second ago, which counts.
    desk.wait(Duration::from_millis(8999)).wake();
    assert_eq!(desk.ports(), [10, 20]);
    desk.wait(Duration::from_millis(1)).wake();
    assert_eq!(desk.ports(), [10]);
}

#[test]
fn a_mark_goes_when_its_time_is_over() {
    let mut desk = Desk::with_ports(&[10]);
    desk.wait(SECOND).read_ports(&[10, 20]);
    let marks = |desk: &Desk| -> Vec<bool> {
        desk.view()
            .rows
            .iter()
            .map(|row| row.mark.is_some())
            .collect()
    };
    assert_eq!(marks(&desk), [false, true]);
    desk.wait(Duration::from_millis(4999));
    assert_eq!(marks(&desk), [false, true]);
    desk.wait(Duration::from_millis(1));
    assert_eq!(marks(&desk), [false, false]);
}

/// Only the clock in the header goes on.
#[test]
fn a_paused_table_stands_still_with_its_marks_and_closed_rows() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.settle_on(&[10, 30]);
    assert_eq!(desk.press("p"), [Effect::SetPaused(true)]);
    let before = desk.view();
    assert_eq!(desk.ports(), [10, 20, 30]);
    for _ in 0..10 {
        desk.wait(Duration::from_secs(30)).wake();
        let after = desk.view();
        assert_eq!(after.rows, before.rows);
    }
    assert_ne!(desk.view().header_right, before.header_right);
    assert_eq!(desk.press("p"), [Effect::SetPaused(false)]);
    assert_eq!(desk.ports(), [10, 30], "time has passed after all");
}

#[test]
fn the_cursor_moves_in_a_paused_table_and_no_row_jumps() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("p");
    let ports = desk.ports();
    for key in ["j", "j", "k", "g", "G"] {
        desk.wait(Duration::from_secs(7)).press(key);
        assert_eq!(desk.ports(), ports);
    }
    assert_eq!(desk.selected_port(), Some(30));
}

/// The program sleeps until `next_wake`; what is on the screen must be right until then.
#[test]
fn nothing_on_the_screen_changes_before_the_next_wake() {
    let mut desk = Desk::new();
    let (width, height) = (160, 24);
    desk.tell(Msg::Input(Input::Resized { width, height }));
    let mut old = listener(10);
    let started = moment(Duration::ZERO).wall - Duration::from_millis(130_500);
    old.owner = Owner::Known(
        [Arc::new(Process {
            started_at: Some(started),
            ..(*process(10)).clone()
        })]
        .into(),
    );
    desk.read(&[old.clone(), listener(20)]);
    desk.wait(SECOND * 2).read(&[old.clone(), listener(30)]);
    desk.wait(SECOND).read(&[old, listener(30)]);
    let mut looks = 0;
    for _ in 0..400 {
        let view = desk.view();
        let Some(sleep) = desk.app.next_wake(desk.now()) else {
            break;
        };
        assert!(sleep > Duration::ZERO);
        let almost = moment(desk.time + sleep.saturating_sub(Duration::from_millis(6)));
        assert_eq!(
            desk.app.view(almost),
            view,
            "at {:?} + {sleep:?}",
            desk.time
        );
        desk.wait(sleep).wake();
        looks += usize::from(desk.view() != view);
    }
    assert!(
        looks > 100,
        "the program woke to something new {looks} times"
    );
}

#[test]
fn a_paused_table_wakes_for_nothing_but_the_minutes_of_its_pause() {
    let mut desk = Desk::with_ports(&[10]);
    desk.wait(SECOND).read_ports(&[10, 20]);
    desk.press("p");
    let sleep = desk.app.next_wake(desk.now()).unwrap();
    assert!(sleep >= Duration::from_mins(1), "{sleep:?}");
}

#[test]
fn a_notice_goes_by_itself_and_at_the_next_key() {
    let done = || Msg::JobDone {
        succeeded: true,
        message: "written".into(),
    };
    let mut desk = Desk::with_ports(&[10]);
    desk.tell(done());
    assert!(footer(&desk).contains("written"));
    desk.wait(Duration::from_secs(8)).wake();
    assert!(!footer(&desk).contains("written"));
    desk.tell(done());
    desk.press("j");
    assert!(!footer(&desk).contains("written"));
}

// The filter.

#[test]
fn the_last_good_filter_stays_in_force_while_the_text_is_wrong() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("/:20");
    assert_eq!(desk.ports(), [20], "it holds while it is typed");
    desk.press(" (");
    assert!(desk.app.filter_error.is_some());
    assert_eq!(desk.ports(), [20]);
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Prompt, "a wrong filter is not kept");
    desk.key(Key::Backspace);
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Table);
    assert_eq!(desk.ports(), [20]);
}

#[test]
fn esc_in_the_prompt_clears_the_filter() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("/:20 (");
    desk.key(Key::Esc);
    assert_eq!(desk.ports(), [10, 20]);
    assert!(desk.app.filter_error.is_none());
    desk.press("/");
    let Modal::Prompt(prompt) = &desk.app.modal else {
        panic!("no prompt")
    };
    assert_eq!(prompt.text(), "");
}

#[test]
fn kept_filters_are_recalled_once_each_the_latest_first() {
    let mut desk = Desk::with_ports(&[10, 20]);
    for text in [":10", ":20", ":10"] {
        desk.key(Key::Esc);
        desk.press("/");
        desk.press(text);
        desk.key(Key::Enter);
    }
    desk.key(Key::Esc);
    desk.press("/");
    let mut recalled = |key| {
        desk.key(key);
        let Modal::Prompt(prompt) = &desk.app.modal else {
            panic!("no prompt")
        };
        (prompt.text().to_owned(), desk.ports())
    };
    assert_eq!(recalled(Key::Up), (":10".into(), vec![10]));
    assert_eq!(recalled(Key::Up), (":20".into(), vec![20]));
    assert_eq!(recalled(Key::Up), (":20".into(), vec![20]));
    assert_eq!(recalled(Key::Down), (":10".into(), vec![10]));
    assert_eq!(recalled(Key::Down), (String::new(), vec![10, 20]));
}

#[test]
fn a_paste_goes_into_the_prompt_and_nowhere_else() {
    let mut desk = Desk::with_ports(&[10, 20]);
    let paste = |text: &str| Msg::Input(Input::Paste(text.into()));
    let before = desk.view();
    assert_eq!(desk.tell(paste("qKy")), []);
    assert_eq!(desk.view(), before, "pasted text is no keys");
    desk.press("/");
    desk.tell(paste(":2\x1b0\nq"));
    assert_eq!(desk.ports(), [20]);
}

// The rest.

#[test]
fn the_rows_written_are_the_rows_shown() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("/!:20");
    desk.key(Key::Enter);
    desk.press("S");
    assert_eq!(desk.press("w"), []);
    desk.press("j");
    let effects = desk.key(Key::Enter);
    let shown: Vec<RowId> = desk.app.rows_in_view().map(|row| row.id).collect();
    assert_eq!(shown.len(), 2);
    assert_eq!(effects, [Effect::Write(FileFormat::Csv, shown)]);
}

#[test]
fn what_is_written_is_counted_before_and_told_with_its_folder_after() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("w");
    let menu = desk.view().overlay.expect("a choice of formats");
    assert_eq!(menu.title, "write the 2 rows shown");
    desk.key(Key::Enter);
    assert_eq!(footer(&desk), " writing 2 rows…");
    let written = |path: &str, not_in: Option<&str>| {
        Msg::RowsWritten(Written {
            rows: 2,
            path: path.into(),
            not_in: not_in.map(String::from),
        })
    };
    desk.tell(written("/home/ann/sockeye-1.json", None));
    assert_eq!(footer(&desk), " wrote 2 rows to /home/ann/sockeye-1.json");
    desk.tell(written("/tmp/sockeye-1.json", Some("/opt: not permitted")));
    let elsewhere = " wrote 2 rows to /tmp/sockeye-1.json, not to /opt: not permitted";
    assert_eq!(footer(&desk), elsewhere);
    let long = format!(
        "/srv/{}/sockeye-20260102T030405678Z.json",
        "deep/".repeat(20)
    );
    desk.tell(written(&long, None));
    let told = footer(&desk);
    assert_eq!(columns::width(&told), 80, "{told}");
    assert!(
        told.starts_with(" wrote 2 rows to /srv/") && told.ends_with("Z.json"),
        "{told}"
    );
}

#[test]
fn without_rows_there_is_nothing_to_write_or_to_copy() {
    for (key, told) in [("w", "no rows are shown"), ("c", "no row is selected")] {
        let mut desk = Desk::with_ports(&[]);
        assert_eq!(desk.press(key), []);
        assert_eq!(desk.mode(), Mode::Table);
        assert!(footer(&desk).contains(told), "{}", footer(&desk));
    }
}

#[test]
fn what_was_copied_is_told_and_cut_before_the_words_around_it_are() {
    let mut desk = Desk::with_ports(&[80]);
    desk.press("c");
    assert_eq!(desk.key(Key::Enter), [Effect::Copy("127.0.0.1:80".into())]);
    assert_eq!(
        footer(&desk),
        " copied 127.0.0.1:80 to the clipboard (by the terminal)"
    );
    let (width, height) = (60, 24);
    desk.tell(Msg::Input(Input::Resized { width, height }));
    let mut process = (*process(7)).clone();
    process.command = Some("x".repeat(200).as_str().into());
    let socket = Socket {
        owner: Owner::Known([Arc::new(process)].into()),
        ..listener(80)
    };
    desk.read(&[socket]);
    desk.press("cjj");
    desk.key(Key::Enter);
    let told = footer(&desk);
    assert!(
        told.starts_with(" copied xxxx") && told.ends_with("… to the clipboard (by the terminal)"),
        "{told}"
    );
    assert_eq!(columns::width(&told), 60, "{told}");
}

#[test]
fn the_interval_stays_within_its_limits() {
    let mut desk = Desk::with_ports(&[10]);
    let mut last = |key: &str| -> Option<Duration> {
        let mut set = None;
        for _ in 0..20 {
            if let [Effect::SetInterval(interval)] = desk.press(key)[..] {
                set = Some(interval);
            }
        }
        set
    };
    assert_eq!(last("+"), Some(Duration::from_mins(1)));
    assert_eq!(last("-"), Some(Duration::from_millis(100)));
}

#[test]
fn hiding_the_column_that_sorts_leaves_a_table_that_can_be_sorted() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("C ");
    desk.key(Key::Down);
    desk.press(" ");
    desk.key(Key::Enter);
    for _ in 0..20 {
        desk.press("s");
        assert_eq!(desk.ports().len(), 2);
    }
}

#[test]
fn a_terminal_without_room_for_a_column_can_be_sorted() {
    for width in 0..12 {
        let mut desk = Desk::with_ports(&[10, 20]);
        desk.tell(Msg::Input(Input::Resized { width, height: 5 }));
        desk.press("ssSs");
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
