//! Filtering while one types.

use sockeye::keymap::Key;

use crate::live::scene::{BINARY, Holder, Live, line, listeners, place_of, stage};

const FOOTER: u16 = 28;

#[test]
fn the_table_narrows_with_every_key() {
    stage(|| {
        let _open = listeners(&[8080, 8443, 9000]);
        let mut live = Live::start(&[]);
        live.wait_for_ports(&[8080, 8443, 9000]);
        for (key, expected) in [
            ("/", &[8080, 8443, 9000][..]),
            ("8", &[8080, 8443]),
            ("4", &[8443]),
            ("\x7f", &[8080, 8443]),
            ("0", &[8080]),
        ] {
            live.press(key);
            live.wait_for_ports(expected);
        }
        live.wait_for_text("1 of 3");
    });
}

#[test]
fn a_wrong_term_is_marked_and_explained_while_the_last_good_filter_stays() {
    stage(|| {
        let _open = listeners(&[8080, 9000]);
        let mut live = Live::start(&[]);
        live.press("/:8080");
        live.wait_for_ports(&[8080]);
        live.pty.paste(" state:lisn");
        live.wait_for_text("did you mean");
        live.wait_for_ports(&[8080]);
        live.wait_for_cells("the wrong term underlined, and nothing else", |screen| {
            let Some((from, _)) = place_of(screen, "lisn") else {
                return false;
            };
            let underlined: Vec<_> = (0..110)
                .filter(|&x| screen.cell(FOOTER, x).is_some_and(vt100::Cell::underline))
                .collect();
            let wrong = u16::try_from(" / :8080 ".len()).unwrap()..from + 4;
            !underlined.is_empty()
                && underlined.iter().all(|x| wrong.contains(x))
                && underlined.contains(&from)
        });
        // It is not kept; and what was good is in force again as soon as it is good again.
        live.pty.send_key(Key::Enter);
        live.press("\x7f\x7f\x7f\x7flisten");
        live.wait_without("did you mean");
        live.pty.send_key(Key::Enter);
        live.wait_for_text("filter :8080 state:listen");
        live.wait_for_ports(&[8080]);
    });
}

#[test]
fn enter_keeps_escape_clears_and_up_recalls() {
    stage(|| {
        let _open = listeners(&[8080, 8443, 9000]);
        let mut live = Live::start(&[]);
        for (filter, expected) in [(":8080", 8080), (":9000", 9000)] {
            live.press("/");
            live.wait_for_text("confirm");
            live.press(filter);
            live.wait_for_ports(&[expected]);
            live.pty.send_key(Key::Enter);
            live.wait_for_text("quit");
            live.wait_for_ports(&[expected]);
            live.pty.send_key(Key::Esc);
            live.wait_for_ports(&[8080, 8443, 9000]);
            live.wait_for_text("filter cleared; U restores it");
        }
        live.press("/");
        live.wait_for_text("confirm");
        for (key, expected) in [
            (Key::Up, &[9000][..]),
            (Key::Up, &[8080]),
            (Key::Down, &[9000]),
            (Key::Down, &[8080, 8443, 9000]),
            (Key::Up, &[9000]),
            (Key::Esc, &[8080, 8443, 9000]),
        ] {
            live.pty.send_key(key);
            live.wait_for_ports(expected);
        }
        live.wait_for_text("filter cleared; U restores it");
        live.press("U");
        live.wait_for_ports(&[9000]);
        live.wait_for_text("filter restored: :9000");
    });
}

#[test]
fn what_is_typed_recalls_the_filters_that_begin_with_it() {
    stage(|| {
        let _open = listeners(&[8080, 8443, 9000]);
        let mut live = Live::start(&[]);
        for (filter, expected) in [(":8080 tcp", 8080), (":8443", 8443), (":9000", 9000)] {
            live.press(&format!("/\x15{filter}"));
            live.wait_for_ports(&[expected]);
            live.pty.send_key(Key::Enter);
            live.wait_for_text("quit");
        }
        live.press("/\x15:8");
        live.wait_for_text(" / :8");
        live.pty.send_key(Key::Up);
        live.wait_for_ports(&[8443]);
        live.pty.send_key(Key::Up);
        live.wait_for_text(" / :8080 tcp");
        live.wait_for_ports(&[8080]);
    });
}

