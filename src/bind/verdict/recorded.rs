//! The sentences on a table that was recorded: what was so then. There are no fixes, and no errors of binds, as none were
//! made.

use super::Cause;
use super::case::Case;
use super::causes::Explanation;
use super::phrases::{host_text, owner_of};
use crate::bind::text::after;
use crate::bind::{Probe, Start};
use crate::model::{State, listed};

pub(super) fn explain(case: &Case<'_>, reason: Cause) -> Explanation {
    let caveat =
        "Judged by the rules of the kernel from the sockets that were recorded: no bind was made.";
    Explanation {
        summary: summary(case, reason),
        details: [detail(reason).map(str::to_owned), still_open(case)]
            .into_iter()
            .flatten()
            .chain([caveat.to_owned()])
            .collect(),
        fixes: Vec::new(),
    }
}

fn summary(case: &Case<'_>, reason: Cause) -> String {
    let (target, locals, connections) = (case.target_first(), case.locals(), case.connections());
    let Some(holder) = case.main_holder() else {
        return match reason {
            Cause::Free => format!("{target} was free: a server could have bound it."),
            _ => format!("{target} was in use, but the socket that had it is unknown."),
        };
    };
    let others = after(", and ", case.others());
    let were = match case.of_same_owner().count() {
        1 => "was",
        _ => "were",
    };
    match reason {
        Cause::Free => format!("{target} was free: a server could have bound it."),
        Cause::TimeWait => format!(
            "Free for a server that set SO_REUSEADDR: all that was left was {connections} in TIME_WAIT."
        ),
        Cause::TimeWaitNoReuse => format!(
            "All that was left was {connections} in TIME_WAIT, from an old server or client."
        ),
        Cause::ClosingOrphan => format!(
            "{connections} {were} still closing on {locals}: no process owned {} any more.",
            case.one_or("it", "them")
        ),
        Cause::Ipv6Shadow => format!(
            "An IPv6 connection on {locals} of {} kept 0.0.0.0:{} from being bound.",
            owner_of(holder),
            case.port()
        ),
        Cause::OutgoingConnection => format!(
            "An outgoing connection of {}{} used {} as its source port, on {}{}.",
            owner_of(holder),
            after(" to ", case.peer()),
            case.port(),
            host_text(holder.socket.local.to_canonical().address),
            after("; so did ", case.others())
        ),
        _ => {
            let (verb, rest) = verb(case, reason);
            format!("{} {verb} {locals}{rest}{others}.", case.who_since())
        }
    }
}

/// What a server did, before its addresses, and what comes after them.
fn verb(case: &Case<'_>, reason: Cause) -> (String, String) {
    let peer = after(", connected to ", case.peer());
    let (verb, rest) = match reason {
        Cause::DualStackListener => ("listened on", ", which took IPv4 too"),
        Cause::BoundNotListening => ("had bound", " without listening"),
        Cause::UdpSocket => ("had bound UDP", &*peer),
        Cause::SelfConnect => ("was connected to itself on", ""),
        Cause::OldConnection => {
            // Which side opened it is not recorded.
            return (format!("had {} on", case.connections()), String::new());
        }
        _ => match case.main_holder().map(|holder| holder.socket.state) {
            Some(State::Listen) => ("listened on", ""),
            Some(State::Bound | State::Unconn) => ("had bound", ""),
            _ => ("had a connection on", ""),
        },
    };
    (verb.to_owned(), rest.to_owned())
}

const fn detail(reason: Cause) -> Option<&'static str> {
    match reason {
        Cause::TimeWait => Some(
            "Without SO_REUSEADDR a server was refused; most set it. That the server before had set it, too, is assumed: it is not recorded.",
        ),
        Cause::TimeWaitNoReuse => Some(
            "Where the socket before had set SO_REUSEADDR, a server that sets it could have started: that is not recorded.",
        ),
        Cause::DualStackListener => Some(
            "It was a dual-stack socket: [::] without IPV6_V6ONLY has the port on every IPv4 address as well.",
        ),
        _ => None,
    }
}

/// The addresses that could be bound although the target couldn't.
fn still_open(case: &Case<'_>) -> Option<String> {
    let open = case.decisive_trials().map(|trial| &trial.probe);
    let open: Vec<&Probe> = open.filter(|probe| probe.result.is_ok()).collect();
    if open.is_empty() || case.with_reuse_address == Start::Ok {
        return None;
    }
    let hosts = open.iter().map(|probe| {
        let only = probe.is_v6_wildcard().then_some(" (IPv6 only)");
        host_text(probe.address) + only.unwrap_or_default()
    });
    Some(format!("A server could have bound {}.", listed(hosts)))
}
