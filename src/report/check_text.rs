//! `check`: verdicts as text for a person.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::bind::{Fix, Outcome, Start, Target, Verdict};
use crate::columns::{owner_with_pid, pad, socket_text, width, wrap};
use crate::model::Text;

/// More blockers than this are counted, not listed.
pub(super) const MAX_LISTED: usize = 8;

const INDENT: &str = "  ";

/// Writes one verdict. Sentences are broken at `columns` cells if there is such a limit; the outcome
/// is coloured if `has_colour`.
///
/// # Errors
/// What the writer says.
pub fn write_check(
    out: &mut dyn Write,
    target: &Target,
    verdict: &Verdict,
    columns: Option<u16>,
    has_colour: bool,
) -> io::Result<()> {
    write_outcome(out, target, verdict, has_colour)?;
    let say = |out: &mut dyn Write, text: &str| sentence(out, "", text, columns);
    say(out, &verdict.summary)?;
    for detail in &verdict.details {
        say(out, detail)?;
    }
    fixes(out, &verdict.fixes, columns)?;
    writeln!(out)?;
    table(out, &matrix(verdict))?;
    if !verdict.profiles.is_empty() {
        writeln!(out)?;
        table(out, &profiles(verdict))?;
    }
    if !verdict.blockers.is_empty() {
        writeln!(out, "\n{INDENT}in the way")?;
        table(out, &blockers(verdict))?;
        let more = verdict.blockers.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            writeln!(out, "{INDENT}{INDENT}and {more} more")?;
        }
    }
    let notes = verdict
        .notes
        .iter()
        .map(|note| ("note: ", note.message.clone()));
    let gaps = verdict
        .gaps
        .iter()
        .map(|gap| ("not known: ", format!("{}.", gap.message)));
    let rest: Vec<_> = notes.chain(gaps).collect();
    if !rest.is_empty() {
        writeln!(out)?;
    }
    for (label, text) in rest {
        sentence(out, label, &text, columns)?;
    }
    Ok(())
}

/// Writes what could not be found out about targets that were told of briefly, after an empty line.
/// Without any nothing is written.
///
/// # Errors
/// What the writer says.
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

/// Writes of a verdict only its outcome, and what is worth knowing besides.
///
/// # Errors
/// What the writer says.
pub fn write_check_briefly(
    out: &mut dyn Write,
    target: &Target,
    verdict: &Verdict,
    columns: Option<u16>,
    has_colour: bool,
) -> io::Result<()> {
    write_outcome(out, target, verdict, has_colour)?;
    for note in &verdict.notes {
        sentence(out, "note: ", &note.message, columns)?;
    }
    Ok(())
}

fn write_outcome(
    out: &mut dyn Write,
    target: &Target,
    verdict: &Verdict,
    has_colour: bool,
) -> io::Result<()> {
    let outcome = painted(verdict.outcome, has_colour);
    writeln!(out, "{target}: {outcome}")
}

pub(super) fn painted(outcome: Outcome, has_colour: bool) -> String {
    let code = match outcome {
        Outcome::Free => 32,
        Outcome::InUse => 31,
        Outcome::Denied | Outcome::Unavailable | Outcome::Raced => 33,
    };
    let word = outcome.as_str();
    if has_colour {
        format!("\x1b[1;{code}m{word}\x1b[0m")
    } else {
        word.to_owned()
    }
}

/// What helps: each fix in a sentence, its command on a line of its own, and below what else it does.
pub(super) fn fixes(out: &mut dyn Write, fixes: &[Fix], columns: Option<u16>) -> io::Result<()> {
    if fixes.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{INDENT}{}",
        if fixes.len() == 1 { "fix" } else { "fixes" }
    )?;
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

/// Text that goes on below its beginning.
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

pub(super) fn sentence(
    out: &mut dyn Write,
    label: &str,
    text: &str,
    columns: Option<u16>,
) -> io::Result<()> {
    indented(out, 1, &format!("{label}{text}"), columns)
}

/// Lines of cells, each column as wide as its widest cell.
pub(super) fn table(out: &mut dyn Write, lines: &[Vec<String>]) -> io::Result<()> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |at: usize| {
        let cells = lines.iter().filter_map(|line| line.get(at));
        cells.map(|cell| width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(widest).collect();
    for line in lines {
        let cells = line.iter().zip(&widths);
        let cells: Vec<_> = cells.map(|(cell, &width)| pad(cell, width)).collect();
        writeln!(out, "{INDENT}{INDENT}{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

fn matrix(verdict: &Verdict) -> Vec<Vec<String>> {
    let heading = ["address", "with SO_REUSEADDR", "without"]
        .map(str::to_owned)
        .to_vec();
    let rows = verdict.matrix.iter().map(|row| {
        let cells = [&row.with_reuse_address, &row.without];
        let [with, without] = cells.map(|cell| cell.as_str().to_owned());
        vec![row.address.clone(), with, without]
    });
    std::iter::once(heading).chain(rows).collect()
}

fn profiles(verdict: &Verdict) -> Vec<Vec<String>> {
    let heading = ["could start here", "binds", ""]
        .map(str::to_owned)
        .to_vec();
    let rows = verdict
        .profiles
        .iter()
        .map(|(profile, start): &(_, Start)| {
            [profile.servers, profile.manner, start.as_str()]
                .map(str::to_owned)
                .to_vec()
        });
    std::iter::once(heading).chain(rows).collect()
}

fn blockers(verdict: &Verdict) -> Vec<Vec<String>> {
    let rows = verdict.blockers.iter().take(MAX_LISTED);
    rows.map(|holder| {
        let socket = &holder.socket;
        vec![
            socket_text(socket),
            socket.state.to_string(),
            owner_with_pid(socket),
        ]
    })
    .collect()
}
