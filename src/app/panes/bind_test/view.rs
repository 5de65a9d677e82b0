//! A bind test: the verdict, what the kernel said of each address, who could start, what is in the
//! way and what to do about it.

use crate::app::notices::slow_notice::no_answer;
use crate::app::panes::bind_test::BindPane;
use crate::app::panes::view::MAX_LINES;
use crate::app::view::{Click, Line, Role, line_width, span, widest};
use crate::bind::{MatrixCell, Outcome, Profile, Start, Target, Verdict};
use crate::columns::{cut, owner_with_pid, pad, socket_text, width, wrap};
use crate::model::Moment;

/// Below this width the headings of the matrix are short.
const ROOMY: usize = 60;

/// Between the matrix and the servers where they stand side by side.
const GAP: usize = 4;

/// Width of the outcome's word, and of the labels below it.
const LABEL: usize = 14;

/// More sockets in the way than this are counted, not listed.
const MAX_LISTED: usize = 8;

/// The lines in a pane of this width.
pub(crate) fn lines(pane: &BindPane, columns: usize) -> Vec<Line> {
    let Some(verdict) = pane.verdict() else {
        let line = match pane.failure() {
            Some(why) => span(why, Role::Bad),
            None => span("binding…", Role::Dim),
        };
        return vec![vec![line]];
    };
    let (mut lines, details) = (headline(verdict, columns), details(verdict, columns));
    let (matrix, servers) = (matrix(verdict, columns), servers(verdict, columns));
    let blockers = blockers(pane, verdict);
    if widest(&matrix) + GAP + widest(&servers) <= columns {
        lines.extend(details);
        section(&mut lines, fixes(verdict, columns));
        section(&mut lines, beside(matrix, servers));
        section(&mut lines, blockers);
    } else {
        // Where not everything is in sight, what to do comes first.
        if columns < ROOMY {
            section(&mut lines, fixes(verdict, columns));
            section(&mut lines, details);
        } else {
            lines.extend(details);
            section(&mut lines, fixes(verdict, columns));
        }
        section(&mut lines, matrix);
        section(&mut lines, blockers);
        section(&mut lines, servers);
    }
    let notes = verdict
        .notes
        .iter()
        .map(|note| ("note", note.message.clone()));
    let gaps = verdict
        .gaps
        .iter()
        .map(|gap| ("not known", gap.message.to_string()));
    let rest = notes
        .chain(gaps)
        .flat_map(|(label, text)| labelled(&span(label, Role::Dim), &text, Role::Dim, columns));
    section(&mut lines, rest.collect());
    lines.truncate(MAX_LINES);
    lines
}

/// The sockets in the way, the one that was gone to marked.
fn blockers(pane: &BindPane, verdict: &Verdict) -> Vec<Line> {
    let line = |(at, holder): (usize, &crate::model::Holder)| {
        let label = if at == 0 { "in the way" } else { "" };
        let socket = &holder.socket;
        let is_there = pane.visited() == Some(at);
        let mark = if is_there { "▸ " } else { "" };
        let line = [
            span(pad(label, LABEL), Role::Dim),
            span(format!("{mark}{}  ", socket_text(socket)), Role::Strong),
            span(format!("{}  ", socket.state), Role::Plain),
            span(owner_with_pid(socket), Role::Plain),
        ];
        line.map(|span| span.on_click(Click::GoTo(at))).into()
    };
    let blockers = verdict.blockers.iter().take(MAX_LISTED).enumerate();
    let mut lines: Vec<Line> = blockers.map(line).collect();
    let more = verdict.blockers.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        let text = format!("{}and {more} more", pad("", LABEL));
        lines.push(vec![span(text, Role::Dim)]);
    }
    lines
}

/// `bind test · tcp 8080`, and what goes on.
pub(crate) fn title(pane: &BindPane, now: Moment) -> String {
    let state = match (pane.is_watching(), pane.is_running()) {
        (true, _) => " · watching",
        (false, true) => " · testing…",
        (false, false) => "",
    };
    let overdue = pane
        .unanswered_for(now)
        .map(|age| format!(" {}", no_answer(age)));
    let overdue = overdue.unwrap_or_default();
    format!("bind test · {}{state}{overdue}", spoken(&pane.target))
}

/// `tcp 8080`
fn spoken(target: &Target) -> String {
    let text = target.to_string();
    let place = text.trim_end_matches("/udp");
    format!("{} {place}", target.protocol.as_str())
}

/// The outcome with its sentence.
fn headline(verdict: &Verdict, columns: usize) -> Vec<Line> {
    let (word, role) = match verdict.outcome {
        Outcome::Free => ("✓ free", Role::Good),
        Outcome::InUse if verdict.is_timed() => ("◷ waiting", Role::Warning),
        Outcome::InUse => ("✗ in use", Role::Bad),
        Outcome::Denied => ("✗ denied", Role::Warning),
        Outcome::Unavailable => ("✗ unavailable", Role::Warning),
        Outcome::Raced => ("~ raced", Role::Warning),
    };
    labelled(&span(word, role), &verdict.summary, Role::Strong, columns)
}

