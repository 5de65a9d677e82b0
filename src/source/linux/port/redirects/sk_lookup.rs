//! BPF programs that choose the socket for a packet (`BPF_PROG_TYPE_SK_LOOKUP`), attached to this
//! network namespace.
//!
//! What such a program does can't be read; that one is there can, where a process keeps its link open:
//! `/proc/PID/fdinfo` says `attach_type:` and `netns_ino:` of it. A link that is only pinned in a BPF
//! file system shows up nowhere in `/proc`.

use std::fs;
use std::path::Path;

use crate::source::linux::port::redirects::namespace_inode;

/// `BPF_SK_LOOKUP` of `enum bpf_attach_type`.
const SK_LOOKUP: &str = "36";

/// No more descriptors than this are looked at: this takes 2 µs for each.
const MOST_DESCRIPTORS: usize = 10_000;

/// A process that has such a program in this namespace, as `NAME (pid N)`.
pub(super) fn holder() -> Option<String> {
    let here = namespace_inode()?;
    let mut left = MOST_DESCRIPTORS;
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let is_process = process
            .file_name()
            .to_string_lossy()
            .starts_with(|one: char| one.is_ascii_digit());
        if is_process && has_link(&process.path(), here, &mut left) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let pid = process.file_name();
            return Some(format!(
                "{} (pid {})",
                name.trim_end(),
                pid.to_string_lossy()
            ));
        }
        if left == 0 {
            break;
        }
    }
    None
}

fn has_link(process: &Path, here: u64, left: &mut usize) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    for descriptor in descriptors.flatten() {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        let is_link = fs::read_link(descriptor.path())
            .is_ok_and(|target| target.to_string_lossy().starts_with("anon_inode:bpf"));
        let info = || fs::read_to_string(process.join("fdinfo").join(descriptor.file_name()));
        if is_link && info().is_ok_and(|info| is_here(&info, here)) {
            return true;
        }
    }
    false
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
    fn a_link_of_this_namespace_is_known_by_its_fields() {
        let info = "pos:\t0\nflags:\t02000002\nmnt_id:\t16\nino:\t8\nlink_type:\tnetns\nlink_id:\t3\n\
            prog_tag:\t6deef7357e7b4530\nprog_id:\t21\nnetns_ino:\t4026531840\nattach_type:\t36\n";
        assert!(is_here(info, 4_026_531_840));
        assert!(!is_here(info, 4_026_531_841));
        assert!(!is_here(&info.replace("\t36", "\t17"), 4_026_531_840));
    }
}
