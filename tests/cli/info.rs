//! `list --info` and `watch --info`: the numbers of connections, compared with what both ends wrote and read.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};

use serde_json::{Value, json};

use crate::cli::background::Running;
use crate::cli::scene::{sockeye, stage};

/// Both ends of a connection to port 8080 on which the client wrote 5,000 bytes, and the server 300.
pub struct Pair {
    client: TcpStream,
    server: TcpStream,
    _listener: TcpListener,
}

impl Pair {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let (server, _) = listener.accept().unwrap();
        let mut pair = Self {
            client,
            server,
            _listener: listener,
        };
        pair.send(5000);
        pair.server.write_all(&[0; 300]).unwrap();
        pair.client.read_exact(&mut [0; 300]).unwrap();
        pair
    }

    pub fn send(&mut self, bytes: usize) {
        self.client.write_all(&vec![0; bytes]).unwrap();
        self.server.read_exact(&mut vec![0; bytes]).unwrap();
    }

    pub fn client_port(&self) -> u16 {
        self.client.local_addr().unwrap().port()
    }
}

fn number(socket: &Value, key: &str) -> u64 {
    socket["tcp_info"][key].as_u64().expect("a number")
}

#[test]
fn a_listing_has_the_payload_of_both_ends_and_nothing_without_the_option() {
    stage(|| {
        let pair = Pair::open();
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let listed = sockeye(&["list", "-a", "--info", "--json"]).json();
        let sockets = listed["sockets"].as_array().unwrap();
        let port = |socket: &&Value, port: u16| socket["local"]["port"] == port;
        let client = sockets.iter().find(|one| port(one, pair.client_port()));
        let client = client.unwrap();
        assert_eq!(number(client, "bytes_sent"), 5000);
        assert_eq!(number(client, "bytes_received"), 300);
        assert_eq!(
            (number(client, "retransmits"), number(client, "unsent")),
            (0, 0)
        );
        assert!(number(client, "rtt_us") > 0);
        assert!(number(client, "min_rtt_us") <= number(client, "rtt_us"));
        assert_eq!(client["drops"], json!(null), "of a connection");
        let is_server = |one: &&Value| port(one, 8080) && one["state"] == "ESTABLISHED";
        let server = sockets.iter().find(is_server).unwrap();
        assert_eq!(number(server, "bytes_sent"), 300);
        assert_eq!(number(server, "bytes_received"), 5000);
        let waiting = |one: &&Value| port(one, 5353) || one["state"] == "LISTEN";
        let waiting: Vec<_> = sockets.iter().filter(waiting).collect();
        assert_eq!(waiting.len(), 2);
        for socket in waiting {
            assert_eq!(
                (&socket["tcp_info"], &socket["drops"]),
                (&json!(null), &json!(0))
            );
        }
        let plain = sockeye(&["list", "-a", "--json"]).json();
        let keys = |listed: &Value| listed["sockets"][0].as_object().unwrap().len();
        assert_eq!(keys(&listed), keys(&plain) + 2);
    });
}

#[test]
fn the_table_and_csv_have_columns_for_them() {
    stage(|| {
        let pair = Pair::open();
        let port = format!("{}", pair.client_port());
        let table = sockeye(&["list", "-a", "--info", &format!(":{port}")]);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<_> = table.out.lines().map(words).collect();
        assert!(
            lines[0].contains(" SEND-Q RX TX RTT RETR IDLE "),
            "{}",
            table.out
        );
        assert!(lines[1].contains(" 0 0 300 4.8k "), "{}", table.out);
        let csv = sockeye(&["list", "-a", "--info", "--csv", &format!(":{port}")]);
        let mut lines = csv.out.lines();
        let names = lines.next().unwrap();
        assert!(names.ends_with(
            ",tcp_info_bytes_sent,tcp_info_bytes_received,tcp_info_retransmits,tcp_info_rtt_us,\
             tcp_info_min_rtt_us,tcp_info_idle_ms,tcp_info_unsent,drops"
        ));
        assert!(
            lines.next().unwrap().contains(",5000,300,0,"),
            "{}",
            csv.out
        );
        let plain = sockeye(&["list", "-a", "--csv"]);
        assert!(!plain.out.contains("tcp_info"));
    });
}

#[test]
fn filters_and_orders_have_the_numbers_without_the_option() {
    stage(|| {
        let pair = Pair::open();
        let found = |filter: &str| sockeye(&["list", "--count", filter]).out.trim().to_owned();
        assert_eq!(found("tx:>4k"), "1");
        assert_eq!(found("rx:300,5000"), "2");
        assert_eq!(found("rtt:<1s"), "2");
        assert_eq!(found("drops:0"), "1", "the listener");
        assert_eq!(found("retr:>0"), "0");
        let sorted = sockeye(&[
            "list",
            "-a",
            "--sort",
            "tx",
            "-r",
            "state:established",
            "--json",
        ]);
        let first = &sorted.json()["sockets"][0];
        assert_eq!(first["local"]["port"], pair.client_port());
        assert_eq!(number(first, "bytes_sent"), 5000);
    });
}

