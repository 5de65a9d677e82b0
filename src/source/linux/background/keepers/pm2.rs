//! Apps of pm2. In fork mode an app listens itself and has its name and id in its environment. In cluster mode
//! pm2 listens, and no worker has the socket: each has its app's settings in the variable `pm2_env`, as JSON.

use serde_json::Value;

use super::super::facts::{self, Environment, Facts};
use super::{Look, is_safe, process};
use crate::model::{SupervisorKind, Supervisor, Pid, Text};

/// `PM2 v5.3.0: God Daemon (/home/ann/.pm2)`
pub(super) fn home(facts: &Facts) -> Option<&str> {
    let title = facts.title().strip_prefix("PM2 v")?;
    let (_, home) = title.split_once("God Daemon (")?;
    home.split_once(')').map(|(home, _)| home)
}

/// A daemon that listens for an app.
pub(super) fn listening(daemon: &Facts, home: &str, look: &dyn Look) -> Supervisor {
    let name = look.clustered(daemon.pid);
    of(daemon, home, App { name, id: None }, look)
}

/// A daemon that starts the app whose environment is looked at. Other apps, and other instances of this one,
/// may have the name of the app: its id is its own.
pub(super) fn starting(daemon: &Facts, home: &str, look: &dyn Look) -> Supervisor {
    let variable = |name: &str| {
        let is_app = look.variable("pm_exec_path").is_some();
        look.variable(name).filter(|_| is_app)
    };
    let id = variable("pm_id").filter(|id| is_id(id));
    // Without an id it can't be known which app it is.
    let name = variable("name").filter(|_| id.is_some());
    of(daemon, home, App { name, id }, look)
}

fn of(daemon: &Facts, home: &str, app: App, look: &dyn Look) -> Supervisor {
    let daemon = process(SupervisorKind::Pm2, daemon);
    let is_used = look.uses_pm2_home(home, daemon.uid);
    if !is_used && !is_safe(home, daemon.uid, look) {
        return daemon;
    }
    Supervisor {
        name: app.name.map(|name| Text::new(&name)),
        id: app.id.map(|id| Text::new(&id)),
        place: (!is_used).then(|| Text::new(home)),
        ..daemon
    }
}

/// What pm2 calls an app.
struct App {
    name: Option<String>,
    id: Option<String>,
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The app that pm2 listens on a port for: the only one, or the only one whose settings name the port.
pub(super) fn clustered(daemon: Pid, port: u16) -> Option<String> {
    let workers = facts::children_of(daemon);
    let settings = workers
        .into_iter()
        .filter_map(|pid| Environment::of(pid)?.get("pm2_env"))
        .filter_map(|text| serde_json::from_str(&text).ok());
    only(&settings.collect::<Vec<_>>(), port)
}

fn only(settings: &[Value], port: u16) -> Option<String> {
    let named = |wanted: &dyn Fn(&Value) -> bool| {
        let wanted = settings.iter().filter(|app| wanted(app));
        let mut names: Vec<&str> = wanted.filter_map(|app| app["name"].as_str()).collect();
        names.dedup();
        match names[..] {
            [name] => Some(name.to_owned()),
            _ => None,
        }
    };
    named(&|_| true).or_else(|| named(&|app| names_port(app, port)))
}

/// Whether an argument is this port, or the variable `PORT`.
fn names_port(app: &Value, port: u16) -> bool {
    let text = port.to_string();
    let is_port =
        |value: &Value| value.as_str() == Some(&text) || value.as_u64() == Some(u64::from(port));
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
