//! The clickable areas of each scene: text, and what a click does.

use std::fmt::Write as _;

use sockeye::app::view::{Click, Target};
use sockeye::keymap::Key;

use super::canvas::{Canvas, Theme};
use super::scenes::{bind_test_stage, busy_stage, changes_stage};
use super::stage::Stage;

/// The text in the first line of a target, as it is drawn.
fn text(canvas: &Canvas, target: &Target) -> String {
    let area = target.area;
    let cells = (area.x..area.x + area.width).map(|x| canvas.buffer[(x, area.y)].symbol());
    cells.collect::<String>()
}

/// Every visible clickable area.
fn listed(stage: &Stage) -> String {
    let canvas = Canvas::of(stage, Theme::COLOUR);
    let view = stage.app.view(stage.now);
    let mut lines = String::new();
    for target in &view.targets {
        let (x, y) = (target.area.x, target.area.y);
        let is_on_top = view.click_at(x, y) == Some(target.click);
        // Only the first rows, which are enough.
        let is_row = matches!(target.click, Click::Row(2..) | Click::Nothing);
        if is_on_top && !is_row {
            let text: String = text(&canvas, target).chars().take(40).collect();
            let _ = writeln!(lines, "{x:>3},{y:<2} {:?}  {:?}", target.click, text.trim());
        }
    }
    lines
}

fn list(name: &str, scene: impl Fn(u16, u16) -> Stage) {
    for (width, height) in [(80, 24), (40, 10), (160, 45)] {
        let text = listed(&scene(width, height));
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(format!("clicks_{name}_{width}x{height}"), text));
    }
}

#[test]
fn in_the_table_with_a_filter_a_pause_and_a_protocol_off() {
    list("table", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/nginx");
        stage.key(Key::Enter);
        stage.press("up");
        stage
    });
}

#[test]
fn in_a_pane() {
    list("events", |width, height| {
        let mut stage = changes_stage(width, height);
        stage.press("e");
        stage
    });
}

#[test]
fn in_a_bind_test() {
    list("bind_test", bind_test_stage);
}

#[test]
fn in_a_menu() {
    list("menu", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("c");
        stage
    });
}

#[test]
fn in_a_question() {
    list("question", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/node");
        stage.key(Key::Enter);
        stage.press("K");
        stage
    });
}

#[test]
fn in_the_palette() {
    list("palette", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press(":end");
        stage
    });
}
