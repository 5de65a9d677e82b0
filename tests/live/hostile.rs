//! Names from outside are text, whatever they hold.

use std::process::Command;

use sockeye::app::Key;

use crate::scene::{Holder, Live, at, listener, stage};

/// Red, a new title for the window, a bell: as long as a process name may be.
const HOSTILE: &str = "\x1b[31mevil\x1b]0;x\x07";

/// How it must look.
const SHOWN: &str = r"\x1b[31mevil\x1b]0;x\x07";

/// A process of that name, and with it in its command line.
fn hostile_holder() -> Holder {
    let mut shell = Command::new("sh");
    let script = "printf %s \"$0\" > /proc/$$/comm; read -r _";
    shell.args(["-c", script, HOSTILE]);
    let holder = Holder::run(shell, [listener(&at(8080))]);
    let comm = format!("/proc/{}/comm", holder.pid());
    crate::support::wait_until("the hostile name", || {
        std::fs::read_to_string(&comm).is_ok_and(|name| name.trim_end() == HOSTILE)
    });
    holder
}

#[test]
fn a_hostile_name_is_shown_as_text_and_never_reaches_the_terminal() {
    stage(|| {
        let _holder = hostile_holder();
        let mut live = Live::start_in((200, 40), &[]);
        live.wait_for_row(8080, |row| row.contains(SHOWN));
        // In every place that shows a name or a command line.
        live.pty.send_key(Key::Enter);
        live.wait_for_text(&format!("{SHOWN} (pid"));
        live.press("b");
        live.wait_for_text(&format!("LISTEN  {SHOWN}"));
        live.press("K");
        live.wait_for_text("End it with TERM?");
        live.press("n");
        live.wait_without("End it with");
        live.press("c");
        live.wait_for_text("Enter take");
        live.pty.send_key(Key::Esc);
        live.wait_without("Enter take");
        live.press("/evil");
        live.wait_for_text("filter evil");
        let raw = live.pty.raw();
        assert!(!raw.contains("\x1b[31mevil"), "{raw:?}");
        assert!(!raw.contains("\x1b]0;"), "{raw:?}");
        assert!(!raw.contains('\x07'), "{raw:?}");
    });
}

#[test]
fn a_copied_command_line_holds_no_escape_sequence() {
    stage(|| {
        let _holder = hostile_holder();
        let mut live = Live::start_in((200, 40), &[]);
        live.wait_for_row(8080, |row| row.contains(SHOWN));
        live.press("c");
        live.wait_for_text("command ");
        // address, pid, command
        live.press("jj\r");
        live.wait_for_text("copied: sh -c");
        let raw = live.pty.raw();
        assert!(!raw.contains("\x1b]0;"), "{raw:?}");
    });
}
