//! The columns under churn: they stand still.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use crate::live::scene::{Live, at, connection, listener, stage};

/// A terminal of the size that the pictures have.
const SIZE: (u16, u16) = (160, 45);

/// After each frame the program writes the end of a synchronized update.
const END_OF_FRAME: &str = "\x1b[?2026l";

/// Six connections a second, for so many of them.
const PACE: Duration = Duration::from_millis(166);
const CONNECTIONS: usize = 75;

/// What a frame showed: its headings, and all of it.
struct Frame {
    headings: String,
    text: String,
}

/// Every frame that the program drew, from its output.
fn frames(raw: &str) -> Vec<Frame> {
    let mut terminal = vt100::Parser::new(SIZE.1, SIZE.0, 0);
    let outputs = raw.split_inclusive(END_OF_FRAME);
    let frame = |output: &str| {
        terminal.process(output.as_bytes());
        let text = terminal.screen().contents();
        let is_heading = |line: &&str| line.contains("PORT") && line.contains("STATE");
        let headings = text.lines().find(is_heading).map(str::to_owned);
        headings.map(|headings| Frame { headings, text })
    };
    outputs.filter_map(frame).collect()
}

/// At the start owners are being searched for, and the columns of their names are as wide as needed only then. From
/// there on nothing moves, whatever opens, changes its state, closes and goes, and while pages are turned.
#[test]
fn the_headings_are_the_same_while_connections_come_change_and_go_and_pages_are_turned() {
    stage(|| {
        let server = listener(&at(8080));
        let kept: Vec<_> = (0..40).map(|_| connection(&server)).collect();
        let mut live = Live::start_in(SIZE, &["--all", "--linger", "1s", "--highlight", "1s"]);
        live.wait_for_text("80 connected");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        let settled = frames(&live.pty.raw()).len();
        let mut half_closed: Vec<TcpStream> = Vec::new();
        for number in 0..CONNECTIONS {
            let (client, accepted) = connection(&server);
            // The end that closes first is in FIN_WAIT2, the other in CLOSE_WAIT, until that closes too: then one is in
            // TIME_WAIT, or both are gone at once after a reset.
            let reset = (number % 3 == 0).then_some(Duration::ZERO);
            SockRef::from(&accepted).set_linger(reset).unwrap();
            drop(client);
            half_closed.push(accepted);
            if half_closed.len() > 6 {
                half_closed.remove(0);
            }
            live.press(match number % 4 {
                0 | 1 => "\x1b[6~",
                2 => "\x1b[5~",
                _ => "G",
            });
            live.pty.bytes_written_during(PACE);
        }
        let frames = &frames(&live.pty.raw())[settled..];
        let headings: BTreeSet<_> = frames.iter().map(|frame| &*frame.headings).collect();
        assert_eq!(headings.len(), 1, "{headings:#?}");
        for shown in ["CLOSE_WAIT", "FIN_WAIT2", "TIME_WAIT", " → ", "closed"] {
            let shows = |frame: &&Frame| frame.text.contains(shown);
            assert!(frames.iter().any(|frame| shows(&frame)), "no {shown}");
        }
        let tops = frames.iter().map(|frame| frame.text.lines().nth(3));
        assert!(
            tops.collect::<BTreeSet<_>>().len() > 10,
            "no page was turned"
        );
        drop(kept);
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}
