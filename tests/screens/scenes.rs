//! The scenes of the pictures.

use std::sync::Arc;
use std::time::Duration;

use sockeye::app::{BindReport, Effect, Environment, Msg};
use sockeye::keymap::Key;
use sockeye::model::{
    EphemeralPorts, Holder, Owner, Playback, Problem, ProblemCode, Process, Protocol, Queue,
    RefreshTimings, Socket, State, Text, TimeWaitReuse,
};

use super::stage::{
    Answer, Stage, abandoned, asked_test, connection, endpoint, known, listener, process, settings,
    surroundings, test_result, udp, uid_of,
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

fn nginx() -> Vec<Arc<Process>> {
    (812..817)
        .map(|pid| process(pid, "nginx", "root", 3 * DAY))
        .collect()
}

fn shared_by(processes: &[Arc<Process>]) -> Owner {
    Owner::Known(processes.into())
}

/// A socket of another user whose process is hidden.
fn hidden(socket: Socket, user: &str) -> Socket {
    Socket {
        owner: Owner::Hidden,
        uid: Some(uid_of(user)),
        user: Some(user.into()),
        ..socket
    }
}

fn kernels(socket: Socket) -> Socket {
    Socket {
        owner: Owner::Kernel,
        uid: Some(0),
        user: Some("root".into()),
        ..socket
    }
}

fn unit(socket: Socket, unit: &str) -> Socket {
    Socket {
        unit: Some(unit.into()),
        ..socket
    }
}

fn dual_stack(socket: Socket, both: bool) -> Socket {
    Socket {
        dual_stack: Some(both),
        ..socket
    }
}

/// A bound socket that neither listens nor connects.
fn bound(local: &str, inode: u32, owner: Owner) -> Socket {
    Socket {
        state: State::Bound,
        queue: None,
        ..listener(local, inode, owner)
    }
}

/// Sockets without a peer.
fn servers() -> Vec<Socket> {
    let nginx = shared_by(&nginx());
    let node = process(40211, "node", "ann", 2 * HOUR);
    let cups = [
        process(700, "cupsd", "root", 9 * DAY),
        process(701, "cups-lpd", "root", 9 * DAY),
    ];
    let haproxy = [
        process(601, "haproxy", "root", DAY),
        process(602, "haproxy", "root", DAY),
    ];
    let resolved = process(512, "systemd-resolve", "systemd", 9 * DAY);
    let avahi = process(530, "avahi-daemon", "avahi", 9 * DAY);
    let on_lo = Socket {
        interface: Some("lo".into()),
        ..udp("127.0.0.53:53", None, 21, known(&[&resolved]))
    };
    vec![
        hidden(listener("0.0.0.0:22", 1, Owner::None), "root"),
        unit(listener("0.0.0.0:80", 2, nginx.clone()), "nginx.service"),
        unit(
            dual_stack(listener("[::]:80", 3, nginx), false),
            "nginx.service",
        ),
        listener("127.0.0.1:631", 4, known(&[&cups[0]])),
        listener("127.0.0.2:631", 5, known(&[&cups[1]])),
        kernels(listener("0.0.0.0:2049", 6, Owner::None)),
        dual_stack(listener("[::]:3000", 7, known(&[&node])), true),
        hidden(listener("[::1]:5432", 8, Owner::None), "postgres"),
        listener("10.0.0.7:9090", 9, known(&[&haproxy[0]])),
        listener("10.0.0.7:9090", 10, known(&[&haproxy[1]])),
        bound("127.0.0.1:8600", 11, known(&[&node])),
        on_lo,
        udp("0.0.0.0:5353", None, 22, known(&[&avahi])),
    ]
}

/// Sockets with a peer.
fn connections() -> Vec<Socket> {
    let nginx = &nginx()[0];
    let node = process(40211, "node", "ann", 2 * HOUR);
    let curl = process(40400, "curl", "ann", Duration::from_secs(30));
    let ours = "10.0.0.7:443";
    vec![
        connection(
            ours,
            "10.0.0.9:51314",
            State::Established,
            31,
            known(&[nginx]),
        ),
        connection(
            ours,
            "203.0.113.250:61000",
            State::CloseWait,
            32,
            known(&[nginx]),
        ),
        connection(
            ours,
            "10.0.0.9:51200",
            State::Established,
            33,
            known(&[nginx]),
        ),
        connection(ours, "10.0.0.9:51201", State::FinWait1, 34, known(&[nginx])),
        connection(
            "10.0.0.7:50022",
            "198.51.100.7:443",
            State::SynSent,
            35,
            known(&[&curl]),
        ),
        connection(
            "[2001:db8:85a3:1234:5678:8a2e:370:7334]:49152",
            "[2001:db8:85a3:aaaa:bbbb:cccc:dddd:eeee]:443",
            State::Established,
            36,
            known(&[&node]),
        ),
        udp("10.0.0.7:40000", Some("10.0.0.1:53"), 37, known(&[&node])),
    ]
}

/// The table of a busy host without recent changes; two connections were left by their server.
pub fn busy() -> Vec<Socket> {
    let mut sockets = connections();
    sockets[2] = abandoned(&sockets[2], State::TimeWait);
    sockets[3] = abandoned(&sockets[3], State::FinWait2);
    sockets.extend(servers());
    sockets
}

/// The busy host after a minute and a half.
pub fn busy_stage(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height);
    stage.know(&ancestors());
    let mut before = connections();
    before.extend(servers());
    stage.read(&before);
    stage.wait_secs(2).read(&busy());
    stage.wait_secs(88).read(&busy());
    stage
}

