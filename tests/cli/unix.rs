//! `sockeye check` of unix sockets: real ones of each kind, in folders and network namespaces of the tests' own.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::cli::background::Running;
use crate::cli::scene::{BINARY, Said, sockeye, stage};
use crate::schema::valid;
use crate::support::wait_until;

/// A folder of the test's own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("sockeye-unix-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn check(target: &str) -> Said {
    let said = sockeye(&["check", target]);
    assert_eq!(said.err, "", "{said:?}");
    said
}

/// What `check --json` says of one target.
fn checked(target: &str) -> Value {
    let said = sockeye(&["check", "--json", target]);
    valid(&said.out)["targets"][0].clone()
}

/// Verdict, cause and exit code.
fn judged(target: &str) -> (String, String, i32) {
    let said = sockeye(&["check", "--json", target]);
    let target = valid(&said.out)["targets"][0].clone();
    let word = |key: &str| target[key].as_str().unwrap().to_owned();
    (word("verdict"), word("cause"), said.code)
}

#[track_caller]
fn is(target: &str, verdict: &str, cause: &str) {
    let code = i32::from(verdict != "free");
    let expected = (verdict.to_owned(), cause.to_owned(), code);
    assert_eq!(judged(target), expected, "{target}");
}

/// This process as `ss` names it.
fn own_name() -> String {
    let name = fs::read_to_string("/proc/self/comm").unwrap();
    name.trim().to_owned()
}

#[test]
fn who_listens_on_a_path_is_named_and_never_sees_a_connection() {
    stage(|| {
        let folder = Folder::new("listener");
        let path = folder.path("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let before = fs::metadata(&path).unwrap();
        let said = check(&path);
        let pid = std::process::id();
        assert_eq!(said.code, 1);
        assert!(
            said.out.starts_with(&format!("{path}: in use\n")),
            "{said:?}"
        );
        assert!(said.out.contains(&format!("(pid {pid}")), "{said:?}");
        assert!(
            said.out.contains(&format!("listens on {path}.")),
            "{said:?}"
        );
        let target = checked(&path);
        assert_eq!(target["cause"], "unix_listener");
        assert_eq!(target["blockers"][0]["pids"], serde_json::json!([pid]));
        // Another tool agrees.
        let ss = Command::new("ss").args(["-xlpH"]).output().unwrap();
        let ss = String::from_utf8(ss.stdout).unwrap();
        let row = ss.lines().find(|line| line.contains(&path)).unwrap();
        assert!(row.contains(&format!("pid={pid},")), "{row}");
        let inode = target["blockers"][0]["inode"].to_string();
        assert!(row.split_whitespace().any(|word| word == inode), "{row}");
        // Nothing was changed, and the server has nothing to accept.
        let after = fs::metadata(&path).unwrap();
        assert_eq!(
            (before.ino(), before.mtime_nsec()),
            (after.ino(), after.mtime_nsec())
        );
        assert!(listener.accept().is_err());
    });
}

#[test]
fn the_fix_of_a_listener_ends_its_process_and_removes_the_file() {
    stage(|| {
        let folder = Folder::new("server");
        let path = folder.path("app.sock");
        let listener = OwnedFd::from(UnixListener::bind(&path).unwrap());
        // What started it must not keep the listener.
        let mut server = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::from(listener))
            .spawn()
            .unwrap();
        let said = check(&path);
        let pid = server.id();
        assert!(
            said.out
                .starts_with(&format!("{path}: in use\n  sleep (pid {pid}")),
            "{said:?}"
        );
        let command = checked(&path)["remedies"][0]["command"].clone();
        let command = command.as_str().unwrap();
        assert_eq!(command, format!("kill {pid} && rm -f {path}"));
        assert!(
            Command::new("sh")
                .args(["-c", command])
                .status()
                .unwrap()
                .success()
        );
        server.wait().unwrap();
        is(&path, "free", "free");
    });
}

#[test]
fn a_path_that_starts_with_a_dash_is_not_an_option_of_the_command_that_removes_it() {
    stage(|| {
        let folder = Folder::new("dash");
        let path = folder.path("-rf");
        drop(UnixListener::bind(&path).unwrap());
        let mut command = Command::new(BINARY);
        command.args(["check", "--json", "unix:-rf"]);
        let folder = std::path::Path::new(&path).parent().unwrap();
        let said = Said::of(command.current_dir(folder).output().unwrap()).json();
        let command = said["targets"][0]["remedies"][0]["command"].clone();
        assert_eq!(command, "rm ./-rf");
    });
}

