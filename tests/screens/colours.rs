//! Colour carries meaning, and nothing is lost without it.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use sockeye::app::layout::Area;
use sockeye::app::view::Role;
use sockeye::keymap::Key;
use sockeye::model::State;
use sockeye::theme::BUILT_IN;

use super::canvas::{Canvas, Theme, text_of};
use super::scenes::{busy_stage, changes_stage, every_state, minutes_stage, queues_stage};
use super::stage::{Stage, abandoned};

/// Colour of the first cell and whether it is dim; the cursor's reversal does not count.
fn appearance(cells: &[Cell]) -> (Color, bool) {
    let style = |cell: &Cell| (cell.fg, cell.modifier.contains(Modifier::DIM));
    let first = style(&cells[0]);
    assert!(
        cells.iter().all(|cell| style(cell) == first),
        "one text, one appearance"
    );
    first
}

const DIM: (Color, bool) = (Color::Reset, true);
const PLAIN: (Color, bool) = (Color::Reset, false);

const fn coloured(colour: Color) -> (Color, bool) {
    (colour, false)
}

/// The cursor is on the last row while the first, `LISTEN`, is checked: the row under the cursor has one style.
#[test]
fn each_state_has_its_colour() {
    let sockets: Vec<_> = every_state()
        .into_iter()
        .map(|(_, socket)| socket)
        .collect();
    let mut stage = Stage::new(100, 30);
    stage.read(&sockets);
    let below = Canvas::of(&stage, Theme::COLOUR);
    stage.press("G");
    let first = Canvas::of(&stage, Theme::COLOUR);
    for (state, socket) in every_state() {
        let canvas = if state == State::Listen {
            &first
        } else {
            &below
        };
        let expected = match state {
            State::Listen | State::Dnat => coloured(Color::Green),
            State::Established => coloured(Color::Blue),
            State::Bound | State::SynSent | State::SynRecv | State::CloseWait => PLAIN,
            _ => DIM,
        };
        let port = socket.local.port.to_string();
        let cells = canvas.cells_of(&port, state.as_str());
        assert_eq!(appearance(cells), expected, "{state}");
    }
}

/// Red is for what has lasted too long.
#[test]
fn a_connection_that_waits_for_its_program_or_for_an_answer_turns_red() {
    let sockets = every_state().into_iter().map(|(_, socket)| socket);
    let sockets: Vec<_> = sockets.collect();
    let mut stage = Stage::new(100, 30);
    stage.read(&sockets);
    for (state, seconds) in [(State::SynSent, 3), (State::CloseWait, 27)] {
        let port = every_state().into_iter().find(|one| one.0 == state);
        let port = port.unwrap().1.local.port.to_string();
        let colour = |stage: &Stage| {
            let canvas = Canvas::of(stage, Theme::COLOUR);
            let cells = canvas.cells_of(&port, state.as_str());
            appearance(cells)
        };
        assert_eq!(colour(&stage), PLAIN, "{state}");
        stage.wait_secs(seconds).read(&sockets);
        assert_eq!(colour(&stage), coloured(Color::Red), "{state}");
    }
}

/// A closing connection without a process stays until the peer answers.
#[test]
fn orphans_turn_red_when_they_are_old() {
    let before: Vec<_> = every_state()
        .into_iter()
        .map(|(_, socket)| socket)
        .collect();
    let closing = [
        State::FinWait1,
        State::FinWait2,
        State::Closing,
        State::LastAck,
    ];
    let orphan = |(state, socket)| {
        if closing.contains(&state) {
            abandoned(&socket, state)
        } else {
            socket
        }
    };
    let after: Vec<_> = every_state().into_iter().map(orphan).collect();
    let mut stage = Stage::new(100, 30);
    stage.read(&before);
    for (seconds, expected) in [(1, None), (8, Some(DIM)), (2, Some(coloured(Color::Red)))] {
        stage.wait_secs(seconds).read(&after);
        let canvas = Canvas::of(&stage, Theme::COLOUR);
        let closing = every_state()
            .into_iter()
            .filter(|one| closing.contains(&one.0));
        for (state, socket) in closing {
            let port = socket.local.port.to_string();
            let found = appearance(canvas.cells_of(&port, state.as_str()));
            // A change is highlighted first.
            assert_eq!(
                found,
                expected.unwrap_or(found),
                "{state} after {seconds} s"
            );
        }
    }
}

