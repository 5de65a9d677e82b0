//! Who has the port: its name, command line, folder, starter and user, compared with what was started.

use std::process::{Child, Command, Stdio};

use serde_json::Value;
use socket2::Socket;

use crate::cli::holder::listener;
use crate::cli::scene::{BINARY, TempFile, sockeye, stage};
use crate::schema::{first_process, hold, valid};
use crate::support::netns::in_netns_with_files;
use crate::support::wait_until;

/// A shell script in a folder of its own that has a listener; ended and removed with the test.
struct Script {
    child: Child,
    home: std::path::PathBuf,
}

impl Script {
    /// `bash serve.sh ARGUMENT`, in the folder `shop` of a home.
    fn start(name: &str, socket: &Socket, argument: &str) -> Self {
        let home = format!("sockeye-who-{name}-{}", std::process::id());
        let home = std::env::temp_dir().canonicalize().unwrap().join(home);
        let folder = home.join("shop");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("serve.sh"), "read -r _\n").unwrap();
        socket.set_cloexec(false).unwrap();
        let mut command = Command::new("bash");
        command.args(["serve.sh", argument]).current_dir(&folder);
        let child = command.stdin(Stdio::piped()).spawn().unwrap();
        socket.set_cloexec(true).unwrap();
        let executable = format!("/proc/{}/exe", child.id());
        wait_until("bash", || {
            std::fs::read_link(&executable).is_ok_and(|path| path.ends_with("bash"))
        });
        Self { child, home }
    }

    /// What the program says, with the script's home for the reader's.
    fn says(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(BINARY);
        let output = command.args(arguments).env("HOME", &self.home).output();
        let printed = String::from_utf8(output.unwrap().stdout).unwrap();
        hold(&printed);
        printed
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

#[test]
fn check_says_what_runs_where_and_who_started_it() {
    stage(|| {
        let socket = listener("127.0.0.1:8080");
        let script = Script::start("check", &socket, "--port=8080");
        drop(socket);
        let said = script.says(&["check", "8080"]);
        let program = std::env::current_exe().unwrap();
        let starter = program.file_name().unwrap().to_string_lossy();
        let line = said.lines().nth(2).unwrap();
        let begin = "  `bash serve.sh --port=8080` in `~/shop`, started ";
        let end = format!(" s ago from {starter} by root.");
        assert!(line.starts_with(begin) && line.ends_with(&end), "{said}");
        assert!(said.contains("bash serve.sh (pid "), "{said}");
        let found = script.says(&["list", "proc:serve.sh"]);
        assert!(found.contains("bash serve.sh"), "{found}");
    });
}

#[test]
fn a_process_belongs_to_the_project_above_its_folder() {
    stage(|| {
        let socket = listener("127.0.0.1:8080");
        let other = listener("127.0.0.1:8081");
        let script = Script::start("project", &socket, "");
        drop(socket);
        std::fs::write(script.home.join("package.json"), "{}").unwrap();
        let home = script.home.to_str().unwrap();
        let name = script.home.file_name().unwrap().to_str().unwrap();
        let listing = valid(&script.says(&["list", "--json", ":8080", "proc:serve.sh"]));
        let pid = script.child.id().to_string();
        assert_eq!(listing["processes"][&pid]["project"], home, "{listing:#}");
        let check = valid(&script.says(&["check", "--json", "8080"]));
        assert_eq!(check["processes"][&pid]["project"], home, "{check:#}");
        let filter = format!("project:{name}");
        let found = script.says(&["list", &filter]);
        assert!(found.contains("8080") && !found.contains("8081"), "{found}");
        let groups = valid(&script.says(&["list", "--json", "--group", "project", &filter]));
        assert_eq!(groups["groups"][0]["key"], home, "{groups:#}");
        drop(other);
    });
}

#[test]
fn arguments_are_whole_beyond_all_old_limits() {
    stage(|| {
        let socket = listener("127.0.0.1:8080");
        // One argument can have 128 KiB less one byte (MAX_ARG_STRLEN).
        let long = "x".repeat(131_000);
        let script = Script::start("long", &socket, &long);
        drop(socket);
        let check = valid(&script.says(&["check", "--json", "8080"]));
        let processes = check["processes"].as_object().unwrap();
        let process = processes.values().next().unwrap();
        let argv = ["bash", "serve.sh", &long];
        assert!(process["argv"] == Value::Array(argv.map(Value::from).to_vec()));
        assert_eq!(
            (&process["name"], &process["comm"]),
            (&"bash serve.sh".into(), &"bash".into())
        );
        let cwd = script.home.join("shop");
        assert_eq!(process["cwd"].as_str(), cwd.to_str());
    });
}

/// Puts a file of this text in the place of another one; the mounts are the test's own.
fn put(text: &str, mode: &str, place: &str) -> TempFile {
    let name = place.rsplit('/').next().unwrap();
    let file = TempFile::new(name);
    // Another process writes it: one that was forked from this one meanwhile would keep it from being run.
    let words = r#"printf %s "$1" >"$0" && chmod "$2" "$0" && mount --bind "$0" "$3""#;
    let mut command = Command::new("sh");
    command.args(["-c", words, file.path(), text, mode, place]);
    assert!(command.status().unwrap().success(), "{place}");
    file
}

/// The user of this process, as `list` and `check` print it.
fn users() -> [Value; 2] {
    let list = sockeye(&["list", "--json"]).json();
    let check = sockeye(&["check", "--json", "8080"]).json();
    let users = [
        (&list, &list["sockets"][0]),
        (&check, &check["targets"][0]["blockers"][0]),
    ];
    users.map(|(whole, socket)| {
        let process = first_process(whole, socket);
        // Digits stand for a process's user, and nothing for a socket's.
        let user = &process["user"];
        assert!(
            socket["user"] == *user || socket["user"].is_null(),
            "{socket:#}"
        );
        user.clone()
    })
}

#[test]
fn a_user_that_is_in_no_file_is_known_by_the_name_service() {
    in_netns_with_files(
        "who::a_user_that_is_in_no_file_is_known_by_the_name_service",
        || {
            let _socket = listener("127.0.0.1:8080");
            let _passwd = put("", "644", "/etc/passwd");
            let _switch = put("passwd: systemd\n", "644", "/etc/nsswitch.conf");
            let mut getent = Command::new("getent");
            let known = getent.args(["passwd", "0"]).output().unwrap();
            if known.stdout.starts_with(b"root:") {
                assert_eq!(users(), ["root", "root"]);
            } else {
                println!("NOT RUN with systemd's name service: it is not installed");
            }
            let _getent = put("#!/bin/sh\necho dyn:x:$2:0:::\n", "755", "/usr/bin/getent");
            assert_eq!(users(), ["dyn", "dyn"]);
        },
    );
}

#[test]
fn a_name_service_that_does_not_answer_delays_nothing() {
    in_netns_with_files(
        "who::a_name_service_that_does_not_answer_delays_nothing",
        || {
            let _socket = listener("127.0.0.1:8080");
            let _passwd = put("", "644", "/etc/passwd");
            // Longer than any test waits: what returns did not wait for it.
            let _getent = put("#!/bin/sh\nexec sleep 600\n", "755", "/usr/bin/getent");
            assert_eq!(users(), ["0", "0"]);
        },
    );
}
