//! Themes on a real terminal: by option, by file, by key; with few colours, with none; and in ASCII where the
//! locale has nothing else.

use sockeye::keymap::Key;
use vt100::{Cell, Color};

use crate::live::scene::{BINARY, Live, QUERY, TempDir, at, listener, place_of, stage};
use crate::support::pty::Pty;

const TRUE_COLOUR: (&str, &str) = ("COLORTERM", "truecolor");

/// The program in this environment.
fn live(args: &[&str], env: &[(&str, &str)]) -> Live {
    let args = [&["--interval", "100ms"], args].concat();
    let live = Live {
        pty: Pty::spawn(BINARY, &args, (110, 30), env),
    };
    live.wait_for_table();
    live
}

impl Live {
    /// The first cell of a text.
    fn cell_of(&self, text: &str) -> Cell {
        self.wait_for_text(text);
        let (x, y) = place_of(&self.pty.screen(), text).unwrap();
        self.pty.cell(y, x)
    }

    /// Waits until every cell below the bars and the selected row has this background.
    fn wait_for_ground(&self, ground: Color) {
        self.wait_for_cells("one background", |screen| {
            (4..30).all(|y| {
                (0..110).all(|x| {
                    screen
                        .cell(y, x)
                        .is_some_and(|cell| cell.bgcolor() == ground)
                })
            })
        });
    }
}

#[test]
fn t_goes_through_the_themes_and_says_which_it_is() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = live(&[], &[TRUE_COLOUR]);
        assert_eq!(live.cell_of("▲").fgcolor(), Color::Idx(6));
        for (name, place, ground) in [
            ("dark", "2 of 7", Color::Rgb(0x16, 0x18, 0x1d)),
            ("light", "3 of 7", Color::Rgb(0xfa, 0xfa, 0xfa)),
            ("color-blind", "4 of 7", Color::Rgb(0x10, 0x12, 0x16)),
            ("high-contrast", "5 of 7", Color::Rgb(0, 0, 0)),
            ("gruvbox", "6 of 7", Color::Rgb(0x1d, 0x20, 0x21)),
            ("catppuccin", "7 of 7", Color::Rgb(0x1e, 0x1e, 0x2e)),
            ("terminal", "1 of 7", Color::Default),
        ] {
            live.press("T");
            live.wait_for_text(&format!("theme: {name} ({place})"));
            live.wait_for_ground(ground);
        }
    });
}

