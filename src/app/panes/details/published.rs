//! A published port and the socket inside, and the network namespace and the container of a socket.

use super::{RelatedSockets, fact, known, link};
use crate::app::App;
use crate::app::view::Line;
use crate::columns::{published_text, socket_with_owner};
use crate::model::{Container, Socket, Text};
use crate::track::Row;

impl App {
    /// The namespace if it is not ours; of a published port where its traffic goes, of a socket inside the ports that lead
    /// to it.
    pub(super) fn published_lines(&self, row: &Row, related: Option<&RelatedSockets>) -> Vec<Line> {
        let table = &self.rows.table;
        let text = published_text(&row.socket);
        let text = text.map(|text| text.trim_start_matches("→ ").to_owned());
        let inside = related.and_then(|related| related.inside);
        let mut lines = Vec::from_iter(namespace_line(&row.socket));
        lines.extend(text.map(|text| match inside {
            Some(id) => link("leads to", text, id),
            None => fact("leads to", text),
        }));
        let publishers = related.map_or(&[][..], |related| &related.publishers);
        let publishers = publishers.iter().filter_map(|&id| table.row(id));
        lines.extend(publishers.map(|row| {
            let text = format!("by {}", socket_with_owner(&row.socket));
            link("published", text, row.id)
        }));
        lines
    }
}

fn namespace_line(socket: &Socket) -> Option<Line> {
    let namespace = socket.namespace.as_ref()?;
    let inode = namespace.inode.map(|inode| format!(" · inode {inode}"));
    let inode = inode.unwrap_or_default();
    Some(fact("namespace", format!("{}{inode}", namespace.name)))
}

/// The unit, and the container with what is known of it.
pub(super) fn placement_lines(socket: &Socket) -> Vec<Line> {
    let namespace = socket.namespace.as_ref();
    let published = socket.published.as_ref();
    let mut lines = Vec::from_iter(known("unit", socket.unit.as_ref()));
    let container = published.and_then(|one| one.container.as_ref());
    let container = container.or_else(|| namespace.and_then(|one| one.container.as_ref()));
    let is_described = |name: &&Text| container.is_some_and(|one| one.name == **name);
    let other = socket.container.as_ref().filter(|name| !is_described(name));
    lines.extend(known("container", other));
    lines.extend(container.map_or_else(Vec::new, |one| container_lines(one)));
    lines
}

/// `web · docker · 3f2a9c14b0de`, its image, `shop · service web`.
fn container_lines(container: &Container) -> Vec<Line> {
    let joined = |parts: [Option<String>; 3]| {
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" · "))
    };
    let text = |text: &Option<Text>| text.as_ref().map(ToString::to_string);
    let id = text(&container.id).filter(|id| *id != *container.name);
    let engine = container.engine.map(|engine| engine.as_str().to_owned());
    let name = joined([Some(container.name.to_string()), engine, id]);
    let service = text(&container.service).map(|service| format!("service {service}"));
    let compose = joined([text(&container.project), service, None]);
    let facts = [
        known("container", name),
        known("image", container.image.as_ref()),
        known("compose", compose),
        known("pod", container.pod.as_ref()),
    ];
    facts.into_iter().flatten().collect()
}
