//! Who reads the fixes, and what stands before a command that somebody else has to run.

use super::shell::shell_word;
use super::{Fix, RunAs};
use crate::model::Limits;

/// The person at the keyboard.
#[derive(Clone, Copy, Debug)]
pub(in crate::bind) struct Reader {
    is_root: bool,
    /// Whether `sudo` can't work (`no_new_privs`).
    is_confined: bool,
}

impl Reader {
    pub(in crate::bind) const fn of(limits: &Limits) -> Self {
        Self {
            // Who asked by `sudo` types the command as an ordinary user again.
            is_root: matches!((limits.uid, limits.sudo_uid), (Some(0), None)),
            is_confined: limits.is_confined,
        }
    }

    /// The fix, with its command as the reader has to type it.
    pub(in crate::bind) fn as_root(self, fix: Fix) -> Fix {
        self.with(fix, RunAs::Root, |command| {
            format!("sudo {}", one_command(command))
        })
    }

    /// The same where another user has to run it.
    pub(super) fn as_user(self, fix: Fix, user: &str) -> Fix {
        let command = fix.command.clone().unwrap_or_default();
        let name = shell_word(user).into_owned();
        let (text, run_as) = (fix.text.clone(), RunAs::Named(user.to_owned()));
        if self.is_root {
            let command = Some(format!("runuser -l {name} -c {}", shell_word(&command)));
            return Fix {
                command,
                run_as,
                ..fix
            };
        }
        if self.is_confined {
            let text = format!("{text}, as {user}: {command}");
            return Fix {
                command: None,
                run_as,
                text,
                ..fix
            };
        }
        let command = Some(format!("sudo -iu {name} {}", one_command(&command)));
        Fix {
            command,
            run_as,
            ..fix
        }
    }

    fn with(self, fix: Fix, run_as: RunAs, prefix: impl FnOnce(&str) -> String) -> Fix {
        let Some(command) = fix.command.as_deref().filter(|_| !self.is_root) else {
            return Fix { run_as, ..fix };
        };
        if self.is_confined {
            // No command from here gains a right.
            let text = format!("{}, as root: {command}", fix.text);
            return Fix {
                command: None,
                run_as,
                text,
                ..fix
            };
        }
        let command = Some(prefix(command));
        Fix {
            command,
            run_as,
            ..fix
        }
    }
}

/// A command as one that another program can run: what a shell would take apart goes through a shell of its
/// own.
fn one_command(command: &str) -> String {
    let begins_with_variable = command
        .split(' ')
        .next()
        .is_some_and(|word| word.contains('='));
    if begins_with_variable || has_operators(command) {
        return format!("sh -c {}", shell_word(command));
    }
    command.to_owned()
}

/// Whether there is something outside quotes that a shell acts on.
fn has_operators(command: &str) -> bool {
    let mut is_quoted = false;
    command.chars().any(|c| {
        is_quoted ^= c == '\'';
        !is_quoted && ";&|$".contains(c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_commands_is_made_root_s_as_one() {
        for (command, as_one) in [
            ("kill 12", "kill 12"),
            ("kill 12; kill -CONT 12", "sh -c 'kill 12; kill -CONT 12'"),
            // What is quoted is one word, whatever is in it.
            ("sv down '/etc/sv/a; b'", "sv down '/etc/sv/a; b'"),
            ("PM2_HOME=/x pm2 stop 0", "sh -c 'PM2_HOME=/x pm2 stop 0'"),
            (
                "docker stop $(docker ps -q)",
                "sh -c 'docker stop $(docker ps -q)'",
            ),
        ] {
            assert_eq!(one_command(command), as_one);
        }
    }
}
