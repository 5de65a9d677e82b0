//! The port in other network namespaces: what listens there, through a process of each.
//!
//! `/proc/PID/net` shows the namespace that the process is in, to anybody, without entering it.
//! A namespace that no process is in (`ip netns add` alone) is not seen.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::placement::Placement;
use super::super::scan;
use super::limits::placement_of;
use crate::model::{Elsewhere, Endpoint, Gap, GapCode, Pid, Protocol, Text};

/// No more namespaces than this are looked into.
const MAX_NAMESPACES: usize = 256;

/// Every socket on the port that waits for peers in another network namespace.
pub(super) fn look(protocol: Protocol, port: u16) -> (Vec<Elsewhere>, Option<Gap>) {
    let (own, pids) = match (scan::network_of("self"), all_pids()) {
        (Ok(own), Ok(pids)) => (own, pids),
        (Err(error), _) | (_, Err(error)) => {
            let message = format!("other network namespaces can't be looked into ({error})");
            return (Vec::new(), Some(Gap::new(GapCode::Namespaces, &message)));
        }
    };
    let mut representatives: HashMap<u64, Pid> = HashMap::new();
    let mut unseen = 0;
    for pid in pids {
        match scan::network_of(&pid.to_string()) {
            Ok(network) => drop(representatives.entry(network).or_insert(pid)),
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => unseen += 1,
            Err(_) => {}
        }
    }
    representatives.remove(&own);
    let left_out = representatives.len().saturating_sub(MAX_NAMESPACES);
    let gap = (left_out + unseen > 0).then(|| {
        let message = format!(
            "the network namespaces of {} processes were not looked into",
            left_out + unseen
        );
        Gap::new(GapCode::Namespaces, &message)
    });
    let mut pids: Vec<_> = representatives.into_values().collect();
    pids.sort_unstable();
    pids.truncate(MAX_NAMESPACES);
    let sockets = pids
        .into_iter()
        .flat_map(|pid| sockets_seen_by(pid, protocol, port));
    (sockets.collect(), gap)
}

fn all_pids() -> rustix::io::Result<Vec<Pid>> {
    let mut pids = scan::pids(&scan::open_proc()?)?;
    pids.sort_unstable();
    Ok(pids)
}

fn sockets_seen_by(pid: Pid, protocol: Protocol, port: u16) -> Vec<Elsewhere> {
    let files = match protocol {
        Protocol::Tcp => ["tcp", "tcp6"],
        Protocol::Udp => ["udp", "udp6"],
    };
    let mut found = Vec::new();
    for file in files {
        let text = fs::read(format!("/proc/{pid}/net/{file}")).unwrap_or_default();
        found.extend(waiting(&text, protocol, port));
    }
    if found.is_empty() {
        return Vec::new();
    }
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    if name.is_empty() {
        // It ended meanwhile, and its namespace with it as far as can be told.
        return Vec::new();
    }
    let name = Text::from_bytes(name.trim_ascii_end());
    let Placement { unit, container } = placement_of(&pid.to_string());
    let placed_in = container.or(unit);
    let elsewhere = |address| Elsewhere {
        local: Endpoint::new(address, port),
        pid,
        name: name.clone(),
        placed_in: placed_in.clone(),
    };
    found.into_iter().map(elsewhere).collect()
}

/// The addresses of a `/proc/net` table (`proc_net_tcp(5)`) on which the port waits for peers.
fn waiting(table: &[u8], protocol: Protocol, port: u16) -> Vec<IpAddr> {
    let end_of_local = format!(":{port:04X}");
    let state = match protocol {
        Protocol::Tcp => "0A",
        Protocol::Udp => "07",
    };
    let mut found = Vec::new();
    for line in table.split(|&byte| byte == b'\n').skip(1) {
        let Ok(line) = std::str::from_utf8(line) else {
            continue;
        };
        let mut words = line.split_ascii_whitespace().skip(1);
        let (Some(local), _, Some(its_state)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let address = local.strip_suffix(&end_of_local).and_then(address);
        found.extend(address.filter(|_| its_state == state));
    }
    found.dedup();
    found
}

/// The kernel prints each four bytes of an address as one number of this machine's byte order.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let word = u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_is_found_in_a_table_of_the_kernel() {
        let table = b"  sl  local_address rem_address   st tx_queue rx_queue tr\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000\n   \
            1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000\n   \
            2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000\n";
        let found = |port| waiting(table, Protocol::Tcp, port);
        assert_eq!(found(8080), ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(found(80), ["0.0.0.0".parse::<IpAddr>().unwrap()]);
        assert_eq!(found(8), [] as [IpAddr; 0]);
        assert_eq!(waiting(b"\n\xff\n", Protocol::Tcp, 8), [] as [IpAddr; 0]);
    }

    #[test]
    fn an_ipv6_address_is_four_numbers() {
        let loopback = address("00000000000000000000000001000000");
        assert_eq!(loopback, Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(address("0100007"), None);
        assert_eq!(address("0100007x"), None);
    }
}
