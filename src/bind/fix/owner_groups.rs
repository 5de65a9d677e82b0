//! Groups the owners of a port by the command that ends them (a container, a unit, an app of a supervisor, processes), and
//! combines their fixes: freeing the port requires ending all groups.

use std::collections::BTreeMap;

use super::action::{Step, merged};
use super::process_group::{Member, Members, UNKNOWN, families};
use super::shell::{typed_actions, unit_operands};
use super::{Fix, FixCode, RunAs, Situation, container, process, protected, service};
use crate::bind::text::{grouped, uncapitalised};
use crate::model::{
    Activation, Background, BehindKind, Engine, Holder, Limits, Manager, Owner, Pid, Process,
    Restarts, Supervisor, SupervisorKind, Text, Unit,
};

/// Identifies a group; the same for all of its sockets.
#[derive(PartialEq)]
enum OwnerGroup<'a> {
    SocketUnit(&'a Activation),
    /// The engine, the id and the name.
    Container(Option<Engine>, Option<&'a Text>, Option<&'a Text>),
    Unit(&'a Text),
    /// The first of them.
    Processes(Pid),
    /// The owner can't be seen.
    Hidden,
}

/// Makes the fixes of a group: those of its other sockets, which may be thousands, are not needed.
type MakeFixes<'a> = Box<dyn FnOnce() -> Vec<Fix> + 'a>;

/// Ends the sockets in the way: each is in the first fix that has a command, or is named in a sentence before it.
pub(in crate::bind) fn end_holders(situation: &Situation<'_>) -> Vec<Fix> {
    let mut groups: Vec<(OwnerGroup<'_>, MakeFixes<'_>)> = Vec::new();
    let mut processes: BTreeMap<Pid, Member<'_>> = BTreeMap::new();
    let mut at = None;
    for &holder in &situation.holders {
        if let Some(group) = of_socket(holder, situation) {
            groups.push(group);
            continue;
        }
        for process in holder.socket.owner.present() {
            let mut backgrounds = holder.backgrounds.iter();
            let background = backgrounds.find(|one| one.pid == process.pid);
            let member = (process, background.unwrap_or(&UNKNOWN));
            processes.entry(process.pid).or_insert(member);
            at.get_or_insert(groups.len());
        }
    }
    // The processes take the position of the first one found.
    let at = at.unwrap_or_default();
    let processes: Vec<_> = processes.into_values().collect();
    let families = families(&processes).into_iter();
    let families = families.map(|members| of_members(members, situation));
    groups.splice(at..at, families);
    let once = grouped(groups.into_iter()).into_iter();
    let of_groups = once.map(|(_, mut make)| make.swap_remove(0)()).collect();
    joined(of_groups, situation.limits)
}

/// Whether a process is a service manager, or its child before `exec`, which has every socket until then: it is called
/// `(nginx)`, and has executed the service or ended by the next check.
pub(in crate::bind) fn is_systemd(process: &Process) -> bool {
    let is_manager = |path: &str| path.ends_with("/systemd");
    process.pid == 1
        || &*process.comm == "systemd"
        || process.comm.starts_with('(')
        || process.executable.as_deref().is_none_or(is_manager)
}

/// The unit whose port it is.
fn server_unit(background: &Background) -> Option<&Unit> {
    let unit = background.unit.as_ref();
    unit.filter(|unit| unit.is_server == Some(true))
}

/// The group that owns the whole socket, regardless of process.
fn of_socket<'a>(
    holder: &'a Holder,
    situation: &'a Situation<'_>,
) -> Option<(OwnerGroup<'a>, MakeFixes<'a>)> {
    if let Some(activation) = &holder.activation {
        let stop = move || vec![stop_socket_unit(activation, holder, situation)];
        return Some((OwnerGroup::SocketUnit(activation), Box::new(stop)));
    }
    let served = holder.backgrounds.iter();
    let served = served.filter_map(|background| Some((background.behind.as_ref()?, background)));
    let hidden = holder.behind.as_ref().map(|behind| (behind, &UNKNOWN));
    let mut containers = served.chain(hidden);
    let container = containers.find(|(behind, _)| behind.kind == BehindKind::Container);
    let unit = match container {
        Some((_, background)) => server_unit(background),
        None => holder.hidden_unit.as_ref(),
    };
    if let Some(unit) = unit {
        let fixes = move || service::unit_fixes(unit, None, situation);
        return Some((OwnerGroup::Unit(&unit.name), Box::new(fixes)));
    }
    if let Some((behind, background)) = container {
        let (id, name) = (behind.id.as_ref(), behind.name.as_ref());
        let stop = move || vec![container::stop(behind, background, situation)];
        let group = OwnerGroup::Container(behind.engine, id, name);
        return Some((group, Box::new(stop)));
    }
    if holder.socket.owner == Owner::Hidden {
        let end = move || vec![end_hidden(holder, situation)];
        return Some((OwnerGroup::Hidden, Box::new(end)));
    }
    None
}

