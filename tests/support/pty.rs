//! A terminal for the programs under test: a pty, and behind it an emulator that knows what a
//! person would see.
//!
//! Nothing here sleeps for luck: what a test expects is waited for with a deadline, and when it
//! does not come the panic shows the screen. The program and all that it started are killed when
//! the [`Pty`] goes out of scope. Works inside a network namespace too.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use sockeye::keymap::Key;

use super::MAX_WAIT;

mod keyboard;

/// A program that runs in a terminal of its own, as the leader of its session.
pub struct Pty {
    /// `None` once the terminal has hung up.
    master: Option<Box<dyn MasterPty>>,
    keyboard: Box<dyn Write + Send>,
    reader: Option<JoinHandle<()>>,
    child: Box<dyn Child + Send + Sync>,
    output: Arc<Output>,
}

/// What is being typed at a program that may not take it soon.
pub type Flood = JoinHandle<Box<dyn Write + Send>>;

#[derive(Default)]
struct Output {
    told: Mutex<Told>,
    changed: Condvar,
    /// Makes the reader end at the next output.
    is_ending: AtomicBool,
    /// Makes the reader read nothing.
    is_stopped: AtomicBool,
}

/// Everything that the program wrote.
struct Told {
    emulator: vt100::Parser,
    raw: Vec<u8>,
    is_closed: bool,
    /// Whether the size changed while the program may have been drawing for the one before.
    had_fast_sizes: bool,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            emulator: vt100::Parser::new(1, 1, 0),
            raw: Vec::new(),
            is_closed: false,
            had_fast_sizes: false,
        }
    }
}

/// Whether a pty can be had. Where not, says so for the test `name`, and fails if it is required.
pub fn is_available(name: &str) -> bool {
    match native_pty_system().openpty(size(80, 24)) {
        Ok(_) => true,
        Err(error) => {
            assert!(!super::is_required("pty"), "a pty is required, but {error}");
            eprintln!("NOT RUN: {name}: no pty: {error}");
            false
        }
    }
}

impl Pty {
    /// Starts a program with these arguments and additional variables.
    pub fn spawn(
        program: impl AsRef<Path>,
        args: &[&str],
        (cols, rows): (u16, u16),
        env: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system()
            .openpty(size(cols, rows))
            .expect("a pty");
        let mut command = CommandBuilder::new(program.as_ref());
        command.args(args);
        command.cwd(std::env::current_dir().expect("the test has a directory"));
        command.env("TERM", "xterm-256color");
        // What the machine that runs the tests has set must not change what they see.
        for name in [
            "NO_COLOR",
            "COLORTERM",
            "COLUMNS",
            "LINES",
            "LC_ALL",
            "LC_CTYPE",
        ] {
            command.env_remove(name);
        }
        command.env("LANG", "C.UTF-8");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("it starts");
        let output = Arc::new(Output::default());
        output.lock().emulator = vt100::Parser::new(rows, cols, 0);
        let reader = pair.master.try_clone_reader().expect("a reader");
        let read_into = Arc::clone(&output);
        let reader = thread::spawn(move || read_into.fill_from(reader));
        Self {
            keyboard: pair.master.take_writer().expect("the only writer"),
            master: Some(pair.master),
            reader: Some(reader),
            child,
            output,
        }
    }

    /// Types this text, or any bytes that a terminal would send.
    pub fn send(&mut self, text: &str) {
        // The program may have ended, which is for what comes next to find out.
        let _ = self.keyboard.write_all(text.as_bytes());
        let _ = self.keyboard.flush();
    }

