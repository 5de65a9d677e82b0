//! Makes the recording of the pictures: a small imaginary host with real sockets.
//!
//! Needs root and Linux: the host gets namespaces of its own (network, pids, mounts, control groups), users
//! by a passwd of its own, and a second network that its clients connect from. Every process is this very
//! program under another name (`cast`). What no scene of a minute can have, processes that have run for
//! days, is put into the recording afterwards.

mod cast;
mod parts;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use cast::{CAST, Company};

pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The folder of the recording and its other files.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/screenshot");

/// Names that users and processes of the host have for uids.
const PASSWD: &str = "\
root:x:0:0::/root:/bin/sh
www-data:x:33:33::/:/bin/sh
postgres:x:70:70::/:/bin/sh
redis:x:71:71::/:/bin/sh
chrony:x:72:72::/:/bin/sh
dnsmasq:x:73:73::/:/bin/sh
ann:x:1000:1000::/:/bin/sh
";

/// The addresses of the host and of its clients' network: two ends of one cable.
const NETWORK: &str = "\
ip link set lo up
ip link add eth0 type veth peer name wan
ip addr add 10.0.0.7/24 dev eth0
ip addr add fd00::7/64 dev eth0 nodad
ip link set eth0 up
ip route add default via 10.0.0.9
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
";

const OUTSIDE: &str = "\
ip link set lo up
ip addr add 10.0.0.9/24 dev wan
ip addr add 10.0.0.12/24 dev wan
ip addr add 203.0.113.24/32 dev wan
ip addr add 198.51.100.7/32 dev wan
ip link set wan up
";

/// The role of this process, unless it draws: the recorder, the host's first process, or one of the cast.
pub fn take_part(word: Option<&str>) -> Option<Outcome> {
    if let Some(done) = cast::play_own_part() {
        return Some(done);
    }
    match (std::env::var_os(cast::FIRST), word) {
        (Some(_), _) => Some(direct()),
        (None, Some("record")) => Some(set_up()),
        _ => None,
    }
}

/// Starts the host: this program again, as its first process.
fn set_up() -> Outcome {
    let own = std::env::current_exe()?;
    // Beside the program, as its names are further links to it.
    let folder = own.with_file_name("screenshot-host");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    fs::hard_link(&own, folder.join("systemd"))?;
    fs::write(folder.join("passwd"), PASSWD)?;
    let script = format!(
        "mount --bind {0}/passwd /etc/passwd\n{NETWORK}exec -a /sbin/init {0}/systemd",
        folder.display()
    );
    let status = Command::new("unshare")
        .args([
            "-npfm",
            "--mount-proc",
            "--kill-child",
            "bash",
            "-ec",
            &script,
        ])
        .env(cast::FIRST, &folder)
        .status()?;
    fs::remove_dir_all(&folder)?;
    cast::remove_groups();
    if status.success() {
        grow_old()
    } else {
        Err(format!("the host ended with {status}").into())
    }
}

/// A minute on the host, with a snapshot every five seconds.
fn direct() -> Outcome {
    let program = program()?;
    for name in ["scene.jsonl", "check-8080.json"] {
        let _ = fs::remove_file(Path::new(FOLDER).join(name));
    }
    let mut company = Company::assembled(OUTSIDE)?;
    let mut recorder = Command::new(&program)
        .args(["watch", "--interval", "5s", "--for", "58s", "--record"])
        .arg(Path::new(FOLDER).join("scene.jsonl"))
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let seconds = |count| sleep(Duration::from_secs(count));
    seconds(7);
    company.command("curl", "say goodbye")?;
    for visit in [
        "visit", "visit", "leave", "visit", "visit", "leave", "leave",
    ] {
        company.command("curl", visit)?;
        seconds(6);
    }
    // Before the last snapshot but one.
    seconds(3);
    company.let_go("python3")?;
    company.let_go("puma")?;
    company.enter("puma again")?;
    company.enter("node dev")?;
    company.command("curl", "hang up")?;
    let check = Command::new(&program)
        .args(["check", "--json", "8080"])
        .output()?;
    fs::write(Path::new(FOLDER).join("check-8080.json"), check.stdout)?;
    recorder.wait()?;
    Ok(())
}

fn program() -> Outcome<PathBuf> {
    let own = fs::canonicalize("/proc/self/exe")?;
    let folder = own.parent().and_then(Path::parent).and_then(Path::parent);
    let program = folder.ok_or("no target folder")?.join("sockeye");
    if program.exists() {
        Ok(program)
    } else {
        Err("build the program first: cargo build".into())
    }
}

/// Gives the processes the age that the cast says they have.
fn grow_old() -> Outcome {
    let path = Path::new(FOLDER).join("scene.jsonl");
    let mut text = String::new();
    for line in fs::read_to_string(&path)?.lines() {
        let mut reading: Value = serde_json::from_str(line)?;
        for process in reading["processes"].as_array_mut().ok_or("no processes")? {
            let pid = process["pid"].as_u64().ok_or("no pid")?;
            let known = CAST.iter().find(|part| part.has(pid));
            let up = known.map_or(Duration::from_hours(9 * 24 + 3), |part| part.up);
            let started: Timestamp = serde_json::from_value(process["started_at"].take())?;
            process["started_at"] = serde_json::to_value(started - up)?;
            if let Some(fields) = process.as_object_mut() {
                fields.remove("started_at_tick");
            }
        }
        text += &serde_json::to_string(&reading)?;
        text.push('\n');
    }
    Ok(fs::write(path, text)?)
}
