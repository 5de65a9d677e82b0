//! Stopping containers by their engine's own command.

use super::action::{Program, Step, Word, shell_text};
use super::process_group::why_term_fails;
use super::shell::container_operand;
use super::{Fix, FixCode, RunAs, Situation};
use crate::bind::text::{after, unique};
use crate::model::{AlsoEnds, AlsoEndsKind, Background, Behind, Engine, Text};

/// Stops a container; `owner` is the background of the owner of the port.
pub(super) fn stop(behind: &Behind, owner: &Background, situation: &Situation<'_>) -> Fix {
    let ignores_term = why_term_fails(owner.reaction.term).is_some();
    let text = sentence(behind);
    let Some(program) = program(behind, situation) else {
        return FixCode::StopContainer.fix(text);
    };
    let steps = vec![Step::Run(program)];
    let user = behind.user.as_deref();
    if let Some(user) = user.filter(|user| !is_user_name(user)) {
        return FixCode::StopContainer.fix(format!("{text}, as {user}: {}", shell_text(&steps)));
    }
    let ports = behind.ports.iter().map(|(protocol, port)| {
        AlsoEnds::new(AlsoEndsKind::Port, &format!("{port}/{}", protocol.as_str()))
    });
    // What ends with a server in the container; a publisher outside may have the ports of other containers.
    let is_inside = behind
        .process
        .as_ref()
        .is_some_and(|one| one.pid == owner.pid);
    let others = owner.also_ends.iter().filter(|_| is_inside).cloned();
    let is_killed = behind.ignores_term || ignores_term;
    let killed = "Its first process does not react to SIGTERM: it is killed after a second.";
    let gone = "The network namespace ends with the container that it was made for.";
    let warnings = [
        (is_killed, killed),
        (has_namespace(behind, situation), gone),
    ];
    let warnings = warnings.iter().filter(|(applies, _)| *applies);
    let warnings: Vec<_> = warnings.map(|(_, warning)| *warning).collect();
    let fix = Fix {
        also_ends: unique(ports.chain(others)),
        warning: (!warnings.is_empty()).then(|| warnings.join(" ")),
        ..FixCode::StopContainer.steps(text, steps)
    };
    match user {
        Some(user) => fix.run_as(RunAs::Named(user.to_owned()), situation.limits),
        None if behind.is_reachable && situation.limits.uid != Some(0) => fix,
        None => fix.by_root(situation.limits),
    }
}

/// Whether the bind test was made in the network namespace of this container.
fn has_namespace(behind: &Behind, situation: &Situation<'_>) -> bool {
    let namespace = situation.limits.namespace();
    let container = namespace.and_then(|namespace| namespace.container.as_ref());
    container.is_some_and(|container| behind.id.is_some() && container.id == behind.id)
}

