//! The text of the question: what is lost, facts about the process, and a better fix.

use std::sync::Arc;

use super::Question;
use super::targets::Choice;
use crate::app::{RowNamespace, Signal};
use crate::bind::{also_ends_text, supervisor_text};
use crate::model::{AlsoEndsKind, Process, Restarts, Run, Term, all_listed};

const MAX_NAMED: usize = 3;

impl Question {
    /// The question, a paragraph a line.
    pub fn text(&self) -> Vec<String> {
        let (targets, signal) = (&self.ending.targets, self.ending.signal.as_str());
        let is_one = targets.len() == 1 && self.choice == Choice::This;
        let names = targets.iter().map(|target| target.process.name_and_pid());
        let mut names: Vec<_> = names.take(MAX_NAMED).collect();
        if targets.len() > MAX_NAMED {
            names.push(format!("{} more", targets.len() - MAX_NAMED));
        }
        let targets = all_listed(names);
        let guard = self.guard();
        if self.is_second()
            && let Some((process, guard)) = guard
        {
            return vec![
                format!("{} is {}.", process.name_and_pid(), guard.as_str()),
                format!("Send SIG{signal} to {targets} all the same? Only a capital Y does."),
            ];
        }
        let subject = |process: &Process| {
            if is_one {
                "It".into()
            } else {
                process.name_and_pid()
            }
        };
        let others = self.others();
        let others = others.map_or(String::new(), |others| format!(" {others}"));
        let (it, loss) = (subject(&self.process), &self.loss);
        let inside = RowNamespace::of(&self.holder.socket);
        let inside = RowNamespace::in_words(inside.as_ref());
        let mut text = vec![format!(
            "Send SIG{signal} to {targets}{inside}? {it} {loss}.{others}"
        )];
        text.extend(guard.map(|(process, guard)| {
            let it = subject(process);
            format!("{it} is {}. You have to confirm twice.", guard.as_str())
        }));
        text
    }

    /// `2 children keep this socket.`: a shared socket outlives one of its processes.
    pub(super) fn others(&self) -> Option<String> {
        let others = self.other_owners();
        let is_child = |one: &&Arc<Process>| one.parent == Some(self.process.pid);
        let are_children = others.iter().all(is_child);
        Some(match (others.len(), are_children) {
            (0, _) => return None,
            (1, true) => "Its child keeps this socket.".to_owned(),
            (1, false) => "Another process keeps this socket.".to_owned(),
            (many, true) => format!("{many} children keep this socket."),
            (many, false) => format!("{many} others keep this socket."),
        })
    }

    /// The names of those, in one line.
    fn names_of_others(&self) -> Option<String> {
        let others = self.other_owners();
        let mut names: Vec<_> = others
            .iter()
            .take(MAX_NAMED)
            .map(|one| one.name_and_pid())
            .collect();
        if others.len() > MAX_NAMED {
            names.push(format!("{} more", others.len() - MAX_NAMED));
        }
        let verb = if others.len() == 1 { "keeps" } else { "keep" };
        (!names.is_empty()).then(|| format!("{} {verb} it.", all_listed(names)))
    }

    /// The owners that get no signal, if only the one gets it that the question is about.
    fn other_owners(&self) -> Vec<&Arc<Process>> {
        let present = self.holder.socket.owner.present().iter();
        let is_other = |one: &&Arc<Process>| one.pid != self.process.pid;
        let is_this = self.choice == Choice::This;
        present.filter(|one| is_this && is_other(one)).collect()
    }

    /// Facts about the process, and which others have its socket.
    pub(crate) fn facts(&self) -> impl Iterator<Item = String> {
        [self.who.clone()].into_iter().chain(self.names_of_others())
    }

    /// What is known about the end of the process, most important first: what starts it again, what is better, what
    /// else ends, how it reacts to the signal.
    pub(crate) fn remarks(&self) -> impl Iterator<Item = String> {
        let (restart, better) = (self.restart(), self.better_text());
        [restart, better, self.also_ends(), self.reaction()]
            .into_iter()
            .flatten()
    }

    /// `supervisord (77) starts it again; "supervisorctl stop web" keeps it down.`
    fn restart(&self) -> Option<String> {
        let kept_by = self.background(self.process.pid)?.kept_by.as_ref()?;
        let does = match kept_by.restarts {
            Restarts::Yes => "starts it again",
            Restarts::OnChange => "starts it again when a file changes",
            Restarts::Unknown => "may start it again",
            Restarts::No => return None,
        };
        let it = supervisor_text(kept_by);
        Some(match (self.command(), &self.supervisor) {
            (Some(command), _) => format!("{it} {does}; `{command}` keeps it down."),
            (None, Some(_)) => format!("{it} {does}, unless it ends too."),
            (None, None) => format!("{it} {does}."),
        })
    }

    /// The first fix, unless [`Self::restart`] names it.
    fn better_text(&self) -> Option<String> {
        let fix = self.fix.as_ref()?;
        if fix.command.is_some() && self.restart().is_some() {
            let caution = fix.caution()?;
            return Some(format!("That command: {caution}"));
        }
        let what = match &fix.command {
            Some(command) => format!("Better: {}: `{command}`", fix.text),
            None => format!("Better: {}.", fix.text),
        };
        Some(match fix.caution() {
            Some(caution) => format!("{what} ({caution})"),
            None => what,
        })
    }

    /// What else ends. Its other ports are in the question itself.
    fn also_ends(&self) -> Option<String> {
        let is_target = |pid| (self.ending.targets.iter()).any(|target| target.process.pid == pid);
        let ends = self
            .backgrounds()
            .filter(|background| is_target(background.pid))
            .flat_map(|background| &background.also_ends);
        let ends = ends.filter(|ends| ends.kind != AlsoEndsKind::Port);
        let mut things: Vec<_> = ends.map(also_ends_text).collect();
        things.dedup();
        (!things.is_empty()).then(|| format!("Also ends {}.", things.join(", ")))
    }

    /// How the process reacts to the signal, unless it simply ends.
    fn reaction(&self) -> Option<String> {
        let reaction = self.background(self.process.pid)?.reaction;
        let is_term = self.ending.signal == Signal::Term;
        let text = match (reaction.run, reaction.term) {
            (Run::Uninterruptible, _) => {
                "It waits for I/O in the kernel and reacts to no signal until that ends."
            }
            (Run::Traced, _) => "A debugger has stopped it: only SIGKILL ends it now.",
            (_, Term::Ignored) if is_term => "It ignores SIGTERM; SIGKILL ends it.",
            (_, Term::Blocked) if is_term => "It blocks SIGTERM; SIGKILL ends it.",
            (_, Term::Dropped) if is_term => {
                "It is the first process of its pid namespace and has no handler for SIGTERM."
            }
            (Run::Stopped, _) => {
                "It is stopped: it handles the signal when it is continued, which is done right after."
            }
            _ => {
                let quick = reaction.quick.filter(|_| is_term)?;
                let (does, signal) = (quick.instead_of, quick.signal);
                let signal = signal.as_str();
                return Some(format!("SIGTERM {does}; SIG{signal} ends it at once."));
            }
        };
        Some(text.to_owned())
    }
}
