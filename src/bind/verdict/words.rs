//! Facts put into words, and templates filled with them.
//!
//! `{name}` stands for a fact. Text in `[…]` is left out where a fact in it is unknown; outside, an
//! unknown fact leaves out the whole text.

use std::net::IpAddr;

use jiff::tz::TimeZone;

use super::super::Address;
use super::super::servers::Start;
use super::case::Case;
use super::commands::reserve;
use super::phrases::{
    capitalised, host_text, listed, owner_at_the_beginning, owner_of, place_text, seconds,
    unusual_place, user_of,
};
use crate::bind::fix::shell::unit_operands;
use crate::model::{Holder, Protocol, SocketOptions, State, counted};

/// The facts of one case in words.
pub(super) struct Words<'a> {
    pub(super) case: &'a Case<'a>,
    zone: &'a TimeZone,
}

impl<'a> Words<'a> {
    pub(super) const fn new(case: &'a Case<'a>, zone: &'a TimeZone) -> Self {
        Self { case, zone }
    }

    /// A template with its facts; `None` if one that it needs is unknown.
    pub(super) fn fill(&self, template: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['[', '{']) {
            text.push_str(&rest[..at]);
            let (inside, after) = bracketed(&rest[at..])?;
            if rest[at..].starts_with('{') {
                text.push_str(&self.fact(inside)?);
            } else if template_names_a_fact(inside) {
                text.push_str(&self.fill(inside).unwrap_or_default());
            } else {
                // Such as `[::]`, which is an address and no template.
                text.push_str(&rest[at..rest.len() - after.len()]);
            }
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }

    /// A fact by its name.
    fn fact(&self, name: &str) -> Option<String> {
        let case = self.case;
        let principal = case.principal();
        match name {
            "port" => Some(case.port().to_string()),
            "target" => Some(target_text(case)),
            "Target" => Some(match case.examination.target.address {
                Address::Every => capitalised(&target_text(case)),
                Address::Loopback | Address::One(_) | Address::Zoned(..) => target_text(case),
            }),
            "asked_addresses" => self.asked_addresses(),
            "who" => Some(owner_at_the_beginning(principal?)),
            "owner" => Some(owner_of(principal?)),
            "user" => user_of(principal?),
            "unit" => principal?.socket.unit.as_ref().map(ToString::to_string),
            "state" => Some(principal?.socket.state.to_string()),
            "where" => Some(places(self.case.of_same_owner())),
            "others" => self.others(),
            "address" => Some(host_text(
                principal?.socket.local.to_canonical().address,
                None,
            )),
            "since" => self.running_since(principal?),
            "peer" => principal?
                .socket
                .remote
                .map(|it| it.to_canonical().to_string()),
            "place" => unusual_place(principal?),
            "connections" => Some(counted(
                case.of_same_owner().count(),
                "connection",
                "connections",
            )),
            "connections_are" => {
                let count = case.of_same_owner().count();
                let verb = if count == 1 { "is" } else { "are" };
                Some(format!(
                    "{} {verb}",
                    counted(count, "connection", "connections")
                ))
            }
            "them" => Some(self.one_or("it", "them").to_owned()),
            "the_last" => Some(self.one_or("it", "the last").to_owned()),
            "Their_sockets" => Some(self.one_or("Its socket", "Their sockets").to_owned()),
            "nobody_listens" => Some(self.nobody_listens().to_owned()),
            "unsent" => self.unsent(),
            "left" => Some(format!("about {}", seconds(case.left()?))),
            "ends_by_itself" => Some(format!(
                "It ends by itself in about {}.",
                seconds(case.left()?)
            )),
            "behind" => super::phrases::behind(principal?),
            "kept" => super::phrases::kept(principal?),
            "is_doing" => Some(is_doing(principal?.socket.state).to_owned()),
            "still_bound" => self.still_bound(),
            "still_open" => self.still_open(),
            "reuse_hint" => self.reuse_hint(),
            "destroy" => self.destroy(),
            "as_root" => self.as_root(),
            "ipv6_switch" => (case.limits().is_ipv6_off == Some(true)
                && case.is_denied_with("EADDRNOTAVAIL"))
            .then(|| "sysctl net.ipv6.conf.all.disable_ipv6=0".to_owned()),
            "if_reuse_helps" => case.only_plain_is_refused().then(String::new),
            "reserve" => reserve(case.limits(), case.port()),
            "in_ephemeral" => self.ephemeral(),
            "first_unprivileged" => case.limits().unprivileged_from.map(|it| it.to_string()),
            "excluded_range" => case
                .excluded_range()
                .map(|range| format!("{}–{}", range.start(), range.end())),
            "protocol" => Some(case.protocol().as_str().to_owned()),
            "own_unit" => unit_operands(&[case.limits().unit.as_ref()?]),
            "namespace_caveat" => self.namespace_caveat(),
            "security_modules" => self.security_modules(),
            "denied_address" => case
                .denied_address()
                .map(|address| host_text(address, None)),
            "denied_plain" => case.denied_address().map(|address| address.to_string()),
            "error" => case.error().map(ToOwned::to_owned),
            "dump" => Some(self.dump()),
            _ => unreachable!("the test of all templates found a fact of this name: {name}"),
        }
    }

