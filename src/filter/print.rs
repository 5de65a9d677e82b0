//! The canonical spelling of a filter: it reads back to the same filter.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write as _};
use std::slice;

use ipnet::IpNet;

use super::Filter;
use super::endpoint::{EndpointPattern, Host, Ports, Side};
use super::expr::{Expr, Pattern, Term};
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
            Self::Pid(range) => {
                f.write_str("pid:")?;
                write_range(f, range.start(), range.end())
            }
            Self::Text(needle) if term::reads_as_text(needle.as_str()) => {
                f.write_str(needle.as_str())
            }
            Self::Text(needle) => f.write_str(&quoted(needle.as_str())),
            Self::Part(part, needle) => {
                let name: &str = part.into();
                write!(f, "{name}:{}", value_text(needle.as_str()))
            }
            Self::State(state) => write!(f, "state:{}", state.as_str().to_lowercase()),
            Self::Is(flag) => write!(f, "is:{}", flag.name),
            // No slash in it is escaped.
            Self::Regex(Pattern(regex)) => write!(f, "/{}/", regex.as_str().replace('/', r"\/")),
        }
    }
}

fn write_endpoint(f: &mut Formatter<'_>, side: Side, pattern: &EndpointPattern) -> fmt::Result {
    match (side, pattern.host) {
        (Side::Local, None) | (Side::Either, _) => {}
        (Side::Local, Some(_)) => f.write_str("addr:")?,
        (Side::Remote, _) => f.write_str("remote:")?,
    }
    match (pattern.host, &pattern.ports) {
        // A bare IPv4 address is text; with its prefix it is a network of one.
        (Some(Host::Net(net @ IpNet::V4(_))), None) if side == Side::Either => net.fmt(f)?,
        (Some(Host::Net(net @ IpNet::V6(_))), Some(_)) => {
            f.write_char('[')?;
            write_net(f, net)?;
            f.write_char(']')?;
        }
        (Some(Host::Net(net)), _) => write_net(f, net)?,
        (Some(Host::Zoned(address, zone)), Some(_)) => write!(f, "[{address}%{zone}]")?,
        (Some(Host::Zoned(address, zone)), None) => write!(f, "{address}%{zone}")?,
        (Some(Host::Localhost), _) => f.write_str("localhost")?,
        (None, _) => {}
    }
    match &pattern.ports {
        None => Ok(()),
        // A service may have the name of a host; a number can't be one.
        Some(Ports::Range(range)) if side == Side::Remote && pattern.host.is_none() => {
            write_range(f, range.start(), range.end())
        }
        Some(Ports::Service { name, .. }) => write!(f, ":{name}"),
        Some(Ports::Range(range)) => {
            f.write_char(':')?;
            write_range(f, range.start(), range.end())
        }
    }
}

fn write_net(f: &mut Formatter<'_>, net: IpNet) -> fmt::Result {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().fmt(f)
    } else {
        net.fmt(f)
    }
}

fn write_range<T: Display + PartialEq>(f: &mut Formatter<'_>, first: &T, last: &T) -> fmt::Result {
    if first == last {
        first.fmt(f)
    } else {
        write!(f, "{first}-{last}")
    }
}

/// A text as the value of a field, in quotes if it needs them.
pub(super) fn value_text(text: &str) -> Cow<'_, str> {
    if text.contains(term::is_delimiter) {
        quoted(text).into()
    } else {
        text.into()
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#);
    format!("\"{escaped}\"")
}
