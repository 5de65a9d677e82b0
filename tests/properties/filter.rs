//! The filter language: what is printed reads back, nothing panics, and negation is a complement.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;
use regex::RegexBuilder;
use sockeye::filter::{Context, FIELDS, FLAGS, Filter, TRANSPORTS, complete};
use sockeye::model::{Age, Socket, State};
use sockeye::track::Row;

use super::mutation::{Mutation, mutated};
use super::rows::{address, moment, row};

/// Texts that a regular expression generates.
fn text(regex: &str) -> BoxedStrategy<String> {
    string_regex(regex).expect("the regex is valid").boxed()
}

/// A port as a filter may spell it.
fn ports() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<u16>().prop_map(|port| port.to_string()),
        (any::<u16>(), any::<u16>()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        select(vec!["https", "SSH", "http-alt", "domain"]).prop_map(String::from),
        (sign(), 1..u16::MAX).prop_map(|(sign, port)| format!("{sign}{port}")),
        vec(
            prop_oneof![
                any::<u16>().prop_map(|port| port.to_string()),
                Just("https".into()),
                Just("0-80".into())
            ],
            2..4
        )
        .prop_map(|ports| ports.join(",")),
    ]
}

fn sign() -> impl Strategy<Value = &'static str> {
    select(vec![">", ">=", "<", "<="])
}

/// A size or a list of sizes, as a filter may spell them; small ones are likely to match.
fn sizes() -> impl Strategy<Value = String> {
    let size = prop_oneof![
        (0..4u32).prop_map(|size| size.to_string()),
        any::<u32>().prop_map(|size| size.to_string()),
        (0..4u32, select(vec!["", "k", "K", "kb", "m", "MiB", "b"]))
            .prop_map(|(size, unit)| format!("{size}{unit}")),
        Just("3g".to_owned()),
    ]
    .boxed();
    let limit = (1..u32::MAX).prop_map(|size| size.to_string());
    prop_oneof![
        size.clone(),
        vec(size, 2..4).prop_map(|sizes| sizes.join(",")),
        (0..4u32, 4..9u32).prop_map(|(first, last)| format!("{first}-{last}k")),
        (sign(), prop_oneof![limit, text("[1-3][kmg]?")])
            .prop_map(|(sign, limit)| format!("{sign}{limit}")),
    ]
}

/// A comparison with an age, around those that rows have.
fn age() -> impl Strategy<Value = String> {
    let number = prop_oneof![1..70u32, 1..2_000_000u32];
    let unit = select(vec!["", "ms", "s", "m", "h", "d", ".5s", ".25m"]);
    (sign(), number, unit).prop_map(|(sign, number, unit)| format!("age:{sign}{number}{unit}"))
}

/// An address, network or port as a filter may spell it.
fn place() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        address().prop_map(|address| address.to_string()),
        (any::<Ipv4Addr>(), 0..=32u8).prop_map(|(address, bits)| format!("{address}/{bits}")),
        (any::<Ipv6Addr>(), 0..=128u8).prop_map(|(address, bits)| format!("{address}/{bits}")),
        Just("Localhost".to_owned()),
        (any::<u64>(), text("[a-z][a-z0-9.@_-]{0,14}")).prop_map(|(id, zone)| {
            let address = Ipv6Addr::from_bits(0xfe80 << 112 | u128::from(id));
            format!("{address}%{zone}")
        }),
    ];
    (host, option::of(ports())).prop_map(|(host, ports)| match ports {
        Some(ports) if host.contains(':') => format!("[{host}]:{ports}"),
        Some(ports) => format!("{host}:{ports}"),
        None => host,
    })
}

