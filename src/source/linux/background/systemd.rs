//! What systemd says of a unit: its properties, as `systemctl show` prints them (`systemctl(1)`).
//!
//! Every user may ask the system's manager; a user's manager answers its user and root. It takes about
//! 12 ms, so it is asked only about units whose properties decide.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use super::super::tools;
use crate::model::Pid;

/// The properties that decide about stopping a unit.
const PROPERTIES: &str = "MainPID,Restart,KillMode,TriggeredBy,ActiveState,LoadState";

/// How long systemd may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a unit's properties say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) main_pid: Option<Pid>,
    pub(super) restart: String,
    pub(super) kill_mode: String,
    pub(super) triggered_by: Vec<String>,
    pub(super) is_active: bool,
}

/// Asks the manager of the system, or that of the user with this uid.
///
/// # Errors
/// Why it did not answer, in a few words.
pub(super) fn show(unit: &str, user: Option<u32>) -> Result<Properties, String> {
    let mut command = Command::new(tools::find("systemctl").ok_or("systemctl is not installed")?);
    command
        .env_clear()
        .env("SYSTEMD_PAGER", "")
        .env("LC_ALL", "C");
    if let Some(uid) = user {
        let folder = format!("/run/user/{uid}");
        command.arg("--user");
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={folder}/bus"),
        );
        command.env("XDG_RUNTIME_DIR", folder);
    }
    command.args(["show", "--property", PROPERTIES, "--", unit]);
    let printed = tools::output("systemctl", &mut command, PATIENCE)?;
    let properties = parse(&String::from_utf8_lossy(&printed));
    properties.ok_or_else(|| format!("systemd knows no unit {unit}"))
}

/// `NAME=VALUE` lines; `None` for a unit that is not loaded.
fn parse(text: &str) -> Option<Properties> {
    let values: HashMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let value = |name: &str| values.get(name).copied().unwrap_or_default();
    (value("LoadState") == "loaded").then(|| Properties {
        main_pid: value("MainPID").parse().ok().filter(|&pid| pid != 0),
        restart: value("Restart").to_owned(),
        kill_mode: value("KillMode").to_owned(),
        triggered_by: value("TriggeredBy")
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        is_active: matches!(value("ActiveState"), "active" | "activating" | "reloading"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_as_systemctl_prints_them() {
        let text = "Restart=always\nMainPID=812\nLoadState=loaded\nActiveState=active\nKillMode=control-group\n\
                    TriggeredBy=web.socket web.timer\n";
        let found = parse(text).unwrap();
        assert_eq!((found.main_pid, found.is_active), (Some(812), true));
        assert_eq!(
            (found.restart.as_str(), found.kill_mode.as_str()),
            ("always", "control-group")
        );
        assert_eq!(found.triggered_by, ["web.socket", "web.timer"]);
        assert_eq!(parse("LoadState=not-found\nMainPID=0\n"), None);
        assert_eq!(parse(""), None);
    }
}
