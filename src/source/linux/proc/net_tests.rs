//! Lines as the kernel writes them, and as it does not.

use proptest::prelude::*;

use super::*;

const LISTENER: &str = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  \
    1000        0 4242 1 0000000000000000 100 0 0 10 0";

#[cfg(target_endian = "little")]
#[test]
fn a_listener_has_no_backlog_here() {
    let row = row(LISTENER, Protocol::Tcp).unwrap();
    assert_eq!(
        (row.local.to_string(), row.remote),
        ("127.0.0.1:8080".into(), None)
    );
    assert_eq!((row.state, row.queue), (State::Listen, None));
    assert_eq!((row.inode, row.uid), (Some(4242), Some(1000)));
}

#[cfg(target_endian = "little")]
#[test]
fn a_connection_over_ipv6_has_its_queues() {
    let line = "1: 00000000000000000000000001000000:1F91 00000000000000000000000001000000:C350 01 \
                00000010:00000002 01:00000014 00000000     0        0 7 2 0 20 4 30 10 -1";
    let row = row(line, Protocol::Tcp).unwrap();
    assert_eq!(row.local.to_string(), "[::1]:8081");
    assert_eq!(row.remote.unwrap().to_string(), "[::1]:50000");
    let queue = Queue {
        receive: 2,
        send: 16,
    };
    assert_eq!((row.state, row.queue), (State::Established, Some(queue)));
    assert_eq!(row.expires_in, None);
}

#[test]
fn a_leftover_has_its_remaining_time_and_no_user() {
    let line = "2: 0100007F:1F90 0100007F:C350 06 00000000:00000000 03:00001770 00000000     0 \
                0 0 3 0000000000000000";
    let row = row(line, Protocol::Tcp).unwrap();
    assert_eq!(row.expires_in, Some(Duration::from_mins(1)));
    assert_eq!(
        (row.state, row.inode, row.uid),
        (State::TimeWait, None, None)
    );
}

#[test]
fn udp_is_connected_or_not() {
    let of = |state: &str| {
        let line = LISTENER.replace(" 0A ", &format!(" {state} "));
        row(&line, Protocol::Udp).unwrap().state
    };
    assert_eq!((of("07"), of("01")), (State::Unconn, State::Established));
}

#[test]
fn a_line_that_is_cut_anywhere_or_has_a_sign_is_no_row() {
    let end = LISTENER.find(" 4242").unwrap();
    for length in 0..=end {
        assert_eq!(row(&LISTENER[..length], Protocol::Tcp), None, "{length}");
    }
    for (number, wrong) in [
        ("1F90", "+F90"),
        ("1F90", "11F90"),
        ("1000", "-1"),
        ("0A", "G"),
    ] {
        assert_eq!(
            row(&LISTENER.replace(number, wrong), Protocol::Tcp),
            None,
            "{wrong}"
        );
    }
}

#[test]
fn headings_and_empty_lines_are_passed_over() {
    let table = format!("  sl  local_address rem_address   st\n{LISTENER}\n\nnonsense\n\u{fc}\n");
    let told: Vec<_> = rows(table.as_bytes(), Protocol::Tcp)
        .map(|row| row.is_some())
        .collect();
    assert_eq!(told, [true, false, false]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, protocol in protocol()) {
        rows(&bytes, protocol).for_each(drop);
    }

    #[test]
    fn no_words_make_it_panic(
        words in prop::collection::vec("[0-9A-F+:-]{0,40}", 0..14), protocol in protocol()
    ) {
        rows(words.join(" ").as_bytes(), protocol).for_each(drop);
    }

    #[test]
    fn whatever_the_kernel_can_write_is_read_back(
        address: [u8; 4], port: u16, state in 1_u8..=12, receive: u32, send: u32,
        uid: u32, inode in 1_u32..,
    ) {
        let host = u32::from_ne_bytes(address);
        let line = format!(
            "   7: {host:08X}:{port:04X} 00000000:0000 {state:02X} {send:08X}:{receive:08X} \
             00:00000000 00000000 {uid:5} 0 {inode} 2 0000000000000000 0"
        );
        let row = row(&line, Protocol::Tcp).unwrap();
        prop_assert_eq!(row.local, Endpoint::new(address.into(), port));
        prop_assert_eq!(row.state, netlink::state(Protocol::Tcp, state));
        prop_assert_eq!((row.uid, row.inode), (Some(uid), Some(inode)));
        let queue = (row.state != State::Listen).then_some(Queue { receive, send });
        prop_assert_eq!(row.queue, queue);
    }
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)]
}
