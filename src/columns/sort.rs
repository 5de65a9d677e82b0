//! What rows are ordered by.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::model::{Endpoint, Owner};
use crate::track::Row;

/// A value to sort by. Rows that have none come last, whatever the direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey<'a> {
    /// A number.
    Number(u64),
    /// Text, compared without regard to ASCII case.
    Text(Cow<'a, str>),
    /// An address, then a port; IPv4 before IPv6.
    Address(IpAddr, u16),
    /// Nothing to sort by.
    Nothing,
}

type Key<'a> = SortKey<'a>;

fn text(text: &str) -> Key<'_> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Key::Text(Cow::Owned(text.to_ascii_lowercase()))
    } else {
        Key::Text(Cow::Borrowed(text))
    }
}

fn optional_text(value: Option<&str>) -> Key<'_> {
    value.map_or(Key::Nothing, text)
}

fn number(value: Option<impl Into<u64>>) -> Key<'static> {
    value.map_or(Key::Nothing, |value| Key::Number(value.into()))
}

pub(super) fn proto(row: &Row) -> Key<'_> {
    text(row.socket.protocol_and_family())
}

pub(super) fn local(row: &Row) -> Key<'_> {
    Key::Address(row.socket.local.address, row.socket.local.port)
}

pub(super) fn port(row: &Row) -> Key<'_> {
    number(Some(row.socket.local.port))
}

pub(super) fn service(row: &Row) -> Key<'_> {
    optional_text(row.socket.service())
}

pub(super) fn remote(row: &Row) -> Key<'_> {
    match row.socket.remote {
        Some(Endpoint { address, port }) => Key::Address(address, port),
        None => Key::Nothing,
    }
}

pub(super) fn state(row: &Row) -> Key<'_> {
    number(Some(row.socket.state as u32))
}

pub(super) fn pid(row: &Row) -> Key<'_> {
    number(
        row.socket
            .owner
            .processes()
            .first()
            .map(|process| process.pid),
    )
}

pub(super) fn process(row: &Row) -> Key<'_> {
    match &row.socket.owner {
        Owner::Kernel => Key::Text(Cow::Borrowed("kernel")),
        owner => optional_text(
            owner
                .processes()
                .first()
                .map(|process| process.name.as_str()),
        ),
    }
}

pub(super) fn user(row: &Row) -> Key<'_> {
    match (row.socket.user.as_deref(), row.socket.uid) {
        (None, Some(uid)) => Key::Text(Cow::Owned(uid.to_string())),
        (user, _) => optional_text(user),
    }
}

pub(super) fn unit(row: &Row) -> Key<'_> {
    optional_text(
        row.socket
            .container
            .as_deref()
            .or(row.socket.unit.as_deref()),
    )
}

/// What the column tells: since when, so that the youngest come first. Of a row whose beginning nobody
/// saw it tells at most that it is older than the program.
pub(super) fn age(row: &Row) -> Key<'_> {
    let began = match row.began_its_state() {
        Some(began) => Some(began.wall),
        None if row.socket.is_listening() => super::text::oldest_start(row),
        None => None,
    };
    let millis = began.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    millis.map_or(Key::Nothing, |millis| Key::Number(u64::MAX - millis))
}

pub(super) fn receive_queue(row: &Row) -> Key<'_> {
    number(row.socket.queue.map(|queue| queue.receive))
}

pub(super) fn send_queue(row: &Row) -> Key<'_> {
    number(row.socket.queue.map(|queue| queue.send))
}

pub(super) fn command(row: &Row) -> Key<'_> {
    let process = row.socket.owner.processes().first();
    optional_text(process.and_then(|process| process.command.as_deref()))
}
