//! `/proc/PID/stat`: the cheapest way to see that a process is still the same one and executes the same program. Only Linux
//! has it.

use std::io::Read as _;

use crate::model::Pid;

/// The fields of `proc_pid_stat(5)` that are used.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    allow(
        dead_code,
        reason = "only Linux has it; some fields are read elsewhere, too"
    )
)]
pub(crate) struct ProcStat {
    /// The short name, as the kernel has it.
    pub(crate) name: Vec<u8>,
    /// A letter, such as `T` for stopped.
    pub(crate) state: u8,
    pub(crate) parent: Pid,
    pub(crate) process_group: u32,
    pub(crate) session: u32,
    /// The number of its controlling terminal; 0 without one.
    pub(crate) terminal: u32,
    /// In clock ticks since boot.
    pub(crate) started_at_tick: u64,
    /// Whether all of its threads have ended, and its parent has not noticed yet.
    pub(crate) has_ended: bool,
    /// Whether it has ended, or is about to: the kernel closes its files in between.
    pub(crate) is_ending: bool,
}

/// The flag of a task that exits, of the kernel's `sched.h`.
const PF_EXITING: u32 = 4;

impl ProcStat {
    /// The fields that differ if the pid now belongs to another process, or its process has another program, parent or
    /// session.
    pub(crate) fn identity(&self) -> (&[u8], Pid, u32, u64) {
        (&self.name, self.parent, self.session, self.started_at_tick)
    }

    /// Its session; a kernel thread has none, and one that began outside the pid namespace no number.
    pub(crate) fn session(&self) -> Option<u32> {
        Some(self.session).filter(|&session| session != 0)
    }

    /// Parses `PID (NAME) STATE PARENT GROUP SESSION TERMINAL …`. The name may contain anything, also spaces and
    /// parentheses, so the last parenthesis ends it.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let open = line.iter().position(|&byte| byte == b'(')?;
        let close = line.iter().rposition(|&byte| byte == b')')?;
        let name = line.get(open + 1..close)?.to_vec();
        let rest = std::str::from_utf8(&line[close + 1..]).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        let mut signed = || Some(fields.next()?.parse::<i32>().ok()?.cast_unsigned());
        let (process_group, session, terminal) = (signed()?, signed()?, signed()?);
        let flags: u32 = fields.nth(1)?.parse().ok()?;
        let threads: u32 = fields.nth(10)?.parse().ok()?;
        // The first thread may end before the others do.
        let is_last = threads <= 1 || !matches!(state, b'Z' | b'X');
        let has_ended = matches!(state, b'Z' | b'X') && is_last;
        Some(Self {
            name,
            state,
            parent,
            process_group,
            session,
            terminal,
            started_at_tick: fields.nth(1)?.parse().ok()?,
            has_ended,
            is_ending: has_ended || is_last && flags & PF_EXITING != 0,
        })
    }
}

/// Reads it for a process; `None` if it has ended, or can't be read.
pub(crate) fn proc_stat(pid: Pid) -> Option<ProcStat> {
    read(&pid.to_string())
}

/// A process and its ancestors, parent by parent, up to one that can't be read. The pids are not read at one instant, so
/// that they could form a ring: the caller takes so many at most.
#[cfg(target_os = "linux")]
pub(crate) fn with_ancestors(pid: Pid) -> impl Iterator<Item = Pid> {
    let parent = |pid: &Pid| proc_stat(*pid).map(|stat| stat.parent);
    std::iter::successors(Some(pid), parent)
}

/// Reads it for this process, whatever its pid in `/proc`.
#[cfg(unix)]
pub(crate) fn own() -> Option<ProcStat> {
    read("self")
}

fn read(process: &str) -> Option<ProcStat> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut file = std::fs::File::open(format!("/proc/{process}/stat")).ok()?;
    // The line has 52 numbers and a name of up to 64 bytes; the fields come early in it.
    let mut line = [0; 1024];
    let length = file.read(&mut line).ok()?;
    ProcStat::parse(&line[..length])
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_any_characters() {
        let line =
            b"12 (a) b (\xffc) T 7 12 11 34816 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 98765 1 2 3\n";
        let stat = ProcStat::parse(line).unwrap();
        assert_eq!(stat.name, b"a) b (\xffc");
        assert_eq!((stat.parent, stat.started_at_tick), (7, 98765));
        let ids = (stat.process_group, stat.session, stat.terminal);
        assert_eq!((stat.state, ids), (b'T', (12, 11, 34816)));
        assert!(!stat.has_ended);
    }

    #[test]
    fn a_process_has_ended_with_the_last_of_its_threads() {
        let line = |state, threads| {
            format!(
                "12 (a) {state} 7 12 12 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 {threads} 0 98765 1 2 3\n"
            )
        };
        let has_ended = |state, threads| {
            ProcStat::parse(line(state, threads).as_bytes())
                .unwrap()
                .has_ended
        };
        assert!(has_ended('Z', 1));
        assert!(!has_ended('Z', 2) && !has_ended('S', 1));
    }

    #[test]
    fn a_process_that_exits_is_ending_before_it_has_ended() {
        let is_ending = |state, flags| {
            let line = format!(
                "12 (a) {state} 7 12 12 0 -1 {flags} 1 0 0 0 1 2 0 0 20 0 1 0 98765 1 2 3\n"
            );
            ProcStat::parse(line.as_bytes()).unwrap().is_ending
        };
        assert!(is_ending('R', 4_194_308) && is_ending('Z', 4_194_304));
        assert!(!is_ending('R', 4_194_304));
    }

    #[test]
    fn half_a_line_is_none() {
        for line in [&b""[..], b"12 (", b")(", b"12 (a) S 7", b"12 (a) S x 1 2"] {
            assert_eq!(ProcStat::parse(line), None);
        }
    }

    #[test]
    fn only_a_living_process_has_one() {
        assert!(proc_stat(std::process::id()).is_some());
        assert_eq!(proc_stat(Pid::MAX), None);
    }
}
