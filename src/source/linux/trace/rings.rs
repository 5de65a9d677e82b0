//! The perf events of both tracepoints, of every process, on each processor, with one ring for each processor.
//!
//! The kernel writes to the rings until they are full; then it counts what it drops. A ring is memory of this program and
//! goes with it, however it ends: perf events leave nothing switched on.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::time::Duration;

use perf_event::events::Tracepoint;
use perf_event::{Builder, Clock, Counter, SampleFlag, Sampler};
use rustix::io::Errno;

use super::ioctl::{descriptor, set_filter, set_output};
use super::record::{CHANGES, Layouts, Record};
use super::{CLOCK_ERROR, TraceError, monotonic};

/// Bytes of a ring without its first page. `perf_event_mlock_kb` of `proc_sys_kernel(5)` is 516 KiB for each processor;
/// more takes `CAP_IPC_LOCK`.
const RING: usize = 512 * 1024;

/// `perf_event_header` of `linux/perf_event.h`.
const HEADER: usize = 8;

/// More than a record has.
const MAX_RECORD: usize = 4096;

/// `IPPROTO_TCP`.
const TCP: u8 = 6;

/// The rings of all processors.
pub(super) struct Rings {
    layouts: Layouts,
    rings: Vec<Ring>,
}

/// The ring of a processor.
struct Ring {
    /// Of changes of a state. It also records names and new processes.
    states: Sampler,
    /// Of freed sockets; its records are in the same ring.
    _destroyed: Counter,
    /// The time of the last record that was read.
    last_at: Duration,
}

impl Rings {
    /// Opens and switches on all events.
    pub(super) fn open() -> Result<Self, TraceError> {
        let layouts = Layouts::read()?;
        let processors = online_processors().map_err(|error| TraceError::system("read", error))?;
        let rings = processors
            .into_iter()
            .map(|processor| Ring::open(processor, &layouts));
        Ok(Self {
            rings: rings.collect::<Result<_, _>>()?,
            layouts,
        })
    }

    /// Descriptors that are readable when a ring is half full.
    pub(super) fn descriptors(&self) -> io::Result<Vec<OwnedFd>> {
        let copy = |ring: &Ring| descriptor(&ring.states).try_clone_to_owned();
        self.rings.iter().map(copy).collect()
    }

    /// Removes all records from the rings, each in its own order. A ring that may have been full counts as a loss of an
    /// unknown number: the kernel records how many it dropped only when it next writes to it.
    pub(super) fn read(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        for ring in &mut self.rings {
            let first = records.len();
            ring.read(&self.layouts, &mut records);
            ring.last_at = set_times(
                &mut records[first..],
                ring.last_at,
                monotonic() + CLOCK_ERROR,
            );
        }
        records
    }
}

/// Sets begin and end of each loss, given the last record of the same ring before and a time after these. Returns the time of
/// the last one.
fn set_times(records: &mut [Record], mut last_at: Duration, now: Duration) -> Duration {
    for record in records {
        if let Record::Lost { from, until, .. } = record {
            (*from, *until) = (last_at, now);
        }
        last_at = last_at.max(record.at());
    }
    last_at
}

impl Ring {
    fn open(processor: usize, layouts: &Layouts) -> Result<Self, TraceError> {
        let states = event(layouts.state.id, processor)
            .comm(true)
            .task(true)
            .build()
            .map_err(refused)?;
        let mut destroyed = event(layouts.destroy.id, processor)
            .build()
            .map_err(refused)?;
        let failed = |error| TraceError::system("ioctl", error);
        set_filter(&states, &filter()).map_err(failed)?;
        let mut states = states
            .sampled(RING)
            .map_err(|error| TraceError::system("mmap", error))?;
        set_output(&destroyed, &states).map_err(failed)?;
        destroyed.enable().map_err(failed)?;
        states.enable().map_err(failed)?;
        Ok(Self {
            states,
            _destroyed: destroyed,
            last_at: Duration::ZERO,
        })
    }

    fn read(&mut self, layouts: &Layouts, records: &mut Vec<Record>) {
        let mut bytes_read = 0;
        while let Some(record) = self.states.next_record() {
            let bytes = record.to_contiguous();
            bytes_read += HEADER + bytes.len();
            records.extend(layouts.parse(record.ty(), &bytes));
        }
        if bytes_read + MAX_RECORD > RING {
            records.push(Record::lost(0));
        }
    }
}

/// A tracepoint on one processor, every record of every process. It wakes a reader when the ring is half full.
fn event(tracepoint: u64, processor: usize) -> Builder<'static> {
    let mut builder = Builder::new(Tracepoint::with_id(tracepoint));
    builder
        .any_pid()
        .one_cpu(processor)
        .include_kernel()
        .sample_period(1)
        .sample(SampleFlag::TID | SampleFlag::TIME | SampleFlag::RAW)
        .sample_id_all(true)
        .clockid(Clock::MONOTONIC);
    builder
}

/// Only TCP, and only the changes in [`CHANGES`].
fn filter() -> String {
    let changes = CHANGES.map(|(old, new, _)| format!("(oldstate=={old}&&newstate=={new})"));
    format!("protocol=={TCP}&&({})", changes.join("||"))
}

/// The processors that run, such as `0-3,6`.
fn online_processors() -> io::Result<Vec<usize>> {
    let text = fs::read_to_string("/sys/devices/system/cpu/online")?;
    let list = processors_in(text.trim());
    list.ok_or_else(|| io::Error::from(ErrorKind::InvalidData))
}

fn processors_in(text: &str) -> Option<Vec<usize>> {
    let mut processors = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        processors.extend(first..=last);
    }
    Some(processors)
}

/// The kernel's refusal of an event of all processes: `EACCES` or `EPERM` without the capability.
fn refused(error: io::Error) -> TraceError {
    match Errno::from_io_error(&error) {
        Some(Errno::ACCESS | Errno::PERM) => TraceError::refused(),
        _ => TraceError::system("perf_event_open", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_single_ones_and_ranges() {
        assert_eq!(processors_in("0"), Some(vec![0]));
        assert_eq!(processors_in("0-2,5,7-8"), Some(vec![0, 1, 2, 5, 7, 8]));
        for wrong in ["", "a", "1-", "1,,2", "-1"] {
            assert_eq!(processors_in(wrong), None, "{wrong}");
        }
        assert!(!online_processors().unwrap().is_empty());
    }

    #[test]
    fn a_loss_is_after_the_last_record_of_its_ring() {
        let s = Duration::from_secs;
        let fork = |at| Record::Fork {
            at: s(at),
            pid: 7,
            parent: None,
        };
        let lost = |from| Record::Lost {
            count: 3,
            from: s(from),
            until: s(9),
        };
        let mut records = [Record::lost(3), fork(4), Record::lost(3), fork(6)];
        assert_eq!(set_times(&mut records, s(2), s(9)), s(6));
        assert_eq!(records, [lost(2), fork(4), lost(4), fork(6)]);
    }

    #[test]
    fn the_filter_has_tcp_and_each_change() {
        let filter = filter();
        assert!(
            filter.starts_with("protocol==6&&((oldstate==7&&newstate==2)||"),
            "{filter}"
        );
        assert_eq!(filter.matches("oldstate").count(), CHANGES.len());
    }
}
