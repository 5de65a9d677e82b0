//! What is chosen, with made-up answers of the kernel; real binds are in `tests/cli/free.rs`.

use std::borrow::Cow;

use super::*;
use crate::model::{Limits, Services};

const BOTH: PortRequest = PortRequest {
    tcp: true,
    udp: true,
    address: Address::Every,
};

fn refused(port: u16, name: &'static str) -> Refusal {
    let name = Cow::Borrowed(name);
    let result = ProbeResult::Errno(name);
    Refusal { port, result }
}

/// Chooses where these ports are in use; a port below 1024 is denied.
fn chosen(
    ports: std::ops::RangeInclusive<u16>,
    count: usize,
    in_use: &[u16],
    reason_to_skip: impl Fn(u16) -> Option<SkipReason>,
) -> Choice<u16> {
    let claim = |port| match port {
        port if in_use.contains(&port) => Err(refused(port, "EADDRINUSE")),
        0..1024 => Err(refused(port, "EACCES")),
        port => Ok(port),
    };
    choose(ports, count, reason_to_skip, claim, |_| None).unwrap()
}

#[test]
fn the_first_free_port_is_taken() {
    let choice = chosen(1023..=1030, 2, &[1024, 1026], |_| None);
    assert_eq!(choice.found, [1025, 1027]);
    let expected = [
        (1023, SkipReason::Denied("EACCES".into())),
        (1024, SkipReason::InUse),
        (1026, SkipReason::InUse),
    ];
    assert_eq!(choice.passed_over, expected);
}

#[test]
fn fewer_ports_than_wanted_are_returned() {
    let choice = chosen(2000..=2002, 5, &[2001], |_| None);
    assert_eq!(choice.found, [2000, 2002]);
}

#[test]
fn a_skipped_port_is_taken_only_if_no_better_one_is_free() {
    let reason_to_skip = |port| (port < 2002).then_some(SkipReason::Reserved);
    let choice = chosen(2000..=2003, 1, &[], reason_to_skip);
    assert_eq!((choice.found, choice.second_best), (vec![2002], vec![]));
    assert_eq!(choice.passed_over.len(), 2);
    let choice = chosen(2000..=2003, 1, &[2000, 2002, 2003], reason_to_skip);
    assert_eq!(choice.found, [2001]);
    assert_eq!(choice.second_best, [(2001, SkipReason::Reserved)]);
    let in_use = |port| (port, SkipReason::InUse);
    assert_eq!(choice.passed_over, [2000, 2002, 2003].map(in_use));
}

#[test]
fn a_claim_that_is_doubted_is_given_up() {
    let doubt = |port| (port == 2000).then_some(SkipReason::Reserved);
    let choice = choose(2000..=2001, 1, |_| None, Ok::<_, Refusal>, doubt).unwrap();
    assert_eq!(choice.found, [2001]);
    assert_eq!(choice.passed_over, [(2000, SkipReason::Reserved)]);
}

#[test]
fn the_search_stops_when_the_kernel_has_no_port_left() {
    let mut asked = 0;
    let claim = |_| {
        asked += 1;
        Err::<u16, _>(refused(0, "EADDRINUSE"))
    };
    let choice = choose(std::iter::repeat_n(0, 9), 1, |_| None, claim, |_| None).unwrap();
    assert!(choice.is_exhausted && choice.passed_over.is_empty());
    assert_eq!(asked, 1);
}

#[test]
fn an_error_that_is_not_about_the_port_ends_the_search() {
    let claim = |port| Err::<u16, _>(refused(port, "EMFILE"));
    let error = choose(2000..=2001, 1, |_| None, claim, |_| None).unwrap_err();
    assert_eq!(error, refused(2000, "EMFILE"));
}

#[test]
fn a_stable_port_has_its_faults() {
    let limits = Limits {
        unprivileged_from: Some(1024),
        ephemeral: Some(32_768..=60_999),
        reserved: Some(vec![9000..=9001, 40_000..=40_000]),
        ..Limits::default()
    };
    let said =
        |port| skip_reason(&BOTH, port, &limits, &Services::default()).map(|why| why.to_string());
    let is = |port: u16, text: &str| assert_eq!(said(port).as_deref(), Some(text), "{port}");
    is(80, "needs a privilege, as does every port below 1024");
    is(9001, "set aside in net.ipv4.ip_local_reserved_ports");
    is(40_000, "set aside in net.ipv4.ip_local_reserved_ports");
    is(
        50_000,
        "in the ephemeral range 32768–60999: the kernel may give it to an outgoing connection",
    );
    is(6000, "browsers refuse to connect to it");
    is(10_080, "browsers refuse to connect to it");
    is(8080, "registered for http-alt");
    assert_eq!(said(20_001), None);
}

#[test]
fn only_the_services_of_the_requested_protocol_count() {
    let limits = Limits::default();
    let tcp = PortRequest { udp: false, ..BOTH };
    let udp = PortRequest { tcp: false, ..BOTH };
    assert!(skip_reason(&tcp, 5432, &limits, &Services::default()).is_some());
    assert_eq!(skip_reason(&udp, 5432, &limits, &Services::default()), None);
    // No browser fetches a page over UDP from a port that it refuses.
    assert_eq!(
        skip_reason(&tcp, 6000, &limits, &Services::default()),
        Some(SkipReason::BrowsersRefuse)
    );
    assert_ne!(
        skip_reason(&udp, 6000, &limits, &Services::default()),
        Some(SkipReason::BrowsersRefuse)
    );
}

#[test]
fn browsers_refuse_the_ports_of_the_fetch_standard_and_no_others() {
    let listed = "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 \
                  110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 \
                  530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 \
                  3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080";
    let listed: Vec<u16> = listed
        .split(' ')
        .map(|port| port.parse().unwrap())
        .collect();
    let refused: Vec<_> = (0..=u16::MAX)
        .filter(|&port| browsers_refuse(port))
        .collect();
    assert_eq!(refused, listed);
}
