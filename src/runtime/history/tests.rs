//! Moments of a small history: port 10 always, 20 from 10 s to 20 s, 30 from 20 s on.

use std::num::NonZeroU64;
use std::sync::Arc;

use super::*;
use crate::history::{Writer, WriterOptions};
use crate::model::{Counted, Counters, Endpoint, Protocol, Services, Snapshot, State, TcpInfo};
use crate::track::Row;

fn moment(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(100 + seconds),
        wall: Timestamp::from_second(1_767_355_200).unwrap() + Duration::from_secs(seconds),
    }
}

fn listener(port: u16) -> Socket {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), port);
    Socket::new(Protocol::Tcp, local, None, State::Listen)
}

fn snapshot(seconds: u64, ports: &[u16]) -> Snapshot {
    Snapshot {
        taken_at: moment(seconds),
        sockets: ports.iter().map(|&port| listener(port)).collect(),
        ..Snapshot::default()
    }
}

/// The machine, what follows it live, and the history.
struct Machine {
    memory: LastHour,
    live: Tracker,
    moments: Moments,
    known: Vec<Arc<Row>>,
    now: u64,
    job: u64,
}

impl Machine {
    fn new() -> Self {
        let memory = LastHour::new(Duration::from_secs(1));
        let mut machine = Self {
            moments: Moments::of_memory(memory.clone(), None),
            memory,
            live: Tracker::new(Duration::ZERO),
            known: Vec::new(),
            now: 0,
            job: 0,
        };
        machine.take(0, &[10]);
        machine.take(10, &[10, 20]);
        machine.take(20, &[10, 30]);
        machine
    }

    fn take(&mut self, second: u64, ports: &[u16]) {
        let snapshot = snapshot(second, ports);
        self.memory.add(&snapshot);
        // The second time it is certain which ports have closed.
        let _ = self.live.apply(snapshot.clone());
        let confirmed = Snapshot {
            taken_at: moment(second + 1),
            ..snapshot
        };
        self.known = self.live.apply(confirmed).table.rows.clone();
        self.now = second;
    }

    fn request(&mut self, seek: Seek) -> MomentRequest {
        self.job += 1;
        MomentRequest {
            job: self.job,
            seek,
            from: (self.job == 1).then(|| moment(self.now).wall),
            known: self.known.clone(),
            linger: Duration::from_secs(2),
            services: Services::default(),
            cells: 30,
        }
    }

    fn answer(&mut self, seeks: impl IntoIterator<Item = Seek>) -> Result<ShownMoment, String> {
        let requests: Vec<_> = seeks.into_iter().map(|seek| self.request(seek)).collect();
        match self.moments.answer(&requests) {
            Some(Msg::MomentShown(shown)) => Ok(*shown),
            Some(Msg::MomentFailed { message, .. }) => Err(message),
            other => panic!("{other:?}"),
        }
    }

    /// The second of the moment, and the ports that are open then.
    fn seek(&mut self, seek: Seek) -> Result<(i64, Vec<u16>), String> {
        let shown = self.answer([seek])?;
        Ok((second_of(shown.at), open_ports(&shown)))
    }
}

fn second_of(at: Moment) -> i64 {
    at.wall.duration_since(moment(0).wall).as_secs()
}

fn open_ports(shown: &ShownMoment) -> Vec<u16> {
    let rows = shown.update.table.rows.iter();
    let open = rows.filter(|row| !row.is_closed());
    let mut ports: Vec<_> = open.map(|row| row.socket.local.port).collect();
    ports.sort_unstable();
    ports
}

const BACK: Seek = Seek::Snapshot(Direction::Back);
const FORWARD: Seek = Seek::Snapshot(Direction::Forward);

fn at(second: u64) -> Seek {
    Seek::Time(moment(second).wall)
}

#[test]
fn steps_go_to_the_snapshots_in_which_something_changed() {
    let mut machine = Machine::new();
    assert_eq!(machine.seek(BACK), Ok((10, vec![10, 20])));
    assert_eq!(machine.seek(BACK), Ok((0, vec![10])));
    assert_eq!(machine.seek(BACK), Err("the history begins here".into()));
    assert_eq!(machine.seek(FORWARD), Ok((10, vec![10, 20])));
    assert_eq!(machine.seek(FORWARD), Ok((20, vec![10, 30])));
    assert_eq!(machine.seek(FORWARD), Err("the history ends here".into()));
    assert_eq!(machine.seek(BACK), Ok((10, vec![10, 20])));
}

