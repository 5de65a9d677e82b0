//! What a scene starts and ends again: programs, by their pid, and commands that undo something.

use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::stage::PATH;
use crate::support::wait_until;

/// A user of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    Root,
    /// May use `sudo` for everything.
    Ann,
    /// May not.
    Bob,
    /// Is in the group docker, may not use `sudo`.
    Dora,
}

impl User {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Ann => "ann",
            Self::Bob => "bob",
            Self::Dora => "dora",
        }
    }

    pub const fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Ann => 20_001,
            Self::Bob => 20_002,
            Self::Dora => 20_003,
        }
    }

    /// A command line, run literally by this user's `sh -c` in the home folder.
    pub fn shell(self, line: &str) -> Command {
        let name = self.name();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", name, "--regid", name, "--init-groups"])
            .args(["sh", "-c", line])
            .env_clear()
            .env("PATH", PATH)
            .env("USER", name)
            .env("LOGNAME", name)
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        if self == Self::Root {
            command.env("HOME", "/root").current_dir("/root");
        } else {
            let home = format!("/home/{name}");
            command.env("HOME", &home).current_dir(home);
            command.env("XDG_RUNTIME_DIR", format!("/run/user/{}", self.uid()));
        }
        command
    }
}

/// Runs a command line of root's to its end; panics with what it printed if it fails.
pub fn sh(line: &str) -> String {
    by(User::Root, line)
}

/// The same as this user.
pub fn by(user: User, line: &str) -> String {
    let output = user.shell(line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", printed(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// All that a command printed.
pub fn printed(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{} {}{}",
        output.status,
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

/// A program that runs until the scene ends. Its end is the guard's drop: TERM, and KILL after 2 s.
pub struct Started(Child);

impl Started {
    /// Starts what `line` says by `exec`, so that the pid is the program's own.
    pub fn new(user: User, line: &str) -> Self {
        Self::spawn(&mut user.shell(&format!("exec {line}")))
    }

    /// The same with all that it prints in a file, `/run/stage/NAME.log`.
    pub fn logged(user: User, name: &str, line: &str) -> Self {
        let log = std::fs::File::create(format!("/run/stage/{name}.log")).unwrap();
        let mut command = user.shell(&format!("exec {line}"));
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Self(command.spawn().unwrap())
    }

    pub fn spawn(command: &mut Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if self.0.try_wait().unwrap().is_none() {
            let _ = signal("TERM", self.pid());
            let deadline = Instant::now() + Duration::from_secs(2);
            while self.0.try_wait().unwrap().is_none() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(10));
            }
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

/// A command line of root's that undoes a part of the set-up when the scene ends.
pub struct Undo(pub String);

impl Drop for Undo {
    fn drop(&mut self) {
        let _ = User::Root.shell(&self.0).output();
    }
}

/// Sends a signal to one process.
pub fn signal(name: &str, pid: u32) -> std::io::Result<Output> {
    Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .output()
}

/// Whether the process is there and no zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, fields)| fields.chars().next());
    state.is_some_and(|state| !"ZX".contains(state))
}

/// The pids of the processes whose command line, words joined by spaces, matches. Never this one.
pub fn pids(command_line: &str) -> Vec<u32> {
    let wanted = regex::Regex::new(command_line).unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let all = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut found: Vec<u32> = all
        .filter(|&pid| pid != std::process::id() && is_alive(pid))
        .filter(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&words).replace('\0', " ");
            wanted.is_match(line.trim_end())
        })
        .collect();
    found.sort_unstable();
    found
}

/// Waits for exactly one process of such a command line.
pub fn pid_of(command_line: &str) -> u32 {
    wait_until(command_line, || pids(command_line).len() == 1);
    pids(command_line)[0]
}
