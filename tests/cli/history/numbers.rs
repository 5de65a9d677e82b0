//! What the kernel counted about connections at an earlier time.

use jiff::Timestamp;
use rustix::process::Signal;

use super::{Store, end};
use crate::cli::info::Pair;
use crate::cli::scene::stage;
use crate::support::wait_until;

/// The bytes that the client of the pair had sent at that time, as `list --info` has it.
fn sent(store: &Store, pair: &Pair, at: &str) -> Option<u64> {
    counted(store, pair, at).map(|(sent, _)| sent)
}

/// The same with when that was read.
fn counted(store: &Store, pair: &Pair, at: &str) -> Option<(u64, Timestamp)> {
    let filter = format!(":{}", pair.client_port());
    let said = store.asks(&["list", "-a", "--info", "--json", "--at", at, &filter]);
    let listed = if said.code == 0 {
        said.json()
    } else {
        return None;
    };
    let read_at: Timestamp = listed["counters_at"].as_str()?.parse().unwrap();
    let taken_at: Timestamp = listed["taken_at"].as_str()?.parse().unwrap();
    assert!(read_at <= taken_at, "{listed:#}");
    let sockets = listed["sockets"].as_array().unwrap().iter();
    let mut sent = sockets.filter(|one| one["local"]["port"] == pair.client_port());
    let sent = sent.next()?["tcp_info"]["bytes_sent"].as_u64()?;
    Some((sent, read_at))
}

/// When the first count was stored that has this many.
fn when_counted(store: &Store, pair: &Pair, bytes: u64) -> Timestamp {
    let mut found = None;
    wait_until("its numbers", || {
        found = counted(store, pair, "now").filter(|(sent, _)| *sent == bytes);
        found.is_some()
    });
    found.unwrap().1
}

/// Each rate of a time was empty, and no row matched `rate:`.
#[test]
fn a_rate_is_that_between_the_two_counts_before_the_time_that_is_meant() {
    stage(|| {
        let store = Store::new("rates");
        let mut pair = Pair::open();
        let recorder = store.recorder_with(&["--info"]);
        let first = when_counted(&store, &pair, 5000);
        pair.send(1_000_000);
        let second = when_counted(&store, &pair, 1_005_000);
        let rate = 1_000_000. / second.duration_since(first).as_secs_f64();
        let (least, most) = (rate * 0.99, rate * 1.01);
        let filter = format!("rate:>{least:.0} rate:<{most:.0}");
        let at = second.to_string();
        let rows = store.asks(&["list", "-a", "--count", "--at", &at, &filter]);
        assert_eq!(rows.out, "2\n", "{filter}: {rows:?}");
        let listing = |at: &Timestamp| {
            let client = format!(":{}", pair.client_port());
            let words = ["list", "-a", "--no-header", "--columns", "tx/s,tx", &client];
            store
                .asks(&[&words[..], &["--at", &at.to_string()]].concat())
                .out
        };
        let (earlier, later) = (listing(&first), listing(&second));
        assert_eq!(earlier.split_whitespace().next(), Some("–"), "{earlier}");
        let [rate, sent, ..] = later.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{later}")
        };
        assert!(rate.ends_with('k') && sent == "981k", "{later}");
        end(recorder, Signal::TERM, 143);
    });
}

#[test]
fn the_numbers_of_connections_are_those_of_the_time_that_is_meant() {
    stage(|| {
        let store = Store::new("numbers");
        let mut pair = Pair::open();
        let recorder = store.recorder_with(&["--info"]);
        wait_until("its numbers", || sent(&store, &pair, "now") == Some(5000));
        let first = Timestamp::now().to_string();
        end(recorder, Signal::TERM, 143);
        pair.send(1000);
        let recorder = store.recorder_with(&["--info"]);
        wait_until("its later numbers", || {
            sent(&store, &pair, "now") == Some(6000)
        });
        let second = Timestamp::now().to_string();
        assert_eq!(sent(&store, &pair, &first), Some(5000));
        end(recorder, Signal::TERM, 143);
        // A recorder without the option.
        let recorder = store.recorder();
        wait_until("the next run", || sent(&store, &pair, "now").is_none());
        assert_eq!(sent(&store, &pair, &second), Some(6000));
        let at = |words: &[&str]| store.asks(&[&["list", "--at", "now"], words].concat());
        let without = at(&["--info"]);
        let note = "; without numbers, which were not recorded\n";
        assert!(without.err.ends_with(note), "{without:?}");
        let plain = at(&[]);
        assert!(!plain.err.contains("numbers"), "{plain:?}");
        end(recorder, Signal::TERM, 143);
    });
}
