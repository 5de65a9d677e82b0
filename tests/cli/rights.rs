//! With less than every right, with parts of the system missing, and with hardly any resources: what can
//! be seen is shown, and one line says what can't and what would show it.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::cli::background::Running;
use crate::cli::scene::{BINARY, Said, Sockets, TempFile, stage};
use crate::program::built;
use crate::support::netns::stage_with_pids;
use sockeye::history::HISTORY_BEGINS;

/// What the program says where a shell's script has it run as `"$@"`.
fn said_in(script: &str, args: &[&str]) -> Said {
    let cage = built("bind/helpers/cage.c");
    let output = Command::new("sh")
        .args(["-ec", script, "sh", BINARY])
        .args(args)
        .env("CAGE", cage)
        .env("BINARY", BINARY)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said::of(output)
}

/// All but what is only bound, the connection's ends by the lower port each.
fn has_rows(said: &Said) -> bool {
    [8080, 8081, 5353, 5354]
        .iter()
        .all(|port| said.ports().contains(port))
}

const NO_PROC: &str = "mount -t tmpfs none /proc";

#[test]
fn every_environment_shows_the_rows_and_says_in_one_line_what_would_show_more() {
    stage(|| {
        let _sockets = Sockets::open();
        let no_proc = format!("unshare -m sh -ec '{NO_PROC}; exec \"$@\"' sh \"$@\"");
        let environments = [
            (
                "setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace \"$@\"",
                "are hidden even from root: it takes CAP_SYS_PTRACE to see them",
            ),
            (
                "unshare -Ur \"$@\"",
                "are outside this user namespace: run on the host as root to see them",
            ),
            (
                "unshare -U --map-user=1000 \"$@\"",
                "are hidden: run as root to see them\n",
            ),
            (
                "unshare -U --map-user=1000 setpriv --no-new-privs \"$@\"",
                "run as root to see them, outside this sandbox (no_new_privs stops sudo)",
            ),
            (
                "unshare -pf --mount-proc \"$@\"",
                "are outside this pid namespace: run on the host to see them",
            ),
            (
                &no_proc,
                "/proc can't be read (ENOENT): owners are unknown; mount /proc",
            ),
            (
                "\"$CAGE\" no-netlink \"$@\"",
                "sock_diag is refused (EPERM): the table is read from /proc/net, without sockets \
                 that are only bound, dual-stack, interfaces, units and backlogs; allow netlink sockets",
            ),
            (
                "\"$CAGE\" no-diag \"$@\"",
                "sock_diag is missing (EPROTONOSUPPORT): the table is read from /proc/net",
            ),
            (
                "\"$CAGE\" no-memory \"$@\"",
                "sock_diag fails (ENOBUFS): the table is read from /proc/net",
            ),
        ];
        for (script, line) in environments {
            for command in [&["list", "-a"][..], &["watch", "-a", "--for", "200ms"]] {
                let said = said_in(script, command);
                assert_eq!(said.code, 0, "{script}: {said:?}");
                assert!(said.err.contains(line), "{script}: {said:?}");
                assert_eq!(said.err.lines().count(), 1, "{script}: {said:?}");
                assert!(
                    command[0] == "watch" || has_rows(&said),
                    "{script}: {said:?}"
                );
            }
            let check = said_in(script, &["check", "8080"]);
            assert_eq!((check.code, &*check.err), (1, ""), "{script}: {check:?}");
            let wait = ["wait", "8080", "--for", "listening", "--timeout", "9s"];
            assert_eq!(said_in(script, &wait).code, 0, "{script}");
            let free = said_in(script, &["free", "4000-4009"]);
            assert_eq!((free.code, &*free.out), (0, "4000\n"), "{script}: {free:?}");
        }
    });
}

#[test]
fn a_proc_that_hides_processes_hides_their_sockets_owners_and_no_row() {
    stage_with_pids(|| {
        let _sockets = Sockets::open();
        for hidden in [
            "hidepid=1",
            "hidepid=2",
            "hidepid=4",
            "hidepid=2,subset=pid",
        ] {
            let script = format!(
                "exec unshare -m sh -ec 'mount -t proc -o {hidden} proc /proc; exec setpriv \
                 --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace \"$@\"' sh \"$@\""
            );
            let said = said_in(&script, &["list", "-a"]);
            assert_eq!(said.code, 0, "{hidden}: {said:?}");
            assert!(has_rows(&said), "{hidden}: {said:?}");
            assert!(said.out.contains(" – hidden "), "{hidden}: {said:?}");
            let line = "are hidden even from root: it takes CAP_SYS_PTRACE to see them\n";
            assert!(said.err.ends_with(line), "{hidden}: {said:?}");
            assert_eq!(said.err.lines().count(), 1, "{hidden}: {said:?}");
        }
    });
}

#[test]
fn where_nothing_can_be_read_each_command_says_so_and_ends_with_2() {
    stage(|| {
        let _sockets = Sockets::open();
        let script =
            format!("unshare -m sh -ec '{NO_PROC}; exec \"$CAGE\" no-netlink \"$@\"' sh \"$@\"");
        let line = "can't be read: sock_diag is refused (EPERM), and /proc/net is no help (ENOENT); \
                    mount /proc\n";
        let commands = [
            &["list", "-a"][..],
            &["watch", "-a", "--for", "200ms"],
            &["wait", "9", "--for", "listening", "--timeout", "10ms"],
        ];
        for command in commands {
            let said = said_in(&script, command);
            assert_eq!((said.code, &*said.out), (2, ""), "{command:?}: {said:?}");
            assert!(said.err.ends_with(line), "{command:?}: {said:?}");
            assert_eq!(said.err.lines().count(), 1, "{command:?}: {said:?}");
        }
    });
}

