//! Units as `systemctl show` and `systemctl list-sockets` print them (`systemctl(1)`).
//!
//! Every user may query the system manager, but only its user a user manager, so root switches to that user. A query
//! takes about 12 ms.

use std::collections::HashMap;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use rustix::process::geteuid;

use crate::model::{Activation, Pid, Text};
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

/// Queries the manager of the system or of this user; `None` if it does not answer or know the unit.
pub(super) fn show(unit: &str, user: Option<u32>) -> Option<Properties> {
    let arguments = ["show", "--property", PROPERTIES, "--", unit];
    parse(&systemctl(user, &arguments)?)
}

/// Queries where the socket units of a manager listen: `[::]:8080`, `192.0.2.1:53`, a path.
pub(super) fn list_sockets(user: Option<u32>) -> Vec<(String, Activation)> {
    let options = ["list-sockets", "--full", "--no-legend", "--plain"];
    parse_sockets(&systemctl(user, &options).unwrap_or_default())
}

/// The output of `systemctl` for these arguments.
fn systemctl(user: Option<u32>, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(tools::find("systemctl")?);
    command.env_clear().env("LC_ALL", "C");
    command.env("SYSTEMD_PAGER", "");
    if let Some(uid) = user {
        let folder = format!("/run/user/{uid}");
        if geteuid().is_root() && uid != 0 {
            // Only its user may query a user manager.
            command.uid(uid).gid(NOGROUP);
        }
        let bus = format!("unix:path={folder}/bus");
        command.arg("--user").env("XDG_RUNTIME_DIR", folder);
        command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    }
    command.args(arguments);
    let printed = tools::output("systemctl", &mut command, TIMEOUT).ok()?;
    Some(String::from_utf8_lossy(&printed).into_owned())
}

/// `ADDRESS UNIT ACTIVATES` in columns. Addresses with blanks are not network addresses. Before its first connection a
/// unit with `Accept=yes` activates nothing.
fn parse_sockets(text: &str) -> Vec<(String, Activation)> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (address, socket_unit) = (words.next()?, words.next()?);
        let default = format!("{}.service", socket_unit.strip_suffix(".socket")?);
        let service = words.next().filter(|unit| unit.ends_with(".service"));
        let activation = Activation {
            socket_unit: Text::new(socket_unit),
            service: Text::new(service.unwrap_or(&default)),
        };
        Some((address.to_owned(), activation))
    };
    text.lines().filter_map(line).collect()
}

/// `NAME=VALUE` lines; `None` for a unit that is not loaded.
fn parse(text: &str) -> Option<Properties> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let values: HashMap<&str, &str> = lines.collect();
    let value = |name: &str| values.get(name).copied().unwrap_or_default();
    let triggers = value("TriggeredBy").split_whitespace();
    (value("LoadState") == "loaded").then(|| Properties {
        main_pid: value("MainPID").parse().ok().filter(|&pid| pid != 0),
        restart: value("Restart").to_owned(),
        kill_mode: value("KillMode").to_owned(),
        triggered_by: triggers.map(str::to_owned).collect(),
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
        let units: Vec<_> = found.iter().map(|(_, one)| &*one.socket_unit).collect();
        assert_eq!(units, ["web.socket", "dns.socket"]);
        let service = |local| {
            let found = found.iter().find(|(address, _)| address == local)?;
            Some(found.1.service.to_string())
        };
        assert_eq!(service("[::]:8080").as_deref(), Some("web.service"));
        assert_eq!(service("127.0.0.1:53").as_deref(), Some("dns.service"));
        assert_eq!(service("0.0.0.0:80"), None);
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
