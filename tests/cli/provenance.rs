//! Whose a process is: its branch, what started it, whether it is left over, and `--mine`. With real processes of a real
//! tmux and a real ssh server.
//!
//! A server here is `sleep`, which gets a listening socket from `sockeye free PORT -- sleep`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{CWD, Mode, inotify, mkfifoat};
use serde_json::{Value, json};

use crate::cli::scene::{BINARY, Said, stage};
use crate::segment::decompressed;
use crate::support::netns::{has_users, in_netns_with_users, name_of};
use crate::support::pty::Pty;
use crate::support::{is_required, wait_until};

/// What no output may contain.
const SECRET: &str = "hunter2-of-the-environment";

/// A folder of the test's own, removed with it, and the processes that were started in it.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let home = std::env::temp_dir().canonicalize().unwrap();
        let home = home.join(format!("sockeye-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        Self(home)
    }

    fn path(&self, within: &str) -> PathBuf {
        self.0.join(within)
    }

    /// A project on a branch, as git describes its files.
    fn project(&self, name: &str, branch: &str) -> PathBuf {
        let folder = self.path(name);
        std::fs::create_dir_all(folder.join(".git")).unwrap();
        let head = format!("ref: refs/heads/{branch}\n");
        std::fs::write(folder.join(".git/HEAD"), head).unwrap();
        folder
    }

    /// Runs a line of shell in a folder with nothing in its environment but these names, to its end.
    fn run(&self, folder: &Path, names: &[&str], line: &str) {
        let mut command = Command::new("bash");
        command.args(["-c", line]).current_dir(folder).env_clear();
        command.env("PATH", std::env::var("PATH").unwrap());
        command.env("HOME", &self.0).env("SOCKEYE", BINARY);
        for name in names {
            command.env(name, SECRET);
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {error}");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The processes end with the pid namespace of the test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A line of shell that leaves a server on a port behind.
fn server(port: u16) -> String {
    format!("\"$SOCKEYE\" free {port} -- sleep 1000")
}

fn sockeye_in(folder: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(BINARY);
    Said::of(command.args(args).current_dir(folder).output().unwrap())
}

fn sockeye(args: &[&str]) -> Said {
    sockeye_in(Path::new("/"), args)
}

/// The process that listens on a port, once `is_it` is true of it.
fn process(port: u16, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let mut found = Value::Null;
    wait_until(&format!("{what} on {port}"), || {
        let said = sockeye(&["list", "--json", "-l", &format!(":{port}")]);
        let listing: Value = serde_json::from_str(&said.out).unwrap_or_default();
        let pid = listing["sockets"][0]["pids"][0].to_string();
        found = listing["processes"][&pid].clone();
        found["name"] == "sleep" && is_it(&found)
    });
    found
}

fn listening(port: u16) -> Value {
    process(port, "a server", |_| true)
}

/// The line of `check` about the owner.
fn owner_line(port: u16) -> String {
    let said = sockeye(&["check", &port.to_string()]);
    said.out.lines().nth(2).unwrap().to_owned()
}

fn started_by(kind: &str, name: &str) -> Value {
    json!({"kind": kind, "name": name, "pid": null})
}

#[test]
fn a_server_that_an_agent_left_behind_says_so_and_no_value_of_its_environment_is_shown() {
    stage(|| {
        let home = Home::new("agent");
        let shop = home.project("shop", "fix/42");
        // An agent's shell is a session without job control.
        let line = format!(
            "setsid --wait bash -c '{} >log 2>&1 & sleep 0.1'",
            server(9101)
        );
        home.run(&shop, &["CLAUDECODE", "TOKEN"], &line);
        let found = process(9101, "a left-over server", |one| {
            one["left_over"] != Value::Null
        });
        assert_eq!(
            found["started_by"],
            started_by("agent", "Claude Code"),
            "{found:#}"
        );
        assert_eq!(found["left_over"], "parent_gone", "{found:#}");
        assert_eq!(
            (&found["branch"], &found["worktree"]),
            (&json!("fix/42"), &Value::Null)
        );
        let line = owner_line(9101);
        assert!(line.contains("shop` (branch fix/42), started "), "{line}");
        let end = " by Claude Code, as root; the shell that started it is gone.";
        assert!(line.ends_with(end), "{line}");

        let log = home.path("log.seg");
        let log = log.to_str().unwrap();
        let listing = sockeye(&["list", "started:agent", "branch:fix", "is:left-over"]);
        assert_eq!(listing.ports(), [9101], "{listing:?}");
        assert!(listing.out.contains("fix/42") && listing.out.contains("Claude Code, gone"));
        let outputs = [
            vec!["list", "--json", "-a"],
            vec!["list", "--ndjson", "-a"],
            vec!["list", "--csv", "-a"],
            vec!["list", "--json", "--group", "started,branch"],
            vec!["check", "9101"],
            vec!["check", "--json", "9101"],
            vec!["watch", "--json", "--for", "1s", "--record", log],
        ];
        for args in outputs {
            let said = sockeye(&args);
            assert!(!(said.out.clone() + &said.err).contains(SECRET), "{args:?}");
            assert!(
                said.out.contains("9101") || said.out.contains("Claude"),
                "{said:?}"
            );
        }
        let recorded = decompressed(&std::fs::read(log).unwrap());
        assert!(recorded.contains("Claude Code") && !recorded.contains(SECRET));
        let redacted = home.path("redacted.seg");
        let redacted = redacted.to_str().unwrap();
        sockeye(&["watch", "--replay", log, "--record", redacted, "--redact"]);
        let redacted = decompressed(&std::fs::read(redacted).unwrap());
        assert!(redacted.contains("Claude Code") && !redacted.contains("fix/42"));
    });
}

#[test]
fn what_was_meant_to_stay_is_not_left_over() {
    stage(|| {
        let home = Home::new("stays");
        // A session of its own, as a daemon has it.
        let daemon = format!("setsid -f {} </dev/null >log 2>&1", server(9101));
        home.run(&home.0, &["CLAUDECODE"], &daemon);
        let found = process(9101, "a daemon", |one| one["parent"] == 1);
        assert_eq!(found["started_by"], started_by("agent", "Claude Code"));
        // Without job control, and detached, as a daemon that made a session and left it.
        let detached = format!(
            "setsid --wait bash -c '{} </dev/null >/dev/null 2>&1 & sleep 0.1'",
            server(9102)
        );
        home.run(&home.0, &["CLAUDECODE"], &detached);
        // No name says that more than a script started it.
        let script = format!(
            "setsid --wait bash -c '{} >log 2>&1 & sleep 0.1'",
            server(9103)
        );
        home.run(&home.0, &["TOKEN"], &script);
        for port in [9102, 9103] {
            process(port, "an adopted server", |one| one["parent"] == 1);
        }
        for port in [9101, 9102, 9103] {
            assert_eq!(listening(port)["left_over"], Value::Null, "{port}");
        }
        assert_eq!(listening(9103)["started_by"], Value::Null);
        assert_eq!(sockeye(&["list", "is:left-over"]).code, 1);
    });
}

#[test]
fn a_server_whose_folder_was_deleted_is_left_over() {
    stage(|| {
        let home = Home::new("deleted");
        let shop = home.project("shop", "main");
        home.run(&shop, &[], &format!("{} >/dev/null 2>&1 &", server(9101)));
        assert_eq!(listening(9101)["left_over"], Value::Null);
        std::fs::remove_dir_all(&shop).unwrap();
        let found = listening(9101);
        assert_eq!(found["left_over"], "folder_deleted", "{found:#}");
        // Another folder of that name is not the one of this process.
        home.project("shop", "main");
        assert_eq!(listening(9101)["left_over"], "folder_deleted");
        assert!(owner_line(9101).ends_with("; its folder was deleted."));
        let found = sockeye(&[
            "list",
            "--columns",
            "port,started",
            "--no-header",
            "is:left-over",
        ]);
        assert_eq!(
            found.out.split_whitespace().collect::<Vec<_>>(),
            ["9101", "deleted"]
        );
    });
}

#[test]
fn a_server_in_tmux_knows_it_and_is_left_over_when_its_shell_has_ended() {
    stage(|| {
        if Command::new("tmux").arg("-V").output().is_err() {
            assert!(!is_required("tmux"), "tmux is required");
            eprintln!("NOT RUN: no tmux");
            return;
        }
        let home = Home::new("tmux");
        let shop = home.project("shop", "main");
        let tmux = "tmux -S \"$HOME/tmux\" -f /dev/null";
        home.run(
            &shop,
            &["SSH_CONNECTION"],
            &format!("{tmux} new-session -d '{}'", server(9101)),
        );
        let found = listening(9101);
        let by = &found["started_by"];
        assert_eq!(
            (&by["kind"], &by["name"]),
            (&json!("multiplexer"), &json!("tmux"))
        );
        assert!(by["pid"].is_u64(), "{by}");
        assert_eq!(found["left_over"], Value::Null);
        assert!(owner_line(9101).ends_with(" in tmux by root."));

        // A job of an interactive shell, which ends with its window.
        home.run(
            &shop,
            &[],
            &format!("{tmux} new-session -d -s job 'bash --norc -i'"),
        );
        let typed = format!("nohup {} >log 2>&1 &", server(9102))
            .replace('"', "\\\"")
            .replace('$', "\\$");
        home.run(
            &shop,
            &[],
            &format!("{tmux} send-keys -t job \"{typed}\" Enter"),
        );
        let line = |found: &Value| found["started_by"]["pid"].is_u64();
        let found = process(9102, "a job in tmux", line);
        assert_eq!(found["left_over"], Value::Null, "{found:#}");
        assert!(owner_line(9102).contains(" from bash in tmux by root."));
        home.run(&shop, &[], &format!("{tmux} kill-session -t job"));
        let found = process(9102, "a left-over job", |one| {
            one["left_over"] != Value::Null
        });
        assert_eq!(found["started_by"], started_by("multiplexer", "tmux"));
        assert_eq!(found["left_over"], "parent_gone");
        let end = " in tmux by root; the shell that started it is gone.";
        assert!(owner_line(9102).ends_with(end));
        // tmux itself is there to stay.
        assert_eq!(sockeye(&["list", "is:left-over"]).ports(), [9102]);
        home.run(&shop, &[], &format!("{tmux} kill-server"));
    });
}

/// An ssh server on loopback that logs root in by a key of the test's own.
fn ssh_server(home: &Home) -> std::process::Child {
    let config = "Port 2222\nListenAddress 127.0.0.1\nUsePAM no\nPidFile none\nStrictModes no\n\
                  PermitRootLogin yes\nPasswordAuthentication no\n";
    let keys = format!(
        "HostKey {0}/host\nAuthorizedKeysFile {0}/key.pub\n",
        home.0.display()
    );
    std::fs::write(home.path("sshd_config"), config.to_owned() + &keys).unwrap();
    let key = "ssh-keygen -q -t ed25519 -N ''";
    home.run(
        &home.0,
        &[],
        &format!("{key} -f host; {key} -f key; mkdir -p /run/sshd"),
    );
    let mut server = Command::new("/usr/sbin/sshd");
    server
        .args(["-D", "-e", "-f"])
        .arg(home.path("sshd_config"));
    server
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap());
    let child = server.stderr(Stdio::null()).spawn().unwrap();
    wait_until("the ssh server", || {
        std::net::TcpStream::connect("127.0.0.1:2222").is_ok()
    });
    child
}

#[test]
fn a_server_that_was_started_over_ssh_knows_it_and_outlives_its_login() {
    let body = || {
        let is_there = Path::new("/usr/sbin/sshd").exists();
        if !is_there || !has_users() {
            assert!(!is_required("sshd"), "an ssh server is required");
            eprintln!("NOT RUN: no ssh server, or not root");
            return;
        }
        let home = Home::new("ssh");
        let mut sshd = ssh_server(&home);
        let ssh = "ssh -p 2222 -i key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
                   -o LogLevel=ERROR root@127.0.0.1";
        let run = |port| {
            format!(
                "cd {}; {BINARY} free {port} -- sleep 1000",
                home.0.display()
            )
        };
        home.run(
            &home.0,
            &[],
            &format!("{ssh} '{}' >/dev/null 2>&1 &", run(9101)),
        );
        let found = listening(9101);
        let by = &found["started_by"];
        assert_eq!(
            (&by["kind"], &by["name"]),
            (&json!("ssh"), &json!("ssh")),
            "{found:#}"
        );
        assert!(by["pid"].is_u64(), "{by}");
        assert_eq!(found["left_over"], Value::Null);
        home.run(&home.0, &[], &format!("{ssh} '{} >log 2>&1 &'", run(9102)));
        let found = process(9102, "a left-over server", |one| {
            one["left_over"] != Value::Null
        });
        assert_eq!(found["started_by"], started_by("ssh", "ssh"));
        assert_eq!(found["left_over"], "parent_gone");
        let end = " over ssh by root; the ssh session that started it is gone.";
        assert!(owner_line(9102).ends_with(end), "{}", owner_line(9102));
        sshd.kill().unwrap();
        sshd.wait().unwrap();
    };
    in_netns_with_users(name_of_test(&body), body);
}

fn name_of_test<Body>(_: &Body) -> &'static str {
    name_of::<Body>()
}

/// Of a device or a pipe already the opening has effects, and it is root who opens it.
#[test]
fn a_pipe_that_a_user_puts_in_the_place_of_git_is_not_opened() {
    stage(|| {
        let home = Home::new("pipe");
        let shop = home.path("shop");
        std::fs::create_dir_all(&shop).unwrap();
        let pipe = home.path("pipe");
        mkfifoat(CWD, &pipe, Mode::RWXU).unwrap();
        std::os::unix::fs::symlink(&pipe, shop.join(".git")).unwrap();
        let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
        let events = inotify::init(flags).unwrap();
        inotify::add_watch(&events, &pipe, inotify::WatchFlags::OPEN).unwrap();
        home.run(&shop, &[], &format!("{} >/dev/null 2>&1 &", server(9101)));
        let found = process(9101, "a server in a project", |one| {
            one["project"] != Value::Null
        });
        assert_eq!(found["branch"], Value::Null);
        // The same for the folder that the program itself is in.
        let said = sockeye_in(&shop, &["free", "--for", ".", "9200-9300"]);
        assert_eq!(said.code, 0, "{said:?}");
        let mut buffer = [std::mem::MaybeUninit::uninit(); 512];
        let mut opened = inotify::Reader::new(events, &mut buffer);
        assert!(opened.next().is_err(), "the pipe was opened");
    });
}

/// As git's `safe.directory`: in a shared folder such as `/tmp` it would be the project of all that others run below.
#[test]
fn what_another_user_puts_in_a_shared_folder_makes_no_project_of_it() {
    let body = || {
        if !has_users() {
            eprintln!("NOT RUN: no other users here");
            return;
        }
        let home = Home::new("shared");
        let everyone = std::fs::Permissions::from_mode(0o1777);
        std::fs::set_permissions(&home.0, everyone).unwrap();
        let as_user = |uid: u32| format!("setpriv --reuid {uid} --clear-groups");
        let other = as_user(65_534);
        home.run(
            &home.0,
            &[],
            &format!(
                "{other} mkdir .git && {other} bash -c 'echo ref: refs/heads/evil >.git/HEAD'"
            ),
        );
        for (port, uid) in [(9101, 65_533), (9102, 65_534)] {
            let line = format!("{} {} >/dev/null 2>&1 &", as_user(uid), server(port));
            home.run(&home.0, &[], &line);
        }
        let own = process(9102, "that user's server", |one| {
            one["branch"] != Value::Null
        });
        assert_eq!(own["branch"], "evil");
        let found = listening(9101);
        let of_it = (&found["project"], &found["branch"]);
        assert_eq!(of_it, (&Value::Null, &Value::Null));
        // A folder of one user in which another one's server runs is a project.
        let shop = home.project("shop", "main");
        let owner = format!("chown -R 65534 {}", shop.display());
        let line = format!(
            "{owner}; {} {} >/dev/null 2>&1 &",
            as_user(65_533),
            server(9103)
        );
        home.run(&shop, &[], &line);
        let found = process(9103, "a server in a project", |one| {
            one["branch"] != Value::Null
        });
        assert_eq!(found["branch"], "main");
    };
    in_netns_with_users(name_of_test(&body), body);
}

/// What `list --mine` shows is what `end --mine` may end.
#[test]
fn list_and_end_have_one_rule_of_what_is_mine() {
    stage(|| {
        let home = Home::new("rule");
        let [shop, other] = ["shop", "other"].map(|name| home.project(name, "main"));
        // In other sessions than that of the two commands.
        for (port, folder) in [(9101, &shop), (9102, &other), (9103, &home.0)] {
            let line = format!("setsid {} >/dev/null 2>&1 &", server(port));
            home.run(folder, &[], &line);
        }
        // A folder of the same path is another one where something else is mounted.
        let mounted = format!(
            "setsid unshare -m sh -c 'mount --bind \"$HOME/shop\" \"$HOME/other\"; cd \"$HOME/other\"; exec {}' >/dev/null 2>&1 &",
            server(9104)
        );
        home.run(&home.0, &[], &mounted);
        for port in 9101..=9104 {
            process(port, "a server in its folder", |one| {
                port == 9103 || one["project"] != Value::Null
            });
        }
        let script = |folder: &Path| {
            let list = "\"$SOCKEYE\" list --mine --json >list.json";
            let end = "for port in 9101 9102 9103 9104 9105; do \"$SOCKEYE\" end --dry-run --mine $port; done >end.txt";
            // One more in the session of the commands.
            let own = format!("(cd \"$HOME\"; exec {}) >/dev/null 2>&1 &", server(9105));
            let wait = "\"$SOCKEYE\" wait 9105 >/dev/null";
            let line = format!("{own} {wait}; {list}; {end}; kill $!; exit 0");
            std::fs::write(folder.join("script"), line).unwrap();
            home.run(folder, &[], "setsid -w bash script");
            let listed = std::fs::read_to_string(folder.join("list.json")).unwrap();
            let listed: Value = serde_json::from_str(&listed).unwrap();
            let sockets = listed["sockets"].as_array().unwrap().iter();
            let listed: Vec<u64> = sockets
                .map(|one| one["local"]["port"].as_u64().unwrap())
                .collect();
            let ended = std::fs::read_to_string(folder.join("end.txt")).unwrap();
            let planned = ended.lines().filter(|line| line.contains("would send"));
            let planned: Vec<u64> = planned
                .map(|line| line.split(':').next().unwrap().parse().unwrap())
                .collect();
            assert_eq!(listed, planned, "{ended}");
            listed
        };
        assert_eq!(script(&shop), [9101, 9104, 9105]);
        assert_eq!(script(&other), [9102, 9105]);
        assert_eq!(script(&home.0), [9105]);
    });
}

#[test]
fn mine_needs_the_processes_of_this_machine() {
    let said = sockeye(&["list", "--mine", "--replay", "/dev/null"]);
    assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
    assert!(said.err.contains("user:NAME and project:NAME"), "{said:?}");
}

/// `sockeye run` adopts what loses its parent below it, as the first process does.
#[test]
fn what_an_agent_leaves_below_sockeye_run_is_left_over() {
    stage(|| {
        let home = Home::new("run");
        let shop = home.project("shop", "main");
        // The shell of an agent, which is still there.
        let shell = format!("{} >log 2>&1 & sleep 0.1", server(9101));
        std::fs::write(shop.join("shell"), shell).unwrap();
        let agent = format!("setsid --wait bash shell\n{} & wait", server(9102));
        std::fs::write(shop.join("agent"), agent).unwrap();
        // In a terminal, so that it is not the first process that adopts what the agent leaves.
        std::fs::copy("/bin/bash", home.path("alacritty")).unwrap();
        let terminal = "export CLAUDECODE=1; \"$SOCKEYE\" run -- bash agent; :";
        let line = format!("setsid ../alacritty -c '{terminal}' >/dev/null 2>&1 &");
        home.run(&shop, &[], &line);
        // Its parent may be another one until it has ended.
        let parent = |one: &Value| std::fs::read_to_string(format!("/proc/{}/comm", one["parent"]));
        let found = process(9101, "a left-over server", |one| {
            one["left_over"] != Value::Null && parent(one).is_ok_and(|name| name == "sockeye-run\n")
        });
        assert_eq!(found["left_over"], "parent_gone", "{found:#}");
        assert_eq!(found["started_by"], started_by("agent", "Claude Code"));
        assert_eq!(listening(9102)["left_over"], Value::Null);
    });
}

#[test]
fn mine_is_what_this_user_runs_in_this_project() {
    let body = || {
        let home = Home::new("mine");
        let folders = ["shop", "shop-fix"].map(|name| home.project(name, "main"));
        // A linked worktree is another project.
        let git = folders[0].join(".git/worktrees/fix");
        std::fs::create_dir_all(&git).unwrap();
        std::fs::write(git.join("HEAD"), "ref: refs/heads/fix\n").unwrap();
        std::fs::write(git.join("commondir"), "../..\n").unwrap();
        std::fs::remove_dir_all(folders[1].join(".git")).unwrap();
        std::fs::write(
            folders[1].join(".git"),
            format!("gitdir: {}\n", git.display()),
        )
        .unwrap();
        let below = folders[0].join("src/web");
        std::fs::create_dir_all(&below).unwrap();
        for (port, folder) in [
            (9101, &folders[0]),
            (9102, &folders[1]),
            (9103, &home.0),
            (9104, &below),
        ] {
            home.run(folder, &[], &format!("{} >/dev/null 2>&1 &", server(port)));
            listening(port);
        }
        let found = listening(9102);
        assert_eq!(
            (&found["branch"], &found["worktree"]),
            (&json!("fix"), &json!("fix"))
        );
        let mine = |folder: &Path, args: &[&str]| {
            sockeye_in(folder, &[&["list", "--mine"], args].concat())
        };
        assert_eq!(mine(&folders[0], &[]).ports(), [9101, 9104]);
        assert_eq!(mine(&below, &[]).ports(), [9101, 9104]);
        assert_eq!(mine(&below, &[":9104"]).ports(), [9104]);
        // On a small terminal what is the same for all of them makes room for what is not.
        let folder = folders[1].to_str().unwrap();
        let args = ["-C", folder, BINARY, "list", "--mine"];
        let mut pty = Pty::spawn("env", &args, (80, 24), &[]);
        pty.wait_for_text("BRANCH");
        let screen = pty.screen_text();
        assert!(
            screen.contains("BRANCH") && !screen.contains("USER"),
            "{screen}"
        );
        pty.wait_exit();
        assert_eq!(mine(&folders[1], &[]).ports(), [9102]);
        assert_eq!(mine(&folders[1], &[":9101"]).code, 1);
        let watched = sockeye_in(
            &folders[1],
            &["watch", "--mine", "--json", "--for", "500ms"],
        );
        assert!(watched.out.contains("\"port\":9102") && !watched.out.contains("\"port\":9101"));

        // In no project, and nothing is of this session.
        let said = mine(&home.0, &[]);
        assert_eq!((said.code, said.err.as_str()), (1, ""), "{said:?}");

        if !has_users() {
            return;
        }
        // Of another user in the same folder, and that user as root by sudo.
        let as_other = format!(
            "setpriv --reuid 65534 --clear-groups {} >/dev/null 2>&1 &",
            server(9105)
        );
        home.run(&folders[0], &[], &as_other);
        listening(9105);
        assert_eq!(mine(&folders[0], &[]).ports(), [9101, 9104]);
        let mut sudo = Command::new(BINARY);
        sudo.args(["list", "--mine"]).env("SUDO_UID", "65534");
        let said = Said::of(sudo.current_dir(&folders[0]).output().unwrap());
        assert_eq!(said.ports(), [9105], "{said:?}");
        // That user sees the owners of others' sockets as hidden, and nothing of their environment.
        let mut other = Command::new("setpriv");
        other.args([
            "--reuid",
            "65534",
            "--clear-groups",
            BINARY,
            "list",
            "--json",
        ]);
        let said = Said::of(other.current_dir(&folders[0]).output().unwrap());
        assert_eq!(said.json()["sockets"][0]["owner"], "hidden", "{said:?}");
    };
    in_netns_with_users(name_of_test(&body), body);
}
