//! Mounts, as `/proc/PID/mountinfo` lists them (`proc_pid_mountinfo(5)`), and escaped bytes.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::net::number;

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) id: u64,
    /// Major and minor number of its file system's device.
    pub(crate) device: (u32, u32),
    /// The directory of the file system that is mounted, or the name of a namespace: `net:[4026532254]`.
    pub(crate) root: Vec<u8>,
    pub(crate) point: PathBuf,
    /// The type of its file system.
    pub(crate) kind: Vec<u8>,
}

/// The mounts of a `mountinfo` file. Lines that can't be parsed are left out.
pub(crate) fn mounts(mountinfo: &[u8]) -> impl Iterator<Item = Mount> {
    mountinfo.split(|&byte| byte == b'\n').filter_map(mount)
}

/// Parses `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS TAG… - TYPE SOURCE OPTIONS`.
fn mount(line: &[u8]) -> Option<Mount> {
    let text = |field: &'_ [u8]| String::from_utf8(field.to_vec()).ok();
    let mut fields = line.split(|&byte| byte == b' ');
    let id = text(fields.next()?)?.parse().ok()?;
    let device = text(fields.nth(1)?)?;
    let (major, minor) = device.split_once(':')?;
    let root = fields.next()?.to_vec();
    let point = unescape(fields.next()?, b"\\", 3, 8);
    let kind = fields.skip_while(|&field| field != b"-").nth(1)?;
    Some(Mount {
        id,
        device: (major.parse().ok()?, minor.parse().ok()?),
        root,
        point: OsString::from_vec(point).into(),
        kind: kind.to_vec(),
    })
}

/// Replaces each `prefix` and the digits behind it by the byte of that number: the kernel's `\040` for a space, systemd's
/// `\x2d` for a dash.
pub(crate) fn unescape(text: &[u8], prefix: &[u8], digits: usize, radix: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let behind = rest.strip_prefix(prefix);
        let escaped = behind.and_then(|behind| {
            let (digits, behind) = behind.split_at_checked(digits)?;
            let byte = number(str::from_utf8(digits).ok()?, radix)?;
            Some((u8::try_from(byte).ok()?, behind))
        });
        let (byte, behind) = escaped.unwrap_or((*first, tail));
        out.push(byte);
        rest = behind;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_kernel(text: &[u8]) -> Vec<u8> {
        unescape(text, b"\\", 3, 8)
    }

    /// As `mangle` of the kernel does it (`fs/seq_file.c`).
    fn escape(point: &[u8]) -> Vec<u8> {
        let escaped = |&byte: &u8| match byte {
            b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
            _ => vec![byte],
        };
        point.iter().flat_map(escaped).collect()
    }

    proptest::proptest! {
        #[test]
        fn a_mount_point_that_the_kernel_escapes_reads_back(
            point in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..12),
        ) {
            proptest::prop_assert_eq!(of_kernel(&escape(&point)), point);
        }

        #[test]
        fn no_line_makes_it_panic(line: Vec<u8>) {
            mounts(&line).for_each(drop);
        }
    }

    #[test]
    fn what_is_not_an_escape_stays_as_it_is() {
        for point in [&b"/a\\+12"[..], b"/a\\777", b"/a\\04", b"/a\\", b"/a\\8"] {
            assert_eq!(of_kernel(point), point);
        }
    }

    #[test]
    fn a_line_has_id_device_point_and_type() {
        let mountinfo = b"31 23 0:28 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw\n\nx y\n\
            41 31 259:3 / /odd\\040place rw,relatime shared:5 master:1 - cgroup2 cgroup2 rw\n";
        let mount = |id, device, point: &str, kind: &[u8]| Mount {
            id,
            device,
            root: b"/".to_vec(),
            point: point.into(),
            kind: kind.to_vec(),
        };
        let expected = [
            mount(31, (0, 28), "/sys/fs/cgroup", b"tmpfs"),
            mount(41, (259, 3), "/odd place", b"cgroup2"),
        ];
        assert_eq!(mounts(mountinfo).collect::<Vec<_>>(), expected);
    }
}
