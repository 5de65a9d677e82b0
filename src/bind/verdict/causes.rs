//! The decision table: one row for each cause, tried from the top; the first that applies is it.
//!
//! Errors come first, since the kernel gives them before it looks at holders. Among holders the one
//! that matters most decides (`case` sorts them): a listener before leftovers.
//!
//! In the texts `{name}` is a fact (`words` has the list). What stands in `[…]` is left out where a
//! fact in it is unknown, and so is a whole detail or remedy.

use std::net::IpAddr;

use super::Cause;
use super::case::Case;
use super::kind::Kind;
use crate::bind::FixCode;
use crate::bind::examine::Agreement;
use crate::model::{Owner, Readiness};

/// A row of the table.
pub(super) struct Row {
    pub(super) cause: Cause,
    applies: fn(&Case<'_>) -> bool,
    pub(super) summary: &'static str,
    pub(super) details: &'static [&'static str],
    /// What helps, the best first.
    pub(super) fixes: &'static [Step],
}

/// One thing that helps.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// What has the port is ended: `fix` knows how.
    EndHolders,
    /// The same, or UDP sockets that all allow it are joined.
    EndOrJoin,
    /// A sentence and a command, or nothing; both with facts.
    Say(FixCode, &'static str, &'static str),
    /// The same for a command that only root may run.
    SayAsRoot(FixCode, &'static str, &'static str),
}

use Step::{EndHolders, EndOrJoin, Say, SayAsRoot};

const SET_REUSE: Step = Say(
    FixCode::SetReuseAddress,
    "Set SO_REUSEADDR in your server{if_reuse_helps}",
    "",
);
const OTHER_PORT: Step = Say(FixCode::OtherPort, "Take another port", "");
const DESTROY: Step = SayAsRoot(
    FixCode::CloseConnections,
    "Have the kernel drop {them}",
    "{destroy}",
);
const MOVE: Step = Say(
    FixCode::MoveServer,
    "Move the server out of the ephemeral range {in_ephemeral}",
    "",
);
const RESERVE: Step = SayAsRoot(
    FixCode::ReservePort,
    "Keep the port from clients from now on",
    "{reserve}",
);