/// Whether a command can run as this user: not `uid 70001` (a user without a name), an option or a number.
fn is_user_name(user: &str) -> bool {
    let is_operand = !user.starts_with(['-', '#', '+']);
    is_operand && !user.is_empty() && !user.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// The engine's command; `None` if no command has a lasting effect.
fn program(behind: &Behind, situation: &Situation<'_>) -> Option<Program> {
    let operand = |name: &Option<Text>| {
        let operand = name.as_deref().and_then(container_operand);
        operand.map(ToOwned::to_owned)
    };
    let name = operand(&behind.name).or_else(|| operand(&behind.id));
    // An init process without a handler gets SIGKILL after the grace period, which is ten seconds.
    let grace: &[&str] = if behind.ignores_term {
        &["-t", "1"]
    } else {
        &[]
    };
    let of = |words: &[&str], name: String| Program::new(words.iter().copied()).with([name]);
    let instance = |tool: &str, name: String| match operand(&behind.service) {
        Some(device) => Program::new([tool, "config", "device", "remove", &name, &device]),
        None => of(&[tool, "stop"], name),
    };
    Some(match behind.engine? {
        Engine::Docker => {
            let stop = Program::new(["docker", "stop"]).with(grace.iter().copied());
            match name {
                Some(name) => stop.with([name]),
                None => by_port(stop, situation),
            }
        }
        // Without its first container a pod can't be started again by its own name.
        Engine::Podman => {
            let (verb, name): (&[&str], _) = match operand(&behind.pod) {
                Some(pod) => (&["podman", "pod", "stop"], pod),
                None => (&["podman", "stop"], name?),
            };
            of(&[verb, grace].concat(), name)
        }
        Engine::Nerdctl => of(&["nerdctl", "stop"], name?),
        Engine::Lxc => of(&["lxc-stop", "-n"], name?),
        Engine::Nspawn => of(&["machinectl", "poweroff"], name?),
        Engine::Lxd => instance("lxc", name?),
        Engine::Incus => instance("incus", name?),
        Engine::Kubernetes => return None,
    })
}

/// Stops the containers that publish the port.
fn by_port(mut stop: Program, situation: &Situation<'_>) -> Program {
    let published = situation.protocol.port_text(situation.port);
    let filter = format!("publish={published}");
    let list = ["docker", "ps", "-q", "--filter", &filter].map(str::to_owned);
    stop.words.push(Word::Lines(list.into()));
    stop
}

fn sentence(behind: &Behind) -> String {
    let name = after(" ", behind.name.as_ref());
    match (behind.engine, &behind.service) {
        (Some(Engine::Kubernetes), _) => {
            return format!(
                "Scale down or delete what runs the pod{name}, such as its Deployment: Kubernetes starts a new one \
                 otherwise"
            );
        }
        (Some(Engine::Lxd | Engine::Incus), Some(device)) => {
            return format!("Remove the proxy device {device} of the instance{name}");
        }
        _ => {}
    }
    let process = behind.process.as_ref();
    let service = behind.service.as_ref();
    let project = after(" of ", behind.project.as_ref());
    let about = [
        process.map(|process| format!("{} inside", process.name)),
        behind.image.as_ref().map(|image| format!("image {image}")),
        service.map(|service| format!("service {service}{project}")),
    ];
    let about: Vec<_> = about.into_iter().flatten().collect();
    let about = match about.join(", ") {
        about if about.is_empty() => about,
        about => format!(" ({about})"),
    };
    if let Some(pod) = &behind.pod {
        return format!("Stop the pod {pod}, which publishes the port{about}");
    }
    let serves = ", which publishes the port for the container ";
    let serves = after(serves, behind.server.as_ref());
    if name.is_empty() {
        return format!("Stop the container that publishes the port{about}{serves}");
    }
    format!("Stop the container{name}{about}{serves}")
}

#[cfg(test)]
mod tests {
    use super::super::process_group::UNKNOWN;
    use super::*;
    use crate::model::Protocol;

    #[test]
    fn a_user_without_a_name_makes_no_command() {
        for user in ["ann", "ann.smith", "ann@example", "ann-x", "svc$"] {
            assert!(is_user_name(user), "{user}");
        }
        for user in ["uid 70001", "-u", "#70001", "+7", "", "a\nb"] {
            assert!(!is_user_name(user), "{user}");
        }
        let behind = Behind {
            engine: Some(Engine::Podman),
            name: Some("web".into()),
            user: Some("uid 70001".into()),
            ..Behind::new(crate::model::BehindKind::Container)
        };
        let limits = crate::model::Limits {
            uid: Some(0),
            ..crate::model::Limits::default()
        };
        let situation = Situation {
            holders: Vec::new(),
            limits: &limits,
            protocol: Protocol::Tcp,
            port: 8080,
            check_as_root: None,
        };
        let fixes = [stop(&behind, &UNKNOWN, &situation)];
        assert_eq!(fixes[0].command, None);
        assert_eq!(
            fixes[0].text,
            "Stop the container web, as uid 70001: podman stop web"
        );
    }

    #[test]
    fn the_containers_of_another_user_are_listed_as_that_user() {
        let behind = Behind {
            engine: Some(Engine::Docker),
            user: Some("ann".into()),
            ..Behind::new(crate::model::BehindKind::Container)
        };
        let command = |uid| {
            let limits = crate::model::Limits {
                uid: Some(uid),
                ..crate::model::Limits::default()
            };
            let situation = Situation {
                holders: Vec::new(),
                limits: &limits,
                protocol: Protocol::Tcp,
                port: 8080,
                check_as_root: None,
            };
            stop(&behind, &UNKNOWN, &situation).command
        };
        let stop = "'docker stop $(docker ps -q --filter publish=8080)'";
        assert_eq!(command(1000), Some(format!("sudo -iu ann sh -c {stop}")));
        assert_eq!(command(0), Some(format!("runuser -l ann -c {stop}")));
    }
}