fn ancestors() -> [Arc<Process>; 1] {
    [process(1, "systemd", "root", 9 * DAY)]
}

/// Every change, two seconds ago: one row opened, one changed its state, one its owner, one closed.
pub fn changes_stage(width: u16, height: u16) -> Stage {
    changes_on(Stage::new(width, height))
}

/// Ten past twelve, seen from one o'clock: a server was there for a while, and for ten minutes nothing was recorded.
pub fn moment_stage(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height);
    let python = known(&[&process(4711, "python3", "ann", MINUTE)]);
    let short = listener("127.0.0.1:9000", 90, python);
    for minute in (0..25).chain(35..=60) {
        let mut sockets = busy();
        sockets.extend((10..20).contains(&minute).then(|| short.clone()));
        stage.read(&sockets);
        stage.wait(if minute == 24 { 11 * MINUTE } else { MINUTE });
    }
    stage.press("/:9000");
    stage.key(Key::Enter);
    stage.press("@12:10");
    stage.key(Key::Enter);
    stage
}

/// What changed, from a recording, at its end.
pub fn recording_stage(width: u16, height: u16) -> Stage {
    let surroundings = Environment {
        host: "replay of night.jsonl".into(),
        origin: sockeye::model::Origin::Recording,
        ..surroundings(width, height)
    };
    let mut stage = Stage::with(settings(), surroundings);
    stage.playback = Some(Playback {
        number: 3,
        total: Some(3),
        has_ended: true,
    });
    changes_on(stage)
}

fn changes_on(mut stage: Stage) -> Stage {
    let nginx = process(812, "nginx", "root", 3 * DAY);
    let node = |pid| process(pid, "node", "ann", HOUR);
    let python = process(377, "python3", "ann", HOUR);
    let web = listener("0.0.0.0:80", 1, known(&[&nginx]));
    let client = connection(
        "10.0.0.7:443",
        "10.0.0.9:51314",
        State::Established,
        2,
        known(&[&nginx]),
    );
    let left = Socket {
        state: State::CloseWait,
        ..client.clone()
    };
    let api = |inode, pid| listener("127.0.0.1:8500", inode, known(&[&node(pid)]));
    let files = listener("127.0.0.1:9000", 5, known(&[&python]));
    let fresh = listener("127.0.0.1:8080", 6, known(&[&node(40211)]));

    stage.read(&[web.clone(), client.clone(), api(3, 12), files]);
    stage.wait_secs(60);
    let after = [web, left, api(4, 45), fresh];
    stage.read(&after);
    stage.wait_secs(1).read(&after);
    stage.wait_secs(1);
    stage
}

/// The kernel's answers if the port is in use on IPv4.
const IPV4_TAKEN: [Answer; 4] = [
    ("0.0.0.0", None, true, Some("EADDRINUSE")),
    ("127.0.0.1", None, true, Some("EADDRINUSE")),
    ("::", Some(true), true, None),
    ("::", Some(true), false, None),
];

/// A bind test of port 8080 that a listener on one address refuses.
pub fn bind_test_stage(width: u16, height: u16) -> Stage {
    let node = process(40211, "node", "ann", HOUR);
    let mut stage = Stage::new(width, height);
    stage.read(&[listener("127.0.0.1:8080", 6, known(&[&node]))]);
    let effects = stage.press("b");
    let answer = answer(&stage, &effects);
    stage.wait_secs(1).send(answer);
    stage
}

/// The result of the bind test among these effects.
pub fn answer(stage: &Stage, effects: &[Effect]) -> Msg {
    let (job, target) = asked_test(effects).expect("a bind test was asked for");
    let node = process(40211, "node", "ann", HOUR);
    let local = format!("127.0.0.1:{}", target.ports.start());
    let holders = [Holder::new(listener(&local, 6, known(&[&node])))];
    let test_result = test_result(&target, stage.now, &holders, &IPV4_TAKEN);
    Msg::BindTested(Box::new(BindReport { job, test_result }))
}

