//! The text of the question: what is lost, facts about the process, and a better fix.

use super::targets::{Choice, sockets_of};
use super::{Question, named};
use crate::app::Signal;
use crate::app::dialogs::Sheet;
use crate::app::layout::Size;
use crate::app::view::{Line, Role, cut_line, span};
use crate::bind::{also_ends_text, supervisor_text};
use crate::columns::wrap_anywhere;
use crate::model::{AlsoEndsKind, Process, Protocol, Restarts, Run, Socket, State, Term, counted};
use crate::track::Table;

const MAX_NAMED: usize = 3;

const MAX_PORTS: usize = 8;

impl Question {
    /// The question, a paragraph a line.
    pub fn text(&self) -> Vec<String> {
        let (targets, signal) = (&self.ending.targets, self.ending.signal.as_str());
        let is_one = targets.len() == 1 && self.choice == Choice::This;
        let names = targets.iter().map(|target| named(&target.process));
        let mut names: Vec<_> = names.take(MAX_NAMED).collect();
        if targets.len() > MAX_NAMED {
            names.push(format!("{} more", targets.len() - MAX_NAMED));
        }
        let targets = listed(names);
        let guard = self.guard();
        if self.is_second()
            && let Some((process, guard)) = guard
        {
            return vec![
                format!("{} is {}.", named(process), guard.as_str()),
                format!("Send SIG{signal} to {targets} all the same? Only a capital Y does."),
            ];
        }
        let subject = |process| if is_one { "It".into() } else { named(process) };
        // A shared socket outlives one of its processes.
        let others = match self.holder.socket.owner.present().len() {
            2 if self.choice == Choice::This => " Another process keeps this socket.".into(),
            many @ 3.. if self.choice == Choice::This => {
                format!(" {} others keep this socket.", many - 1)
            }
            _ => String::new(),
        };
        let (it, loss) = (subject(&self.process), &self.loss);
        let mut text = vec![format!(
            "Send SIG{signal} to {targets}? {it} {loss}.{others}"
        )];
        text.extend(guard.map(|(process, guard)| {
            let it = subject(process);
            format!("{it} is {}. You have to confirm twice.", guard.as_str())
        }));
        text
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

    /// What else there is to know before a yes, a line each.
    pub fn remarks(&self) -> impl Iterator<Item = String> + use<> {
        let (restart, better) = (self.restart(), self.better_text());
        let remarks = [restart, better, self.also_ends(), self.reaction()];
        remarks.into_iter().flatten()
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
            return Some(format!("That command: {caution}."));
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
                return Some(format!("SIGTERM {does}; SIG{signal} ends it at once."));
            }
        };
        Some(text.to_owned())
    }
}

/// `listens on port 9999 and has 6 open connections`, as far as the table shows it.
pub(super) fn loss(socket: &Socket, process: &Process, table: &Table) -> String {
    let sockets: Vec<_> = sockets_of(process, table).collect();
    let ports = |verb: &str, is_meant: fn(&Socket) -> bool| {
        let sockets = sockets
            .iter()
            .filter(|socket| !socket.is_connection() && is_meant(socket));
        let ports = sockets.filter_map(|socket| Some((socket.port()?, socket.protocol)));
        let mut ports: Vec<_> = ports.collect();
        ports.sort_unstable();
        ports.dedup();
        (!ports.is_empty()).then(|| format!("{verb} {}", port_names(&ports)))
    };
    let connections = sockets.iter().filter(|one| one.is_connection()).count();
    let this = socket.portless.as_ref().map(|_| {
        let name = socket.local_text();
        let name = name.unwrap_or_else(|| "without a name".to_owned());
        format!("has the {} socket {name}", socket.protocol.name())
    });
    let all = [
        this,
        ports("listens on", |socket| socket.state != State::Bound),
        ports("has bound", |socket| socket.state == State::Bound),
        (connections > 0).then(|| {
            let count = counted(connections, "open connection", "open connections");
            format!("has {count}")
        }),
    ];
    let all: Vec<_> = all.into_iter().flatten().collect();
    if all.is_empty() {
        // A bind test may have found it after the table was taken.
        let port = port_names(&[(socket.local.port, socket.protocol)]);
        return format!("has {port}");
    }
    listed(all)
}

/// `a, b and c`
fn listed(mut all: Vec<String>) -> String {
    match all.pop() {
        Some(last) if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        only => only.unwrap_or_default(),
    }
}

/// `port 53/udp`, `ports 80, 443`
fn port_names(ports: &[(u16, Protocol)]) -> String {
    let name = |&(port, protocol): &(u16, Protocol)| protocol.port_text(port);
    let listed: Vec<_> = ports.iter().take(MAX_PORTS).map(name).collect();
    let more = if ports.len() > MAX_PORTS { ", …" } else { "" };
    let s = if ports.len() == 1 { "" } else { "s" };
    format!("port{s} {}{more}", listed.join(", "))
}

/// The question, the choices, then facts about the process, which are cut off if there is no room.
pub(crate) fn sheet(question: &Question, size: Size) -> Sheet {
    let columns = size.overlay_width();
    let wrapped = |texts: Vec<String>| {
        let lines = texts
            .into_iter()
            .flat_map(|text| wrap_anywhere(&text, columns));
        lines
            .map(|text| vec![span(text, Role::Plain)])
            .collect::<Vec<Line>>()
    };
    let mut lines = wrapped(question.text());
    if !question.is_second() {
        let chosen = question.ending.signal;
        let signals = Signal::ALL.iter();
        let signals = signals.map(|signal| (signal.as_str().to_owned(), *signal == chosen));
        lines.push(cut_line(row_of_choices("signal", signals), columns));
        let choices = question.choices();
        if choices.len() > 1 {
            let choices = choices.into_iter();
            let choices =
                choices.map(|choice| (question.choice_label(choice), choice == question.choice));
            lines.push(cut_line(row_of_choices("end", choices), columns));
        }
    }
    lines.extend(wrapped(question.remarks().collect()));
    let dim = |text: String| cut_line(vec![span(text, Role::Dim)], columns);
    lines.extend(question.details().into_iter().map(dim));
    Sheet::of("end a process", lines)
}

/// `signal  [TERM]  INT   HUP`: the chosen one in brackets, which works without colours.
fn row_of_choices(label: &str, choices: impl Iterator<Item = (String, bool)>) -> Line {
    let mut line = vec![span(format!("{label:<7}"), Role::Dim)];
    for (text, is_chosen) in choices {
        line.push(if is_chosen {
            span(format!("[{text}]"), Role::Accent)
        } else {
            span(format!(" {text} "), Role::Plain)
        });
    }
    line
}
