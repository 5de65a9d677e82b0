//! The answers of the kernel as a table: a line for each address, with the option and without.

use std::net::IpAddr;

use super::super::examine::{Examination, Trial, foretold, plain};
use super::super::rules::Answer;
use crate::bind::{Probe, ProbeResult};

/// The answers for one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixRow {
    /// The address: `0.0.0.0`, `[::] v6 only`, `[::1]`.
    pub address: String,
    /// With `SO_REUSEADDR`.
    pub with_reuse_address: MatrixCell,
    /// Without it.
    pub without: MatrixCell,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatrixCell {
    /// The kernel gave it.
    Answered(ProbeResult),
    /// No bind was made, since one that succeeds would be in the way of others: whether it would be
    /// refused, by the rules.
    Foretold(Answer),
    /// No bind was made: the other answer says it all.
    Implied,
}

impl MatrixCell {
    /// The answer as the screen writes it; one that was not given by the kernel in parentheses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Answered(result) => result.as_str(),
            Self::Foretold(Answer::No) => "(ok)",
            Self::Foretold(Answer::Yes) => "(EADDRINUSE)",
            Self::Foretold(Answer::Depends) => "?",
            Self::Implied => "–",
        }
    }
}

/// A row for each address that was bound, in the order in which they were.
pub(super) fn of(examination: &Examination) -> Vec<MatrixRow> {
    let mut rows: Vec<MatrixRow> = Vec::new();
    for Trial { probe, .. } in &examination.trials {
        let address = address_name(probe.address, probe.v6only);
        let at = rows.iter().position(|row| row.address == address);
        let at = at.unwrap_or_else(|| {
            rows.push(MatrixRow {
                address,
                with_reuse_address: MatrixCell::Implied,
                without: before_it_is_tried(probe, examination),
            });
            rows.len() - 1
        });
        let cell = if probe.reuse_address {
            &mut rows[at].with_reuse_address
        } else {
            &mut rows[at].without
        };
        *cell = MatrixCell::Answered(probe.result.clone());
    }
    rows
}

/// What stands for a bind without the option as long as none was made.
fn before_it_is_tried(first: &Probe, examination: &Examination) -> MatrixCell {
    if !(first.reuse_address && first.result.is_ok()) {
        return MatrixCell::Implied;
    }
    let Examination {
        target, evidence, ..
    } = examination;
    let plain = plain(first, target, evidence);
    MatrixCell::Foretold(foretold(&plain, evidence).is_refused())
}

fn address_name(address: IpAddr, v6only: Option<bool>) -> String {
    match (address, v6only) {
        (IpAddr::V4(v4), _) => v4.to_string(),
        (IpAddr::V6(v6), Some(true)) if v6.is_unspecified() => format!("[{v6}] v6 only"),
        (IpAddr::V6(v6), _) => format!("[{v6}]"),
    }
}
