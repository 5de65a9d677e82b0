//! Packets that go elsewhere, addresses that cannot be bound, sockets that are shared, and what the
//! machine itself needs.

use crate::followed::{follow_all, follow_alone};
use crate::processes::holder;
use crate::scene::{Scene, SetUp};
use crate::stage::on_stage;
use crate::started::{Started, Undo, User, sh};
use crate::support::wait_until;
use crate::traffic::{Protocol, answer_outside};

/// Where packets are led to: a server in a namespace behind this machine.
const ELSEWHERE: &str = "198.51.100.2";

#[test]
fn redirects() {
    on_stage("networks::redirects", "supervisors", || {
        let _elsewhere = elsewhere();
        follow_all("networks", redirect_scenes());
    });
}

/// A network namespace that this machine routes to, with a web server.
fn elsewhere() -> Started {
    sh(
        "ip netns add inside && ip link add inner type veth peer name outer netns inside && \
        ip address add 198.51.100.1/24 dev inner && ip link set inner up && \
        ip -n inside address add 198.51.100.2/24 dev outer && ip -n inside link set outer up && \
        ip -n inside route add default via 198.51.100.1 && \
        echo 1 >/proc/sys/net/ipv4/ip_forward && \
        mkdir /run/stage/www && echo elsewhere >/run/stage/www/index.html",
    );
    let line = "ip netns exec inside busybox httpd -f -p 80 -h /run/stage/www";
    Started::new(User::Root, line)
}

/// A redirect made by this line of root's, undone by the other; a client outside ends elsewhere.
fn redirected(seen: &str, port: u16, make: &str, undo: &str) -> SetUp {
    let undo = Undo(undo.to_owned());
    sh(make);
    wait_until("the redirect", || {
        answer_outside(Protocol::Tcp, seen, port).contains("elsewhere")
    });
    SetUp::new().keep(undo)
}

/// A table of nftables with one rule before routing.
fn by_nft(seen: &str, port: u16, rule: &str) -> SetUp {
    let chain = "type nat hook prerouting priority dstnat;";
    let make = format!("nft 'table ip t{port} {{ chain first {{ {chain} {rule}; }}; }}'");
    redirected(seen, port, &make, &format!("nft delete table ip t{port}"))
}

fn redirect_scenes() -> Vec<Scene> {
    let free = |situation, port| {
        let scene = Scene::new(situation, port).bound_before();
        scene
            .expects_sentence(".", ELSEWHERE, None)
            .never(&[r"\bkill\b"])
    };
    vec![
        free("no listener, and an nftables rule redirects the port", 8701)
            .set_up(|| by_nft("192.0.2.1", 8701, "tcp dport 8701 dnat to 198.51.100.2:80")),
        free("the same with a map of ports", 8702).set_up(|| {
            let map = "dnat ip to tcp dport map { 8702 : 198.51.100.2 . 80 }";
            by_nft("192.0.2.1", 8702, map)
        }),
        free("the same with a rule that names an address and no port", 80)
            .at(&["192.0.2.9"])
            .set_up(|| {
                sh("ip address add 192.0.2.9/24 dev cable");
                by_nft("192.0.2.9", 80, "ip daddr 192.0.2.9 dnat to 198.51.100.2")
            }),
        free(
            "the same with chains of iptables, as kube-proxy creates them",
            8704,
        )
        .set_up(|| {
            let make = "iptables -t nat -N KUBE-SEP-1 && iptables -t nat -N KUBE-SVC-1 && \
                iptables -t nat -A KUBE-SEP-1 -p tcp -j DNAT --to-destination 198.51.100.2:80 && \
                iptables -t nat -A KUBE-SVC-1 -j KUBE-SEP-1 && \
                iptables -t nat -A PREROUTING -p tcp --dport 8704 -j KUBE-SVC-1";
            redirected("192.0.2.1", 8704, make, "true")
        }),
        Scene::new(
            "a program has the port, and a rule redirects its packets",
            8705,
        )
        .expects_sentence(".", ELSEWHERE, Some("^kill {PID}$"))
        .set_up(|| {
            let server = holder(User::Root, 8705, "");
            let rule = "tcp dport 8705 dnat to 198.51.100.2:80";
            let set_up = by_nft("192.0.2.1", 8705, rule).names("PID", server.pid());
            set_up.keep(server)
        }),
    ]
}

#[test]
fn addresses() {
    on_stage("networks::addresses", "supervisors", || {
        follow_all("networks-addresses", address_scenes());
    });
}

fn address_scenes() -> Vec<Scene> {
    vec![
        Scene::new(
            "an IPv6 address that is still being checked for duplicates",
            8711,
        )
        .at(&["2001:db8:1::7"])
        .expects_sentence("^wait$", "(?i)duplicate|tentative", None)
        .set_up(|| {
            sh("ip link add slow type veth peer name slow2 && \
                    echo 250 >/proc/sys/net/ipv6/conf/slow/dad_transmits && \
                    ip link set slow2 up && ip link set slow up && \
                    ip address add 2001:db8:1::7/64 dev slow");
            wait_for_flag("2001:db8:1::7", " tentative");
            SetUp::new()
        }),
        Scene::new("an IPv6 address that another machine has too", 8712)
            .at(&["2001:db8::7"])
            .expects_sentence(".", "(?i)duplicate|another|dadfailed", None)
            .set_up(|| {
                sh(
                    "ip -n outside address add 2001:db8::7/64 dev cable nodad && \
                    ip address add 2001:db8::7/64 dev cable",
                );
                wait_for_flag("2001:db8::7", "dadfailed");
                SetUp::new()
            }),
        Scene::new("a server on an address that was removed", 8713)
            .at(&["192.0.2.77"])
            .expects_sentence(".", ".", None)
            .set_up(|| {
                sh("ip address add 192.0.2.77/24 dev cable");
                let server = holder(User::Root, 8713, "address=192.0.2.77");
                sh("ip address delete 192.0.2.77/24 dev cable");
                let pid = server.pid();
                SetUp::new().keep(server).lives_on("the server", pid)
            }),
        Scene::new("multicast DNS, shared by several programs", 5353)
            .udp()
            .expects_sentence("^set_reuse_(address|port)$", "SO_REUSE(ADDR|PORT)", None)
            .never(&[r"\bkill\b"])
            .set_up(|| {
                let first = holder(User::Root, 5353, "udp share group");
                let second = holder(User::Root, 5353, "udp share group");
                let (a, b) = (first.pid(), second.pid());
                let set_up = SetUp::new().keep(first).keep(second);
                set_up.lives_on("one of them", a).lives_on("the other", b)
            }),
    ]
}

fn wait_for_flag(address: &str, flag: &str) {
    wait_until(flag, || {
        let all = sh("ip -6 -o address");
        let mut lines = all.lines();
        lines.any(|line| line.contains(address) && line.contains(flag))
    });
}

/// The machine's own resolver: ending it ends every look-up of a name.
#[test]
fn resolver() {
    on_stage("networks::resolver", "supervisors", || {
        std::fs::write("/etc/resolv.conf", "nameserver 127.0.0.53\n").unwrap();
        let scene = Scene::new("the resolver that /etc/resolv.conf names", 53)
            .udp()
            .expects_sentence("^(bind_other_address|change_config)$", ".", None)
            .never(&[r"\bkill\b"])
            .set_up(|| {
                let resolver = holder(User::Root, 53, "udp address=127.0.0.53");
                let pid = resolver.pid();
                SetUp::new().keep(resolver).lives_on("the resolver", pid)
            });
        follow_alone("networks-resolver", 0, scene);
    });
}
