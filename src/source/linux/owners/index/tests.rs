//! The index against processes that the tests make up, and what it costs to keep.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::procfs::{DescriptorTable, ProcessSockets};
use super::sweep::SWEEP_TIME;
use super::*;
use crate::model::{Endpoint, Protocol, State};

/// A machine of processes that only do what a test tells them.
#[derive(Clone, Default)]
struct Machine(Rc<Inside>);

#[derive(Default)]
struct Inside {
    processes: RefCell<BTreeMap<Pid, Told>>,
    /// Who was looked at, in order.
    scanned: RefCell<Vec<Pid>>,
    /// Whether there are processes outside this pid namespace.
    is_inner: Cell<bool>,
    /// Whether there is no descriptor left to look with.
    is_short: Cell<bool>,
    listings: Cell<usize>,
    is_gone: Cell<bool>,
}

#[derive(Clone, Default)]
struct Told {
    sockets: Vec<u32>,
    /// Descriptors that are no sockets.
    files: u64,
    is_refused: bool,
    ran: u64,
    parent: Option<Pid>,
}

impl Machine {
    /// The process runs, and ends with these sockets and as many files as it has.
    fn runs(&self, pid: Pid, sockets: &[u32]) {
        let mut processes = self.0.processes.borrow_mut();
        let process = processes.entry(pid).or_default();
        process.sockets = sockets.to_vec();
        process.ran += 1;
    }

    fn has_files(&self, pid: Pid, files: u64) {
        self.0.processes.borrow_mut().entry(pid).or_default().files = files;
    }

    fn refuses(&self, pid: Pid, is_refused: bool) {
        self.0
            .processes
            .borrow_mut()
            .entry(pid)
            .or_default()
            .is_refused = is_refused;
    }

    /// The process starts another, which has what it has.
    fn forks(&self, pid: Pid, child: Pid) {
        let mut processes = self.0.processes.borrow_mut();
        processes.get_mut(&pid).unwrap().ran += 1;
        let child_of_it = Told {
            parent: Some(pid),
            ..processes[&pid].clone()
        };
        processes.insert(child, child_of_it);
    }

    fn ends(&self, pid: Pid) {
        self.0.processes.borrow_mut().remove(&pid);
    }

    /// Who was looked at since this was last asked.
    fn scanned(&self) -> Vec<Pid> {
        self.0.scanned.take()
    }
}

impl Procfs for Machine {
    type Clock = (Pid, u64);

    fn open(&mut self) -> io::Result<()> {
        if self.0.is_gone.get() {
            return Err(io::Errno::NOENT);
        }
        Ok(())
    }

    fn pids(&self) -> io::Result<Vec<Pid>> {
        self.0.listings.set(self.0.listings.get() + 1);
        Ok(self.0.processes.borrow().keys().copied().collect())
    }

    fn descriptor_table(&self, pid: Pid) -> DescriptorTable {
        let processes = self.0.processes.borrow();
        DescriptorTable {
            uid: None,
            descriptors: processes[&pid].files + processes[&pid].sockets.len() as u64,
        }
    }

    fn clock(&self, pid: Pid) -> (Pid, u64) {
        let processes = self.0.processes.borrow();
        (pid, processes.get(&pid).map_or(0, |process| process.ran))
    }

    fn is_idle_since(&self, &(pid, ran): &(Pid, u64)) -> bool {
        let processes = self.0.processes.borrow();
        processes
            .get(&pid)
            .is_some_and(|process| process.ran == ran)
    }

    fn read(&self, pid: Pid) -> io::Result<Option<ProcessSockets>> {
        self.0.scanned.borrow_mut().push(pid);
        let Some(process) = self.0.processes.borrow().get(&pid).cloned() else {
            return Ok(None);
        };
        if self.0.is_short.get() {
            return Err(io::Errno::MFILE);
        }
        if process.is_refused {
            return Ok(Some(ProcessSockets::default()));
        }
        let descriptors = process.files + process.sockets.len() as u64;
        Ok(Some(ProcessSockets {
            sockets: Some(
                (0..)
                    .zip(process.sockets)
                    .map(|(fd, inode)| (inode, fd))
                    .collect(),
            ),
            descriptors,
        }))
    }

    fn may_have_sockets_here(&self, _: Pid) -> bool {
        true
    }

