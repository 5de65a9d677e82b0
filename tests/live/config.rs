//! What a file of settings makes of the table.

use std::net::UdpSocket;

use sockeye::keymap::Key;

use crate::live::scene::{
    BINARY, Live, TempDir, at, connection, line, listener, selected_port, stage,
};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// The program with this as the user's own file.
fn live(text: &str, args: &[&str]) -> (Live, TempDir) {
    let home = TempDir::new();
    std::fs::create_dir(home.path().join("sockeye")).unwrap();
    std::fs::write(home.path().join("sockeye/config.toml"), text).unwrap();
    let env = [("XDG_CONFIG_HOME", home.path().to_str().unwrap())];
    let live = Live {
        pty: Pty::spawn(BINARY, args, (110, 30), &env),
    };
    (live, home)
}

#[test]
fn a_file_sets_how_the_table_begins() {
    stage(|| {
        let first = listener(&at(8080));
        let _v6 = listener("[::1]:8081");
        let _second = listener(&at(9000));
        let _connection = connection(&first);
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let settings = "
            interval = '250ms'
            protocols = ['tcp']
            families = ['ipv4']
            filter = 'state:listen'
            view = 'all'
            columns = ['proto', 'process', 'port', 'state', 'user']
            reverse = true
            stats = true
            color = false
        ";
        let (mut live, _home) = live(settings, &[]);
        live.wait_for_table();
        let screen = live.wait_for_ports(&[9000, 8080]);
        assert!(screen.contains("250ms"), "{screen}");
        assert!(
            screen.contains("filter (tcp4 | udp4) state:listen"),
            "{screen}"
        );
        assert!(screen.contains("stats · "), "{screen}");
        live.wait_for_cells("the columns in their order", |screen| {
            let titles = line(screen, 2);
            let titles: Vec<_> = titles.split_whitespace().collect();
            titles == ["PROTO", "PROCESS", "PORT", "▼", "STATE", "USER"]
        });
        live.wait_for_cells("the largest port first", |screen| {
            selected_port(screen) == Some(9000)
        });
        let is_plain = |cell: &vt100::Cell| cell.fgcolor() == vt100::Color::Default;
        live.wait_for_cells("no colours", |screen| {
            (0..30).all(|y| (0..110).all(|x| screen.cell(y, x).is_none_or(is_plain)))
        });
        // What it begins with, not what it is held to.
        live.pty.send_key(Key::Esc);
        live.wait_without("stats · ");
        live.pty.send_key(Key::Esc);
        live.wait_without("filter (");
        live.press("u1");
        live.wait_for_ports(&[9000, 8081, 8080, 5353]);
    });
}

#[test]
fn an_option_counts_more_than_the_file() {
    stage(|| {
        let first = listener(&at(8080));
        let _second = listener(&at(9000));
        let _v6 = listener("[::1]:8081");
        let _connection = connection(&first);
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let settings = "
            interval = '2s'
            protocols = ['tcp']
            families = ['ipv4']
            filter = ':9000'
            view = 'changes'
        ";
        for (args, expected) in [
            (&["-l"][..], &[9000][..]),
            (&["-l", "-u", "-4", "--interval", "100ms"], &[]),
            (&["-l", "-tu", "-46", "!:9000"], &[5353, 8080, 8081]),
            (&["-6", ":8000-8999"], &[8081]),
            (&["-l", "--config", "/dev/null"], &[5353, 8080, 8081, 9000]),
        ] {
            let (live, _home) = live(settings, args);
            live.wait_for_table();
            let screen = live.wait_for_ports(expected);
            if args.contains(&"100ms") {
                assert!(screen.contains("100ms"), "{screen}");
            }
        }
    });
}

#[test]
fn a_column_that_the_file_leaves_out_comes_back_from_the_menu() {
    stage(|| {
        let _open = listener(&at(8080));
        let (mut live, _home) = live("columns = ['proto', 'state', 'port', 'process']", &[]);
        live.wait_for_table();
        live.wait_for_ports(&[8080]);
        live.press("C");
        live.wait_for_text("columns");
        live.press("jjjjj\x20\x1b");
        live.wait_for_cells("one more column behind those of the file", |screen| {
            let titles = line(screen, 2);
            titles
                .find("PROCESS")
                .is_some_and(|at| titles[at..].split_whitespace().count() == 2)
        });
    });
}

