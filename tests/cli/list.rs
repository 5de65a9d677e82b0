//! The table as text.

use std::cmp::Ordering;
use std::io::Write as _;
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sockeye::columns::{ALL, Column, default_columns};
use sockeye::model::State;

use crate::cli::holder::{Holder, listener, recording, socket};
use crate::cli::scene::{BINARY, Said, Sockets, TempFile, sockeye, stage};
use crate::schema::first_process;

#[test]
fn a_pipe_gets_no_colours_and_nothing_cut() {
    stage(|| {
        let _sockets = Sockets::open();
        let long = format!("--a-very-long-argument={}", "x".repeat(300));
        let listener =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener
            .bind(
                &"127.0.0.1:9000"
                    .parse::<std::net::SocketAddr>()
                    .unwrap()
                    .into(),
            )
            .unwrap();
        listener.listen(1).unwrap();
        listener.set_cloexec(false).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "read -r _", &long]).stdin(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        drop(listener);
        let said = sockeye(&["list", ":9000"]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        assert!(!said.out.contains(['\x1b', '…', '\r']), "{}", said.out);
        assert!(said.out.contains(&long), "{}", said.out);
    });
}

#[test]
fn listeners_and_bound_sockets_are_shown_by_default() {
    stage(|| {
        let sockets = Sockets::open();
        let near = sockets.client.local_addr().unwrap().port();
        let mut all = vec![5353, 5354, 8080, 8080, 8081, 8600, near];
        all.sort_unstable();
        let asked = |args: &[&str]| sockeye(&[&["list"], args].concat()).ports();
        let open = [5353, 5354, 8080, 8081, 8600];
        assert_eq!(asked(&[]), open);
        assert_eq!(asked(&["-l"]), open);
        assert_eq!(asked(&["-a"]), all);
        assert_eq!(asked(&["-t"]), [8080, 8081, 8600]);
        assert_eq!(asked(&["-u"]), [5353, 5354]);
        assert_eq!(asked(&["-tu"]), open);
        assert_eq!(asked(&["-4"]), [5353, 8080, 8600]);
        assert_eq!(asked(&["-6"]), [5354, 8081]);
        assert_eq!(asked(&["-46"]), open);
        assert_eq!(asked(&["-6", "-u"]), [5354]);
        assert_eq!(asked(&[":8080"]), [8080, 8080], "a filter looks everywhere");
        assert_eq!(asked(&["-l", ":8080"]), [8080]);
        assert_eq!(asked(&["-4", ":8081", "|", ":5353"]), [5353]);
    });
}

#[test]
fn a_connected_udp_client_is_not_a_listener_but_its_port_is_in_use() {
    stage(|| {
        let _server = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let client = UdpSocket::bind("127.0.0.1:5400").unwrap();
        client.connect("127.0.0.1:5353").unwrap();
        let asked = |args: &[&str]| sockeye(&[&["list"], args].concat()).ports();
        assert_eq!(asked(&[]), [5353]);
        assert_eq!(asked(&["-l"]), [5353]);
        assert_eq!(asked(&["-l", ":5400"]), [0; 0]);
        assert_eq!(asked(&["-a"]), [5353, 5400]);
        assert_eq!(asked(&["state:established"]), [5400]);
        let check = sockeye(&["check", "127.0.0.1:5400/udp"]);
        assert_eq!(check.code, 1, "{check:?}");
        assert!(
            check.out.contains("connected to 127.0.0.1:5353"),
            "{check:?}"
        );
        let wait = |port: &str| {
            let what = ["wait", port, "--for", "listening", "--timeout", "1ms"];
            sockeye(&what).code
        };
        assert_eq!((wait("5400/udp"), wait("5353/udp")), (1, 0));
    });
}

#[test]
fn nothing_that_matches_is_exit_code_1_and_silence() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["list", ":81"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    });
}

