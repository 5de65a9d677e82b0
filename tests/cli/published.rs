//! What rules of the packet filter publish on this machine, and what any user can do about it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::apart::Kept;
use crate::cli::scene::{sockeye, stage};
use crate::program::built;
use crate::support::is_required;
use crate::support::netns::{has_users, in_netns_with_users};

fn run(line: &str) -> bool {
    let status = Command::new("sh").args(["-ec", line]).status();
    status.unwrap().success()
}

/// Whether rules can be loaded here; says so and fails where that is required.
fn has_rules() -> bool {
    let works = run("iptables -t nat -S >/dev/null 2>&1");
    assert!(works || !is_required("iptables"), "iptables is required");
    if !works {
        eprintln!("NOT RUN: iptables does not work here");
    }
    works
}

/// A namespace `web` with a server and the address 10.9.0.2, and rules that send ports there.
fn serving(program: &Path) -> Kept {
    let made = "mount -t tmpfs -o mode=755 tmpfs /run; ip netns add web; \
        ip -n web addr add 10.9.0.2/32 dev lo; ip -n web link set lo up";
    assert!(run(made));
    let to = "-j DNAT --to-destination 10.9.0.2:80";
    let add = "iptables -t nat -A";
    assert!(run(&format!(
        "{add} PREROUTING -p tcp --dport 18000 {to}; \
         {add} PREROUTING -p tcp --dport 18001 -s 203.0.113.7 {to}; \
         {add} PREROUTING -p tcp --dport 18002 -d 127.0.0.0/24 {to}; \
         {add} OUTPUT -p tcp --dport 18003 {to}"
    )));
    let mut served = Command::new("ip");
    served.args(["netns", "exec", "web"]).arg(program);
    Kept::start_by(served, "here", &["listen:80"])
}

fn rows(args: &[&str]) -> Vec<Value> {
    let listing = sockeye(&[&["list", "--json"], args].concat()).json();
    listing["sockets"].as_array().unwrap().clone()
}

/// `list is:published` printed nothing: what a port publishes is known only if the other namespaces are read.
#[test]
fn published_ports_are_listed_without_another_option() {
    stage(|| {
        if !has_rules() {
            return;
        }
        let _served = serving(&built("support/helpers/sockets_apart.c"));
        let rows = rows(&["is:published"]);
        // What is sent there under a condition is not published.
        assert_eq!(rows.len(), 1, "{rows:#?}");
        assert_eq!(rows[0]["local"]["port"], 18000);
        assert_eq!(rows[0]["state"], "DNAT");
        assert_eq!(rows[0]["namespace"], Value::Null);
        assert_eq!(rows[0]["published"]["process"]["name"], "sockets_apart");
    });
}

/// Another user's namespace with the same address was the one that root's rule led to.
#[test]
fn the_namespace_of_another_user_does_not_answer_for_an_address_of_root_s() {
    stage(|| {
        if !has_rules() {
            return;
        }
        let program = built("support/helpers/sockets_apart.c");
        let served = serving(&program);
        drop(served);
        assert!(run("ip netns del web"));
        let mut forged = Command::new("unshare");
        let script = "ip addr add 10.9.0.2/32 dev lo; ip link set lo up; exec \"$@\"";
        forged.args(["--user", "--map-root-user", "--net"]);
        forged.args(["sh", "-ec", script, "sh"]).arg(&program);
        let _forged = Kept::start_by(forged, "here", &["listen:80"]);
        // The rule is there still, but nothing of the user is behind it.
        let rows = rows(&["is:published"]);
        assert!(!rows.is_empty());
        for row in &rows {
            let published = &row["published"];
            assert_eq!(published["address"], "10.9.0.2", "{row:#}");
            assert!(
                published["process"].is_null() && published["container"].is_null(),
                "{row:#}"
            );
        }
    });
}

/// A shell that another user calls `conmon -n payments`, with a child in a namespace of its own, made that `payments`.
#[test]
fn a_forged_monitor_of_another_user_names_no_namespace() {
    const NAME: &str = "published::a_forged_monitor_of_another_user_names_no_namespace";
    in_netns_with_users(NAME, || {
        if !has_users() {
            return;
        }
        let id = "0123456789abcdef".repeat(4);
        let mut forged = Command::new("setpriv");
        forged.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "bash",
            "-c",
        ]);
        let child = "unshare --user --map-root-user --net sh -ec 'echo $$; cat >/dev/null' & wait";
        let script = format!("exec -a conmon bash -c \"$0\" -c {id} -n payments");
        forged.args([&*script, child]);
        let (stdin, stdout) = (std::process::Stdio::piped(), std::process::Stdio::piped());
        let mut forged = forged.stdin(stdin).stdout(stdout).spawn().unwrap();
        let mut line = String::new();
        let mut printed = std::io::BufReader::new(forged.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut printed, &mut line).unwrap();
        assert!(line.trim().parse::<u32>().is_ok(), "{line}");
        let said = sockeye(&["list", "-N", "payments"]);
        drop(forged.stdin.take());
        forged.kill().unwrap();
        forged.wait().unwrap();
        assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
    });
}