#[test]
fn a_time_is_shown_with_its_own_now_and_one_outside_is_an_end() {
    let mut machine = Machine::new();
    assert_eq!(machine.seek(at(15)), Ok((15, vec![10, 20])));
    let before = machine.seek(Seek::Time(Timestamp::MIN)).unwrap_err();
    assert!(before.contains("is before the history"), "{before}");
    assert_eq!(
        machine.seek(Seek::Time(Timestamp::MAX)),
        Ok((20, vec![10, 30]))
    );
    assert_eq!(machine.seek(Seek::Start), Ok((0, vec![10])));
    assert_eq!(machine.seek(Seek::End), Ok((20, vec![10, 30])));
    let shown = machine.answer([at(15)]).unwrap();
    let taken_at = shown.update.table.taken_at;
    assert_eq!(second_of(taken_at), 10);
    assert_eq!(taken_at.age(shown.at), Duration::from_secs(5));
}

#[test]
fn the_changes_of_one_socket_are_found_in_both_directions() {
    let mut machine = Machine::new();
    let of = |direction, port| Seek::Change(direction, Box::new(listener(port)));
    let (back, forward) = (Direction::Back, Direction::Forward);
    assert_eq!(machine.seek(of(back, 20)), Ok((10, vec![10, 20])));
    assert_eq!(
        machine.seek(of(back, 30)),
        Err("no earlier change of port 30 in the history".into())
    );
    assert_eq!(machine.seek(of(forward, 20)), Ok((20, vec![10, 30])));
    assert_eq!(
        machine.seek(of(forward, 20)),
        Err("no later change of port 20 in the history".into())
    );
    assert_eq!(machine.seek(of(back, 10)), Ok((0, vec![10])));
}

