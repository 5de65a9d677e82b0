//! The table in a terminal: what its width has room for.
//!
//! The pictures are of real sockets, by way of a recording in which pids and units are always the
//! same.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use unicode_width::UnicodeWidthStr as _;

use crate::cli::holder::{Holder, listener, recording};
use crate::cli::scene::{BINARY, TempFile, sockeye, stage};
use crate::support::pty::{Pty, is_available};
use crate::support::wait_until;

/// An address that is too long for most columns.
const LONG: &str = "2001:db8:1234:5678:9abc:def0:1234:5678";

/// Servers, clients, and what they have open.
struct Busy {
    holders: Vec<Holder>,
}

impl Busy {
    fn open() -> Self {
        add_address();
        let web = [listener("0.0.0.0:80"), listener("[::]:443")];
        let database = listener(&format!("[{LONG}]:5432"));
        let node = listener("127.0.0.1:8080");
        let (psql, backend) = connection(&format!("[{LONG}]:65535"), &database);
        let (curl, request) = connection("127.0.0.1:61000", &node);
        // One side has said all that it has to say.
        curl.shutdown(std::net::Shutdown::Write).unwrap();
        let resolver = bound(Type::DGRAM, "127.0.0.53:53");
        let idle = bound(Type::STREAM, "127.0.0.1:8600");
        let holders = vec![
            Holder::called("nginx", &[&web[0], &web[1]]),
            Holder::called("nginx", &[&web[0], &web[1]]),
            Holder::called("データ", &[&database, &backend]),
            Holder::called("psql", &[&psql]),
            Holder::called("node", &[&node, &request]),
            Holder::called("curl", &[&curl]),
            Holder::called("name-of-15-byte", &[&resolver, &idle]),
        ];
        Self { holders }
    }

    /// What there is, as it is on every machine and each time.
    fn recorded(&self) -> TempFile {
        wait_until("the end of one side", || {
            let said = sockeye(&["list", "state:close_wait", "|", "state:fin_wait2"]);
            said.ports() == [8080, 61_000]
        });
        recording(|frame| {
            let pids: Vec<_> = self.holders.iter().map(Holder::pid).collect();
            let fixed = |pid: &Value| {
                let at = pids.iter().position(|one| *pid == *one);
                at.map(|at| 4300 + u32::try_from(at).unwrap())
            };
            let processes = frame["processes"].as_array_mut().unwrap();
            processes.retain(|process| fixed(&process["pid"]).is_some());
            for process in processes {
                process["pid"] = fixed(&process["pid"]).into();
                process["parent"] = Value::Null;
                process["project"] = "/srv/shop".into();
                for name in ["branch", "worktree", "started_by", "left_over"] {
                    process[name] = Value::Null;
                }
            }
            for socket in frame["sockets"].as_array_mut().unwrap() {
                let owners = socket["pids"].as_array().unwrap();
                let mut owners: Vec<_> = owners.iter().filter_map(fixed).collect();
                owners.sort_unstable();
                let is_web = owners.len() == 2;
                socket["pids"] = owners.into();
                socket["container"] = Value::Null;
                socket["unit"] = if is_web {
                    "nginx.service".into()
                } else {
                    Value::Null
                };
            }
        })
    }
}

fn add_address() {
    let mut ip = Command::new("ip");
    ip.args(["address", "add", &format!("{LONG}/128"), "dev", "lo"]);
    assert!(ip.arg("nodad").status().unwrap().success());
}

fn bound(kind: Type, address: &str) -> Socket {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), kind, None).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

/// A connection from this address: the client's end and the server's.
fn connection(from: &str, listener: &Socket) -> (Socket, Socket) {
    let client = bound(Type::STREAM, from);
    let address = listener.local_addr().unwrap();
    // The routes of an address come a moment after it.
    wait_until("the connection", || client.connect(&address).is_ok());
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// What the program prints in a terminal of this width, line by line, with what must be so at any
/// width.
fn printed(width: u16, args: &[&str]) -> Vec<String> {
    // What is said beside the table, as that it is of a recording, is as long as it is.
    let without_stderr = ["-c", "exec \"$0\" list \"$@\" 2>/dev/null", BINARY];
    let args = [&without_stderr, args].concat();
    let mut pty = Pty::spawn("sh", &args, (width, 50), &[]);
    assert_eq!(pty.wait_exit(), 0, "{}", pty.raw());
    let raw = pty.raw();
    assert!(!raw.contains('\x1b'), "{raw:?}");
    let lines: Vec<_> = raw.split_terminator("\r\n").map(str::to_owned).collect();
    for line in &lines {
        assert!(line.width() <= width.into(), "wider than {width}: {line:?}");
        assert_eq!(line.trim_end(), line, "{raw:?}");
        assert!(!line.contains(char::is_control), "{raw:?}");
    }
    lines
}

/// Runs a test's body in a namespace of its own, if there are namespaces and terminals.
fn stage_with_terminal<Body: FnOnce()>(body: Body) {
    if is_available(std::any::type_name::<Body>()) {
        stage(body);
    }
}

fn picture(name: &str, lines: &[String]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, lines.join("\n")));
}

