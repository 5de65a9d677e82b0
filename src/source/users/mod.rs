//! The user that this program runs as, and the names of all.
//!
//! On Linux from `/etc/passwd` itself: sysinfo's list leaves out every account whose shell is
//! `/bin/false`, and those are the ones that run servers (mysql, tss, …). Whose account is not in that
//! file is looked up in the name service (`lookups`). Elsewhere from sysinfo.

#[cfg(target_os = "linux")]
mod lookups;

#[cfg(target_os = "linux")]
use std::{collections::HashMap, sync::Arc, time::Duration};

#[cfg(target_os = "linux")]
use self::lookups::{Answer, Lookups};
use crate::model::Text;
#[cfg(target_os = "linux")]
use crate::model::{Owner, Process, Socket};

/// The uid of the user who runs this program; nobody has one on Windows.
#[cfg(unix)]
pub fn own_uid() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

/// The uid of the user who runs this program; nobody has one on Windows.
#[cfg(not(unix))]
pub fn own_uid() -> Option<u32> {
    None
}

/// The names of this machine's users, each looked up once.
#[cfg(target_os = "linux")]
#[derive(Default)]
pub(crate) struct Users {
    names: HashMap<u32, Option<Text>>,
    /// For those that are not in the file.
    lookups: Lookups,
    /// How often the lookup of a user failed.
    failures: HashMap<u32, u8>,
    /// Names that came after they were asked for.
    late: HashMap<u32, Text>,
    /// Whether somebody waited for them in vain.
    is_slow: bool,
}

/// After so many failures a user stays without a name.
#[cfg(target_os = "linux")]
const MAX_FAILURES: u8 = 3;

/// For so long a command that is asked once waits for names.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_millis(150);

#[cfg(target_os = "linux")]
impl Users {
    /// The name of a uid, if it has one that is known by now. A uid seen for the first time has the file
    /// read again: its account may be younger than this program. Where there is such a file and it can't
    /// be read now, that is tried again. One that is not in the file is looked up without waiting for it.
    pub(crate) fn name(&mut self, uid: u32) -> Option<Text> {
        self.pick_up();
        if let Some(known) = self.names.get(&uid) {
            return known.clone();
        }
        if self.lookups.is_waiting(uid) {
            return None;
        }
        let passwd = match std::fs::read("/etc/passwd") {
            Ok(passwd) => passwd,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(_) => return None,
        };
        let found = parse(&passwd).find(|&(id, _)| id == uid);
        if let Some((_, name)) = found {
            let name = Text::from_bytes(name);
            self.names.insert(uid, Some(name.clone()));
            return Some(name);
        }
        if self.lookups.ask(uid).is_some() {
            self.names.insert(uid, None);
        }
        None
    }

    /// Takes what was looked up meanwhile.
    fn pick_up(&mut self) {
        for (uid, answer) in self.lookups.take() {
            match answer {
                Answer::Name(name) => {
                    self.names.insert(uid, Some(name.clone()));
                    self.late.insert(uid, name);
                }
                Answer::Unknown => _ = self.names.insert(uid, None),
                Answer::Failed => {
                    let failures = self.failures.entry(uid).or_default();
                    *failures += 1;
                    if *failures >= MAX_FAILURES {
                        self.names.insert(uid, None);
                    }
                }
            }
        }
    }

    /// The names that came since this was last asked: records made earlier have digits for them.
    pub(super) fn take_late(&mut self) -> HashMap<u32, Text> {
        self.pick_up();
        std::mem::take(&mut self.late)
    }

    /// Waits a moment for the names that are looked up, and no second time if that was in vain.
    pub(super) fn wait(&mut self) {
        if !self.is_slow {
            self.is_slow = !self.lookups.wait(PATIENCE);
        }
    }

    /// The name of a uid; one that is not in `/etc/passwd` is waited for, as [`Self::wait`] does.
    pub(crate) fn late_name(&mut self, uid: u32) -> Option<Text> {
        self.name(uid).or_else(|| {
            self.wait();
            self.name(uid)
        })
    }

    /// The user that a process runs as: the name, or the uid in digits.
    pub(super) fn of_process(&mut self, process: &sysinfo::Process) -> Option<Text> {
        let uid = **process.effective_user_id().or(process.user_id())?;
        Some(
            self.name(uid)
                .unwrap_or_else(|| Text::new(&uid.to_string())),
        )
    }
}