#[test]
fn the_default_theme_makes_a_bar_for_the_background_that_the_terminal_reports() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = live(&[], &[TRUE_COLOUR]);
        live.pty.wait_for_raw(QUERY);
        live.pty.send_bytes(b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\");
        let bar = Color::Rgb(218, 218, 218);
        live.wait_for_cells("one even bar", |screen| {
            let is_bar = |x| screen.cell(3, x).is_some_and(|cell| cell.bgcolor() == bar);
            (0..110).all(is_bar)
        });
        assert_eq!(live.cell_of("▲").fgcolor(), Color::Rgb(0, 0x65, 0x7d));
        // No part of the reply was taken for a key.
        assert!(live.pty.screen_text().contains("1 Listening"));
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_theme_is_chosen_by_option_or_file_and_the_option_counts_more() {
    stage(|| {
        let home = TempDir::new();
        std::fs::create_dir(home.path().join("sockeye")).unwrap();
        let own =
            "theme = 'mine'\n[themes.mine]\nplain = '#010203 on #040506'\naccent = '#070809'\n";
        std::fs::write(home.path().join("sockeye/config.toml"), own).unwrap();
        let env = [
            TRUE_COLOUR,
            ("XDG_CONFIG_HOME", home.path().to_str().unwrap()),
        ];
        let _open = listener(&at(8080));
        let mut own = live(&[], &env);
        own.wait_for_ground(Color::Rgb(4, 5, 6));
        assert_eq!(own.cell_of("▲").fgcolor(), Color::Rgb(7, 8, 9));
        own.press("T");
        own.wait_for_text("theme: terminal (1 of 8)");
        live(&["--theme", "gruvbox"], &env).wait_for_ground(Color::Rgb(0x1d, 0x20, 0x21));
    });
}

#[test]
fn a_theme_takes_the_colours_that_the_terminal_says_it_has() {
    stage(|| {
        let _open = listener(&at(8080));
        let gruvbox = ["--theme", "gruvbox"];
        let of_256 = live(&gruvbox, &[("TERM", "xterm-256color")]);
        of_256.wait_for_ground(Color::Idx(234));
        let mut of_16 = live(&gruvbox, &[("TERM", "linux")]);
        of_16.wait_for_ground(Color::Default);
        assert_eq!(
            of_16.cell_of("LISTEN").fgcolor(),
            Color::Default,
            "under the cursor"
        );
        assert_eq!(of_16.cell_of("▲").fgcolor(), Color::Idx(6));
        of_16.press("T");
        of_16.wait_for_text("theme: catppuccin (7 of 7), shown as terminal: 16 colors here");
        let mut plain = live(&gruvbox, &[TRUE_COLOUR, ("NO_COLOR", "1")]);
        plain.press("T");
        plain.wait_for_text("no colors here: --no-color, NO_COLOR");
        plain.wait_for_ground(Color::Default);
        let is_plain =
            |cell: Option<&Cell>| cell.is_some_and(|cell| cell.fgcolor() == Color::Default);
        let screen = plain.pty.screen();
        assert!((0..30).all(|y| (0..110).all(|x| is_plain(screen.cell(y, x)))));
    });
}

#[test]
fn no_theme_of_that_name_is_one_line_and_the_terminal_is_left_alone() {
    stage(|| {
        let mut pty = Pty::spawn(BINARY, &["--theme", "gruvbux"], (200, 30), &[]);
        assert_eq!(pty.wait_exit(), 2);
        let screen = pty.screen_text();
        let expected = "sockeye: --theme: unknown theme `gruvbux`; did you mean `gruvbox`?";
        assert!(screen.contains(expected), "{screen}");
        assert!(!pty.raw().contains("\x1b["), "nothing was drawn");
    });
}

/// Everything that draws lines, arrows or dots, and then it ends.
fn open_everything(live: &mut Live) {
    live.wait_for_ports(&[8080]);
    live.press("e");
    live.wait_for_text("+ events - ");
    live.press("b");
    live.wait_for_text("in use");
    live.pty.send_key(Key::Esc);
    // Together with the next key it would be another one.
    live.wait_without("in use");
    live.press("$");
    live.wait_for_text("stats");
    live.pty.send_key(Key::Enter);
    live.wait_for_text("socket");
    live.press("s");
    live.wait_for_text("sort by");
    live.press("qS?");
    live.wait_for_text("close");
    live.press("q/port:99999");
    live.wait_for_text("99999");
    live.pty.send_key(Key::Esc);
    live.wait_without("99999");
    live.press("C");
    live.wait_for_text("columns");
    live.press("qq");
    assert_eq!(live.pty.wait_exit(), 0);
}

#[test]
fn where_the_locale_is_ascii_every_byte_is() {
    stage(|| {
        let _open = listener(&at(8080));
        for env in [
            &[("LC_ALL", "C"), ("LANG", "C.UTF-8")][..],
            &[("LC_CTYPE", "POSIX"), ("LANG", "en_US.UTF-8")],
            &[("LANG", "")],
        ] {
            let mut live = live(&[], env);
            open_everything(&mut live);
            let raw = live.pty.raw();
            let foreign: Vec<_> = raw.chars().filter(|c| !c.is_ascii()).collect();
            assert_eq!(foreign, [] as [char; 0], "{env:?}");
        }
    });
}

/// Not into a pipe, where it is for programs.
#[test]
fn what_is_printed_on_a_terminal_is_ascii_too_where_the_locale_is() {
    stage(|| {
        let _open = listener(&at(8080));
        let printed = |args, locale| {
            let mut pty = Pty::spawn(BINARY, args, (110, 30), &[("LC_ALL", locale)]);
            pty.wait_exit();
            pty.raw()
        };
        for args in [&["list"][..], &["check", "8080"], &["check", "99999"]] {
            assert!(!printed(args, "C.UTF-8").is_ascii(), "{args:?}");
            let in_ascii = printed(args, "C");
            assert!(in_ascii.is_ascii(), "{args:?}: {in_ascii}");
        }
        let screen = printed(&["list"], "C");
        assert!(
            screen.contains("8080") && screen.contains("LISTEN"),
            "{screen}"
        );
    });
}

#[test]
fn where_the_locale_is_utf_8_glyphs_stay_as_they_are() {
    stage(|| {
        let _open = listener(&at(8080));
        for env in [
            &[("LC_ALL", "C.UTF-8"), ("LANG", "C")][..],
            &[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")],
            &[("LANG", "de_DE.utf8")],
        ] {
            let mut live = live(&[], env);
            live.wait_for_text("PORT ▲");
            live.press("e");
            live.wait_for_text("┌ events · ");
            live.press("q");
            assert_eq!(live.pty.wait_exit(), 0, "{env:?}");
        }
    });
}
