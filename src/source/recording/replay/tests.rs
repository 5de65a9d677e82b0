//! What was recorded comes back, and nothing that a file can hold does harm.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::model::{
    ClosedSocket, Container, Endpoint, Engine, EphemeralPorts, Kinds, LeftOver, LostCloses,
    Namespace, NamespaceId, Owner, Problem, ProblemCode, Process, Protocol, Published, PublishedBy,
    Queue, Socket, StartedBy, StarterKind, State, TcpInfo, Text, TimeWaitReuse,
};
use crate::source::recording::lines::LinesWriter;

fn at(seconds: i64) -> Moment {
    let steady = Duration::from_secs(seconds.unsigned_abs());
    Moment {
        steady,
        wall: Timestamp::from_second(1_000_000 + seconds).unwrap(),
    }
}

fn process(pid: u32) -> Arc<Process> {
    Arc::new(Process {
        parent: Some(1),
        command: Some(Text::new("server --port 80")),
        started_at: Some(Timestamp::from_second(500).unwrap()),
        started_at_tick: Some(50_012),
        user: Some(Text::new("ann")),
        uid: Some(1000),
        comm: "MainThread".into(),
        executable: Some("/usr/bin/server".into()),
        argv: Some(["server".into(), "".into(), Text::whole(&"x".repeat(5000))].into()),
        cwd: Some("/srv".into()),
        project: Some("/srv/shop".into()),
        branch: Some("main".into()),
        worktree: Some("shop-fix".into()),
        started_by: Some(StartedBy {
            kind: StarterKind::Multiplexer,
            name: "tmux".into(),
            pid: Some(9),
        }),
        left_over: Some(LeftOver::ParentGone),
        session: Some(8),
        ..Process::new(pid, "server")
    })
}

/// A socket of every kind of owner, with and without everything that may be unknown.
fn snapshot(at: Moment) -> Snapshot {
    let (one, two) = (process(10), process(20));
    let local = Endpoint::new([0, 0, 0, 0].into(), 80);
    let plain = Socket::new(Protocol::Udp, local, None, State::Unconn);
    let whole = Socket {
        remote: Some("[::1]:9".parse::<std::net::SocketAddr>().unwrap().into()),
        inode: Some(u32::MAX),
        uid: Some(1000),
        user: Some(Text::new("ann")),
        owner: Owner::Known([one.clone(), two.clone()].into()),
        dual_stack: Some(false),
        interface: Some(Text::new("lo")),
        queue: Some(Queue {
            receive: 1,
            send: 128,
        }),
        unit: Some(Text::new("server.service")),
        container: Some(Text::new("0123456789ab")),
        expires_in: Some(std::time::Duration::from_millis(59_999)),
        ..Socket::new(Protocol::Tcp, local, None, State::Listen)
    };
    let owners = [
        Owner::Hidden,
        Owner::Kernel,
        Owner::None,
        Owner::Former([two.clone()].into()),
    ];
    let others = owners.map(|owner| Socket {
        owner,
        ..plain.clone()
    });
    Snapshot {
        kinds: Kinds::DEFAULT,
        late_namespaces: Vec::new(),
        counters: None,
        closed: Vec::new(),
        lost_closes: LostCloses::default(),
        ephemeral: Some(EphemeralPorts {
            range: 32_768..=60_999,
            reserved: vec![40_000..=40_009],
            reuse: TimeWaitReuse::Loopback,
        }),
        taken_at: at,
        sockets: std::iter::once(whole).chain(others).collect(),
        processes: [one, two, process(1)]
            .map(|process| (process.pid, process))
            .into(),
        problems: vec![Problem {
            code: ProblemCode::HiddenOwners,
            count: Some(1),
            message: Text::new("the owner of 1 socket is hidden"),
            brief: Text::new("1 owner hidden"),
        }],
    }
}

/// A file that is removed with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn open(recording: &str) -> Result<Replay, SourceError> {
    Replay::read(
        "a.jsonl".into(),
        Box::new(Cursor::new(recording.to_owned())),
        100_000,
    )
}

fn complaint(recording: &str) -> String {
    match open(recording) {
        Ok(_) => panic!("accepted: {recording}"),
        Err(error) => error.to_string(),
    }
}

/// A frame with these sockets and processes.
fn frame(sockets: &str, processes: &str) -> String {
    format!(
        r#"{{"schema":1,"taken_at":{{"steady":{{"secs":1,"nanos":0}},"wall":"2026-01-02T03:04:05Z"}},"sockets":[{sockets}],"processes":[{processes}],"problems":[]}}"#
    )
}

