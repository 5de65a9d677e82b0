//! Answers of the kernel: whole, cut and malformed.

use netlink_packet_sock_diag::{AF_INET, AF_INET6};

use super::*;
use crate::model::Protocol;

fn answer(message_type: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = message(message_type, 1, payload);
    bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
    bytes
}

/// Whether the datagram ends the answer, whether the dump was interrupted, and the number of rows.
fn read(datagram: &[u8]) -> (Result<bool, DumpError>, bool, usize) {
    let mut answer = Answer {
        sequence: 1,
        is_interrupted: false,
    };
    let mut rows = 0;
    let is_over = answer.read(datagram, &mut |payload| {
        parse(payload, Protocol::Tcp)?;
        rows += 1;
        Some(())
    });
    (is_over, answer.is_interrupted, rows)
}

fn row() -> [u8; 72] {
    let mut row = [0; 72];
    (row[0], row[1]) = (AF_INET, 10);
    row
}

#[test]
fn rows_and_the_end_may_share_a_datagram() {
    let row = answer(SOCK_DIAG_BY_FAMILY, 2, &row());
    let done = answer(NLMSG_DONE, 2, &[0; 4]);
    let (outcome, interrupted, rows) = read(&[row.clone(), row, done].concat());
    assert!(matches!(outcome, Ok(true)));
    assert_eq!((interrupted, rows), (false, 2));
}

#[test]
fn an_error_of_the_kernel_is_that_error() {
    for kind in [NLMSG_ERROR, NLMSG_DONE] {
        let (outcome, ..) = read(&answer(kind, 0, &(-2_i32).to_ne_bytes()));
        let Err(DumpError::System(error)) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(error.raw_os_error(), Some(2), "ENOENT: no such table here");
    }
}

#[test]
fn an_interrupted_dump_says_so() {
    let (_, interrupted, rows) = read(&answer(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP_INTR, &row()));
    assert_eq!((interrupted, rows), (true, 1));
}

#[test]
fn answers_to_another_request_are_passed_over() {
    let mut stale = answer(NLMSG_ERROR, 0, &(-1_i32).to_ne_bytes());
    stale[8] = 9;
    assert!(matches!(read(&stale), (Ok(false), false, 0)));
}

#[test]
fn short_and_odd_messages_are_errors_and_never_panics() {
    let whole = [
        answer(SOCK_DIAG_BY_FAMILY, 2, &row()),
        answer(NLMSG_DONE, 2, &[0; 4]),
    ]
    .concat();
    for length in (0..whole.len()).filter(|&length| length != 88) {
        assert!(
            matches!(read(&whole[..length]).0, Err(DumpError::Malformed)),
            "{length}"
        );
    }
    for payload in [&[][..], &[2], &[0; 71], &[77; 72]] {
        let (outcome, ..) = read(&answer(SOCK_DIAG_BY_FAMILY, 2, payload));
        assert!(matches!(outcome, Err(DumpError::Malformed)), "{payload:?}");
    }
    let lengthless = [0; 32];
    assert!(matches!(read(&lengthless).0, Err(DumpError::Malformed)));
    let least = answer(NLMSG_ERROR, 0, &i32::MIN.to_ne_bytes());
    assert!(matches!(read(&least).0, Err(DumpError::System(_))));
}

#[test]
fn a_row_of_a_walk_has_the_type_of_its_request() {
    let mut v6 = row();
    v6[0] = AF_INET6;
    let both = [answer(18, 2, &row()), answer(18, 2, &v6)].concat();
    assert!(matches!(read(&both), (Ok(false), false, 2)));
}

#[test]
fn a_dump_without_a_handler_is_not_an_empty_list() {
    let done = |code: i32| read(&answer(NLMSG_DONE, 2, &code.to_ne_bytes())).0;
    assert!(matches!(done(0), Ok(true)));
    let Err(DumpError::System(error)) = done(-2) else {
        panic!("DONE with -2 must be an error")
    };
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn what_is_cut_is_refused_and_never_panics() {
    let whole = [
        answer(SOCK_DIAG_BY_FAMILY, 2, &[1; 20]),
        answer(NLMSG_DONE, 2, &[0; 4]),
    ]
    .concat();
    for length in 0..whole.len() {
        let mut answer = Answer {
            sequence: 1,
            is_interrupted: false,
        };
        let _ = answer.read(&whole[..length], &mut |payload| {
            NlasIterator::new(payload)
                .all(|one| one.is_ok())
                .then_some(())
        });
    }
}
