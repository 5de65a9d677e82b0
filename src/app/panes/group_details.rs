//! The details of a group: its sum, and the most frequent owners and peers.

use crate::app::App;
use crate::app::panes::details::fact;
use crate::app::panes::details::traffic::{rates_text, totals_text};
use crate::app::table::group_notes::Tally;
use crate::app::table::trouble::why;
use crate::app::view::{Line, Role, span};
use crate::columns::pad_left;
use crate::model::counted;
use crate::query::{Group, GroupKey};
use crate::track::Bytes;

impl App {
    /// The details of the group under the cursor.
    pub(crate) fn group_details(&self) -> Vec<Line> {
        let Some((at, group)) = self.group_at_cursor() else {
            return Vec::new();
        };
        let activity = self.rows.selection.activity(at);
        let sockets = counted(group.sum.sockets, "socket", "sockets");
        let window = self.rows.table.connections.window();
        let rate = window.rate_text(activity.opened);
        let rate = rate.map_or(String::new(), |rate| format!(", {rate}"));
        let states: Vec<_> = group.sum.states().collect();
        let states = states
            .iter()
            .map(|(state, count)| format!("{count} {state}"));
        let states: Vec<_> = states.collect();
        let mut lines = vec![
            fact("group", format!("{} {}", group.by.name(), group.key)),
            fact("size", format!("{sockets}{rate}")),
            fact("states", states.join(", ")),
        ];
        let queues = [
            ("recv-q", group.sum.receive_queue),
            ("send-q", group.sum.send_queue),
        ];
        for (label, sum) in queues {
            lines.extend(sum.map(|sum| fact(label, counted_bytes(sum))));
        }
        if let Some(totals) = self.group_totals(group) {
            let rates = group.sum.rates.map(rates_text);
            lines.extend(rates.map(|rates| fact("traffic", rates)));
            lines.push(fact("total", totals_text(totals)));
        }
        if let Some(kind) = activity.trouble {
            lines.push(fact("trouble", format!("of a socket: {}", why(kind))));
        }
        if let Some(note) = self.group_note(at) {
            lines.extend(tally_lines("owners", &note.owners));
            lines.extend(tally_lines("peers", &note.peers));
        }
        lines
    }
}

impl App {
    /// The payload of a group; of a process also that of its connections that have closed since counting began.
    fn group_totals(&self, group: &Group) -> Option<Bytes> {
        let of_process = match group.key {
            GroupKey::Process { pid, .. } => self.rows.table.flows.totals_of(pid),
            _ => None,
        };
        of_process.or(group.sum.totals)
    }
}

fn counted_bytes(bytes: u64) -> String {
    if bytes == 1 {
        "1 byte".to_owned()
    } else {
        format!("{bytes} bytes")
    }
}

/// A line for each of the most frequent: number of sockets, name.
fn tally_lines(label: &str, tally: &Tally) -> Vec<Line> {
    let names = tally.top.iter().enumerate().map(|(index, (name, count))| {
        let label = if index == 0 { label } else { "" };
        fact(label, format!("{} {name}", pad_left(&count.to_string(), 6)))
    });
    let mut lines: Vec<_> = names.collect();
    if tally.others > 0 {
        let text = format!("{:18} and {} more", "", tally.others);
        lines.push(vec![span(text, Role::Dim)]);
    }
    lines
}
