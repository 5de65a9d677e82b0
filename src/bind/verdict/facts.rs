//! The facts of one case: the error that decides it, and what else is known, in words. Unknown facts are `None`, or
//! empty for a part of a sentence.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::case::Case;
use super::phrases::{
    behind_text, host_text, local_text, locals_text, owner_first, owner_of, owner_with,
    restarts_text, seconds, unusual_descriptor,
};
use crate::bind::text::{after, grouped};
use crate::bind::{Address, Outcome, Probe, ProbeResult, Start};
use crate::model::{Holder, Protocol, Readiness, State, counted, listed};

impl<'a> Case<'a> {
    /// The first bind that failed with another error than "in use", which hides whether the port is taken, and that
    /// error. A family that this system lacks does not count.
    pub(super) fn denial(&self) -> Option<(IpAddr, &'a ProbeResult)> {
        let probes = self.target_trials().map(|trial| &trial.probe);
        let results = probes.map(|probe| (probe.address, &probe.result));
        let mut others = results.filter(|(_, result)| !result.is_ok() && !result.is_in_use());
        others.find(|(_, result)| !self.result.is_family_missing(result))
    }

    pub(super) fn is_denied_with(&self, errno: &str) -> bool {
        self.denial().is_some_and(|(_, result)| result.is(errno))
    }

    pub(super) fn denied_address(&self) -> Option<IpAddr> {
        self.denial().map(|(address, _)| address)
    }

    pub(super) fn is_ipv6_off(&self) -> bool {
        let is_v6 = matches!(self.denied_address(), Some(IpAddr::V6(_)));
        let is_off = is_v6 && self.limits.is_ipv6_off == Some(true);
        self.is_denied_with("EAFNOSUPPORT") || self.is_denied_with("EADDRNOTAVAIL") && is_off
    }

    /// Whether the address whose bind failed is one of this host that is not usable for this reason.
    pub(super) fn is_unready(&self, readiness: Readiness) -> bool {
        let mut unready = self.limits.unready.iter();
        self.is_denied_with("EADDRNOTAVAIL")
            && unready.any(|&(address, why)| {
                why == readiness && self.denied_address() == Some(IpAddr::V6(address))
            })
    }

    /// Whether the address whose bind failed is link-local and lacks its interface.
    pub(super) fn needs_scope(&self) -> bool {
        let address = self.denied_address();
        self.is_denied_with("EINVAL")
            && matches!(address, Some(IpAddr::V6(v6)) if v6.is_unicast_link_local())
    }

    /// Whether the bind failed because its address can't be bound here, whatever else has the port.
    pub(super) fn lacks_address(&self) -> bool {
        self.is_denied_with("EADDRNOTAVAIL")
            || self.is_denied_with("EAFNOSUPPORT")
            || self.needs_scope()
    }

    /// Whether the capability to bind the port is one that the network namespace does not honour.
    pub(super) fn is_capability_foreign(&self) -> bool {
        let limits = self.limits;
        limits.has_bind_capability == Some(true) && limits.is_in_user_namespace == Some(true)
    }

    /// Whether the bind failed because the port needs a privilege that this process lacks, as far as that is known.
    pub(super) fn lacks_privilege(&self) -> bool {
        let has_it = self.limits.has_bind_capability == Some(true) && !self.is_capability_foreign();
        self.is_denied_with("EACCES") && self.limits.is_privileged(self.port()) && !has_it
    }

