//! The processes that end with a unit, an app or a process, for rules on which may end.

use crate::bind::EndScope;
use crate::model::Process;

/// The processes that end together with this one, which is among them; `None` if they can't be known.
#[cfg(target_os = "linux")]
pub fn ends_with(process: &Process, scope: EndScope<'_>) -> Option<Vec<Process>> {
    use crate::source::linux::background::members;
    use crate::source::proc_stat::proc_stat;
    use crate::source::process::ProcessReader;

    let pids = match scope {
        EndScope::Unit(unit) => members::of_unit(process.pid, unit)?,
        EndScope::App(supervisor) => members::of_app(process.pid, supervisor)?,
        EndScope::Descendants => members::with_descendants(process.pid),
    };
    let mut reader = ProcessReader::default();
    let mut all = Vec::new();
    for pid in pids {
        match reader.read(pid) {
            Some(one) => all.push(one),
            // It has ended meanwhile.
            None if proc_stat(pid).is_none() => {}
            None => return None,
        }
    }
    all.iter().any(|one| one.is_same(process)).then_some(all)
}

/// Only Linux has it.
#[cfg(not(target_os = "linux"))]
pub const fn ends_with(_: &Process, _: EndScope<'_>) -> Option<Vec<Process>> {
    None
}
