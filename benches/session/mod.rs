//! The live table in a terminal, and what can be measured of it from outside.
#![allow(dead_code, reason = "each bench uses its own part of it")]

use std::time::{Duration, Instant};

use crate::load::{Outcome, millis};
use crate::support;
use crate::support::pty::Pty;

/// The program in a pty of 150×40.
pub struct Session {
    pty: Pty,
    began: Instant,
    presses: u64,
}

/// Times from key to screen, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Waits(Vec<f64>);

impl Session {
    /// Starts it.
    pub fn start(arguments: &[&str]) -> Self {
        let began = Instant::now();
        Self {
            pty: Pty::spawn(env!("CARGO_BIN_EXE_sockeye"), arguments, (150, 40), &[]),
            began,
            presses: 0,
        }
    }

    /// Milliseconds from its start until there were rows, and until their owners were there.
    pub fn begin(&self) -> (f64, f64) {
        self.pty.wait_for("rows", |screen| {
            screen.contains("LISTEN") || screen.contains("ESTAB")
        });
        let rows = millis(self.began.elapsed());
        self.pty
            .wait_for("owners", |screen| !screen.contains(" … "));
        (rows, millis(self.began.elapsed()))
    }

    /// Until the start is over: nothing is written for a second.
    pub fn wait_until_idle(&self) {
        while self.pty.bytes_written_during(Duration::from_secs(1)) > 0 {}
    }

    /// Types a key and waits until the terminal got something: what a person waits for. The pauses
    /// before are uneven, so that keys fall into every part of a refresh; the same in every run.
    pub fn press(&mut self, key: &str) -> f64 {
        self.presses += 1;
        std::thread::sleep(Duration::from_millis(11 + self.presses * 37 % 53));
        let before = self.pty.written();
        let began = Instant::now();
        self.pty.send(key);
        while self.pty.written() == before && began.elapsed() < support::MAX_WAIT {
            std::thread::sleep(Duration::from_micros(100));
        }
        millis(began.elapsed())
    }

    /// Types these keys one after the other.
    pub fn type_keys<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>) -> Waits {
        Waits(keys.into_iter().map(|key| self.press(key)).collect())
    }

    /// Up and down the table.
    pub fn move_about(&mut self, times: usize) -> Waits {
        self.type_keys((0..times).map(|press| if press % 40 < 20 { "j" } else { "k" }))
    }

    /// Which share of a core it used, in percent, and how many bytes it wrote meanwhile.
    pub fn rest(&self, time: Duration) -> Outcome<(f64, usize)> {
        let before = self.cpu_time()?;
        let bytes = self.pty.bytes_written_during(time);
        let used = self.cpu_time()?.saturating_sub(before);
        Ok((used.as_secs_f64() / time.as_secs_f64() * 100.0, bytes))
    }

    /// User and system time so far, fields 14 and 15 of `/proc/PID/stat`, in hundredths of a second.
    pub fn cpu_time(&self) -> Outcome<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pty.pid()))?;
        let (_, fields) = stat.rsplit_once(") ").ok_or("an odd stat file")?;
        let times = fields.split(' ').skip(11).take(2);
        let ticks: u64 = times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Its pid.
    pub fn pid(&self) -> String {
        self.pty.pid().to_string()
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> Outcome<f64> {
        memory_of(&self.pid())
    }

    /// Quits.
    pub fn end(mut self) {
        self.pty.send("q");
        self.pty.wait_exit();
    }
}

/// Resident memory of a process, in MiB.
pub fn memory_of(pid: &str) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no memory")?.parse::<f64>()? / 1024.0)
}

/// How many descriptors and threads a process has.
pub fn descriptors_and_threads_of(pid: &str) -> Outcome<String> {
    let count = |what: &str| -> Outcome<usize> {
        Ok(std::fs::read_dir(format!("/proc/{pid}/{what}"))?.count())
    };
    Ok(format!("{}, {}", count("fd")?, count("task")?))
}

impl Waits {
    /// Adds others.
    pub fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// `median / 95 % / worst`.
    pub fn summary(&self) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(&worst) = sorted.last() else {
            return "–".to_owned();
        };
        let median = sorted[sorted.len() / 2];
        let most = sorted[sorted.len() * 95 / 100];
        format!("{median:.1} / {most:.1} / {worst:.1}")
    }

    /// The longest.
    pub fn worst(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }
}
