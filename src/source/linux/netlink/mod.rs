//! Dumps of the kernel's socket tables over netlink (`sock_diag(7)`).
//!
//! A dump is one request and an answer of several datagrams, with a message for each socket. TCP and UDP rows are
//! parsed in `inet_row`; for other families the caller parses the payload.

mod inet_row;
mod request;
mod tcp_info;

use std::io;
use std::os::fd::OwnedFd;

use netlink_packet_core::{
    DoneBuffer, ErrorBuffer, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
    NetlinkBuffer,
};
use netlink_packet_sock_diag::SOCK_DIAG_BY_FAMILY;
use nix::errno::Errno as ErrnoName;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with,
};
use thiserror::Error;

pub(crate) use self::inet_row::{InetRow, TIMEWAIT_TIMER, parse, state};
use self::request::TCPDIAG_GETSOCK;
pub(crate) use self::request::{DumpRequest, Extras, inet_request};
pub(super) use self::tcp_info::KernelClock;
pub(crate) use self::tcp_info::{FinalCounters, final_counters};
pub(super) use netlink_packet_utils::nla::NlasIterator;

/// The kernel fills up to 32 KiB at a time if the reader's buffer is that large.
const BUFFER: usize = 64 * 1024;

/// Length of a netlink header, which comes before every message.
const HEADER: usize = 16;

/// Why a dump failed or is incomplete.
#[derive(Debug, Error)]
pub(crate) enum DumpError {
    /// The table changed during the dump, each time: the rows are there but some may be missing.
    #[error("the table changed while it was read")]
    Interrupted,
    /// The kernel refused, or the socket failed.
    #[error("{}", errno_name(.0))]
    System(#[from] io::Error),
    /// The answer can't be parsed.
    #[error("unexpected answer of the kernel")]
    Malformed,
}

impl DumpError {
    /// Whether a second try may succeed: the table changed, or the kernel was short of memory.
    fn is_transient(&self) -> bool {
        let transient = [Errno::NOBUFS, Errno::NOMEM, Errno::INTR, Errno::AGAIN];
        match self {
            Self::Interrupted => true,
            Self::System(error) => {
                Errno::from_io_error(error).is_some_and(|error| transient.contains(&error))
            }
            Self::Malformed => false,
        }
    }
}

/// Where the rows of a dump go.
pub(crate) trait Rows {
    fn push(&mut self, row: InetRow);

    fn len(&self) -> usize;

    /// Removes all but the first `rows`.
    fn truncate(&mut self, rows: usize);
}

impl Rows for Vec<InetRow> {
    fn push(&mut self, row: InetRow) {
        self.push(row);
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn truncate(&mut self, rows: usize) {
        self.truncate(rows);
    }
}

/// A netlink socket, opened at the first dump and replaced after an error, as old responses may still arrive on it.
#[derive(Default)]
pub(crate) struct SockDiag {
    socket: Option<OwnedFd>,
    /// Whether the socket was opened in another network namespace, so that nothing here can replace it.
    is_irreplaceable: bool,
    buffer: Vec<u8>,
    sequence: u32,
}

impl SockDiag {
    /// Dumps over a socket that [`open`] opened in another network namespace. After an error every dump fails.
    pub(super) fn over(socket: OwnedFd) -> Self {
        Self {
            socket: Some(socket),
            is_irreplaceable: true,
            ..Self::default()
        }
    }

    /// Adds the requested TCP or UDP sockets to `into`, in the kernel's order. A transient error is retried once.
    /// After an error `into` is as before, except that an interrupted dump leaves the rows that it got.
    pub(crate) fn dump(
        &mut self,
        request: DumpRequest,
        into: &mut impl Rows,
    ) -> Result<(), DumpError> {
        let start = into.len();
        let mut outcome = self.dump_into(request, into);
        if outcome.as_ref().is_err_and(DumpError::is_transient) {
            into.truncate(start);
            outcome = self.dump_into(request, into);
        }
        if !matches!(outcome, Ok(()) | Err(DumpError::Interrupted)) {
            into.truncate(start);
        }
        outcome
    }

    fn dump_into(&mut self, request: DumpRequest, into: &mut impl Rows) -> Result<(), DumpError> {
        let protocol = request.protocol();
        let (message_type, payload) = request.encode();
        self.dump_payloads(message_type, &payload, |row| {
            into.push(parse(row, protocol)?);
            Some(())
        })
    }

