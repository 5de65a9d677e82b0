//! Apps of pm2. In fork mode an app listens itself and has its name and id in its environment. In cluster mode
//! pm2 listens, and no worker has the socket: each has its app's settings in the variable `pm2_env`, as JSON.

use serde_json::Value;

use super::{Lookup, is_safe, process};
use crate::model::{Pid, Supervisor, SupervisorKind, Text};
use crate::source::linux::background::facts::{self, Facts};

/// `PM2 v5.3.0: God Daemon (/home/ann/.pm2)`
pub(super) fn home(facts: &Facts) -> Option<&str> {
    let title = facts.title().strip_prefix("PM2 v")?;
    let (_, home) = title.split_once("God Daemon (")?;
    home.split_once(')').map(|(home, _)| home)
}

/// A daemon that listens for an app.
pub(super) fn listening(daemon: &Facts, home: &str, lookup: &dyn Lookup) -> Supervisor {
    let name = lookup.clustered(daemon.pid);
    with_app(daemon, home, (name.as_deref(), None), lookup)
}

/// A daemon that starts the app whose environment is looked up. Other apps, and other instances of this one,
/// may have the name of the app: its id is unique.
pub(super) fn starting(daemon: &Facts, home: &str, lookup: &dyn Lookup) -> Supervisor {
    let is_app = lookup.variable("pm_exec_path").is_some();
    let id = lookup.variable("pm_id").filter(|id| is_app && is_id(id));
    // Without an id the app is ambiguous.
    let name = lookup.variable("name").filter(|_| id.is_some());
    with_app(daemon, home, (name.as_deref(), id.as_deref()), lookup)
}

fn with_app(
    daemon: &Facts,
    home: &str,
    (name, id): (Option<&str>, Option<&str>),
    lookup: &dyn Lookup,
) -> Supervisor {
    let daemon = process(SupervisorKind::Pm2, daemon);
    let is_used = lookup.uses_pm2_home(home, daemon.uid);
    if !is_used && !is_safe(home, daemon.uid, lookup) {
        return daemon;
    }
    Supervisor {
        name: name.map(Text::new),
        id: id.map(Text::new),
        place: (!is_used).then(|| Text::new(home)),
        ..daemon
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The app that pm2 listens on a port for: the only one, or the only one whose settings name the port.
pub(super) fn clustered(daemon: Pid, port: u16) -> Option<String> {
    let workers = facts::children_of(daemon).into_iter();
    let texts = workers.filter_map(|pid| facts::variable_of(pid, "pm2_env"));
    let settings: Vec<Value> = texts
        .filter_map(|text| serde_json::from_str(&text).ok())
        .collect();
    only(&settings, port)
}

fn only(settings: &[Value], port: u16) -> Option<String> {
    let name_of = |apps: &mut dyn Iterator<Item = &Value>| {
        let mut names: Vec<String> = apps
            .filter_map(|app| Some(app["name"].as_str()?.to_owned()))
            .collect();
        names.dedup();
        let only = names.pop()?;
        names.is_empty().then_some(only)
    };
    let mut on_port = settings.iter().filter(|app| names_port(app, port));
    name_of(&mut settings.iter()).or_else(|| name_of(&mut on_port))
}

/// Whether an argument is this port, or the variable `PORT`.
fn names_port(app: &Value, port: u16) -> bool {
    let is_port = |value: &Value| *value == port || *value == *port.to_string();
    let mut arguments = app["args"].as_array().into_iter().flatten();
    arguments.any(is_port) || is_port(&app["env"]["PORT"]) || is_port(&app["PORT"])
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
