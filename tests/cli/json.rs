//! The names and types that scripts rely on.

use serde_json::Value;

use crate::cli::scene::{Sockets, TempFile, sockeye, stage};
use crate::schema::valid_check;

/// Whether a value is of its field's type.
type Check = fn(&Value) -> bool;

/// Every field of a socket, and whether its value is of its type.
const SOCKET: &[(&str, Check)] = &[
    ("protocol", |v| is_one_of(v, &["tcp", "udp"])),
    ("family", |v| is_one_of(v, &["ipv4", "ipv6"])),
    ("local", is_endpoint),
    ("remote", |v| v.is_null() || is_endpoint(v)),
    ("state", Value::is_string),
    ("service", is_text_or_null),
    ("dual_stack", |v| v.is_null() || v.is_boolean()),
    ("interface", is_text_or_null),
    ("inode", is_number_or_null),
    ("uid", is_number_or_null),
    ("user", is_text_or_null),
    ("owner", |v| {
        is_one_of(v, &["known", "hidden", "kernel", "past", "none"])
    }),
    ("processes", |v| {
        v.as_array().is_some_and(|all| all.iter().all(is_process))
    }),
    ("unit", is_text_or_null),
    ("container", is_text_or_null),
    ("queue", |v| {
        v.is_null() || has_exactly(v, &[("receive", Value::is_u64), ("send", Value::is_u64)])
    }),
    ("first_seen", is_time),
    ("state_since", |v| v.is_null() || is_time(v)),
];

const PROCESS: &[(&str, Check)] = &[
    ("pid", Value::is_u64),
    ("name", Value::is_string),
    ("command", is_text_or_null),
    ("started_at", |v| v.is_null() || is_time(v)),
    ("user", is_text_or_null),
];

fn is_process(value: &Value) -> bool {
    has_exactly(value, PROCESS)
}

fn is_endpoint(value: &Value) -> bool {
    has_exactly(
        value,
        &[("address", Value::is_string), ("port", Value::is_u64)],
    )
}

fn is_text_or_null(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| !text.is_empty())
}

fn is_number_or_null(value: &Value) -> bool {
    value.is_null() || value.is_u64()
}

fn is_one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|text| words.contains(&text))
}

/// `2026-01-02T03:04:05.678Z`.
fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == 24 && text.as_bytes()[19] == b'.' && text.parse::<jiff::Timestamp>().is_ok()
    })
}

/// Whether it is an object of these fields and no others.
fn has_exactly(value: &Value, fields: &[(&str, Check)]) -> bool {
    let Some(object) = value.as_object() else {
        return false;
    };
    object.len() == fields.len()
        && fields.iter().all(|(name, is_right)| {
            let found = object.get(*name);
            let right = found.is_some_and(is_right);
            if !right {
                eprintln!("{name}: {found:?}");
            }
            right
        })
}