    /// Sends one request (`payload` is the message without its header) and calls `row` with the payload of each row,
    /// which returns `None` if it is invalid.
    fn dump_payloads(
        &mut self,
        message_type: u16,
        payload: &[u8],
        mut row: impl FnMut(&[u8]) -> Option<()>,
    ) -> Result<(), DumpError> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None if self.is_irreplaceable => return Err(io::Error::from(Errno::BADF).into()),
            None => open()?,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.buffer.resize(BUFFER, 0);
        let request = message(message_type, self.sequence, payload);
        send(&socket, &request, SendFlags::empty()).map_err(io::Error::from)?;
        let mut answer = Answer {
            sequence: self.sequence,
            is_interrupted: false,
        };
        while !answer.read(receive(&socket, &mut self.buffer)?, &mut row)? {}
        self.socket = Some(socket);
        if answer.is_interrupted {
            return Err(DumpError::Interrupted);
        }
        Ok(())
    }
}

/// Opens a socket for dumps of the network namespace of this thread. It keeps the namespace as long as it is open.
pub(super) fn open() -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
    connect(&socket, &SocketAddrNetlink::new(0, 0))?;
    Ok(socket)
}

/// One dump of any family, over a separate socket: these are rare compared with dumps of TCP and UDP.
pub(super) fn dump(request: &[u8], row: impl FnMut(&[u8]) -> Option<()>) -> Result<(), DumpError> {
    SockDiag::default().dump_payloads(SOCK_DIAG_BY_FAMILY, request, row)
}

fn message(message_type: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + payload.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend(length.to_ne_bytes());
    bytes.extend(message_type.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(payload);
    bytes
}

fn receive<'buffer>(socket: &OwnedFd, buffer: &'buffer mut [u8]) -> io::Result<&'buffer [u8]> {
    let (length, _) = retry_on_intr(|| recv(socket, &mut *buffer, RecvFlags::empty()))?;
    Ok(&buffer[..length])
}

/// The state of one answer.
struct Answer {
    sequence: u32,
    is_interrupted: bool,
}

impl Answer {
    /// Reads one datagram: several messages, each padded to four bytes. Whether it ends the answer. Answers to other
    /// requests are skipped.
    fn read(
        &mut self,
        datagram: &[u8],
        row: &mut impl FnMut(&[u8]) -> Option<()>,
    ) -> Result<bool, DumpError> {
        let mut rest = datagram;
        if rest.is_empty() {
            return Err(DumpError::Malformed);
        }
        while !rest.is_empty() {
            let message = NetlinkBuffer::new_checked(rest).map_err(|_| DumpError::Malformed)?;
            if message.sequence_number() == self.sequence {
                self.is_interrupted |= message.flags() & NLM_F_DUMP_INTR != 0;
                match message.message_type() {
                    // A row has the type of its request.
                    SOCK_DIAG_BY_FAMILY | TCPDIAG_GETSOCK => {
                        row(message.payload()).ok_or(DumpError::Malformed)?;
                    }
                    // Without a handler for the family the dump ends at once, and only its error code shows it.
                    _ if is_end(&message)? => return Ok(true),
                    _ => {}
                }
            }
            let length = (message.length() as usize).next_multiple_of(4);
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(false)
    }
}

/// Whether a message ends an answer. The error code may be in an error message or in the end itself, as a negative
/// number.
fn is_end(message: &NetlinkBuffer<&[u8]>) -> Result<bool, DumpError> {
    let code = match message.message_type() {
        NLMSG_ERROR => {
            let error = ErrorBuffer::new_checked(message.payload());
            let error = error.map_err(|_| DumpError::Malformed)?;
            error.code().map_or(0, i32::from)
        }
        NLMSG_DONE => {
            let done = DoneBuffer::new_checked(message.payload());
            done.map_err(|_| DumpError::Malformed)?.code()
        }
        _ => return Ok(false),
    };
    if code < 0 {
        return Err(io::Error::from_raw_os_error(code.saturating_neg()).into());
    }
    Ok(true)
}

/// `EPERM`, as manual pages name it.
pub(crate) fn errno_name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{:?}", ErrnoName::from_raw(number)),
        None => error.to_string(),
    }
}

/// A `u16` in native byte order.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_ne_bytes)
}

/// A `u32` in native byte order.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_ne_bytes)
}

/// A `u64` in native byte order.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_ne_bytes)
}

/// So many bytes from there on.
pub(super) fn array_at<const LENGTH: usize>(bytes: &[u8], at: usize) -> Option<[u8; LENGTH]> {
    bytes.get(at..at.checked_add(LENGTH)?)?.try_into().ok()
}

#[cfg(test)]
mod tests;
