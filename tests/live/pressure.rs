//! More of everything than anyone would send: sizes, pastes, wheels; and a terminal that takes nothing.

use std::thread;
use std::time::{Duration, Instant};

use crate::live::scene::{Holder, Live, listeners, stage};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// Resident memory of the program, in MiB.
pub fn memory(pty: &Pty) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", pty.pid())).unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096 / (1 << 20)
}

/// What the program has used of a processor, in ticks of 10 ms.
fn ticks(pty: &Pty) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pty.pid())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<u64> = fields
        .split(' ')
        .map(|one| one.parse().unwrap_or(0))
        .collect();
    fields[11] + fields[12]
}

/// Once there is nothing left to do, it does nothing: readings of a nearly empty table aside.
fn assert_idle(pty: &Pty) {
    wait_until("an idle program", || {
        let before = ticks(pty);
        thread::sleep(Duration::from_secs(1));
        ticks(pty) - before < 30
    });
}

/// The live table beside a listener, about to take a filter.
fn at_the_prompt() -> (Holder, Live) {
    let holder = Holder::of(listeners(&[8080]));
    let mut live = Live::start(&[]);
    live.wait_for_row(8080, |row| row.contains("sleep"));
    live.press("/");
    live.wait_for_text("Enter confirm");
    (holder, live)
}

#[test]
fn a_storm_of_sizes_ends_in_the_right_picture() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start_in((100, 30), &[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        let began = Instant::now();
        for step in 0..300u16 {
            let (columns, lines) =
                [(1, 1), (300, 100), (1 + step, 1 + step % 60)][usize::from(step % 3)];
            live.pty.claim_size(columns, lines);
            if step % 20 == 0 {
                live.press(["?", "e", "\r", "b", "/", "\x1b"][usize::from(step / 20 % 6)]);
            }
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            began.elapsed()
        );
        live.pty.resize(100, 30);
        live.pty.wait_for("a whole picture", |screen| {
            let header = screen.lines().next().unwrap_or_default();
            header.starts_with(" sockeye") && header.ends_with("every 100ms")
        });
        live.press("\x03");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn one_cell_is_enough_whatever_is_open() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        for keys in ["\r", "e", "$", "b", "?", "/a", "B80", "c", "w", "C", "K"] {
            let mut live = Live::start_in((100, 30), &[]);
            live.wait_for_row(8080, |row| row.contains("sleep"));
            let before = live.pty.screen_text();
            live.press(keys);
            live.wait_for("what was opened", |screen| screen != before);
            live.pty.resize(1, 1);
            live.pty.resize(2, 1);
            live.pty.resize(1, 1);
            live.press("jk");
            live.pty.resize(100, 30);
            live.wait_for("the header", |screen| screen.starts_with(" sockeye"));
            live.press("\x03");
            assert_eq!(live.pty.wait_exit(), 0, "{keys}");
        }
    });
}

#[test]
fn a_terminal_that_does_not_know_its_size_is_taken_for_a_usual_one() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start_in((80, 24), &["--no-stats"]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        let before = live.pty.screen_text();
        live.pty.claim_size(0, 0);
        live.press("?");
        live.wait_for_text("next row");
        live.press("?");
        live.wait_for("the picture as it was", |screen| screen == before);
    });
}

#[test]
fn a_terminal_that_claims_to_be_huge_costs_no_gigabytes() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start_in((100, 30), &["--interval", "1s"]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.pty.claim_size(u16::MAX, u16::MAX);
        let written = live.pty.written();
        wait_until("a large picture", || live.pty.written() > written);
        assert!(memory(&live.pty) < 600, "{} MiB", memory(&live.pty));
        live.pty.resize(100, 30);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_megabyte_pasted_into_the_filter_is_cut_with_a_message() {
    stage(|| {
        let (_holder, mut live) = at_the_prompt();
        live.pty.paste(&"nobody".repeat(1 << 18));
        live.wait_for_text("there is room for 4096 bytes: the rest was left out");
        assert_idle(&live.pty);
        live.press("\x1b");
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_megabyte_that_comes_as_keys_is_taken_in_bounded_time_and_memory() {
    stage(|| {
        let (_holder, mut live) = at_the_prompt();
        let before = memory(&live.pty);
        live.press(&"x".repeat(1 << 20));
        live.wait_for_text("the rest was left out");
        assert_idle(&live.pty);
        let grown = memory(&live.pty).saturating_sub(before);
        assert!(grown < 100, "{grown} MiB");
        live.press("\x15");
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("\x03");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn hostile_bytes_in_a_paste_neither_show_nor_harm() {
    stage(|| {
        let (_holder, mut live) = at_the_prompt();
        live.pty
            .paste("a\x00\x07\x1b[2J\u{9b}31m\u{202e}\u{200b}b\x7f");
        live.wait_for_text("Nothing matches");
        live.wait_for_text("/ a[2J31mb");
        live.pty.send_bytes(&[0xff, 0xfe, 0xc3, 0x28, 0x80, b'z']);
        live.wait_for_text("z");
        live.press("\x15:8080");
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("\x03");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}
