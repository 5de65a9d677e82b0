//! The configuration: what is printed reads back, nothing panics, and each fault has a line.

use std::time::Duration;

use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sockeye::columns::{self, ColumnId};
use sockeye::config::{default_file, keys, parse, to_toml};
use sockeye::filter::Filter;
use sockeye::keymap::Key;
use sockeye::keymap::{KEYMAP, Keymap};
use sockeye::model::{Family, Protocol, Services};
use sockeye::query::{Sort, Tab};
use sockeye::settings::{CustomView, Settings};
use sockeye::theme::{Role, Themes, read};
use toml::de::DeTable;

use super::corpus::config as trials;
use super::filter::filter_text;
use super::mutation::{Mutation, mutated};

fn column() -> impl Strategy<Value = ColumnId> {
    (0..columns::ALL.len()).prop_map(|at| columns::ALL[at].id)
}

/// Those that are always shown, and some of the others, in any order.
fn shown_columns() -> impl Strategy<Value = Vec<ColumnId>> {
    let (always, others): (Vec<_>, Vec<_>) = columns::ALL.iter().partition(|one| one.priority == 0);
    let most = others.len();
    let chosen = subsequence(others, 0..=most);
    let all = chosen.prop_map(move |chosen| {
        let all = always.iter().copied().chain(chosen);
        all.map(|column| column.id).collect::<Vec<_>>()
    });
    all.prop_shuffle()
}

/// A look as it may be written.
fn look() -> impl Strategy<Value = String> {
    let colour = || {
        prop_oneof![
            select(vec!["red", "bright-black", "0", "255", "#0a0B0c"]).prop_map(str::to_owned),
            any::<u8>().prop_map(|at| at.to_string()),
            (0..0x0100_0000u32).prop_map(|rgb| format!("#{rgb:06x}")),
        ]
    };
    let emphases = subsequence(vec!["bold", "dim", "underline", "reverse"], 0..=4);
    let colours = (option::of(colour()), option::of(colour()));
    (colours, emphases).prop_map(|((text, behind), emphases)| {
        let behind = behind.map(|colour| format!("on {colour}"));
        let emphases = emphases.into_iter().map(str::to_owned);
        let words: Vec<_> = text.into_iter().chain(behind).chain(emphases).collect();
        words.join(" ")
    })
}

/// The built-in themes and up to three others, any of them chosen.
fn themes() -> impl Strategy<Value = Themes> {
    let role = (0..Role::ALL.len()).prop_map(|at| Role::ALL[at].name());
    let own = vec(hash_map(role, look(), 0..5), 0..4);
    (own, 0..20usize).prop_map(|(own, steps)| {
        let mut themes = Themes::default();
        for (at, looks) in own.into_iter().enumerate() {
            let lines = looks
                .into_iter()
                .map(|(role, look)| format!("{role} = '{look}'\n"));
            let text: String = lines.collect();
            let table = DeTable::parse(&text).expect("keys and texts");
            let theme = read(&format!("own-{at}"), table.get_ref(), Themes::terminal());
            themes.add(theme.expect("a theme")).expect("a new name");
        }
        for _ in 0..steps {
            themes.choose_next();
        }
        themes
    })
}

/// Any settings that a file can say.
fn config() -> impl Strategy<Value = Settings> {
    let times = (50..86_400_000u64, any::<u32>(), any::<u32>());
    let shown = (
        select(Tab::ALL.to_vec()),
        subsequence(Protocol::ALL.to_vec(), 1..=Protocol::ALL.len()),
        option::of(select(vec![Family::Ipv4, Family::Ipv6])),
    );
    let table = (shown_columns(), column(), any::<(bool, bool, bool)>());
    let filter = prop_oneof![Just(String::new()), filter_text()];
    let first = any::<prop::sample::Index>();
    let last = (keymap(), services(), views(), first, themes());
    (times, shown, table, filter, last).prop_map(|(times, shown, table, filter, last)| {
        let (keymap, services, views, first, themes) = last;
        let (interval, linger, highlight) = times;
        let (view, protocols, family) = shown;
        let custom_view = Some(first.index(6)).filter(|at| *at < views.len());
        let view = custom_view.map_or(view, |at| views[at].shows);
        let (columns, by, (descending, stats, color)) = table;
        Settings {
            interval: Duration::from_millis(interval),
            linger: Duration::from_millis(linger.into()),
            highlight: Duration::from_millis(highlight.into()),
            view,
            kinds: protocols.into_iter().collect(),
            family,
            filter: filter_of(&filter),
            columns,
            sort: Sort { by, descending },
            stats,
            color,
            themes,
            services,
            views,
            custom_view,
            keymap,
            ..Settings::default()
        }
    })
}

