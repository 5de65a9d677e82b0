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
    layout: Layout,
}

/// How the screens of a picture are shown.
enum Layout {
    /// So many beside each other.
    Beside(usize),
    /// One after the other, each for so many tenths of a second.
    Moving(u16),
}

/// Every picture.
pub static ALL: &[Picture] = &[
    Picture {
        file: "moving.svg",
        title: "sockeye: the live table, then a bind test",
        description: "Sockets open, change and close in the live table. Then the rows are filtered by 8080, and a \
                      bind test says that node listens there, and how to free the port.",
        screens: moving,
        layout: Layout::Moving(4),
    },
    Picture {
        file: "table.svg",
        title: "sockeye: the live table",
        description: "Sockets with port, state, process, user and age. A green + marks a port that opened, a yellow \
                      ~ a connection that went from ESTABLISHED to CLOSE_WAIT and a server that was restarted, a \
                      red - a port that closed.",
        screens: || shot((118, 29), |_| {}),
        layout: Layout::Beside(1),
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
        layout: Layout::Beside(1),
    },
    Picture {
        file: "containers.svg",
        title: "sockeye: every network namespace in one table",
        description: "Sockets of the host, of the containers web, api, dns and cache, and of the namespace vpn. The rows of \
                      docker-proxy and conmon say which container and server a published port leads to; a row with \
                      the state DNAT is published by a rule alone.",
        screens: || {
            let mut film = Film::of_containers(140, 19);
            film.press("N");
            vec![film.screen()]
        },
        layout: Layout::Beside(1),
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
        layout: Layout::Beside(1),
    },
    Picture {
        file: "events.svg",
        title: "sockeye: the events",
        description: "The pane under the table lists what opened, changed and closed, with times.",
        screens: || shot((118, 30), |film| film.press("e")),
        layout: Layout::Beside(1),
    },
    Picture {
        file: "moment.svg",
        title: "sockeye: the table as it was",
        description: "The header shows a moment in reverse video; the line below is the timeline: what opened, changed and \
                      closed when, and where the moment is. The table is that of the moment.",
        screens: || {
            shot((118, 24), |film| {
                film.press("@16:16:41");
                film.key(Key::Enter);
            })
        },
        layout: Layout::Beside(1),
    },
    Picture {
        file: "palette.svg",
        title: "sockeye: the command palette",
        description: "A list of every action with its keys, opened over the table; what is typed narrows it.",
        screens: || shot((118, 24), |film| film.press(":por")),
        layout: Layout::Beside(1),
    },
    Picture {
        file: "small.svg",
        title: "sockeye in a terminal of 40 by 10",
        description: "Mark, port, state and process are left: what a small terminal needs.",
        screens: || shot((40, 10), |film| film.press("4")),
        layout: Layout::Beside(1),
    },
    Picture {
        file: "themes.svg",
        title: "sockeye: its themes",
        description: "Changes and listening sockets in each theme: terminal, dark, light, color-blind, \
                      high-contrast, gruvbox, catppuccin.",
        screens: themes,
        layout: Layout::Beside(2),
    },
];

/// The last snapshots, a filter while it is typed, and a bind test.
fn moving() -> Vec<Buffer> {
    let mut film = Film::begun(92, 24);
    let mut screens = Vec::new();
    let mut show = |film: &Film, times| screens.extend(std::iter::repeat_n(film.screen(), times));
    let mut number = 1;
    while film.step() {
        number += 1;
        if number > 9 {
            show(&film, 4);
        }
    }
    show(&film, 3);
    for key in "/8080".chars() {
        film.key(Key::Char(key));
        show(&film, 1);
    }
    film.key(Key::Enter);
    show(&film, 2);
    film.press("b");
    show(&film, 16);
    screens
}

/// The end of the table in one theme after the other, as `T` shows them.
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
    let (title, description) = (picture.title, picture.description);
    match picture.layout {
        Layout::Beside(beside) => svg::picture(&screens, beside, title, description),
        Layout::Moving(tenths) => svg::moving(&screens, tenths, title, description),
    }
}
