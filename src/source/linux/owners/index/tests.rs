//! The index with processes of the tests, and what it scans.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::sweep::SWEEP_TIME;
use super::*;
use crate::model::{Endpoint, Protocol, State};
use crate::source::linux::owners::procfs::{DescriptorTable, ProcessSockets};

/// The processes of a test.
#[derive(Clone, Default)]
struct FakeProcfs(Rc<Inside>);

#[derive(Default)]
struct Inside {
    processes: RefCell<BTreeMap<Pid, FakeProcess>>,
    /// The processes that were scanned, in order.
    scanned: RefCell<Vec<Pid>>,
    /// Whether there are processes outside this pid namespace.
    is_inner: Cell<bool>,
    /// Whether no descriptor is left to read processes with.
    is_short: Cell<bool>,
    listings: Cell<usize>,
    is_gone: Cell<bool>,
}

#[derive(Clone, Default)]
struct FakeProcess {
    sockets: Vec<u32>,
    /// Descriptors that are no sockets.
    files: u64,
    is_refused: bool,
    ran: u64,
    parent: Option<Pid>,
}

impl FakeProcfs {
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
        let child_of_it = FakeProcess {
            parent: Some(pid),
            ..processes[&pid].clone()
        };
        processes.insert(child, child_of_it);
    }

    fn ends(&self, pid: Pid) {
        self.0.processes.borrow_mut().remove(&pid);
    }

    /// The processes that were scanned since the last call.
    fn scanned(&self) -> Vec<Pid> {
        self.0.scanned.take()
    }
}

impl Procfs for FakeProcfs {
    type Clock = (Pid, u64);

