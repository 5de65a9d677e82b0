//! Marked sockets without a process to end, by the reason.

use crate::model::Socket;

/// The most sockets to name for one reason.
const MAX_NAMED: usize = 8;

/// For each reason the ports or names of the first sockets, each once: one more than are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Skipped(Vec<(String, Vec<String>)>);

impl Skipped {
    pub fn add(&mut self, why: String, socket: &Socket) {
        let at = self.0.iter().position(|(one, _)| *one == why);
        let at = at.unwrap_or_else(|| {
            self.0.push((why, Vec::new()));
            self.0.len() - 1
        });
        let names = &mut self.0[at].1;
        if names.len() > MAX_NAMED {
            return;
        }
        let name = name(socket);
        if !names.contains(&name) {
            names.push(name);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first reason.
    pub fn into_reason(self) -> Option<String> {
        self.0.into_iter().next().map(|(why, _)| why)
    }

    /// One sentence for each reason.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(why, names)| {
            let shown = &names[..names.len().min(MAX_NAMED)];
            let more = if names.len() > MAX_NAMED { ", …" } else { "" };
            format!("Nothing to end at {}{more}: {why}.", shown.join(", "))
        })
    }
}

/// Its port, or what else it is known by.
fn name(socket: &Socket) -> String {
    if socket.protocol.has_ports() {
        return socket.protocol.port_text(socket.local.port);
    }
    let name = socket.local_text();
    name.unwrap_or_else(|| socket.protocol.name().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::model::{Endpoint, Protocol, State};

    #[test]
    fn of_60_000_sockets_without_a_process_only_the_first_names_are_kept() {
        let mut skipped = Skipped::default();
        for port in 1..=60_000 {
            let local = Endpoint::new(Ipv4Addr::LOCALHOST.into(), port);
            let socket = Socket::new(Protocol::Tcp, local, None, State::TimeWait);
            skipped.add("it closes by itself".into(), &socket);
        }
        assert_eq!(skipped.0.len(), 1);
        assert_eq!(skipped.0[0].1.len(), MAX_NAMED + 1);
        let sentences: Vec<_> = skipped.sentences().collect();
        let expected = "Nothing to end at 1, 2, 3, 4, 5, 6, 7, 8, …: it closes by itself.";
        assert_eq!(sentences, [expected]);
    }
}
