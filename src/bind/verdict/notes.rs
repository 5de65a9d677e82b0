//! What is worth knowing beside the cause: one row for each kind of note.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::Address;
use super::kind::{Kind, kind};
use super::phrases::{listed, owner_of, place_text, user_of};
use super::words::Words;
use super::{Note, NoteCode};
use crate::bind::browsers_refuse as is_refused_by_browsers;
use crate::model::{AcceptQueue, Elsewhere, Fill, Protocol, counted};

type Tell = fn(&Words<'_>) -> Option<String>;

/// Every kind of note, in the order in which they are told.
#[rustfmt::skip]
static TABLE: &[(NoteCode, Tell)] = &[
    (NoteCode::SystemdSocket, systemd_socket),
    (NoteCode::AcceptQueueFull, accept_queue_full),
    (NoteCode::OtherUser, other_user),
    (NoteCode::ShareableReuseport, shareable_reuseport),
    (NoteCode::ShareableUdp, shareable_udp),
    (NoteCode::DeviceBound, device_bound),
    (NoteCode::LeftoverConnections, leftover_connections),
    (NoteCode::OtherAddressInUse, other_address_in_use),
    (NoteCode::OtherNamespace, other_namespace),
    (NoteCode::Redirected, redirected),
    (NoteCode::EphemeralRange, ephemeral_range),
    (NoteCode::ReservedPort, reserved_port),
    (NoteCode::BrowsersRefuse, browsers_refuse),
];

/// The notes on a case.
pub(super) fn of(words: &Words<'_>) -> Vec<Note> {
    let note = |&(code, tell): &(NoteCode, Tell)| {
        let message = tell(words)?;
        Some(Note { code, message })
    };
    TABLE.iter().filter_map(note).collect()
}

fn systemd_socket(words: &Words<'_>) -> Option<String> {
    let activation = words.case.principal()?.activation.as_ref()?;
    let (unit, service) = (&activation.socket_unit, &activation.service);
    Some(format!(
        "systemd opened this socket for {unit}; a first connection starts {service}. Stopping the service \
         alone doesn't free the port."
    ))
}

fn accept_queue_full(words: &Words<'_>) -> Option<String> {
    let holders = words.case.evidence.holders.iter();
    let mut queues =
        holders.filter_map(|holder| Some((AcceptQueue::of(&holder.socket)?, holder.has_stalled)));
    let (queue, has_stalled) = queues.find(|(queue, _)| queue.fill() == Fill::Full)?;
    let what = match has_stalled {
        Some(true) => ": the server accepted no connection in the last tenth of a second",
        Some(false) => ": the server accepts connections, but more slowly than clients connect",
        None => "",
    };
    Some(format!(
        "Its accept queue is full ({} waiting, backlog {}){what}.",
        queue.waiting, queue.backlog
    ))
}

fn other_user(words: &Words<'_>) -> Option<String> {
    let (case, own) = (words.case, words.case.limits().uid?);
    // Only what a server holds can be joined.
    let holder = case
        .principal()
        .filter(|one| one.socket.blocks_other_binds())?;
    let is_other = holder.socket.uid.is_some_and(|uid| uid != own);
    let user = is_other.then(|| user_of(holder)).flatten()?;
    Some(format!(
        "It belongs to {user}: only a server of the same user could share the port with SO_REUSEPORT."
    ))
}

fn shareable_reuseport(words: &Words<'_>) -> Option<String> {
    let case = words.case;
    let mut listening = case
        .blockers
        .iter()
        .filter(|one| one.socket.blocks_other_binds())
        .peekable();
    listening.peek()?;
    let allows =
        |holder: &&crate::model::Holder| holder.options.is_some_and(|options| options.reuse_port);
    if !listening.all(allows) {
        return None;
    }
    let user = user_of(case.principal()?)?;
    Some(format!(
        "It set SO_REUSEPORT: another server of {user} that sets it too can share the port."
    ))
}

fn shareable_udp(words: &Words<'_>) -> Option<String> {
    let case = words.case;
    let is_udp = case.protocol() == Protocol::Udp && !case.blockers.is_empty();
    let allows =
        |holder: &crate::model::Holder| holder.options.is_some_and(|options| options.reuse_address);
    (is_udp && case.blockers.iter().all(|holder| allows(holder))).then(|| {
        "It set SO_REUSEADDR: a UDP socket of any user that sets it too can be bound beside it. All of them get \
         multicast and broadcast datagrams; any other datagram goes to the one that was bound last."
            .to_owned()
    })
}

fn device_bound(words: &Words<'_>) -> Option<String> {
    let holders = words.case.blockers.iter();
    let interfaces: Option<Vec<_>> = holders
        .map(|holder| holder.socket.interface.as_ref())
        .collect();
    let mut names: Vec<String> = interfaces?.into_iter().map(ToString::to_string).collect();
    names.dedup();
    let (first, rest) = names.split_first()?;
    let s = if rest.is_empty() { "" } else { "s" };
    let who = if words.case.blockers.len() == 1 {
        "It is"
    } else {
        "All of them are"
    };
    Some(format!(
        "{who} bound to the interface{s} {}: a server that is bound to another one can start.",
        if rest.is_empty() {
            first.clone()
        } else {
            listed(&names)
        }
    ))
}

/// Connections that are no cause by themselves, or not the first.
fn leftover_connections(words: &Words<'_>) -> Option<String> {
    let case = words.case;
    let first = case.principal().map(|holder| kind(holder, case.limits()));
    let left: Vec<_> = [Kind::TimeWait, Kind::Orphan, Kind::Accepted]
        .into_iter()
        .filter(|&kind| Some(kind) != first)
        // What a live listener serves is no leftover.
        .filter(|&kind| kind != Kind::Accepted || first != Some(Kind::Listener))
        .filter_map(|kind| {
            let count = case.others(kind).count();
            let state = match kind {
                Kind::TimeWait => "in TIME_WAIT",
                Kind::Orphan => "still closing",
                _ => "of an old server",
            };
            (count > 0).then(|| format!("{} {state}", counted(count, "connection", "connections")))
        })
        .collect();
    (!left.is_empty()).then(|| format!("The port also has {}.", listed(&left)))
}

fn other_address_in_use(words: &Words<'_>) -> Option<String> {
    let case = words.case;
    let others: Vec<_> = case
        .bystanders()
        .map(|holder| format!("{} has {}", owner_of(holder), place_text(holder)))
        .collect();
    let is_loopback = match case.examination.target.address {
        Address::Every | Address::Loopback => true,
        Address::Zoned(..) => false,
        Address::One(one) => one == Ipv4Addr::LOCALHOST || one == Ipv6Addr::LOCALHOST,
    };
    let either = if is_loopback {
        " A client that connects to localhost may reach either."
    } else {
        ""
    };
    let others = (!others.is_empty()).then(|| listed(&others))?;
    Some(format!(
        "The port is in use on other addresses: {others}.{either}"
    ))
}

/// Where something is in the way here, what is elsewhere only confuses.
fn other_namespace(words: &Words<'_>) -> Option<String> {
    if words.case.is_refused() {
        return None;
    }
    let elsewhere = &words.case.evidence.elsewhere;
    let uses: Vec<_> = elsewhere.iter().map(use_elsewhere).collect();
    (!uses.is_empty()).then(|| {
        format!(
            "The port is also in use in another network namespace: {}. That keeps no server from binding it here.",
            listed(&uses)
        )
    })
}

/// `nginx (pid 12, web) has 0.0.0.0:80`, or the namespace where the owner can't be seen.
fn use_elsewhere(one: &Elsewhere) -> String {
    let place = one
        .placed_in
        .as_ref()
        .map(|place| format!(", {place}"))
        .unwrap_or_default();
    match &one.owner {
        Some(owner) => format!(
            "{} (pid {}{place}) has {}",
            owner.name, owner.pid, one.local
        ),
        None => format!("{} in that of pid {}{place}", one.local, one.member),
    }
}

/// More redirects than this are counted, not said.
const MOST_REDIRECTS: usize = 4;

fn redirected(words: &Words<'_>) -> Option<String> {
    let redirects = words.case.foreign_redirects();
    // Packets that the same target gets are said together, and so are the targets of the same packets:
    // mostly one for each version of IP.
    let mut by_target: Vec<(String, Vec<String>)> = Vec::new();
    for redirect in redirects {
        let (target, packets) = (redirect.target(), redirect.packets("this port"));
        match by_target.iter_mut().find(|(other, _)| *other == target) {
            Some((_, all)) => all.push(packets),
            None => by_target.push((target, vec![packets])),
        }
    }
    let mut by_packets: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (target, packets) in by_target {
        match by_packets.iter_mut().find(|(other, _)| *other == packets) {
            Some((_, targets)) => targets.push(target),
            None => by_packets.push((packets, vec![target])),
        }
    }
    let sentence = |(packets, targets): &(Vec<String>, Vec<String>)| {
        let comma = if packets.len() > 1 { "," } else { "" };
        let (packets, targets) = (packets.join(", and "), targets.join(" and to "));
        format!("{packets}{comma} go to {targets}")
    };
    let mut said: Vec<_> = by_packets
        .iter()
        .take(MOST_REDIRECTS)
        .map(sentence)
        .collect();
    let more = by_packets.len().saturating_sub(MOST_REDIRECTS);
    if more > 0 {
        let rules = counted(more, "more rule does", "more rules do");
        said.push(format!("{rules} so too"));
    }
    let said = said.join("; ");
    let (first, rest) = said.split_at_checked(1)?;
    let first = first.to_uppercase();
    Some(format!(
        "{first}{rest}: a server that binds the port may never see them."
    ))
}

fn ephemeral_range(words: &Words<'_>) -> Option<String> {
    words.fill(
        "{port} is in the ephemeral range {in_ephemeral}: the kernel may give it to an outgoing connection \
         at any time.",
    )
}

fn reserved_port(words: &Words<'_>) -> Option<String> {
    let case = words.case;
    case.limits().is_reserved(case.port()).then(|| {
        format!(
            "{} is reserved in net.ipv4.ip_local_reserved_ports: the kernel gives it to no outgoing \
             connection; a program that asks for it by number gets it.",
            case.port()
        )
    })
}

/// Only where a person may mean to serve pages: ports below 1024 have other uses.
fn browsers_refuse(words: &Words<'_>) -> Option<String> {
    let (case, port) = (words.case, words.case.port());
    let is_meant = case.protocol() == Protocol::Tcp && port >= 1024;
    (is_meant && is_refused_by_browsers(port)).then(|| {
        format!("Browsers refuse to connect to port {port}, whatever listens there; other clients don't.")
    })
}
