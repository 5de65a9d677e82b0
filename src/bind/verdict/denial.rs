//! Why a bind failed with another error than "in use", which hides whether the port is taken.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::case::Case;
use crate::bind::ProbeResult;
use crate::model::Readiness;

impl<'a> Case<'a> {
    /// The first bind that failed with another error than "in use", and that error. A family that this system lacks
    /// does not count.
    pub(super) fn denial(&self) -> Option<(IpAddr, &'a ProbeResult)> {
        let probes = self.target_trials().map(|trial| &trial.probe);
        let results = probes.map(|probe| (probe.address, &probe.result));
        let mut others = results.filter(|(_, result)| !result.is_ok() && !result.is_in_use());
        others.find(|(_, result)| !self.result.is_family_missing(result))
    }

    pub(super) fn is_denied_with(&self, errno: &str) -> bool {
        self.denial().is_some_and(|(_, result)| result.is(errno))
    }

    pub(super) fn denied_address(&self) -> Option<IpAddr> {
        self.denial().map(|(address, _)| address)
    }

    pub(super) fn is_ipv6_off(&self) -> bool {
        let is_v6 = matches!(self.denied_address(), Some(IpAddr::V6(_)));
        let is_off = is_v6 && self.limits.is_ipv6_off == Some(true);
        self.is_denied_with("EAFNOSUPPORT") || self.is_denied_with("EADDRNOTAVAIL") && is_off
    }

    /// Whether the address whose bind failed is one of this host that is not usable for this reason.
    pub(super) fn is_unready(&self, readiness: Readiness) -> bool {
        let mut unready = self.limits.unready.iter();
        self.is_denied_with("EADDRNOTAVAIL")
            && unready.any(|&(address, why)| {
                why == readiness && self.denied_address() == Some(IpAddr::V6(address))
            })
    }

    /// Whether the address whose bind failed is link-local and lacks its interface.
    pub(super) fn needs_scope(&self) -> bool {
        let address = self.denied_address();
        self.is_denied_with("EINVAL")
            && matches!(address, Some(IpAddr::V6(v6)) if v6.is_unicast_link_local())
    }

    /// Whether the capability to bind the port is one that the network namespace does not honour.
    pub(super) fn is_capability_foreign(&self) -> bool {
        let limits = self.limits;
        limits.has_bind_capability == Some(true) && limits.is_in_user_namespace == Some(true)
    }

    /// Whether the bind failed because the port needs a privilege that this process lacks, as far as that is known.
    pub(super) fn lacks_privilege(&self) -> bool {
        let has_it = self.limits.has_bind_capability == Some(true) && !self.is_capability_foreign();
        self.is_denied_with("EACCES") && self.limits.is_privileged(self.port()) && !has_it
    }

    /// The range that Windows has set aside, if the bind failed because the port is in it.
    pub(super) fn excluded_range(&self) -> Option<&'a RangeInclusive<u16>> {
        let is_denied = self.is_denied_with("EACCES");
        let mut ranges = self.limits.excluded.iter().flatten().filter(|_| is_denied);
        ranges.find(|range| range.contains(&self.port()))
    }
}
