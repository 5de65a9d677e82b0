//! How often snapshots are taken: each interval, or less often where they would take too much of a core.

use std::time::Duration;

/// A snapshot and all that comes with it takes at most one part in so many of a core.
const PARTS: u32 = 100;

/// The longest interval for that.
const LONGEST: Duration = Duration::from_secs(10);

/// How much the last snapshot counts: one in so many. The first one finds every owner, and costs more than those that follow.
const WEIGHT: u32 = 8;

/// When snapshots are due.
#[derive(Debug)]
pub(super) struct SnapshotInterval {
    /// The shortest interval.
    least: Duration,
    /// Whether it is kept whatever a snapshot costs.
    is_fixed: bool,
    current: Duration,
    /// The CPU time that this process had used at the end of the last snapshot.
    used: Option<Duration>,
}

impl SnapshotInterval {
    pub fn new(interval: Duration, is_fixed: bool) -> Self {
        Self {
            least: interval,
            is_fixed,
            current: interval,
            used: cpu_time(),
        }
    }

    /// The time from the start of the snapshot that has just been taken to that of the next one.
    pub fn next(&mut self) -> Duration {
        if let (false, Some(now)) = (self.is_fixed, cpu_time()) {
            let cost = now.saturating_sub(self.used.replace(now).unwrap_or(now));
            self.adapt(cost);
        }
        self.current
    }

    fn adapt(&mut self, cost: Duration) {
        let wanted = (cost * PARTS).min(LONGEST.max(self.least));
        let weighted = self.current * (WEIGHT - 1) + wanted;
        self.current = (weighted / WEIGHT).max(self.least);
    }
}

/// The CPU time of this process; `None` where the system is not known to have it.
#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).ok()
}

#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MILLI: Duration = Duration::from_millis(1);

    /// The interval after so many snapshots of this cost.
    fn after(interval: &mut SnapshotInterval, count: u32, cost: Duration) -> Duration {
        (0..count).for_each(|_| interval.adapt(cost));
        interval.current
    }

    #[test]
    fn cheap_snapshots_are_taken_each_interval() {
        let mut interval = SnapshotInterval::new(SECOND, false);
        assert_eq!(after(&mut interval, 10, 9 * MILLI), SECOND);
    }

    #[test]
    fn dear_ones_are_taken_as_often_as_a_hundredth_of_a_core_allows() {
        let mut interval = SnapshotInterval::new(SECOND, false);
        let grown = after(&mut interval, 100, 25 * MILLI);
        assert!((2490..=2500).contains(&grown.as_millis()), "{grown:?}");
        assert_eq!(after(&mut interval, 100, SECOND).as_secs(), 9);
        assert_eq!(after(&mut interval, 200, MILLI), SECOND);
    }

    #[test]
    fn the_first_one_alone_changes_little_and_a_long_interval_stays() {
        let mut interval = SnapshotInterval::new(SECOND, false);
        assert!(after(&mut interval, 1, SECOND) < 3 * SECOND);
        let mut slow = SnapshotInterval::new(60 * SECOND, false);
        assert_eq!(after(&mut slow, 10, SECOND), 60 * SECOND);
    }

    #[test]
    fn an_interval_that_was_named_is_kept() {
        let mut interval = SnapshotInterval::new(MILLI, true);
        let began = cpu_time();
        while cpu_time()
            .zip(began)
            .is_some_and(|(now, began)| now < began + MILLI)
        {}
        assert_eq!(interval.next(), MILLI);
    }
}
