//! The page for scripts and agents: its commands as they stand there, and many agents at once that follow it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::cli::background::Running;
use crate::cli::scene::{BINARY, stage};
use crate::cli::scripts::{blocks_of, run};
use crate::program::built;
use crate::schema::hold;

const PAGE: &str = include_str!("../../docs/agents.md");

#[test]
fn every_command_for_agents_does_what_its_page_says() {
    stage(|| {
        let blocks = blocks_of(PAGE);
        let [script, left, end, command] = blocks.as_slice() else {
            panic!("{} blocks", blocks.len());
        };
        assert!(run(script).ends_with("the server of this project answered\n"));
        // Nothing was left, so nothing is said of it.
        assert_eq!(run(left), "");
        // The script again, with a server that stays.
        let stays = script.strip_suffix("\nend_server").unwrap();
        let printed = run(&format!("{stays}\n{left}\nend_server"));
        let again = regex::Regex::new(r"use the one that runs: \d{5}\n$").unwrap();
        assert!(again.is_match(&printed), "{printed}");
        let printed = run(&format!("{stays}\n{end}"));
        let free = regex::Regex::new(r"\d{5} is free\n$").unwrap();
        assert!(free.is_match(&printed), "{printed}");
        let printed = run(command);
        assert!(printed.starts_with("the tests get port "), "{printed}");
    });
}

const AGENTS: usize = 16;

/// For 16 agents with two servers each, some more that they leave, and the bystanders.
const PORTS: &str = "20000-20063";

/// Servers that were there before, on ports of that range.
const BYSTANDERS: [u16; 4] = [20_000, 20_007, 20_031, 20_050];

/// What an agent does after the functions of the page: it has a server that runs all the time, then starts, uses and ends
/// others. The second one is left behind, as by a session that crashed. In between it tries to end what others have:
/// what is not its own must stay.
const WORK: &str = r#"
answer() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && cat <&3); }
log() { echo "$*" >>ledger; }

end_mine() {
  sockeye end "$1" --mine --yes --json --timeout 10 >>"${2:-end.json}" 2>>end.log
}

sockeye free --stable --for . --name db "$ports" --hold -- named "$NAME db" >db.port 2>db.log &
log started db $!
until [ -s db.port ]; do sleep 0.05; done
cp db.port "$SHARED/$NAME"