#[test]
fn the_least_important_columns_are_left_out_if_they_do_not_fit() {
    stage_with_terminal(|| {
        let file = Busy::open().recorded();
        for width in [20, 40, 60, 80, 120, 160] {
            let lines = printed(width, &["-a", "--replay", file.path()]);
            picture(&format!("list_{width}"), &lines);
        }
    });
}

#[test]
fn requested_columns_are_cut_if_they_do_not_fit() {
    stage_with_terminal(|| {
        let file = Busy::open().recorded();
        for width in [20, 40, 80] {
            let columns = ["--columns", "process,port,remote,command"];
            let lines = printed(
                width,
                &[&columns, &["-a", "--replay", file.path()][..]].concat(),
            );
            picture(&format!("list_columns_{width}"), &lines);
        }
    });
}

#[test]
fn groups_are_cut_to_fit_and_in_a_narrow_terminal_they_are_without_queues() {
    stage_with_terminal(|| {
        let file = Busy::open().recorded();
        for width in [24, 40, 80, 120] {
            let group = ["-a", "--group", "process,peer", "--replay", file.path()];
            picture(&format!("list_group_{width}"), &printed(width, &group));
        }
        let states = ["-a", "--group", "state,user", "--replay", file.path()];
        picture("list_group_states", &printed(60, &states));
        for width in 1..=60 {
            let lines = printed(
                width,
                &["-a", "--group", "network,process", "--replay", file.path()],
            );
            assert!(
                lines.iter().all(|line| !line.is_empty()),
                "{width}: {lines:#?}"
            );
        }
    });
}

/// The ports of all rows, in their order.
const PORTS: [u16; 10] = [53, 80, 443, 5432, 5432, 8080, 8080, 8600, 61_000, 65_535];

/// A row's port: the first word that is a number, if the pid is not before it.
fn port(row: &str) -> Option<u16> {
    row.split_whitespace().find_map(|word| word.parse().ok())
}

#[test]
fn the_port_is_never_cut_and_no_line_is_too_wide() {
    stage_with_terminal(|| {
        let _busy = Busy::open();
        for width in (5..=30).chain([40, 50, 60, 79, 80, 81, 100, 132, 160, 250]) {
            let lines = printed(width, &["-a"]);
            let ports: Vec<_> = lines[1..].iter().filter_map(|row| port(row)).collect();
            assert_eq!(ports, PORTS, "at {width}: {lines:#?}");
        }
    });
}

#[test]
fn the_port_is_never_cut_wherever_its_column_is() {
    stage_with_terminal(|| {
        let _busy = Busy::open();
        for columns in [
            "port,process",
            "process,port",
            "state,process,port",
            "local,port,command",
        ] {
            for width in [6, 10, 20, 28, 40, 60] {
                let lines = printed(width, &["-a", "--columns", columns]);
                let ports: Vec<_> = lines[1..].iter().filter_map(|row| port(row)).collect();
                assert_eq!(ports, PORTS, "{columns} at {width}: {lines:#?}");
            }
        }
    });
}

#[test]
fn a_single_requested_column_is_shown_in_the_narrowest_terminal() {
    stage_with_terminal(|| {
        let _busy = Busy::open();
        for column in sockeye::columns::ALL {
            for width in [1, 5, 10, 20] {
                let lines = printed(width, &["-a", "--columns", column.name]);
                let is_shown = lines.iter().any(|line| !line.is_empty());
                assert!(is_shown, "{} at {width}", column.name);
            }
        }
    });
}

#[test]
fn a_terminal_narrower_than_a_port_gets_something_sane() {
    stage_with_terminal(|| {
        let _busy = Busy::open();
        for width in 1..5 {
            assert_eq!(printed(width, &["-a"]).len(), PORTS.len() + 1);
        }
    });
}

#[test]
fn what_is_piped_on_is_whole_also_where_there_is_a_terminal() {
    stage_with_terminal(|| {
        let _busy = Busy::open();
        let script = format!("'{BINARY}' list -a | cat");
        let mut pty = Pty::spawn("sh", &["-c", &script], (40, 50), &[]);
        assert_eq!(pty.wait_exit(), 0);
        let raw = pty.raw();
        assert!(raw.contains(LONG) && !raw.contains('…'), "{raw}");
    });
}
