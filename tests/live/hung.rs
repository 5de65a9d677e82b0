//! A terminal that takes nothing any more, as when a connection hangs: nothing piles up, and signals end the
//! program all the same.

use std::fs::File;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use rustix::termios::{Action, LocalModes, tcflow, tcgetattr};

use crate::live::pressure::memory;
use crate::live::scene::{Live, at, connection, listener, row, stage};
use crate::support::pty::Pty;
use crate::support::wait_until;

#[test]
fn on_a_terminal_that_takes_nothing_nothing_piles_up_and_then_the_newest_is_shown() {
    stage(|| {
        let server = listener(&at(9999));
        let mut live = Live::start_in((200, 60), &["-a"]);
        live.wait_for_row(9999, |row| row.contains("program"));
        hang(&live.pty);
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
        let live = Live::start_in((200, 60), &[]);
        live.wait_for_row(8080, |row| row.contains("program"));
        hang(&live.pty);
        live.pty.kill(Signal::TERM);
        assert_ends(live, 143);
    });
}

#[test]
fn a_signal_that_has_no_room_does_not_keep_the_next_one_from_ending_it() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = Live::start_in((200, 60), &[]);
        live.wait_for_row(8080, |row| row.contains("program"));
        hang(&live.pty);
        let flood = live.pty.flood("\x1b[<65;10;10M".repeat(100_000));
        thread::sleep(Duration::from_secs(1));
        assert!(!flood.is_finished(), "there is no room for all of it");
        for signal in [Signal::CONT, Signal::TSTP, Signal::CONT, Signal::TERM] {
            live.pty.kill(signal);
            // Those that wait together are delivered in the order of their numbers.
            thread::sleep(Duration::from_millis(100));
        }
        assert_ends(live, 143);
    });
}

#[test]
fn a_terminal_that_takes_nothing_gets_its_modes_back() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = Live::start_in((100, 30), &["--interval", "1h"]);
        live.wait_for_row(8080, |row| row.contains("program"));
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

/// Has the terminal take nothing, and the program draw until it waits for that to end.
fn hang(pty: &Pty) {
    pty.stop_reading();
    wait_until("a program that hangs in its write", || {
        pty.claim_size(199, 60);
        pty.claim_size(200, 60);
        hangs_in_write(pty)
    });
}

/// It ends while nothing is taken, with this code.
fn assert_ends(mut live: Live, code: u32) {
    wait_until("its end, though nothing was taken", || has_ended(&live.pty));
    live.pty.read_on();
    assert_eq!(live.pty.wait_exit(), code);
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
