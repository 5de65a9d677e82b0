//! Everything that Linux tells about the name of a unix socket. Nothing is made, opened or removed: what
//! stands at the path is looked at, and a datagram socket is connected to it. That one never sends. The kernel
//! refuses it with `ECONNREFUSED` where no socket is bound to the file, whatever its kind, in any network
//! namespace, and with `EPROTOTYPE` where one of another kind is, before that one could notice
//! (`unix_find_bsd`). So a server never sees a connection of ours.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
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
use crate::source::linux::owners::Hints;
use crate::source::linux::owners::Owners;
use crate::source::linux::problems;
use crate::source::linux::unix_table::{self, UnixRow};
use crate::source::owners::owners;
use crate::source::process::Processes;

/// Looks at a name.
pub(super) fn evidence(name: &UnixAddress, processes: &mut Processes, at: Moment) -> UnixEvidence {
    let mut evidence = UnixEvidence {
        taken_at: at,
        at_path: None,
        connected: None,
        bound: None,
        holders: Vec::new(),
        processes: std::collections::HashMap::new(),
        limits: limits::read(&mut Vec::new()),
        gaps: Vec::new(),
    };
    let rows = unix_table::read().unwrap_or_else(|(error, too)| {
        let message = problems::unread("unix sockets", &error, &too);
        evidence.gaps.push(Gap::new(GapCode::Table, &message));
        Vec::new()
    });
    let rows = match name {
        UnixAddress::Path(path) => of_path(path, rows, &mut evidence, processes),
        UnixAddress::Abstract(name) => {
            evidence.bound = Some(bound(name));
            let is_it = |row: &UnixRow| row.name.strip_prefix(&[0]) == Some(name.as_bytes());
            let rows = rows.into_iter().filter(is_it);
            rows.map(|row| (row, false)).collect()
        }
    };
    evidence.holders = holders(rows, &mut evidence, processes);
    evidence
}

/// The rows that were bound to a path, and whether the file that stands there is another one.
fn of_path(
    path: &str,
    rows: Vec<UnixRow>,
    evidence: &mut UnixEvidence,
    processes: &mut Processes,
) -> Vec<(UnixRow, bool)> {
    let (at_path, file) = look(Path::new(path), processes);
    if file.is_some() {
        evidence.connected = Some(connected(path));
    }
    let file = file.map(|file| file_of(Path::new(path), &file));
    let whole = whole(path);
    // A relative name says nothing: each program is in a folder of its own.
    let has_name = |row: &UnixRow| {
        let name = row.name.as_slice();
        let is_as_typed = path.starts_with('/') && name == path.as_bytes();
        is_as_typed || name == whole.as_os_str().as_encoded_bytes()
    };
    let has_file = |row: &UnixRow| file.is_some() && row.file == file;
    // Where files are shown under other numbers (some overlays), or not at all (without sock_diag), the name must do.
    let has_files = rows.iter().any(|row| row.file.is_some());
    let is_known_by_name = match &evidence.connected {
        Some(Connected::Bound) => !rows.iter().any(has_file),
        Some(Connected::Unknown(_)) => !has_files,
        Some(Connected::Refused) | None => false,
    };
    evidence.at_path = Some(at_path);
    let is_of_it = |row: &UnixRow| has_file(row) || has_name(row);
    let mut rows: Vec<_> = rows.into_iter().filter(is_of_it).collect();
    // A connection that was accepted has the name and the file of its listener, and holds neither. A client may
    // be bound as well: the only one that a connect can have met.
    let is_met = evidence.connected == Some(Connected::Bound);
    let holds = |row: &UnixRow| !row.is_connected && (has_file(row) || is_known_by_name);
    if rows.iter().any(holds) || !is_met {
        rows.retain(|row| !row.is_connected);
    }
    let is_cut_off = |row: &UnixRow| !has_file(row) && !is_known_by_name;
    rows.into_iter()
        .map(|row| {
            let is_cut_off = is_cut_off(&row);
            (row, is_cut_off)
        })
        .collect()
}

