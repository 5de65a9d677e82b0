//! BPF programs that choose the socket for a packet (`BPF_PROG_TYPE_SK_LOOKUP`), attached to this
//! network namespace.
//!
//! The code of such a program can't be read, only that it exists, if a process keeps its link open: `/proc/PID/fdinfo`
//! has `attach_type:` and `netns_ino:`. A link that is only pinned in a BPF file system shows up nowhere in `/proc`.

use std::fs;

use rustix::fs::stat;

use crate::model::{Gap, GapCode};
use crate::source::linux::scan;

/// `BPF_SK_LOOKUP` of `enum bpf_attach_type`.
const SK_LOOKUP: &str = "36";

const MOST_DESCRIPTORS: usize = 5_000;

/// The gap if a process has such a program. Reading descriptors of other processes takes 2 µs each, so this is done
/// only if a bind succeeded and only redirects matter.
pub(crate) fn gap() -> Option<Gap> {
    let here = stat("/proc/thread-self/ns/net").ok()?.st_ino;
    let proc = scan::open_proc().ok()?;
    let mut left = MOST_DESCRIPTORS;
    let pid = scan::pids(&proc).ok()?.into_iter().find(|pid| {
        let mut links = Vec::new();
        if left > 0 {
            let _ = scan::visit_links(&proc, &format!("{pid}/fd"), |number, link| {
                left = left.saturating_sub(1);
                links.extend(link.starts_with(b"anon_inode:bpf").then_some(number));
            });
        }
        let info = |number| fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}"));
        let mut infos = links.into_iter().map(info);
        infos.any(|info| info.is_ok_and(|info| is_here(&info, here)))
    })?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let process = format!("{} (pid {pid})", name.trim_end());
    let message =
        format!("packet redirects of a BPF program (sk_lookup) of {process} can't be read");
    Some(Gap::new(GapCode::Redirects, &message))
}

/// Whether a descriptor's `fdinfo` is that of such a link in the namespace with this inode.
fn is_here(info: &str, here: u64) -> bool {
    let field = |name: &str| {
        let mut lines = info.lines().filter_map(|line| line.strip_prefix(name));
        lines.next().map(str::trim)
    };
    field("attach_type:") == Some(SK_LOOKUP) && field("netns_ino:") == Some(&here.to_string())
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn a_link_of_this_namespace_is_recognised_by_its_fields() {
        let info = "pos:\t0\nflags:\t02000002\nmnt_id:\t16\nino:\t8\nlink_type:\tnetns\nlink_id:\t3\n\
            prog_tag:\t6deef7357e7b4530\nprog_id:\t21\nnetns_ino:\t4026531840\nattach_type:\t36\n";
        assert!(is_here(info, 4_026_531_840));
        assert!(!is_here(info, 4_026_531_841));
        assert!(!is_here(&info.replace("\t36", "\t17"), 4_026_531_840));
    }
}