    /// The range that Windows has set aside, if the bind failed because the port is in it.
    pub(super) fn excluded_range(&self) -> Option<&'a RangeInclusive<u16>> {
        let is_denied = self.is_denied_with("EACCES");
        let mut ranges = self.limits.excluded.iter().flatten().filter(|_| is_denied);
        ranges.find(|range| range.contains(&self.port()))
    }

    /// The target at the beginning of a sentence: `Port 80`, `127.0.0.1:80`, `UDP port 53`.
    pub(super) fn target_first(&self) -> String {
        let target = &self.result.target;
        let text = target.to_string();
        let text = text.trim_end_matches("/udp");
        match (target.protocol, target.address) {
            (Protocol::Tcp, Address::Every) => format!("Port {text}"),
            (Protocol::Tcp, _) => text.to_owned(),
            (_, Address::Every) => format!("UDP port {text}"),
            _ => format!("UDP {text}"),
        }
    }

    pub(super) fn denied_host(&self) -> String {
        self.denied_address().map_or_else(String::new, host_text)
    }

    /// The table's content, if an error hides whether the port is in use.
    pub(super) fn table_shows(&self) -> String {
        let shown = match self.main_holder() {
            None => "no socket on it".to_owned(),
            Some(holder) => {
                let (owner, local) = (owner_of(holder), local_text(holder));
                format!("{owner} on {local} ({})", holder.socket.state)
            }
        };
        format!("A bind can't show whether the port is in use. The socket table shows {shown}.")
    }

    pub(super) fn who(&self) -> String {
        self.main_holder().map_or_else(String::new, owner_first)
    }

    /// The addresses of the main holder's owner.
    pub(super) fn locals(&self) -> String {
        locals_text(self.of_same_owner())
    }

    pub(super) fn peer(&self) -> Option<String> {
        let remote = self.main_holder()?.socket.remote?;
        Some(remote.to_canonical().to_string())
    }

    /// Other owners of sockets of the same kind: `beta (pid 2, ann) on 127.0.0.2:80`.
    pub(super) fn others(&self) -> Option<String> {
        let first = &self.main_holder()?.socket.owner;
        let others = self.alike().filter(|holder| holder.socket.owner != *first);
        let others = grouped(others.map(|holder| (owner_of(holder), holder))).into_iter();
        let others = others.map(|(owner, all)| format!("{owner} on {}", locals_text(all)));
        Some(listed(others)).filter(|others| !others.is_empty())
    }

    /// A summary that says of the most important socket in the way that it is the program's own, if it is.
    pub(super) fn of_caller(&self, outcome: Outcome, summary: String) -> String {
        let caller = self.main_holder().and_then(|one| self.caller_in(one));
        if caller.is_none() || outcome != Outcome::InUse {
            return summary;
        }
        // A name at the beginning is spelled as it is.
        let summary = match summary.strip_prefix("An ") {
            Some(rest) => format!("an {rest}"),
            None => summary,
        };
        format!("The program has the port itself: {summary}")
    }

    /// The main holder's owner with its start: `nginx (pid 812, root, running since 12:00:00)`.
    pub(super) fn who_since(&self) -> String {
        match self.running_since() {
            Some((holder, since)) => owner_with(holder, Some(since)),
            None => self.who(),
        }
    }

    /// `running since 12:00:00`, of the process that is named: the first of the main holder.
    fn running_since(&self) -> Option<(&'a Holder, String)> {
        let holder = self.main_holder().filter(|it| it.activation.is_none())?;
        let started = holder.socket.owner.present().first()?.started_at?;
        let times = [started, self.evidence.taken_at.wall];
        let [started, now] = times.map(|time| time.to_zoned(self.zone.clone()));
        let is_today = started.date() == now.date();
        let format = if is_today { "%H:%M:%S" } else { "%F %H:%M" };
        Some((
            holder,
            format!("running since {}", started.strftime(format)),
        ))
    }

    /// Details of the main holder: what it serves, its supervisor, where its descriptor is, and addresses still free.
    pub(super) fn about_owner(&self) -> [Option<String>; 4] {
        let of_holder = |text: fn(&Holder) -> Option<String>| self.main_holder().and_then(text);
        let [behind, restarts, descriptor] =
            [behind_text, restarts_text, unusual_descriptor].map(of_holder);
        [behind, restarts, descriptor, self.still_open()]
    }

    /// The same of a connection.
    pub(super) fn about_connection(&self) -> [Option<String>; 3] {
        let descriptor = self.main_holder().and_then(unusual_descriptor);
        [self.reuse_hint(), descriptor, self.still_open()]
    }

    /// The addresses that can be bound although the target can't.
    pub(super) fn still_open(&self) -> Option<String> {
        let open = self.decisive_trials().map(|trial| &trial.probe);
        let open: Vec<&Probe> = open.filter(|probe| probe.result.is_ok()).collect();
        match open.as_slice() {
            _ if self.with_reuse_address == Start::Ok => None,
            [] => None,
            [one] if one.is_v6_wildcard() => {
                let host = host_text(one.address);
                Some(format!("An IPv6-only server could still bind {host}."))
            }
            open => {
                let hosts = open.iter().map(|probe| {
                    let only = probe.is_v6_wildcard().then_some(" (IPv6 only)");
                    host_text(probe.address) + only.unwrap_or_default()
                });
                Some(format!("A server could still bind {}.", listed(hosts)))
            }
        }
    }

    /// Whether `SO_REUSEADDR` helps, unless something listens.
    pub(super) fn reuse_hint(&self) -> Option<String> {
        if self.is_udp() || self.main_holder()?.socket.state == State::Listen {
            return None;
        }
        if self.with_reuse_address == Start::Ok {
            let sockets = self.one_or("this socket", "these sockets");
            return Some(format!(
                "A server that sets SO_REUSEADDR can still start, because {sockets} set it too."
            ));
        }
        let mut known = self.alike().filter_map(|holder| holder.options);
        known.any(|options| !options.reuse_address).then(|| {
            let who = self.one_or("It didn't", "Not all of them");
            format!("{who} set SO_REUSEADDR, so setting it in your server doesn't help.")
        })
    }

    /// `3 connections`, of the main holder's owner.
    pub(super) fn connections(&self) -> String {
        counted(self.of_same_owner().count(), "connection", "connections")
    }

    /// The word for one socket of the main holder's kind, or for several.
    pub(super) fn one_or(&self, one: &'static str, several: &'static str) -> &'static str {
        match self.alike().count() {
            1 => one,
            _ => several,
        }
    }

    pub(super) fn ends_by_itself(&self) -> Option<String> {
        let left = seconds(self.time_left()?);
        Some(format!("It ends by itself in {left}."))
    }

    /// `; the last ends in about 40 s`
    pub(super) fn last_ends(&self) -> String {
        let last = self.one_or("it", "the last");
        let left = self.time_left().map(seconds);
        after(&format!("; {last} ends in "), left)
    }
}