/// The first row that applies.
pub(super) fn find(case: &Case<'_>) -> &'static Row {
    let found = TABLE.iter().find(|row| (row.applies)(case));
    found.unwrap_or(&TABLE[TABLE.len() - 1])
}

/// Every row; the last applies where no other does.
pub(super) static TABLE: &[Row] = &[
    Row {
        cause: Cause::Raced,
        applies: |case| case.agreement() == Agreement::Changed,
        summary: "The answer changed during the test: port {port} was taken or released just then.",
        details: &[],
        fixes: &[Say(FixCode::Wait, "Test again", "")],
    },
    Row {
        cause: Cause::Ipv6Off,
        applies: |case| {
            case.is_denied_with("EAFNOSUPPORT")
                || case.is_denied_with("EADDRNOTAVAIL")
                    && case.limits().is_ipv6_off == Some(true)
                    && case
                        .denied_address()
                        .is_some_and(|address| address.is_ipv6())
        },
        summary: "IPv6 is off here: {denied_address} can't be bound.",
        details: &["The kernel refuses it before it looks whether the port is taken."],
        fixes: &[
            Say(FixCode::BindOtherAddress, "Bind an IPv4 address", ""),
            SayAsRoot(FixCode::ChangeConfig, "Switch IPv6 on", "{ipv6_switch}"),
        ],
    },
    Row {
        cause: Cause::AddressDuplicate,
        applies: |case| case.denied_readiness() == Some(Readiness::Duplicate),
        summary: "{denied_address} is an address of this host, but another host has it too: duplicate address \
                  detection failed, and the kernel won't use it.",
        details: &["`ip -6 address` shows it as dadfailed."],
        fixes: &[
            Say(
                FixCode::ChangeConfig,
                "Give the interface another address, or find the other host",
                "",
            ),
            Say(FixCode::BindOtherAddress, "Bind another address", ""),
        ],
    },
    Row {
        cause: Cause::AddressTentative,
        applies: |case| case.denied_readiness() == Some(Readiness::Tentative),
        summary: "{denied_address} is an address of this host, but not usable yet: the kernel is still checking \
                  whether another host has it.",
        details: &[
            "`ip -6 address` shows it as tentative. That takes a second or two, longer while the link is down.",
        ],
        fixes: &[Say(
            FixCode::Wait,
            "Wait a moment and test again: duplicate address detection is still running",
            "",
        )],
    },
    Row {
        cause: Cause::AddressNotLocal,
        applies: |case| case.is_denied_with("EADDRNOTAVAIL"),
        summary: "{denied_address} is not an address of this host (or not of this network namespace).",
        details: &[
            "{still_bound}",
            "Only a server that sets IP_FREEBIND can bind an address that is not there yet.",
        ],
        fixes: &[Say(
            FixCode::BindOtherAddress,
            "Bind an address that this host has: `ip address` lists them",
            "",
        )],
    },
    Row {
        cause: Cause::ScopeNeeded,
        applies: |case| {
            case.is_denied_with("EINVAL")
                && matches!(case.denied_address(), Some(IpAddr::V6(v6)) if v6.is_unicast_link_local())
        },
        summary: "{denied_address} is link-local: it can only be bound together with its interface.",
        details: &["A server names it as in {denied_plain}%eth0."],
        fixes: &[Say(
            FixCode::BindOtherAddress,
            "Bind it with its interface, as in {denied_plain}%eth0: `ip address` lists them",
            "",
        )],
    },
    Row {
        cause: Cause::PrivilegedPort,
        applies: |case| case.is_denied_with("EACCES") && case.lacks_privilege(),
        summary: "Port {port} is privileged: binding a port below {first_unprivileged} takes \
                  CAP_NET_BIND_SERVICE[, {namespace_caveat}].",
        details: &["A bind can't tell whether it is in use. The socket table shows {dump}."],
        fixes: &[
            Say(
                FixCode::ChangeConfig,
                "Give the server the right to bind it: `setcap cap_net_bind_service=+ep PROGRAM`, as root",
                "",
            ),
            SayAsRoot(
                FixCode::ChangeConfig,
                "Let every program of every user bind ports from {port} on",
                "sysctl net.ipv4.ip_unprivileged_port_start={port}",
            ),
            Say(
                FixCode::ChangeConfig,
                "Have systemd pass the socket to it (socket activation)",
                "",
            ),
        ],
    },
    Row {
        cause: Cause::CgroupPolicy,
        applies: |case| case.is_denied_with("EPERM"),
        summary: "A BPF program of the control group, or a seccomp filter, forbids binding {denied_address}:{port}.",
        details: &[
            "systemd does that with SocketBindDeny= and SocketBindAllow=. Only programs in that group \
             are affected.",
            "A bind can't tell whether it is in use. The socket table shows {dump}.",
        ],
        fixes: &[
            Say(
                FixCode::ChangeConfig,
                "Look for SocketBindDeny= in the settings of its unit: `systemctl cat {own_unit}`",
                "",
            ),
            Say(FixCode::MoveServer, "Run the server outside that group", ""),
        ],
    },
    Row {
        cause: Cause::Policy,
        applies: |case| case.is_denied_with("EACCES") && case.excluded_range().is_some(),
        summary: "Windows has set the ports {excluded_range} aside: no program can bind {port}.",
        details: &["Hyper-V and containers reserve such ranges; no socket is there."],
        fixes: &[Say(
            FixCode::OtherPort,
            "Take another port: `netsh int ipv4 show excludedportrange protocol={protocol}` lists the ranges",
            "",
        )],
    },
    Row {
        cause: Cause::Policy,
        applies: |case| case.is_denied_with("EACCES"),
        summary: "A security policy forbids binding port {port}[ (active: {security_modules})].",
        details: &[
            "Landlock, SELinux, AppArmor or seccomp can do that. It isn't another socket: the kernel \
             refuses before it looks for one.",
            "A bind can't tell whether the port is in use. The socket table shows {dump}.",
        ],
        fixes: &[Say(
            FixCode::ChangeConfig,
            "See what was denied: `journalctl -k --grep 'audit|denied'`",
            "",
        )],
    },
    Row {
        cause: Cause::ProbeFailed,
        applies: |case| case.error().is_some(),
        summary: "The test itself failed: no socket could be bound ({error}).",
        details: &["That says nothing about the port."],
        fixes: &[Say(FixCode::Wait, "Test again", "")],
    },
    Row {
        cause: Cause::Free,
        applies: |case| !case.is_refused(),
        summary: "{Target} is free[: {asked_addresses} can be bound].",
        details: &["Free right now; another program can still take it before you do."],
        fixes: &[],
    },
    Row {
        cause: Cause::InvisibleHolder,
        applies: |case| case.blockers.is_empty(),
        summary: "{Target} is in use, but by no socket that can be listed: the kernel refuses the bind and \
                  shows no socket for it.",
        details: &[
            "It may be a socket that this kernel doesn't list (before Linux 6.8: one that is bound \
             without listening), or a table that can't be read here.",
        ],
        fixes: &[
            Say(
                FixCode::EndProcess,
                "Run `{as_root}`: root may see what has it",
                "",
            ),
            OTHER_PORT,
        ],
    },
    Row {
        cause: Cause::HiddenOwner,
        applies: |case| {
            // What else is hidden says more by what it is than by who has it.
            (case.is_held_by(Kind::Listener) || case.is_held_by(Kind::Udp))
                && case.has_owner(|owner| matches!(owner, Owner::Hidden | Owner::None))
        },
        summary: "A process[ owned by {user}] {is_doing} {where}[, in {unit}]; you aren't allowed to see which \
                  one.",
        details: &["{behind}", "{reuse_hint}"],
        fixes: &[EndHolders, OTHER_PORT],
    },
    Row {
        cause: Cause::KernelSocket,
        applies: |case| case.has_owner(|owner| *owner == Owner::Kernel),
        summary: "The kernel itself has {where}: no process has that socket.",
        details: &["VXLAN, WireGuard, L2TP and NFS open such sockets."],
        fixes: &[
            Say(
                FixCode::ChangeConfig,
                "Look for the device that uses it: `ip -details link`",
                "",
            ),
            OTHER_PORT,
        ],
    },
    Row {
        cause: Cause::DualStackListener,
        applies: |case| case.is_held_by(Kind::Listener) && case.is_dual_stack(),
        summary: "{who} listens on {where}, which takes IPv4 too[, and {others}][, running since {since}].",
        details: &[
            "It is a dual-stack socket: [::] without IPV6_V6ONLY has the port on every IPv4 address \
             as well, though ss lists it once and as IPv6.",
            "{behind}",
            "{kept}",
            "{place}",
            "{still_open}",
        ],
        fixes: &[
            EndHolders,
            Say(
                FixCode::ChangeConfig,
                "Have it set IPV6_V6ONLY, if it is to serve IPv6 alone",
                "",
            ),
            OTHER_PORT,
        ],
    },
    Row {
        cause: Cause::Listener,
        applies: |case| case.is_held_by(Kind::Listener),
        summary: "{who} listens on {where}[, and {others}][, running since {since}].",
        details: &["{behind}", "{kept}", "{place}", "{still_open}"],
        fixes: &[EndHolders, OTHER_PORT],
    },
    Row {
        cause: Cause::BoundNotListening,
        applies: |case| case.is_held_by(Kind::Bound),
        summary: "{who} has bound {where} without listening[, and {others}][, running since {since}].",
        details: &[
            "Such a socket is in no table of /proc/net: netstat, lsof -i and older versions of ss don't \
             show it.",
            "{reuse_hint}",
            "{behind}",
            "{kept}",
            "{place}",
            "{still_open}",
        ],
        fixes: &[SET_REUSE, EndHolders, OTHER_PORT],
    },
    Row {
        cause: Cause::UdpSocket,
        applies: |case| case.is_held_by(Kind::Udp),
        summary: "{who} has bound UDP {where}[, connected to {peer}][, and {others}][, running since {since}].",
        details: &["{behind}", "{kept}", "{place}", "{still_open}"],
        fixes: &[EndOrJoin, OTHER_PORT],
    },
    Row {
        cause: Cause::Ipv6Shadow,
        applies: |case| case.is_shadow(),
        summary: "An IPv6 connection on {where}[ of {owner}] keeps 0.0.0.0:{port} from being bound.",
        details: &[
            "Linux compares the families of two sockets only after their addresses: an IPv6 connection \
             whose address was never bound counts against the IPv4 wildcard.",
            "A single IPv4 address, such as 127.0.0.1, can be bound.",
            "{ends_by_itself}",
        ],
        fixes: &[
            Say(
                FixCode::BindOtherAddress,
                "Bind a single address, such as 127.0.0.1",
                "",
            ),
            EndHolders,
            DESTROY,
        ],
    },
    Row {
        cause: Cause::SelfConnect,
        applies: |case| case.is_held_by(Kind::SelfConnect),
        summary: "{who} is connected to itself on {where}.",
        details: &[
            "{port} is in the ephemeral range {in_ephemeral}: a client that connects to such a port while no \
             server listens there can be given that very port as its own.",
            "No server can start there as long as it lasts.",
        ],
        fixes: &[EndHolders, MOVE, RESERVE],
    },
    Row {
        cause: Cause::OldConnection,
        applies: |case| case.is_held_by(Kind::Accepted),
        summary: "{who} still has {connections} of an old server on {where}[, and {others}]{nobody_listens}.",
        details: &[
            "A worker or child of the old server may have inherited it.",
            "{reuse_hint}",
            "{place}",
            "{still_open}",
        ],
        fixes: &[SET_REUSE, EndHolders, DESTROY, OTHER_PORT],
    },
    Row {
        cause: Cause::OutgoingConnection,
        applies: |case| case.is_held_by(Kind::Outgoing),
        summary: "An outgoing connection of {owner}[ to {peer}] uses {port} as its source port, on {address}[; so does {others}].",
        details: &["{reuse_hint}", "{place}", "{still_open}"],
        fixes: &[SET_REUSE, EndHolders, MOVE, RESERVE, OTHER_PORT],
    },
    Row {
        cause: Cause::ClosingOrphan,
        applies: |case| case.is_held_by(Kind::Orphan),
        summary: "{connections_are} still closing on {where}: no process has {them} any more, and {peer} has \
                  not finished[; {unsent} not yet received there].",
        details: &["{ends_by_itself}", "{reuse_hint}"],
        fixes: &[
            SET_REUSE,
            Say(FixCode::CloseConnections, "Close it at the other end", ""),
            DESTROY,
            Say(FixCode::Wait, "Wait {left}", ""),
        ],
    },
    Row {
        cause: Cause::TimeWait,
        applies: |case| case.is_held_by(Kind::TimeWait) && case.only_plain_is_refused(),
        summary: "Free for a server that sets SO_REUSEADDR: all that is left is {connections} in \
                  TIME_WAIT[, {the_last} ends in {left}].",
        details: &["Without SO_REUSEADDR a server is refused until then; most set it."],
        fixes: &[
            Say(
                FixCode::SetReuseAddress,
                "Set SO_REUSEADDR in your server",
                "",
            ),
            Say(FixCode::Wait, "Wait {left}", ""),
            DESTROY,
        ],
    },
    Row {
        cause: Cause::TimeWaitNoReuse,
        applies: |case| case.is_held_by(Kind::TimeWait),
        summary: "All that is left of an old server or client is {connections} in TIME_WAIT[, {the_last} ends \
                  in {left}].",
        details: &[
            "{Their_sockets} did not set SO_REUSEADDR, so setting it in your server will not help before \
             then.",
        ],
        fixes: &[Say(FixCode::Wait, "Wait {left}", ""), DESTROY, OTHER_PORT],
    },
    Row {
        cause: Cause::InvisibleHolder,
        applies: |_| true,
        summary: "{Target} is in use, but what has it can't be determined.",
        details: &[],
        fixes: &[
            Say(
                FixCode::EndProcess,
                "Run `{as_root}`: root may see what has it",
                "",
            ),
            OTHER_PORT,
        ],
    },
];
