//! What the kernel counted about connections at an earlier time.

use jiff::Timestamp;
use rustix::process::Signal;

use super::{Store, end};
use crate::cli::info::Pair;
use crate::cli::scene::stage;
use crate::support::wait_until;

/// The bytes that the client of the pair had sent at that time, as `list --info` has it.
fn sent(store: &Store, pair: &Pair, at: &str) -> Option<u64> {
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
    sent.next()?["tcp_info"]["bytes_sent"].as_u64()
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
