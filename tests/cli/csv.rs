//! The table as CSV: the content of JSON, in cells.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cli::holder::{Holder, listener, recording, socket};
use crate::cli::scene::{Said, Sockets, sockeye, stage};
use crate::schema::first_process;

/// The first row, and the others.
struct Sheet {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn of(said: &Said) -> Self {
        let mut reader = csv::Reader::from_reader(said.out.as_bytes());
        let cells = |row: &csv::StringRecord| row.iter().map(str::to_owned).collect::<Vec<_>>();
        Self {
            names: cells(reader.headers().unwrap()),
            // A row of fewer or more cells than there are names is an error.
            rows: reader.records().map(|row| cells(&row.unwrap())).collect(),
        }
    }

    /// The cells under this name.
    fn column(&self, name: &str) -> Vec<&str> {
        let at = self.names.iter().position(|one| one == name).unwrap();
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }
}

fn sheet(args: &[&str]) -> Sheet {
    let said = sockeye(&[&["list", "--csv"], args].concat());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    Sheet::of(&said)
}

fn json_of(args: &[&str]) -> Said {
    let said = sockeye(&[&["list", "--json"], args].concat());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    said
}

/// The names on the way to a value.
type Path = Vec<String>;

/// The paths of JSON's values, in its order, as a connection has them that this test has open: there
/// every part has its parts. Its process replaces `pids`, but for what a cell can't hold or `list` does
/// not find out; the arguments are a cell.
fn paths_of_json(sockets: &Sockets) -> Vec<Path> {
    let near = sockets.client.local_addr().unwrap().port();
    let said = json_of(&[&format!(":{near}")]);
    let whole = said.json();
    let connection = &whole["sockets"][0];
    for part in ["local", "remote", "queue"] {
        assert!(connection[part].is_object(), "{connection:#}");
    }
    let socket_at = said.out.find("\"sockets\":").unwrap();
    let socket = ordered(connection, &said.out[socket_at..]);
    let process_at = said.out.find("\"processes\":").unwrap();
    let process = ordered(first_process(&whole, connection), &said.out[process_at..]);
    let is_a_column = |path: &Path| {
        let without = ["argv_truncated", "unit", "container"];
        let is_at_the_end = PROVENANCE.iter().any(|(_, later)| later[0] == path[0]);
        !without.contains(&path[0].as_str()) && !is_at_the_end
    };
    let process = process.into_iter().filter(is_a_column);
    let process: Vec<_> = process
        .map(|path| vec!["processes".to_owned(), path[0].clone()])
        .collect();
    let mut paths = Vec::new();
    for path in socket {
        match path[0].as_str() {
            name if ADDED.contains(&name) => {}
            "pids" => paths.extend(process.iter().cloned()),
            _ => paths.push(path),
        }
    }
    paths
}

/// The paths of an object in the order of its text.
fn ordered(object: &Value, text: &str) -> Vec<Path> {
    let mut paths = paths(object);
    paths.sort_by_key(|path| {
        let place = |at, name| at + text[at..].find(&format!("\"{name}\":")).unwrap();
        path.iter().fold(0, place)
    });
    paths
}

fn paths(value: &Value) -> Vec<Path> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| {
                let rests = paths(value).into_iter();
                rests.map(move |rest| [vec![name.clone()], rest].concat())
            })
            .collect(),
        _ => vec![Vec::new()],
    }
}

/// What a column is called.
fn name(path: &Path) -> String {
    path.join("_")
        .replace("processes_argv", "processes_command")
}

/// The cells of a socket and one of its processes, if it has any.
fn cells(socket: &Value, process: Option<&Value>, paths: &[Path]) -> Vec<String> {
    let value = |path: &Path| match path.as_slice() {
        [all, name] if all == "processes" => process.map(|process| &process[name]),
        path => path.iter().try_fold(socket, |value, name| match value {
            Value::Null => None,
            value => Some(&value[name]),
        }),
    };
    let cell = |path| match value(path) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(words)) => {
            let words: Vec<_> = words.iter().map(|word| word.as_str().unwrap()).collect();
            words.join(" ")
        }
        Some(other) => other.to_string(),
    };
    paths.iter().map(cell).collect()
}

