//! A bind test: what the kernel said of each address, and the rows that hold the port.

use std::net::IpAddr;

use super::super::super::{App, BindReport};
use super::super::{Line, Role, span};
use super::MAX_LINES;
use crate::bind::{self, Probe, Target};
use crate::columns::pad;
use crate::columns::{owner_with_pid, socket_text};

impl App {
    pub(super) fn bind_lines(&self, target: &Target, report: Option<&BindReport>) -> Vec<Line> {
        let mut lines = match report {
            None => vec![vec![span("binding…", Role::Dim)]],
            Some(report) => matrix(&report.probes, usize::from(self.size.width)),
        };
        let holders = bind::holders(&self.table, target.protocol, *target.ports.start());
        let title = match holders.len() {
            0 => "no row of the table holds this port".to_owned(),
            1 => "1 row of the table holds this port:".to_owned(),
            many => format!("{many} rows of the table hold this port:"),
        };
        lines.push(vec![span(title, Role::Dim)]);
        lines.extend(holders.into_iter().take(MAX_LINES).map(|row| {
            vec![
                span(format!("  {}  ", socket_text(&row.socket)), Role::Strong),
                span(format!("{}  ", row.socket.state), Role::Plain),
                span(owner_with_pid(&row.socket), Role::Plain),
            ]
        }));
        lines
    }
}

/// `tcp 8080`, for a title.
pub(super) fn spoken(target: &Target) -> String {
    let text = target.to_string();
    format!(
        "{} {}",
        target.protocol.as_str(),
        text.trim_end_matches("/udp")
    )
}

/// Address × (with, without `SO_REUSEADDR`), in the width that there is.
fn matrix(probes: &[Probe], width: usize) -> Vec<Line> {
    let (cell, headings) = if width >= 60 {
        (20, ["address", "with SO_REUSEADDR", "without"])
    } else {
        (14, ["address", "REUSEADDR", "without"])
    };
    let mut addresses: Vec<(IpAddr, Option<bool>)> = probes
        .iter()
        .map(|probe| (probe.address, probe.v6only))
        .collect();
    addresses.dedup();
    let answer = |address, v6only, reuse| {
        let asked = (address, v6only, reuse);
        let found = probes
            .iter()
            .find(|p| (p.address, p.v6only, p.reuse_address) == asked);
        let cell = if reuse { cell } else { 0 };
        let (text, role) = match found {
            None => ("–", Role::Dim),
            Some(probe) if probe.result.is_ok() => ("ok", Role::Good),
            Some(probe) => (probe.result.as_str(), Role::Bad),
        };
        span(pad(text, cell, false), role)
    };
    let [first, second, last] = headings;
    let heading = vec![
        span(pad(first, cell, false), Role::Dim),
        span(pad(second, cell, false), Role::Dim),
        span(last, Role::Dim),
    ];
    let rows = addresses.into_iter().map(|(address, v6only)| {
        vec![
            span(
                pad(&address_name(address, v6only), cell, false),
                Role::Strong,
            ),
            answer(address, v6only, true),
            answer(address, v6only, false),
        ]
    });
    std::iter::once(heading).chain(rows).collect()
}

fn address_name(address: IpAddr, v6only: Option<bool>) -> String {
    match (address, v6only) {
        (IpAddr::V4(v4), _) => v4.to_string(),
        (IpAddr::V6(v6), Some(true)) if v6.is_unspecified() => format!("[{v6}] v6 only"),
        (IpAddr::V6(v6), _) => format!("[{v6}]"),
    }
}