/// What explains it.
fn details(verdict: &Verdict, columns: usize) -> Vec<Line> {
    let label = span("", Role::Plain);
    let details = verdict.details.iter();
    details
        .flat_map(|detail| labelled(&label, detail, Role::Plain, columns))
        .collect()
}

/// A label and a sentence, which goes on under itself; on a narrow screen it begins below its label.
fn labelled(label: &crate::app::view::Span, text: &str, role: Role, columns: usize) -> Vec<Line> {
    let is_narrow = columns < ROOMY;
    let indent = if is_narrow { 0 } else { LABEL };
    let mut lines = Vec::new();
    if is_narrow && !label.text.is_empty() {
        lines.push(vec![label.clone()]);
    }
    for (at, part) in wrap(text, columns.saturating_sub(indent).max(1))
        .into_iter()
        .enumerate()
    {
        let first = if at == 0 && !is_narrow {
            label.text.as_str()
        } else {
            ""
        };
        let label = span(pad(first, indent), label.role);
        lines.push(vec![label, span(part, role)]);
    }
    lines
}

/// Adds lines after an empty one, if there are any.
fn section(lines: &mut Vec<Line>, added: Vec<Line>) {
    if !added.is_empty() {
        lines.push(Line::new());
        lines.extend(added);
    }
}

/// Two blocks of lines side by side.
fn beside(mut left: Vec<Line>, right: Vec<Line>) -> Vec<Line> {
    let edge = widest(&left) + GAP;
    left.resize(left.len().max(right.len()), Line::new());
    for (line, right) in left.iter_mut().zip(right) {
        line.push(span(" ".repeat(edge - line_width(line)), Role::Plain));
        line.extend(right);
    }
    left
}

/// Address × (with, without `SO_REUSEADDR`).
fn matrix(verdict: &Verdict, columns: usize) -> Vec<Line> {
    let (cell, headings) = if columns >= ROOMY {
        (20, ["address", "with SO_REUSEADDR", "without"])
    } else {
        (14, ["address", "REUSEADDR", "without"])
    };
    let answer = |cell: &MatrixCell, width: usize| {
        let role = match cell {
            MatrixCell::Answered(result) if result.is_ok() => Role::Good,
            MatrixCell::Answered(_) => Role::Bad,
            MatrixCell::Predicted(_) | MatrixCell::Implied => Role::Dim,
        };
        span(pad(cell.as_str(), width), role)
    };
    let [first, second, last] = headings;
    let heading = vec![
        span(pad(first, cell), Role::Dim),
        span(pad(second, cell), Role::Dim),
        span(last, Role::Dim),
    ];
    let rows = verdict.matrix.iter().map(|row| {
        vec![
            span(pad(&row.address, cell), Role::Strong),
            answer(&row.with_reuse_address, cell),
            answer(&row.without, 12),
        ]
    });
    std::iter::once(heading).chain(rows).collect()
}

/// Which servers could start. Where there is little room, what they bind is left out.
fn servers(verdict: &Verdict, columns: usize) -> Vec<Line> {
    if verdict.profiles.is_empty() {
        return Vec::new();
    }
    let room_for = |text: fn(&Profile) -> &'static str| {
        let texts = verdict.profiles.iter().map(|(profile, _)| text(profile));
        texts.map(width).max().unwrap_or(0) + 2
    };
    let servers = room_for(|profile| profile.servers);
    let manner = if columns >= ROOMY {
        room_for(|profile| profile.manner)
    } else {
        0
    };
    let rows = verdict.profiles.iter().map(|(profile, start)| {
        let role = match start {
            Start::Ok => Role::Good,
            Start::Unknown => Role::Warning,
            Start::Refused => Role::Bad,
        };
        vec![
            span(pad(profile.servers, servers), Role::Plain),
            span(pad(&cut(profile.manner, manner), manner), Role::Plain),
            span(start.as_str(), role),
        ]
    });
    let heading = vec![span("could start here", Role::Dim)];
    std::iter::once(heading).chain(rows).collect()
}

/// What helps; a command is one piece and stands alone where it does not fit beside its sentence.
fn fixes(verdict: &Verdict, columns: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, fix) in verdict.fixes.iter().enumerate() {
        let label = span(if at == 0 { "fix" } else { "" }, Role::Dim);
        let end = if fix.command.is_some() { ':' } else { '.' };
        let text = format!("{}{end}", fix.text);
        lines.extend(labelled(&label, &text, Role::Plain, columns));
        if let Some(command) = &fix.command {
            add_command(&mut lines, command, columns);
        }
        if let Some(caution) = fix.caution() {
            let nothing = span("", Role::Dim);
            lines.extend(labelled(&nothing, &caution, Role::Warning, columns));
        }
    }
    lines
}

/// A command, beside the last line if there is room.
fn add_command(lines: &mut Vec<Line>, command: &str, columns: usize) {
    let command = span(command.to_owned(), Role::Accent);
    let beside = vec![span(" ", Role::Plain), command.clone()];
    match lines.last_mut() {
        Some(line) if line_width(line) + line_width(&beside) <= columns => line.extend(beside),
        _ => {
            let is_roomy = line_width(&beside) + LABEL < columns;
            let indent = if is_roomy { LABEL } else { 0 };
            lines.push(vec![span(pad("", indent + 2), Role::Plain), command]);
        }
    }
}