#[test]
fn quiet_prints_nothing_and_sets_the_exit_code() {
    stage(|| {
        let _sockets = Sockets::open();
        for (filter, code) in [(":8080", 0), (":81", 1), ("state:lisn", 2)] {
            for option in ["-q", "--quiet"] {
                let said = sockeye(&["list", option, filter]);
                assert_eq!((said.code, said.out.as_str()), (code, ""), "{said:?}");
                assert_eq!(said.err.is_empty(), code < 2, "{said:?}");
            }
        }
    });
}

#[test]
fn the_rows_that_match_are_counted() {
    stage(|| {
        let _sockets = Sockets::open();
        let count = |args: &[&str]| {
            let said = sockeye(&[&["list", "--count"], args].concat());
            assert_eq!(said.err, "", "{said:?}");
            (said.code, said.out)
        };
        assert_eq!(count(&[]), (0, "5\n".to_owned()));
        assert_eq!(count(&["-a"]), (0, "7\n".to_owned()));
        assert_eq!(count(&[":8080"]), (0, "2\n".to_owned()));
        assert_eq!(count(&[":81"]), (1, "0\n".to_owned()));
    });
}

#[test]
fn without_a_header_the_table_is_its_rows() {
    stage(|| {
        let _sockets = Sockets::open();
        let columns = ["list", "-t", "--columns", "state,port", "--no-header"];
        let said = sockeye(&columns);
        assert_eq!(said.out, "LISTEN 8080\nLISTEN 8081\nBOUND  8600\n");
    });
}

#[test]
fn one_form_at_a_time() {
    stage(|| {
        let forms = ["--json", "--ndjson", "--csv", "--count", "--quiet"];
        for one in forms {
            for other in forms {
                let said = sockeye(&["list", one, other, ":81"]);
                let expected = if one == other { (1, 0) } else { (2, 1) };
                assert_eq!((said.code, said.err.lines().count()), expected, "{said:?}");
            }
        }
        for form in ["--json", "--ndjson", "--count", "--quiet"] {
            let said = sockeye(&["list", "--no-header", form]);
            assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
        }
    });
}

#[test]
fn a_reader_that_closes_the_pipe_is_not_an_error() {
    stage(|| {
        let _sockets = Sockets::open();
        closed_pipe();
        // More than the buffers hold.
        let _many: Vec<_> = (0..500)
            .map(|_| UdpSocket::bind("127.0.0.1:0").unwrap())
            .collect();
        closed_pipe();
    });
}

fn closed_pipe() {
    for format in [
        &[][..],
        &["--json"],
        &["--ndjson"],
        &["--csv"],
        &["--count"],
    ] {
        let mut list = Command::new(BINARY);
        list.args(["list", "-a"])
            .args(format)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut list = list.spawn().unwrap();
        // The reader goes before the first byte is written: reading the sockets comes first.
        drop(list.stdout.take());
        let output = list.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format:?}: {output:?}");
        assert_eq!(output.stderr, b"", "{format:?}: {output:?}");
    }
}

#[test]
fn a_recording_shows_the_rows_that_were_there() {
    stage(|| {
        let sockets = Sockets::open();
        let file = TempFile::new("recording.seg");
        let then = sockeye(&["list", "-a", "--record", file.path()]);
        assert_eq!(then.code, 0, "{then:?}");
        drop(sockets);
        let now = sockeye(&["list", "-a", "--replay", file.path()]);
        assert_eq!((now.code, now.out), (0, then.out));
    });
}

#[test]
fn hidden_owners_are_reported_on_standard_error() {
    stage(|| {
        let _sockets = Sockets::open();
        let mut list = Command::new("setpriv");
        list.args(["--bounding-set=-all", "--inh-caps=-all", BINARY, "list"]);
        let output = list.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(out.lines().count(), 6, "{out}");
        assert_eq!(out.matches("hidden").count(), 5, "once in a row: {out}");
        assert_eq!(out.matches(" – hidden ").count(), 5, "{out}");
        let told = "sockeye: owners of 5 sockets are hidden even from root: it takes CAP_SYS_PTRACE \
                    and CAP_DAC_READ_SEARCH to see them\n";
        assert_eq!(err, told);
        let whole = list.args(["port:1"]).output().unwrap();
        assert_eq!(whole.stderr, b"", "nothing of what was asked for is hidden");
    });
}

