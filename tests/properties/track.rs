//! The tracker with the history of a small world in which sockets do everything they can.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sockeye::model::{
    Endpoint, Kinds, Moment, Owner, Pid, Process, Protocol, Snapshot, Socket, State,
};
use sockeye::track::{ChangeKind, Event, Row, RowId, Table, TableUpdate, Tracker};

const LINGER: Duration = Duration::from_secs(3);

/// Something that happens between two readings, or to one.
#[derive(Clone, Debug)]
enum Step {
    /// A listener opens; on an address that is taken, as its `SO_REUSEPORT` twin.
    Listen { port: u16, pid: Pid },
    /// A socket is bound, without listening.
    Bind { port: u16, pid: Pid },
    /// A connection opens, unless these addresses have one.
    Connect { port: u16, pid: Pid },
    /// A bound socket connects: the same inode has other addresses now.
    Dial(Index),
    /// A connection's state becomes another.
    Move(Index, State),
    /// A process closes its connection, which goes on without it.
    Leave(Index, State),
    /// A socket goes.
    Close(Index),
    /// A socket closes, and another process has its address before the next snapshot.
    Restart(Index, Pid),
    /// The reading misses a socket that is there.
    Miss(Index),
}

fn step() -> impl Strategy<Value = Step> {
    let port = 1..4u16;
    let pid = 1..5u32;
    let state = || {
        select(vec![
            State::SynSent,
            State::Established,
            State::CloseWait,
            State::FinWait2,
        ])
    };
    let late = select(vec![State::FinWait2, State::TimeWait]);
    prop_oneof![
        3 => (port.clone(), pid.clone()).prop_map(|(port, pid)| Step::Listen { port, pid }),
        1 => (port.clone(), pid.clone()).prop_map(|(port, pid)| Step::Bind { port, pid }),
        3 => (port, pid.clone()).prop_map(|(port, pid)| Step::Connect { port, pid }),
        1 => any::<Index>().prop_map(Step::Dial),
        2 => (any::<Index>(), state()).prop_map(|(which, state)| Step::Move(which, state)),
        2 => (any::<Index>(), late).prop_map(|(which, state)| Step::Leave(which, state)),
        3 => any::<Index>().prop_map(Step::Close),
        3 => (any::<Index>(), pid).prop_map(|(which, pid)| Step::Restart(which, pid)),
        3 => any::<Index>().prop_map(Step::Miss),
    ]
}

/// What happens before each of several readings.
fn history() -> impl Strategy<Value = Vec<Vec<Step>>> {
    vec(vec(step(), 0..5), 1..12)
}

/// What is really there.
#[derive(Default)]
struct World {
    sockets: Vec<Socket>,
    last_inode: u32,
}

impl World {
    /// Lets these things happen; returns what a reading afterwards sees.
    fn apply(&mut self, steps: &[Step]) -> Vec<Socket> {
        let mut missed = BTreeSet::new();
        for step in steps {
            if let Step::Miss(which) = step
                && !self.sockets.is_empty()
            {
                missed.insert(self.sockets[which.index(self.sockets.len())].clone().inode);
            }
            self.apply_step(step);
        }
        // Sockets without an inode can't be distinguished by it: the snapshot has them all.
        let is_seen = |socket: &&Socket| socket.inode.is_none() || !missed.contains(&socket.inode);
        self.sockets.iter().filter(is_seen).cloned().collect()
    }

    fn apply_step(&mut self, step: &Step) {
        match step {
            Step::Listen { port, pid } => {
                let socket = self.new_socket(*port, None, State::Listen, *pid);
                self.sockets.push(socket);
            }
            Step::Bind { port, pid } => {
                let socket = self.new_socket(*port, None, State::Bound, *pid);
                self.sockets.push(socket);
            }
            Step::Connect { port, pid } => {
                let is_free = self.connection_on(*port).is_none();
                let socket = self.new_socket(*port, Some(443), State::Established, *pid);
                self.sockets.extend(is_free.then_some(socket));
            }
            Step::Miss(_) => {}
            Step::Dial(which)
            | Step::Move(which, _)
            | Step::Leave(which, _)
            | Step::Close(which)
            | Step::Restart(which, _) => {
                if !self.sockets.is_empty() {
                    let at = which.index(self.sockets.len());
                    self.apply_to(at, step);
                }
            }
        }
    }

