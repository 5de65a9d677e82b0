//! The table of causes and the words, apart from any kernel. What each row says of real sockets is in
//! `tests/bind/verdicts.rs`.

use std::collections::HashSet;
use std::time::Duration;

use super::*;
use super::{Cause as C, Outcome as O};
use crate::bind::bind_test::predict;
use crate::bind::{Agreement, Frees, ProbeResult, Target, Trial};
use crate::model::{
    Elsewhere, Evidence, Limits, Owner, Process, Protocol, Serving, Socket, SocketOptions, State,
};

fn evidence(holders: Vec<Holder>) -> Evidence {
    let at = Moment {
        steady: Duration::ZERO,
        wall: jiff::Timestamp::UNIX_EPOCH,
    };
    Evidence {
        limits: Limits {
            uid: Some(1000),
            ..Limits::default()
        },
        ..Evidence::new(at, holders)
    }
}

fn holder(state: State, local: &str, remote: Option<&str>) -> Holder {
    let endpoint = |text: &str| text.parse::<std::net::SocketAddr>().unwrap().into();
    let mut socket = Socket::new(Protocol::Tcp, endpoint(local), remote.map(endpoint), state);
    socket.inode = Some(7);
    Holder::new(socket)
}

fn owned(holder: Holder, owner: Owner) -> Holder {
    let mut socket = (*holder.socket).clone();
    socket.owner = owner;
    Holder {
        socket: socket.into(),
        ..holder
    }
}

fn by(name: &str) -> Owner {
    let process = Process {
        user: Some("ann".into()),
        ..Process::new(812, name)
    };
    Owner::Known([process.into()].into())
}

/// A test result in which one bind got this answer.
fn answered(target: &str, answer: &'static str, evidence: Evidence) -> BindTestResult {
    let target: Target = target.parse().unwrap();
    let address = match target.address {
        crate::bind::Address::One(one) => one,
        _ => "0.0.0.0".parse().unwrap(),
    };
    let result = match answer {
        "ok" => ProbeResult::Ok,
        name => ProbeResult::Errno(name.into()),
    };
    let probe = Probe {
        address,
        v6only: address.is_ipv6().then_some(false),
        reuse_address: true,
        result,
    };
    BindTestResult {
        caller: None,
        caller_pid: None,
        trials: vec![Trial {
            prediction: predict((&target, None), &evidence, (address, probe.v6only), true),
            probe,
        }],
        target,
        evidence,
        agreement: Agreement::Agreed,
    }
}

fn judged(test_result: &BindTestResult) -> Verdict {
    Verdict::of(test_result, &TimeZone::UTC, test_result.evidence.taken_at)
}

fn verdict(target: &str, answer: &'static str, holders: Vec<Holder>) -> Verdict {
    judged(&answered(target, answer, evidence(holders)))
}

#[test]
fn every_cause_has_its_row() {
    let rows: HashSet<_> = causes::TABLE.iter().map(|row| row.0).collect();
    assert_eq!(rows.len(), 25, "as many as `Cause` has");
}

#[test]
fn every_row_explains_itself_even_if_facts_are_unknown() {
    let test_result = answered("80", "EADDRINUSE", evidence(Vec::new()));
    let now = test_result.evidence.taken_at;
    let zone = TimeZone::UTC;
    let case = Case::of(&test_result, &zone, now);
    for (cause, _, _, explain) in causes::TABLE {
        let explanation = explain(&case);
        assert!(explanation.details.iter().all(|text| !text.is_empty()));
        assert!(!explanation.summary.ends_with(' '), "{cause:?}");
    }
}

#[test]
fn errors_come_before_holders() {
    let listener = || vec![holder(State::Listen, "127.0.0.1:80", None)];
    let found = |target, answer| {
        let verdict = verdict(target, answer, listener());
        (verdict.outcome, verdict.cause)
    };
    let elsewhere = "192.0.2.1:80";
    assert_eq!(
        found(elsewhere, "EADDRNOTAVAIL"),
        (O::Unavailable, C::AddressNotLocal)
    );
    assert_eq!(
        found("[fe80::1]:80", "EINVAL"),
        (O::Unavailable, C::ScopeNeeded)
    );
    assert_eq!(found("80", "EINVAL"), (O::Unavailable, C::ProbeFailed));
    assert_eq!(found("80", "EMFILE"), (O::Unavailable, C::ProbeFailed));
    assert_eq!(found("80", "EPERM"), (O::Denied, C::CgroupPolicy));
    assert_eq!(found("80", "EACCES"), (O::Denied, C::Policy));
    assert_eq!(
        found("[::1]:80", "EAFNOSUPPORT"),
        (O::Unavailable, C::Ipv6Off)
    );
}

