//! Runs a test's body in user, network, pid, mount and control group namespaces of its own, without root.
//!
//! A multi-threaded process cannot enter a new user namespace, so the test runs itself again: the
//! outer run starts this very binary under `unshare` with the loopback up and only this one
//! test selected; the inner run executes the body. There the test owns every socket and every process, so a
//! table can be compared row by row with what the test opened. Without a pid namespace it would also see the
//! machine's processes, and through them the ports of the machine's namespace and of every container.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const INSIDE: &str = "SOCKEYE_TEST_INSIDE_NETNS";

/// What every test gets: sockets, interfaces, mounts and a control group of its own.
const ALONE: [&str; 3] = ["--net", "--mount", "--cgroup"];

/// Its processes are all that `/proc` has.
const PIDS: [&str; 3] = ["--pid", "--fork", "--mount-proc"];

/// The first pid namespace, as the kernel numbers it.
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// What makes an ordinary user root of the namespaces.
const AS_ROOT: [&str; 2] = ["--user", "--map-root-user"];

/// Which process of its pid namespace the test is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Below a shell, as on a usual machine.
    Below,
    /// The first one: the next pid is then the test's to choose.
    First,
    /// In the machine's, beside everything that runs there.
    Machine,
}

/// Runs `body` inside a fresh namespace. `name` is the test's path in its folder (`module::function`), or
/// all of it as `cargo test` prints it. Where namespaces can't be made, says so and returns, unless `netns`
/// is required.
pub fn in_netns<Body: FnOnce()>(name: &str, body: Body) {
    in_namespaces(name, &AS_ROOT, Place::Below, body);
}

/// The same for a test whose body is a closure: it is named by the closure's type,
/// `binary::folder::module::test::{{closure}}`; were that ever spelled otherwise, no such test would be found
/// and it would fail.
pub fn stage<Body: FnOnce()>(body: Body) {
    in_netns(name_of::<Body>(), body);
}

/// The same where the test is the first process of its pid namespace. There it says which pid the next
/// process gets.
pub fn stage_with_pids<Body: FnOnce()>(body: Body) {
    in_pidns(name_of::<Body>(), body);
}

/// The same for a test of this name, see [`in_netns`].
pub fn in_pidns<Body: FnOnce()>(name: &str, body: Body) {
    in_namespaces(name, &AS_ROOT, Place::First, body);
}

/// The same with every user of this machine where root runs the tests, see [`in_netns_with_users`].
pub fn in_pidns_with_users<Body: FnOnce()>(name: &str, body: Body) {
    in_namespaces(name, as_root_if_needed(), Place::First, body);
}

/// The same as [`stage`], but the machine's processes are seen: only in the first pid namespace is it known
/// that no process has a socket. A test for that says so where it runs in a container, and fails where
/// `first-pidns` is required.
pub fn stage_in_first_pidns<Body: FnOnce()>(body: Body) {
    let name = name_of::<Body>();
    let own = fs::read_link("/proc/self/ns/pid").expect("/proc is mounted");
    if own.as_os_str() == FIRST_PID_NAMESPACE {
        in_namespaces(name, &AS_ROOT, Place::Machine, body);
    } else {
        assert!(
            !super::is_required("first-pidns"),
            "the first pid namespace is required, but this is another"
        );
        eprintln!("NOT RUN: {name}: this is not the first pid namespace");
    }
}

/// The path of the test that contains a closure.
pub fn name_of<Body>() -> &'static str {
    let path = std::any::type_name::<Body>();
    let path = path.strip_suffix("::{{closure}}").unwrap_or(path);
    path.split_once("::").map_or(path, |(_, name)| name)
}

/// The same as [`in_netns`] with every user of this machine where root runs the tests: in a user namespace
/// of its own there is only one. For an ordinary user it is [`in_netns`].
pub fn in_netns_with_users<Body: FnOnce()>(name: &str, body: Body) {
    in_namespaces(name, as_root_if_needed(), Place::Below, body);
}

/// The same, for a test that puts other files in the place of `/etc`'s: the mounts are its own too.
pub fn in_netns_with_files<Body: FnOnce()>(name: &str, body: Body) {
    in_netns(name, body);
}

fn as_root_if_needed() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() {
        &[]
    } else {
        &AS_ROOT
    }
}

/// Whether there is more than one user here: in the first user namespace every one exists. A test that
/// needs them fails where they are required.
pub fn has_users() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").expect("/proc is mounted");
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

/// The machine may keep a history, which is not that of the namespace.
const NO_HISTORY: &str =
    "if [ -d /var/lib/sockeye ]; then mount -t tmpfs none /var/lib/sockeye; fi";

fn in_namespaces<Body: FnOnce()>(name: &str, rights: &[&str], place: Place, body: Body) {
    let name = whole_name::<Body>(name);
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return body();
    }
    if let Err(reason) = namespaces_work(rights) {
        assert!(
            !super::is_required("netns"),
            "namespaces are required, but {reason}"
        );
        eprintln!("NOT RUN: {name}: {reason}");
        return;
    }
    // A shell that stays is the first process: it takes what is left behind, as on any machine.
    let run = match place {
        Place::Below => r#""$0" --exact "$1" --nocapture --test-threads=1; exit"#,
        Place::First | Place::Machine => r#"exec "$0" --exact "$1" --nocapture --test-threads=1"#,
    };
    let pids: &[&str] = if place == Place::Machine { &[] } else { &PIDS };
    let folder = Folder::new();
    let output = unshare(rights, pids)
        .arg(format!("ip link set lo up; {NO_HISTORY}; {run}"))
        .arg(std::env::current_exe().expect("the test knows its own path"))
        .arg(&name)
        .env(INSIDE, &name)
        .env("TMPDIR", &folder.0)
        .env("XDG_STATE_HOME", &folder.0)
        .stdin(Stdio::null())
        .output()
        .expect("unshare starts");
    let (out, err) = (utf8(&output.stdout), utf8(&output.stderr));
    print!("{out}");
    eprint!("{err}");
    assert!(
        output.status.success(),
        "inside the namespaces: {}",
        output.status
    );
    assert!(
        out.contains("1 passed"),
        "no test named {name:?} ran inside the namespaces"
    );
}

/// A folder for the files of one test. Names that end in its pid are no use: it has the same in every namespace.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sockeye-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("the name is new");
        // As /tmp is: other users make files too.
        let everyone = fs::Permissions::from_mode(0o1777);
        fs::set_permissions(&path, everyone).expect("it is the test's own");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn unshare(rights: &[&str], pids: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(rights).args(ALONE).args(pids);
    command.args(["--kill-child", "sh", "-ec"]);
    command
}

/// Tried once with each rights.
fn namespaces_work(rights: &[&str]) -> Result<(), String> {
    static TRIED: [OnceLock<Result<(), String>>; 2] = [OnceLock::new(), OnceLock::new()];
    let attempt = || match unshare(rights, &PIDS).arg("ip link set lo up").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("unshare failed: {}", utf8(&output.stderr).trim())),
        Err(error) => Err(format!("unshare can't be started: {error}")),
    };
    TRIED[usize::from(rights.is_empty())]
        .get_or_init(attempt)
        .clone()
}

fn utf8(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