    fn apply_to(&mut self, at: usize, step: &Step) {
        let port = self.sockets[at].local.port;
        let is_connection = self.sockets[at].is_connection();
        match step {
            Step::Dial(_)
                if self.sockets[at].state == State::Bound && self.connection_on(port).is_none() =>
            {
                self.sockets[at].remote = Some(endpoint(443));
                self.sockets[at].state = State::SynSent;
            }
            // What no process has any more comes to no life again.
            Step::Move(_, state) if is_connection && self.sockets[at].inode.is_some() => {
                self.sockets[at].state = *state;
            }
            Step::Leave(_, state) if is_connection => {
                self.sockets[at].state = *state;
                self.sockets[at].inode = None;
                self.sockets[at].owner = Owner::None;
            }
            Step::Close(_) => drop(self.sockets.remove(at)),
            Step::Restart(_, pid) => {
                let old = self.sockets.remove(at);
                let remote = old.remote.map(|remote| remote.port);
                let state = if is_connection {
                    State::Established
                } else {
                    old.state
                };
                let socket = self.new_socket(port, remote, state, *pid);
                self.sockets.push(socket);
            }
            _ => {}
        }
    }

    fn connection_on(&self, port: u16) -> Option<&Socket> {
        let mut sockets = self.sockets.iter();
        sockets.find(|socket| socket.is_connection() && socket.local.port == port)
    }

    fn new_socket(&mut self, port: u16, remote: Option<u16>, state: State, pid: Pid) -> Socket {
        self.last_inode += 1;
        Socket {
            inode: Some(self.last_inode),
            // Every other one, as if it had been read in another way.
            cookie: NonZeroU64::new(self.last_inode.into())
                .filter(|cookie| cookie.get().is_multiple_of(2)),
            owner: Owner::Known([process(pid)].into()),
            ..Socket::new(Protocol::Tcp, endpoint(port), remote.map(endpoint), state)
        }
    }
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint::new("127.0.0.1".parse().expect("an address"), port)
}

fn process(pid: Pid) -> Arc<Process> {
    Arc::new(Process::new(pid, "p"))
}

/// A tracker that takes a reading each second.
struct Watch {
    tracker: Tracker,
    seconds: u64,
}

impl Watch {
    fn new() -> Self {
        Self {
            tracker: Tracker::new(LINGER),
            seconds: 0,
        }
    }

    fn read(&mut self, sockets: &[Socket]) -> TableUpdate {
        self.seconds += 1;
        self.tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            counters: None,
            ephemeral: None,
            taken_at: self.now(),
            sockets: sockets.to_vec(),
            processes: HashMap::new(),
            problems: Vec::new(),
        })
    }

    fn now(&self) -> Moment {
        super::rows::moment(self.seconds)
    }
}

fn live(table: &Table) -> impl Iterator<Item = &Row> {
    let rows = table.rows.iter().map(|row| &**row);
    rows.filter(|row| !row.is_closed())
}

/// What a row is known to be: its addresses, its state and its processes.
type Known = (Endpoint, Option<Endpoint>, State, Vec<Pid>);

fn known(socket: &Socket) -> Known {
    let processes = socket.owner.processes().iter();
    let pids = processes.map(|process| process.pid).collect();
    (socket.local, socket.remote, socket.state, pids)
}

/// The state derived from the first table and every event since.
struct Listener {
    rows: BTreeMap<RowId, (Known, Option<u32>)>,
}

impl Listener {
    fn at_start(table: &Table) -> Self {
        let rows = live(table).map(|row| (row.id, (known(&row.socket), row.socket.inode)));
        Self {
            rows: rows.collect(),
        }
    }

    /// Takes in one event, which must have a cause in what was known.
    fn hear(&mut self, event: &Event) -> Result<(), TestCaseError> {
        let before = self.rows.get(&event.row.id);
        let now = known(&event.row.socket);
        match (&event.change.kind, before) {
            (ChangeKind::Opened, Some((_, inode))) => {
                prop_assert_ne!(*inode, event.row.socket.inode, "opened twice: {:?}", event);
            }
            (ChangeKind::Opened, None) => {}
            (_, None) => prop_assert!(false, "of a row that nobody heard of: {:?}", event),
            (ChangeKind::Closed, Some((was, _))) => {
                prop_assert_eq!(was, &now, "closed as it was last: {:?}", event);
            }
            (ChangeKind::State { from }, Some((was, _))) => {
                prop_assert_eq!(*from, was.2, "from the state it had: {:?}", event);
                prop_assert_ne!(*from, now.2, "to another state: {:?}", event);
            }
            (ChangeKind::Owner { from }, Some((was, _))) => {
                let pids: Vec<_> = from.processes().iter().map(|one| one.pid).collect();
                prop_assert_eq!(&pids, &was.3, "from whom it had: {:?}", event);
                prop_assert!(!pids.iter().any(|pid| now.3.contains(pid)), "{:?}", event);
            }
        }
        if event.change.kind == ChangeKind::Closed {
            self.rows.remove(&event.row.id);
        } else {
            self.rows
                .insert(event.row.id, (now, event.row.socket.inode));
        }
        Ok(())
    }

    fn knows(&self) -> BTreeMap<RowId, Known> {
        let rows = self.rows.iter();
        rows.map(|(id, (known, _))| (*id, known.clone())).collect()
    }
}

