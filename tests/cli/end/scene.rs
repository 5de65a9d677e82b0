//! Servers to be ended. Each is started in a session of its own, so that it is not of the test's, and by a process that is no
//! ancestor of the program.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use socket2::Socket;

use crate::cli::scene::{Said, sockeye};
use crate::support::wait_until;

/// A server that the test has started, with its output; ended and reaped with it.
pub struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// A shell with these sockets runs a script, which has to print a line once it is ready.
    pub fn run(sockets: &[&Socket], script: &str) -> Self {
        Self::start(sockets, Command::new("setsid").args(["bash", "-c", script]))
    }

    /// The same by this command.
    pub fn start(sockets: &[&Socket], command: &mut Command) -> Self {
        for socket in sockets {
            socket.set_cloexec(false).unwrap();
        }
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        for socket in sockets {
            socket.set_cloexec(true).unwrap();
        }
        let mut server = Self {
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        assert_ne!(server.line(), "", "it is ready");
        server
    }

    /// One that SIGTERM ends at once.
    pub fn plain(sockets: &[&Socket]) -> Self {
        Self::run(sockets, "echo ready; exec sleep 600")
    }

    /// One that reacts to SIGTERM by these commands of its shell; without any it ignores it.
    pub fn on_term(sockets: &[&Socket], commands: &str) -> Self {
        let script = format!("trap {commands:?} TERM; echo ready; while :; do sleep 0.05; done");
        Self::run(sockets, &script)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints; empty at its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends and reaps it, so that its pid is free.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn wait(&mut self) {
        wait_until("the end of the server", || !self.is_running());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `end` with these words.
pub fn end(words: &str) -> Said {
    let words: Vec<_> = ["end"].into_iter().chain(words.split(' ')).collect();
    sockeye(&words)
}

/// The target of a result with one.
pub fn only(said: &Said) -> Value {
    let whole = said.json();
    assert_eq!(whole["targets"].as_array().unwrap().len(), 1, "{whole}");
    whole["targets"][0].clone()
}

/// The same, with this exit code and outcome.
pub fn came_of(said: &Said, code: i32, outcome: &str) -> Value {
    let target = only(said);
    assert_eq!(
        (said.code, &target["outcome"]),
        (code, &outcome.into()),
        "{said:?}"
    );
    target
}
