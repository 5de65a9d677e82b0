//! What the counters of a socket prove to be wrong, from one snapshot to the next: the peer or the own program does not read,
//! the peer does not answer, segments or packets get lost.
//!
//! Each sign was produced for real beside the kernel's counters (Linux 6.18); the tests in `tests/kernel/signs.rs` do so again.

use std::time::Duration;

use crate::model::{Counters, Protocol, Socket, State, TcpInfo};
use crate::track::TroubleKind;

/// After so many unanswered repetitions of a segment, each after twice the time of the one before, the peer has been silent for
/// more than a second (`TCP_RTO_MIN` is 200 ms: 0.2 + 0.4 + 0.8).
const MIN_TIMEOUTS: u8 = 3;

/// From two per cent of repeated bytes on TCP gets noticeably slower; a drop of 2 % of all packets gave 2.1 %.
const MIN_LOSS_PERCENT: u64 = 2;

/// Of fewer bytes, or fewer segments sent again, a share says nothing.
const MIN_BYTES: u64 = 128 * 1024;
const MIN_SEGMENTS: u32 = 3;

/// How long a loss counts that did not go on.
const LOSS_HOLDS: Duration = Duration::from_secs(10);

/// What was noticed of a socket so far. Times are on the steady clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signs {
    /// Since when the peer's window has been closed for data that waits.
    closed_since: Option<Duration>,
    /// How much the own program has read while something waits to be read, and since when it is so much.
    read: Option<(u64, Duration)>,
    /// When drops last grew.
    dropped_at: Option<Duration>,
    /// When the share of repeated bytes was last too large.
    lost_at: Option<Duration>,
    /// What had been sent when that share was last found: payload, repeated bytes, repeated segments.
    sent: (u64, u64, u32),
}

impl Signs {
    /// At the first counters of a socket nothing has grown yet.
    pub fn first(counters: &Counters, socket: &Socket, at: Duration) -> Self {
        let tcp = counters.tcp.as_ref();
        Self {
            sent: tcp.map_or((0, 0, 0), sent),
            read: tcp.and_then(|tcp| Some((unread(tcp, socket)?, at))),
            ..Self::default()
        }
    }

    /// With the counters of another snapshot.
    pub fn next(mut self, [before, now]: [&Counters; 2], socket: &Socket, at: Duration) -> Self {
        if now.drops > before.drops && before.drops.is_some() {
            self.dropped_at = Some(at);
        }
        let (Some(was), Some(is)) = (&before.tcp, &now.tcp) else {
            // A connection begins, or has left nothing but its state: a `FIN_WAIT2` without an owner.
            return Self {
                dropped_at: self.dropped_at,
                ..Self::first(now, socket, at)
            };
        };
        self.closed_since = is_closed(was, is).then(|| self.closed_since.unwrap_or(at));
        self.read = unread(is, socket).map(|read| match self.read {
            Some((known, since)) if known == read => (read, since),
            _ => (read, at),
        });
        self.find_loss(is, at);
        self
    }

    /// The share is found whenever enough was sent since the last time.
    fn find_loss(&mut self, tcp: &TcpInfo, at: Duration) {
        let (payload, again, segments) = sent(tcp);
        let payload = payload.saturating_sub(self.sent.0);
        let again = again.saturating_sub(self.sent.1);
        let segments = segments.saturating_sub(self.sent.2);
        let all = payload.saturating_add(again);
        if all < MIN_BYTES {
            return;
        }
        self.sent = sent(tcp);
        if segments >= MIN_SEGMENTS
            && again.saturating_mul(100) >= all.saturating_mul(MIN_LOSS_PERCENT)
        {
            self.lost_at = Some(at);
        }
    }

