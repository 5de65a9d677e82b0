//! The sockets of every network namespace of a machine with real engines: forty namespaces of eight kinds,
//! compared with `ss` inside each and with the programs that opened them.
//!
//! With `SOCKEYE_ADVICE_OWN` none of it runs `sockeye`: whether the scene is as it says is then known without it.

mod churn;
mod ends;
mod forty;
mod published;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::apart::{Apart, Viewer, differences};
use crate::schema::valid;
use crate::stage::{SOCKEYE, on_stage};
use crate::started::{User, printed};
use forty::{Forty, NAMESPACES, without_proxy};

/// How often a listing is compared at most: engines close sockets of the set-up's own meanwhile.
const ATTEMPTS: usize = 3;

/// Whether `sockeye` is left out, as in the other scenes.
fn is_own() -> bool {
    std::env::var_os("SOCKEYE_ADVICE_OWN").is_some()
}

/// The helper `sockets_apart`, where every user may run it.
fn helper() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/support/helpers/sockets_apart.c"
        );
        let built = PathBuf::from("/run/stage/sockets_apart");
        let mut command = Command::new("cc");
        command.args(["-O1", "-o"]).arg(&built).arg(source);
        let output = command.arg("-lpthread").output().expect("cc starts");
        assert!(output.status.success(), "{}", printed(&output));
        built
    })
}

/// What `sockeye` lists for this user.
fn listed(user: User, options: &str) -> Value {
    let line = format!("{SOCKEYE} list --json -a {options}");
    let output = user.shell(&line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", printed(&output));
    valid(&String::from_utf8_lossy(&output.stdout))
}

/// Compares what is listed with what is there; the differences of the last attempt.
fn compared(user: User, now: impl Fn() -> Vec<Apart>, viewer: Viewer) -> Vec<String> {
    let mut wrong = Vec::new();
    for _ in 0..ATTEMPTS {
        let before = now();
        let listing = listed(user, "-N all");
        wrong = differences(&listing, &before, &now(), viewer);
        if wrong.is_empty() {
            break;
        }
    }
    let name = user.name();
    wrong.iter().map(|one| format!("{name}: {one}")).collect()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn forty_of_eight_kinds() {
    on_stage("namespaces::forty_of_eight_kinds", "docker", || {
        let scene = Forty::new();
        let mut wrong = scene.faults(NAMESPACES);
        assert_none(&wrong);
        if is_own() {
            return;
        }
        wrong.extend(compared(User::Root, || scene.now(), Viewer::Root));
        wrong.extend(compared(User::Bob, || scene.now(), Viewer::Ordinary));
        let listing = listed(User::Root, "-N all");
        wrong.extend(published::differences(&listing, &scene.published));
        wrong.extend(chosen(&scene));
        assert_none(&wrong);
    });
}

/// One namespace alone, by the name of a container or of `ip netns`.
fn chosen(scene: &Forty) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in ["d0", "q1", "p0", "r0 (ann)", "web0", "left0"] {
        let all = scene.now();
        let is_it = |one: &&Apart| regex::Regex::new(&one.name).unwrap().is_match(name);
        let is_other = |one: &&Apart| one.inode.is_some();
        let of_name: Vec<_> = all.iter().filter(is_other).filter(is_it).cloned().collect();
        let listing = listed(User::Root, &format!("-N '{name}'"));
        let found = differences(&listing, &of_name, &of_name, Viewer::Root);
        wrong.extend(found.iter().map(|one| format!("-N {name}: {one}")));
    }
    wrong
}

/// The engine without proxies has its files at the same places, so it has a stage of its own.
#[test]
fn of_docker_without_proxies() {
    on_stage("namespaces::of_docker_without_proxies", "docker", || {
        let scene = without_proxy();
        let mut wrong = scene.faults(4);
        assert_none(&wrong);
        if is_own() {
            return;
        }
        wrong.extend(compared(User::Root, || scene.now(), Viewer::Root));
        wrong.extend(compared(User::Bob, || scene.now(), Viewer::Ordinary));
        let listing = listed(User::Root, "-N all");
        wrong.extend(published::differences(&listing, &scene.published));
        assert_none(&wrong);
    });
}
