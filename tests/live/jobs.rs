//! Copying and writing.

use serde_json::Value;

use crate::scene::{Holder, Live, TempDir, listeners, stage};

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
        assert!(
            screen.contains(&format!("kill {}", holder.pid())),
            "{screen}"
        );
        live.press("\r");
        // `127.0.0.1:8080` in base64.
        live.pty.wait_for_raw("\x1b]52;c;MTI3LjAuMC4xOjgwODA=");
        live.wait_for_text("copied: 127.0.0.1:8080");
    });
}

#[test]
fn w_writes_the_rows_shown_to_a_json_file() {
    stage(|| {
        let directory = TempDir::new();
        std::env::set_current_dir(directory.path()).unwrap();
        let _holder = Holder::of(listeners(&[8080, 8081, 9000]));
        let mut live = Live::start(&[":8000-8999"]);
        live.wait_for_row(8081, |row| row.contains("sleep"));
        live.press("w");
        live.wait_for_text("wrote 2 rows to sockeye-");
        let [file] = &std::fs::read_dir(directory.path())
            .unwrap()
            .collect::<Vec<_>>()[..]
        else {
            panic!("not one file")
        };
        let text = std::fs::read(file.as_ref().unwrap().path()).unwrap();
        let written: Value = serde_json::from_slice(&text).unwrap();
        let sockets = written["sockets"].as_array().unwrap();
        let ports: Vec<_> = sockets
            .iter()
            .map(|socket| &socket["local"]["port"])
            .collect();
        assert_eq!(ports, [8080, 8081]);
    });
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    stage(|| {
        let mut live = {
            let directory = TempDir::new();
            std::env::set_current_dir(directory.path()).unwrap();
            Live::start(&[])
        };
        live.press("w");
        live.wait_for_text("No such file or directory");
    });
}