/// The listener on every address was listed as in the way of an address that this host lacks, and its command line was
/// a sentence without a subject.
#[test]
fn nothing_is_in_the_way_of_an_address_that_this_host_lacks() {
    let server = || {
        let mut process = Process::new(812, "python3 -m http.server");
        process.command = Some("python3 -m http.server 80".into());
        let owner = Owner::Known([process.into()].into());
        vec![owned(holder(State::Listen, "0.0.0.0:80", None), owner)]
    };
    for (target, answer, cause) in [
        ("192.0.2.1:80", "EADDRNOTAVAIL", C::AddressNotLocal),
        ("[fe80::1]:80", "EINVAL", C::ScopeNeeded),
        ("[::1]:80", "EAFNOSUPPORT", C::Ipv6Off),
    ] {
        let verdict = verdict(target, answer, server());
        assert_eq!((verdict.cause, verdict.blockers.len()), (cause, 0));
        let mut details = verdict.details.iter();
        assert!(
            !details.any(|text| text.contains("http.server")),
            "{verdict:?}"
        );
    }
}

/// The fix had no warning. A connection that its peer has closed leaves nothing.
#[test]
fn ending_a_connection_warns_of_what_it_leaves() {
    let fix = |state, reuses: Option<bool>, caller_reuses: Option<bool>| {
        let local = "127.0.0.1:8080";
        let mut connection = owned(holder(state, local, Some("127.0.0.1:9")), by("curl"));
        connection.options = reuses.map(|reuse_address| SocketOptions {
            reuse_address,
            reuse_port: false,
        });
        let mut result = answered("0.0.0.0:8080", "EADDRINUSE", evidence(vec![connection]));
        if let Some(reuses) = caller_reuses {
            result.caller_pid = Some(7);
            let trial = &mut result.trials[0];
            trial.probe.reuse_address = reuses;
            let target = (&result.target, None);
            trial.prediction = predict(target, &result.evidence, trial.probe.bind(), reuses);
        }
        let verdict = judged(&result);
        let mut fixes = verdict.fixes.into_iter();
        let fix = fixes.find(|fix| fix.command.as_deref() == Some("kill 812"));
        let fix = fix.unwrap();
        (fix.frees, fix.warning)
    };
    let warning = |server: &str| {
        let text = format!(
            "Its connection may then stay in TIME_WAIT for a minute, in which {server} can start."
        );
        Some(text)
    };
    let (no, yes) = (Frees::No, Frees::Yes);
    let open = State::Established;
    assert_eq!(fix(open, Some(false), None), (no, warning("no server")));
    assert_eq!(fix(open, None, None), (no, warning("no server")));
    let plain = warning("no server without SO_REUSEADDR");
    assert_eq!(fix(open, Some(true), Some(false)), (no, plain));
    assert_eq!(fix(State::CloseWait, Some(false), None), (yes, None));
}

/// The fix was to end the program whose call failed. What else has the port is ended by a fix that does not free it alone.
#[test]
fn a_program_that_has_the_port_itself_is_not_ended() {
    let of = |pid, local: &str| {
        let process = Process::new(pid, "node");
        let owner = Owner::Known([process.into()].into());
        owned(holder(State::Listen, local, None), owner)
    };
    let mut result = answered(
        "0.0.0.0:80",
        "EADDRINUSE",
        evidence(vec![of(812, "127.0.0.1:80"), of(813, "127.0.0.2:80")]),
    );
    result.caller_pid = Some(812);
    let verdict = judged(&result);
    assert_eq!(
        verdict.summary,
        "The program has the port itself: node (pid 812) listens on 127.0.0.1:80, and node (pid 813) on 127.0.0.2:80."
    );
    let [own, other, ..] = verdict.fixes.as_slice() else {
        panic!("{verdict:?}");
    };
    assert_eq!(own.command, None);
    assert_eq!(
        (other.command.as_deref(), other.frees),
        (Some("kill 813"), Frees::No)
    );
    result.caller_pid = Some(7);
    assert_eq!(
        judged(&result).fixes[0].command.as_deref(),
        Some("kill 812 813")
    );
}

