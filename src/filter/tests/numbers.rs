//! Comparisons, lists, ages and queues; and the words between terms.

use super::*;
use crate::model::Age;

/// An established connection that was open at the start, with this age then. Now are ten seconds after it.
fn open_since(age: Option<Age>) -> Row {
    let mut row = connection();
    row.socket.age = age;
    row
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn ports_and_pids_are_compared() {
    let yes = [
        "port:>8000",
        ":>8079",
        ":>=8080",
        ":<=8080",
        "pid:>811",
        "pid:<=812",
    ];
    let no = [
        ":>8080",
        ":<8080",
        "port:>=8081",
        "pid:>812",
        "remote:>1",
        "!pid:<1000",
    ];
    check(&listener(), &yes, &no);
    check(
        &connection(),
        &[
            "remote:<1024",
            "remote::<1024",
            "1.1.1.1:>=443",
            "addr::>1024",
        ],
        &["remote:>443", "1.1.1.1:>443"],
    );
}

#[test]
fn a_list_is_any_of_its_numbers_ranges_and_services() {
    check(
        &listener(),
        &[
            ":80,8080",
            "port:1,8000-8999",
            ":https,http-alt",
            "pid:1,812",
            "pid:1-2,800-900",
            "0.0.0.0:80,8080",
        ],
        &[":80,443", ":https,domain", "pid:1,2", "!:80,8080"],
    );
    check(
        &connection(),
        &["remote:80,443", "remote:80,https", "remote:1.1.1.1:80,443"],
        &["remote:80,8080"],
    );
}

#[test]
fn an_age_is_compared_with_the_present() {
    let found = open_since(Some(Age::Exactly(seconds(50))));
    check(
        &found,
        &["age:>59s", "age:>=1m", "age:<=60", "age:<61s", "!age:>1m"],
        &["age:>1m", "age:<1m", "!age:>=1m"],
    );
    let seen = changed(connection(), 3, ChangeKind::Opened);
    let seen = Row {
        was_open_at_start: false,
        state_since: at(3),
        ..seen
    };
    check(&seen, &["age:>6.9s", "age:<=7s"], &["age:>7s"]);
}

#[test]
fn a_lower_bound_matches_only_what_it_proves_and_so_does_its_negation() {
    for bound in [None, Some(Age::AtLeast(Duration::ZERO))] {
        check(
            &open_since(bound),
            &["age:>=10s", "age:>9s", "!age:<10s", "age:<10s | tcp"],
            &[
                "age:>10s",
                "!age:>10s",
                "age:<1h",
                "!age:<1h",
                "age:<10s",
                "age:<1h tcp",
            ],
        );
    }
}

#[test]
fn a_listener_older_than_the_program_has_the_age_of_its_process() {
    let started = |seconds: i64| {
        let mut row = listener();
        let process = Process {
            started_at: jiff::Timestamp::from_second(-seconds).ok(),
            ..Process::new(812, "nginx")
        };
        row.socket.owner = Owner::Known([Arc::new(process)].into());
        row
    };
    check(&started(50), &["age:>=1m", "age:<=1m"], &["age:>1m"]);
}

/// The owner's start may count, and so may what the tracker has seen.
#[test]
fn before_the_owner_is_known_no_age_is() {
    let row = open_since(Some(Age::Exactly(seconds(50))));
    for text in ["age:>1s", "!age:>1s", "age:>1s tcp"] {
        let answer = filter(text).could_match(&row.socket, &context());
        assert_eq!(answer, None, "{text}");
    }
    assert_eq!(
        filter("age:>1s udp").could_match(&row.socket, &context()),
        Some(false)
    );
}

#[test]
fn the_queues_are_those_of_ss_and_a_closed_socket_has_none() {
    let holding = |receive, send| {
        let mut row = connection();
        row.socket.queue = Some(Queue { receive, send });
        row
    };
    check(
        &holding(5, 65_537),
        &[
            "recv-q:>0",
            "recv-q:5",
            "RECV-Q:1-5",
            "recv-q:0,5",
            "send-q:>64k",
            "send-q:>=64KiB",
            "send-q:<1m",
        ],
        &["recv-q:0", "recv-q:>5", "send-q:64k", "send-q:>65k"],
    );
    check(&holding(0, 0), &["recv-q:0", "!send-q:>0"], &["recv-q:>0"]);
    let closed = changed(holding(5, 5), 1, ChangeKind::Closed);
    check(&closed, &["!recv-q:>0"], &["recv-q:>0", "send-q:5"]);
    check(&connection(), &[], &["recv-q:0", "recv-q:>=0"]);
}

#[test]
fn words_mean_what_the_signs_mean() {
    for (words, signs) in [
        ("a and b", "a b"),
        ("a or b", "a | b"),
        ("not a", "!a"),
        ("a and not b or c", "(a !b) | c"),
        ("a or b and c", "a | (b c)"),
        ("a or b c", "a | b c"),
        ("not a b", "(!a) b"),
        ("NOT (a OR b)", "!(a | b)"),
        ("not(a or b)and(c)", "!(a | b) c"),
        ("not not a", "a"),
        ("!not a", "a"),
        ("a | not b", "a | !b"),
        ("port:80 and not\tpid:1", ":80 !pid:1"),
    ] {
        assert_eq!(filter(words), filter(signs), "{words}");
    }
}

#[test]
fn a_longer_or_quoted_word_is_text() {
    for text in [
        "android", "order", "nothing", "and-more", "proc:and", r#""and""#,
    ] {
        assert_eq!(filter(text).to_string(), text);
    }
    assert_eq!(filter(r#""OR""#).to_string(), r#""or""#);
    let mut row = listener();
    row.socket.owner = Owner::Known([process(1, "rock-and-roll", "")].into());
    check(
        &row,
        &[r#""and""#, r#"not "or""#, r#"nothing or "and""#],
        &[],
    );
}

/// When it has to be matched again, after ten seconds of the run.
#[test]
fn a_row_is_due_when_the_soonest_of_its_answers_turns() {
    let context = context();
    let due = |text: &str| {
        let filter = filter(text);
        let row = open_since(Some(Age::Exactly(seconds(50))));
        filter.pass(&context).next_turn(&row)
    };
    let nanosecond = Duration::from_nanos(1);
    for (text, expected) in [
        ("tcp", None),
        ("age:>59s", None),
        ("age:>=60s", None),
        ("age:>60s", Some(seconds(10) + nanosecond)),
        ("age:>=61s", Some(seconds(11))),
        ("age:<61s", Some(seconds(11))),
        ("age:<=61s", Some(seconds(11) + nanosecond)),
        ("udp | !(age:>1h age:<2m) age:<1s", Some(seconds(70))),
    ] {
        assert_eq!(due(text), expected, "{text}");
    }
}
