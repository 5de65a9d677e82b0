//! Lookups by the real `getent` and by programs in its place.

use super::*;

/// A program in place of `getent`, removed with the test.
pub(crate) struct Stub(PathBuf);

impl Stub {
    /// Another process writes it: while one that was forked from this one has it open for writing,
    /// it can't be executed (`ETXTBSY`).
    pub(crate) fn new(name: &str, script: &str) -> Self {
        let name = format!("sockeye-getent-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let written = Command::new("sh")
            .args([
                "-c",
                r#"printf '#!/bin/sh\n%s\n' "$1" >"$0" && chmod 755 "$0""#,
            ])
            .args([path.as_os_str(), script.as_ref()])
            .status();
        assert!(written.unwrap().success());
        Self(path)
    }

    pub(crate) fn lookups(&self) -> Lookups {
        Lookups::with(Some(self.0.clone()))
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const LONG: Duration = Duration::from_secs(20);

fn answers(lookups: &mut Lookups, uids: &[u32]) -> Vec<(u32, Answer)> {
    for &uid in uids {
        assert_eq!(lookups.request(uid), None);
        assert!(lookups.is_waiting(uid));
    }
    assert!(lookups.wait(LONG));
    lookups.take()
}

#[test]
fn the_name_service_answers_for_the_requested_user() {
    let mut lookups = Lookups::default();
    assert!(lookups.tool.is_some(), "this system has getent");
    let expected = [
        (0, Answer::Name("root".into())),
        (4_000_000_001, Answer::Unknown),
    ];
    assert_eq!(answers(&mut lookups, &[0, 4_000_000_001]), expected);
    assert!(!lookups.is_waiting(0));
}

#[test]
fn an_entry_of_another_user_and_none_are_no_name() {
    let stub = Stub::new("other", "echo mallory:x:0:0:::; exit 0");
    assert_eq!(answers(&mut stub.lookups(), &[70]), [(70, Answer::Unknown)]);
    let hostile = Stub::new("hostile", r"printf 'a\033[2Jb:x:70:0:::\n'");
    let name = Answer::Name(r"a\x1b[2Jb".into());
    assert_eq!(answers(&mut hostile.lookups(), &[70]), [(70, name)]);
    let mut none = Lookups::with(None);
    assert_eq!(none.request(70), Some(Answer::Unknown));
}

#[test]
fn one_that_is_silent_is_ended_and_the_next_has_its_turn() {
    let script = "case $2 in 1) exec sleep 600;; *) echo ann:x:$2:0:::;; esac";
    let stub = Stub::new("silent", script);
    let expected = [(1, Answer::Failed), (2, Answer::Name("ann".into()))];
    assert_eq!(answers(&mut stub.lookups(), &[1, 2]), expected);
}

#[test]
fn the_queue_is_bounded_and_its_end_ends_the_lookup() {
    let file = std::env::temp_dir().join(format!("sockeye-getent-pid-{}", std::process::id()));
    let script = format!("echo $$ >'{}'; exec sleep 600", file.display());
    let stub = Stub::new("bounded", &script);
    let mut lookups = stub.lookups();
    for uid in 0..200 {
        assert_eq!(lookups.request(uid), None);
    }
    assert!(lookups.waiting.len() <= MAX_QUEUE + 1);
    let pid = (0..1000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let text = std::fs::read_to_string(&file).ok()?;
        text.ends_with('\n').then(|| text.trim().to_owned())
    });
    let process = PathBuf::from("/proc").join(pid.expect("the stub runs"));
    drop(lookups);
    let is_gone = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        !process.exists()
    });
    let _ = std::fs::remove_file(&file);
    assert!(is_gone);
}

#[test]
fn accounts_are_found_whatever_their_shell() {
    let passwd =
        b"root:x:0:0:root:/root:/bin/bash\nmysql:x:106:1:,,,:/x:/bin/false\n\n#\n:x:7:\nbad:x:y:\n";
    let users: Vec<_> = parse(passwd).collect();
    assert_eq!(users, [(0, &b"root"[..]), (106, &b"mysql"[..])]);
}
