//! Two requests of a perf event: its filter, and the ring of another event for its records; and its descriptor.
#![expect(
    unsafe_code,
    reason = "no library has PERF_EVENT_IOC_SET_FILTER and PERF_EVENT_IOC_SET_OUTPUT, nor lends the descriptor"
)]

use std::ffi::c_char;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use perf_event::Counter;
use rustix::ioctl::{IntegerSetter, Opcode, Setter, ioctl, opcode};

/// `PERF_EVENT_IOC_SET_OUTPUT` of `linux/perf_event.h`.
const SET_OUTPUT: Opcode = opcode::none(b'$', 5);

/// `PERF_EVENT_IOC_SET_FILTER` of `linux/perf_event.h`.
const SET_FILTER: Opcode = opcode::write::<*const c_char>(b'$', 6);

/// The longest filter, with the NUL that ends it.
const MAX_FILTER: usize = 512;

/// Sets the filter of a tracepoint's event, in the syntax of the kernel's `Documentation/trace/events.rst`. `EINVAL` if
/// the kernel can't parse it, or if it is longer than 511 bytes.
pub(super) fn set_filter(event: &Counter, filter: &str) -> io::Result<()> {
    let mut text = [0_u8; MAX_FILTER];
    let Some(start) = text[..MAX_FILTER - 1].get_mut(..filter.len()) else {
        return Err(rustix::io::Errno::INVAL.into());
    };
    start.copy_from_slice(filter.as_bytes());
    // SAFETY: the request reads a text up to its NUL, and `text` ends in one.
    let request = unsafe { Setter::<SET_FILTER, [u8; MAX_FILTER]>::new(text) };
    // SAFETY: the kernel copies the text during the call.
    unsafe { ioctl(descriptor(event), request) }?;
    Ok(())
}

/// Writes the records of an event to the ring of another one, which has the same processor and clock.
pub(super) fn set_output(event: &Counter, ring: &Counter) -> io::Result<()> {
    let ring = usize::try_from(ring.as_raw_fd()).map_err(io::Error::other)?;
    // SAFETY: the argument of this request is the number of a descriptor, which `ring` keeps open.
    let request = unsafe { IntegerSetter::<SET_OUTPUT>::new_usize(ring) };
    // SAFETY: the request changes no memory of this program.
    unsafe { ioctl(descriptor(event), request) }?;
    Ok(())
}

/// The descriptor of an event.
pub(super) fn descriptor(event: &Counter) -> BorrowedFd<'_> {
    // SAFETY: the event has the file that this is the descriptor of, and is borrowed as long.
    unsafe { BorrowedFd::borrow_raw(event.as_raw_fd()) }
}
