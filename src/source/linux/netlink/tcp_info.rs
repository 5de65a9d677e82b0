//! Derives the age of a connection, and which side opened it, from `struct tcp_info` (`linux/tcp.h`). There is no field
//! for either, but counters show them. Seen on 6.18; `bytes_sent` exists since 4.19.
//!
//! **Age.** The times since data was last sent and last received both start when the connection is established. If
//! nothing was ever sent, or nothing was ever received, that time is the age. Any other connection is at least as old as its
//! last activity, and as the time it was busy sending. The resolution is 4 ms.
//!
//! **Opening.** On the connecting side acked + in flight = sent + 1; on the accepting side they are equal. The reason: the
//! kernel counts the acknowledgement of the SYN as one byte of `bytes_acked`, but not the SYN in `bytes_sent`, and the
//! accepting side starts counting after the handshake. Retransmission changes neither; a FIN adds one on both sides.

use std::time::Duration;

use nix::time::ClockId;

use super::{u32_at, u64_at};
use crate::model::{Age, Opening, State, TcpInfo};

/// Offsets of the fields. Times are in milliseconds, but round trips and those of `busy` in microseconds.
const CA_STATE: usize = 1;
const RETRANSMITS: usize = 2;
const PROBES: usize = 3;
const BACKOFF: usize = 4;
/// Its lowest bit is `tcpi_delivery_rate_app_limited`.
const FLAGS: usize = 7;
const UNACKED: usize = 24;
const LAST_DATA_SENT: usize = 44;
const LAST_DATA_RECV: usize = 52;
const LAST_ACK_RECV: usize = 56;
const RTT: usize = 68;
const TOTAL_RETRANS: usize = 100;
const BYTES_ACKED: usize = 120;
const BYTES_RECEIVED: usize = 128;
const NOTSENT_BYTES: usize = 144;
const MIN_RTT: usize = 148;
const BUSY_TIME: usize = 168;
const RWND_LIMITED: usize = 176;
const SNDBUF_LIMITED: usize = 184;
const BYTES_SENT: usize = 200;
const BYTES_RETRANS: usize = 208;
const SND_WND: usize = 228;

/// The counters of a connection. `None` for a listener, whose fields mean other things, before the handshake is over, as the
/// times of what was last seen of the peer then count from boot, and where the kernel gives too few fields (before 4.19). In the states after the peer's FIN `bytes_received` counts it as a byte, which is taken off.
pub(super) fn counters(state: State, info: &[u8]) -> Option<TcpInfo> {
    if matches!(
        state,
        State::Listen | State::Bound | State::SynSent | State::SynRecv
    ) {
        return None;
    }
    let has_received_fin = matches!(state, State::CloseWait | State::LastAck | State::Closing);
    let raw = raw_counters(info)?;
    let fin = u64::from(has_received_fin);
    Some(TcpInfo {
        bytes_received: raw.bytes_received.saturating_sub(fin),
        ..raw
    })
}

/// The last counters of a connection that was freed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FinalCounters {
    /// A FIN of the peer, if one was received, is counted as a byte in `bytes_received`.
    pub(crate) tcp: TcpInfo,
    /// Bytes that the peer has acknowledged, SYN and FIN included.
    pub(crate) acknowledged: u64,
    /// Bytes that the program has not read; a FIN counts as one.
    pub(crate) unread: u32,
}

/// The last counters, from the message about a freed connection with this receive queue.
pub(crate) fn final_counters(info: &[u8], receive_queue: u32) -> Option<FinalCounters> {
    Some(FinalCounters {
        tcp: raw_counters(info)?,
        acknowledged: u64_at(info, BYTES_ACKED)?,
        unread: receive_queue,
    })
}

