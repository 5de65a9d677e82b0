//! The cost of a refresh, as one line for standard error.

use std::time::Duration;

use crate::model::{Refresh, counted, duration};

/// `10450 rows: dump 9.8 ms, owners 1.0 ms, processes 0.6 ms, diff 0.9 ms; 0 processes searched, 2 files read`. A time
/// that was not measured is `–`; of a recording, all but the diff.
pub fn refresh_line(refresh: &Refresh) -> String {
    let cost = &refresh.cost;
    let part = |name: &str, time: Duration| {
        let unit = if time.is_zero() { "" } else { " ms" };
        format!("{name} {}{unit}", duration::format_millis(time))
    };
    let parts = [
        part("dump", cost.dump),
        part("owners", cost.owners),
        part("processes", cost.processes),
        part("diff", cost.diff),
    ];
    let rows = counted(refresh.rows, "row", "rows");
    let searched = counted(cost.searched, "process", "processes");
    let files = counted(cost.files, "file", "files");
    format!(
        "{rows}: {}; {searched} searched, {files} read",
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Moment, RefreshTimings};

    fn line(rows: usize, micros: [u64; 4], [searched, files]: [u64; 2]) -> String {
        let [dump, owners, processes, diff] = micros.map(Duration::from_micros);
        refresh_line(&Refresh {
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
    fn every_part_has_its_unit() {
        assert_eq!(
            line(10_450, [9_840, 1_000, 600, 900], [0, 2]),
            "10450 rows: dump 9.8 ms, owners 1.0 ms, processes 0.6 ms, diff 0.9 ms; \
             0 processes searched, 2 files read"
        );
    }

    #[test]
    fn one_is_singular_and_a_dash_is_not_measured() {
        assert_eq!(
            line(1, [0, 0, 0, 40], [1, 1]),
            "1 row: dump –, owners –, processes –, diff 0.0 ms; 1 process searched, 1 file read"
        );
    }
}
