//! The pictures: one row each. Shared by the example that writes them and the test that compares them.

#[path = "film.rs"]
mod film;
#[path = "svg.rs"]
mod svg;

use ratatui::buffer::Buffer;
use sockeye::keymap::Key;

use film::Film;

/// Their folder, below the crate.
pub const FOLDER: &str = "assets";

/// One picture.
pub struct Picture {
    /// Its file in [`FOLDER`].
    pub file: &'static str,
    /// For screen readers.
    title: &'static str,
    description: &'static str,
    /// The screens on it.
    screens: fn() -> Vec<Buffer>,
    /// How many of them are side by side.
    beside: usize,
}

/// Every picture.
pub static ALL: &[Picture] = &[
    Picture {
        file: "table.svg",
        title: "sockeye: the live table",
        description: "Sockets with port, state, process, user and age. A green + marks a port that opened, a yellow \
                      ~ a connection that went from ESTABLISHED to CLOSE_WAIT and a server that was restarted, a \
                      red - a port that closed.",
        screens: || shot((118, 29), |_| {}),
        beside: 1,
    },
    Picture {
        file: "bind-test.svg",
        title: "sockeye: the bind test of port 8080",
        description: "The pane under the table says: in use, node (pid 40211, ann) listens on 127.0.0.1:8080; which \
                      addresses the kernel refused, which servers could start, and what to do.",
        screens: || {
            shot((118, 28), |film| {
                film.press("/:8080 | proc:node");
                film.key(Key::Enter);
                film.press("b");
            })
        },
        beside: 1,
    },
    Picture {
        file: "details.svg",
        title: "sockeye: the details of a shared listener",
        description: "The pane under the table describes one socket: addresses, queues, its three processes, their \
                      ancestors and their other sockets.",
        screens: || {
            shot((118, 30), |film| {
                film.press("/nginx :443");
                film.key(Key::Enter);
                film.key(Key::Enter);
            })
        },
        beside: 1,
    },
    Picture {
        file: "events.svg",
        title: "sockeye: the events",
        description: "The pane under the table lists what opened, changed and closed, with times.",
        screens: || shot((118, 30), |film| film.press("e")),
        beside: 1,
    },
    Picture {
        file: "palette.svg",
        title: "sockeye: the command palette",
        description: "A list of every action with its keys, opened over the table; what is typed narrows it.",
        screens: || shot((118, 24), |film| film.press(":por")),
        beside: 1,
    },
    Picture {
        file: "small.svg",
        title: "sockeye in a terminal of 40 by 10",
        description: "Mark, port, state and process are left: what a small terminal needs.",
        screens: || shot((40, 10), |film| film.press("4")),
        beside: 1,
    },
    Picture {
        file: "themes.svg",
        title: "sockeye: its themes",
        description: "Changes and listening sockets in each theme: terminal, dark, light, color-blind, \
                      high-contrast, gruvbox, catppuccin.",
        screens: themes,
        beside: 2,
    },
];

/// The end of the table in each theme, in the order of `T`.
fn themes() -> Vec<Buffer> {
    let shown = |number| {
        let mut film = Film::shown(66, 12);
        film.press("G");
        film.press(&"T".repeat(number));
        film.screen()
    };
    (0..sockeye::theme::BUILT_IN.len()).map(shown).collect()
}

/// One screen of this size, after some keys.
fn shot((width, height): (u16, u16), play: fn(&mut Film)) -> Vec<Buffer> {
    let mut film = Film::shown(width, height);
    play(&mut film);
    vec![film.screen()]
}

/// The picture as SVG.
pub fn drawn(picture: &Picture) -> String {
    let screens = (picture.screens)();
    svg::picture(&screens, picture.beside, picture.title, picture.description)
}
