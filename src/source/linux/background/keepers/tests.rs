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
}

impl Look for Seen {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|&value| value.to_owned())
    }

    fn folder(&self, pid: Pid) -> Option<Text> {
        self.folders.get(&pid).map(|&folder| folder.into())
    }

    fn has_loop(&self, _: &Facts) -> Option<bool> {
        self.loops
    }

    fn clustered(&self, _: Pid) -> Option<String> {
        self.clustered.map(str::to_owned)
    }

    fn children(&self, pid: Pid) -> Vec<Pid> {
        self.children.get(&pid).cloned().unwrap_or_default()
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
            ..Facts::default()
        }
    };
    (0..count).zip(commands).map(facts).collect()
}

fn kept(commands: &[&str], seen: &Seen) -> Option<KeptBy> {
    let line = line(commands);
    keeper(&line, &[line[0].pid], seen)
}

fn kind(commands: &[&str]) -> Option<(KeeperKind, Restarts)> {
    let found = kept(commands, &Seen::default())?;
    Some((found.kind, found.restarts))
}

#[test]
fn each_supervisor_is_known_by_its_name() {
    use KeeperKind as K;
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
        let found = keeper(&line, &[line[0].pid], &Seen::default());
        let found = found.map(|found| (found.kind, found.restarts));
        assert_eq!(found, Some((expected, restarts)), "{parent}");
    }
}

#[test]
fn pm2_gives_the_name_of_the_app_and_its_home() {
    let seen = Seen {
        variables: [("name", "shop"), ("pm_exec_path", "/srv/shop.js")].into(),
        ..Seen::default()
    };
    let daemon = "node|PM2 v5.3.0: God Daemon (/home/ann/.pm2)";
    let found = kept(&["node /srv/shop.js", daemon, "systemd"], &seen).unwrap();
    assert_eq!((found.kind, found.pid), (KeeperKind::Pm2, Some(102)));
    let names = (found.name.as_deref(), found.place.as_deref());
    assert_eq!(names, (Some("shop"), Some("/home/ann/.pm2")));
    // In cluster mode the daemon itself has the port.
    let cluster = kept(&[daemon, "systemd"], &Seen::default()).unwrap();
    assert_eq!((cluster.kind, cluster.name), (KeeperKind::Pm2, None));
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
        kept(&["node server.js", "./keeper", "systemd"], &seen).map(|found| found.kind)
    };
    assert_eq!(with(&[103], &[102]), Some(KeeperKind::UnknownParent));
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
    let found = keeper(&line, &owners, &Seen::default()).unwrap();
    assert_eq!(found.kind, KeeperKind::Runit);
}

#[test]
fn what_people_work_in_starts_nothing_again() {
    for command in [
        "vim -c !serve",
        "python3",
        "node --inspect",
        "python3 -m ipykernel_launcher -f x",
    ] {
        assert!(is_launcher(&line(&[command])[0]), "{command}");
    }
    for command in ["python3 serve.py", "python3 -c loop()", "./daemon"] {
        assert!(!is_launcher(&line(&[command])[0]), "{command}");
    }
}
