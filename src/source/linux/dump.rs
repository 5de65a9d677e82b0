//! One `sock_diag` dump, whatever family it is of (see `sock_diag(7)`).
//!
//! A socket of its own for each: these dumps are rare beside those of the table.

use netlink_packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer};
use netlink_packet_sock_diag::SOCK_DIAG_BY_FAMILY;
use netlink_packet_utils::nla::NlasIterator;

use super::sock_diag::{BUFFER, DumpError, connect, is_end, receive};

/// Length of a netlink header, which goes before every message.
const HEADER: usize = 16;

/// The one question on a socket of its own.
const SEQUENCE: u32 = 1;

/// Asks for every socket that `request` (the message without its header) describes; calls `row` with the
/// payload of each, which returns `None` for what it can't read.
pub(super) fn dump(
    request: &[u8],
    mut row: impl FnMut(&[u8]) -> Option<()>,
) -> Result<(), DumpError> {
    let socket = connect()?;
    socket.send(&message(request), 0)?;
    let (mut buffer, mut is_interrupted) = (vec![0; BUFFER], false);
    loop {
        let datagram = receive(&socket, &mut buffer)?;
        if take_in(datagram, &mut is_interrupted, &mut row)? {
            break;
        }
    }
    if is_interrupted {
        return Err(DumpError::Interrupted);
    }
    Ok(())
}

fn message(request: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + request.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(HEADER + request.len());
    bytes.extend(length.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    bytes.extend(SEQUENCE.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(request);
    bytes
}

/// Takes in one datagram: several messages, each padded to four bytes. Whether the dump is over.
fn take_in(
    datagram: &[u8],
    is_interrupted: &mut bool,
    row: &mut impl FnMut(&[u8]) -> Option<()>,
) -> Result<bool, DumpError> {
    let mut rest = datagram;
    if rest.is_empty() {
        return Err(DumpError::Malformed);
    }
    while !rest.is_empty() {
        let message = NetlinkBuffer::new_checked(rest).map_err(|_| DumpError::Malformed)?;
        *is_interrupted |= message.flags() & NLM_F_DUMP_INTR != 0;
        if message.message_type() == SOCK_DIAG_BY_FAMILY {
            row(message.payload()).ok_or(DumpError::Malformed)?;
        } else if is_end(&message)? {
            // Without a handler the dump ends at once, and only its code says so.
            return Ok(true);
        }
        let length = (message.length() as usize).next_multiple_of(4);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(false)
}

/// Each attribute with its number; `None` where one can't be read.
pub(super) fn attributes(bytes: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    // The iterator reads them as slices of the same bytes, but lends them for too short a time.
    let mut all = Vec::new();
    let mut at = 0;
    for attribute in NlasIterator::new(bytes) {
        let attribute = attribute.ok()?;
        let length = attribute.value_length();
        all.push((attribute.kind(), bytes.get(at + 4..at + 4 + length)?));
        at += (4 + length).next_multiple_of(4);
    }
    Some(all)
}

/// A number of this machine's byte order.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io;

    use netlink_packet_core::NLMSG_DONE;

    use super::*;

    fn done(code: i32) -> Vec<u8> {
        let mut bytes = message(&code.to_ne_bytes());
        bytes[4..6].copy_from_slice(&NLMSG_DONE.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_dump_without_a_handler_is_not_an_empty_list() {
        let outcome = |code| take_in(&done(code), &mut false, &mut |_| Some(()));
        assert!(outcome(0).unwrap());
        let Err(DumpError::System(error)) = outcome(-2) else {
            panic!("DONE with -2 is no answer")
        };
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_cut_is_refused_and_never_panics() {
        let mut whole = message(&[1; 20]);
        whole.extend(done(0));
        for length in 0..whole.len() {
            let _ = take_in(&whole[..length], &mut false, &mut |payload| {
                attributes(payload).map(drop)
            });
        }
    }

    #[test]
    fn attributes_are_read_with_their_padding() {
        let bytes = [&[5, 0, 7, 0, 42, 0, 0, 0][..], &[8, 0, 9, 0, 1, 2, 3, 4]].concat();
        let all = attributes(&bytes).unwrap();
        assert_eq!(all, [(7, &[42][..]), (9, &[1, 2, 3, 4])]);
        assert_eq!(attributes(&bytes[..9]), None);
    }
}
