//! Opening a listener in the browser, with an opener of the test's own.

use std::os::unix::fs::PermissionsExt as _;

use crate::live::scene::{BINARY, Live, TempDir, listeners, stage};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// The program with this script as `xdg-open`, in a directory that is also its current one.
fn live(script: &str) -> (Live, TempDir) {
    let folder = TempDir::new();
    let opener = folder.path().join("xdg-open");
    std::fs::write(&opener, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let live = Live {
        pty: Pty::spawn(BINARY, &[], (110, 30), &[("PATH", &path)]),
    };
    live.wait_for_table();
    (live, folder)
}

#[test]
fn the_opener_gets_the_url_alone_and_no_terminal() {
    stage(|| {
        let _open = listeners(&[8080, 8443]);
        // Its output must not reach the screen.
        let script = "echo noise; echo noise >&2; printf '%s,' \"$@\" >> opened; [ -t 0 ] || echo ok >> opened";
        let (mut live, folder) = live(script);
        live.wait_for_ports(&[8080, 8443]);
        let opened = folder.path().join("opened");
        live.press("O");
        live.wait_for_text("Open http://127.0.0.1:8080/ with xdg-open?");
        assert!(!opened.exists(), "nothing starts before the answer");
        live.press("n");
        live.wait_without("with xdg-open?");
        live.press("O");
        live.wait_for_text("Open http://127.0.0.1:8080/ with xdg-open?");
        live.press("y");
        live.wait_for_text("opening http://127.0.0.1:8080/ with xdg-open");
        let is =
            |expected: &str| std::fs::read_to_string(&opened).is_ok_and(|text| text == expected);
        wait_until("the first address", || is("http://127.0.0.1:8080/,ok\n"));
        // The second one without a question.
        live.press("jO");
        live.wait_for_text("opening https://127.0.0.1:8443/ with xdg-open");
        wait_until("the second address", || {
            is("http://127.0.0.1:8080/,ok\nhttps://127.0.0.1:8443/,ok\n")
        });
        assert!(!live.pty.screen_text().contains("noise"));
    });
}

#[test]
fn an_opener_that_fails_or_is_missing_is_one_line() {
    stage(|| {
        let _open = listeners(&[8080]);
        let (mut live, folder) = live("exit 3");
        live.wait_for_ports(&[8080]);
        live.press("Oy");
        live.wait_for_text("can't open http://127.0.0.1:8080/: xdg-open failed (exit status: 3)");
        std::fs::remove_file(folder.path().join("xdg-open")).unwrap();
        if !std::path::Path::new("/usr/bin/xdg-open").exists() {
            live.press("O");
            live.wait_for_text("can't open http://127.0.0.1:8080/: xdg-open: No such file");
        }
    });
}