/// `stat` has another device there than the kernel's table.
#[test]
fn a_listener_on_overlayfs_is_found() {
    stage(|| {
        let folder = Folder::new("overlay");
        let part = |name: &str| {
            let path = folder.path(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map(part);
        let parts = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "overlay", "overlay", "-o", &parts, &merged]);
        assert!(mount.status().unwrap().success());
        let path = format!("{merged}/app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let told = checked(&path);
        drop(listener);
        Command::new("umount").arg(&merged).status().unwrap();
        assert_eq!(told["cause"], "unix_listener", "{told}");
        assert_eq!(told["blockers"][0]["pids"][0], std::process::id());
    });
}

#[test]
fn a_file_that_a_server_left_behind_is_stale_and_its_fix_frees_the_path() {
    stage(|| {
        let folder = Folder::new("stale");
        let path = folder.path("my app.sock");
        drop(UnixListener::bind(&path).unwrap());
        let said = check(&path);
        assert_eq!(said.code, 1);
        assert!(
            said.out.contains("is left over: no socket is bound to it"),
            "{said:?}"
        );
        assert!(said.out.contains("It was bound on "), "{said:?}");
        assert!(Path::new(&path).exists(), "a check removes nothing");
        // That is what a server meets.
        let refused = UnixListener::bind(&path).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(98), "EADDRINUSE");
        let refused = UnixStream::connect(&path).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(111), "ECONNREFUSED");
        let target = checked(&path);
        assert_eq!(target["cause"], "stale_socket_file");
        assert_eq!(target["blockers"], serde_json::json!([]));
        let fix = &target["remedies"][0];
        assert_eq!(fix["code"], "remove_file");
        let command = fix["command"].as_str().unwrap();
        let ran = Command::new("sh").args(["-c", command]).status().unwrap();
        assert!(ran.success());
        is(&path, "free", "free");
        drop(UnixListener::bind(&path).unwrap());
    });
}

#[test]
fn connections_that_a_listener_left_behind_do_not_keep_its_file_from_being_stale() {
    stage(|| {
        let folder = Folder::new("leftover");
        let path = folder.path("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let _client = UnixStream::connect(&path).unwrap();
        let _accepted = listener.accept().unwrap();
        is(&path, "in_use", "unix_listener");
        drop(listener);
        is(&path, "in_use", "stale_socket_file");
    });
}

#[test]
fn every_kind_of_socket_is_reported_even_one_that_does_not_listen() {
    stage(|| {
        let folder = Folder::new("kinds");
        let datagram = folder.path("datagram");
        let _datagram = UnixDatagram::bind(&datagram).unwrap();
        is(&datagram, "in_use", "unix_datagram");
        let packets = folder.path("packets");
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        socket.bind(&SockAddr::unix(&packets).unwrap()).unwrap();
        is(&packets, "in_use", "unix_bound");
        socket.listen(1).unwrap();
        is(&packets, "in_use", "unix_listener");
        assert!(check(&packets).out.contains("with a seqpacket socket"));
        let bound = folder.path("bound");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(&bound).unwrap()).unwrap();
        is(&bound, "in_use", "unix_bound");
        assert!(
            check(&bound)
                .out
                .contains("does not listen: clients are refused")
        );
        // A datagram socket that talks with one peer takes no other.
        let (one, other) = (folder.path("one"), folder.path("other"));
        let first = UnixDatagram::bind(&one).unwrap();
        let second = UnixDatagram::bind(&other).unwrap();
        first.connect(&other).unwrap();
        second.connect(&one).unwrap();
        is(&one, "in_use", "unix_datagram");
        // A full queue makes nothing wait.
        let full = folder.path("full");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(&full).unwrap()).unwrap();
        socket.listen(0).unwrap();
        let _waiting = UnixStream::connect(&full).unwrap();
        is(&full, "in_use", "unix_listener");
    });
}

#[test]
fn a_path_without_a_file_is_free_where_one_can_be_made() {
    stage(|| {
        let folder = Folder::new("free");
        is(&folder.path("app.sock"), "free", "free");
        is(
            &folder.path("missing/app.sock"),
            "unavailable",
            "missing_folder",
        );
        fs::write(folder.path("file"), "kept").unwrap();
        is(
            &folder.path("file/app.sock"),
            "unavailable",
            "missing_folder",
        );
        let mut relative = Command::new(BINARY);
        relative.current_dir(&folder.0);
        let output = relative
            .args(["check", "./app.sock", "unix:app.sock"])
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(
            fs::read_dir(&folder.0).unwrap().count(),
            1,
            "nothing was made"
        );
    });
}

