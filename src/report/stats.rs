//! What a reading took, as one line for standard error.

use std::time::Duration;

use crate::model::{Refresh, counted, duration};

/// `10450 rows: dump 9.8 ms, owners 1.0 ms, processes 0.6 ms, diff 0.9 ms; 0 processes searched, 2
/// files read`. What was not measured, as all but the diff of a recording, is `–`.
pub fn told_of_refresh(refresh: &Refresh) -> String {
    let cost = &refresh.cost;
    let parts = [
        ("dump", cost.dump),
        ("owners", cost.owners),
        ("processes", cost.processes),
        ("diff", cost.diff),
    ];
    let parts = parts.map(|(name, time)| part(name, time)).join(", ");
    let rows = counted(refresh.rows, "row", "rows");
    let searched = counted(cost.searched, "process", "processes");
    let files = counted(cost.files, "file", "files");
    format!("{rows}: {parts}; {searched} searched, {files} read")
}

fn part(name: &str, time: Duration) -> String {
    let unit = if time.is_zero() { "" } else { " ms" };
    format!("{name} {}{unit}", duration::format_millis(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RefreshTimings, Moment};

    fn told(rows: usize, micros: [u64; 4], [searched, files]: [u64; 2]) -> String {
        let [dump, owners, processes, diff] = micros.map(Duration::from_micros);
        told_of_refresh(&Refresh {
            taken_at: Moment {
                steady: Duration::ZERO,
                wall: jiff::Timestamp::UNIX_EPOCH,
            },
            rows,
            cost: RefreshTimings {
                dump,
                owners,
                processes,
                diff,
                searched,
                files,
            },
        })
    }

    #[test]
    fn every_part_is_told_with_its_unit() {
        assert_eq!(
            told(10_450, [9_840, 1_000, 600, 900], [0, 2]),
            "10450 rows: dump 9.8 ms, owners 1.0 ms, processes 0.6 ms, diff 0.9 ms; \
             0 processes searched, 2 files read"
        );
    }

    #[test]
    fn one_is_singular_and_what_was_not_measured_a_dash() {
        assert_eq!(
            told(1, [0, 0, 0, 40], [1, 1]),
            "1 row: dump –, owners –, processes –, diff 0.0 ms; 1 process searched, 1 file read"
        );
    }
}