/// The group of processes that belong together, by the background of the first.
fn of_members<'a>(
    members: Members<'a>,
    situation: &'a Situation<'_>,
) -> (OwnerGroup<'a>, MakeFixes<'a>) {
    if let Some(unit) = server_unit(members.background) {
        let fixes = move || service::unit_fixes(unit, Some(&members), situation);
        return (OwnerGroup::Unit(&unit.name), Box::new(fixes));
    }
    let is_app = |kept_by: &&Supervisor| {
        use SupervisorKind as K;
        let has_own_command = matches!(
            kept_by.kind,
            K::Pm2 | K::Supervisord | K::Runit | K::Daemontools | K::S6 | K::Forever | K::Overmind
        );
        // A supervisor that listens itself is not an app.
        has_own_command && (kept_by.pid != Some(members.first.pid) || kept_by.name.is_some())
    };
    let kept_by = members.background.kept_by.as_ref().filter(is_app);
    let group = OwnerGroup::Processes(members.first.pid);
    let fixes = move || match kept_by {
        Some(kept_by) => service::app_fixes(kept_by, &members, situation),
        None => process::fixes(&members, situation),
    };
    (group, Box::new(fixes))
}

fn stop_socket_unit(activation: &Activation, holder: &Holder, situation: &Situation<'_>) -> Fix {
    let mut units: Vec<&str> = vec![&activation.socket_unit];
    let mut owners = holder.socket.owner.present().iter();
    let is_started = owners.any(|process| !is_systemd(process)) || holder.hidden_unit.is_some();
    // With `Accept=yes` each connection has an instance of the service, and none has the listener.
    if is_started && !activation.service.contains("@.") {
        units.push(&activation.service);
    }
    let text = format!("Stop the socket unit {}", activation.socket_unit);
    let Some(operands) = unit_operands(&units) else {
        return FixCode::StopSocketUnit.fix(text);
    };
    let manager = holder.manager.as_ref().unwrap_or(&Manager::System);
    let stop = service::systemctl(manager).with(["stop"]).with(operands);
    let fix = FixCode::StopSocketUnit.steps(text, vec![Step::Run(stop)]);
    service::by_manager(fix, manager, situation)
}

fn end_hidden(holder: &Holder, situation: &Situation<'_>) -> Fix {
    let behind = holder.behind.as_ref();
    // The only possible ssh session.
    if let Some(session) = behind.filter(|behind| behind.kind == BehindKind::SshSession) {
        let who = session.name.as_deref().unwrap_or_default();
        let escape = session.escape.as_deref().unwrap_or_default();
        let how = protected::by_escape(&format!("in the ssh session of {who}"), escape);
        return FixCode::CloseForward.fix(format!("Close only the forward: {how}"));
    }
    let user = holder.socket.user.as_ref();
    let process = match user {
        Some(user) => format!("{user}'s process"),
        None => "the process".to_owned(),
    };
    let sentence = match &situation.check_as_root {
        Some(command) => {
            format!("You aren't allowed to see {process}: `{command}` shows it and how to end it")
        }
        None if situation.limits.uid == Some(0) => {
            "Not even root can see this process from here: end it where it is visible".to_owned()
        }
        None => format!("You aren't allowed to see {process}: its user or root has to end it"),
    };
    FixCode::EndProcess.fix(sentence)
}

/// The fixes of a single group unchanged; for several, one fix that combines the first of each.
fn joined(mut of_groups: Vec<Vec<Fix>>, limits: &Limits) -> Vec<Fix> {
    of_groups.retain(|fixes| !fixes.is_empty());
    if of_groups.len() <= 1 {
        return of_groups.pop().unwrap_or_default();
    }
    let firsts = of_groups.iter().map(|fixes| fixes[0].clone());
    let (mut sentences, mut commands): (Vec<Fix>, Vec<Fix>) =
        firsts.partition(|fix| fix.command.is_none());
    if !sentences.is_empty() {
        // One of them has no command, so each is done separately.
        for fix in &mut commands {
            fix.warning = Some("Something else has the port as well.".into());
        }
        sentences.append(&mut commands);
        return sentences;
    }
    let warnings = commands.iter().filter_map(|fix| fix.warning.as_deref());
    let warnings: Vec<&str> = warnings.collect();
    let actions = merged(commands.iter().flat_map(|fix| fix.actions.clone()));
    let command = typed_actions(&actions, limits);
    let first = commands[0].code;
    let is_same = commands.iter().all(|fix| fix.code == first);
    let code = if is_same && first != FixCode::EndProcess {
        first
    } else {
        FixCode::EndProcesses
    };
    let mut run_as = commands.iter().map(|fix| &fix.run_as);
    let run_as = run_as.find(|run_as| **run_as != RunAs::User);
    let also_ends = commands.iter().flat_map(|fix| fix.also_ends.clone());
    // Of all of them nothing is certain if it is not of one.
    let mut restarts = [Restarts::Unknown, Restarts::Yes, Restarts::OnChange].into_iter();
    let restarts = restarts.find(|one| commands.iter().any(|fix| fix.restarts == *one));
    vec![Fix {
        run_as: run_as.cloned().unwrap_or(RunAs::User),
        also_ends: also_ends.collect(),
        restarts: restarts.unwrap_or(Restarts::No),
        warning: (!warnings.is_empty()).then(|| warnings.join(" ")),
        actions,
        ..code.command(text_of(&commands), command)
    }]
}

/// `Stop a.service, and end nginx (12) and nginx (13)`: a verb is written once.
fn text_of(fixes: &[Fix]) -> String {
    let texts = fixes.iter().map(|fix| &*fix.text);
    let by_verb = grouped(texts.map(|text| text.split_once(' ').unwrap_or((text, ""))));
    let parts = by_verb.iter().enumerate().map(|(at, (verb, what))| {
        let part = format!("{verb} {}", what.join(" and "));
        if at == 0 { part } else { uncapitalised(&part) }
    });
    parts.collect::<Vec<_>>().join(", and ")
}
