//! What the kernel counts about the socket: rates and totals, round trips, retransmits, what limits it, drops; and the traffic
//! of its processes.

use std::sync::Arc;
use std::time::Duration;

use super::fact;
use crate::app::App;
use crate::app::table::trouble::why;
use crate::app::view::Line;
use crate::columns::{format_amount, format_short_time};
use crate::model::duration::format_age;
use crate::model::{Process, Protocol, TcpInfo, counted};
use crate::track::{Bytes, Flow, Row, Table};

/// The most processes whose traffic is shown.
const MAX_PROCESSES: usize = 4;

/// The traffic of a process.
#[derive(Clone, Debug)]
pub(super) struct ProcessTraffic {
    process: Arc<Process>,
    rates: Option<Bytes>,
    totals: Bytes,
}

impl ProcessTraffic {
    /// Of the processes that have the socket of this row; none without counters.
    pub fn of(table: &Table, row: &Row) -> Vec<Self> {
        let processes = row.socket.owner.present().iter().take(MAX_PROCESSES);
        let traffic = processes.filter_map(|process| {
            Some(Self {
                process: Arc::clone(process),
                rates: table.rates_of(process),
                totals: table.flows.totals_of(process.pid)?,
            })
        });
        traffic.collect()
    }
}

impl App {
    /// What flows through the socket; nothing if it is not counted.
    pub(super) fn traffic_lines(&self, row: &Row, processes: &[ProcessTraffic]) -> Vec<Line> {
        let flow = self.rows.table.flows.of(row.id);
        // The last counters of a connection that has ended are shown with its end.
        let Some(flow) = flow.filter(|_| row.end.is_none()) else {
            return Vec::new();
        };
        let sign = row.sign.map(|kind| fact("trouble", why(kind)));
        let mut lines: Vec<_> = sign.into_iter().collect();
        if let Some(tcp) = &flow.counters.tcp {
            lines.extend(self.rate_line(row, flow));
            lines.extend(connection_lines(tcp));
        } else if row.socket.protocol == Protocol::Udp {
            lines.push(fact("traffic", "the kernel counts no bytes of UDP"));
        }
        let drops = flow.counters.drops;
        let drops = drops.filter(|&drops| drops > 0 && row.socket.counts_drops());
        lines.extend(drops.map(|drops| fact("drops", drops_text(row, drops))));
        lines.extend(process_lines(processes));
        lines
    }

    /// `rx 1.2M/s  tx 340k/s  ▁▂▇▃ last 5 min`.
    fn rate_line(&self, row: &Row, flow: &Flow) -> Option<Line> {
        let rates = rates_text(flow.rates?);
        let rates_until_now = Some(&self.rates).filter(|_| !self.is_at_moment());
        let chart = rates_until_now.and_then(|all| all.sparkline(row.id, self.rows.table.taken_at));
        let chart = chart.map_or(String::new(), |chart| format!("  {chart} last 5 min"));
        Some(fact("traffic", format!("{rates}{chart}")))
    }
}

/// `rx 1.2M/s  tx 340k/s`.
pub(crate) fn rates_text(rates: Bytes) -> String {
    let [received, sent] = [rates.received, rates.sent].map(format_amount);
    format!("rx {received}/s  tx {sent}/s")
}

/// `4.1G received, 120M sent`.
pub(crate) fn totals_text(totals: Bytes) -> String {
    let [received, sent] = [totals.received, totals.sent].map(format_amount);
    format!("{received} received, {sent} sent")
}

fn connection_lines(tcp: &TcpInfo) -> Vec<Line> {
    let unsent = match tcp.unsent {
        0 => String::new(),
        bytes => format!(", {} not sent yet", format_amount(bytes.into())),
    };
    let mut lines = last_lines(tcp);
    let idle = format!("{}{unsent}", format_age(tcp.idle()));
    lines.push(fact("idle", idle));
    lines.extend(limit_text(tcp).map(|text| fact("limited by", text)));
    lines
}

