//! The results of the binds as a table: a line for each address, with the option and without.

use super::phrases::host_text;
use crate::bind::ProbeResult;
use crate::bind::bind_test::BindTestResult;
use crate::bind::rules::Answer;
use crate::bind::text::grouped;
use crate::model::listed;

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

impl MatrixRow {
    /// The result in words, for a server that sets `SO_REUSEADDR` unless only the other one was tried.
    fn result_text(&self) -> String {
        let refused = |cell: &MatrixCell| match cell {
            MatrixCell::Answered(result) if result.is_in_use() => Some("refused".to_owned()),
            MatrixCell::Answered(result) if !result.is_ok() => Some(result.as_str().to_owned()),
            MatrixCell::Predicted(Answer::Yes) => Some("refused".to_owned()),
            MatrixCell::Answered(_) | MatrixCell::Predicted(_) | MatrixCell::Implied => None,
        };
        let (with, without) = (&self.with_reuse_address, &self.without);
        match (refused(with), refused(without)) {
            (Some(result), _) => result,
            (None, Some(result)) if *with == MatrixCell::Implied => result,
            (None, Some(_)) => "ok with SO_REUSEADDR".to_owned(),
            (None, None) => "ok".to_owned(),
        }
    }
}

/// `0.0.0.0 and 127.0.0.1 refused, [::] v6 only ok`.
pub(super) fn addresses_text(rows: &[MatrixRow]) -> String {
    let results = rows
        .iter()
        .map(|row| (row.result_text(), row.address.clone()));
    let groups = grouped(results).into_iter();
    let groups = groups.map(|(result, addresses)| format!("{} {result}", listed(addresses)));
    groups.collect::<Vec<_>>().join(", ")
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
