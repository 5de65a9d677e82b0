//! The cheapest sign that a process is still the one that it was: one line of `/proc/PID/stat`.
//!
//! It tells whether the pid lives, whether it is the same process, and whether it changed its
//! name or parent, at a fraction of the cost of asking for everything that is shown of it. Only
//! Linux has it; elsewhere no process has a proc_stat, and everything is asked for each time.

use crate::model::Pid;

/// What changes when a process is another one, or executes another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProcStat {
    /// The process's short name, as the kernel has it.
    pub(super) name: Vec<u8>,
    pub(super) parent: u32,
    /// In clock ticks since boot.
    pub(super) started_at_tick: u64,
}

/// What its line tells besides.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) proc_stat: ProcStat,
    /// Whether all of its threads have ended, and only its parent has not noticed yet.
    pub(super) has_ended: bool,
}

/// Feels the proc_stat of a process; `None` if it is no more, or can't be read.
#[cfg(target_os = "linux")]
pub(super) fn proc_stat(pid: Pid) -> Option<ProcStat> {
    let file = std::fs::File::open(format!("/proc/{pid}/stat")).ok()?;
    Some(sign(file).ok()??.proc_stat)
}

/// Reads the line of a process from its file; `None` if it is not such a line.
///
/// # Errors
/// `ESRCH` if the process is no more.
#[cfg(target_os = "linux")]
pub(super) fn sign(mut file: impl std::io::Read) -> std::io::Result<Option<Sign>> {
    // The line has 52 numbers and a name of up to 64 bytes; what is needed comes early in it.
    let mut line = [0; 1024];
    let length = file.read(&mut line)?;
    Ok(parse(&line[..length]))
}

/// Feels no proc_stat.
#[cfg(not(target_os = "linux"))]
pub(super) fn proc_stat(_pid: Pid) -> Option<ProcStat> {
    None
}

/// Reads `PID (NAME) STATE PARENT …`, see `proc_pid_stat(5)`. The name may hold anything, also
/// blanks and parentheses, so the last parenthesis ends it.
#[cfg(target_os = "linux")]
fn parse(line: &[u8]) -> Option<Sign> {
    let open = line.iter().position(|&byte| byte == b'(')?;
    let close = line.iter().rposition(|&byte| byte == b')')?;
    let name = line.get(open + 1..close)?.to_vec();
    let rest = std::str::from_utf8(&line[close + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let is_over = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    let threads: u32 = fields.nth(15)?.parse().ok()?;
    let started_at_tick = fields.nth(1)?.parse().ok()?;
    Some(Sign {
        proc_stat: ProcStat {
            name,
            parent,
            started_at_tick,
        },
        // The first thread may end before the others do.
        has_ended: is_over && threads <= 1,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_name_may_hold_anything() {
        let line =
            b"12 (a) b (\xffc) S 7 12 12 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 98765 1 2 3\n";
        let sign = parse(line).unwrap();
        assert_eq!(sign.proc_stat.name, b"a) b (\xffc");
        let ProcStat {
            parent,
            started_at_tick,
            ..
        } = sign.proc_stat;
        assert_eq!((parent, started_at_tick), (7, 98765));
        assert!(!sign.has_ended);
    }

    #[test]
    fn a_process_has_ended_with_the_last_of_its_threads() {
        let line = |state, threads| {
            format!(
                "12 (a) {state} 7 12 12 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 {threads} 0 98765 1 2 3\n"
            )
        };
        let has_ended = |state, threads| parse(line(state, threads).as_bytes()).unwrap().has_ended;
        assert!(has_ended('Z', 1));
        assert!(!has_ended('Z', 2) && !has_ended('S', 1));
    }

    #[test]
    fn half_a_line_is_none() {
        for line in [&b""[..], b"12 (", b")(", b"12 (a) S 7", b"12 (a) S x 1 2"] {
            assert_eq!(parse(line), None);
        }
    }

    #[test]
    fn only_a_living_process_has_one() {
        assert!(proc_stat(std::process::id()).is_some());
        assert_eq!(proc_stat(Pid::MAX), None);
    }
}
