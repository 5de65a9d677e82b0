//! `--mine`: the rule for the processes of this user and of this project or session.

use anyhow::bail;
use sockeye::model::ProcessRule;
use sockeye::source::{Mine, invoking_uid};

use super::global::GlobalArgs;

/// The rule. It reads processes, so a recording has none.
pub fn mine(global: &GlobalArgs) -> anyhow::Result<ProcessRule> {
    if invoking_uid().is_none() {
        bail!("--mine: this system has no uids");
    }
    if global.replay.is_some() {
        bail!(
            "--mine looks at the processes of this machine: in a recording narrow by user:NAME and project:NAME"
        );
    }
    let mine = Mine::find();
    Ok(ProcessRule::new(move |process| mine.check(process)))
}
