//! The targets of check and wait, and the effect of options on them.

use std::net::IpAddr;

use anyhow::bail;
use sockeye::bind::{Address, Target, interface, unix_name};
use sockeye::model::{Family, Text, UnixAddress, clean};

use crate::cli::global::GlobalArgs;

/// Neighbouring targets of the same kind.
pub enum Group {
    /// One target for each port. They are tested together.
    Ports(Vec<Target>),
    Unix(UnixAddress),
}

/// The targets in order.
pub fn parse_groups(global: &GlobalArgs, texts: &[String]) -> anyhow::Result<Vec<Group>> {
    let mut groups = Vec::new();
    for text in texts {
        if let Some(name) = unix_name(text) {
            if matches!(&name, UnixAddress::Path(path) if path.ends_with('/')) {
                bail!("{}: the path of a socket can't end with `/`", clean(text));
            }
            groups.push(Group::Unix(name));
            continue;
        }
        let more = parse_targets(global, std::slice::from_ref(text))?;
        match groups.last_mut() {
            Some(Group::Ports(targets)) => targets.extend(more),
            _ => groups.push(Group::Ports(more)),
        }
    }
    Ok(groups)
}

/// One target for each port, protocol and text, on the addresses within -4 or -6.
pub fn parse_targets(global: &GlobalArgs, texts: &[String]) -> anyhow::Result<Vec<Target>> {
    let mut targets = parse_targets_as_named(global, texts)?;
    for target in &mut targets {
        target.address = global.narrowed(target.address);
    }
    Ok(targets)
}

/// One target for each port, protocol and text, on the addresses that the texts name.
pub fn parse_targets_as_named(
    global: &GlobalArgs,
    texts: &[String],
) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for text in texts {
        // The protocols of -t and -u, for a text without one.
        let protocols: &[&str] = match (text.contains('/'), global.tcp, global.udp) {
            (false, false, true) => &["/udp"],
            (false, true, true) => &["/tcp", "/udp"],
            _ => &[""],
        };
        for text in protocols.iter().map(|protocol| format!("{text}{protocol}")) {
            let mut target = Target::parse_with(&text, &global.services)?;
            check_address(global, &mut target, &text)?;
            let one = |port| Target {
                ports: port..=port,
                ..target
            };
            targets.extend(target.ports.clone().map(one));
        }
    }
    Ok(targets)
}

/// Replaces the number of an interface by its name.
pub fn check_address(global: &GlobalArgs, target: &mut Target, text: &str) -> anyhow::Result<()> {
    let text = Text::new(text);
    if let Address::Zoned(v6, zone) = target.address {
        let Some(zone) = interface(zone) else {
            bail!("{text}: no interface {zone} here");
        };
        target.address = Address::Zoned(v6, zone);
    }
    let (option, family, allowed) = match (target.address, global.family()) {
        (Address::One(IpAddr::V6(_)) | Address::Zoned(..), Some(Family::Ipv4)) => {
            ("-4", "IPv6", "IPv4")
        }
        (Address::One(IpAddr::V4(_)), Some(Family::Ipv6)) => ("-6", "IPv4", "IPv6"),
        _ => return Ok(()),
    };
    bail!("{text} is an {family} address, but {option} allows only {allowed}");
}
