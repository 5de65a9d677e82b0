//! Programs of supervisord, and services of runit, daemontools and s6: what their commands call them, and how
//! they reach the supervisor that really runs them.

use std::path::Path;

use super::super::facts::Facts;
use super::{Look, is_safe, process};
use crate::model::{SupervisorKind, Supervisor, Text};

/// runit's, daemontools' and s6's run in the service's folder, which their commands take. Where that can't be
/// read it is the name below the folder that the parent, `runsvdir` and its like, goes through.
pub(super) fn by_folder(
    kind: SupervisorKind,
    facts: &Facts,
    parent: Option<&Facts>,
    look: &dyn Look,
) -> Supervisor {
    let name = facts.argv.get(1);
    let folder = look.folder(facts.pid).or_else(|| {
        let name = name?;
        if name.starts_with('/') {
            return Some(Text::new(name));
        }
        let folder = parent.filter(|parent| is_scanner(parent))?;
        let folder = folder
            .argv
            .iter()
            .skip(1)
            .find(|one| one.starts_with('/'))?;
        Some(Text::new(&format!(
            "{}/{name}",
            folder.trim_end_matches('/')
        )))
    });
    let folder = folder.filter(|folder| is_safe(folder, super::user(facts), look));
    Supervisor {
        name: folder
            .clone()
            .or_else(|| name.map(|name| Text::new(base(name)))),
        place: folder,
        ..process(kind, facts)
    }
}

/// No path: that would be taken for the folder.
fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn is_scanner(facts: &Facts) -> bool {
    matches!(facts.program(), "runsvdir" | "svscan" | "s6-svscan")
}

/// A program of supervisord. Its name is in its environment.
pub(super) fn supervisord(own: &Facts, daemon: &Facts, look: &dyn Look) -> Supervisor {
    let group = look.variable("SUPERVISOR_GROUP_NAME");
    let program = look.variable("SUPERVISOR_PROCESS_NAME");
    let name = match (group, program) {
        (Some(group), Some(program)) if group != program => Some(format!("{group}:{program}")),
        (_, program) => program,
    };
    let file = config(daemon);
    let is_safe = |file: &Text| is_safe(file, super::user(daemon), look);
    let place = match file {
        Some(file) if Path::new(file).is_absolute() => Some(Text::new(file)).filter(is_safe),
        Some(file) => {
            let folder = look.folder(daemon.pid);
            let file = folder.map(|folder| Text::new(&format!("{folder}/{file}")));
            file.filter(is_safe)
        }
        None => address(own, daemon, look).map(|address| Text::new(&address)),
    };
    Supervisor {
        name: name.map(|name| Text::new(&name)),
        place,
        ..process(SupervisorKind::Supervisord, daemon)
    }
}

/// The file of `-c FILE`, `-cFILE`, `--configuration FILE` or `--configuration=FILE`.
fn config(daemon: &Facts) -> Option<&str> {
    let mut arguments = daemon.argv.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        if matches!(argument, "-c" | "--configuration") {
            return arguments.next();
        }
        let file = argument
            .strip_prefix("--configuration=")
            .or_else(|| argument.strip_prefix("-c"));
        if file.is_some() {
            return file;
        }
    }
    None
}

/// Where a server without a known file is reached. A program that runs as another user may have written what
/// it likes into its environment: then it is the server's only if the socket belongs to the server's user.
fn address(own: &Facts, daemon: &Facts, look: &dyn Look) -> Option<String> {
    let address = look.variable("SUPERVISOR_SERVER_URL")?;
    let user = super::user(daemon)?;
    if super::user(own) == Some(user) {
        return Some(address);
    }
    let path = address.strip_prefix("unix://")?;
    (look.owner(path) == Some(user)).then_some(address)
}
