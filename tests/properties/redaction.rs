//! A recording that is given away: nothing that was to be hidden is in it, what was equal still is, and the
//! table that it gives has the same shape.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use sockeye::history::{FileOptions, FileWriter, History};
use sockeye::model::{
    Container, Endpoint, Kinds, Namespace, Owner, Process, Published, Snapshot, Socket, Text,
};

use super::rows::{moment, row};
use crate::segment::decompressed;

/// Marks every text that must be removed, and no other.
const SECRET: &str = "ŝecret";

fn hidden(text: Option<&Text>) -> Option<Text> {
    text.map(|text| Text::new(&format!("{SECRET}{text}")))
}

fn container_with_secrets(container: &Arc<Container>) -> Arc<Container> {
    Arc::new(Container {
        engine: container.engine,
        id: hidden(container.id.as_ref()),
        name: Text::new(&format!("{SECRET}{}", container.name)),
        image: hidden(container.image.as_ref()),
        project: hidden(container.project.as_ref()),
        service: hidden(container.service.as_ref()),
        pod: hidden(container.pod.as_ref()),
    })
}

/// The socket with texts that are to be hidden, and processes of that pid alone.
fn with_secrets(socket: &Socket) -> Socket {
    let process = |one: &Arc<Process>| {
        Arc::new(Process {
            name: Text::new(&format!("name {SECRET}")),
            command: one
                .command
                .as_ref()
                .map(|it| Text::new(&format!("/{SECRET}/name {it}"))),
            comm: Text::new("name"),
            executable: hidden(Some(&one.name)),
            argv: Some(hidden(Some(&one.name)).into_iter().collect()),
            cwd: hidden(Some(&one.name)),
            user: hidden(one.user.as_ref()),
            ..(**one).clone()
        })
    };
    let all = |processes: &[Arc<Process>]| {
        // One process for each pid, as in a real table.
        let only = processes.first().map(process);
        only.into_iter().collect::<Arc<[_]>>()
    };
    Socket {
        user: hidden(socket.user.as_ref()),
        unit: hidden(socket.unit.as_ref()),
        container: hidden(socket.user.as_ref()),
        interface: hidden(socket.interface.as_ref()),
        namespace: socket.namespace.as_ref().map(|one| {
            Arc::new(Namespace {
                name: Text::new(&format!("{SECRET}{}", one.name)),
                container: one.container.as_ref().map(container_with_secrets),
                ..(**one).clone()
            })
        }),
        published: socket.published.as_ref().map(|one| {
            let process = one.process.as_ref();
            Arc::new(Published {
                container: one.container.as_ref().map(container_with_secrets),
                process: process.map(|(pid, _)| (*pid, Text::new(&format!("name {SECRET}")))),
                ..(**one).clone()
            })
        }),
        owner: match &socket.owner {
            Owner::Known(processes) => Owner::Known(all(processes)),
            Owner::Former(processes) => Owner::Former(all(processes)),
            other => other.clone(),
        },
        ..socket.clone()
    }
}

/// What the recording of a snapshot contains, and what is read of it, in the order of the inodes.
fn recorded(snapshot: &Snapshot) -> (String, Snapshot) {
    let name = format!("sockeye-redaction-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let options = FileOptions {
        is_redacted: true,
        ..FileOptions::default()
    };
    let mut writer = FileWriter::create(&path, &options).expect("a new file");
    writer.add(snapshot).expect("room for a snapshot");
    drop(writer);
    let bytes = std::fs::read(&path).expect("what was written");
    let mut history = History::open(&path).expect("a recording");
    let first = history.first().expect("a file that can be read");
    let first = first.expect("a snapshot");
    std::fs::remove_file(&path).expect("a file to remove");
    assert!(first.is_redacted);
    let mut shown = first.snapshot;
    shown.sockets.sort_by_key(|socket| socket.inode);
    (decompressed(&bytes), shown)
}