/// What only sockets without a port have, which stand in JSON where there are such.
const PORTLESS: [&str; 6] = [
    "type",
    "path",
    "abstract",
    "peer_inode",
    "ethertype",
    "ip_protocol",
];

/// What was added later: JSON has it elsewhere, or in more parts.
const ADDED: [&str; 4] = ["namespace", "namespace_inode", "published", "published_by"];

/// What was added to processes later, and where JSON has it.
const PROVENANCE: [(&str, &[&str]); 6] = [
    ("processes_branch", &["branch"]),
    ("processes_worktree", &["worktree"]),
    ("processes_started_by_kind", &["started_by", "kind"]),
    ("processes_started_by_name", &["started_by", "name"]),
    ("processes_started_by_pid", &["started_by", "pid"]),
    ("processes_left_over", &["left_over"]),
];

/// Their cells.
fn provenance(process: Option<&Value>) -> Vec<String> {
    let cell = |path: &[&str]| {
        let value = path.iter().fold(process, |value, name| Some(&value?[name]));
        match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    };
    PROVENANCE.iter().map(|(_, path)| cell(path)).collect()
}

#[test]
fn the_names_are_those_of_json_in_its_order() {
    stage(|| {
        let sockets = Sockets::open();
        let paths = paths_of_json(&sockets);
        let mut names: Vec<_> = paths.iter().map(name).collect();
        names.extend(PORTLESS.map(String::from));
        names.extend(ADDED.map(String::from));
        names.extend(PROVENANCE.map(|(name, _)| name.to_owned()));
        assert_eq!(sheet(&["-a"]).names, names);
        assert!(
            names.iter().any(|name| name == "processes_pid"),
            "{names:?}"
        );
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    });
}

#[test]
fn the_values_are_those_of_json_row_by_row_and_null_is_an_empty_cell() {
    stage(|| {
        let sockets = Sockets::open();
        let shared = listener("[::]:9000");
        let _holders = ["one", "two"].map(|name| Holder::called(name, &[&shared]));
        // What this machine may not have.
        let file = recording(|frame| {
            socket(frame, 8081)["unit"] = "nginx.service".into();
            socket(frame, 8600)["container"] = "0123456789ab".into();
            socket(frame, 5353)["interface"] = "eth0".into();
            let nobodys = socket(frame, 5354);
            nobodys["owner"] = "none".into();
            nobodys.as_object_mut().unwrap().remove("pids");
            for name in ["inode", "uid", "user", "queue"] {
                nobodys[name] = Value::Null;
            }
            for process in frame["processes"].as_array_mut().unwrap() {
                process["branch"] = "main".into();
                process["worktree"] = "fix".into();
                process["started_by"] = json!({"kind": "multiplexer", "name": "tmux", "pid": 7});
                process["left_over"] = "folder_deleted".into();
            }
        });
        let paths = paths_of_json(&sockets);
        let asked = ["-a", "--replay", file.path()];
        let whole = json_of(&asked).json();
        let with_port = |cells: Vec<String>, process: Option<&Value>| {
            let others = vec![String::new(); PORTLESS.len() + ADDED.len()];
            [cells, others, provenance(process)].concat()
        };
        let mut expected = Vec::new();
        for socket in whole["sockets"].as_array().unwrap() {
            let pids = socket["pids"].as_array().unwrap();
            if pids.is_empty() {
                expected.push(with_port(cells(socket, None, &paths), None));
            }
            for pid in pids {
                let process = &whole["processes"][pid.to_string()];
                let cells = cells(socket, Some(process), &paths);
                expected.push(with_port(cells, Some(process)));
            }
        }
        let sheet = sheet(&asked);
        // Seven sockets and one that three processes have.
        assert_eq!(sheet.rows.len(), 10);
        assert_eq!(sheet.rows, expected);
        for (at, name) in sheet.names.iter().enumerate() {
            let mut values = sheet.rows.iter().map(|row| &row[at]);
            let is_of_others = [&PORTLESS[..], &ADDED].concat().contains(&&**name);
            assert_eq!(values.all(String::is_empty), is_of_others, "{name}");
        }
    });
}