/// Gives a process its user's name that came late.
#[cfg(target_os = "linux")]
pub(crate) fn rename(process: &mut Arc<Process>, names: &HashMap<u32, Text>) {
    let name = process.uid.and_then(|uid| names.get(&uid));
    if let Some(name) = name {
        Arc::make_mut(process).user = Some(name.clone());
    }
}

/// The same for a socket and the processes that have it.
#[cfg(target_os = "linux")]
pub(crate) fn rename_socket(socket: &mut Socket, names: &HashMap<u32, Text>) {
    if let Some(name) = socket.uid.and_then(|uid| names.get(&uid)) {
        socket.user = Some(name.clone());
    }
    if let Owner::Known(processes) | Owner::Past(processes) = &mut socket.owner {
        let is_one = |one: &Arc<Process>| one.uid.is_some_and(|uid| names.contains_key(&uid));
        if processes.iter().any(is_one) {
            let renamed = processes.iter().map(|one| {
                let mut one = Arc::clone(one);
                rename(&mut one, names);
                one
            });
            *processes = renamed.collect();
        }
    }
}

/// The uid and name on each line of `name:password:uid:…`; other lines are passed over.
#[cfg(target_os = "linux")]
fn parse(passwd: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    passwd.split(|&byte| byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|&byte| byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
        Some((uid, name))
    })
}

/// The names of this machine's users.
#[cfg(not(target_os = "linux"))]
pub(crate) struct Users {
    list: Option<sysinfo::Users>,
}

#[cfg(not(target_os = "linux"))]
impl Default for Users {
    fn default() -> Self {
        let list = sysinfo::Users::new_with_refreshed_list().ok();
        Self { list }
    }
}

#[cfg(not(target_os = "linux"))]
impl Users {
    /// The user that a process runs as: the name, or the id in digits.
    pub(super) fn of_process(&mut self, process: &sysinfo::Process) -> Option<Text> {
        let id = process.effective_user_id().or(process.user_id())?;
        let user = self.list.as_ref()?.get_user_by_id(id);
        let name = user.map(|user| Text::new(user.name()));
        Some(name.unwrap_or_else(|| Text::new(&id.to_string())))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::lookups::tests::Stub;
    use super::*;

    #[test]
    fn accounts_are_found_whatever_their_shell() {
        let passwd = b"root:x:0:0:root:/root:/bin/bash\nmysql:x:106:1:,,,:/x:/bin/false\n\n#\n:x:7:\nbad:x:y:\n";
        let users: Vec<_> = parse(passwd).collect();
        assert_eq!(users, [(0, &b"root"[..]), (106, &b"mysql"[..])]);
    }

    #[test]
    fn a_name_that_is_not_in_the_file_comes_late_and_asking_does_not_wait() {
        let gate = std::env::temp_dir().join(format!("sockeye-gate-{}", std::process::id()));
        let script = format!(
            "until [ -e '{}' ]; do sleep .01; done; echo dyn:x:$2:0:::",
            gate.display()
        );
        let stub = Stub::new("gate", &script);
        let mut users = Users {
            lookups: stub.lookups(),
            ..Users::default()
        };
        let uid = 4_000_000_001;
        // The stub does not answer before the gate is there: what returns did not wait for it.
        assert_eq!(users.name(uid), None);
        assert_eq!(users.name(uid), None);
        assert!(users.take_late().is_empty());
        std::fs::write(&gate, "").unwrap();
        let late = (0..1000).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            Some(users.take_late()).filter(|late| !late.is_empty())
        });
        std::fs::remove_file(&gate).unwrap();
        assert_eq!(late.unwrap()[&uid].as_str(), "dyn");
        assert_eq!(users.name(uid).as_deref(), Some("dyn"));
        let mut process = Arc::new(Process {
            uid: Some(uid),
            ..Process::new(7, "web")
        });
        rename(&mut process, &HashMap::from([(uid, "dyn".into())]));
        assert_eq!(process.user.as_deref(), Some("dyn"));
    }

    #[test]
    fn a_uid_without_an_account_has_no_name() {
        let mut users = Users::default();
        assert_eq!(users.name(0).as_deref(), Some("root"));
        assert_eq!(users.name(4_000_000_001), None);
    }
}
