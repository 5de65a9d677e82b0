//! The answers of the kernel as a table: a line for each address, with the option and without.

use std::net::IpAddr;

use super::Verdict;
use crate::bind::ProbeResult;

/// The answers for one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixRow<'a> {
    /// The address: `0.0.0.0`, `[::] v6 only`, `[::1]`.
    pub address: String,
    /// With `SO_REUSEADDR`.
    pub with_reuse_address: MatrixCell<'a>,
    /// Without it.
    pub without: MatrixCell<'a>,
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixCell<'a> {
    /// The kernel gave it.
    Answered(&'a ProbeResult),
    /// No bind was made: nothing in the table is in its way, and one that succeeds would be in the
    /// way of others.
    NothingInTheWay,
    /// No bind was made: the other answer says it all.
    Implied,
}

impl MatrixCell<'_> {
    /// The answer as the screen writes it; one that was not given by the kernel in parentheses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Answered(result) => result.as_str(),
            Self::NothingInTheWay => "(ok)",
            Self::Implied => "–",
        }
    }
}

impl Verdict {
    /// A row for each address that was bound, in the order in which they were.
    pub fn matrix(&self) -> Vec<MatrixRow<'_>> {
        let mut rows: Vec<MatrixRow<'_>> = Vec::new();
        for probe in &self.probes {
            let address = address_name(probe.address, probe.v6only);
            let at = rows.iter().position(|row| row.address == address);
            let at = at.unwrap_or_else(|| {
                let is_open = probe.reuse_address && probe.result.is_ok();
                rows.push(MatrixRow {
                    address,
                    with_reuse_address: MatrixCell::Implied,
                    without: if is_open {
                        MatrixCell::NothingInTheWay
                    } else {
                        MatrixCell::Implied
                    },
                });
                rows.len() - 1
            });
            let cell = if probe.reuse_address {
                &mut rows[at].with_reuse_address
            } else {
                &mut rows[at].without
            };
            *cell = MatrixCell::Answered(&probe.result);
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
