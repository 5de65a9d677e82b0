//! The fixes of causes, with exact commands for this case, and changes because of redirects.

use std::collections::BTreeSet;

use super::case::{Case, Kind};
use super::phrases::seconds;
use crate::bind::fix::shell::{check_command, in_namespace, in_namespace_words};
use crate::bind::fix::{self, Fix, FixCode, Frees};
use crate::bind::text::{after, unique};
use crate::model::{Holder, Limits, Protocol, SocketOptions, State};

/// The most addresses in a useful command.
const MAX_ADDRESSES: usize = 4;

/// SSDP, WS-Discovery, mDNS and LLMNR.
const MULTICAST_PORTS: [u16; 4] = [1900, 3702, 5353, 5355];

pub(super) fn other_port() -> Fix {
    FixCode::OtherPort.fix("Use another port")
}

impl<'a> Case<'a> {
    /// The fixes of a cause as printed, with additions for redirects.
    pub(super) fn finish(&self, mut fixes: Vec<Fix>) -> Vec<Fix> {
        let is_other_port = |fix: &&Fix| fix.code == FixCode::OtherPort;
        if fixes.iter().filter(is_other_port).count() > 1 && fixes.last() == Some(&other_port()) {
            // An earlier fix says so and why.
            fixes.pop();
        }
        if let Some(redirect) = self.foreign_redirects().next() {
            // `the container web (172.17.0.2:80)`, or the target that the rule names.
            let mut targets = self.evidence.redirect_targets.iter();
            let target = targets.find(|target| target.address == redirect.to.address);
            let to = &redirect.to.text;
            let to = match target.and_then(|target| target.name.as_ref()) {
                Some(name) => format!("the container {name} ({to})"),
                None if redirect.to.is_unreachable => format!("{to}, which is gone"),
                None => to.to_string(),
            };
            for fix in fixes.iter_mut().filter(|fix| fix.command.is_some()) {
                fix.warning
                    .get_or_insert_with(|| format!("Packets for the port still go to {to}."));
            }
            let packets = match redirect.conditions.as_slice() {
                [] => "Packets",
                _ => "Some of the packets",
            };
            let text = format!(
                "{packets} for the port go to {to} before a server here gets them: stop what is there, or delete \
                 the rule ({})",
                redirect.place
            );
            fixes.insert(0, FixCode::ChangeConfig.fix(text));
        }
        fixes
    }

    /// A command that changes the network, by root.
    pub(super) fn as_root(&self, code: FixCode, text: impl Into<String>, command: &str) -> Fix {
        let text = text.into();
        if let Some(command) = in_namespace(command, self.limits) {
            return code.command(text, command).by_root(self.limits);
        }
        let command = in_namespace_words(command, self.limits);
        code.fix(format!("{text}: as root, {command}"))
    }

    /// A command that only reads the network, for a sentence.
    pub(super) fn in_namespace(&self, command: &str) -> String {
        in_namespace_words(command, self.limits)
    }

    /// Ends the sockets in the way, apart from those that end by themselves and those of the program whose call failed:
    /// ended, it could not bind the port either.
    pub(super) fn end_holders(&self) -> Vec<Fix> {
        let has_process =
            |holder: &&Holder| !matches!(self.kind(holder), Kind::TimeWait | Kind::Orphan);
        let blockers = self.blockers.iter().copied().filter(has_process);
        let (own, others): (Vec<_>, Vec<_>) =
            blockers.partition(|holder| self.caller_in(holder).is_some());
        let mut fixes = fix::end_holders(&fix::Situation {
            holders: others,
            limits: self.limits,
            protocol: self.result.target.protocol,
            port: self.port(),
            check_as_root: self.check_as_root(),
        });
        if let Some(own) = own.first().and_then(|own| self.bind_once(own)) {
            for fix in fixes.iter_mut().filter(|fix| fix.command.is_some()) {
                let why = "The program has the port itself as well.";
                fix.warning.get_or_insert_with(|| why.to_owned());
                fix.frees = Frees::No;
            }
            fixes.insert(0, own);
        }
        for fix in fixes.iter_mut().filter(|fix| fix.command.is_some()) {
            self.warn_of_time_wait(fix);
        }
        fixes
    }