fn socket(owner: &str, pids: &str) -> String {
    format!(
        r#"{{"protocol":"tcp","local":{{"address":"0.0.0.0","port":80}},"state":"LISTEN","owner":"{owner}","pids":[{pids}]}}"#
    )
}

const PROCESS: &str =
    r#"{"pid":7,"parent":null,"name":"x\u001b[2J","command":null,"started_at":null,"user":null}"#;

#[test]
fn what_was_recorded_comes_back_equal() {
    let file = Scratch::new("round-trip");
    let mut recorder = LinesWriter::create(&file.0);
    let snapshots = [snapshot(at(1)), snapshot(at(2))];
    for snapshot in &snapshots {
        recorder.add(snapshot);
    }
    let mut replay = Replay::open(&file.0).unwrap();
    for snapshot in &snapshots {
        assert_eq!(&replay.take(snapshot.taken_at).unwrap(), snapshot);
    }
}

/// The same address in our namespace, in a container's and in another, and a port that only a rule publishes.
fn namespaces() -> Vec<Socket> {
    let container = Some(Arc::new(Container {
        engine: Some(Engine::Docker),
        id: Some("0123456789ab".into()),
        name: "web".into(),
        image: Some("nginx:1".into()),
        project: Some("shop".into()),
        service: Some("web".into()),
        pod: None,
    }));
    let other = |id, container| {
        Some(Arc::new(Namespace {
            id: NamespaceId(id),
            inode: Some(4_026_532_000).filter(|_| id == 1),
            cookie: None,
            name: ["web", "blue"][id as usize - 1].into(),
            container,
        }))
    };
    let published = |by| {
        Some(Arc::new(Published {
            relay: None,
            by,
            container: container.clone(),
            address: Some([172, 17, 0, 2].into()),
            port: Some(80),
            process: Some((10, "server".into())),
            target: Some((NamespaceId(1), 80)),
        }))
    };
    let local = Endpoint::new([0, 0, 0, 0].into(), 80);
    let without_inode = Socket::new(Protocol::Tcp, local, None, State::Dnat);
    let inside = |namespace| Socket {
        inode: None,
        namespace,
        ..server(80, 10)
    };
    vec![
        Socket {
            published: published(PublishedBy::Proxy),
            ..server(80, 20)
        },
        inside(other(1, container.clone())),
        inside(other(2, None)),
        Socket {
            published: published(PublishedBy::Rule),
            ..without_inode
        },
    ]
}

#[test]
fn namespaces_and_published_ports_come_back() {
    let file = Scratch::new("namespaces");
    let mut recorder = LinesWriter::create(&file.0);
    let all = namespaces();
    let snapshots = [
        reading(1, &all),
        Snapshot {
            late_namespaces: vec![NamespaceId(2)],
            counters: None,
            ..reading(2, &all)
        },
        reading(3, &all[2..]),
        reading(4, &all[..1]),
        reading(5, &all),
    ];
    for snapshot in &snapshots {
        recorder.add(snapshot);
    }
    let mut replay = Replay::open(&file.0).unwrap();
    for snapshot in &snapshots {
        assert_eq!(&replay.take(snapshot.taken_at).unwrap(), snapshot);
    }
}

#[test]
fn closed_sockets_come_back_once_with_their_distance_from_the_reading() {
    let file = Scratch::new("closed");
    let mut recorder = LinesWriter::create(&file.0);
    let mut socket = server(80, 30);
    socket.owner = Owner::Inferred([process(30)].into());
    let closed = ClosedSocket {
        socket,
        at: Moment {
            steady: Duration::from_millis(1700),
            wall: at(2).wall,
        },
        tcp: Some(TcpInfo {
            bytes_sent: 7,
            min_rtt: Some(Duration::from_micros(30)),
            ..TcpInfo::default()
        }),
    };
    let mut second = Snapshot {
        closed: vec![closed],
        lost_closes: LostCloses {
            overruns: 1,
            dropped: 0,
        },
        ..reading(2, &[])
    };
    recorder.add(&reading(1, &[]));
    recorder.add(&second);
    recorder.add(&reading(3, &[]));
    let mut replay = Replay::open(&file.0).unwrap();
    replay.take(at(11)).unwrap();
    let replayed = replay.take(at(12)).unwrap();
    second.closed[0].at.steady = Duration::from_millis(11_700);
    assert_eq!(replayed.closed, second.closed);
    assert_eq!(replayed.lost_closes, second.lost_closes);
    let third = replay.take(at(13)).unwrap();
    assert!(third.closed.is_empty() && third.lost_closes.are_none());
}

