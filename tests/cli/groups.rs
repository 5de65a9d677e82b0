//! `list --group`: what `ss` lists, counted here, is what the program counts.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use sockeye::query::GroupBy;

use crate::cli::holder::{Holder, listener, recording, socket};
use crate::cli::scene::{Said, Sockets, sockeye, stage};
use crate::support::wait_until;

/// Listeners and connections in several states, from several addresses, of several processes.
struct Busy {
    web: (TcpListener, Vec<[TcpStream; 2]>),
    _holders: Vec<Holder>,
    _rest: Vec<[TcpStream; 2]>,
}

impl Busy {
    fn open() -> Self {
        let web = TcpListener::bind("127.0.0.1:8080").unwrap();
        let from = ["127.0.0.2", "127.0.0.2", "127.0.0.9", "127.1.0.4"];
        let pairs: Vec<_> = from.map(|from| connection(&web, from)).into();
        // Four bytes that are never read, and a client that has ended its side.
        (&pairs[0][0]).write_all(b"four").unwrap();
        pairs[1][0].shutdown(std::net::Shutdown::Write).unwrap();
        // The side that closes first is in TIME_WAIT.
        let [client, server] = connection(&web, "127.0.0.3");
        drop(client);
        drop(server);
        let other = TcpListener::bind("[::1]:9000").unwrap();
        let rest = (0..3).map(|_| connection(&other, "::1")).collect();
        let shared = [listener("127.0.0.1:7000"), listener("[::]:7001")];
        let shared: Vec<_> = shared.iter().collect();
        let holders = ["one", "one"].map(|name| Holder::called(name, &shared));
        wait_until("what was sent", || {
            ss().iter().filter(|row| row.queues.0 == 4).count() == 1
                && ss().iter().any(|row| row.state == "CLOSE_WAIT")
        });
        Self {
            web: (web, pairs),
            _holders: holders.into(),
            _rest: rest,
        }
    }
}

/// Both ends: the client's, from this address, and the server's.
fn connection(listener: &TcpListener, from: &str) -> [TcpStream; 2] {
    let from = SocketAddr::new(from.parse().unwrap(), 0);
    let client = Socket::new(Domain::for_address(from), Type::STREAM, None).unwrap();
    client.bind(&from.into()).unwrap();
    let to = listener.local_addr().unwrap();
    client.connect(&to.into()).unwrap();
    [client.into(), listener.accept().unwrap().0]
}

/// A line of `ss -tanp`.
struct Row {
    state: String,
    queues: (u64, u64),
    port: u16,
    peer: Option<IpAddr>,
    /// The lowest.
    pid: Option<u64>,
}

fn ss() -> Vec<Row> {
    let output = Command::new("ss").arg("-Htanp").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(row).collect()
}

fn row(line: &str) -> Row {
    let words: Vec<_> = line.split_whitespace().collect();
    let state = match words[0] {
        "ESTAB" => "ESTABLISHED".to_owned(),
        "FIN-WAIT-2" => "FIN_WAIT2".to_owned(),
        other => other.replace('-', "_"),
    };
    let (_, port) = words[3].rsplit_once(':').unwrap();
    let (peer, _) = words[4].rsplit_once(':').unwrap();
    let has_peer = state != "LISTEN";
    let pids = line.split("pid=").skip(1);
    let pids = pids.map(|rest| rest.split(',').next().unwrap().parse().unwrap());
    Row {
        state,
        queues: (words[1].parse().unwrap(), words[2].parse().unwrap()),
        port: port.parse().unwrap(),
        peer: has_peer.then(|| peer.trim_matches(['[', ']']).parse().unwrap()),
        pid: pids.min(),
    }
}

