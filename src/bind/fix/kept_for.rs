//! Fixes for a port that `sockeye run --port-env` or `sockeye free --hold` keeps for a program: what has to end is the
//! program, and the port is free when it has ended.

use super::process::end;
use super::process_group::Members;
use super::{Fix, FixCode, Situation};
use crate::model::{AlsoEndsKind, Run};

/// `None` if the first process keeps the port for no program, or would be started again.
pub(super) fn fixes(members: &Members<'_>, situation: &Situation<'_>) -> Option<Vec<Fix>> {
    let kept = members.background.keeps_for.as_deref()?;
    if members.supervisor_to_end().is_some() {
        return None;
    }
    let program = Members {
        first: &kept.process,
        background: &kept.background,
        all: vec![(&kept.process, &kept.background)],
    };
    let [owner, name] = [members, &program].map(|one| one.first.name_and_pid());
    let passes_signals_on = [members, &program]
        .iter()
        .all(|one| one.ignores_term().is_none() && one.background.reaction.run == Run::Running);
    let fix = if passes_signals_on {
        let text =
            format!("End {owner}, which passes the signal on to {name} and keeps the port for it");
        let fix = Fix {
            text,
            ..end(members)
        };
        members.by_whom(fix, situation)
    } else {
        let is_more = |kind| kind != AlsoEndsKind::Process;
        let mut also_ends = members.also_ends();
        also_ends.retain(|one| is_more(one.kind));
        let end = end(&program);
        let fix = Fix {
            text: format!("{}; {owner} keeps the port for it", end.text),
            also_ends,
            ..end
        };
        program.by_whom(fix, situation)
    };
    let wait = FixCode::Wait.fix(format!("Wait until {name} ends"));
    Some(vec![fix, wait])
}
