//! Which ports this network namespace gives to outgoing connections, and which of those in `TIME_WAIT` it
//! gives again.

use std::time::Duration;

use super::port::limits::{ephemeral, ranges, sysctl};
use crate::model::{EphemeralPorts, Moment, TimeWaitReuse};

/// Settings change seldom: they are read again after this time.
const KEPT: Duration = Duration::from_secs(5);

/// The settings as they were last read.
#[derive(Default)]
pub(super) struct Settings {
    read: Option<(Moment, Option<EphemeralPorts>)>,
}

impl Settings {
    /// The settings, not much older than this; `None` if they can't be read.
    pub(super) fn at(&mut self, now: Moment) -> Option<EphemeralPorts> {
        let known = self.read.take().filter(|(at, _)| at.age(now) < KEPT);
        let (at, ports) = known.unwrap_or_else(|| (now, read()));
        self.read = Some((at, ports.clone()));
        ports
    }
}

fn read() -> Option<EphemeralPorts> {
    Some(EphemeralPorts {
        range: sysctl("ipv4/ip_local_port_range", port_range)?,
        reserved: sysctl("ipv4/ip_local_reserved_ports", port_ranges).unwrap_or_default(),
        reuse: reuse(
            sysctl("ipv4/tcp_tw_reuse", |text| text.parse().ok()),
            sysctl("ipv4/tcp_timestamps", |text| text.parse().ok()),
        ),
    })
}

fn reuse(tw_reuse: Option<u8>, timestamps: Option<u8>) -> TimeWaitReuse {
    match (tw_reuse, timestamps) {
        (Some(1), Some(1..)) => TimeWaitReuse::Always,
        (Some(2), Some(1..)) => TimeWaitReuse::Loopback,
        _ => TimeWaitReuse::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_reused_only_with_time_stamps() {
        assert_eq!(reuse(Some(0), Some(1)), TimeWaitReuse::Never);
        assert_eq!(reuse(Some(1), Some(1)), TimeWaitReuse::Always);
        assert_eq!(reuse(Some(2), Some(2)), TimeWaitReuse::Loopback);
        assert_eq!(reuse(Some(1), Some(0)), TimeWaitReuse::Never);
        assert_eq!(reuse(None, None), TimeWaitReuse::Never);
    }
}
