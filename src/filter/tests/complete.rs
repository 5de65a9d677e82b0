//! What is offered for the word at the cursor, which `^` marks.

use proptest::prelude::*;

use super::super::complete;
use super::super::parse::term::unquoted;
use super::super::print::value_text;
use super::{inside, process, published, row};
use crate::model::{Owner, Protocol, State};
use crate::track::Row;

fn rows() -> Vec<Row> {
    let server = |port: u16, pid: u32, name: &str| {
        row(
            Protocol::Tcp,
            &format!("127.0.0.1:{port}"),
            None,
            State::Listen,
            |socket| socket.owner = Owner::Known([process(pid, name, "")].into()),
        )
    };
    let mut rows = vec![
        server(443, 1, "nginx"),
        server(8080, 2, "my app (2)"),
        server(8443, 3, "tcp"),
        server(3306, 4, r#"say "hi""#),
        server(22, 5, "Node"),
    ];
    rows[0].socket.user = Some("www-data".into());
    rows[0].socket.unit = Some("nginx.service".into());
    rows
}

/// Where the word is, and what may stand there.
fn offered(marked: &str) -> Option<(String, Vec<String>)> {
    let cursor = marked.find('^').unwrap();
    let text = marked.replace('^', "");
    let rows = rows();
    let found = complete(&text, cursor, &rows)?;
    Some((text[found.word].to_owned(), found.offers))
}

#[track_caller]
fn check(marked: &str, word: &str, offers: &[&str]) {
    let (found, offered) = offered(marked).unwrap_or_else(|| panic!("{marked}: nothing"));
    assert_eq!(found, word, "{marked}");
    assert_eq!(offered, offers, "{marked}");
}

#[test]
fn the_start_of_a_field_becomes_the_field() {
    check("po^", "po", &["port:"]);
    check("a^", "a", &["addr:", "age:"]);
    check("re^", "re", &["remote:", "recv-q:", "retr:"]);
    check("P^", "P", &["port:", "pid:", "proc:", "proto:", "project:"]);
    check("u^", "u", &["user:", "unit:", "udp", "udp4", "udp6"]);
    check("nginx serv^ :80", "serv", &["service:"]);
}

#[test]
fn the_values_of_a_field_are_those_of_its_table() {
    check(
        "state:syn^",
        "state:syn",
        &["state:syn_sent", "state:syn_recv"],
    );
    check("is:c^", "is:c", &["is:changed", "is:closed", "is:conflict"]);
    check(
        "proto:udp^",
        "proto:udp",
        &[
            "proto:udp",
            "proto:udp4",
            "proto:udp6",
            "proto:udplite",
            "proto:udplite4",
            "proto:udplite6",
        ],
    );
    check("proto:un^", "proto:un", &["proto:unix"]);
    let (_, every_state) = offered("state:^").unwrap();
    assert_eq!(every_state.len(), State::ALL.len());
}

#[test]
fn names_are_those_that_are_there_now() {
    check("user:^", "user:", &["user:www-data"]);
    check("unit:ng^", "unit:ng", &["unit:nginx.service"]);
    check("service:s^", "service:s", &["service:ssh"]);
    check(":h^", ":h", &[":http-alt", ":https", ":https-alt"]);
    check("port:84^", "port:84", &["port:8443"]);
    check("proc:n^", "proc:n", &["proc:Node", "proc:nginx"]);
    check("ngin^", "ngin", &["nginx", "nginx.service"]);
}

/// Nothing would match the service of a peer's port as a local one.
#[test]
fn a_port_is_completed_to_no_service_of_a_peer() {
    let client = row(
        Protocol::Tcp,
        "127.0.0.1:50000",
        Some("10.0.0.9:443"),
        State::Established,
        |_| {},
    );
    let offers = |text: &str| complete(text, text.len(), [&client]).map(|found| found.offers);
    assert_eq!(offers("port:h"), None);
    assert_eq!(offers(":h"), None);
    assert_eq!(offers("service:h"), Some(vec!["service:https".into()]));
}

#[test]
fn a_namespace_and_a_container_are_completed_to_their_names() {
    let offers =
        |text: &str| complete(text, text.len(), &[published(), inside()]).map(|it| it.offers);
    for (text, offer) in [
        ("ns:", "ns:blue"),
        ("bl", "blue"),
        ("container:s", "container:shop-web-1"),
        ("shop", "shop-web-1"),
    ] {
        assert_eq!(offers(text), Some(vec![offer.to_owned()]), "{text}");
    }
}

#[test]
fn a_name_is_quoted_where_it_must_be() {
    check("proc:my^", "proc:my", &[r#"proc:"my app (2)""#]);
    check("my^", "my", &[r#""my app (2)""#]);
    check("proc:s^", "proc:s", &[r#"proc:"say \"hi\"""#]);
    check(
        r#"proc:"my ap^"#,
        r#"proc:"my ap"#,
        &[r#"proc:"my app (2)""#],
    );
    // A process, and not the protocol.
    check("tcp^", "tcp", &["tcp", "tcp4", "tcp6", r#""tcp""#]);
}

#[test]
fn a_backslash_before_a_quote_is_two_characters_to_complete() {
    let server = row(
        Protocol::Tcp,
        "127.0.0.1:80",
        None,
        State::Listen,
        |socket| {
            socket.owner = Owner::Known([process(1, r#"\"x"#, "")].into());
        },
    );
    let whole = r#"proc:"\\\"x""#;
    for typed in [r#"proc:"\\"#, r#"proc:"\\\""#, r#"proc:"\\\"x"#] {
        let offers = complete(typed, typed.len(), [&server]).map(|found| found.offers);
        assert_eq!(offers, Some(vec![whole.to_owned()]), "{typed}");
    }
}

proptest! {
    #[test]
    fn a_text_that_is_quoted_reads_back(text in r#"[ab"\\ é]{0,12}"#) {
        let text = format!("{text} ");
        let quoted = value_text(&text);
        let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        prop_assert_eq!(unquoted(inside.unwrap()).0, text);
    }
}

#[test]
fn it_works_after_anything_that_may_precede_a_term() {
    for before in ["(", "!", "!(", "nginx | ", "nginx|", "(a | !", "a )", "! "] {
        check(&format!("{before}po^"), "po", &["port:"]);
        check(&format!("{before}state:cl^ais"), "state:clais", {
            &["state:close_wait", "state:closing", "state:closed"]
        });
        check(&format!("{before}us^) x"), "us", &["user:"]);
    }
}

#[test]
fn between_terms_every_field_and_protocol_is_offered() {
    for text in ["^", "nginx ^", "(^", "!^", "a |^ b"] {
        let (word, offers) = offered(text).unwrap();
        assert_eq!(word, "", "{text}");
        assert_eq!(offers.len(), 33, "{text}: {offers:?}");
    }
}

#[test]
fn nothing_is_offered_where_anything_may_follow() {
    for text in [
        "cmd:^",
        "pid:1^",
        "nofield:x^",
        "state:x^",
        "/ngi^",
        "/ngi^/",
        r#""ngi^"#,
        r#""a po^" b"#,
        "a ^nginx",
        "zzz^",
        "^nginx",
    ] {
        assert_eq!(offered(text), None, "{text}");
    }
}

#[test]
fn numbers_are_completed_to_usual_limits_and_the_last_of_a_list_to_a_port() {
    check(
        "age:>^",
        "age:>",
        &["age:>10s", "age:>1m", "age:>1h", "age:>1d"],
    );
    check(
        "recv-q:^",
        "recv-q:",
        &["recv-q:>0", "recv-q:>4k", "recv-q:>64k"],
    );
    check(":22,84^", ":22,84", &[":22,8443"]);
    check(
        "port:22,ht^",
        "port:22,ht",
        &["port:22,http-alt", "port:22,https", "port:22,https-alt"],
    );
}

#[test]
fn a_word_between_terms_is_offered_where_it_may_stand() {
    check("no^", "no", &["node", "not"]);
    check("nginx an^", "an", &["and"]);
    check("nginx o^", "o", &["or"]);
    check("(nginx) O^", "O", &["or"]);
    check("nginx or no^", "no", &["node", "not"]);
    for text in ["o^", "(an^", "nginx or an^", "!o^", "nginx | o^", "not o^"] {
        assert_eq!(offered(text), None, "{text}");
    }
}
