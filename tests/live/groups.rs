//! The table in groups, in a real terminal, with counts from `ss`.

use std::process::Command;

use sockeye::keymap::Key;

use crate::live::scene::{Holder, Live, at, connection, listener, stage};

const CLIENTS: usize = 400;

/// How many connections to this port `ss` lists in this state.
fn count_by_ss(state: &str, side: &str, port: u16) -> usize {
    let output = Command::new("ss")
        .args(["-Htn", "state", state, side, "=", &format!(":{port}")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().count()
}

/// The line of the group of this process.
fn group_line(screen: &str, pid: u32) -> Option<&str> {
    let mut lines = screen.lines();
    lines.find(|line| line.contains(&format!("({pid})")) && line.contains(['▸', '▾']))
}

#[test]
fn four_hundred_connections_of_a_process_are_one_line_with_the_counts_of_ss() {
    stage(|| {
        let server = listener(&at(5000));
        let (clients, servers): (Vec<_>, Vec<_>) =
            (0..CLIENTS).map(|_| connection(&server)).unzip();
        let holder = Holder::of(clients.into_iter().map(socket2::Socket::from));
        let live = Live::start(&["-a", "--group", "process"]);
        let pid = holder.pid();
        let screen = live.wait_for("the group", |screen| {
            group_line(screen, pid).is_some_and(|line| line.contains(" ESTABLISHED"))
        });
        let established = count_by_ss("established", "dport", 5000);
        assert_eq!(established, CLIENTS);
        let group = group_line(&screen, pid).unwrap();
        assert!(group.contains("▸ sleep("), "{group}");
        assert!(group.contains(&format!(" {established} ")), "{group}");
        assert!(group.contains(&format!("×{established}")), "{group}");
        assert_eq!(screen.matches('▸').count(), 2, "{screen}");
        let own = group_line(&screen, std::process::id()).unwrap();
        let accepted = count_by_ss("established", "sport", 5000);
        assert!(
            own.contains(&format!("{accepted} ESTABLISHED, 1 LISTEN")),
            "{own}"
        );
        drop(holder);
        let closed = format!("{CLIENTS} CLOSE_WAIT");
        live.wait_for("their end", |screen| {
            group_line(screen, std::process::id()).is_some_and(|line| line.contains(&closed))
        });
        assert_eq!(count_by_ss("close-wait", "sport", 5000), CLIENTS);
        drop(servers);
    });
}

#[test]
fn keys_group_open_and_close() {
    stage(|| {
        let server = listener(&at(5000));
        let _connections: Vec<_> = (0..3).map(|_| connection(&server)).collect();
        let mut live = Live::start(&["-a"]);
        live.press("z");
        live.wait_for_text("by process  1 group");
        live.pty.send_key(Key::Right);
        live.wait_for("its rows", |screen| screen.matches("│tcp ").count() == 7);
        live.pty.send_key(Key::Down);
        live.pty.send_key(Key::Left);
        live.wait_without("│tcp ");
        live.press("z");
        live.wait_for_text("by port  4 groups");
        live.press("zzzz");
        live.wait_without("by ");
    });
}