    /// What is wrong, the most urgent first, once it has lasted.
    pub fn trouble(
        &self,
        counters: &Counters,
        socket: &Socket,
        at: Duration,
    ) -> Option<TroubleKind> {
        let lasts = |since: Option<Duration>, kind: TroubleKind| {
            since.is_some_and(|since| at.saturating_sub(since) >= kind.after())
        };
        let is_recent = |since: Option<Duration>| {
            since.is_some_and(|since| at.saturating_sub(since) < LOSS_HOLDS)
        };
        let drops = match socket.protocol {
            Protocol::Tcp => TroubleKind::QueueDropping,
            _ => TroubleKind::PacketsDropped,
        };
        let signs = [
            (is_recent(self.dropped_at) && socket.counts_drops(), drops),
            (
                counters.tcp.as_ref().is_some_and(is_silent),
                TroubleKind::PeerSilent,
            ),
            (
                lasts(self.closed_since, TroubleKind::PeerNotReading),
                TroubleKind::PeerNotReading,
            ),
            (
                lasts(self.read.map(|(_, since)| since), TroubleKind::NotReading),
                TroubleKind::NotReading,
            ),
            (is_recent(self.lost_at), TroubleKind::Lossy),
        ];
        let found = signs.into_iter().find(|(is_so, _)| *is_so);
        found.map(|(_, kind)| kind)
    }
}

const fn sent(tcp: &TcpInfo) -> (u64, u64, u32) {
    (tcp.bytes_sent, tcp.bytes_retransmitted, tcp.retransmits)
}

/// The peer's window is closed, data waits for it, and the kernel counted the time in between as limited by it.
fn is_closed(was: &TcpInfo, is: &TcpInfo) -> bool {
    let has_waited = is.limited_by_peer > was.limited_by_peer || is.probes > was.probes;
    is.send_window == Some(0) && is.unsent > 0 && has_waited
}

/// How many bytes the program has read, if more wait to be read.
fn unread(tcp: &TcpInfo, socket: &Socket) -> Option<u64> {
    let waiting = socket.queue.filter(|queue| queue.receive > 0)?.receive;
    let is_open = socket.state == State::Established && socket.inode.is_some();
    is_open.then(|| tcp.bytes_received.saturating_sub(waiting.into()))
}