#[test]
fn a_rate_is_that_of_the_second_before() {
    stage(|| {
        let mut pair = Pair::open();
        let listing = Running::sockeye(&["list", "rate:>=100k", "--columns", "port,tx/s"]);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(3);
        while std::time::Instant::now() < deadline {
            pair.send(40_000);
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let title = listing.line();
        assert_eq!(
            title.split_whitespace().collect::<Vec<_>>(),
            ["PORT", "TX/S"]
        );
        let ports = [listing.line(), listing.line()].map(|line| {
            let port = line.split_whitespace().next().unwrap().to_owned();
            port.parse::<u16>().unwrap()
        });
        assert!(
            ports.contains(&8080) && ports.contains(&pair.client_port()),
            "{ports:?}"
        );
    });
}

#[test]
fn a_connection_that_closes_while_a_rate_is_measured_is_not_listed() {
    stage(|| {
        let pair = Pair::open();
        let filter = format!(":{}", pair.client_port());
        let args = ["list", "--count", "--sort", "tx/s", &filter];
        let listed = sockeye(&args);
        assert_eq!((listed.code, listed.out.trim()), (0, "1"));
        let listing = Running::sockeye(&args);
        // After the first snapshot, and long before the second.
        std::thread::sleep(std::time::Duration::from_millis(500));
        // An abortive close leaves nothing behind.
        for end in [&pair.client, &pair.server] {
            let end = socket2::SockRef::from(end);
            end.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        }
        drop(pair);
        let ended = listing.end();
        assert_eq!(ended.rest, ["0"], "{}", ended.err);
        assert_eq!(ended.code, Some(1));
    });
}

#[test]
fn a_stream_has_them_in_each_line_and_the_last_ones_when_a_socket_closed() {
    stage(|| {
        let mut pair = Pair::open();
        let port = pair.client_port();
        let filter = format!(":{port}");
        let watching = Running::sockeye(&["watch", "--json", "--info", "--interval=50ms", &filter]);
        assert_eq!(watching.json()["kind"], "start");
        let present = watching.json();
        assert_eq!(number(&present["socket"], "bytes_sent"), 5000);
        pair.send(2000);
        // Two snapshots later the numbers are those of now.
        std::thread::sleep(std::time::Duration::from_millis(300));
        // An abortive close leaves nothing behind.
        let client = socket2::SockRef::from(&pair.client);
        client.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(pair);
        let closed = watching.json();
        assert_eq!(closed["kind"], "closed", "{closed}");
        assert_eq!(number(&closed["socket"], "bytes_sent"), 7000);
    });
}

#[test]
fn groups_have_the_sums_in_every_form() {
    stage(|| {
        let _pair = Pair::open();
        let list = |form: &str| sockeye(&["list", "-a", "--info", "--group", "port", form]);
        let group = list("--json").json()["groups"].as_array().unwrap()[0].clone();
        // The listener and the server's end.
        assert_eq!(
            (&group["key"], &group["sockets"]),
            (&json!(8080), &json!(2))
        );
        assert_eq!(group["bytes_sent"], 300);
        assert_eq!(group["bytes_received"], 5000);
        let line = &list("--ndjson").lines_of_json()[0];
        assert_eq!(
            (&line["bytes_sent"], &line["bytes_received"]),
            (&json!(300), &json!(5000))
        );
        let sheet = list("--csv").out;
        assert!(
            sheet
                .lines()
                .next()
                .unwrap()
                .ends_with("send_q,bytes_sent,bytes_received"),
            "{sheet}"
        );
        assert!(sheet.contains(",300,5000\n"), "{sheet}");
        let text = list("--no-header").out;
        let words: Vec<_> = text.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(words[..6], ["8080", "2", "0", "0", "4.8k", "300"], "{text}");
        let plain = sockeye(&["list", "-a", "--group", "port", "--json"]).json();
        assert_eq!(plain["groups"][0].get("bytes_sent"), None);
    });
}

/// Only rows that had changed were matched again, and no number is a change of its row.
#[test]
fn a_connection_is_reported_once_its_numbers_match() {
    stage(|| {
        let mut pair = Pair::open();
        let watching = Running::sockeye(&["watch", "--json", "--interval=100ms", "tx:>100k"]);
        assert_eq!(watching.json()["kind"], "start");
        std::thread::sleep(std::time::Duration::from_millis(500));
        for _ in 0..20 {
            pair.send(10_000);
        }
        let line = watching.json();
        assert_eq!(line["kind"], "present");
        assert_eq!(line["socket"]["local"]["port"], pair.client_port());
    });
}
