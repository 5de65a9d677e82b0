//! Opens the address of a TCP listener in the browser, after a question once per session.
//!
//! Only the runtime starts programs; here it is decided whether, and with which URL.

use std::net::IpAddr;

use crate::app::dialogs::Sheet;
use crate::app::layout::Size;
use crate::app::view::{Role, cut_line, span};
use crate::app::{App, Dialog, Effect};
use crate::keymap::{Action, DialogAction};
use crate::model::{Moment, Protocol, Socket, State};
use crate::track::Row;

/// Ports of servers that usually use TLS.
const TLS: [u16; 2] = [443, 8443];

/// The URL of a TCP listener or of a published port: nothing but a scheme, an address and a port.
fn url(socket: &Socket) -> Option<String> {
    let is_open = matches!(socket.state, State::Listen | State::Dnat);
    let is_server = socket.protocol == Protocol::Tcp && is_open;
    let port = socket.local.port;
    let scheme = if TLS.contains(&port) { "https" } else { "http" };
    let host = match socket.local.address {
        any if any.is_unspecified() => "localhost".to_owned(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    is_server.then(|| format!("{scheme}://{host}:{port}/"))
}

impl App {
    pub(crate) fn selected_url(&self) -> Option<String> {
        let row = self.selected().filter(|row| !Row::is_closed(row))?;
        url(&self.reachable(row)?.socket)
    }

    /// The row whose address leads to this socket from our own namespace: for a socket of another namespace that of a port
    /// that publishes it. An address of another namespace may be that of another machine here: every container of slirp4netns
    /// has 10.0.2.100.
    pub(crate) fn reachable<'a>(&'a self, row: &'a Row) -> Option<&'a Row> {
        if row.socket.is_own() {
            return Some(row);
        }
        // A published port may be in another namespace itself.
        let mut published = self.rows_that_publish(row);
        published.find(|row| row.socket.is_own())
    }

    /// Why the selected listener has no URL.
    fn why_no_url(&self) -> String {
        let row = self.selected().filter(|row| url(&row.socket).is_some());
        match row.and_then(|row| Some((row, row.socket.namespace.as_ref()?))) {
            Some((row, namespace)) => {
                let address = row.socket.local.address;
                let why = if address.is_loopback() || address.is_unspecified() {
                    "no port publishes it"
                } else {
                    "no port publishes it, and another machine may have the address here"
                };
                let (local, name) = (row.socket.local, &namespace.name);
                format!("{local} in {name} can't be opened from here: {why}")
            }
            None => "no TCP listener is selected: nothing to open".to_owned(),
        }
    }

    /// Opens the selected listener, the first time after a question.
    pub(crate) fn open_in_browser(&mut self, now: Moment) {
        match self.selected_url() {
            None => self.warn(self.why_no_url(), now),
            Some(url) if self.opens_browser => self.open_url(url, now),
            Some(url) => self.dialog = Dialog::OpenUrl(url),
        }
    }

    /// Handles keys while the question is open; any other action means no.
    pub(crate) fn act_on_url(&mut self, action: Action, now: Moment) {
        let Dialog::OpenUrl(url) = std::mem::replace(&mut self.dialog, Dialog::None) else {
            return;
        };
        if action == Action::Dialog(DialogAction::Confirm) {
            self.opens_browser = true;
            self.open_url(url, now);
        }
    }

    fn open_url(&mut self, url: String, now: Moment) {
        let opener = self.environment.opener;
        self.report(format!("opening {url} with {opener}"), now);
        self.request(Effect::OpenUrl(url));
    }
}

/// The question: what is opened, and how.
pub(super) fn sheet(url: &str, opener: &str, size: Size) -> Sheet {
    let columns = size.overlay_width();
    let lines = [
        vec![
            span("Open ", Role::Plain),
            span(url, Role::Strong),
            span(format!(" with {opener}?"), Role::Plain),
        ],
        vec![span("This question comes once per session.", Role::Dim)],
    ];
    let lines = lines.into_iter().map(|line| cut_line(line, columns));
    Sheet::of("browser", lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;

    #[test]
    fn a_url_has_an_address_that_a_client_can_use() {
        for (local, expected) in [
            ("0.0.0.0:8080", "http://localhost:8080/"),
            ("[::]:3000", "http://localhost:3000/"),
            ("127.0.0.1:80", "http://127.0.0.1:80/"),
            ("192.0.2.7:443", "https://192.0.2.7:443/"),
            ("[::1]:8443", "https://[::1]:8443/"),
            ("[2001:db8::1]:9", "http://[2001:db8::1]:9/"),
        ] {
            let local: std::net::SocketAddr = local.parse().unwrap();
            let local = Endpoint::new(local.ip(), local.port());
            let socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
            assert_eq!(url(&socket).as_deref(), Some(expected));
        }
    }

    #[test]
    fn only_a_tcp_listener_has_a_url() {
        let local = Endpoint::new(IpAddr::from([127, 0, 0, 1]), 80);
        for (protocol, state) in [
            (Protocol::Udp, State::Unconn),
            (Protocol::Tcp, State::Bound),
            (Protocol::Tcp, State::Established),
            (Protocol::Sctp, State::Listen),
        ] {
            assert_eq!(url(&Socket::new(protocol, local, None, state)), None);
        }
    }
}
