//! Commands for the user to type, with names from outside.
//!
//! A cgroup may be named `;rm -rf ~`. An invalid name of a unit or container yields no command; others are quoted for a
//! POSIX shell.

use std::borrow::Cow;

use super::action::{Action, shell_text};
use super::{Fix, RunAs};
use crate::model::{Limits, NamespaceFile};

/// Length of the longest name of a unit (`UNIT_NAME_MAX` of systemd, without its end).
const MAX_UNIT_NAME: usize = 255;

/// Units as operands of `systemctl`, if systemd could have units of these names.
pub(in crate::bind) fn unit_operands(names: &[&str]) -> Option<Vec<String>> {
    // `systemd.unit(5)`: letters, digits and `:-_.\`, an instance behind an `@`. A pattern such as `*` is none.
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let types = [".service", ".socket", ".scope", ".slice", ".path", ".timer"];
    let is_unit_name = |name: &&str| {
        let mut types = types.iter().filter(|one| name.len() > one.len());
        let has_type = types.any(|one| name.ends_with(one));
        name.len() <= MAX_UNIT_NAME && name.chars().all(is_allowed) && has_type
    };
    if !names.iter().all(is_unit_name) {
        return None;
    }
    let is_like_an_option = names.iter().any(|name| name.starts_with('-'));
    let end_of_options = is_like_an_option.then_some("--").into_iter();
    let words = end_of_options.chain(names.iter().copied());
    Some(words.map(ToOwned::to_owned).collect())
}

/// A container as an operand, if an engine could have one of that name: letters, digits and `_.-`, the first a
/// letter or a digit.
pub(in crate::bind) fn container_operand(name: &str) -> Option<&str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let is_a_name =
        name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_allowed);
    is_a_name.then_some(name)
}

