//! Which namespace a name means, in one table and in one after another.

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::model::{
    Container, Endpoint, Engine, Kinds, Moment, Owner, Process, Protocol, Snapshot, State,
};
use crate::track::Tracker;

fn namespace(id: u32, name: &str, container: Option<(&str, &str)>) -> Arc<Namespace> {
    let container = container.map(|(id, name)| {
        Arc::new(Container {
            engine: Some(Engine::Podman),
            id: Some(id.into()),
            name: name.into(),
            image: None,
            project: None,
            service: None,
            pod: Some("shop".into()).filter(|_| name == "db"),
        })
    });
    Arc::new(Namespace {
        id: NamespaceId(id),
        inode: Some(4_026_532_000 + u64::from(id)),
        cookie: None,
        name: name.into(),
        container,
    })
}

fn all() -> Vec<Arc<Namespace>> {
    vec![
        namespace(1, "web", Some(("0123456789ab", "web"))),
        namespace(2, "blue", None),
        namespace(3, "k8s pod", Some(("01230000ffff", "db"))),
        namespace(4, "cafe", None),
        namespace(5, "4026532004", None),
        namespace(6, "twin", Some(("aaaaaaaaaaaa", "twin"))),
        namespace(7, "twin", None),
        namespace(8, "x", Some(("cafe00000000", "cafeteria"))),
    ]
}

fn found(text: &str) -> Result<NamespaceScope, String> {
    let target = NamespaceTarget::parse(text);
    resolve_with(&target, all().iter(), |_| None).map_err(|error| error.to_string())
}

#[test]
fn a_namespace_has_a_name_a_number_and_the_id_of_its_container() {
    for (text, id) in [
        ("web", 1),
        ("blue", 2),
        ("db", 3),
        ("shop", 3),
        ("k8s pod", 3),
        ("01234", 1),
        ("0123456789AB", 1),
        ("0123456789abcdef0123456789abcdef", 1),
        ("cafeteria", 8),
        ("cafe0", 8),
        ("4026532002", 2),
        // A name counts more than the start of an id, or a number.
        ("cafe", 4),
        ("4026532004", 5),
    ] {
        assert_eq!(
            found(text),
            Ok(NamespaceScope::One(NamespaceId(id))),
            "{text}"
        );
    }
    assert_eq!(found("own"), Ok(NamespaceScope::Own));
    assert_eq!(found("all"), Ok(NamespaceScope::All));
}

#[test]
fn a_name_that_is_unknown_or_of_several_is_one_line() {
    for (text, line) in [
        (
            "bleu",
            "unknown network namespace `bleu`; did you mean `blue`? Those with sockets: web, blue, k8s pod and 5 more",
        ),
        (
            "zzzzzzzzzzzz",
            "unknown network namespace `zzzzzzzzzzzz`; those with sockets: web, blue, k8s pod and 5 more",
        ),
        // Three digits are not the start of an id.
        (
            "012",
            "unknown network namespace `012`; those with sockets: web, blue, k8s pod and 5 more",
        ),
        (
            "0123",
            "several network namespaces are named `0123`: \
             web (container 0123456789ab, 4026532001) and k8s pod (container 01230000ffff, 4026532003)",
        ),
        (
            "twin",
            "several network namespaces are named `twin`: \
             twin (container aaaaaaaaaaaa, 4026532006) and twin (4026532007)",
        ),
    ] {
        assert_eq!(found(text), Err(line.to_owned()));
    }
    let none = resolve_with(&NamespaceTarget::parse("a"), [].iter(), |_| None);
    assert_eq!(
        none.unwrap_err().to_string(),
        "unknown network namespace `a`: no other namespace with a socket can be seen"
    );
}

#[test]
fn the_namespace_of_a_running_process_exists_without_a_socket_too() {
    let of = |inode| {
        let target = NamespaceTarget::Process { pid: 7, inode };
        resolve_with(&target, all().iter(), |_| None)
    };
    assert_eq!(of(4_026_532_002), Ok(NamespaceScope::One(NamespaceId(2))));
    assert_eq!(of(1), Ok(NamespaceScope::One(NamespaceId::NONE)));
}

/// Tables, each with one socket per namespace, of process 10 and the number of the namespace.
struct Machine(Tracker, u64);

impl Machine {
    fn table(&mut self, namespaces: &[Option<Arc<Namespace>>]) -> Arc<Table> {
        self.1 += 1;
        let sockets = namespaces.iter().map(|namespace| {
            let local = Endpoint::new([127, 0, 0, 1].into(), 80);
            let id = namespace.as_ref().map_or(0, |one| one.id.0);
            let process = Arc::new(Process::new(10 + id, "server"));
            Socket {
                namespace: namespace.clone(),
                inode: Some(100 + id),
                owner: Owner::Known([process].into()),
                ..Socket::new(Protocol::Tcp, local, None, State::Listen)
            }
        });
        let snapshot = Snapshot {
            taken_at: Moment {
                steady: Duration::from_secs(self.1),
                wall: jiff::Timestamp::UNIX_EPOCH,
            },
            kinds: Kinds::DEFAULT,
            sockets: sockets.collect(),
            processes: HashMap::new(),
            problems: Vec::new(),
            late_namespaces: Vec::new(),
            counters: None,
            ephemeral: None,
        };
        self.0.apply(snapshot).table
    }
}

#[test]
fn in_a_recording_a_process_is_found_by_its_sockets() {
    let mut machine = Machine(Tracker::new(Duration::ZERO), 0);
    let table = machine.table(&[None, Some(namespace(1, "web", None))]);
    let found = |text: &str| NamespaceTarget::parse(text).in_table(&table);
    assert_eq!(found("10"), Ok(NamespaceScope::Own));
    assert_eq!(found("11"), Ok(NamespaceScope::One(NamespaceId(1))));
    assert!(found("12").is_err());
}

#[test]
fn a_namespace_that_was_made_again_is_found_again_after_the_old_one_closed() {
    let mut machine = Machine(Tracker::new(Duration::ZERO), 0);
    let mut finder = NamespaceFinder::new(NamespaceTarget::parse("web"));
    assert_eq!(finder.scope(), NamespaceScope::One(NamespaceId::NONE));
    let [old, new] = [1, 2].map(|id| Some(namespace(id, "web", None)));
    let mut scope = |namespaces: &[_]| {
        let table = machine.table(namespaces);
        finder.update(&table).map(|()| finder.scope())
    };
    let one = |id| Ok(NamespaceScope::One(NamespaceId(id)));
    assert!(scope(&[None]).is_err(), "not there yet");
    assert_eq!(scope(&[None, old.clone()]), one(1));
    // Missing once, its row is still open; then it closes, and this is seen in its own scope.
    assert_eq!(scope(std::slice::from_ref(&new)), one(1));
    assert_eq!(scope(std::slice::from_ref(&new)), one(1));
    assert_eq!(scope(&[new]), one(2));
    assert_eq!(scope(&[None]), one(2));
    assert_eq!(scope(&[None]), one(2));
    assert_eq!(scope(&[None]), one(2), "it stays without rows");
}
