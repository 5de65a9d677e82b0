//! Fixes for processes that others need, instead of ending them, and the consequences of ending them.

use super::process_group::Members;
use super::{Fix, FixCode, Situation, container};
use crate::model::{BehindKind, EndRisk, Process};

/// The fixes before the end of a process that others need.
pub(super) fn instead(
    end_risk: EndRisk,
    members: &Members<'_>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let behind = members.background.behind.as_ref();
    match behind.filter(|behind| behind.kind == BehindKind::Container) {
        Some(behind) => vec![container::stop(behind, members.background, situation)],
        None => sentences(end_risk, members.first, situation.port),
    }
}

/// What ending a process costs beyond its own work, if it does.
pub(in crate::bind) const fn consequence(end_risk: EndRisk) -> Option<&'static str> {
    Some(match end_risk {
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
    })
}

/// The sentences for each risk, the best first.
fn sentences(end_risk: EndRisk, first: &Process, port: u16) -> Vec<Fix> {
    let who = first.name_and_pid();
    let other_port = |why: &str| FixCode::OtherPort.fix(format!("Use another port: {who} {why}"));
    vec![match end_risk {
        EndRisk::Ordinary | EndRisk::ContainerInit => return Vec::new(),
        EndRisk::ContainerProxy | EndRisk::ContainerMonitor => FixCode::StopContainer.fix(format!(
            "Stop the container that {who} publishes the port for, by its engine (`docker ps`, `podman ps`)"
        )),
        EndRisk::Engine => FixCode::ChangeConfig.fix(format!(
            "Change the address that {who} listens on, or take another port: every container depends on it"
        )),
        EndRisk::Manager if matches!(&*first.comm, "inetd" | "xinetd") => {
            FixCode::ChangeConfig.fix(format!(
                "Take the line of port {port} out of the configuration of {who} and reload it: kill -HUP {}",
                first.pid
            ))
        }
        EndRisk::Manager => other_port(
            "listens for a service that it manages; stop that service's socket unit",
        ),
        EndRisk::Supervisor if first.name.starts_with("PM2") => FixCode::StopApp.fix(format!(
            "Stop the app that {who} listens for by its name, which `pm2 list` shows: pm2 stop NAME"
        )),
        EndRisk::Supervisor => FixCode::ChangeConfig.fix(format!(
            "Change the port that {who} listens on itself, or take another: it runs other programs"
        )),
        EndRisk::Login | EndRisk::OwnLogin => {
            let how = by_escape("in that ssh session", &format!("-KR {port}"));
            FixCode::CloseForward.fix(format!("Close only the forward: {how}"))
        }
        EndRisk::Ancestor => other_port("runs the session that you are in"),
        EndRisk::Resolver => {
            let address = FixCode::BindOtherAddress.fix(format!(
                "Bind one address of this machine instead of every one, such as 192.0.2.1:{port} in place of \
                 0.0.0.0:{port}: {who} resolves names for this machine"
            ));
            let stub = FixCode::ChangeConfig.fix(
                "Set DNSStubListener=no in /etc/systemd/resolved.conf and restart systemd-resolved, with \
                 /etc/resolv.conf linked to /run/systemd/resolve/resolv.conf",
            );
            let has_stub = first.comm.starts_with("systemd-resol");
            return [address].into_iter().chain(has_stub.then_some(stub)).collect();
        }
        EndRisk::SshServer => FixCode::OtherPort.fix(format!(
            "Use another port, or have the ssh server listen on another (Port in sshd_config): {who} accepts logins"
        )),
        EndRisk::Network => other_port("keeps this machine's network up"),
        EndRisk::SystemService => other_port("is a service that the system needs"),
    }]
}

/// How a forward is closed from within a session. The escape is off by default since OpenSSH 9.2
/// (`EnableEscapeCommandline` of `ssh_config(5)`), and then what is typed next goes to the remote shell.
pub(super) fn by_escape(place: &str, command: &str) -> String {
    format!(
        "{place} type ~C, then {command} (if ~C says `commandline disabled`, start that ssh again without the forward, \
         or with EnableEscapeCommandline=yes)"
    )
}