/// The keys as they are at first, but that some actions have others, which no other has; only what is a keymap.
fn keymap() -> impl Strategy<Value = Keymap> {
    let functions = (1..=12).map(Key::F);
    let letters = ('a'..='z').filter(|c| !"imz".contains(*c)).map(Key::Ctrl);
    let free: Vec<_> = functions.chain(letters).collect();
    let change = (0..KEYMAP.len(), subsequence(free, 0..4));
    vec(change, 0..4)
        .prop_map(|changes| {
            let mut keymap = Keymap::default();
            for (at, keys) in changes {
                keymap.bind(KEYMAP[at].mode, KEYMAP[at].action, keys);
            }
            keymap
        })
        .prop_filter("a key has one action, and every mode a way out", |keymap| {
            keymap.flaws().is_empty()
        })
}

/// Ports with names.
fn services() -> impl Strategy<Value = Services> {
    let protocol = select(vec![Protocol::Tcp, Protocol::Udp]);
    vec(
        (protocol, 1..=u16::MAX, "[a-zA-Z][a-zA-Z0-9_-]{0,39}"),
        0..4,
    )
    .prop_map(|named| {
        let mut services = Services::default();
        for (protocol, port, name) in named {
            services.add(protocol, port, &name);
        }
        services
    })
}

/// Views of one's own, each with its name.
fn views() -> impl Strategy<Value = Vec<CustomView>> {
    let sort = option::of((column(), any::<bool>()));
    let view = (
        select(Tab::ALL.to_vec()),
        filter_text(),
        option::of(shown_columns()),
        sort,
    );
    vec(view, 0..=5).prop_map(|views| {
        let numbered = views.into_iter().enumerate();
        let view =
            |(at, (shows, filter, columns, sort)): (usize, (Tab, String, _, _))| CustomView {
                name: format!("view {at}"),
                shows,
                filter: filter_of(&filter),
                columns,
                sort: Option::map(sort, |(by, descending)| Sort { by, descending }),
            };
        numbered.map(view).collect()
    })
}

fn filter_of(text: &str) -> Filter {
    Filter::parse(text).expect("the grammar is that of the parser")
}

/// Pieces of a file in any order: most are wrong somewhere.
fn almost_config() -> impl Strategy<Value = String> {
    let mut pieces: Vec<String> = [
        " = ",
        "=",
        "\n",
        "\r\n",
        "\r",
        "#",
        "[",
        "]",
        "[[",
        "{",
        "}",
        ",",
        ".",
        " ",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "true",
        "tru",
        "1",
        "1.5",
        "0x",
        "1979-05-27",
        "inf",
        "\"1s\"",
        "'port'",
        "é",
        "\u{feff}",
        "\u{1b}",
        "\\",
        "\\u001b",
        "port",
        "\0",
        "\u{3000}",
    ]
    .map(String::from)
    .into();
    pieces.extend(keys().map(String::from));
    pieces.extend(keys().map(|key| format!("\n{key} = ")));
    pieces.extend(
        [
            "\n[keys]\n",
            "\n[keys.menu]\n",
            "quit = ",
            "['q']",
            "'ctrl-c'",
        ]
        .map(String::from),
    );
    vec(select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn settings_that_are_printed_read_back(config in config()) {
        let printed = to_toml(&config);
        prop_assert_eq!(parse(printed.as_bytes()), Ok(config), "{}", printed);
    }

    #[test]
    fn any_text_is_a_config_or_faults_with_their_lines(
        text in prop_oneof![any::<String>(), almost_config()],
    ) {
        trials::run(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_a_config_or_faults_with_their_lines(bytes in vec(any::<u8>(), 0..200)) {
        trials::run(&bytes);
    }

    #[test]
    fn a_config_with_mistakes_in_it_is_another_one_or_faults_with_their_lines(
        config in config(), mistakes in vec(any::<Mutation>(), 1..4),
    ) {
        let bytes = mutated(to_toml(&config).as_bytes(), default_file().as_bytes(), &mistakes);
        trials::run(&bytes);
    }

    #[test]
    fn the_default_file_with_mistakes_in_it_is_a_config_or_faults_with_their_lines(
        uncommented in any::<bool>(), mistakes in vec(any::<Mutation>(), 1..4),
    ) {
        let text = if uncommented { default_file().replace("\n#", "\n") } else { default_file() };
        let settings = to_toml(&Settings::default());
        trials::run(&mutated(text.as_bytes(), settings.as_bytes(), &mistakes));
    }
}
