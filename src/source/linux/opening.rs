//! Which side of a TCP connection this is: no field of the kernel says so, but its counters do.
//!
//! The side that called `connect` sent a SYN, and the kernel counts its acknowledgement as one byte
//! of `bytes_acked` while `bytes_sent` counts only what was written. The side that was accepted
//! starts counting after the handshake. So the bytes acknowledged and under way exceed those sent
//! by one on the one side and by none on the other, also under retransmission; a FIN that was
//! sent adds one on either. Seen on 6.18; `bytes_sent` is there since 4.19 (`linux/tcp.h`).

use crate::model::{Opening, State};

/// Where the counters are in `struct tcp_info`.
const BYTES_ACKED: usize = 120;
const NOTSENT_BYTES: usize = 144;
const BYTES_SENT: usize = 200;
const BYTES_RETRANS: usize = 208;

/// Reads a `struct tcp_info`, with the row's send queue in bytes (what was written and is not yet
/// acknowledged). `None` where the kernel gives less than it takes, or the row and its counters,
/// which are not read at one instant, do not fit together.
pub(super) fn of(state: State, info: &[u8], send_queue: u32) -> Option<Opening> {
    let wide = |at: usize| Some(u64::from_ne_bytes(info.get(at..at + 8)?.try_into().ok()?));
    let not_sent = u32::from_ne_bytes(
        info.get(NOTSENT_BYTES..NOTSENT_BYTES + 4)?
            .try_into()
            .ok()?,
    );
    let sent = wide(BYTES_SENT)?.checked_sub(wide(BYTES_RETRANS)?)?;
    let under_way = u64::from(send_queue.checked_sub(not_sent)?);
    let excess = wide(BYTES_ACKED)?
        .checked_add(under_way)?
        .checked_sub(sent)?;
    let fin = match state {
        State::Established | State::CloseWait => 0,
        // Its own FIN was acknowledged, or nothing waits before it.
        State::FinWait2 => 1,
        State::FinWait1 | State::Closing | State::LastAck => u64::from(not_sent == 0),
        State::SynSent => return Some(Opening::Active),
        _ => return None,
    };
    match excess.checked_sub(fin)? {
        0 => Some(Opening::Passive),
        1 => Some(Opening::Active),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(acked: u64, sent: u64, retransmitted: u64, not_sent: u32) -> Vec<u8> {
        let mut info = vec![0; 232];
        for (at, value) in [
            (BYTES_ACKED, acked),
            (BYTES_SENT, sent),
            (BYTES_RETRANS, retransmitted),
        ] {
            info[at..at + 8].copy_from_slice(&value.to_ne_bytes());
        }
        info[NOTSENT_BYTES..NOTSENT_BYTES + 4].copy_from_slice(&not_sent.to_ne_bytes());
        info
    }

    /// The first figures are those that the kernel gave for a client and its server after 100
    /// bytes one way and 77 the other, and for that client with a full window.
    #[test]
    fn the_side_that_connected_has_one_byte_more_acknowledged_than_it_sent() {
        let established =
            |info: Vec<u8>, send_queue| of(State::Established, &info, send_queue).unwrap();
        assert_eq!(established(info(101, 100, 0, 0), 0), Opening::Active);
        assert_eq!(established(info(77, 77, 0, 0), 0), Opening::Passive);
        let full = info(65_637, 159_844, 32_768, 3_739_648);
        assert_eq!(established(full, 3_801_088), Opening::Active);
    }

    #[test]
    fn a_fin_counts_once_it_was_sent() {
        assert_eq!(
            of(State::FinWait2, &info(2, 0, 0, 0), 0),
            Some(Opening::Active)
        );
        assert_eq!(
            of(State::FinWait1, &info(0, 0, 0, 0), 1),
            Some(Opening::Passive)
        );
    }

    #[test]
    fn counters_that_do_not_fit_together_tell_nothing() {
        assert_eq!(of(State::Established, &info(9, 0, 0, 0), 0), None);
        assert_eq!(of(State::Established, &info(0, 9, 0, 0), 0), None);
        assert_eq!(of(State::Established, &info(0, 0, 0, 9), 0), None);
        assert_eq!(of(State::Listen, &info(0, 0, 0, 0), 0), None);
        assert_eq!(of(State::Established, &info(1, 0, 0, 0)[..207], 0), None);
        let overflow = info(u64::MAX, 0, 0, 0);
        assert_eq!(of(State::Established, &overflow, 1), None);
    }
}
