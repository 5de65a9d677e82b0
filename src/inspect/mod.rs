//! The evidence on why a port can or can't be bound on this machine, and the bind test that combines it.
//!
//! A [`PortInspector`] reads: rows, owners, options, limits, redirects. A bind test also binds
//! (a [`Prober`](crate::bind::Prober)). What differs from one system to another is behind the trait; the version
//! for systems other than Linux is compiled for the tests on Linux, too.

mod bind_test;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod no_namespaces;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

use std::collections::HashSet;
use std::sync::Arc;

pub use bind_test::{BindTester, Survey, has_row};
#[cfg(not(target_os = "linux"))]
pub use no_namespaces::NamespaceAccess;

use crate::model::{
    Answered, Background, Evidence, Inside, Moment, Protocol, Socket, UnixAddress, UnixEvidence,
};

pub use crate::source::AccessError;
#[cfg(target_os = "linux")]
pub use crate::source::NamespaceAccess;

/// Reads the evidence about a port. It never binds.
///
/// An inspector caches processes and control groups, so several ports with one inspector cost less than with one each.
pub trait PortInspector: Send {
    /// The rows of `port` and the limits of the system, which determine the result of a bind; without owners and
    /// options. `at` becomes the time of the evidence. Takes about a millisecond.
    fn rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence;

    /// Finds out which ports of a protocol have rows at all, for [`Self::surveyed_rows`], and returns them.
    /// Takes about 10 ms, as long as reading a single port does. `None` where not all rows can be read.
    fn survey(&mut self, protocol: Protocol) -> Option<HashSet<u16>>;

    /// The same as [`Self::rows`], but a port that had no row in the last survey is not read again.
    fn surveyed_rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence;

    /// Where the traffic for a port goes besides the sockets of this namespace: to other namespaces, to redirects. With
    /// the limits.
    fn traffic(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence;

    /// The container, unit, supervisor or login behind each owner of a socket, by pid. Takes some milliseconds, more if
    /// systemd or a container engine is queried.
    fn backgrounds(&mut self, socket: &Socket) -> Vec<Background>;

    /// The evidence about the name of a unix socket, with the time `at`; `None` if the system doesn't list unix
    /// sockets. Creates and removes nothing, and no server notices.
    fn unix_name(&mut self, name: &UnixAddress, at: Moment) -> Option<UnixEvidence>;

    /// Adds owners, options and other evidence about `port` to rows that were just read, and checks whether each still
    /// exists. Takes some 10 ms on a machine with a few hundred processes, up to 100 ms with a thousand.
    ///
    /// If the binds were refused, other network namespaces and BPF programs are not searched; if nothing explains the
    /// refusal and the table may lack rows, sockets that no table lists are searched for.
    fn explain(
        &mut self,
        evidence: &mut Evidence,
        protocol: Protocol,
        port: u16,
        answered: Answered,
    );

    /// The same without where the traffic goes, for which other programs may have to be started. Calls `found` as soon
    /// as the owners of the sockets and their options are read; what is behind them follows.
    fn explain_sockets(
        &mut self,
        evidence: &mut Evidence,
        target: (Protocol, u16),
        answered: Answered,
        found: &mut dyn FnMut(),
    ) {
        self.explain(evidence, target.0, target.1, answered);
        found();
    }
}

/// The inspector of this machine, in the network namespace that this program runs in.
pub fn this_machine() -> Box<dyn PortInspector> {
    inspector_of(None)
}

/// The inspector of another network namespace, for threads in it ([`NamespaceAccess::run`]): it must not be kept when they
/// leave, as its sockets keep the namespace. `None`: of the one that this program runs in.
pub fn inspector_of(inside: Option<Arc<Inside>>) -> Box<dyn PortInspector> {
    #[cfg(target_os = "linux")]
    return Box::new(linux::LinuxInspector::of(inside));
    #[cfg(not(target_os = "linux"))]
    {
        drop(inside);
        Box::<portable::TableInspector>::default()
    }
}

/// Runs an action in another network namespace, on a thread of its own; `None`: in that of this program, here.
///
/// # Errors
/// The namespace has ended, or can't be entered. Then nothing was run.
pub fn run_in<T: Send>(
    namespace: Option<&NamespaceAccess>,
    action: impl FnOnce() -> T + Send,
) -> Result<T, AccessError> {
    match namespace {
        Some(namespace) => namespace.run(action),
        None => Ok(action()),
    }
}
