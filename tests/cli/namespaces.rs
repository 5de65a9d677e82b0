//! `--namespace`: whose sockets are listed and watched, and what a name that means nothing leads to. The rows are those of
//! a recording, which has namespaces on every machine.

use std::time::{Duration, Instant};

use serde_json::json;

use super::scene::{Said, TempFile, sockeye, stage};

const CONTAINER: &str = r#"{"engine":"docker","id":"0123456789ab","name":"web","image":"nginx:1"}"#;

/// A port of ours that leads into the container web, that port there, one in a namespace without a container, and one that
/// only a rule publishes.
fn snapshot(second: u32, has_blue: bool) -> String {
    let socket = |port: u16, state: &str, more: &str| {
        format!(
            r#"{{"protocol":"tcp","local":{{"address":"0.0.0.0","port":{port}}},"state":"{state}","inode":{port},{more}}}"#
        )
    };
    let published = |by: &str| {
        format!(
            r#""published":{{"by":"{by}","container":{CONTAINER},"address":"172.17.0.2","port":80,"process":[390,"nginx"]}}"#
        )
    };
    let proxy = format!(r#""owner":"known","pids":[318],{}"#, published("proxy"));
    let rule = format!(r#""owner":"none",{}"#, published("rule"));
    let mut sockets = vec![
        socket(8080, "LISTEN", &proxy),
        socket(
            80,
            "LISTEN",
            r#""owner":"known","pids":[390],"namespace":1"#,
        ),
        socket(8081, "DNAT", &rule),
    ];
    if has_blue {
        sockets.push(socket(5432, "LISTEN", r#""owner":"none","namespace":2"#));
    }
    let namespaces = format!(
        r#"{{"id":1,"inode":4026532254,"name":"web","container":{CONTAINER}}},{{"id":2,"name":"=blue"}}"#
    );
    let process = |pid: u32, name: &str| {
        format!(
            r#"{{"pid":{pid},"parent":1,"name":"{name}","comm":"{name}","command":null,"started_at":null,"user":null}}"#
        )
    };
    let processes = [process(318, "docker-proxy"), process(390, "nginx")].join(",");
    let sockets = sockets.join(",");
    format!(
        r#"{{"schema":1,"taken_at":{{"steady":{{"secs":{second},"nanos":0}},"wall":"2026-11-28T03:11:{second:02}Z"}},"namespaces":[{namespaces}],"sockets":[{sockets}],"processes":[{processes}],"problems":[]}}"#
    ) + "\n"
}

fn recording(name: &str) -> TempFile {
    let blue = [false, true, true, false, false];
    let lines = (1..).zip(blue).map(|(second, has)| snapshot(second, has));
    TempFile::containing(name, &lines.collect::<String>())
}

/// The recording's third snapshot.
fn listed(name: &str, args: &[&str]) -> Said {
    let file = recording(name);
    let replay = ["list", "--replay", file.path(), "--at", "2s"];
    sockeye(&[&replay, args].concat())
}

#[test]
fn a_namespace_is_chosen_by_its_name_its_number_its_container_or_a_process_in_it() {
    for (which, ports) in [
        (&[][..], &[8080, 8081][..]),
        (&["-N", "own"], &[8080, 8081]),
        (&["-N", "all"], &[80, 5432, 8080, 8081]),
        (&["-N", "web"], &[80]),
        (&["-N", "=blue"], &[5432]),
        (&["--namespace", "01234"], &[80]),
        (&["-N", "4026532254"], &[80]),
        (&["-N", "390"], &[80]),
        (&["-N", "318"], &[8080, 8081]),
        (&["-N", "all", "ns:we"], &[80]),
        (&["-N", "all", "container:nginx"], &[80, 8080, 8081]),
        (&["-N", "all", "!is:own"], &[80, 5432]),
        (&["is:published"], &[8080, 8081]),
        (&["state:dnat"], &[8081]),
        (&["172.17.0.2"], &[8080, 8081]),
    ] {
        let said = listed("which.jsonl", which);
        assert_eq!(
            (said.code, &*said.ports()),
            (0, ports),
            "{which:?}: {said:?}"
        );
    }
}

#[test]
fn an_unknown_namespace_is_a_usage_error_in_one_line() {
    let said = listed("unknown.jsonl", &["-N", "wep"]);
    assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
    let line = "sockeye: --namespace: unknown network namespace `wep`; did you mean `web`? \
                Those with sockets: web and =blue\n";
    assert_eq!(said.err, line);
}

#[test]
fn json_has_the_namespace_and_what_a_port_publishes() {
    let said = listed("json.jsonl", &["-N", "all", "--json"]);
    let listing = said.json();
    let sockets = listing["sockets"].as_array().unwrap();
    let find = |port: u16| {
        let mut all = sockets.iter();
        all.find(|one| one["local"]["port"] == port).unwrap()
    };
    let container =
        json!({"engine": "docker", "id": "0123456789ab", "name": "web", "image": "nginx:1"});
    let published = json!({
        "by": "proxy", "relay": null, "container": container, "address": "172.17.0.2", "port": 80,
        "process": {"pid": 390, "name": "nginx"},
    });
    let proxy = find(8080);
    assert_eq!(
        (&proxy["namespace"], &proxy["published"]),
        (&json!(null), &published)
    );
    assert_eq!(proxy["container"], "web");
    let inside = find(80);
    let namespace = json!({"inode": 4_026_532_254_u64, "name": "web", "container": container});
    assert_eq!(
        (&inside["namespace"], &inside["published"]),
        (&namespace, &json!(null))
    );
    assert_eq!(inside["container"], "web");
    let blue = json!({"inode": null, "name": "=blue", "container": null});
    assert_eq!(
        (&find(5432)["namespace"], &find(5432)["container"]),
        (&blue, &json!(null))
    );
    assert_eq!(
        (&find(8081)["state"], &find(8081)["published"]["by"]),
        (&json!("DNAT"), &json!("rule"))
    );
}

#[test]
fn csv_has_them_after_the_others_and_no_name_is_a_formula() {
    let said = listed("csv.jsonl", &["-N", "all", "--csv"]);
    let line = |start: &str| {
        let mut lines = said.out.lines();
        lines
            .find(|line| line.starts_with(start))
            .unwrap()
            .to_owned()
    };
    let names = ",namespace,namespace_inode,published,published_by,processes_branch,";
    assert!(line("protocol,").contains(names));
    // The columns after them have nothing here.
    assert!(line("tcp,ipv4,0.0.0.0,80,").ends_with(",web,4026532254,,,,,,,,"));
    assert!(line("tcp,ipv4,0.0.0.0,5432,").ends_with(",'=blue,,,,,,,,,"));
    let published = ",,,web:80 nginx (172.17.0.2),proxy,,,,,,";
    assert!(line("tcp,ipv4,0.0.0.0,8080,").ends_with(published));
}

#[test]
fn changes_say_where_and_a_namespace_that_ends_closes_its_rows() {
    let file = recording("watch.jsonl");
    let watched = |which: &[&str]| {
        let said = sockeye(&[&["watch", "--replay", file.path()], which].concat());
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        // Without date and time.
        let lines = said.out.lines().map(|line| line[24..].to_owned());
        lines.collect::<Vec<_>>()
    };
    let blue = [
        "+ tcp 0.0.0.0:5432 in =blue  opened LISTEN  –",
        "- tcp 0.0.0.0:5432 in =blue  closed LISTEN  –",
    ];
    // A recording may have the namespace later.
    let only = watched(&["-N", "=blue"]);
    assert_eq!(only, blue);
    let all = watched(&["-N", "all"]);
    assert_eq!(all[..1], ["= tcp 0.0.0.0:80 in web  LISTEN  nginx(390)"]);
    assert_eq!((all.len(), &all[3..]), (5, &blue.map(String::from)[..]));
    let json = sockeye(&["watch", "--replay", file.path(), "-N", "=blue", "--json"]);
    let lines = json.lines_of_json();
    assert_eq!(
        (&lines[1]["kind"], &lines[1]["socket"]["namespace"]["name"]),
        (&json!("opened"), &json!("=blue"))
    );
    let none = sockeye(&["watch", "--replay", file.path(), "-N", "red"]);
    assert_eq!((none.code, &*none.out), (2, ""), "{none:?}");
}

#[test]
fn a_process_of_our_namespace_is_in_our_namespace() {
    stage(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let pid = std::process::id().to_string();
        for args in [
            &["list", "-N", &pid][..],
            &["watch", "-N", &pid, "--for", "0"],
        ] {
            let said = sockeye(args);
            assert!(
                said.code == 0 && said.out.contains(&port.to_string()),
                "{said:?}"
            );
        }
        let waited = sockeye(&["wait", "-N", &pid, &port.to_string(), "--timeout", "5"]);
        assert_eq!(waited.code, 0, "{waited:?}");
    });
}

#[test]
fn a_name_that_no_namespace_has_is_refused_unless_a_listener_is_waited_for() {
    stage(|| {
        let unknown = "unknown network namespace `no such name`";
        for args in [
            &["list"][..],
            &["watch", "--for", "5s"],
            &["wait", "80", "--for", "free"],
        ] {
            let said = sockeye(&[args, &["-N", "no such name"]].concat());
            assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
            assert!(
                said.err.contains(unknown) && said.err.lines().count() == 1,
                "{said:?}"
            );
        }
        // Its container may start until the time is over.
        let began = Instant::now();
        let wait = ["wait", "80", "-N", "no such name", "--interval=50ms"];
        let said = sockeye(&[&wait[..], &["--timeout", "0.3"]].concat());
        assert!(began.elapsed() >= Duration::from_millis(300), "{said:?}");
        assert_eq!(said.code, 1, "{said:?}");
        let line = format!("sockeye: timed out: 80: nothing is listening: {unknown}");
        assert!(said.err.starts_with(&line), "{said:?}");
    });
}
