//! Reads the evidence about the name of a unix socket. Nothing is created, opened or removed: the file at the path is
//! checked, and a datagram socket connects to it but never sends. The kernel refuses that with `ECONNREFUSED` if no
//! socket of any type in any network namespace is bound to the file, and with `EPROTOTYPE` if a socket of another type
//! is, without notifying it (`unix_find_bsd`). So a server never sees our connection.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fd::OwnedFd;
use rustix::fs::{
    Access, AtFlags, CWD, FileType, Stat, StatxFlags, accessat, lstat, major, minor, stat, statx,
};
use rustix::io::{self, Errno};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, socket_with,
};
use rustix::process::geteuid;

use super::limits;
use crate::model::{
    AtPath, Connected, Endpoint, Folder, Gap, GapCode, Holder, Moment, Owner, Protocol, Socket,
    SocketFile, State, UnixAddress, UnixEvidence, UnixHolder,
};
use crate::source::linux::background::BackgroundReader;
use crate::source::linux::mounts::mounts;
use crate::source::linux::owners::{Hints, Owners};
use crate::source::linux::problems;
use crate::source::linux::unix_table::{self, UnixRow};
use crate::source::owners::owners;
use crate::source::process::Processes;

pub(super) fn evidence(name: &UnixAddress, processes: &mut Processes, at: Moment) -> UnixEvidence {
    let mut evidence = UnixEvidence {
        taken_at: at,
        at_path: None,
        connected: None,
        bound: None,
        holders: Vec::new(),
        processes: HashMap::new(),
        limits: limits::read(None).0,
        gaps: Vec::new(),
    };
    let rows = unix_table::read().unwrap_or_else(|(error, too)| {
        let message = problems::unread("unix sockets", &error, &too);
        evidence.gaps.push(Gap::new(GapCode::Table, &message));
        Vec::new()
    });
    let rows = match name {
        UnixAddress::Path(path) => rows_of_path(path, rows, &mut evidence, processes),
        UnixAddress::Abstract(name) => {
            evidence.bound = Some(try_bind(name));
            let has_name = |row: &UnixRow| row.name.strip_prefix(&[0]) == Some(name.as_bytes());
            let rows = rows.into_iter().filter(has_name);
            rows.map(|row| (false, row)).collect()
        }
    };
    evidence.holders = holders(rows, &mut evidence, processes);
    evidence
}

/// The rows of sockets that were bound to a path, with whether another file is there now.
fn rows_of_path(
    path: &str,
    mut rows: Vec<UnixRow>,
    evidence: &mut UnixEvidence,
    processes: &mut Processes,
) -> Vec<(bool, UnixRow)> {
    let mut file = None;
    evidence.at_path = Some(match socket_file(Path::new(path)) {
        Ok((link, found)) => {
            let connect = || connect(new_socket(SocketType::DGRAM)?, &SocketAddrUnix::new(path)?);
            evidence.connected = Some(match connect() {
                // A datagram socket that has a peer accepts no second one: EPERM.
                Ok(()) | Err(Errno::PROTOTYPE | Errno::PERM) => Connected::Bound,
                Err(Errno::CONNREFUSED) => Connected::Refused,
                Err(error) => Connected::Unknown(errno_name(error)),
            });
            file = Some(table_key(Path::new(path), &found));
            AtPath::Socket(SocketFile {
                user: processes.users.late_name(found.st_uid),
                made_at: Timestamp::from_second(found.st_mtime).ok(),
                is_removable: is_removable(Path::new(path), &link),
            })
        }
        Err(at_path) => at_path,
    });
    let absolute = absolute(path);
    // A relative name is ambiguous: each program has its own working directory.
    let has_name = |row: &UnixRow| {
        let name = row.name.as_slice();
        let is_as_typed = path.starts_with('/') && name == path.as_bytes();
        is_as_typed || name == absolute.as_os_str().as_encoded_bytes()
    };
    let has_file = |row: &UnixRow| file.is_some() && row.file == file;
    // Some overlays list files under other numbers, and without sock_diag none are listed: then compare the names.
    let is_known_by_name = match &evidence.connected {
        Some(Connected::Bound) => !rows.iter().any(has_file),
        Some(Connected::Unknown(_)) => rows.iter().all(|row| row.file.is_none()),
        Some(Connected::Refused) | None => false,
    };
    rows.retain(|row| has_file(row) || has_name(row));
    // An accepted connection has the name and the file of its listener, but does not keep the name in use. A client may
    // be bound, too: the only socket that a connect can have reached.
    let is_bound = |row: &UnixRow| !row.is_connected() && (has_file(row) || is_known_by_name);
    if rows.iter().any(is_bound) || evidence.connected != Some(Connected::Bound) {
        rows.retain(|row| !row.is_connected());
    }
    let is_cut_off = |row: &UnixRow| !has_file(row) && !is_known_by_name;
    let rows = rows.into_iter();
    rows.map(|row| (is_cut_off(&row), row)).collect()
}

/// The absolute path, without links in its folder.
fn absolute(path: &str) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let folder = whole.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, whole.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => whole,
    }
}

/// The socket's file at a path, with the link to it; otherwise the kind of file there.
fn socket_file(path: &Path) -> Result<(Stat, Stat), AtPath> {
    let unseen = |error| AtPath::Unseen(errno_name(error));
    let kind = |file: &Stat| FileType::from_raw_mode(file.st_mode);
    let link = lstat(path).map_err(|error| match error {
        Errno::NOENT => AtPath::Nothing(folder(path)),
        Errno::NOTDIR | Errno::ACCESS => AtPath::Nothing(refusal(error)),
        _ => unseen(error),
    })?;
    let file = match kind(&link) {
        FileType::Symlink => stat(path).map_err(|error| match error {
            Errno::NOENT => AtPath::DanglingLink,
            _ => unseen(error),
        })?,
        _ => link,
    };
    Err(AtPath::Other(match kind(&file) {
        FileType::Socket => return Ok((link, file)),
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a folder",
        FileType::Fifo => "a named pipe",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Symlink | FileType::Unknown => "something else",
    }))
}

