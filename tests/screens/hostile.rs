//! Hostile text all over the screen: ratatui's buffer and what a terminal makes of the output are the same, columns
//! stay aligned, and borders stay in place.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use sockeye::app::view::{Scrollbar, View};
use sockeye::app::{Input, Msg};
use sockeye::keymap::Key;
use sockeye::model::{Problem, ProblemCode, Process, Socket, Text};
use sockeye::runtime::terminal::QuietBackend;
use sockeye::ui;

use super::stage::{Stage, connection, known, listener, process, settings, surroundings, udp};
use sockeye::model::State;

/// Pieces of hostile names.
fn piece() -> impl Strategy<Value = String> {
    let known = select(vec![
        "\x1b[31m",
        "\x1b]0;x\x07",
        "\u{9b}2J",
        "\n",
        "\r",
        "\t",
        "\0",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "e\u{301}",
        "\u{301}",
        "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "👩\u{200d}🔬",
        "👩🏽",
        "🇩🇪",
        "1\u{fe0f}\u{20e3}",
        "❤\u{fe0f}",
        "語",
        "ｗ",
        "\u{1100}\u{1161}\u{11a8}",
        "\u{1161}",
        "한",
        "لا",
        "עברית",
        "हिन्दी",
        "क\u{94d}ष",
        "ខ\u{17d2}ម",
        "กี่",
        "\u{2800}",
        "\u{3000}",
        "\u{a0}",
        "\u{e000}",
        "\u{fffd}",
        "…",
        "│",
        "nginx",
        "-g",
        " ",
        "\u{17d8}",
        "\u{d4e}",
        "\u{a4f8}\u{a4fc}",
        "=\u{338}",
    ]);
    prop_oneof![
        6 => known.prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => (any::<char>(), 1..200usize).prop_map(|(c, times)| String::from(c).repeat(times)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat())
}

/// A screen on which every text is one of these names.
fn stage(names: &[String; 4], width: u16, height: u16) -> Stage {
    let [name, command, user, place] = names;
    let owner = |pid| {
        let plain = process(pid, name, user, Duration::from_secs(77));
        Arc::new(Process {
            command: Some(Text::new(command)),
            parent: Some(pid - 1),
            ..(*plain).clone()
        })
    };
    let (one, two) = (owner(7), owner(8));
    let placed = |socket: Socket| Socket {
        unit: Some(Text::new(place)),
        container: Some(Text::new(user)),
        interface: Some(Text::new(place)),
        ..socket
    };
    let sockets = [
        placed(listener("127.0.0.1:8080", 1, known(&[&one]))),
        placed(udp("[2001:db8::1]:53", None, 2, known(&[&one, &two]))),
        placed(connection(
            "10.0.0.7:65535",
            "10.0.0.9:443",
            State::Established,
            3,
            known(&[&two]),
        )),
    ];
    let mut surroundings = surroundings(width, height);
    surroundings.host.clone_from(name);
    let mut stage = Stage::with(settings(), surroundings);
    let problem = Problem::new(ProblemCode::TableUnreadable, place);
    stage.know(&[one, two]).read_with(&sockets, &[problem]);
    stage
}

/// Opens something, with these names.
type Open = fn(&mut Stage, &[String; 4]);

/// What can be open beside the table.
const OPEN: &[(&str, Open)] = &[
    ("the table", |_, _| {}),
    ("details", |stage, _| drop(stage.key(Key::Enter))),
    ("events", |stage, _| drop(stage.press("e"))),
    ("a menu", |stage, _| drop(stage.press("c"))),
    ("a question", |stage, _| drop(stage.press("K"))),
    ("a filter", |stage, names| {
        stage.press("/");
        for name in names {
            stage.send(Msg::Input(Input::Paste(name.clone())));
        }
    }),
    ("a filter that is set", |stage, names| {
        stage.press("/");
        stage.send(Msg::Input(Input::Paste(names[0].clone())));
        stage.key(Key::Enter);
    }),
    ("a notice", |stage, names| {
        stage.send(Msg::JobDone {
            succeeded: false,
            message: names[1].clone(),
        });
    }),
    ("a failure", |stage, names| {
        stage.send(Msg::SnapshotFailed(names[1].clone()));
    }),
];

/// Collects the output to the terminal.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn picture(view: &View) -> Buffer {
    let backend = TestBackend::new(view.size.width, view.size.height);
    let mut terminal = Terminal::new(backend).expect("a buffer takes everything");
    let drawn = terminal.draw(|frame| ui::draw(frame, view));
    drawn.expect("a buffer takes everything");
    terminal.backend().buffer().clone()
}

/// The screen of a terminal of that size after the program's backend has written these cells.
fn on_a_terminal(picture: &Buffer) -> vt100::Parser {
    use ratatui::backend::Backend as _;
    let written = Written::default();
    let mut backend = QuietBackend::new(written.clone());
    let blank = Buffer::empty(picture.area);
    backend
        .draw(blank.diff(picture).into_iter())
        .expect("a buffer takes everything");
    backend.flush().expect("a buffer takes everything");
    let mut terminal = vt100::Parser::new(picture.area.height, picture.area.width, 0);
    // This parser drops U+FFFD as undecodable bytes, unlike any terminal.
    let written = written.0.lock().expect("no writer panicked");
    let text = String::from_utf8(written.clone()).expect("a frame is text");
    terminal.process(text.replace('\u{fffd}', "?").as_bytes());
    terminal
}