for cycle in 1 2 3; do
  sockeye free --json --for . --name web "$ports" >free.json
  # Its own other service may have got the usual port of this one.
  if [ "$(jq -r .for.used_by free.json)" = this_project ] && [ "$(jq .for.usual_port free.json)" != "$(cat db.port)" ]; then
    # Another agent may have the port at once, so its exit code says nothing of the server.
    end_mine "$(jq .for.usual_port free.json)"
    kill -0 "$left" 2>/dev/null || log ended "$left"
  fi
  start_server || { log failed; continue; }
  log started web "$server" "$port"
  use_server || log wrong "$port"
  sockeye check -q "$port" && log unseen "$port"
  for other in $(cat "$SHARED"/*) $BYSTANDERS; do
    if [ "$other" != "$(cat db.port)" ] && end_mine "$other" others.json; then log took "$other"; fi
  done
  use_server || log lost "$port"
  if [ "$cycle" = 2 ]; then
    left=$server
  else
    end_server
    log ended "$server"
  fi
done
"#;

/// The page's script with servers and clients that know their name, and with that work.
fn script() -> String {
    let page = blocks_of(PAGE)[0];
    let (functions, _) = page.split_once("\nstart_server || exit\n").unwrap();
    let mut script = functions.to_owned();
    for (theirs, ours) in [
        ("ports=10000-32767 ", "ports=$PORTS "),
        (
            "python3 -m http.server \"$port\" --bind 127.0.0.1 ",
            "PORT=$port named \"$NAME web\" ",
        ),
        (
            "  python3 -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1])' \"http://127.0.0.1:$port/\"\n",
            "  [ \"$(answer \"$port\")\" = \"$NAME web\" ]\n",
        ),
    ] {
        assert_eq!(script.matches(theirs).count(), 1, "{theirs}");
        script = script.replace(theirs, ours);
    }
    script + WORK
}

struct Agent {
    name: String,
    folder: PathBuf,
    child: Child,
}

impl Agent {
    fn start(number: usize, top: &Path) -> Self {
        let name = format!("agent{number}");
        let folder = top.join(&name);
        fs::create_dir_all(folder.join(".git")).unwrap();
        let path = format!(
            "{}:{}",
            top.join("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let bystanders = BYSTANDERS.map(|port| port.to_string()).join(" ");
        // A session of its own, as in another terminal.
        let mut agent = Command::new("setsid");
        agent.args(["--wait", "bash"]).arg(top.join("agent.sh"));
        agent
            .current_dir(&folder)
            .env("PATH", path)
            .env("NAME", &name);
        agent.envs([("PORTS", PORTS), ("BYSTANDERS", &bystanders)]);
        agent.env("SHARED", top.join("shared")).stdin(Stdio::null());
        let log = fs::File::create(folder.join("agent.log")).unwrap();
        agent.stderr(log.try_clone().unwrap()).stdout(log);
        let child = agent.spawn().unwrap();
        Self {
            name,
            folder,
            child,
        }
    }

    /// What it wrote down, once it is done.
    fn ledger(&mut self) -> Vec<Vec<String>> {
        self.child.wait().unwrap();
        let text = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let others = text("others.json");
        assert!(
            others.contains("\"sent\":[]") && !others.contains("\"sent\":[{"),
            "{others}\n{}\n{}",
            text("agent.log"),
            text("end.log")
        );
        for printed in ["free.json", "end.json", "others.json"] {
            hold(&fs::read_to_string(self.folder.join(printed)).unwrap_or_default());
        }
        let ledger = fs::read_to_string(self.folder.join("ledger")).unwrap();
        let words = |line: &str| line.split(' ').map(str::to_owned).collect();
        ledger.lines().map(words).collect()
    }
}

fn answer(port: &str) -> String {
    let mut client = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn agents_that_follow_the_page_end_nothing_of_others_and_talk_to_their_own_servers() {
    stage(|| {
        let top = std::env::temp_dir().canonicalize().unwrap();
        for folder in ["bin", "shared", "elsewhere"] {
            fs::create_dir(top.join(folder)).unwrap();
        }
        let named = built("cli/helpers/named.c");
        for (name, program) in [("sockeye", Path::new(BINARY)), ("named", &named)] {
            std::os::unix::fs::symlink(program, top.join("bin").join(name)).unwrap();
        }
        fs::write(top.join("agent.sh"), script()).unwrap();
        let bystander = |port: u16| {
            let mut command = Command::new(&named);
            command.arg("bystander").env("PORT", port.to_string());
            let bystander = Running::start(command.current_dir(top.join("elsewhere")));
            bystander.line();
            bystander
        };
        let bystanders = BYSTANDERS.map(bystander);
        let agents = (0..AGENTS).map(|number| Agent::start(number, &top));
        let mut agents: Vec<_> = agents.collect();
        let ledgers: HashMap<usize, _> = agents.iter_mut().map(Agent::ledger).enumerate().collect();
        let (mut ports, mut freed) = (HashSet::new(), 0);
        for (number, agent) in agents.iter().enumerate() {
            let log = || fs::read_to_string(agent.folder.join("agent.log")).unwrap();
            let ended = || fs::read_to_string(agent.folder.join("end.log")).unwrap_or_default();
            let (mut running, mut had) = (HashMap::new(), 0);
            for entry in &ledgers[&number] {
                let words: Vec<&str> = entry.iter().map(String::as_str).collect();
                match words[..] {
                    ["started", "db", pid] => {
                        let port = fs::read_to_string(agent.folder.join("db.port")).unwrap();
                        running.insert(pid.to_owned(), ("db", port.trim().to_owned()));
                    }
                    ["started", "web", pid, port] => {
                        had += 1;
                        running.insert(pid.to_owned(), ("web", port.to_owned()));
                    }
                    ["ended", pid] => assert!(running.remove(pid).is_some(), "{pid}"),
                    _ => panic!("{}: {entry:?}\n{}", agent.name, log()),
                }
            }
            assert_eq!(had, 3, "{}: {:?}\n{}", agent.name, ledgers[&number], log());
            // The one that it left may not be on its usual port, if another agent had that.
            match running.len() {
                1 => freed += 1,
                2 => {}
                _ => panic!("{}: {:?}\n{}", agent.name, ledgers[&number], ended()),
            }
            for (pid, (service, port)) in running {
                assert!(
                    is_alive(&pid),
                    "{}: {service} ({pid}) was ended",
                    agent.name
                );
                assert_eq!(answer(&port), format!("{} {service}", agent.name));
                assert!(ports.insert(port));
            }
        }
        assert!(freed > 0, "no agent has ended what it left");
        for (port, bystander) in BYSTANDERS.iter().zip(&bystanders) {
            assert!(bystander.is_running(), "{port}");
            assert_eq!(answer(&port.to_string()), "bystander");
        }
    });
}