/// Any text between quotes.
fn quoted() -> impl Strategy<Value = String> {
    ".+".prop_map(|text| format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#)))
}

fn regex() -> impl Strategy<Value = String> {
    text(r"[a-zÄ]{1,3}(\\/|\\\\|\\d|\.|x\*)?( |[|])?[A-Z]").prop_map(|regex| format!("/{regex}/"))
}

/// Regexes that look around and across the parts of a line.
fn wild_regex() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "^",
        "$",
        r"\b",
        r"\B",
        r"\A",
        r"\z",
        ".",
        ".*",
        r"\d+",
        r"\w",
        r"\s",
        " ",
        "[^ ]*",
        "a",
        "B",
        "c|",
        "(?m:$)",
        "tcp",
        "udp6? ",
        "listen",
        ":",
        "[0-9a-f]",
        "ß",
        "é?",
        "(a|b| )+",
        "1",
        ".{3}",
        r"(?-u:\b)",
        "\u{212a}",
    ]);
    vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn field() -> impl Strategy<Value = String> {
    let part = (
        select(vec![
            "proc",
            "cmd",
            "user",
            "unit",
            "service",
            "ns",
            "container",
            "CMD",
        ]),
        prop_oneof![text(r#"[^\s|()"]+"#), quoted(), text("[0-9]{1,5}")],
    );
    let state = select(State::ALL.to_vec());
    prop_oneof![
        part.prop_map(|(field, text)| format!("{field}:{text}")),
        (select(vec!["addr", "remote"]), place())
            .prop_map(|(side, place)| format!("{side}:{place}")),
        (
            select(vec!["", "port", "addr:", "remote:", "remote"]),
            ports()
        )
            .prop_map(|(prefix, ports)| format!("{prefix}:{ports}")),
        any::<u32>().prop_map(|pid| format!("pid:{pid}-{}", u32::MAX)),
        (sign(), 1..2000u32).prop_map(|(sign, pid)| format!("pid:{sign}{pid}")),
        vec(0..2000u32, 2..4).prop_map(|pids| format!("pid:{pids:?}").replace(['[', ']', ' '], "")),
        age(),
        (select(vec!["recv-q", "send-q", "RECV-Q"]), sizes())
            .prop_map(|(field, sizes)| format!("{field}:{sizes}")),
        state.prop_map(|state| format!("state:{}", state.as_str().replace('_', "-"))),
        (0..FLAGS.len()).prop_map(|index| format!("is:{}", FLAGS[index].name)),
        (0..TRANSPORTS.len()).prop_map(|index| format!("proto:{}", TRANSPORTS[index].name)),
    ]
}

fn is_operator(text: &str) -> bool {
    let words = ["not", "and", "or"];
    words.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn term() -> impl Strategy<Value = String> {
    prop_oneof![
        field(),
        quoted(),
        regex(),
        place(),
        any::<u32>().prop_map(|number| number.to_string()),
        (0..TRANSPORTS.len()).prop_map(|index| TRANSPORTS[index].name.to_owned()),
        text(r#"[^\s|()":/!0-9][^\s|()":]*"#)
            .prop_filter("a word between terms", |text| !is_operator(text)),
    ]
}

/// Filters of every form, in more spellings than the canonical one.
pub fn filter_text() -> impl Strategy<Value = String> {
    term().prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(|terms| format!("({})", terms.join(" "))),
            vec(inner.clone(), 1..4).prop_map(|terms| terms.join(" ")),
            vec(inner.clone(), 1..4).prop_map(|terms| terms.join("|")),
            vec(inner.clone(), 1..4).prop_map(|terms| terms.join(" and ")),
            vec(inner.clone(), 1..4).prop_map(|terms| terms.join(" OR ")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b} or not {a}")),
            inner.clone().prop_map(|term| format!("not {term}")),
            inner.prop_map(|term| format!("!{term}")),
        ]
    })
}

fn context() -> Context {
    Context {
        now: moment(10),
        highlight: Duration::from_secs(5),
        uid: Some(1),
    }
}

/// Pieces of the language in any order: most are wrong somewhere.
fn almost_filter() -> impl Strategy<Value = String> {
    let mut pieces: Vec<String> = ["(", ")", "|", "!", "\"", "/", "\\", ":", " ", "-", "[", "]"]
        .into_iter()
        .chain([
            "::1",
            "10.",
            "8080",
            "99999",
            "é",
            "tcp",
            "localhost",
            "\u{3000}",
            ">",
            "<=",
            ",",
            "64k",
            "1.5m",
            "and",
            " or ",
            "not ",
        ])
        .map(String::from)
        .collect();
    pieces.extend(FIELDS.iter().map(|field| format!("{}:", field.name)));
    vec(select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same_filter(text in filter_text()) {
        let filter = Filter::parse(&text).expect("the grammar is that of the parser");
        let printed = filter.to_string();
        let again = Filter::parse(&printed);
        prop_assert_eq!(again.as_ref(), Ok(&filter), "printed: {}", printed);
        prop_assert_eq!(again.map(|again| again.to_string()), Ok(printed));
    }

    #[test]
    fn any_text_is_a_filter_that_prints_back_or_an_error_with_its_place(
        text in prop_oneof![any::<String>(), almost_filter()],
    ) {
        is_a_filter_or_an_error_with_its_place(&text)?;
    }

    #[test]
    fn a_filter_with_mistakes_in_it_is_another_one_or_an_error_with_its_place(
        text in filter_text(), other in filter_text(), mistakes in vec(any::<Mutation>(), 1..4),
    ) {
        let text = mutated(text.as_bytes(), other.as_bytes(), &mistakes);
        is_a_filter_or_an_error_with_its_place(&String::from_utf8_lossy(&text))?;
    }

    #[test]
    fn a_negated_filter_matches_exactly_the_other_rows(text in filter_text(), row in row()) {
        let filter = Filter::parse(&text).expect("the grammar is that of the parser");
        let negated = Filter::parse(&format!("!({text})")).expect("a group may be negated");
        let (holds, fails) = (filter.matches(&row, &context()), negated.matches(&row, &context()));
        // What a lower bound of an age leaves open matches neither.
        let is_open = has_open_age(&row) && text.to_lowercase().contains("age:");
        prop_assert!(holds != fails || !holds && is_open, "{:?}", row);
    }

    #[test]
    fn alternatives_match_what_either_matches_and_terms_side_by_side_what_both_match(
        a in filter_text(), b in filter_text(), row in row(),
    ) {
        let holds = |text: &str| {
            let filter = Filter::parse(text).expect("the grammar is that of the parser");
            filter.matches(&row, &context())
        };
        let (left, right) = (holds(&a), holds(&b));
        prop_assert_eq!(holds(&format!("{a} | {b}")), left || right);
        prop_assert_eq!(holds(&format!("({a}) ({b})")), left && right);
    }

    #[test]
    fn a_pass_over_many_rows_matches_what_one_by_one_does(
        text in filter_text(), rows in vec(row(), 1..6),
    ) {
        let filter = Filter::parse(&text).expect("the grammar is that of the parser");
        let rows = sharing(&rows);
        let mut pass = filter.pass(&context());
        for row in rows.iter().chain(&rows) {
            prop_assert_eq!(pass.matches(row), filter.matches(row, &context()));
        }
    }

    #[test]
    fn a_regex_of_a_pass_reads_rows_as_the_regex_itself_reads_their_lines(
        source in wild_regex(), rows in vec(row(), 1..6),
    ) {
        let filter = Filter::parse(&format!("/{source}/")).expect("the grammar is that of regex");
        let regex = RegexBuilder::new(&source).case_insensitive(true).build().expect("as above");
        let rows = sharing(&rows);
        let mut pass = filter.pass(&context());
        for row in rows.iter().chain(&rows) {
            prop_assert_eq!(pass.matches(row), regex.is_match(&line(row)), "{}", line(row));
        }
    }

    #[test]
    fn an_answer_before_the_owner_is_known_is_true_for_every_owner(
        text in filter_text(), row in row(), others in vec(row(), 3),
    ) {
        let filter = Filter::parse(&text).expect("the grammar is that of the parser");
        let mut row = Row { change: None, ..row };
        let said = filter.could_match(&row.socket, &context());
        for other in others {
            let mut socket = Socket::clone(&row.socket);
            socket.owner = other.socket.owner.clone();
            prop_assert_eq!(filter.could_match(&socket, &context()), said);
            row = Row { socket, is_in_conflict: other.is_in_conflict, ..row };
            let holds = filter.matches(&row, &context());
            prop_assert_eq!(said.unwrap_or(holds), holds, "{:?}", row);
        }
    }

    #[test]
    fn a_row_is_found_by_what_it_says(row in row()) {
        for text in words_of(&row) {
            let filter = Filter::parse(&text).expect("a row's own texts make terms");
            prop_assert!(filter.matches(&row, &context()), "{}", text);
        }
    }
}

/// Whether only a lower bound of its age is known.
fn has_open_age(row: &Row) -> bool {
    matches!(row.shown_age(context().now), Age::AtLeast(_))
}

/// Whatever a text is, it is one of the two.
fn is_a_filter_or_an_error_with_its_place(text: &str) -> Result<(), TestCaseError> {
    match Filter::parse(text) {
        Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter)),
        Err(error) => {
            prop_assert!(!error.span.is_empty());
            prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error);
            prop_assert!(!error.message.contains(char::is_control), "{:?}", error);
        }
    }
    Ok(())
}

