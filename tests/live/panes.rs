//! Details, events, help, and the pause.

use sockeye::keymap::Key;

use crate::live::scene::{GREEN, Holder, Live, RED, at, listener, listeners, place_of, row, stage};
use crate::support::wait_until;

#[test]
fn details_name_the_process_its_ancestors_and_its_other_sockets() {
    stage(|| {
        let holder = Holder::of(listeners(&[8080, 8081]));
        let mut live = Live::start_in((140, 40), &[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.pty.send_key(Key::Enter);
        let screen = live.wait_for("details", |screen| {
            screen.contains("details") && screen.contains("parents")
        });
        let pid = holder.pid();
        let parent = format!("({}) ← ", std::process::id());
        for expected in [
            "tcp 127.0.0.1:8080",
            "already open (first seen ",
            "0 waiting to be accepted, backlog 8",
            &format!("{pid}  sleep "),
            "sleep 1000",
            &parent,
            &format!("other sockets of sleep ({pid}): 1"),
            "tcp 127.0.0.1:8081 LISTEN",
        ] {
            assert!(screen.contains(expected), "{expected:?}:\n{screen}");
        }
        // They follow the selection.
        live.press("j");
        live.wait_for_text("tcp 127.0.0.1:8080 LISTEN");
        live.pty.send_key(Key::Enter);
        live.wait_without("parents");
    });
}

#[test]
fn events_show_what_opened_changed_and_closed() {
    stage(|| {
        let listening = listener(&at(8080));
        let (client, _server) = crate::live::scene::connection(&listening);
        let far = client.local_addr().unwrap();
        let mut live = Live::start(&["-a"]);
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("e");
        live.wait_for_text("nothing has opened, changed or closed yet");
        let new = listener(&at(9000));
        let opened = "+ tcp 127.0.0.1:9000 ";
        live.wait_for_text(opened);
        drop(new);
        let closed = "- tcp 127.0.0.1:9000 ";
        live.wait_for_text(closed);
        drop(client);
        let changed = "~ tcp 127.0.0.1:8080 ";
        let screen = live.wait_for_text(changed);
        for (event, what) in [
            (opened, "opened"),
            (closed, "closed"),
            (changed, "→ CLOSE_WAIT"),
        ] {
            let shown = screen.lines().find(|line| line.contains(event)).unwrap();
            assert!(shown.contains(what), "{screen}");
        }
        let peer = format!(" {far} ");
        assert!(screen.contains(&peer), "{screen}");
        live.wait_for_cells("newest first, marks coloured", |screen| {
            let place = |text| place_of(screen, text);
            let (Some(changed), Some(closed), Some(opened)) =
                (place(changed), place(closed), place(opened))
            else {
                return false;
            };
            let colour = |(x, y)| screen.cell(y, x).map(vt100::Cell::fgcolor);
            changed.1 < closed.1
                && closed.1 < opened.1
                && colour(closed) == Some(RED)
                && colour(opened) == Some(GREEN)
        });
        live.pty.send_key(Key::Esc);
        live.wait_without("events ·");
    });
}

/// `list` with the same view and filter is the reference.
#[test]
fn events_are_those_of_the_sockets_that_list_prints_and_enter_goes_to_the_row() {
    stage(|| {
        let old = listener(&at(8080));
        let mut live = Live::start_in((160, 40), &[]);
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("e");
        let open = listeners(&[9000, 9001, 9002]);
        let (_client, _server) = crate::live::scene::connection(&old);
        for (view, option, filter) in [
            ("1", "--listening", ":8000-9999"),
            ("2", "--all", "state:established"),
            ("3", "--all", "tcp"),
            ("3", "--all", "state:listen :9001-9999"),
        ] {
            // Ctrl-U clears what the prompt begins with.
            live.press(&format!("{view}/\x15{filter}\r"));
            let mut command = std::process::Command::new(crate::live::scene::BINARY);
            let list = command.args(["list", "--csv", option, filter]).output();
            let list = String::from_utf8(list.unwrap().stdout).unwrap();
            // All but the listener that was there before are events.
            let is_event = |line: &&str| !line.contains("8080,") || line.contains("ESTABLISHED");
            let count = list.lines().skip(1).filter(is_event).count();
            assert!(count > 0, "{filter}: {list}");
            live.wait_for(&format!("{count} events with {view} {filter}"), |screen| {
                let lines = screen.lines().filter_map(|line| line.split_once('│'));
                lines.filter(|(_, pane)| pane.contains(" + ")).count() == count
            });
        }
        live.press("1/\x15\r");
        live.wait_for_text("events · 3 of 5");
        live.press("o/:9001\r");
        live.wait_for_text(":9001 1 of 1");
        live.pty.send_key(Key::Enter);
        live.wait_for_selection(9001);
        drop(open);
    });
}

#[test]
fn stats_show_each_refresh_and_continue() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = Live::start_in((110, 50), &["--stats"]);
        let newest = |screen: &str| stats(screen).into_iter().next();
        let screen = live.wait_for("three refreshes", |screen| {
            stats(screen).len() > 2 && screen.contains("worst")
        });
        let figures = newest(&screen).unwrap();
        let [rows, dump, .., total, _searched, _files, draws] = figures[..] else {
            panic!("{figures:?}:\n{screen}")
        };
        assert_eq!((rows, draws >= 1.0), (1.0, true), "{screen}");
        assert!(0.0 < total && dump < total && total < 5000.0, "{screen}");
        // They go on while nothing else happens.
        let after = refreshes(&screen) + 3;
        live.wait_for("more refreshes", |screen| refreshes(screen) >= after);
        live.pty.send_key(Key::Esc);
        live.wait_without("stats ·");
        live.press("$");
        let screen = live.wait_for_text("stats ·");
        assert!(
            refreshes(&screen) >= after,
            "it was measured all the time:\n{screen}"
        );
    });
}

