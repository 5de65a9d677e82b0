//! Programs below `sockeye run`, and what it reports.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::schema::valid;
pub use crate::support::netns::stage;
use crate::support::wait_until;

pub const BINARY: &str = env!("CARGO_BIN_EXE_sockeye");

/// A file that `--report` writes.
pub struct Report(PathBuf);

impl Report {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sockeye-run-{}-{number}.jsonl", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its whole lines so far.
    pub fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        whole.map(valid).collect()
    }

    pub fn of_kind(&self, kind: &str) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["kind"] == kind);
        lines
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// `sockeye run` with these options, to be started.
pub fn run(options: &[&str], command: &[&str]) -> Command {
    let mut run = Command::new(BINARY);
    run.arg("run").args(options).arg("--").args(command);
    run.stdin(Stdio::null());
    run
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A program that binds what each line says, line by line, below `sockeye run`.
pub struct Binder {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    reported: BufReader<File>,
    /// As much of the next line as is there.
    line: String,
    _report: Report,
}

impl Binder {
    pub fn start(command: &[&str]) -> Self {
        let report = Report::new();
        File::create(report.path()).unwrap();
        let path = report.path().to_str().unwrap().to_owned();
        let mut run = run(&["--quiet", "--report", &path], command);
        let mut child = run
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            reported: BufReader::new(File::open(report.path()).unwrap()),
            line: String::new(),
            _report: report,
        }
    }

    /// Sends a line and returns the answer.
    pub fn ask(&mut self, line: &str) -> String {
        writeln!(self.input.as_ref().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    /// The next line that it reports.
    pub fn failure(&mut self) -> Value {
        wait_until("a failure is reported", || {
            let _ = self.reported.read_line(&mut self.line);
            self.line.ends_with('\n')
        });
        let failure = valid(&std::mem::take(&mut self.line));
        assert_eq!(failure["kind"], "failure");
        failure
    }

    /// Ends it, and returns its exit code.
    pub fn end(mut self) -> Option<i32> {
        self.input = None;
        self.child.wait().unwrap().code()
    }
}

impl Drop for Binder {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
