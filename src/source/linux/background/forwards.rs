//! Tunnels and forwarders: ssh clients, and programs that pass a port on. Pure.

use super::facts::Facts;
use super::programs;
use crate::model::{Behind, BehindKind, Text};

/// Options of ssh that take a value (`ssh(1)`).
const WITH_VALUE: &str = "BbcDEeFIiJLlmOoPpQRSWw";

/// Folders of editors' remote servers.
const EDITOR_FOLDERS: [&str; 4] = [
    "/.vscode-server/",
    "/.cursor-server/",
    "/.windsurf-server/",
    "/code-server/",
];

/// What a process forwards this port to, if it is a tunnel or forwarder.
pub(super) fn forward(facts: &Facts, port: u16) -> Option<Behind> {
    // The title of a master that went into the background: `ssh: /home/ann/mux [mux]`.
    let path = facts.title().strip_prefix("ssh: ");
    if let Some(path) = path.and_then(|path| path.strip_suffix(" [mux]")) {
        return Some(master(path, port));
    }
    let words = |from: usize| -> Option<Text> {
        let words = facts.argv.iter().skip(from).map(String::as_str);
        let words: Vec<&str> = words.filter(|one| !one.starts_with('-')).collect();
        (!words.is_empty()).then(|| Text::new(&words.join(" ")))
    };
    let is_in = |folder: &&str| facts.title().contains(folder);
    let name = match facts.program() {
        "ssh" => return Some(ssh(facts, port)),
        "sshd" | "sshd-session" => return None,
        "kubectl" | "oc" => {
            let at = facts.argv.iter().position(|one| one == "port-forward")?;
            words(at + 1)
        }
        "socat" => words(1),
        program if programs::has(programs::FORWARDERS, program) => Some(facts.name()),
        // VS Code and its relatives forward ports of a remote machine in the editor's own process.
        program
            if programs::has(programs::EDITORS, program) || EDITOR_FOLDERS.iter().any(is_in) =>
        {
            Some(Text::new("an editor's remote server"))
        }
        _ => return None,
    };
    Some(Behind {
        name,
        ..Behind::new(BehindKind::PortForward)
    })
}

/// An ssh client: its destination, and how to close only this forward.
fn ssh(facts: &Facts, port: u16) -> Behind {
    let options = Options::of(&facts.argv, port);
    if let (true, Some(path)) = (options.is_master, options.control_path) {
        return master(path, port);
    }
    let escape = |kind| Text::new(&format!("-K{kind} {port}"));
    Behind {
        name: options.destination.map(Text::new),
        escape: options.kind.map(escape),
        // With `-N` it runs no remote command, so it is only a tunnel.
        is_reachable: options.runs_nothing,
        ..Behind::new(BehindKind::SshForward)
    }
}

/// The master of shared connections (`ControlMaster`), with other sessions. Its title does not say what it forwards.
fn master(path: &str, port: u16) -> Behind {
    // Any program can write such a title: a command contains only a plain path.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-@:%+=,".contains(c);
    let path = Some(path).filter(|path| path.chars().all(is_plain));
    let socket = path.map_or_else(String::new, |path| format!("-S {path} "));
    let forward = format!("-L {port}:HOST:PORT DESTINATION, as it was started");
    let cancel = format!("ssh {socket}-O cancel {forward}");
    Behind {
        name: path.map(Text::new),
        escape: Some(Text::new(&cancel)),
        is_reachable: false,
        ..Behind::new(BehindKind::SshForward)
    }
}

/// The arguments of ssh.
#[derive(Default)]
struct Options<'a> {
    destination: Option<&'a str>,
    /// The kind of forward that listens here on the port: `-L` or `-D`.
    kind: Option<char>,
    runs_nothing: bool,
    /// Whether other clients connect through it (`-M`, `-o ControlMaster=…`), by the socket of `-S`.
    is_master: bool,
    control_path: Option<&'a str>,
}