/// The counters that say something of a connection that has ended, too.
pub(super) fn last_lines(tcp: &TcpInfo) -> Vec<Line> {
    let totals = Bytes {
        received: tcp.bytes_received,
        sent: tcp.bytes_sent,
    };
    let least = tcp
        .min_rtt
        .map(|least| format!(", least {}", format_short_time(least)));
    let rtt = (!tcp.rtt.is_zero()).then(|| {
        let least = least.unwrap_or_default();
        fact(
            "round trip",
            format!("{}{least}", format_short_time(tcp.rtt)),
        )
    });
    let mut lines = vec![fact("total", totals_text(totals))];
    lines.extend(rtt);
    lines.push(fact("sent again", retransmits_text(tcp)));
    lines
}

/// `nothing`, `3 segments, 0.2 % of the bytes`.
fn retransmits_text(tcp: &TcpInfo) -> String {
    if tcp.retransmits == 0 {
        return "nothing".into();
    }
    let segments = counted(tcp.retransmits, "segment", "segments");
    let all = tcp.bytes_sent.saturating_add(tcp.bytes_retransmitted);
    let tenths = u128::from(tcp.bytes_retransmitted) * 1000 / u128::from(all.max(1));
    format!("{segments}, {}.{} % of the bytes", tenths / 10, tenths % 10)
}

/// What kept the connection from sending faster, in percent of the time in which it had something to send; `None` if nothing
/// did.
fn limit_text(tcp: &TcpInfo) -> Option<String> {
    let percent = |part: Duration| part.as_micros() * 100 / tcp.busy.as_micros().max(1);
    let parts = [
        ("the peer's window", percent(tcp.limited_by_peer)),
        ("its send buffer", percent(tcp.limited_by_buffer)),
    ];
    let parts = parts.into_iter().filter(|(_, percent)| *percent > 0);
    let parts = parts.map(|(what, percent)| format!("{what} {percent} %"));
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() {
        // While something waits, the program is not what is too slow.
        let has_waiting = tcp.unsent > 0 || tcp.timeouts > 0;
        let is_slow = tcp.is_application_limited && tcp.bytes_sent > 0 && !has_waiting;
        return is_slow.then(|| "the program: it writes too little to fill the connection".into());
    }
    let busy = format_short_time(tcp.busy);
    Some(format!("{} of {busy} of sending", parts.join(", ")))
}

fn drops_text(row: &Row, drops: u32) -> String {
    let (one, many) = match row.socket.protocol {
        Protocol::Tcp => ("handshake", "handshakes"),
        _ => ("packet", "packets"),
    };
    format!("{} since the socket exists", counted(drops, one, many))
}

/// `node(812): rx 1.2M/s  tx 340k/s, 4.1G received, 120M sent`.
fn process_lines(processes: &[ProcessTraffic]) -> impl Iterator<Item = Line> {
    let labels = std::iter::once("process").chain(std::iter::repeat(""));
    processes.iter().zip(labels).map(|(one, label)| {
        let rates = one.rates.map(|rates| rates_text(rates) + ", ");
        let (rates, totals) = (rates.unwrap_or_default(), totals_text(one.totals));
        let process = format!("{}({})", one.process.name, one.process.pid);
        fact(label, format!("{process}: {rates}{totals}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_limits_a_connection_is_in_percent_of_the_time_it_was_sending() {
        let seconds = Duration::from_secs;
        let limits = |peer, buffer, is_application_limited| {
            limit_text(&TcpInfo {
                bytes_sent: 1,
                busy: seconds(10),
                limited_by_peer: seconds(peer),
                limited_by_buffer: seconds(buffer),
                is_application_limited,
                ..TcpInfo::default()
            })
        };
        let text = "the peer's window 60 %, its send buffer 10 % of 10s of sending";
        assert_eq!(limits(6, 1, true).as_deref(), Some(text));
        assert_eq!(limits(0, 0, false), None);
        let program = "the program: it writes too little to fill the connection";
        assert_eq!(limits(0, 0, true).as_deref(), Some(program));
    }

    #[test]
    fn what_was_sent_again_is_in_percent_of_all_bytes_sent() {
        let tcp = TcpInfo {
            bytes_sent: 980,
            bytes_retransmitted: 20,
            retransmits: 1,
            ..TcpInfo::default()
        };
        assert_eq!(retransmits_text(&tcp), "1 segment, 2.0 % of the bytes");
        assert_eq!(retransmits_text(&TcpInfo::default()), "nothing");
    }
}
