//! The program as it runs for a while: its lines as they come, signals, its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::cli::scene::BINARY;
use crate::schema::hold;
use crate::support::{MAX_WAIT, wait_until};

/// A program that was started with all three streams in the test's hands; ended and reaped with it.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    /// The lines that no command printed.
    pub rest: Vec<String>,
    pub err: String,
}

impl Running {
    pub fn sockeye(args: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.args(args);
        Self::start(&mut command)
    }

    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }

    /// The next line on standard output, as soon as it is there.
    pub fn line(&self) -> String {
        match self.lines.recv_timeout(MAX_WAIT) {
            Ok(line) => {
                hold(&line);
                line
            }
            Err(error) => panic!("no line came: {error}"),
        }
    }

    /// The next line as JSON. That a reading was late says something of this machine alone.
    pub fn json(&self) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.line()).unwrap();
            if (&line["kind"], &line["code"]) != (&"gap".into(), &"late".into()) {
                return line;
            }
        }
    }

    /// The port on the next line.
    pub fn port(&self) -> u16 {
        self.line().parse().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Stops it, and returns when each of its threads has stopped: one that is in a system call ends it first.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        wait_until("each of its threads has stopped", || {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
            tasks.map_while(Result::ok).all(|task| {
                let status = std::fs::read_to_string(task.path().join("stat"));
                status.is_ok_and(|status| status.contains(") T "))
            })
        });
    }

    pub fn is_running(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        status.is_ok_and(|status| !status.contains(") Z "))
    }

    /// Writes to its standard input.
    pub fn write(&mut self, text: &str) {
        self.stdin
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    /// Closes its standard input and waits for its end.
    pub fn close(mut self) -> Ended {
        self.stdin = None;
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let mut err = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code();
        let rest: Vec<_> = self.lines.iter().collect();
        hold(&rest.join("\n"));
        Ended { code, rest, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
