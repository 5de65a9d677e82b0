//! Stopping containers by their engine's own command.

use super::reader::Reader;
use super::service::ignores;
use super::shell::{container_operand, shell_word};
use super::{Fix, FixCode, Frees, Situation};
use crate::model::{AlsoEnds, AlsoEndsKind, Behind, Engine, Protocol, Reaction};

/// What frees the port that a container has.
pub(super) fn fixes(
    behind: &Behind,
    reaction: Option<Reaction>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let Some(command) = command(behind, situation) else {
        return vec![Fix::sentence(FixCode::StopContainer, sentence(behind))];
    };
    if let Some(user) = behind.user.as_deref().filter(|user| !is_user_name(user)) {
        // Nothing can be run as a user without a name.
        let text = format!("{}, as {user}: {command}", sentence(behind));
        return vec![Fix::sentence(FixCode::StopContainer, text)];
    }
    let fix = Fix {
        also_ends: also_ends(behind),
        warning: warning(behind, reaction),
        ..Fix::command(FixCode::StopContainer, sentence(behind), command)
    };
    let reader = Reader::of(situation.limits);
    vec![match behind.user.as_deref() {
        Some(user) => reader.as_user(fix, user),
        None if behind.is_reachable && situation.limits.uid != Some(0) => fix,
        None => reader.as_root(fix),
    }]
}

/// Whether commands can name the user: not `uid 70001`, which stands for one without a name, nor what they would
/// take for an option or a number.
fn is_user_name(user: &str) -> bool {
    let is_operand = !user.starts_with(['-', '#', '+']);
    is_operand && !user.is_empty() && !user.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// The engine's command; `None` where there is none that stays.
fn command(behind: &Behind, situation: &Situation<'_>) -> Option<String> {
    let operand = |name: &Option<crate::model::Text>| {
        name.as_deref()
            .and_then(container_operand)
            .map(ToOwned::to_owned)
    };
    let name = || operand(&behind.name).or_else(|| operand(&behind.id));
    // An init process without a handler gets SIGKILL after the grace period, which is ten seconds.
    let grace = if behind.ignores_term { "-t 1 " } else { "" };
    match behind.engine? {
        Engine::Docker => {
            let by_port = || format!("$(docker ps -q --filter publish={})", published(situation));
            let is_named = name().is_some();
            let stop = format!("docker stop {grace}{}", name().unwrap_or_else(by_port));
            // The containers of the other user are meant: not the reader's shell may list them.
            let is_other_s = behind.user.is_some() && situation.limits.uid != Some(0);
            Some(if is_other_s && !is_named {
                format!("sh -c {}", shell_word(&stop))
            } else {
                stop
            })
        }
        // Without its first container a pod can't be started again by its own name.
        Engine::Podman => Some(match operand(&behind.pod) {
            Some(pod) => format!("podman pod stop {grace}{pod}"),
            None => format!("podman stop {grace}{}", name()?),
        }),
        Engine::Nerdctl => Some(format!("nerdctl stop {}", name()?)),
        Engine::Lxc => Some(format!("lxc-stop -n {}", name()?)),
        Engine::Nspawn => Some(format!("machinectl poweroff {}", name()?)),
        Engine::Lxd | Engine::Incus => {
            let tool = if behind.engine == Some(Engine::Lxd) {
                "lxc"
            } else {
                "incus"
            };
            Some(match operand(&behind.service) {
                Some(device) => format!("{tool} config device remove {} {device}", name()?),
                None => format!("{tool} stop {}", name()?),
            })
        }
        Engine::Kubernetes => None,
    }
}

/// `8080`, `53/udp`
fn published(situation: &Situation<'_>) -> String {
    situation.protocol.port_text(situation.port)
}

fn sentence(behind: &Behind) -> String {
    let name = behind.name.as_ref().map(|name| format!(" {name}"));
    match behind.engine {
        Some(Engine::Kubernetes) => {
            let pod = name.unwrap_or_default();
            return format!(
                "Scale down or delete what runs the pod{pod}, such as its Deployment: Kubernetes starts a new one \
                 otherwise"
            );
        }
        Some(Engine::Lxd | Engine::Incus) if behind.service.is_some() => {
            let device = behind.service.as_deref().unwrap_or_default();
            return format!(
                "Remove the proxy device {device} of the instance{}",
                name.unwrap_or_default()
            );
        }
        _ => {}
    }
    let inside = behind
        .process
        .as_ref()
        .map(|process| format!("{} inside", process.name));
    let image = behind.image.as_ref().map(|image| format!("image {image}"));
    let service = behind
        .service
        .as_ref()
        .map(|service| match &behind.project {
            Some(project) => format!("service {service} of {project}"),
            None => format!("service {service}"),
        });
    let about: Vec<_> = inside.into_iter().chain(image).chain(service).collect();
    let about = if about.is_empty() {
        String::new()
    } else {
        format!(" ({})", about.join(", "))
    };
    let serves = behind.server.as_ref().map_or_else(String::new, |server| {
        format!(", which publishes the port for the container {server}")
    });
    if let Some(pod) = &behind.pod {
        return format!("Stop the pod {pod}, which publishes the port{about}");
    }
    match name {
        Some(name) => format!("Stop the container{name}{about}{serves}"),
        None => format!("Stop the container that publishes the port{about}{serves}"),
    }
}

fn also_ends(behind: &Behind) -> Vec<AlsoEnds> {
    let port = |&(protocol, port): &(Protocol, u16)| {
        AlsoEnds::new(AlsoEndsKind::Port, &format!("{port}/{}", protocol.as_str()))
    };
    behind.ports.iter().map(port).collect()
}

fn warning(behind: &Behind, reaction: Option<Reaction>) -> Option<String> {
    let is_slow = behind.ignores_term || reaction.is_some_and(|reaction| ignores(reaction.term));
    is_slow.then(|| {
        "Its first process does not react to SIGTERM: it is killed after a second.".to_owned()
    })
}

/// The fix to name in place of ending a container's proxy or monitor.
pub(super) fn first_fix(behind: &Behind, situation: &Situation<'_>) -> Option<Fix> {
    fixes(behind, None, situation)
        .into_iter()
        .find(|fix| fix.frees == Frees::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            look_as_root: None,
        };
        let fixes = fixes(&behind, None, &situation);
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
                look_as_root: None,
            };
            fixes(&behind, None, &situation).remove(0).command
        };
        let stop = "'docker stop $(docker ps -q --filter publish=8080)'";
        assert_eq!(command(1000), Some(format!("sudo -iu ann sh -c {stop}")));
        assert_eq!(command(0), Some(format!("runuser -l ann -c {stop}")));
    }
}
