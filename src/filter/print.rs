//! The canonical spelling of a filter: it reads back to the same filter.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write as _};

use ipnet::IpNet;

use super::Filter;
use super::endpoint::{EndpointPattern, Host, Ports, Side};
use super::expr::{Expr, Part, Term};
use super::parse::word;

impl Display for Filter {
    /// One space between terms, ` | ` between alternatives, parentheses where they are needed.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| expr.fmt(f))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Term(term) => term.fmt(f),
            Self::Not(inner) => {
                f.write_char('!')?;
                write_inside(f, inner, Binding::Not)
            }
            Self::All(members) => write_joined(f, members, " ", Binding::All),
            Self::Any(members) => write_joined(f, members, " | ", Binding::Any),
        }
    }
}

/// Precedence, loosest first.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Any,
    All,
    Not,
    Term,
}

impl Expr {
    const fn binding(&self) -> Binding {
        match self {
            Self::Term(_) => Binding::Term,
            Self::Not(_) => Binding::Not,
            Self::All(_) => Binding::All,
            Self::Any(_) => Binding::Any,
        }
    }
}

fn write_joined(
    f: &mut Formatter<'_>,
    members: &[Expr],
    between: &str,
    outer: Binding,
) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write_inside(f, member, outer)?;
    }
    Ok(())
}

/// Writes a part of a larger expression, in parentheses if it binds no tighter.
fn write_inside(f: &mut Formatter<'_>, inner: &Expr, outer: Binding) -> fmt::Result {
    if inner.binding() > outer {
        inner.fmt(f)
    } else {
        write!(f, "({inner})")
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
            Self::Text(needle) if word::reads_as_text(needle.as_str()) => {
                f.write_str(needle.as_str())
            }
            Self::Text(needle) => f.write_str(&quoted(needle.as_str())),
            Self::Part(part, needle) => {
                f.write_str(part.prefix())?;
                f.write_str(&value_text(needle.as_str()))
            }
            Self::State(state) => write!(f, "state:{}", state.as_str().to_lowercase()),
            Self::Is(flag) => write!(f, "is:{}", flag.name()),
            Self::Regex(pattern) => write_regex(f, &pattern.source),
        }
    }
}

impl Part {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Process => "proc:",
            Self::Command => "cmd:",
            Self::User => "user:",
            Self::Unit => "unit:",
            Self::Service => "service:",
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
    if text.contains(word::is_delimiter) {
        quoted(text).into()
    } else {
        text.into()
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#);
    format!("\"{escaped}\"")
}

/// Escapes the slashes that would end the regex, and leaves its own escapes alone.
fn write_regex(f: &mut Formatter<'_>, source: &str) -> fmt::Result {
    f.write_char('/')?;
    let mut characters = source.chars();
    while let Some(c) = characters.next() {
        match c {
            '/' => f.write_str(r"\/")?,
            '\\' => {
                f.write_char(c)?;
                characters
                    .next()
                    .map_or(Ok(()), |next| f.write_char(next))?;
            }
            c => f.write_char(c)?,
        }
    }
    f.write_char('/')
}
