//! A row as it is printed, for the terms that must see it so: its addresses, and the line that a
//! regex reads.
//!
//! Nothing is printed before a term asks, and that only once for a row, into room that the rows
//! share. Numbers and addresses are written by hand: `write!` costs several times as much.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::subject::Subject;
use crate::model::{Endpoint, Socket, State};

/// What was printed of the row in question.
#[derive(Default)]
pub(super) struct Printed {
    addresses: Vec<u8>,
    line: Vec<u8>,
}

impl Printed {
    /// Another row is in question.
    pub fn clear(&mut self) {
        self.addresses.clear();
        self.line.clear();
    }

    /// The addresses with their ports, a space between them: ASCII in lower case.
    pub fn addresses(&mut self, socket: &Socket) -> &[u8] {
        let out = &mut self.addresses;
        if out.is_empty() {
            push_endpoint(out, &socket.local);
            if let Some(remote) = &socket.remote {
                out.push(b' ');
                push_endpoint(out, remote);
            }
        }
        out
    }

    /// The row as a regex sees it: its texts in the order of the columns, one space apart. Of a
    /// socket without a known owner, the part of the line before that.
    pub fn line(&mut self, subject: &Subject<'_>) -> &str {
        let out = &mut self.line;
        if out.is_empty() && subject.socket.portless.is_some() {
            push_portless(out, subject);
        } else if out.is_empty() {
            let socket = subject.socket;
            push_protocol(out, socket);
            push_endpoint(out, &socket.local);
            push_service(out, socket.service());
            if let Some(remote) = &socket.remote {
                out.push(b' ');
                push_endpoint(out, remote);
            }
            push_rest(out, subject);
        }
        str::from_utf8(out).expect("it is made of whole texts")
    }
}

/// The line of a socket without a port. Who is at its other end stands last: that is known with the owners.
fn push_portless(out: &mut Vec<u8>, subject: &Subject<'_>) {
    let socket = subject.socket;
    out.extend_from_slice(socket.protocol_and_family().as_bytes());
    if let Some(local) = socket.local_text() {
        push_word(out, &local);
    }
    push_rest(out, subject);
    let remote = subject.owners().and_then(|_| socket.remote_text());
    if let Some(remote) = remote {
        push_word(out, &remote);
    }
}

/// The beginning of the line, before the local address.
pub(super) fn push_protocol(out: &mut Vec<u8>, socket: &Socket) {
    out.extend_from_slice(socket.protocol_and_family().as_bytes());
    out.push(b' ');
}

/// The service with the space before it, if there is one.
pub(super) fn push_service(out: &mut Vec<u8>, service: Option<&str>) {
    if let Some(service) = service {
        push_word(out, service);
    }
}

/// What stands behind the addresses: many rows share it. Without a known owner, the state alone.
pub(super) fn push_rest(out: &mut Vec<u8>, subject: &Subject<'_>) {
    push_word(out, subject.socket.state.as_str());
    if subject.is_closed() {
        push_word(out, State::Closed.as_str());
    }
    let Some(owners) = subject.owners() else {
        return;
    };
    for process in owners {
        out.push(b' ');
        push_digits::<10>(out, process.pid);
        push_word(out, &process.name);
    }
    for name in subject.names().into_iter().flatten() {
        push_word(out, name);
    }
    for command in owners.iter().filter_map(|process| process.command.as_ref()) {
        push_word(out, command);
    }
}

fn push_word(out: &mut Vec<u8>, word: &str) {
    out.push(b' ');
    out.extend_from_slice(word.as_bytes());
}

/// As an [`Endpoint`] prints itself.
fn push_endpoint(out: &mut Vec<u8>, endpoint: &Endpoint) {
    push_address(out, endpoint.address);
    out.push(b':');
    push_digits::<10>(out, endpoint.port.into());
}

/// An address as it stands before a port.
pub(super) fn push_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => push_v4(out, address),
        IpAddr::V6(address) => {
            out.push(b'[');
            push_v6(out, address);
            out.push(b']');
        }
    }
}

fn push_v4(out: &mut Vec<u8>, address: Ipv4Addr) {
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        push_digits::<10>(out, octet.into());
    }
}

/// RFC 5952: the first of the longest runs of at least two zeros is left out, and a v4-mapped
/// address shows the IPv4 in it.
fn push_v6(out: &mut Vec<u8>, address: Ipv6Addr) {
    if let Some(inner) = address.to_ipv4_mapped() {
        out.extend_from_slice(b"::ffff:");
        return push_v4(out, inner);
    }
    let segments = address.segments();
    let gap = longest_gap(segments);
    push_segments(out, &segments[..gap.start]);
    if !gap.is_empty() {
        out.extend_from_slice(b"::");
        push_segments(out, &segments[gap.end..]);
    }
}

/// The run to leave out; empty and at the end if there is none.
fn longest_gap(segments: [u16; 8]) -> Range<usize> {
    let (mut longest, mut length) = (8..8, 0);
    for (index, segment) in segments.into_iter().enumerate() {
        length = if segment == 0 { length + 1 } else { 0 };
        if length > longest.len().max(1) {
            longest = index + 1 - length..index + 1;
        }
    }
    longest
}

fn push_segments(out: &mut Vec<u8>, segments: &[u16]) {
    for (index, &segment) in segments.iter().enumerate() {
        if index > 0 {
            out.push(b':');
        }
        push_digits::<16>(out, segment.into());
    }
}

/// Digits in a base of at most 16, without leading zeros: the first ones first, so a call deeper
/// for each but the last. The base is known when this is compiled, or each digit costs a division.
pub(super) fn push_digits<const BASE: u32>(out: &mut Vec<u8>, number: u32) {
    if number >= BASE {
        push_digits::<BASE>(out, number / BASE);
    }
    out.push(b"0123456789abcdef"[(number % BASE) as usize]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: IpAddr, port: u16) {
        let endpoint = Endpoint::new(address, port);
        let mut out = Vec::new();
        push_endpoint(&mut out, &endpoint);
        assert_eq!(String::from_utf8(out).unwrap(), endpoint.to_string());
    }

    #[test]
    fn ipv4_is_printed_as_its_display_does() {
        for bits in [
            0,
            u32::MAX,
            0x7f00_0001,
            0x0a0b_0c0d,
            0xc0a8_6409,
            0x0064_0a01,
        ] {
            check(Ipv4Addr::from_bits(bits).into(), 0);
            check(Ipv4Addr::from_bits(bits).into(), u16::MAX);
        }
    }

    /// Every pattern of zeros, with segments of every length between them.
    #[test]
    fn ipv6_is_printed_as_its_display_does() {
        for pattern in 0..=255u16 {
            for first in [1u16, 0xffff, 0xa0, 0x2001] {
                let segments = std::array::from_fn(|index| {
                    let rotated = first.rotate_left(u32::try_from(index).unwrap() * 4);
                    if pattern >> index & 1 == 0 {
                        0
                    } else {
                        rotated
                    }
                });
                check(Ipv6Addr::from(segments).into(), 8080);
            }
        }
        for odd in [
            "::ffff:10.0.0.7",
            "::ffff:0.0.0.0",
            "::10.0.0.7",
            "64:ff9b::1.2.3.4",
        ] {
            check(odd.parse().unwrap(), 1);
        }
    }
}
