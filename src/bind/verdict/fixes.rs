//! The fixes of a verdict: the steps of its cause with the facts of the case, and what redirects change
//! about them.

use super::causes::Step;
use super::kind::{Kind, kind};
use super::words::Words;
use crate::bind::fix::reader::Reader;
use crate::bind::fix::{self, Fix, FixCode};
use crate::model::{Holder, Protocol, Redirect, SocketOptions};

impl Words<'_> {
    /// The fixes whose facts are all known.
    pub(super) fn fixes(&self, steps: &[Step]) -> Vec<Fix> {
        let mut fixes = self.fixes_of_port(steps);
        if let Some(redirect) = self.case.foreign_redirects().next() {
            let to = self.redirect_target(redirect);
            for fix in fixes.iter_mut().filter(|fix| fix.command.is_some()) {
                fix.warning
                    .get_or_insert_with(|| format!("Packets for the port still go to {to}."));
            }
            fixes.insert(0, delete_rule(redirect, &to));
        }
        fixes
    }

    /// `the container web (172.17.0.2:80)`, or what the rule says.
    fn redirect_target(&self, redirect: &Redirect) -> String {
        let mut targets = self.case.evidence.redirect_targets.iter();
        let target = targets.find(|target| target.address == redirect.to.address);
        let name = target.and_then(|target| target.name.as_ref());
        let lost = if redirect.to.is_unreachable {
            ", which is gone"
        } else {
            ""
        };
        name.map_or_else(
            || format!("{}{lost}", redirect.to.text),
            |name| format!("the container {name} ({})", redirect.to.text),
        )
    }

    /// The fixes of the steps, wherever packets go.
    fn fixes_of_port(&self, steps: &[Step]) -> Vec<Fix> {
        let reader = Reader::of(self.case.limits());
        let mut fixes: Vec<Fix> = Vec::new();
        for step in steps {
            match *step {
                // It was said already, and why.
                Step::Say(FixCode::OtherPort, ..)
                    if fixes.iter().any(|fix| fix.code == FixCode::OtherPort) => {}
                Step::EndHolders => fixes.extend(fix::end_holders(&self.situation())),
                Step::EndOrJoin => fixes.extend(self.end_or_join()),
                Step::Say(code, text, command) => fixes.extend(self.said(code, text, command)),
                Step::SayAsRoot(code, text, command) => {
                    fixes.extend(
                        self.said(code, text, command)
                            .map(|fix| reader.as_root(fix)),
                    );
                }
            }
        }
        fixes
    }

    /// The end of what has the port. A UDP port that several share already is joined instead; one that a server
    /// has alone is shared only if need be, as datagrams to one address then go to the last that bound it.
    fn end_or_join(&self) -> Vec<Fix> {
        let mut fixes = fix::end_holders(&self.situation());
        match self.join_udp() {
            Some(join) if self.is_shared() => {
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

    /// Whether several sockets have one address, or the port is for groups.
    fn is_shared(&self) -> bool {
        /// SSDP, WS-Discovery, mDNS and LLMNR.
        const OF_GROUPS: [u16; 4] = [1900, 3702, 5353, 5355];
        let blockers = &self.case.blockers;
        let locals = blockers.iter().map(|holder| &holder.socket.local);
        let mut others = locals.clone().enumerate();
        let mut is_twice =
            others.any(|(at, local)| locals.clone().skip(at + 1).any(|one| one == local));
        is_twice |= OF_GROUPS.contains(&self.case.port());
        is_twice
    }

    fn said(&self, code: FixCode, text: &str, command: &str) -> Option<Fix> {
        let text = self.fill(text)?;
        Some(match command {
            "" => Fix::sentence(code, text),
            command => Fix::command(code, text, self.fill(command)?),
        })
    }

    /// What the fixes have to end: what is in the way and does not end by itself.
    fn situation(&self) -> fix::Situation<'_> {
        let case = self.case;
        let is_ended = |holder: &&Holder| {
            !matches!(kind(holder, case.limits()), Kind::TimeWait | Kind::Orphan)
        };
        fix::Situation {
            holders: case.blockers.iter().copied().filter(is_ended).collect(),
            limits: case.limits(),
            protocol: case.protocol(),
            port: case.port(),
            look_as_root: self.as_root(),
        }
    }

    /// How a UDP server joins those that are there, where all of them let it.
    fn join_udp(&self) -> Option<Fix> {
        let case = self.case;
        if case.protocol() != Protocol::Udp {
            return None;
        }
        let options: Option<Vec<SocketOptions>> =
            case.blockers.iter().map(|holder| holder.options).collect();
        let options = options.filter(|options| !options.is_empty())?;
        let own = case.limits().uid?;
        let is_own = || {
            case.blockers
                .iter()
                .all(|holder| holder.socket.uid == Some(own))
        };
        if options.iter().all(|options| options.reuse_address) {
            let text =
                "Set SO_REUSEADDR in your server and share the port: all that have it allow that";
            return Some(Fix::sentence(FixCode::SetReuseAddress, text));
        }
        (options.iter().all(|options| options.reuse_port) && is_own()).then(|| {
            let text = "Set SO_REUSEPORT in your server and share the port: all that have it allow that to their own user";
            Fix::sentence(FixCode::SetReusePort, text)
        })
    }
}

/// What is to be done about a rule that sends packets elsewhere.
fn delete_rule(redirect: &Redirect, to: &str) -> Fix {
    let packets = if redirect.conditions.is_empty() {
        "Packets"
    } else {
        "Some of the packets"
    };
    let text = format!(
        "{packets} for the port go to {to} before a server here gets them: stop what is there, or delete the rule ({})",
        redirect.place
    );
    Fix::sentence(FixCode::ChangeConfig, text)
}
