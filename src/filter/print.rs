//! The canonical spelling of a filter: it reads back to the same filter.

use std::fmt::{self, Display, Formatter, Write as _};
use std::slice;

use ipnet::IpNet;

use super::Filter;
use super::endpoint::{EndpointPattern, Host, Ports, Side};
use super::expr::{Expr, Pattern, Term};
use super::number::{AGE, PID, PORT, SIZE, Spelled, TIME};
use super::parse::term;

impl Display for Filter {
    /// One space between terms, ` | ` between alternatives, parentheses where they are needed.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| expr.fmt(f))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (members, between) = match self {
            Self::Term(term) => return term.fmt(f),
            Self::Not(inner) => {
                f.write_char('!')?;
                (slice::from_ref(&**inner), "")
            }
            Self::All(members) => (&members[..], " "),
            Self::Any(members) => (&members[..], " | "),
        };
        for (index, member) in members.iter().enumerate() {
            f.write_str(if index > 0 { between } else { "" })?;
            if member.precedence() > self.precedence() {
                member.fmt(f)?;
            } else {
                write!(f, "({member})")?;
            }
        }
        Ok(())
    }
}

impl Expr {
    /// How tightly it binds.
    const fn precedence(&self) -> u8 {
        match self {
            Self::Any(_) => 0,
            Self::All(_) => 1,
            Self::Not(_) => 2,
            Self::Term(_) => 3,
        }
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Transport(transport) => f.write_str(&transport.word()),
            Self::Endpoint(side, pattern) => write_endpoint(f, *side, pattern),
            Self::Pid(pids) => write!(f, "pid:{}", Spelled(pids, &PID)),
            Self::Text(needle) => match needle.as_str() {
                text if term::reads_as_text(text) => f.write_str(text),
                text => f.write_str(&quoted(text)),
            },
            Self::Part(part, needle) => {
                let name: &str = part.into();
                write!(f, "{name}:{}", value_text(needle.as_str()))
            }
            Self::State(state) => write!(f, "state:{}", state.as_str().to_lowercase()),
            Self::Age(comparison) => write!(f, "age:{}", AGE.comparison_text(comparison)),
            Self::Queue(end, sizes) => {
                let name: &str = end.into();
                write!(f, "{name}:{}", Spelled(sizes, &SIZE))
            }
            Self::Counter(counter, numbers) => {
                let name: &str = counter.into();
                write!(f, "{name}:{}", Spelled(numbers, counter.unit()))
            }
            Self::CounterTime(time, comparison) => {
                let name: &str = time.into();
                write!(f, "{name}:{}", TIME.comparison_text(comparison))
            }
            Self::Is(flag) => write!(f, "is:{}", flag.name),
            // No slash in it is escaped.
            Self::Regex(Pattern(regex)) => write!(f, "/{}/", regex.as_str().replace('/', r"\/")),
        }
    }
}

fn write_endpoint(f: &mut Formatter<'_>, side: Side, pattern: &EndpointPattern) -> fmt::Result {
    let EndpointPattern { host, ports } = pattern;
    let field = match side {
        Side::Local if host.is_some() => "addr:",
        Side::Remote => "remote:",
        Side::Local | Side::Either => "",
    };
    let mut host_text = match host {
        None => String::new(),
        Some(Host::Localhost) => "localhost".into(),
        Some(Host::Zoned(address, zone)) => format!("{address}%{zone}"),
        // A bare IPv4 address is text; with its prefix it is a network of one.
        Some(Host::Net(net @ IpNet::V4(_))) if side == Side::Either && ports.is_none() => {
            net.to_string()
        }
        Some(Host::Net(net)) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
        Some(Host::Net(net)) => net.to_string(),
    };
    if host_text.contains(':') && ports.is_some() {
        host_text = format!("[{host_text}]");
    }
    let port_text = match ports {
        None => String::new(),
        // A service may have the name of a host; a number can't be one.
        Some(ports) if side == Side::Remote && host.is_none() && ports.are_numbers() => {
            ports.to_string()
        }
        Some(ports) => format!(":{ports}"),
    };
    write!(f, "{field}{host_text}{port_text}")
}

impl Display for Ports {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(range) => f.write_str(&PORT.range_text(range)),
            Self::Compared(comparison) => f.write_str(&PORT.comparison_text(comparison)),
            Self::Service { name, .. } => f.write_str(name),
            Self::OneOf(all) => {
                let all: Vec<_> = all.iter().map(Self::to_string).collect();
                f.write_str(&all.join(","))
            }
        }
    }
}

/// A text as the value of a field, in quotes if it needs them.
pub(super) fn value_text(text: &str) -> String {
    if text.contains(term::is_delimiter) {
        quoted(text)
    } else {
        text.into()
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#);
    format!("\"{escaped}\"")
}
