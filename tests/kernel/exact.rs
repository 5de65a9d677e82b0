//! Exactness under churn: what is reported of sockets that processes open and close at random times, compared
//! against what those processes wrote down.
//!
//! A socket that lives across two snapshots is reported opened once and closed once, with the process that had it;
//! one that lives shorter may be missed, but is never reported twice; and nothing is reported that was not there.

mod actor;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use sockeye::clock::Clock;
use sockeye::model::{Endpoint, Moment, Origin, Pid, Protocol, RefreshTimings, Snapshot};
use sockeye::runtime::collector::{Collector, CollectorEvent, Control};
use sockeye::source::{Source, SourceError, System};
use sockeye::track::{ChangeKind, Event, Tracker};

use crate::kernel::scene::{fresh_seed, is_inner};
use crate::support::netns::in_netns;
use actor::{Life, Random, now};

const ACTOR: &str = "exact::actor_of_random_sockets";

/// How many processes act, on how many sockets at a time, and for how long.
const ACTORS: u16 = 4;
const MOST: usize = 30;
const TIME: Duration = Duration::from_secs(12);

/// Ports of each actor; none is used twice.
const PORTS: u16 = 12_000;

/// Short, and long enough for second scans.
const INTERVAL: Duration = Duration::from_millis(120);

/// A socket that is merely bound is kept for five seconds at most, until such sockets are read again.
const KEPT_AT_MOST: Duration = Duration::from_secs(6);

/// What an actor is given and where it writes, in this variable: seed, first port, end, path.
const ORDERS: &str = "SOCKEYE_TEST_ACTOR";

#[test]
fn every_socket_is_reported_opened_once_and_closed_once_with_its_owner() {
    in_netns(
        "exact::every_socket_is_reported_opened_once_and_closed_once_with_its_owner",
        || {
            let seed = std::env::var("SOCKEYE_SEED")
                .map_or_else(|_| fresh_seed(), |seed| seed.parse().unwrap());
            println!("SOCKEYE_SEED={seed} repeats what the actors do, not when");
            let reported = collect(|| {
                let actors: Vec<_> = (0..ACTORS).map(|at| start(seed, at)).collect();
                actors.into_iter().map(end).collect()
            });
            Comparison::of(&reported).assert();
        },
    );
}

#[test]
fn actor_of_random_sockets() {
    if !is_inner(ACTOR) {
        return;
    }
    let orders = std::env::var(ORDERS).unwrap();
    let [seed, first_port, end, path] = orders.splitn(4, ' ').collect::<Vec<_>>()[..] else {
        panic!("{orders}")
    };
    let end = Duration::from_nanos(end.parse().unwrap());
    let lives = actor::act(
        seed.parse().unwrap(),
        first_port.parse().unwrap(),
        MOST,
        end,
    );
    let mut text = String::new();
    for life in lives {
        life.write(&mut text);
    }
    std::fs::write(path, text).unwrap();
}

struct Actor {
    child: Child,
    path: String,
}

fn start(seed: u64, at: u16) -> Actor {
    let path = std::env::temp_dir().join(format!("exact-{}-{at}", std::process::id()));
    let path = path.to_str().unwrap().to_owned();
    let seed = Random::new(seed + u64::from(at)).below(1 << 30);
    let (first_port, end) = (1_100 + at * PORTS, (now() + TIME).as_nanos());
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("kernel::{ACTOR}"), "--nocapture"])
        .env("SOCKEYE_TEST_INNER", ACTOR)
        .env(ORDERS, format!("{seed} {first_port} {end} {path}"))
        .stdout(Stdio::null())
        .spawn();
    Actor {
        child: child.unwrap(),
        path,
    }
}

/// Waits for its end: who it was, and the lives of its sockets.
fn end(mut actor: Actor) -> (Pid, Vec<Life>) {
    let pid = actor.child.id();
    assert!(actor.child.wait().unwrap().success());
    let lives = std::fs::read_to_string(&actor.path).unwrap();
    std::fs::remove_file(&actor.path).unwrap();
    (pid, lives.lines().map(Life::read).collect())
}

/// What was reported, what was there, and when snapshots began and ended.
struct Reported {
    events: Vec<Event>,
    lives: Vec<(Pid, Vec<Life>)>,
    snapshots: Vec<(Duration, Duration)>,
}

/// The machine as a source, and when each of its snapshots began and ended.
struct Timed {
    system: System,
    snapshots: Arc<Mutex<Vec<(Duration, Duration)>>>,
}

impl Source for Timed {
    fn origin(&self) -> Origin {
        self.system.origin()
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        let began = now();
        let snapshot = self.system.take(at);
        self.snapshots.lock().unwrap().push((began, now()));
        snapshot
    }

    fn wants_immediate_retake(&self) -> bool {
        self.system.wants_immediate_retake()
    }

    fn timings(&self) -> RefreshTimings {
        self.system.timings()
    }
}

