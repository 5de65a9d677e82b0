//! The socket table as text: `/proc/PID/net/{tcp,udp,tcp6,udp6}`, for where `sock_diag` is refused or missing.
//!
//! It has addresses, states, queues, uids and inodes (`proc_pid_net(5)`); it has neither sockets that are only bound nor
//! interfaces, control groups, backlogs and whether a socket is dual-stack. It is read a page at a time, so it is no more
//! atomic than a dump: a socket that moves meanwhile may be in it twice.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use crate::model::{Counters, Endpoint, Family, Protocol, Queue, State};
use crate::source::linux::netlink::{self, InetRow, Rows, TIMEWAIT_TIMER};
use crate::source::linux::proc::scan;
use crate::source::netstat::{self, Part};

/// The size of most tables, read at once: a socket that moves between two reads is missed or listed twice.
const BUFFER: usize = 256 * 1024;

/// Times below `/proc` are in ticks of 10 ms, whatever the kernel's own clock (`USER_HZ`).
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Adds the rows of this thread's network namespace to `into`; returns the number of lines that can't be parsed. Fails
/// if there is no such table, unless that is because the kernel has no such family or protocol.
pub(crate) fn read(part: Part, into: &mut impl Rows) -> io::Result<usize> {
    read_of(scan::THIS_THREAD, part, into)
}

/// The same for the network namespace of a process.
pub(crate) fn read_of(process: &str, part: Part, into: &mut impl Rows) -> io::Result<usize> {
    let table = of_process(process, part)?;
    let (mut inodes, mut odd) = (HashSet::new(), 0);
    for row in rows(&table, part.protocol) {
        match row {
            Some(row) if row.inode.is_none_or(|inode| inodes.insert(inode)) => into.push(row),
            Some(_) => {}
            None => odd += 1,
        }
    }
    Ok(odd)
}

/// The table of a process's network namespace.
pub(crate) fn of_process(process: &str, part: Part) -> io::Result<Vec<u8>> {
    let file = match (part.protocol, part.family) {
        (Protocol::Tcp, Family::Ipv4) => "tcp",
        (_, Family::Ipv4) => "udp",
        (Protocol::Tcp, Family::Ipv6) => "tcp6",
        (_, Family::Ipv6) => "udp6",
    };
    read_table(process, file)
}

/// The table in the file of this name; empty where the kernel has no such family or protocol, and so no such file beside
/// the others.
pub(crate) fn read_table(process: &str, file: &str) -> io::Result<Vec<u8>> {
    let folder = Path::new("/proc").join(process).join("net");
    let mut table = Vec::with_capacity(BUFFER);
    let read = File::open(folder.join(file)).and_then(|mut file| file.read_to_end(&mut table));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.join("tcp").exists() => {
            Ok(Vec::new())
        }
        read => read.map(|_| table),
    }
}

/// The row of each line of a table; `None` where it can't be parsed.
pub(crate) fn rows(table: &[u8], protocol: Protocol) -> impl Iterator<Item = Option<InetRow>> {
    let lines = table.split(|&byte| byte == b'\n');
    let is_row = |line: &&[u8]| !line.is_empty() && !line.trim_ascii_start().starts_with(b"sl ");
    lines
        .filter(is_row)
        .map(move |line| row(std::str::from_utf8(line).ok()?, protocol))
}

/// Parses `SLOT: LOCAL REMOTE STATE SEND:RECEIVE TIMER:WHEN RETRANSMITS UID PROBES INODE …`; numbers are
/// hexadecimal, but for the last three.
fn row(line: &str, protocol: Protocol) -> Option<InetRow> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let local = endpoint(words.next()?)?;
    let remote = endpoint(words.next()?)?;
    let state = netlink::state(protocol, u8::from_str_radix(words.next()?, 16).ok()?);
    let (send, receive) = words.next()?.split_once(':')?;
    let queue = Queue {
        receive: hexadecimal(receive)?,
        send: hexadecimal(send)?,
    };
    let (timer, when) = words.next()?.split_once(':')?;
    let is_leftover = hexadecimal(timer)? == u32::from(TIMEWAIT_TIMER);
    let expires_in = is_leftover.then_some(TICK.checked_mul(hexadecimal(when)?)?);
    let uid = words.nth(1)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    Some(InetRow {
        cookie: None,
        protocol,
        state,
        local,
        remote: (!remote.is_unspecified()).then_some(remote),
        inode: (inode != 0).then_some(inode),
        uid: netstat::uid(inode, uid),
        v6only: None,
        interface: None,
        // Of a listener only one of the two is there.
        queue: (state != State::Listen).then_some(queue),
        cgroup: None,
        expires_in,
        opening: None,
        age: None,
        counters: Counters::default(),
    })
}

/// `0100007F:1F90`.
fn endpoint(text: &str) -> Option<Endpoint> {
    let (host, port) = text.split_once(':')?;
    let port = u16::try_from(hexadecimal(port)?).ok()?;
    Some(Endpoint::new(address(host)?, port))
}

/// The kernel prints each four bytes of an address as one number of this machine's byte order.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(hexadecimal(hex.get(at..at + 8)?)?.to_ne_bytes());
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

pub(crate) fn hexadecimal(digits: &str) -> Option<u32> {
    number(digits, 16)
}

/// Digits only: Rust's own parser accepts a sign too.
pub(super) fn number(digits: &str, radix: u32) -> Option<u32> {
    let is_number = digits
        .bytes()
        .all(|digit| char::from(digit).is_digit(radix));
    is_number.then(|| u32::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
#[path = "net_tests.rs"]
mod tests;