/// Segments were repeated again and again, without an answer in all that time.
const fn is_silent(tcp: &TcpInfo) -> bool {
    let is_repeated = tcp.timeouts >= MIN_TIMEOUTS && tcp.backoff >= MIN_TIMEOUTS;
    is_repeated && tcp.unacknowledged > 0 && tcp.since_acknowledged.as_secs() > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, Queue};

    fn socket(protocol: Protocol, state: State, receive: u32) -> Socket {
        let end = Endpoint::new([127, 0, 0, 1].into(), 80);
        let has_peer = state == State::Established;
        Socket {
            inode: Some(1),
            queue: Some(Queue { receive, send: 0 }),
            ..Socket::new(protocol, end, has_peer.then_some(end), state)
        }
    }

    fn connection(unread: u32) -> Socket {
        socket(Protocol::Tcp, State::Established, unread)
    }

    /// What is found after each second with these counters.
    fn seen(socket: &Socket, all: &[Counters]) -> Vec<Option<TroubleKind>> {
        let seconds = (0..).map(Duration::from_secs);
        let mut signs = Signs::first(&all[0], socket, Duration::ZERO);
        let pairs = all.windows(2).zip(seconds.skip(1));
        let found = pairs.map(|(pair, at)| {
            signs = signs.next([&pair[0], &pair[1]], socket, at);
            signs.trouble(&pair[1], socket, at)
        });
        found.collect()
    }

    fn tcp(tcp: TcpInfo) -> Counters {
        Counters {
            tcp: Some(tcp),
            drops: Some(0),
        }
    }

    fn closed_window(second: u64) -> TcpInfo {
        TcpInfo {
            send_window: Some(0),
            unsent: 1000,
            limited_by_peer: Duration::from_secs(second),
            ..TcpInfo::default()
        }
    }

    #[test]
    fn a_window_that_stays_closed_for_waiting_data_is_a_peer_that_does_not_read() {
        let kind = Some(TroubleKind::PeerNotReading);
        let all: Vec<_> = (0..6).map(|second| tcp(closed_window(second))).collect();
        assert_eq!(seen(&connection(0), &all), [None, None, None, kind, kind]);
        let nothing_waits = |second| TcpInfo {
            unsent: 0,
            ..closed_window(second)
        };
        let all: Vec<_> = (0..6).map(|second| tcp(nothing_waits(second))).collect();
        assert_eq!(seen(&connection(0), &all), [None; 5]);
    }

    #[test]
    fn only_a_program_that_read_nothing_for_long_does_not_read() {
        let received = |bytes: u64| {
            tcp(TcpInfo {
                bytes_received: bytes,
                ..TcpInfo::default()
            })
        };
        let stopped = vec![received(5000); 12];
        let found = seen(&connection(5000), &stopped);
        assert_eq!(found[8], None);
        assert_eq!(found[9], Some(TroubleKind::NotReading));
        // As much waits each time, but it is always something else.
        let reading: Vec<_> = (5..20).map(|kilos| received(kilos * 1000)).collect();
        assert_eq!(seen(&connection(5000), &reading), [None; 14]);
        assert_eq!(seen(&connection(0), &stopped), [None; 11]);
    }

    #[test]
    fn a_segment_that_is_repeated_three_times_without_an_answer_is_a_silent_peer() {
        let repeated = |times| {
            tcp(TcpInfo {
                timeouts: times,
                backoff: times,
                unacknowledged: 1,
                since_acknowledged: Duration::from_millis(1500),
                ..TcpInfo::default()
            })
        };
        let found = seen(&connection(0), &[repeated(0), repeated(2), repeated(3)]);
        assert_eq!(found, [None, Some(TroubleKind::PeerSilent)]);
    }

    #[test]
    fn a_share_of_two_per_cent_sent_again_is_lossy_if_enough_was_sent() {
        let sent = |payload: u64, again: u64, segments| {
            tcp(TcpInfo {
                bytes_sent: payload,
                bytes_retransmitted: again,
                retransmits: segments,
                ..TcpInfo::default()
            })
        };
        let kind = Some(TroubleKind::Lossy);
        let step = 1 << 20;
        let lossy = [sent(0, 0, 0), sent(step, step / 40, 18)];
        assert_eq!(seen(&connection(0), &lossy), [kind]);
        let little = [sent(0, 0, 0), sent(step, step / 60, 12)];
        assert_eq!(seen(&connection(0), &little), [None]);
        let few = [sent(0, 0, 0), sent(100_000, 20_000, 14)];
        assert_eq!(seen(&connection(0), &few), [None]);
        // What was lost before the first snapshot says nothing about now.
        let before = [sent(step, step, 900), sent(2 * step, step, 900)];
        assert_eq!(seen(&connection(0), &before), [None]);
        // A file may say anything.
        let largest = [sent(0, 0, 0), sent(u64::MAX, u64::MAX, u32::MAX)];
        assert_eq!(seen(&connection(0), &largest), [kind]);
    }

    #[test]
    fn drops_that_grow_are_of_a_listener_or_of_a_socket_of_packets() {
        let drops = |drops| Counters {
            tcp: None,
            drops: Some(drops),
        };
        let listener = socket(Protocol::Tcp, State::Listen, 0);
        let udp = socket(Protocol::Udp, State::Unconn, 0);
        let growing = [drops(5), drops(5), drops(6), drops(6)];
        for (socket, kind) in [
            (&listener, TroubleKind::QueueDropping),
            (&udp, TroubleKind::PacketsDropped),
        ] {
            assert_eq!(seen(socket, &growing), [None, Some(kind), Some(kind)]);
        }
        let mut all = vec![drops(5), drops(6)];
        all.resize(12, drops(6));
        assert_eq!(seen(&udp, &all)[10], None, "over after ten seconds");
        let connection = [
            tcp(TcpInfo::default()),
            Counters {
                drops: Some(9),
                ..tcp(TcpInfo::default())
            },
        ];
        assert_eq!(seen(&self::connection(0), &connection), [None]);
    }
}