/// A bind test of port 8080 with only `TIME_WAIT` in the way, for another 42 seconds.
pub fn leftovers_stage(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height);
    let left = |remote: &str, secs| Holder {
        expires_in: Some(Duration::from_secs(secs)),
        ..Holder::new(abandoned(
            &connection("127.0.0.1:8080", remote, State::TimeWait, 1, Owner::None),
            State::TimeWait,
        ))
    };
    let holders = [
        left("127.0.0.1:50001", 12),
        left("127.0.0.1:50002", 42),
        left("127.0.0.1:50003", 31),
    ];
    let sockets: Vec<_> = holders.iter().map(|one| (*one.socket).clone()).collect();
    stage.read(&sockets);
    let effects = stage.press("b");
    let (job, target) = asked_test(&effects).expect("a bind test was asked for");
    let test_result = test_result(&target, stage.now, &holders, &IPV4_TAKEN);
    stage.send(Msg::BindTested(Box::new(BindReport { job, test_result })));
    stage
}

/// Names that are hard to lay out, or hostile.
pub fn strange_stage(width: u16, height: u16) -> Stage {
    let named = |pid, name: &str, command: &str| {
        Arc::new(Process {
            name: Text::new(name),
            command: Some(Text::new(command)),
            ..(*process(pid, "x", "ann", HOUR)).clone()
        })
    };
    let java = named(
        900,
        "java",
        &format!(
            "java -Xmx8g {} -jar app.jar",
            "-Dsome.property=value ".repeat(40)
        ),
    );
    let journal = named(901, "ジャーナル記録係", "ジャーナル記録係 --全部");
    let hostile = named(902, "\x1b[2J\x1b]0;pwned\x07", "rm\n-rf\t\u{202e}/");
    let formula = named(903, "=cmd|' /C calc'!A0", "=1+1");
    let long_v6 = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
    let nameless = Socket {
        uid: Some(4_000_000_000),
        user: None,
        owner: Owner::Hidden,
        ..listener("0.0.0.0:7", 6, Owner::None)
    };
    let sockets = [
        listener("127.0.0.1:8005", 1, known(&[&java])),
        listener("127.0.0.1:19999", 2, known(&[&journal])),
        listener("127.0.0.1:60001", 3, known(&[&hostile])),
        listener("127.0.0.1:60002", 4, known(&[&formula])),
        connection(
            long_v6,
            "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65534",
            State::Established,
            5,
            known(&[&journal]),
        ),
        nameless,
    ];
    let mut stage = Stage::new(width, height);
    stage.read(&sockets);
    stage
}

pub fn hidden_owners(count: usize) -> Problem {
    Problem {
        code: ProblemCode::HiddenOwners,
        count: Some(count),
        message: format!("owners of {count} sockets are hidden: run as root to see them")
            .as_str()
            .into(),
        brief: format!(
            "{count} owner{} hidden (run with sudo)",
            if count == 1 { "" } else { "s" }
        )
        .as_str()
        .into(),
    }
}

/// One socket of every state, for colours; the port identifies the state.
pub fn every_state() -> Vec<(State, Socket)> {
    let owner = known(&[&process(5, "p", "ann", HOUR)]);
    State::ALL
        .into_iter()
        .zip(20_000u32..)
        .map(|(state, port)| {
            let has_peer = !matches!(state, State::Listen | State::Bound | State::Unconn);
            let protocol = if state == State::Unconn {
                Protocol::Udp
            } else {
                Protocol::Tcp
            };
            let socket = Socket {
                inode: Some(port),
                owner: owner.clone(),
                ..Socket::new(
                    protocol,
                    endpoint(&format!("127.0.0.1:{port}")),
                    has_peer.then(|| endpoint("127.0.0.1:9")),
                    state,
                )
            };
            (state, socket)
        })
        .collect()
}

/// Listeners with roomy, filling and full accept queues.
pub fn queues_stage(width: u16, height: u16) -> Stage {
    let owner = known(&[&process(812, "nginx", "root", 3 * DAY)]);
    let waits = |local, inode, receive| Socket {
        queue: Some(Queue { receive, send: 128 }),
        ..listener(local, inode, owner.clone())
    };
    let mut stage = Stage::new(width, height);
    stage.read(&[
        waits("0.0.0.0:80", 1, 3),
        waits("0.0.0.0:443", 2, 96),
        waits("0.0.0.0:8080", 3, 129),
        waits("127.0.0.1:9000", 4, 0),
    ]);
    stage
}

