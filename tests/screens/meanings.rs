//! No picture relies on colour alone, nor on a glyph without an ASCII replacement.

use std::fs;
use std::path::Path;

use ratatui::buffer::Cell;
use sockeye::app::view::{CellView, Role, RowSign, RowView, Span};
use sockeye::track::Mark;
use sockeye::ui::ascii;

use super::canvas::{Canvas, Theme};
use super::scenes::{busy_stage, strange_stage};
use super::stage::Stage;

/// Checks one scene.
pub fn no_meaning_is_in_colour_or_glyph_alone(what: &str, stage: &Stage) {
    let canvas = Canvas::of(stage, Theme::COLOUR);
    let plain = Canvas::of(stage, Theme::PLAIN);
    assert_eq!(
        plain.text(),
        canvas.text(),
        "{what}: the same words without colour"
    );
    let view = stage.app.view(stage.now);
    for row in &view.rows {
        row_says_its_colours(what, row);
    }
    let pane = view.pane.iter().flat_map(|pane| &pane.lines);
    let overlay = view.overlay.iter().flat_map(|overlay| &overlay.lines);
    let single = [
        &view.header,
        &view.header_right,
        &view.trouble,
        &view.filter,
    ];
    for line in single
        .into_iter()
        .chain(&view.footer)
        .chain(pane)
        .chain(overlay)
    {
        line_says_its_colours(what, line);
    }
    let in_ascii = Canvas::of(stage, Theme::ASCII);
    for (cell, drawn) in canvas.buffer.content.iter().zip(&in_ascii.buffer.content) {
        is_said_in_ascii(what, cell, drawn);
    }
}

/// A coloured cell has a mark or word of the same meaning in its row.
fn row_says_its_colours(what: &str, row: &RowView) {
    let mark = row.mark.map(|(mark, _)| mark);
    for CellView { text, role, .. } in &row.cells {
        let text = text.trim();
        // The use of the queue, in figures or a word.
        let is_of_queue = text.starts_with("LISTEN ") && text.contains(['/', '%', 'f']);
        let is_said = match role {
            Role::Warning | Role::Bad if is_of_queue => true,
            Role::Good => text == "LISTEN" || text == "DNAT" || mark == Some(Mark::Opened),
            Role::Busy => text == "ESTABLISHED",
            Role::Warning => mark == Some(Mark::Changed),
            // A `!` in place of the mark; a mark that is there says that the row has just changed.
            Role::Bad => row.trouble.is_some(),
            // A `✓` beside the mark.
            Role::Accent => row.sign == Some(RowSign::Marked),
            Role::Wrong | Role::Selected | Role::Bar | Role::Border => false,
            Role::Plain | Role::Dim | Role::Strong => true,
        };
        assert!(
            is_said,
            "{what}: only its colour says that {text:?} is {role:?}: {row:#?}"
        );
    }
}

/// A coloured piece of a line is a word, a mark, a figure before its word, or a bar after its mark or word.
fn line_says_its_colours(what: &str, line: &[Span]) {
    let speaks = |text: &str| text.contains(char::is_alphabetic);
    for (at, span) in line.iter().enumerate() {
        let says = span.text.trim();
        let is_coloured = matches!(
            span.role,
            Role::Good | Role::Busy | Role::Warning | Role::Bad
        );
        let is_mark = |text: &str| ["+", "~", "-", "!"].contains(&text.trim());
        let has_word_behind = line.get(at + 1).is_some_and(|next| speaks(&next.text));
        let is_bar = says.chars().all(|c| ('▁'..='█').contains(&c) || c == ' ');
        let mut before = line[..at].iter().map(|span| span.text.as_str());
        let is_named = is_bar && before.any(|text| is_mark(text) || speaks(text));
        let is_word = says.is_empty() || speaks(says) || is_mark(says);
        assert!(
            !is_coloured || is_word || is_named || has_word_behind,
            "{what}: only its colour says what {span:?} is: {line:#?}"
        );
    }
}

/// Letters of other scripts are not the program's glyphs: each cell becomes a `?`.
fn is_said_in_ascii(what: &str, cell: &Cell, drawn: &Cell) {
    let (glyph, drawn_as) = (cell.symbol(), drawn.symbol());
    let mut characters = glyph.chars();
    let first = characters.next().expect("a cell shows something");
    let is_foreign = first.is_alphanumeric() || characters.next().is_some();
    match ascii(first) {
        Some(' ') if drawn_as == "?" => {}
        // Of a marked row, not of a result.
        Some('+') if first == '✓' && drawn_as == "x" => {}
        Some(known) if !is_foreign || first.is_ascii() => {
            assert_eq!(drawn_as, known.to_string(), "{what}: {glyph:?}");
        }
        _ => assert!(
            is_foreign && drawn_as == "?",
            "{what}: ASCII has nothing for {glyph:?}"
        ),
    }
    assert_eq!(
        drawn.style(),
        cell.style(),
        "{what}: {glyph:?} looks the same"
    );
}

#[test]
fn ascii_has_the_same_rows_and_lines_around_panes() {
    let mut stage = busy_stage(80, 24);
    stage.press("e");
    let lines = Canvas::of(&stage, Theme::ASCII).lines();
    let title = lines
        .iter()
        .find(|line| line.starts_with("+ events - 2 ---"));
    assert!(
        title.is_some_and(|line| line.ends_with("--- o focus - e close +")),
        "{title:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with('|') && line.ends_with('|'))
    );
    let unicode = Canvas::of(&stage, Theme::COLOUR).lines();
    for (line, in_unicode) in lines.iter().zip(unicode) {
        assert_eq!(
            line.chars().count(),
            sockeye::columns::width(&in_unicode),
            "{line}"
        );
    }
}

#[test]
fn a_name_in_another_script_is_a_question_mark_for_each_cell() {
    let stage = strange_stage(160, 45);
    let row = |theme| Canvas::of(&stage, theme).line_with("19999");
    let unicode = row(Theme::COLOUR);
    assert!(unicode.contains(" ジャーナル記録係 "), "{unicode}");
    let line = row(Theme::ASCII);
    assert!(line.contains(" ???????????????? "), "{line}");
    assert!(unicode.ends_with('…') && line.ends_with('~'), "{line}");
}

/// Includes glyphs that no picture shows. Tests, comments and letters do not count.
#[test]
fn every_glyph_in_the_sources_has_an_ascii_replacement() {
    let mut seen = 0;
    for folder in ["app", "bind", "columns", "model", "track", "filter"] {
        for_each_file(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src")
                .join(folder),
            &mut |path| {
                let text = fs::read_to_string(path).expect("a source");
                let code = text
                    .split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap_or_default();
                for line in code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                {
                    let glyphs = line
                        .chars()
                        .filter(|c| !c.is_ascii() && !c.is_alphanumeric());
                    for glyph in
                        glyphs.filter(|glyph| !('¡'..='¿').contains(glyph) || *glyph == '·')
                    {
                        seen += 1;
                        assert!(
                            ascii(glyph).is_some(),
                            "{}: {glyph:?}: {line}",
                            path.display()
                        );
                    }
                }
            },
        );
    }
    assert!(seen > 40, "{seen}: what is looked for is found");
}

fn for_each_file(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        if path.is_dir() && name != "tests" {
            for_each_file(&path, visit);
        } else if path.extension().is_some_and(|end| end == "rs") && !name.ends_with("tests.rs") {
            visit(&path);
        }
    }
}
