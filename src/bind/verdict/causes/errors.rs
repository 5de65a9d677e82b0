//! Causes without a blocking socket: errors of the bind, and no cause at all.

use std::net::IpAddr;

use super::Explanation;
use crate::bind::FixCode::{BindOtherAddress, ChangeConfig, MoveServer, OtherPort, Wait};
use crate::bind::fix::shell::{shell_word, unit_operands};
use crate::bind::text::{after, unique};
use crate::bind::verdict::case::Case;
use crate::bind::verdict::phrases::{host_text, owner_first, verb_of};
use crate::model::listed;

pub(super) fn raced(case: &Case<'_>) -> Explanation {
    let port = case.port();
    let summary =
        format!("The answer changed during the test: port {port} was taken or released just then.");
    Explanation::new(summary).fix(Wait.fix("Test again"))
}

pub(super) fn ipv6_off(case: &Case<'_>) -> Explanation {
    let is_switched_off = case.limits.is_ipv6_off == Some(true);
    let switch = (is_switched_off && case.is_denied_with("EADDRNOTAVAIL")).then(|| {
        let command = "sysctl net.ipv6.conf.all.disable_ipv6=0";
        case.as_root(ChangeConfig, "Switch IPv6 on", command)
    });
    let address = case.denied_host();
    Explanation::new(format!("IPv6 is off here: {address} can't be bound."))
        .detail("The kernel refuses that before it checks whether the port is in use.")
        .fix(BindOtherAddress.fix("Bind an IPv4 address"))
        .fix(switch)
}

pub(super) fn duplicate(case: &Case<'_>) -> Explanation {
    let show = case.in_namespace("ip -6 address");
    Explanation::new(format!(
        "{} is an address of this host, but another host has it too: duplicate address detection failed, and the \
         kernel won't use it.",
        case.denied_host()
    ))
    .detail(&format!("{show} shows it as dadfailed."))
    .fix(ChangeConfig.fix("Give the interface another address, or find the other host"))
    .fix(BindOtherAddress.fix("Bind another address"))
}

pub(super) fn tentative(case: &Case<'_>) -> Explanation {
    let show = case.in_namespace("ip -6 address");
    Explanation::new(format!(
        "{} is an address of this host, but not usable yet: the kernel is still checking whether another host has \
         it.",
        case.denied_host()
    ))
    .detail(&format!(
        "{show} shows it as tentative. That takes a second or two, longer while the link is down."
    ))
    .fix(Wait.fix("Wait a moment and test again: duplicate address detection is still running"))
}

pub(super) fn not_local(case: &Case<'_>) -> Explanation {
    let (host, address) = (case.denied_host(), case.denied_address());
    let mut holders = case.evidence.holders.iter();
    let holder = holders.find(|holder| Some(holder.socket.local.address) == address);
    let still_bound = holder.map(|holder| {
        let (owner, verb) = (owner_first(holder), verb_of(holder.socket.state));
        format!(
            "{owner} still {verb} it: it was an address of this host when that socket was opened."
        )
    });
    Explanation::new(format!(
        "{host} is not an address of this host (or not of this network namespace)."
    ))
    .details([still_bound])
    .detail("Only a server that sets IP_FREEBIND can bind an address that is not there yet.")
    .fix(BindOtherAddress.fix(format!(
        "Bind an address that this host has: {} lists them",
        case.in_namespace("ip address")
    )))
}

pub(super) fn scope_needed(case: &Case<'_>) -> Explanation {
    let (host, plain) = (case.denied_host(), after("", case.denied_address()));
    let list = case.in_namespace("ip address");
    let help = format!("Bind it with its interface, as in {plain}%eth0: {list} lists them");
    Explanation::new(format!(
        "{host} is link-local: it can only be bound together with its interface."
    ))
    .detail(&format!("Servers take it as in {plain}%eth0."))
    .fix(BindOtherAddress.fix(help))
}

pub(super) fn privileged_port(case: &Case<'_>) -> Explanation {
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
    .fix(case.as_root(ChangeConfig, text, &command))
    .fix(ChangeConfig.fix("Have systemd pass the socket to it (socket activation)"))
}

pub(super) fn cgroup_policy(case: &Case<'_>) -> Explanation {
    let unit = case.limits.unit.as_ref();
    let check = unit.and_then(|unit| unit_operands(&[unit])).map(|unit| {
        let text = "Look for SocketBindDeny= in the settings of its unit";
        let unit: Vec<_> = unit.iter().map(|word| shell_word(word)).collect();
        ChangeConfig.fix(format!("{text}: `systemctl cat {}`", unit.join(" ")))
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
    .fix(check)
    .fix(MoveServer.fix("Run the server outside that group"))
}

pub(super) fn excluded_range(case: &Case<'_>) -> Explanation {
    let range = case.excluded_range();
    let range = range.map(|range| format!("{}–{}", range.start(), range.end()));
    let range = range.unwrap_or_default();
    let protocol = case.result.target.protocol.as_str();
    let command = format!("netsh int ipv4 show excludedportrange protocol={protocol}");
    let help = format!("Use another port: `{command}` lists the ranges");
    let port = case.port();
    Explanation::new(format!(
        "Windows has set the ports {range} aside: no program can bind {port}."
    ))
    .detail("Hyper-V and containers reserve such ranges; no socket is there.")
    .fix(OtherPort.fix(help))
}

pub(super) fn policy(case: &Case<'_>) -> Explanation {
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
        "Landlock, SELinux, AppArmor or seccomp can do that. It isn't another socket: the kernel refuses before \
         it searches for one.",
    )
    .details([Some(case.table_shows())])
    .fix(ChangeConfig.fix("See what was denied: `journalctl -k --grep 'audit|denied'`"))
}

pub(super) fn probe_failed(case: &Case<'_>) -> Explanation {
    let error = after("", case.denial().map(|(_, result)| result));
    Explanation::new(format!(
        "The test itself failed: no socket could be bound ({error})."
    ))
    .detail("That says nothing about the port.")
    .fix(Wait.fix("Test again"))
}

pub(super) fn free(case: &Case<'_>) -> Explanation {
    let trials = case.target_trials();
    let bound = trials.filter(|trial| trial.probe.result.is_ok());
    let bound = bound.map(|trial| match trial.probe.address {
        IpAddr::V4(v4) if v4.is_unspecified() => "every IPv4 address".to_owned(),
        IpAddr::V6(v6) if v6.is_unspecified() => "every IPv6 address".to_owned(),
        address => host_text(address),
    });
    let target = case.target_first();
    let bound = match case.result.target.address.single() {
        Some(_) => String::new(),
        None => format!(": {} can be bound", listed(unique(bound))),
    };
    Explanation::new(format!("{target} is free{bound}."))
        .detail("Free right now; another program can still take it before you do.")
}
