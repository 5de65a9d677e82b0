//! The commands of the page on scripts, run as they stand there.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::cli::inside::Netns;
use crate::cli::scene::{BINARY, Sockets, TempFile, stage};
use crate::schema::hold;

/// The blocks of the page but for that of the history, which has a test of its own.
fn blocks() -> Vec<&'static str> {
    let blocks = blocks_of(PAGE).into_iter();
    blocks.filter(|block| !is_about_history(block)).collect()
}

const PAGE: &str = include_str!("../../docs/scripts.md");

fn is_about_history(block: &str) -> bool {
    block.starts_with("sockeye record ")
}

/// The block of commands that keep and read a history.
pub fn block_about_history() -> &'static str {
    let mut blocks = blocks_of(PAGE).into_iter();
    blocks.find(|block| is_about_history(block)).unwrap()
}

/// The blocks of shell of a page.
pub fn blocks_of(page: &str) -> Vec<&str> {
    let blocks = page.split("\n```sh\n").skip(1);
    blocks
        .map(|block| block.split("\n```").next().unwrap())
        .collect()
}

/// The program by its name. What it prints as JSON is kept beside what reads it.
const SHIM: &str = r#"#!/bin/bash
case " $* " in
*" --json "* | *" --ndjson "*) "$BINARY" "$@" | tee -a "$HOME/printed"; exit "${PIPESTATUS[0]}" ;;
*) exec "$BINARY" "$@" ;;
esac
"#;

/// The test is root of its namespace, and a machine may have no `sudo`.
const SUDO: &str = "#!/bin/sh\nexec \"$@\"\n";

/// What one block prints, run by bash in a new folder that is a project, and its home as well; no command of it may
/// end with more than 1.
pub fn run(block: &str) -> String {
    let home = TempFile::new("home");
    let _ = std::fs::remove_dir_all(home.path());
    std::fs::create_dir(home.path()).unwrap();
    // A project.
    std::fs::create_dir(Path::new(home.path()).join(".git")).unwrap();
    let folder = Path::new(home.path()).join("bin");
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in [("sockeye", SHIM), ("sudo", SUDO)] {
        let program = folder.join(name);
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let script = format!("set -o pipefail; trap '[ $? -lt 2 ] || exit 99' ERR\n{block}");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("PATH", path)
        .env("BINARY", BINARY)
        .output()
        .unwrap();
    if let Ok(printed) = std::fs::read_to_string(format!("{}/printed", home.path())) {
        hold(&printed);
    }
    std::fs::remove_dir_all(home.path()).unwrap();
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1)), "{block}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_for_scripts_does_what_its_docs_say() {
    stage(|| {
        let _sockets = Sockets::open();
        // The examples name a container that is called web.
        let _web = Netns::add("web");
        let printed: Vec<_> = blocks().into_iter().map(run).collect();
        let [
            list,
            namespaces,
            watch,
            check,
            free,
            handed,
            projects,
            wait,
            server,
            run,
            end,
            pages,
        ] = printed.as_slice()
        else {
            panic!("{} blocks", printed.len());
        };
        let has = |text: &str, pattern: &str| {
            let is_there = regex::Regex::new(pattern).unwrap().is_match(text);
            assert!(is_there, "{pattern}\n{text}");
        };
        has(list, r"(?m)^PROTO +LOCAL ADDRESS");
        has(list, r"(?m)^8080 +\S+ +\S");
        has(list, r"(?m)^8080 \S+$");
        has(list, r"(?m)^\d+$");
        has(list, r"(?m)^PROCESS, STATE +SOCKETS");
        has(list, "nothing listens on 5432\n$");
        has(namespaces, r"(?m)^tcp +127\.0\.0\.1 +8080 ");
        has(namespaces, "no server in the container web\n$");
        has(
            watch,
            r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} = tcp 127\.0\.0\.1:8080  LISTEN",
        );
        has(check, r"^8080: in use\n");
        has(
            check,
            "all eleven are free\n80 in network namespace web: free\n",
        );
        has(
            check,
            r"53/udp free free\n\[::1\]:8080 free free\n443 free free\n$",
        );
        has(free, r"^3000\n\d+\n\d+\n\d+\n8000\n10001\n8000\n$");
        has(
            handed,
            r"^1 socket for pid \d+, port 8000\nport \d+ is kept for us\nport \d+ is kept\n$",
        );
        has(
            projects,
            r"^\d{5}\n3\d{3}\n1 socket on port \d{5}\nport \d{5} is kept\n\d{5} null\n$",
        );
        has(
            wait,
            r"^8080: listening: tcp 127\.0\.0\.1:8080 LISTEN .*\nthe server is up\n",
        );
        has(wait, r"(?m)^9000: free$");
        has(wait, &format!("\n{}\n3000 is free\n$", std::process::id()));
        has(run, r"^port 3\d{3} is kept for this program\n");
        has(run, "\nEADDRINUSE: listener\n");
        has(
            end,
            r"(?m)^3002: free already\n5353/udp: in use; not ended: ",
        );
        has(end, "\none could not be freed\nnothing_to_do\n$");
        let both = r"(?s)^localhost:(\d{5}): listening .*python3.*it is that server\n.*it is one of this project\n$";
        has(server, both);
        has(pages, "bind test of the selected port");
    });
}

/// Other pipelines than those of one second would make the test wait.
#[test]
fn an_opened_port_reaches_jq_as_the_page_pipes_it() {
    stage(|| {
        let watch = blocks()[2].split_once("tcp\n").unwrap().1;
        let script = format!("{watch} &\nsleep 1.5; sockeye free -t 20800 -- sleep 2; wait");
        let printed = run(&script.replace("--for 1s", "--for 3s --interval 100ms"));
        assert!(
            printed.contains(r#""kind":"opened","port":20800"#),
            "{printed}"
        );
    });
}