#[test]
fn a_folder_with_nothing_but_the_program_is_enough() {
    stage(|| {
        let _sockets = Sockets::open();
        let script = "unshare -m sh -ec '
            jail=$(mktemp -d); mount -t tmpfs none \"$jail\"; touch \"$jail/sockeye\"
            mount --bind \"$BINARY\" \"$jail/sockeye\"
            for library in $(ldd \"$BINARY\" | grep -o \"/[^ ]*\"); do
                mkdir -p \"$jail${library%/*}\"; cp \"$library\" \"$jail$library\"
            done
            shift; exec env -i \"$(command -v chroot || echo /usr/sbin/chroot)\" \"$jail\" /sockeye \"$@\"
            ' sh \"$@\"";
        let list = said_in(script, &["list", "-a"]);
        assert!(list.code == 0 && has_rows(&list), "{list:?}");
        let told = "sockeye: /proc can't be read (ENOENT): owners are unknown; mount /proc\n";
        assert_eq!(list.err, told);
        let check = said_in(script, &["check", "8080"]);
        assert_eq!(check.code, 1, "{check:?}");
        assert!(
            check
                .out
                .contains("not known: /proc can't be read (ENOENT)"),
            "{check:?}"
        );
    });
}

#[test]
fn with_hardly_any_descriptors_nothing_is_claimed_that_was_not_seen() {
    stage(|| {
        let _sockets = Sockets::open();
        let commands = [
            &["list"][..],
            &["watch", "--for", "50ms"],
            &["check", "8080"],
            &["free", "4000-4009"],
            &["wait", "8080", "--for", "listening", "--timeout", "50ms"],
        ];
        for limit in 4..=12 {
            for command in commands {
                let script = format!("ulimit -n {limit}; exec \"$@\"");
                let said = said_in(&script, command);
                let all = format!("{}{}", said.out, said.err);
                let about = format!("{limit} {command:?}: {said:?}");
                assert!((0..=2).contains(&said.code), "{about}");
                assert!(said.code != 2 || !all.is_empty(), "{about}");
                for wrong in [
                    "panicked",
                    "root to see",
                    "from root",
                    "nothing listens",
                    "mount /proc",
                ] {
                    assert!(!all.contains(wrong), "{about}");
                }
                let is_short = all.contains("no descriptor is left (limit ");
                if command[0] == "list" {
                    assert!(
                        is_short || said.out.contains(" cli"),
                        "owners or why not: {about}"
                    );
                }
            }
        }
    });
}

#[test]
fn owners_are_known_again_when_there_are_descriptors_again() {
    stage(|| {
        let watch = Running::sockeye(&["watch", "--json", "--interval", "100ms", "--for", "20s"]);
        let pid = watch.pid().to_string();
        let limit = |limit: &str| {
            let mut prlimit = Command::new("prlimit");
            prlimit.args(["--pid", &pid, &format!("--nofile={limit}:")]);
            assert!(prlimit.status().unwrap().success());
        };
        let opened = |port: u16| {
            let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
            loop {
                let line = watch.line();
                if line.contains(&format!("\"port\":{port}}}")) {
                    break line;
                }
            }
        };
        let mut next = 9100..9200;
        let mut until = |owner: &str| next.any(|port| opened(port).contains(owner));
        assert!(until("\"owner\":\"known\""));
        limit("3");
        assert!(until("\"owner\":\"unknown\""));
        limit("64");
        assert!(until("\"owner\":\"known\""));
    });
}

#[test]
fn where_no_thread_can_be_started_the_bind_test_does_without() {
    stage(|| {
        let _sockets = Sockets::open();
        let script = "exec \"$CAGE\" no-threads \"$@\"";
        let taken = said_in(script, &["check", "8080"]);
        assert_eq!(taken.code, 1, "{taken:?}");
        assert!(
            taken.out.contains(" listens on 127.0.0.1:8080"),
            "{taken:?}"
        );
        let free = said_in(script, &["check", "9090"]);
        assert_eq!(free.code, 0, "{free:?}");
        let told = "other network namespaces were not looked at: no thread can be started (EAGAIN)";
        assert!(free.out.contains(told), "{free:?}");
        for needs_one in [
            &["watch", "--for", "100ms"][..],
            &["free", "--hold", "--", "true"],
        ] {
            let told = said_in(script, needs_one);
            assert_eq!(told.err.lines().count(), 1, "{told:?}");
            assert!([2, 126].contains(&told.code), "{told:?}");
        }
    });
}

#[test]
fn closed_standard_streams_receive_nothing_and_do_no_harm() {
    stage(|| {
        let _sockets = Sockets::open();
        for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
            let list = said_in(&format!("exec \"$@\" {closed}"), &["list", "--json"]);
            assert_eq!((list.code, &*list.err), (0, ""), "{closed}");
            let is_open = !closed.contains(" >&-") && !closed.starts_with(">&-");
            let first = if is_open { "{\"schema\":2" } else { "" };
            assert!(list.out.starts_with(first), "{closed}: {list:?}");
            assert_eq!(list.out.is_empty(), !is_open, "{closed}: {list:?}");
            // A file that is opened now must not become standard output.
            let file = TempFile::new("recording");
            let args = ["list", "--json", "--record", file.path()];
            let recorded = said_in(&format!("exec \"$@\" {closed}"), &args);
            assert_eq!(recorded.code, 0, "{closed}: {recorded:?}");
            let bytes = std::fs::read(file.path()).unwrap();
            assert!(bytes.starts_with(&HISTORY_BEGINS), "{closed}: {bytes:?}");
            let whole = said_in("exec \"$@\"", &["list", "--replay", file.path()]);
            assert!(whole.err.starts_with("sockeye: recorded at "), "{whole:?}");
        }
    });
}
