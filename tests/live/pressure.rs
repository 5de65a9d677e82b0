//! More of everything than anyone would send: sizes, pastes, wheels; and a terminal that takes nothing.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustix::termios::{Action, LocalModes, tcflow, tcgetattr};

use crate::scene::{Holder, Live, at, connection, listener, listeners, row, stage};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// Resident memory of the program, in MiB.
fn memory(pty: &Pty) -> u64 {
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
        let mut live = Live::start_in((80, 24), &[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        let before = live.pty.screen_text();
        live.pty.claim_size(0, 0);
        live.press("?");
        live.wait_for_text("bind test of any port");
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
fn a_megabyte_pasted_into_the_filter_is_cut_and_told() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("/");
        live.wait_for_text("Enter keep");
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
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("/");
        live.wait_for_text("Enter keep");
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
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("/");
        live.wait_for_text("Enter keep");
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

#[test]
fn on_a_terminal_that_takes_nothing_nothing_piles_up_and_then_the_newest_is_shown() {
    stage(|| {
        let server = listener(&at(9999));
        let mut live = Live::start_in((200, 60), &["-a"]);
        live.wait_for_row(9999, |row| row.contains("live"));
        live.pty.stop_reading();
        wait_until("a program that hangs in its write", || {
            live.pty.claim_size(199, 60);
            live.pty.claim_size(200, 60);
            hangs_in_write(&live.pty)
        });
        let before = memory(&live.pty);
        // Ten readings a second, each with other connections; and the wheel, at full speed.
        let flood = live.pty.flood("\x1b[<65;10;10M".repeat(100_000));
        for _ in 0..5 {
            drop((0..200).map(|_| connection(&server)).collect::<Vec<_>>());
            thread::sleep(Duration::from_secs(1));
        }
        assert!(hangs_in_write(&live.pty));
        assert!(!flood.is_finished(), "what is typed waits in the terminal");
        let grown = memory(&live.pty).saturating_sub(before);
        assert!(grown < 20, "{grown} MiB");
        let _opened = listener(&at(77));
        live.pty.read_on();
        live.pty.end_flood(flood);
        live.press("g");
        live.pty
            .wait_for("the newest reading", |screen| row(screen, 77).is_some());
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_signal_ends_it_on_a_terminal_that_takes_nothing() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = Live::start_in((200, 60), &[]);
        live.wait_for_row(8080, |row| row.contains("live"));
        live.pty.stop_reading();
        wait_until("a program that hangs in its write", || {
            live.pty.claim_size(199, 60);
            live.pty.claim_size(200, 60);
            hangs_in_write(&live.pty)
        });
        live.pty.kill(Signal::TERM);
        wait_until("its end, though nothing was taken", || has_ended(&live.pty));
        live.pty.read_on();
        assert_eq!(live.pty.wait_exit(), 143);
    });
}

#[test]
fn a_signal_that_has_no_room_does_not_keep_the_next_one_from_ending_it() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = Live::start_in((200, 60), &[]);
        live.wait_for_row(8080, |row| row.contains("live"));
        live.pty.stop_reading();
        wait_until("a program that hangs in its write", || {
            live.pty.claim_size(199, 60);
            live.pty.claim_size(200, 60);
            hangs_in_write(&live.pty)
        });
        let flood = live.pty.flood("\x1b[<65;10;10M".repeat(100_000));
        thread::sleep(Duration::from_secs(1));
        assert!(!flood.is_finished(), "there is no room for all of it");
        for signal in [Signal::CONT, Signal::TSTP, Signal::CONT, Signal::TERM] {
            live.pty.kill(signal);
            // Those that wait together are delivered in the order of their numbers.
            thread::sleep(Duration::from_millis(100));
        }
        wait_until("its end, though nothing was taken", || has_ended(&live.pty));
        live.pty.read_on();
        assert_eq!(live.pty.wait_exit(), 143);
    });
}

#[test]
fn a_terminal_that_takes_nothing_gets_its_modes_back() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = Live::start_in((100, 30), &["--interval", "1h"]);
        live.wait_for_row(8080, |row| row.contains("live"));
        let tty = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{}/fd/1", live.pty.pid()))
            .unwrap();
        let is_raw = || {
            let modes = tcgetattr(&tty).unwrap().local_modes;
            !modes.contains(LocalModes::ICANON | LocalModes::ECHO)
        };
        assert!(is_raw());
        // It is not in the middle of a picture: leaving is what hangs.
        tcflow(&tty, Action::OOff).unwrap();
        live.pty.kill(Signal::TERM);
        wait_until("its end, though nothing was taken", || has_ended(&live.pty));
        assert!(!is_raw());
        tcflow(&tty, Action::OOn).unwrap();
        drop(tty);
        assert_eq!(live.pty.wait_exit(), 143);
    });
}

/// Whether the process is one that only waits to be reaped.
fn has_ended(pty: &Pty) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pty.pid()));
    stat.is_ok_and(|stat| stat.contains(") Z "))
}

/// Whether the main thread waits for the terminal to take something: number 1 is `write`, 64 on most
/// others than `x86_64`.
fn hangs_in_write(pty: &Pty) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{0}/task/{0}/syscall", pty.pid()));
    let write = if cfg!(target_arch = "x86_64") {
        "1 "
    } else {
        "64 "
    };
    call.is_ok_and(|call| call.starts_with(write))
}