    fn open(&mut self) -> io::Result<Vec<Pid>> {
        if self.0.is_gone.get() {
            return Err(io::Errno::NOENT);
        }
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
            networks: Vec::new(),
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

/// An index of these processes, as a live table has it, with a snapshot a second.
struct Fixture {
    procfs: FakeProcfs,
    index: OwnerIndex<FakeProcfs>,
    now: Duration,
}

impl Fixture {
    /// With these processes, after the first sweep.
    fn with(processes: &[(Pid, &[u32])]) -> Self {
        let procfs = FakeProcfs::default();
        for &(pid, sockets) in processes {
            procfs.runs(pid, sockets);
        }
        let mut fixture = Self::new(procfs);
        while fixture.now < Duration::from_secs(3) {
            fixture.read(&[]);
        }
        fixture.read_now(&[1]);
        fixture.read(&[1]);
        fixture.procfs.scanned();
        fixture
    }

    fn new(procfs: FakeProcfs) -> Self {
        Self {
            index: OwnerIndex {
                procfs: procfs.clone(),
                ..OwnerIndex::default()
            },
            procfs,
            now: Duration::ZERO,
        }
    }

    /// A snapshot with these inodes, a second later.
    fn read(&mut self, inodes: &[u32]) {
        self.now += Duration::from_secs(1);
        self.read_now(inodes);
    }

    fn read_now(&mut self, inodes: &[u32]) {
        let sockets: Vec<_> = inodes.iter().map(|&inode| connection(inode)).collect();
        self.take(&sockets, ScanExtent::Bounded).unwrap();
    }

    fn take(&mut self, sockets: &[Socket], extent: ScanExtent) -> io::Result<()> {
        let at = Moment {
            steady: self.now,
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        self.index.owners(sockets, at, extent).1
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
fn a_known_socket_costs_no_scan_and_no_list() {
    let mut fixture = Fixture::with(&[(10, &[1]), (11, &[1])]);
    let listings = fixture.procfs.0.listings.get();
    fixture.procfs.runs(10, &[1]);
    fixture.read_now(&[1]);
    assert_eq!(fixture.of(1), by(&[10, 11]));
    assert!(fixture.procfs.scanned().is_empty());
    assert_eq!(fixture.procfs.0.listings.get(), listings);
}

#[test]
fn a_new_socket_is_searched_only_in_processes_that_ran() {
    let mut fixture = Fixture::with(&[(10, &[1]), (11, &[]), (12, &[])]);
    fixture.procfs.runs(11, &[2]);
    fixture.read_now(&[1, 2]);
    assert_eq!(fixture.of(2), by(&[11]));
    assert_eq!(fixture.procfs.scanned(), [11]);
}

#[test]
fn listeners_on_the_port_are_scanned_first_then_processes_with_sockets_then_new_ones() {
    let mut fixture = Fixture::with(&[(10, &[1]), (11, &[5]), (12, &[]), (13, &[6])]);
    let listener = socket(5, 7, State::Listen);
    fixture
        .take(
            &[connection(1), listener.clone(), socket(6, 9, State::Listen)],
            ScanExtent::Bounded,
        )
        .unwrap();
    fixture.procfs.scanned();
    for pid in [10, 12, 13] {
        fixture.procfs.runs(pid, &[if pid == 10 { 1 } else { 6 }]);
    }
    fixture.procfs.runs(11, &[5, 2]);
    fixture.procfs.runs(20, &[3]);
    let sockets = [connection(1), connection(2), listener.clone()];
    fixture.take(&sockets, ScanExtent::Bounded).unwrap();
    assert_eq!(
        (fixture.of(2), fixture.procfs.scanned()),
        (by(&[11]), vec![11])
    );
    fixture
        .take(&[connection(3), listener], ScanExtent::Bounded)
        .unwrap();
    let scanned = fixture.procfs.scanned();
    assert_eq!(scanned.last(), Some(&20), "{scanned:?}");
    assert!(!scanned.contains(&12), "{scanned:?}");
    assert_eq!(fixture.of(3), by(&[20]));
}

#[test]
fn no_owner_in_two_searches_is_the_kernel_and_is_searched_for_ever_more_rarely() {
    let mut fixture = Fixture::with(&[(10, &[1])]);
    let mut searches = Vec::new();
    for snapshot in 0..20 {
        fixture.procfs.runs(10, &[1]);
        let listings = fixture.procfs.0.listings.get();
        fixture.read_now(&[1, 9]);
        if fixture.procfs.0.listings.get() > listings {
            searches.push(snapshot);
        }
        let expected = if snapshot == 0 {
            OwnerPids::None
        } else {
            OwnerPids::Kernel
        };
        assert_eq!(fixture.of(9), expected, "at snapshot {snapshot}");
    }
    assert_eq!(searches, [0, 1, 3, 6, 11]);
}

#[test]
fn a_socket_that_is_gone_is_forgotten_with_the_count_of_its_misses() {
    let mut fixture = Fixture::with(&[(10, &[1])]);
    fixture.read_now(&[1, 9]);
    fixture.read_now(&[1, 9]);
    assert_eq!(fixture.of(9), OwnerPids::Kernel);
    fixture.read_now(&[1]);
    fixture.read_now(&[1, 9]);
    assert_eq!(fixture.of(9), OwnerPids::None);
}

#[test]
fn a_sweep_notices_forks_and_closed_and_passed_descriptors() {
    let mut fixture = Fixture::with(&[(10, &[1, 2]), (11, &[]), (12, &[])]);
    fixture.procfs.runs(10, &[1]);
    fixture.procfs.runs(11, &[2]);
    fixture.procfs.runs(30, &[1]);
    for _ in 0..20 {
        fixture.read(&[1, 2]);
    }
    assert_eq!((fixture.of(1), fixture.of(2)), (by(&[10, 30]), by(&[11])));
    let scanned = fixture.procfs.scanned();
    assert!(!scanned.contains(&12), "it never ran: {scanned:?}");
}

#[test]
fn a_snapshot_after_ten_seconds_checks_every_process() {
    let mut fixture = Fixture::with(&[(10, &[1]), (11, &[]), (12, &[])]);
    fixture.procfs.runs(12, &[1]);
    for new in 20..30 {
        fixture.procfs.runs(new, &[1]);
    }
    fixture.now += SWEEP_TIME;
    // The current sweep and the next one.
    fixture.read_now(&[1]);
    let all: Vec<Pid> = [10, 12].into_iter().chain(20..30).collect();
    assert_eq!(fixture.of(1), by(&all));
}

#[test]
fn processes_that_run_all_the_time_are_scanned_within_their_share() {
    let processes: Vec<(Pid, &[u32])> = (100..200).map(|pid| (pid, &[][..])).collect();
    let mut fixture = Fixture::with(&processes);
    for pid in 100..200 {
        fixture.procfs.has_files(pid, 10_000);
    }
    fixture.index.take_stats();
    for _ in 0..100 {
        for pid in 100..200 {
            fixture.procfs.runs(pid, &[]);
        }
        fixture.read(&[]);
    }
    let descriptors = fixture.index.take_stats().files;
    let share =
        u64::try_from(ScanBudget::SWEEP.limit + 100 * ScanBudget::SWEEP.per_second).unwrap();
    assert!(
        (share - 20_000..share + 20_000).contains(&descriptors),
        "{descriptors}"
    );
}

#[test]
fn a_search_that_takes_too_long_continues_with_the_next_snapshot() {
    let processes: Vec<(Pid, &[u32])> = (100..120).map(|pid| (pid, &[][..])).collect();
    let mut fixture = Fixture::with(&processes);
    for pid in 100..120 {
        fixture.procfs.has_files(pid, 6_000);
        fixture.procfs.runs(pid, &[]);
    }
    fixture.procfs.runs(119, &[9]);
    fixture.read_now(&[9]);
    assert_eq!(fixture.of(9), OwnerPids::Unknown);
    let snapshots = (1..100).find(|_| {
        fixture.read(&[9]);
        fixture.of(9) == by(&[119])
    });
    assert!(
        snapshots.is_some_and(|snapshots| snapshots < 20),
        "{snapshots:?}"
    );
}

#[test]
fn large_processes_that_always_run_do_not_keep_others_from_being_found() {
    let mut fixture = Fixture::with(&[(10, &[1]), (11, &[2]), (12, &[])]);
    let listener = socket(1, 7, State::Listen);
    for pid in [10, 11] {
        fixture.procfs.has_files(pid, 18_000);
    }
    for snapshot in 0..100 {
        // Each of the two has a connection that is new, and is the likeliest to have any on that port.
        let (one, other) = (1000 + snapshot, 2000 + snapshot);
        fixture.procfs.runs(10, &[1, one]);
        fixture.procfs.runs(11, &[2, other]);
        let mut sockets = vec![listener.clone(), connection(one), connection(other)];
        if snapshot >= 50 {
            sockets.extend([socket(8, 80, State::Listen), socket(9, 81, State::Listen)]);
        }
        if snapshot == 50 {
            fixture.procfs.runs(12, &[8]);
            fixture.procfs.runs(50, &[9]);
        }
        fixture.now += Duration::from_secs(1);
        fixture.take(&sockets, ScanExtent::Bounded).unwrap();
        if snapshot >= 52 {
            assert_eq!(
                (fixture.of(8), fixture.of(9)),
                (by(&[12]), by(&[50])),
                "{snapshot}"
            );
        }
    }
}

#[test]
fn a_new_socket_that_was_inherited_at_once_has_all_its_owners() {
    let mut fixture = Fixture::with(&[(10, &[1])]);
    fixture.procfs.runs(10, &[1, 2]);
    for child in [20, 21, 22] {
        fixture.procfs.forks(10, child);
    }
    fixture.read_now(&[1, 2]);
    assert_eq!(fixture.of(2), by(&[10, 20, 21, 22]));
}

#[test]
fn a_socket_whose_last_owner_passed_it_on_is_not_hidden() {
    let mut fixture = Fixture::with(&[(10, &[1, 2]), (11, &[]), (12, &[])]);
    fixture.procfs.refuses(12, true);
    fixture.procfs.runs(12, &[]);
    fixture.now += SWEEP_TIME;
    fixture.read_now(&[1, 2]);
    assert_eq!(
        fixture.index.hidden_reason(),
        Some(HiddenReason::NotPermitted)
    );
    fixture.procfs.runs(10, &[1]);
    fixture.procfs.runs(11, &[2]);
    let mut seen = Vec::new();
    for _ in 0..22 {
        fixture.read(&[1, 2]);
        seen.push(fixture.of(2));
    }
    assert!(!seen.contains(&OwnerPids::Hidden), "{seen:?}");
    assert_eq!(seen.last(), Some(&by(&[11])));
}

#[test]
fn at_long_intervals_every_process_is_scanned() {
    let processes: Vec<(Pid, &[u32])> = (100..120).map(|pid| (pid, &[][..])).collect();
    let mut fixture = Fixture::with(&processes);
    fixture.procfs.runs(10, &[1]);
    fixture.read(&[1]);
    for pid in 100..120 {
        fixture.procfs.has_files(pid, 3_000);
    }
    fixture.procfs.runs(500, &[1]);
    let found = (0..50).any(|_| {
        for pid in 100..120 {
            fixture.procfs.runs(pid, &[]);
        }
        fixture.now += SWEEP_TIME;
        fixture.read_now(&[1]);
        fixture.of(1) == by(&[10, 500])
    });
    assert!(found);
}

#[test]
fn the_first_sweep_shows_owners_before_it_is_over() {
    let procfs = FakeProcfs::default();
    procfs.runs(10, &[1]);
    for pid in 11..20 {
        procfs.runs(pid, &[]);
        procfs.has_files(pid, 40_000);
    }
    procfs.runs(15, &[2]);
    procfs.has_files(15, 60_000);
    procfs.has_files(10, 100);
    let mut fixture = Fixture::new(procfs);
    fixture.read_now(&[1, 2]);
    assert_eq!(
        (fixture.of(1), fixture.of(2)),
        (OwnerPids::Unknown, by(&[15]))
    );
    assert!(fixture.index.is_in_first_sweep());
    while fixture.index.is_in_first_sweep() {
        fixture.read_now(&[1, 2]);
    }
    assert_eq!(fixture.of(1), by(&[10]));
}

#[test]
fn a_first_sweep_that_runs_out_of_descriptors_is_not_continued_at_once() {
    let procfs = FakeProcfs::default();
    for pid in 10..20 {
        procfs.runs(pid, &[pid]);
        procfs.has_files(pid, 40_000);
    }
    let mut fixture = Fixture::new(procfs);
    fixture.read_now(&[10, 11]);
    assert!(fixture.index.is_in_first_sweep());
    fixture.procfs.0.is_short.set(true);
    let both = [connection(10), connection(11)];
    assert_eq!(
        fixture.take(&both, ScanExtent::Bounded),
        Err(io::Errno::MFILE)
    );
    assert!(!fixture.index.is_in_first_sweep());
}

#[test]
fn a_complete_scan_reads_every_process_once() {
    let procfs = FakeProcfs::default();
    for pid in 10..20 {
        procfs.runs(pid, &[1]);
        procfs.has_files(pid, 40_000);
    }
    let mut fixture = Fixture::new(procfs);
    fixture
        .take(&[connection(1)], ScanExtent::Complete)
        .unwrap();
    let all: Vec<Pid> = (10..20).collect();
    assert_eq!(fixture.of(1), by(&all));
    let mut scanned = fixture.procfs.scanned();
    scanned.sort_unstable();
    assert_eq!(scanned, all);
}

#[test]
fn an_unreadable_process_hides_what_no_other_has() {
    let mut fixture = Fixture::with(&[(10, &[1]), (11, &[])]);
    fixture.procfs.refuses(11, true);
    fixture.procfs.runs(11, &[9]);
    fixture.read_now(&[1, 9]);
    assert_eq!(
        (fixture.of(1), fixture.of(9)),
        (by(&[10]), OwnerPids::Hidden)
    );
    assert_eq!(
        fixture.index.hidden_reason(),
        Some(HiddenReason::NotPermitted)
    );
    fixture.procfs.refuses(11, false);
    fixture.procfs.runs(11, &[9]);
    fixture.now += SWEEP_TIME;
    fixture.read_now(&[1, 9]);
    assert_eq!(
        (fixture.of(9), fixture.index.hidden_reason()),
        (by(&[11]), None)
    );
}

#[test]
fn a_process_that_ended_takes_its_sockets_along() {
    let mut fixture = Fixture::with(&[(10, &[1, 2]), (11, &[2])]);
    fixture.procfs.ends(10);
    assert!(fixture.index.forget(&[10]), "nobody has the first now");
    assert_eq!(
        (fixture.of(1), fixture.of(2)),
        (OwnerPids::Unknown, by(&[11]))
    );
    assert!(!fixture.index.forget(&[10]));
    fixture.read_now(&[1, 2]);
    assert_eq!(fixture.of(1), OwnerPids::None);
}

#[test]
fn one_that_ended_unnoticed_is_forgotten_within_a_sweep() {
    let mut fixture = Fixture::with(&[(10, &[1]), (11, &[1])]);
    fixture.procfs.ends(10);
    fixture.now += SWEEP_TIME;
    fixture.read_now(&[1]);
    assert_eq!(fixture.of(1), by(&[11]));
}

#[test]
fn without_proc_unknown_owners_are_hidden() {
    let mut fixture = Fixture::with(&[(10, &[1])]);
    fixture.procfs.0.is_gone.set(true);
    assert!(
        fixture
            .take(&[connection(1), connection(9)], ScanExtent::Bounded)
            .is_err()
    );
    assert_eq!(
        (fixture.of(1), fixture.of(9)),
        (by(&[10]), OwnerPids::Hidden)
    );
    fixture.procfs.0.is_gone.set(false);
    fixture.read_now(&[1, 9]);
    assert_eq!(fixture.of(9), OwnerPids::None);
}

#[test]
fn without_a_descriptor_to_read_with_no_process_has_ended_or_is_hidden() {
    let mut fixture = Fixture::with(&[(10, &[1])]);
    fixture.procfs.runs(11, &[9]);
    fixture.procfs.0.is_short.set(true);
    let both = [connection(1), connection(9)];
    assert_eq!(
        fixture.take(&both, ScanExtent::Bounded),
        Err(io::Errno::MFILE)
    );
    assert_eq!(
        (fixture.of(1), fixture.of(9)),
        (by(&[10]), OwnerPids::Unknown)
    );
    fixture.procfs.0.is_short.set(false);
    fixture.read(&[1, 9]);
    assert_eq!((fixture.of(1), fixture.of(9)), (by(&[10]), by(&[11])));
}

#[test]
fn a_new_socket_is_outside_the_pid_namespace_from_the_second_search_on() {
    let procfs = FakeProcfs::default();
    procfs.0.is_inner.set(true);
    let mut fixture = Fixture::new(procfs);
    fixture.read(&[1]);
    assert_eq!(fixture.of(1), OwnerPids::Hidden, "it was there at first");
    fixture.read(&[1, 2]);
    assert_eq!(
        (fixture.of(1), fixture.of(2)),
        (OwnerPids::Hidden, OwnerPids::Unknown)
    );
    fixture.read(&[1, 2]);
    assert_eq!(fixture.of(2), OwnerPids::Hidden);
}
