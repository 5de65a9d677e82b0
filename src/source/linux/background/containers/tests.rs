//! What processes and groups say of containers, and what a user can forge.

use super::state::Container;
use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn facts(command: &str, uid: u32, cgroup: &str) -> Facts {
    Facts {
        pid: 7,
        argv: command.split(' ').map(str::to_owned).collect(),
        uids: vec![uid; 4],
        cgroup: cgroup.replace("ID", ID),
        ..Facts::default()
    }
}

/// With root's container `prod`, which publishes port 8080, and no process.
fn containers(users: &mut Users) -> Containers<'_> {
    let prod = Container {
        id: ID.into(),
        name: Some("prod".into()),
        ..Container::default()
    };
    let docker = Docker {
        containers: vec![prod],
        ..Docker::default()
    };
    Containers {
        at: AT,
        users,
        docker: Some(docker),
        namespaces: Some(HashMap::new()),
        processes: Some(Vec::new()),
        own: None,
        lists_ports: true,
    }
}

const AT: SocketAt = SocketAt {
    port: (Protocol::Tcp, 8080),
    address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
};

#[test]
fn what_a_user_calls_docker_is_never_root_s() {
    let uid = u32::MAX - 2;
    let mut users = Users::default();
    let mut containers = containers(&mut users);
    for command in [
        "dockerd",
        "docker-proxy -proto tcp -host-port 8080 -container-ip 172.17.0.2 -container-port 80",
        "rootlesskit",
    ] {
        let forged = facts(command, uid, "/");
        let publisher = containers.publisher(&forged).unwrap();
        let found = containers.of_publisher(&forged, publisher);
        let found = found.unwrap();
        assert_eq!(found.user.as_deref(), Some("uid 4294967293"), "{command}");
        assert_eq!(found.name, None, "{command}");
    }
    // Inside a container it is none of this machine's.
    let inside = facts("dockerd", 0, "/docker/ID");
    assert_eq!(containers.publisher(&inside), None);
}

#[test]
fn a_container_below_a_user_s_group_is_of_that_user() {
    let mut users = Users::default();
    let mut containers = containers(&mut users);
    let mut of = |cgroup: &str| {
        let own = facts("nginx", 100_033, cgroup);
        let found = containers.of_process(&[own]);
        let found = found.unwrap();
        (found.name.unwrap().to_string(), found.user.is_some())
    };
    assert_eq!(of("/system.slice/docker-ID.scope"), ("prod".into(), false));
    for path in [
        "docker-ID.scope",
        "libpod-ID.scope/container",
        "nerdctl-ID.scope",
    ] {
        let path = format!("/user.slice/user-4294967293.slice/user@4294967293.service/{path}");
        assert_eq!(of(&path), ("0123456789ab".into(), true), "{path}");
    }
}

#[test]
fn the_container_that_this_program_is_in_is_not_stopped() {
    let mut users = Users::default();
    let mut containers = containers(&mut users);
    let own = facts("nginx", 0, "/docker/ID");
    containers.own = placement::container(&own.cgroup);
    assert_eq!(containers.of_process(&[own]), None);
    let behind = Behind {
        id: Some("0123456789ab".into()),
        ..containers.of_engine(Engine::Docker, 0)
    };
    assert_eq!(containers.unless_own(behind), None);
    let dockerd = facts("dockerd", 0, "/docker/ID");
    assert_eq!(containers.publisher(&dockerd), Some(Publisher::Dockerd));
}

#[test]
fn a_client_is_root_s_or_the_reader_s() {
    let mut users = Users::default();
    let mut containers = containers(&mut users);
    let behind = Behind {
        id: Some("0123456789ab".into()),
        name: Some("prod".into()),
        ..containers.of_engine(Engine::Docker, 0)
    };
    let run = "docker run --name prod nginx";
    containers.processes = Some(vec![facts(run, u32::MAX - 2, "/")]);
    assert_eq!(containers.client_of(&behind), None);
    containers.processes = Some(vec![facts(run, 0, "/")]);
    assert_eq!(containers.client_of(&behind), Some(7));
}

#[test]
fn a_process_that_gained_root_acts_for_its_user() {
    let acts_for = |uids: &[u32]| {
        let uids = uids.to_vec();
        let facts = Facts {
            uids,
            ..Facts::default()
        };
        facts.acts_for()
    };
    assert_eq!(acts_for(&[1000, 0, 0, 0]), Some(1000));
    assert_eq!(acts_for(&[0, 0, 0, 0]), Some(0));
    assert_eq!(acts_for(&[0, 7, 7, 7]), Some(7));
    assert_eq!(acts_for(&[]), None);
}

#[test]
fn a_user_without_a_name_is_never_taken_for_root() {
    let mut users = Users::default();
    let mut containers = containers(&mut users);
    let mut user = |uid| containers.of_engine(Engine::Docker, uid).user;
    assert_eq!(user(0), None);
    assert_eq!(user(geteuid().as_raw()), None);
    // `4294967293` is in no range of uids.
    assert_eq!(user(u32::MAX - 2).as_deref(), Some("uid 4294967293"));
}

#[test]
fn the_folder_of_docker_is_read_from_its_arguments() {
    let dockerd = Facts::of_command("/usr/bin/dockerd -H fd:// --data-root=/data/docker");
    let roots = engines::docker_roots(Some(&dockerd));
    assert_eq!(roots[0].to_str(), Some("/data/docker"));
}

/// Another user's container was shown by the name of root's, and `-N prod` meant it.
#[test]
fn a_container_of_another_user_is_named_with_that_user() {
    let mut users = Users::default();
    let mut containers = containers(&mut users);
    let mut named = |uid| {
        let behind = Behind {
            name: Some("prod".into()),
            pod: Some("0123456789ab".into()),
            ..containers.of_engine(Engine::Podman, uid)
        };
        let found = described(&behind).unwrap();
        (found.name.to_string(), found.pod.unwrap().to_string())
    };
    let of_user = (
        "prod (uid 4294967293)".to_owned(),
        "0123456789ab (uid 4294967293)".to_owned(),
    );
    assert_eq!(named(u32::MAX - 2), of_user);
    let plain = ("prod".to_owned(), "0123456789ab".to_owned());
    assert_eq!(named(0), plain);
    assert_eq!(named(geteuid().as_raw()), plain);
}
