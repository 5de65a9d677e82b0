//! What is not ended, with `--yes` too.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::cli::end::scene::{Server, end, only};
use crate::cli::holder::listener;
use crate::cli::scene::{BINARY, Said, sockeye, stage};
use crate::support::netns::{has_users, in_netns_with_users, name_of};

/// Where there is only one user there is nothing to run.
fn stage_with_users<Body: FnOnce()>(body: Body) {
    in_netns_with_users(name_of::<Body>(), || {
        if has_users() {
            body();
        } else {
            println!("NOT RUN: no other users here");
        }
    });
}

#[test]
fn without_a_terminal_it_wants_yes() {
    stage(|| {
        for words in ["8080", "8080 --json", "8080 --hard"] {
            let said = end(words);
            assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
            assert_eq!(
                said.err,
                "sockeye: no terminal to confirm on: add --yes to do it, or --dry-run to see what would be done\n"
            );
        }
    });
}

#[test]
fn wrong_usage_is_one_line() {
    for (words, part) in [
        (&["end"][..], "required"),
        (&["end", "--yes", "/run/app.sock"], "end frees ports"),
        (
            &["end", "--yes", "8080", "--signal", "STOP"],
            "expected one of TERM, INT",
        ),
        (&["end", "--yes", "99999"], "99999"),
        (&["end", "--yes", "--replay", "x", "8080"], "a recording"),
        (
            &["end", "--yes", "-N", "all", "8080"],
            "one network namespace at a time",
        ),
    ] {
        let said = sockeye(words);
        assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
        assert!(said.err.contains(part), "{said:?}");
    }
}

#[test]
fn a_dry_run_ends_nothing() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        let mut server = Server::plain(&[&socket]);
        drop(socket);
        let pid = server.pid();
        let said = end("8080 --dry-run");
        let expected = format!("8080: in use; would send SIGTERM to sleep ({pid})\n");
        assert_eq!((said.code, &*said.out), (0, &*expected), "{said:?}");
        let said = end("8080 --dry-run --json");
        let target = only(&said);
        assert_eq!((said.code, &target["outcome"]), (0, &json!("planned")));
        assert_eq!(
            (&target["sent"], &said.json()["dry_run"]),
            (&json!([]), &json!(true))
        );
        assert!(server.is_running());
    });
}

/// This test is the parent of the program and has the port.
#[test]
fn what_started_the_program_stays() {
    stage(|| {
        let _socket = listener("0.0.0.0:8080");
        for words in [
            "8080 --yes",
            "8080 --yes --hard",
            "8080 --yes --signal KILL",
        ] {
            let said = end(words);
            assert_eq!(said.code, 1, "{said:?}");
            assert!(said.out.contains("not ended"), "{said:?}");
        }
        assert_eq!(end("8080 --dry-run").code, 1);
    });
}

#[test]
fn one_that_stays_does_not_keep_the_others() {
    stage(|| {
        let _own = listener("0.0.0.0:8080");
        let socket = listener("0.0.0.0:8081");
        let mut server = Server::plain(&[&socket]);
        drop(socket);
        let said = end("8080 8081 --yes");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.contains("8081: free"), "{said:?}");
        server.wait();
    });
}

/// The server is in a session of its own, and its folder is no project.
#[test]
fn what_is_not_of_this_session_stays_if_only_ones_own_is_wanted() {
    stage(|| {
        let sockets = ["0.0.0.0:8080", "0.0.0.0:8081"].map(listener);
        let mut command = Command::new("setsid");
        command
            .args(["sh", "-c", "echo ready; exec sleep 600"])
            .current_dir("/");
        let mut server = Server::start(&[&sockets[0]], &mut command);
        let mut other = Server::start(&[&sockets[1]], &mut command);
        drop(sockets);
        let said = end("8080 8081 --yes --mine");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(
            said.out
                .contains("is neither of this project nor of this session"),
            "{said:?}"
        );
        assert!(server.is_running() && other.is_running());
    });
}

/// A shell in a session of its own starts both the server and the program.
#[test]
fn what_is_of_the_same_session_is_ones_own() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        socket.set_cloexec(false).unwrap();
        let script = format!("cd /; sleep 600 & exec 3>&-; {BINARY} end 8080 --yes --mine");
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&socket);
        let script = script.replace("3>&-", &format!("{descriptor}>&-"));
        let mut command = Command::new("setsid");
        command
            .args(["-w", "bash", "-c", &script])
            .stdin(Stdio::null());
        let running = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        drop(socket);
        let said = Said::of(running.unwrap().wait_with_output().unwrap());
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.starts_with("8080: free"), "{said:?}");
    });
}

