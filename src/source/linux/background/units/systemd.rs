//! Units as `systemctl show` and `systemctl list-sockets` print them (`systemctl(1)`).
//!
//! Every user may query the system manager, but only its user a user manager, so root switches to that user. A query
//! takes about 12 ms.

use std::collections::HashMap;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use rustix::process::geteuid;

use crate::model::Pid;
use crate::source::linux::tools;

/// The properties that matter for stopping a unit.
const PROPERTIES: &str = "MainPID,Restart,KillMode,TriggeredBy,ActiveState,LoadState";

/// A group without rights, as only the user matters.
const NOGROUP: u32 = 65_534;

/// Timeout for a query.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The properties of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) main_pid: Option<Pid>,
    pub(super) restart: String,
    pub(super) kill_mode: String,
    pub(super) triggered_by: Vec<String>,
    pub(super) is_active: bool,
}

/// Queries the manager of the system, or that of the user with this uid.
///
/// # Errors
/// Why it did not answer, in a few words.
pub(super) fn show(unit: &str, user: Option<u32>) -> Result<Properties, String> {
    let printed = systemctl(user, &["show", "--property", PROPERTIES, "--", unit])?;
    parse(&printed).ok_or_else(|| format!("systemd knows no unit {unit}"))
}

/// Where a socket unit listens, and the unit that a first connection starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listening {
    /// `[::]:8080`, `192.0.2.1:53`, a path.
    pub(super) address: String,
    pub(super) socket_unit: String,
    /// `None` before the first connection to one with `Accept=yes`.
    pub(super) service: Option<String>,
}

/// Queries where the socket units of a manager listen.
///
/// # Errors
/// Why it did not answer, in a few words.
pub(super) fn list_sockets(user: Option<u32>) -> Result<Vec<Listening>, String> {
    let options = ["list-sockets", "--full", "--no-legend", "--plain"];
    systemctl(user, &options).map(|printed| parse_sockets(&printed))
}

/// The output of `systemctl` for these arguments.
fn systemctl(user: Option<u32>, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(tools::find("systemctl").ok_or("systemctl is not installed")?);
    command
        .env_clear()
        .env("SYSTEMD_PAGER", "")
        .env("LC_ALL", "C");
    if let Some(uid) = user {
        let folder = format!("/run/user/{uid}");
        if geteuid().is_root() && uid != 0 {
            // Only its user may query a user manager.
            command.uid(uid).gid(NOGROUP);
        }
        command.arg("--user");
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={folder}/bus"),
        );
        command.env("XDG_RUNTIME_DIR", folder);
    }
    command.args(arguments);
    let printed = tools::output("systemctl", &mut command, TIMEOUT)?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

/// `ADDRESS UNIT ACTIVATES` in columns. Addresses with blanks are not network addresses.
fn parse_sockets(text: &str) -> Vec<Listening> {
    let line = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let (address, socket_unit) = (words.next()?, words.next()?);
        socket_unit.ends_with(".socket").then(|| Listening {
            address,
            socket_unit,
            service: words.next().filter(|unit| unit.ends_with(".service")),
        })
    };
    text.lines().filter_map(line).collect()
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
    fn socket_units_are_read_as_systemctl_lists_them() {
        let text = "[::]:8080                web.socket   web.service\nkobject-uevent 1 udevd.socket udevd.service\n\
                    127.0.0.1:53  dns.socket -\n\n";
        let found = parse_sockets(text);
        let units: Vec<_> = found.iter().map(|one| one.socket_unit.as_str()).collect();
        assert_eq!(units, ["web.socket", "dns.socket"]);
        assert_eq!(
            (found[0].address.as_str(), found[0].service.as_deref()),
            ("[::]:8080", Some("web.service"))
        );
        assert_eq!(found[1].service, None);
    }

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