/// Collects all the while that `act` runs, and until what it left open is reported closed.
fn collect(act: impl FnOnce() -> Vec<(Pid, Vec<Life>)>) -> Reported {
    let snapshots = Arc::new(Mutex::new(Vec::new()));
    let collector = Collector {
        source: Box::new(Timed {
            system: System::new(),
            snapshots: Arc::clone(&snapshots),
        }),
        tracker: Tracker::new(Duration::ZERO),
        recorder: None,
        history: None,
        clock: Clock::start(),
        interval: INTERVAL,
        lost_recording: None,
        partial_owners_first: false,
        is_measured: false,
    };
    let (control, controlled) = mpsc::channel();
    let (sender, messages) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        collector.run(&controlled, |event| sender.send(event).is_ok());
    });
    let count = || snapshots.lock().unwrap().len();
    crate::support::wait_until("a first reading", || count() > 0);
    let lives = act();
    let (enough, latest) = (count() + 4, now() + KEPT_AT_MOST);
    let (mut events, mut is_empty) = (Vec::new(), false);
    crate::support::wait_until("snapshots after the end", || {
        control.send(Control::Refresh).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        for event in messages.try_iter() {
            let CollectorEvent::Updated(observation) = event else {
                panic!("{event:?}")
            };
            is_empty = observation.table.rows.is_empty();
            events.extend(observation.events);
        }
        count() >= enough && (is_empty || now() > latest)
    });
    drop(control);
    thread.join().unwrap();
    let snapshots = snapshots.lock().unwrap().clone();
    Reported {
        events,
        lives,
        snapshots,
    }
}

/// Addresses, which identify a socket here.
type Place = (Protocol, Endpoint, Option<Endpoint>);

/// What was reported of one socket.
#[derive(Debug, Default)]
struct Story {
    opened: usize,
    closed: usize,
    /// Its owner, as its last row says.
    owners: Vec<Pid>,
    inodes: Vec<u32>,
}

/// The stories beside the lives.
struct Comparison {
    stories: HashMap<Place, Story>,
    lives: BTreeMap<String, (Pid, Life, bool)>,
    invented: Vec<String>,
}

impl Comparison {
    fn of(reported: &Reported) -> Self {
        let mut stories: HashMap<Place, Story> = HashMap::new();
        // A client may be seen between its bind and its connect: it is the same socket, which gets a peer then.
        let lives = reported.lives.iter().flat_map(|(_, lives)| lives);
        let clients = lives.filter(|life| life.remote.is_some());
        let clients: HashMap<_, _> = clients
            .map(|life| ((Some(life.inode), life.place().1), life.place()))
            .collect();
        for event in &reported.events {
            let socket = &event.row.socket;
            let place = (socket.protocol, socket.local, socket.remote);
            let client = clients.get(&(socket.inode, socket.local));
            let place = *client.filter(|_| socket.remote.is_none()).unwrap_or(&place);
            let story = stories.entry(place).or_default();
            match event.change.kind {
                ChangeKind::Opened => story.opened += 1,
                ChangeKind::Closed => {
                    story.closed += 1;
                    let pids = socket.owner.processes().iter().map(|one| one.pid);
                    story.owners.extend(pids);
                }
                ChangeKind::State { .. } => {}
                ChangeKind::GoneBetween => panic!("closes are not read: {event:?}"),
                ChangeKind::Owner { .. } => panic!("nothing changed hands: {event:?}"),
            }
            story.inodes.extend(socket.inode);
        }
        let mut lives = BTreeMap::new();
        let mut known = std::collections::HashSet::new();
        for (pid, of_one) in &reported.lives {
            for life in of_one {
                known.insert(life.place());
                let is_due = life.spans_two(&reported.snapshots);
                lives.insert(format!("{:?}", life.place()), (*pid, life.clone(), is_due));
            }
        }
        let invented = stories.keys().filter(|place| !known.contains(place));
        let invented = invented.map(|place| format!("{place:?}")).collect();
        Self {
            stories,
            lives,
            invented,
        }
    }

    fn assert(&self) {
        let nothing = Story::default();
        let (mut due, mut reported, mut wrong) = (0, 0, Vec::new());
        for (pid, life, is_due) in self.lives.values() {
            let story = self.stories.get(&life.place()).unwrap_or(&nothing);
            due += usize::from(*is_due);
            reported += story.opened;
            if !life.is_told_by(story, *pid, *is_due) {
                wrong.push(format!(
                    "{life:?} of {pid}, due: {is_due}, reported: {story:?}"
                ));
            }
        }
        let all = self.lives.len();
        println!("{all} sockets, {due} of them across two snapshots, {reported} reported");
        assert!(self.invented.is_empty(), "invented: {:#?}", self.invented);
        assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
        assert!(due > 100, "too few to say anything: {due} of {all}");
    }
}

impl Life {
    fn place(&self) -> Place {
        let endpoint = |address: SocketAddr| Endpoint::new(address.ip(), address.port());
        (
            self.protocol,
            endpoint(self.local),
            self.remote.map(endpoint),
        )
    }

    /// Whether it exists during two consecutive snapshots.
    fn spans_two(&self, snapshots: &[(Duration, Duration)]) -> bool {
        snapshots
            .windows(2)
            .any(|two| self.opened.1 <= two[0].0 && two[1].1 <= self.closed.0)
    }

    /// Whether the reports are what happened; what is not due may be missing.
    fn is_told_by(&self, story: &Story, pid: Pid, is_due: bool) -> bool {
        let is_whole = (story.opened, story.closed) == (1, 1);
        let is_right = story.inodes.iter().all(|&inode| inode == self.inode);
        if is_due {
            is_whole && is_right && story.owners == [pid]
        } else {
            let is_missed = (story.opened, story.closed) == (0, 0);
            let is_nobodys = story.owners.iter().all(|&owner| owner == pid);
            is_missed || is_whole && is_right && is_nobodys
        }
    }
}