/// A server that accepts nothing, one that leaks connections, and a client that gets no answer, for half a minute.
pub fn trouble_stage(width: u16, height: u16) -> Stage {
    let search = known(&[&process(
        9201,
        "java org.elasticsearch.Elasticsearch",
        "ann",
        DAY,
    )]);
    let sync = known(&[&process(18_641, "python3 sync.py", "ann", HOUR)]);
    let curl = known(&[&process(40_300, "curl", "ann", MINUTE)]);
    let full = Socket {
        queue: Some(Queue {
            receive: 129,
            send: 128,
        }),
        ..listener("0.0.0.0:9200", 1, search)
    };
    let leaks = (0..14).map(|number| {
        let local = format!("10.0.0.7:{}", 41_000 + number);
        let state = State::CloseWait;
        connection(&local, "10.0.0.9:5432", state, 100 + number, sync.clone())
    });
    let waits = (0..3).map(|number| {
        let local = format!("10.0.0.7:{}", 50_000 + number);
        let state = State::SynSent;
        connection(
            &local,
            "198.51.100.7:443",
            state,
            200 + number,
            curl.clone(),
        )
    });
    let web = listener(
        "0.0.0.0:80",
        2,
        known(&[&process(812, "nginx", "root", 3 * DAY)]),
    );
    let sockets: Vec<_> = [full, web].into_iter().chain(leaks).chain(waits).collect();
    let mut stage = Stage::new(width, height);
    stage.read(&sockets);
    stage.wait_secs(30).read(&sockets);
    stage
}

/// A client that opens a connection for each request, on a host with few ephemeral ports.
pub fn ports_stage(width: u16, height: u16, used: u16) -> Stage {
    let owner = known(&[&process(40211, "node", "ann", HOUR)]);
    let database = "10.0.0.9:5432";
    let from = |port| format!("10.0.0.7:{port}");
    let open = (40_000..40_000 + used.min(4)).map(|port| {
        let inode = port.into();
        connection(
            &from(port),
            database,
            State::Established,
            inode,
            owner.clone(),
        )
    });
    let left = (40_004..40_000 + used).map(|port| {
        let open = connection(&from(port), database, State::TimeWait, 1, Owner::None);
        abandoned(&open, State::TimeWait)
    });
    let server = listener("127.0.0.1:40099", 7, owner.clone());
    let sockets: Vec<_> = open.chain(left).chain([server]).collect();
    let mut stage = Stage::new(width, height);
    stage.ephemeral = Some(EphemeralPorts {
        range: 40_000..=40_099,
        reserved: Vec::new(),
        reuse: TimeWaitReuse::Loopback,
    });
    stage.refresh(
        &sockets,
        RefreshTimings::default(),
        Duration::from_millis(3),
    );
    stage
}

/// Six minutes of a host whose clients come in a wave, with a pause in between.
pub fn minutes_stage(width: u16, height: u16) -> Stage {
    let owner = known(&[&process(812, "nginx", "root", 3 * DAY)]);
    let server = listener("10.0.0.7:443", 1, owner.clone());
    let client = |port: u32| {
        let remote = format!("10.0.0.9:{}", 50_000 + port);
        connection(
            "10.0.0.7:443",
            &remote,
            State::Established,
            100 + port,
            owner.clone(),
        )
    };
    let mut stage = Stage::new(width, height);
    for second in 0..360_u32 {
        let wave = match second {
            120..180 => 5 + (second - 120) / 2,
            180..240 => 35 - (second - 180) / 2,
            _ => 5,
        };
        // Paused for half a minute.
        if !(270..300).contains(&second) {
            let clients = (0..wave).map(client);
            stage.read(&clients.chain([server.clone()]).collect::<Vec<_>>());
        }
        stage.wait_secs(1);
    }
    stage
}

/// A prefork server with two local clients and others from elsewhere, of which two just connected.
pub fn clients_stage(width: u16, height: u16) -> Stage {
    let workers: Vec<_> = (901..905)
        .map(|pid| process(pid, "postgres", "postgres", DAY))
        .collect();
    let client = process(18_640, "python3 client.py", "ann", HOUR);
    let server = listener("0.0.0.0:5432", 1, shared_by(&workers));
    let mut inode = 10;
    let mut join = |local: &str, remote: &str, owner: &Arc<Process>| {
        inode += 1;
        connection(local, remote, State::Established, inode, known(&[owner]))
    };
    let mut sockets = vec![server];
    for port in 41_162..41_165 {
        let (own, far) = ("127.0.0.1:5432", format!("127.0.0.1:{port}"));
        sockets.push(join(own, &far, &workers[0]));
        sockets.push(join(&far, own, &client));
    }
    let mut from = |address: String| join("10.0.0.7:5432", &address, &workers[1]);
    sockets.extend((1..5).map(|n| from(format!("10.0.0.{n}:50000"))));
    sockets.push(from("10.0.0.1:50001".into()));
    let mut stage = Stage::new(width, height);
    stage.know(&ancestors());
    stage.read(&sockets);
    stage.wait_secs(60).read(&sockets);
    sockets.extend((1..3).map(|n| from(format!("203.0.113.{n}:50000"))));
    stage.wait_secs(1).read(&sockets);
    stage
}
