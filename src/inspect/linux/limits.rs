//! Limits on a bind besides other sockets: sysctls, privileges, security modules.

use std::fs;
use std::io;
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;

use rustix::process::geteuid;
use rustix::thread::CapabilitySet;

use crate::model::{Gap, GapCode, Inside, Limits, Readiness, Text};
use crate::source::linux::background::facts;
use crate::source::linux::ephemeral::{port_range, port_ranges, sysctl};
use crate::source::linux::placement::Placement;
use crate::source::linux::{descriptor_limit, problems, rights};

pub(super) fn read(inside: Option<&Arc<Inside>>) -> (Limits, Vec<Gap>) {
    let mut gaps = Vec::new();
    let home = std::env::var("HOME").ok().filter(|home| !home.is_empty());
    let limits = Limits {
        unprivileged_from: sysctl("ipv4/ip_unprivileged_port_start", |text| text.parse().ok()),
        has_bind_capability: rights::has_capability(CapabilitySet::NET_BIND_SERVICE),
        is_in_user_namespace: rights::is_in_user_namespace(),
        ephemeral: sysctl("ipv4/ip_local_port_range", port_range),
        reserved: sysctl("ipv4/ip_local_reserved_ports", port_ranges),
        is_ipv6_off: is_ipv6_off(),
        security_modules: security_modules(&mut gaps),
        uid: Some(geteuid().as_raw()),
        sudo_uid: rights::sudo_uid(),
        // As the shell's `~`.
        home: home.map(|home| Text::new(&home)),
        is_confined: rights::is_confined(),
        unit: placement_of("self").unit,
        unready: unready(&fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap_or_default()),
        inside: inside.cloned(),
        excluded: None,
    };
    if limits.unprivileged_from.is_none() || limits.ephemeral.is_none() {
        let message = match descriptor_limit::check() {
            Ok(()) => "the limits in /proc/sys/net can't be read: mount /proc".to_owned(),
            Err(shortage) => format!("{shortage}: the limits are unknown; {}", shortage.remedy()),
        };
        gaps.push(Gap::new(GapCode::Limits, &message));
    }
    (limits, gaps)
}

/// The unit or container of a process, from its own file.
pub(super) fn placement_of(process: &str) -> Placement {
    Placement::of(&facts::cgroup_of(process).unwrap_or_default())
}

/// A kernel without IPv6 has no such setting.
fn is_ipv6_off() -> Option<bool> {
    let name = "ipv6/conf/all/disable_ipv6";
    match sysctl(name, |text| text.parse::<u8>().ok()) {
        Some(value) => Some(value != 0),
        // It may exist but can't be opened now.
        None if Path::new("/proc/sys/net").join(name).exists() => None,
        None if Path::new("/proc/sys/net/ipv4").exists() => Some(true),
        None => None,
    }
}

/// The addresses that exist but can't be bound: `ADDRESS INDEX LENGTH SCOPE FLAGS NAME`, all but the name in
/// hexadecimal (`if_inet6` of `proc(5)`; flags as in `rtnetlink(7)`).
fn unready(if_inet6: &str) -> Vec<(Ipv6Addr, Readiness)> {
    const DADFAILED: u8 = 0x08;
    const OPTIMISTIC: u8 = 0x04;
    const TENTATIVE: u8 = 0x40;
    let address = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let address = u128::from_str_radix(words.first()?, 16).ok()?;
        let flags = u8::from_str_radix(words.get(4)?, 16).ok()?;
        let readiness = match flags {
            flags if flags & DADFAILED != 0 => Readiness::Duplicate,
            flags if flags & TENTATIVE != 0 && flags & OPTIMISTIC == 0 => Readiness::Tentative,
            _ => return None,
        };
        Some((Ipv6Addr::from_bits(address), readiness))
    };
    if_inet6.lines().filter_map(address).collect()
}

fn security_modules(gaps: &mut Vec<Gap>) -> Option<Vec<Text>> {
    let why = match fs::read_to_string("/sys/kernel/security/lsm") {
        Ok(text) => return Some(text.trim().split(',').map(Text::new).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "securityfs is not mounted".into(),
        Err(error) => problems::errno_name(&error),
    };
    let message = format!("the active security modules can't be read: {why}");
    gaps.push(Gap::new(GapCode::SecurityModules, &message));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_can_not_be_bound_yet_are_read() {
        let file = "fe80000000000000a8bbccfffe000001 02 40 20 c0     eth0\n\
            20010db8000000000000000000000001 02 40 00 88     eth0\n\
            00000000000000000000000000000001 01 80 10 80       lo\n";
        let addresses = ["fe80::a8bb:ccff:fe00:1", "2001:db8::1"].map(|text| text.parse().unwrap());
        let expected = [
            (addresses[0], Readiness::Tentative),
            (addresses[1], Readiness::Duplicate),
        ];
        assert_eq!(unready(file), expected);
    }
}
