//! Notes besides the cause: one row for each kind.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::case::{Case, Kind};
use super::phrases::{local_text, owner_of, user_of};
use super::{Note, NoteCode};
use crate::bind::text::{after, capitalised, grouped};
use crate::bind::{Address, browsers_refuse as is_refused_by_browsers};
use crate::model::{AcceptQueue, Elsewhere, Fill, Holder, counted, listed};

/// The sentence of a note, if it applies.
type Message = fn(&Case<'_>) -> Option<String>;

static TABLE: &[(NoteCode, Message)] = &[
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

pub(super) fn of(case: &Case<'_>) -> Vec<Note> {
    let notes = TABLE.iter().filter_map(|&(code, message)| {
        let message = message(case)?;
        Some(Note { code, message })
    });
    notes.collect()
}

fn systemd_socket(case: &Case<'_>) -> Option<String> {
    let activation = case.main_holder()?.activation.as_ref()?;
    let (unit, service) = (&activation.socket_unit, &activation.service);
    Some(format!(
        "systemd opened this socket for {unit}; a first connection starts {service}. Stopping the service alone \
         doesn't free the port."
    ))
}

fn accept_queue_full(case: &Case<'_>) -> Option<String> {
    let holders = case.evidence.holders.iter();
    let mut queues =
        holders.filter_map(|holder| Some((AcceptQueue::of(&holder.socket)?, holder.has_stalled)));
    let (queue, has_stalled) = queues.find(|(queue, _)| queue.fill() == Fill::Full)?;
    let why = match has_stalled {
        Some(true) => ": the server accepted no connection in the last tenth of a second",
        Some(false) => ": the server accepts connections, but more slowly than clients connect",
        None => "",
    };
    let (waiting, backlog) = (queue.waiting, queue.backlog);
    Some(format!(
        "Its accept queue {} full ({waiting} waiting, backlog {backlog}){why}.",
        case.in_tense("is", "was")
    ))
}

/// Only sockets that block other binds can be joined.
fn other_user(case: &Case<'_>) -> Option<String> {
    let own = case.limits.uid?;
    let holder = case.main_holder()?;
    let is_other = holder.socket.uid.is_some_and(|uid| uid != own);
    let can_join = is_other && holder.socket.blocks_other_binds();
    let user = user_of(holder).filter(|_| can_join)?;
    Some(format!(
        "It belongs to {user}: only a server of the same user could share the port with SO_REUSEPORT."
    ))
}

fn shareable_reuseport(case: &Case<'_>) -> Option<String> {
    let servers = case.blockers.iter().copied();
    let servers: Vec<_> = servers
        .filter(|one| one.socket.blocks_other_binds())
        .collect();
    let shares = |one: &&Holder| one.options.is_some_and(|options| options.reuse_port);
    let is_shareable = !servers.is_empty() && servers.iter().all(shares);
    let user = user_of(case.main_holder()?).filter(|_| is_shareable)?;
    Some(format!(
        "It set SO_REUSEPORT: another server of {user} that sets it too can share the port."
    ))
}

fn shareable_udp(case: &Case<'_>) -> Option<String> {
    let allows = |holder: &&Holder| holder.options.is_some_and(|options| options.reuse_address);
    let is_shareable = case.is_udp() && case.blockers.iter().all(allows);
    (is_shareable && !case.blockers.is_empty()).then(|| {
        "It set SO_REUSEADDR: a UDP socket of any user that sets it too can be bound beside it. All of them get \
         multicast and broadcast datagrams; any other datagram goes to the one that was bound last."
            .to_owned()
    })
}

fn device_bound(case: &Case<'_>) -> Option<String> {
    let holders = case.blockers.iter();
    let names = holders.map(|holder| holder.socket.interface.as_ref().map(ToString::to_string));
    let mut names = names.collect::<Option<Vec<_>>>()?;
    let who = match names.len() {
        1 => case.in_tense("It is", "It was"),
        _ => case.in_tense("All of them are", "All of them were"),
    };
    names.dedup();
    let s = match names.len() {
        0 => return None,
        1 => "",
        _ => "s",
    };
    let names = listed(names);
    Some(format!(
        "{who} bound to the interface{s} {names}: a server that is bound to another one {} start.",
        case.in_tense("can", "could")
    ))
}

/// Connections that are not the cause, or not the first. Those that a live listener serves are no leftovers.
fn leftover_connections(case: &Case<'_>) -> Option<String> {
    let first = case.main_kind();
    let left = [
        (Kind::TimeWait, "in TIME_WAIT"),
        (Kind::Orphan, "still closing"),
        (Kind::Accepted, "of an old server"),
    ];
    let left = left.into_iter().filter(|&(kind, _)| {
        let is_served = kind == Kind::Accepted && first == Some(Kind::Listener);
        Some(kind) != first && !is_served
    });
    let left = left.filter_map(|(kind, state)| {
        let holders = case.evidence.holders.iter();
        let count = holders.filter(|holder| case.kind(holder) == kind).count();
        let connections = counted(count, "connection", "connections");
        (count > 0).then(|| format!("{connections} {state}"))
    });
    let left = listed(left);
    let has = case.in_tense("has", "had");
    (!left.is_empty()).then(|| format!("The port also {has} {left}."))
}

/// Sockets that listen or are bound on addresses that are not the target's.
fn other_address_in_use(case: &Case<'_>) -> Option<String> {
    let predictions = case.predictions_without();
    let in_the_way = predictions.flat_map(|it| it.blockers.into_iter().chain(it.doubtful));
    let in_the_way: BTreeSet<usize> = in_the_way.collect();
    let others = case.evidence.holders.iter().enumerate();
    let others = others.filter(|(at, holder)| {
        let socket = &holder.socket;
        socket.is_listening() && socket.remote.is_none() && !in_the_way.contains(at)
    });
    let has = case.in_tense("has", "had");
    let others =
        listed(others.map(|(_, one)| format!("{} {has} {}", owner_of(one), local_text(one))));
    let includes_loopback = match case.result.target.address {
        Address::Every | Address::Loopback => true,
        Address::Zoned(..) => false,
        Address::One(one) => one == Ipv4Addr::LOCALHOST || one == Ipv6Addr::LOCALHOST,
    };
    let either = if includes_loopback {
        case.in_tense(
            " A client that connects to localhost may reach either.",
            " A client that connected to localhost could reach either.",
        )
    } else {
        ""
    };
    (!others.is_empty()).then(|| {
        let is = case.in_tense("is", "was");
        format!("The port {is} in use on other addresses: {others}.{either}")
    })
}

/// Not if a socket here is in the way: then those elsewhere only confuse.
fn other_namespace(case: &Case<'_>) -> Option<String> {
    let uses = listed(case.evidence.elsewhere.iter().map(use_elsewhere));
    (!uses.is_empty() && !case.is_refused()).then(|| {
        format!(
            "The port is also in use in another network namespace: {uses}. A server can bind it here all the same."
        )
    })
}

/// `nginx in container web (pid 812) has 0.0.0.0:80, published on port 8080`
fn use_elsewhere(one: &Elsewhere) -> String {
    let local = one.local;
    let container = after(" in container ", one.container.as_ref());
    let unit = after(", ", one.unit.as_ref());
    let has = match &one.owner {
        Some(owner) => format!(
            "{}{container} (pid {}{unit}) has {local}",
            owner.name, owner.pid
        ),
        None if one.container.is_some() => format!("{local}{container}"),
        // The namespace, as the owner can't be seen.
        None => format!("{local} in that of pid {}{unit}", one.member),
    };
    let outside = if one.is_outside {
        ", outside, where sockeye runs"
    } else {
        ""
    };
    let published = match one.published_on.as_deref() {
        None => String::new(),
        Some([]) => " (not published)".to_owned(),
        Some([port]) => format!(" (published on port {port})"),
        Some(ports) => {
            let ports = listed(ports.iter().map(ToString::to_string));
            format!(" (published on ports {ports})")
        }
    };
    has + outside + &published
}

/// More redirects than this are counted.
const MAX_REDIRECTS: usize = 4;

/// Packets to the same target share a sentence, and so do targets of the same packets: mostly one for each version of
/// IP.
fn redirected(case: &Case<'_>) -> Option<String> {
    let redirects = case.foreign_redirects();
    let by_target = grouped(redirects.map(|one| (one.target(), one.packets("this port"))));
    let by_target = by_target.into_iter();
    let by_packets = grouped(by_target.map(|(target, packets)| (packets, target)));
    let shown = by_packets.iter().take(MAX_REDIRECTS);
    let mut sentences: Vec<_> = shown
        .map(|(packets, targets)| {
            let comma = if packets.len() > 1 { "," } else { "" };
            let (packets, targets) = (packets.join(", and "), targets.join(" and to "));
            format!("{packets}{comma} go to {targets}")
        })
        .collect();
    let more = by_packets.len().saturating_sub(MAX_REDIRECTS);
    if more > 0 {
        let rules = counted(more, "more rule does", "more rules do");
        sentences.push(format!("{rules} so too"));
    }
    let sentences = capitalised(&sentences.join("; "));
    (!sentences.is_empty())
        .then(|| format!("{sentences}: a server that binds the port may never see them."))
}

fn ephemeral_range(case: &Case<'_>) -> Option<String> {
    let (port, range) = (case.port(), case.ephemeral_range()?);
    Some(format!(
        "{port} {} in the ephemeral range {range}: the kernel {} give it to an outgoing connection at any time.",
        case.in_tense("is", "was"),
        case.in_tense("may", "could")
    ))
}

fn reserved_port(case: &Case<'_>) -> Option<String> {
    let port = case.port();
    case.limits.is_reserved(port).then(|| {
        format!(
            "{port} is reserved in net.ipv4.ip_local_reserved_ports: the kernel never gives it to outgoing \
             connections, but a program can bind it."
        )
    })
}

/// Only for ports that a person may serve pages on: those below 1024 have other uses.
fn browsers_refuse(case: &Case<'_>) -> Option<String> {
    let port = case.port();
    (!case.is_udp() && port >= 1024 && is_refused_by_browsers(port)).then(|| {
        format!("Browsers refuse to connect to port {port}, whatever listens there; other clients don't.")
    })
}
