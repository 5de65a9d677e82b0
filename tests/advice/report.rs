//! The rows "situation, who asks, first fix, what happened": one file each in the folder that
//! `SOCKEYE_ADVICE_REPORT` names, which is mounted on the stage. `.ci/advice` makes the table of docs/taken.md of them.

use std::fs;
use std::path::Path;

use crate::started::User;

/// Writes the row of a scene that went as it should. Its file's name decides its place in the table.
pub fn report(
    family: &str,
    number: usize,
    user: User,
    situation: &str,
    first: &str,
    happened: &str,
    lives: &[&String],
) {
    let folder = Path::new("/run/stage/report");
    if !folder.exists() {
        return;
    }
    let lives: Vec<_> = lives.iter().map(|name| name.as_str()).collect();
    let lives = match lives[..] {
        [] => String::new(),
        _ => format!("; still there: {}", lives.join(", ")),
    };
    let (first, situation) = (cell(first), cell(situation));
    let first = if happened.starts_with("nothing") {
        first
    } else {
        format!("`{first}`")
    };
    let row = format!(
        "| {situation} | {} | {first} | {happened}{lives} |\n",
        user.name()
    );
    fs::write(folder.join(format!("{family}-{number:02}.md")), row).unwrap();
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
