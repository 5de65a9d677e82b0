//! Ports that Docker publishes: Debian's engine on the stage, at its usual paths.

mod scenes;

use sockeye::app::Msg;
use sockeye::clock::Clock;
use sockeye::inspect::{NamespaceAccess, inspector_of, run_in};
use sockeye::model::Answered;
use sockeye::runtime::end_process::inspect_owner;

use crate::followed::{follow_all, follow_alone, follow_families, own_failure};
use crate::image::tar;
use crate::scene::{Scene, SetUp};
use crate::stage::{SOCKEYE, on_stage};
use crate::started::{Started, Undo, User, sh, signal};
use crate::support::wait_until;
use crate::traffic::{Protocol, SEEN_OUTSIDE, answer_outside, wait_for_answer};

/// The engine and the image `site`.
pub fn engine(options: &str) -> Started {
    let engine = Started::logged(
        User::Root,
        "dockerd",
        &format!("dockerd --exec-opt native.cgroupdriver=cgroupfs {options}"),
    );
    wait_until("dockerd", || {
        User::Root
            .shell("docker version")
            .output()
            .unwrap()
            .status
            .success()
    });
    sh(&format!(
        "docker import --change 'CMD [\"/serve\"]' {} site",
        tar()
    ));
    engine
}

/// A container of this name, started with these options; removed when the scene ends.
pub fn container(name: &str, options: &str, program: &str) -> Undo {
    let undo = Undo(format!("docker rm -f {name}"));
    sh(&format!(
        "docker run -d --name {name} {options} site {program}"
    ));
    undo
}

/// Whether Docker says that the container runs.
pub fn runs(name: &'static str) -> impl Fn() -> bool + Send {
    move || {
        let inspect = format!("docker inspect -f '{{{{.State.Running}}}}' {name}");
        let output = User::Root.shell(&inspect).output().unwrap();
        output.stdout.starts_with(b"true")
    }
}

/// A container that publishes a port, and another one that lives on.
fn published(name: &'static str, port: u16, options: &str, program: &str) -> SetUp {
    let set_up = SetUp::new().keep(container(name, &format!("-p {port}:80 {options}"), program));
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
    set_up.lives("the other container", runs("other"))
}

/// What ends the engine, or the proxy or the program alone.
const HARMFUL: [&str; 3] = [r"\bkill\b", r"docker\.(service|socket)", r"dockerd"];

#[test]
fn with_proxy() {
    on_stage("docker::with_proxy", "docker", || {
        let _engine = engine("");
        let _other = container("other", "-p 7999:80", "");
        follow_families(vec![
            ("docker", scenes::published_ports()),
            ("docker-other", scenes::others()),
        ]);
    });
}