#[test]
fn tab_completes_fields_values_and_the_names_that_are_there() {
    stage(|| {
        let listening = listeners(&[8080, 9000]);
        let holder = Holder::of(listeners(&[8443]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8443, |row| row.contains("sleep"));
        live.press("/!(sta\tlist\t)");
        live.wait_for_text(" / !(state:listen)");
        live.wait_for_text("Nothing matches");
        // The names of what is there now.
        live.press("\x15proc:sl\t");
        live.wait_for_text(" / proc:sleep");
        live.wait_for_ports(&[8443]);
        // Several: one after the other, and back.
        live.press("\x15:http-\t");
        live.wait_for_text("http-alt");
        live.press("\x15pr\t");
        live.wait_for_text("[proc:]  proto:");
        live.press("\t");
        live.wait_for_text(" proc:  [proto:]");
        live.pty.send_key(Key::BackTab);
        live.wait_for_text("[proc:]  proto:");
        live.press("\x15\r");
        live.wait_for_ports(&[8080, 8443, 9000]);
        drop((listening, holder));
    });
}

#[test]
fn a_kept_filter_can_be_edited() {
    stage(|| {
        let _open = listeners(&[8080, 8443]);
        let mut live = Live::start(&[":8080"]);
        live.press("/");
        live.wait_for_text(" / :8080");
        live.press("\x7f\x7f\x7f443\r");
        live.wait_for_ports(&[8443]);
    });
}

#[test]
fn an_empty_table_says_what_matches_nothing_and_how_to_see_all() {
    stage(|| {
        let _open = listeners(&[8080, 9000]);
        let mut live = Live::start(&[]);
        live.press("/:81");
        live.wait_for_text("Nothing matches `:81`. Esc shows all 2.");
        live.pty.send_key(Key::Esc);
        live.wait_for_ports(&[8080, 9000]);
    });
}

#[test]
fn without_sockets_the_table_says_so() {
    stage(|| {
        let mut live = Live::start(&[]);
        live.wait_for_text("Nothing is listening.");
        for (key, text) in [
            ("2", "No connections."),
            ("3", "No sockets."),
            ("4", "Nothing has changed yet."),
        ] {
            live.press(key);
            live.wait_for_text(text);
        }
        live.wait_for_cells("a header", |screen| line(screen, 0).contains("0 listening"));
    });
}

/// The next snapshot is a minute away: only time passes.
#[test]
fn a_row_appears_and_goes_when_its_age_crosses_the_limit() {
    stage(|| {
        let _open = listeners(&[8080]);
        let args = ["--interval", "60s", ":8080 or age:<2s"];
        let mut live = Live::start_as(BINARY, (110, 30), &args);
        live.wait_for_ports(&[8080]);
        let _young = listeners(&[9000]);
        live.press("r");
        live.wait_for_ports(&[8080, 9000]);
        live.wait_for_ports(&[8080]);
        let _younger = listeners(&[9001]);
        live.press("/\x15:8080 or :9001 and age:>2s\r");
        live.wait_for_text("filter :8080 | :9001 age:>2s");
        live.press("r");
        live.wait_for_ports(&[8080, 9001]);
        // What changes and what does not.
        live.press("/\x15recv-q:0 and not port:>9000\r");
        live.wait_for_ports(&[8080, 9000]);
    });
}

#[test]
fn a_text_is_found_among_all_rows_and_n_goes_on() {
    stage(|| {
        let _open = listeners(&[8080, 8443, 9000, 9443]);
        let mut live = Live::start(&[]);
        live.wait_for_ports(&[8080, 8443, 9000, 9443]);
        live.pty.send_key(Key::F(3));
        live.press(":9000-9999");
        live.wait_for_text("match 1 of 2");
        live.wait_for_selection(9000);
        live.wait_for_ports(&[8080, 8443, 9000, 9443]);
        live.press("\r");
        live.wait_for_text("n next");
        live.press("n");
        live.wait_for_selection(9443);
        live.press("n");
        live.wait_for_selection(9000);
        live.pty.send_key(Key::Esc);
        live.wait_without("match 1 of 2");
        live.wait_for_selection(9000);
    });
}
