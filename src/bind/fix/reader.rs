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
            is_root: matches!(limits.uid, Some(0)),
            is_confined: limits.is_confined,
        }
    }

    /// The fix, with its command as the reader has to type it.
    pub(in crate::bind) fn as_root(self, fix: Fix) -> Fix {
        self.with(fix, RunAs::Root, |command| {
            // Every command of a list has to be root's.
            let parts: Vec<_> = command.split("; ").map(sudo).collect();
            parts.join("; ")
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
        let command = Some(format!("sudo -iu {name} {command}"));
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

fn sudo(command: &str) -> String {
    // What is put into a command by the shell is run before it.
    let command = command.replace("$(docker ", "$(sudo docker ");
    format!("sudo {command}")
}
