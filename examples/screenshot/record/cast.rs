//! The processes of the host: each is this program under another name, and gets its commands on standard input.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use super::{Outcome, parts};

/// The variable with the host's folder, for its first process.
pub const FIRST: &str = "SOCKEYE_SCREENSHOT_HOST";

/// The variable with the part of a process.
const PART: &str = "SOCKEYE_SCREENSHOT_PART";

/// The variable with the network of the clients.
pub const OUTSIDE: &str = "SOCKEYE_SCREENSHOT_OUTSIDE";

/// One process, and what it does.
pub struct Part {
    /// Its name in the script.
    pub called: &'static str,
    name: &'static str,
    command: &'static [&'static str],
    pid: u64,
    /// It and its workers have this many pids.
    pids: u64,
    uid: u32,
    unit: &'static str,
    /// For how long it has run.
    pub up: Duration,
    play: fn() -> Outcome,
}

const fn hours(count: u64) -> Duration {
    Duration::from_hours(count)
}

/// All processes, in the order of their pids.
#[rustfmt::skip]
pub static CAST: [Part; 13] = [
    Part { called: "chronyd", name: "chronyd", command: &["/usr/sbin/chronyd", "-F", "1"], pid: 402, pids: 1, uid: 72,
           unit: "system.slice/chrony.service", up: hours(9 * 24 + 3), play: parts::chronyd },
    Part { called: "dnsmasq", name: "dnsmasq", command: &["/usr/sbin/dnsmasq", "-k"], pid: 431, pids: 1, uid: 73,
           unit: "system.slice/dnsmasq.service", up: hours(9 * 24 + 3), play: parts::dnsmasq },
    Part { called: "sshd", name: "sshd", command: &["sshd: /usr/sbin/sshd -D [listener]"], pid: 702, pids: 1, uid: 0,
           unit: "system.slice/ssh.service", up: hours(9 * 24 + 3), play: parts::sshd },
    Part { called: "nginx", name: "nginx", command: &["nginx: master process /usr/sbin/nginx"], pid: 812, pids: 1, uid: 0,
           unit: "system.slice/nginx.service", up: hours(3 * 24), play: parts::nginx },
    Part { called: "nginx worker", name: "nginx", command: &["nginx: worker process"], pid: 813, pids: 2, uid: 33,
           unit: "system.slice/nginx.service", up: hours(3 * 24), play: parts::nginx_worker },
    Part { called: "postgres", name: "postgres", command: &["/usr/lib/postgresql/16/bin/postgres", "-D", "/var/lib/postgresql/16/main"], pid: 901, pids: 1, uid: 70,
           unit: "system.slice/postgresql.service", up: hours(9 * 24 + 3), play: parts::postgres },
    Part { called: "redis", name: "redis-server", command: &["/usr/bin/redis-server", "127.0.0.1:6379"], pid: 955, pids: 1, uid: 71,
           unit: "system.slice/redis-server.service", up: hours(9 * 24 + 3), play: parts::redis },
    Part { called: "node", name: "node", command: &["node", "/srv/shop/server.js"], pid: 2201, pids: 1, uid: 1000,
           unit: "system.slice/shop.service", up: hours(26), play: parts::node },
    Part { called: "puma", name: "puma", command: &["puma 6.4.2 (tcp://127.0.0.1:8000) [api]"], pid: 2240, pids: 1, uid: 33,
           unit: "system.slice/api.service", up: hours(26), play: parts::puma },
    Part { called: "python3", name: "python3", command: &["python3", "-m", "http.server", "9000"], pid: 3377, pids: 1, uid: 1000,
           unit: "user.slice/user-1000.slice/session-4.scope", up: hours(2), play: parts::python },
    Part { called: "curl", name: "curl", command: &["curl"], pid: 6000, pids: 2, uid: 0,
           unit: "", up: hours(0), play: parts::clients },
    Part { called: "puma again", name: "puma", command: &["puma 6.4.2 (tcp://127.0.0.1:8000) [api]"], pid: 40198, pids: 1, uid: 33,
           unit: "system.slice/api.service", up: hours(0), play: parts::puma },
    Part { called: "node dev", name: "node", command: &["node", "dev-server.js"], pid: 40211, pids: 1, uid: 1000,
           unit: "user.slice/user-1000.slice/session-4.scope", up: hours(0), play: parts::dev_server },
];

impl Part {
    /// Whether this pid is one of its processes.
    pub fn has(&self, pid: u64) -> bool {
        (self.pid..self.pid + self.pids).contains(&pid)
    }

