//! The pictures: one row each. Shared by the example that writes them and the test that compares them.

#[path = "film.rs"]
mod film;
#[path = "svg.rs"]
mod svg;

use sockeye::app::Key;

use film::Film;

/// Where they stand, below the crate.
pub const FOLDER: &str = "assets";

/// One picture.
pub struct Picture {
    /// Its file in [`FOLDER`].
    pub file: &'static str,
    /// Width and height of the terminal.
    size: (u16, u16),
    /// What is read out where it can't be seen.
    title: &'static str,
    description: &'static str,
    /// What is done before it is taken.
    play: fn(&mut Film),
}

/// Every picture.
pub static ALL: &[Picture] = &[
    Picture {
        file: "table.svg",
        size: (118, 29),
        title: "sockeye: the live table",
        description: "Sockets with port, state, process, user and age. A green + marks a port that opened, a yellow \
                      ~ a connection that went from ESTABLISHED to CLOSE_WAIT and a server that was restarted, a \
                      red - a port that closed.",
        play: |_| {},
    },
    Picture {
        file: "bind-test.svg",
        size: (118, 26),
        title: "sockeye: the bind test of port 8080",
        description: "The pane under the table says: in use, node (pid 40211, ann) listens on 127.0.0.1:8080; which \
                      addresses the kernel refused, which servers could start, and what to do.",
        play: |film| {
            film.press("/:8080 | proc:node");
            film.key(Key::Enter);
            film.press("b");
        },
    },
    Picture {
        file: "details.svg",
        size: (118, 30),
        title: "sockeye: the details of a shared listener",
        description: "The pane under the table tells of one socket: addresses, queues, its three processes, their \
                      ancestors and their other sockets.",
        play: |film| {
            film.press("/nginx :443");
            film.key(Key::Enter);
            film.key(Key::Enter);
        },
    },
    Picture {
        file: "events.svg",
        size: (118, 30),
        title: "sockeye: the events",
        description: "The pane under the table lists what opened, changed and closed, with times.",
        play: |film| film.press("e"),
    },
    Picture {
        file: "small.svg",
        size: (40, 10),
        title: "sockeye in a terminal of 40 by 10",
        description: "Mark, port, state and process are left: what a small terminal needs.",
        play: |film| film.press("4"),
    },
];

/// The picture as SVG.
pub fn drawn(picture: &Picture) -> String {
    let (width, height) = picture.size;
    let mut film = Film::shown(width, height);
    (picture.play)(&mut film);
    svg::picture(&film.screen(), picture.title, picture.description)
}
