//! UDP-Lite and SCTP, as `inet_diag` lists them, over IPv4 and IPv6.
//!
//! SCTP is not on the machines that this was measured on: how its rows read is from the kernel's source
//! (`net/sctp/diag.c`). An association has a number of its own for its state where an endpoint has TCP's.

use super::{Trouble, proc_net};
use crate::model::{Protocol, Socket, State};
use crate::source::linux::Interfaces;
use crate::source::linux::netlink::{self, DumpError, dump, inet_request};

const FAMILIES: [u8; 2] = [2, 10];

/// Every state there is.
const STATES: u32 = 0xfff;

/// What `/proc/net/udplite` does not tell.
const NOT_IN_PROC: &str = "interfaces and whether they are dual-stack";

/// Where the state stands in `struct inet_diag_msg`.
const STATE: usize = 1;

/// TCP's numbers, which SCTP's endpoints have: CLOSE and LISTEN.
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;

pub(super) fn read(
    protocol: Protocol,
    interfaces: &mut Interfaces,
    into: &mut Vec<Socket>,
) -> Result<(), Trouble> {
    let start = into.len();
    let mut outcome = Ok(());
    for family in FAMILIES {
        outcome = dump(&request(family, protocol), |payload| {
            into.push(row(payload, protocol, interfaces)?);
            Some(())
        });
        if !matches!(outcome, Ok(()) | Err(DumpError::Interrupted)) {
            break;
        }
    }
    match outcome {
        Ok(()) => Ok(()),
        Err(DumpError::Interrupted) => Err(Trouble::Interrupted),
        Err(error) => {
            into.truncate(start);
            Err(match proc_net::udplite(protocol, into) {
                Ok(()) => Trouble::Less(error, NOT_IN_PROC),
                Err(_) => Trouble::NotListed(error),
            })
        }
    }
}

/// `struct inet_diag_req_v2`: any address.
fn request(family: u8, protocol: Protocol) -> Vec<u8> {
    let number = match protocol {
        Protocol::Sctp => 132,
        _ => 136,
    };
    inet_request(family, number, STATES)
}

fn row(payload: &[u8], protocol: Protocol, interfaces: &mut Interfaces) -> Option<Socket> {
    let detail = netlink::parse(payload, protocol)?;
    let mut socket = detail.socket();
    socket.interface = detail.interface.map(|index| interfaces.name(index));
    if protocol == Protocol::Sctp {
        socket.state = sctp_state(*payload.get(STATE)?);
    }
    Some(socket)
}

/// An endpoint's state, or that of an association (`enum sctp_state`) as the state of TCP that is like it.
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
