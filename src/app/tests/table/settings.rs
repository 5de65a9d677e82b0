//! Reloaded settings, and the user's own keys.

use crate::app::tests::*;
use crate::app::view::CellView;
use crate::columns::ColumnId;
use crate::filter::Filter;
use crate::keymap::{PaneAction, SessionAction, TableAction};
use crate::model::{Family, Kinds, Namespace, NamespaceId, NamespaceScope, Services};
use crate::query::NamespaceTarget;
use crate::theme::{Theme, Themes};

impl Desk {
    /// The file says this now.
    fn read_settings(&mut self, settings: Settings) -> Vec<Effect> {
        assert_eq!(self.press("R"), [Effect::ReadSettings]);
        self.send(Msg::SettingsRead {
            settings: Box::new(settings),
            from: "config.toml".into(),
        })
    }
}

/// What a desk is started with.
fn at_start() -> Settings {
    Desk::new().app.config
}

fn keymap(action: Action, keys: &[Key]) -> Keymap {
    let mut keymap = Keymap::default();
    keymap.bind(Mode::Table, action, keys.to_vec());
    keymap
}

#[test]
fn the_keys_are_those_of_the_settings_from_the_first_on() {
    let mut desk = Desk::with(Settings {
        keymap: keymap(Action::Pane(PaneAction::ToggleEvents), &[Key::F(7)]),
        ..at_start()
    });
    desk.press("e");
    assert!(desk.app.dock.pane.is_none());
    desk.key(Key::F(7));
    assert!(matches!(desk.app.dock.pane, Some(Pane::Events)));
    let hint = desk.view().pane.unwrap().hint;
    let hint: String = hint.iter().map(|span| &*span.text).collect();
    desk.app.size.height = 200;
    assert_eq!(hint, " o focus · F7 close ");
    assert!(footer(&desk).contains("F7 events"), "{}", footer(&desk));
    desk.press("?");
    let help = desk.view().overlay.unwrap().lines;
    let help: Vec<String> = help
        .iter()
        .map(|line| line.iter().map(|span| &*span.text).collect())
        .collect();
    let is_told = |line: &String| line.starts_with("F7 ") && line.contains("events: what opened");
    assert!(help.iter().any(is_told), "{help:#?}");
}

#[test]
fn the_namespace_of_the_command_line_is_shown_as_soon_as_it_is_there_until_another_is_chosen() {
    let mut desk = Desk::with(Settings {
        namespaces: NamespaceTarget::parse("web"),
        ..at_start()
    });
    let inside = Socket {
        namespace: Some(Arc::new(Namespace {
            id: NamespaceId(3),
            inode: None,
            cookie: None,
            name: "web".into(),
            container: None,
        })),
        ..listener(80)
    };
    desk.read(&[listener(22)]);
    assert_eq!(desk.ports(), [0; 0]);
    let note = "unknown network namespace `web`: no other namespace with a socket can be seen";
    assert!(footer(&desk).contains(&note[..70]), "{}", footer(&desk));
    desk.wait(SECOND).read(&[listener(22), inside.clone()]);
    assert_eq!(desk.ports(), [80]);
    desk.app.rows.criteria.namespaces = NamespaceScope::All;
    desk.wait(SECOND).read(&[listener(22), inside]);
    assert_eq!(desk.ports(), [22, 80]);
}

#[test]
fn an_action_without_a_key_is_shown_nowhere() {
    let mut desk = Desk::with(Settings {
        keymap: keymap(Action::Table(TableAction::ToggleTcp), &[]),
        ..at_start()
    });
    desk.read_ports(&[10]);
    desk.app.rows.criteria.kinds = Kinds::of(Protocol::Udp);
    desk.wake();
    let filter: String = desk.view().filter.iter().map(|span| &*span.text).collect();
    assert!(filter.starts_with("tcp off  "), "{filter}");
    let empty = desk.view().empty.unwrap();
    assert!(
        empty.starts_with("No rows while a protocol is off."),
        "{empty}"
    );
}

