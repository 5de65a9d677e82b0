//! Lines of ancestors as they were seen with each supervisor.

use std::collections::HashMap;

use super::*;

/// A system of a few facts.
#[derive(Default)]
struct Seen {
    variables: HashMap<&'static str, &'static str>,
    folders: HashMap<Pid, &'static str>,
    loops: Option<bool>,
    clustered: Option<&'static str>,
    children: HashMap<Pid, Vec<Pid>>,
    waiting: Vec<Pid>,
    pm2_home: &'static str,
    owner: Option<u32>,
}

impl Lookup for Seen {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|&value| value.to_owned())
    }

    fn folder(&self, pid: Pid) -> Option<Text> {
        self.folders.get(&pid).map(|&folder| folder.into())
    }

    fn has_loop(&self, _: &Facts, _: &[String]) -> Option<bool> {
        self.loops
    }

    fn clustered(&self, _: Pid) -> Option<String> {
        self.clustered.map(str::to_owned)
    }

    fn children(&self, pid: Pid) -> Vec<Pid> {
        self.children.get(&pid).cloned().unwrap_or_default()
    }

    fn uses_pm2_home(&self, home: &str, _: Option<u32>) -> bool {
        home == self.pm2_home
    }

    fn owner(&self, _: &str) -> Option<u32> {
        self.owner
    }

    fn waits(&self, pid: Pid) -> bool {
        self.waiting.contains(&pid)
    }
}

/// The processes of a line, the last one started first.
fn line(commands: &[&str]) -> Vec<Facts> {
    let count = Pid::try_from(commands.len()).unwrap();
    let facts = |(at, command): (Pid, &&str)| {
        let argv: Vec<String> = match command.split_once('|') {
            Some((_, title)) => vec![title.to_owned()],
            None => command.split(' ').map(str::to_owned).collect(),
        };
        let name = command.split(['|', ' ']).next().unwrap();
        Facts {
            pid: 100 + count - at,
            parent: 100 + count - at - 1,
            comm: name.rsplit('/').next().unwrap().to_owned(),
            argv,
            started_at_tick: 1000,
            uids: vec![1000; 4],
            ..Facts::default()
        }
    };
    (0..count).zip(commands).map(facts).collect()
}

fn kept(commands: &[&str], seen: &Seen) -> Option<Supervisor> {
    let line = line(commands);
    supervisor(&line, &[line[0].pid], seen)
}

fn kind(commands: &[&str]) -> Option<(SupervisorKind, Restarts)> {
    let found = kept(commands, &Seen::default())?;
    Some((found.kind, found.restarts))
}

#[test]
fn each_supervisor_is_known_by_its_name() {
    use SupervisorKind as K;
    for (parent, expected, restarts) in [
        (
            "/usr/bin/python3 /usr/bin/supervisord -n",
            K::Supervisord,
            Restarts::Yes,
        ),
        ("runsv web", K::Runit, Restarts::Yes),
        ("supervise web", K::Daemontools, Restarts::Yes),
        ("s6-supervise web", K::S6, Restarts::Yes),
        (
            "node /usr/lib/node_modules/nodemon/bin/nodemon.js server.js",
            K::Nodemon,
            Restarts::OnChange,
        ),
        ("node --watch server.js", K::Watch, Restarts::OnChange),
        (
            "/usr/bin/node /usr/lib/node_modules/forever/bin/monitor server.js",
            K::Forever,
            Restarts::Yes,
        ),
        ("ruby /usr/bin/foreman start", K::Foreman, Restarts::Yes),
        ("python3 /usr/bin/honcho start", K::Foreman, Restarts::Yes),
        (
            "tmux -C -L overmind-shop-x1 new-session",
            K::Overmind,
            Restarts::Yes,
        ),
        (
            "sh -c while true; do ./server; sleep 1; done",
            K::ShellLoop,
            Restarts::Yes,
        ),
    ] {
        let mut commands = vec!["node server.js", parent];
        commands.push("systemd");
        // The text of `-c` is one argument.
        let mut line = line(&commands);
        if let Some((shell, text)) = parent.split_once(" -c ") {
            line[1].argv = vec![shell.into(), "-c".into(), text.into()];
        }
        let found = supervisor(&line, &[line[0].pid], &Seen::default());
        let found = found.map(|found| (found.kind, found.restarts));
        assert_eq!(found, Some((expected, restarts)), "{parent}");
    }
}

