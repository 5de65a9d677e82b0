//! Names from outside are text, whatever they hold.

use std::process::Command;

use sockeye::keymap::Key;

use crate::live::scene::{Holder, Live, at, listener, stage};

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
        let holder = hostile_holder();
        let mut live = Live::start_in((200, 40), &[]);
        live.wait_for_row(8080, |row| row.contains(SHOWN));
        // In every place that shows a name or a command line.
        live.pty.send_key(Key::Enter);
        live.wait_for_text(&format!("{}  {SHOWN}", holder.pid()));
        live.press("b");
        live.wait_for_text(&format!("LISTEN  {SHOWN}"));
        live.press("K");
        live.wait_for_text("Send SIGTERM to");
        live.press("n");
        live.wait_without("Send SIG");
        live.press("c");
        live.wait_for_text("Enter confirm");
        live.pty.send_key(Key::Esc);
        live.wait_without("Enter confirm");
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
        live.wait_for_text("copied sh -c");
        let raw = live.raw_without_query();
        assert_eq!(copied(&raw).len(), 1, "{raw:?}");
        let copied = &copied(&raw)[0];
        assert!(
            copied.starts_with("sh -c") && copied.ends_with(SHOWN),
            "{copied}"
        );
    });
}

/// What went to the clipboard. Nothing else is said to the terminal in such a sequence, no title and no colour.
fn copied(raw: &str) -> Vec<String> {
    let sequences = raw.split("\x1b]").skip(1);
    let text = |sequence: &str| {
        let (what, _) = sequence.split_once("\x1b\\").expect("its end");
        let base64 = what
            .strip_prefix("52;c;")
            .expect("only the clipboard is spoken to");
        String::from_utf8(decoded(base64)).expect("text")
    };
    sequences.map(text).collect()
}

/// RFC 4648, section 4.
fn decoded(base64: &str) -> Vec<u8> {
    let digits: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['+', '/'])
        .collect();
    let digits = base64.trim_end_matches('=').chars().map(|c| {
        let digit = digits
            .iter()
            .position(|&digit| digit == c)
            .expect("a digit");
        u32::try_from(digit).expect("of 64")
    });
    let digits: Vec<u32> = digits.collect();
    let group = |group: &[u32]| {
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

#[test]
fn a_replay_says_that_it_was_redacted_and_its_file_may_have_any_name() {
    stage(|| {
        let _holder = hostile_holder();
        let name = format!("sockeye-{}\x1b]0;x\x07.jsonl", std::process::id());
        let file = std::env::temp_dir().join(name);
        let path = file.to_str().expect("text");
        let args = ["list", "-a", "--record", path, "--redact"];
        let recorded = Command::new(crate::live::scene::BINARY).args(args).output();
        assert!(recorded.expect("it runs").status.success());
        let live = Live::start_in((200, 40), &["--replay", path]);
        live.wait_for_text(r"\x1b]0;x\x07.jsonl (redacted)");
        live.wait_for_row(8080, |row| row.contains(SHOWN));
        assert_eq!(copied(&live.raw_without_query()), [""; 0]);
        std::fs::remove_file(&file).expect("it is there");
    });
}
