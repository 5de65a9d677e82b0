//! `check`: verdicts as text for a person.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};

use crate::bind::{AnyVerdict, Fix, Outcome};
use crate::columns::{align, owner_with_pid, socket_text, wrap};
use crate::model::{Holder, Text, UnixHolder};

/// More blockers than this are counted, not listed.
const MAX_LISTED: usize = 8;

const INDENT: &str = "  ";

/// A socket in the way, as a line of a table.
pub trait Blocker {
    /// From how many on they are listed.
    const LISTED_FROM: usize;
    /// Its cells.
    fn cells(&self) -> [String; 3];
}

impl Blocker for Holder {
    const LISTED_FROM: usize = 1;

    fn cells(&self) -> [String; 3] {
        let socket = &self.socket;
        [
            socket_text(socket),
            socket.state.to_string(),
            owner_with_pid(socket),
        ]
    }
}

impl Blocker for UnixHolder {
    /// A single one is named in the summary.
    const LISTED_FROM: usize = 2;

    fn cells(&self) -> [String; 3] {
        [
            self.kind.as_str().to_owned(),
            unix_state(self).to_owned(),
            owner_with_pid(&self.holder.socket),
        ]
    }
}

pub(super) const fn unix_state(one: &UnixHolder) -> &'static str {
    if one.is_listening { "LISTEN" } else { "UNCONN" }
}

/// Writes one verdict. Sentences are broken at `columns` cells if there is such a limit; the outcome
/// is coloured if `has_colour`.
pub fn write_check<C, B: Blocker>(
    out: &mut dyn Write,
    target: &dyn Display,
    verdict: &AnyVerdict<C, B>,
    columns: Option<u16>,
    has_colour: bool,
) -> io::Result<()> {
    write_outcome(out, target, verdict.outcome, has_colour)?;
    for text in std::iter::once(&verdict.summary).chain(&verdict.details) {
        sentence(out, "", text, columns)?;
    }
    fixes(out, &verdict.fixes, columns)?;
    let matrix = verdict.matrix.iter().map(|row| {
        let [with, without] = [&row.with_reuse_address, &row.without].map(|cell| cell.as_str());
        [row.address.as_str(), with, without]
    });
    let profiles = verdict.profiles.iter();
    let profiles = profiles.map(|(of, start)| [of.servers, of.shown, start.as_str()]);
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
    if blockers.len() >= B::LISTED_FROM {
        writeln!(out, "\n{INDENT}in the way")?;
        table(out, blockers.iter().take(MAX_LISTED).map(Blocker::cells))?;
        let more = blockers.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            writeln!(out, "{INDENT}{INDENT}and {more} more")?;
        }
    }
    if !(verdict.notes.is_empty() && verdict.gaps.is_empty()) {
        writeln!(out)?;
    }
    for note in &verdict.notes {
        sentence(out, "note: ", &note.message, columns)?;
    }
    for gap in &verdict.gaps {
        sentence(out, "not known: ", &format!("{}.", gap.message), columns)?;
    }
    Ok(())
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
    for gap in gaps {
        sentence(out, "not known: ", &format!("{gap}."), columns)?;
    }
    Ok(())
}

/// Writes only the outcome of a verdict and its notes.
pub fn write_check_briefly<C, B>(
    out: &mut dyn Write,
    target: &dyn Display,
    verdict: &AnyVerdict<C, B>,
    columns: Option<u16>,
    has_colour: bool,
) -> io::Result<()> {
    write_outcome(out, target, verdict.outcome, has_colour)?;
    for note in &verdict.notes {
        sentence(out, "note: ", &note.message, columns)?;
    }
    Ok(())
}

fn write_outcome(
    out: &mut dyn Write,
    target: &dyn Display,
    outcome: Outcome,
    has_colour: bool,
) -> io::Result<()> {
    let code = match outcome {
        Outcome::Free => 32,
        Outcome::InUse => 31,
        Outcome::Denied | Outcome::Unavailable | Outcome::Raced => 33,
    };
    let word = outcome.as_str();
    if has_colour {
        writeln!(out, "{target}: \x1b[1;{code}m{word}\x1b[0m")
    } else {
        writeln!(out, "{target}: {word}")
    }
}

/// Each fix as a sentence, its command on the next line, and below what else it does.
fn fixes(out: &mut dyn Write, fixes: &[Fix], columns: Option<u16>) -> io::Result<()> {
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
fn indented(out: &mut dyn Write, depth: usize, text: &str, columns: Option<u16>) -> io::Result<()> {
    let indent = INDENT.repeat(depth);
    let room = columns.map_or(usize::MAX, |columns| {
        usize::from(columns).saturating_sub(indent.len())
    });
    for line in wrap(text, room) {
        writeln!(out, "{indent}{line}")?;
    }
    Ok(())
}

fn sentence(out: &mut dyn Write, label: &str, text: &str, columns: Option<u16>) -> io::Result<()> {
    indented(out, 1, &format!("{label}{text}"), columns)
}

fn table(
    out: &mut dyn Write,
    rows: impl Iterator<Item = [impl Into<String>; 3]>,
) -> io::Result<()> {
    let rows = rows.map(|cells| cells.map(Into::into).to_vec());
    let mut lines = align(rows.collect()).into_iter();
    lines.try_for_each(|line| writeln!(out, "{INDENT}{INDENT}{line}"))
}
