//! Ports that podman publishes, as root and rootless, and pasta alone. None of it needs a daemon.

use crate::followed::{follow_all, follow_alone, follow_families};
use crate::image::tar;
use crate::scene::{Scene, SetUp};
use crate::stage::{SOCKEYE, on_stage};
use crate::started::{Started, Undo, User, by, pid_of, sh, signal};
use crate::traffic::{Protocol, SEEN_OUTSIDE, answer_outside, wait_for_answer};

/// What leaves the container hanging, or ends the forwarding alone.
const HARMFUL: [&str; 1] = [r"\bkill\b"];

/// The runtime and limits that work where neither systemd, higher limits nor every controller is there.
const CONFIG: &str = "[containers]\n\
    pids_limit = 0\n\
    default_ulimits = [\"nofile=1024:1024\", \"nproc=1000:1000\"]\n\
    [engine]\n\
    runtime = \"runc\"\n\
    cgroup_manager = \"cgroupfs\"\n\
    events_logger = \"file\"\n";

/// podman set up for root and `users`, with the image `site` and a container `other` each.
pub fn engine(users: &[User]) {
    std::fs::create_dir_all("/etc/containers").unwrap();
    std::fs::write("/etc/containers/containers.conf", CONFIG).unwrap();
    for &user in users {
        if user != User::Root {
            // The overlay of an ordinary user needs attributes that files in memory may not have.
            let folder = ".config/containers";
            by(user, &format!("mkdir -p {folder}"));
            by(
                user,
                &format!("printf '[storage]\\ndriver = \"vfs\"\\n' >{folder}/storage.conf"),
            );
        }
        let import = format!(
            "podman import --change 'CMD [\"/serve\"]' {} localhost/site",
            tar()
        );
        by(user, &import);
        by(user, "podman run -d --name other localhost/site");
    }
}

/// A container that this user publishes a port of, and another one that lives on.
fn published(user: User, name: &str, options: &str, program: &str) -> SetUp {
    let line = format!("podman run -d --name {name} {options} localhost/site {program}");
    by(user, &line);
    let inspect = format!("podman inspect -f '{{{{.Id}}}}' {name}");
    let id = &by(user, &inspect)[..12];
    with_other(SetUp::new().names("ID", id), user)
}

/// The user's other container has to live on.
pub fn with_other(set_up: SetUp, user: User) -> SetUp {
    set_up.lives("the user's other container", move || {
        let inspect = "podman inspect -f '{{.State.Running}}' other";
        let output = user.shell(inspect).output().unwrap();
        output.stdout.starts_with(b"true")
    })
}

fn answers(port: u16) {
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
}

#[test]
fn of_root() {
    on_stage("podman::of_root", "podman", || {
        engine(&[User::Root]);
        follow_families(vec![
            ("podman", scenes_of_root()),
            ("podman-other", other_scenes_of_root()),
        ]);
    });
}

/// Servers in containers are stopped by the engine of the user whose they are.
#[test]
fn inside() {
    on_stage("podman::inside", "podman", || {
        engine(&[User::Root, User::Ann]);
        let start = |user, name: &str, port: u16| {
            let line = format!("podman run -d --name {name} -p {port}:80 localhost/site");
            by(user, &line);
            answers(port);
        };
        start(User::Root, "web", 8241);
        start(User::Ann, "shop", 8242);
        let first = |user: User, line: &str| {
            let output = user.shell(&format!("{line} 80 --json")).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let mut json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            json["targets"][0]["remedies"][0].take()
        };
        let check = |name: &str| first(User::Root, &format!("{SOCKEYE} check -N {name}"));
        let fix = check("web");
        assert_eq!(fix["command"], "podman stop web", "{fix}");
        assert!(
            fix["warning"]
                .as_str()
                .unwrap()
                .contains("network namespace"),
            "{fix}"
        );
        let fix = check("shop");
        assert_eq!(
            fix["command"], "runuser -l ann -c 'podman stop shop'",
            "{fix}"
        );
        sh(fix["command"].as_str().unwrap());
        // Its user enters the user namespace first.
        let pid = by(User::Ann, "podman inspect -f '{{.State.Pid}}' other");
        let line = format!("podman unshare {SOCKEYE} check -N {pid}");
        let fix = first(User::Ann, &line);
        assert_eq!(fix["code"], "stop_container", "{fix}");
        let refused = User::Ann
            .shell(&format!("{SOCKEYE} check -N {pid} 80"))
            .output();
        assert_eq!(refused.unwrap().status.code(), Some(2));
    });
}

fn scenes_of_root() -> Vec<Scene> {
    let stop = |name: &str, pre: &str| format!("^{pre}podman stop ({name}|{{ID}})$");
    vec![
        Scene::new("a container's port, podman as root: conmon has it", 8201)
            .expects("^stop_container$", &stop("web", ""), "podman stop web")
            .behind("kind", "^container$")
            .behind("name", "^web$")
            .behind("engine", "^podman$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let set_up = published(User::Root, "web", "-p 8201:80", "");
                answers(8201);
                set_up
            }),
        Scene::new("the same, by a user who can't see conmon", 8202)
            .run_by(User::Ann)
            .expects_sentence("^end_process$", "sudo sockeye check 8202", None)
            .never(&HARMFUL)
            .set_up(|| {
                let set_up = published(User::Root, "web2", "-p 8202:80", "");
                answers(8202);
                set_up
            }),
        Scene::new("a container's UDP port, podman as root", 8203)
            .udp()
            .expects("^stop_container$", &stop("names", ""), "podman stop names")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let options = "-p 8203:53/udp -e UDP=53";
                let set_up = published(User::Root, "names", options, "");
                wait_for_answer(Protocol::Udp, "127.0.0.1", 8203);
                set_up
            }),
        Scene::new(
            "a container whose first process ignores TERM, podman as root",
            8204,
        )
        .expects(
            "^stop_container$",
            "^podman stop (-t|--time)[ =]?[0-3] (deaf|{ID})$",
            "podman stop -t 2 deaf",
        )
        .warns("TERM")
        .never(&HARMFUL)
        .seen_outside()
        .set_up(|| {
            let program = "httpd -f -h /www";
            let set_up = published(User::Root, "deaf", "-p 8204:80", program);
            answers(8204);
            set_up
        }),
    ]
}

