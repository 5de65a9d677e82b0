//! The machine of its own that a family of scenes runs on, see `stage.sh`: the test runs itself again
//! inside it, as root and with every user.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::is_required;

const INSIDE: &str = "SOCKEYE_TEST_INSIDE_STAGE";

/// The path that commands are searched in: the system's own, as on a new machine.
pub const PATH: &str = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `sockeye` where every user of the stage may run it.
pub const SOCKEYE: &str = "/run/stage/sockeye";

/// Runs `body` on a stage of its own. `name` is the test's path as `cargo test` prints it
/// (`docker::with_proxy`), `facility` what `SOCKEYE_REQUIRE` must list for it to run.
pub fn on_stage(name: &str, facility: &str, body: impl FnOnce()) {
    on_stage_of(Init::Shell, name, facility, body);
}

/// The same where process 1 is systemd, with the system bus, logind and users' managers. The test is the
/// main process of `stage.service`: what it starts itself belongs to that unit.
pub fn on_stage_with_systemd(name: &str, body: impl FnOnce()) {
    on_stage_of(Init::Systemd, name, "systemd", body);
}

/// What process 1 of the stage is.
#[derive(Clone, Copy)]
enum Init {
    Shell,
    Systemd,
}

fn on_stage_of(init: Init, name: &str, facility: &str, body: impl FnOnce()) {
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        std::fs::copy(env!("CARGO_BIN_EXE_sockeye"), SOCKEYE).unwrap();
        return body();
    }
    if !is_required(facility) {
        eprintln!("NOT RUN: {name}: SOCKEYE_REQUIRE does not list {facility}, see .ci/advice");
        return;
    }
    assert!(
        rustix::process::geteuid().is_root(),
        "{facility} is required, but only root can set it up"
    );
    let output = Command::new("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/advice/stage.sh"))
        .arg("outer")
        .arg(folder(name))
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .env("PATH", PATH)
        .env(
            "SOCKEYE_STAGE_INIT",
            match init {
                Init::Shell => "shell",
                Init::Systemd => "systemd",
            },
        )
        .stdin(Stdio::null())
        .output()
        .expect("sh starts");
    let out = String::from_utf8_lossy(&output.stdout);
    print!("{out}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "on the stage: {}", output.status);
    assert!(out.contains("1 passed"), "no test named {name:?} ran");
}

/// Where the parts of the stage are put together; empty outside of it.
fn folder(name: &str) -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stage-{}", name.replace("::", "-")));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
