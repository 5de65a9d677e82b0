//! The decision table: one row for each cause, tried from the top; the first that applies is the cause.
//!
//! Errors come first, since the kernel returns them before it looks at other sockets. Then the most important socket in
//! the way decides (`case` sorts them): a listener before connections.

use std::net::IpAddr;

use super::case::Case;
use super::fixes::other_port;
use super::kind::Kind;
use super::phrases::{after, host_text, owner_of, user_of, verb_of};
use super::{Cause, Outcome};
use crate::bind::Fix;
use crate::bind::FixCode::{
    BindOtherAddress, ChangeConfig, CloseConnections, MoveServer, OtherPort, Wait,
};
use crate::bind::bind_test::Agreement;
use crate::bind::fix::shell::unit_operands;
use crate::model::{Owner, Readiness};

/// A row of the table.
pub(super) struct Row {
    pub(super) cause: Cause,
    /// [`Outcome::InUse`] is free for a TCP server that sets `SO_REUSEADDR` and can start.
    pub(super) outcome: Outcome,
    applies: fn(&Case<'_>) -> bool,
    pub(super) explain: fn(&Case<'_>) -> Explanation,
}

/// What a verdict says of its cause.
#[derive(Default)]
pub(super) struct Explanation {
    pub(super) summary: String,
    pub(super) details: Vec<String>,
    /// The best first.
    pub(super) fixes: Vec<Fix>,
}

impl Explanation {
    pub(super) fn new(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            ..Self::default()
        }
    }

    fn detail(self, text: &str) -> Self {
        self.details([Some(text.to_owned())])
    }

    /// Those of these details that are known.
    fn details<const N: usize>(mut self, details: [Option<String>; N]) -> Self {
        self.details.extend(details.into_iter().flatten());
        self
    }

    pub(super) fn fix(self, fix: impl Into<Option<Fix>>) -> Self {
        self.fixes(fix.into())
    }

    pub(super) fn fixes(mut self, fixes: impl IntoIterator<Item = Fix>) -> Self {
        self.fixes.extend(fixes);
        self
    }
}

/// The first row that applies.
pub(super) fn find(case: &Case<'_>) -> &'static Row {
    let found = TABLE.iter().find(|row| (row.applies)(case));
    found.unwrap_or(&TABLE[TABLE.len() - 1])
}

const fn row(
    cause: Cause,
    outcome: Outcome,
    applies: fn(&Case<'_>) -> bool,
    explain: fn(&Case<'_>) -> Explanation,
) -> Row {
    Row {
        cause,
        outcome,
        applies,
        explain,
    }
}

use Outcome::{Denied, Free, InUse, Raced, Unavailable};

/// Every row; the last applies if no other does.
#[rustfmt::skip]
pub(super) static TABLE: &[Row] = &[
    row(Cause::Raced, Raced, |case| case.result.agreement == Agreement::Changed, raced),
    row(Cause::Ipv6Off, Unavailable, |case| case.is_ipv6_off(), ipv6_off),
    row(Cause::AddressDuplicate, Unavailable, |case| case.denied_readiness() == Some(Readiness::Duplicate), address_duplicate),
    row(Cause::AddressTentative, Unavailable, |case| case.denied_readiness() == Some(Readiness::Tentative), address_tentative),
    row(Cause::AddressNotLocal, Unavailable, |case| case.is_denied_with("EADDRNOTAVAIL"), address_not_local),
    row(Cause::ScopeNeeded, Unavailable, needs_scope, scope_needed),
    row(Cause::PrivilegedPort, Denied, |case| case.is_denied_with("EACCES") && case.lacks_privilege(), privileged_port),
    row(Cause::CgroupPolicy, Denied, |case| case.is_denied_with("EPERM"), cgroup_policy),
    row(Cause::Policy, Denied, |case| case.is_denied_with("EACCES") && case.excluded_range().is_some(), excluded_range),
    row(Cause::Policy, Denied, |case| case.is_denied_with("EACCES"), policy),
    row(Cause::ProbeFailed, Unavailable, |case| case.denial().is_some(), probe_failed),
    row(Cause::Free, Free, |case| !case.is_refused(), free),
    row(Cause::InvisibleHolder, InUse, |case| case.blockers.is_empty(), invisible_holder),
    row(Cause::HiddenOwner, InUse, is_owner_hidden, hidden_owner),
    row(Cause::KernelSocket, InUse, |case| case.has_owner(|owner| *owner == Owner::Kernel), kernel_socket),
    row(Cause::DualStackListener, InUse, |case| is(case, Kind::Listener) && case.is_dual_stack(), dual_stack_listener),
    row(Cause::Listener, InUse, |case| is(case, Kind::Listener), listener),
    row(Cause::BoundNotListening, InUse, |case| is(case, Kind::Bound), bound_not_listening),
    row(Cause::UdpSocket, InUse, |case| is(case, Kind::Udp), udp_socket),
    row(Cause::Ipv6Shadow, InUse, |case| case.is_ipv6_shadow(), ipv6_shadow),
    row(Cause::SelfConnect, InUse, |case| is(case, Kind::SelfConnect), self_connect),
    row(Cause::OldConnection, InUse, |case| is(case, Kind::Accepted), old_connection),
    row(Cause::OutgoingConnection, InUse, |case| is(case, Kind::Outgoing), outgoing_connection),
    row(Cause::ClosingOrphan, InUse, |case| is(case, Kind::Orphan), closing_orphan),
    row(Cause::TimeWait, InUse, |case| is(case, Kind::TimeWait) && case.only_plain_is_refused(), time_wait),
    row(Cause::TimeWaitNoReuse, InUse, |case| is(case, Kind::TimeWait), time_wait_no_reuse),
    row(Cause::InvisibleHolder, InUse, |_| true, undetermined),
];

/// Whether the main holder is of this kind.
fn is(case: &Case<'_>, kind: Kind) -> bool {
    case.main_kind() == Some(kind)
}

fn needs_scope(case: &Case<'_>) -> bool {
    let address = case.denied_address();
    case.is_denied_with("EINVAL")
        && matches!(address, Some(IpAddr::V6(v6)) if v6.is_unicast_link_local())
}

/// Connections without a visible owner are explained by what they are.
fn is_owner_hidden(case: &Case<'_>) -> bool {
    (is(case, Kind::Listener) || is(case, Kind::Udp))
        && case.has_owner(|owner| matches!(owner, Owner::Hidden | Owner::None))
}

fn raced(case: &Case<'_>) -> Explanation {
    let port = case.port();
    let summary =
        format!("The answer changed during the test: port {port} was taken or released just then.");
    Explanation::new(summary).fix(Wait.fix("Test again"))
}

fn ipv6_off(case: &Case<'_>) -> Explanation {
    let is_switched_off =
        case.limits.is_ipv6_off == Some(true) && case.is_denied_with("EADDRNOTAVAIL");
    let switch = is_switched_off.then(|| {
        let command = "sysctl net.ipv6.conf.all.disable_ipv6=0".to_owned();
        case.as_root(ChangeConfig, "Switch IPv6 on", command)
    });
    let address = case.denied_host();
    Explanation::new(format!("IPv6 is off here: {address} can't be bound."))
        .detail("The kernel refuses that before it checks whether the port is in use.")
        .fix(BindOtherAddress.fix("Bind an IPv4 address"))
        .fix(switch)
}

fn address_duplicate(case: &Case<'_>) -> Explanation {
    Explanation::new(format!(
        "{} is an address of this host, but another host has it too: duplicate address detection failed, and the \
         kernel won't use it.",
        case.denied_host()
    ))
    .detail("`ip -6 address` shows it as dadfailed.")
    .fix(ChangeConfig.fix("Give the interface another address, or find the other host"))
    .fix(BindOtherAddress.fix("Bind another address"))
}

fn address_tentative(case: &Case<'_>) -> Explanation {
    Explanation::new(format!(
        "{} is an address of this host, but not usable yet: the kernel is still checking whether another host has \
         it.",
        case.denied_host()
    ))
    .detail(
        "`ip -6 address` shows it as tentative. That takes a second or two, longer while the link is down.",
    )
    .fix(Wait.fix("Wait a moment and test again: duplicate address detection is still running"))
}

fn address_not_local(case: &Case<'_>) -> Explanation {
    let address = case.denied_host();
    Explanation::new(format!(
        "{address} is not an address of this host (or not of this network namespace)."
    ))
    .details([case.still_bound()])
    .detail("Only a server that sets IP_FREEBIND can bind an address that is not there yet.")
    .fix(BindOtherAddress.fix("Bind an address that this host has: `ip address` lists them"))
}

fn scope_needed(case: &Case<'_>) -> Explanation {
    let (host, plain) = (case.denied_host(), after("", case.denied_address()));
    let help = format!("Bind it with its interface, as in {plain}%eth0: `ip address` lists them");
    Explanation::new(format!(
        "{host} is link-local: it can only be bound together with its interface."
    ))
    .detail(&format!("Servers take it as in {plain}%eth0."))
    .fix(BindOtherAddress.fix(help))
}

fn privileged_port(case: &Case<'_>) -> Explanation {
    let (port, limits) = (case.port(), case.limits);
    let caveat = ", and that of this user namespace does not count for the network namespace";
    let caveat = if case.is_capability_foreign() {
        caveat
    } else {
        ""
    };
    let first = after("", limits.unprivileged_from);
    let text = format!("Let every program of every user bind ports from {port} on");
    let command = format!("sysctl net.ipv4.ip_unprivileged_port_start={port}");
    Explanation::new(format!(
        "Port {port} is privileged: binding a port below {first} takes CAP_NET_BIND_SERVICE{caveat}."
    ))
    .details([Some(case.table_shows())])
    .fix(ChangeConfig.fix("Give the server the right to bind it: `setcap cap_net_bind_service=+ep PROGRAM`, as root"))
    .fix(case.as_root(ChangeConfig, text, command))
    .fix(ChangeConfig.fix("Have systemd pass the socket to it (socket activation)"))
}

fn cgroup_policy(case: &Case<'_>) -> Explanation {
    let unit = case
        .limits
        .unit
        .as_ref()
        .and_then(|unit| unit_operands(&[unit]));
    let look = unit.map(|unit| {
        let text = "Look for SocketBindDeny= in the settings of its unit";
        ChangeConfig.fix(format!("{text}: `systemctl cat {unit}`"))
    });
    Explanation::new(format!(
        "A BPF program of the control group, or a seccomp filter, forbids binding {}:{}.",
        case.denied_host(),
        case.port()
    ))
    .detail(
        "systemd does that with SocketBindDeny= and SocketBindAllow=. Only programs in that group are affected.",
    )
    .details([Some(case.table_shows())])
    .fix(look)
    .fix(MoveServer.fix("Run the server outside that group"))
}

fn excluded_range(case: &Case<'_>) -> Explanation {
    let range = case.excluded_range();
    let range = after(
        "",
        range.map(|range| format!("{}–{}", range.start(), range.end())),
    );
    let protocol = case.result.target.protocol.as_str();
    let command = format!("netsh int ipv4 show excludedportrange protocol={protocol}");
    let help = format!("Take another port: `{command}` lists the ranges");
    let port = case.port();
    Explanation::new(format!(
        "Windows has set the ports {range} aside: no program can bind {port}."
    ))
    .detail("Hyper-V and containers reserve such ranges; no socket is there.")
    .fix(OtherPort.fix(help))
}

fn policy(case: &Case<'_>) -> Explanation {
    let modules = case.limits.security_modules.as_ref().map(|modules| {
        let names: Vec<_> = modules.iter().map(ToString::to_string).collect();
        format!(" (active: {})", names.join(", "))
    });
    Explanation::new(format!(
        "A security policy forbids binding port {}{}.",
        case.port(),
        modules.unwrap_or_default()
    ))
    .detail(
        "Landlock, SELinux, AppArmor or seccomp can do that. It isn't another socket: the kernel refuses before it \
         looks for one.",
    )
    .details([Some(case.table_shows())])
    .fix(ChangeConfig.fix("See what was denied: `journalctl -k --grep 'audit|denied'`"))
}

fn probe_failed(case: &Case<'_>) -> Explanation {
    let error = after("", case.denial().map(|(_, result)| result));
    Explanation::new(format!(
        "The test itself failed: no socket could be bound ({error})."
    ))
    .detail("That says nothing about the port.")
    .fix(Wait.fix("Test again"))
}

fn free(case: &Case<'_>) -> Explanation {
    let (target, bound) = (case.target_first(), case.bound_addresses());
    let bound = bound.map(|bound| format!(": {bound} can be bound"));
    Explanation::new(format!("{target} is free{}.", bound.unwrap_or_default()))
        .detail("Free right now; another program can still take it before you do.")
}

fn invisible_holder(case: &Case<'_>) -> Explanation {
    let target = case.target_first();
    Explanation::new(format!(
        "{target} is in use: the kernel refuses the bind, but lists no socket that has it."
    ))
    .detail(
        "It may be a socket that this kernel doesn't list (before Linux 6.8: one that is bound without listening), \
         or a table that can't be read here.",
    )
    .fix(case.look_as_root())
    .fix(other_port())
}

fn undetermined(case: &Case<'_>) -> Explanation {
    let target = case.target_first();
    Explanation::new(format!(
        "{target} is in use, but the socket that has it is unknown."
    ))
    .fix(case.look_as_root())
    .fix(other_port())
}

fn hidden_owner(case: &Case<'_>) -> Explanation {
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
    Explanation::new(format!(
        "A process{user} {verb} {locals}{unit}; you aren't allowed to see which one."
    ))
    .details([case.behind_text(), case.reuse_hint()])
    .fixes(case.end_holders())
    .fix(other_port())
}

fn kernel_socket(case: &Case<'_>) -> Explanation {
    let locals = case.locals();
    Explanation::new(format!(
        "The kernel itself has {locals}: the socket belongs to no process."
    ))
    .detail("VXLAN, WireGuard, L2TP and NFS open such sockets.")
    .fix(ChangeConfig.fix("Look for the device that uses it: `ip -details link`"))
    .fix(other_port())
}

/// A socket of a server; `rest` comes after its addresses.
fn taken(case: &Case<'_>, verb: &str, rest: &str) -> Explanation {
    let (who, locals, others) = (case.who(), case.locals(), case.and_others());
    let since = case.running_since();
    Explanation::new(format!("{who} {verb} {locals}{rest}{others}{since}."))
}

fn dual_stack_listener(case: &Case<'_>) -> Explanation {
    taken(case, "listens on", ", which takes IPv4 too")
        .detail(
            "It is a dual-stack socket: [::] without IPV6_V6ONLY has the port on every IPv4 address as well, though \
             ss lists it once and as IPv6.",
        )
        .details(case.about_owner())
        .fixes(case.end_holders())
        .fix(ChangeConfig.fix("Have it set IPV6_V6ONLY, if it is to serve IPv6 alone"))
        .fix(other_port())
}

fn listener(case: &Case<'_>) -> Explanation {
    taken(case, "listens on", "")
        .details(case.about_owner())
        .fixes(case.end_holders())
        .fix(other_port())
}

fn bound_not_listening(case: &Case<'_>) -> Explanation {
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

fn udp_socket(case: &Case<'_>) -> Explanation {
    let peer = after(", connected to ", case.peer());
    taken(case, "has bound UDP", &peer)
        .details(case.about_owner())
        .fixes(case.end_or_join())
        .fix(other_port())
}

fn ipv6_shadow(case: &Case<'_>) -> Explanation {
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

fn self_connect(case: &Case<'_>) -> Explanation {
    let range = case.ephemeral_range().map(|range| {
        format!(
            "{} is in the ephemeral range {range}: if a client connects to such a port while no server listens on \
             it, the kernel may give the client that same port.",
            case.port()
        )
    });
    Explanation::new(format!(
        "{} is connected to itself on {}.",
        case.who(),
        case.locals()
    ))
    .details([range])
    .detail("No server can start there as long as it lasts.")
    .fixes(case.end_holders())
    .fix(case.move_server())
    .fix(case.reserve_port())
}

fn old_connection(case: &Case<'_>) -> Explanation {
    let mut holders = case.evidence.holders.iter();
    let is_served = holders.any(|holder| holder.socket.state == crate::model::State::Listen);
    Explanation::new(format!(
        "{} still has {} of an old server on {}{}{}.",
        case.who(),
        case.connections(),
        case.locals(),
        case.and_others(),
        if is_served {
            ""
        } else {
            "; no process listens any more"
        }
    ))
    .detail("A worker or child of the old server may have inherited it.")
    .details([
        case.reuse_hint(),
        case.unusual_descriptor(),
        case.still_open(),
    ])
    .fix(case.set_reuse_address())
    .fixes(case.end_holders())
    .fix(case.drop_connections())
    .fix(other_port())
}

fn outgoing_connection(case: &Case<'_>) -> Explanation {
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
    .details([
        case.reuse_hint(),
        case.unusual_descriptor(),
        case.still_open(),
    ])
    .fix(case.set_reuse_address())
    .fixes(case.end_holders())
    .fix(case.move_server())
    .fix(case.reserve_port())
    .fix(other_port())
}

fn closing_orphan(case: &Case<'_>) -> Explanation {
    let are = if case.of_same_owner().count() == 1 {
        "is"
    } else {
        "are"
    };
    let unsent = case
        .unsent()
        .map(|bytes| format!("; {bytes} not yet received there"));
    Explanation::new(format!(
        "{} {are} still closing on {}: no process has {} any more, and {} has not finished{}.",
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

fn time_wait(case: &Case<'_>) -> Explanation {
    let (connections, ends) = (case.connections(), case.last_ends());
    Explanation::new(format!(
        "Free for a server that sets SO_REUSEADDR: all that is left is {connections} in TIME_WAIT{ends}."
    ))
    .detail("Without SO_REUSEADDR a server is refused until then; most set it.")
    .fix(case.set_reuse_address())
    .fix(case.wait())
    .fix(case.drop_connections())
}

fn time_wait_no_reuse(case: &Case<'_>) -> Explanation {
    let (connections, ends) = (case.connections(), case.last_ends());
    let sockets = case.one_or("Its socket", "Their sockets");
    Explanation::new(format!(
        "All that is left of an old server or client is {connections} in TIME_WAIT{ends}."
    ))
    .detail(&format!(
        "{sockets} did not set SO_REUSEADDR, so setting it in your server will not help before then."
    ))
    .fix(case.wait())
    .fix(case.drop_connections())
    .fix(other_port())
}
