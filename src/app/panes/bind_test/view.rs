//! The pane of a bind test: the verdict, fixes, the kernel's answer for each address, which servers could start, and
//! the sockets in the way.

use crate::app::notices::{LONG, no_answer};
use crate::app::panes::bind_test::BindPane;
use crate::app::view::{Click, Line, MAX_LINES, Role, Span, hanging, line_width, span, widest};
use crate::bind::{Fix, MatrixCell, Outcome, Start, Verdict};
use crate::columns::{owner_with_pid, pad, pad_cells, socket_text};
use crate::model::{Holder, Moment};

/// Narrower panes have shorter texts, and fixes before details.
const WIDE: usize = 60;

/// Cells between the matrix and the servers side by side.
const GAP: usize = 4;

const LABEL: usize = 14;

/// More sockets in the way are counted, not listed.
const MAX_LISTED: usize = 8;

pub(crate) fn lines(pane: &BindPane, columns: usize) -> Vec<Line> {
    let Some(verdict) = pane.verdict() else {
        let line = match &pane.failure {
            Some(why) => span(why.clone(), Role::Bad),
            None => span("binding…", Role::Dim),
        };
        return vec![vec![line]];
    };
    let details = verdict.details.iter();
    let details = details.flat_map(|text| labelled(("", Role::Dim), text, Role::Plain, columns));
    let details: Vec<Line> = details.collect();
    let fixes = verdict.fixes.iter().enumerate();
    let fixes = fixes.flat_map(|(at, fix)| fix_lines(at, fix, columns));
    let fixes: Vec<Line> = fixes.collect();
    let (mut matrix, servers) = (matrix(verdict, columns), servers(verdict, columns));
    let blockers = blockers(pane, verdict);
    let mut sections = if columns < WIDE {
        vec![headline(verdict, columns), fixes, details]
    } else {
        vec![[headline(verdict, columns), details].concat(), fixes]
    };
    if widest(&matrix) + GAP + widest(&servers) <= columns {
        let edge = widest(&matrix) + GAP;
        matrix.resize(matrix.len().max(servers.len()), Line::new());
        for (line, right) in matrix.iter_mut().zip(servers) {
            line.push(span(" ".repeat(edge - line_width(line)), Role::Plain));
            line.extend(right);
        }
        sections.extend([matrix, blockers]);
    } else {
        sections.extend([matrix, blockers, servers]);
    }
    let notes = verdict.notes.iter().map(|note| ("note", &*note.message));
    let gaps = verdict.gaps.iter().map(|gap| ("not known", &*gap.message));
    let notes = notes
        .chain(gaps)
        .flat_map(|(label, text)| labelled((label, Role::Dim), text, Role::Dim, columns));
    sections.push(notes.collect());
    sections.retain(|section| !section.is_empty());
    let mut lines = sections.join(&Line::new());
    lines.truncate(MAX_LINES);
    lines
}

/// `bind test · tcp 8080 · testing…`
pub(crate) fn title(pane: &BindPane, now: Moment) -> String {
    let state = match (pane.has_watch(), pane.running_since.is_some()) {
        (true, _) => " · watching",
        (false, true) => " · testing…",
        (false, false) => "",
    };
    let since = pane.running_since;
    let slow = since.map(|since| now.steady.saturating_sub(since));
    let slow = slow.filter(|&age| age >= LONG);
    let slow = slow.map(|age| format!(" {}", no_answer(age)));
    let (slow, protocol) = (slow.unwrap_or_default(), pane.target.protocol.as_str());
    let target = pane.target.to_string();
    let target = target.trim_end_matches("/udp");
    format!("bind test · {protocol} {target}{state}{slow}")
}

fn headline(verdict: &Verdict, columns: usize) -> Vec<Line> {
    let (word, role) = match verdict.outcome {
        Outcome::Free => ("✓ free", Role::Good),
        Outcome::InUse if verdict.is_timed() => ("◷ waiting", Role::Warning),
        Outcome::InUse => ("✗ in use", Role::Bad),
        Outcome::Denied => ("✗ denied", Role::Warning),
        Outcome::Unavailable => ("✗ unavailable", Role::Warning),
        Outcome::Raced => ("~ raced", Role::Warning),
    };
    labelled((word, role), &verdict.summary, Role::Strong, columns)
}

