//! Containers in the engines' files and answers.

use super::*;

#[test]
fn a_container_is_read_from_its_file() {
    let config: Value = serde_json::from_str(
        r#"{"ID": "0123", "Name": "/web", "State": {"Running": true},
        "Config": {"Image": "nginx:1", "Labels": {"com.docker.compose.project": "shop",
        "com.docker.compose.service": "front"}},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "127.0.0.2", "HostPort": "8080"},
        {"HostIp": "::", "HostPort": "8080"}], "53/udp": [{"HostIp": "", "HostPort": "53"}], "81/tcp": null}}}"#,
    )
    .unwrap();
    let host = serde_json::from_str(r#"{"RestartPolicy": {"Name": "always"}}"#).unwrap();
    let found = of_files(&config, Some(&host)).unwrap();
    assert_eq!(found.name.as_deref(), Some("web"));
    assert_eq!(
        (found.project.as_deref(), found.service.as_deref()),
        (Some("shop"), Some("front"))
    );
    let numbers = [(Protocol::Tcp, 8080), (Protocol::Udp, 53)];
    assert_eq!(found.port_numbers(), numbers);
    let at = |address: &str| SocketAt {
        port: (Protocol::Tcp, 8080),
        address: address.parse().unwrap(),
    };
    assert_eq!(found.fit(&at("127.0.0.2")), Some(Fit::Exact));
    assert_eq!(found.fit(&at("127.0.0.1")), None);
    assert_eq!(found.restart.as_deref(), Some("always"));
}

#[test]
fn only_a_regular_file_of_the_user_is_read() {
    let own = rustix::process::geteuid().as_raw();
    let folder = std::env::temp_dir().join(format!("sockeye-engines-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("file");
    fs::write(&file, "[7]").unwrap();
    assert_eq!(json(&file, own), Some(serde_json::json!([7])));
    assert_eq!(json(&file, own + 1), None);
    let pipe = folder.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert_eq!(json(&pipe, own), None);
    let link = folder.join("link");
    std::os::unix::fs::symlink(&pipe, &link).unwrap();
    assert_eq!(json(&link, own), None);
    fs::remove_dir_all(&folder).unwrap();
}

const ANSWER: &[u8] = br#"[
    {"Id": "01", "Names": ["/web"], "Image": "nginx", "Labels": {}, "Ports": [
    {"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 81, "Type": "tcp"}]},
    {"Id": "02", "Names": ["/api"], "Image": "nginx", "Labels": {}, "Ports": [
    {"IP": "127.0.0.2", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]}]"#;

fn docker() -> Docker {
    Docker {
        containers: of_api(ANSWER).unwrap(),
        is_reachable: true,
        ..Docker::default()
    }
}

fn at(address: &str) -> SocketAt {
    SocketAt {
        port: (Protocol::Tcp, 8080),
        address: address.parse().unwrap(),
    }
}

#[test]
fn an_answer_of_the_engine_is_read() {
    let found = docker();
    assert_eq!(found.containers[0].name.as_deref(), Some("web"));
    let numbers = [(Protocol::Tcp, 8080)];
    assert_eq!(found.containers[0].port_numbers(), numbers);
    assert_eq!(of_api(b"{}"), None);
}

#[test]
fn the_container_at_the_address_of_the_socket_is_meant() {
    let mut docker = docker();
    let found = |docker: &Docker, address: &str, serving: Option<&str>| {
        let found = docker.by_port(&at(address), serving);
        found.map(|one| one.id.clone())
    };
    assert_eq!(found(&docker, "127.0.0.1", None).as_deref(), Some("01"));
    assert_eq!(found(&docker, "127.0.0.2", None).as_deref(), Some("02"));
    assert_eq!(found(&docker, "127.0.0.3", None), None);
    // The one that serves goes first only if it publishes the port there.
    assert_eq!(
        found(&docker, "127.0.0.1", Some("02")).as_deref(),
        Some("01")
    );
    for container in &mut docker.containers {
        container.ports[0].host = None;
    }
    assert_eq!(
        found(&docker, "127.0.0.1", Some("02")).as_deref(),
        Some("02")
    );
    assert_eq!(found(&docker, "127.0.0.1", None), None);
}

#[test]
fn an_engine_that_does_not_answer_is_not_waited_for() {
    let path = std::env::temp_dir().join(format!("sockeye-docker-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_eq!(docker_api(&path), None);
    drop(listener);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn an_engine_whose_answer_comes_in_drips_is_not_waited_for() {
    use std::io::Write as _;

    let path = std::env::temp_dir().join(format!("sockeye-drips-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let (gone, is_gone) = std::sync::mpsc::channel::<()>();
    let engine = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let pause = std::time::Duration::from_millis(100);
        let goes_on =
            || is_gone.recv_timeout(pause) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        let mut drips = 0;
        while goes_on() && stream.write_all(b" ").is_ok() {
            drips += 1;
        }
        drips
    });
    assert_eq!(docker_api(&path), None);
    drop(gone);
    assert!(
        engine.join().unwrap() < 100,
        "it returned while the answer went on"
    );
    std::fs::remove_file(&path).unwrap();
}