    /// The word for a single socket in the way, or the one for several of its kind.
    fn one_or(&self, one: &'static str, several: &'static str) -> &'static str {
        if self.case.alike().count() == 1 {
            one
        } else {
            several
        }
    }

    /// Who else has sockets of the same kind in the way: `beta (pid 2, ann) on 127.0.0.2:80`.
    fn others(&self) -> Option<String> {
        let first = &self.case.principal()?.socket.owner;
        let mut others: Vec<(String, Vec<&Holder>)> = Vec::new();
        for holder in self
            .case
            .alike()
            .filter(|holder| holder.socket.owner != *first)
        {
            let owner = owner_of(holder);
            match others.iter_mut().find(|(one, _)| *one == owner) {
                Some((_, holders)) => holders.push(holder),
                None => others.push((owner, vec![holder])),
            }
        }
        let told: Vec<_> = others
            .into_iter()
            .map(|(owner, holders)| format!("{owner} on {}", places(holders.into_iter())))
            .collect();
        (!told.is_empty()).then(|| listed(&told))
    }

    fn running_since(&self, holder: &Holder) -> Option<String> {
        if holder.activation.is_some() {
            return None;
        }
        // Of the process that is named: the first.
        let started = holder.socket.owner.present().first()?.started_at?;
        let started = started.to_zoned(self.zone.clone());
        let now = self.case.evidence.taken_at.wall.to_zoned(self.zone.clone());
        let format = if started.date() == now.date() {
            "%H:%M:%S"
        } else {
            "%Y-%m-%d %H:%M"
        };
        Some(started.strftime(format).to_string())
    }

    fn nobody_listens(&self) -> &'static str {
        let mut holders = self.case.evidence.holders.iter();
        if holders.any(|holder| holder.socket.state == State::Listen) {
            ""
        } else {
            "; no process listens any more"
        }
    }

    fn unsent(&self) -> Option<String> {
        let queues = self.case.alike().filter_map(|holder| holder.socket.queue);
        let bytes: u64 = queues.map(|queue| u64::from(queue.send)).sum();
        // A FIN that waits for its acknowledgement counts as one.
        (bytes > 1).then(|| counted(bytes, "byte", "bytes"))
    }

    /// What could be bound although something that was asked for can't.
    fn still_open(&self) -> Option<String> {
        if self.case.with_reuse_address == Start::Ok {
            return None;
        }
        let open: Vec<String> = self
            .case
            .open_addresses()
            .into_iter()
            .map(|(address, v6only)| host_text(address, v6only))
            .collect();
        (!open.is_empty()).then(|| format!("A server could still bind {}.", listed(&open)))
    }

    /// What still has the address that could not be bound.
    fn still_bound(&self) -> Option<String> {
        let address = self.case.denied_address()?;
        let mut holders = self.case.evidence.holders.iter();
        let holder = holders.find(|holder| holder.socket.local.address == address)?;
        let owner = owner_at_the_beginning(holder);
        let state = is_doing(holder.socket.state);
        Some(format!(
            "{owner} still {state} it: it was an address of this host when that began."
        ))
    }

    fn reuse_hint(&self) -> Option<String> {
        if self.case.protocol() == Protocol::Udp {
            return None;
        }
        if self.case.principal()?.socket.state == State::Listen {
            return None;
        }
        let they = self.one_or("it", "they");
        if self.case.with_reuse_address == Start::Ok {
            return Some(format!(
                "A server that sets SO_REUSEADDR can start all the same: {they} did so too."
            ));
        }
        let of = |options: SocketOptions| options.reuse_address;
        let mut known = self.case.alike().filter_map(|one| one.options.map(of));
        known.any(|has_it| !has_it).then(|| {
            let who = self.one_or("It did not", "Not all of them");
            format!("{who} set SO_REUSEADDR, so setting it in your server does not help.")
        })
    }

    /// The ephemeral range, if the port is in it.
    fn ephemeral(&self) -> Option<String> {
        let limits = self.case.limits();
        limits.is_ephemeral(self.case.port()).then(|| {
            let range = limits.ephemeral.clone().unwrap_or(0..=0);
            format!("{}–{}", range.start(), range.end())
        })
    }

    fn namespace_caveat(&self) -> Option<String> {
        let limits = self.case.limits();
        let has_it = limits.has_bind_capability == Some(true);
        (has_it && limits.is_in_user_namespace == Some(true)).then(|| {
            "and that of this user namespace does not count for the network namespace".to_owned()
        })
    }

    fn security_modules(&self) -> Option<String> {
        let modules = self.case.limits().security_modules.as_ref()?;
        let names: Vec<_> = modules.iter().map(ToString::to_string).collect();
        Some(names.join(", "))
    }

    /// What the table alone says of the addresses that were asked for.
    fn dump(&self) -> String {
        match self.case.principal() {
            None => "no socket on it".into(),
            Some(holder) => {
                let (owner, state) = (owner_of(holder), holder.socket.state);
                format!("{owner} on {} ({state})", place_text(holder))
            }
        }
    }

    /// What can be bound; a single address was named already.
    fn asked_addresses(&self) -> Option<String> {
        if self.case.examination.target.address.single().is_some() {
            return None;
        }
        let trials = self.case.asked_trials();
        let mut asked: Vec<String> = Vec::new();
        for trial in trials.filter(|trial| trial.probe.result.is_ok()) {
            let address = match (trial.probe.address, trial.probe.v6only) {
                (IpAddr::V4(v4), _) if v4.is_unspecified() => "every IPv4 address".to_owned(),
                (IpAddr::V6(v6), _) if v6.is_unspecified() => "every IPv6 address".to_owned(),
                (address, _) => host_text(address, None),
            };
            if !asked.contains(&address) {
                asked.push(address);
            }
        }
        Some(listed(&asked))
    }
}

