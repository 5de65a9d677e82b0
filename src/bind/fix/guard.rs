//! What is said instead of ending something that others need.

use super::members::Members;
use super::party::named;
use super::{Fix, FixCode, Situation, container};
use crate::model::{BehindKind, EndRisk};

/// What is said before the end of something that others need.
pub(super) fn instead(
    end_risk: EndRisk,
    members: &Members<'_>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let behind = members
        .first_background()
        .and_then(|background| background.behind.as_ref());
    let of_container = behind
        .filter(|behind| behind.kind == BehindKind::Container)
        .and_then(|behind| container::first_fix(behind, situation));
    match of_container {
        Some(fix) => vec![fix],
        None => sentences(end_risk, members, situation),
    }
}

/// What happens if it is ended all the same.
pub(super) fn consequence(end_risk: EndRisk) -> Option<String> {
    let text = match end_risk {
        EndRisk::Ordinary | EndRisk::ContainerInit => return None,
        EndRisk::ContainerProxy => {
            "The container goes on and is reached from outside all the same."
        }
        EndRisk::ContainerMonitor => {
            "The container goes on, and its engine can't stop it any more."
        }
        EndRisk::Engine => "Every container depends on it.",
        EndRisk::Manager => "Everything that it runs ends with it.",
        EndRisk::Supervisor => "Every program that it runs ends with it.",
        EndRisk::Login => "The login ends with it.",
        EndRisk::OwnLogin => "Your own login ends with it.",
        EndRisk::Ancestor => "It runs the session that you are in, which may end with it.",
        EndRisk::Resolver => "This machine looks up no names without it.",
        EndRisk::SshServer => "There is no new ssh login without it.",
        EndRisk::Network => "This machine may lose its network without it.",
        EndRisk::SystemService => "The system needs it.",
    };
    Some(text.to_owned())
}

/// The sentences for each risk, the best first.
fn sentences(end_risk: EndRisk, members: &Members<'_>, situation: &Situation<'_>) -> Vec<Fix> {
    let Some(first) = members.first_process() else {
        return Vec::new();
    };
    let (who, port) = (named(first), situation.port);
    let other_port = |why: &str| {
        Fix::sentence(
            FixCode::OtherPort,
            format!("Take another port: {who} {why}"),
        )
    };
    let sentence = Fix::sentence;
    match end_risk {
        EndRisk::Ordinary | EndRisk::ContainerInit => Vec::new(),
        EndRisk::ContainerProxy | EndRisk::ContainerMonitor => vec![sentence(
            FixCode::StopContainer,
            format!(
                "Stop the container that {who} publishes the port for, by its engine (`docker ps`, `podman ps`)"
            ),
        )],
        EndRisk::Engine => vec![sentence(
            FixCode::ChangeConfig,
            format!(
                "Change the address that {who} listens on, or take another port: every container depends on it"
            ),
        )],
        EndRisk::Manager if is_inetd(&first.comm) => vec![sentence(
            FixCode::ChangeConfig,
            format!(
                "Take the line of port {port} out of the configuration of {who} and reload it: kill -HUP {}",
                first.pid
            ),
        )],
        EndRisk::Manager => vec![other_port(
            "listens for a service that it manages; stop that service's socket unit",
        )],
        EndRisk::Supervisor if first.name.starts_with("PM2") => vec![sentence(
            FixCode::StopApp,
            format!(
                "Stop the app that {who} listens for by its name, which `pm2 list` shows: pm2 stop NAME"
            ),
        )],
        EndRisk::Supervisor => vec![sentence(
            FixCode::ChangeConfig,
            format!(
                "Change the port that {who} listens on itself, or take another: it runs other programs"
            ),
        )],
        EndRisk::Login | EndRisk::OwnLogin => vec![sentence(
            FixCode::CloseForward,
            format!(
                "Close only the forward: {}",
                by_escape("in that ssh session", &format!("-KR {port}"))
            ),
        )],
        EndRisk::Ancestor => vec![other_port("runs the session that you are in")],
        EndRisk::Resolver => resolver(&first.comm, &who, port),
        EndRisk::SshServer => vec![sentence(
            FixCode::OtherPort,
            format!(
                "Take another port, or have the ssh server listen on another (Port in sshd_config): {who} takes the logins"
            ),
        )],
        EndRisk::Network => vec![other_port("keeps this machine's network up")],
        EndRisk::SystemService => vec![other_port("is a service that the system needs")],
    }
}

fn is_inetd(comm: &str) -> bool {
    matches!(comm, "inetd" | "xinetd")
}

fn resolver(comm: &str, who: &str, port: u16) -> Vec<Fix> {
    let address = Fix::sentence(
        FixCode::BindOtherAddress,
        format!(
            "Bind one address of this machine instead of every one, such as 192.0.2.1:{port} in place of \
             0.0.0.0:{port}: {who} looks up names for this machine"
        ),
    );
    let mut fixes = vec![address];
    if comm.starts_with("systemd-resol") {
        fixes.push(Fix::sentence(
            FixCode::ChangeConfig,
            "Set DNSStubListener=no in /etc/systemd/resolved.conf and restart systemd-resolved, with /etc/resolv.conf \
             linked to /run/systemd/resolve/resolv.conf",
        ));
    }
    fixes
}

/// How a forward is closed from within a session. The escape is off by default since OpenSSH 9.2
/// (`EnableEscapeCommandline` of `ssh_config(5)`), and then what is typed next goes to the remote shell.
pub(super) fn by_escape(place: &str, command: &str) -> String {
    format!(
        "{place} type ~C, then {command} (if ~C says `commandline disabled`, start that ssh again without the forward, \
         or with EnableEscapeCommandline=yes)"
    )
}
