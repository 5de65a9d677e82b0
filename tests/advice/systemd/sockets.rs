//! Ports that systemd listens on for socket units.

use super::{KILL, is_active, knocker, loaded, main_pid, service, started, waited, web};
use crate::processes::helper;
use crate::scene::{Scene, SetUp};
use crate::started::{User, sh};
use crate::traffic::{Protocol, wait_for_answer};

/// What leaves systemd listening, or ends it.
const HARMFUL: [&str; 2] = [KILL, r"^(sudo )?systemctl stop \S+\.service$"];

pub fn scenes() -> Vec<Scene> {
    vec![
        Scene::new("a socket unit whose service is not started yet", 8421)
            .expects(
                "^stop_socket_unit$",
                "^systemctl stop k1.socket$",
                "systemctl stop k1.socket",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let unit = loaded("k1.service", &activated(8421));
                SetUp::new()
                    .keep(unit)
                    .keep(started("k1.socket", &listen(8421)))
            }),
        Scene::new("a socket unit and its started service", 8422)
            .run_by(User::Ann)
            .expects(
                "^stop_socket_unit$",
                "^sudo systemctl stop k2.socket k2.service$",
                "sudo systemctl stop k2.socket k2.service",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let unit = loaded("k2.service", &activated(8422));
                let socket = started("k2.socket", &listen(8422));
                waited(SetUp::new().keep(unit).keep(socket), 8422)
            }),
        Scene::new("a socket unit with one service for each connection", 8423)
            .expects(
                "^stop_socket_unit$",
                "^systemctl stop k3.socket$",
                "systemctl stop k3.socket",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let lines = "StandardInput=socket\nStandardOutput=socket\n";
                let unit = loaded("k3@.service", &service("echo hello", lines));
                let socket = started("k3.socket", &format!("{}Accept=yes\n", listen(8423)));
                waited(SetUp::new().keep(unit).keep(socket), 8423)
            }),
        Scene::new("systemd-socket-proxyd before another server", 8424)
            .expects(
                "^stop_socket_unit$",
                "^systemctl stop k4.socket k4.service$",
                "systemctl stop k4.socket k4.service",
            )
            .never(&HARMFUL)
            .behind("kind", "^(systemd_proxy|socket_unit)$")
            .seen_outside()
            .set_up(|| {
                let backend = started("k4-backend.service", &service(&web(8494), ""));
                wait_for_answer(Protocol::Tcp, "127.0.0.1", 8494);
                let proxy = service("/lib/systemd/systemd-socket-proxyd 127.0.0.1:8494", "");
                let unit = loaded("k4.service", &proxy);
                let socket = started("k4.socket", &listen(8424));
                let set_up = SetUp::new().keep(backend).keep(unit).keep(socket);
                waited(set_up, 8424).lives("the server behind it", is_active("k4-backend.service"))
            }),
        Scene::new("a service with a socket unit for another address", 8425)
            .expects(
                "^stop_unit$",
                "^systemctl stop k5.socket k5.service$",
                "systemctl stop k5.socket k5.service",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                let unit = loaded("k5.service", &service(&web(8425), ""));
                let path = "/run/stage/k5";
                let socket = started("k5.socket", &format!("[Socket]\nListenStream={path}\n"));
                sh("systemctl start k5.service");
                let clients = knocker(&format!("echo | socat -u - UNIX-CONNECT:{path}"));
                let set_up = SetUp::new().keep(unit).keep(socket).keep(clients);
                let pid = main_pid("k5.service");
                waited(set_up, 8425).names("PID", pid)
            }),
        Scene::new("a datagram socket unit", 8426)
            .udp()
            .expects(
                "^stop_socket_unit$",
                "^systemctl stop k6.socket$",
                "systemctl stop k6.socket",
            )
            .never(&HARMFUL)
            .set_up(|| {
                let unit = loaded("k6.service", &service("sleep 1000", ""));
                let socket = started("k6.socket", "[Socket]\nListenDatagram=8426\n");
                SetUp::new().keep(unit).keep(socket)
            }),
    ]
}

fn listen(port: u16) -> String {
    format!("[Socket]\nListenStream={port}\n")
}

/// A server that takes the listener of its socket unit.
pub fn activated(port: u16) -> String {
    service(
        &format!("python3 {} {port} activated", helper("holder.py")),
        "",
    )
}
