//! The answers of the kernel as a table: a line for each address, with the option and without.

use std::net::IpAddr;

use super::Verdict;
use crate::bind::ProbeResult;

/// The answers for one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixRow<'a> {
    /// The address: `0.0.0.0`, `[::] v6 only`, `[::1]`.
    pub address: String,
    /// With `SO_REUSEADDR`; `None` if that was not tried.
    pub with_reuse_address: Option<&'a ProbeResult>,
    /// Without it; `None` if that was not tried.
    pub without: Option<&'a ProbeResult>,
}

impl Verdict {
    /// A row for each address that was bound, in the order in which they were.
    pub fn matrix(&self) -> Vec<MatrixRow<'_>> {
        let mut rows: Vec<MatrixRow<'_>> = Vec::new();
        for probe in &self.probes {
            let address = address_name(probe.address, probe.v6only);
            let at = rows.iter().position(|row| row.address == address);
            let at = at.unwrap_or_else(|| {
                rows.push(MatrixRow {
                    address,
                    with_reuse_address: None,
                    without: None,
                });
                rows.len() - 1
            });
            let cell = if probe.reuse_address {
                &mut rows[at].with_reuse_address
            } else {
                &mut rows[at].without
            };
            *cell = Some(&probe.result);
        }
        rows
    }
}

fn address_name(address: IpAddr, v6only: Option<bool>) -> String {
    match (address, v6only) {
        (IpAddr::V4(v4), _) => v4.to_string(),
        (IpAddr::V6(v6), Some(true)) if v6.is_unspecified() => format!("[{v6}] v6 only"),
        (IpAddr::V6(v6), _) => format!("[{v6}]"),
    }
}
