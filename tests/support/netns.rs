//! Runs a test's body in a user and network namespace of its own, without root.
//!
//! A multi-threaded process cannot enter a new user namespace, so the test runs itself again: the
//! outer run starts this very binary under `unshare -Urn` with the loopback up and only this one
//! test selected; the inner run executes the body. There the test owns every socket of the
//! namespace, so a table can be compared row by row with what the test opened.

use std::process::{Command, Stdio};

const INSIDE: &str = "SOCKEYE_TEST_INSIDE_NETNS";

/// Runs `body` inside a fresh namespace. `name` is the test's path in its folder (`module::function`), or
/// all of it as `cargo test` prints it. Where namespaces can't be made, says so and returns, unless `netns`
/// is required.
pub fn in_netns(name: &str, body: impl FnOnce()) {
    in_netns_with(name, &["-Urn"], body);
}

/// The same for a test whose body is a closure: it is named by the closure's type,
/// `binary::folder::module::test::{{closure}}`; were that ever spelled otherwise, no such test would be found
/// and it would fail.
pub fn stage<Body: FnOnce()>(body: Body) {
    in_netns(name_of::<Body>(), body);
}

/// The same in a pid namespace of its own as well, whose first process the test is. There it says which
/// pid the next process gets.
pub fn stage_with_pids<Body: FnOnce()>(body: Body) {
    in_pidns(name_of::<Body>(), body);
}

/// The same for a test of this name, see [`in_netns`].
pub fn in_pidns(name: &str, body: impl FnOnce()) {
    in_netns_with(name, &["-Urnpf", "--mount-proc"], body);
}

/// The same with every user of this machine where root runs the tests, see [`in_netns_with_users`].
pub fn in_pidns_with_users(name: &str, body: impl FnOnce()) {
    let is_root = rustix::process::geteuid().is_root();
    let flags = if is_root { "-npf" } else { "-Urnpf" };
    in_netns_with(name, &[flags, "--mount-proc"], body);
}

/// The path of the test that a closure stands in.
pub fn name_of<Body>() -> &'static str {
    let path = std::any::type_name::<Body>();
    let path = path.strip_suffix("::{{closure}}").unwrap_or(path);
    path.split_once("::").map_or(path, |(_, name)| name)
}

/// The same with every user of this machine where root runs the tests: in a user namespace of its own
/// there is only one. For an ordinary user it is [`in_netns`].
pub fn in_netns_with_users(name: &str, body: impl FnOnce()) {
    let is_root = rustix::process::geteuid().is_root();
    let flags: &[&str] = if is_root { &["-n"] } else { &["-Urn"] };
    in_netns_with(name, flags, body);
}

/// The same with mounts of its own too, so that a test may put other files in the place of `/etc`'s.
pub fn in_netns_with_files(name: &str, body: impl FnOnce()) {
    in_netns_with(name, &["-Urnm"], body);
}

/// Whether there is more than one user here: in the first user namespace every one exists. A test that
/// needs them fails where they are required.
pub fn has_users() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").expect("/proc is mounted");
    let has_users = map.trim_start().starts_with("0          0");
    assert!(
        has_users || !super::is_required("users"),
        "other users are required, but this namespace has one"
    );
    has_users
}

/// The whole path of the test of this name: the folder, which a name may leave out, is the one that the
/// closure is in.
fn whole_name<Body>(name: &str) -> String {
    let path = name_of::<Body>();
    let folder = path.split_once("::").map_or(path, |(folder, _)| folder);
    if name.split("::").next() == Some(folder) {
        name.to_owned()
    } else {
        format!("{folder}::{name}")
    }
}

fn in_netns_with<Body: FnOnce()>(name: &str, flags: &[&str], body: Body) {
    let name = whole_name::<Body>(name);
    let name = name.as_str();
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return body();
    }
    if let Err(reason) = namespaces_work(flags) {
        assert!(
            !super::is_required("netns"),
            "network namespaces are required, but {reason}"
        );
        eprintln!("NOT RUN: {name}: {reason}");
        return;
    }
    let output = unshare(flags)
        .arg("ip link set lo up && exec \"$0\" --exact \"$1\" --nocapture --test-threads=1")
        .arg(std::env::current_exe().expect("the test knows its own path"))
        .arg(name)
        .env(INSIDE, name)
        .stdin(Stdio::null())
        .output()
        .expect("unshare starts");
    let (out, err) = (utf8(&output.stdout), utf8(&output.stderr));
    print!("{out}");
    eprint!("{err}");
    assert!(
        output.status.success(),
        "inside the namespace: {}",
        output.status
    );
    assert!(
        out.contains("1 passed"),
        "no test named {name:?} ran inside the namespace"
    );
}

fn unshare(flags: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(flags).args(["--kill-child", "sh", "-ec"]);
    command
}

fn namespaces_work(flags: &[&str]) -> Result<(), String> {
    match unshare(flags).arg("ip link set lo up").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("unshare failed: {}", utf8(&output.stderr).trim())),
        Err(error) => Err(format!("unshare can't be started: {error}")),
    }
}

fn utf8(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