/// The text as one word of a POSIX shell.
pub fn shell_word(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// A command that reads or changes the network, as it runs in the namespace of the bind test; `None` if no command
/// certainly enters that.
pub(in crate::bind) fn in_namespace(command: &str, limits: &Limits) -> Option<String> {
    let Some(inside) = &limits.inside else {
        return Some(command.to_owned());
    };
    let nsenter = match inside.enter.as_ref()? {
        NamespaceFile::Process(pid) => format!("nsenter -t {pid} -n"),
        NamespaceFile::Path(path) => format!("nsenter {}", shell_word(&format!("--net={path}"))),
    };
    Some(format!("{nsenter} {}", one_command(command)))
}

/// The same for a sentence: the command in backquotes, with the namespace if it does not enter that itself.
pub(in crate::bind) fn in_namespace_words(command: &str, limits: &Limits) -> String {
    match (in_namespace(command, limits), &limits.inside) {
        (None, Some(inside)) => format!("`{command}` in {}", inside.namespace.describe()),
        (entering, _) => format!("`{}`", entering.as_deref().unwrap_or(command)),
    }
}

/// `sockeye check` of a target, in the namespace of the bind test; `None` if `-N` accepts nothing that leads there.
pub(in crate::bind) fn check_command(target: &str, limits: &Limits) -> Option<String> {
    let option = match &limits.inside {
        Some(inside) => format!("-N {} ", shell_word(inside.option.as_ref()?)),
        None => String::new(),
    };
    Some(format!("sockeye check {option}{}", shell_word(target)))
}

impl Fix {
    pub(in crate::bind) fn by_root(self, limits: &Limits) -> Self {
        self.run_as(RunAs::Root, limits)
    }

    /// The fix with its command, as typed by the current user to run as this user.
    pub(super) fn run_as(self, run_as: RunAs, limits: &Limits) -> Self {
        let Some(command) = &self.command else {
            return Self { run_as, ..self };
        };
        let Some(typed) = typed(command, &run_as, limits) else {
            return Self {
                text: format!("{}, as {}: {command}", self.text, run_as.as_str()),
                command: None,
                actions: Vec::new(),
                run_as,
                ..self
            };
        };
        let actions = self.actions.into_iter().map(|action| Action {
            run_as: run_as.clone(),
            ..action
        });
        Self {
            command: Some(typed),
            actions: actions.collect(),
            run_as,
            ..self
        }
    }
}

/// A command as typed by the current user to run as this user; `None` if `sudo` can't work here.
fn typed(command: &str, run_as: &RunAs, limits: &Limits) -> Option<String> {
    // A user who ran `sudo` types the command as an ordinary user again.
    let is_root = matches!((limits.uid, limits.sudo_uid), (Some(0), None));
    let user = shell_word(run_as.as_str());
    Some(match run_as {
        RunAs::User => command.to_owned(),
        RunAs::Root if is_root => command.to_owned(),
        RunAs::Named(_) if is_root => format!("runuser -l {user} -c {}", shell_word(command)),
        _ if limits.is_confined => return None,
        // Nothing in it may mean a variable of that shell.
        RunAs::Named(_) if has_variable(command) => return None,
        RunAs::Root => format!("sudo {}", one_command(command)),
        RunAs::Named(_) => format!("sudo -iu {user} {}", one_command(command)),
    })
}

/// Whether a login shell that `sudo -i` starts would expand a part of a command: it gets every character escaped but letters,
/// digits, `_`, `-` and `$` (`sudo(8)`), also what was in quotes. So `$(` is harmless there, and `$x` is not.
fn has_variable(command: &str) -> bool {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-$".contains(c);
    let mut parts = command.split('$').skip(1);
    parts.any(|after| after.is_empty() || after.starts_with(is_bare))
}

/// All of these actions as one line, as typed by the current user.
pub(super) fn typed_actions(actions: &[Action], limits: &Limits) -> String {
    let texts = actions.iter().filter_map(|action| {
        let text = shell_text(&action.steps);
        typed(&text, &action.run_as, limits)
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// A command as a single program call: a list, or a command that sets a variable, is wrapped in a shell.
fn one_command(command: &str) -> Cow<'_, str> {
    let first = command.split(' ').next();
    let sets_variable = first.is_some_and(|word| word.contains('='));
    let mut is_quoted = false;
    let has_operators = command.chars().any(|c| {
        is_quoted ^= c == '\'';
        !is_quoted && ";&|$".contains(c)
    });
    if sets_variable || has_operators {
        return Cow::Owned(format!("sh -c {}", shell_word(command)));
    }
    Cow::Borrowed(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_systemd_can_not_have_makes_no_operand() {
        for (name, operand) in [
            ("nginx.service", "nginx.service"),
            ("user@1000.service", "user@1000.service"),
            (r"a\x2db.service", r"a\x2db.service"),
            ("-.slice", "-- -.slice"),
        ] {
            assert_eq!(unit_operands(&[name]).unwrap().join(" "), operand);
        }
        let both = unit_operands(&["-a.socket", "-a.service"]);
        assert_eq!(both.unwrap(), ["--", "-a.socket", "-a.service"]);
        let long = format!("{}.service", "x".repeat(300));
        for name in [
            "a;rm -rf ~;.service",
            "$(id).service",
            "`id`.service",
            "*.service",
            "'.service",
            "a b.service",
            "ä.service",
            ".service",
            "nginx",
            "",
            &long,
        ] {
            assert_eq!(unit_operands(&[name]), None, "{name}");
        }
    }

    #[test]
    fn a_name_that_no_container_can_have_makes_no_operand() {
        for name in ["web", "0123456789ab", "my_web-1.test"] {
            assert_eq!(container_operand(name), Some(name));
        }
        for name in ["-f", "", "a b", "$(id)", ";x", "é", ".."] {
            assert_eq!(container_operand(name), None, "{name}");
        }
    }

    #[test]
    fn a_word_stays_one_word() {
        for (word, shown) in [
            ("127.0.0.1:80/udp", "127.0.0.1:80/udp"),
            ("[::1]:80", "'[::1]:80'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("~", "'~'"),
        ] {
            assert_eq!(shell_word(word), shown);
        }
    }

    #[test]
    fn a_name_that_a_login_shell_would_expand_makes_no_command() {
        let limits = Limits {
            uid: Some(1000),
            ..Limits::default()
        };
        let bob = RunAs::Named("bob".to_owned());
        for command in ["sv down '/srv/$HOME'", "pm2 stop 'a$$'", "pm2 stop 'a$1'"] {
            assert_eq!(typed(command, &bob, &limits), None, "{command}");
            assert!(typed(command, &RunAs::Root, &limits).is_some());
            // `runuser -c` gets one text, in which it stays quoted.
            assert!(
                typed(
                    command,
                    &bob,
                    &Limits {
                        uid: Some(0),
                        ..limits.clone()
                    }
                )
                .is_some()
            );
        }
        let lists = "docker stop $(docker ps -q)";
        assert!(typed(lists, &bob, &limits).is_some());
    }

    #[test]
    fn a_list_of_commands_is_made_root_s_as_one() {
        for (command, as_one) in [
            ("kill 12", "kill 12"),
            ("kill 12; kill -CONT 12", "sh -c 'kill 12; kill -CONT 12'"),
            // Quoted text is one word.
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
