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
    addresses: String,
    line: String,
}

impl Printed {
    /// Another row is in question.
    pub fn clear(&mut self) {
        self.addresses.clear();
        self.line.clear();
    }

    /// The addresses with their ports, a space between them.
    pub fn addresses(&mut self, socket: &Socket) -> &str {
        if self.addresses.is_empty() {
            push_endpoint(&mut self.addresses, &socket.local);
            if let Some(remote) = &socket.remote {
                self.addresses.push(' ');
                push_endpoint(&mut self.addresses, remote);
            }
        }
        &self.addresses
    }

    /// The row as a regex sees it: its texts in the order of the columns, one space apart. Of a
    /// socket without a known owner, the part of the line before that.
    pub fn line(&mut self, subject: &Subject<'_>) -> &str {
        if self.line.is_empty() {
            push_beginning(&mut self.line, subject);
            push_rest(&mut self.line, subject);
        }
        &self.line
    }
}

/// What stands before the owners, and does not depend on them.
fn push_beginning(line: &mut String, subject: &Subject<'_>) {
    let socket = subject.socket;
    line.push_str(socket.protocol_and_family());
    line.push(' ');
    push_endpoint(line, &socket.local);
    push_text(line, socket.service());
    if let Some(remote) = &socket.remote {
        line.push(' ');
        push_endpoint(line, remote);
    }
    push_text(line, Some(socket.state.as_str()));
    push_text(line, subject.is_closed().then_some(State::Closed.as_str()));
}

fn push_rest(line: &mut String, subject: &Subject<'_>) {
    let Some(owners) = subject.owners() else {
        return;
    };
    for process in owners {
        line.push(' ');
        push_number(line, process.pid);
        push_text(line, Some(&process.name));
    }
    let socket = subject.socket;
    push_text(line, socket.user.as_deref());
    push_text(line, socket.unit.as_deref());
    push_text(line, socket.container.as_deref());
    push_text(line, socket.interface.as_deref());
    for process in owners {
        push_text(line, process.command.as_deref());
    }
}

fn push_text(line: &mut String, text: Option<&str>) {
    if let Some(text) = text {
        line.push(' ');
        line.push_str(text);
    }
}

/// As an [`Endpoint`] prints itself.
fn push_endpoint(out: &mut String, endpoint: &Endpoint) {
    match endpoint.address {
        IpAddr::V4(address) => push_v4(out, address),
        IpAddr::V6(address) => {
            out.push('[');
            push_v6(out, address);
            out.push(']');
        }
    }
    out.push(':');
    push_number(out, endpoint.port.into());
}

fn push_v4(out: &mut String, address: Ipv4Addr) {
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        push_number(out, octet.into());
    }
}

/// RFC 5952: the first of the longest runs of at least two zeros is left out, and a v4-mapped
/// address shows the IPv4 in it.
fn push_v6(out: &mut String, address: Ipv6Addr) {
    if let Some(inner) = address.to_ipv4_mapped() {
        out.push_str("::ffff:");
        return push_v4(out, inner);
    }
    let segments = address.segments();
    let gap = longest_gap(segments);
    push_segments(out, &segments[..gap.start]);
    if !gap.is_empty() {
        out.push_str("::");
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

fn push_segments(out: &mut String, segments: &[u16]) {
    for (index, &segment) in segments.iter().enumerate() {
        if index > 0 {
            out.push(':');
        }
        push_digits(out, segment.into(), 16);
    }
}

/// A number in decimal digits.
fn push_number(out: &mut String, number: u32) {
    push_digits(out, number, 10);
}

/// Digits in a base of at most 16, without leading zeros: the first ones first, so a call deeper
/// for each but the last.
fn push_digits(out: &mut String, number: u32, base: u32) {
    if number >= base {
        push_digits(out, number / base, base);
    }
    out.push(char::from(b"0123456789abcdef"[(number % base) as usize]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: IpAddr, port: u16) {
        let endpoint = Endpoint::new(address, port);
        let mut out = String::new();
        push_endpoint(&mut out, &endpoint);
        assert_eq!(out, endpoint.to_string());
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