/// The same with a FIN of the peer, if one was received, counted as a byte.
fn raw_counters(info: &[u8]) -> Option<TcpInfo> {
    let micros = |at| u64_at(info, at).map(Duration::from_micros);
    let retransmitted = u64_at(info, BYTES_RETRANS)?;
    let byte = |at: usize| info.get(at).copied();
    // The kernel gives all ones before there was a measurement (`tcp_min_rtt`).
    let min_rtt = u32_at(info, MIN_RTT).filter(|&micros| micros != u32::MAX);
    Some(TcpInfo {
        bytes_sent: u64_at(info, BYTES_SENT)?.saturating_sub(retransmitted),
        bytes_received: u64_at(info, BYTES_RECEIVED)?,
        bytes_retransmitted: retransmitted,
        retransmits: u32_at(info, TOTAL_RETRANS)?,
        rtt: Duration::from_micros(u32_at(info, RTT)?.into()),
        min_rtt: min_rtt.map(|micros| Duration::from_micros(micros.into())),
        since_sent: millis_at(info, LAST_DATA_SENT)?,
        since_received: millis_at(info, LAST_DATA_RECV)?,
        since_acknowledged: millis_at(info, LAST_ACK_RECV)?,
        unsent: u32_at(info, NOTSENT_BYTES)?,
        unacknowledged: u32_at(info, UNACKED)?,
        busy: micros(BUSY_TIME)?,
        limited_by_peer: micros(RWND_LIMITED)?,
        limited_by_buffer: micros(SNDBUF_LIMITED)?,
        is_application_limited: byte(FLAGS)? & 1 != 0,
        send_window: u32_at(info, SND_WND),
        timeouts: byte(RETRANSMITS)?,
        backoff: byte(BACKOFF)?,
        probes: byte(PROBES)?,
        congestion: byte(CA_STATE)?,
    })
}

/// How long the connection has been in its state. `None` for listeners and unconnected sockets, where these clocks show
/// the time since boot, and for states that its own process entered by closing it, which no field shows.
pub(super) fn age(state: State, info: &[u8]) -> Option<Age> {
    match state {
        State::Established => {
            let (sent, received) = (
                millis_at(info, LAST_DATA_SENT)?,
                millis_at(info, LAST_DATA_RECV)?,
            );
            if u64_at(info, BYTES_SENT) == Some(0) {
                return Some(Age::Exactly(sent));
            }
            if u64_at(info, BYTES_RECEIVED) == Some(0) {
                return Some(Age::Exactly(received));
            }
            let acknowledged = millis_at(info, LAST_ACK_RECV)?;
            let busy = Duration::from_micros(u64_at(info, BUSY_TIME).unwrap_or(0));
            Some(Age::AtLeast(sent.max(received).max(acknowledged).max(busy)))
        }
        // They began with a segment of the peer, so no later than the last segment.
        State::CloseWait | State::FinWait2 | State::Closing => {
            millis_at(info, LAST_ACK_RECV).map(Age::AtLeast)
        }
        // A SYN is repeated a second after the one before or later (`TCP_TIMEOUT_INIT`).
        State::SynSent => {
            let repeated = info.get(RETRANSMITS).filter(|&&times| times > 0)?;
            Some(Age::AtLeast(Duration::from_secs((*repeated).into())))
        }
        _ => None,
    }
}

fn millis_at(info: &[u8], at: usize) -> Option<Duration> {
    u32_at(info, at).map(|millis| Duration::from_millis(millis.into()))
}

/// Which side opened the connection. `send_queue` is that of the row, in bytes: what was written and is not yet
/// acknowledged. `None` where the kernel gives too few fields, or where row and counters, which are not read at one
/// instant, don't fit together.
pub(super) fn opening(state: State, info: &[u8], send_queue: u32) -> Option<Opening> {
    let not_sent = u32_at(info, NOTSENT_BYTES)?;
    let sent = u64_at(info, BYTES_SENT)?.checked_sub(u64_at(info, BYTES_RETRANS)?)?;
    let in_flight = u64::from(send_queue.checked_sub(not_sent)?);
    let excess = u64_at(info, BYTES_ACKED)?
        .checked_add(in_flight)?
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

/// A time of 32 bits wraps around after so many milliseconds: 49.7 days.
const WRAP: Duration = Duration::from_millis(1 << 32);

/// A shorter suspension is the time between the readings of two clocks.
const MIN_SUSPENSION: Duration = Duration::from_secs(1);

/// The clock that these times are measured with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelClock {
    /// How long the machine has been running.
    running: Duration,
    /// How long it was suspended, while this clock stopped.
    suspended: Duration,
}

