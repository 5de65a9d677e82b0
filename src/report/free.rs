//! `free`: the ports that were chosen, and why others were not.

use std::io::{self, Write};

use serde::Serialize;

use super::check_json::GapRecord;
use super::json::SCHEMA;
use crate::bind::{Unfit, Wish};
use crate::model::{Gap, Limits, Protocol};

/// What a search found, as it is told.
pub struct FreePorts<'a> {
    /// What they were wanted for.
    pub wish: &'a Wish,
    /// The ports, in the order in which they were found.
    pub ports: &'a [u16],
    /// What was not taken, and why; in order.
    pub passed_over: &'a [(u16, Unfit)],
    /// What was taken for want of anything better.
    pub settled_for: &'a [(u16, Unfit)],
    /// Who has a port, in words, where that was found out.
    pub holders: &'a dyn Fn(u16) -> Option<String>,
    /// The limits of this system, where they were asked for.
    pub limits: &'a Limits,
    /// What could not be found out.
    pub gaps: &'a [Gap],
}

/// Ports that follow each other and share their fault.
#[derive(Serialize)]
struct Stretch {
    first: u16,
    last: u16,
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct FreeRecord<'a> {
    schema: u32,
    ports: &'a [u16],
    protocols: Vec<Protocol>,
    passed_over: Vec<Stretch>,
    settled_for: Vec<Stretch>,
    gaps: Vec<GapRecord<'a>>,
}

/// No more stretches than this are told to a person.
const MAX_TOLD: usize = 12;

/// Writes it as one JSON object, then a line feed.
///
/// # Errors
/// What the writer says.
pub fn write_free_json(out: &mut dyn Write, free: &FreePorts<'_>) -> io::Result<()> {
    let record = FreeRecord {
        schema: SCHEMA,
        ports: free.ports,
        protocols: free.wish.protocols().collect(),
        passed_over: stretches(free.passed_over, free),
        settled_for: stretches(free.settled_for, free),
        gaps: free.gaps.iter().map(GapRecord::of).collect(),
    };
    serde_json::to_writer(&mut *out, &record)?;
    writeln!(out)
}

/// Why ports were passed over, and what is wrong with those that were taken all the same: a line each.
pub fn told_of_free(free: &FreePorts<'_>) -> Vec<String> {
    let passed = stretches(free.passed_over, free);
    let mut lines: Vec<_> = passed.iter().take(MAX_TOLD).map(line).collect();
    if passed.len() > MAX_TOLD {
        let rest: usize = passed[MAX_TOLD..].iter().map(Stretch::count).sum();
        lines.push(format!("and {rest} more"));
    }
    for (port, unfit) in free.settled_for {
        lines.push(format!("{port} is taken for want of a better one: {unfit}"));
        lines.extend(unfit.remedy(*port, free.limits));
    }
    let gaps = free.gaps.iter();
    lines.extend(gaps.map(|gap| format!("not known: {}", gap.message)));
    lines
}

impl Stretch {
    fn count(&self) -> usize {
        usize::from(self.last - self.first) + 1
    }
}

fn line(stretch: &Stretch) -> String {
    let Stretch {
        first,
        last,
        message,
        ..
    } = stretch;
    if first == last {
        format!("{first}: {message}")
    } else {
        format!("{first}-{last}: {message}")
    }
}

/// Neighbours with the same fault are one entry.
fn stretches(ports: &[(u16, Unfit)], free: &FreePorts<'_>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (port, unfit) in ports {
        let message = message(*port, unfit, free);
        match stretches.last_mut() {
            Some(last)
                if last.last.checked_add(1) == Some(*port)
                    && (last.code, &last.message) == (unfit.code(), &message) =>
            {
                last.last = *port;
            }
            _ => stretches.push(Stretch {
                first: *port,
                last: *port,
                code: unfit.code(),
                message,
            }),
        }
    }
    stretches
}

fn message(port: u16, unfit: &Unfit, free: &FreePorts<'_>) -> String {
    match (unfit, (free.holders)(port)) {
        (Unfit::InUse, Some(holder)) => format!("in use, {holder}"),
        _ => unfit.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::Address;

    #[test]
    fn neighbours_with_the_same_fault_are_one_line() {
        let wish = Wish {
            tcp: true,
            udp: false,
            address: Address::Every,
        };
        let (limits, in_use) = (Limits::default(), |port| (port, Unfit::InUse));
        let mut passed_over = vec![(1, Unfit::Reserved), (2, Unfit::Reserved)];
        passed_over.extend([3, 4, 6].map(in_use));
        let mut free = FreePorts {
            wish: &wish,
            ports: &[7],
            passed_over: &passed_over,
            settled_for: &[],
            holders: &|port| (port == 4).then(|| "node(12)".to_owned()),
            limits: &limits,
            gaps: &[],
        };
        let expected = [
            "1-2: set aside in net.ipv4.ip_local_reserved_ports",
            "3: in use",
            "4: in use, node(12)",
            "6: in use",
        ];
        assert_eq!(told_of_free(&free), expected);
        let many: Vec<_> = (0..100).map(|n| in_use(2 * n)).collect();
        free.passed_over = &many;
        assert_eq!(told_of_free(&free).last().unwrap(), "and 88 more");
    }
}
