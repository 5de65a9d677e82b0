//! The line about trouble, its mark and its key, in a real terminal.

use std::net::TcpStream;

use crate::live::scene::{Live, RED, at, colour_of, listener, listeners, stage};

#[test]
fn a_full_queue_is_one_line_a_red_state_and_a_row_that_the_key_goes_to() {
    stage(|| {
        let _others = listeners(&[8001, 8002]);
        let full = listener(&at(8080));
        full.listen(2).unwrap();
        let _last = listeners(&[9000]);
        let mut live = Live::start(&["--highlight", "100ms"]);
        live.wait_for_ports(&[8001, 8002, 8080, 9000]);
        live.press("!");
        live.wait_for_text("no row is in trouble");
        let connect = |_| TcpStream::connect(at(8080)).unwrap();
        let clients: Vec<_> = (0..3).map(connect).collect();
        live.wait_for_text(" ! accept queue full :8080");
        live.wait_for_row(8080, |row| row.starts_with('!') && row.contains("full"));
        live.wait_for_cells("a red state", |screen| {
            colour_of(screen, 8080, "full") == Some(RED)
                && colour_of(screen, 8001, "LISTEN") != Some(RED)
        });
        live.press("!");
        live.wait_for_selection(8080);
        live.wait_for_text("1 of 1 in trouble: its accept queue is full");
        // The connections in the queue are in another view.
        live.press("/:9000");
        live.pty.send_key(sockeye::keymap::Key::Enter);
        live.wait_for_ports(&[9000]);
        live.press("!");
        live.wait_for_text("no row shown here is in trouble, 1 elsewhere");
        live.pty.send_key(sockeye::keymap::Key::Esc);
        live.wait_for_ports(&[8001, 8002, 8080, 9000]);
        live.wait_for_text("4 Changes  Trouble");
        live.pty.send_key(sockeye::keymap::Key::BackTab);
        live.wait_for_ports(&[8080]);
        while let Ok((_, _)) = full.accept() {
            if full_is_empty() {
                break;
            }
        }
        drop(clients);
        live.wait_for_text("no longer in trouble");
        live.wait_for_text("No row is in trouble.");
    });
}

/// Whether no connection waits in a queue.
fn full_is_empty() -> bool {
    let output = std::process::Command::new("ss")
        .args(["-Hltn"])
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .all(|line| line.split_whitespace().nth(1) == Some("0"))
}
