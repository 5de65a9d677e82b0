//! What is said about wrong and unfinished terms, and where they are marked.

use crate::filter::{FIELDS, Filter, FilterError};

fn error(text: &str) -> FilterError {
    match Filter::parse(text) {
        Err(error) => error,
        Ok(filter) => panic!("{text:?} should be wrong, but is {filter:?}"),
    }
}

/// Text with the marked part under it, and how the message begins.
const WRONG: &[(&str, &str, &str)] = &[
    // Unfinished.
    ("a \"b c", "  ^^^^", "missing closing `\"`"),
    ("a proc:\"b", "       ^^", "missing closing `\"`"),
    ("a (b | (c)", "  ^", "missing `)`"),
    ("a (", "  ^", "missing `)`"),
    ("a /b c", "  ^^^^", "missing `/` after the regex"),
    ("a /b\\/", "  ^^^^", "missing `/` after the regex"),
    ("a | ", "  ^", "`|` needs a term after it"),
    ("a (b |) c", "     ^", "`|` needs a term after it"),
    ("a ! | c", "  ^", "`!` needs a term after it"),
    ("a !!", "   ^", "`!` needs a term after it"),
    ("a port: b", "  ^^^^^", "the port is missing"),
    ("a : b", "  ^", "the port is missing"),
    ("pid:", "^^^^", "the process id is missing"),
    ("cmd:", "^^^^", "the text to find is missing"),
    ("cmd:\"\"", "    ^^", "the text to find is missing"),
    (
        "is:",
        "^^^",
        "the flag is missing. Accepted: new changed short closed",
    ),
    (
        "state:",
        "^^^^^^",
        "the state is missing. Accepted: listen bound",
    ),
    ("addr:", "^^^^^", "the address is missing"),
    (":8000-", " ^^^^^", "`8000-` is an incomplete range"),
    (":-80", " ^^^", "`-80` is an incomplete range"),
    ("addr:10.", "     ^^^", "`10.` is not an address"),
    ("remote:1.1.1.1:", "       ^^^^^^^^", "the port is missing"),
    (
        "remote:8000-",
        "       ^^^^^",
        "`8000-` is an incomplete range",
    ),
    ("remote:99999", "       ^^^^^", "`99999` is too large"),
    ("remote:10.", "       ^^^", "`10.` is not an address"),
    (
        "remote:htps",
        "       ^^^^",
        "`htps` is not an address: use an address, 10.0.0.0/8 or localhost, also with a port as in \
         10.0.0.1:443 or [::1]:443; or a port (443, https)",
    ),
    (
        "addr:[fe80::1%2]:80",
        "     ^^^^^^^^^^^^^^",
        "write the interface by name",
    ),
    ("localhost:", "^^^^^^^^^^", "the port is missing"),
    // Wrong.
    ("| a", "^", "`|` needs a term before it"),
    ("(| a)", " ^", "`|` needs a term before it"),
    ("a || b", "  ^", "`|` needs a term after it"),
    ("a ) b", "  ^", "unmatched `)`"),
    ("a ( ) b", "  ^^^", "the group is empty"),
    ("a \"\"", "  ^^", "the quotes are empty"),
    ("a //", "  ^^", "the regex is empty"),
    ("a /b(/", "  ^^^^", "invalid regex: unclosed group"),
    (
        "/(?:\\w{200}){200}/",
        "^^^^^^^^^^^^^^^^^^",
        "the regex is too large",
    ),
    (
        "/usr/bin c",
        "^^^^^^^^",
        "a regex ends here, but `bin` follows",
    ),
    (
        "\"a\"b c",
        "^^^^",
        "a quoted text ends here, but `b` follows",
    ),
    (
        "a\"b\" c",
        "^^^^",
        "a quote starts a term or follows `field:`",
    ),
    (
        "a :99999",
        "   ^^^^^",
        "`99999` is too large: the highest port is 65535",
    ),
    (
        "port:9000-8000",
        "     ^^^^^^^^^",
        "`9000-8000` is reversed: write 8000-9000",
    ),
    ("port:80x", "     ^^^", "`80x` is not a port"),
    (
        ":htps",
        " ^^^^",
        "no service named `htps`; did you mean `https`?",
    ),
    ("pid:nginx", "    ^^^^^", "`nginx` is not a process id"),
    (
        "pid:4294967296",
        "    ^^^^^^^^^^",
        "`4294967296` is too large",
    ),
    (
        "a 4294967296",
        "  ^^^^^^^^^^",
        "`4294967296` is too large for a port",
    ),
    ("a 080", "  ^^^", "ports and process ids don't begin with 0"),
    ("127.0.0.1:99999", "^^^^^^^^^^^^^^^", "`99999` is too large"),
    ("::x", "^^^", "`::x` is not an address"),
    (
        "addr:nowhere",
        "     ^^^^^^^",
        "`nowhere` is not an address",
    ),
    ("addr:[::1", "     ^^^^", "`[::1` is not an address"),
    (
        "a foo:bar",
        "  ^^^^",
        "unknown field `foo`. Accepted: port: pid:",
    ),
    (
        "foo:\"bar\"",
        "^^^^",
        "unknown field `foo`. Accepted: port: pid:",
    ),
    (
        "stat:listen",
        "^^^^^",
        "unknown field `stat`; did you mean `state`? Accepted: port:",
    ),
    (
        "state:lisn",
        "      ^^^^",
        "unknown state `lisn`; did you mean `listen`?",
    ),
    (
        "is:nwe",
        "   ^^^",
        "unknown flag `nwe`; did you mean `new`?",
    ),
    (
        "proto:icmp",
        "      ^^^^",
        "unknown protocol `icmp`. Accepted: tcp tcp4",
    ),
    ("ü é:x", "  ^^", "unknown field `é`."),
    (
        "a flow:>1m",
        "  ^^^^^",
        "unknown field `flow`. Accepted: port:",
    ),
    ("host:a", "^^^^^", "unknown field `host`. Accepted: port:"),
    // Numbers.
    (
        "a age:",
        "  ^^^^",
        "the age is missing: use a number with ms, s, m, h or d, as in >1m or <=30s; in a shell",
    ),
    (
        "age:>",
        "    ^",
        "`>` needs a number after it: use a number with ms",
    ),
    (
        "age:5m",
        "    ^^",
        "`5m` needs >, >=, < or <= before it, as in >1m",
    ),
    (
        "age:>5x b",
        "    ^^^",
        "`5x` is not an age: use a number with ms",
    ),
    ("age:>-5s", "    ^^^^", "`-5s` is not an age"),
    ("age:>=>5s", "    ^^^^^", "`>5s` is not an age"),
    (
        "age:<0",
        "    ^^",
        "`<0` matches nothing: the lowest age is 0s",
    ),
    (
        "recv-q:",
        "^^^^^^^",
        "the size is missing: use a number, also with k, m or g",
    ),
    (
        "recv-q:>64q",
        "       ^^^^",
        "`64q` is not a size: use a number, also with k",
    ),
    ("send-q:>1.5k", "       ^^^^^", "`1.5k` is not a size"),
    (
        "send-q:>4g",
        "       ^^^",
        "`4g` is too large: the highest size is 4294967295",
    ),
    (
        "send-q:2k-1k",
        "       ^^^^^",
        "`2k-1k` is reversed: write 1k-2k",
    ),
    (":>", " ^", "`>` needs a number after it"),
    (":>=", " ^^", "`>=` needs a number after it"),
    (":>https", " ^^^^^^", "`https` is not a port: use a number"),
    (
        ":>65535",
        " ^^^^^^",
        "`>65535` matches nothing: the highest port is 65535",
    ),
    (":<0", " ^^", "`<0` matches nothing: the lowest port is 0"),
    (
        "remote:>99999",
        "       ^^^^^^",
        "`99999` is too large: the highest port is 65535",
    ),
    (
        "pid:=5",
        "    ^^",
        "`=5` is not a process id: use a number, a range as in 10-19, a list",
    ),
    (
        ":80,",
        " ^^^",
        "`80,` is an incomplete list: write it as in 10,12",
    ),
    ("pid:1,,2", "    ^^^^", "`1,,2` is an incomplete list"),
    (
        ":80,htps",
        " ^^^^^^^",
        "no service named `htps`; did you mean `https`?",
    ),
    (
        ":80,>1024",
        " ^^^^^^^^",
        "`80,>1024` is a list with a comparison in it",
    ),
    ("pid:1,x", "    ^^^", "`x` is not a process id"),
    // Words between terms.
    (
        "and b",
        "^^^",
        "`and` needs a term before it; quote it to find it as text",
    ),
    ("OR", "^^", "`or` needs a term before it; quote it"),
    ("a or", "  ^^", "`or` needs a term after it; quote it"),
    ("a and )", "  ^^^", "`and` needs a term after it; quote it"),
    ("a and or b", "  ^^^", "`and` needs a term after it"),
    ("a | and b", "  ^", "`|` needs a term after it"),
    ("not", "^^^", "`not` needs a term after it; quote it"),
    ("a not | b", "  ^^^", "`not` needs a term after it"),
    ("(or a)", " ^^", "`or` needs a term before it"),
    (
        "not\"a\"",
        "^^^^^^",
        "a quote starts a term or follows `field:`",
    ),
];

