//! That ephemeral ports run out, in words: how far, why, and what helps.

use super::{Destination, EphemeralUse, PortUsage};
use crate::model::{Problem, ProblemCode, Text, counted};

/// What takes the most, and what helps against it, whole and in brief.
#[derive(Clone, Copy)]
struct Remedy {
    whole: &'static str,
    brief: &'static str,
}

const POOL: Remedy = Remedy {
    whole: "keep connections open (a pool)",
    brief: "pool connections",
};
const CLOSE: Remedy = Remedy {
    whole: "close idle connections",
    brief: "close idle ones",
};
const BIND_LATE: Remedy = Remedy {
    whole: "set IP_BIND_ADDRESS_NO_PORT before bind(), or connect without bind()",
    brief: "IP_BIND_ADDRESS_NO_PORT",
};
const MOVE: Remedy = Remedy {
    whole: "let servers listen outside of the range",
    brief: "move servers",
};

impl EphemeralUse {
    /// From so many hundredths on it is told.
    pub const SHORT: usize = 80;

    /// What to tell if few ports are left, or none.
    pub fn problem(&self) -> Option<Problem> {
        let percent = self.percent();
        if percent < Self::SHORT || self.capacity == 0 {
            return None;
        }
        let lost = PortUsage {
            bound: self.ports.bound,
            ..self.bound_first
        };
        let percent_lost = self.percent_of(lost.total());
        let is_of_one = percent_lost < Self::SHORT || percent_lost < 100 && percent == 100;
        let (taken, message, brief) = match self.fullest {
            Some(one) if is_of_one || self.bound_first.total() == 0 => {
                self.told(one.held, &to(one), &why(one.held), remedy(one.held))
            }
            _ if self.bound_first.total() == 0 => self.told(lost, "", &why(lost), remedy(lost)),
            _ => self.told(lost, "", &self.why_lost(), BIND_LATE),
        };
        Some(Problem {
            code: ProblemCode::EphemeralPorts,
            count: Some(taken),
            message: Text::new(&message),
            brief: Text::new(&brief),
        })
    }

    /// How many are taken, and that in words and in brief.
    fn told(
        &self,
        held: PortUsage,
        to: &str,
        why: &str,
        remedy: Remedy,
    ) -> (usize, String, String) {
        let (taken, capacity) = (held.total().min(self.capacity), self.capacity);
        let Remedy { whole, brief } = remedy;
        let percent = self.percent_of(taken);
        let widen = "or widen net.ipv4.ip_local_port_range";
        let (message, brief) = if percent < 100 {
            (
                format!(
                    "{taken} of {capacity} ephemeral ports{to} are taken, {why}: {whole}, {widen}"
                ),
                format!("{percent}% of ports{to} taken: {brief}"),
            )
        } else {
            (
                format!(
                    "no ephemeral port{to} is left of {capacity}, connect() fails with EADDRNOTAVAIL; \
                     {why}: {whole}, {widen}"
                ),
                format!("no port{to} left: {brief}"),
            )
        };
        (taken, message, brief)
    }

    /// What takes ports from every destination.
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

fn to(destination: Destination) -> String {
    format!(" to {}", destination.remote)
}

/// What takes them: `26000 by TIME_WAIT, which lasts 60 s each, 1900 by connections`.
fn why(held: PortUsage) -> String {
    let time_wait = "by TIME_WAIT, which lasts 60 s each";
    let parts = [
        (held.time_wait, time_wait, time_wait),
        (held.connected, "by a connection", "by connections"),
        (held.bound, "by a server", "by servers"),
    ];
    let told = parts.iter().filter(|(count, ..)| *count > 0);
    let told: Vec<_> = told
        .map(|&(count, one, many)| counted(count, one, many))
        .collect();
    told.join(", ")
}

fn remedy(held: PortUsage) -> Remedy {
    let most = held.time_wait.max(held.connected).max(held.bound);
    match most {
        most if most == held.time_wait => POOL,
        most if most == held.connected => CLOSE,
        _ => MOVE,
    }
}