#[test]
fn what_is_new_in_the_file_counts_at_once() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    let linger = 30 * SECOND;
    let effects = desk.read_settings(Settings {
        interval: 3 * SECOND,
        linger,
        highlight: SECOND,
        view: Tab::Listening,
        filter: Filter::parse("!:20").unwrap(),
        columns: vec![ColumnId::Port, ColumnId::State, ColumnId::Process],
        sort: Sort {
            by: ColumnId::Port,
            descending: true,
        },
        stats: true,
        keymap: keymap(Action::Session(SessionAction::Quit), &[Key::Char('Q')]),
        ..at_start()
    });
    assert_eq!(
        effects,
        [Effect::SetInterval(3 * SECOND), Effect::SetLinger(linger)]
    );
    assert_eq!(footer(&desk).trim(), "read config.toml");
    assert_eq!(desk.ports(), [30, 10]);
    assert_eq!(desk.app.rows.criteria.tab, Tab::Listening);
    let view = desk.view();
    assert_eq!(view.titles.len(), 3);
    assert!(matches!(desk.app.dock.pane, Some(Pane::Stats)));
    assert_eq!(desk.press("q"), []);
    assert_eq!(desk.press("Q"), [Effect::End(Exit::Quit)]);
}

#[test]
fn what_the_file_says_as_before_stays_as_the_keys_have_made_it() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("1+S/10");
    desk.key(Key::Enter);
    desk.press("e");
    let before = desk.view();
    let effects = desk.read_settings(Settings {
        keymap: keymap(Action::Table(TableAction::Write), &[Key::Char('W')]),
        ..at_start()
    });
    assert_eq!(effects, []);
    desk.wait(10 * SECOND).wake();
    let after = desk.view();
    assert_eq!((after.filter, after.tabs), (before.filter, before.tabs));
    assert_eq!(after.titles, before.titles);
    assert!(matches!(desk.app.dock.pane, Some(Pane::Events)));
    assert_eq!(desk.app.settings.interval, 2 * SECOND);
}

#[test]
fn a_file_with_nothing_new_says_so() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.read_settings(at_start());
    assert_eq!(effects, []);
    assert_eq!(footer(&desk).trim(), "read config.toml: nothing new in it");
}

#[test]
fn rows_that_lingered_go_when_the_settings_let_them_stay_no_longer() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.settle_on(&[10]);
    assert_eq!(desk.ports(), [10, 20]);
    desk.read_settings(Settings {
        linger: Duration::ZERO,
        ..at_start()
    });
    assert_eq!(desk.ports(), [10]);
}

/// A view of one's own.
fn view(name: &str, filter: &str) -> CustomView {
    CustomView {
        name: name.into(),
        shows: Tab::Listening,
        filter: Filter::parse(filter).unwrap(),
        columns: None,
        sort: None,
    }
}

/// With listeners and two views of one's own.
fn desk_with_views() -> Desk {
    let backwards = Sort {
        by: ColumnId::Port,
        descending: true,
    };
    let first = CustomView {
        columns: Some(vec![ColumnId::Process, ColumnId::Port, ColumnId::State]),
        sort: Some(backwards),
        ..view("high", "!:10")
    };
    let mut desk = Desk::with(Settings {
        views: vec![first, view("low", ":10")],
        ..at_start()
    });
    desk.read_ports(&[10, 20, 30]);
    desk
}

fn tabs(desk: &Desk) -> Vec<String> {
    let view = desk.view();
    let marked = |tab: &CellView| {
        format!(
            "{}{}",
            tab.text.trim(),
            if tab.is_chosen { "*" } else { "" }
        )
    };
    view.tabs.iter().map(marked).collect()
}

#[test]
fn a_view_of_ones_own_takes_filter_order_and_columns_along_and_gives_back_those_before() {
    let mut desk = desk_with_views();
    desk.press("/app");
    desk.key(Key::Enter);
    desk.press("5");
    assert_eq!(desk.ports(), [30, 20]);
    let titles: Vec<_> = desk
        .view()
        .titles
        .iter()
        .map(|title| title.text.clone())
        .collect();
    assert!(
        titles[0].starts_with("PROCESS") && titles.len() == 3,
        "{titles:?}"
    );
    assert_eq!(tabs(&desk)[4..], ["5 high*", "6 low"]);
    desk.press("6");
    assert_eq!(desk.ports(), [10]);
    assert_eq!(tabs(&desk)[4..], ["5 high", "6 low*"]);
    desk.press("3");
    assert_eq!(desk.ports(), [10, 20, 30]);
    assert_eq!(desk.app.filter.text, "app");
    assert_eq!(tabs(&desk)[2], "3 All*");
    assert!(desk.view().titles.len() > 3);
}

