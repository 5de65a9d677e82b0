//! Every kind of holder of a port, in the way of programs of several languages: each gets the kernel's own error, and the
//! report has the right cause.

use std::process::Command;

use socket2::Type;

use crate::bind::differential::ADDRESSES;
use crate::bind::every_holder::cause;
use crate::bind::holders::{KINDS, Kind, Manner};
use crate::program;
use crate::run::scene::{Binder, stage};
use crate::support::is_required;

/// Each holder has a port of its own.
const FIRST_PORT: u16 = 20_000;

/// What a program binds.
const BINDS: [(&str, bool); 2] = [("0.0.0.0", false), ("::", false)];

/// What a language makes of it.
struct Language {
    name: &'static str,
    command: Vec<String>,
    /// Whether it sets `SO_REUSEADDR` for TCP in every case.
    always_reuses: bool,
    /// Whether it can set `SO_REUSEADDR` for UDP.
    reuses_udp: bool,
    /// Whether it binds IPv4 addresses by a dual-stack socket.
    is_always_v6: bool,
}

impl Language {
    /// The socket that it binds, as the test makes one of the same kind.
    fn manner(
        &self,
        is_udp: bool,
        (address, v6only): (&'static str, bool),
        reuses: bool,
    ) -> Manner {
        let has_option = if is_udp {
            reuses && self.reuses_udp
        } else {
            reuses || self.always_reuses
        };
        let address = if self.is_always_v6 { "::" } else { address };
        Manner::with_options((address, v6only), u16::from(has_option))
    }

    /// All of them, each once: a call that is made again is not reported again.
    fn manners(&self, is_udp: bool) -> Vec<Manner> {
        let mut all = Vec::new();
        for bind in BINDS {
            for reuses in [false, true] {
                let manner = self.manner(is_udp, bind, reuses);
                if !all.contains(&manner) {
                    all.push(manner);
                }
            }
        }
        all
    }
}

fn helper(name: &str) -> String {
    format!("{}/tests/run/helpers/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_static_program_gets_the_kernels_error_and_the_report_the_cause() {
    stage(|| {
        let built = program::built_static("run/helpers/binder.c");
        check(&c(built.to_str().unwrap()), &[0, 1, 2, 3]);
    });
}

#[test]
fn a_program_in_rust_does_so_too() {
    stage(|| {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-binder");
        std::fs::create_dir_all(&folder).unwrap();
        let built = folder.join("binder");
        let source = helper("binder.rs");
        let rustc = Command::new("rustc")
            .args(["-O", "--edition=2024", "-o"])
            .arg(&built)
            .arg(source)
            .status();
        assert!(rustc.unwrap().success());
        let rust = Language {
            name: "Rust",
            command: vec![built.to_str().unwrap().to_owned()],
            always_reuses: true,
            reuses_udp: false,
            is_always_v6: false,
        };
        check(&rust, &[1, 2]);
    });
}

#[test]
fn a_program_in_python_does_so_too() {
    with_language("python3", |python| {
        let python = Language {
            name: "Python",
            command: vec![python, helper("binder.py")],
            always_reuses: false,
            reuses_udp: true,
            is_always_v6: false,
        };
        check(&python, &[1, 2]);
    });
}

#[test]
fn a_program_in_node_does_so_too() {
    with_language("node", |node| {
        let node = Language {
            name: "Node",
            command: vec![node, helper("binder.js")],
            always_reuses: true,
            reuses_udp: true,
            is_always_v6: false,
        };
        check(&node, &[1, 2]);
    });
}

#[test]
fn a_program_in_java_does_so_too() {
    with_language("java", |java| {
        let java = Language {
            name: "Java",
            command: vec![java, helper("Binder.java")],
            always_reuses: false,
            reuses_udp: true,
            is_always_v6: true,
        };
        check(&java, &[1, 2]);
    });
}

/// Runs a test where a language is installed; fails where it is required and is not.
fn with_language(name: &str, test: fn(String)) {
    let exists = Command::new(name)
        .arg("--version")
        .output()
        .is_ok_and(|one| one.status.success());
    if exists {
        // The names of the tests in this file are those that are looked for.
        crate::support::netns::in_netns(
            &format!(
                "run::holders::a_program_in_{}_does_so_too",
                name.trim_end_matches('3')
            ),
            || test(name.to_owned()),
        );
    } else {
        assert!(!is_required("languages"), "{name} is required");
        eprintln!("NOT RUN: {name} is not installed");
    }
}

fn c(built: &str) -> Language {
    Language {
        name: "C",
        command: vec![built.to_owned()],
        always_reuses: false,
        reuses_udp: true,
        is_always_v6: false,
    }
}

/// Binds beside every holder with these options.
fn check(language: &Language, options: &[u16]) {
    let command: Vec<&str> = language.command.iter().map(String::as_str).collect();
    let mut binder = Binder::start(&command);
    let (mut port, mut holders, mut refused, mut wrong) = (FIRST_PORT, 0, 0, Vec::new());
    for kind in KINDS {
        for (address, v6only) in ADDRESSES {
            for options in options {
                port += 1;
                holders += 1;
                let manner = Manner::with_options((address, v6only), *options);
                let kept = kind.make(manner, port).unwrap();
                let case = format!(
                    "{}: {kind:?} on {address} {v6only} with {options}",
                    language.name
                );
                for own in language.manners(kind.is_udp()) {
                    let said = try_bind(&mut binder, kind, port, own);
                    let case = format!("{case}: {} {}", own.address, own.reuse_address);
                    if said.answer != said.expected {
                        let Said { answer, expected } = &said;
                        wrong.push(format!("{case}: {answer}, not {expected}"));
                    }
                    // What is no refused bind is not reported.
                    if said.answer != "EADDRINUSE" {
                        continue;
                    }
                    refused += 1;
                    let failure = binder.failure();
                    let (errno, said_cause) = (&failure["errno"], &failure["cause"]);
                    if *errno != *said.expected || !is_cause(said_cause, kind, manner) {
                        wrong.push(format!(
                            "{case}: {errno} {said_cause}: {}",
                            failure["summary"]
                        ));
                    }
                    if !has_right_owner(&failure["blockers"][0]) {
                        wrong.push(format!("{case}: {}", failure["blockers"][0]));
                    }
                }
                binder.ask("close");
                drop(kept);
            }
        }
    }
    assert_eq!(binder.end(), Some(0));
    println!(
        "{}: {holders} holders, {refused} refused binds",
        language.name
    );
    assert!(refused > holders, "{refused}");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

struct Said {
    answer: String,
    /// What the kernel says to a socket of the test's own.
    expected: String,
}

/// Binds as this, first by the test itself, then by the program.
fn try_bind(binder: &mut Binder, kind: Kind, port: u16, own: Manner) -> Said {
    let is_udp = kind.is_udp();
    binder.ask("close");
    let of_kind = if is_udp { Type::DGRAM } else { Type::STREAM };
    let socket = own.bound(of_kind, None, port);
    // Two sockets may be bound, of which one listens.
    let answer = socket.and_then(|socket| if is_udp { Ok(()) } else { socket.listen(8) });
    let expected = match answer {
        Ok(()) => "ok",
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => "EADDRINUSE",
        Err(error) => panic!("{error}"),
    };
    let protocol = if is_udp { "udp" } else { "tcp" };
    let [v6only, reuse_address] = [own.v6only, own.reuse_address].map(u8::from);
    let line = format!(
        "{protocol} {} {port} {v6only} {reuse_address} 0",
        own.address
    );
    Said {
        answer: binder.ask(&line),
        expected: expected.to_owned(),
    }
}

/// Whether the first socket in the way is that of the test, if it has an owner at all.
fn has_right_owner(blocker: &serde_json::Value) -> bool {
    let pids = blocker["pids"].as_array().into_iter().flatten();
    let is_ours = pids.into_iter().any(|pid| *pid == std::process::id());
    is_ours != blocker["inode"].is_null()
}

/// Whether the cause is one that fits the holder: of some the first socket in the way depends on the bind.
fn is_cause(said: &serde_json::Value, kind: Kind, manner: Manner) -> bool {
    let expected = serde_json::to_value(cause(kind, manner)).unwrap();
    let said = said.as_str().unwrap_or_default();
    let expected = expected.as_str().unwrap();
    match expected {
        // A program that binds IPv6 alone, or a connection of IPv6 in its way.
        "dual_stack_listener" => matches!(said, "dual_stack_listener" | "listener"),
        "outgoing_connection" | "old_connection" | "closing_orphan" | "self_connect" => {
            said == expected || said == "ipv6_shadow"
        }
        "time_wait" | "time_wait_no_reuse" => {
            matches!(said, "time_wait" | "time_wait_no_reuse" | "ipv6_shadow")
        }
        expected => said == expected,
    }
}
