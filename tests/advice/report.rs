//! The rows "situation, run by, first fix, what happened": one file each in the folder that
//! `SOCKEYE_ADVICE_REPORT` names, which is mounted on the stage. `.ci/advice` makes the table of docs/taken.md from them.

use std::fs;
use std::path::Path;

use crate::started::User;

/// The row of a scene that went as expected.
pub struct Row<'a> {
    /// With `number` the name of its file, which decides its place in the table.
    pub family: &'a str,
    pub number: usize,
    pub situation: &'a str,
    pub user: User,
    pub first: &'a str,
    pub is_command: bool,
    pub happened: &'a str,
    pub lives: Vec<&'a str>,
}

/// Writes it, if a report is wanted.
pub fn report(row: &Row) {
    let folder = Path::new("/run/stage/report");
    if !folder.exists() {
        return;
    }
    let lives = match row.lives[..] {
        [] => String::new(),
        _ => format!("; still there: {}", row.lives.join(", ")),
    };
    let (first, situation) = (cell(&without_ids(row.first)), cell(row.situation));
    let first = if row.is_command {
        format!("`{first}`")
    } else {
        first
    };
    let (user, happened) = (row.user.name(), row.happened);
    let line = format!("| {situation} | {user} | {first} | {happened}{lives} |\n");
    let file = format!("{}-{:02}.md", row.family, row.number);
    fs::write(folder.join(file), line).unwrap();
}

/// Ids and pids are others at each run.
fn without_ids(text: &str) -> String {
    let ids = [
        (r"\b[0-9a-f]{12}\b", "ID"),
        (r"\(\d+\)", "(PID)"),
        // Scenes side by side see each other's rules: which is named first is chance.
        (
            r"(Some of the packets|Packets) for the port go to (the container )?\S+( \([^)]*\))?",
            "Packets for the port go to ADDRESS",
        ),
        (r"delete the rule \([^)]*\)", "delete the rule"),
    ];
    ids.iter().fold(text.to_owned(), |text, (pattern, name)| {
        let pattern = regex::Regex::new(pattern).unwrap();
        pattern.replace_all(&text, *name).into_owned()
    })
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