#[test]
fn views_of_ones_own_are_reached_by_tab_and_by_click() {
    let mut desk = desk_with_views();
    desk.press("4");
    desk.key(Key::Tab);
    assert_eq!(tabs(&desk)[4], "5 high*");
    desk.key(Key::Tab);
    desk.key(Key::Tab);
    assert_eq!(tabs(&desk)[0], "1 Listening*");
    desk.key(Key::BackTab);
    assert_eq!(tabs(&desk)[5], "6 low*");
    let tab = desk.view().tabs[4].x;
    desk.send(Msg::Input(Input::Mouse(Mouse::Click {
        column: tab,
        row: 1,
    })));
    assert_eq!(tabs(&desk)[4], "5 high*");
}

#[test]
fn an_unknown_view_is_reported() {
    let mut desk = desk_with_views();
    desk.press("7");
    assert!(
        footer(&desk).contains("no view 7; add [[views]]"),
        "{}",
        footer(&desk)
    );
    assert_eq!(tabs(&desk)[2], "3 All*");
}

#[test]
fn the_table_begins_with_the_view_that_the_settings_name() {
    let mut desk = Desk::with(Settings {
        views: vec![view("low", ":10")],
        custom_view: Some(0),
        ..at_start()
    });
    desk.read_ports(&[10, 20]);
    assert_eq!(desk.ports(), [10]);
    desk.press("3");
    assert_eq!(desk.ports(), [10, 20]);
}

#[test]
fn an_open_view_is_what_the_file_now_makes_of_it_or_gone() {
    let mut desk = desk_with_views();
    desk.press("5");
    desk.read_settings(Settings {
        views: vec![view("low", ":10"), view("high", ":30")],
        ..at_start()
    });
    assert_eq!(desk.ports(), [30]);
    assert_eq!(tabs(&desk)[4..], ["5 low", "6 high*"]);
    desk.read_settings(at_start());
    assert_eq!(desk.ports(), [10, 20, 30]);
    assert_eq!(tabs(&desk).len(), 4);
}

#[test]
fn tabs_name_the_keys_that_show_them() {
    let mut desk = Desk::with(Settings {
        keymap: keymap(Action::ShowView(2), &[Key::Char('a')]),
        ..at_start()
    });
    assert_eq!(tabs(&desk)[2], "a All*");
    desk.press("1");
    desk.read(&[]);
    desk.press("a");
    assert_eq!(tabs(&desk)[2], "a All*");
}

#[test]
fn on_a_narrow_terminal_the_tab_of_the_view_that_is_shown_stays_in_sight() {
    let wide = "databases-and-so";
    let mut desk = Desk::with(Settings {
        views: vec![view(wide, ":10"), view("low", ":10"), view("mine", ":20")],
        ..at_start()
    });
    desk.read_ports(&[10, 20]);
    desk.send(Msg::Input(Input::Resized {
        width: 80,
        height: 24,
    }));
    assert_eq!(tabs(&desk).len(), 4, "no room for the first");
    desk.press("7");
    assert_eq!(tabs(&desk)[3..], ["4 Changes", "7 mine*"]);
    desk.press("5");
    assert_eq!(tabs(&desk)[2..], ["3 All", "5 databases-and-so*"]);
    let click = |desk: &mut Desk, at: usize| {
        let column = desk.view().tabs[at].x;
        desk.send(Msg::Input(Input::Mouse(Mouse::Click { column, row: 1 })));
    };
    click(&mut desk, 3);
    assert_eq!(tabs(&desk)[3], "5 databases-and-so*", "it was clicked on");
    click(&mut desk, 2);
    assert_eq!(tabs(&desk)[2..], ["3 All*", "4 Changes"]);
}

