//! The words of the question: what is asked, what is known of the process, and what to do instead.

use crate::app::EndTarget;
use crate::app::dialogs::end_process::{Choice, Question, loss};
use crate::bind::{Fix, also_ends_text, supervisor_text};
use crate::model::{AlsoEndsKind, Process, Reaction, Restarts, Run, Term};

/// No more processes than these are named.
const MAX_NAMED: usize = 3;

impl Question {
    /// What is asked, a paragraph a line.
    pub fn text(&self) -> Vec<String> {
        let (who, signal) = (self.who(), self.ending.signal.as_str());
        let guarded = self.guarded();
        if self.is_second()
            && let Some((process, guard)) = guarded
        {
            return vec![
                format!("{} is {}.", named(process), guard.as_str()),
                format!("Send SIG{signal} to {who} all the same? Only a capital Y does."),
            ];
        }
        let is_one = self.ending.targets.len() == 1 && self.choice() == Choice::This;
        let it = if is_one {
            "It".into()
        } else {
            named(&self.process)
        };
        let kept = if self.choice() == Choice::This {
            loss::who_keeps_it(&self.holder.socket.owner)
        } else {
            String::new()
        };
        let mut text = vec![format!(
            "Send SIG{signal} to {who}? {it} {}.{kept}",
            self.loss
        )];
        if let Some((process, guard)) = guarded {
            let it = if is_one { "It".into() } else { named(process) };
            text.push(format!("{it} is {}. You are asked again.", guard.as_str()));
        }
        text
    }

    /// The process that it is about: `nginx (812)`.
    pub fn about(&self) -> String {
        named(&self.process)
    }

    /// Those that are to get the signal.
    fn who(&self) -> String {
        let targets = &self.ending.targets;
        let name = |target: &EndTarget| named(&target.process);
        let mut names: Vec<_> = targets.iter().take(MAX_NAMED).map(name).collect();
        if targets.len() > MAX_NAMED {
            return format!(
                "{} and {} more",
                names.join(", "),
                targets.len() - MAX_NAMED
            );
        }
        match names.pop() {
            Some(last) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
            Some(only) => only,
            None => String::new(),
        }
    }

    /// Its command line, folder and user: a line for each that is known.
    pub fn details(&self) -> Vec<String> {
        let process = &self.process;
        let command = process.command.as_deref().unwrap_or_default();
        let command = (!command.is_empty() && *command != *process.name).then(|| command.into());
        let folder = process.cwd.as_ref().map(|cwd| format!("in {cwd}"));
        let user = process.user.as_ref().map(|user| format!("as {user}"));
        let place: Vec<_> = folder.into_iter().chain(user).collect();
        let place = (!place.is_empty()).then(|| place.join(", "));
        command.into_iter().chain(place).collect()
    }

    /// What starts it again, what else ends with it, how it reacts, and what to do instead: a sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let all = [
            self.kept(),
            self.better_text(),
            self.also_ends(),
            self.reaction(),
        ];
        all.into_iter().flatten().collect()
    }

    /// `supervisord (77) starts it again; "supervisorctl stop web" keeps it down.`
    fn kept(&self) -> Option<String> {
        let kept_by = self.background()?.kept_by.as_ref()?;
        let does = match kept_by.restarts {
            Restarts::Yes => "starts it again",
            Restarts::OnChange => "starts it again when a file changes",
            Restarts::Unknown => "may start it again",
            Restarts::No => return None,
        };
        let who = supervisor_text(kept_by);
        Some(match (self.command(), &self.supervisor) {
            (Some(command), _) => format!("{who} {does}; `{command}` keeps it down."),
            (None, Some(_)) => format!("{who} {does}, unless it ends too."),
            (None, None) => format!("{who} {does}."),
        })
    }

    /// The first fix, unless [`Self::kept`] names it.
    fn better_text(&self) -> Option<String> {
        let fix = self.fix.as_ref()?;
        if fix.command.is_some() && self.kept().is_some() {
            return caution(fix);
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

    /// What ends besides. Its other ports are said with what it listens on.
    fn also_ends(&self) -> Option<String> {
        let is_target = |pid| (self.ending.targets.iter()).any(|target| target.process.pid == pid);
        let supervisor = self.supervisor.iter().map(|(_, background)| background);
        let backgrounds = self.holder.backgrounds.iter().chain(supervisor);
        let ends = backgrounds
            .filter(|background| is_target(background.pid))
            .flat_map(|background| &background.also_ends);
        let ends = ends.filter(|ends| ends.kind != AlsoEndsKind::Port);
        let mut things: Vec<_> = ends.map(also_ends_text).collect();
        things.dedup();
        (!things.is_empty()).then(|| format!("Also ends {}.", things.join(", ")))
    }

    fn reaction(&self) -> Option<String> {
        let reaction = self.background()?.reaction;
        let is_term = self.ending.signal == crate::app::Signal::Term;
        how_it_reacts(reaction, is_term)
    }
}

fn caution(fix: &Fix) -> Option<String> {
    fix.caution()
        .map(|caution| format!("That command: {caution}."))
}

/// What to expect of a signal, where that is not simply an end.
fn how_it_reacts(reaction: Reaction, is_term: bool) -> Option<String> {
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
            return Some(format!(
                "SIGTERM {}; SIG{} ends it at once.",
                quick.instead_of, quick.signal
            ));
        }
    };
    Some(text.to_owned())
}

fn named(process: &Process) -> String {
    format!("{} ({})", process.name, process.pid)
}
