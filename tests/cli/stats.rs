//! `--stats`: what a reading cost, on standard error.

use std::time::Duration;

use regex::Regex;

use crate::cli::scene::{Said, Sockets, TempFile, sockeye, stage};

/// The line for one snapshot of this machine.
#[derive(Debug)]
struct Line {
    rows: u64,
    /// dump, owners, processes, diff.
    parts: [Duration; 4],
    searched: u64,
    files: u64,
}

impl Line {
    fn of(line: &str) -> Self {
        const PATTERN: &str = r"^sockeye: (\d+) rows?: dump (\d+\.\d) ms, owners (\d+\.\d) ms, processes (\d+\.\d) ms, diff (\d+\.\d) ms; (\d+) process(?:es)? searched, (\d+) files? read$";
        let found = Regex::new(PATTERN).unwrap().captures(line);
        let found = found.unwrap_or_else(|| panic!("{line:?}"));
        let millis = |at: usize| found[at].parse::<f64>().unwrap() / 1000.0;
        Self {
            rows: found[1].parse().unwrap(),
            parts: [2, 3, 4, 5].map(|at| Duration::from_secs_f64(millis(at))),
            searched: found[6].parse().unwrap(),
            files: found[7].parse().unwrap(),
        }
    }
}

fn lines(said: &Said) -> Vec<Line> {
    said.err.lines().map(Line::of).collect()
}

#[test]
fn list_prints_what_its_snapshot_cost_and_the_same_table() {
    stage(|| {
        let _sockets = Sockets::open();
        // Nothing that changes with time.
        let list = ["list", "-a", "--columns", "local,port,state,pid,process"];
        let plain = sockeye(&list);
        let told = sockeye(&[&list[..], &["--stats"]].concat());
        assert_eq!((told.code, &told.out), (0, &plain.out));
        assert_eq!(plain.err, "");
        let [line] = &lines(&told)[..] else {
            panic!("{told:?}")
        };
        assert_eq!(line.rows, 7, "{line:?}");
        let total: Duration = line.parts.iter().sum();
        let is_plausible = total > Duration::ZERO && total < Duration::from_secs(30);
        assert!(is_plausible, "{line:?}");
        // These sockets have owners, which were searched for.
        assert!(line.searched > 0 && line.files > 0, "{line:?}");
    });
}

#[test]
fn json_and_csv_stay_json_and_csv() {
    stage(|| {
        let _sockets = Sockets::open();
        let json = sockeye(&["list", "-a", "--json", "--stats"]);
        assert_eq!(json.json()["sockets"].as_array().unwrap().len(), 7);
        let csv = sockeye(&["list", "-a", "--csv", "--stats"]);
        assert_eq!(csv.out.lines().count(), 1 + 7, "{csv:?}");
        assert_eq!((lines(&json).len(), lines(&csv).len()), (1, 1));
    });
}

#[test]
fn list_prints_what_it_cost_to_find_nothing() {
    stage(|| {
        let said = sockeye(&["list", "--stats", ":81"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        assert_eq!(lines(&said).len(), 1, "{said:?}");
    });
}

#[test]
fn watch_prints_what_each_snapshot_cost() {
    stage(|| {
        let _sockets = Sockets::open();
        let watch = |args: &[&str]| {
            let common = ["watch", "--changes-only", "--interval=50ms"];
            sockeye(&[&common, args].concat())
        };
        let said = watch(&["--for=1s", "--stats"]);
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
        let lines = lines(&said);
        assert!((3..=40).contains(&lines.len()), "{said:?}");
        assert!(lines.iter().all(|line| line.rows == 7), "{lines:?}");
        // What was found is not looked for again.
        let files = |line: Option<&Line>| line.unwrap().files;
        assert!(files(lines.last()) < files(lines.first()), "{lines:?}");
        assert_eq!(watch(&["--for=200ms"]).err, "");
    });
}

#[test]
fn a_watch_that_ends_at_once_still_prints_its_snapshot() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["watch", "--for=0s", "--stats"]);
        assert_eq!((said.code, lines(&said).len()), (0, 1), "{said:?}");
        assert_eq!(said.out.lines().count(), 5, "{said:?}");
    });
}

#[test]
fn of_a_recording_only_the_comparison_is_measured() {
    stage(|| {
        let _sockets = Sockets::open();
        let file = TempFile::new("stats.seg");
        sockeye(&["list", "-a", "--record", file.path()]);
        let pattern = r"^sockeye: 7 rows: dump –, owners –, processes –, diff \d+\.\d ms; 0 processes searched, 0 files read$";
        let pattern = Regex::new(pattern).unwrap();
        // A list says when it was recorded, too.
        for (command, lines) in [("list", 2), ("watch", 1)] {
            let said = sockeye(&[command, "--stats", "--replay", file.path()]);
            assert_eq!(
                (said.code, said.err.lines().count()),
                (0, lines),
                "{said:?}"
            );
            assert!(
                pattern.is_match(said.err.lines().last().unwrap()),
                "{said:?}"
            );
        }
    });
}