#[test]
fn without_proxy() {
    on_stage("docker::without_proxy", "docker", || {
        let _engine = engine("--userland-proxy=false");
        let _other = container("other", "-p 7999:80", "");
        let stop = |name: &str, pre: &str| format!("^{pre}docker stop {name}$");
        let published = |name, port| published(name, port, "", "");
        let scenes = vec![
            Scene::new(
                "a container's port without a proxy: dockerd itself has it",
                8011,
            )
            .expects("^stop_container$", &stop("bare", ""), "docker stop bare")
            .behind("name", "^bare$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(move || published("bare", 8011)),
            Scene::new("the same, by a user who can't see dockerd", 8012)
                .run_by(User::Ann)
                .expects_sentence("^end_process$", "sudo sockeye check 8012", None)
                .never(&HARMFUL)
                .set_up(move || {
                    let set_up = published("bare2", 8012);
                    set_up.names("ID", &id("bare2")[..12])
                }),
        ];
        follow_all("docker-bare", scenes);
    });
}

/// The engine is gone, its containers and rules are not.
#[test]
fn left_behind() {
    on_stage("docker::left_behind", "docker", || {
        let engine = engine("");
        let _web = container("web", "-p 8021:80", "");
        let address = sh("docker inspect -f '{{.NetworkSettings.IPAddress}}' web");
        signal("KILL", engine.pid()).unwrap();
        drop(engine);
        let scene = Scene::new(
            "dockerd was killed; its container and its redirect remain",
            8021,
        )
        .bound_before()
        .expects_sentence(".", "{ADDRESS}|web", None)
        .never(&["."])
        .set_up(move || {
            let answer = answer_outside(Protocol::Tcp, SEEN_OUTSIDE[0], 8021);
            assert!(answer.contains("the container"), "{answer}");
            SetUp::new().names("ADDRESS", address)
        });
        follow_alone("docker-left", 0, scene);
    });
}

/// Each of these is what `sockeye` once advised, and each of them is harmful; the harness says so.
#[test]
fn harm_is_noticed() {
    on_stage("docker::harm_is_noticed", "docker", || {
        let _engine = engine("");
        let proxies = "kill $(pgrep -f 'docker-proxy.*-host-port 8031 ')";
        let scene = |port| Scene::new("harm", port).seen_outside();
        let to_proxy = scene(8031)
            .expects(".", ".", proxies)
            .set_up(|| published_alone("one", 8031));
        let failure = own_failure(to_proxy);
        assert!(failure.contains("outside"), "{failure}");
        let to_engine = scene(8032)
            .expects(".", ".", "kill $(cat /run/docker.pid)")
            .set_up(|| published_alone("two", 8032).lives("docker", || runs("two")()));
        let failure = own_failure(to_engine);
        assert!(failure.contains("docker is gone"), "{failure}");
    });
}

fn published_alone(name: &'static str, port: u16) -> SetUp {
    let set_up = SetUp::new().keep(container(name, &format!("-p {port}:80"), ""));
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
    set_up
}

fn id(name: &str) -> String {
    sh(&format!("docker inspect -f '{{{{.Id}}}}' {name}"))
}

/// A server in a container that joined the network of another one: its own stop frees the port in there. The stop of the
/// container that the network was made for ends that network, and the advice says so.
#[test]
fn inside() {
    on_stage("docker::inside", "docker", || {
        let _engine = engine("");
        let _other = container("other", "-p 7999:80", "");
        let _pod = container("pod", "-p 8041:80", "sleep 600");
        let side = container("side", "--network container:pod", "");
        wait_for_answer(Protocol::Tcp, "127.0.0.1", 8041);
        let fix = |namespace: &str| {
            let line = format!("{SOCKEYE} check -N {namespace} 80 --json");
            let output = User::Root.shell(&line).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let mut json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let mut target = json["targets"][0].take();
            let named = target["namespace"]["container"]["name"]
                .as_str()
                .map(str::to_owned);
            (named, target["remedies"][0].take())
        };
        let (named, side_fix) = fix("pod");
        assert_eq!(named.as_deref(), Some("pod"), "{side_fix}");
        assert_eq!(side_fix["command"], "docker stop side", "{side_fix}");
        assert_eq!(side_fix["warning"], serde_json::Value::Null, "{side_fix}");
        // Followed as printed: a server can bind the port in there, and the other containers run.
        sh(side_fix["command"].as_str().unwrap());
        let pid = sh("docker inspect -f '{{.State.Pid}}' pod");
        let server = Started::new(
            User::Root,
            &format!("nsenter -t {pid} -n busybox httpd -f -p 80 -h /"),
        );
        let listens =
            format!("nsenter -t {pid} -n busybox wget -qO /dev/null http://127.0.0.1/etc/hostname");
        wait_until("the new server inside", || {
            User::Root
                .shell(&listens)
                .output()
                .unwrap()
                .status
                .success()
        });
        assert!(runs("pod")() && runs("other")());
        drop((server, side));
        let (_, other_fix) = fix("other");
        assert_eq!(other_fix["command"], "docker stop other", "{other_fix}");
        let warning = other_fix["warning"].as_str().unwrap();
        assert!(warning.contains("network namespace ends"), "{warning}");
        let ends = other_fix["also_ends"].to_string();
        assert!(ends.contains("7999/tcp"), "{ends}");
        assert_eq!(stop_by_question("other").as_deref(), Some("other"));
        // By the beginning of its id.
        let short = &id("other")[..5];
        assert_eq!(fix(short).1["command"], "docker stop other");
        // Outside, the sockets in containers are named with them.
        let output = User::Root
            .shell(&format!("{SOCKEYE} check 80"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).replace('\n', " ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("in container other (pid "), "{text}");
        assert!(text.contains("(published on port 7999)"), "{text}");
    });
}

/// The container that the question of `K` names for a server in it, as a row of its namespace shows that.
fn stop_by_question(name: &str) -> Option<String> {
    let access = NamespaceAccess::find(name).unwrap().unwrap();
    let rows = run_in(Some(&access), || {
        let mut inspector = inspector_of(None);
        let now = Clock::start().now();
        let mut evidence = inspector.rows(sockeye::model::Protocol::Tcp, 80, now);
        let port = (sockeye::model::Protocol::Tcp, 80);
        inspector.explain(&mut evidence, port.0, port.1, Answered::Refused);
        evidence.holders
    });
    let mut socket = (*rows.unwrap()[0].socket).clone();
    socket.namespace = Some(access.inside().namespace.clone());
    let Msg::OwnerInspected(found) = inspect_owner(1, &socket, Clock::start()) else {
        panic!("it answers");
    };
    assert!(found.limits.inside.is_some());
    let behind = found.backgrounds[0].behind.as_ref()?;
    behind.name.as_ref().map(ToString::to_string)
}
