//! Supervisors of Node.js programs: pm2, nodemon, `node --watch`, forever, npm.

use super::{KILL, answers, waited, write};
use crate::processes::helper;
use crate::scene::{Scene, SetUp};
use crate::started::{Started, Undo, User, by, pid_of, sh};

/// pm2's daemons: ann's and one of root's with a home of its own.
pub fn pm2() -> Vec<Undo> {
    let app = helper("server.js");
    by(User::Ann, &format!("pm2 start {app} --name other -- 8599"));
    sh(&format!(
        "PM2_HOME=/run/stage/pm2 pm2 start {app} --name other -- 8598"
    ));
    vec![
        Undo("runuser -l ann -c 'pm2 kill'".into()),
        Undo("PM2_HOME=/run/stage/pm2 pm2 kill".into()),
    ]
}

pub fn scenes() -> Vec<Scene> {
    let scene = |what, port, command: &str| {
        let expected = format!("^{command}$");
        Scene::new(what, port)
            .expects("^stop_app$", &expected, command)
            .never(&[KILL])
            .seen_outside()
    };
    let parent = |what, port| {
        Scene::new(what, port)
            .run_by(User::Ann)
            .expects(
                "^end_processes$",
                "^kill {PID} {PARENT}$",
                "kill {PID} {PARENT}",
            )
            .never(&["^kill {PID}$", "KILL"])
            .seen_outside()
    };
    vec![
        scene("an app of pm2", 8521, "{pm2 stop ID}")
            .run_by(User::Ann)
            .kept_by("kind", "^pm2$")
            .set_up(|| app(User::Ann, "", "fork", 8521)),
        scene(
            "an app of pm2 as a cluster: pm2 itself listens",
            8522,
            "pm2 stop cluster",
        )
        .run_by(User::Ann)
        .set_up(|| app(User::Ann, "", "cluster -i 2", 8522)),
        scene(
            "an app of another user's pm2",
            8523,
            "runuser -l ann -c 'PM2_HOME=/home/ann/.pm2 {pm2 stop ID}'",
        )
        .set_up(|| app(User::Ann, "", "of-ann", 8523)),
        scene(
            "an app of root's pm2 with a PM2_HOME",
            8524,
            "PM2_HOME=/run/stage/pm2 {pm2 stop ID}",
        )
        .set_up(|| app(User::Root, "PM2_HOME=/run/stage/pm2 ", "home", 8524)),
        parent("a program that nodemon watches", 8525).set_up(|| {
            let path = script(8525);
            watched(
                &format!("nodemon --watch {path} {path}"),
                "nodemon.*watched-8525",
                &path,
                8525,
            )
        }),
        parent("a program of node --watch", 8526).set_up(|| {
            let path = script(8526);
            watched(
                &format!("node --watch {path}"),
                "^node --watch",
                &path,
                8526,
            )
        }),
        scene("a program of forever", 8527, "forever stop {PID}")
            .run_by(User::Ann)
            .set_up(|| {
                let path = script(8527);
                by(User::Ann, &format!("forever start {path}"));
                let set_up = waited(
                    SetUp::new().keep(Undo("pkill -f forever/bin/monitor".into())),
                    8527,
                );
                set_up.names("PID", pid_of(&format!("node {path}$")))
            }),
        Scene::new("a program of npm start", 8528)
            .run_by(User::Ann)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .seen_outside()
            .set_up(|| {
                sh("install -d -o ann -g ann /home/ann/npm");
                let package = format!(
                    r#"{{"scripts":{{"start":"node {} 8528"}}}}"#,
                    helper("server.js")
                );
                write(User::Ann, "/home/ann/npm/package.json", &package);
                let npm = Started::new(User::Ann, "npm start --prefix /home/ann/npm");
                waited(SetUp::new().keep(npm), 8528).names("PID", pid_of("^node .*server.js 8528$"))
            }),
    ]
}

/// An app of pm2, `options` begin with its name, beside the one that was there.
fn app(user: User, home: &str, options: &str, port: u16) -> SetUp {
    let start = format!(
        "{home}pm2 start {} --name {options} -- {port}",
        helper("server.js")
    );
    by(user, &start);
    let other = if user == User::Root { 8598 } else { 8599 };
    let name = options.split(' ').next().unwrap_or_default();
    // `[ 3 ]`, or several of a cluster.
    let id = by(user, &format!("{home}pm2 id {name}"));
    let id = id.replace(|c: char| !c.is_ascii_digit(), "");
    waited(SetUp::new(), port)
        .names("pm2 stop ID", format!("pm2 stop {id}"))
        .lives("pm2's other app", answers(other))
}

/// A script of ann's that listens.
fn script(port: u16) -> String {
    let path = format!("/home/ann/watched-{port}.js");
    let text = std::fs::read_to_string(helper("server.js")).unwrap();
    write(
        User::Ann,
        &path,
        &text.replace("process.argv[2]", &port.to_string()),
    );
    path
}

fn watched(line: &str, parent: &str, path: &str, port: u16) -> SetUp {
    let set_up = waited(SetUp::new().keep(Started::new(User::Ann, line)), port);
    let pid = pid_of(&format!("node {path}$"));
    set_up.names("PARENT", pid_of(parent)).names("PID", pid)
}
