//! Nothing that was to be hidden is in a recording, and what was equal still is. Whole snapshots are tried in
//! `tests/properties`.

use super::*;
use crate::model::{LeftOver, Protocol, State};

fn pseudonyms(addresses: &[&str]) -> Vec<String> {
    let mut given = Addresses::default();
    let pseudonym = |address: &&str| given.pseudonym(address.parse().unwrap()).to_string();
    addresses.iter().map(pseudonym).collect()
}

#[test]
fn an_address_keeps_its_family_and_its_reach() {
    for (address, shown) in [
        ("0.0.0.0", "0.0.0.0"),
        ("::", "::"),
        ("127.0.0.53", "127.0.0.53"),
        ("::1", "::1"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
        ("255.255.255.255", "255.255.255.255"),
        ("10.1.2.3", "10.0.0.1"),
        ("172.20.1.1", "172.16.0.1"),
        ("192.168.178.20", "192.168.0.1"),
        ("100.70.1.1", "100.64.0.1"),
        ("169.254.9.9", "169.254.0.1"),
        ("239.1.2.3", "224.0.0.1"),
        ("8.8.8.8", "240.0.0.1"),
        ("::ffff:8.8.8.8", "::ffff:240.0.0.1"),
        ("fe80::dead:beef", "fe80::1"),
        ("fd12:3456::1", "fd00::1"),
        ("ff02::fb", "ff02::1"),
        ("ff05::2", "ff05::1"),
        ("2606:4700::1111", "2001:db8::1"),
    ] {
        assert_eq!(pseudonyms(&[address]), [shown], "{address}");
    }
}

#[test]
fn the_same_address_has_the_same_pseudonym_mapped_or_not() {
    let given = pseudonyms(&[
        "8.8.8.8",
        "9.9.9.9",
        "8.8.8.8",
        "::ffff:9.9.9.9",
        "10.0.0.9",
    ]);
    let expected = [
        "240.0.0.1",
        "240.0.0.2",
        "240.0.0.1",
        "::ffff:240.0.0.2",
        "10.0.0.1",
    ];
    assert_eq!(given, expected);
}

#[test]
fn no_address_is_its_own_pseudonym() {
    assert_eq!(
        pseudonyms(&["10.0.0.1", "10.0.0.2"]),
        ["10.0.0.2", "10.0.0.3"]
    );
}

#[test]
fn a_unit_keeps_its_kind() {
    let mut names = Names::default();
    let mut unit = |name: &str| names.unit(&name.into()).to_string();
    assert_eq!(unit("acme.service"), "unit1.service");
    assert_eq!(unit("user@4711.service"), "user@2.service");
    assert_eq!(unit("docker-0123456789ab.scope"), "docker-3.scope");
    assert_eq!(unit("app-acme-77.scope"), "unit4.scope");
    assert_eq!(unit("acme.service"), "unit1.service");
    assert_eq!(unit("acme"), "unit5");
}

#[test]
fn root_and_loopback_stay_and_others_are_numbered() {
    let mut names = Names::default();
    let users =
        ["root", "ann", "bob", "ann"].map(|name| names.numbered("user", &name.into()).to_string());
    assert_eq!(users, ["root", "user1", "user2", "user1"]);
    assert_eq!(
        [0, 4711, 70, 4711].map(|uid| names.uid(uid)),
        [0, 1001, 1002, 1001]
    );
    let interfaces = ["lo", "wg-acme"].map(|name| names.numbered("if", &name.into()).to_string());
    assert_eq!(interfaces, ["lo", "if1"]);
}

#[test]
fn a_problem_says_only_what_kind_it_is() {
    let told = Problem::new(
        ProblemCode::RecordingEnded,
        "/home/ann/acme.jsonl: disk full",
    );
    let redacted = problem(&told);
    assert_eq!(redacted.code, told.code);
    assert!(!redacted.message.contains("ann") && !redacted.brief.contains("ann"));
}

#[test]
fn a_command_line_becomes_the_name() {
    let process = Arc::new(Process {
        parent: Some(1),
        command: Some("/home/ann lee/bin/node --token secret".into()),
        user: Some("ann".into()),
        uid: Some(1000),
        executable: Some("/home/ann lee/bin/node".into()),
        argv: Some(["node".into(), "--token".into(), "secret".into()].into()),
        cwd: Some("/home/ann lee".into()),
        project: Some("/home/ann lee/acme".into()),
        branch: Some("acme-merger".into()),
        worktree: Some("acme".into()),
        started_by: Some(StartedBy {
            kind: StarterKind::Service,
            name: "acme.service".into(),
            pid: None,
        }),
        left_over: Some(LeftOver::FolderDeleted),
        name: "node acme.js".into(),
        ..Process::new(7, "node")
    });
    let local = Endpoint::new([127, 0, 0, 1].into(), 80);
    let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
    socket.owner = Owner::Known([process].into());
    let redacted = Redactor::default().socket(&socket);
    let process = &redacted.owner.processes()[0];
    assert_eq!(
        (&*process.name, process.command.as_deref()),
        ("node", Some("node"))
    );
    assert_eq!((process.pid, process.user.as_deref()), (7, Some("user1")));
    assert_eq!(
        (&process.executable, &process.argv, &process.cwd),
        (&None, &None, &None)
    );
    assert_eq!(
        (&process.project, &process.branch, &process.worktree),
        (&None, &None, &None)
    );
    let by = process.started_by.as_ref().unwrap();
    assert_eq!(&*by.name, "unit1.service");
    assert_eq!(process.left_over, Some(LeftOver::FolderDeleted));
    assert_eq!((process.uid, &*process.comm), (Some(1001), "node"));
}
