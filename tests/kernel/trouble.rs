//! Trouble of real sockets, with the ages that the kernel knows.

use std::collections::BTreeSet;
use std::net::Shutdown;
use std::process::Command;
use std::time::Duration;

use sockeye::model::State;
use sockeye::source::System;
use sockeye::track::{Row, Tracker, TroubleKind};

use crate::kernel::scene::{at, connection, has, listener, wait_for};
use crate::support::netns::in_netns;

/// The ports that `ss` lists in CLOSE-WAIT, with the milliseconds since the last segment of their peers.
fn close_wait_of_ss() -> Vec<(u16, u64)> {
    let output = Command::new("ss")
        .args(["-HOtani", "state", "close-wait"])
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let port = line
            .split_whitespace()
            .nth(2)?
            .rsplit(':')
            .next()?
            .parse()
            .ok()?;
        let (_, age) = line.split_once(" lastack:")?;
        Some((port, age.split_whitespace().next()?.parse().ok()?))
    };
    lines
        .lines()
        .map(|text| line(text).unwrap_or_else(|| panic!("{text}")))
        .collect()
}

#[test]
fn a_leak_and_an_orphan_from_before_the_start_begin_to_be_trouble_by_the_kernels_age() {
    in_netns(
        "trouble::a_leak_and_an_orphan_from_before_the_start_begin_to_be_trouble_by_the_kernels_age",
        || {
            let server = listener("127.0.0.1:8080");
            let (client, leaked) = connection(&server, "127.0.0.1:8080");
            client.shutdown(Shutdown::Write).unwrap();
            let (orphan, _open) = connection(&server, "127.0.0.1:8080");
            drop(orphan);
            wait_for(|seen| {
                let leaks = seen
                    .sockets
                    .iter()
                    .filter(|one| one.state == State::CloseWait);
                leaks.count() == 2 && has(State::FinWait2)(seen)
            });
            std::thread::sleep(Duration::from_millis(300));
            let before = close_wait_of_ss();
            let snapshot = System::new().take_once(at(100)).unwrap();
            let after = close_wait_of_ss();
            let table = Tracker::new(Duration::ZERO).apply(snapshot).table;
            let of = |kind| -> Vec<&Row> {
                let is_it = |row: &&Row| row.troubles().any(|one| one.kind == kind);
                table.rows.iter().map(|row| &**row).filter(is_it).collect()
            };
            let leaks = of(TroubleKind::CloseWait);
            assert_eq!(leaks.len(), 2);
            let ports: BTreeSet<_> = before.iter().map(|&(port, _)| port).collect();
            assert!(
                leaks
                    .iter()
                    .all(|row| ports.contains(&row.socket.local.port))
            );
            let least = before.iter().map(|&(_, age)| age).min().unwrap();
            let most = after.iter().map(|&(_, age)| age).max().unwrap();
            let limit = at(100).steady + TroubleKind::CloseWait.after();
            for row in leaks {
                let begins_at = row.troubles().next().unwrap().begins_at;
                let known = u64::try_from(limit.saturating_sub(begins_at).as_millis()).unwrap();
                assert!((least..=most).contains(&known), "{least} {known} {most}");
                assert!(known >= 300, "{known}");
                assert_eq!(row.trouble(at(129)), None);
                assert_eq!(row.trouble(at(130)), Some(TroubleKind::CloseWait));
            }
            // The one whose process is gone; the other side of the leak still has one.
            let orphans = of(TroubleKind::Orphan);
            assert_eq!(orphans.len(), 1, "{orphans:?}");
            assert_eq!(orphans[0].trouble(at(110)), Some(TroubleKind::Orphan));
            drop((client, leaked));
        },
    );
}