fn parent(path: &Path) -> &Path {
    let parent = path.parent().unwrap_or(path);
    if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    }
}

/// Whether this user can create a file beside this path.
fn folder(path: &Path) -> Folder {
    match stat(parent(path)) {
        Err(error) => refusal(error),
        Ok(folder) if FileType::from_raw_mode(folder.st_mode) != FileType::Directory => {
            Folder::NotAFolder
        }
        Ok(_) => check_writable(parent(path)).map_or_else(refusal, |()| Folder::Writable),
    }
}

fn refusal(error: Errno) -> Folder {
    match error {
        Errno::NOENT => Folder::Missing,
        Errno::NOTDIR => Folder::NotAFolder,
        Errno::ACCESS | Errno::PERM => Folder::Denied,
        Errno::ROFS => Folder::ReadOnly,
        _ => Folder::Failed(errno_name(error)),
    }
}

fn check_writable(folder: &Path) -> io::Result<()> {
    let access = Access::WRITE_OK | Access::EXEC_OK;
    accessat(CWD, folder, access, AtFlags::EACCESS)
}

/// Whether this user may remove a file: in a sticky folder only their own.
fn is_removable(path: &Path, file: &Stat) -> bool {
    const STICKY: u32 = 0o1000;
    let own = geteuid().as_raw();
    let is_sticky = |folder: Stat| {
        folder.st_mode & STICKY != 0 && own != 0 && own != folder.st_uid && own != file.st_uid
    };
    check_writable(parent(path)).is_ok() && !stat(parent(path)).is_ok_and(is_sticky)
}

/// A file as the table of unix sockets names it: the device of its file system, as the kernel numbers it, and the lower
/// half of the inode. On overlayfs and btrfs `stat` reports another device, made up for the layer or the subvolume;
/// `statx` knows the mount since Linux 5.8.
fn table_key(path: &Path, file: &Stat) -> (u32, u32) {
    let file_system = || {
        let wanted = StatxFlags::MNT_ID;
        let found = statx(CWD, path, AtFlags::empty(), wanted).ok()?;
        if found.stx_mask & wanted.bits() == 0 {
            return None;
        }
        let mountinfo = std::fs::read("/proc/self/mountinfo").ok()?;
        let mut mounts = mounts(&mountinfo);
        let mount = mounts.find(|mount| mount.id == found.stx_mnt_id)?;
        Some(mount.device)
    };
    let own = (major(file.st_dev), minor(file.st_dev));
    let (major, minor) = file_system().unwrap_or(own);
    let inode = u32::try_from(file.st_ino & u64::from(u32::MAX));
    (major << 20 | minor, inode.unwrap_or(u32::MAX))
}

fn new_socket(kind: SocketType) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, kind, flags, None)
}

/// Binds an abstract name and closes the socket at once: `ok`, or the error.
fn try_bind(name: &str) -> String {
    let bind = || {
        let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
        bind(new_socket(SocketType::STREAM)?, &address)
    };
    bind().map_or_else(errno_name, |()| "ok".to_owned())
}

fn errno_name(error: Errno) -> String {
    problems::errno_name(&error.into())
}

/// The rows with their owners and background: listeners first, unreachable sockets last.
fn holders(
    mut rows: Vec<(bool, UnixRow)>,
    evidence: &mut UnixEvidence,
    processes: &mut Processes,
) -> Vec<UnixHolder> {
    rows.sort_by_key(|(is_cut_off, row)| (*is_cut_off, !row.is_listening(), row.inode));
    let inodes: HashSet<u32> = rows.iter().map(|(_, row)| row.inode).collect();
    let hints = Hints {
        pids: HashSet::new(),
        uids: rows.iter().filter_map(|(_, row)| row.uid).collect(),
    };
    let found = Owners::find(&inodes, &hints, &mut evidence.gaps);
    let pids = rows.iter().map(|(_, row)| found.by_inode(row.inode));
    let owners = owners(&pids.collect::<Vec<_>>(), processes, evidence.taken_at);
    evidence.processes = processes.all();
    let all = rows.into_iter().zip(owners);
    all.map(|((is_cut_off, row), owner)| UnixHolder {
        kind: row.kind,
        is_listening: row.is_listening(),
        is_cut_off,
        holder: holder(&row, owner, processes),
    })
    .collect()
}

/// A row converted for fixes and sentences on owners; its address is meaningless.
fn holder(row: &UnixRow, owner: Owner, processes: &mut Processes) -> Holder {
    let state = if row.is_listening() {
        State::Listen
    } else {
        State::Unconn
    };
    let mut socket = Socket {
        inode: Some(row.inode),
        uid: row.uid,
        user: row.uid.and_then(|uid| processes.users.late_name(uid)),
        queue: row.queue,
        owner,
        ..Socket::new(Protocol::Tcp, Endpoint::NOTHING, None, state)
    };
    let backgrounds = BackgroundReader::new(processes, (Protocol::Tcp, 0)).of_socket(&socket);
    let units = backgrounds.iter().filter_map(|one| one.unit.as_ref());
    let mut servers = units.filter(|unit| unit.is_server == Some(true));
    socket.unit = servers.next().map(|unit| unit.name.clone());
    Holder {
        backgrounds,
        ..Holder::new(socket)
    }
}
