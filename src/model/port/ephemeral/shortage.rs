//! The problem of running out of ephemeral ports: how many are left, why, and the fix.

use super::{EphemeralUse, PortUsage};
use crate::model::{Problem, ProblemCode, Text, counted};

impl EphemeralUse {
    /// From this percentage on there is a problem.
    pub const SHORT: usize = 80;

    /// The problem, if few ports are left, or none.
    pub fn problem(&self) -> Option<Problem> {
        let percent = self.percent();
        if percent < Self::SHORT || self.capacity == 0 {
            return None;
        }
        let percent_lost = self.percent_of(self.lost().total());
        let is_of_one = percent_lost < Self::SHORT || percent_lost < 100 && percent == 100;
        let is_bound_first = self.bound_first.total() > 0;
        let one = self.fullest.filter(|_| is_of_one || !is_bound_first);
        let usage = one.map_or(self.lost(), |one| one.usage);
        let to = one.map_or(String::new(), |one| format!(" to {}", one.remote));
        let (why, (remedy, brief_remedy)) = if one.is_none() && is_bound_first {
            let bind_late = (
                "set IP_BIND_ADDRESS_NO_PORT before bind(), or connect without bind()",
                "IP_BIND_ADDRESS_NO_PORT",
            );
            (self.why_lost(), bind_late)
        } else {
            (why(usage), remedy(usage))
        };
        let (taken, capacity) = (usage.total().min(self.capacity), self.capacity);
        let (state, brief) = match self.percent_of(taken) {
            percent @ 0..100 => (
                format!("{taken} of {capacity} ephemeral ports{to} are taken, {why}"),
                format!("{percent}% of ports{to} taken: {brief_remedy}"),
            ),
            _ => (
                format!(
                    "no ephemeral port{to} is left of {capacity}, connect() fails with EADDRNOTAVAIL; {why}"
                ),
                format!("no port{to} left: {brief_remedy}"),
            ),
        };
        let message = format!("{state}: {remedy}, or widen net.ipv4.ip_local_port_range");
        Some(Problem {
            count: Some(taken),
            brief: Text::new(&brief),
            ..Problem::new(ProblemCode::EphemeralPorts, &message)
        })
    }

    /// The users of ports that no destination can use.
    fn why_lost(&self) -> String {
        let connections = self.bound_first.total();
        let by_servers = match self.ports.bound {
            0 => String::new(),
            servers => format!(", {}", counted(servers, "by a server", "by servers")),
        };
        format!(
            "{connections} by connections that seem to have been bound before they connected{by_servers}"
        )
    }
}

/// The users of ports: `26000 by TIME_WAIT, which lasts 60 s each, 1900 by connections`.
fn why(usage: PortUsage) -> String {
    let time_wait = "by TIME_WAIT, which lasts 60 s each";
    let parts = [
        (usage.time_wait, time_wait, time_wait),
        (usage.connected, "by a connection", "by connections"),
        (usage.bound, "by a server", "by servers"),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let parts = parts.map(|(count, one, many)| counted(count, one, many));
    parts.collect::<Vec<_>>().join(", ")
}

/// The fix for the largest use, in full and in brief.
fn remedy(usage: PortUsage) -> (&'static str, &'static str) {
    match usage.time_wait.max(usage.connected).max(usage.bound) {
        most if most == usage.time_wait => ("keep connections open (a pool)", "pool connections"),
        most if most == usage.connected => ("close idle connections", "close idle ones"),
        _ => ("let servers listen outside of the range", "move servers"),
    }
}
