//! Groups of rows: whatever the rows are, and by whatever fields.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sockeye::columns::ColumnId;
use sockeye::model::{Owner, OwnerKind, Process, State};
use sockeye::query::{Group, GroupBy, Grouping, Groups};
use sockeye::track::Row;

use super::rows::row;

fn grouping() -> impl Strategy<Value = Grouping> {
    let field = || select(GroupBy::ALL);
    let column = select(vec![
        ColumnId::Process,
        ColumnId::Port,
        ColumnId::State,
        ColumnId::RecvQ,
        ColumnId::SendQ,
    ]);
    let sort = option::of(column);
    (field(), option::of(field()), sort, any::<bool>()).prop_map(|(by, then, sort, reverse)| {
        Grouping {
            by,
            then,
            sort,
            reverse,
        }
    })
}

/// The owner with names that follow from the pids: one process has one name.
fn named_by_pid(owner: &Owner) -> Owner {
    let processes = owner.processes().iter().map(|process| {
        let name = ["a", "B", "b c"][process.pid as usize % 3];
        Arc::new(Process::new(process.pid, name))
    });
    match owner {
        Owner::Known(_) => Owner::Known(processes.collect()),
        Owner::Former(_) => Owner::Former(processes.collect()),
        other => other.clone(),
    }
}

/// Rows of which many have parts of others.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let some = vec(row(), 1..12);
    (some, vec((any::<[Index; 4]>(), 0..4u8), 0..40)).prop_map(|(mut some, more)| {
        for row in &mut some {
            row.socket.owner = named_by_pid(&row.socket.owner);
        }
        let mut rows = some.clone();
        for ([one, other, third, fourth], what) in more {
            let mut row = some[one.index(some.len())].clone();
            let from = |index: Index| some[index.index(some.len())].socket.clone();
            row.socket.owner = from(other).owner;
            row.socket.user = from(third).user;
            match what {
                0 => row.socket.remote = from(fourth).remote,
                1 => row.socket.unit = from(fourth).unit,
                2 => row.socket.container = from(fourth).container,
                _ => row.socket.queue = from(fourth).queue,
            }
            rows.push(row);
        }
        rows
    })
}

/// The key as a text, found without what is tested.
fn key(row: &Row, by: GroupBy) -> String {
    let socket = &row.socket;
    let peer = socket.remote.map(|remote| remote.address.to_canonical());
    let network = |address| match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = Ipv4Addr::octets(&v4);
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    };
    let uid = || socket.uid.map(|uid| uid.to_string());
    let text = match by {
        GroupBy::Process => match (socket.owner.processes().first(), socket.owner.kind()) {
            (Some(process), _) => Some(format!("{}({})", process.name, process.pid)),
            (None, OwnerKind::Hidden) => Some("hidden".to_owned()),
            (None, OwnerKind::Kernel) => Some("kernel".to_owned()),
            (None, _) => None,
        },
        GroupBy::Port => socket.port().map(|port| port.to_string()),
        GroupBy::Peer => peer.map(|peer| peer.to_string()),
        GroupBy::Network => peer.map(network),
        GroupBy::State if row.is_closed() => Some("CLOSED".to_owned()),
        GroupBy::State => Some(socket.state.to_string()),
        GroupBy::User => socket.user.as_ref().map(ToString::to_string).or_else(uid),
        GroupBy::Unit => socket.unit.as_ref().map(ToString::to_string),
        GroupBy::Container => socket.container_name().map(ToString::to_string),
        GroupBy::Namespace => Some(match &socket.namespace {
            Some(other) => other.name.to_string(),
            None => "own".to_owned(),
        }),
        GroupBy::Project => {
            let owner = socket.owner.processes().first();
            owner.and_then(|process| Some(process.project.as_ref()?.to_string()))
        }
        GroupBy::Branch => {
            let owner = socket.owner.processes().first();
            owner.and_then(|process| Some(process.branch.as_ref()?.to_string()))
        }
        GroupBy::Started => {
            let owner = socket.owner.processes().first();
            owner.and_then(|process| Some(process.started_by.as_ref()?.name.to_string()))
        }
    };
    text.unwrap_or_else(|| "–".to_owned())
}

