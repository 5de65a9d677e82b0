//! Apps of pm2, programs of supervisord, and services of runit, daemontools and s6: their names in commands, and how to
//! reach the supervisor that runs them.
//!
//! In pm2's fork mode an app listens itself and has its name and id in its environment. In cluster mode pm2 listens, and
//! no worker has the socket: each has its app's settings in the variable `pm2_env`, as JSON.

use std::path::Path;

use serde_json::Value;

use super::{Lookup, is_safe, process};
use crate::model::{Pid, Restarts, Supervisor, SupervisorKind, Text};
use crate::source::linux::background::facts::{self, Facts, base_name};
use crate::source::linux::background::programs::has;

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
        let scanner = parent.filter(|one| has("runsvdir svscan s6-svscan", one.program()))?;
        let mut arguments = scanner.argv.iter().skip(1);
        let folder = arguments.find(|one| one.starts_with('/'))?;
        let folder = folder.trim_end_matches('/');
        Some(Text::new(&format!("{folder}/{name}")))
    };
    let folder = lookup.folder(facts.pid).or_else(below_scanner);
    let folder = folder.filter(|folder| is_safe(folder, facts.only_uid(), lookup));
    // Must not be a path, which would be taken as the folder.
    let base = || name.map(|name| Text::new(base_name(name)));
    Supervisor {
        name: folder.clone().or_else(base),
        place: folder,
        ..process(kind, facts, Restarts::Yes)
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
        // A program of another user can put anything into its environment: the socket must belong to the daemon's user.
        None => lookup.variable("SUPERVISOR_SERVER_URL").filter(|address| {
            let user = daemon.only_uid();
            let owner = || lookup.owner(address.strip_prefix("unix://")?);
            user.is_some() && (own.only_uid() == user || owner() == user)
        }),
        Some(file) => {
            let path = if Path::new(file).is_absolute() {
                Some(file.to_owned())
            } else {
                let folder = lookup.folder(daemon.pid);
                folder.map(|folder| format!("{folder}/{file}"))
            };
            path.filter(|path| is_safe(path, daemon.only_uid(), lookup))
        }
    };
    Supervisor {
        name: name.as_deref().map(Text::new),
        place: place.as_deref().map(Text::new),
        ..process(SupervisorKind::Supervisord, daemon, Restarts::Yes)
    }
}

/// `PM2 v5.3.0: God Daemon (/home/ann/.pm2)`
pub(super) fn pm2_home(facts: &Facts) -> Option<&str> {
    let title = facts.title().strip_prefix("PM2 v")?;
    let (_, home) = title.split_once("God Daemon (")?;
    home.split_once(')').map(|(home, _)| home)
}

/// A daemon of pm2 that listens for an app, or that starts the app whose environment is looked up.
pub(super) fn pm2(daemon: &Facts, home: &str, listens: bool, lookup: &dyn Lookup) -> Supervisor {
    let is_id = |id: &String| {
        !id.is_empty() && id.len() < 10 && id.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_app = !listens && lookup.variable("pm_exec_path").is_some();
    let id = lookup.variable("pm_id").filter(|id| is_app && is_id(id));
    let name = if listens {
        lookup.clustered(daemon.pid)
    } else {
        // Other apps, and other instances of this one, may have its name, so without an id it is ambiguous.
        lookup.variable("name").filter(|_| id.is_some())
    };
    let daemon = process(SupervisorKind::Pm2, daemon, Restarts::Yes);
    let is_used = lookup.uses_pm2_home(home, daemon.uid);
    if !is_used && !is_safe(home, daemon.uid, lookup) {
        return daemon;
    }
    Supervisor {
        name: name.as_deref().map(Text::new),
        id: id.as_deref().map(Text::new),
        place: (!is_used).then(|| Text::new(home)),
        ..daemon
    }
}

/// The app that pm2 listens on a port for: the only one, or the only one whose settings name the port.
pub(super) fn clustered(daemon: Pid, port: u16) -> Option<String> {
    let workers = facts::children_of(daemon).into_iter();
    let texts = workers.filter_map(|pid| facts::variable_of(pid, "pm2_env"));
    let settings = texts.filter_map(|text| serde_json::from_str(&text).ok());
    only(&settings.collect::<Vec<_>>(), port)
}

fn only(settings: &[Value], port: u16) -> Option<String> {
    let name_of = |apps: &mut dyn Iterator<Item = &Value>| {
        let names = apps.filter_map(|app| Some(app["name"].as_str()?.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.dedup();
        let only = names.pop()?;
        names.is_empty().then_some(only)
    };
    // An argument or the variable `PORT` names it.
    let is_port = |value: &Value| *value == port || *value == *port.to_string();
    let mut on_port = settings.iter().filter(|app| {
        let mut arguments = app["args"].as_array().into_iter().flatten();
        arguments.any(is_port) || is_port(&app["env"]["PORT"]) || is_port(&app["PORT"])
    });
    name_of(&mut settings.iter()).or_else(|| name_of(&mut on_port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_app_is_the_only_one_or_the_one_that_names_the_port() {
        let by_argument = json!({"name": "api", "args": ["--port", "8080"], "env": {}});
        let by_variable = json!({"name": "web", "env": {"PORT": "8081"}});
        let only = |settings: &[&Value], port| {
            only(
                &settings.iter().map(|&one| one.clone()).collect::<Vec<_>>(),
                port,
            )
        };
        assert_eq!(
            only(&[&by_argument, &by_argument], 1).as_deref(),
            Some("api")
        );
        let both = [&by_argument, &by_argument, &by_variable];
        assert_eq!(only(&both, 8080).as_deref(), Some("api"));
        assert_eq!(only(&both, 8081).as_deref(), Some("web"));
        assert_eq!(only(&both, 8082), None);
        assert_eq!(only(&[], 8080), None);
    }
}
