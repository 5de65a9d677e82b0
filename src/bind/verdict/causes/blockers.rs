//! Causes by the most important blocker, and hidden sockets.

use super::Explanation;
use crate::bind::FixCode::{BindOtherAddress, ChangeConfig, CloseConnections};
use crate::bind::Start;
use crate::bind::text::after;
use crate::bind::verdict::case::Case;
use crate::bind::verdict::fixes::other_port;
use crate::bind::verdict::phrases::{behind_text, host_text, owner_of, user_of, verb_of};
use crate::model::{Owner, State, counted};

pub(super) fn invisible_holder(case: &Case<'_>) -> Explanation {
    let target = case.target_first();
    Explanation::new(format!(
        "{target} is in use: the kernel refuses the bind, but lists no socket that has it."
    ))
    .detail(
        "It may be a socket that this kernel doesn't list (before Linux 6.8: one that is bound without listening), \
         or a table that can't be read here.",
    )
    .fix(case.run_as_root())
    .fix(other_port())
}

pub(super) fn undetermined(case: &Case<'_>) -> Explanation {
    let target = case.target_first();
    Explanation::new(format!(
        "{target} is in use, but the socket that has it is unknown."
    ))
    .fix(case.run_as_root())
    .fix(other_port())
}

pub(super) fn hidden_owner(case: &Case<'_>) -> Explanation {
    let Some(holder) = case.main_holder() else {
        return Explanation::default();
    };
    let user = after(" owned by ", user_of(holder));
    let verb = match verb_of(holder.socket.state) {
        "listens on" => "is listening on",
        verb => verb,
    };
    let unit = after(", in ", holder.socket.unit.as_ref());
    let locals = case.locals();
    let why = if holder.socket.owner == Owner::None {
        "which one was not found: it ended meanwhile, or is outside this pid namespace"
    } else {
        "you aren't allowed to see which one"
    };
    Explanation::new(format!("A process{user} {verb} {locals}{unit}; {why}."))
        .details([behind_text(holder), case.reuse_hint()])
        .fixes(case.end_holders())
        .fix(other_port())
}

pub(super) fn kernel_socket(case: &Case<'_>) -> Explanation {
    let locals = case.locals();
    Explanation::new(format!(
        "The kernel itself has {locals}: the socket belongs to no process."
    ))
    .detail("VXLAN, WireGuard, L2TP and NFS open such sockets.")
    .fix(ChangeConfig.fix(format!(
        "Look for the device that uses it: {}",
        case.in_namespace("ip -details link")
    )))
    .fix(other_port())
}

/// A socket of a server; `rest` comes after its addresses.
fn taken(case: &Case<'_>, verb: &str, rest: &str) -> Explanation {
    let (who, locals) = (case.who_since(), case.locals());
    let others = after(", and ", case.others());
    Explanation::new(format!("{who} {verb} {locals}{rest}{others}."))
}

pub(super) fn dual_stack_listener(case: &Case<'_>) -> Explanation {
    taken(case, "listens on", ", which takes IPv4 too")
        .detail(
            "It is a dual-stack socket: [::] without IPV6_V6ONLY has the port on every IPv4 address as well, though \
             ss lists it once and as IPv6.",
        )
        .details(case.about_owner())
        .fixes(case.end_holders())
        .fix(ChangeConfig.fix("Set IPV6_V6ONLY in that server if it should serve IPv6 only"))
        .fix(other_port())
}

pub(super) fn listener(case: &Case<'_>) -> Explanation {
    taken(case, "listens on", "")
        .details(case.about_owner())
        .fixes(case.end_holders())
        .fix(other_port())
}

pub(super) fn bound_not_listening(case: &Case<'_>) -> Explanation {
    taken(case, "has bound", " without listening")
        .detail(
            "No table of /proc/net lists such a socket: netstat, lsof -i and older versions of ss don't show it.",
        )
        .details([case.reuse_hint()])
        .details(case.about_owner())
        .fix(case.set_reuse_address())
        .fixes(case.end_holders())
        .fix(other_port())
}

pub(super) fn udp_socket(case: &Case<'_>) -> Explanation {
    let peer = after(", connected to ", case.peer());
    taken(case, "has bound UDP", &peer)
        .details(case.about_owner())
        .fixes(case.end_or_join())
        .fix(other_port())
}

