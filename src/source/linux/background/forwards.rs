//! Tunnels and forwarders: ssh on both sides, and programs whose work is to pass a port on. Pure.

use super::facts::Facts;
use crate::model::{Behind, BehindKind, Text};

/// Options of ssh that take a value (`ssh(1)`).
const WITH_VALUE: &str = "BbcDEeFIiJLlmOoPpQRSWw";

/// The tunnel or forwarder that a process is, for this port.
pub(super) fn forward(facts: &Facts, port: u16) -> Option<Behind> {
    match facts.program() {
        "ssh" => Some(ssh(facts, port)),
        "sshd" | "sshd-session" => None,
        _ if shared(facts).is_some() => shared(facts).map(|path| mux(path, port)),
        "kubectl" | "oc" if facts.argv.iter().any(|one| one == "port-forward") => {
            let after = facts
                .argv
                .iter()
                .skip_while(|one| *one != "port-forward")
                .skip(1);
            Some(passing_on(after.filter(|one| !one.starts_with('-'))))
        }
        "socat" => Some(passing_on(
            facts
                .argv
                .iter()
                .skip(1)
                .filter(|one| !one.starts_with('-')),
        )),
        "rinetd" | "redir" | "simpleproxy" | "gost" | "chisel" | "cloudflared" | "ngrok"
        | "tailscale" => Some(Behind {
            name: Some(facts.name()),
            ..Behind::new(BehindKind::PortForward)
        }),
        _ if is_editor(facts) => Some(Behind {
            name: Some(Text::new("an editor's remote server")),
            ..Behind::new(BehindKind::PortForward)
        }),
        _ => None,
    }
}

fn passing_on<'a>(words: impl Iterator<Item = &'a String>) -> Behind {
    let words: Vec<&str> = words.map(String::as_str).collect();
    Behind {
        name: (!words.is_empty()).then(|| Text::new(&words.join(" "))),
        ..Behind::new(BehindKind::PortForward)
    }
}

/// VS Code and its relatives forward ports of a remote machine in the editor's own process.
fn is_editor(facts: &Facts) -> bool {
    let of_server = [
        "/.vscode-server/",
        "/.cursor-server/",
        "/.windsurf-server/",
        "/code-server/",
    ];
    let first = facts.argv.first().map_or("", String::as_str);
    let local = ["code", "cursor", "windsurf", "codium"].contains(&facts.program());
    local || of_server.iter().any(|part| first.contains(part))
}

/// An ssh client: where it goes to, and what closes this forward alone.
fn ssh(facts: &Facts, port: u16) -> Behind {
    let options = Options::of(&facts.argv);
    if let (true, Some(path)) = (options.is_master, &options.control_path) {
        return mux(path, port);
    }
    let kind = options.kind_of(port);
    Behind {
        name: options.destination.as_deref().map(Text::new),
        escape: kind.map(|kind| Text::new(&format!("-K{kind} {port}"))),
        // One that runs nothing there (`-N`) is the tunnel and nothing else.
        is_reachable: options.runs_nothing,
        ..Behind::new(BehindKind::SshForward)
    }
}

/// The path in the title of a master that went into the background: `ssh: /home/ann/mux [mux]`.
fn shared(facts: &Facts) -> Option<&str> {
    facts.title().strip_prefix("ssh: ")?.strip_suffix(" [mux]")
}

/// The master of shared connections (`ControlMaster`): other sessions go through it. Its title leaves out
/// what it forwards and where.
fn mux(path: &str, port: u16) -> Behind {
    // Its title is whatever it writes there: in what a person may type it is a plain path or nothing.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-@:%+=,".contains(c);
    let path = Some(path).filter(|path| path.chars().all(is_plain));
    let socket = path.map_or_else(String::new, |path| format!("-S {path} "));
    Behind {
        name: path.map(Text::new),
        escape: Some(Text::new(&format!(
            "ssh {socket}-O cancel -L {port}:HOST:PORT DESTINATION, as it was started"
        ))),
        is_reachable: false,
        ..Behind::new(BehindKind::SshForward)
    }
}

/// What the arguments of ssh say.
#[derive(Default)]
struct Options {
    destination: Option<String>,
    forwards: Vec<(char, String)>,
    runs_nothing: bool,
    /// Whether other clients connect through it (`-M`, `-o ControlMaster=…`), by the socket of `-S`.
    is_master: bool,
    control_path: Option<String>,
}

impl Options {
    fn of(argv: &[String]) -> Self {
        let mut options = Self::default();
        let mut arguments = argv.iter().skip(1);
        while let Some(argument) = arguments.next() {
            let Some(letters) = argument.strip_prefix('-') else {
                // What follows the destination is a command.
                options.destination = Some(argument.clone());
                break;
            };
            for (at, letter) in letters.char_indices() {
                options.runs_nothing |= letter == 'N';
                options.is_master |= letter == 'M';
                if !WITH_VALUE.contains(letter) {
                    continue;
                }
                let rest = &letters[at + letter.len_utf8()..];
                let value = if rest.is_empty() {
                    arguments.next().cloned()
                } else {
                    Some(rest.to_owned())
                };
                match (letter, value) {
                    ('L' | 'R' | 'D', Some(value)) => options.forwards.push((letter, value)),
                    ('S', path) => options.control_path = path,
                    ('o', Some(value)) => options.set(&value),
                    _ => {}
                }
                break;
            }
        }
        options
    }