#[test]
fn an_open_view_that_the_file_has_as_before_stays_as_the_keys_have_made_it() {
    let mut desk = desk_with_views();
    let as_read = desk.app.config.clone();
    desk.press("6/20");
    desk.key(Key::Enter);
    desk.press("S");
    let before = desk.view();
    desk.read_settings(Settings {
        keymap: keymap(Action::Table(TableAction::Write), &[Key::Char('W')]),
        filter: Filter::parse(":30").unwrap(),
        ..as_read
    });
    desk.wait(10 * SECOND).wake();
    let after = desk.view();
    assert_eq!((after.filter, after.tabs), (before.filter, before.tabs));
    assert_eq!(after.titles, before.titles);
    desk.press("3");
    assert_eq!(desk.ports(), [30], "what is new counts where it is left");
}

#[test]
fn views_that_change_their_places_do_not_change_what_is_shown() {
    let begin_with = |views: [&str; 2], at: usize| Settings {
        views: views.map(|name| view(name, ":10")).into(),
        view: Tab::Listening,
        custom_view: Some(at),
        ..at_start()
    };
    let mut desk = Desk::with(begin_with(["web", "db"], 0));
    desk.read_ports(&[10, 20]);
    desk.press("6");
    assert_eq!(tabs(&desk)[5], "6 db*");
    desk.read_settings(begin_with(["db", "web"], 1));
    assert_eq!(
        tabs(&desk)[4],
        "5 db*",
        "the file begins with web as before"
    );
    desk.read_settings(begin_with(["db", "web"], 0));
    desk.read_settings(begin_with(["web", "db"], 0));
    assert_eq!(
        tabs(&desk)[4],
        "5 web*",
        "and now with another in its place"
    );
}

#[test]
fn a_view_that_the_file_begins_with_now_is_shown() {
    let views = vec![view("low", ":10")];
    let own = Settings {
        views,
        view: Tab::Listening,
        custom_view: Some(0),
        ..at_start()
    };
    let mut desk = Desk::with(own.clone());
    desk.read_ports(&[10, 20]);
    desk.read_settings(Settings {
        custom_view: None,
        ..own
    });
    assert_eq!(tabs(&desk)[0], "1 Listening*");
    assert_eq!(desk.ports(), [10, 20]);
}

#[test]
fn a_filter_by_a_name_that_the_file_has_no_more_gives_way_to_the_new_one() {
    let mut services = Services::default();
    services.add(Protocol::Tcp, 10, "only-in-the-old-file");
    let by_name = Filter::parse_with(":only-in-the-old-file", &services).unwrap();
    let only_ipv4 = |filter| Settings {
        family: Some(Family::Ipv4),
        filter,
        ..at_start()
    };
    let mut desk = Desk::with(Settings {
        services,
        ..only_ipv4(by_name)
    });
    desk.read_ports(&[10, 20]);
    assert_eq!(desk.ports(), [10]);
    desk.read_settings(only_ipv4(Filter::parse(":20").unwrap()));
    assert_eq!(desk.ports(), [20]);
}

#[test]
fn the_theme_that_a_key_chose_stays_when_another_is_new_in_the_file() {
    let mut desk = Desk::new();
    desk.press("T");
    let chosen = |desk: &Desk| desk.app.settings.themes.chosen().name.clone();
    assert_eq!(chosen(&desk), "dark");
    let mut themes = Themes::default();
    let own = Theme {
        name: "mine".into(),
        styles: Themes::terminal(),
    };
    themes.add(own).unwrap();
    let settings = Settings {
        themes: themes.clone(),
        ..at_start()
    };
    desk.read_settings(settings.clone());
    assert_eq!(chosen(&desk), "dark");
    assert_eq!(desk.app.settings.themes.position(), (2, 8));
    themes.choose("mine").unwrap();
    desk.read_settings(Settings { themes, ..settings });
    assert_eq!(chosen(&desk), "mine");
}

#[test]
fn the_mouse_follows_the_config_and_keeps_what_a_key_chose_if_that_is_unchanged() {
    let mut desk = Desk::new();
    desk.press("M");
    let other = Settings {
        stats: true,
        ..at_start()
    };
    let effects = desk.read_settings(other.clone());
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::SetMouse(_)))
    );
    assert!(!desk.app.settings.mouse, "as the key left it");
    let without = Settings {
        mouse: false,
        ..other.clone()
    };
    let effects = desk.read_settings(without);
    assert!(effects.contains(&Effect::SetMouse(false)));
    assert!(desk.read_settings(other).contains(&Effect::SetMouse(true)));
    assert!(desk.app.settings.mouse);
}