/// A container that stops has closed sockets and no open one: the recording could not be read from there on.
#[test]
fn a_closed_socket_of_a_namespace_without_open_ones_comes_back() {
    let file = Scratch::new("closed-elsewhere");
    let mut recorder = LinesWriter::create(&file.0);
    let elsewhere = namespaces().remove(1);
    assert!(elsewhere.namespace.is_some());
    let snapshot = Snapshot {
        closed: vec![ClosedSocket {
            socket: elsewhere,
            at: at(1),
            tcp: None,
        }],
        ..reading(1, &[])
    };
    recorder.add(&snapshot);
    let mut replay = Replay::open(&file.0).unwrap();
    assert_eq!(replay.take(at(1)).unwrap().closed, snapshot.closed);
}

/// A frame has one process of each pid, and the one that is open now was shown as the owner.
#[test]
fn a_closed_socket_never_gets_the_process_that_has_its_owners_pid_now() {
    let file = Scratch::new("closed-pid");
    let mut recorder = LinesWriter::create(&file.0);
    let mut earlier = (*process(10)).clone();
    earlier.name = Text::new("earlier");
    let mut socket = server(81, 10);
    socket.owner = Owner::Former([Arc::new(earlier)].into());
    let closed = ClosedSocket {
        socket,
        at: at(1),
        tcp: None,
    };
    let snapshot = Snapshot {
        closed: vec![closed],
        ..reading(1, &[server(80, 10)])
    };
    recorder.add(&snapshot);
    let mut replay = Replay::open(&file.0).unwrap();
    let replayed = replay.take(at(1)).unwrap();
    assert_eq!(replayed.closed[0].socket.owner, Owner::None);
}

#[test]
fn a_redacted_recording_has_no_name_of_a_namespace_or_a_container() {
    let file = Scratch::new("redacted-namespaces");
    let mut recorder = LinesWriter::create(&file.0).redacted();
    let mut sockets = namespaces();
    let published = sockets[3].published.as_mut().unwrap();
    Arc::make_mut(published).process = Some((10, "server private.js".into()));
    recorder.add(&reading(1, &sockets));
    let text = std::fs::read_to_string(&file.0).unwrap();
    for private in [
        "web",
        "blue",
        "nginx",
        "0123456789ab",
        "shop",
        "172.17",
        "private",
    ] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    let shown = Replay::open(&file.0).unwrap().take(at(1)).unwrap();
    let published = shown.sockets[0].published.as_ref().unwrap();
    let container = published.container.as_ref().unwrap();
    let namespace = shown.sockets[1].namespace.as_ref().unwrap();
    // What was equal still is.
    assert_eq!(namespace.container.as_ref(), Some(container));
    assert_eq!(
        (&namespace.name, namespace.inode),
        (&container.name, Some(4_026_532_000))
    );
    assert_eq!(published.target, Some((NamespaceId(1), 80)));
}