    /// Types these bytes, whatever they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.keyboard.write_all(bytes);
        let _ = self.keyboard.flush();
    }

    /// Types this on a thread of its own, for a program that may not take it soon.
    pub fn flood(&mut self, text: String) -> Flood {
        let mut keyboard = std::mem::replace(&mut self.keyboard, Box::new(std::io::sink()));
        thread::spawn(move || {
            let _ = keyboard.write_all(text.as_bytes());
            keyboard
        })
    }

    /// Waits until all of a flood was taken.
    pub fn end_flood(&mut self, flood: Flood) {
        self.keyboard = flood.join().expect("the flood does not panic");
    }

    /// The terminal takes nothing any more, as when a connection hangs.
    pub fn stop_reading(&self) {
        self.output.is_stopped.store(true, Ordering::SeqCst);
    }

    /// The terminal goes on taking what comes.
    pub fn read_on(&self) {
        self.output.is_stopped.store(false, Ordering::SeqCst);
    }

    /// Makes the terminal report a size that differs from the emulator's.
    pub fn claim_size(&self, cols: u16, rows: u16) {
        let master = self.master.as_ref().expect("it has not hung up");
        master.resize(size(cols, rows)).expect("a new size");
    }

    /// Changes the size of the terminal; the program gets `SIGWINCH`.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        let mut told = self.output.lock();
        told.emulator.screen_mut().set_size(rows, cols);
        told.had_fast_sizes = true;
        let master = self.master.as_ref().expect("it has not hung up");
        master.resize(size(cols, rows)).expect("a new size");
    }

    /// Takes the terminal away, as when its window is closed. `key` must make the program write:
    /// that wakes the reader, which has the terminal open too.
    pub fn hang_up(&mut self, key: Key) {
        self.output.is_ending.store(true, Ordering::SeqCst);
        self.send_key(key);
        let reader = self.reader.take().expect("it hangs up once");
        reader.join().expect("the reader does not panic");
        self.keyboard = Box::new(std::io::sink());
        self.master = None;
    }

    /// Waits until the screen's text is as `condition` wants it, and returns it.
    pub fn wait_for(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let told = self.wait_while(what, |told| !condition(&told.text()));
        told.text()
    }

    /// Waits until the screen shows `text` somewhere, and returns all of it.
    pub fn wait_for_text(&self, text: &str) -> String {
        self.wait_for(text, |screen| screen.contains(text))
    }

    /// Waits until the program has written `bytes`, shown or not.
    pub fn wait_for_raw(&self, bytes: &str) {
        drop(self.wait_while(bytes, |told| !told.raw_text().contains(bytes)));
    }

    /// The text of the screen now, one line for each row, without trailing spaces.
    pub fn screen_text(&self) -> String {
        self.output.lock().text()
    }

    /// A cell of the screen now: its text, colours and attributes.
    pub fn cell(&self, row: u16, column: u16) -> vt100::Cell {
        let told = self.output.lock();
        let cell = told.emulator.screen().cell(row, column);
        cell.expect("the cell is on the screen").clone()
    }

    /// What the terminal's modes are now: alternate screen, cursor, mouse, paste.
    pub fn screen(&self) -> vt100::Screen {
        self.output.lock().emulator.screen().clone()
    }

    /// Everything that the program wrote until now.
    pub fn raw(&self) -> String {
        self.output.lock().raw_text()
    }

    /// How many bytes the program writes within this time: for a program that must be quiet.
    pub fn bytes_written_during(&self, time: Duration) -> usize {
        let before = self.written();
        thread::sleep(time);
        self.written() - before
    }

    /// How many bytes the program has written.
    pub fn written(&self) -> usize {
        self.output.lock().raw.len()
    }

    /// Sends a signal to the program.
    pub fn kill(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the program is there");
    }

    /// The process id of the program.
    pub fn pid(&self) -> Pid {
        let pid = self.child.process_id().and_then(|pid| pid.try_into().ok());
        pid.and_then(Pid::from_raw).expect("it has a pid")
    }

    /// Waits until the program has ended and all that it wrote was read. Panics if a signal ended
    /// it, as that leaves no exit code.
    pub fn wait_exit(&mut self) -> u32 {
        let status = self.wait_status();
        assert_eq!(status.signal(), None, "{}", self.screen_text());
        status.exit_code()
    }

    /// Waits until a signal has ended the program and all that it wrote was read. Returns what `strsignal`
    /// calls it; panics if it exited with a code.
    pub fn wait_signal(&mut self) -> String {
        let status = self.wait_status();
        let signal = status.signal().map(str::to_owned);
        signal.unwrap_or_else(|| panic!("{status:?}\n{}", self.screen_text()))
    }

    fn wait_status(&mut self) -> ExitStatus {
        let deadline = Instant::now() + MAX_WAIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            let screen = self.screen_text();
            assert!(Instant::now() < deadline, "it does not end:\n{screen}");
            thread::sleep(Duration::from_millis(2));
        };
        drop(self.wait_while("the end of its output", |told| !told.is_closed));
        status
    }

    fn wait_while(
        &self,
        what: &str,
        mut is_missing: impl FnMut(&mut Told) -> bool,
    ) -> MutexGuard<'_, Told> {
        let told = self.output.lock();
        let (told, timeout) = self
            .output
            .changed
            .wait_timeout_while(told, MAX_WAIT, |told| is_missing(told))
            .expect("the reader does not panic");
        if timeout.timed_out() {
            let (screen, raw) = (told.text(), told.raw_text());
            drop(told);
            let tail = raw.len().saturating_sub(2_000);
            let raw = raw.get(tail..).unwrap_or(&raw);
            panic!("waited in vain for {what:?}; the screen:\n{screen}\nits last bytes: {raw:?}");
        }
        told
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        for pid in session_of(self.pid()) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// The processes whose session this process leads, itself included if it is not reaped yet.
fn session_of(leader: Pid) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return vec![leader];
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| session_id_of(pid) == Some(leader.as_raw_nonzero().get()))
        .filter_map(Pid::from_raw)
        .collect()
}

/// Field 6 of `/proc/PID/stat`, after the name, which may hold anything.
fn session_id_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(3)?.parse().ok()
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("the reader does not panic")
    }

    fn fill_from(&self, mut reader: impl Read) {
        let mut bytes = [0; 16 * 1024];
        let wait = || {
            while self.is_stopped.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(2));
            }
        };
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            let mut told = self.lock();
            told.raw.extend_from_slice(&bytes[..count]);
            told.take_in(&bytes[..count]);
            drop(told);
            self.changed.notify_all();
            if self.is_ending.load(Ordering::SeqCst) {
                break;
            }
            wait();
        }
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}

impl Told {
    /// The emulator panics where it is drawn on beyond a size that it has not any more, as can be between
    /// two sizes that follow fast on each other. What a terminal shows then is anything; the program draws
    /// everything for the new size, on an emulator that is new.
    fn take_in(&mut self, bytes: &[u8]) {
        let drawn = catch_unwind(AssertUnwindSafe(|| self.emulator.process(bytes)));
        if let Err(panic) = drawn {
            if !self.had_fast_sizes {
                resume_unwind(panic);
            }
            let (rows, cols) = self.emulator.screen().size();
            self.emulator = vt100::Parser::new(rows, cols, 0);
        }
    }

    fn text(&self) -> String {
        let screen = self.emulator.screen();
        let (_, cols) = screen.size();
        screen.rows(0, cols).fold(String::new(), |mut text, row| {
            let _ = writeln!(text, "{}", row.trim_end());
            text
        })
    }

    fn raw_text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }
}

const fn size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}
