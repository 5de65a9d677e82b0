//! The results of the binds as a table: a line for each address, with the option and without.

use super::phrases::host_text;
use crate::bind::ProbeResult;
use crate::bind::bind_test::BindTestResult;
use crate::bind::rules::Answer;
use crate::bind::text::grouped;

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
    let probes = result.trials.iter().map(|trial| &trial.probe);
    let rows = grouped(probes.map(|probe| {
        let only = if probe.is_v6_wildcard() {
            " v6 only"
        } else {
            ""
        };
        (format!("{}{only}", host_text(probe.address)), probe)
    }));
    let rows = rows.into_iter().map(|(address, probes)| {
        let made = |reuse_address| {
            let probe = probes
                .iter()
                .rfind(|probe| probe.reuse_address == reuse_address);
            probe.map(|probe| MatrixCell::Answered(probe.result.clone()))
        };
        let is_predicted = probes[0].reuse_address && probes[0].result.is_ok();
        let plain = || result.predict(probes[0].bind(), false).is_refused();
        let predicted = is_predicted.then(|| MatrixCell::Predicted(plain()));
        MatrixRow {
            address,
            with_reuse_address: made(true).unwrap_or(MatrixCell::Implied),
            without: made(false).or(predicted).unwrap_or(MatrixCell::Implied),
        }
    });
    rows.collect()
}
