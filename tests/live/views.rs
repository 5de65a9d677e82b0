//! The four views, and the protocols.

use std::net::UdpSocket;
use std::os::linux::net::SocketAddrExt as _;

use sockeye::keymap::Key;

use crate::live::scene::{Live, at, connection, listener, place_of, stage};

#[test]
fn each_view_has_its_key_and_its_tab() {
    stage(|| {
        let listening = listener(&at(8080));
        let (client, _server) = connection(&listening);
        let near = client.local_addr().unwrap().port();
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let mut live = Live::start(&["--highlight", "1m", "--linger", "1m"]);
        let (low, high) = (near.min(8080), near.max(8080));
        live.wait_for_ports(&[5353, 8080]);
        live.press("2");
        live.wait_for_ports(&[low, high]);
        live.press("3");
        let mut all = [5353, 8080, 8080, near];
        all.sort_unstable();
        live.wait_for_ports(&all);
        live.press("4");
        live.wait_for_text("Nothing has changed yet.");
        let new = listener(&at(9000));
        live.wait_for_ports(&[9000]);
        drop(new);
        live.wait_for_row(9000, |row| row.contains("closed"));
        live.press("1");
        live.wait_for_ports(&[5353, 8080, 9000]);
        for (tab, expected) in [
            ("2 Connections", vec![low, high]),
            ("4 Changes", vec![9000]),
            ("1 Listening", vec![5353, 8080, 9000]),
        ] {
            let (x, y) = place_of(&live.pty.screen(), tab).unwrap();
            live.pty.click(x + 3, y);
            live.wait_for_ports(&expected);
        }
    });
}

#[test]
fn unix_sockets_are_shown_when_they_are_chosen_and_are_not_new_by_that() {
    stage(|| {
        let name = std::os::unix::net::SocketAddr::from_abstract_name("live-unix").unwrap();
        let _unix = std::os::unix::net::UnixListener::bind_addr(&name).unwrap();
        let mut live = Live::start(&["--highlight", "1m"]);
        live.wait_for_text("Nothing is listening.");
        live.press("P");
        live.wait_for_text("unix sockets: paths and abstract names");
        live.press("jjjjjj ");
        live.pty.send_key(Key::Esc);
        live.wait_for_text("@live-unix");
        live.wait_for_text(" unix ");
        let screen = live.pty.screen().contents();
        let row = screen.lines().find(|line| line.contains("@live-unix"));
        assert!(!row.unwrap().contains('+'), "{screen}");
        live.press("P");
        live.press("jjjjjj ");
        live.pty.send_key(Key::Esc);
        live.wait_for_text("Nothing is listening.");
    });
}

#[test]
fn tab_goes_round_the_views_and_back() {
    stage(|| {
        let mut live = Live::start(&[]);
        let sentences = [
            "No connections.",
            "No sockets.",
            "Nothing has changed yet.",
            "Nothing is listening.",
        ];
        for sentence in sentences {
            live.pty.send_key(Key::Tab);
            live.wait_for_text(sentence);
        }
        for sentence in sentences[..3].iter().rev() {
            live.pty.send_key(Key::BackTab);
            live.wait_for_text(sentence);
        }
        live.pty.send_key(Key::BackTab);
        live.wait_for_text("Nothing is listening.");
    });
}

#[test]
fn a_protocol_can_be_turned_off_and_on() {
    stage(|| {
        let _tcp = listener(&at(8080));
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let mut live = Live::start(&[]);
        for (key, expected, told) in [
            ("t", &[5353][..], "tcp off (t)"),
            ("u", &[], "tcp and udp off (t, u)"),
            ("t", &[8080], "udp off (u)"),
            ("u", &[5353, 8080], "2 "),
        ] {
            live.press(key);
            live.wait_for_ports(expected);
            live.wait_for_text(told);
        }
        live.wait_without(" off (");
    });
}
