//! However the program ends, the terminal is given back.

use rustix::process::Signal;

use crate::live::scene::{BINARY, Holder, Live, TempDir, listeners, stage};
use crate::support::pty::Pty;

/// What must have been written to leave everything that was entered.
const LEAVING: [&str; 6] = [
    "\x1b[?1000l",
    "\x1b[?1002l",
    "\x1b[?1006l",
    "\x1b[?2004l",
    "\x1b[?1049l",
    SHOW_CURSOR,
];

const SHOW_CURSOR: &str = "\x1b[?25h";

fn assert_restored(pty: &Pty) {
    let raw = pty.raw();
    for sequence in LEAVING {
        // The cursor is shown while text is typed, too.
        let times = raw.matches(sequence).count();
        let is_right = times == 1 || sequence == SHOW_CURSOR && times > 1;
        assert!(is_right, "{times} times {sequence:?} in {raw:?}");
    }
    assert!(!pty.screen().alternate_screen());
    assert!(!pty.screen().hide_cursor());
}

/// The text of the screen after the terminal was restored.
fn left_behind(pty: &Pty) -> String {
    pty.screen_text().trim().to_owned()
}

#[test]
fn q_and_control_c_quit_and_leave_nothing_behind() {
    stage(|| {
        for key in ["q", "\x03"] {
            let mut live = Live::start(&[]);
            live.press(key);
            assert_eq!(live.pty.wait_exit(), 0);
            assert_restored(&live.pty);
            assert_eq!(left_behind(&live.pty), "");
        }
    });
}

#[test]
fn control_c_quits_from_every_mode() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        for (key, told) in [
            ("/", "confirm"),
            ("B", "bind test of port"),
            ("?", "next row"),
            ("c", "address "),
            ("C", "columns"),
            ("K", "Send SIG"),
        ] {
            let mut live = Live::start_in((110, 80), &[]);
            live.wait_for_row(8080, |row| row.contains("sleep"));
            live.press(key);
            live.wait_for_text(told);
            live.press("\x03");
            assert_eq!(live.pty.wait_exit(), 0, "{key}");
            assert_restored(&live.pty);
        }
    });
}

#[test]
fn the_modes_of_the_terminal_are_as_they_were() {
    stage(|| {
        let script = "stty -g; \"$0\" --interval 100ms; echo \"code $?\"; stty -g";
        let mut pty = Pty::spawn("sh", &["-c", script, BINARY], (110, 30), &[]);
        pty.wait_for_text("Nothing is listening.");
        pty.send("q");
        assert_eq!(pty.wait_exit(), 0);
        let screen = pty.screen_text();
        let lines: Vec<_> = screen.lines().collect();
        let [before, code, after, ..] = lines[..] else {
            panic!("{screen}")
        };
        assert!(before.split(':').count() > 10, "{screen}");
        assert_eq!((after, code), (before, "code 0"), "{screen}");
    });
}

#[test]
fn a_signal_ends_it_with_its_exit_code() {
    stage(|| {
        for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
            let mut live = Live::start(&[]);
            live.pty.kill(signal);
            assert_eq!(live.pty.wait_exit(), code);
            assert_restored(&live.pty);
            assert_eq!(left_behind(&live.pty), "");
        }
    });
}

#[test]
fn a_signal_that_kills_ends_it_as_itself_once_the_terminal_is_given_back() {
    stage(|| {
        let signals = [
            (Signal::QUIT, "Quit"),
            (Signal::USR1, "User defined signal 1"),
            (Signal::USR2, "User defined signal 2"),
            (Signal::ABORT, "Aborted"),
            (Signal::XCPU, "CPU time limit exceeded"),
            (Signal::ALARM, "Alarm clock"),
            (Signal::VTALARM, "Virtual timer expired"),
            (Signal::PROF, "Profiling timer expired"),
        ];
        for (signal, name) in signals {
            // Without a core dump, which would be a file in the test's directory.
            let without_core = ["-c", "ulimit -c 0; exec \"$0\" \"$@\"", BINARY];
            let mut live = Live::start_by("sh", &without_core, (110, 30), &[]);
            live.pty.kill(signal);
            assert_eq!(live.pty.wait_signal(), name);
            assert_restored(&live.pty);
            assert_eq!(left_behind(&live.pty), "");
        }
    });
}