/// What a socket in a state does, before its address.
const fn is_doing(state: State) -> &'static str {
    match state {
        State::Listen => "listens on",
        State::Bound | State::Unconn => "has bound",
        _ => "has a connection on",
    }
}

/// The addresses of these sockets, each once.
fn places<'a>(holders: impl Iterator<Item = &'a Holder>) -> String {
    let mut places: Vec<String> = Vec::new();
    for holder in holders {
        let place = place_text(holder);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    listed(&places)
}

/// The text between a bracket and the one that closes it, and what follows.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (open, close) = match text.chars().next()? {
        '[' => ('[', ']'),
        _ => ('{', '}'),
    };
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            return Some((&text[1..at], &text[at + 1..]));
        }
    }
    None
}

fn template_names_a_fact(inside: &str) -> bool {
    inside.contains('{')
}

/// The port, with its address and protocol where they were asked for.
fn target_text(case: &Case<'_>) -> String {
    let target = &case.examination.target;
    let text = target.to_string();
    let place = text.trim_end_matches("/udp");
    match (target.protocol, target.address) {
        (Protocol::Tcp, Address::Every) => format!("port {place}"),
        (Protocol::Tcp, _) => place.to_owned(),
        (_, Address::Every) => format!("UDP port {place}"),
        _ => format!("UDP {place}"),
    }
}