impl KernelClock {
    pub(crate) fn now() -> Self {
        let read = |clock: ClockId| clock.now().map_or(Duration::ZERO, Duration::from);
        let running = read(ClockId::CLOCK_MONOTONIC);
        let suspended = read(ClockId::CLOCK_BOOTTIME).saturating_sub(running);
        Self { running, suspended }
    }

    /// The age on a clock that never stops or wraps: a lower bound, if this one may have done so since.
    pub(crate) fn corrected(self, age: Age) -> Age {
        if self.suspended > MIN_SUSPENSION || age.duration() + WRAP <= self.running {
            Age::AtLeast(age.duration())
        } else {
            age
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// Times in milliseconds since data was sent, received and acknowledged, and bytes sent and received.
    fn info([sent, received, acknowledged]: [u32; 3], bytes: [u64; 2]) -> Vec<u8> {
        let mut info = vec![0; 232];
        let times = [LAST_DATA_SENT, LAST_DATA_RECV, LAST_ACK_RECV];
        for (at, time) in times.into_iter().zip([sent, received, acknowledged]) {
            info[at..at + 4].copy_from_slice(&time.to_ne_bytes());
        }
        for (at, count) in [BYTES_SENT, BYTES_RECEIVED].into_iter().zip(bytes) {
            info[at..at + 8].copy_from_slice(&count.to_ne_bytes());
        }
        info
    }

    #[test]
    fn where_nothing_was_sent_or_nothing_received_the_clock_of_that_is_the_age() {
        let age = |bytes| age(State::Established, &info([7000, 9000, 20], bytes));
        assert_eq!(age([0, 5]), Some(Age::Exactly(ms(7000))));
        assert_eq!(age([5, 0]), Some(Age::Exactly(ms(9000))));
        assert_eq!(age([5, 5]), Some(Age::AtLeast(ms(9000))));
    }

    #[test]
    fn a_connection_is_at_least_as_old_as_what_was_last_seen_of_it() {
        let age = |times| age(State::Established, &info(times, [5, 5]));
        assert_eq!(age([1, 2, 3]), Some(Age::AtLeast(ms(3))));
        let mut busy = info([1, 2, 3], [5, 5]);
        busy[BUSY_TIME..BUSY_TIME + 8].copy_from_slice(&4000_u64.to_ne_bytes());
        assert_eq!(
            super::age(State::Established, &busy),
            Some(Age::AtLeast(ms(4)))
        );
    }

    #[test]
    fn a_state_that_the_peer_began_is_as_old_as_its_last_segment_and_of_others_nothing_is_known() {
        let info = info([7000, 9000, 20], [0, 0]);
        for state in [State::CloseWait, State::FinWait2, State::Closing] {
            assert_eq!(age(state, &info), Some(Age::AtLeast(ms(20))), "{state}");
        }
        for state in [State::Listen, State::SynSent, State::LastAck, State::Bound] {
            assert_eq!(age(state, &info), None, "{state}");
        }
    }

    #[test]
    fn a_connection_without_an_answer_is_a_second_old_for_each_repeated_syn() {
        let mut info = info([7000, 9000, 20], [0, 0]);
        info[RETRANSMITS] = 3;
        let age = age(State::SynSent, &info);
        assert_eq!(age, Some(Age::AtLeast(ms(3000))));
    }

    #[test]
    fn a_kernel_that_does_not_count_what_was_sent_gives_a_lower_bound() {
        let whole = info([7000, 9000, 20], [0, 5]);
        let age = |bytes: usize| age(State::Established, &whole[..bytes]);
        assert_eq!(age(207), Some(Age::AtLeast(ms(9000))));
        assert_eq!(age(59), None);
    }

    #[test]
    fn a_clock_that_stopped_or_restarted_gives_a_lower_bound() {
        let clock = |running, suspended| KernelClock { running, suspended };
        let (age, days) = (Age::Exactly(ms(7000)), Duration::from_hours(24 * 50));
        assert_eq!(clock(days / 2, ms(1)).corrected(age), age);
        let at_least = Age::AtLeast(ms(7000));
        assert_eq!(clock(days / 2, ms(1001)).corrected(age), at_least);
        assert_eq!(clock(days, ms(0)).corrected(age), at_least);
        let old = Age::Exactly(days / 2);
        assert_eq!(clock(days, ms(0)).corrected(old), old);
    }

    fn counted(acked: u64, sent: u64, retransmitted: u64, not_sent: u32) -> Vec<u8> {
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
            |bytes: Vec<u8>, send_queue| opening(State::Established, &bytes, send_queue).unwrap();
        assert_eq!(established(counted(101, 100, 0, 0), 0), Opening::Active);
        assert_eq!(established(counted(77, 77, 0, 0), 0), Opening::Passive);
        let full = counted(65_637, 159_844, 32_768, 3_739_648);
        assert_eq!(established(full, 3_801_088), Opening::Active);
    }

    #[test]
    fn a_fin_counts_once_it_was_sent() {
        assert_eq!(
            opening(State::FinWait2, &counted(2, 0, 0, 0), 0),
            Some(Opening::Active)
        );
        assert_eq!(
            opening(State::FinWait1, &counted(0, 0, 0, 0), 1),
            Some(Opening::Passive)
        );
    }

    #[test]
    fn payload_counts_neither_what_was_sent_again_nor_the_fin_of_the_peer() {
        let mut bytes = counted(0, 100, 40, 7);
        bytes[BYTES_RECEIVED..BYTES_RECEIVED + 8].copy_from_slice(&31_u64.to_ne_bytes());
        bytes[RTT..RTT + 4].copy_from_slice(&1500_u32.to_ne_bytes());
        bytes[MIN_RTT..MIN_RTT + 4].fill(0xff);
        let open = counters(State::Established, &bytes).unwrap();
        assert_eq!((open.bytes_sent, open.bytes_received), (60, 31));
        assert_eq!((open.bytes_retransmitted, open.unsent), (40, 7));
        assert_eq!(open.rtt, Duration::from_micros(1500));
        assert_eq!(open.min_rtt, None);
        let closing = counters(State::CloseWait, &bytes).unwrap();
        assert_eq!(closing.bytes_received, 30);
        assert_eq!(counters(State::Listen, &bytes), None);
        assert_eq!(counters(State::Established, &bytes[..215]), None);
        let old = counters(State::Established, &bytes[..216]).unwrap();
        assert_eq!(old.send_window, None);
    }

    #[test]
    fn a_handshake_that_is_not_over_has_no_counters() {
        let info = info([7000, 9000, 4_000_000], [0, 0]);
        for state in [State::SynSent, State::SynRecv] {
            assert_eq!(counters(state, &info), None, "{state}");
        }
        assert!(counters(State::Established, &info).is_some());
    }

    #[test]
    fn inconsistent_counters_give_no_result() {
        assert_eq!(opening(State::Established, &counted(9, 0, 0, 0), 0), None);
        assert_eq!(opening(State::Established, &counted(0, 9, 0, 0), 0), None);
        assert_eq!(opening(State::Established, &counted(0, 0, 0, 9), 0), None);
        assert_eq!(opening(State::Listen, &counted(0, 0, 0, 0), 0), None);
        assert_eq!(
            opening(State::Established, &counted(1, 0, 0, 0)[..207], 0),
            None
        );
        let overflow = counted(u64::MAX, 0, 0, 0);
        assert_eq!(opening(State::Established, &overflow, 1), None);
    }
}