    /// `KEY=VALUE` or `KEY VALUE` of `ssh_config(5)`.
    fn set(&mut self, setting: &str) {
        let Some((key, value)) = setting.split_once(['=', ' ']) else {
            return;
        };
        match key.to_ascii_lowercase().as_str() {
            "controlmaster" => self.is_master = value != "no",
            "controlpath" => self.control_path = Some(value.to_owned()),
            _ => {}
        }
    }

    /// The kind of forward that listens here on a port: `-L` or `-D`.
    fn kind_of(&self, port: u16) -> Option<char> {
        let is_on_port = |value: &str, parts: usize| {
            // `[ADDRESS:]PORT`, and what follows it in `-L`.
            let fields: Vec<&str> = value.split(':').collect();
            let listening = &fields[..fields.len().saturating_sub(parts)];
            listening.iter().any(|field| *field == port.to_string())
        };
        let found = self.forwards.iter().find(|(kind, value)| match kind {
            'L' => is_on_port(value, 2),
            'D' => is_on_port(value, 0),
            _ => false,
        });
        found.map(|&(kind, _)| kind)
    }
}

/// What a process of the ssh server is, as it writes it over its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sshd {
    /// It waits for new connections.
    Listener,
    /// It serves the session of a user, on a terminal if it names one.
    Session {
        user: String,
        terminal: Option<String>,
    },
}

/// `sshd: ann@pts/3`, `sshd-session: ann`, `sshd: /usr/sbin/sshd -D [listener] …`
pub(super) fn sshd(facts: &Facts) -> Option<Sshd> {
    let title = facts.title();
    let rest = title
        .strip_prefix("sshd: ")
        .or_else(|| title.strip_prefix("sshd-session: "));
    let Some(rest) = rest else {
        let is_server = matches!(facts.program(), "sshd") && facts.comm == "sshd";
        return is_server.then_some(Sshd::Listener);
    };
    if rest.contains("[listener]") {
        return Some(Sshd::Listener);
    }
    let (who, _) = rest.split_once(' ').unwrap_or((rest, ""));
    let (user, terminal) = who.split_once('@').unwrap_or((who, ""));
    let terminal = (!terminal.is_empty() && terminal != "notty").then(|| terminal.to_owned());
    Some(Sshd::Session {
        user: user.to_owned(),
        terminal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(command: &str) -> Facts {
        let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
        Facts {
            comm: argv[0].rsplit('/').next().unwrap().to_owned(),
            argv,
            ..Facts::default()
        }
    }

    fn titled(title: &str) -> Facts {
        Facts {
            comm: "sshd".into(),
            argv: vec![title.to_owned()],
            ..Facts::default()
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
            let found = forward(&facts(command), 8080).unwrap();
            assert_eq!(found.name.as_deref(), Some(name), "{command}");
            assert_eq!(found.escape.as_deref(), escape, "{command}");
            assert_eq!(found.is_reachable, is_tunnel, "{command}");
        }
    }

    #[test]
    fn a_master_of_shared_connections_is_more_than_its_tunnel() {
        let master = "ssh -o ControlMaster=auto -S /run/mux -N -L 8080:db:80 web";
        for facts in [
            facts(master),
            facts("ssh -MNS /run/mux web"),
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
        let name = |command| forward(&facts(command), 8080).and_then(|found| found.name);
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
    fn a_process_of_the_ssh_server_says_what_it_is() {
        let session = |user: &str, terminal: Option<&str>| {
            let terminal = terminal.map(str::to_owned);
            Some(Sshd::Session {
                user: user.to_owned(),
                terminal,
            })
        };
        assert_eq!(
            sshd(&titled("sshd: ann@pts/3")),
            session("ann", Some("pts/3"))
        );
        assert_eq!(sshd(&titled("sshd: ann")), session("ann", None));
        assert_eq!(sshd(&titled("sshd: ann [priv]")), session("ann", None));
        assert_eq!(
            sshd(&titled("sshd-session: ann@notty")),
            session("ann", None)
        );
        let listener = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups";
        assert_eq!(sshd(&titled(listener)), Some(Sshd::Listener));
        assert_eq!(sshd(&facts("/usr/sbin/sshd -D")), Some(Sshd::Listener));
        assert_eq!(sshd(&facts("nginx")), None);
    }

    #[test]
    fn a_title_that_is_no_plain_path_is_in_no_command() {
        let hostile = titled("ssh: /tmp/x; touch /tmp/y [mux]");
        let found = forward(&hostile, 8080).unwrap();
        assert_eq!(found.name, None);
        assert!(!found.escape.unwrap().contains("touch"));
    }
}