    /// A connection whose own end is closed first stays in `TIME_WAIT` for a minute, so that ending its process frees the
    /// port only then, at least for a server without `SO_REUSEADDR`.
    fn warn_of_time_wait(&self, fix: &mut Fix) {
        let stays = |holder: &&Holder| {
            use State as S;
            let state = holder.socket.state;
            let is_open = matches!(
                state,
                S::Established | S::FinWait1 | S::FinWait2 | S::Closing
            );
            is_open && holder.socket.protocol == Protocol::Tcp && holder.socket.inode.is_some()
        };
        let blockers = self.blockers.iter().copied();
        let connections: Vec<_> = blockers.filter(stays).collect();
        let stay = match connections.len() {
            0 => return,
            1 => "Its connection may then stay",
            _ => "Its connections may then stay",
        };
        let reuses = |holder: &&Holder| holder.options.is_some_and(|one| one.reuse_address);
        let mut trials = self.target_trials().map(|trial| &trial.probe);
        let is_plain = self.result.caller_pid.is_some() && !trials.any(|probe| probe.reuse_address);
        let is_shared = connections.iter().all(reuses);
        let server = if is_shared {
            "no server without SO_REUSEADDR"
        } else {
            "no server"
        };
        let warning = format!("{stay} in TIME_WAIT for a minute, in which {server} can start.");
        fix.warning = Some(match fix.warning.take() {
            Some(before) => format!("{before} {warning}"),
            None => warning,
        });
        if !is_shared || is_plain {
            fix.frees = Frees::No;
        }
    }

    /// What a program has to do whose own socket is in the way of its call.
    fn bind_once(&self, own: &'a Holder) -> Option<Fix> {
        let who = self.caller_in(own)?.name_and_pid();
        let does = match self.kind(own) {
            Kind::Listener | Kind::Bound | Kind::Udp => "bind the port only once",
            _ => "close its connection before it binds the port",
        };
        let text = format!("Have {who} {does}, or use another port for one of its sockets");
        Some(FixCode::OtherPort.fix(text))
    }

    /// Ends the sockets in the way or joins them. A UDP port that several sockets share, or of multicast, is joined
    /// first; one that a server has alone is shared last, as datagrams to one address then go to the socket that was
    /// bound last.
    pub(super) fn end_or_join(&self) -> Vec<Fix> {
        let mut fixes = self.end_holders();
        let mut locals: Vec<_> = self.blockers.iter().map(|it| it.socket.local).collect();
        locals.sort_unstable();
        let is_shared =
            MULTICAST_PORTS.contains(&self.port()) || locals.windows(2).any(|two| two[0] == two[1]);
        match self.join_udp() {
            Some(join) if is_shared => {
                for fix in &mut fixes {
                    let why = "They share the port, and none of them has to end.";
                    fix.warning.get_or_insert_with(|| why.to_owned());
                }
                fixes.insert(0, join);
            }
            join => fixes.extend(join),
        }
        fixes
    }

    /// How a UDP server can share the port, if the options of all sockets on it allow that.
    fn join_udp(&self) -> Option<Fix> {
        let holders = self.blockers.iter();
        let options: Option<Vec<SocketOptions>> = holders.map(|holder| holder.options).collect();
        let options = options.filter(|options| self.is_udp() && !options.is_empty())?;
        let own = self.limits.uid?;
        if options.iter().all(|options| options.reuse_address) {
            let text =
                "Set SO_REUSEADDR in your server and share the port: all sockets on it allow that";
            return Some(FixCode::SetReuseAddress.fix(text));
        }
        let are_own = self.blockers.iter().all(|it| it.socket.uid == Some(own));
        (are_own && options.iter().all(|options| options.reuse_port)).then(|| {
            let text = "Set SO_REUSEPORT in your server and share the port: all sockets on it allow that to their \
                        own user";
            FixCode::SetReusePort.fix(text)
        })
    }