pub(super) fn ipv6_shadow(case: &Case<'_>) -> Explanation {
    let (locals, port) = (case.locals(), case.port());
    let owner = after(" of ", case.main_holder().map(owner_of));
    Explanation::new(format!(
        "An IPv6 connection on {locals}{owner} keeps 0.0.0.0:{port} from being bound."
    ))
    .detail(
        "Linux compares the families of two sockets only after their addresses: an IPv6 connection whose address was \
         never bound counts against the IPv4 wildcard.",
    )
    .detail("A single IPv4 address, such as 127.0.0.1, can be bound.")
    .details([case.ends_by_itself()])
    .fix(BindOtherAddress.fix("Bind a single address, such as 127.0.0.1"))
    .fixes(case.end_holders())
    .fix(case.drop_connections())
}

pub(super) fn self_connect(case: &Case<'_>) -> Explanation {
    let (who, locals, port) = (case.who(), case.locals(), case.port());
    let range = case.ephemeral_range().map(|range| {
        format!(
            "{port} is in the ephemeral range {range}: if a client connects to such a port while no server listens on \
             it, the kernel may give the client that same port."
        )
    });
    let blocked = if case.with_reuse_address == Start::Ok {
        case.reuse_hint()
    } else {
        Some("No server can start on it until that connection ends.".to_owned())
    };
    Explanation::new(format!("{who} is connected to itself on {locals}."))
        .details([range, blocked])
        .fixes(case.end_holders())
        .fix(case.move_server())
        .fix(case.reserve_port())
}

pub(super) fn old_connection(case: &Case<'_>) -> Explanation {
    let mut holders = case.evidence.holders.iter();
    let is_served = holders.any(|holder| holder.socket.state == State::Listen);
    let unserved = (!is_served).then_some("; no process listens any more");
    let (who, connections, locals) = (case.who(), case.connections(), case.locals());
    let (others, unserved) = (after(", and ", case.others()), after("", unserved));
    Explanation::new(format!(
        "{who} still has {connections} of an old server on {locals}{others}{unserved}."
    ))
    .detail("A worker or child of the old server may have inherited it.")
    .details(case.about_connection())
    .fix(case.set_reuse_address())
    .fixes(case.end_holders())
    .fix(case.drop_connections())
    .fix(other_port())
}

pub(super) fn outgoing_connection(case: &Case<'_>) -> Explanation {
    let Some(holder) = case.main_holder() else {
        return Explanation::default();
    };
    Explanation::new(format!(
        "An outgoing connection of {}{} uses {} as its source port, on {}{}.",
        owner_of(holder),
        after(" to ", case.peer()),
        case.port(),
        host_text(holder.socket.local.to_canonical().address),
        after("; so does ", case.others())
    ))
    .details(case.about_connection())
    .fix(case.set_reuse_address())
    .fixes(case.end_holders())
    .fix(case.move_server())
    .fix(case.reserve_port())
    .fix(other_port())
}

pub(super) fn closing_orphan(case: &Case<'_>) -> Explanation {
    let are = match case.of_same_owner().count() {
        1 => "is",
        _ => "are",
    };
    let queues = case.alike().filter_map(|holder| holder.socket.queue);
    let bytes: u64 = queues.map(|queue| u64::from(queue.send)).sum();
    // A FIN that waits for its acknowledgement counts as one.
    let unsent = (bytes > 1).then(|| counted(bytes, "byte", "bytes"));
    let unsent = unsent.map(|bytes| format!("; {bytes} not acknowledged yet"));
    Explanation::new(format!(
        "{} {are} still closing on {}: no process owns {} any more, and {} has not closed its end{}.",
        case.connections(),
        case.locals(),
        case.one_or("it", "them"),
        after("", case.peer()),
        unsent.unwrap_or_default()
    ))
    .details([case.ends_by_itself(), case.reuse_hint()])
    .fix(case.set_reuse_address())
    .fix(CloseConnections.fix("Close it at the other end"))
    .fix(case.drop_connections())
    .fix(case.wait())
}

pub(super) fn time_wait(case: &Case<'_>) -> Explanation {
    let (connections, ends) = (case.connections(), case.last_ends());
    Explanation::new(format!(
        "Free for a server that sets SO_REUSEADDR: all that's left is {connections} in TIME_WAIT{ends}."
    ))
    .detail("Without SO_REUSEADDR a server is refused until then; most set it.")
    .fix(case.set_reuse_address())
    .fix(case.wait())
    .fix(case.drop_connections())
}

pub(super) fn time_wait_no_reuse(case: &Case<'_>) -> Explanation {
    let (connections, ends) = (case.connections(), case.last_ends());
    let sockets = case.one_or("That socket", "Those sockets");
    Explanation::new(format!(
        "All that's left is {connections} in TIME_WAIT, from an old server or client{ends}."
    ))
    .detail(&format!(
        "{sockets} didn't set SO_REUSEADDR, so setting it in your server won't help until then."
    ))
    .fix(case.wait())
    .fix(case.drop_connections())
    .fix(other_port())
}