/// A recording in which every column has different texts, and but for four of them nothing
/// at least once.
fn variety() -> TempFile {
    let mut sockets = Sockets::open();
    sockets.client.write_all(b"unread").unwrap();
    let wide = listener("[::]:9000");
    let narrow = listener("127.0.0.1:9001");
    let _waits_to_be_accepted = TcpStream::connect("127.0.0.1:9001").unwrap();
    let zebra = Holder::called("Zebra", &[&wide]);
    let alpha = Holder::called("alpha", &[&narrow]);
    drop((wide, narrow));
    recording(|frame| {
        let sockets = frame["sockets"].as_array_mut().unwrap();
        for socket in sockets {
            socket["unit"] = Value::Null;
            socket["container"] = Value::Null;
        }
        socket(frame, 8081)["unit"] = "nginx.service".into();
        socket(frame, 5353)["unit"] = "Apache.service".into();
        socket(frame, 5353)["container"] = "web".into();
        let contained = socket(frame, 8600);
        contained["unit"] = "docker-4d.scope".into();
        contained["container"] = "zzz".into();
        socket(frame, 9000)["user"] = "Ann".into();
        let namesake = socket(frame, 9001);
        namesake["user"] = Value::Null;
        namesake["uid"] = 4_000_000_001_u32.into();
        let nobodys = socket(frame, 5354);
        nobodys["owner"] = "none".into();
        nobodys.as_object_mut().unwrap().remove("pids");
        for name in ["inode", "uid", "user", "queue"] {
            nobodys[name] = Value::Null;
        }
        for (pid, started_at, project) in [
            (zebra.pid(), "2026-01-02T00:00:00Z", "/srv/Zoo"),
            (alpha.pid(), "2026-01-01T00:00:00Z", "/srv/zone/apple"),
        ] {
            let mut processes = frame["processes"].as_array_mut().unwrap().iter_mut();
            let process = processes.find(|one| one["pid"] == pid).unwrap();
            process["started_at"] = started_at.into();
            process["project"] = project.into();
        }
        for process in frame["processes"].as_array_mut().unwrap() {
            let is_zebra = process["pid"] == zebra.pid();
            process["branch"] = if is_zebra { "Main" } else { "fix" }.into();
            let name = if is_zebra { "tmux" } else { "Codex" };
            process["started_by"] = json!({"kind": "agent", "name": name});
            process["left_over"] = Value::Null;
        }
    })
}

/// What a row is ordered by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(u64),
    Text(String),
    Address(IpAddr, u64),
}