/// A label and a sentence with hanging indent; on a narrow screen the sentence starts below the label.
fn labelled(label: (&str, Role), text: &str, role: Role, columns: usize) -> Vec<Line> {
    if columns >= WIDE {
        return hanging(label, LABEL, text, role, columns);
    }
    let (label, label_role) = label;
    let lines = hanging(("", label_role), 0, text, role, columns);
    let label = (!label.is_empty()).then(|| vec![span(label, label_role)]);
    label.into_iter().chain(lines).collect()
}

/// Pads the columns, and removes the spaces at the end of the lines.
fn table(mut rows: Vec<Line>) -> Vec<Line> {
    pad_cells(&mut rows, 2, |cell: &mut Span| &mut cell.text);
    for row in &mut rows {
        if let Some(last) = row.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
    }
    rows
}

/// Addresses, and whether each can be bound with and without `SO_REUSEADDR`.
fn matrix(verdict: &Verdict, columns: usize) -> Vec<Line> {
    let option = if columns >= WIDE {
        "with SO_REUSEADDR"
    } else {
        "REUSEADDR"
    };
    let heading = ["address", option, "without"];
    let answer = |cell: &MatrixCell| {
        let role = match cell {
            MatrixCell::Answered(result) if result.is_ok() => Role::Good,
            MatrixCell::Answered(_) => Role::Bad,
            MatrixCell::Predicted(_) | MatrixCell::Implied => Role::Dim,
        };
        span(cell.as_str(), role)
    };
    let mut rows = vec![heading.map(|title| span(title, Role::Dim)).into()];
    rows.extend(verdict.matrix.iter().map(|row| {
        let address = span(&*row.address, Role::Strong);
        vec![
            address,
            answer(&row.with_reuse_address),
            answer(&row.without),
        ]
    }));
    table(rows)
}

/// Which servers could start; what they bind is left out on a narrow screen.
fn servers(verdict: &Verdict, columns: usize) -> Vec<Line> {
    if verdict.profiles.is_empty() {
        return Vec::new();
    }
    let heading = ["servers", "binds", "result"];
    let mut rows: Vec<Line> = vec![heading.map(|title| span(title, Role::Dim)).into()];
    rows.extend(verdict.profiles.iter().map(|(profile, start)| {
        let role = match start {
            Start::Ok => Role::Good,
            Start::Unknown => Role::Warning,
            Start::Refused => Role::Bad,
        };
        let [servers, binds] = [profile.servers, profile.shown].map(|it| span(it, Role::Plain));
        vec![servers, binds, span(start.as_str(), role)]
    }));
    if columns < WIDE {
        for row in &mut rows {
            row.remove(1);
        }
    }
    table(rows)
}

/// The sockets in the way, a `▸` before the one whose row was visited.
fn blockers(pane: &BindPane, verdict: &Verdict) -> Vec<Line> {
    let line = |(at, holder): (usize, &Holder)| {
        let label = if at == 0 { "in the way" } else { "" };
        let socket = &holder.socket;
        let mark = if pane.visited == Some(at) { "▸ " } else { "" };
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

/// A fix with its command and caution. A command is never wrapped: it gets a new line if it does not fit after the
/// sentence.
fn fix_lines(at: usize, fix: &Fix, columns: usize) -> Vec<Line> {
    let label = if at == 0 { "fix" } else { "" };
    let end = if fix.command.is_some() { ':' } else { '.' };
    let text = format!("{}{end}", fix.text);
    let mut lines = labelled((label, Role::Dim), &text, Role::Plain, columns);
    if let Some(command) = &fix.command {
        let command = span(command.to_owned(), Role::Accent);
        let cells = line_width(std::slice::from_ref(&command)) + 1;
        match lines.last_mut() {
            Some(line) if line_width(line) + cells <= columns => {
                line.extend([span(" ", Role::Plain), command]);
            }
            _ => {
                let indent = if cells + LABEL < columns { LABEL } else { 0 };
                lines.push(vec![span(pad("", indent + 2), Role::Plain), command]);
            }
        }
    }
    if let Some(caution) = fix.caution() {
        lines.extend(labelled(("", Role::Dim), &caution, Role::Warning, columns));
    }
    lines
}
