//! The order of the rows.

use std::net::UdpSocket;

use crate::live::scene::{Live, at, listener, listeners, place_of, stage};

/// The line of the headings.
const HEADINGS: u16 = 2;

#[test]
fn the_port_orders_first_and_can_be_reversed() {
    stage(|| {
        let _open = listeners(&[9000, 80, 8080]);
        let mut live = Live::start(&[]);
        live.wait_for_ports(&[80, 8080, 9000]);
        live.wait_for_text("PORT ▲");
        live.press("S");
        live.wait_for_ports(&[9000, 8080, 80]);
        live.wait_for_text("PORT ▼");
        live.press("S");
        live.wait_for_ports(&[80, 8080, 9000]);
    });
}

#[test]
fn s_chooses_the_column_to_sort_by() {
    stage(|| {
        let _open = listeners(&[9000, 8080]);
        let mut live = Live::start(&[]);
        live.wait_for_text("PORT ▲");
        live.press("s");
        live.wait_for_text("┌ sort by");
        live.press("jjj\r");
        live.wait_without("┌ sort by");
        let screen = live.wait_for_text("STATE ▲");
        assert_eq!(screen.matches(['▲', '▼']).count(), 1, "{screen}");
    });
}

#[test]
fn a_click_on_a_heading_orders_by_it_and_another_reverses() {
    stage(|| {
        let _tcp = listeners(&[80, 9000]);
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let mut live = Live::start(&[]);
        live.wait_for_ports(&[80, 5353, 9000]);
        let (x, y) = place_of(&live.pty.screen(), "PROTO").unwrap();
        assert_eq!(y, HEADINGS);
        live.pty.click(x, y);
        live.wait_for_ports(&[80, 9000, 5353]);
        live.wait_for_text("▲");
        live.pty.click(x, y);
        live.wait_for_ports(&[5353, 80, 9000]);
        live.wait_for_text("▼");
    });
}

#[test]
fn rows_that_are_alike_keep_their_order_through_every_reading() {
    stage(|| {
        // The same port on many addresses, opened in no order.
        let addresses = [7, 3, 9, 1, 5].map(|last| format!("127.0.0.{last}:8080"));
        let _open: Vec<_> = addresses.iter().map(|address| listener(address)).collect();
        let mut live = Live::start(&[]);
        live.press(":sort by pid\r");
        live.wait_for_text("PID ▲");
        let order = |screen: &str| -> Vec<String> {
            let rows = screen.lines().filter(|line| line.contains(" 8080 "));
            rows.filter_map(|row| row.split_whitespace().nth(1).map(str::to_owned))
                .collect()
        };
        let expected = [1, 3, 5, 7, 9].map(|last| format!("127.0.0.{last}"));
        live.wait_for("the addresses in order", |screen| order(screen) == expected);
        for passing in 9000..9005 {
            let _open = listener(&at(passing));
            let seen = live.wait_for_row(passing, |row| row.contains("LISTEN"));
            let screen = live.pty.screen_text();
            assert_eq!(order(&screen), expected, "after {seen}:\n{screen}");
        }
    });
}