/// What a column shows of a socket in JSON, so that it can be ordered; `None` if that is nothing.
fn key(column: &Column, socket: &Value) -> Option<Key> {
    let number = |value: &Value| value.as_u64().map(Key::Number);
    let text = |value: &Value| Some(Key::Text(value.as_str()?.to_lowercase()));
    let address = |value: &Value| {
        let address = value.get("address")?.as_str()?.parse().ok()?;
        Some(Key::Address(address, value["port"].as_u64()?))
    };
    let process = &socket["process"];
    match column.name {
        "proto" => text(&format!("{}{}", socket["protocol"], socket["family"]).into()),
        "local" => address(&socket["local"]),
        "port" => number(&socket["local"]["port"]),
        "service" => text(&socket["service"]),
        "remote" => address(&socket["remote"]),
        "state" => State::ALL
            .iter()
            .position(|state| socket["state"] == state.as_str())
            .map(|at| Key::Number(at.try_into().unwrap())),
        "conns" => number(&socket["connections"]),
        "pid" => number(&process["pid"]),
        "process" => text(&process["name"]),
        "user" => {
            text(&socket["user"]).or_else(|| Some(Key::Text(socket["uid"].as_u64()?.to_string())))
        }
        // The scope of a container is no unit of its own.
        "unit" => {
            let (_, kind) = socket["unit"].as_str()?.rsplit_once('.')?;
            let is_scope = kind == "scope";
            text(&socket["unit"]).filter(|_| !is_scope || socket["container"].is_null())
        }
        "container" => text(&socket["container"]),
        "namespace" => {
            let name = text(&socket["namespace"]["name"]);
            name.or_else(|| text(&"own".into()))
        }
        // The youngest first; a single reading knows how long something listens, and when some connections began.
        "age" => {
            let since = match socket["remote"] {
                Value::Null => &process["started_at"],
                _ => &socket["state_since"],
            };
            let since: jiff::Timestamp = since.as_str()?.parse().ok()?;
            let millis: u64 = since.as_millisecond().try_into().unwrap();
            Some(Key::Number(u64::MAX - millis))
        }
        "recv-q" => number(&socket["queue"]["receive"]),
        "send-q" => number(&socket["queue"]["send"]),
        "project" => {
            let (_, name) = process["project"].as_str()?.rsplit_once('/')?;
            text(&name.into())
        }
        "branch" => text(&process["branch"]),
        "started" => text(&process["started_by"]["name"]),
        "command" => {
            let argv = process["argv"].as_array()?;
            let argv: Vec<_> = argv.iter().filter_map(Value::as_str).collect();
            text(&argv.join(" ").into())
        }
        other => panic!("say here what {other} is ordered by"),
    }
}

/// By the column, then by what never differs between two runs.
fn compare(column: &Column, is_reversed: bool, a: &Value, b: &Value) -> Ordering {
    let by_column = match (key(column, a), key(column, b)) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Greater,
        (_, None) => Ordering::Less,
        (Some(a), Some(b)) if is_reversed => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
    };
    let rest =
        |socket: &Value| ["port", "proto", "local", "remote"].map(|name| key(named(name), socket));
    by_column.then_with(|| rest(a).cmp(&rest(b)))
}

fn named(name: &str) -> &'static Column {
    ALL.iter().find(|column| column.name == name).unwrap()
}

/// How many connections a listener has: those established on its port, and on its address unless that is any.
fn connections(listener: &Value, sockets: &[Value]) -> usize {
    let (local, is_any) = (&listener["local"], listener["local"]["address"] == "::");
    let is_of_listener = |one: &&Value| {
        let has_address = is_any || one["local"]["address"] == local["address"];
        one["state"] == "ESTABLISHED" && one["local"]["port"] == local["port"] && has_address
    };
    sockets.iter().filter(is_of_listener).count()
}

/// The sockets, each with its first process beside it, and the listeners with how many connections they have.
fn listed(args: &[&str]) -> Vec<Value> {
    let said = sockeye(&[&["list", "--ndjson"], args].concat());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let with_process = |line: Value| {
        let mut socket = line["socket"].clone();
        socket["process"] = match socket["pids"][0].as_u64() {
            Some(_) => first_process(&line, &socket).clone(),
            None => Value::Null,
        };
        socket
    };
    let lines = said.lines_of_json().into_iter();
    let mut sockets: Vec<Value> = lines.map(with_process).collect();
    let all = sockets.clone();
    let is_listener = |one: &&mut Value| one["protocol"] == "tcp" && one["state"] == "LISTEN";
    for listener in sockets.iter_mut().filter(is_listener) {
        listener["connections"] = connections(listener, &all).into();
    }
    sockets
}

/// Every column, its rows in the requested order, and the arguments for it.
fn for_every_order(file: &TempFile, check: impl Fn(&Column, bool, &[&str])) {
    for column in default_columns() {
        let asked = ["-a", "--replay", file.path(), "--sort", column.name];
        check(column, false, &asked);
        check(column, true, &[&asked[..], &["--reverse"]].concat());
    }
}