    fn parent(&self, pid: Pid) -> Option<Pid> {
        self.0.processes.borrow().get(&pid)?.parent
    }

    fn hidden_reason(&self, is_refused: bool) -> Option<HiddenReason> {
        let is_inner = self.0.is_inner.get();
        match (is_refused, is_inner) {
            (true, _) => Some(HiddenReason::NotPermitted),
            (false, true) => Some(HiddenReason::OtherNamespace),
            (false, false) => None,
        }
    }
}

/// An index of that machine, as a live table has it, at one reading a second.
struct Desk {
    machine: Machine,
    index: OwnerIndex<Machine>,
    now: Duration,
}

impl Desk {
    /// With these processes, after the first round.
    fn with(processes: &[(Pid, &[u32])]) -> Self {
        let machine = Machine::default();
        for &(pid, sockets) in processes {
            machine.runs(pid, sockets);
        }
        let mut desk = Self::new(machine);
        while desk.now < Duration::from_secs(3) {
            desk.read(&[]);
        }
        desk.read_now(&[1]);
        desk.read(&[1]);
        desk.machine.scanned();
        desk
    }

    fn new(machine: Machine) -> Self {
        Self {
            index: OwnerIndex::new(machine.clone()),
            machine,
            now: Duration::ZERO,
        }
    }

    /// A reading with these inodes, a second later.
    fn read(&mut self, inodes: &[u32]) {
        self.now += Duration::from_secs(1);
        self.read_now(inodes);
    }

    fn read_now(&mut self, inodes: &[u32]) {
        let sockets: Vec<_> = inodes.iter().map(|&inode| connection(inode)).collect();
        self.take(&sockets, ScanExtent::Bounded).unwrap();
    }

