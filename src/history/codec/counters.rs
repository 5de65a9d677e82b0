//! The counters of all sockets in a snapshot: one field of all of them after the other, as most differ little or are 0.

use std::num::NonZeroU64;
use std::time::Duration;

use super::MAX_SOCKETS;
use super::bytes::{Input, Malformed, put};
use crate::model::{Counted, Counters, NamespaceId, TcpInfo};

/// What a socket has: the bits of its first byte.
mod has {
    pub const TCP: u8 = 1;
    pub const DROPS: u8 = 1 << 1;
    pub const MIN_RTT: u8 = 1 << 2;
    pub const SEND_WINDOW: u8 = 1 << 3;
    pub const IS_APPLICATION_LIMITED: u8 = 1 << 4;
}

/// A number of the counters of a connection: how to get and how to set it.
struct Field {
    get: fn(&TcpInfo) -> u64,
    /// `None` if it is too large.
    set: fn(&mut TcpInfo, u64) -> Option<()>,
}

macro_rules! fields {
    (number: $($number:ident)*; duration: $($duration:ident)*) => {
        [
            $(Field {
                get: |tcp| u64::from(tcp.$number),
                set: |tcp, value| {
                    tcp.$number = value.try_into().ok()?;
                    Some(())
                },
            },)*
            $(Field {
                get: |tcp| micros(tcp.$duration),
                set: |tcp, value| {
                    tcp.$duration = Duration::from_micros(value);
                    Some(())
                },
            },)*
        ]
    };
}

/// Those that each connection has. Their count is stored, so that a version may add some at the end.
const FIELDS: [Field; 17] = fields!(
    number: bytes_sent bytes_received bytes_retransmitted retransmits unsent unacknowledged timeouts backoff probes congestion;
    duration: rtt since_sent since_received since_acknowledged busy limited_by_peer limited_by_buffer
);

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The most bytes of the counters of a snapshot. Those of more than about 100,000 sockets are not stored.
pub(super) const MAX_LENGTH: usize = 4 << 20;

/// The most fields that a reader passes over.
const MAX_FIELDS: usize = 64;

/// All of them, in bytes. Their order is not kept.
pub(super) fn encode(counted: &[Counted]) -> Vec<u8> {
    let mut all: Vec<_> = counted.iter().take(MAX_SOCKETS).collect();
    all.sort_unstable_by_key(|one| (one.namespace.0, one.cookie));
    let mut out = Vec::with_capacity(32 * all.len());
    put(&mut out, all.len() as u64);
    let mut last = 0;
    for one in &all {
        put(&mut out, u64::from(one.namespace.0));
        put(&mut out, one.cookie.get().wrapping_sub(last));
        last = one.cookie.get();
    }
    for one in &all {
        out.push(bits(&one.counters));
    }
    let connections: Vec<_> = all.iter().filter_map(|one| one.counters.tcp).collect();
    put(&mut out, FIELDS.len() as u64);
    for field in &FIELDS {
        for tcp in &connections {
            put(&mut out, (field.get)(tcp));
        }
    }
    for one in &all {
        let tcp = one.counters.tcp;
        let min_rtt = tcp.and_then(|tcp| tcp.min_rtt).map(micros);
        let send_window = tcp.and_then(|tcp| tcp.send_window).map(u64::from);
        let drops = one.counters.drops.map(u64::from);
        for number in [min_rtt, send_window, drops].into_iter().flatten() {
            put(&mut out, number);
        }
    }
    out
}

fn bits(counters: &Counters) -> u8 {
    let tcp = counters.tcp.unwrap_or_default();
    let bit = |is_set: bool, bit: u8| u8::from(is_set) * bit;
    bit(counters.tcp.is_some(), has::TCP)
        | bit(counters.drops.is_some(), has::DROPS)
        | bit(tcp.min_rtt.is_some(), has::MIN_RTT)
        | bit(tcp.send_window.is_some(), has::SEND_WINDOW)
        | bit(tcp.is_application_limited, has::IS_APPLICATION_LIMITED)
}