/// Text of the lines; missing and blank cells are spaces.
fn check_alike(picture: &Buffer, what: &str) -> Result<(), TestCaseError> {
    let terminal = on_a_terminal(picture);
    let (width, height) = (picture.area.width, picture.area.height);
    let lines = terminal.screen().rows(0, width);
    for (y, line) in (0..height).zip(lines) {
        let mut ours = String::new();
        let mut x = 0;
        while x < width {
            let symbol = picture[(x, y)].symbol();
            prop_assert!(!symbol.chars().any(char::is_control), "{what}: {symbol:?}");
            prop_assert!(symbol.len() <= 5 * 4, "{what}: {symbol:?}");
            ours.push_str(&symbol.replace('\u{fffd}', "?"));
            x += u16::try_from(sockeye::columns::width(symbol).max(1)).expect("a cell's width");
        }
        prop_assert_eq!(x, width, "{}: line {} ends in its cell", what, y);
        prop_assert_eq!(ours.trim_end(), line.trim_end(), "{}: line {}", what, y);
    }
    Ok(())
}

/// The port of each row ends in the same cell as its heading.
fn check_columns(view: &View, picture: &Buffer) -> Result<(), TestCaseError> {
    let Some(title) = view.titles.iter().find(|title| title.text.contains("PORT")) else {
        return Ok(());
    };
    let cells = u16::try_from(sockeye::columns::width(&title.text)).expect("a column's width");
    let (start, end) = (title.x, title.x + cells);
    for (row, y) in view.rows.iter().zip(view.layout.rows.y..) {
        let port = row
            .cells
            .iter()
            .find(|cell| cell.x == title.x)
            .expect("a port")
            .text
            .trim();
        let shown: String = (start..end).map(|x| picture[(x, y)].symbol()).collect();
        prop_assert_eq!(shown.trim(), port);
        prop_assert!(shown.ends_with(port), "{shown:?}");
    }
    Ok(())
}

/// The pane's border is in its cells.
fn check_borders(view: &View, picture: &Buffer) -> Result<(), TestCaseError> {
    if view.pane.is_none() || !view.layout.has_borders || view.overlay.is_some() {
        return Ok(());
    }
    let pane = view.layout.pane;
    for y in pane.y + 1..(pane.y + pane.height).saturating_sub(1) {
        prop_assert_eq!(picture[(pane.x, y)].symbol(), "│");
        let right = pane.x + pane.width - 1;
        let is_thumb = |bar: &Scrollbar| bar.thumb().contains(right, y);
        let is_thumb = view.scrollbars.iter().any(is_thumb);
        let side = if is_thumb { "┃" } else { "│" };
        prop_assert_eq!(picture[(right, y)].symbol(), side);
    }
    Ok(())
}

/// Found by the property: it crossed the edge of the sentence for an empty table.
#[test]
fn a_wide_character_at_the_edge_of_the_empty_table_goes_to_the_next_line() {
    let long = "0".repeat(42) + "\0\x1b]0;x\x07語";
    let names = ["", "\x1b[31m", "", &long].map(str::to_owned);
    for width in 40..80 {
        for (what, open) in OPEN {
            let mut stage = stage(&names, width, 17);
            open(&mut stage, &names);
            let picture = picture(&stage.app.view(stage.now));
            check_alike(&picture, what).unwrap();
        }
    }
}

/// Found by the property too: the same in a question.
#[test]
fn a_wide_character_at_the_edge_of_a_question_is_not_cut() {
    let name = "👩🏽\u{202e}עבריתעברית👩\u{200d}🔬";
    let names = [name, "", "", ""].map(str::to_owned);
    for (width, height) in (24..80).flat_map(|width| [(width, 10), (width, 17)]) {
        for (what, open) in OPEN {
            let mut stage = stage(&names, width, height);
            open(&mut stage, &names);
            let picture = picture(&stage.app.view(stage.now));
            check_alike(&picture, what).unwrap();
        }
    }
}

/// The same with three cells.
#[test]
fn a_character_of_three_cells_at_the_edge_of_a_question_is_not_cut() {
    let names = ["हिन\u{94d}दी", "", "", ""].map(str::to_owned);
    for width in 18..40 {
        for (what, open) in OPEN {
            let mut stage = stage(&names, width, 6);
            open(&mut stage, &names);
            let picture = picture(&stage.app.view(stage.now));
            check_alike(&picture, what).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_terminal_shows_what_was_drawn_with_aligned_columns_and_borders(
        names in [name(), name(), name(), name()],
        (width, height) in select(vec![(80, 24), (40, 10), (160, 45), (61, 17), (20, 6)]),
    ) {
        for (what, open) in OPEN {
            let mut stage = stage(&names, width, height);
            open(&mut stage, &names);
            let view = stage.app.view(stage.now);
            let picture = picture(&view);
            check_alike(&picture, what)?;
            check_borders(&view, &picture)?;
            if view.overlay.is_none() {
                check_columns(&view, &picture)?;
            }
        }
    }
}