#[test]
fn a_wrong_term_is_marked_and_explained() {
    for &(text, marks, message) in WRONG {
        let error = error(text);
        let before = text[..error.span.start].chars().map(|_| ' ');
        let marked = text[error.span.clone()].chars().map(|_| '^');
        assert_eq!(
            before.chain(marked).collect::<String>(),
            marks,
            "{text:?}: {error}"
        );
        assert!(error.message.starts_with(message), "{text:?}: {error}");
    }
}

#[test]
fn every_field_needs_a_value() {
    for field in &FIELDS {
        let text = format!("{}:", field.name);
        let error = error(&text);
        assert_eq!(error.span, 0..text.len());
        assert!(error.message.contains("missing"), "{text}: {error}");
    }
}

#[test]
fn groups_nest_to_a_limit() {
    let nested = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(Filter::MAX_NESTING)).is_ok());
    let deep = error(&nested(Filter::MAX_NESTING + 1));
    assert_eq!(deep.span, Filter::MAX_NESTING..Filter::MAX_NESTING + 1);
    assert!(deep.message.contains("64 levels"), "{deep}");
    error(&"(".repeat(Filter::MAX_BYTES));
}

#[test]
fn a_text_beyond_the_limit_is_refused() {
    assert!(Filter::parse(&"x".repeat(Filter::MAX_BYTES)).is_ok());
    assert!(Filter::parse(&"!a ".repeat(Filter::MAX_BYTES / 3)).is_ok());
    let long = error(&"é".repeat(500_000));
    assert_eq!(long.span, Filter::MAX_BYTES..1_000_000);
    assert!(long.message.contains("4096 bytes"), "{long}");
}

#[test]
fn a_filter_that_would_be_printed_too_long_is_refused() {
    let text = "a|".repeat(2047) + "a";
    assert_eq!(error(&text).span, 0..text.len());
}

#[test]
fn a_message_is_always_one_line() {
    for text in ["\u{1b}[2J:x", "state:\"a\nb\"", "/(\n/", "/(?x)\n(/"] {
        let error = error(text);
        assert!(!error.message.contains(char::is_control), "{error:?}");
    }
}