fn other_scenes_of_root() -> Vec<Scene> {
    let stop = |name: &str, pre: &str| format!("^{pre}podman stop ({name}|{{ID}})$");
    vec![
        Scene::new("a podman pod", 8205)
            .expects(
                "^stop_container$",
                "^podman pod stop (shop|[0-9a-f]{12})$",
                "podman pod stop shop",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                sh("podman pod create --name shop -p 8205:80");
                let set_up = published(User::Root, "shop-web", "--pod shop", "");
                answers(8205);
                set_up
            }),
        Scene::new("a container in the host's network, podman as root", 8206)
            .expects(
                "^stop_container$",
                &stop("hosted", ""),
                "podman stop hosted",
            )
            .behind("name", "^hosted$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let options = "--network host -e PORT=8206";
                let set_up = published(User::Root, "hosted", options, "");
                answers(8206);
                set_up
            }),
        Scene::new("a container that podman restarts always", 8207)
            .expects(
                "^stop_container$",
                &stop("always", ""),
                "podman stop always",
            )
            .kept_by("kind", "^podman$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let options = "-p 8207:80 --restart always";
                let set_up = published(User::Root, "always", options, "");
                answers(8207);
                set_up
            }),
    ]
}

#[test]
fn rootless() {
    on_stage("podman::rootless", "podman", || {
        engine(&[User::Ann]);
        follow_all("podman-rootless", rootless_scenes());
    });
}

fn rootless_scenes() -> Vec<Scene> {
    let published = |name: &'static str, port: u16, program: &'static str| {
        let set_up = published(User::Ann, name, &format!("-p {port}:80"), program);
        answers(port);
        set_up
    };
    vec![
        Scene::new("a rootless container's port: rootlessport has it", 8211)
            .run_by(User::Ann)
            .expects("^stop_container$", "^podman stop mine$", "podman stop mine")
            .behind("kind", "^container$")
            .behind("name", "^mine$")
            .never(&HARMFUL)
            .never(&["sudo"])
            .seen_outside()
            .set_up(move || published("mine", 8211, "")),
        Scene::new("another user's rootless container, by root", 8212)
            .expects(
                "^stop_container$",
                r"ann\b.*podman stop hers\b",
                "su - ann -c 'podman stop hers'",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(move || published("hers", 8212, "")),
        Scene::new(
            "a rootless container whose first process ignores TERM",
            8213,
        )
        .run_by(User::Ann)
        .expects(
            "^stop_container$",
            "^podman stop (-t|--time)[ =]?[0-3] deaf$",
            "podman stop -t 2 deaf",
        )
        .warns("TERM")
        .never(&HARMFUL)
        .seen_outside()
        .set_up(move || published("deaf", 8213, "httpd -f -h /www")),
    ]
}

/// pasta without podman. The one container beside it has nothing to do with it.
#[test]
fn pasta() {
    on_stage("podman::pasta", "podman", || {
        engine(&[User::Ann]);
        let scene = Scene::new("a program behind pasta", 8214)
            .run_by(User::Ann)
            .expects(
                "^end_(process|processes|hard)$",
                "^kill -(s )?(SIG)?KILL {CHILD}$|^kill -9 {CHILD}$",
                "kill -KILL {CHILD}",
            )
            .never(&["^kill {PASTA}$", "podman"])
            .seen_outside()
            .set_up(|| {
                let line = "pasta --config-net -f -t 8214:80 -- busybox httpd -f -p 80 -h /";
                let pasta = Started::new(User::Ann, line);
                answers(8214);
                let child = pid_of("^busybox httpd -f -p 80 -h /$");
                let set_up = SetUp::new()
                    .names("CHILD", child)
                    .names("PASTA", pasta.pid());
                with_other(set_up.keep(pasta), User::Ann)
            });
        follow_alone("podman-pasta", 0, scene);
    });
}

/// `conmon` is gone: the port can be bound, but the redirect leads to the container as before.
#[test]
fn left_behind() {
    on_stage("podman::left_behind", "podman", || {
        engine(&[User::Root]);
        let _web = Undo("podman rm -f web".into());
        sh("podman run -d --name web -p 8221:80 localhost/site");
        answers(8221);
        let inspect = "podman inspect -f '{{.NetworkSettings.IPAddress}}' web";
        let address = sh(inspect);
        signal("KILL", pid_of("/conmon .* -n web ")).unwrap();
        let scene = Scene::new(
            "conmon was killed; its container and its redirect remain",
            8221,
        )
        .bound_before()
        .expects_sentence(".", "{ADDRESS}|web", None)
        .never(&["."])
        .set_up(move || {
            let answer = answer_outside(Protocol::Tcp, SEEN_OUTSIDE[0], 8221);
            assert!(answer.contains("the container"), "{answer}");
            with_other(SetUp::new().names("ADDRESS", address), User::Root)
        });
        follow_alone("podman-left", 0, scene);
    });
}
