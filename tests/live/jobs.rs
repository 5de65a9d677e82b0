//! Copying and writing.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use jiff::Timestamp;
use serde_json::Value;

use crate::live::scene::{BINARY, Holder, Live, TempDir, after_it_closed, listeners, row, stage};
use crate::schema::valid;
use crate::support::pty::Pty;

#[test]
fn copy_hands_the_text_to_the_terminal() {
    stage(|| {
        let holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("c");
        let screen = live.wait_for_text("curl http://127.0.0.1:8080/");
        for item in ["address  127.0.0.1:8080", "command  sleep 1000"] {
            assert!(screen.contains(item), "{screen}");
        }
        let pid = format!("pid      {}", holder.pid());
        assert!(screen.contains(&pid), "{screen}");
        // Whether ending it harms nothing else isn't known here: the bind test has the command.
        assert!(!screen.contains("kill"), "{screen}");
        live.press("\r");
        // `127.0.0.1:8080` in base64.
        live.pty.wait_for_raw("\x1b]52;c;MTI3LjAuMC4xOjgwODA=");
        live.wait_for_text("copied 127.0.0.1:8080 to the clipboard (by the terminal)");
    });
}

#[test]
fn w_writes_the_rows_shown_to_a_file() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080, 8081, 9000]));
        for (keys, format) in [("\r", "json"), ("j\r", "csv")] {
            let directory = TempDir::new();
            std::env::set_current_dir(directory.path()).unwrap();
            let mut live = Live::start(&[":8000-8999"]);
            live.wait_for_row(8081, |row| row.contains("sleep"));
            live.press("w");
            live.wait_for_text("a row for each socket and process");
            live.press(keys);
            let told = format!("wrote 2 rows to {}/sockeye-", directory.path().display());
            live.wait_for_text(&told);
            let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
            assert_eq!(files.len(), 1);
            let path = files[0].as_ref().unwrap().path();
            assert_eq!(path.extension().unwrap(), format);
            let text = std::fs::read_to_string(path).unwrap();
            assert_eq!(written_ports(&text, format), ["8080", "8081"]);
        }
    });
}

/// The file had the numbers, and not when they were read.
#[test]
fn rows_written_at_a_moment_say_when_their_numbers_were_read() {
    stage(|| {
        let directory = TempDir::new();
        std::env::set_current_dir(directory.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let mut client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let _server = listener.accept().unwrap();
        client.write_all(&[0; 5000]).unwrap();
        let mut live = Live::start(&["state:established"]);
        live.press("i");
        live.wait_for_row(8080, |row| row.contains("µs") || row.contains("ms"));
        live.press("{");
        live.wait_for_text("numbers not recorded");
        live.press("}");
        live.wait_for("the numbers of the end", |screen| {
            screen.contains(" AT ") && !screen.contains("not recorded")
        });
        live.press("w");
        live.wait_for_text("a row for each socket and process");
        live.press("\r");
        live.wait_for_text("wrote 2 rows to ");
        let mut files = std::fs::read_dir(directory.path()).unwrap();
        let text = std::fs::read_to_string(files.next().unwrap().unwrap().path()).unwrap();
        let written: Value = serde_json::from_str(&text).unwrap();
        let time = |name: &str| {
            written[name]
                .as_str()
                .unwrap()
                .parse::<Timestamp>()
                .unwrap()
        };
        assert!(time("counters_at") <= time("taken_at"), "{written}");
        let server = &written["sockets"].as_array().unwrap()[0];
        assert_eq!(server["tcp_info"]["bytes_received"], 5000, "{server}");
    });
}

#[test]
fn w_writes_the_last_hour_to_a_recording_also_from_a_moment_of_it() {
    stage(|| {
        let directory = TempDir::new();
        std::env::set_current_dir(directory.path()).unwrap();
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("w");
        live.wait_for_text("a recording for --replay");
        live.press("jj\r");
        live.wait_for_text("wrote ");
        let mut files = std::fs::read_dir(directory.path()).unwrap();
        let path = files.next().unwrap().unwrap().path();
        let path = path.to_str().unwrap();
        let mut replayed = Live {
            pty: Pty::spawn(BINARY, &["--replay", path], (110, 30), &[]),
        };
        replayed.wait_for_text("REPLAY");
        replayed.press("{");
        replayed.wait_for_row(8080, |row| row.contains("LISTEN") && row.contains("sleep"));
        replayed.press("}");
        let is_closed = |screen: &str| row(screen, 8080).is_none_or(|row| row.starts_with('-'));
        replayed.wait_for("its end", is_closed);
    });
}

fn written_ports(text: &str, format: &str) -> Vec<String> {
    if format == "csv" {
        let rows = text.lines().skip(1);
        return rows
            .map(|row| row.split(',').nth(3).unwrap().to_owned())
            .collect();
    }
    let written = valid(text.trim_end());
    let sockets = written["sockets"].as_array().unwrap();
    let ports = sockets.iter().map(|socket| &socket["local"]["port"]);
    ports.map(ToString::to_string).collect()
}

#[test]
fn an_unwritable_folder_is_replaced_by_the_home_and_that_is_shown() {
    stage(|| {
        let _open = listeners(&[8080]);
        let directory = TempDir::new();
        let home = directory.path().to_str().unwrap().to_owned();
        let gone = directory.path().join("gone");
        std::fs::create_dir(&gone).unwrap();
        std::env::set_current_dir(&gone).unwrap();
        let mut live = Live {
            pty: Pty::spawn(BINARY, &[], (160, 30), &[("HOME", &home)]),
        };
        live.wait_for_table();
        std::fs::remove_dir(&gone).unwrap();
        live.press("w");
        live.wait_for_text("write the row shown");
        live.press("\r");
        live.wait_for_text(&format!("wrote 1 row to {home}/sockeye-"));
        live.wait_for_text("not to the current directory: No such file or directory");
    });
}

/// The decoder is that of coreutils, and the schema that of `list --ndjson`.
#[test]
fn a_row_is_copied_as_one_line_of_json_or_text() {
    stage(|| {
        let holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("cjjjjjjj\r");
        live.wait_for_text("copied 1 row as JSON to the clipboard (by the terminal)");
        let json = copied(&live);
        let copied_row = valid(&json);
        assert_eq!(copied_row["socket"]["local"]["port"], 8080);
        assert_eq!(
            copied_row["socket"]["pids"],
            serde_json::json!([holder.pid()])
        );
        assert_eq!(json.lines().count(), 1);
        live.press("cjjjjjjjk\r");
        live.wait_for_text("copied 1 row as text to the clipboard (by the terminal)");
        let text = copied(&live);
        let words: Vec<_> = text.split_whitespace().collect();
        assert_eq!(text.lines().count(), 1);
        assert!(
            words.contains(&"8080") && words.contains(&"sleep"),
            "{text}"
        );
    });
}

/// What the program last put on the clipboard.
fn copied(live: &Live) -> String {
    let raw = live.pty.raw();
    let (_, last) = raw.rsplit_once("\x1b]52;c;").unwrap();
    let encoded = last.split(['\x1b', '\x07']).next().unwrap();
    let script = format!("printf %s '{encoded}' | base64 -d");
    let decoded = Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8(decoded.stdout).unwrap()
}
