//! Ports for projects: the same one each time, another one in each worktree.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sockeye::bind::{Address, Claim, PortRequest, has_only_leftovers};
use sockeye::clock::Clock;
use sockeye::inspect::this_machine;
use sockeye::model::Protocol;

use super::ports;
use crate::cli::background::Running;
use crate::cli::scene::{BINARY, Said, sockeye, stage};
use crate::program::built;
use crate::support::wait_until;

/// A folder that is the test's own, with the same path each time: the port of a project depends on its path, and with
/// another one in each run it was now and then one that is registered for a service.
fn folder() -> PathBuf {
    const PATH: &str = "/mnt";
    let is_mounted = fs::exists(Path::new(PATH).join("mounted")).unwrap();
    if !is_mounted {
        let mut mount = Command::new("mount");
        let status = mount.args(["-t", "tmpfs", "none", PATH]).status().unwrap();
        assert!(status.success());
        fs::write(Path::new(PATH).join("mounted"), "").unwrap();
    }
    PATH.into()
}

/// A folder with a repository, below the folder of the test.
fn project(name: &str) -> PathBuf {
    let folder = folder().join(name);
    fs::create_dir_all(folder.join(".git")).unwrap();
    folder.canonicalize().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The port for a service of a project, and no word about it.
fn port_of(project: &Path, args: &[&str]) -> u16 {
    ports(&[&["--for", text(project)], args].concat())[0]
}

fn free_in(folder: &Path, args: &[&str]) -> Said {
    let mut free = assert_cmd::Command::new(BINARY);
    Said::of(
        free.arg("free")
            .args(args)
            .current_dir(folder)
            .output()
            .unwrap(),
    )
}

/// Starts a server of a project, in its folder, and waits until it listens.
fn serve(project: &Path, args: &[&str], name: &str) -> (Running, u16) {
    let server = built("cli/helpers/named.c");
    let mut command = Command::new(BINARY);
    command.args(["free", "--for", text(project)]).args(args);
    command
        .args(["--", text(&server), name])
        .current_dir(project);
    let server = Running::start(&mut command);
    let port = server.port();
    (server, port)
}

/// The same on a port of its choice.
fn serve_on(port: u16, project: &Path, name: &str) -> Running {
    let server = built("cli/helpers/named.c");
    let mut command = Command::new(BINARY);
    command.args(["free", &port.to_string(), "--", text(&server), name]);
    let server = Running::start(command.current_dir(project));
    server.line();
    server
}

/// What the server on a port answers.
fn answer(port: u16) -> String {
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut name = String::new();
    client.read_to_string(&mut name).unwrap();
    name
}

#[test]
fn a_project_has_the_same_port_each_time_and_each_service_its_own() {
    stage(|| {
        let (shop, blog) = (project("shop"), project("blog"));
        let port = port_of(&shop, &[]);
        assert!((10_000..=32_767).contains(&port), "{port}");
        assert_eq!(port_of(&shop, &["--stable"]), port);
        assert_eq!(port_of(&shop, &["-t"]), port, "whatever is to be bound");
        let web = port_of(&shop, &["--name", "web"]);
        let all = [
            port,
            web,
            port_of(&shop, &["--name", "db"]),
            port_of(&blog, &[]),
        ];
        assert_eq!(HashSet::from(all).len(), 4, "{all:?}");
        let few = port_of(&shop, &["3000-3010"]);
        assert!((3000..=3010).contains(&few), "{few}");
        assert_eq!(port_of(&shop, &["3000-3010"]), few);
    });
}

#[test]
fn every_way_into_a_project_leads_to_its_port() {
    stage(|| {
        let shop = project("shop");
        let port = port_of(&shop, &[]);
        fs::create_dir_all(shop.join("src/deep")).unwrap();
        symlink(&shop, shop.with_file_name("link")).unwrap();
        for path in ["src/deep", "src/../.", "../link", "../link/src"] {
            assert_eq!(port_of(&shop.join(path), &[]), port, "{path}");
        }
        for (folder, path) in [(".", "."), ("src", ".."), ("src/deep", ".")] {
            let said = free_in(&shop.join(folder), &["--for", path]);
            assert_eq!((said.out.trim(), &*said.err), (&*port.to_string(), ""));
        }
        fs::write(shop.join("src/package.json"), "").unwrap();
        let inner = port_of(&shop.join("src"), &[]);
        assert_ne!(inner, port, "a manifest makes a project of its own");
        assert_eq!(port_of(&shop.join("src/deep"), &[]), inner);
        let moved = shop.with_file_name("moved");
        fs::rename(&shop, &moved).unwrap();
        assert_ne!(port_of(&moved, &[]), port, "it is another project there");
    });
}

#[test]
fn a_folder_without_a_project_is_one() {
    stage(|| {
        let plain = folder().join("plain");
        fs::create_dir_all(plain.join("sub")).unwrap();
        let ports = [port_of(&plain, &[]), port_of(&plain.join("sub"), &[])];
        assert_ne!(ports[0], ports[1]);
        fs::create_dir(plain.join(".git")).unwrap();
        assert_eq!(port_of(&plain.join("sub"), &[]), ports[0]);
    });
}

#[test]
fn the_server_of_this_very_project_is_reported() {
    stage(|| {
        let shop = project("shop");
        let (server, port) = serve(&shop, &[], "shop");
        let said = sockeye(&["free", "--for", text(&shop)]);
        let next = said.out.trim().parse::<u16>().unwrap();
        assert_ne!(next, port);
        let line = format!(
            "sockeye: {port}: the usual port of this project, in use by named ({}) of this very project\n",
            server.pid()
        );
        assert_eq!((said.code, &*said.err), (0, &*line));
        let json = sockeye(&["free", "--for", text(&shop), "--json"]).json();
        let service = serde_json::json!({
            "project": text(&shop), "name": null, "usual_port": port, "used_by": "this_project",
        });
        assert_eq!((&json["ports"][0], &json["for"]), (&next.into(), &service));
        assert_eq!(json["passed_over"][0]["pids"][0], server.pid());
        // The name is that of the service of the project.
        let (web, port) = serve(&shop, &["--name", "web"], "web");
        let said = sockeye(&["free", "--for", text(&shop), "--name", "web"]);
        let line = format!(
            "sockeye: {port}: the usual port of web in this project, in use by named ({}) of this very project\n",
            web.pid()
        );
        assert_eq!(said.err, line);
        drop(server);
        wait_until("its port again", || port_of(&shop, &[]) != next);
    });
}

#[test]
fn who_else_has_the_usual_port_is_reported() {
    stage(|| {
        let (shop, blog) = (project("shop"), project("blog"));
        let port = port_of(&shop, &[]);
        let server = serve_on(port, &blog, "blog");
        let said = sockeye(&["free", "--for", text(&shop)]);
        let line = format!(
            "sockeye: {port}: the usual port of this project, in use by named ({}) of {}\n",
            server.pid(),
            text(&blog)
        );
        assert_eq!((said.code, &*said.err), (0, &*line));
        let used_by = |args: &[&str]| -> Value {
            let json = sockeye(&[&["free", "--for", text(&shop), "--json"], args].concat()).json();
            assert_eq!(json["for"]["usual_port"], port);
            json["for"]["used_by"].clone()
        };
        assert_eq!(used_by(&[]), "another");
        assert_eq!(used_by(&["-u"]), Value::Null, "it is free for UDP");
        drop(server);
        assert_eq!(used_by(&[]), Value::Null);
    });
}

/// A process that has the port, in another folder with the same path.
fn serve_in_other_mounts(project: &Path, port: &str) -> Running {
    let script = format!(
        "mount -t tmpfs none '{top}' && mkdir -p '{0}/.git' && cd '{0}' && exec '{BINARY}' free {port} -- sleep 60",
        text(project),
        top = text(project.parent().unwrap()),
    );
    let elsewhere = Running::start(Command::new("unshare").args(["-m", "sh", "-c", &script]));
    let comm = format!("/proc/{}/comm", elsewhere.pid());
    wait_until("sleep", || fs::read(&comm).unwrap() == b"sleep\n");
    elsewhere
}

/// The same path is another folder in another mount namespace.
#[test]
fn a_project_with_the_same_path_elsewhere_is_not_this_one() {
    stage(|| {
        let shop = project("shop");
        let port = port_of(&shop, &[]).to_string();
        let _elsewhere = serve_in_other_mounts(&shop, &port);
        let json = sockeye(&["free", "--for", text(&shop), "--json"]).json();
        let service = &json["for"];
        assert_eq!(service["usual_port"].to_string(), port);
        assert_eq!(service["used_by"], "another", "{json}");
    });
}

/// A plain bind is refused beside them, and a project had another port after each restart.
#[test]
fn a_server_that_starts_again_beside_its_leftovers_has_its_port_again() {
    stage(|| {
        let shop = project("shop");
        let mut had = HashSet::new();
        for args in [&[][..], &["--hold"], &[], &["--hold"]] {
            let (server, port) = serve(&shop, args, "shop");
            assert_eq!(answer(port), "shop");
            had.insert(port);
            server.signal(rustix::process::Signal::TERM);
            server.end();
            had.insert(port_of(&shop, &[]));
        }
        assert_eq!(had.len(), 1, "{had:?}");
        let port = had.into_iter().next().unwrap().to_string();
        let said = sockeye(&["list", &format!(":{port}"), "state:time_wait"]);
        assert_eq!(said.code, 0, "there are leftovers: {said:?}");
    });
}

/// The option that a bind beside leftovers takes lets two bind, so each reads the table afterwards.
#[test]
fn of_two_claims_beside_leftovers_each_sees_the_other() {
    stage(|| {
        let shop = project("shop");
        let request = PortRequest {
            tcp: true,
            udp: false,
            address: Address::Every,
        };
        let (server, port) = serve(&shop, &[], "shop");
        assert_eq!(answer(port), "shop");
        server.signal(rustix::process::Signal::TERM);
        server.end();
        let is_alone = |claim: Option<&Claim>| {
            let now = Clock::start().now();
            let rows = this_machine().rows(Protocol::Tcp, port, now);
            has_only_leftovers(&rows, claim)
        };
        let refused = Claim::of(&request, port).unwrap_err();
        assert!(refused.result.is_in_use() && is_alone(None));
        let one = Claim::beside_leftovers(&request, port).unwrap();
        assert!(is_alone(Some(&one)) && !is_alone(None));
        let other = Claim::beside_leftovers(&request, port).unwrap();
        assert!(!is_alone(Some(&one)) && !is_alone(Some(&other)));
        drop(other);
        one.share().unwrap();
        assert!(is_alone(Some(&one)) && !is_alone(None));
        let one = one.listening().unwrap();
        let late = Claim::beside_leftovers(&request, port).unwrap_err();
        assert!(late.result.is_in_use());
        drop(one);
    });
}

#[test]
fn those_who_want_the_port_of_one_project_at_once_never_share_it() {
    stage(|| {
        let shop = project("shop");
        let (server, port) = serve(&shop, &[], "shop");
        assert_eq!(answer(port), "shop");
        drop(server);
        let said = sockeye(&["list", &format!(":{port}"), "state:time_wait"]);
        assert_eq!(said.code, 0, "there are leftovers: {said:?}");
        for _ in 0..5 {
            let hold = ["free", "--for", text(&shop), "--hold"];
            let all: Vec<_> = (0..40).map(|_| Running::sockeye(&hold)).collect();
            let ports: HashSet<u16> = all.iter().map(Running::port).collect();
            assert_eq!(ports.len(), 40);
            for one in all {
                one.close();
            }
            let named = built("cli/helpers/named.c");
            let servers = (0..20).map(|number| {
                let args = [
                    "free",
                    "--for",
                    text(&shop),
                    "--",
                    text(&named),
                    &number.to_string(),
                ];
                Running::sockeye(&args)
            });
            let servers: Vec<_> = servers.collect();
            for (number, server) in servers.iter().enumerate() {
                assert_eq!(answer(server.port()), number.to_string());
            }
        }
    });
}

#[test]
fn a_range_without_a_good_port_is_the_second_best_in_the_same_order() {
    stage(|| {
        let shop = project("shop");
        let said = sockeye(&["free", "--for", text(&shop), "40000-40099"]);
        assert_eq!(said.code, 0, "{said:?}");
        let port = said.out.trim();
        let chosen = format!("{port} is chosen as there is nothing better: in the ephemeral range");
        assert!(said.err.contains(&chosen), "{said:?}");
        assert!(said.err.lines().count() <= 4, "{said:?}");
        let again = sockeye(&["free", "--for", text(&shop), "40000-40099"]);
        assert_eq!(again.out, said.out);
        let taken = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
        let said = sockeye(&["free", "--for", text(&shop), "40000-40099"]);
        assert_ne!(said.out.trim(), port);
        let line = format!("{port}: the usual port of this project, in use by ");
        assert!(said.err.contains(&line), "{said:?}");
        drop(taken);
    });
}

#[test]
fn a_folder_that_is_none_is_one_line_and_nothing_is_bound() {
    stage(|| {
        let shop = project("shop");
        let file = shop.join("README");
        fs::write(&file, "").unwrap();
        let missing = shop.join("missing");
        for (args, says) in [
            (&["--for", text(&missing)][..], "No such file or directory"),
            (&["--for", text(&file)], "Not a directory"),
            (&["--for", "\x1b[2J"], "No such file or directory"),
            (&["--for"], "a value is required for '--for <PATH>'"),
            (&["--name", "web"], "--for <PATH>"),
            (&["--for", ".", "--name", ""], "'--name <NAME>'"),
            (
                &["--for", ".", "-n", "2"],
                "--count 2: a project has one port",
            ),
        ] {
            let said = sockeye(&[&["free"], args].concat());
            assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
            assert_eq!(said.err.lines().count(), 1, "{said:?}");
            assert!(said.err.contains(says), "{said:?}");
            assert!(!said.err.contains('\x1b'), "{said:?}");
        }
        fs::set_permissions(&shop, fs::Permissions::from_mode(0o600)).unwrap();
        let mut free = assert_cmd::Command::new("setpriv");
        free.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        let said = Said::of(free.args(["free", "--for", text(&shop)]).output().unwrap());
        fs::set_permissions(&shop, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
        assert!(said.err.contains("Permission denied"), "{said:?}");
    });
}