/// Every machine has it, so it reveals nothing.
fn tells_nothing(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    address.is_unspecified() || address.is_loopback() || is_broadcast
}

fn endpoints(snapshot: &Snapshot) -> Vec<Endpoint> {
    let sockets = snapshot.sockets.iter();
    sockets
        .flat_map(|socket| std::iter::once(socket.local).chain(socket.remote))
        .collect()
}

/// Whether the one can be made from the other by giving each value another one, and each its own.
fn is_renaming<T: std::hash::Hash + Eq + Clone>(pairs: impl Iterator<Item = (T, T)>) -> bool {
    let (mut there, mut back) = (HashMap::new(), HashMap::new());
    { pairs }.all(|(before, after)| {
        let to = there.entry(before.clone()).or_insert(after.clone()).clone();
        to == after && *back.entry(after).or_insert(before.clone()) == before
    })
}

/// What a socket says besides who and where: what a report is about.
fn shape(socket: &Socket) -> impl PartialEq + std::fmt::Debug + use<> {
    let pids: Vec<_> = socket
        .owner
        .processes()
        .iter()
        .map(|one| (one.pid, one.program_name().to_owned()))
        .collect();
    (
        (
            socket.protocol,
            socket.family(),
            socket.state,
            socket.inode,
            socket.queue,
            socket.dual_stack,
        ),
        (
            socket.local.port,
            socket.local.scope(),
            socket.local.address.is_multicast(),
        ),
        socket.remote.map(|remote| (remote.port, remote.scope())),
        (socket.owner.kind(), pids, socket.uid == Some(0)),
    )
}

proptest! {
    #[test]
    fn a_redacted_recording_hides_and_keeps_the_shape(rows in vec(row(), 1..12)) {
        let mut pids = HashSet::new();
        let sockets: Vec<_> = rows.into_iter().map(|row| with_secrets(&row.socket)).collect();
        // A pid means one process.
        let mut is_new = |socket: &Socket| socket.owner.processes().iter().all(|one| pids.insert(one.pid));
        let sockets = sockets.into_iter().filter(|socket| is_new(socket));
        let sockets = sockets.zip(1..).map(|(socket, inode)| Socket { inode: Some(inode), ..socket });
        let sockets: Vec<_> = sockets.collect();
        let snapshot = Snapshot { kinds: Kinds::DEFAULT, late_namespaces: Vec::new(),
            taken_at: moment(1), sockets, ..Snapshot::default() };
        let (text, shown) = recorded(&snapshot);

        let names = snapshot.processes.values().map(|one| &one.comm);
        prop_assert!({ names }.all(|name| text.contains(&**name)), "{text}");
        prop_assert!(!text.contains(SECRET), "{text}");
        let pairs = || endpoints(&snapshot).into_iter().zip(endpoints(&shown));
        for (before, after) in pairs().filter(|(before, _)| !tells_nothing(before.address)) {
            prop_assert_ne!(before.address, after.address);
        }
        prop_assert!(is_renaming(pairs().map(|(before, after)| (before.address, after.address))));
        let texts = |text: fn(&Socket) -> Option<Text>| {
            let pairs = snapshot.sockets.iter().zip(&shown.sockets);
            is_renaming(pairs.map(|(before, after)| (text(before), text(after))))
        };
        prop_assert!(texts(|one| one.user.clone()) && texts(|one| one.unit.clone()));
        prop_assert!(texts(|one| one.container.clone()) && texts(|one| one.interface.clone()));
        let uids = snapshot.sockets.iter().zip(&shown.sockets);
        prop_assert!(is_renaming(uids.map(|(before, after)| (before.uid, after.uid))));
        prop_assert_eq!(snapshot.sockets.len(), shown.sockets.len());
        for (before, after) in snapshot.sockets.iter().zip(&shown.sockets) {
            prop_assert_eq!(shape(before), shape(after));
        }
    }
}
