//! Messages between the processes of a run, over a socket that keeps their bounds: a number each, some with a descriptor.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

/// What the supervisor reports to the process that the shell knows.
#[derive(Debug)]
pub(super) enum Report {
    /// The program runs; a descriptor of it (`pidfd_open(2)`).
    Started(OwnedFd),
    /// It could not be started, with this error.
    NotStarted(Errno),
    /// It has exited with this code.
    Exited(i32),
    /// This signal has ended it.
    Killed(i32),
}

/// The tags of a message: its high half.
const STARTED: i32 = 1;
const NOT_STARTED: i32 = 2;
const EXITED: i32 = 3;
const KILLED: i32 = 4;

/// Two connected ends, closed when a program is executed.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    Ok(socketpair(family, kind, SocketFlags::CLOEXEC, None)?)
}

/// Sends a number, with a descriptor if there is one. Allocates nothing.
pub(super) fn send_descriptor(
    to: impl AsFd,
    number: i32,
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    send(to, [number, 0], descriptor)
}

fn send(to: impl AsFd, numbers: [i32; 2], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.as_slice();
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let mut bytes = [0; 8];
    for (to, number) in bytes.chunks_exact_mut(4).zip(numbers) {
        to.copy_from_slice(&number.to_ne_bytes());
    }
    let parts = [IoSlice::new(&bytes)];
    retry_on_intr(|| sendmsg(&to, &parts, &mut control, SendFlags::NOSIGNAL))?;
    Ok(())
}

/// A number and a descriptor; `None` at the end, when every copy of the other end is closed.
pub(super) fn receive_descriptor(from: impl AsFd) -> io::Result<Option<(i32, Option<OwnedFd>)>> {
    let received = receive(from)?;
    Ok(received.map(|([number, _], descriptor)| (number, descriptor)))
}

fn receive(from: impl AsFd) -> io::Result<Option<([i32; 2], Option<OwnedFd>)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 8];
    let received = retry_on_intr(|| {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        recvmsg(&from, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    if received.bytes != bytes.len() {
        return Ok(None);
    }
    let mut descriptor = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.last();
        }
    }
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers = [numbers[0], numbers[1]].map(i32::from_ne_bytes);
    Ok(Some((numbers, descriptor)))
}

impl Report {
    pub(super) fn send(&self, to: impl AsFd) -> io::Result<()> {
        let (numbers, descriptor) = match self {
            Self::Started(process) => ([STARTED, 0], Some(process.as_fd())),
            Self::NotStarted(error) => ([NOT_STARTED, error.raw_os_error()], None),
            Self::Exited(code) => ([EXITED, *code], None),
            Self::Killed(signal) => ([KILLED, *signal], None),
        };
        send(to, numbers, descriptor)
    }

    /// The next report; `None` if the supervisor has ended.
    pub(super) fn receive(from: impl AsFd) -> io::Result<Option<Self>> {
        let Some((numbers, descriptor)) = receive(from)? else {
            return Ok(None);
        };
        Ok(match (numbers, descriptor) {
            ([STARTED, _], Some(process)) => Some(Self::Started(process)),
            ([NOT_STARTED, error], _) => Some(Self::NotStarted(Errno::from_raw_os_error(error))),
            ([EXITED, code], _) => Some(Self::Exited(code)),
            ([KILLED, signal], _) => Some(Self::Killed(signal)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_arrives_as_it_was_sent_and_the_end_is_no_report() {
        let (one, other) = pair().unwrap();
        Report::Started(one.try_clone().unwrap())
            .send(&one)
            .unwrap();
        for report in [Report::Exited(7), Report::Killed(9)] {
            report.send(&one).unwrap();
        }
        Report::NotStarted(Errno::NOENT).send(&one).unwrap();
        let next = || Report::receive(&other).unwrap();
        assert!(matches!(next(), Some(Report::Started(_))));
        assert!(matches!(next(), Some(Report::Exited(7))));
        assert!(matches!(next(), Some(Report::Killed(9))));
        assert!(matches!(next(), Some(Report::NotStarted(Errno::NOENT))));
        drop(one);
        assert!(next().is_none());
    }
}