/// The rows, and each once more with the owner and the names of the first: what a pass remembers
/// of one row, it meets again in another.
fn sharing(rows: &[Row]) -> Vec<Row> {
    let first = Socket::clone(&rows[0].socket);
    let like_first = |row: &Row| {
        let mut row = row.clone();
        let (local, remote, state) = (row.socket.local, row.socket.remote, row.socket.state);
        let protocol = row.socket.protocol;
        row.socket = Socket {
            protocol,
            local,
            remote,
            state,
            portless: row.socket.portless.clone(),
            ..first.clone()
        };
        row
    };
    rows.iter()
        .flat_map(|row| [row.clone(), like_first(row)])
        .collect()
}

/// The row as a regex reads it, written in the simplest way.
fn line(row: &Row) -> String {
    let socket = &row.socket;
    let owners = socket.owner.processes();
    let mut words = vec![socket.protocol_and_family().to_owned()];
    words.extend(socket.local_text());
    words.extend(socket.service().map(String::from));
    let remote = socket.remote.filter(|_| socket.portless.is_none());
    words.extend(remote.map(|remote| remote.to_string()));
    words.push(socket.state.to_string());
    words.extend(row.is_closed().then(|| State::Closed.to_string()));
    words.extend(
        owners
            .iter()
            .map(|process| format!("{} {}", process.pid, process.name)),
    );
    let namespace = socket.namespace.as_ref();
    let inside = namespace.and_then(|one| one.container.as_ref());
    let names = [
        socket.user.as_ref(),
        socket.unit.as_ref(),
        socket.container.as_ref(),
        inside.map(|container| &container.name),
        namespace.map(|one| &one.name),
        socket.interface.as_ref(),
    ];
    words.extend(names.into_iter().flatten().map(ToString::to_string));
    words.extend(socket.published.as_ref().map(|one| one.describe()));
    words.extend(
        owners
            .iter()
            .filter_map(|process| process.command.as_ref())
            .map(ToString::to_string),
    );
    // The other end of a unix socket is known with the owners.
    words.extend(socket.remote_text().filter(|_| socket.portless.is_some()));
    words.join(" ")
}