/// The path as a server that was started elsewhere would name it.
fn whole(path: &str) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let folder = whole.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, whole.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => whole,
    }
}

/// What stands at a path; of a socket's file its facts too.
fn look(path: &Path, processes: &mut Processes) -> (AtPath, Option<Stat>) {
    let link = match lstat(path) {
        Ok(link) => link,
        Err(Errno::NOENT) => return (AtPath::Nothing(folder(path)), None),
        Err(Errno::NOTDIR) => return (AtPath::Nothing(Folder::NotAFolder), None),
        Err(Errno::ACCESS) => return (AtPath::Nothing(Folder::Denied), None),
        Err(error) => return (AtPath::Unseen(problems::errno_name(&error.into())), None),
    };
    let kind = |file: &Stat| FileType::from_raw_mode(file.st_mode);
    let file = match kind(&link) {
        FileType::Symlink => match stat(path) {
            Ok(file) => file,
            Err(Errno::NOENT) => return (AtPath::DanglingLink, None),
            Err(error) => return (AtPath::Unseen(problems::errno_name(&error.into())), None),
        },
        _ => link,
    };
    let other = match kind(&file) {
        FileType::Socket => {
            let at_path = AtPath::Socket(SocketFile {
                user: processes.users.late_name(file.st_uid),
                made_at: Timestamp::from_second(file.st_mtime).ok(),
                is_removable: is_removable(path, &link),
            });
            return (at_path, Some(file));
        }
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a folder",
        FileType::Fifo => "a named pipe",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Symlink | FileType::Unknown => "something else",
    };
    (AtPath::Other(other), None)
}

fn parent(path: &Path) -> &Path {
    let parent = path.parent().unwrap_or(path);
    if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    }
}

/// Whether a file can be made beside this path, as the kernel says of this user.
fn folder(path: &Path) -> Folder {
    match stat(parent(path)) {
        Err(Errno::NOENT) => return Folder::Missing,
        Err(Errno::NOTDIR) => return Folder::NotAFolder,
        Err(Errno::ACCESS) => return Folder::Denied,
        Err(error) => return Folder::Failed(problems::errno_name(&error.into())),
        Ok(folder) if FileType::from_raw_mode(folder.st_mode) != FileType::Directory => {
            return Folder::NotAFolder;
        }
        Ok(_) => {}
    }
    match may_write(parent(path)) {
        Ok(()) => Folder::Writable,
        Err(Errno::ACCESS | Errno::PERM) => Folder::Denied,
        Err(Errno::ROFS) => Folder::ReadOnly,
        Err(error) => Folder::Failed(problems::errno_name(&error.into())),
    }
}

fn may_write(folder: &Path) -> io::Result<()> {
    accessat(
        CWD,
        folder,
        Access::WRITE_OK | Access::EXEC_OK,
        AtFlags::EACCESS,
    )
}

/// Whether this user may remove a file: in a sticky folder only one's own.
fn is_removable(path: &Path, file: &Stat) -> bool {
    const STICKY: u32 = 0o1000;
    let own = geteuid().as_raw();
    let is_sticky = |folder: Stat| {
        folder.st_mode & STICKY != 0 && own != 0 && own != folder.st_uid && own != file.st_uid
    };
    may_write(parent(path)).is_ok() && !stat(parent(path)).is_ok_and(is_sticky)
}

/// A file as the table of unix sockets names it: the device of its file system, as the kernel numbers it.
fn file_of(path: &Path, file: &Stat) -> (u32, u32) {
    let own = (major(file.st_dev), minor(file.st_dev));
    let (major, minor) = file_system(path).unwrap_or(own);
    // The table has no more than the lower half of an inode.
    let inode = file.st_ino & u64::from(u32::MAX);
    (
        major << 20 | minor,
        u32::try_from(inode).unwrap_or(u32::MAX),
    )
}

/// The device of the file system that a path leads to. On overlayfs and btrfs `stat` has another one, made up
/// for the layer or the subvolume. `None` before Linux 5.8.
fn file_system(path: &Path) -> Option<(u32, u32)> {
    let wanted = StatxFlags::MNT_ID;
    let found = statx(CWD, path, AtFlags::empty(), wanted).ok()?;
    if found.stx_mask & wanted.bits() == 0 {
        return None;
    }
    let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
    let mut lines = mounts.split(|&byte| byte == b'\n');
    lines.find_map(|line| device_of_mount(line, found.stx_mnt_id))
}

