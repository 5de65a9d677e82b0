//! Every small terminal with everything that can be open: no panic, no cut port.

use std::time::Duration;

use sockeye::app::Msg;
use sockeye::keymap::Key;
use sockeye::model::State;

use super::canvas::{Canvas, Theme};
use super::scenes::answer;
use super::stage::{Stage, connection, known, listener, process};

/// Three rows with ports of different lengths, long names, and a change.
fn stage() -> Stage {
    let name = process(
        4_194_304,
        "ジャーナル-recorder",
        "ann",
        Duration::from_hours(9),
    );
    let owner = || known(&[&name]);
    let mut stage = Stage::new(45, 15);
    let mut sockets = vec![
        listener("[2001:db8:1111:2222:3333:4444:5555:6666]:54321", 1, owner()),
        connection(
            "10.0.0.7:65535",
            "10.0.0.9:60999",
            State::Established,
            2,
            owner(),
        ),
        listener("127.0.0.1:7", 3, owner()),
    ];
    stage.read(&sockets);
    sockets[1].state = State::CloseWait;
    stage.wait_secs(1).read(&sockets);
    stage
}

/// Opened by keys alone.
const OPENED_BY_KEYS: &[(&str, &str)] = &[
    ("events", "e"),
    ("a filter", "/a long filter \"ジャーナル"),
    ("a port", "B127.0.0.1:8080"),
    ("columns", "CGjjjjjjjjjj"),
    ("the palette", ":"),
    ("an action", ":port"),
    ("no action", ":ジャーナル nothing"),
    ("copy", "cj"),
    ("a question", "K"),
    ("the help", "?jjjjjjjjjjjjjjjj"),
    ("a pause", "p"),
];

/// Everything that can be open, one at a time.
fn everything_open() -> Vec<(&'static str, Stage)> {
    let with = |act: &dyn Fn(&mut Stage)| {
        let mut stage = stage();
        act(&mut stage);
        stage
    };
    let by_keys = OPENED_BY_KEYS.iter().map(|&(what, keys)| {
        let opened = with(&|stage| {
            stage.press(keys);
        });
        (what, opened)
    });
    let mut all = vec![
        ("the table", with(&|_| {})),
        ("nothing yet", Stage::new(45, 15)),
        (
            "nothing matches",
            with(&|stage| {
                stage.press("/no such thing");
                stage.key(Key::Enter);
            }),
        ),
        (
            "details",
            with(&|stage| {
                stage.key(Key::Enter);
            }),
        ),
        (
            "a bind test",
            with(&|stage| {
                let effects = stage.press("b");
                let answer = answer(stage, &effects);
                stage.send(answer);
            }),
        ),
        (
            "a notice",
            with(&|stage| {
                stage.send(Msg::JobDone {
                    succeeded: false,
                    message: "not permitted ".repeat(9),
                });
            }),
        ),
        (
            "a failure",
            with(&|stage| {
                stage.send(Msg::SnapshotFailed("unreadable ".repeat(9)));
            }),
        ),
    ];
    all.extend(by_keys);
    all
}

#[test]
fn whatever_is_open_every_size_draws() {
    for (what, mut stage) in everything_open() {
        for height in 1..=15 {
            for width in 1..=45 {
                stage.resize(width, height);
                let canvas = Canvas::of(&stage, Theme::COLOUR);
                assert_eq!(canvas.lines().len(), usize::from(height), "{what}");
            }
        }
    }
}

/// Sizes around those at which borders, tabs and panes appear.
#[test]
fn whatever_is_open_the_sizes_around_the_limits_draw() {
    for (_, mut stage) in everything_open() {
        for height in 11..=14 {
            for width in 57..=63 {
                stage.resize(width, height);
                Canvas::of(&stage, Theme::COLOUR);
            }
        }
        for (width, height) in [
            (60, 12),
            (1, 200),
            (300, 1),
            (300, 100),
            (0, 0),
            (0, 9),
            (9, 0),
        ] {
            stage.resize(width, height);
            Canvas::of(&stage, Theme::COLOUR);
        }
    }
}

/// A terminal can claim any size; the number of drawn cells is limited.
#[test]
fn whatever_is_open_the_largest_sizes_draw() {
    for (_, mut stage) in everything_open() {
        for (width, height) in [(u16::MAX, 1), (u16::MAX, 2), (1, u16::MAX), (1100, 60)] {
            stage.resize(width, height);
            Canvas::of(&stage, Theme::COLOUR);
        }
    }
}

/// A cut number would be another port.
#[test]
fn a_port_is_never_cut() {
    let mut stage = stage();
    for height in 5..=15 {
        for width in 8..=200 {
            stage.resize(width, height);
            let canvas = Canvas::of(&stage, Theme::COLOUR);
            let text = canvas.lines().join("\n");
            for port in ["54321", "65535"] {
                assert!(text.contains(port), "{port} at {width}x{height}:\n{text}");
            }
        }
    }
}

/// Parts that do not fit are dropped; none is drawn over another.
#[test]
fn the_header_never_runs_into_its_right_end() {
    let mut stage = stage();
    for pause in ["", "p"] {
        stage.press(pause);
        for width in 8..=200 {
            stage.resize(width, 24);
            let view = stage.app.view(stage.now);
            let cells = |line: &sockeye::app::view::Line| -> usize {
                line.iter()
                    .map(|span| sockeye::columns::width(&span.text))
                    .sum()
            };
            let room = usize::from(width);
            // Only the name is left if even that does not fit beside the right end.
            let is_minimal = cells(&view.header) <= " sockeye".len();
            assert!(
                is_minimal || cells(&view.header) + cells(&view.header_right) < room,
                "header at {width}"
            );
            let tabs = view.tabs.last().expect("four views");
            let tabs_end = usize::from(tabs.x) + sockeye::columns::width(&tabs.text);
            assert!(
                view.layout.tabs.height == 0 || tabs_end + cells(&view.filter) < room,
                "views at {width}"
            );
        }
    }
}
