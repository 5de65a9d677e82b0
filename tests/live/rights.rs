//! What a user sees who may not look at the processes of others.

use crate::live::scene::{BINARY, Live, listeners, row, stage};
use crate::program::built;

#[test]
fn hidden_owners_are_rows_all_the_same_and_the_header_says_what_would_show_them() {
    stage(|| {
        let _open = listeners(&[8080, 8081, 8082]);
        // Without capabilities, root of the namespace may not look at this process, which has them.
        let before = ["--bounding-set=-all", "--inh-caps=-all", BINARY];
        let mut live = Live::start_by("setpriv", &before, (110, 30), &[]);
        let screen = live.wait_for_ports(&[8080, 8081, 8082]);
        for port in [8080, 8081, 8082] {
            let row = row(&screen, port).unwrap();
            assert!(row.contains(" hidden ") && row.contains(" root "), "{row}");
        }
        live.wait_for_text("3 owners hidden (CAP_SYS_PTRACE)");
        live.press("K");
        live.wait_for_text(
            "owners of 3 sockets are hidden even from root: it takes CAP_SYS_PTRACE",
        );
    });
}

#[test]
fn a_table_that_can_not_be_read_says_why_it_is_empty() {
    stage(|| {
        let _open = listeners(&[8080]);
        let cage = built("bind/helpers/cage.c");
        let cage = cage.to_str().unwrap();
        let script = "mount -t tmpfs none /proc; exec \"$@\"";
        let before = ["-m", "sh", "-ec", script, "sh", cage, "no-netlink", BINARY];
        let live = Live::start_by("unshare", &before, (150, 30), &[]);
        let screen = live.wait_for_text("/proc/net is no help (ENOENT); mount /proc");
        assert!(!screen.contains("Nothing is listening"), "{screen}");
    });
}

#[test]
fn refused_by_sock_diag_the_rows_come_from_proc_net_and_the_header_says_so() {
    stage(|| {
        let _open = listeners(&[8080, 8081]);
        let cage = built("bind/helpers/cage.c");
        let before = ["no-netlink", BINARY];
        let live = Live::start_by(cage.to_str().unwrap(), &before, (150, 30), &[]);
        live.wait_for_ports(&[8080, 8081]);
        live.wait_for_text("sock_diag is refused (EPERM): bound sockets and units are missing");
    });
}
