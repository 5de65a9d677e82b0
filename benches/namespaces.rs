//! What other network namespaces add to a steady refresh: `cargo bench --bench namespaces`.
//!
//! Beside the load of the budgets: without reading others, reading others where there are none, and beside a hundred of
//! them, half with a listener and ten with 20 connections. CPU time of this process, its threads included; nothing is
//! asserted.
#![allow(clippy::print_stdout, reason = "its figures are its result")]
#![allow(clippy::disallowed_methods, reason = "it measures")]
#![cfg(target_os = "linux")]

mod load;

use std::time::{Duration, Instant};

use load::{Outcome, Size, Took, beside_namespaces, median, millis};
use nix::time::ClockId;
use sockeye::model::Moment;
use sockeye::source::{Source as _, System};
use sockeye::track::Tracker;

const SIZES: [Size; 2] = [
    Size {
        workers: 2,
        idle: 998,
    },
    Size::BUDGETS,
];

/// Refreshes that are measured, after those that get to know everything.
const REFRESHES: usize = 31;
const BEFORE: u64 = 30;

const HEADING: &str = "\
| load | own alone | all, none other | all, 100 others | more than own alone |
|---|---|---|---|---|";

fn main() -> Outcome {
    load::run_beside_each(HEADING, &SIZES, bench)
}

fn bench(size: Size) -> Outcome {
    let own = steady_refreshes(System::new())?;
    let alone = steady_refreshes(System::new().with_all_namespaces())?;
    let all = beside_namespaces(|| steady_refreshes(System::new().with_all_namespaces()))?;
    let ms = |took: Took| millis(took.cpu);
    println!(
        "| {size} | {:.2} ms | {:.2} | {:.2} | {:.2} |",
        ms(own),
        ms(alone),
        ms(all),
        ms(all) - ms(own),
    );
    Ok(())
}

/// Table, owners, processes and comparison, at one a second of their clock.
fn steady_refreshes(mut system: System) -> Outcome<Took> {
    let mut tracker = Tracker::new(Duration::from_secs(5));
    let mut second = 0;
    let mut refresh = || {
        second += 1;
        let at = Moment {
            steady: Duration::from_secs(second),
            wall: jiff::Timestamp::now(),
        };
        let (began, used) = (Instant::now(), ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?);
        let snapshot = system.take(at)?;
        drop(tracker.apply(snapshot));
        let cpu = ClockId::CLOCK_PROCESS_CPUTIME_ID.now()? - used;
        Ok(Took {
            wall: began.elapsed(),
            cpu: cpu.into(),
        })
    };
    for _ in 0..BEFORE {
        refresh()?;
    }
    median(REFRESHES, refresh)
}