/// The key by which the program should count a row.
fn key(row: &Row, by: GroupBy) -> Value {
    match by {
        GroupBy::Process => json!(row.pid),
        GroupBy::Port => json!(row.port),
        GroupBy::Peer => json!(row.peer),
        GroupBy::Network => json!(row.peer.map(|peer| match peer {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            // There is no other.
            IpAddr::V6(_) => "::/64".to_owned(),
        })),
        GroupBy::State => json!(row.state),
        // All of root, of no container; what unit the tests run in is not known.
        GroupBy::User => json!((row.state != "TIME_WAIT").then_some("root")),
        GroupBy::Unit | GroupBy::Container => Value::Null,
        GroupBy::Namespace => json!("own"),
        // All sockets are the test's own, which runs in the folder of this project.
        GroupBy::Project => {
            json!(row.pid.and_then(|_| std::env::current_dir().ok()))
        }
        GroupBy::Branch => json!(row.pid.and_then(|_| {
            let folder = std::env::current_dir().ok()?;
            Some(sockeye::source::project_of(&folder)?.branch?.to_string())
        })),
        // It depends on what runs the tests.
        GroupBy::Started => {
            let listing = sockeye(&["list", "--json", "-a"]).json();
            row.pid.map_or(Value::Null, |pid| {
                listing["processes"][pid.to_string()]["started_by"]["name"].clone()
            })
        }
    }
}

/// By the keys as text: the number of sockets, the states, the queues.
type Counted = BTreeMap<String, (u64, BTreeMap<String, u64>, Value, Value)>;

fn counted(rows: &[Row], fields: &[GroupBy]) -> Counted {
    let mut counted = Counted::new();
    for row in rows {
        let keys: Vec<_> = fields.iter().map(|&by| key(row, by)).collect();
        let count = counted.entry(Value::from(keys).to_string()).or_default();
        count.0 += 1;
        *count.1.entry(row.state.clone()).or_default() += 1;
        if row.state != "LISTEN" {
            let sum = |sum: &Value, more: u64| json!(sum.as_u64().unwrap_or(0) + more);
            count.2 = sum(&count.2, row.queues.0);
            count.3 = sum(&count.3, row.queues.1);
        }
    }
    counted
}

/// The same of a list of groups, below these keys.
fn said(groups: &Value, above: &[Value]) -> Counted {
    let mut all = Counted::new();
    for group in groups.as_array().unwrap() {
        let name = if group["by"] == "process" {
            "pid"
        } else {
            "key"
        };
        let keys = [above, &[group[name].clone()]].concat();
        if group["groups"].is_array() {
            all.extend(said(&group["groups"], &keys));
            continue;
        }
        let states = serde_json::from_value(group["states"].clone()).unwrap();
        let sockets = group["sockets"].as_u64().unwrap();
        let queues = (group["recv_q"].clone(), group["send_q"].clone());
        let count = (sockets, states, queues.0, queues.1);
        let before = all.insert(Value::from(keys).to_string(), count);
        assert_eq!(before, None, "the group is there twice");
    }
    all
}

fn grouped(fields: &str, more: &[&str]) -> Said {
    let said = sockeye(&[&["list", "-a", "-t", "--group", fields], more].concat());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    said
}

const FIELDS: [GroupBy; 8] = [
    GroupBy::Process,
    GroupBy::Port,
    GroupBy::Peer,
    GroupBy::Network,
    GroupBy::State,
    GroupBy::User,
    GroupBy::Container,
    GroupBy::Project,
];

#[test]
fn groups_by_any_one_or_two_fields_count_what_ss_lists() {
    stage(|| {
        let _busy = Busy::open();
        let rows = ss();
        assert!(rows.len() > 15 && rows.iter().any(|row| row.state == "TIME_WAIT"));
        for by in FIELDS {
            let listing = grouped(by.name(), &["--json"]).json();
            assert_eq!(said(&listing["groups"], &[]), counted(&rows, &[by]));
            for then in FIELDS.into_iter().filter(|&then| then != by) {
                let fields = format!("{},{}", by.name(), then.name());
                let listing = grouped(&fields, &["--json"]).json();
                let expected = counted(&rows, &[by, then]);
                assert_eq!(said(&listing["groups"], &[]), expected, "{fields}");
            }
        }
    });
}

