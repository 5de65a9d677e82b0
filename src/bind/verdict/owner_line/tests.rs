//! The owner line for each way a process can be started.

use std::time::Duration;

use super::*;
use crate::model::{
    Evidence, LeftOver, Moment, Owner, Protocol, Socket, StartedBy, StarterKind, State, Text,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

/// A process with this pid and parent, and these arguments.
fn process(pid: Pid, parent: Pid, name: &str, argv: &[&str]) -> Process {
    Process {
        parent: Some(parent),
        argv: Some(argv.iter().map(|one| Text::new(one)).collect()),
        command: Some(argv.join(" ").as_str().into()),
        ..Process::new(pid, name)
    }
}

fn server(parent: Pid) -> Process {
    Process {
        cwd: Some("/home/ann/shop".into()),
        started_at: Some(at(0)),
        user: Some("ann".into()),
        ..process(50, parent, "python3 pg.py", &["python3", "pg.py"])
    }
}

fn said_of(owners: &[Process], ancestors: &[Process], adjust: impl FnOnce(&mut Socket)) -> String {
    let local: std::net::SocketAddr = "0.0.0.0:80".parse().unwrap();
    let mut socket = Socket::new(Protocol::Tcp, local.into(), None, State::Listen);
    socket.owner = Owner::Known(owners.iter().cloned().map(Arc::new).collect());
    adjust(&mut socket);
    let now = Moment {
        steady: Duration::ZERO,
        wall: at(730),
    };
    let mut evidence = Evidence::new(now, vec![]);
    evidence.limits.home = Some("/home/ann".into());
    let all = owners.iter().chain(ancestors);
    evidence.processes = all.map(|one| (one.pid, Arc::new(one.clone()))).collect();
    sentence(
        &evidence.processes,
        &evidence.limits,
        &Holder::new(socket),
        at(730),
    )
    .unwrap_or_default()
}

fn said(parent: Pid, ancestors: &[Process]) -> String {
    said_of(&[server(parent)], ancestors, |_| {})
}

#[test]
fn a_typed_command_is_described_with_shell_and_terminal() {
    let tmux = process(20, 1, "tmux", &["tmux"]);
    let bash = process(30, 20, "bash", &["-bash"]);
    assert_eq!(
        said(30, &[bash.clone(), tmux]),
        "`python3 pg.py` in `~/shop`, started 12 min ago from bash in tmux by ann."
    );
    let sshd = process(20, 1, "sshd", &["sshd: ann@pts/0"]);
    assert!(said(30, &[bash, sshd]).ends_with("12 min ago from bash over ssh by ann."));
}

#[test]
fn a_shell_that_cron_or_a_program_ran_in_passing_is_left_out() {
    let cron = process(20, 1, "cron", &["/usr/sbin/cron", "-f"]);
    let sh = process(30, 20, "sh", &["/bin/sh", "-c", "cd shop; python3 pg.py"]);
    assert!(said(30, &[sh, cron]).ends_with("started 12 min ago by cron, as ann."));
    let npm = process(30, 1, "node npm-cli.js", &["npm run dev"]);
    assert!(said(30, &[npm]).ends_with("from node npm-cli.js by ann."));
}

#[test]
fn an_adopted_process_is_described_by_its_unit_or_container() {
    let in_unit = said_of(&[server(1)], &[], |socket| {
        socket.unit = Some("web.service".into());
    });
    assert!(in_unit.ends_with("started 12 min ago in web.service by ann."));
    assert!(said(1, &[]).ends_with("`~/shop`, started 12 min ago by ann."));
    let inside = said_of(&[server(1)], &[], |socket| {
        socket.container = Some("0123".into());
    });
    assert!(inside.ends_with("in container 0123 by ann."));
}

/// The server of ann's, started by this and left over.
fn said_of_started(kind: StarterKind, name: &str, left_over: Option<LeftOver>) -> String {
    let server = Process {
        started_by: Some(StartedBy {
            kind,
            name: name.into(),
            pid: None,
        }),
        left_over,
        ..server(1)
    };
    let said = said_of(&[server], &[], |_| {});
    let (_, rest) = said.split_once("12 min ago").unwrap();
    rest.to_owned()
}

#[test]
fn what_started_it_is_said_where_no_ancestor_does() {
    let gone = Some(LeftOver::ParentGone);
    assert_eq!(
        said_of_started(StarterKind::Terminal, "kitty", gone),
        " in kitty by ann; the terminal that started it is gone."
    );
    assert_eq!(
        said_of_started(StarterKind::Agent, "Claude Code", gone),
        " by Claude Code, as ann; the shell that started it is gone."
    );
    assert_eq!(
        said_of_started(StarterKind::Ssh, "ssh", gone),
        " over ssh by ann; the ssh session that started it is gone."
    );
    assert_eq!(
        said_of_started(StarterKind::Ci, "GitHub Actions", gone),
        " in GitHub Actions by ann; the job that started it is gone."
    );
    assert_eq!(
        said_of_started(StarterKind::Service, "web.service", None),
        " in web.service by ann."
    );
    assert_eq!(
        said_of_started(
            StarterKind::Multiplexer,
            "tmux",
            Some(LeftOver::FolderDeleted)
        ),
        " in tmux by ann; its folder was deleted."
    );
}

#[test]
fn the_branch_follows_the_folder_if_that_is_in_the_project() {
    let said = |project: &str, worktree: Option<&str>| {
        let server = Process {
            project: Some(project.into()),
            branch: Some("main".into()),
            worktree: worktree.map(Text::new),
            ..server(1)
        };
        said_of(&[server], &[], |_| {})
    };
    assert!(said("/home/ann", None).contains("in `~/shop` (branch main), started"));
    let named = said("/home/ann/shop", Some("fix"));
    assert!(named.contains("in `~/shop` (branch main, worktree fix), started"));
    // The project is that of its script.
    assert!(said("/home/ann/sho", None).contains("in `~/shop`, started"));
    assert!(said("/srv/api", None).contains("in `~/shop`, started"));
}

#[test]
fn the_master_is_named_not_its_workers() {
    let master = process(40, 1, "nginx", &["nginx: master process"]);
    let worker = process(30, 40, "nginx", &["nginx: worker process"]);
    assert_eq!(
        said_of(&[worker, master], &[], |_| {}),
        "`nginx: master process`."
    );
}

#[test]
fn unknown_parts_are_left_out_and_long_ones_cut() {
    let bare = Process::new(50, "web");
    assert_eq!(said_of(&[bare], &[], |_| {}), "");
    let long = process(50, 1, "web", &["web", &"x".repeat(400)]);
    assert_eq!(
        said_of(&[long], &[], |_| {}).chars().count(),
        MAX_COMMAND + 4
    );
    assert_eq!(said_of(&[], &[], |_| {}), "");
    let ring = process(50, 60, "a", &["a"]);
    assert_eq!(
        said_of(&[ring], &[process(60, 50, "b", &["b"])], |_| {}),
        "`a`, started from b."
    );
}

#[test]
fn a_folder_is_shortened_only_in_the_readers_own_home() {
    assert_eq!(shortened("/home/ann", Some("/home/ann/")), "~");
    assert_eq!(shortened("/home/anna", Some("/home/ann")), "/home/anna");
    assert_eq!(shortened("/srv", Some("/")), "/srv");
    assert_eq!(shortened("/srv", None), "/srv");
}