#[test]
fn a_denied_port_says_what_the_table_knows() {
    let mut evidence = evidence(vec![owned(
        holder(State::Listen, "0.0.0.0:80", None),
        by("nginx"),
    )]);
    evidence.limits.unprivileged_from = Some(1024);
    let verdict = judged(&answered("80", "EACCES", evidence));
    assert_eq!(verdict.cause, Cause::PrivilegedPort);
    let dump = "A bind can't show whether the port is in use. The socket table shows nginx (pid 812, ann) on \
                0.0.0.0:80 (LISTEN).";
    assert_eq!(verdict.details, [dump]);
    assert_eq!(verdict.with_reuse_address, Start::Unknown);
}

#[test]
fn a_listener_goes_before_what_it_serves_and_a_known_owner_before_a_hidden_one() {
    let peer = Some("127.0.0.1:9");
    let holders = vec![
        owned(
            holder(State::Established, "127.0.0.1:80", peer),
            by("worker"),
        ),
        owned(holder(State::Listen, "127.0.0.1:80", None), Owner::Hidden),
        owned(holder(State::Listen, "0.0.0.0:80", None), by("nginx")),
    ];
    let verdict = verdict("80", "EADDRINUSE", holders);
    assert_eq!(verdict.cause, Cause::Listener);
    assert_eq!(
        verdict.summary,
        "nginx (pid 812, ann) listens on 0.0.0.0:80, and an unknown process on \
         127.0.0.1:80."
    );
}

#[test]
fn systemd_is_never_ended() {
    let mut listener = owned(holder(State::Listen, "0.0.0.0:80", None), by("systemd"));
    listener.activation = Some(crate::model::Activation {
        socket_unit: "web.socket".into(),
        service: "web.service".into(),
    });
    let verdict = verdict("80", "EADDRINUSE", vec![listener]);
    let says = "systemd for web.socket (it starts web.service) listens on 0.0.0.0:80.";
    assert_eq!(verdict.summary, says);
    let commands: Vec<_> = verdict
        .fixes
        .iter()
        .filter_map(|one| one.command.as_deref())
        .collect();
    assert_eq!(commands, ["sudo systemctl stop web.socket"]);
    assert_eq!(verdict.notes[0].code, NoteCode::SystemdSocket);
}

#[test]
fn an_invisible_holder_has_a_check_as_root_and_another_port() {
    let verdict = verdict("80", "EADDRINUSE", Vec::new());
    assert_eq!(verdict.cause, Cause::InvisibleHolder);
    let fixes: Vec<_> = verdict.fixes.iter().map(ToString::to_string).collect();
    assert_eq!(
        fixes,
        [
            "Run `sudo sockeye check 80`: root may see what has it.",
            "Use another port."
        ]
    );
}

#[test]
fn hostile_names_stay_harmless_in_every_sentence() {
    let listener = owned(
        holder(State::Listen, "0.0.0.0:80", None),
        by("\x1b[2J{who}[x]\n"),
    );
    let verdict = verdict("80", "EADDRINUSE", vec![listener]);
    let says = r"\x1b[2J{who}[x]\n (pid 812, ann) listens on 0.0.0.0:80.";
    assert_eq!(verdict.summary, says);
}

#[test]
fn since_is_that_of_the_process_that_is_named() {
    let started = |pid, second| {
        let process = Process {
            started_at: jiff::Timestamp::from_second(second).ok(),
            ..Process::new(pid, "nginx")
        };
        std::sync::Arc::new(process)
    };
    let both = Owner::Known([started(812, 60), started(900, 0)].into());
    let listener = owned(holder(State::Listen, "0.0.0.0:80", None), both);
    let mut evidence = evidence(vec![listener]);
    evidence.taken_at.wall = jiff::Timestamp::from_second(100).unwrap();
    let summary = judged(&answered("80", "EADDRINUSE", evidence)).summary;
    assert_eq!(
        summary,
        "nginx (pid 812 and 1 more, running since 00:01:00) listens on 0.0.0.0:80."
    );
}