/// Runs a command in a terminal of its own, which has the number 0 there as the first one of each container, in `/`.
const TERMINAL: &str = "
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
os.closerange(3, terminal)
os.closerange(terminal + 1, 64)
while True:
    try:
        text = os.read(terminal, 4096)
    except OSError:
        break
    if not text:
        break
    os.write(1, text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))";

fn in_terminal(words: &[&str]) -> Command {
    let mounts = "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts && \
                  mount --bind /dev/pts/ptmx /dev/ptmx && cd / && exec \"$@\"";
    let mut command = Command::new("setsid");
    command.args(["-w", "unshare", "-m", "sh", "-c", mounts, "sh"]);
    command.args(["python3", "-c", TERMINAL]).args(words);
    command
}

#[test]
fn the_terminal_of_the_same_number_in_another_container_is_not_ones_own() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        let server = ["sh", "-c", "echo ready; exec sleep 600"];
        let server = Server::start(&[&socket], &mut in_terminal(&server));
        drop(socket);
        let said = in_terminal(&[BINARY, "end", "8080", "--dry-run", "--mine"]);
        let said = Said::of({ said }.stdin(Stdio::null()).output().unwrap());
        assert_eq!(said.code, 1, "{said:?}");
        let other = "is neither of this project nor of this session";
        assert!(said.out.contains(other), "{said:?}");
        // It has the first terminal of its container.
        let found = "for pid in $(pgrep -x 'sleep'); do cut -d' ' -f7 /proc/$pid/stat; done";
        let found = Command::new("sh").args(["-c", found]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout).trim(), "34816");
        drop(server);
    });
}

/// A service of runit whose server is of this project, and another process of it is not.
#[test]
fn an_app_that_is_ones_own_in_part_stays() {
    stage(|| {
        if Command::new("which")
            .arg("runsv")
            .output()
            .is_ok_and(|found| !found.status.success())
        {
            println!("NOT RUN: no runit here");
            return;
        }
        let folder = crate::cli::scene::TempFile::new("part");
        let web = format!("{}/web", folder.path());
        std::fs::create_dir_all(&web).unwrap();
        let python = "import socket,time; s=socket.socket(); s.setsockopt(1,2,1); s.bind((\"\", 8080)); \
                      s.listen(); print(\"ready\", flush=True); time.sleep(600)";
        let project = env!("CARGO_MANIFEST_DIR");
        for (helper, code) in [("(cd /; exec setsid sleep 600) &\n", 1), ("", 0)] {
            let script = format!("#!/bin/sh\n{helper}cd '{project}'\nexec python3 -c '{python}'\n");
            let file = format!("{web}/run");
            std::fs::write(&file, script).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            let server = Server::start(&[], Command::new("setsid").args(["runsv", &web]));
            let said = end("8080 --dry-run --mine");
            assert_eq!(said.code, code, "{said:?}");
            let other = "is neither of this project nor of this session";
            assert_eq!(said.out.contains(other), code == 1, "{said:?}");
            assert!(said.out.contains(&format!("sv down {web}")), "{said:?}");
            drop(server);
            // Its server goes on without it.
            assert_eq!(end("8080 --yes").code, 0);
        }
        let _ = std::fs::remove_dir_all(folder.path());
    });
}

#[test]
fn what_is_of_the_same_project_is_ones_own() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        // Both are in the folder of this crate.
        let _server = Server::plain(&[&socket]);
        drop(socket);
        let said = end("8080 --yes --mine");
        assert_eq!(said.code, 0, "{said:?}");
    });
}

#[test]
fn what_belongs_to_another_user_stays() {
    const NOBODY: u32 = 65_534;
    stage_with_users(|| {
        let socket = listener("0.0.0.0:8080");
        let mut server = Server::plain(&[&socket]);
        drop(socket);
        // The build's folder may be closed to that user.
        let copy = crate::cli::scene::TempFile::new("sockeye");
        std::fs::copy(BINARY, copy.path()).unwrap();
        for words in [
            &["8080", "--yes"][..],
            &["8080", "--yes", "--hard", "--mine"],
        ] {
            let mut command = Command::new("setpriv");
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
            command.arg(copy.path()).arg("end").args(words);
            let said = Said::of(command.output().unwrap());
            assert_eq!(said.code, 1, "{said:?}");
            assert!(said.out.contains("sudo sockeye"), "{said:?}");
        }
        assert!(server.is_running());
    });
}
