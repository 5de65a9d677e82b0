//! `--free-first`: ends what is in the way of a call, while that waits, as `sockeye end --yes` would.

use super::{Explainer, Failure, Reply};
use crate::bind::{EndPlan, EndRules};
use crate::model::Process;
use crate::report::Freed;
use crate::runtime::end_port::{EndOptions, carry_out, ends_with, test_ports};
use crate::runtime::run::linux::FREE_LIMIT;
use crate::source::Mine;
use crate::source::proc_stat::with_ancestors;

/// The greatest depth of an ancestry.
const MAX_DEPTH: usize = 256;

impl Explainer {
    /// Frees the port of a call that waits for it, and reports that.
    pub(super) fn free_first(&mut self, id: u32, failure: &Failure) {
        let is_free = self.free(id, failure);
        let call = failure.id;
        // The supervisor may have ended.
        let _ = self.replies.send(Reply::Freed { call, is_free });
        self.waker.wake();
    }

    fn free(&mut self, id: u32, failure: &Failure) -> bool {
        if failure.network.is_some() {
            let why = "--free-first: nothing is ended in another network namespace";
            self.output.unjudged(why);
            return false;
        }
        let mine = Mine::find();
        let may_end = |process: &Process| may_end(process, &mine);
        let rules = EndRules {
            may_end: Some(&may_end),
            ends_with: Some(&ends_with),
            ..EndRules::DEFAULT
        };
        let targets = [failure.attempt.target()];
        let plan = EndPlan::of(test_ports(&targets, self.clock, None), &rules);
        let options = EndOptions {
            rules,
            timeout: FREE_LIMIT,
            escalates: false,
            inside: None,
        };
        let output = &self.output;
        let mut notify = |line: &str| output.line(line);
        let report = carry_out(plan, &options, self.clock, &mut notify);
        self.output.freed(&Freed {
            id,
            report: &report,
        });
        report.is_free()
    }
}

/// Only what is of this user and of this project or session, and was not started by this run.
fn may_end(process: &Process, mine: &Mine) -> Result<(), String> {
    mine.check(process)?;
    let mut line = with_ancestors(process.pid).take(MAX_DEPTH);
    if line.any(|pid| pid == std::process::id()) {
        let name = process.name_and_pid();
        return Err(format!("{name} was started by this run"));
    }
    Ok(())
}