#[test]
fn a_file_that_is_not_a_socket_is_reported_and_left_alone() {
    stage(|| {
        let folder = Folder::new("others");
        fs::write(folder.path("file"), "kept").unwrap();
        fs::create_dir(folder.path("folder")).unwrap();
        symlink(folder.path("nothing"), folder.path("dangling")).unwrap();
        let _listener = UnixListener::bind(folder.path("app.sock")).unwrap();
        symlink(folder.path("app.sock"), folder.path("link")).unwrap();
        is(&folder.path("file"), "in_use", "not_a_socket");
        is(&folder.path("folder"), "in_use", "not_a_socket");
        is(&folder.path("dangling"), "in_use", "dangling_link");
        is(&folder.path("link"), "in_use", "unix_listener");
        assert!(
            check(&folder.path("file"))
                .out
                .contains("a regular file, not a socket")
        );
        assert_eq!(fs::read_to_string(folder.path("file")).unwrap(), "kept");
        assert!(fs::symlink_metadata(folder.path("dangling")).is_ok());
    });
}

#[test]
fn a_path_that_is_too_long_is_reported_with_its_length() {
    stage(|| {
        let folder = Folder::new("long");
        let longest = folder.path(&"x".repeat(107 - folder.path("").len()));
        assert_eq!(longest.len(), 107);
        is(&longest, "free", "free");
        drop(UnixListener::bind(&longest).unwrap());
        is(&longest, "in_use", "stale_socket_file");
        let longer = format!("{longest}x");
        assert!(UnixListener::bind(&longer).is_err());
        is(&longer, "unavailable", "path_too_long");
        assert!(check(&longer).out.contains("The path has 108 bytes"));
    });
}

/// The program as root without the right to pass over permissions.
fn as_other_user(target: &str) -> (String, String) {
    let drop = ["--bounding-set=-all", "--inh-caps=-all"];
    let mut command = Command::new("setpriv");
    let output = command.args(drop).args([BINARY, "check", "--json", target]);
    let output = output.output().unwrap();
    let target = valid(&String::from_utf8(output.stdout).unwrap())["targets"][0].clone();
    let word = |key: &str| target[key].as_str().unwrap().to_owned();
    (word("verdict"), word("cause"))
}