#[test]
fn a_row_in_time_wait_is_dim_as_a_whole() {
    let canvas = Canvas::of(&busy_stage(160, 45), Theme::COLOUR);
    for text in [
        "10.0.0.7",
        "443",
        "10.0.0.9:51200",
        "TIME_WAIT",
        "was nginx(812)",
    ] {
        assert_eq!(
            appearance(canvas.cells_of("TIME_WAIT", text)),
            DIM,
            "{text}"
        );
    }
}

#[test]
fn marks_are_green_yellow_and_red() {
    let canvas = Canvas::of(&changes_stage(160, 45), Theme::COLOUR);
    let mark = |row: &str, glyph: &str| appearance(canvas.cells_of(row, glyph)).0;
    assert_eq!(mark("8080", "+"), Color::Green);
    assert_eq!(mark("ESTAB → CLOSE_WAIT", "~"), Color::Yellow);
    assert_eq!(mark("node(45)", "~"), Color::Yellow);
    assert_eq!(mark("9000", "-"), Color::Red);
    let text = |row: &str, text: &str| appearance(canvas.cells_of(row, text)).0;
    assert_eq!(text("CLOSE_WAIT", "ESTAB → CLOSE_WAIT"), Color::Yellow);
    assert_eq!(text("node(45)", "node(45)"), Color::Yellow);
    for text in ["closed", "python3"] {
        assert_eq!(appearance(canvas.cells_of("9000", text)), DIM, "{text}");
    }
}

/// A row without a recent change is coloured in its state only.
#[test]
fn a_row_without_changes_is_coloured_in_its_state_only() {
    let canvas = Canvas::of(&busy_stage(160, 45), Theme::COLOUR);
    let y = canvas
        .lines()
        .iter()
        .position(|line| line.contains(":: +v4"));
    let row = &canvas.buffer.content[y.expect("the dual-stack listener") * 160..][..160];
    let coloured: String = row
        .iter()
        .filter(|cell| cell.fg != Color::Reset)
        .map(Cell::symbol)
        .collect();
    assert_eq!(coloured.trim_end(), "LISTEN");
}

#[test]
fn without_colours_the_marks_remain() {
    for stage in [changes_stage(160, 45), busy_stage(80, 24)] {
        let coloured = Canvas::of(&stage, Theme::COLOUR);
        let plain = Canvas::of(&stage, Theme::PLAIN);
        assert_eq!(plain.text(), coloured.text(), "the same words");
        for cell in &plain.buffer.content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
        }
    }
    let plain = Canvas::of(&changes_stage(160, 45), Theme::PLAIN);
    for (row, mark) in [
        ("8080", "+"),
        ("CLOSE_WAIT", "~"),
        ("node(45)", "~"),
        ("9000", "-"),
    ] {
        assert!(plain.line_with(row).starts_with(mark), "{row}");
    }
}

#[test]
fn the_selected_row_is_reversed_from_edge_to_edge_and_no_other() {
    let mut stage = busy_stage(80, 24);
    stage.press("jj");
    let canvas = Canvas::of(&stage, Theme::PLAIN);
    let reversed: Vec<usize> = canvas
        .buffer
        .content
        .chunks(80)
        .enumerate()
        .filter(|(_, cells)| {
            let count = cells
                .iter()
                .filter(|cell| cell.modifier.contains(Modifier::REVERSED))
                .count();
            // The label of the chosen view is filled too.
            let is_tabs = text_of(cells).contains(" 3 All  4 Changes ");
            assert!(
                count == 0 || count == 80 || is_tabs && count == " 3 All ".len(),
                "{count} cells"
            );
            count > 0 && !is_tabs
        })
        .map(|(y, _)| y)
        .collect();
    assert_eq!(
        reversed,
        [6],
        "header, trouble, views, headings, then two rows above"
    );
}

