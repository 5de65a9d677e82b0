//! The kernel's answers, whole, cut and odd.

use super::*;

fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = 16 + u32::try_from(payload.len()).unwrap();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(1_u32.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn take_in(datagram: &[u8]) -> (Result<Step, DumpError>, bool, usize) {
    let mut answer = Answer {
        protocol: Protocol::Tcp,
        sequence: 1,
        interrupted: false,
    };
    let mut details = Vec::new();
    let step = answer.take_in(datagram, &mut details);
    (step, answer.interrupted, details.len())
}

fn row() -> [u8; 72] {
    let mut row = [0; 72];
    (row[0], row[1]) = (AF_INET, 10);
    row
}

#[test]
fn rows_and_the_end_may_share_a_datagram() {
    let row = message(SOCK_DIAG_BY_FAMILY, 2, &row());
    let done = message(NLMSG_DONE, 2, &[0; 4]);
    let (step, interrupted, rows) = take_in(&[row.clone(), row, done].concat());
    assert!(matches!(step, Ok(Step::Done)));
    assert_eq!((interrupted, rows), (false, 2));
}

#[test]
fn an_error_of_the_kernel_is_that_error() {
    for kind in [NLMSG_ERROR, NLMSG_DONE] {
        let (step, ..) = take_in(&message(kind, 0, &(-2_i32).to_ne_bytes()));
        let Err(DumpError::System(error)) = step else {
            panic!("{step:?}")
        };
        assert_eq!(error.raw_os_error(), Some(2), "ENOENT: no such table here");
    }
}

#[test]
fn an_interrupted_dump_says_so() {
    let (_, interrupted, rows) = take_in(&message(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP_INTR, &row()));
    assert_eq!((interrupted, rows), (true, 1));
}

#[test]
fn answers_to_another_request_are_passed_over() {
    let mut stale = message(NLMSG_ERROR, 0, &(-1_i32).to_ne_bytes());
    stale[8] = 9;
    assert!(matches!(take_in(&stale), (Ok(Step::More), false, 0)));
}

#[test]
fn short_and_odd_messages_are_errors_and_never_panics() {
    let whole = [
        message(SOCK_DIAG_BY_FAMILY, 2, &row()),
        message(NLMSG_DONE, 2, &[0; 4]),
    ]
    .concat();
    for length in (0..whole.len()).filter(|&length| length != 88) {
        assert!(
            matches!(take_in(&whole[..length]).0, Err(DumpError::Malformed)),
            "{length}"
        );
    }
    for payload in [&[][..], &[2], &[0; 71], &[77; 72]] {
        let (step, ..) = take_in(&message(SOCK_DIAG_BY_FAMILY, 2, payload));
        assert!(matches!(step, Err(DumpError::Malformed)), "{payload:?}");
    }
    let lengthless = [0; 32];
    assert!(matches!(take_in(&lengthless).0, Err(DumpError::Malformed)));
    let least = message(NLMSG_ERROR, 0, &i32::MIN.to_ne_bytes());
    assert!(matches!(take_in(&least).0, Err(DumpError::System(_))));
}

#[test]
fn a_walk_is_asked_for_as_the_kernel_lays_out_its_older_request() {
    let extras = Extras {
        bound: true,
        ages: true,
    };
    let bytes = request(DumpRequest::Walk(extras), 7);
    let number = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((bytes.len(), number(0), number(8)), (76, 76, 7));
    let of_two = |at: usize| u16::from_ne_bytes(bytes[at..at + 2].try_into().unwrap());
    assert_eq!((of_two(4), of_two(6)), (18, NLM_F_REQUEST | NLM_F_DUMP));
    assert_eq!((bytes[19], number(68)), (1 << 1, 0x2fff));
    let plain = request(DumpRequest::Walk(Extras::default()), 7);
    assert_eq!(
        (plain[19], plain[68..72].to_vec()),
        (0, 0xfff_u32.to_ne_bytes().to_vec())
    );
}

#[test]
fn a_row_of_a_walk_has_the_type_of_its_request() {
    let mut v6 = row();
    v6[0] = AF_INET6;
    let both = [message(18, 2, &row()), message(18, 2, &v6)].concat();
    assert!(matches!(take_in(&both), (Ok(Step::More), false, 2)));
}