#[test]
fn every_column_orders_the_rows_both_ways() {
    stage(|| {
        let file = variety();
        for_every_order(&file, |column, is_reversed, asked| {
            let sockets = listed(asked);
            let mut sorted = sockets.clone();
            sorted.sort_by(|a, b| compare(column, is_reversed, a, b));
            let keys = |all: &[Value]| -> Vec<_> {
                let key = |socket| (key(column, socket), socket["local"]["port"].clone());
                all.iter().map(key).collect()
            };
            assert_eq!(keys(&sockets), keys(&sorted), "{asked:?}");
            assert_eq!(sockets, sorted, "{asked:?}");
        });
    });
}

#[test]
fn rows_that_have_nothing_there_come_last_both_ways() {
    stage(|| {
        let file = variety();
        for_every_order(&file, |column, _, asked| {
            // All of them are of one.
            if column.name == "namespace" {
                return;
            }
            let keys: Vec<_> = listed(asked).iter().map(|one| key(column, one)).collect();
            let (something, nothing) = match keys.iter().position(Option::is_none) {
                Some(at) => keys.split_at(at),
                None => (&keys[..], &[][..]),
            };
            let has_always_something = ["proto", "local", "port", "state"];
            let is_one = has_always_something.contains(&column.name);
            assert_eq!(nothing.is_empty(), is_one, "{asked:?}: {keys:?}");
            assert!(nothing.iter().all(Option::is_none), "{asked:?}: {keys:?}");
            // There is an order to speak of.
            assert_ne!(something.first(), something.last(), "{asked:?}: {keys:?}");
        });
    });
}

#[test]
fn table_and_csv_are_in_the_order_of_json() {
    stage(|| {
        let file = variety();
        for_every_order(&file, |_, _, asked| {
            let expected: Vec<_> = listed(asked)
                .iter()
                .map(|socket| {
                    let remote = &socket["remote"]["port"];
                    let remote = remote
                        .as_u64()
                        .map_or(String::new(), |port| port.to_string());
                    format!("{} {remote}", socket["local"]["port"])
                })
                .collect();
            let table = sockeye(&[&["list", "--columns", "port,remote"], asked].concat());
            let rows = table.out.lines().skip(1).map(|line| {
                let (port, remote) = line.trim_start().split_once(' ').unwrap();
                let remote = remote.rsplit_once(':').map_or("", |(_, port)| port);
                format!("{port} {remote}")
            });
            assert_eq!(rows.collect::<Vec<_>>(), expected, "{asked:?}");
            let said = sockeye(&[&["list", "--csv"], asked].concat());
            let mut csv = csv::Reader::from_reader(said.out.as_bytes());
            let rows = csv.records().map(|row| {
                let row = row.unwrap();
                format!("{} {}", &row[3], &row[5])
            });
            assert_eq!(rows.collect::<Vec<_>>(), expected, "{asked:?}");
        });
    });
}

#[test]
fn the_default_order_is_by_port() {
    stage(|| {
        let _sockets = Sockets::open();
        assert_eq!(sockeye(&["list"]).ports(), [5353, 5354, 8080, 8081, 8600]);
        let ports = [8600, 8081, 8080, 5354, 5353];
        assert_eq!(sockeye(&["list", "--reverse"]).ports(), ports);
        assert_eq!(sockeye(&["list", "-r"]).ports(), ports);
    });
}

/// The lines, with one space between their words.
fn lines(said: &Said) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    said.out.lines().map(words).collect()
}

#[test]
fn the_columns_are_exactly_the_requested_ones_in_order() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["list", "-t", "--columns", "state,port,local,proto"]);
        let expected = [
            "STATE PORT LOCAL ADDRESS PROTO",
            "LISTEN 8080 127.0.0.1 tcp",
            "LISTEN 8081 ::1 tcp6",
            "BOUND 8600 127.0.0.1 tcp",
        ];
        assert_eq!(lines(&said), expected);
        // Also empty ones, and those that need two snapshots.
        for column in ALL {
            let said = sockeye(&["list", "--columns", column.name]);
            assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
            assert_eq!(lines(&said)[0], column.title);
            assert_eq!(lines(&said).len(), 6, "{said:?}");
        }
        let backwards = || ALL.iter().rev();
        let names: Vec<_> = backwards().map(|column| column.name).collect();
        let titles: Vec<_> = backwards().map(|column| column.title).collect();
        let said = sockeye(&["list", "--columns", &names.join(",")]);
        assert_eq!(lines(&said)[0], titles.join(" "));
    });
}