/// A server on another address of the port was passed over.
#[test]
fn the_changes_of_a_port_are_those_of_each_of_its_addresses() {
    let memory = LastHour::new(Duration::from_secs(1));
    let mut moments = Moments::of_memory(memory.clone(), None);
    let on = |address: &str| Socket {
        local: Endpoint::new(address.parse().unwrap(), 10),
        ..listener(10)
    };
    for (second, address) in [(0, "0.0.0.0"), (10, "::"), (20, "0.0.0.0")] {
        memory.add(&Snapshot {
            sockets: vec![on(address)],
            ..snapshot(second, &[])
        });
    }
    let mut back = |job| {
        let request = MomentRequest {
            job,
            seek: Seek::Change(Direction::Back, Box::new(on("0.0.0.0"))),
            from: (job == 1).then(|| moment(25).wall),
            known: Vec::new(),
            linger: Duration::ZERO,
            services: Services::default(),
            cells: 30,
        };
        match moments.answer(&[request]) {
            Some(Msg::MomentShown(shown)) => second_of(shown.at),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([back(1), back(2)], [10, 0]);
}

#[test]
fn what_changed_right_before_a_moment_is_marked_there() {
    let mut machine = Machine::new();
    let shown = machine.answer([at(20)]).unwrap();
    let closed = shown.update.table.rows.iter().find(|row| row.is_closed());
    assert_eq!(closed.map(|row| row.socket.local.port), Some(20));
    assert_eq!(closed.map(|row| second_of(row.state_since)), Some(20));
}

#[test]
fn the_same_sockets_have_the_same_rows_at_every_moment() {
    let mut machine = Machine::new();
    let id = |rows: &[Arc<Row>], port| {
        let row = rows.iter().find(|row| row.socket.local.port == port);
        row.expect("its row").id
    };
    let live = machine.known.clone();
    let shown = machine.answer([at(15)]).unwrap().update.table;
    assert_eq!(id(&shown.rows, 10), id(&live, 10));
    assert!(
        id(&shown.rows, 20).0 > FIRST_ID,
        "no live row can get this id"
    );
    machine.known.extend(shown.rows.iter().cloned());
    let again = machine.answer([at(12)]).unwrap().update.table;
    assert_eq!(id(&again.rows, 20), id(&shown.rows, 20));
}

#[test]
fn of_several_requests_each_counts_and_the_last_is_answered() {
    let mut machine = Machine::new();
    let shown = machine.answer([BACK, BACK, FORWARD]).unwrap();
    assert_eq!((shown.job, second_of(shown.at)), (3, 10));
    let error = machine.answer([BACK, BACK]).unwrap_err();
    assert_eq!(error, "the history begins here");
}

#[test]
fn a_time_without_snapshots_is_a_gap() {
    let mut machine = Machine::new();
    machine.take(1000, &[10, 30]);
    let shown = machine.answer([at(500)]).unwrap();
    assert_eq!(
        shown.gap,
        Some("no snapshots were taken: paused, or the machine was suspended or too busy")
    );
    let parts = &shown.timeline.parts;
    assert_eq!(parts.len(), 30);
    assert_eq!(parts[15].changes, None);
    assert!(parts[0].changes.is_some());
    assert_eq!(machine.answer([at(15)]).unwrap().gap, None);
}

#[test]
fn the_end_is_the_last_snapshot_that_was_added() {
    let mut machine = Machine::new();
    assert_eq!(machine.seek(Seek::Start), Ok((0, vec![10])));
    for second in 21..40 {
        machine.take(second, &[10]);
    }
    assert_eq!(machine.seek(Seek::End), Ok((39, vec![10])));
}

#[test]
fn a_reported_close_was_when_it_was_reported() {
    let mut machine = Machine::new();
    let closed = crate::model::ClosedSocket {
        socket: listener(30),
        at: moment(21),
        tcp: None,
    };
    machine.memory.add(&Snapshot {
        closed: vec![closed],
        ..snapshot(22, &[10])
    });
    machine.memory.add(&snapshot(40, &[10]));
    let shown = machine.answer([Seek::End]).unwrap();
    let closed = shown.update.table.rows.iter().find(|row| row.is_closed());
    assert_eq!(closed.map(|row| second_of(row.state_since)), Some(21));
    let ages = closed.map(|row| row.state_since.age(shown.at).as_secs());
    assert_eq!(ages, Some(19));
}

#[test]
fn what_was_kept_is_written_as_a_recording_and_sought_in_it() {
    let machine = Machine::new();
    let name = format!("sockeye-moments-{}.seg", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    assert_eq!(machine.memory.write_to(&path), Ok(Duration::from_secs(20)));
    let refused = machine.memory.write_to(&path).unwrap_err();
    assert!(refused.contains("File exists"), "{refused}");
    assert!(path.exists(), "what was there stays");
    let mut replayed = Machine {
        moments: Moments::of_recording(&path, Clock::start()),
        ..Machine::new()
    };
    assert_eq!(replayed.seek(Seek::Start), Ok((0, vec![10])));
    assert_eq!(replayed.seek(FORWARD), Ok((10, vec![10, 20])));
    assert_eq!(replayed.seek(Seek::End), Ok((20, vec![10, 30])));
    std::fs::remove_file(&path).unwrap();
}

/// A machine whose recorder stored ports 10 and 40 from 100 to 60 s before the live table began: 40 closed 80 s before.
struct Stored {
    machine: Machine,
    folder: PathBuf,
}

impl Stored {
    fn new(name: &str) -> Self {
        let name = format!("sockeye-places-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        let options = WriterOptions {
            min_free: Some(0),
            ..WriterOptions::default()
        };
        let mut writer = Writer::open(&folder, &options).unwrap();
        for (before, ports) in [(100, &[10, 40][..]), (80, &[10]), (60, &[10])] {
            let mut snapshot = snapshot(0, ports);
            snapshot.taken_at.steady -= Duration::from_secs(before);
            snapshot.taken_at.wall -= Duration::from_secs(before);
            let _ = writer.add(&snapshot).unwrap();
        }
        writer.close().unwrap();
        let mut machine = Machine::new();
        let folder_of = Some(folder.clone());
        machine.moments = Moments::of_memory(machine.memory.clone(), folder_of);
        Self { machine, folder }
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn before_the_last_hour_there_is_what_was_stored_and_the_way_back() {
    let mut stored = Stored::new("steps");
    let machine = &mut stored.machine;
    for moment in [(10, vec![10, 20]), (0, vec![10])] {
        assert_eq!(machine.seek(BACK), Ok(moment));
    }
    for moment in [(-80, vec![10]), (-100, vec![10, 40])] {
        assert_eq!(machine.seek(BACK), Ok(moment));
    }
    let begin = machine.seek(BACK).unwrap_err();
    assert!(begin.contains("the history begins here"), "{begin}");
    for moment in [(-80, vec![10]), (0, vec![10]), (10, vec![10, 20])] {
        assert_eq!(machine.seek(FORWARD), Ok(moment));
    }
    assert_eq!(machine.seek(Seek::Start), Ok((-100, vec![10, 40])));
    assert_eq!(machine.seek(Seek::End), Ok((20, vec![10, 30])));
}

#[test]
fn a_time_of_which_nothing_is_recorded_says_so() {
    let mut stored = Stored::new("times");
    let time = |second: i64| {
        let from = moment(0).wall;
        Seek::Time(from + SignedDuration::from_secs(second))
    };
    let mut shown = |second| {
        let shown = stored.machine.answer([time(second)]).unwrap();
        (second_of(shown.at), open_ports(&shown), shown.gap)
    };
    assert_eq!(shown(-90), (-90, vec![10, 40], None));
    assert_eq!(shown(-70), (-70, vec![10], None));
    assert_eq!(shown(-30), (-30, vec![10], Some("no recorder ran")));
    assert_eq!(shown(5), (5, vec![10], None));
    let before = stored.machine.answer([time(-500)]).unwrap_err();
    assert!(
        before.contains("is before the history, which begins at"),
        "{before}"
    );
}

#[test]
fn a_change_is_found_in_what_was_stored_and_from_there() {
    let mut stored = Stored::new("changes");
    let machine = &mut stored.machine;
    let change = |direction, port| Seek::Change(direction, Box::new(listener(port)));
    // The first recent snapshot has port 10, which is no change: it was stored before.
    assert_eq!(
        machine.seek(change(Direction::Back, 10)),
        Ok((-100, vec![10, 40]))
    );
    assert_eq!(
        machine.seek(change(Direction::Forward, 40)),
        Ok((-80, vec![10]))
    );
    assert_eq!(
        machine.seek(change(Direction::Forward, 20)),
        Ok((10, vec![10, 20]))
    );
    assert_eq!(
        machine.seek(change(Direction::Back, 40)),
        Ok((-80, vec![10]))
    );
    let none = machine.seek(change(Direction::Forward, 40)).unwrap_err();
    assert!(none.contains("no later change"), "{none}");
}

#[test]
fn a_folder_without_a_history_is_none() {
    let mut machine = Machine::new();
    let folder = Some(PathBuf::from("/nonexistent"));
    machine.moments = Moments::of_memory(machine.memory.clone(), folder);
    assert_eq!(machine.seek(Seek::Start), Ok((0, vec![10])));
    let begin = machine.seek(BACK).unwrap_err();
    assert!(
        begin.contains("`sockeye record` keeps a longer one"),
        "{begin}"
    );
}

/// A port that closed while no recorder ran, and before the table began, had no later change.
#[test]
fn a_change_between_what_was_stored_and_the_table_is_one() {
    let mut stored = Stored::new("between");
    let machine = &mut stored.machine;
    let memory = LastHour::new(Duration::from_secs(1));
    memory.add(&snapshot(0, &[50]));
    memory.add(&snapshot(10, &[50, 60]));
    machine.moments = Moments::of_memory(memory, Some(stored.folder.clone()));
    machine.now = 10;
    let change = |direction, port| Seek::Change(direction, Box::new(listener(port)));
    for port in [10, 50] {
        let begun = machine.seek(Seek::Start);
        assert_eq!(begun, Ok((-100, vec![10, 40])));
        let later = machine.seek(change(Direction::Forward, port));
        assert_eq!(later, Ok((0, vec![50])), "{port}");
        assert!(machine.seek(Seek::End).is_ok());
        let earlier = machine.seek(change(Direction::Back, port));
        assert_eq!(earlier, Ok((0, vec![50])), "{port}");
    }
}

/// A snapshot in which one connection has received and sent this much, or in which nothing was counted.
fn counted_snapshot(second: u64, received: Option<u64>) -> Snapshot {
    let cookie = NonZeroU64::new(7);
    let peer = Endpoint::new("127.0.0.1".parse().unwrap(), 40_000);
    let connection = Socket {
        remote: Some(peer),
        state: State::Established,
        cookie,
        ..listener(10)
    };
    let counted = received.map(|bytes_received| Counted {
        namespace: connection.namespace_id(),
        cookie: cookie.unwrap(),
        counters: Counters {
            tcp: Some(TcpInfo {
                bytes_received,
                ..TcpInfo::default()
            }),
            drops: None,
        },
    });
    Snapshot {
        sockets: vec![connection],
        counters: counted.map(|one| vec![one]),
        ..snapshot(second, &[])
    }
}

/// The columns of the rates were empty at each moment.
#[test]
fn rates_at_a_moment_are_between_the_two_counts_before_it() {
    let memory = LastHour::new(Duration::from_secs(1));
    let mut moments = Moments::of_memory(memory.clone(), None);
    // Counted from 0 to 40 s, and again from 60 s on. Every tenth second is stored.
    for second in 0..90 {
        let is_counted = !(40..60).contains(&second);
        memory.add(&counted_snapshot(
            second,
            is_counted.then(|| second * second),
        ));
    }
    let mut rate = |second: u64| {
        let request = MomentRequest {
            job: second,
            seek: at(second),
            from: Some(moment(89).wall),
            known: Vec::new(),
            linger: Duration::ZERO,
            services: Services::default(),
            cells: 30,
        };
        let Some(Msg::MomentShown(shown)) = moments.answer(&[request]) else {
            panic!("a moment")
        };
        let (_, flow) = shown.update.table.flows.iter().next()?;
        assert!(flow.totals().is_some());
        flow.rates.map(|rates| rates.received)
    };
    // Those of 10 and 20 s: (400 - 100) / 10 s.
    assert_eq!(rate(25), Some(30));
    assert_eq!(rate(30), Some(50));
    // One count says no rate, and those before a time without any say nothing of the time after it.
    assert_eq!((rate(5), rate(50), rate(65)), (None, None, None));
    assert_eq!(rate(75), Some(130));
}