/// The number of refreshes in the title.
fn refreshes(screen: &str) -> u32 {
    let (_, title) = screen.split_once("stats · ").unwrap_or_default();
    let count = title.split(' ').next().unwrap_or_default();
    count.parse().unwrap_or_default()
}

/// The figures of each refresh in sight, from the top; what was not measured is none.
fn stats(screen: &str) -> Vec<Vec<f64>> {
    let (_, pane) = screen.split_once("stats · ").unwrap_or_default();
    let lines = pane.lines().filter_map(|line| {
        let words: Vec<_> = line.trim_matches('│').split_whitespace().collect();
        let is_time = words.first()?.matches(':').count() == 2;
        let figure = |word: &&str| word.parse().unwrap_or(f64::NAN);
        is_time.then(|| words[1..].iter().map(figure).collect())
    });
    lines.collect()
}

#[test]
fn stats_of_a_recording_show_only_measured_values() {
    stage(|| {
        let file = std::env::temp_dir().join(format!("sockeye-stats-{}", std::process::id()));
        let _open = listener(&at(8080));
        let path = file.to_str().unwrap();
        let recorded = std::process::Command::new(crate::live::scene::BINARY)
            .args(["list", "--record", path])
            .output();
        assert!(recorded.unwrap().status.success());
        let live = Live::start_in((110, 50), &["--stats", "--replay", path]);
        live.wait_for("a line with dashes", |screen| {
            let lines = stats(screen);
            lines
                .first()
                .is_some_and(|line| line[1].is_nan() && line[4] >= 0.0)
        });
        std::fs::remove_file(file).unwrap();
    });
}

#[test]
fn help_lists_every_key_of_the_table() {
    stage(|| {
        let mut live = Live::start_in((110, 160), &[]);
        live.press("?");
        let screen = live.wait_for_text("this help");
        let keymap = sockeye::keymap::Keymap::default();
        let hidden = ["scroll the open pane", "th view"];
        let in_table = keymap.bindings(sockeye::keymap::Mode::Table);
        let works = |help: &str| !hidden.iter().any(|part| help.contains(part));
        let listed = in_table.filter(|binding| !binding.keys.is_empty() && works(binding.help));
        for binding in listed {
            let listed = screen
                .lines()
                .any(|line| line.contains(&binding.keys_text()) && line.contains(binding.help));
            assert!(listed, "{}:\n{screen}", binding.help);
        }
        live.press("?");
        live.wait_without("this help");
    });
}

#[test]
fn help_scrolls_on_a_small_screen() {
    stage(|| {
        let mut live = Live::start_in((80, 24), &[]);
        live.press("?");
        live.wait_for_text("j ↓");
        live.press("jj");
        live.wait_without("j ↓");
        live.press("kk");
        live.wait_for_text("j ↓");
        // To its very end, though long lines are wrapped.
        live.press(&"j".repeat(300));
        let last = sockeye::filter::TRANSPORTS.last().unwrap();
        live.wait_for_text(last.help);
        live.pty.send_key(Key::Esc);
        live.wait_for_text("Nothing is listening.");
    });
}

#[test]
fn a_paused_table_does_not_change_until_it_is_resumed() {
    stage(|| {
        let old = listener(&at(8080));
        let mut live = Live::start(&["--linger", "1m"]);
        live.wait_for_row(8080, |row| row.starts_with(' '));
        live.press("p");
        live.wait_for_text("paused");
        drop(old);
        let _new = listener(&at(9000));
        assert_eq!(
            live.pty
                .bytes_written_during(std::time::Duration::from_millis(500)),
            0
        );
        let screen = live.pty.screen_text();
        assert!(
            row(&screen, 8080).is_some_and(|row| row.starts_with(' ')),
            "{screen}"
        );
        live.press("p");
        live.wait_for_row(8080, |row| row.starts_with('-'));
        live.wait_for_row(9000, |row| row.starts_with('+'));
        live.wait_without("paused");
    });
}

#[test]
fn a_paused_table_does_not_change_beside_a_bind_test() {
    stage(|| {
        let _old = listener(&at(8080));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.starts_with(' '));
        live.press("p");
        live.wait_for_text("paused");
        let _new = listener(&at(9000));
        for key in ["b", "r"] {
            live.press(key);
            live.wait_for_text("✗ in use");
            let time = std::time::Duration::from_millis(300);
            wait_until("the answer", || live.pty.bytes_written_during(time) == 0);
            let screen = live.pty.screen_text();
            assert!(row(&screen, 9000).is_none(), "{screen}");
        }
        live.press("p");
        live.wait_for_row(9000, |row| row.contains("LISTEN"));
    });
}

#[test]
fn r_reads_once_while_paused() {
    stage(|| {
        let mut live = Live::start(&[]);
        live.press("p");
        live.wait_for_text("paused");
        let _new = listener(&at(9000));
        live.press("r");
        live.wait_for_row(9000, |row| row.contains("LISTEN"));
        live.wait_for_text("paused");
    });
}

#[test]
fn the_interval_can_be_changed() {
    stage(|| {
        let mut live = Live::start(&[]);
        live.press("+");
        live.wait_for("a longer interval", |screen| {
            screen
                .lines()
                .next()
                .is_some_and(|header| header.contains("every 250ms"))
        });
        live.press("-");
        live.wait_for("the first interval", |screen| {
            screen
                .lines()
                .next()
                .is_some_and(|header| header.contains("every 100ms"))
        });
    });
}
