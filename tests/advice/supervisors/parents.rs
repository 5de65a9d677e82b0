//! Parents that start a server again: loops of a shell, programs of no known kind, honcho.

use super::{answers, waited, web, web_pid, write};
use crate::processes::helper;
use crate::scene::{Scene, SetUp};
use crate::started::{Started, Undo, User, by, pid_of, sh};

/// Parents that are ended with the server.
pub fn scenes() -> Vec<Scene> {
    let scene = |what, port| {
        Scene::new(what, port)
            .run_by(User::Ann)
            .expects(
                "^end_processes$",
                "^kill {PARENT} {PID}$",
                "kill {PARENT} {PID}",
            )
            .never(&["^kill {PID}$", "KILL"])
            .seen_outside()
    };
    vec![
        scene("a loop of a shell (sh -c)", 8541)
            .kept_by("kind", "^shell_loop$")
            .set_up(|| {
                kept(
                    &format!("sh -c 'while true; do {}; sleep 0.3; done'", web(8541)),
                    8541,
                )
            }),
        scene("a loop of a shell's script", 8542)
            .kept_by("kind", "^shell_loop$")
            .set_up(|| {
                let text = format!("#!/bin/bash\nuntil {}; do\n  sleep 0.3\ndone\n", web(8542));
                write(User::Ann, "/home/ann/serve.sh", &text);
                kept("/home/ann/serve.sh", 8542)
            }),
        scene("a program that starts the server again", 8543)
            .kept_by("kind", "^unknown_parent$")
            .set_up(|| {
                kept(
                    &format!("python3 {} restart {}", helper("parents.py"), web(8543)),
                    8543,
                )
            }),
    ]
}

/// Parents that are not ended, or not by the user.
pub fn others() -> Vec<Scene> {
    vec![
        Scene::new("one of two programs of honcho", 8544)
            .run_by(User::Ann)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .also_ends("^httpd")
            .never(&["^kill {PARENT}$", "KILL"])
            .kept_by("kind", "^(honcho|foreman)$")
            .seen_outside()
            .set_up(|| {
                sh("install -d -o ann -g ann /home/ann/honcho");
                let text = format!("web: exec {}\nother: exec {}\n", web(8544), web(8594));
                write(User::Ann, "/home/ann/honcho/Procfile", &text);
                let set_up = kept("honcho -f /home/ann/honcho/Procfile start", 8544);
                waited(set_up, 8594)
            }),
        Scene::new("a server that the user's shell started in tmux", 8545)
            .run_by(User::Ann)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .seen_outside()
            .set_up(|| {
                let line = format!(
                    "tmux -L stage new-session -d 'sleep 1000' ';' new-window '{}'",
                    web(8545)
                );
                by(User::Ann, &line);
                let undo = Undo("pkill -f 'tmux -L stage'".into());
                let set_up = waited(SetUp::new().keep(undo), 8545);
                let tmux = pid_of("^tmux -L stage");
                set_up.names("PID", web_pid(8545)).lives_on("tmux", tmux)
            }),
        Scene::new("a server that the user's editor started", 8547)
            .run_by(User::Ann)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .never(&["KILL"])
            .seen_outside()
            .set_up(|| {
                // Older than the server, as an editor is.
                let line = format!(
                    "tmux -L editor new-session -d vim.tiny -c 'sleep 3' -c '!{}'",
                    web(8547)
                );
                by(User::Ann, &line);
                let undo = Undo("pkill -f 'tmux -L editor'".into());
                let set_up = waited(SetUp::new().keep(undo), 8547);
                let set_up = set_up.names("PID", web_pid(8547));
                set_up.lives_on("the editor", pid_of("^vim.tiny -c"))
            }),
        Scene::new("a loop of root's shell that runs the user's server", 8548)
            .run_by(User::Ann)
            .expects(
                "^end_processes$",
                "^sudo kill {PARENT} {PID}$",
                "sudo kill {PARENT} {PID}",
            )
            .never(&["^(sudo )?kill {PID}$"])
            .seen_outside()
            .set_up(|| {
                let own = format!(
                    "setpriv --reuid ann --regid ann --init-groups {}",
                    web(8548)
                );
                let line = format!("sh -c 'while true; do {own}; sleep 0.3; done'");
                let parent = Started::new(User::Root, &line);
                let pid = parent.pid();
                let set_up = waited(SetUp::new().keep(parent), 8548);
                set_up.names("PARENT", pid).names("PID", web_pid(8548))
            }),
        Scene::new("a loop of another user's shell", 8546)
            .expects(
                "^end_processes$",
                "^kill {PARENT} {PID}$",
                "kill {PARENT} {PID}",
            )
            .never(&["^kill {PID}$"])
            .seen_outside()
            .set_up(|| {
                let other = Started::new(User::Root, &web(8596));
                let set_up = kept(&format!("bash -c 'while :; do {} ; done'", web(8546)), 8546);
                waited(set_up.keep(other), 8596).lives("another server", answers(8596))
            }),
    ]
}

/// A parent that runs the web server on a port.
fn kept(line: &str, port: u16) -> SetUp {
    let parent = Started::new(User::Ann, line);
    let pid = parent.pid();
    let set_up = waited(SetUp::new().keep(parent), port);
    set_up.names("PARENT", pid).names("PID", web_pid(port))
}
