//! Every theme: its styles, and a scene with every role; also on terminals with fewer colours.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use sockeye::theme::{BUILT_IN, Depth, Role, Themes};

use super::canvas::{Canvas, Theme};
use super::scenes::changes_stage;
use super::stage::Stage;

/// A scene with every role.
fn everything() -> Stage {
    let mut stage = changes_stage(100, 20);
    stage.press("e/(");
    stage
}

#[test]
fn every_theme_looks_like_its_snapshot() {
    for (name, _) in BUILT_IN {
        let picture = format!("{}\n{}", roles(name), painted(Theme::named(name)));
        snapshot(&format!("theme_{name}"), &picture);
    }
}

#[test]
fn a_theme_of_its_own_colours_is_as_it_was_last_seen_on_256() {
    let theme = Theme {
        depth: Depth::Indexed,
        ..Theme::named("catppuccin")
    };
    snapshot("theme_catppuccin_256", &painted(theme));
}

/// Every cell has the background of the theme.
#[test]
fn a_theme_with_a_background_has_it_in_every_cell() {
    for (name, _) in BUILT_IN.into_iter().skip(1) {
        for stage in [everything, question, menu] {
            let canvas = Canvas::of(&stage(), Theme::named(name));
            for cell in &canvas.buffer.content {
                let is_of_own = |colour| matches!(colour, Color::Rgb(..));
                assert!(is_of_own(cell.bg) && is_of_own(cell.fg), "{name}: {cell:?}");
            }
        }
    }
}

#[test]
fn the_choice_under_the_cursor_has_one_style_in_every_theme() {
    for (name, _) in BUILT_IN {
        let canvas = Canvas::of(&menu(), Theme::named(name));
        let cells = canvas.cells_of("[x] LOCAL", "[x] LOCAL");
        let style = |cell: &Cell| (cell.fg, cell.bg, cell.modifier);
        let is_reversed = cells[0].modifier.contains(Modifier::REVERSED);
        assert!(
            is_reversed || cells[0].bg != canvas.buffer.content[0].bg,
            "{name}"
        );
        let behind = |cell: &Cell| (cell.bg, cell.modifier);
        assert!(
            cells.iter().all(|cell| behind(cell) == behind(&cells[0])),
            "{name}"
        );
        assert_ne!(
            style(&cells[0]),
            style(&canvas.cells_of("[x] REMOTE", "[x] REMOTE")[0]),
            "{name}"
        );
    }
}

fn menu() -> Stage {
    let mut stage = changes_stage(100, 30);
    stage.press("Cj");
    stage
}

fn question() -> Stage {
    let mut stage = changes_stage(100, 20);
    stage.press("K");
    stage
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The style of every role.
fn roles(name: &str) -> String {
    let mut themes = Themes::default();
    themes.choose(name).expect("a theme");
    let styles = themes.chosen().styles;
    let line = |&role: &Role| format!("{:9} {}\n", role.name(), styles.of(role));
    let lines: String = Role::ALL.iter().map(line).collect();
    lines.replace(" \n", "\n")
}

/// The scene with a letter below each cell that differs from the background, and a legend.
fn painted(theme: Theme) -> String {
    let canvas = Canvas::of(&everything(), theme);
    let ground = style(&canvas.buffer.content[0]);
    let mut styles: Vec<String> = Vec::new();
    let mut painted = Vec::new();
    let rows = canvas.buffer.content.chunks(100);
    for (text, cells) in canvas.lines().into_iter().zip(rows) {
        let letters = cells.iter().map(|cell| letter(cell, &ground, &mut styles));
        let letters: String = letters.collect();
        painted.extend([text, letters.trim_end().to_owned()]);
    }
    let meanings = ('a'..).zip(&styles);
    let meanings: Vec<_> = meanings
        .map(|(letter, style)| format!("{letter}: {style}"))
        .collect();
    format!(
        "ground: {ground}\n{}\n\n{}",
        meanings.join("\n"),
        painted.join("\n")
    )
}

/// A space for the background, and for invisible text.
fn letter(cell: &Cell, ground: &str, styles: &mut Vec<String>) -> char {
    let style = style(cell);
    let shows = |cell: &Cell| {
        let marks = Modifier::REVERSED | Modifier::UNDERLINED;
        cell.symbol() != " " || cell.modifier.intersects(marks)
    };
    let has_other_ground =
        style.split(" on ").nth(1).map(colour_of) != ground.split(" on ").nth(1).map(colour_of);
    if style == ground || !shows(cell) && !has_other_ground {
        return ' ';
    }
    let at = styles
        .iter()
        .position(|one| *one == style)
        .unwrap_or_else(|| {
            styles.push(style);
            styles.len() - 1
        });
    ('a'..).nth(at).expect("few styles")
}

fn colour_of(words: &str) -> &str {
    words.split(' ').next().unwrap_or_default()
}

fn style(cell: &Cell) -> String {
    let mut style = format!("{} on {}", cell.fg, cell.bg);
    for (modifier, name) in [
        (Modifier::BOLD, " bold"),
        (Modifier::DIM, " dim"),
        (Modifier::UNDERLINED, " underline"),
        (Modifier::REVERSED, " reverse"),
    ] {
        if cell.modifier.contains(modifier) {
            style.push_str(name);
        }
    }
    style
}