#[test]
fn the_modes_of_the_terminal_are_as_they_were_after_a_signal_that_kills() {
    stage(|| {
        let script = "ulimit -c 0; stty -g; \
                      sh -c 'echo $$ > \"$1\"; exec \"$0\" --interval 100ms' \"$0\" \"$1\"; \
                      echo \"code $?\"; stty -g";
        let folder = TempDir::new();
        let pid = folder.path().join("pid");
        let arguments = ["-c", script, BINARY, pid.to_str().unwrap()];
        let mut pty = Pty::spawn("sh", &arguments, (110, 30), &[]);
        pty.wait_for_text("Nothing is listening.");
        let pid = std::fs::read_to_string(&pid).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap());
        rustix::process::kill_process(pid.unwrap(), Signal::QUIT).unwrap();
        assert_eq!(pty.wait_exit(), 0);
        let screen = pty.screen_text();
        let is_modes = |line: &&str| line.split(':').count() > 10;
        let modes: Vec<_> = screen.lines().filter(is_modes).collect();
        assert_eq!(modes.len(), 2, "{screen}");
        assert_eq!(modes[0], modes[1]);
        assert!(screen.contains("code 131"), "{screen}");
    });
}

#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    stage(|| {
        let ignoring = ["-c", "trap '' QUIT; exec \"$0\" \"$@\"", BINARY];
        let mut live = Live::start_by("sh", &ignoring, (110, 30), &[]);
        live.pty.kill(Signal::QUIT);
        live.wait_for_a_reading();
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "the fault is only in a debug build")]
fn a_worker_that_crashes_beyond_its_readings_is_one_line_on_the_restored_terminal() {
    stage(|| {
        let fault = [("SOCKEYE_FAULT", "collector")];
        let mut pty = Pty::spawn(BINARY, &[], (200, 30), &fault);
        assert_eq!(pty.wait_exit(), 101);
        assert_restored(&pty);
        let told = left_behind(&pty);
        assert_eq!(told.lines().count(), 1, "{told}");
        let expected = "sockeye: the collector thread crashed: SOCKEYE_FAULT is set";
        assert!(told.starts_with(expected), "{told}");
        assert!(told.ends_with("this is a bug, please report it"), "{told}");
    });
}

#[test]
fn control_z_stops_it_for_the_shell_and_fg_brings_the_picture_back() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        // A process with a long name.
        let _ours = listeners(&[9100]);
        let arguments = ["--norc", "--noprofile", "-i"];
        let mut shell = Live {
            // Too narrow for ages, which go on; the bars in the header would, too.
            pty: Pty::spawn("bash", &arguments, (64, 30), &[("PS1", "READY> ")]),
        };
        shell.wait_for_text("READY>");
        shell.press(&format!("{BINARY} --interval 100ms --no-stats\r"));
        shell.wait_for_table();
        shell.wait_for_row(8080, |row| row.contains("sleep"));
        let before = shell.pty.screen_text();
        for _ in 0..2 {
            shell.press("\x1a");
            shell.wait_for("the prompt", |screen| {
                screen.contains("Stopped") && screen.trim_end().ends_with("READY>")
            });
            let screen = shell.pty.screen();
            assert!(!screen.alternate_screen() && !screen.hide_cursor());
            shell.press("fg\r");
            shell.wait_for("the picture as it was", |screen| screen == before);
            let screen = shell.pty.screen();
            assert!(screen.alternate_screen() && screen.hide_cursor());
        }
        let later = crate::live::scene::listener("127.0.0.1:9000");
        shell.wait_for_row(9000, |row| row.starts_with('+'));
        drop(later);
        shell.press("q");
        shell.wait_for("the prompt", |screen| screen.trim_end().ends_with("READY>"));
        shell.press("echo \"code $?\"\r");
        shell.wait_for_text("code 0");
    });
}

#[test]
fn after_a_stop_without_warning_the_picture_is_drawn_again() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.pty.kill(Signal::STOP);
        live.pty.kill(Signal::CONT);
        live.pty.wait_for_raw("\x1b[?47h");
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn after_a_stop_a_reading_comes_at_once_however_long_the_interval() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start_as(BINARY, (110, 30), &["--interval", "1h"]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.pty.kill(Signal::STOP);
        let _opened = crate::live::scene::listener("127.0.0.1:9000");
        live.pty.kill(Signal::CONT);
        live.wait_for_row(9000, |row| row.starts_with('+'));
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_terminal_that_goes_away_in_the_middle_of_a_frame_ends_it() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = Live::start_in((200, 60), &[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.pty.stop_reading();
        for columns in (150..200).rev() {
            live.pty.claim_size(columns, 60);
        }
        live.pty.read_on();
        live.pty.hang_up(sockeye::keymap::Key::Char('?'));
        // SIGHUP, or an error of the terminal, whichever comes first.
        let code = live.pty.wait_exit();
        assert!([129, 2].contains(&code), "{code}");
    });
}