    pub fn called(name: &str) -> Outcome<&'static Self> {
        let found = CAST.iter().find(|part| part.called == name);
        Ok(found.ok_or_else(|| format!("there is no {name}"))?)
    }

    /// This program as that process, or as its n-th worker.
    pub fn command(&self, number: u64) -> Outcome<Command> {
        let folder = std::env::var_os(FIRST).ok_or("there is no host")?;
        let program = Path::new(&folder).join(self.name);
        if !program.exists() {
            fs::hard_link(Path::new(&folder).join("systemd"), &program)?;
        }
        let mut command = Command::new(program);
        command
            .arg0(self.command[0])
            .args(&self.command[1..])
            .env(PART, self.called)
            .uid(self.uid)
            .gid(self.uid);
        fs::write(
            "/proc/sys/kernel/ns_last_pid",
            (self.pid - 1 + number).to_string(),
        )?;
        Ok(command)
    }
}

/// Plays the part that this process was started for, if it was.
pub fn play_own_part() -> Option<Outcome> {
    let name = std::env::var(PART).ok()?;
    Some(Part::called(&name).and_then(|part| (part.play)()))
}

/// The running processes; they end with it.
pub struct Company {
    present: Vec<(&'static str, Child, Option<ChildStdin>)>,
}

impl Company {
    /// Starts the first processes. The clients are outside, in a network that `outside` sets up.
    pub fn assembled(outside: &str) -> Outcome<Self> {
        let mut company = Self {
            present: Vec::new(),
        };
        for part in &CAST {
            match part.called {
                "nginx worker" | "puma again" | "node dev" => {}
                "curl" => company.bring_in_clients(part, outside)?,
                name => company.enter(name)?,
            }
        }
        Ok(company)
    }

    /// Starts one more in the control group of its unit, and waits until it is ready.
    pub fn enter(&mut self, name: &str) -> Outcome {
        let part = Part::called(name)?;
        let group = groups().join(part.unit);
        fs::create_dir_all(&group)?;
        fs::write(group.join("cgroup.procs"), "0")?;
        self.start(part, part.command(0)?)
    }

    fn bring_in_clients(&mut self, part: &'static Part, outside: &str) -> Outcome {
        let inner = part.command(0)?;
        let mut command = Command::new("unshare");
        command.arg("-n").arg(inner.get_program());
        command.env(PART, part.called).env(OUTSIDE, outside);
        self.start(part, command)
    }

    fn start(&mut self, part: &'static Part, mut command: Command) -> Outcome {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("no standard output")?;
        let line = child.stdin.take();
        let pid = child.id();
        self.present.push((part.called, child, line));
        let mut lines = BufReader::new(out).lines();
        loop {
            match lines.next() {
                Some(Ok(said)) if said == "ready" => return Ok(()),
                // The other end of the cable can only be given to a process outside.
                Some(Ok(said)) if said == "outside" => {
                    let moved = Command::new("ip")
                        .args(["link", "set", "wan", "netns", &pid.to_string()])
                        .status()?;
                    if !moved.success() {
                        return Err("the cable has no other end".into());
                    }
                    self.command(part.called, "connected")?;
                }
                other => return Err(format!("{} did not get ready: {other:?}", part.called).into()),
            }
        }
    }

    /// Sends a command to one of them, and waits until it is done.
    pub fn command(&mut self, name: &str, what: &str) -> Outcome {
        let (_, _, line) = self.of(name)?;
        Ok(writeln!(line.as_mut().ok_or("it has left")?, "{what}")?)
    }

    /// Ends one of them.
    pub fn let_go(&mut self, name: &str) -> Outcome {
        let (_, child, line) = self.of(name)?;
        drop(line.take());
        child.wait()?;
        Ok(())
    }

    fn of(
        &mut self,
        name: &str,
    ) -> Result<&mut (&'static str, Child, Option<ChildStdin>), Box<dyn Error>> {
        let found = self.present.iter_mut().find(|(one, ..)| *one == name);
        Ok(found.ok_or_else(|| format!("{name} is not there"))?)
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        for (_, child, _) in &mut self.present {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The control groups of the host's units.
fn groups() -> PathBuf {
    let root = Path::new("/sys/fs/cgroup");
    let unified = root.join("unified");
    let root = if unified.exists() {
        unified
    } else {
        root.to_owned()
    };
    root.join("sockeye-host")
}

/// Removes the empty ones, the inner ones first.
pub fn remove_groups() {
    let parts = CAST
        .iter()
        .flat_map(|part| Path::new(part.unit).ancestors());
    let mut parts: Vec<_> = parts.collect();
    parts.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    for part in parts {
        let _ = fs::remove_dir(groups().join(part));
    }
}
