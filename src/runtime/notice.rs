//! A notice on the desktop, which the terminal is asked to show.
//!
//! By OSC 9, which most terminals know, or by OSC 777, which those know that came first with it. Neither can be
//! asked for; a terminal that knows neither ignores them. Within tmux the sequence is wrapped so that it is
//! passed on, which tmux does if `allow-passthrough` is on.

use crate::columns::cut;
use crate::model::clean;

/// The most that is told at once, in cells.
const MAX_CELLS: usize = 200;

/// The title, which also begins the text where there is no title: `ConEmu` takes what begins with a digit and
/// a semicolon for a command.
const TITLE: &str = "sockeye";

/// What is to be known of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    has_titles: bool,
    is_tmux: bool,
}

impl Terminal {
    /// As the environment has it.
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

    /// The bytes that ask for a notice. What the text holds can neither end the sequence nor begin another.
    pub fn notice(self, text: &str) -> String {
        let text = cut(&clean(text).replace(';', ","), MAX_CELLS);
        let asked = if self.has_titles {
            format!("\x1b]777;notify;{TITLE};{text}\x1b\\")
        } else {
            format!("\x1b]9;{TITLE}: {text}\x1b\\")
        };
        if self.is_tmux {
            let doubled = asked.replace('\x1b', "\x1b\x1b");
            format!("\x1bPtmux;{doubled}\x1b\\")
        } else {
            asked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(variables: &[(&str, &str)]) -> Terminal {
        Terminal::of(|name| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_terminal_is_asked_in_its_own_way() {
        for (variables, asked) in [
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
                terminal(variables).notice("80 opened"),
                asked,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn tmux_is_asked_to_pass_it_on_and_only_where_it_is_the_terminal() {
        let inside = [
            ("TERM", "tmux-256color"),
            ("TMUX", "/tmp/tmux-0/default,1,0"),
        ];
        assert_eq!(
            terminal(&inside).notice("80 opened"),
            "\x1bPtmux;\x1b\x1b]9;sockeye: 80 opened\x1b\x1b\\\x1b\\"
        );
        let opened_from_it = [("TERM", "xterm"), ("TMUX", "/tmp/tmux-0/default,1,0")];
        assert!(!terminal(&opened_from_it).notice("").contains("tmux"));
        assert!(
            !terminal(&[("TERM", "screen"), ("TMUX", "")])
                .notice("")
                .contains("tmux")
        );
    }

    /// Nor can it be taken for a command of `ConEmu` (`OSC 9 ; 4 ; …`).
    #[test]
    fn no_text_ends_the_sequence_or_begins_another() {
        let hostile = "4;1;50\x07\x1b]0;x\x1b\\\u{9c}\u{9d}52;c;eA==\u{202e}\nend";
        for variables in [&[][..], &[("TERM", "foot")]] {
            let asked = terminal(variables).notice(hostile);
            let inside = &asked[1..asked.len() - 2];
            assert!(!inside.contains(char::is_control), "{asked:?}");
            assert!(
                inside.is_char_boundary(0) && !inside.contains('\u{202e}'),
                "{asked:?}"
            );
            assert!(inside.matches(';').count() <= 3, "{asked:?}");
            assert!(!inside.starts_with("]9;4"), "{asked:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let asked = terminal(&[]).notice(&"x".repeat(100_000));
        assert!(asked.len() < 300, "{}", asked.len());
    }
}
