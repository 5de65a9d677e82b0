//! The scenes of an engine with its userland proxy.

use super::{HARMFUL, container, id, published, runs};
use crate::scene::{Scene, SetUp};
use crate::started::{Started, User, sh};
use crate::traffic::{Protocol, wait_for_answer};

/// A container that publishes one port, and who runs sockeye.
pub fn published_ports() -> Vec<Scene> {
    let stop = |name: &str, pre: &str| format!(r"^{pre}docker stop {name}$");
    vec![
        Scene::new("a container's port, Docker's proxy", 8001)
            .expects("^stop_container$", &stop("web", ""), "docker stop web")
            .behind("kind", "^container$")
            .behind("name", "^web$")
            .behind("engine", "^docker$")
            .behind("image", "^site")
            .behind("process", "httpd")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| published("web", 8001, "", "")),
        Scene::new("the same, by a user of the group docker", 8002)
            .run_by(User::Dora)
            .expects("^stop_container$", &stop("web2", ""), "docker stop web2")
            .behind("name", "^web2$")
            .never(&HARMFUL)
            .never(&["sudo"])
            .seen_outside()
            .set_up(|| published("web2", 8002, "", "")),
        Scene::new("the same, by a user who may use sudo", 8003)
            .run_by(User::Ann)
            .expects(
                "^stop_container$",
                "^sudo docker stop (web3|{ID})",
                "sudo docker stop web3",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let set_up = published("web3", 8003, "", "");
                set_up.names("ID", &id("web3")[..12])
            }),
        Scene::new("a container's UDP port, Docker's proxy", 8004)
            .udp()
            .expects("^stop_container$", &stop("names", ""), "docker stop names")
            .behind("name", "^names$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let options = "-p 8004:53/udp -e UDP=53";
                let set_up = SetUp::new().keep(container("names", options, ""));
                wait_for_answer(Protocol::Udp, "127.0.0.1", 8004);
                set_up.lives("the other container", runs("other"))
            }),
        Scene::new("a container of a compose project", 8005)
            .expects("^stop_container$", &stop("shop-web-1", ""), "docker stop shop-web-1")
            .behind("name", "^shop-web-1$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let labels = "--label com.docker.compose.project=shop --label com.docker.compose.service=web";
                published("shop-web-1", 8005, labels, "")
            }),
        Scene::new("a container that Docker restarts always", 8006)
            .expects("^stop_container$", &stop("always", ""), "docker stop always")
            .kept_by("kind", "^docker$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| published("always", 8006, "--restart always", "")),
        Scene::new("a container whose first process ignores TERM", 8007)
            .expects(
                "^stop_container$",
                r"^docker stop (-t|--time|--timeout)[ =]?[0-3] deaf$",
                "docker stop -t 2 deaf",
            )
            .warns("TERM")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| published("deaf", 8007, "", "httpd -f -h /www")),
    ]
}

/// Containers that are something else than one program behind one port.
pub fn others() -> Vec<Scene> {
    let stop = |name: &str, pre: &str| format!(r"^{pre}docker stop {name}$");
    vec![
        Scene::new("a container that publishes two ports", 8010)
            .expects("^stop_container$", &stop("two", ""), "docker stop two")
            .also_ends("8910")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| published("two", 8010, "-p 8910:81", "")),
        Scene::new("a container's port on one address", 8013)
            .at(&["127.0.0.1"])
            .expects("^stop_container$", &stop("near", ""), "docker stop near")
            .never(&HARMFUL)
            .set_up(|| {
                let near = container("near", "-p 127.0.0.1:8013:80", "");
                wait_for_answer(Protocol::Tcp, "127.0.0.1", 8013);
                SetUp::new().keep(near).lives("the other container", runs("other"))
            }),
        Scene::new("a container on one address, a program on another", 8014)
            .expects(
                "^(stop_container|end_processes)$",
                r"docker stop half\b.*kill {PID}\b|kill {PID}\b.*docker stop half\b",
                "docker stop half && kill {PID}",
            )
            .never(&["docker-proxy", "dockerd", "^kill {PID}$", "^docker stop half$"])
            .seen_outside()
            .set_up(|| {
                let half = container("half", "-p 127.0.0.1:8014:80", "");
                let server = "busybox httpd -f -p 192.0.2.1:8014 -h /";
                let server = Started::new(User::Root, server);
                wait_for_answer(Protocol::Tcp, "127.0.0.1", 8014);
                wait_for_answer(Protocol::Tcp, "192.0.2.1", 8014);
                let set_up = SetUp::new().names("PID", server.pid());
                let set_up = set_up.keep(half).keep(server);
                set_up.lives("the other container", runs("other"))
            }),
        Scene::new("a paused container", 8015)
            .expects(
                "^stop_container$",
                r"^docker unpause still( &&|;) docker stop still$|^docker stop still$|^docker (kill|rm -f) still$",
                "docker stop still",
            )
            .seen_outside()
            .set_up(|| {
                let set_up = published("still", 8015, "", "");
                sh("docker pause still");
                set_up
            }),
        Scene::new("a container in the host's network", 8008)
            .expects("^stop_container$", &stop("hosted", ""), "docker stop hosted")
            .behind("name", "^hosted$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let options = "--network host -e PORT=8008";
                let set_up = SetUp::new().keep(container("hosted", options, ""));
                wait_for_answer(Protocol::Tcp, "127.0.0.1", 8008);
                set_up.lives("the other container", runs("other"))
            }),
        Scene::new("one container publishes the port, another in its network serves it", 8009)
            .also_ends("^server$")
            .expects("^stop_container$", &stop("publisher", ""), "docker stop publisher")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let publisher = container("publisher", "-p 8009:8080", "");
                let set_up = SetUp::new().keep(publisher).keep(container(
                    "server",
                    "--network container:publisher -e PORT=8080",
                    "",
                ));
                wait_for_answer(Protocol::Tcp, "127.0.0.1", 8009);
                set_up.lives("the other container", runs("other"))
            }),
    ]
}