/// Each socket of a reading is in exactly one row that is open; no two rows have one id; rows
/// without a socket in it are those that the reading before had.
fn is_sound(
    table: &Table,
    reading: &[Socket],
    before: &[Socket],
    now: Moment,
) -> Result<(), TestCaseError> {
    let ids: BTreeSet<_> = table.rows.iter().map(|row| row.id).collect();
    prop_assert_eq!(
        ids.len(),
        table.rows.len(),
        "ids are unique: {:?}",
        table.rows
    );
    let is_of = |row: &&Row, socket: &Socket| {
        let one = &row.socket;
        (one.protocol, one.local, one.remote, one.inode, one.state)
            == (
                socket.protocol,
                socket.local,
                socket.remote,
                socket.inode,
                socket.state,
            )
    };
    for socket in reading {
        let rows = live(table).filter(|row| is_of(row, socket)).count();
        let alike = reading.iter().filter(|other| *other == socket).count();
        prop_assert_eq!(rows, alike, "{:?} in {:?}", socket, table.rows);
    }
    for row in live(table) {
        let is_there = reading
            .iter()
            .chain(before)
            .any(|socket| is_of(&row, socket));
        prop_assert!(is_there, "{:?} is not in the last two snapshots", row);
    }
    for row in table.rows.iter().filter(|row| row.is_closed()) {
        prop_assert!(
            row.state_since.age(now) < LINGER,
            "{:?} stays for ever",
            row
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_events_agree_with_the_table_once_every_close_is_confirmed(history in history()) {
        let mut world = World::default();
        let mut watch = Watch::new();
        let mut before = world.apply(&history[0]);
        let first = watch.read(&before);
        prop_assert!(first.events.is_empty(), "what is there at the start is not new");
        let mut listener = Listener::at_start(&first.table);
        let mut closings = 0;
        // Quiet readings at the end settle what is still in the balance.
        let quiet = [const { Vec::new() }; 2];
        for steps in history[1..].iter().chain(&quiet) {
            let reading = world.apply(steps);
            let TableUpdate { table, events, .. } = watch.read(&reading);
            for event in &events {
                listener.hear(event)?;
                closings += usize::from(event.change.kind == ChangeKind::Closed);
            }
            is_sound(&table, &reading, &before, watch.now())?;
            let closed = table.rows.iter().filter(|row| row.is_closed()).count();
            prop_assert!(closed <= closings, "no tombstone without a death");
            before = reading;
        }
        let TableUpdate { table, events, .. } = watch.read(&world.sockets);
        prop_assert!(events.is_empty(), "nothing happened: {:?}", events);
        prop_assert!(!table.has_unconfirmed_closes);
        let shown: BTreeMap<_, _> = live(&table).map(|row| (row.id, known(&row.socket))).collect();
        prop_assert_eq!(listener.knows(), shown);
    }

    #[test]
    fn a_row_that_is_missing_from_exactly_one_snapshot_makes_no_event(
        steps in vec(step(), 1..12),
        misses in vec(any::<Index>(), 1..12),
    ) {
        let mut world = World::default();
        world.apply(&steps);
        world.apply_step(&Step::Listen { port: 1, pid: 1 });
        let mut watch = Watch::new();
        let first = watch.read(&world.sockets).table;
        for miss in misses {
            let mut reading = world.sockets.clone();
            reading.remove(miss.index(reading.len()));
            for reading in [&reading, &world.sockets] {
                let TableUpdate { table, events, .. } = watch.read(reading);
                prop_assert!(events.is_empty(), "{:?}", events);
                let ids = |table: &Table| -> Vec<_> { table.rows.iter().map(|row| row.id).collect() };
                prop_assert_eq!(ids(&table), ids(&first), "and the row stays in its place");
            }
        }
    }

    #[test]
    fn the_order_of_a_snapshot_does_not_matter(history in history(), turn in any::<Index>()) {
        let mut world = World::default();
        let (mut watch, mut turned) = (Watch::new(), Watch::new());
        for steps in &history {
            let reading = world.apply(steps);
            let mut other = reading.clone();
            if !other.is_empty() {
                let by = turn.index(other.len());
                other.rotate_left(by);
            }
            let told = |watch: &mut Watch, reading: &[Socket]| -> BTreeSet<String> {
                let events = watch.read(reading).events;
                let what = |event: &Event| format!("{:?} {:?}", event.change.kind, known(&event.row.socket));
                events.iter().map(what).collect()
            };
            // Which of two twins replaced a third does not matter.
            if has_twins(&reading) {
                break;
            }
            prop_assert_eq!(told(&mut watch, &reading), told(&mut turned, &other));
        }
    }
}

fn has_twins(sockets: &[Socket]) -> bool {
    let places: BTreeSet<_> = sockets
        .iter()
        .map(|socket| (socket.local, socket.remote))
        .collect();
    places.len() < sockets.len()
}
