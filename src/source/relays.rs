//! Programs that pass the ports of a virtual machine on to macOS or Windows: engines there run their containers in one. Their
//! arguments name the machine at most, never the container. Pure.
//!
//! From the documentation and the process lists that users have posted; not verified on macOS or Windows.

use std::sync::Arc;

use crate::model::{Process, Published, PublishedBy, Socket, Text};

/// Sets what the listeners of relays lead to.
pub(super) fn set_published(sockets: &mut [Socket]) {
    for socket in sockets.iter_mut().filter(|socket| socket.is_listening()) {
        let relay = socket
            .owner
            .present()
            .iter()
            .find_map(|process| relay(process));
        socket.published = relay.map(|name| {
            Arc::new(Published {
                by: PublishedBy::Proxy,
                relay: Some(name),
                container: None,
                address: None,
                port: None,
                process: None,
                target: None,
            })
        });
    }
}

/// The virtual machine that a process passes ports of.
fn relay(process: &Process) -> Option<Text> {
    let program = process.executable.as_deref().unwrap_or(&process.name);
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let program = program.to_ascii_lowercase();
    let argv = process.argv.as_deref().unwrap_or_default();
    let name = match program.strip_suffix(".exe").unwrap_or(&program) {
        "com.docker.backend" | "com.docker.vpnkit" | "vpnkit-bridge" => "Docker Desktop".to_owned(),
        "orbstack helper" => "OrbStack".to_owned(),
        "gvproxy" => "a podman machine".to_owned(),
        // `wslrelay.exe --mode 2 --vm-id {GUID} --handle 2904`
        "wslrelay" => match value_of(argv, "--vm-id") {
            Some(id) => format!("WSL {id}"),
            None => "WSL".to_owned(),
        },
        // `limactl hostagent --pidfile PATH … NAME`: Lima and Colima.
        "limactl" if argv.get(1).is_some_and(|word| &**word == "hostagent") => {
            format!("Lima {}", argv.last()?)
        }
        _ => return None,
    };
    Some(Text::new(&name))
}

fn value_of<'a>(argv: &'a [Text], option: &str) -> Option<&'a Text> {
    let at = argv.iter().position(|word| &**word == option)?;
    argv.get(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, Owner, Protocol, State};

    fn run_as(command: &[&str]) -> Process {
        let name = command[0].rsplit(['/', '\\']).next().unwrap_or_default();
        Process {
            executable: Some(command[0].into()),
            argv: Some(command.iter().map(|&word| Text::new(word)).collect()),
            ..Process::new(7, name)
        }
    }

    #[test]
    fn relays_are_known_by_their_program_and_arguments() {
        let of = |command: &[&str]| relay(&run_as(command)).map(|name| name.to_string());
        let docker = "/Applications/Docker.app/Contents/MacOS/com.docker.backend";
        for (command, name) in [
            (&[docker, "services"][..], Some("Docker Desktop")),
            (
                &[r"C:\Program Files\Docker\com.docker.backend.exe"],
                Some("Docker Desktop"),
            ),
            (
                &[
                    r"C:\Program Files\WSL\wslrelay.exe",
                    "--mode",
                    "2",
                    "--vm-id",
                    "{9a}",
                ],
                Some("WSL {9a}"),
            ),
            (&["wslrelay.exe"], Some("WSL")),
            (
                &[
                    "/usr/local/bin/limactl",
                    "hostagent",
                    "--pidfile",
                    "x",
                    "colima",
                ],
                Some("Lima colima"),
            ),
            (&["/usr/local/bin/limactl", "shell", "colima"], None),
            (&["/usr/bin/gvproxy"], Some("a podman machine")),
            (&["/usr/bin/nginx"], None),
        ] {
            assert_eq!(of(command).as_deref(), name, "{command:?}");
        }
    }

    #[test]
    fn only_a_listener_of_a_relay_is_published() {
        let local = Endpoint::new([127, 0, 0, 1].into(), 8080);
        let mut listener = Socket::new(Protocol::Tcp, local, None, State::Listen);
        listener.owner = Owner::Known(Arc::new([Arc::new(run_as(&["wslrelay.exe"]))]));
        let mut connected = listener.clone();
        (connected.remote, connected.state) = (Some(local), State::Established);
        let mut sockets = [listener, connected];
        set_published(&mut sockets);
        let described = sockets.each_ref().map(|socket| {
            let published = socket.published.as_ref();
            published.map(|published| published.describe())
        });
        assert_eq!(described, [Some("WSL".to_owned()), None]);
    }
}