/// Sockets, those of each state, and the bytes in the queues.
type Count = (usize, HashMap<State, usize>, Option<u64>, Option<u64>);

fn count<'a>(rows: impl Iterator<Item = &'a Row>) -> Count {
    let mut count = Count::default();
    for row in rows {
        let (sockets, states, receive, send) = &mut count;
        *sockets += 1;
        let state = if row.is_closed() {
            State::Closed
        } else {
            row.socket.state
        };
        *states.entry(state).or_default() += 1;
        if let Some(queue) = row
            .socket
            .queue
            .filter(|_| row.socket.state != State::Listen)
        {
            *receive = Some(receive.unwrap_or(0) + u64::from(queue.receive));
            *send = Some(send.unwrap_or(0) + u64::from(queue.send));
        }
    }
    count
}

fn said(group: &Group) -> Count {
    let sum = &group.sum;
    let states = sum.states().collect();
    (sum.sockets, states, sum.receive_queue, sum.send_queue)
}

proptest! {
    #[test]
    fn every_row_is_in_the_group_of_its_keys_and_counts_once(
        rows in rows(),
        grouping in grouping(),
    ) {
        let rows: Vec<_> = rows.iter().collect();
        let groups = Groups::of(&rows, grouping);
        let mut order = groups.order.clone();
        order.sort_unstable();
        prop_assert!(order.into_iter().eq(0..rows.len()));
        let mut path: Vec<String> = Vec::new();
        let mut seen = HashMap::new();
        let mut end = [0; 2];
        for group in &groups.all {
            prop_assert_eq!(group.span.start, end[group.depth], "one begins where another ends");
            end[group.depth] = group.span.end;
            path.truncate(group.depth);
            path.push(group.key.to_string());
            let of_group = groups.order[group.span.clone()].iter().map(|&at| rows[at]);
            prop_assert_eq!(said(group), count(of_group.clone()));
            for row in of_group {
                let keys = grouping.fields().map(|by| key(row, by));
                let keys: Vec<_> = keys.take(group.depth + 1).collect();
                prop_assert_eq!(&keys, &path);
            }
            *seen.entry(path.clone()).or_insert(0) += group.sum.sockets;
            let within = groups.order[group.span.clone()].windows(2);
            let is_inner = group.depth == grouping.fields().count() - 1;
            prop_assert!(!is_inner || within.clone().all(|pair| pair[0] < pair[1]));
        }
        for depth in 1..=grouping.fields().count() {
            let mut expected: HashMap<Vec<String>, usize> = HashMap::new();
            for row in &rows {
                let keys = grouping.fields().take(depth).map(|by| key(row, by));
                *expected.entry(keys.collect()).or_default() += 1;
            }
            let found: HashMap<_, _> = seen.iter().filter(|(path, _)| path.len() == depth)
                .map(|(path, sockets)| (path.clone(), *sockets)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn without_a_column_groups_with_most_sockets_come_first(rows in rows(), grouping in grouping()) {
        let rows: Vec<_> = rows.iter().collect();
        let grouping = Grouping { sort: None, reverse: false, ..grouping };
        let groups = Groups::of(&rows, grouping);
        let sockets = |groups: Vec<&Group>| {
            let sockets: Vec<_> = groups.iter().map(|group| group.sum.sockets).collect();
            sockets.is_sorted_by(|a, b| a >= b)
        };
        prop_assert!(sockets(groups.outer().map(|(outer, _)| outer).collect()));
        for (outer, within) in groups.outer() {
            prop_assert!(sockets(within.iter().collect()));
            let inner: usize = within.iter().map(|group| group.sum.sockets).sum();
            prop_assert!(within.is_empty() || inner == outer.sum.sockets);
        }
    }

    #[test]
    fn the_order_of_the_rows_changes_no_group(rows in rows(), grouping in grouping()) {
        let mut rows: Vec<_> = rows.iter().collect();
        let mut sums = |()| {
            let groups = Groups::of(&rows, grouping);
            rows.reverse();
            groups.all
        };
        let one: [Vec<Group>; 2] = [(); 2].map(&mut sums);
        prop_assert_eq!(&one[0], &one[1]);
    }
}