#[test]
fn a_removed_address_is_explained_with_its_last_owner() {
    let listener = owned(holder(State::Listen, "192.0.2.7:80", None), by("nginx"));
    let evidence = evidence(vec![listener]);
    let verdict = judged(&answered("192.0.2.7:80", "EADDRNOTAVAIL", evidence));
    assert_eq!(verdict.cause, Cause::AddressNotLocal);
    let says = "nginx (pid 812, ann) still listens on it: it was an address of this host when that socket \
                was opened.";
    assert!(
        verdict.details.iter().any(|detail| detail == says),
        "{:?}",
        verdict.details
    );
}

#[test]
fn a_tunnel_is_named_with_its_destination() {
    let says = |name: Option<&str>| {
        let background = crate::model::Background {
            behind: Some(crate::model::Behind {
                name: name.map(Into::into),
                ..crate::model::Behind::new(crate::model::BehindKind::SshForward)
            }),
            ..crate::model::Background::new(812)
        };
        let mut listener = owned(holder(State::Listen, "127.0.0.1:80", None), by("ssh"));
        listener.backgrounds = vec![background];
        verdict("127.0.0.1:80", "EADDRINUSE", vec![listener]).details[0].clone()
    };
    assert_eq!(
        says(Some("ann@pluto")),
        "It is a tunnel of ssh to ann@pluto."
    );
    assert_eq!(says(None), "It is a tunnel of ssh.");
}

/// Of a script that may start the server again, the text said nothing.
#[test]
fn a_script_that_may_start_the_server_again_is_named() {
    use crate::model::{Background, Restarts, Supervisor, SupervisorKind};
    let mut listener = owned(holder(State::Listen, "127.0.0.1:80", None), by("nginx"));
    listener.backgrounds = vec![Background {
        kept_by: Some(Supervisor {
            pid: Some(40),
            process: Some("bash five.sh".into()),
            restarts: Restarts::Unknown,
            ..Supervisor::new(SupervisorKind::ShellLoop)
        }),
        ..Background::new(812)
    }];
    let verdict = verdict("127.0.0.1:80", "EADDRINUSE", vec![listener]);
    let says = "It may be started again by bash five.sh (40).";
    assert_eq!(verdict.details[0], says);
}

/// Of a program that started the server, the text did not say that it may start it again.
#[test]
fn a_program_that_started_the_server_is_named() {
    let mut listener = owned(holder(State::Listen, "127.0.0.1:80", None), by("nginx"));
    listener.backgrounds = vec![crate::model::Background {
        started_by: Some("node sup.js (40)".into()),
        ..crate::model::Background::new(812)
    }];
    let verdict = verdict("127.0.0.1:80", "EADDRINUSE", vec![listener]);
    let says = "node sup.js (40), which started it, may start it again.";
    assert_eq!(verdict.details[0], says);
}

fn inside() -> crate::model::Inside {
    let namespace = crate::model::Namespace {
        id: crate::model::NamespaceId(1),
        inode: Some(4_026_532_254),
        cookie: None,
        name: "web".into(),
        container: None,
    };
    crate::model::Inside {
        namespace: namespace.into(),
        option: Some("web".into()),
        enter: Some(crate::model::NamespaceFile::Process(812)),
    }
}

