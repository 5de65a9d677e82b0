//! Terminals of any size.

use std::io::Write as _;
use std::time::Duration;

use vt100::Color;

use crate::live::scene::{BINARY, Holder, Live, listeners, stage};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// The picture of a paused table: its ages and counts stand still.
fn paused_picture(live: &mut Live) -> String {
    live.press("p");
    live.wait_for_text("paused");
    let time = Duration::from_millis(200);
    wait_until("the whole picture", || {
        live.pty.bytes_written_during(time) == 0
    });
    live.pty.screen_text()
}

#[test]
fn the_picture_is_right_again_after_a_small_size() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080, 9000]));
        let mut live = Live::start_in((100, 30), &[]);
        live.wait_for_row(9000, |row| row.contains("sleep"));
        let before = paused_picture(&mut live);
        for (columns, lines) in [(20, 5), (1, 1), (2, 2), (60, 1), (1, 40), (59, 11)] {
            live.pty.resize(columns, lines);
            live.wait_for_cells("something drawn", |screen| {
                screen.size() == (lines, columns) && screen.contents().contains(' ')
                    || columns * lines < 4
            });
            live.pty.resize(100, 30);
            live.wait_for("the picture as it was", |screen| screen == before);
        }
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn one_cell_is_enough_to_start_and_to_quit() {
    stage(|| {
        let _open = listeners(&[8080]);
        let mut pty = crate::support::pty::Pty::spawn(
            crate::live::scene::BINARY,
            &["--interval", "100ms"],
            (1, 1),
            &[],
        );
        pty.wait_for_raw("\x1b[?2026l");
        pty.send("?/b\r?/b\x1b");
        pty.resize(100, 30);
        pty.wait_for("the table alone", |screen| {
            screen.contains("8080") && !screen.contains("┌ help")
        });
        pty.send("\x03");
        assert_eq!(pty.wait_exit(), 0);
    });
}

/// The last of 530 lines has the hints, and the first ends in the last of 1,500 columns.
#[test]
fn a_terminal_wider_than_1024_columns_and_higher_than_512_lines_is_drawn_whole() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start_in((1500, 530), &[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        let screen = live.pty.screen_text();
        let lines: Vec<_> = screen.lines().collect();
        assert_eq!(lines[0].chars().count(), 1499, "{}", lines[0]);
        assert!(lines[529].contains("quit"), "{}", lines[529]);
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_terminal_of_a_single_line_may_have_all_the_columns_there_are() {
    stage(|| {
        let _open = listeners(&[8080]);
        let mut pty = Pty::spawn(BINARY, &["--interval", "100ms"], (u16::MAX, 1), &[]);
        let header = pty.wait_for("all of the header", |screen| {
            screen.contains("1 listening") && screen.contains("every 100ms")
        });
        assert_eq!(header.trim_end().chars().count(), usize::from(u16::MAX) - 1);
        pty.send("q");
        assert_eq!(pty.wait_exit(), 0);
    });
}

#[test]
fn control_l_draws_the_screen_anew_after_others_wrote_on_it() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        let before = paused_picture(&mut live);
        // As `wall` does, and worse: it leaves a colour, the cursor, and the screen itself.
        let terminal = format!("/proc/{}/fd/1", live.pty.pid().as_raw_nonzero());
        let mut terminal = std::fs::File::options().write(true).open(terminal).unwrap();
        for scribble in [
            "\r\nBroadcast message from root\r\n\n",
            "\x1b[5;1H\x1b[41m\x1b[?25hBroadcast message",
            "\x1b[?47l\x1b[5;1HBroadcast message",
        ] {
            terminal.write_all(scribble.as_bytes()).unwrap();
            live.wait_for_text("Broadcast message");
            live.press("\x0c");
            live.wait_for("the picture as it was", |screen| screen == before);
            live.wait_for_cells("no cursor and no colour behind", |screen| {
                let cells = (0..30).flat_map(|y| (0..110).map(move |x| (y, x)));
                let mut cells = cells.filter_map(|(y, x)| screen.cell(y, x));
                screen.hide_cursor() && cells.all(|cell| cell.bgcolor() == Color::Default)
            });
        }
        drop(terminal);
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn forty_by_ten_gives_up_borders_before_port_state_or_process() {
    stage(|| {
        let ports: Vec<u16> = (65_500..65_507).collect();
        let _holder = Holder::of(listeners(&ports));
        let mut live = Live::start_in((40, 10), &[]);
        let screen = live.wait_for("the last row", |screen| screen.contains("65506"));
        for port in ports {
            let row = screen.lines().find(|row| row.contains(&port.to_string()));
            let row = row.unwrap_or_else(|| panic!("{port}:\n{screen}"));
            assert!(row.contains("LISTEN") && row.contains("sleep"), "{screen}");
        }
        assert!(!screen.contains(['│', '┌', '─']), "{screen}");
        live.press("\r");
        let screen = live.wait_for_text("owner");
        assert!(!screen.contains(['│', '┌', '─']), "{screen}");
    });
}

#[test]
fn forty_by_ten_shows_which_keys_answer() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start_in((40, 10), &[]);
        live.wait_for("the row", |screen| screen.contains("sleep"));
        for (key, hint) in [("K", "y yes"), ("c", "Enter confirm"), ("?", "j down")] {
            live.press(key);
            live.wait_for_text(hint);
            live.press("q");
            live.wait_without(hint);
        }
    });
}

#[test]
fn twenty_by_five_still_shows_the_port() {
    stage(|| {
        let _holder = Holder::of(listeners(&[65_501]));
        let live = Live::start_in((20, 5), &[]);
        let screen = live.wait_for("the port", |screen| screen.contains("65501"));
        assert!(screen.starts_with(" sockeye\n"), "{screen}");
    });
}

#[test]
fn neither_a_key_nor_a_size_is_lost_when_both_come_at_once() {
    stage(|| {
        let mut live = Live::start_in((100, 30), &[]);
        live.wait_for_text("Nothing is listening.");
        for (tab, sentence) in ["No connections.", "Nothing is listening."]
            .into_iter()
            .cycle()
            .take(40)
            .enumerate()
        {
            live.press(["2", "1"][tab % 2]);
            let columns = if tab % 2 == 0 { 90 } else { 100 };
            live.pty.resize(columns, 30);
            let width = usize::from(columns);
            live.wait_for(sentence, |screen| {
                let header = screen.lines().next().unwrap_or_default();
                screen.contains(sentence) && header.chars().count() == width - 1
            });
        }
    });
}
