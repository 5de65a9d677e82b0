//! The language by example: what each word matches, how it is spelled back, and what is said
//! about a wrong one.

mod before;
mod complete;
mod counters;
mod errors;
mod kinds;
mod matching;
mod numbers;
mod spelling;

use std::sync::Arc;
use std::time::Duration;

use super::{Context, Filter};
use crate::model::{
    Container, Endpoint, Engine, Moment, Namespace, NamespaceId, Owner, Process, Protocol,
    Published, PublishedBy, Queue, Socket, State,
};
use crate::track::{Change, ChangeKind, Row, RowId};

/// The filter that a text means.
fn filter(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Asserts which of these filters match the row.
#[track_caller]
fn check(row: &Row, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(
            filter(text).matches(row, &context()),
            "{text:?} should match {row:?}"
        );
    }
    for text in no {
        assert!(
            !filter(text).matches(row, &context()),
            "{text:?} should not match {row:?}"
        );
    }
}

fn at(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(seconds),
        wall: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Ten seconds into the run, changes count as new for five; the uid is 1000.
fn context() -> Context {
    Context {
        now: at(10),
        highlight: Duration::from_secs(5),
        uid: Some(1000),
    }
}

fn endpoint(text: &str) -> Endpoint {
    text.parse::<std::net::SocketAddr>().unwrap().into()
}

pub(super) fn process(pid: u32, name: &str, command: &str) -> Arc<Process> {
    Arc::new(Process {
        command: Some(command.into()),
        ..Process::new(pid, name)
    })
}

/// A row that has been there from the start and has not changed, adjusted by `adjust`.
pub(super) fn row(
    protocol: Protocol,
    local: &str,
    remote: Option<&str>,
    state: State,
    adjust: impl FnOnce(&mut Socket),
) -> Row {
    let mut socket = Socket::new(protocol, endpoint(local), remote.map(endpoint), state);
    adjust(&mut socket);
    Row {
        id: RowId(1),
        socket,
        first_seen: at(0),
        state_since: at(0),
        was_open_at_start: true,
        change: None,
        is_in_conflict: false,
        sign: None,
        ends_at: None,
        end: None,
    }
}

/// nginx (812) of uid 33 listens on 0.0.0.0:8080.
fn listener() -> Row {
    row(
        Protocol::Tcp,
        "0.0.0.0:8080",
        None,
        State::Listen,
        |socket| {
            socket.uid = Some(33);
            socket.user = Some("www-data".into());
            socket.unit = Some("nginx.service".into());
            socket.container = Some("web_1".into());
            socket.interface = Some("eth0".into());
            let command = "nginx: master -g 'Daemon off;' /etc/nginx.conf";
            socket.owner = Owner::Known(Arc::new([process(812, "nginx", command)]));
        },
    )
}

/// curl (4242) of uid 1000 is connected from 10.0.0.7:51314 to 1.1.1.1:443.
fn connection() -> Row {
    let (local, remote) = ("10.0.0.7:51314", Some("1.1.1.1:443"));
    row(Protocol::Tcp, local, remote, State::Established, |socket| {
        socket.uid = Some(1000);
        socket.user = Some("ann".into());
        socket.owner = Owner::Known(Arc::new([process(4242, "curl", "curl https://one.one")]));
    })
}

/// `[::1]:8443` → `[::1]:40000` in `TIME_WAIT`; node (12) had it.
fn leftover() -> Row {
    let (local, remote) = ("[::1]:8443", Some("[::1]:40000"));
    row(Protocol::Tcp, local, remote, State::TimeWait, |socket| {
        socket.owner = Owner::Former(Arc::new([process(12, "node", "node server.js")]));
    })
}

/// A hidden owner's DNS server on UDP `[fe80::1]:53`.
fn resolver() -> Row {
    row(
        Protocol::Udp,
        "[fe80::1]:53",
        None,
        State::Unconn,
        |socket| {
            socket.uid = Some(0);
            socket.user = Some("root".into());
            socket.owner = Owner::Hidden;
        },
    )
}

/// The container shop-web-1.
fn container() -> Arc<Container> {
    Arc::new(Container {
        engine: Some(Engine::Docker),
        id: Some("9d57a38189c8".into()),
        name: "shop-web-1".into(),
        image: Some("httpd:2.4".into()),
        project: Some("shop".into()),
        service: Some("web".into()),
        pod: None,
    })
}

/// docker-proxy (318) on 0.0.0.0:8081, for port 80 of the container.
fn published() -> Row {
    row(
        Protocol::Tcp,
        "0.0.0.0:8081",
        None,
        State::Listen,
        |socket| {
            let command = "/usr/bin/docker-proxy -proto tcp";
            socket.owner = Owner::Known([process(318, "docker-proxy", command)].into());
            socket.published = Some(Arc::new(Published {
                relay: None,
                by: PublishedBy::Proxy,
                container: Some(container()),
                address: Some([172, 17, 0, 2].into()),
                port: Some(80),
                process: Some((390, "apache2".into())),
                target: None,
            }));
        },
    )
}

/// apache2 (390) on port 80 in the namespace of the container.
fn inside() -> Row {
    row(Protocol::Tcp, "0.0.0.0:80", None, State::Listen, |socket| {
        socket.owner = Owner::Known([process(390, "apache2", "apache2 -k start")].into());
        socket.namespace = Some(Arc::new(Namespace {
            id: NamespaceId(1),
            inode: Some(4_026_532_254),
            cookie: None,
            name: "blue".into(),
            container: Some(container()),
        }));
    })
}

/// The row after a change at this many seconds.
fn changed(mut row: Row, seconds: u64, kind: ChangeKind) -> Row {
    row.change = Some(Change {
        at: at(seconds),
        kind,
    });
    row
}

#[test]
fn a_filter_about_other_namespaces_is_known() {
    let is_about = |text: &str| filter(text).is_about_namespaces();
    for text in [
        "is:published",
        "!is:published",
        "80 (tcp or container:web)",
        "ns:web",
    ] {
        assert!(is_about(text), "{text}");
    }
    for text in ["", "web", "is:own", "proc:docker-proxy"] {
        assert!(!is_about(text), "{text}");
    }
}
