//! The pane of a bind test: the verdict, what to do, the sockets in the way and their owner, why, notes; then the answers
//! for each address ([`tables`]).

use crate::app::RowNamespace;
use crate::app::notices::{LONG, no_answer};
use crate::app::panes::bind_test::{BindPane, tables};
use crate::app::view::{Click, Line, MAX_LINES, Role, hanging, line_width, span};
use crate::bind::{Fix, Outcome, Verdict};
use crate::columns::{owner_with_pid, pad, socket_text};
use crate::model::{Holder, Moment};

/// Narrower panes have shorter texts.
pub(super) const WIDE: usize = 60;

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
    let who = blockers(pane, verdict).into_iter().chain(details);
    let fixes = verdict.fixes.iter().enumerate();
    let fixes = fixes.flat_map(|(at, fix)| fix_lines(at, fix, columns));
    let notes = verdict.notes.iter().map(|note| ("note", &*note.message));
    let gaps = verdict.gaps.iter().map(|gap| ("not known", &*gap.message));
    let notes = notes
        .chain(gaps)
        .flat_map(|(label, text)| labelled((label, Role::Dim), text, Role::Dim, columns));
    let mut sections: Vec<Vec<Line>> = vec![
        headline(verdict, columns),
        fixes.collect(),
        who.collect(),
        notes.collect(),
        tables::summary(verdict, pane.has_tables, columns),
    ];
    if pane.has_tables {
        sections.extend(tables::sections(verdict, columns));
    }
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
    let inside = RowNamespace::in_words(pane.namespace.as_ref());
    format!("bind test · {protocol} {target}{inside}{state}{slow}")
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
pub(super) fn labelled(label: (&str, Role), text: &str, role: Role, columns: usize) -> Vec<Line> {
    if columns >= WIDE {
        return hanging(label, LABEL, text, role, columns);
    }
    let (label, label_role) = label;
    let lines = hanging(("", label_role), 0, text, role, columns);
    let label = (!label.is_empty()).then(|| vec![span(label, label_role)]);
    label.into_iter().chain(lines).collect()
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