#[test]
fn commands_that_change_the_network_run_in_the_namespace_of_the_test() {
    let connection = holder(State::CloseWait, "127.0.0.1:80", Some("127.0.0.1:9"));
    let mut found = evidence(vec![owned(connection, Owner::None)]);
    found.limits.ephemeral = Some(1..=100);
    found.limits.reserved = Some(Vec::new());
    found.limits.inside = Some(inside().into());
    let result = answered("80", "EADDRINUSE", found);
    let zone = TimeZone::UTC;
    let case = Case::of(&result, &zone, result.evidence.taken_at);
    let drop = case.drop_connections().unwrap();
    assert_eq!(
        drop.command.as_deref(),
        Some("sudo nsenter -t 812 -n ss -Kt state close-wait 'src 127.0.0.1:80'")
    );
    let reserve = case.reserve_port().unwrap();
    assert_eq!(
        reserve.command.as_deref(),
        Some("sudo nsenter -t 812 -n sysctl net.ipv4.ip_local_reserved_ports=80")
    );
    assert_eq!(
        case.check_as_root().as_deref(),
        Some("sudo sockeye check -N web 80")
    );
    let verdict = Verdict::of(&result, &zone, result.evidence.taken_at);
    assert_eq!(
        verdict.namespace.unwrap().describe(),
        "network namespace web"
    );
}

/// The name of a namespace was part of a command of root, as it is: `a;touch pwn`.
#[test]
fn the_path_of_a_namespace_is_one_word_of_a_command() {
    let path = "/run/netns/a;touch pwn";
    let inside = crate::model::Inside {
        option: Some("a;touch pwn".into()),
        enter: Some(crate::model::NamespaceFile::Path(path.into())),
        ..inside()
    };
    let mut found = evidence(Vec::new());
    found.limits.inside = Some(inside.into());
    let result = answered("80", "EADDRINUSE", found);
    let zone = TimeZone::UTC;
    let case = Case::of(&result, &zone, result.evidence.taken_at);
    assert_eq!(
        case.in_namespace("ip address"),
        "`nsenter '--net=/run/netns/a;touch pwn' ip address`"
    );
    assert_eq!(
        case.check_as_root().as_deref(),
        Some("sudo sockeye check -N 'a;touch pwn' 80")
    );
}

#[test]
fn where_no_command_leads_there_the_namespace_is_named_instead() {
    let inside = crate::model::Inside {
        option: None,
        enter: None,
        ..inside()
    };
    let mut found = evidence(Vec::new());
    found.limits.inside = Some(inside.into());
    found.limits.ephemeral = Some(1..=100);
    found.limits.reserved = Some(Vec::new());
    let result = answered("80", "EADDRINUSE", found);
    let zone = TimeZone::UTC;
    let case = Case::of(&result, &zone, result.evidence.taken_at);
    assert_eq!(
        case.in_namespace("ip address"),
        "`ip address` in network namespace web"
    );
    assert_eq!(case.check_as_root(), None);
    let reserve = case.reserve_port().unwrap();
    assert_eq!(reserve.command, None);
    assert_eq!(
        reserve.text,
        "Reserve the port, so that the kernel gives it to no client: as root, \
         `sysctl net.ipv4.ip_local_reserved_ports=80` in network namespace web"
    );
}

#[test]
fn a_socket_elsewhere_is_named_with_its_container_and_where_that_publishes_it() {
    let elsewhere = |published_on, is_outside: bool| Elsewhere {
        local: "0.0.0.0:80".parse::<std::net::SocketAddr>().unwrap().into(),
        owner: Some(Serving {
            pid: 7,
            name: "nginx".into(),
        }),
        member: 7,
        container: (!is_outside).then(|| "web".into()),
        unit: None,
        is_outside,
        published_on,
    };
    for (published, outside, text) in [
        (
            Some(vec![8080]),
            false,
            "nginx in container web (pid 7) has 0.0.0.0:80 (published on port 8080)",
        ),
        (
            Some(vec![]),
            false,
            "nginx in container web (pid 7) has 0.0.0.0:80 (not published)",
        ),
        (None, false, "nginx in container web (pid 7) has 0.0.0.0:80"),
        (
            None,
            true,
            "nginx (pid 7) has 0.0.0.0:80, outside, where sockeye runs",
        ),
    ] {
        let mut found = evidence(Vec::new());
        found.elsewhere = vec![elsewhere(published, outside)];
        let result = answered("80", "ok", found);
        let verdict = Verdict::of(&result, &TimeZone::UTC, result.evidence.taken_at);
        let note = verdict
            .notes
            .iter()
            .find(|note| note.code == NoteCode::OtherNamespace);
        let message = &note.unwrap().message;
        let expected = format!("The port is also in use in another network namespace: {text}. ");
        assert!(message.starts_with(&expected), "{message}");
    }
}