#[test]
fn each_form_has_the_same_groups() {
    stage(|| {
        let _busy = Busy::open();
        let fields = "process,state";
        let whole = grouped(fields, &["--json"]).json();
        let groups = whole["groups"].as_array().unwrap();
        let lines = grouped(fields, &["--ndjson"]).lines_of_json();
        let sheet = grouped(fields, &["--csv"]).out;
        let mut sheet = csv::Reader::from_reader(sheet.as_bytes());
        let names = sheet.headers().unwrap().clone();
        let cells: Vec<_> = sheet.records().map(Result::unwrap).collect();
        let text = grouped(fields, &["--no-header"]).out;
        let mut text = text.lines();
        let mut at = 0;
        for outer in groups {
            let line = text.next().unwrap();
            assert!(
                line.contains(&format!("  {}  ", outer["sockets"])),
                "{line}"
            );
            for inner in outer["groups"].as_array().unwrap() {
                let line = &lines[at];
                assert_eq!(line["keys"][0]["pid"], outer["pid"]);
                assert_eq!(line["keys"][1]["key"], inner["key"]);
                assert_eq!(line["sockets"], inner["sockets"]);
                let cell = |name: &str| {
                    let column = names.iter().position(|one| one == name).unwrap();
                    cells[at][column].to_owned()
                };
                let state = inner["key"].as_str().unwrap();
                let process = match outer["pid"].as_u64() {
                    Some(pid) => format!("{}({pid})", outer["key"].as_str().unwrap()),
                    None => String::new(),
                };
                assert_eq!((&*cell("group1"), &*cell("group2")), (&*process, state));
                assert_eq!(
                    cell(&format!("states_{state}")),
                    inner["sockets"].to_string()
                );
                assert_eq!(cell("states_CLOSING"), "0");
                let queue = inner["recv_q"].as_u64();
                let queue = queue.map_or_else(String::new, |sum| sum.to_string());
                assert_eq!(cell("recv_q"), queue);
                assert!(text.next().unwrap().starts_with(&format!("  {state} ")));
                at += 1;
            }
        }
        assert_eq!((at, at, None), (lines.len(), cells.len(), text.next()));
        assert_eq!(
            grouped(fields, &["--count"]).out,
            format!("{}\n", groups.len())
        );
        assert_eq!(grouped(fields, &["-q"]).out, "");
        let one = grouped("port", &["--csv", "--no-header"]).out;
        assert!(
            one.lines().all(|line| line.matches(',').count() == 17),
            "{one}"
        );
    });
}

#[test]
fn processes_of_one_name_are_two_groups_and_a_shared_socket_counts_once() {
    stage(|| {
        let listeners = [listener("127.0.0.1:7000"), listener("127.0.0.1:7001")];
        let [both, second] = listeners;
        let one = Holder::called("one", &[&both]);
        let two = Holder::called("one", &[&both, &second]);
        drop((both, second));
        let said = sockeye(&["list", "--group", "process", "--json"]).json();
        let mut pids = [one.pid(), two.pid()];
        pids.sort_unstable();
        let groups = said["groups"].as_array().unwrap().iter();
        let mut found: Vec<_> = groups
            .map(|group| (group["pid"].as_u64().unwrap(), group["sockets"].clone()))
            .collect();
        found.sort_by_key(|&(pid, _)| pid);
        let expected = pids.map(|pid| (u64::from(pid), json!(1)));
        assert_eq!(found, expected, "{said:#}");
    });
}

