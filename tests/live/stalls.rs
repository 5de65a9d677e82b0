//! The system does not answer: a file that the program reads is replaced by a pipe without a writer, in
//! the program's own mount namespace. Its threads really hang, and the screen does not.

use std::path::PathBuf;
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::live::scene::{BINARY, Holder, Live, TempDir, at, listener, listeners, stage};
use crate::support::pty::Pty;

/// A pipe that takes the place of a file.
struct Block {
    _folder: TempDir,
    pipe: PathBuf,
    file: String,
}

impl Block {
    fn of(file: String) -> Self {
        let folder = TempDir::new();
        let pipe = folder.path().join("pipe");
        let mode = Mode::from_raw_mode(0o666);
        mknodat(CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
        Self {
            _folder: folder,
            pipe,
            file,
        }
    }

    /// From now on a reader of the file blocks, in the namespace of this program.
    fn put(&self, live: &Live) {
        let pipe = self.pipe.to_str().unwrap();
        mounted(live, &["mount", "--bind", pipe, &self.file]);
    }

    /// Restores the file; blocked readers get its content.
    fn lift(&self, live: &Live) {
        mounted(live, &["umount", "--lazy", &self.file]);
        self.feed();
    }

    /// Blocked readers get the file. Outside, here, it was never replaced.
    fn feed(&self) {
        let text = std::fs::read(&self.file).unwrap();
        std::fs::write(&self.pipe, text).unwrap();
    }
}

/// Runs a command in the program's mount namespace.
fn mounted(live: &Live, command: &[&str]) {
    let pid = live.pty.pid().as_raw_nonzero().to_string();
    let output = Command::new("nsenter")
        .args(["--mount", "--target", &pid])
        .args(command)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// The program in a mount namespace of its own, with the process that has port 8080 in its table.
fn start() -> (Holder, Live) {
    let holder = Holder::of(listeners(&[8080]));
    let live = Live::start_by("unshare", &["--mount", BINARY], (150, 30), &[]);
    live.wait_for_row(8080, |row| row.contains("sleep"));
    (holder, live)
}

/// Waits until this is shown with a number of seconds larger than `than`; returns it.
fn wait_for_more(live: &Live, told: (&str, &str), than: u64) -> u64 {
    let what = format!("{}N{} with N > {than}", told.0, told.1);
    let screen = live.pty.wait_for(&what, |screen| {
        seconds(screen, told).is_some_and(|seconds| seconds > than)
    });
    seconds(&screen, told).unwrap()
}

/// The number between these two texts.
fn seconds(screen: &str, (before, after): (&str, &str)) -> Option<u64> {
    let (_, rest) = screen.split_once(before)?;
    rest.split_once(after)?.0.parse().ok()
}

/// The age of the data in the header.
const AGE: (&str, &str) = ("· ", "s ago");

#[test]
fn while_proc_does_not_answer_the_age_of_the_data_grows_and_every_key_works() {
    stage(|| {
        let (holder, mut live) = start();
        let block = Block::of(format!("/proc/{}/stat", holder.pid()));
        block.put(&live);
        let age = wait_for_more(&live, AGE, 1);
        let age = wait_for_more(&live, AGE, age);
        let opened = listener(&at(9000));
        live.press("/8");
        live.wait_for_text("filter 8");
        live.press("\x1b");
        live.wait_without("filter 8");
        live.press("?");
        live.wait_for_text("bind test of any port");
        live.press("?");
        live.press("e");
        live.wait_for_text("nothing has opened");
        live.press("e");
        wait_for_more(&live, AGE, age);
        block.lift(&live);
        live.wait_for_row(9000, |row| row.starts_with('+'));
        live.wait_without("s ago");
        live.press("e");
        let screen = live.wait_for_text("events · 1 ");
        assert!(screen.contains("+ tcp 127.0.0.1:9000"), "{screen}");
        drop(opened);
    });
}

#[test]
fn quitting_does_not_wait_for_what_hangs() {
    stage(|| {
        let (holder, mut live) = start();
        let block = Block::of(format!("/proc/{}/stat", holder.pid()));
        block.put(&live);
        wait_for_more(&live, AGE, 1);
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_signal_that_cannot_be_sent_yet_is_shown_with_its_waiting_time() {
    stage(|| {
        let (mut holder, mut live) = start();
        let block = Block::of(format!("/proc/{}/stat", holder.pid()));
        block.put(&live);
        live.press("Ky");
        let doing = format!(
            "finding out what depends on sleep ({})… no answer for ",
            holder.pid()
        );
        let took = wait_for_more(&live, (&doing, "s"), 1);
        wait_for_more(&live, (&doing, "s"), took);
        // The question can still be answered with no.
        live.press("n");
        live.wait_without("Send SIGTERM");
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
        assert!(holder.is_running(), "nothing is sent to whom it can't tell");
    });
}

#[test]
fn a_bind_test_that_gets_no_answer_says_so_and_for_how_long() {
    stage(|| {
        let (holder, mut live) = start();
        let block = Block::of(format!("/proc/{}/stat", holder.pid()));
        block.put(&live);
        live.press("b");
        let took = wait_for_more(&live, ("testing… no answer for ", "s"), 1);
        wait_for_more(&live, ("testing… no answer for ", "s"), took);
        block.lift(&live);
        live.wait_for("an answer", |screen| {
            screen.contains("✗ in use") && !screen.contains("testing…")
        });
    });
}

#[test]
fn a_first_reading_that_hangs_says_for_how_long() {
    stage(|| {
        let _open = listeners(&[8080]);
        let block = Block::of("/etc/passwd".to_owned());
        let script = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
        let pipe = block.pipe.to_str().unwrap();
        let args = ["--mount", "sh", "-c", script, pipe, BINARY];
        let mut live = Live {
            pty: Pty::spawn("unshare", &args, (110, 30), &[]),
        };
        live.pty
            .wait_for_text("Reading the sockets… no answer for 2s");
        live.press("?");
        live.pty.wait_for_text("bind test of any port");
        live.press("?");
        live.pty
            .wait_for_text("Reading the sockets… no answer for 4s");
        block.feed();
        live.wait_for_row(8080, |row| row.contains("root"));
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}