    fn take(&mut self, sockets: &[Socket], effort: ScanExtent) -> io::Result<()> {
        let at = Moment {
            steady: self.now,
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        self.index.owners(sockets, at, effort).1
    }

    fn of(&self, inode: u32) -> OwnerPids {
        self.index.owner(inode)
    }
}

fn socket(inode: u32, port: u16, state: State) -> Socket {
    let local = Endpoint::new([127, 0, 0, 1].into(), port);
    let mut socket = Socket::new(Protocol::Tcp, local, None, state);
    socket.inode = Some(inode);
    socket
}

fn connection(inode: u32) -> Socket {
    socket(inode, 7, State::Established)
}

fn by(pids: &[Pid]) -> OwnerPids {
    OwnerPids::Known(pids.into())
}

#[test]
fn a_known_socket_costs_no_look_and_no_list() {
    let mut desk = Desk::with(&[(10, &[1]), (11, &[1])]);
    let listings = desk.machine.0.listings.get();
    desk.machine.runs(10, &[1]);
    desk.read_now(&[1]);
    assert_eq!(desk.of(1), by(&[10, 11]));
    assert!(desk.machine.scanned().is_empty());
    assert_eq!(desk.machine.0.listings.get(), listings);
}

#[test]
fn a_new_socket_is_looked_for_only_where_something_ran() {
    let mut desk = Desk::with(&[(10, &[1]), (11, &[]), (12, &[])]);
    desk.machine.runs(11, &[2]);
    desk.read_now(&[1, 2]);
    assert_eq!(desk.of(2), by(&[11]));
    assert_eq!(desk.machine.scanned(), [11]);
}

#[test]
fn who_listens_on_the_port_is_scanned_first_then_who_has_sockets_then_who_is_new() {
    let mut desk = Desk::with(&[(10, &[1]), (11, &[5]), (12, &[]), (13, &[6])]);
    let listener = socket(5, 7, State::Listen);
    desk.take(
        &[connection(1), listener.clone(), socket(6, 9, State::Listen)],
        ScanExtent::Bounded,
    )
    .unwrap();
    desk.machine.scanned();
    for pid in [10, 12, 13] {
        desk.machine.runs(pid, &[if pid == 10 { 1 } else { 6 }]);
    }
    desk.machine.runs(11, &[5, 2]);
    desk.machine.runs(20, &[3]);
    let sockets = [connection(1), connection(2), listener.clone()];
    desk.take(&sockets, ScanExtent::Bounded).unwrap();
    assert_eq!((desk.of(2), desk.machine.scanned()), (by(&[11]), vec![11]));
    desk.take(&[connection(3), listener], ScanExtent::Bounded)
        .unwrap();
    let scanned = desk.machine.scanned();
    assert_eq!(scanned.last(), Some(&20), "{scanned:?}");
    assert!(!scanned.contains(&12), "{scanned:?}");
    assert_eq!(desk.of(3), by(&[20]));
}

#[test]
fn nobody_at_two_looks_is_the_kernel_and_is_looked_for_ever_more_rarely() {
    let mut desk = Desk::with(&[(10, &[1])]);
    let mut looks = Vec::new();
    for reading in 0..20 {
        desk.machine.runs(10, &[1]);
        let searches = desk.machine.0.listings.get();
        desk.read_now(&[1, 9]);
        if desk.machine.0.listings.get() > searches {
            looks.push(reading);
        }
        let expected = if reading == 0 {
            OwnerPids::None
        } else {
            OwnerPids::Kernel
        };
        assert_eq!(desk.of(9), expected, "at reading {reading}");
    }
    assert_eq!(looks, [0, 1, 3, 6, 11]);
}

#[test]
fn a_socket_that_is_gone_is_forgotten_and_so_is_how_often_it_was_missed() {
    let mut desk = Desk::with(&[(10, &[1])]);
    desk.read_now(&[1, 9]);
    desk.read_now(&[1, 9]);
    assert_eq!(desk.of(9), OwnerPids::Kernel);
    desk.read_now(&[1]);
    desk.read_now(&[1, 9]);
    assert_eq!(desk.of(9), OwnerPids::None);
}

#[test]
fn a_round_notices_forks_and_closed_and_passed_descriptors() {
    let mut desk = Desk::with(&[(10, &[1, 2]), (11, &[]), (12, &[])]);
    desk.machine.runs(10, &[1]);
    desk.machine.runs(11, &[2]);
    desk.machine.runs(30, &[1]);
    for _ in 0..20 {
        desk.read(&[1, 2]);
    }
    assert_eq!((desk.of(1), desk.of(2)), (by(&[10, 30]), by(&[11])));
    let scanned = desk.machine.scanned();
    assert!(!scanned.contains(&12), "it never ran: {scanned:?}");
}

#[test]
fn a_reading_after_ten_seconds_checks_everybody() {
    let mut desk = Desk::with(&[(10, &[1]), (11, &[]), (12, &[])]);
    desk.machine.runs(12, &[1]);
    for new in 20..30 {
        desk.machine.runs(new, &[1]);
    }
    desk.now += SWEEP_TIME;
    // The round that is under way, and the next one.
    desk.read_now(&[1]);
    let all: Vec<Pid> = [10, 12].into_iter().chain(20..30).collect();
    assert_eq!(desk.of(1), by(&all));
}

#[test]
fn processes_that_run_all_the_time_are_scanned_within_their_share() {
    let processes: Vec<(Pid, &[u32])> = (100..200).map(|pid| (pid, &[][..])).collect();
    let mut desk = Desk::with(&processes);
    for pid in 100..200 {
        desk.machine.has_files(pid, 10_000);
    }
    desk.index.take_stats();
    for _ in 0..100 {
        for pid in 100..200 {
            desk.machine.runs(pid, &[]);
        }
        desk.read(&[]);
    }
    let descriptors = desk.index.take_stats().descriptors;
    let share =
        u64::try_from(ScanBudget::SWEEP.limit + 100 * ScanBudget::SWEEP.per_second).unwrap();
    assert!(
        (share - 20_000..share + 20_000).contains(&descriptors),
        "{descriptors}"
    );
}

#[test]
fn a_search_that_takes_too_long_goes_on_at_the_next_reading() {
    let processes: Vec<(Pid, &[u32])> = (100..120).map(|pid| (pid, &[][..])).collect();
    let mut desk = Desk::with(&processes);
    for pid in 100..120 {
        desk.machine.has_files(pid, 6_000);
        desk.machine.runs(pid, &[]);
    }
    desk.machine.runs(119, &[9]);
    desk.read_now(&[9]);
    assert_eq!(desk.of(9), OwnerPids::Unknown);
    let readings = (1..100).find(|_| {
        desk.read(&[9]);
        desk.of(9) == by(&[119])
    });
    assert!(
        readings.is_some_and(|readings| readings < 20),
        "{readings:?}"
    );
}

#[test]
fn large_processes_that_always_run_keep_nobody_else_from_being_found() {
    let mut desk = Desk::with(&[(10, &[1]), (11, &[2]), (12, &[])]);
    let listener = socket(1, 7, State::Listen);
    for pid in [10, 11] {
        desk.machine.has_files(pid, 18_000);
    }
    for reading in 0..100 {
        // Each of the two has a connection that is new, and is the likeliest to have any on that port.
        let (one, other) = (1000 + reading, 2000 + reading);
        desk.machine.runs(10, &[1, one]);
        desk.machine.runs(11, &[2, other]);
        let mut sockets = vec![listener.clone(), connection(one), connection(other)];
        if reading >= 50 {
            sockets.extend([socket(8, 80, State::Listen), socket(9, 81, State::Listen)]);
        }
        if reading == 50 {
            desk.machine.runs(12, &[8]);
            desk.machine.runs(50, &[9]);
        }
        desk.now += Duration::from_secs(1);
        desk.take(&sockets, ScanExtent::Bounded).unwrap();
        if reading >= 52 {
            assert_eq!(
                (desk.of(8), desk.of(9)),
                (by(&[12]), by(&[50])),
                "{reading}"
            );
        }
    }
}

#[test]
fn a_new_socket_that_was_inherited_at_once_has_all_its_holders() {
    let mut desk = Desk::with(&[(10, &[1])]);
    desk.machine.runs(10, &[1, 2]);
    for child in [20, 21, 22] {
        desk.machine.forks(10, child);
    }
    desk.read_now(&[1, 2]);
    assert_eq!(desk.of(2), by(&[10, 20, 21, 22]));
}

#[test]
fn a_socket_whose_last_holder_passed_it_on_is_nobodys_secret() {
    let mut desk = Desk::with(&[(10, &[1, 2]), (11, &[]), (12, &[])]);
    desk.machine.refuses(12, true);
    desk.machine.runs(12, &[]);
    desk.now += SWEEP_TIME;
    desk.read_now(&[1, 2]);
    assert_eq!(desk.index.hidden_reason(), Some(HiddenReason::NotPermitted));
    desk.machine.runs(10, &[1]);
    desk.machine.runs(11, &[2]);
    let mut seen = Vec::new();
    for _ in 0..22 {
        desk.read(&[1, 2]);
        seen.push(desk.of(2));
    }
    assert!(!seen.contains(&OwnerPids::Hidden), "{seen:?}");
    assert_eq!(seen.last(), Some(&by(&[11])));
}

#[test]
fn at_long_intervals_everybody_has_a_turn() {
    let processes: Vec<(Pid, &[u32])> = (100..120).map(|pid| (pid, &[][..])).collect();
    let mut desk = Desk::with(&processes);
    desk.machine.runs(10, &[1]);
    desk.read(&[1]);
    for pid in 100..120 {
        desk.machine.has_files(pid, 3_000);
    }
    desk.machine.runs(500, &[1]);
    let found = (0..50).any(|_| {
        for pid in 100..120 {
            desk.machine.runs(pid, &[]);
        }
        desk.now += SWEEP_TIME;
        desk.read_now(&[1]);
        desk.of(1) == by(&[10, 500])
    });
    assert!(found);
}

#[test]
fn the_first_round_shows_owners_before_it_is_over() {
    let machine = Machine::default();
    machine.runs(10, &[1]);
    for pid in 11..20 {
        machine.runs(pid, &[]);
        machine.has_files(pid, 40_000);
    }
    machine.runs(15, &[2]);
    machine.has_files(15, 60_000);
    machine.has_files(10, 100);
    let mut desk = Desk::new(machine);
    desk.read_now(&[1, 2]);
    assert_eq!((desk.of(1), desk.of(2)), (OwnerPids::Unknown, by(&[15])));
    assert!(desk.index.is_in_first_sweep());
    while desk.index.is_in_first_sweep() {
        desk.read_now(&[1, 2]);
    }
    assert_eq!(desk.of(1), by(&[10]));
}

#[test]
fn a_first_round_that_runs_out_of_descriptors_is_not_gone_on_with_at_once() {
    let machine = Machine::default();
    for pid in 10..20 {
        machine.runs(pid, &[pid]);
        machine.has_files(pid, 40_000);
    }
    let mut desk = Desk::new(machine);
    desk.read_now(&[10, 11]);
    assert!(desk.index.is_in_first_sweep());
    desk.machine.0.is_short.set(true);
    let both = [connection(10), connection(11)];
    assert_eq!(desk.take(&both, ScanExtent::Bounded), Err(io::Errno::MFILE));
    assert!(!desk.index.is_in_first_sweep());
}

#[test]
fn a_reading_that_stands_for_itself_looks_at_all_and_at_each_once() {
    let machine = Machine::default();
    for pid in 10..20 {
        machine.runs(pid, &[1]);
        machine.has_files(pid, 40_000);
    }
    let mut desk = Desk::new(machine);
    desk.take(&[connection(1)], ScanExtent::Complete).unwrap();
    let all: Vec<Pid> = (10..20).collect();
    assert_eq!(desk.of(1), by(&all));
    let mut scanned = desk.machine.scanned();
    scanned.sort_unstable();
    assert_eq!(scanned, all);
}

#[test]
fn who_may_not_be_scanned_hides_what_nobody_else_has() {
    let mut desk = Desk::with(&[(10, &[1]), (11, &[])]);
    desk.machine.refuses(11, true);
    desk.machine.runs(11, &[9]);
    desk.read_now(&[1, 9]);
    assert_eq!((desk.of(1), desk.of(9)), (by(&[10]), OwnerPids::Hidden));
    assert_eq!(desk.index.hidden_reason(), Some(HiddenReason::NotPermitted));
    desk.machine.refuses(11, false);
    desk.machine.runs(11, &[9]);
    desk.now += SWEEP_TIME;
    desk.read_now(&[1, 9]);
    assert_eq!((desk.of(9), desk.index.hidden_reason()), (by(&[11]), None));
}

#[test]
fn a_process_that_ended_takes_its_sockets_along() {
    let mut desk = Desk::with(&[(10, &[1, 2]), (11, &[2])]);
    desk.machine.ends(10);
    assert!(desk.index.forget(&[10]), "nobody has the first now");
    assert_eq!((desk.of(1), desk.of(2)), (OwnerPids::Unknown, by(&[11])));
    assert!(!desk.index.forget(&[10]));
    desk.read_now(&[1, 2]);
    assert_eq!(desk.of(1), OwnerPids::None);
}

#[test]
fn one_that_ended_unnoticed_is_forgotten_within_a_round() {
    let mut desk = Desk::with(&[(10, &[1]), (11, &[1])]);
    desk.machine.ends(10);
    desk.now += SWEEP_TIME;
    desk.read_now(&[1]);
    assert_eq!(desk.of(1), by(&[11]));
}

#[test]
fn without_proc_whoever_is_not_known_is_hidden() {
    let mut desk = Desk::with(&[(10, &[1])]);
    desk.machine.0.is_gone.set(true);
    assert!(
        desk.take(&[connection(1), connection(9)], ScanExtent::Bounded)
            .is_err()
    );
    assert_eq!((desk.of(1), desk.of(9)), (by(&[10]), OwnerPids::Hidden));
    desk.machine.0.is_gone.set(false);
    desk.read_now(&[1, 9]);
    assert_eq!(desk.of(9), OwnerPids::None);
}

#[test]
fn without_a_descriptor_to_look_with_nobody_has_ended_or_is_hidden() {
    let mut desk = Desk::with(&[(10, &[1])]);
    desk.machine.runs(11, &[9]);
    desk.machine.0.is_short.set(true);
    let both = [connection(1), connection(9)];
    assert_eq!(desk.take(&both, ScanExtent::Bounded), Err(io::Errno::MFILE));
    assert_eq!((desk.of(1), desk.of(9)), (by(&[10]), OwnerPids::Unknown));
    desk.machine.0.is_short.set(false);
    desk.read(&[1, 9]);
    assert_eq!((desk.of(1), desk.of(9)), (by(&[10]), by(&[11])));
}

#[test]
fn a_new_socket_is_outside_the_pid_namespace_at_the_second_look_only() {
    let machine = Machine::default();
    machine.0.is_inner.set(true);
    let mut desk = Desk::new(machine);
    desk.read(&[1]);
    assert_eq!(desk.of(1), OwnerPids::Hidden, "it was there at first");
    desk.read(&[1, 2]);
    assert_eq!(
        (desk.of(1), desk.of(2)),
        (OwnerPids::Hidden, OwnerPids::Unknown)
    );
    desk.read(&[1, 2]);
    assert_eq!(desk.of(2), OwnerPids::Hidden);
}