/// Reads what [`encode`] has written: of so many sockets at most.
pub(super) fn decode(input: &mut Input<'_>, limit: usize) -> Result<Vec<Counted>, Malformed> {
    // Each takes three bytes at least: its namespace, its cookie, and what it has.
    let limit = limit.min(MAX_SOCKETS).min(input.left() / 3);
    let count = input.count(limit)?;
    let mut all = Vec::with_capacity(count);
    let mut last = 0_u64;
    for _ in 0..count {
        let namespace = NamespaceId(input.small()?);
        last = last.wrapping_add(input.number()?);
        let cookie = NonZeroU64::new(last).ok_or("a cookie is 0")?;
        all.push(Counted {
            namespace,
            cookie,
            counters: Counters::default(),
        });
    }
    let bits = input.bytes(count)?;
    for (one, bits) in all.iter_mut().zip(bits) {
        one.counters.tcp = (bits & has::TCP != 0).then(|| TcpInfo {
            is_application_limited: bits & has::IS_APPLICATION_LIMITED != 0,
            ..TcpInfo::default()
        });
    }
    for at in 0..input.count(MAX_FIELDS)? {
        let connections = all.iter_mut();
        for tcp in connections.filter_map(|one| one.counters.tcp.as_mut()) {
            let value = input.number()?;
            if let Some(field) = FIELDS.get(at) {
                (field.set)(tcp, value).ok_or("a counter is too large")?;
            }
        }
    }
    for (one, bits) in all.iter_mut().zip(bits) {
        if let Some(tcp) = &mut one.counters.tcp {
            if bits & has::MIN_RTT != 0 {
                tcp.min_rtt = Some(Duration::from_micros(input.number()?));
            }
            if bits & has::SEND_WINDOW != 0 {
                tcp.send_window = Some(input.small()?);
            }
        }
        if bits & has::DROPS != 0 {
            one.counters.drops = Some(input.small()?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(cookie: u64, counters: Counters) -> Counted {
        Counted {
            namespace: NamespaceId(u32::from(cookie > 100)),
            cookie: NonZeroU64::new(cookie).unwrap(),
            counters,
        }
    }

    fn some() -> Vec<Counted> {
        // Each field has another value, so that none is left out or read as another.
        let mut tcp = TcpInfo {
            min_rtt: Some(Duration::from_micros(7)),
            send_window: Some(65_535),
            is_application_limited: true,
            ..TcpInfo::default()
        };
        for (field, value) in FIELDS.iter().zip(100..) {
            (field.set)(&mut tcp, value).unwrap();
        }
        let plain = TcpInfo {
            bytes_sent: u64::MAX,
            ..TcpInfo::default()
        };
        let of = |tcp, drops| Counters { tcp, drops };
        vec![
            counted(5, of(Some(tcp), None)),
            counted(9, of(None, Some(3))),
            counted(101, of(Some(plain), Some(0))),
            counted(102, of(None, None)),
        ]
    }

    #[test]
    fn what_was_written_is_read() {
        let mut all = some();
        all.reverse();
        let bytes = encode(&all);
        let mut input = Input::new(&bytes);
        assert_eq!(decode(&mut input, 4).unwrap(), some());
        assert_eq!(input.left(), 0);
        assert_eq!(decode(&mut Input::new(&encode(&[])), 0).unwrap(), []);
    }

    /// A field of the struct that is not stored would be found here.
    #[test]
    fn every_field_is_stored() {
        let fields = serde_json::to_value(TcpInfo::default()).unwrap();
        let with_bits = ["min_rtt", "send_window", "is_application_limited"];
        let names = fields.as_object().unwrap().len();
        assert_eq!(names, FIELDS.len() + with_bits.len());
    }

    #[test]
    fn bytes_that_end_too_soon_and_more_counters_than_sockets_are_refused() {
        let bytes = encode(&some());
        assert!(decode(&mut Input::new(&bytes), 3).is_err());
        for length in 0..bytes.len() {
            assert!(decode(&mut Input::new(&bytes[..length]), 4).is_err());
        }
    }
}