impl<'a> Options<'a> {
    fn of(argv: &'a [String], port: u16) -> Self {
        let mut options = Self::default();
        let mut arguments = argv.iter().skip(1).map(String::as_str);
        while let Some(argument) = arguments.next() {
            let Some(letters) = argument.strip_prefix('-') else {
                // The rest after the destination is a command.
                options.destination = Some(argument);
                break;
            };
            for (at, letter) in letters.char_indices() {
                options.runs_nothing |= letter == 'N';
                options.is_master |= letter == 'M';
                if WITH_VALUE.contains(letter) {
                    let rest = &letters[at + letter.len_utf8()..];
                    let value = Some(rest).filter(|rest| !rest.is_empty());
                    let value = value.or_else(|| arguments.next());
                    options.set(letter, value.unwrap_or_default(), &port.to_string());
                    break;
                }
            }
        }
        options
    }

    fn set(&mut self, letter: char, value: &'a str, port: &str) {
        match letter {
            // `[ADDRESS:]PORT`, which `:HOST:PORT` follows in `-L`.
            'L' | 'D' => {
                let target = if letter == 'L' { 2 } else { 0 };
                let is_on_port = value.rsplit(':').skip(target).any(|field| field == port);
                self.kind = self.kind.or(is_on_port.then_some(letter));
            }
            'S' => self.control_path = Some(value),
            // `KEY=VALUE` or `KEY VALUE` of `ssh_config(5)`.
            'o' => match value.split_once(['=', ' ']) {
                Some((key, value)) if key.eq_ignore_ascii_case("controlmaster") => {
                    self.is_master = value != "no";
                }
                Some((key, value)) if key.eq_ignore_ascii_case("controlpath") => {
                    self.control_path = Some(value);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(title: &str) -> Facts {
        Facts {
            argv: vec![title.to_owned()],
            ..Facts::of_command("ssh")
        }
    }

    #[test]
    fn an_ssh_client_says_where_it_goes_and_what_closes_the_forward() {
        for (command, name, escape, is_tunnel) in [
            (
                "ssh -N -L 8080:localhost:80 ann@web",
                "ann@web",
                Some("-KL 8080"),
                true,
            ),
            (
                "ssh -fNL127.0.0.1:8080:db:5432 -p 2222 web",
                "web",
                Some("-KL 8080"),
                true,
            ),
            (
                "ssh -D 8080 -i /k web uptime -L 1:2:3",
                "web",
                Some("-KD 8080"),
                false,
            ),
            ("ssh -L 8081:localhost:8080 web", "web", None, false),
            ("ssh -R 8080:localhost:80 web", "web", None, false),
        ] {
            let found = forward(&Facts::of_command(command), 8080).unwrap();
            assert_eq!(found.name.as_deref(), Some(name), "{command}");
            assert_eq!(found.escape.as_deref(), escape, "{command}");
            assert_eq!(found.is_reachable, is_tunnel, "{command}");
        }
    }

    #[test]
    fn a_master_of_shared_connections_is_more_than_its_tunnel() {
        let master = "ssh -o ControlMaster=auto -S /run/mux -N -L 8080:db:80 web";
        for facts in [
            Facts::of_command(master),
            Facts::of_command("ssh -MNS /run/mux web"),
            titled("ssh: /run/mux [mux]"),
        ] {
            let found = forward(&facts, 8080).unwrap();
            assert!(!found.is_reachable);
            let escape = found.escape.unwrap();
            assert!(
                escape.starts_with("ssh -S /run/mux -O cancel -L 8080:"),
                "{escape}"
            );
        }
    }

    #[test]
    fn forwarders_name_where_they_pass_the_port_on_to() {
        let name =
            |command| forward(&Facts::of_command(command), 8080).and_then(|found| found.name);
        let socat = "socat -d TCP-LISTEN:8080,fork TCP:db:5432";
        assert_eq!(
            name(socat).as_deref(),
            Some("TCP-LISTEN:8080,fork TCP:db:5432")
        );
        let kubectl = "kubectl -n shop port-forward svc/web 8080:80";
        assert_eq!(name(kubectl).as_deref(), Some("svc/web 8080:80"));
        assert_eq!(name("nginx"), None);
    }

    #[test]
    fn no_command_contains_a_title_that_is_not_a_plain_path() {
        let hostile = titled("ssh: /tmp/x; touch /tmp/y [mux]");
        let found = forward(&hostile, 8080).unwrap();
        assert_eq!(found.name, None);
        assert!(!found.escape.unwrap().contains("touch"));
    }
}
