//! Many worktrees that start all their services at once, round after round: 64 × 3 servers, half of which are handed
//! their socket and half of which bind a port that is kept. `SOCKEYE_FLEET_ROUNDS=100` for a hundred rounds.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read as _;
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use sockeye::bind::{Address, PortRequest, SERVICE_PORTS, service_ports, skip_reason};
use sockeye::model::{Limits, Services};

use crate::cli::background::Running;
use crate::cli::scene::{BINARY, stage};
use crate::program::built;

const WORKTREES: usize = 64;
const SERVICES: [&str; 3] = ["web", "api", "db"];

/// A server's worktree and service.
type Name = (usize, &'static str);

fn rounds() -> usize {
    let rounds = std::env::var("SOCKEYE_FLEET_ROUNDS");
    rounds.map_or(2, |rounds| rounds.parse().expect("a number"))
}

fn worktree(number: usize) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("shop/.worktrees/{number}"));
    fs::create_dir_all(&folder).unwrap();
    // As git makes it in a worktree: a file.
    fs::write(folder.join(".git"), "gitdir: elsewhere\n").unwrap();
    folder.canonicalize().unwrap()
}

/// The port that a service has if it can.
fn usual_port(worktree: &Path, service: &str, range: RangeInclusive<u16>) -> u16 {
    let (limits, services) = (Limits::default(), Services::default());
    let request = PortRequest {
        tcp: true,
        udp: true,
        address: Address::Every,
    };
    let mut ports = service_ports(worktree, service, range);
    let is_good = |port: &u16| skip_reason(&request, *port, &limits, &services).is_none();
    ports.find(is_good).unwrap()
}

/// What the server on this port answers.
fn answer(port: u16) -> String {
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn no_two_services_of_many_worktrees_share_a_port_and_each_keeps_its_own() {
    stage(|| start_all_at_once(None));
}

/// 192 services in 240 ports: most find their first ports taken, and many search at the same time.
#[test]
fn no_two_services_share_a_port_where_few_are_left() {
    stage(|| start_all_at_once(Some(20_000..=20_239)));
}

fn start_all_at_once(range: Option<RangeInclusive<u16>>) {
    let server = built("cli/helpers/named.c");
    let worktrees: Vec<_> = (0..WORKTREES).map(worktree).collect();
    let names = || (0..WORKTREES).flat_map(|number| SERVICES.map(|service| (number, service)));
    let all = range.clone().unwrap_or(SERVICE_PORTS);
    let port_of = |(number, service): Name| usual_port(&worktrees[number], service, all.clone());
    let usual: HashMap<Name, u16> = names().map(|name| (name, port_of(name))).collect();
    let range = range.map(|range| format!("{}-{}", range.start(), range.end()));
    let start = |(number, service): Name, is_kept: bool| {
        let mut command = Command::new(BINARY);
        command.args(["free", "--stable", "--for", ".", "--name", service]);
        command.args(&range).args(is_kept.then_some("--hold"));
        command
            .arg("--")
            .arg(&server)
            .arg(format!("{number} {service}"));
        Running::start(command.current_dir(&worktrees[number]))
    };
    let began = Instant::now();
    let (mut starts, mut moved) = (0, 0);
    for round in 0..rounds() {
        let start = |name: Name| (name, start(name, (name.0 + round).is_multiple_of(2)));
        let fleet: Vec<(Name, Running)> = names().map(start).collect();
        let mut ports = HashMap::new();
        for (name, running) in &fleet {
            let port = running.port();
            assert_eq!(answer(port), format!("{} {}", name.0, name.1), "{port}");
            let other = ports.insert(port, *name);
            assert_eq!(other, None, "{name:?} has {port}, too");
        }
        for (port, name) in &ports {
            let is_usual = *port == usual[name];
            assert!(
                is_usual || ports.contains_key(&usual[name]),
                "{name:?} left a free port"
            );
            moved += usize::from(!is_usual);
        }
        starts += fleet.len();
        end(fleet);
    }
    let shared = usual.len() - usual.values().collect::<HashSet<_>>().len();
    eprintln!(
        "{starts} starts in {:.0?}: no port twice, every answer right; {shared} of {} services have the usual port of \
         another, {moved} starts were on another port than the usual one",
        began.elapsed(),
        usual.len(),
    );
}

/// Ends the servers, all of which are still there.
fn end(fleet: Vec<(Name, Running)>) {
    for (name, running) in &fleet {
        assert!(running.is_running(), "{name:?}");
        running.signal(Signal::TERM);
    }
    for (name, running) in fleet {
        let code = running.end().code;
        assert!(matches!(code, None | Some(143)), "{name:?}: {code:?}");
    }
}
