//! Runs a test's body in a user and network namespace of its own, without root.
//!
//! A multi-threaded process cannot enter a new user namespace, so the test runs itself again: the
//! outer run starts this very binary under `unshare -Urn` with the loopback up and only this one
//! test selected; the inner run executes the body. There the test owns every socket of the
//! namespace, so a table can be compared row by row with what the test opened.

use std::process::{Command, Stdio};

const INSIDE: &str = "SOCKEYE_TEST_INSIDE_NETNS";

/// Runs `body` inside a fresh namespace. `name` is the test's full path as `cargo test` prints it
/// (`module::function`). Where namespaces can't be made, says so and returns, unless `netns` is
/// required.
pub fn in_netns(name: &str, body: impl FnOnce()) {
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return body();
    }
    if let Err(reason) = namespaces_work() {
        assert!(
            !super::is_required("netns"),
            "network namespaces are required, but {reason}"
        );
        eprintln!("NOT RUN: {name}: {reason}");
        return;
    }
    let output = unshare()
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

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["-Urn", "--kill-child", "sh", "-ec"]);
    command
}

fn namespaces_work() -> Result<(), String> {
    match unshare().arg("ip link set lo up").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "unshare -Urn failed: {}",
            utf8(&output.stderr).trim()
        )),
        Err(error) => Err(format!("unshare can't be started: {error}")),
    }
}

fn utf8(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