/// On rows with marks and colours, closed ones, groups, and in menus and panes; on every theme.
#[test]
fn the_cursor_is_one_even_bar_from_edge_to_edge() {
    let themes = BUILT_IN.map(|(name, _)| Theme::named(name));
    for theme in themes.into_iter().chain([Theme::PLAIN, Theme::ASCII]) {
        let mut stage = changes_stage(100, 30);
        stage.press("g");
        let rows = stage.app.view(stage.now).rows.len();
        for _ in 0..rows {
            is_even(&stage, theme);
            stage.press("j");
        }
        for keys in ["z", "j", "zzzzz", "C", "jjj"] {
            stage.press(keys);
            is_even(&stage, theme);
        }
        stage.key(Key::Esc);
        stage.press("eo");
        is_even(&stage, theme);
    }
}

/// All cells of the line under the cursor have one background.
fn is_even(stage: &Stage, theme: Theme) {
    let view = stage.app.view(stage.now);
    let canvas = Canvas::of(stage, theme);
    let line = |area: Area, at: usize| area.lines().nth(at).expect("it is in sight");
    let row = view.rows.iter().position(|row| row.is_selected);
    let row = row.filter(|_| view.overlay.is_none());
    let row = row.map(|at| line(view.layout.rows, at));
    let inside = |area: Area| Area {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width - 2,
        height: area.height - 2,
    };
    let overlay = view.overlay.as_ref();
    let choice = overlay.and_then(|overlay| Some(line(inside(overlay.area), overlay.selected?)));
    let pane = view.pane.as_ref();
    let in_pane = pane.and_then(|pane| Some(line(inside(view.layout.pane), pane.selected?)));
    let bars: Vec<_> = [row, choice, in_pane].into_iter().flatten().collect();
    assert!(!bars.is_empty());
    for bar in bars {
        let cells = (bar.x..bar.x + bar.width).map(|x| &canvas.buffer[(x, bar.y)]);
        let behind = |cell: &Cell| {
            let is_swapped = cell.modifier.contains(Modifier::REVERSED);
            (if is_swapped { cell.fg } else { cell.bg }, is_swapped)
        };
        let cells: Vec<_> = cells.collect();
        let first = behind(cells[0]);
        for cell in cells {
            assert_eq!(behind(cell), first, "{cell:?} with {}", theme.name);
            assert!(!cell.modifier.contains(Modifier::DIM), "{cell:?}");
        }
    }
}

