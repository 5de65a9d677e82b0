//! The names and types that scripts rely on.

use serde_json::{Value, json};

use crate::cli::holder::{Holder, listener};
use crate::cli::scene::{Sockets, TempFile, sockeye, stage};

fn listing(args: &[&str]) -> Value {
    sockeye(&[&["list", "--json"], args].concat()).json()
}

#[test]
fn processes_stand_once_and_sockets_refer_to_them() {
    stage(|| {
        let _sockets = Sockets::open();
        let listing = listing(&["-a"]);
        let names: Vec<_> = listing.as_object().unwrap().keys().collect();
        let expected = ["problems", "processes", "schema", "sockets", "taken_at"];
        assert_eq!(names, expected);
        assert_eq!(listing["schema"], 2);
        let sockets = listing["sockets"].as_array().unwrap();
        assert_eq!(sockets.len(), 7);
        let pid = std::process::id();
        for socket in sockets {
            assert_eq!(socket["pids"], json!([pid]), "{socket:#}");
        }
        let processes = listing["processes"].as_object().unwrap();
        assert_eq!(processes.len(), 1, "{processes:#?}");
    });
}

#[test]
fn a_process_is_what_the_kernel_says_of_it() {
    stage(|| {
        let _sockets = Sockets::open();
        let pid = std::process::id();
        let listing = listing(&[":8080"]);
        let process = &listing["processes"][pid.to_string()];
        let executable = std::env::current_exe().unwrap();
        let name = executable.file_name().unwrap();
        let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
        let argv: Vec<_> = std::env::args().collect();
        let project = sockeye::source::project_of(&std::env::current_dir().unwrap());
        let project = project.unwrap();
        let expected = json!({
            "pid": pid,
            "parent": std::os::unix::process::parent_id(),
            "name": name.to_str(),
            "comm": comm.trim_end(),
            "executable": executable.to_str(),
            "argv": argv,
            "argv_truncated": false,
            "cwd": std::env::current_dir().unwrap().to_str(),
            "user": "root",
            "uid": 0,
            "started_at": process["started_at"],
            "unit": null,
            "container": null,
            "project": std::env::current_dir().unwrap().to_str(),
            "branch": project.branch.map(|name| name.to_string()),
            "worktree": project.worktree.map(|name| name.to_string()),
            // They depend on what runs the tests.
            "started_by": process["started_by"],
            "left_over": process["left_over"],
        });
        assert_eq!(process, &expected);
    });
}

/// Fifty listeners that fifty processes have.
#[test]
fn what_many_sockets_share_is_printed_once() {
    stage(|| {
        let listeners: Vec<_> = (9000..9050)
            .map(|port| listener(&format!("127.0.0.1:{port}")))
            .collect();
        let shared: Vec<_> = listeners.iter().collect();
        let _holders: Vec<_> = (0..50).map(|_| Holder::called("shared", &shared)).collect();
        let said = sockeye(&["list", "--json", ":9000-9049"]);
        assert_eq!(said.out.matches("\"executable\":").count(), 51);
        let listing = said.json();
        let sockets = listing["sockets"].as_array().unwrap();
        assert_eq!(sockets.len(), 50);
        for socket in sockets {
            assert_eq!(socket["pids"].as_array().unwrap().len(), 51);
        }
    });
}

#[test]
fn each_line_of_ndjson_is_complete() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["list", "--ndjson", "-a"]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        let whole = listing(&["-a"]);
        let without_times = |socket: &Value| {
            let mut socket = socket.clone();
            socket["first_seen"] = Value::Null;
            // Of a connection it is as exact as the moment of a reading.
            socket["state_since"] = Value::Null;
            socket
        };
        let lines = said.lines_of_json();
        let sockets: Vec<_> = lines
            .iter()
            .map(|line| without_times(&line["socket"]))
            .collect();
        let listed = whole["sockets"].as_array().unwrap().iter();
        assert_eq!(sockets, listed.map(without_times).collect::<Vec<_>>());
        for line in &lines {
            assert_eq!(
                (&line["schema"], &line["kind"]),
                (&2.into(), &"present".into())
            );
            assert_eq!(line["processes"], whole["processes"]);
            assert_eq!(line["at"], line["socket"]["first_seen"]);
        }
        let said = sockeye(&["list", "--ndjson", ":81"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
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
        assert_eq!(listener["pids"], json!([std::process::id()]));
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
                    && socket["pids"] == Value::Array(Vec::new())
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
        let listing = said.json();
        assert_eq!(listing["sockets"], Value::Array(Vec::new()));
    });
}

/// How far two times are apart, in seconds; 0 if neither is known.
fn apart(one: &Value, other: &Value) -> f64 {
    let time = |value: &Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
    match (time(one), time(other)) {
        (Some(one), Some(other)) => one.duration_since(other).as_secs_f64().abs(),
        (None, None) => 0.0,
        _ => f64::INFINITY,
    }
}

#[test]
fn a_recording_gives_the_same_object() {
    stage(|| {
        let sockets = Sockets::open();
        let file = TempFile::new("recording.seg");
        let then = listing(&["-a", "--record", file.path()]);
        drop(sockets);
        let mut replayed = listing(&["-a", "--replay", file.path()]);
        for (now, then) in replayed["sockets"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .zip(then["sockets"].as_array().unwrap())
        {
            // A recording has them in tenths of a second.
            assert!(apart(&now["state_since"], &then["state_since"]) <= 0.1);
            now["state_since"] = then["state_since"].clone();
        }
        assert_eq!(replayed, then);
    });
}

#[test]
fn a_check_prints_each_target_with_its_cause() {
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
        let check = said.json();
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
fn the_sockets_in_the_way_are_printed_like_those_of_list() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["check", "--json", "8080"]);
        let check = said.json();
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
        assert_eq!(blocker["pids"], json!([pid]));
        let listing = listing(&[":8080", "state:listen"]);
        let mut process = check["processes"][pid.to_string()].clone();
        // Only `check` queries systemd.
        process["unit"] = Value::Null;
        assert_eq!(process, listing["processes"][pid.to_string()]);
        let mut listed = listing["sockets"][0].clone();
        for one in [&mut blocker, listed.as_object_mut().unwrap()] {
            one.remove("first_seen");
        }
        assert_eq!(Value::Object(blocker), listed);
    });
}

/// A test that runs the program by itself, and not by a helper that holds what it prints against the schemas, says so.
#[test]
fn every_json_that_a_test_reads_is_checked_against_its_schema() {
    // These have no JSON of their own.
    const UNREAD: [&str; 2] = [
        "fn closed_pipe(",
        "fn the_exit_code_does_not_depend_on_the_reader(",
    ];
    let is_read = |item: &str| {
        let runs = item.contains("BINARY") || item.contains("CARGO_BIN_EXE");
        let prints_json = item.contains("--json") || item.contains("--ndjson");
        let is_held = ["hold(", "valid(", "Said::of("];
        runs && prints_json
            && !is_held.iter().any(|call| item.contains(call))
            && !UNREAD.iter().any(|one| item.contains(one))
    };
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut folders = vec![tests];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let unheld = text.split("\n}\n").find(|item| is_read(item));
                assert_eq!(unheld, None, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 100, "{files}");
}
