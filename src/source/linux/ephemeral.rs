//! The port range for outgoing connections of this network namespace, and whether it reuses ports in `TIME_WAIT`.

use std::fs;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::{EphemeralPorts, Moment, TimeWaitReuse};

/// Settings change rarely: they are read again after this time.
const KEPT: Duration = Duration::from_secs(5);

/// The settings, as last read.
#[derive(Default)]
pub(super) struct Settings(Option<(Moment, Option<EphemeralPorts>)>);

impl Settings {
    /// The settings, at most [`KEPT`] old; `None` if they can't be read.
    pub(super) fn at(&mut self, now: Moment) -> Option<EphemeralPorts> {
        let known = self.0.take().filter(|(at, _)| at.age(now) < KEPT);
        let (_, ports) = self.0.insert(known.unwrap_or_else(|| (now, read())));
        ports.clone()
    }
}

fn read() -> Option<EphemeralPorts> {
    let number = |name| sysctl(name, |text| text.parse().ok());
    Some(EphemeralPorts {
        range: sysctl("ipv4/ip_local_port_range", port_range)?,
        reserved: sysctl("ipv4/ip_local_reserved_ports", port_ranges).unwrap_or_default(),
        reuse: reuse(number("ipv4/tcp_tw_reuse"), number("ipv4/tcp_timestamps")),
    })
}

fn reuse(tw_reuse: Option<u8>, timestamps: Option<u8>) -> TimeWaitReuse {
    match (tw_reuse, timestamps) {
        (Some(1), Some(1..)) => TimeWaitReuse::Always,
        (Some(2), Some(1..)) => TimeWaitReuse::Loopback,
        _ => TimeWaitReuse::Never,
    }
}

/// A setting of this network namespace, below `/proc/sys/net`.
pub(crate) fn sysctl<T>(name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let text = fs::read_to_string(format!("/proc/sys/net/{name}")).ok()?;
    parse(text.trim())
}

/// Two numbers with white space between them.
pub(crate) fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once(char::is_whitespace)?;
    Some(first.parse().ok()?..=last.trim().parse().ok()?)
}

/// `8080,9148-9150`, or nothing.
pub(crate) fn port_ranges(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    parts.map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_in_time_wait_are_reused_only_with_time_stamps() {
        assert_eq!(reuse(Some(0), Some(1)), TimeWaitReuse::Never);
        assert_eq!(reuse(Some(1), Some(1)), TimeWaitReuse::Always);
        assert_eq!(reuse(Some(2), Some(2)), TimeWaitReuse::Loopback);
        assert_eq!(reuse(Some(1), Some(0)), TimeWaitReuse::Never);
        assert_eq!(reuse(None, None), TimeWaitReuse::Never);
    }

    #[test]
    fn ports_are_read_as_the_kernel_writes_them() {
        assert_eq!(port_range("32768\t60999"), Some(32_768..=60_999));
        assert_eq!(port_range("x"), None);
        assert_eq!(port_ranges(""), Some(vec![]));
        assert_eq!(
            port_ranges("8080,9148-9150"),
            Some(vec![8080..=8080, 9148..=9150])
        );
        assert_eq!(port_ranges("8080,x"), None);
    }
}
