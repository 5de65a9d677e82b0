//! `sockeye list`: the table once, as text or JSON.

use sockeye::app::select_rows;
use sockeye::columns::CellContext;
use sockeye::model::{Owner, Problem, ProblemCode};
use sockeye::report;
use sockeye::runtime::clock::Clock;
use sockeye::source::System;
use sockeye::track::{Row, Tracker};

use super::options::{List, Shared};
use super::output::{Printed, print, terminal_width};
use super::{EXIT_NOT_SO, EXIT_TROUBLE, complain};

/// Prints the rows that match; the code is 1 if none does.
pub(super) fn run(shared: &Shared, list: &List) -> anyhow::Result<u8> {
    let filter = shared.filter(&list.filter)?;
    let clock = Clock::start();
    let now = clock.now();
    let snapshot = match &shared.replay {
        Some(_) => shared.source()?.take(now)?,
        None => System::new().take_once(now)?,
    };
    if let Some(mut recorder) = shared.recorder()? {
        recorder.record(&snapshot)?;
    }
    let table = Tracker::new(shared.linger).observe(snapshot).table;
    let tab = shared.tab(!list.filter.is_empty());
    let uid = super::live::own_uid();
    let rows = select_rows(&table, tab, shared.protocols(), filter, uid);
    let printed = if list.json {
        print(|out| report::write_json(out, &table, rows.iter().copied()))?
    } else {
        let context = CellContext {
            now: table.taken_at,
            highlight: shared.highlight,
            names: true,
            brief: false,
        };
        print(|out| report::write_text(out, &rows, &context, terminal_width()))?
    };
    if printed == Printed::Whole && !list.json {
        let is_hidden = |row: &&Row| row.socket.owner == Owner::Hidden;
        // Owners that nobody asked about are no concern of this listing.
        let concerns = |problem: &&Problem| {
            problem.code != ProblemCode::HiddenOwners || rows.iter().any(is_hidden)
        };
        let problems = table.problems.iter().filter(concerns);
        problems.for_each(|problem| complain(&problem.message));
    }
    let is_unread = |problem: &Problem| problem.code == ProblemCode::TableUnreadable;
    Ok(match rows.is_empty() {
        // Whether something matches could not be found out.
        true if table.problems.iter().any(is_unread) => EXIT_TROUBLE,
        true => EXIT_NOT_SO,
        false => 0,
    })
}
