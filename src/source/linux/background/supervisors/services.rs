//! Programs of supervisord, and services of runit, daemontools and s6: their names in commands, and how to reach the
//! supervisor that runs them.

use std::path::Path;

use super::{Lookup, is_safe, process};
use crate::model::{Supervisor, SupervisorKind, Text};
use crate::source::linux::background::facts::{Facts, base_name};

/// Services of runit, daemontools and s6 run in the service's folder, the argument of their commands. If that can't be
/// read, it is the name below the folder that the parent (such as `runsvdir`) scans.
pub(super) fn by_folder(
    kind: SupervisorKind,
    facts: &Facts,
    parent: Option<&Facts>,
    lookup: &dyn Lookup,
) -> Supervisor {
    let name = facts.argv.get(1);
    let below_scanner = || {
        let name = name?;
        if name.starts_with('/') {
            return Some(Text::new(name));
        }
        let is_scanner =
            |one: &&Facts| matches!(one.program(), "runsvdir" | "svscan" | "s6-svscan");
        let mut arguments = parent.filter(is_scanner)?.argv.iter().skip(1);
        let folder = arguments.find(|one| one.starts_with('/'))?;
        Some(Text::new(&format!(
            "{}/{name}",
            folder.trim_end_matches('/')
        )))
    };
    let folder = lookup.folder(facts.pid).or_else(below_scanner);
    let folder = folder.filter(|folder| is_safe(folder, facts.only_uid(), lookup));
    // Must not be a path, which would be taken as the folder.
    let base = || name.map(|name| Text::new(base_name(name)));
    Supervisor {
        name: folder.clone().or_else(base),
        place: folder,
        ..process(kind, facts)
    }
}

/// A program of supervisord. Its name is in its environment.
pub(super) fn supervisord(own: &Facts, daemon: &Facts, lookup: &dyn Lookup) -> Supervisor {
    let group = lookup.variable("SUPERVISOR_GROUP_NAME");
    let program = lookup.variable("SUPERVISOR_PROCESS_NAME");
    let name = match (group, program) {
        (Some(group), Some(program)) if group != program => Some(format!("{group}:{program}")),
        (_, program) => program,
    };
    let place = match daemon.option(&["-c", "--configuration"]) {
        None => address(own, daemon, lookup),
        Some(file) => {
            let folder = || {
                lookup
                    .folder(daemon.pid)
                    .map(|folder| format!("{folder}/{file}"))
            };
            let absolute = Some(file).filter(|file| Path::new(file).is_absolute());
            let path = absolute.map(str::to_owned).or_else(folder);
            path.filter(|path| is_safe(path, daemon.only_uid(), lookup))
        }
    };
    Supervisor {
        name: name.as_deref().map(Text::new),
        place: place.as_deref().map(Text::new),
        ..process(SupervisorKind::Supervisord, daemon)
    }
}

/// The address of a server without a known file. A program of another user can put anything into its environment, so
/// the socket must belong to the server's user.
fn address(own: &Facts, daemon: &Facts, lookup: &dyn Lookup) -> Option<String> {
    let address = lookup.variable("SUPERVISOR_SERVER_URL")?;
    let user = daemon.only_uid()?;
    let owner = || lookup.owner(address.strip_prefix("unix://")?);
    let is_its_own = own.only_uid() == Some(user) || owner() == Some(user);
    is_its_own.then_some(address)
}
