//! Apps of pm2 in cluster mode: pm2 itself listens for them, and no worker has the socket. Each worker has its
//! app's settings in the variable `pm2_env`, as JSON.

use serde_json::Value;

use super::super::facts::{self, Environment};
use crate::model::Pid;

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