/// From a line of `proc_pid_mountinfo(5)`: `36 35 98:0 …` is mount 36.
fn device_of_mount(line: &[u8], mount: u64) -> Option<(u32, u32)> {
    let mut fields = std::str::from_utf8(line.get(..line.len().min(64))?)
        .or_else(|error| std::str::from_utf8(&line[..error.valid_up_to()]))
        .ok()?
        .split(' ');
    if fields.next()?.parse() != Ok(mount) {
        return None;
    }
    let (major, minor) = fields.nth(1)?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn new_socket(kind: SocketType) -> io::Result<rustix::fd::OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, kind, flags, None)
}

fn connected(path: &str) -> Connected {
    let connect = || connect(new_socket(SocketType::DGRAM)?, &SocketAddrUnix::new(path)?);
    match connect() {
        // A datagram socket that talks with another one takes no second peer: EPERM.
        Ok(()) | Err(Errno::PROTOTYPE | Errno::PERM) => Connected::Bound,
        Err(Errno::CONNREFUSED) => Connected::Refused,
        Err(error) => Connected::Unknown(problems::errno_name(&error.into())),
    }
}

/// What a bind of an abstract name says; it is given up at once, as that of a port is.
fn bound(name: &str) -> String {
    let bind = || {
        let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
        bind(new_socket(SocketType::STREAM)?, &address)
    };
    match bind() {
        Ok(()) => "ok".to_owned(),
        Err(error) => problems::errno_name(&error.into()),
    }
}

/// The rows with their owners and what is behind those; what listens comes first, what can't be reached last.
fn holders(
    mut rows: Vec<(UnixRow, bool)>,
    evidence: &mut UnixEvidence,
    processes: &mut Processes,
) -> Vec<UnixHolder> {
    rows.sort_by_key(|(row, is_cut_off)| (*is_cut_off, !row.is_listening, row.inode));
    let wanted: HashSet<u32> = rows.iter().map(|(row, _)| row.inode).collect();
    let hints = Hints {
        pids: HashSet::new(),
        uids: rows.iter().filter_map(|(row, _)| row.uid).collect(),
    };
    let found = Owners::find(&wanted, &hints, &mut evidence.gaps);
    let owner_pids: Vec<_> = rows
        .iter()
        .map(|(row, _)| found.by_inode(row.inode))
        .collect();
    let owners = owners(&owner_pids, processes, evidence.taken_at);
    evidence.processes = processes.all();
    let all = rows.into_iter().zip(owners);
    all.map(|((row, is_cut_off), owner)| {
        let kind = row.kind;
        let is_listening = row.is_listening;
        UnixHolder {
            kind,
            is_listening,
            is_cut_off,
            holder: holder(&row, owner, processes),
        }
    })
    .collect()
}

/// A row as the fixes and the sentences on owners take it: with an address that means nothing.
fn holder(row: &UnixRow, owner: Owner, processes: &mut Processes) -> Holder {
    let nothing = Endpoint::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 0);
    let state = if row.is_listening {
        State::Listen
    } else {
        State::Unconn
    };
    let mut socket = Socket::new(Protocol::Tcp, nothing, None, state);
    socket.inode = Some(row.inode);
    socket.uid = row.uid;
    socket.user = row.uid.and_then(|uid| processes.users.late_name(uid));
    socket.queue = row.queue;
    socket.owner = owner;
    let backgrounds = BackgroundReader::new(processes, (Protocol::Tcp, 0)).of_socket(&socket);
    let units = backgrounds.iter().filter_map(|one| one.unit.as_ref());
    let mut servers = units.filter(|unit| unit.is_server == Some(true));
    socket.unit = servers.next().map(|unit| unit.name.clone());
    let mut holder = Holder::new(socket);
    holder.backgrounds = backgrounds;
    holder
}