/// Terms that are made of what the row shows.
fn words_of(row: &Row) -> Vec<String> {
    let local = row.socket.local;
    let mut words = vec![
        format!("state:{}", row.socket.state),
        format!("proto:{}", row.socket.protocol.as_str()),
        row.socket.protocol_and_family().to_owned(),
    ];
    if row.socket.protocol.has_ports() {
        words.extend([
            format!(":{}", local.port),
            format!("{}", local.port),
            format!("addr:{local}"),
            format!("\"{local}\""),
        ]);
    }
    if let Some(name) = row.socket.local_text().filter(|name| !name.is_empty()) {
        let name = name.replace('\\', r"\\").replace('"', r#"\""#);
        words.push(format!("\"{name}\""));
    }
    for process in row.socket.owner.processes() {
        words.push(format!("pid:{}", process.pid));
        if !process.name.is_empty() {
            let name = process.name.replace('\\', r"\\").replace('"', r#"\""#);
            words.push(format!("\"{name}\""));
            words.push(format!("proc:\"{}\"", name.to_lowercase()));
            words.push(format!("proc:\"{}\"", name.to_ascii_uppercase()));
        }
    }
    words
}

/// A word that is not written to its end, behind whatever may stand before one.
fn unfinished() -> impl Strategy<Value = (String, String)> {
    let before = select(vec!["", "(", "!", "a ", "a | ", "(b | !", "!!(", "a|"]);
    let prefix = prop_oneof![
        Just(String::new()),
        (0..FIELDS.len()).prop_map(|at| format!("{}:", FIELDS[at].name)),
        Just(":".to_owned()),
    ];
    let typed = prop_oneof![
        Just(String::new()),
        "[a-z0-9]{1,2}",
        text(r#"[^\s()"/!|]{1,2}"#)
    ];
    let word = (prefix, typed).prop_map(|(prefix, typed)| prefix + &typed);
    (before.prop_map(String::from), word)
}

proptest! {
    /// A field alone needs a value, and a word between terms a term; every other offer is a filter, in any position.
    #[test]
    fn every_completion_is_a_filter_or_a_field_that_waits_for_its_value(
        (before, word) in unfinished(),
        rows in vec(row(), 0..6),
    ) {
        let text = format!("{before}{word}");
        if let Some(found) = complete(&text, text.len(), &rows) {
            for offer in found.offers {
                let is_field = FIELDS.iter().any(|field| offer == format!("{}:", field.name));
                let is_operator = is_operator(&offer);
                let completed = format!("{}{offer}", &text[..found.word.start]);
                let open = before.matches('(').count();
                let whole = format!("{completed}{}", ")".repeat(open));
                prop_assert_eq!(is_field || is_operator, Filter::parse(&whole).is_err(), "{}", whole);
            }
        }
    }

    /// A name that is there is offered for its first character, and finds its row.
    #[test]
    fn what_is_offered_for_a_name_finds_its_row(row in row()) {
        for process in row.socket.owner.processes() {
            let first: String = process.name.chars().take(1).collect();
            for field in ["", "proc:"] {
                let text = format!("{field}{first}");
                let found = complete(&text, text.len(), [&row]);
                let offers = found.map_or_else(Vec::new, |found| found.offers);
                let finds = |offer: &String| {
                    Filter::parse(offer).is_ok_and(|filter| filter.matches(&row, &context()))
                };
                let is_plain = |c: char| c.is_alphanumeric();
                prop_assert!(!first.starts_with(is_plain) || offers.iter().any(finds), "{}: {:?}", text, offers);
            }
        }
    }

    /// Any text, any place in it.
    #[test]
    fn completing_never_panics_and_keeps_to_the_text(
        text in prop_oneof![any::<String>(), almost_filter()],
        at in any::<prop::sample::Index>(),
        row in row(),
    ) {
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let cursor = places[at.index(places.len())];
        if let Some(found) = complete(&text, cursor, [&row]) {
            prop_assert!(found.word.start <= cursor && cursor <= found.word.end);
            prop_assert!(text.get(found.word).is_some());
        }
    }
}
