//! UDP-Lite and SCTP, over IPv4 and IPv6.
//!
//! SCTP was not available for testing: the format of its rows is from the kernel's source (`net/sctp/diag.c`). An
//! endpoint's state has TCP's numbers, an association's has others.

use std::io;

use super::{Trouble, dump_or_proc_net, kernel_has};
use crate::model::{Protocol, Socket, State};
use crate::source::linux::interfaces::Interfaces;
use crate::source::linux::netlink::{self, DumpError, dump, inet_request};
use crate::source::linux::proc::net;

const FAMILIES: [u8; 2] = [2, 10];
const SCTP: u8 = 132;
const UDPLITE: u8 = 136;

/// All states.
const STATES: u32 = 0xfff;

/// What is missing from `/proc/net/udplite`.
const NOT_IN_PROC: &str = "interfaces and whether they are dual-stack";

/// Offset of the state in `struct inet_diag_msg`.
const STATE: usize = 1;

/// TCP's numbers, which SCTP's endpoints have: CLOSE and LISTEN.
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;

pub(super) fn read_sockets(
    protocol: Protocol,
    interfaces: &mut Interfaces,
    into: &mut Vec<Socket>,
) -> Result<(), Trouble> {
    dump_or_proc_net(
        into,
        |into| {
            let mut outcome = Ok(());
            for family in FAMILIES {
                let number = if protocol == Protocol::Sctp {
                    SCTP
                } else {
                    UDPLITE
                };
                outcome = dump(&inet_request(family, number, STATES), |payload| {
                    into.push(row(payload, protocol, interfaces)?);
                    Some(())
                });
                if !matches!(outcome, Ok(()) | Err(DumpError::Interrupted)) {
                    break;
                }
            }
            outcome
        },
        |into| read_udplite(protocol, into),
        Some(NOT_IN_PROC),
    )
}

/// UDP-Lite, whose files exist where the kernel has it. SCTP's files have another format.
fn read_udplite(protocol: Protocol, into: &mut Vec<Socket>) -> io::Result<()> {
    if protocol != Protocol::UdpLite || kernel_has(protocol) != Some(true) {
        return Err(io::ErrorKind::NotFound.into());
    }
    for file in ["udplite", "udplite6"] {
        let table = net::read_table("self", file)?;
        into.extend(
            net::rows(&table, protocol)
                .flatten()
                .map(|row| row.socket()),
        );
    }
    Ok(())
}

fn row(payload: &[u8], protocol: Protocol, interfaces: &mut Interfaces) -> Option<Socket> {
    let row = netlink::parse(payload, protocol)?;
    let mut socket = row.socket();
    socket.interface = row.interface.map(|index| interfaces.name(index));
    if protocol == Protocol::Sctp {
        socket.state = sctp_state(*payload.get(STATE)?);
    }
    Some(socket)
}

/// An endpoint's state, or an association's (`enum sctp_state`) as the most similar TCP state.
const fn sctp_state(number: u8) -> State {
    match number {
        LISTEN => State::Listen,
        CLOSE => State::Bound,
        // COOKIE_WAIT, COOKIE_ECHOED.
        1 | 2 => State::SynSent,
        3 => State::Established,
        // SHUTDOWN_PENDING, SHUTDOWN_SENT.
        4 => State::FinWait1,
        5 => State::FinWait2,
        // SHUTDOWN_RECEIVED.
        6 => State::CloseWait,
        _ => State::Closed,
    }
}
