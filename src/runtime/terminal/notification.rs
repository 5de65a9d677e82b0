//! Escape sequences by which the terminal shows a notification on the desktop.
//!
//! OSC 9, which most terminals know, or OSC 777 for those that introduced it. There is no query for either; a
//! terminal that knows neither ignores them. Within tmux the sequence is wrapped so that tmux passes it on, which
//! it does if `allow-passthrough` is on.

use crate::columns::cut;
use crate::model::clean;

/// The longest text, in cells.
const MAX_CELLS: usize = 200;

/// The title, which also begins the text where there is no title: `ConEmu` takes what begins with a digit and
/// a semicolon for a command.
const TITLE: &str = "sockeye";

/// The sequence that a terminal supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notifier {
    has_titles: bool,
    is_tmux: bool,
}

impl Notifier {
    /// Detects it from the environment.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        let begins_with = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
        Self {
            has_titles: begins_with(&["rxvt", "foot"]) || is_set("VTE_VERSION"),
            // A terminal that was started from within tmux has its variable, too.
            is_tmux: is_set("TMUX") && begins_with(&["tmux", "screen"]),
        }
    }

    /// The bytes that show a notification. The text can neither end the sequence nor begin another.
    pub fn sequence(self, text: &str) -> String {
        let text = cut(&clean(text).replace(';', ","), MAX_CELLS);
        let sequence = if self.has_titles {
            format!("\x1b]777;notify;{TITLE};{text}\x1b\\")
        } else {
            format!("\x1b]9;{TITLE}: {text}\x1b\\")
        };
        if self.is_tmux {
            let doubled = sequence.replace('\x1b', "\x1b\x1b");
            format!("\x1bPtmux;{doubled}\x1b\\")
        } else {
            sequence
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(variables: &[(&str, &str)]) -> Notifier {
        Notifier::of(|name| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_terminal_gets_the_sequence_it_knows() {
        for (variables, sequence) in [
            (&[][..], "\x1b]9;sockeye: 80 opened\x1b\\"),
            (
                &[("TERM", "xterm-256color")],
                "\x1b]9;sockeye: 80 opened\x1b\\",
            ),
            (
                &[("TERM", "foot")],
                "\x1b]777;notify;sockeye;80 opened\x1b\\",
            ),
            (
                &[("TERM", "rxvt-unicode")],
                "\x1b]777;notify;sockeye;80 opened\x1b\\",
            ),
            (
                &[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")],
                "\x1b]777;notify;sockeye;80 opened\x1b\\",
            ),
        ] {
            assert_eq!(
                terminal(variables).sequence("80 opened"),
                sequence,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn the_sequence_is_wrapped_only_where_tmux_is_the_terminal() {
        let inside = [
            ("TERM", "tmux-256color"),
            ("TMUX", "/tmp/tmux-0/default,1,0"),
        ];
        assert_eq!(
            terminal(&inside).sequence("80 opened"),
            "\x1bPtmux;\x1b\x1b]9;sockeye: 80 opened\x1b\x1b\\\x1b\\"
        );
        let opened_from_it = [("TERM", "xterm"), ("TMUX", "/tmp/tmux-0/default,1,0")];
        assert!(!terminal(&opened_from_it).sequence("").contains("tmux"));
        assert!(
            !terminal(&[("TERM", "screen"), ("TMUX", "")])
                .sequence("")
                .contains("tmux")
        );
    }

    /// Nor does it read as a command of `ConEmu` (`OSC 9 ; 4 ; …`).
    #[test]
    fn no_text_ends_the_sequence_or_begins_another() {
        let hostile = "4;1;50\x07\x1b]0;x\x1b\\\u{9c}\u{9d}52;c;eA==\u{202e}\nend";
        for variables in [&[][..], &[("TERM", "foot")]] {
            let sequence = terminal(variables).sequence(hostile);
            let inside = &sequence[1..sequence.len() - 2];
            assert!(!inside.contains(char::is_control), "{sequence:?}");
            assert!(
                inside.is_char_boundary(0) && !inside.contains('\u{202e}'),
                "{sequence:?}"
            );
            assert!(inside.matches(';').count() <= 3, "{sequence:?}");
            assert!(!inside.starts_with("]9;4"), "{sequence:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let sequence = terminal(&[]).sequence(&"x".repeat(100_000));
        assert!(sequence.len() < 300, "{}", sequence.len());
    }
}
