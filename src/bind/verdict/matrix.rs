//! The results of the binds as a table: a line for each address, with the option and without.

use super::phrases::host_text;
use crate::bind::ProbeResult;
use crate::bind::bind_test::{BindTestResult, Trial};
use crate::bind::rules::Answer;

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
    /// The result of a bind.
    Answered(ProbeResult),
    /// No bind was made, since a successful one would block others: whether the rules predict a refusal.
    Predicted(Answer),
    /// No bind was made: it follows from the other result.
    Implied,
}

impl MatrixCell {
    /// The answer on the screen; in parentheses if it is predicted.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Answered(result) => result.as_str(),
            Self::Predicted(Answer::No) => "(ok)",
            Self::Predicted(Answer::Yes) => "(EADDRINUSE)",
            Self::Predicted(Answer::Depends) => "?",
            Self::Implied => "–",
        }
    }
}

/// A row for each address that was bound, in the order of the binds.
pub(super) fn of(result: &BindTestResult) -> Vec<MatrixRow> {
    let mut rows: Vec<MatrixRow> = Vec::new();
    for Trial { probe, .. } in &result.trials {
        let only = if probe.is_v6_wildcard() {
            " v6 only"
        } else {
            ""
        };
        let address = format!("{}{only}", host_text(probe.address));
        let at = rows.iter().position(|row| row.address == address);
        let at = at.unwrap_or_else(|| {
            let is_predicted = probe.reuse_address && probe.result.is_ok();
            let plain = || result.predict(probe.bind(), false).is_refused();
            rows.push(MatrixRow {
                address,
                with_reuse_address: MatrixCell::Implied,
                without: is_predicted
                    .then(plain)
                    .map_or(MatrixCell::Implied, MatrixCell::Predicted),
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