#[test]
fn pm2_gives_the_name_of_the_app_and_its_home() {
    let seen = Seen {
        variables: [
            ("name", "shop"),
            ("pm_exec_path", "/srv/shop.js"),
            ("pm_id", "3"),
        ]
        .into(),
        ..Seen::default()
    };
    let daemon = "node|PM2 v5.3.0: God Daemon (/home/ann/.pm2)";
    let found = kept(&["node /srv/shop.js", daemon, "systemd"], &seen).unwrap();
    assert_eq!((found.kind, found.pid), (SupervisorKind::Pm2, Some(102)));
    let names = (found.name.as_deref(), found.place.as_deref());
    assert_eq!(names, (Some("shop"), Some("/home/ann/.pm2")));
    assert_eq!((found.id.as_deref(), found.uid), (Some("3"), Some(1000)));
    let with = |id, pm2_home| {
        let seen = Seen {
            variables: [("name", "all"), ("pm_exec_path", "/x"), ("pm_id", id)].into(),
            pm2_home,
            ..Seen::default()
        };
        kept(&["node /srv/shop.js", daemon, "systemd"], &seen).unwrap()
    };
    assert_eq!(with("0", "/home/ann/.pm2").place, None);
    for id in ["", "-1", "all", "0 1", "99999999999"] {
        let found = with(id, "");
        assert_eq!((found.name, found.id), (None, None), "{id}");
    }
    // In cluster mode the daemon itself has the port.
    let cluster = kept(&[daemon, "systemd"], &Seen::default()).unwrap();
    assert_eq!((cluster.kind, cluster.name), (SupervisorKind::Pm2, None));
}

#[test]
fn supervisord_gives_group_and_program_and_the_file_that_it_was_started_with() {
    let seen = Seen {
        variables: [
            ("SUPERVISOR_GROUP_NAME", "shop"),
            ("SUPERVISOR_PROCESS_NAME", "web_00"),
        ]
        .into(),
        folders: [(102, "/srv")].into(),
        ..Seen::default()
    };
    let daemon = "python3 /usr/bin/supervisord -c conf/s.conf";
    let found = kept(&["nginx", daemon, "systemd"], &seen).unwrap();
    assert_eq!(found.name.as_deref(), Some("shop:web_00"));
    assert_eq!(found.place.as_deref(), Some("/srv/conf/s.conf"));
}

#[test]
fn supervisord_is_reached_by_its_file_or_the_address_that_is_its_own() {
    let place = |command: &str, user: u32, daemon: &[u32], address, owner| {
        let seen = Seen {
            variables: [("SUPERVISOR_SERVER_URL", address)].into(),
            owner,
            ..Seen::default()
        };
        let mut line = line(&["nginx", command, "systemd"]);
        line[0].uids = vec![user; 4];
        line[1].uids = daemon.to_vec();
        let found = supervisor(&line, &[line[0].pid], &seen).unwrap();
        found.place.map(|place| place.to_string())
    };
    let (root, http, unix) = ([0; 4], "http://h:1", "unix:///run/s.sock");
    for options in [
        "-c /s.conf",
        "-c/s.conf",
        "--configuration /s.conf",
        "--configuration=/s.conf",
    ] {
        let command = format!("supervisord -n {options}");
        let found = place(&command, 33, &root, http, Some(0));
        assert_eq!(found.as_deref(), Some("/s.conf"), "{options}");
    }
    // Another program of that name could have such a file for root.
    for (users, owner) in [
        (&[0; 4], Some(33)),
        (&[0; 4], None),
        (&[33, 0, 0, 0], Some(0)),
    ] {
        assert_eq!(
            place("supervisord -c /s.conf", 33, users, http, owner),
            None
        );
    }
    // Its folder can't be read: no other server is reached instead.
    assert_eq!(
        place("supervisord -c s.conf", 0, &root, http, Some(0)),
        None
    );
    let by_address = |user, daemon: &[u32], address, owner| {
        place("supervisord -n", user, daemon, address, owner)
    };
    assert_eq!(by_address(0, &root, http, None).as_deref(), Some(http));
    assert_eq!(by_address(33, &root, unix, Some(0)).as_deref(), Some(unix));
    // What another user's program may have written itself.
    assert_eq!(by_address(33, &root, unix, Some(33)), None);
    assert_eq!(by_address(33, &root, http, None), None);
    // `sudo` of some other name.
    assert_eq!(by_address(33, &[33, 0, 0, 0], unix, Some(0)), None);
}