#[test]
fn missing_permissions_are_reported_as_such() {
    stage(|| {
        let words = |verdict: &str, cause: &str| (verdict.to_owned(), cause.to_owned());
        let folder = Folder::new("denied");
        let allow = |path: &str, mode: u32| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        fs::create_dir(folder.path("closed")).unwrap();
        allow(&folder.path("closed"), 0o555);
        let denied = words("denied", "folder_denied");
        assert_eq!(as_other_user(&folder.path("closed/app.sock")), denied);
        // Where a connect is refused by the file's mode, the table still has the listener …
        let path = folder.path("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        allow(&path, 0o400);
        assert_eq!(as_other_user(&path), words("in_use", "unix_listener"));
        drop(listener);
        // … and without one it is unknown whether the file is stale.
        assert_eq!(as_other_user(&path), words("in_use", "socket_file"));
        is(&path, "in_use", "stale_socket_file");
    });
}

#[test]
fn an_abstract_name_is_bound_for_a_moment_and_is_another_one_for_each_kind() {
    stage(|| {
        let address = |name: &str| {
            use std::os::linux::net::SocketAddrExt as _;
            SocketAddr::from_abstract_name(name).unwrap()
        };
        is("@app", "free", "free");
        let listener = UnixListener::bind_addr(&address("app")).unwrap();
        listener.set_nonblocking(true).unwrap();
        is("@app", "in_use", "unix_listener");
        is("unix:@app", "in_use", "unix_listener");
        assert!(check("@app").out.contains(" listens on @app."));
        assert!(!check("@app").out.contains("remove it"));
        assert!(listener.accept().is_err());
        drop(listener);
        is("@app", "free", "free");
        let _datagram = UnixDatagram::bind_addr(&address("log")).unwrap();
        let said = check("@log");
        assert_eq!(said.code, 0);
        let named = format!("{} (pid ", own_name());
        let has_it = said.out.contains("has the name for datagram sockets");
        assert!(has_it, "{named}: {said:?}");
        drop(UnixListener::bind_addr(&address("log")).unwrap());
    });
}

#[test]
fn a_listener_whose_file_was_removed_is_reported_with_the_answer() {
    stage(|| {
        let folder = Folder::new("removed");
        let path = folder.path("app.sock");
        let _cut_off = UnixListener::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let said = check(&path);
        assert_eq!(said.code, 0, "{said:?}");
        let detail = "is bound to another file of this name: one that was removed or replaced";
        assert!(said.out.contains(detail), "{said:?}");
        let _new = UnixListener::bind(&path).unwrap();
        let target = checked(&path);
        assert_eq!(target["cause"], "unix_listener");
        assert_eq!(target["blockers"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn one_that_was_bound_to_a_relative_path_is_found_by_its_file_and_no_other_is_taken_for_it() {
    stage(|| {
        let (folder, other) = (Folder::new("relative"), Folder::new("other"));
        std::env::set_current_dir(&folder.0).unwrap();
        let _listener = UnixListener::bind("app.sock").unwrap();
        is(&folder.path("app.sock"), "in_use", "unix_listener");
        is("unix:app.sock", "in_use", "unix_listener");
        std::env::set_current_dir(&other.0).unwrap();
        drop(UnixListener::bind("app.sock").unwrap());
        let said = check("unix:app.sock");
        assert!(said.out.contains("is left over"), "{said:?}");
        assert!(!said.out.contains("another file"), "{said:?}");
    });
}

#[test]
fn a_socket_of_another_network_namespace_is_not_a_stale_file() {
    stage(|| {
        let folder = Folder::new("elsewhere");
        let path = folder.path("app.sock");
        let other = Running::start(Command::new("unshare").args(["-n", "sleep", "60"]));
        let (own, theirs) = ("/proc/self/ns/net", format!("/proc/{}/ns/net", other.pid()));
        let inode = |path: &str| fs::metadata(path).unwrap().ino();
        wait_until("another namespace", || inode(own) != inode(&theirs));
        let bind = {
            let path = path.clone();
            move || {
                let namespace = fs::File::open(theirs).unwrap();
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), kind).unwrap();
                UnixListener::bind(path).unwrap()
            }
        };
        let listener = std::thread::spawn(bind).join().unwrap();
        is(&path, "in_use", "unix_elsewhere");
        drop(listener);
        is(&path, "in_use", "stale_socket_file");
    });
}

#[test]
fn ports_and_unix_sockets_are_printed_in_the_order_of_the_arguments() {
    stage(|| {
        let folder = Folder::new("order");
        let path = folder.path("app.sock");
        let said = sockeye(&["check", "81", &path, "82", "@x"]);
        let outcomes: Vec<_> = said
            .out
            .lines()
            .filter(|line| !line.starts_with(' ') && !line.is_empty())
            .collect();
        let expected = ["81: free", &format!("{path}: free"), "82: free", "@x: free"];
        assert_eq!(outcomes, expected, "{said:?}");
        assert_eq!(said.code, 0);
        drop(UnixListener::bind(&path).unwrap());
        let quiet = sockeye(&["check", "-q", "81", &path]);
        assert_eq!((quiet.code, &*quiet.out, &*quiet.err), (1, "", ""));
    });
}

#[test]
fn the_other_commands_say_that_they_take_ports() {
    for args in [&["wait", "/run/app.sock"][..], &["free", "/run/app.sock"]] {
        let said = sockeye(args);
        assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
        assert!(said.err.contains("only `sockeye check` takes"), "{said:?}");
    }
}

#[test]
fn a_hostile_path_is_shown_harmlessly() {
    stage(|| {
        let folder = Folder::new("hostile");
        let path = folder.path("\x1b[2J$(touch x)");
        drop(UnixListener::bind(&path).unwrap());
        let said = check(&path);
        assert!(!said.out.contains('\x1b'), "{said:?}");
        // There is no way to type it.
        assert!(checked(&path)["remedies"][0]["command"].is_null());
    });
}

/// The page's example, in which only path, time and user are others.
#[test]
fn the_page_shows_the_real_output() {
    stage(|| {
        let page = include_str!("../../docs/taken.md");
        let (_, block) = page.split_once("<!-- check stale -->\n```\n").unwrap();
        let (shown, _) = block.split_once("```").unwrap();
        let folder = Folder::new("page");
        let path = folder.path("app.sock");
        drop(UnixListener::bind(&path).unwrap());
        let told = |text: &str| {
            let made = regex::Regex::new(r"bound on [-\d]+ at [:\d]+, by \w+\.").unwrap();
            let text = text.replace(&path, "/run/app.sock");
            let words: Vec<_> = text.split_whitespace().collect();
            made.replace(&words.join(" "), "MADE").into_owned()
        };
        assert_eq!(told(&check(&path).out), told(shown));
    });
}
