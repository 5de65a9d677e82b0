//! Matching a socket before its owner is known.

use super::*;

/// Asserts the result of these filters for the row's socket without its owner.
#[track_caller]
fn check_before(row: &Row, said: Option<bool>, texts: &[&str]) {
    for text in texts {
        let answer = filter(text).could_match(&row.socket, &context());
        assert_eq!(answer, said, "{text:?} of {row:?}");
    }
}

#[test]
fn what_the_table_contains_needs_no_owner() {
    let yes = [
        ":8080",
        "8080",
        "80",
        "tcp",
        "state:listen",
        "addr:0.0.0.0",
        "unit:nginx",
        "is:public",
        "service:http",
        "!udp",
        "!is:new",
    ];
    check_before(&listener(), Some(true), &yes);
    let no = [
        ":443",
        "udp",
        "state:bound",
        "remote:1.1.1.1",
        "unit:web",
        "is:loopback",
        "is:mine",
        "is:new",
        "is:changed",
        "is:closed",
        "!tcp",
    ];
    check_before(&listener(), Some(false), &no);
    check_before(
        &connection(),
        Some(true),
        &["is:mine", "443", "1.1.1.1:443"],
    );
    check_before(&connection(), Some(true), &[""]);
}

#[test]
fn what_could_be_an_owners_name_is_undecided_unless_it_is_found_elsewhere() {
    let open = [
        "curl",
        "proc:nginx",
        "cmd:master",
        "pid:812",
        "812",
        "is:hidden",
        "is:conflict",
        "user:ann",
        "daemon",
        "!node",
        "/812 nginx/",
    ];
    check_before(&listener(), None, &open);
    let found = [
        "www", "user:www", "user:33", "LISTEN", "web_1", "eth0", "0.0.0.0", "http-alt",
    ];
    check_before(&listener(), Some(true), &found);
    check_before(&listener(), Some(false), &["!www", "!listen"]);
}

#[test]
fn what_a_socket_publishes_may_depend_on_its_owner() {
    let row = |is_known| {
        let mut row = published();
        row.socket.published = row.socket.published.filter(|_| is_known);
        row
    };
    let terms = ["is:published", "container:web", "shop-web-1", "/shop-web/"];
    check_before(&row(false), None, &terms);
    check_before(&row(true), Some(true), &terms[..3]);
    check_before(&row(true), Some(false), &["!is:published"]);
    check_before(&inside(), Some(true), &["ns:blue", "!is:own", "blue"]);
    check_before(&row(false), Some(false), &["ns:blue", "!is:own"]);
}

#[test]
fn a_regex_is_certain_only_about_text_before_the_owner() {
    check_before(
        &listener(),
        Some(true),
        &["/^tcp 0.*8080/", r"/:8080\b/", "/LISTE/"],
    );
    check_before(&listener(), Some(false), &["!/^tcp/"]);
    check_before(
        &listener(),
        None,
        &["/LISTEN$/", r"/LISTEN\b/", "/^udp/", "/nginx/"],
    );
}

#[test]
fn a_certain_term_decides_alone() {
    check_before(&listener(), Some(false), &["curl :443", ":443 curl"]);
    check_before(&listener(), Some(true), &["curl | :8080", "!(node :443)"]);
    check_before(
        &listener(),
        None,
        &["curl :8080", "node | :443", "!(node :8080)"],
    );
}
