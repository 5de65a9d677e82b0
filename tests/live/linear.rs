//! The live table as lines, used by a program that reads only new lines, as a screen reader does.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::live::scene::{BINARY, Holder, TempDir, at, bound, connection, listener, stage};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// A longer line has a reason: a command line, in backquotes.
const LONGEST: usize = 200;

/// Someone who hears each new line once, and types.
struct Reader {
    pty: Pty,
    /// Bytes that were read.
    read: usize,
}

impl Reader {
    fn start(args: &[&str]) -> Self {
        let args = [&["--linear", "--interval", "100ms"], args].concat();
        let pty = Pty::spawn(BINARY, &args, (80, 24), &[]);
        let mut reader = Self { pty, read: 0 };
        reader.hear("help lists the commands");
        reader
    }

    fn types(&mut self, line: &str) {
        self.pty.send(&format!("{line}\n"));
    }

    /// Reads new lines until one contains this; returns that one.
    fn hear(&mut self, text: &str) -> String {
        let mut heard = None;
        wait_until(text, || {
            heard = self.next_line_with(text);
            heard.is_some()
        });
        heard.unwrap()
    }

    fn next_line_with(&mut self, text: &str) -> Option<String> {
        let raw = self.pty.raw();
        let mut at = self.read;
        for line in raw[self.read..].split_inclusive('\n') {
            at += line.len();
            if line.ends_with('\n') && line.contains(text) {
                self.read = at;
                return Some(line.trim_end().to_owned());
            }
        }
        None
    }

    /// Types a command, and reads on until a line that contains this.
    fn answer(&mut self, command: &str, text: &str) -> String {
        self.types(command);
        self.hear(text)
    }
}

impl Drop for Reader {
    /// Prints what was heard if the test failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.pty.raw());
        }
    }
}

fn assert_plain(raw: &str) {
    assert!(!raw.contains('\x1b'), "{raw:?}");
    assert!(raw.is_ascii(), "{raw}");
    let long = |line: &&str| line.len() > LONGEST && !line.contains('`');
    let long = raw.lines().find(long);
    assert_eq!(long, None);
}

#[test]
fn ten_tasks_are_done_by_typing_and_reading_new_lines() {
    stage(|| {
        let dir = TempDir::new();
        std::env::set_current_dir(dir.path()).unwrap();
        let mut web = Holder::of([listener(&at(8080))]);
        let db = Holder::of([listener(&at(5432))]);
        let mut reader = Reader::start(&[]);
        let owner = |holder: &Holder| format!("sleep, pid {}", holder.pid());

        // 1. Which process has port 8080?
        let line = reader.answer("find :8080", "1. tcp port 8080");
        assert!(line.contains("listening on 127.0.0.1, sleep"), "{line}");
        assert!(line.contains(&format!("pid {}", web.pid())), "{line}");

        // 2. Why can't a server start there, and what frees the port?
        reader.answer("test 8080", "8080: in use.");
        reader.hear(&format!("fix: End sleep ({0}): kill {0}", web.pid()));

        // 3. Is 8081 free, and 4. which port above is?
        reader.answer("test 8081", "8081: free.");
        let free = reader.answer("free 8080", " is free (a test bind");
        assert!(free.starts_with("8081 "), "{free}");

        // 5. Only the database.
        reader.answer("filter :5432", "filter :5432: 1 of 2 rows");
        let line = reader.answer("list", "1. tcp port 5432");
        assert!(line.contains(&owner(&db)), "{line}");
        reader.answer("filter off", "no filter: 2 of 2 rows");

        // 6. Follow a port, and hear that it opens.
        reader.answer("follow 9000", "pinned 9000");
        let server = listener(&at(9000));
        reader.hear("alert: opened: tcp port 9000, listening on 127.0.0.1");

        // 7. Hear a connection open and change its state.
        reader.answer("view connections", "in view Connections");
        let (client, accepted) = connection(&server);
        reader.hear("ESTABLISHED on 127.0.0.1, peer 127.0.0.1:9000");
        drop(accepted);
        reader.hear("ESTABLISHED to CLOSE_WAIT on 127.0.0.1, peer 127.0.0.1:9000");
        drop(client);
        reader.answer("view listening", "in view Listening");

        // 8. End the process on 8080, and hear that the port is free.
        reader.answer(
            "end 8080",
            &format!("Send SIGTERM to sleep ({})?", web.pid()),
        );
        reader.hear("Type yes or no;");
        reader.types("yes");
        reader.hear("port 8080 is free");
        assert_eq!(web.wait_for_signal(), Some(Signal::TERM));

        // 9. Write what is shown.
        let wrote = reader.answer("write json", "wrote 2 rows to ");
        let (_, path) = wrote.split_once(" to ").unwrap();
        let json = std::fs::read_to_string(path).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let ports = json["sockets"].as_array().unwrap().iter();
        let ports: Vec<_> = ports
            .map(|socket| socket["local"]["port"].as_u64())
            .collect();
        assert_eq!(ports, [Some(5432), Some(9000)]);

        // 10. Count, pause, go on, and quit.
        reader.answer("group state", "state LISTEN: 2 sockets");
        reader.answer("pause", "paused");
        let _kept = listener(&at(7000));
        reader.answer("status", "paused; resume continues");
        reader.answer("resume", "not paused");
        reader.hear("opened: tcp port 7000");
        reader.types("quit");
        assert_eq!(reader.pty.wait_exit(), 0);
        assert_plain(&reader.pty.raw());
    });
}

#[test]
fn the_terminal_is_left_as_it_is_and_its_keys_keep_working() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut reader = Reader::start(&[]);
        // A typo, erased by the terminal's own line editing.
        reader.answer("statux\x7fs", "in view Listening");
        reader.pty.send("\x03");
        assert_eq!(reader.pty.wait_exit(), 130);
        let mut reader = Reader::start(&[]);
        // The end of the input, by the terminal.
        reader.pty.send("\x04");
        assert_eq!(reader.pty.wait_exit(), 0);
        let mut reader = Reader::start(&[]);
        reader.pty.kill(Signal::HUP);
        assert_eq!(reader.pty.wait_exit(), 129);
        assert_plain(&reader.pty.raw());
    });
}

#[test]
fn a_script_gets_the_answer_to_each_command_before_the_next_runs() {
    stage(|| {
        let held = bound(socket2::Type::STREAM, &at(8080));
        held.listen(8).unwrap();
        let mut program = Command::new(BINARY);
        program.args(["--linear", "--interval", "100ms"]);
        program.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = program.spawn().unwrap();
        let mut input = program.stdin.take().unwrap();
        input
            .write_all(b"test 8080\ntest 8081\nhelp quit\n")
            .unwrap();
        drop(input);
        let output = program.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        let places = ["8080: in use.", "8081: free.", "quit: quit"].map(|answer| text.find(answer));
        assert!(places.is_sorted() && places[0].is_some(), "{text}");
        assert_plain(&text);
    });
}

#[test]
fn a_guarded_process_is_ended_only_after_its_pid_is_typed() {
    stage(|| {
        // This test is an ancestor of the program.
        let _open = listener(&at(8080));
        let mut reader = Reader::start(&[]);
        reader.answer("end 8080", "You have to confirm twice.");
        reader.answer("yes", "all the same, type its pid");
        reader.answer("yes", "type the pid");
        reader.answer("no", "cancelled: no signal was sent");
        reader.types("quit");
        assert_eq!(reader.pty.wait_exit(), 0);
    });
}
