//! The fixes for processes: ending them, and alternatives if that costs more than the port.

use super::end::end;
use super::process_group::Members;
use super::shell::kill;
use super::{Fix, FixCode, Situation, forward, is_guarded, protected};

/// The fixes for a family of processes.
pub(super) fn fixes(members: &Members<'_>, situation: &Situation<'_>) -> Vec<Fix> {
    let end_risk = members.end_risk();
    if is_guarded(end_risk) {
        let mut fixes = protected::instead(end_risk, members, situation);
        // Pid 1 can't be ended.
        if members.first.pid != 1 {
            let end = Fix {
                warning: protected::consequence(end_risk),
                ..end(members)
            };
            fixes.push(members.by_whom(end, situation));
        }
        return fixes;
    }
    if let Some(fixes) = forward::fixes(members, situation) {
        return fixes;
    }
    let end = members.by_whom_with_supervisor(end(members), situation);
    let mut fixes = vec![end];
    if fixes[0].command.is_some() && fixes[0].code != FixCode::EndHard && members.pids().len() > 1 {
        let text = "If some of them still run, kill all of them at once";
        let hard = Fix {
            warning: Some("What they are doing is lost.".into()),
            ..FixCode::EndHard.command(text, kill("-KILL ", &members.pids()))
        };
        fixes.push(members.by_whom(hard, situation));
    }
    if members.supervisor_to_end().is_some() {
        fixes.extend(members.end_restarting(situation));
    }
    fixes
}