#[test]
fn a_socket_has_a_row_for_each_of_its_processes_and_one_if_it_has_none() {
    stage(|| {
        let sockets = Sockets::open();
        let near = sockets.client.local_addr().unwrap().port().to_string();
        let shared = listener("127.0.0.1:9000");
        let holders = ["one", "two", "three"].map(|name| Holder::called(name, &[&shared]));
        drop(shared);
        let shared = sheet(&[":9000"]);
        let mut expected: Vec<_> = holders
            .iter()
            .map(Holder::pid)
            .zip(["one", "two", "three"])
            .collect();
        expected.sort_unstable();
        let pids = shared
            .column("processes_pid")
            .into_iter()
            .map(|pid| pid.parse().unwrap());
        let found: Vec<(u32, &str)> = pids.zip(shared.column("processes_name")).collect();
        assert_eq!(found, expected);
        // The socket is the same in each.
        let inodes: BTreeSet<_> = shared.column("inode").into_iter().collect();
        assert_eq!(inodes.len(), 1, "{inodes:?}");
        // The one who closes a connection first leaves a TIME_WAIT behind, which has no owner.
        sockets.client.shutdown(std::net::Shutdown::Both).unwrap();
        drop(sockets);
        crate::support::wait_until("the TIME_WAIT", || {
            let said = sockeye(&["list", "--csv", &format!(":{near}"), "state:time_wait"]);
            said.code == 0 && {
                let left = Sheet::of(&said);
                left.rows.len() == 1
                    && left.column("local_port") == [near.as_str()]
                    && left.column("owner") == ["none"]
                    && left.column("processes_pid") == [""]
                    && left.column("inode") == [""]
            }
        });
    });
}