#[test]
fn requested_columns_are_uncut_in_a_pipe() {
    stage(|| {
        let name = format!("--{}", "very-long-".repeat(40));
        let socket = listener("127.0.0.1:9000");
        let _holder = Holder::called(&name, &[&socket]);
        drop(socket);
        let said = sockeye(&["list", "--columns", "command,port,process", ":9000"]);
        let row = said.out.lines().nth(1).unwrap();
        assert!(row.starts_with(&format!("{name} -c ")), "{said:?}");
        assert!(row.contains(&format!("{name} 9000 ")), "{said:?}");
        assert!(row.ends_with(&name[..15]), "{said:?}");
    });
}

#[test]
fn a_column_is_known_by_its_name_in_any_case() {
    stage(|| {
        let _sockets = Sockets::open();
        for option in ["--sort", "--columns"] {
            for column in ALL {
                let said = |name: &str| {
                    let said = sockeye(&["list", option, name]);
                    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
                    said.out
                };
                let upper = column.name.to_uppercase();
                assert_eq!(said(&upper), said(column.name), "{option} {upper}");
            }
        }
    });
}

#[test]
fn a_wrong_column_is_one_line_with_those_there_are_and_the_nearest() {
    for (option, names, wrong) in [
        ("--sort", "prt", "'prt'"),
        ("--columns", "prt", "'prt'"),
        ("--columns", "pid,prt,proto", "'prt'"),
        ("--sort", "port,pid", "'port,pid'"),
    ] {
        let said = sockeye(&["list", option, names]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.starts_with("sockeye: "), "{said:?}");
        assert!(
            said.err.contains(option) && said.err.contains(wrong),
            "{said:?}"
        );
        assert!(
            said.err.contains("'port'") || wrong == "'port,pid'",
            "{said:?}"
        );
        let known: Vec<_> = ALL.iter().map(|column| column.name).collect();
        assert!(said.err.contains(&known.join(", ")), "{said:?}");
    }
}

#[test]
fn columns_of_json_and_csv_cannot_be_chosen() {
    for format in ["--json", "--ndjson", "--csv", "--count"] {
        let said = sockeye(&["list", format, "--columns", "port"]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(
            said.err.contains(format) && said.err.contains("--columns"),
            "{said:?}"
        );
    }
}

#[test]
fn a_recording_is_read_from_standard_input() {
    stage(|| {
        let _sockets = Sockets::open();
        let file = TempFile::new("stdin.jsonl");
        sockeye(&[
            "watch",
            "--for",
            "300ms",
            "--interval",
            "50ms",
            "--record",
            file.path(),
        ]);
        let piped = |args: &[&str], input: &[u8]| {
            let mut command = assert_cmd::Command::new(BINARY);
            command.args(args).write_stdin(input).output().unwrap()
        };
        let recording = std::fs::read(file.path()).unwrap();
        for command in [&["list", "-a"][..], &["watch", "--json"]] {
            let from_file = sockeye(&[command, &["--replay", file.path()]].concat());
            let from_pipe = Said::of(piped(&[command, &["--replay", "-"]].concat(), &recording));
            assert_eq!(
                (from_pipe.code, &from_pipe.out),
                (from_file.code, &from_file.out)
            );
        }
        let output = piped(&["list", "--replay", "-"], b"no recording\n");
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), err.lines().count()),
            (Some(2), 1),
            "{err}"
        );
        assert!(err.starts_with("sockeye: standard input"), "{err}");
    });
}

/// A connection's ends, and how many bytes wait at the first.
type Waiting = (String, String, u64);

