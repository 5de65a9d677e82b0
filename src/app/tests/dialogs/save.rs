//! Saving what keys and menus changed in the config file.

use crate::app::tests::*;
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
        desk.tell(Msg::SavePrepared(save.clone()));
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
    desk.tell(Msg::SavePrepared(save(settings, &[])));
    assert!(desk.view().overlay.is_none());
    assert!(
        footer(&desk).contains("nothing to save: /home/ann/config.toml has these settings"),
        "{}",
        footer(&desk)
    );
}