/// What most rows say is dim, so that other values are seen first.
#[test]
fn zeros_root_and_loopback_are_dim_and_process_and_command_are_not() {
    let mut stage = changes_stage(160, 45);
    stage.press("G");
    let view = stage.app.view(stage.now);
    let mut seen = [0; 4];
    for row in view
        .rows
        .iter()
        .filter(|row| !row.is_selected && row.mark.is_none())
    {
        let is_whole_dim = |text: &str| row.cells.iter().any(|cell| cell.text.trim() == text);
        if is_whole_dim("TIME_WAIT") || is_whole_dim("closed") {
            continue;
        }
        for (title, cell) in view.titles.iter().zip(&row.cells) {
            let (text, title) = (cell.text.trim(), title.text.trim());
            let title = title.trim_end_matches([' ', '▲', '▼']);
            let expected = match (title, text) {
                (_, "–") => continue,
                ("LOCAL ADDRESS", "127.0.0.1") | ("USER", "root") => (0, Role::Dim),
                ("RECV-Q" | "SEND-Q" | "CONNS", "0") => (1, Role::Dim),
                ("PORT", _) => (2, Role::Strong),
                ("PROCESS" | "COMMAND", _) if !text.starts_with("hidden") => (3, Role::Plain),
                _ => continue,
            };
            assert_eq!(cell.role, expected.1, "{title}: {text}");
            seen[expected.0] += 1;
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

#[test]
fn header_and_headings_are_bars_and_the_chosen_view_is_a_filled_label() {
    for (name, _) in BUILT_IN {
        let canvas = Canvas::of(&busy_stage(80, 24), Theme::named(name));
        let rows: Vec<&[Cell]> = canvas.buffer.content.chunks(80).collect();
        let has_bar = |cells: &[Cell]| {
            let is_other = |cell: &Cell| {
                cell.bg != rows[5][70].bg || cell.modifier.contains(Modifier::UNDERLINED)
            };
            cells.iter().all(is_other)
        };
        let [header, tabs, titles] = [0, 2, 3].map(|at| rows[at]);
        assert!(
            has_bar(header) && has_bar(titles) && !has_bar(tabs),
            "{name}"
        );
        let filled = tabs
            .iter()
            .filter(|cell| cell.modifier.contains(Modifier::REVERSED | Modifier::BOLD));
        assert_eq!(filled.count(), " 3 All ".len(), "{name}");
    }
}

#[test]
fn the_wrong_part_of_a_filter_is_red_and_underlined() {
    let mut stage = busy_stage(80, 24);
    stage.press("/nginx port:99999");
    let canvas = Canvas::of(&stage, Theme::COLOUR);
    let cells = canvas.cells_of(" / nginx", "99999");
    for cell in cells {
        assert_eq!(cell.fg, Color::Red);
        assert!(cell.modifier.contains(Modifier::UNDERLINED));
    }
    assert_eq!(appearance(canvas.cells_of(" / nginx", "nginx")), PLAIN);
}

#[test]
fn a_filling_queue_is_yellow_and_a_full_one_red() {
    let mut stage = queues_stage(160, 45);
    stage.press("G");
    let canvas = Canvas::of(&stage, Theme::COLOUR);
    for (text, colour) in [
        ("LISTEN", Color::Green),
        ("LISTEN 96/128", Color::Yellow),
        ("LISTEN 129/128 full", Color::Red),
    ] {
        let row = match text {
            "LISTEN" => " 80 ",
            _ => text,
        };
        assert_eq!(
            appearance(canvas.cells_of(row, text)),
            coloured(colour),
            "{text}"
        );
    }
}

#[test]
fn the_last_minutes_are_dim_and_the_marks_of_their_events_have_colour() {
    let mut stage = minutes_stage(160, 45);
    let header = Canvas::of(&stage, Theme::COLOUR);
    assert_eq!(
        appearance(header.cells_of("last 5 min", "▁▁▁▁▁▁▁▁▁▁▁▁")),
        DIM
    );
    assert_eq!(appearance(header.cells_of("last 5 min", "█")), DIM);
    stage.resize(130, 45);
    stage.press("e");
    let pane = Canvas::of(&stage, Theme::COLOUR);
    let appearance_of = |glyph: &str| appearance(pane.cells_of(" peak ", glyph));
    assert_eq!(appearance_of("-6:00"), DIM);
    assert_eq!(appearance_of("█"), coloured(Color::Cyan));
    assert_eq!(appearance_of("+"), coloured(Color::Green));
    assert_eq!(appearance_of("~"), coloured(Color::Yellow));
}

/// On every theme, and without colours: a `›` and underlined texts.
#[test]
fn a_match_is_marked_without_colour_too() {
    let mut stage = busy_stage(100, 30);
    stage.key(Key::F(3));
    stage.press("nginx");
    for theme in [
        Theme::COLOUR,
        Theme::PLAIN,
        Theme::ASCII,
        Theme::named("dark"),
    ] {
        let canvas = Canvas::of(&stage, theme);
        let view = stage.app.view(stage.now);
        let rows = view.layout.rows.lines().zip(&view.rows);
        let mut matches = 0;
        for (area, row) in rows {
            let cells = &canvas.buffer.content[usize::from(area.y) * 100..][..100];
            let is_underlined = cells
                .iter()
                .any(|cell| cell.modifier.contains(Modifier::UNDERLINED));
            assert_eq!(is_underlined, row.is_match);
            let is_marked = ["›", ">"].contains(&cells[1].symbol());
            assert_eq!(
                is_marked,
                row.sign == Some(sockeye::app::view::RowSign::Match)
            );
            assert!(!row.is_match || cells[1].fg != Color::Red);
            matches += usize::from(row.is_match);
        }
        assert!(matches > 0);
    }
}