fn listing(args: &[&str]) -> Value {
    let said = sockeye(&[&["list", "--json"], args].concat());
    assert_eq!(said.out.lines().count(), 1, "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn every_field_has_its_name_and_type() {
    stage(|| {
        let _sockets = Sockets::open();
        let listing = listing(&["-a"]);
        assert!(
            has_exactly(
                &listing,
                &[
                    ("schema", |v| *v == 1),
                    ("taken_at", is_time),
                    ("problems", Value::is_array),
                    ("sockets", Value::is_array),
                ]
            ),
            "{listing}"
        );
        let sockets = listing["sockets"].as_array().unwrap();
        assert_eq!(sockets.len(), 7);
        for socket in sockets {
            assert!(has_exactly(socket, SOCKET), "{socket:#}");
        }
    });
}

#[test]
fn what_is_not_known_is_null_and_numbers_are_numbers() {
    stage(|| {
        let sockets = Sockets::open();
        let near = sockets.client.local_addr().unwrap().port();
        let listing = listing(&["-a"]);
        let find = |port: u16, state: &str| -> &Value {
            let mut all = listing["sockets"].as_array().unwrap().iter();
            all.find(|socket| socket["local"]["port"] == port && socket["state"] == state)
                .unwrap()
        };
        let listener = find(8080, "LISTEN");
        assert_eq!(listener["remote"], Value::Null);
        assert_eq!(listener["dual_stack"], Value::Null);
        assert_eq!(listener["queue"]["receive"], 0);
        assert_eq!(listener["uid"], 0);
        assert_eq!(listener["owner"], "known");
        assert_eq!(listener["processes"][0]["pid"], std::process::id());
        let client = find(near, "ESTABLISHED");
        assert_eq!(client["remote"]["address"], "127.0.0.1");
        assert_eq!(client["remote"]["port"], 8080);
        assert_eq!(find(8600, "BOUND")["queue"], Value::Null);
        assert_eq!(find(5353, "UNCONN")["protocol"], "udp");
        assert_eq!(find(8081, "LISTEN")["local"]["address"], "::1");
    });
}

#[test]
fn a_time_wait_has_no_owner_and_no_inode() {
    stage(|| {
        let sockets = Sockets::open();
        let near = sockets.client.local_addr().unwrap().port();
        sockets.client.shutdown(std::net::Shutdown::Both).unwrap();
        drop(sockets);
        crate::support::wait_until("the TIME_WAIT", || {
            let listing = listing(&["-a"]);
            let sockets = listing["sockets"].as_array().unwrap();
            sockets.iter().any(|socket| {
                socket["local"]["port"] == near
                    && socket["state"] == "TIME_WAIT"
                    && socket["inode"].is_null()
                    && socket["owner"] == "none"
                    && socket["processes"] == Value::Array(Vec::new())
            })
        });
    });
}

#[test]
fn nothing_that_matches_is_an_empty_list_and_exit_code_1() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["list", "--json", ":81"]);
        assert_eq!(said.code, 1);
        let listing: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(listing["sockets"], Value::Array(Vec::new()));
    });
}

#[test]
fn a_recording_gives_the_same_object() {
    stage(|| {
        let sockets = Sockets::open();
        let file = TempFile::new("recording.jsonl");
        let then = listing(&["-a", "--record", file.path()]);
        drop(sockets);
        assert_eq!(listing(&["-a", "--replay", file.path()]), then);
    });
}

#[test]
fn every_field_of_a_check_has_its_name_and_type() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&[
            "check",
            "--json",
            "8080",
            "8600",
            "5353/udp",
            "[::1]:8081",
            "81",
        ]);
        assert_eq!(said.code, 1, "{said:?}");
        let check = valid_check(&said.out);
        let targets = check["targets"].as_array().unwrap();
        let told = |name: &str| -> Vec<&str> {
            targets
                .iter()
                .map(|target| target[name].as_str().unwrap())
                .collect()
        };
        let causes = [
            "listener",
            "bound_not_listening",
            "udp_socket",
            "listener",
            "free",
        ];
        assert_eq!(told("cause"), causes);
        let targets = ["8080", "8600", "5353/udp", "[::1]:8081", "81"];
        assert_eq!(told("target"), targets);
    });
}

#[test]
fn the_sockets_in_the_way_are_told_as_list_tells_them() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["check", "--json", "8080"]);
        let check = valid_check(&said.out);
        let target = &check["targets"][0];
        assert_eq!(target["address"], Value::Null);
        assert_eq!(target["free_in_ms"], Value::Null);
        assert_eq!(target["servers"]["plain"], "refused");
        assert_eq!(target["probes"][0]["result"], "EADDRINUSE");
        let mut blocker = target["blockers"][0].as_object().unwrap().clone();
        for more in ["reuse_address", "reuse_port", "expires_in_ms", "held_in"] {
            blocker.remove(more);
        }
        let pid = std::process::id();
        assert_eq!(blocker.remove("pids").unwrap(), serde_json::json!([pid]));
        let process = &check["processes"][pid.to_string()];
        let executable = std::env::current_exe().unwrap();
        assert_eq!(process["executable"].as_str(), executable.to_str());
        let argv: Vec<_> = std::env::args().map(Value::String).collect();
        assert_eq!(process["argv"], Value::Array(argv));
        assert_eq!(
            process["cwd"].as_str(),
            std::env::current_dir().unwrap().to_str()
        );
        let mut listed = listing(&[":8080", "state:listen"])["sockets"][0].clone();
        for one in [&mut blocker, listed.as_object_mut().unwrap()] {
            one.remove("first_seen");
            one.remove("processes");
        }
        assert_eq!(Value::Object(blocker), listed);
    });
}