#[test]
fn a_file_that_is_wrong_leaves_the_terminal_alone_and_says_what_is_wrong() {
    stage(|| {
        let (mut live, home) = live("interval = 'soon'\n\nview = 'al'\n", &[]);
        assert_eq!(live.pty.wait_exit(), 2);
        // Where a line breaks depends on the length of the path.
        let joined = |text: &str| text.split_whitespace().collect::<String>();
        let screen = joined(&live.pty.screen_text());
        let path = home.path().join("sockeye/config.toml");
        for told in [
            "1: interval: `soon` isn't a duration (use 500ms, 0.5, 2s or 1.5m)",
            "3: view: unknown view `al`; did you mean `all`?",
        ] {
            let told = format!("sockeye: {}:{told}", path.display());
            assert!(screen.contains(&joined(&told)), "{screen}");
        }
        assert!(!live.pty.raw().contains("\x1b["), "nothing was drawn");
    });
}

#[test]
fn custom_keys_do_what_the_default_ones_did_and_are_shown_everywhere() {
    stage(|| {
        let _open = listener(&at(8080));
        let settings = "
            [keys]
            toggle-events = ['f7', 'ctrl-e']
            quit = ['Q']
            edit-filter = ['space']
            [keys.prompt]
            accept = ['ctrl-y']
            [keys.help]
            back = ['x']
        ";
        let (mut live, _home) = live(settings, &[]);
        live.wait_for_table();
        live.wait_for_ports(&[8080]);
        live.wait_for_text("F7 events");
        live.press("e");
        live.pty.send_key(Key::F(7));
        live.wait_for_text("events · ");
        live.press("\x05");
        live.wait_without("events · ");
        live.press(" :9");
        live.wait_for_text("Ctrl-Y confirm");
        live.press("\x19");
        live.wait_without("Ctrl-Y confirm");
        live.wait_for_text("filter :9");
        live.press("?");
        live.wait_for_text("x close");
        live.press("x");
        live.wait_without("x close");
        // The old key does nothing any more, the new one quits.
        live.press("qQ");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_key_of_two_actions_is_reported_before_anything_is_drawn() {
    stage(|| {
        let (mut live, home) = live("[keys]\nbind-test = ['b']\nquit = ['b']\n", &[]);
        assert_eq!(live.pty.wait_exit(), 2);
        let screen = live.pty.screen_text().replace('\n', "");
        let path = home.path().join("sockeye/config.toml");
        let told = format!(
            "sockeye: {}:3: keys.quit: `b` is already used by keys.bind-test",
            path.display()
        );
        assert!(screen.contains(&told), "{screen}");
    });
}

/// Writes the user's own file anew.
fn rewrite(home: &TempDir, text: &str) {
    std::fs::write(home.path().join("sockeye/config.toml"), text).unwrap();
}

#[test]
fn a_file_that_is_read_again_counts_at_once_and_one_that_is_wrong_not_at_all() {
    stage(|| {
        let _first = listener(&at(8080));
        let _second = listener(&at(9000));
        let (mut live, home) = live("interval = '250ms'\n", &["--highlight", "3s"]);
        live.wait_for_table();
        live.wait_for_ports(&[8080, 9000]);
        rewrite(
            &home,
            "interval = '100ms'\nfilter = ':9000'\n[keys]\ntoggle-events = ['X']\n",
        );
        live.press("R");
        live.wait_for_text("config.toml");
        live.wait_for_ports(&[9000]);
        live.wait_for_text("every 100ms");
        live.press("X");
        live.wait_for_text("X events");
        live.wait_for_text("events · ");
        live.press("X");
        live.wait_without("events · ");

        rewrite(
            &home,
            "filter = ''\n[keys]\nquit = ['b']\nnothing = ['X']\n",
        );
        live.press("R");
        live.wait_for_text("settings kept; config.toml:4: keys: unknown action `nothing`");
        live.press("X");
        live.wait_for_text("events · ");
        live.wait_for_ports(&[9000]);

        std::fs::remove_file(home.path().join("sockeye/config.toml")).unwrap();
        live.press("R");
        live.wait_for_text("settings kept; no config file at");
        live.wait_for_ports(&[9000]);
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn the_file_that_was_named_is_the_one_that_is_read_again_and_an_option_still_counts_more() {
    stage(|| {
        let _first = listener(&at(8080));
        let _second = listener(&at(9000));
        let home = TempDir::new();
        let path = home.path().join("mine.toml");
        std::fs::write(&path, "").unwrap();
        let named = path.to_str().unwrap();
        let mut live = Live::start(&["--config", named, "--interval", "100ms", "-l", ":8080"]);
        live.wait_for_table();
        live.wait_for_ports(&[8080]);
        std::fs::write(&path, "interval = '2s'\nfilter = ':9000'\nstats = true\n").unwrap();
        live.press("R");
        live.wait_for_text("stats · ");
        live.wait_for_ports(&[8080]);
        live.wait_for_text("every 100ms");
    });
}

#[test]
fn a_port_is_called_as_the_file_calls_it_and_found_by_that() {
    stage(|| {
        let _first = listener(&at(8080));
        let _second = listener(&at(9000));
        let (mut live, home) = live("[services]\n9000 = 'my-api'\n", &[":my-api"]);
        live.wait_for_table();
        live.wait_for_ports(&[9000]);
        live.wait_for_row(9000, |row| row.contains("my-api"));
        rewrite(&home, "[services]\n8080 = 'my-api'\n9000 = 'your-api'\n");
        live.press("R");
        live.wait_for_ports(&[8080]);
        live.press("\x1b");
        live.wait_for_row(9000, |row| row.contains("your-api"));
        live.press("/service:your\r");
        live.wait_for_ports(&[9000]);
    });
}

#[test]
fn a_view_of_ones_own_is_a_tab_with_a_key() {
    stage(|| {
        let first = listener(&at(8080));
        let _second = listener(&at(9000));
        let _connection = connection(&first);
        let settings = "
            view = 'nine'
            [[views]]
            name = 'nine'
            shows = 'listening'
            filter = ':9000'
            columns = ['proto', 'port', 'process', 'state']
        ";
        let (mut live, _home) = live(settings, &[]);
        live.wait_for_table();
        live.wait_for_ports(&[9000]);
        live.wait_for_cells("its columns", |screen| {
            let titles = line(screen, 2);
            let titles: Vec<_> = titles.split_whitespace().collect();
            titles == ["PROTO", "PORT", "▲", "PROCESS", "STATE"]
        });
        live.press("1");
        live.wait_for_ports(&[8080, 9000]);
        live.press("5");
        live.wait_for_ports(&[9000]);
        let screen = live.wait_for_text("5 nine");
        let tabs = screen.lines().nth(1).unwrap();
        let first = tabs.find("1 Listening").unwrap();
        live.pty.click(u16::try_from(first).unwrap() + 1, 1);
        live.wait_for_ports(&[8080, 9000]);
    });
}

#[test]
fn the_mouse_is_left_to_the_terminal_by_the_config_and_a_key_switches_it() {
    stage(|| {
        const ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
        const OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";
        let _open = listener(&at(8080));
        let (mut live, _home) = live("mouse = false\n", &[]);
        live.wait_for_table();
        live.wait_for_ports(&[8080]);
        assert!(!live.pty.raw().contains(ON));
        live.press("M");
        live.wait_for_text("the mouse works in the table again");
        live.pty.wait_for_raw(ON);
        let before = live.pty.raw().matches(OFF).count();
        live.press("M");
        live.wait_for_text("the mouse is left to the terminal");
        assert_eq!(live.pty.raw().matches(OFF).count(), before + 1);
        let after = live.pty.raw().matches(ON).count();
        // Taking the terminal again leaves it so.
        live.pty.send_key(Key::Ctrl('l'));
        live.press("e");
        live.wait_for_text("events");
        assert_eq!(live.pty.raw().matches(ON).count(), after);
    });
}

#[test]
fn what_keys_have_changed_is_saved_after_the_difference_was_confirmed() {
    stage(|| {
        let _open = listener(&at(8080));
        let own = "# Mine.\ninterval = '100ms' # quick\n\n[services]\n8080 = 'shop'\n";
        let (mut live, home) = live(own, &[]);
        let file = home.path().join("sockeye/config.toml");
        live.wait_for_table();
        live.press("u");
        live.wait_without("udp");
        live.press("W");
        live.wait_for_text("- protocols = [\"tcp\", \"udp\"]");
        live.wait_for_text("+ protocols = [\"tcp\"]");
        live.press("n");
        live.wait_without("Save these settings");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), own);
        live.press("W");
        live.wait_for_text("Save these settings in");
        live.press("y");
        live.wait_for_text("saved in");
        let expected = own.replace("\n\n", "\nprotocols = [\"tcp\"]\n\n");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        live.press("W");
        live.wait_for_text("nothing to save");
    });
}

#[test]
fn a_column_that_was_moved_and_saved_is_there_at_the_next_start() {
    stage(|| {
        let _open = listener(&at(8080));
        let (mut live, home) = live("# Mine.\n", &[]);
        let titles = |screen: &vt100::Screen| -> Vec<String> {
            let titles = line(screen, 2);
            titles.split_whitespace().map(str::to_owned).collect()
        };
        let is_moved = |screen: &vt100::Screen| titles(screen)[..2] == ["PROTO", "PORT"];
        live.wait_for_table();
        live.wait_for_ports(&[8080]);
        live.press("W");
        live.wait_for_text("nothing to save");
        live.press("C");
        live.wait_for_text("columns, from left to right");
        live.press("jjK");
        // The menu has as many lines as the screen.
        live.wait_for_cells("the port before the address", |screen| {
            let text = screen.contents();
            text.find("[x] PORT") < text.find("[x] LOCAL ADDRESS")
        });
        live.press("q");
        live.wait_without("columns, from left to right");
        live.wait_for_cells("the port as the second column", is_moved);
        live.press("W");
        live.wait_for_text("Save these settings in");
        live.press("y");
        live.wait_for_text("saved in");
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
        let file = home.path().join("sockeye/config.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("columns = [\"proto\", \"port\", \"local\", \"service\""),
            "{text}"
        );

        let env = [("XDG_CONFIG_HOME", home.path().to_str().unwrap())];
        let mut again = Live {
            pty: Pty::spawn(BINARY, &[], (110, 30), &env),
        };
        again.wait_for_table();
        again.wait_for_ports(&[8080]);
        again.wait_for_cells("the port as the second column", is_moved);
        again.press("W");
        again.wait_for_text("nothing to save");
    });
}

#[test]
fn keys_of_the_config_outrank_the_default_ones() {
    stage(|| {
        let _open = listener(&at(8080));
        let (mut live, _home) = live("[keys]\ntoggle-pause = ['space']\nwrite = 'W'\n", &[]);
        live.wait_for_table();
        live.wait_for_ports(&[8080]);
        live.press(" ");
        live.wait_for_text("paused");
        live.press(" ");
        live.wait_without("paused");
        live.press("W");
        live.wait_for_text("write the row");
        live.press("q");
        live.wait_without("write the row");
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

/// How many netlink sockets of this network namespace are in the groups of freed sockets: TCP and UDP of both families.
fn listeners_to_the_kernel() -> usize {
    let table = std::fs::read_to_string("/proc/net/netlink").unwrap();
    let groups = table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3));
    groups.filter(|groups| *groups == "0000000f").count()
}

fn threads_of(live: &Live) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", live.pty.pid())).unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim_end().to_owned()).collect()
}

#[test]
fn without_events_no_thread_reads_what_the_kernel_reports() {
    stage(|| {
        let _listener = listener(&at(8080));
        let is_reader = |name: &String| name == "destroyed";
        {
            let (on, _home) = live("", &[]);
            on.wait_for_row(8080, |_| true);
            assert!(listeners_to_the_kernel() >= 1);
            assert!(threads_of(&on).iter().any(is_reader));
        }
        wait_until("it has ended", || listeners_to_the_kernel() == 0);
        let (off, _home) = live("events = false", &[]);
        off.wait_for_row(8080, |_| true);
        assert_eq!(listeners_to_the_kernel(), 0);
        let threads = threads_of(&off);
        assert!(
            threads.len() > 1 && !threads.iter().any(is_reader),
            "{threads:?}"
        );
    });
}