#[test]
fn commas_and_quotes_stay_within_their_cell() {
    stage(|| {
        const NAME: &str = "a,\"b\",,'c'";
        let listener = listener("127.0.0.1:9000");
        let _holder = Holder::called(NAME, &[&listener]);
        drop(listener);
        let said = sockeye(&["list", "--csv", ":9000"]);
        let sheet = Sheet::of(&said);
        assert_eq!(sheet.column("processes_name"), [NAME]);
        let command = sheet.column("processes_command")[0];
        assert!(
            command.starts_with(NAME) && command.ends_with(NAME),
            "{command}"
        );
        let whole = json_of(&[":9000"]).json();
        let argv = &first_process(&whole, &whole["sockets"][0])["argv"];
        let argv: Vec<_> = argv
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap())
            .collect();
        assert_eq!(command, argv.join(" "));
        assert!(said.out.contains(r#","a,""b"",,'c'","#), "{}", said.out);
    });
}

#[test]
fn a_row_is_one_line_with_any_process_name() {
    stage(|| {
        let listener = listener("127.0.0.1:9000");
        let _holder = Holder::called("a\nb\r\x1b[31m", &[&listener]);
        drop(listener);
        let said = sockeye(&["list", "--csv", ":9000"]);
        assert_eq!(said.out.lines().count(), 2, "{said:?}");
        assert!(!said.out.contains(['\r', '\x1b']), "{said:?}");
        let sheet = Sheet::of(&said);
        assert_eq!(sheet.column("processes_name"), [r"b\r\x1b[31m"]);
        let command = sheet.column("processes_command")[0];
        assert!(command.starts_with(r"a\nb\r\x1b[31m -c "), "{command}");
    });
}

#[test]
fn no_cell_is_a_formula_for_a_spreadsheet() {
    stage(|| {
        for name in [
            "=cmd|'/C x'!A0",
            "+1+1",
            "-1+1",
            "@SUM(A1:A9)",
            " =1+1",
            "\t=1+1",
            "\r=1+1",
            "\"=1+1",
            "a;=1+1",
            "a\";\"=1+1",
            "a,=1+1",
            "＝1+1",
        ] {
            let listener = listener("127.0.0.1:9000");
            let holder = Holder::called(name, &[&listener]);
            drop(listener);
            let said = sockeye(&["list", "--csv", ":9000"]);
            let pid = holder.pid().to_string();
            assert!(
                Sheet::of(&said).column("processes_pid") == [pid],
                "{said:?}"
            );
            // Cells end at a comma, or where the decimal point is one, at a semicolon.
            for delimiter in [b',', b';'] {
                let mut reader = csv::ReaderBuilder::new();
                let reader = reader.delimiter(delimiter).flexible(true);
                for row in reader.from_reader(said.out.as_bytes()).records() {
                    let row = row.unwrap();
                    let mut cells = row.iter().map(str::trim_start);
                    let formula = cells.find(|cell| cell.starts_with(['=', '+', '-', '@', '＝']));
                    assert_eq!(formula, None, "{name:?} is run");
                }
            }
        }
    });
}

#[test]
fn raw_cells_are_as_they_are_and_numbers_are_numbers_in_both() {
    stage(|| {
        const NAME: &str = "=cmd|'/C x'!A0";
        let listener = listener("127.0.0.1:9000");
        let _holder = Holder::called(NAME, &[&listener]);
        drop(listener);
        let cell = |form: &str, name: &str| {
            let said = sockeye(&["list", form, ":9000"]);
            let sheet = Sheet::of(&said);
            sheet.column(name)[0].to_owned()
        };
        let guarded = format!("'{NAME}");
        for (form, comm) in [
            ("--csv", &*guarded),
            ("--csv=guarded", &*guarded),
            ("--csv=raw", NAME),
        ] {
            assert_eq!(cell(form, "processes_comm"), comm, "{form}");
            assert_eq!(cell(form, "local_port"), "9000", "{form}");
        }
        // What follows is a filter and no value.
        assert_eq!(sockeye(&["list", "--csv", "raw"]).code, 1);
        let said = sockeye(&["list", "--csv=rwa"]);
        assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
    });
}

#[test]
fn without_a_header_there_are_rows_alone() {
    stage(|| {
        let _sockets = Sockets::open();
        let whole = sockeye(&["list", "--csv", "-t"]).out;
        let rows = sockeye(&["list", "--csv", "-t", "--no-header"]).out;
        // A row ends with the time of the reading, and with what sockets with ports have not.
        let without_times = |text: &str| -> Vec<String> {
            let lines = text.lines();
            lines
                .map(|line| {
                    let later = PORTLESS.len() + ADDED.len() + PROVENANCE.len();
                    let cells = line.rsplitn(3 + later, ',');
                    cells.last().unwrap().to_owned()
                })
                .collect()
        };
        assert_eq!(without_times(&rows), without_times(&whole)[1..]);
        let said = sockeye(&["list", "--csv", "--no-header", ":81"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    });
}

#[test]
fn nothing_that_matches_is_the_names_alone_and_exit_code_1() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["list", "--csv", ":81"]);
        assert_eq!((said.code, said.err.as_str()), (1, ""), "{said:?}");
        let names = sheet(&[]).names.join(",");
        assert_eq!(said.out, format!("{names}\n"));
    });
}

#[test]
fn the_rows_are_those_that_the_table_would_show() {
    stage(|| {
        let _sockets = Sockets::open();
        for args in [
            &[][..],
            &["-l"],
            &["-a"],
            &["-t"],
            &["-6", "-u"],
            &[":8080"],
            &["-4", ":8081", "|", ":5353"],
            &["-a", "state:established"],
            &["-a", "--sort", "pid", "-r"],
        ] {
            let ports: Vec<_> = sheet(args)
                .column("local_port")
                .iter()
                .map(|port| port.parse::<u16>().unwrap())
                .collect();
            let table: Vec<u16> = sockeye(&[&["list"], args].concat()).ports();
            assert_eq!(ports, table, "{args:?}");
        }
    });
}

#[test]
fn csv_and_json_at_once_are_exit_code_2_and_one_line() {
    for args in [["--csv", "--json"], ["--json", "--csv"]] {
        let said = sockeye(&[&["list"], &args[..]].concat());
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(
            said.err.contains("--csv") && said.err.contains("--json"),
            "{said:?}"
        );
    }
}
