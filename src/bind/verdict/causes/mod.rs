//! The decision table: one row for each cause, tried from the top; the first that applies is the cause.
//!
//! Errors come first, since the kernel returns them before it looks at other sockets. Then the most important blocker
//! determines the cause (`case` sorts them): a listener before connections.

mod blockers;
mod errors;

use super::case::{Case, Kind};
use super::{Cause, Outcome};
use crate::bind::Fix;
use crate::bind::bind_test::Agreement;
use crate::model::{Owner, Readiness};
use Outcome::{Denied, Free, InUse, Raced, Unavailable};

/// A cause with its outcome, when it applies, and its explanation. [`InUse`] is free for a TCP server that sets
/// `SO_REUSEADDR` and can start.
type Row = (Cause, Outcome, fn(&Case<'_>) -> bool, Explain);
type Explain = fn(&Case<'_>) -> Explanation;

/// Every row; the last applies if no other does.
#[rustfmt::skip]
pub(super) static TABLE: &[Row] = &[
    (Cause::Raced, Raced, |case| case.result.agreement == Agreement::Changed, errors::raced),
    (Cause::Ipv6Off, Unavailable, |case| case.is_ipv6_off(), errors::ipv6_off),
    (Cause::AddressDuplicate, Unavailable, |case| case.is_unready(Readiness::Duplicate), errors::duplicate),
    (Cause::AddressTentative, Unavailable, |case| case.is_unready(Readiness::Tentative), errors::tentative),
    (Cause::AddressNotLocal, Unavailable, |case| case.is_denied_with("EADDRNOTAVAIL"), errors::not_local),
    (Cause::ScopeNeeded, Unavailable, |case| case.needs_scope(), errors::scope_needed),
    (Cause::PrivilegedPort, Denied, |case| case.lacks_privilege(), errors::privileged_port),
    (Cause::CgroupPolicy, Denied, |case| case.is_denied_with("EPERM"), errors::cgroup_policy),
    (Cause::Policy, Denied, |case| case.excluded_range().is_some(), errors::excluded_range),
    (Cause::Policy, Denied, |case| case.is_denied_with("EACCES"), errors::policy),
    (Cause::ProbeFailed, Unavailable, |case| case.denial().is_some(), errors::probe_failed),
    (Cause::Free, Free, |case| !case.is_refused(), errors::free),
    (Cause::InvisibleHolder, InUse, |case| case.blockers.is_empty(), blockers::invisible_holder),
    (Cause::HiddenOwner, InUse, |case| case.is_owner_hidden(), blockers::hidden_owner),
    (Cause::KernelSocket, InUse, |case| case.inode_owner() == Some(&Owner::Kernel), blockers::kernel_socket),
    (Cause::DualStackListener, InUse, |case| case.is_dual_stack(), blockers::dual_stack_listener),
    (Cause::Listener, InUse, |case| case.is(Kind::Listener), blockers::listener),
    (Cause::BoundNotListening, InUse, |case| case.is(Kind::Bound), blockers::bound_not_listening),
    (Cause::UdpSocket, InUse, |case| case.is(Kind::Udp), blockers::udp_socket),
    (Cause::Ipv6Shadow, InUse, |case| case.is_ipv6_shadow(), blockers::ipv6_shadow),
    (Cause::SelfConnect, InUse, |case| case.is(Kind::SelfConnect), blockers::self_connect),
    (Cause::OldConnection, InUse, |case| case.is(Kind::Accepted), blockers::old_connection),
    (Cause::OutgoingConnection, InUse, |case| case.is(Kind::Outgoing), blockers::outgoing_connection),
    (Cause::ClosingOrphan, InUse, |case| case.is(Kind::Orphan), blockers::closing_orphan),
    (Cause::TimeWait, InUse, |case| case.is(Kind::TimeWait) && case.only_plain_is_refused(), blockers::time_wait),
    (Cause::TimeWaitNoReuse, InUse, |case| case.is(Kind::TimeWait), blockers::time_wait_no_reuse),
    (Cause::InvisibleHolder, InUse, |_| true, blockers::undetermined),
];

pub(super) fn find(case: &Case<'_>) -> &'static Row {
    let found = TABLE.iter().find(|(_, _, applies, _)| applies(case));
    found.unwrap_or(&TABLE[TABLE.len() - 1])
}

/// The sentences and fixes of a cause.
#[derive(Default)]
pub(super) struct Explanation {
    pub(in crate::bind::verdict) summary: String,
    pub(in crate::bind::verdict) details: Vec<String>,
    /// The best first.
    pub(in crate::bind::verdict) fixes: Vec<Fix>,
}

impl Explanation {
    fn new(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            ..Self::default()
        }
    }

    fn detail(self, text: &str) -> Self {
        self.details([Some(text.to_owned())])
    }

    /// Those of these details that are known.
    fn details<const N: usize>(mut self, details: [Option<String>; N]) -> Self {
        self.details.extend(details.into_iter().flatten());
        self
    }

    fn fix(self, fix: impl Into<Option<Fix>>) -> Self {
        self.fixes(fix.into())
    }

    fn fixes(mut self, fixes: impl IntoIterator<Item = Fix>) -> Self {
        self.fixes.extend(fixes);
        self
    }
}