#[test]
fn a_service_folder_that_can_not_be_read_is_below_its_scanner_s() {
    let place = |commands: &[&str]| kept(commands, &Seen::default()).unwrap().place;
    for (commands, folder) in [
        (
            &["nginx", "runsv web", "runsvdir -P /etc/sv log: ..."][..],
            Some("/etc/sv/web"),
        ),
        (
            &["nginx", "supervise web", "svscan /service/"],
            Some("/service/web"),
        ),
        (
            &["nginx", "s6-supervise web", "s6-svscan -d 4 /run/s6"],
            Some("/run/s6/web"),
        ),
        (
            &["nginx", "runsv /etc/sv/web", "systemd"],
            Some("/etc/sv/web"),
        ),
        (&["nginx", "runsv web", "runsvdir sv"], None),
        (&["nginx", "runsv web", "bash /etc/sv"], None),
        (&["nginx", "runsv web"], None),
    ] {
        assert_eq!(place(commands).as_deref(), folder, "{commands:?}");
    }
}

#[test]
fn a_service_folder_is_the_name_that_its_commands_take() {
    let seen = Seen {
        folders: [(102, "/etc/sv/web")].into(),
        ..Seen::default()
    };
    let found = kept(&["nginx", "runsv web", "runsvdir /etc/sv"], &seen).unwrap();
    assert_eq!(found.name.as_deref(), Some("/etc/sv/web"));
}

#[test]
fn what_was_started_by_hand_or_once_is_not_started_again() {
    for commands in [
        &["node server.js", "-bash", "tmux: server", "systemd"][..],
        &["node server.js", "/usr/sbin/cron -f", "systemd"],
        &["node server.js", "sshd-session: ann@pts/0", "systemd"],
        &["node server.js", "npm run dev", "bash", "systemd"],
        &[
            "node server.js",
            "/opt/runner/bin/Runner.Worker spawnclient",
            "systemd",
        ],
        &["node server.js"],
    ] {
        assert_eq!(kind(commands), None, "{commands:?}");
    }
}

#[test]
fn a_script_counts_if_it_has_a_loop_or_can_not_be_read() {
    let of_script = |loops| {
        let seen = Seen {
            loops,
            ..Seen::default()
        };
        kept(&["node server.js", "bash run.sh", "systemd"], &seen).map(|found| found.restarts)
    };
    assert_eq!(of_script(Some(true)), Some(Restarts::Yes));
    assert_eq!(of_script(Some(false)), None);
    assert_eq!(of_script(None), Some(Restarts::Unknown));
}

#[test]
fn an_unknown_parent_counts_if_it_waits_for_this_process_alone() {
    let with = |children: &[Pid], waiting: &[Pid]| {
        let seen = Seen {
            children: [(102, children.to_vec())].into(),
            waiting: waiting.to_vec(),
            ..Seen::default()
        };
        kept(&["node server.js", "./supervisor", "systemd"], &seen).map(|found| found.kind)
    };
    assert_eq!(with(&[103], &[102]), Some(SupervisorKind::UnknownParent));
    assert_eq!(with(&[103, 104], &[102]), None, "it runs other things");
    assert_eq!(
        with(&[103], &[]),
        None,
        "it began with it and waits for nothing"
    );
}

#[test]
fn a_master_that_has_the_port_too_is_passed_over() {
    let line = line(&["nginx", "nginx", "runsv web", "systemd"]);
    let owners = [line[0].pid, line[1].pid];
    let found = supervisor(&line, &owners, &Seen::default()).unwrap();
    assert_eq!(found.kind, SupervisorKind::Runit);
}

/// Nothing said that a program of node or python that had started the server may start it again.
#[test]
fn a_program_of_an_interpreter_that_started_it_is_named() {
    let found = |commands: &[&str]| {
        let line = line(commands);
        interpreter(&line, &[line[0].pid])
    };
    let by_node = found(&["python3 srv.py", "node sup.js", "systemd"]);
    assert_eq!(by_node.as_deref(), Some("node sup.js (102)"));
    for commands in [
        &["python3 srv.py", "bash run.sh", "node sup.js"][..],
        &["python3 srv.py", "./supervisor", "systemd"],
        &["python3 srv.py", "npm start", "systemd"],
        &["python3 srv.py", "node"],
        &["python3 srv.py", "python3 /usr/bin/supervisord", "systemd"],
        &["python3 srv.py"],
    ] {
        assert_eq!(found(commands), None, "{commands:?}");
    }
    let line = line(&["python3 srv.py", "python3 srv.py", "systemd"]);
    assert_eq!(interpreter(&line, &[line[0].pid, line[1].pid]), None);
}
