//! What a user sees who may not look at the processes of others.

use crate::scene::{BINARY, Live, listeners, row, stage};

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
            assert!(row.contains("root · hidden"), "{row}");
        }
        live.wait_for_text("3 owners hidden: CAP_SYS_PTRACE");
        live.press("K");
        live.wait_for_text("the owner is hidden: run as root to end it");
    });
}
