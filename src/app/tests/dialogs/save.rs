//! Saving what keys and menus changed in the config file.

use crate::app::tests::*;
use crate::columns::{ALL, Column};
use crate::filter::Filter;
use crate::settings::Change;

/// The settings of the request.
fn requested(effects: &[Effect]) -> Settings {
    match effects {
        [Effect::PrepareSave(settings)] => (**settings).clone(),
        other => panic!("{other:?}"),
    }
}

fn save(settings: Settings, keys: &[&'static str]) -> Box<Save> {
    let change = |&key| Change {
        key,
        before: "1".into(),
        after: "2".into(),
    };
    Box::new(Save {
        path: "/home/ann/config.toml".into(),
        changes: keys.iter().map(change).collect(),
        settings,
    })
}

#[test]
fn what_keys_have_changed_is_what_would_be_saved_and_nothing_else_is() {
    let mut desk = Desk::with_ports(&[10, 20]);
    let before = requested(&desk.press("W"));
    assert_eq!(before, desk.app.settings);
    desk.press("T2u+S/nginx");
    desk.key(Key::Enter);
    let settings = requested(&desk.press("W"));
    let expected = Settings {
        view: Tab::Connections,
        kinds: Kinds::of(Protocol::Tcp),
        sort: Sort {
            descending: true,
            ..Sort::BY_PORT
        },
        filter: Filter::parse("nginx").unwrap(),
        interval: desk.app.settings.interval,
        themes: desk.app.settings.themes.clone(),
        ..before.clone()
    };
    assert_eq!(settings, expected);
    assert_ne!(settings.interval, before.interval);
    assert_eq!(settings.themes.chosen().name, "dark");
}

#[test]
fn a_custom_view_is_saved_by_its_name_and_leaves_the_filter_of_the_others() {
    let own = CustomView {
        name: "Web".into(),
        shows: Tab::All,
        filter: Filter::parse(":80").unwrap(),
        columns: None,
        sort: None,
    };
    let mut desk = Desk::with(Settings {
        views: vec![own],
        filter: Filter::parse("tcp").unwrap(),
        ..Settings::default()
    });
    desk.press("5");
    let settings = requested(&desk.press("W"));
    assert_eq!(settings.custom_view, Some(0));
    assert_eq!(settings.filter.to_string(), "tcp");
}

#[test]
fn the_difference_is_shown_and_only_yes_writes_it() {
    for (key, is_written) in [('y', true), ('n', false), ('q', false), ('x', false)] {
        let mut desk = Desk::with_ports(&[10]);
        let settings = requested(&desk.press("W"));
        let save = save(settings, &["theme", "sort"]);
        desk.send(Msg::SavePrepared(save.clone()));
        let question = desk.view().overlay.expect("a question");
        let text: Vec<String> = question
            .lines
            .iter()
            .map(|line| line.iter().map(|span| &*span.text).collect())
            .collect();
        assert_eq!(text[0], "Save these settings in /home/ann/config.toml?");
        assert_eq!(text[2..4], ["- theme = 1", "+ theme = 2"]);
        let effects = desk.key(Key::Char(key));
        let written = if is_written {
            vec![Effect::Save(save)]
        } else {
            vec![]
        };
        assert_eq!(effects, written, "{key}");
    }
}

#[test]
fn no_difference_is_one_line_and_no_question() {
    let mut desk = Desk::with_ports(&[10]);
    let settings = requested(&desk.press("W"));
    desk.send(Msg::SavePrepared(save(settings, &[])));
    assert!(desk.view().overlay.is_none());
    assert!(
        footer(&desk).contains("nothing to save: these are the settings of /home/ann/config.toml"),
        "{}",
        footer(&desk)
    );
}

/// The lines in sight.
fn in_sight(desk: &Desk) -> Vec<String> {
    let question = desk.view().overlay.expect("a question");
    let lines = question.lines.iter();
    let lines = lines.map(|line| line.iter().map(|span| &*span.text).collect());
    lines.collect()
}

/// A question about many keys, one of which lists all columns.
fn long_question(width: u16, height: u16) -> Desk {
    let mut desk = Desk::with_ports(&[10]);
    desk.resize(width, height);
    let settings = requested(&desk.press("W"));
    let keys = [
        "interval", "linger", "view", "filter", "group", "sort", "reverse", "stats", "theme",
    ];
    let mut save = save(settings, &keys);
    let names = |columns: &[Column]| -> String {
        let names = columns.iter().map(|column| format!("{:?}", column.name));
        format!("[{}]", names.collect::<Vec<_>>().join(", "))
    };
    save.changes.push(Change {
        key: "columns",
        before: names(ALL),
        after: names(&ALL[..ALL.len() - 1]),
    });
    desk.send(Msg::SavePrepared(save));
    desk
}

#[test]
fn a_long_difference_is_wrapped_and_scrolls_so_that_nothing_that_is_confirmed_is_hidden() {
    for (width, height) in [(80, 24), (40, 10)] {
        let mut desk = long_question(width, height);
        let is_compact = desk.app.size.is_compact();
        let first = in_sight(&desk);
        let says_more = first.last().unwrap().contains("more lines");
        assert_eq!(says_more, is_compact, "{first:?}");
        let room = desk.app.size.overlay_width();
        // Each line in sight at its turn, the first of the page.
        let mut seen = vec![first[0].clone()];
        for _ in 0..60 {
            let before = in_sight(&desk);
            assert_eq!(desk.press("j"), []);
            let now = in_sight(&desk);
            assert!(now.iter().all(|line| columns::width(line) <= room));
            if now != before {
                seen.push(now[0].clone());
            }
        }
        let last = in_sight(&desk);
        seen.extend(last[1..].iter().cloned());
        let text = seen.join(" ");
        assert!(last.concat().contains("the file stays."), "{last:?}");
        assert!(!last.concat().contains("more lines"), "{last:?}");
        for expected in ["- theme = 1", "+ columns = ", "\"branch\", \"started\"]"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert_eq!(text.matches("\"command\"]").count(), 1, "{text}");
        desk.press(&"k".repeat(60));
        assert_eq!(in_sight(&desk), first);
        assert_eq!(desk.mode(), Mode::Question);
        assert!(matches!(desk.key(Key::Char('y'))[..], [Effect::Save(_)]));
    }
}

#[test]
fn the_wheel_scrolls_the_question_of_saving_and_is_no_answer() {
    let mut desk = long_question(40, 10);
    let first = in_sight(&desk);
    let (column, row) = (5, 3);
    desk.send(Msg::Input(Input::Mouse(Mouse::WheelDown { column, row })));
    assert_eq!(in_sight(&desk)[0], first[1]);
    desk.send(Msg::Input(Input::Mouse(Mouse::WheelUp { column, row })));
    assert_eq!(in_sight(&desk), first);
}