#[test]
fn a_filter_a_view_and_a_recording_are_grouped_as_they_are_listed() {
    stage(|| {
        let _sockets = Sockets::open();
        let count = |args: &[&str]| {
            let said = sockeye(&[&["list", "--group", "port", "--json"], args].concat());
            let whole = said.json();
            let groups = whole["groups"].as_array().unwrap().iter();
            let sockets = groups.map(|group| group["sockets"].as_u64().unwrap());
            (said.code, sockets.collect::<Vec<_>>())
        };
        assert_eq!(count(&[]), (0, vec![1; 5]));
        assert_eq!(count(&["-a"]), (0, vec![2, 1, 1, 1, 1, 1]));
        assert_eq!(count(&["-u"]), (0, vec![1, 1]));
        assert_eq!(count(&[":8080"]), (0, vec![2]));
        assert_eq!(count(&[":81"]), (1, vec![]));
        let silent = sockeye(&["list", "--group", "port", ":81"]);
        assert_eq!((silent.code, silent.out.as_str()), (1, ""));
        let file = recording(|frame| {
            let hidden = socket(frame, 5353);
            hidden["owner"] = "hidden".into();
            hidden.as_object_mut().unwrap().remove("pids");
            socket(frame, 8081)["unit"] = "=1+1.service".into();
            socket(frame, 8600)["container"] = "web".into();
        });
        let replayed = |by, form| {
            let args = ["list", "-a", "--group", by, form, "--replay", file.path()];
            sockeye(&[&args[..], &["--at", "0s"]].concat())
        };
        let owners = replayed("process", "--json").json();
        assert_eq!(owners["groups"][1]["key"], "hidden", "{owners:#}");
        assert_eq!(owners["groups"][1]["pid"], Value::Null);
        let containers = replayed("container", "--json").json();
        let keys = [0, 1].map(|at| containers["groups"][at]["key"].clone());
        assert_eq!(keys, [Value::Null, "web".into()]);
        let units = replayed("unit", "--csv");
        assert!(units.out.contains("\n'=1+1.service,1,"), "{units:?}");
        let units = replayed("unit", "--csv=raw");
        assert!(units.out.contains("\n=1+1.service,1,"), "{units:?}");
    });
}

#[test]
fn columns_of_the_groups_order_them_and_others_are_refused() {
    stage(|| {
        let busy = Busy::open();
        let ports = |args: &[&str]| {
            let whole = grouped("port", &[&["--json"], args].concat()).json();
            let groups = whole["groups"].as_array().unwrap().clone();
            let ports = groups.iter().map(|group| group["key"].as_u64().unwrap());
            ports.collect::<Vec<_>>()
        };
        assert_eq!(ports(&[])[..2], [8080, 9000]);
        assert!(ports(&["--sort", "port"]).is_sorted());
        assert!(ports(&["--sort", "port", "-r"]).is_sorted_by(|a, b| a >= b));
        let sent = busy.web.1[0][1].local_addr().unwrap().port();
        assert_eq!(ports(&["--sort", "recv-q", "-r"])[0], u64::from(sent));
        let said = sockeye(&["list", "--group", "port", "--sort", "age"]);
        let expected = "sockeye: --sort: `age` doesn't order these groups; port, recv-q, send-q, rx/s, tx/s, rx, tx can, and without it \
                        those with most sockets come first\n";
        assert_eq!((said.code, &*said.out, &*said.err), (2, "", expected));
    });
}

#[test]
fn a_wrong_field_is_one_line_with_those_that_are_accepted() {
    let accepted = "[possible values: process, port, peer, network, state, user, unit, container, namespace, project, branch, started] (see --help)\n";
    for (fields, expected) in [
        (
            "prot",
            format!("--group: unknown field `prot`; did you mean `port`? {accepted}"),
        ),
        ("port,", format!("--group: unknown field `` {accepted}")),
        ("cwd", format!("--group: unknown field `cwd` {accepted}")),
        ("port,port", "--group: `port` is given twice\n".to_owned()),
        (
            "port,state,user",
            "--group: at most two fields\n".to_owned(),
        ),
    ] {
        let said = sockeye(&["list", "--group", fields]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err, format!("sockeye: {expected}"));
    }
    let said = sockeye(&["list", "--group", "\x1b[31mx\n"]);
    assert!(said.code == 2 && !said.err.contains('\x1b'), "{said:?}");
    assert_eq!(said.err.lines().count(), 1);
    let said = sockeye(&["list", "--group", "PORT", "--columns", "port"]);
    assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
}
