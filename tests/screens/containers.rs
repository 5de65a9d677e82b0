//! A host with containers: their sockets, the ports that they publish, and another network namespace.

use std::sync::Arc;
use std::time::Duration;

use sockeye::keymap::Key;
use sockeye::model::{
    Container, Engine, Namespace, NamespaceId, Owner, Published, PublishedBy, Socket, State,
};

use super::pictures::picture;
use super::stage::{Stage, connection, known, listener, process};

const HOUR: Duration = Duration::from_hours(1);

const WEB: NamespaceId = NamespaceId(1);

fn container(name: &str, image: &str) -> Arc<Container> {
    Arc::new(Container {
        engine: Some(Engine::Docker),
        id: Some("3f2a9c14b0de".into()),
        name: name.into(),
        image: Some(image.into()),
        project: Some("shop".into()),
        service: Some(name.trim_start_matches("shop-").into()),
        pod: None,
    })
}

fn web_container() -> Arc<Container> {
    container("web", "nginx:1.27")
}

fn namespace(id: NamespaceId, name: &str, container: Option<Arc<Container>>) -> Arc<Namespace> {
    Arc::new(Namespace {
        id,
        inode: Some(4_026_532_253 + u64::from(id.0)),
        cookie: None,
        name: name.into(),
        container,
    })
}

fn within(namespace: &Arc<Namespace>, socket: Socket) -> Socket {
    Socket {
        namespace: Some(Arc::clone(namespace)),
        ..socket
    }
}

fn leads(by: PublishedBy, port: u16, socket: Socket) -> Socket {
    let is_proxy = by == PublishedBy::Proxy;
    Socket {
        published: Some(Arc::new(Published {
            relay: None,
            by,
            container: Some(web_container()),
            address: Some([172, 17, 0, 2].into()),
            port: Some(port),
            process: is_proxy.then(|| (9001, "nginx".into())),
            target: is_proxy.then_some((WEB, 51)),
        })),
        ..socket
    }
}

fn own() -> Vec<Socket> {
    let sshd = process(702, "sshd", "root", 48 * HOUR);
    let proxy = process(2401, "docker-proxy", "root", 2 * HOUR);
    let curl = process(3301, "curl", "ann", HOUR);
    let rule = Socket {
        state: State::Dnat,
        inode: None,
        queue: None,
        ..listener("0.0.0.0:8443", 0, Owner::None)
    };
    vec![
        listener("0.0.0.0:22", 41, known(&[&sshd])),
        leads(
            PublishedBy::Proxy,
            80,
            listener("0.0.0.0:8080", 42, known(&[&proxy])),
        ),
        leads(PublishedBy::Rule, 443, rule),
        connection(
            "172.17.0.1:40112",
            "172.17.0.2:80",
            State::Established,
            43,
            known(&[&curl]),
        ),
    ]
}

fn elsewhere() -> Vec<Socket> {
    let web = namespace(WEB, "web", Some(web_container()));
    let database = container("shop-db", "postgres:16");
    let database = namespace(NamespaceId(2), "shop-db", Some(database));
    let blue = namespace(NamespaceId(3), "blue", None);
    let nginx = process(9001, "nginx", "root", 2 * HOUR);
    let postgres = process(9101, "postgres", "postgres", 2 * HOUR);
    let python = process(9201, "python3 api.py", "ann", HOUR);
    vec![
        within(&web, listener("0.0.0.0:80", 51, known(&[&nginx]))),
        within(&web, listener("0.0.0.0:443", 52, known(&[&nginx]))),
        within(
            &web,
            connection(
                "172.17.0.2:80",
                "172.17.0.1:40112",
                State::Established,
                53,
                known(&[&nginx]),
            ),
        ),
        within(&database, listener("0.0.0.0:5432", 61, known(&[&postgres]))),
        within(&blue, listener("127.0.0.1:9000", 71, known(&[&python]))),
    ]
}

fn containers_stage(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height);
    let sockets = [own(), elsewhere()].concat();
    stage.read(&sockets);
    stage.wait_secs(60).read(&sockets);
    stage
}

/// With the cursor on the port that `docker-proxy` publishes.
fn published_stage(width: u16, height: u16) -> Stage {
    let mut stage = containers_stage(width, height);
    stage.press("g8080");
    stage.key(Key::Enter);
    stage
}

#[test]
fn the_own_namespace() {
    picture("containers", containers_stage);
}

#[test]
fn every_namespace() {
    picture("containers_all", |width, height| {
        let mut stage = containers_stage(width, height);
        stage.press("N");
        stage
    });
}

#[test]
fn details_of_a_published_port() {
    picture("containers_details", |width, height| {
        let mut stage = published_stage(width, height);
        stage.press("d");
        stage
    });
}

#[test]
fn the_socket_inside() {
    picture("containers_inside", |width, height| {
        let mut stage = published_stage(width, height);
        stage.key(Key::Enter);
        stage.press("d");
        stage
    });
}
