//! The texts of cells about network namespaces, containers and the ports that these publish.

use std::borrow::Cow;

use super::measure::width;
use crate::model::{PublishedBy, Socket, Text};
use crate::track::Row;

/// What our own namespace is called beside others.
const OWN: &str = "own";

/// The name of the network namespace that a socket is in: `web`, `own`.
pub fn namespace_name(socket: &Socket) -> &str {
    let other = socket.namespace.as_ref();
    other.map_or(OWN, |other| &other.name)
}

/// `web: nginx`: a text about a socket, with its namespace if that is another one than ours.
pub fn with_namespace(socket: &Socket, text: String) -> String {
    match &socket.namespace {
        Some(other) => format!("{}: {text}", other.name),
        None => text,
    }
}

/// Where the traffic for a published port goes: `→ web:80 nginx (172.17.0.2)`.
pub fn published_text(socket: &Socket) -> Option<String> {
    let published = socket.published.as_ref()?;
    let by = match published.by {
        PublishedBy::Proxy => "",
        PublishedBy::Rule => ", published by rule",
    };
    Some(format!("→ {}{by}", published.describe()))
}

/// Our own has no text of its own to make room for: without rows of others the column says nothing.
pub(super) fn namespace_cells(row: &Row) -> usize {
    let other = row.socket.namespace.as_ref();
    other.map_or(0, |other| width(&other.name))
}

pub(super) fn container(row: &Row) -> Option<&Text> {
    row.socket.container_name()
}

/// Whether neither the namespace nor the command says which container it is.
pub(crate) fn says_more_by_container(row: &Row) -> bool {
    let socket = &row.socket;
    let is_said = |name: &Text| **name == *namespace_name(socket);
    socket.published.is_none() && container(row).is_some_and(|name| !is_said(name))
}

/// The command line, or where a published port leads.
pub(super) fn command_line(row: &Row) -> Option<Cow<'_, str>> {
    if let Some(text) = published_text(&row.socket) {
        return Some(text.into());
    }
    let command = row.socket.owner.processes().first()?.command.as_deref();
    command.map(Cow::Borrowed)
}