#[test]
fn an_unknown_namespace_is_refused_in_one_line() {
    let socket = socket("none", "").replace("\"state\"", "\"namespace\":1,\"state\"");
    let with = |namespaces: &str| {
        let line = frame(&socket, "");
        line.replacen(
            "\"sockets\"",
            &format!("\"namespaces\":[{namespaces}],\"sockets\""),
            1,
        )
    };
    let namespace = |id: u32| format!(r#"{{"id":{id},"name":"a"}}"#);
    for (namespaces, why) in [
        (String::new(), "socket 0.0.0.0:80 has unknown namespace 1"),
        (namespace(2), "socket 0.0.0.0:80 has unknown namespace 1"),
        (namespace(0), "no other namespace can be 0"),
        (
            format!("{0},{0}", namespace(1)),
            "namespace 1 is there twice",
        ),
    ] {
        assert_eq!(complaint(&with(&namespaces)), format!("a.jsonl:1: {why}"));
    }
    assert!(open(&with(&namespace(1))).is_ok());
}

/// A reading of these sockets, which is taken at this second.
fn reading(second: i64, sockets: &[Socket]) -> Snapshot {
    let whole = snapshot(at(second));
    let owners = sockets.iter().flat_map(|one| one.owner.processes());
    Snapshot {
        processes: owners.map(|one| (one.pid, Arc::clone(one))).collect(),
        sockets: sockets.to_vec(),
        ..whole
    }
}

/// A listener of a process, by port and pid.
fn server(port: u16, pid: u32) -> Socket {
    let local = Endpoint::new([127, 0, 0, 1].into(), port);
    Socket {
        inode: Some(u32::from(port)),
        owner: Owner::Known([process(pid)].into()),
        ..Socket::new(Protocol::Tcp, local, None, State::Listen)
    }
}

#[test]
fn whatever_changes_between_two_readings_comes_back_as_it_was() {
    let [a, b, c, d] =
        [(80, 10), (81, 10), (82, 20), (83, 30)].map(|(port, pid)| server(port, pid));
    let mut busy = b.clone();
    busy.queue = Some(Queue {
        receive: 7,
        send: 0,
    });
    let mut other = server(80, 10);
    let mut executed = process(10);
    Arc::make_mut(&mut executed).name = "other".into();
    other.owner = Owner::Known([executed].into());
    let tables: [&[Socket]; 13] = [
        &[a.clone(), b.clone()],
        &[a.clone(), b.clone()],
        &[a.clone(), busy, c.clone()],
        &[],
        &[],
        std::slice::from_ref(&d),
        &[a.clone(), d.clone(), b.clone()],
        &[b.clone(), a.clone(), d.clone()],
        &[b.clone(), b.clone(), c.clone(), b.clone()],
        &[c.clone(), d.clone(), a.clone(), b.clone()],
        &[c.clone(), a.clone(), b.clone()],
        &[c.clone(), b.clone(), d.clone(), c.clone()],
        &[other, c],
    ];
    let file = Scratch::new("changes");
    let mut recorder = LinesWriter::create(&file.0);
    for (second, sockets) in (1..).zip(tables) {
        recorder.add(&reading(second, sockets));
    }
    let mut replay = Replay::open(&file.0).unwrap();
    for (second, sockets) in (1..).zip(tables) {
        let taken = replay.take(at(second)).unwrap();
        assert!(taken == reading(second, sockets), "reading {second}");
    }
}

#[test]
fn a_reading_in_which_nothing_changed_takes_no_more_room_for_a_thousand_sockets() {
    let length = |sockets: &[Socket]| {
        let file = Scratch::new(&format!("idle-{}", sockets.len()));
        let mut recorder = LinesWriter::create(&file.0);
        recorder.add(&reading(1, sockets));
        recorder.add(&reading(2, sockets));
        let lines = std::fs::read_to_string(&file.0).unwrap();
        lines.lines().map(str::len).collect::<Vec<_>>()
    };
    let many = (1..=1000).map(|port| Socket {
        owner: Owner::None,
        ..server(port, 10)
    });
    let many: Vec<_> = many.collect();
    let (few, many) = (length(&many[..1]), length(&many));
    assert!(many[0] > 50 * few[0], "{few:?} {many:?}");
    assert!(many[1] < few[1] + 10, "{few:?} {many:?}");
}

/// The lines of a recording of three readings.
fn lines_of_three(name: &str) -> Vec<String> {
    let file = Scratch::new(name);
    let mut recorder = LinesWriter::create(&file.0);
    for second in 1..=3 {
        let port = 80 + u16::try_from(second).unwrap();
        let sockets = [server(80, 10), server(port, 20)];
        recorder.add(&reading(second, &sockets));
    }
    let lines = std::fs::read_to_string(&file.0).unwrap();
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn a_change_whose_reading_before_is_missing_is_an_error_and_no_wrong_table() {
    let lines = lines_of_three("missing");
    assert!(complaint(&lines[1]).ends_with("the reading that this line builds on is missing"));
    let mut replay = open(&[&*lines[0], &lines[2], &lines[0], &lines[1]].join("\n")).unwrap();
    assert!(replay.take(at(1)).is_ok());
    let error = replay.take(at(2)).err().unwrap().to_string();
    let says = "a.jsonl:2: the reading that this line builds on is missing";
    assert_eq!(error, says);
    // A whole one is a new beginning: two recordings may be put together.
    assert_eq!(replay.take(at(3)).unwrap().taken_at.wall, at(1).wall);
    assert_eq!(replay.take(at(4)).unwrap().taken_at.wall, at(2).wall);
}

#[test]
fn a_change_that_can_not_be_is_refused() {
    let lines = lines_of_three("wrong");
    let kept = r#""kept":[[0,1,1]]"#;
    assert!(lines[1].contains(kept), "{}", lines[1]);
    let half = (1 << 18) + 1;
    let whole_again = vec!["[0,2,0]"; half].join(",");
    for (wrong, reason) in [
        (
            "[[0,3,0]]",
            "it takes over more than the reading before has",
        ),
        (
            "[[2,1,0]]",
            "it takes over more than the reading before has",
        ),
        ("[[18446744073709551615,1,0]]", "it takes over more than"),
        ("[[0,-1,0]]", "invalid value"),
        (&*format!("[{whole_again}]"), "a list of more than 524288"),
    ] {
        let line = lines[1].replace(kept, &format!(r#""kept":{wrong}"#));
        let both = Box::new(Cursor::new(format!("{}\n{line}\n", lines[0])));
        let mut replay = Replay::read("a.jsonl".into(), both, MAX_LINE as u64).unwrap();
        assert!(replay.take(at(1)).is_ok());
        let error = replay.take(at(2)).err().unwrap().to_string();
        assert!(error.starts_with("a.jsonl:2: "), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn the_name_of_an_older_recording_is_the_kernels() {
    let mut replay = open(&frame("", PROCESS)).unwrap();
    let processes = replay.take(at(1)).unwrap().processes;
    assert_eq!(processes[&7].comm, processes[&7].name);
    assert_eq!(processes[&7].argv, None);
}

#[test]
fn the_clock_on_the_wall_is_the_recordings_and_the_last_reading_stays() {
    let file = Scratch::new("end");
    let mut recorder = LinesWriter::create(&file.0);
    recorder.add(&snapshot(at(1)));
    recorder.add(&snapshot(at(2)));
    let mut replay = Replay::open(&file.0).unwrap();
    for (asked, wall) in [(50, 1), (51, 2), (52, 2), (53, 2)] {
        let taken_at = replay.take(at(asked)).unwrap().taken_at;
        assert_eq!(taken_at.wall, at(wall).wall);
    }
}

#[test]
fn readings_are_as_far_apart_as_they_were_recorded_however_soon_they_follow() {
    let file = Scratch::new("apart");
    let mut recorder = LinesWriter::create(&file.0);
    for second in [1, 2, 14_402] {
        recorder.add(&snapshot(at(second)));
    }
    let mut replay = Replay::open(&file.0).unwrap();
    let mut steady = |asked| replay.take(at(asked)).unwrap().taken_at.steady;
    let played = [50, 51, 52].map(&mut steady);
    assert_eq!(played, [50, 51, 14_451].map(Duration::from_secs));
    // What the last one lacks has ended, though no time passes any more.
    let ended = [53, 99].map(&mut steady);
    assert_eq!(ended, [played[2] + Duration::from_nanos(1); 2]);
}

#[test]
fn which_reading_of_how_many_it_is_and_whether_it_is_the_last_is_known() {
    let file = Scratch::new("position");
    let whole = frame("", "");
    std::fs::write(&file.0, format!("{whole}\n\n{whole}\n{whole}")).unwrap();
    let mut replay = Replay::open(&file.0).unwrap();
    for (number, has_ended) in [(1, false), (2, false), (3, true), (3, true)] {
        replay.take(at(1)).unwrap();
        let total = Some(3);
        let expected = Playback {
            number,
            total,
            has_ended,
        };
        assert_eq!(replay.playback(), Some(expected));
    }
    let cut = Scratch::new("position-cut");
    std::fs::write(&cut.0, format!("{whole}\n{}", &whole[..50])).unwrap();
    let mut replay = Replay::open(&cut.0).unwrap();
    replay.take(at(1)).unwrap();
    replay.take(at(2)).unwrap();
    let playback = replay.playback().unwrap();
    assert_eq!(
        (playback.number, playback.total, playback.has_ended),
        (1, Some(1), true)
    );
}

#[test]
fn a_recording_that_can_be_read_only_once_says_how_many_there_are_at_its_end() {
    let mut replay = open(&format!("{0}\n{0}\n", frame("", ""))).unwrap();
    for (number, total) in [(1, None), (2, None), (2, Some(2))] {
        replay.take(at(1)).unwrap();
        let playback = replay.playback().unwrap();
        assert_eq!((playback.number, playback.total), (number, total));
    }
}

#[test]
fn any_snapshot_can_be_reached_without_reading_those_between() {
    let file = Scratch::new("seek");
    let (one, last) = (frame(&socket("none", ""), ""), frame("", ""));
    let between =
        r#"{"schema":1,"taken_at":{"steady":{"secs":1,"nanos":0},"wall":"2020-01-01T00:00:00Z"}}"#;
    let lines = format!("{last}\n{between}\n{one}\n{last}\n");
    std::fs::write(&file.0, &lines).unwrap();
    assert_eq!(Replay::times(&file.0).unwrap().len(), 4);
    let gone_to = |number| {
        let mut replay = Replay::open(&file.0).unwrap();
        replay.seek(number)?;
        let sockets = replay.take(at(1))?.sockets.len();
        Ok::<_, SourceError>((replay.playback().unwrap().number, sockets))
    };
    assert_eq!(gone_to(1).unwrap(), (1, 0));
    assert!(gone_to(2).is_err(), "it lacks its sockets");
    assert_eq!(gone_to(3).unwrap(), (3, 1));
    assert_eq!(gone_to(usize::MAX).unwrap(), (4, 0));
    // Cut off in its last line.
    std::fs::write(&file.0, &lines[..lines.len() - 9]).unwrap();
    assert_eq!(Replay::times(&file.0).unwrap().len(), 3);
    let mut replay = Replay::open(&file.0).unwrap();
    replay.seek(usize::MAX).unwrap();
    let reading = replay.take(at(1)).unwrap();
    assert_eq!((reading.sockets.len(), reading.problems.len()), (1, 1));
    assert_eq!(replay.playback().unwrap().number, 3);
    // Its end was still being written.
    std::fs::write(&file.0, &lines).unwrap();
    let reading = replay.take(at(2)).unwrap();
    assert_eq!((reading.sockets.len(), reading.problems.len()), (0, 0));
    assert_eq!(replay.playback().unwrap().number, 4);
}

#[test]
fn a_process_is_one_object_however_many_sockets_it_has() {
    let known = socket("known", "7");
    let snapshot = open(&frame(&format!("{known},{known}"), PROCESS))
        .unwrap()
        .current;
    let process = &snapshot.sockets[0].owner.processes()[0];
    assert!(Arc::ptr_eq(
        process,
        &snapshot.sockets[1].owner.processes()[0]
    ));
    assert!(Arc::ptr_eq(process, &snapshot.processes[&7]));
}

#[test]
fn hostile_text_is_cleaned() {
    let replay = open(&frame(&socket("known", "7"), PROCESS)).unwrap();
    assert_eq!(replay.current.processes[&7].name.as_str(), r"x\x1b[2J");
}

#[test]
fn a_recording_without_a_reading_is_an_error() {
    assert_eq!(complaint(""), "a.jsonl:1: the recording is empty");
    assert_eq!(complaint("\n \n"), "a.jsonl:2: the recording is empty");
    let missing = Replay::open("/nonexistent/a.jsonl")
        .err()
        .unwrap()
        .to_string();
    assert!(missing.starts_with("/nonexistent/a.jsonl: "), "{missing}");
}

#[test]
fn every_malformed_line_is_refused_with_file_and_line() {
    let cases = [
        ("nonsense".to_owned(), "a.jsonl:2: column 2: expected ident"),
        (frame("", "")[..50].to_owned(), "EOF"),
        ("{}".to_owned(), "missing field `schema`"),
        (
            frame("", "").replacen('1', "2", 1),
            "it is neither whole nor a change",
        ),
        (
            frame("", "").replacen('1', "3", 1),
            "schema 3 is not supported, only 1 and 2",
        ),
        (
            frame(&socket("known", "8"), PROCESS),
            "0.0.0.0:80 has unknown process 8",
        ),
        (
            frame(&socket("known", ""), PROCESS),
            "an owner without a process",
        ),
        (
            frame(&socket("past", ""), PROCESS),
            "an owner without a process",
        ),
        (
            frame(&socket("kernel", "7"), PROCESS),
            "processes but no owner",
        ),
        (
            frame(&socket("someone", ""), PROCESS),
            "unknown variant `someone`",
        ),
        (
            frame("", &format!("{PROCESS},{PROCESS}")),
            "process 7 is there twice",
        ),
        (
            frame(&socket("none", "").replace("80", "65536"), ""),
            "invalid value",
        ),
        (
            frame(&socket("none", "").replace("LISTEN", "LISTENING"), ""),
            "unknown variant",
        ),
        (
            format!("{{\"more\":{}", "[".repeat(50_000)),
            "EOF while parsing",
        ),
    ];
    for (line, reason) in cases {
        let complaint = complaint(&format!("\n{line}\n"));
        assert!(
            complaint.starts_with("a.jsonl:2: ") && complaint.contains(reason),
            "{complaint}"
        );
    }
}

#[test]
fn a_complaint_repeats_nothing_that_a_terminal_acts_on() {
    let line = frame(
        &socket("none", "").replace("LISTEN", r"\u001b[2J\u202e"),
        "",
    );
    let complaint = complaint(&line);
    assert!(
        complaint.contains(r"unknown variant `\x1b[2J\u{202e}`"),
        "{complaint:?}"
    );
    assert!(!complaint.contains(char::is_control), "{complaint:?}");
}

#[test]
fn a_line_without_end_is_not_read_to_its_end() {
    let endless = Box::new(BufReader::new(std::io::repeat(b'x')));
    let error = Replay::read("a.jsonl".into(), endless, 1000).err().unwrap();
    assert_eq!(
        error.to_string(),
        "a.jsonl:1: the line is longer than 1000 bytes"
    );
}

#[test]
fn behind_a_line_that_is_too_long_nothing_is_read() {
    let lines = format!(
        "{}\n{{{}\n{}",
        frame("", ""),
        "x".repeat(9000),
        frame("", "")
    );
    let lines = Box::new(Cursor::new(lines));
    let mut replay = Replay::read("a.jsonl".into(), lines, 5000).unwrap();
    assert!(replay.take(at(1)).is_ok());
    for second in 2..5 {
        let error = replay.take(at(second)).err().unwrap().to_string();
        assert!(
            error.starts_with("a.jsonl:2: the line is longer than "),
            "{error}"
        );
        assert!(replay.is_at_end().unwrap());
    }
}

#[test]
fn a_later_line_that_is_malformed_is_an_error_when_it_is_reached() {
    let mut replay = open(&format!("{}\nnonsense\n{}", frame("", ""), frame("", ""))).unwrap();
    assert!(replay.take(at(1)).is_ok());
    assert!(
        replay
            .take(at(2))
            .err()
            .unwrap()
            .to_string()
            .starts_with("a.jsonl:2: ")
    );
    assert!(replay.take(at(3)).is_ok());
}

#[test]
fn a_line_that_is_half_there_leaves_what_was_before_it_and_says_so() {
    let whole = frame("", "");
    let mut replay = open(&format!("{whole}\n{}", &whole[..50])).unwrap();
    assert_eq!(replay.take(at(1)).unwrap().problems, []);
    assert!(!replay.is_at_end().unwrap());
    for second in 2..4 {
        let problems = replay.take(at(second)).unwrap().problems;
        let says = "the recording breaks off in its line 2";
        assert_eq!(problems, [Problem::new(ProblemCode::RecordingEnded, says)]);
        assert!(replay.is_at_end().unwrap());
    }
    assert!(complaint(&whole[..50]).starts_with("a.jsonl:1: column 50: EOF"));
}

#[test]
fn a_file_that_grows_is_followed_and_one_that_shrinks_has_ended() {
    let path = Scratch::new("growing");
    let (whole, port) = (frame("", ""), frame(&socket("none", ""), ""));
    std::fs::write(&path.0, format!("{whole}\n{}", &port[..99])).unwrap();
    let mut replay = Replay::open(&path.0).unwrap();
    assert_eq!(replay.take(at(1)).unwrap().sockets.len(), 0);
    assert_eq!(replay.take(at(2)).unwrap().problems.len(), 1);
    std::fs::write(&path.0, format!("{whole}\n{port}\n")).unwrap();
    let grown = replay.take(at(3)).unwrap();
    assert_eq!((grown.sockets.len(), grown.problems.len()), (1, 0));
    std::fs::write(&path.0, "").unwrap();
    assert_eq!(replay.take(at(4)).unwrap().sockets.len(), 1);
}

/// Its rest was read as a line of its own, which is no snapshot.
#[test]
fn a_line_that_was_incomplete_when_a_seek_reached_it_is_continued_when_the_file_grows() {
    let path = Scratch::new("growing-after-seek");
    let (whole, port) = (frame("", ""), frame(&socket("none", ""), ""));
    for number in [2, usize::MAX] {
        std::fs::write(&path.0, format!("{whole}\n{}", &port[..99])).unwrap();
        let mut replay = Replay::open(&path.0).unwrap();
        replay.seek(number).unwrap();
        // However often it is reached, there is one problem.
        for second in 1..=2 {
            let before = replay.take(at(second)).unwrap();
            assert_eq!((before.sockets.len(), before.problems.len()), (0, 1));
        }
        std::fs::write(&path.0, format!("{whole}\n{port}\n")).unwrap();
        let grown = replay.take(at(3)).unwrap();
        assert_eq!((grown.sockets.len(), grown.problems.len()), (1, 0));
        assert_eq!(replay.playback().unwrap().number, 2);
    }
}

#[test]
fn what_is_no_recording_is_refused_before_much_of_it_is_read() {
    let endless = Box::new(BufReader::new(std::io::repeat(0)));
    let error = Replay::read("a.jsonl".into(), endless, MAX_LINE as u64)
        .err()
        .unwrap();
    let says = "a.jsonl:1: the line is longer than 4096 bytes";
    assert_eq!(error.to_string(), says);
    let empty = Box::new(BufReader::new(std::io::repeat(b'\n')));
    let error = Replay::read("a.jsonl".into(), empty, MAX_LINE as u64)
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "a.jsonl:1000: 1000 empty lines in a row");
    let folder = Replay::open(std::env::temp_dir()).err().unwrap();
    assert!(folder.to_string().contains("directory"), "{folder}");
}

#[test]
fn more_sockets_than_any_reading_has_are_refused() {
    let many = vec![socket("none", ""); (1 << 19) + 1].join(",");
    let line = Box::new(Cursor::new(frame(&many, "")));
    let error = Replay::read("a.jsonl".into(), line, MAX_LINE as u64)
        .err()
        .unwrap();
    assert!(
        error.to_string().ends_with("a list of more than 524288"),
        "{error}"
    );
}

#[test]
fn a_claim_that_can_not_be_is_refused_and_one_that_can_is_shown() {
    let time = r#"{"steady":{"secs":1,"nanos":0},"wall":"2026-01-02T03:04:05Z"}"#;
    let with_time = |other: &str| frame("", "").replace(time, other);
    for (line, reason) in [
        (
            with_time(r#"{"steady":{"secs":-1,"nanos":0},"wall":"2026-01-02T03:04:05Z"}"#),
            "invalid value",
        ),
        (
            with_time(r#"{"steady":{"secs":NaN,"nanos":0},"wall":"2026-01-02T03:04:05Z"}"#),
            "expected value",
        ),
        (
            with_time(
                r#"{"steady":{"secs":18446744073709551615,"nanos":4294967295},"wall":"2026-01-02T03:04:05Z"}"#,
            ),
            "overflow",
        ),
        (
            with_time(r#"{"steady":{"secs":1,"nanos":0},"wall":"12026-01-02T03:04:05Z"}"#),
            "",
        ),
        (
            frame("", "").replacen("\"schema\":1", "\"schema\":1,\"schema\":1", 1),
            "duplicate field `schema`",
        ),
        (
            frame("", "").replacen("\"schema\":1", "\"schema\":1,\"redacted\":2", 1),
            "invalid type",
        ),
        (
            frame(&socket("known", "7"), &PROCESS.replace('7', "-7")),
            "invalid value",
        ),
        (
            frame(&socket("known", "7"), &PROCESS.replace('7', "1e99")),
            "",
        ),
    ] {
        let complaint = complaint(&format!("{line}\n"));
        assert!(
            complaint.starts_with("a.jsonl:1: ") && complaint.contains(reason),
            "{complaint}"
        );
    }
    for wall in ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999999999Z"] {
        let steady = r#"{"secs":18446744073709551615,"nanos":0}"#;
        let line = with_time(&format!(r#"{{"steady":{steady},"wall":"{wall}"}}"#));
        assert_eq!(
            open(&line).unwrap().take(at(5)).unwrap().taken_at.steady,
            at(5).steady
        );
    }
}

#[test]
fn a_recording_that_was_redacted_says_so_and_others_do_not() {
    let (plain, redacted) = (Scratch::new("plain"), Scratch::new("redacted"));
    let mut recorder = LinesWriter::create(&plain.0);
    recorder.add(&snapshot(at(1)));
    let mut recorder = LinesWriter::create(&redacted.0).redacted();
    recorder.add(&snapshot(at(1)));
    let lines = [&plain, &redacted].map(|file| std::fs::read_to_string(&file.0).unwrap());
    assert!(!lines[0].contains("redacted") && lines[1].contains(r#""redacted":true"#));
    let mut replay = Replay::open(&redacted.0).unwrap();
    assert!(replay.is_redacted && !Replay::open(&plain.0).unwrap().is_redacted);
    let shown = replay.take(at(1)).unwrap();
    assert_eq!(shown.sockets.len(), snapshot(at(1)).sockets.len());
    assert!(
        !lines[1].contains("ann") && !lines[1].contains("--port"),
        "{}",
        lines[1]
    );
}
