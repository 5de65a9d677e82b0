//! `diff`: which ports differ between two tables, as text and JSON.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::columns::align;
use crate::model::{Pid, Protocol};
use crate::query::{PortDiff, PortKey, PortOwner};
use crate::report::json::write_object;
use crate::report::record::{SCHEMA, time};

/// Writes a line for each port: `+` it appeared, `-` it is gone, `~` it has another owner.
pub fn write_diff(out: &mut dyn Write, diff: &PortDiff) -> io::Result<()> {
    let of = |mark: &'static str| {
        move |(key, owners): &(PortKey, Vec<PortOwner>)| (key.clone(), mark, text_of(owners))
    };
    let mut lines: Vec<_> = diff.gone.iter().map(of("-")).collect();
    lines.extend(diff.appeared.iter().map(of("+")));
    lines.extend(diff.changed.iter().map(|(key, before, after)| {
        let change = format!("{} → {}", text_of(before), text_of(after));
        (key.clone(), "~", change)
    }));
    lines.sort();
    let cells = lines.into_iter().map(|(key, mark, owners)| {
        let namespace = key.namespace.map(|name| format!(" in {name}"));
        let address = match key.address {
            std::net::IpAddr::V4(v4) => format!("{v4}:{}", key.port),
            std::net::IpAddr::V6(v6) => format!("[{v6}]:{}", key.port),
        };
        let protocol = key.protocol.as_str();
        let place = format!("{address}{}", namespace.unwrap_or_default());
        vec![mark.to_owned(), protocol.to_owned(), place, owners]
    });
    let mut lines = align(cells.collect()).into_iter();
    lines.try_for_each(|line| writeln!(out, "{line}"))
}

/// `node server.js (812) of ann`
fn text_of(owners: &[PortOwner]) -> String {
    if owners.is_empty() {
        return "–".to_owned();
    }
    let texts = owners.iter().map(|owner| {
        let user = owner.user.as_ref().map(|user| format!(" of {user}"));
        format!("{} ({}){}", owner.name, owner.pid, user.unwrap_or_default())
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// Writes one JSON object, then a line feed. The times are those of the two tables; `None` if one has no time.
pub fn write_diff_json(
    out: &mut dyn Write,
    diff: &PortDiff,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Diff<'a> {
        schema: u32,
        from: Option<String>,
        to: Option<String>,
        appeared: Vec<PortRecord<'a>>,
        gone: Vec<PortRecord<'a>>,
        changed: Vec<PortRecord<'a>>,
    }
    let diff = Diff {
        schema: SCHEMA,
        from: from.map(time),
        to: to.map(time),
        appeared: diff
            .appeared
            .iter()
            .map(|(key, after)| PortRecord::of(key, &[], after))
            .collect(),
        gone: diff
            .gone
            .iter()
            .map(|(key, before)| PortRecord::of(key, before, &[]))
            .collect(),
        changed: diff
            .changed
            .iter()
            .map(|(key, before, after)| PortRecord::of(key, before, after))
            .collect(),
    };
    write_object(out, &diff)
}

#[derive(Serialize)]
struct PortRecord<'a> {
    protocol: Protocol,
    address: String,
    port: u16,
    namespace: Option<&'a str>,
    before: Vec<OwnerRecord<'a>>,
    after: Vec<OwnerRecord<'a>>,
}

#[derive(Serialize)]
struct OwnerRecord<'a> {
    pid: Pid,
    name: &'a str,
    user: Option<&'a str>,
}

impl<'a> PortRecord<'a> {
    fn of(key: &'a PortKey, before: &'a [PortOwner], after: &'a [PortOwner]) -> Self {
        let owners = |all: &'a [PortOwner]| {
            let records = all.iter().map(|owner| OwnerRecord {
                pid: owner.pid,
                name: &owner.name,
                user: owner.user.as_deref(),
            });
            records.collect()
        };
        Self {
            protocol: key.protocol,
            address: key.address.to_string(),
            port: key.port,
            namespace: key.namespace.as_deref(),
            before: owners(before),
            after: owners(after),
        }
    }
}