/// A listener that accepts one of its clients, and does not read what that one wrote.
#[test]
fn queues_and_ages_are_compared_as_ss_counts_them() {
    stage(|| {
        let server = TcpListener::bind("127.0.0.1:8080").unwrap();
        let mut client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let (unread, _) = server.accept().unwrap();
        let _waits = TcpStream::connect("127.0.0.1:8080").unwrap();
        client.write_all(b"hello").unwrap();
        let at_server = |wanted: u64| -> Vec<Waiting> {
            let ss = Command::new("ss").args(["-Htan"]).output().unwrap();
            let ss = String::from_utf8(ss.stdout).unwrap();
            let words = ss
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>());
            let rows = words.map(|row| (row[3].into(), row[4].into(), row[1].parse().unwrap()));
            let mut rows: Vec<Waiting> = rows.filter(|row: &Waiting| row.2 > wanted).collect();
            rows.sort();
            rows
        };
        // What was sent over the loopback may arrive a moment later.
        let deadline = Instant::now() + Duration::from_secs(10);
        while at_server(0).len() < 2 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let listed = |filter: &str| -> Vec<Waiting> {
            let listing = sockeye(&["list", "--json", filter]).json();
            let sockets = listing["sockets"].as_array().unwrap().iter();
            let text = |end: &Value| match end {
                Value::Null => "0.0.0.0:*".to_owned(),
                end => format!("{}:{}", end["address"].as_str().unwrap(), end["port"]),
            };
            let row = |row: &Value| {
                let waiting = row["queue"]["receive"].as_u64().unwrap();
                (text(&row["local"]), text(&row["remote"]), waiting)
            };
            let mut rows: Vec<_> = sockets.map(row).collect();
            rows.sort();
            rows
        };
        assert_eq!(at_server(0).len(), 2, "bytes, and a client to accept");
        assert_eq!(listed("recv-q:>0"), at_server(0));
        assert_eq!(listed("recv-q:>1"), at_server(1));
        assert_eq!(listed("recv-q:5"), at_server(1));
        assert_eq!(listed("recv-q:1,5"), at_server(0));
        assert_eq!(listed("recv-q:>=1k"), []);
        // All of it is younger than an hour, and the listener as old as this process.
        let count = |filter: &str| sockeye(&["list", "--count", filter]).out.trim().to_owned();
        assert_eq!(count("age:>1h"), "0");
        assert_eq!(count("state:established remote:8080 recv-q:0"), "2");
        assert_eq!(count(":8080 and not state:listen or recv-q:1"), "3");
        assert_eq!(count("remote:80,8080"), "2");
        assert_eq!(count("port:>8079 port:<=8080"), "3");
        drop((unread, client));
    });
}

#[test]
fn a_listener_of_an_older_process_has_its_age() {
    stage(|| {
        let socket = listener("127.0.0.1:8080");
        let holder = Holder::called("server", &[&socket]);
        drop(socket);
        let deadline = Instant::now() + Duration::from_secs(10);
        while sockeye(&["list", "-q", "age:>500ms :8080"]).code != 0 {
            assert!(Instant::now() < deadline, "it never gets older");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(sockeye(&["list", "-q", "age:>1m :8080"]).code, 1);
        assert_eq!(sockeye(&["list", "-q", "age:<1m :8080"]).code, 0);
        drop(holder);
    });
}

#[test]
fn a_wrong_number_is_one_line_with_its_place() {
    for (filter, message) in [
        ("age:5x", "`5x` needs >, >=, < or <= before it"),
        ("age:", "in a shell, quote the term: 'age:>1m'"),
        (
            "recv-q:>64q",
            "`64q` is not a size: use a number, also with k, m or g",
        ),
        (
            "nginx or",
            "`or` needs a term after it; quote it to find it as text",
        ),
        ("flow:>1m", "unknown field `flow`"),
    ] {
        let said = sockeye(&["list", filter]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains(message), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
    }
}