    pub(super) fn set_reuse_address(&self) -> Option<Fix> {
        let fix = FixCode::SetReuseAddress.fix("Set SO_REUSEADDR in your server");
        self.only_plain_is_refused().then_some(fix)
    }

    pub(super) fn wait(&self) -> Option<Fix> {
        let text = format!("Wait {}", seconds(self.time_left()?));
        Some(FixCode::Wait.fix(text))
    }

    pub(super) fn move_server(&self) -> Option<Fix> {
        let range = self.ephemeral_range()?;
        let text = format!("Move the server out of the ephemeral range {range}");
        Some(FixCode::MoveServer.fix(text))
    }

    pub(super) fn reserve_port(&self) -> Option<Fix> {
        let command = reserve(self.limits, self.port())?;
        let text = "Reserve the port, so that the kernel gives it to no client";
        Some(self.as_root(FixCode::ReservePort, text, &command))
    }

    /// Has the kernel drop sockets that no process needs; it would only hide a listener.
    pub(super) fn drop_connections(&self) -> Option<Fix> {
        let states = self.alike().map(|holder| match holder.socket.state {
            State::TimeWait => Some("state time-wait"),
            State::FinWait1 => Some("state fin-wait-1"),
            State::FinWait2 => Some("state fin-wait-2"),
            State::Closing => Some("state closing"),
            State::LastAck => Some("state last-ack"),
            State::CloseWait => Some("state close-wait"),
            State::Established => Some("state established"),
            _ => None,
        });
        let states: Vec<&str> = unique(states).into_iter().collect::<Option<_>>()?;
        // Not other connections on the port, on other addresses.
        let locals: BTreeSet<_> = self.alike().map(|holder| holder.socket.local).collect();
        let sources: Vec<_> = locals.iter().map(|local| format!("src {local}")).collect();
        let command = format!("ss -Kt {} '{}'", states.join(" "), sources.join(" or "));
        let text = format!("Have the kernel drop {}", self.one_or("it", "them"));
        let fix = self.as_root(FixCode::CloseConnections, text, &command);
        // The program whose call failed can close its own.
        let is_callers = self.alike().any(|holder| self.caller_in(holder).is_some());
        let is_of_use = !self.is_udp() && !is_callers && locals.len() <= MAX_ADDRESSES;
        is_of_use.then_some(fix)
    }

    /// The command that shows more as root, if this user can become root.
    pub(super) fn check_as_root(&self) -> Option<String> {
        let can_become_root = self.limits.uid != Some(0) && !self.limits.is_confined;
        let target = self.result.target.to_string();
        let command = check_command(&target, self.limits);
        let command = command.filter(|_| can_become_root)?;
        Some(format!("sudo {command}"))
    }

    pub(super) fn run_as_root(&self) -> Option<Fix> {
        let command = self.check_as_root()?;
        let text = format!("Run `{command}`: root may see what has it");
        Some(FixCode::EndProcess.fix(text))
    }
}

/// The command that reserves the port in its namespace, so that no client gets it, unless it is already reserved.
pub(in crate::bind) fn reserve(limits: &Limits, port: u16) -> Option<String> {
    let reserved = limits
        .reserved
        .as_ref()
        .filter(|_| limits.is_ephemeral(port))?;
    let ranges = reserved.iter().map(|range| {
        let last = (range.start() != range.end()).then(|| range.end());
        format!("{}{}", range.start(), after("-", last))
    });
    let all: Vec<_> = ranges.chain([port.to_string()]).collect();
    let all = all.join(",");
    Some(format!("sysctl net.ipv4.ip_local_reserved_ports={all}"))
}
