//! `check`: verdicts as text for a person.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};

use crate::bind::{AnyVerdict, Fix, Note, Outcome, Start, Target, UnixVerdict, Verdict};
use crate::columns::{align, owner_with_pid, socket_text, wrap};
use crate::model::{Text, UnixAddress, UnixHolder};

/// More blockers than this are counted, not listed.
const MAX_LISTED: usize = 8;

pub(super) const INDENT: &str = "  ";

/// A target with its verdict.
#[derive(Clone, Debug)]
pub enum Checked {
    /// A port.
    Port(Target, Verdict),
    /// The name of a unix socket.
    Unix(UnixAddress, UnixVerdict),
}

/// Writes one verdict, if `is_brief` only its outcome and notes. Sentences are broken at `columns` cells if there is such
/// a limit; the outcome is coloured if `has_colour`.
pub fn write_check(
    out: &mut dyn Write,
    checked: &Checked,
    is_brief: bool,
    columns: Option<u16>,
    has_colour: bool,
) -> io::Result<()> {
    let (target, outcome, notes, namespace): (&dyn Display, _, _, _) = match checked {
        Checked::Port(target, verdict) => {
            (target, verdict.outcome, &verdict.notes, &verdict.namespace)
        }
        Checked::Unix(name, verdict) => (name, verdict.outcome, &verdict.notes, &verdict.namespace),
    };
    let inside = namespace
        .as_ref()
        .map(|one| format!(" in {}", one.describe()));
    let inside = inside.unwrap_or_default();
    let code = match outcome {
        Outcome::Free => 32,
        Outcome::InUse => 31,
        Outcome::Denied | Outcome::Unavailable | Outcome::Raced => 33,
    };
    let word = outcome.as_str();
    if has_colour {
        writeln!(out, "{target}{inside}: \x1b[1;{code}m{word}\x1b[0m")?;
    } else {
        writeln!(out, "{target}{inside}: {word}")?;
    }
    match checked {
        _ if is_brief => write_notes(out, notes, columns),
        Checked::Port(_, verdict) => write_verdict(out, verdict, 1, columns, |holder| {
            let socket = &holder.socket;
            let state = socket.state.to_string();
            [socket_text(socket), state, owner_with_pid(socket)]
        }),
        // A single socket is named in the summary.
        Checked::Unix(_, verdict) => write_verdict(out, verdict, 2, columns, |one| {
            let [kind, state] = [one.kind.as_str(), unix_state(one)].map(str::to_owned);
            [kind, state, owner_with_pid(&one.holder.socket)]
        }),
    }
}

pub(super) const fn unix_state(one: &UnixHolder) -> &'static str {
    if one.is_listening { "LISTEN" } else { "UNCONN" }
}

/// Writes all but the outcome. Sockets in the way are listed from so many on, as rows of these cells.
fn write_verdict<C, B>(
    out: &mut dyn Write,
    verdict: &AnyVerdict<C, B>,
    listed_from: usize,
    columns: Option<u16>,
    cells: impl Fn(&B) -> [String; 3],
) -> io::Result<()> {
    for text in std::iter::once(&verdict.summary).chain(&verdict.details) {
        indented(out, 1, text, columns)?;
    }
    fixes(out, &verdict.fixes, columns)?;
    let matrix = verdict.matrix.iter().map(|row| {
        let (with, without) = (&row.with_reuse_address, &row.without);
        [row.address.as_str(), with.as_str(), without.as_str()]
    });
    let profiles = verdict.profiles.iter();
    let profiles = profiles.map(|(of, start)| {
        let start = match start {
            Start::Ok if verdict.is_recorded => "could start",
            start => start.as_str(),
        };
        [of.servers, of.shown, start]
    });
    for (heading, rows) in [
        (
            ["address", "with SO_REUSEADDR", "without"],
            matrix.collect(),
        ),
        (["servers", "binds", "result"], profiles.collect::<Vec<_>>()),
    ] {
        if !rows.is_empty() {
            writeln!(out)?;
            table(out, std::iter::once(heading).chain(rows))?;
        }
    }
    let blockers = &verdict.blockers;
    if blockers.len() >= listed_from {
        writeln!(out, "\n{INDENT}in the way")?;
        table(out, blockers.iter().take(MAX_LISTED).map(cells))?;
        let more = blockers.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            writeln!(out, "{INDENT}{INDENT}and {more} more")?;
        }
    }
    if !(verdict.notes.is_empty() && verdict.gaps.is_empty()) {
        writeln!(out)?;
    }
    write_notes(out, &verdict.notes, columns)?;
    let mut gaps = verdict.gaps.iter().map(|gap| &gap.message);
    gaps.try_for_each(|gap| write_gap(out, gap, columns))
}

/// Writes the gaps of targets that were written briefly, after an empty line; nothing if there are none.
pub fn write_gaps(
    out: &mut dyn Write,
    gaps: &BTreeSet<Text>,
    columns: Option<u16>,
) -> io::Result<()> {
    if !gaps.is_empty() {
        writeln!(out)?;
    }
    let mut gaps = gaps.iter();
    gaps.try_for_each(|gap| write_gap(out, gap, columns))
}

fn write_gap(out: &mut dyn Write, gap: &Text, columns: Option<u16>) -> io::Result<()> {
    indented(out, 1, &format!("not known: {gap}."), columns)
}

pub(super) fn write_notes(
    out: &mut dyn Write,
    notes: &[Note],
    columns: Option<u16>,
) -> io::Result<()> {
    let mut notes = notes.iter().map(|note| format!("note: {}", note.message));
    notes.try_for_each(|note| indented(out, 1, &note, columns))
}

/// Each fix as a sentence, its command on the next line, and below what else it does.
pub(super) fn fixes(out: &mut dyn Write, fixes: &[Fix], columns: Option<u16>) -> io::Result<()> {
    if fixes.is_empty() {
        return Ok(());
    }
    let title = if fixes.len() == 1 { "fix" } else { "fixes" };
    writeln!(out, "\n{INDENT}{title}")?;
    for fix in fixes {
        let end = if fix.command.is_some() { ':' } else { '.' };
        indented(out, 2, &format!("{}{end}", fix.text), columns)?;
        if let Some(command) = &fix.command {
            // A command is one piece: it is never broken.
            writeln!(out, "{}{command}", INDENT.repeat(3))?;
        }
        if let Some(caution) = fix.caution() {
            indented(out, 3, &caution, columns)?;
        }
    }
    Ok(())
}

/// Text whose lines are all indented.
pub(super) fn indented(
    out: &mut dyn Write,
    depth: usize,
    text: &str,
    columns: Option<u16>,
) -> io::Result<()> {
    let indent = INDENT.repeat(depth);
    let room = columns.map_or(usize::MAX, |columns| {
        usize::from(columns).saturating_sub(indent.len())
    });
    for line in wrap(text, room) {
        writeln!(out, "{indent}{line}")?;
    }
    Ok(())
}

fn table(
    out: &mut dyn Write,
    rows: impl Iterator<Item = [impl Into<String>; 3]>,
) -> io::Result<()> {
    let rows = rows.map(|cells| cells.map(Into::into).to_vec());
    let mut lines = align(rows.collect()).into_iter();
    lines.try_for_each(|line| writeln!(out, "{INDENT}{INDENT}{line}"))
}
