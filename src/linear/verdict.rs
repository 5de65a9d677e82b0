//! The answer of a bind test as sentences: the verdict, why, and the first fix; the rest is for `more`.

use super::Session;
use crate::bind::{Fix, MatrixCell, MatrixRow, Target, Verdict};
use crate::columns::socket_with_owner;

/// Sockets in the way that are read.
const MOST_BLOCKERS: usize = 8;

impl Session {
    /// Prints the answer of the open bind test. While that waits for its port it tests once a second, and reports the
    /// end itself.
    pub(super) fn print_bind_test(&mut self) {
        let Some((target, verdict)) = self.app.tested().filter(|_| !self.app.is_waiting()) else {
            return;
        };
        let first = first_lines(target, verdict);
        let (count, rest) = (first.len(), rest_of(verdict));
        self.print_page(first.into_iter().chain(rest), count);
    }
}

fn first_lines(target: &Target, verdict: &Verdict) -> Vec<String> {
    let outcome = verdict.outcome.as_str();
    let inside = verdict.namespace.as_ref();
    let inside = inside.map_or_else(String::new, |one| format!(" in {}", one.describe()));
    let mut lines = vec![format!("{target}{inside}: {outcome}. {}", verdict.summary)];
    lines.extend(verdict.details.iter().cloned());
    let first = verdict.fixes.iter().take(1);
    lines.extend(first.flat_map(|fix| fix_lines("fix", fix)));
    lines
}

fn rest_of(verdict: &Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    let others = verdict.fixes.iter().skip(1);
    lines.extend(others.flat_map(|fix| fix_lines("or", fix)));
    let blockers = verdict.blockers.iter().take(MOST_BLOCKERS);
    let blockers = blockers.map(|holder| socket_with_owner(&holder.socket));
    lines.extend(blockers.map(|socket| format!("in the way: {socket}")));
    let more = verdict.blockers.len().saturating_sub(MOST_BLOCKERS);
    lines.extend((more > 0).then(|| format!("in the way: {more} more")));
    lines.extend(verdict.matrix.iter().map(bind_line));
    lines.extend(verdict.profiles.iter().map(|(profile, start)| {
        let (servers, binds) = (profile.servers, profile.shown);
        format!("servers {servers}, binding {binds}: {}", start.as_str())
    }));
    let notes = verdict.notes.iter();
    lines.extend(notes.map(|note| format!("note: {}", note.message)));
    let gaps = verdict.gaps.iter();
    lines.extend(gaps.map(|gap| format!("not known: {}", gap.message)));
    lines
}

fn fix_lines(label: &str, fix: &Fix) -> impl Iterator<Item = String> + use<> {
    let caution = fix.caution().map(|caution| format!("caution: {caution}"));
    [format!("{label}: {fix}")].into_iter().chain(caution)
}

/// `bind [::] v6 only: with SO_REUSEADDR ok, without it predicted ok`
fn bind_line(row: &MatrixRow) -> String {
    let answer = |cell: &MatrixCell, option| match cell {
        MatrixCell::Answered(_) => Some(format!("{option} {}", cell.as_str())),
        MatrixCell::Predicted(_) => {
            let answer = cell.as_str().trim_matches(['(', ')']);
            Some(format!("{option} predicted {answer}"))
        }
        MatrixCell::Implied => None,
    };
    let with = answer(&row.with_reuse_address, "with SO_REUSEADDR");
    let option = if with.is_some() {
        "without it"
    } else {
        "without SO_REUSEADDR"
    };
    let answers = with.into_iter().chain(answer(&row.without, option));
    format!(
        "bind {}: {}",
        row.address,
        answers.collect::<Vec<_>>().join(", ")
    )
}
