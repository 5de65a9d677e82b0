//! The system calls of `run` that no library without a C library behind it has, and what a child does before it executes
//! its program.
#![expect(
    unsafe_code,
    reason = "seccomp(2) and its requests of ioctl(2), bind(2) with an address as another program wrote it, a signal's \
              disposition, and the time between fork(2) and execve(2)"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use nix::libc::{self, c_long, c_ulong, sock_filter};
use nix::sys::signal::{SigHandler, Signal, signal};
use rustix::io::Errno;
use rustix::ioctl::{Setter, Updater, ioctl, opcode};

/// Room for the kernel's `struct seccomp_notif`, which may grow. It has 80 bytes up to 6.18.
type Buffer = [u64; 32];

/// `SECCOMP_IOCTL_NOTIF_RECV`, `_SEND` and `_ID_VALID` of `linux/seccomp.h`.
const RECEIVE: u32 = opcode::read_write::<libc::seccomp_notif>(b'!', 0);
const SEND: u32 = opcode::read_write::<libc::seccomp_notif_resp>(b'!', 1);
const IS_VALID: u32 = opcode::write::<u64>(b'!', 2);

/// The sizes of the kernel's `seccomp_notif`, `seccomp_notif_resp` and `seccomp_data`, and the most that [`receive`] takes.
pub(super) fn notification_sizes() -> Result<([u16; 3], usize), Errno> {
    let mut sizes = [0; 3];
    let (operation, to) = (libc::SECCOMP_GET_NOTIF_SIZES, &raw mut sizes);
    // SAFETY: the operation writes these three numbers, nothing else.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, to) };
    answered(answer).map(|_| (sizes, size_of::<Buffer>()))
}

/// The next notification. The sizes must have been checked.
pub(super) fn receive(listener: impl AsFd) -> Result<libc::seccomp_notif, Errno> {
    let mut buffer: Buffer = [0; 32];
    // SAFETY: the buffer is zeroed, and larger than what the kernel writes.
    unsafe { ioctl(listener, Updater::<RECEIVE, Buffer>::new(&mut buffer)) }?;
    // SAFETY: it begins with that structure and is aligned for it; any bits are valid.
    Ok(unsafe { std::ptr::read(buffer.as_ptr().cast()) })
}

pub(super) fn send(listener: impl AsFd, mut answer: libc::seccomp_notif_resp) -> Result<(), Errno> {
    // SAFETY: the request reads the kernel's own structure.
    unsafe { ioctl(listener, Updater::<SEND, _>::new(&mut answer)) }
}

pub(super) fn is_valid(listener: impl AsFd, id: u64) -> bool {
    // SAFETY: the request reads the number.
    unsafe { ioctl(listener, Setter::<IS_VALID, u64>::new(id)) }.is_ok()
}

/// Puts a filter on this thread and returns its listener.
pub(super) fn install(filter: &[sock_filter], flags: c_ulong) -> Result<OwnedFd, Errno> {
    let len = u16::try_from(filter.len()).map_err(|_| Errno::INVAL)?;
    let filter = filter.as_ptr().cast_mut();
    let program = libc::sock_fprog { len, filter };
    let (operation, from) = (libc::SECCOMP_SET_MODE_FILTER, &raw const program);
    // SAFETY: the program is a valid slice, which the kernel copies.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, from) };
    let number = answered(answer)?;
    // SAFETY: the kernel has just opened it for this call, so that nothing else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Binds a socket to an address as a program wrote it, with any length.
pub(super) fn bind(socket: BorrowedFd<'_>, address: &[u8]) -> Result<(), Errno> {
    let length = libc::socklen_t::try_from(address.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: the address is readable for its whole length, and the kernel copies it.
    let answer = unsafe { libc::bind(socket.as_raw_fd(), address.as_ptr().cast(), length) };
    answered(answer.into()).map(drop)
}

fn answered(answer: c_long) -> Result<i32, Errno> {
    let failed = |_| Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL);
    u16::try_from(answer).map(i32::from).map_err(failed)
}

/// Sets whether the ends of children are ignored.
pub(super) fn ignore_children(ignores: bool) -> nix::Result<()> {
    let to = [SigHandler::SigDfl, SigHandler::SigIgn][usize::from(ignores)];
    // SAFETY: neither runs code of this program.
    unsafe { signal(Signal::SIGCHLD, to) }.map(drop)
}

/// Starts a command that does this first. The closures of `listener` make system calls only, without memory or locks.
pub(super) fn spawn(
    command: &mut Command,
    prepare: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) -> io::Result<Child> {
    // SAFETY: what runs between fork(2) and execve(2) keeps to that.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}
