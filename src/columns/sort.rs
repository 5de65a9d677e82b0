//! What rows are ordered by.
#![expect(
    clippy::unnecessary_wraps,
    reason = "what every row has stands in the same list as what some lack"
)]

use std::borrow::Cow;

use crate::model::{Endpoint, Owner};
use crate::track::Row;

/// The value of a row to sort by. Rows that have none come last, whatever the direction.
#[derive(Clone, Copy, Debug)]
pub enum SortBy {
    /// A number.
    Number(fn(&Row) -> Option<u64>),
    /// Text, compared without regard to ASCII case.
    Text(fn(&Row) -> Option<Cow<'_, str>>),
    /// An address, then a port; IPv4 before IPv6.
    Address(fn(&Row) -> Option<Endpoint>),
}

pub(super) fn proto(row: &Row) -> Option<Cow<'_, str>> {
    Some(row.socket.protocol_and_family().into())
}

pub(super) fn local(row: &Row) -> Option<Endpoint> {
    row.socket.has_address().then_some(row.socket.local)
}

pub(super) fn port(row: &Row) -> Option<u64> {
    row.socket.port().map(u64::from)
}

pub(super) fn service(row: &Row) -> Option<Cow<'_, str>> {
    row.socket.service().map(Cow::Borrowed)
}

pub(super) fn remote(row: &Row) -> Option<Endpoint> {
    row.socket.remote
}

pub(super) fn state(row: &Row) -> Option<u64> {
    Some(row.socket.state as u64)
}

pub(super) fn pid(row: &Row) -> Option<u64> {
    let first = row.socket.owner.processes().first();
    first.map(|process| process.pid.into())
}

pub(super) fn process(row: &Row) -> Option<Cow<'_, str>> {
    match &row.socket.owner {
        Owner::Kernel => Some("kernel".into()),
        owner => owner.processes().first().map(|one| (*one.name).into()),
    }
}

pub(super) fn user(row: &Row) -> Option<Cow<'_, str>> {
    let user = row.socket.user.as_deref().map(Cow::Borrowed);
    user.or_else(|| Some(row.socket.uid?.to_string().into()))
}

pub(super) fn unit(row: &Row) -> Option<Cow<'_, str>> {
    let container = row.socket.container.as_deref();
    container.or(row.socket.unit.as_deref()).map(Cow::Borrowed)
}

/// Since when, so that the youngest come first; those of which only a lower bound is known by that. None where nothing
/// is known but for how long it was watched.
pub(super) fn age(row: &Row) -> Option<u64> {
    let began = super::text::process_start(row).or_else(|| row.state_began_by());
    began.map(|at| u64::MAX - at.as_millisecond().abs_diff(i64::MIN))
}

pub(super) fn receive_queue(row: &Row) -> Option<u64> {
    row.socket.queue.map(|queue| queue.receive.into())
}

pub(super) fn send_queue(row: &Row) -> Option<u64> {
    row.socket.queue.map(|queue| queue.send.into())
}

pub(super) fn command(row: &Row) -> Option<Cow<'_, str>> {
    let process = row.socket.owner.processes().first()?;
    process.command.as_deref().map(Cow::Borrowed)
}
