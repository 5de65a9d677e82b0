//! How old a connection is. No field of the kernel says so, but some of its counters do.
//!
//! `tcp_info` has the time since data was last sent and since it was last received, and both clocks start when the
//! connection is established. So where nothing was ever sent, or nothing ever received, that time is the age. Of other
//! connections it is known that they are at least as old as what was last seen of them, and as the time that they were
//! busy sending. Measured on 6.18, where these times come in steps of 4 ms; `bytes_sent` is there since 4.19.

use std::time::Duration;

use nix::time::ClockId;

use crate::model::{Age, State};

/// Where the fields are in `struct tcp_info` of `linux/tcp.h`. Times are in milliseconds, but for the busy one, which
/// is in microseconds.
const LAST_DATA_SENT: usize = 44;
const LAST_DATA_RECV: usize = 52;
const LAST_ACK_RECV: usize = 56;
const BYTES_RECEIVED: usize = 128;
const BUSY_TIME: usize = 168;
const BYTES_SENT: usize = 200;

/// How long the connection has been in its state. `None` for listeners and unconnected sockets, of which these clocks
/// tell the time since the machine was started, and for states that its own process began by closing it, which no
/// field tells of.
pub(super) fn of(state: State, info: &[u8]) -> Option<Age> {
    match state {
        State::Established => of_established(info),
        // They began with a segment of the peer, and no segment came later than the last.
        State::CloseWait | State::FinWait2 | State::Closing => {
            millis(info, LAST_ACK_RECV).map(Age::AtLeast)
        }
        _ => None,
    }
}

fn of_established(info: &[u8]) -> Option<Age> {
    let (sent, received) = (millis(info, LAST_DATA_SENT)?, millis(info, LAST_DATA_RECV)?);
    if wide(info, BYTES_SENT) == Some(0) {
        return Some(Age::Exactly(sent));
    }
    if wide(info, BYTES_RECEIVED) == Some(0) {
        return Some(Age::Exactly(received));
    }
    let acknowledged = millis(info, LAST_ACK_RECV)?;
    let busy = Duration::from_micros(wide(info, BUSY_TIME).unwrap_or(0));
    Some(Age::AtLeast(sent.max(received).max(acknowledged).max(busy)))
}

fn millis(info: &[u8], at: usize) -> Option<Duration> {
    let number = u32::from_ne_bytes(info.get(at..at + 4)?.try_into().ok()?);
    Some(Duration::from_millis(number.into()))
}

fn wide(info: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(info.get(at..at + 8)?.try_into().ok()?))
}

/// After so many milliseconds a time of 32 bits begins at 0 again: 49.7 days.
const WRAP: Duration = Duration::from_millis(1 << 32);

/// Shorter than this a machine is not suspended; reading two clocks takes a moment.
const MOMENT: Duration = Duration::from_secs(1);

/// The clock that these times are measured with.
#[derive(Clone, Copy, Debug)]
pub(super) struct KernelClock {
    /// How long the machine has run.
    running: Duration,
    /// How long it was suspended, when this clock stood still.
    suspended: Duration,
}

impl KernelClock {
    pub(super) fn now() -> Self {
        let read = |clock: ClockId| clock.now().map_or(Duration::ZERO, Duration::from);
        let running = read(ClockId::CLOCK_MONOTONIC);
        let suspended = read(ClockId::CLOCK_BOOTTIME).saturating_sub(running);
        Self { running, suspended }
    }

    /// What an age is on a clock that never stands still and never begins again: at least so long, where this clock may
    /// have done so since.
    pub(super) fn corrected(self, age: Age) -> Age {
        let may_be_longer = self.suspended > MOMENT || age.duration() + WRAP <= self.running;
        if may_be_longer {
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
        let age = |bytes| of(State::Established, &info([7000, 9000, 20], bytes));
        assert_eq!(age([0, 5]), Some(Age::Exactly(ms(7000))));
        assert_eq!(age([5, 0]), Some(Age::Exactly(ms(9000))));
        assert_eq!(age([5, 5]), Some(Age::AtLeast(ms(9000))));
    }

    #[test]
    fn a_connection_is_at_least_as_old_as_what_was_last_seen_of_it() {
        let age = |times| of(State::Established, &info(times, [5, 5]));
        assert_eq!(age([1, 2, 3]), Some(Age::AtLeast(ms(3))));
        let mut busy = info([1, 2, 3], [5, 5]);
        busy[BUSY_TIME..BUSY_TIME + 8].copy_from_slice(&4000_u64.to_ne_bytes());
        assert_eq!(of(State::Established, &busy), Some(Age::AtLeast(ms(4))));
    }

    #[test]
    fn a_state_that_the_peer_began_is_as_old_as_its_last_segment_and_of_others_nothing_is_known() {
        let info = info([7000, 9000, 20], [0, 0]);
        for state in [State::CloseWait, State::FinWait2, State::Closing] {
            assert_eq!(of(state, &info), Some(Age::AtLeast(ms(20))), "{state}");
        }
        for state in [State::Listen, State::SynSent, State::LastAck, State::Bound] {
            assert_eq!(of(state, &info), None, "{state}");
        }
    }

    #[test]
    fn a_kernel_that_does_not_count_what_was_sent_gives_a_lower_bound() {
        let whole = info([7000, 9000, 20], [0, 5]);
        let age = |bytes: usize| of(State::Established, &whole[..bytes]);
        assert_eq!(age(207), Some(Age::AtLeast(ms(9000))));
        assert_eq!(age(59), None);
    }

    #[test]
    fn a_clock_that_stood_still_or_began_again_gives_a_lower_bound() {
        let clock = |running, suspended| KernelClock { running, suspended };
        let (age, days) = (Age::Exactly(ms(7000)), Duration::from_hours(24 * 50));
        assert_eq!(clock(days / 2, ms(1)).corrected(age), age);
        let at_least = Age::AtLeast(ms(7000));
        assert_eq!(clock(days / 2, ms(1001)).corrected(age), at_least);
        assert_eq!(clock(days, ms(0)).corrected(age), at_least);
        let old = Age::Exactly(days / 2);
        assert_eq!(clock(days, ms(0)).corrected(old), old);
    }
}
