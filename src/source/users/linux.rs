//! The names of users on Linux: from `/etc/passwd` itself, as sysinfo's list leaves out every account whose
//! shell is `/bin/false`, and those are the ones that run servers (mysql, tss, …). An account that is not in
//! that file is looked up in the name service (`lookups`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::lookups::{Answer, Lookups, name_in};
use crate::model::{Owner, Process, Snapshot, Socket, Text};

/// The names of this machine's users, each looked up once.
#[derive(Default)]
pub(crate) struct Users {
    names: HashMap<u32, Option<Text>>,
    /// For those that are not in the file.
    lookups: Lookups,
    /// How often the lookup of a user failed.
    failures: HashMap<u32, u8>,
    /// Names that came after a record without them was made.
    late: HashMap<u32, Text>,
    /// Whether waiting for them took too long once.
    is_slow: bool,
}

/// After this many failures no name is looked up for a user.
const MAX_FAILURES: u8 = 3;

/// How long a command with a single snapshot waits for names.
const PATIENCE: Duration = Duration::from_millis(150);

impl Users {
    /// The name of a uid, if already known. A new uid causes the file to be read again, as its account may be newer
    /// than this program. If the file exists but can't be read, that is retried. A uid that is not in the file is
    /// looked up in the background.
    pub(crate) fn name(&mut self, uid: u32) -> Option<Text> {
        self.pick_up_answers();
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
        let name = name_in(&passwd, uid);
        if name.is_some() || self.lookups.request(uid).is_some() {
            self.names.insert(uid, name.clone());
        }
        name
    }

    fn pick_up_answers(&mut self) {
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

    /// The names that arrived since the last call; earlier records have digits for them.
    pub(crate) fn take_late(&mut self) -> HashMap<u32, Text> {
        self.pick_up_answers();
        std::mem::take(&mut self.late)
    }

    /// Waits a moment for the names that are looked up; never again if they did not come in time.
    pub(crate) fn wait(&mut self) {
        if !self.is_slow {
            self.is_slow = !self.lookups.wait(PATIENCE);
        }
    }

    /// The name of a uid; if it is not in `/etc/passwd`, waits like [`Self::wait`].
    pub(crate) fn late_name(&mut self, uid: u32) -> Option<Text> {
        self.name(uid).or_else(|| {
            self.wait();
            self.name(uid)
        })
    }

    /// Adds the names of the users who have sockets. Those of one user are mostly in a row.
    pub(crate) fn name_sockets(&mut self, sockets: &mut [Socket]) {
        let mut last = (None, None);
        for socket in sockets {
            if socket.uid != last.0 {
                last = (socket.uid, socket.uid.and_then(|uid| self.name(uid)));
            }
            socket.user.clone_from(&last.1);
        }
    }

    /// The user that a process runs as: the name, or the uid in digits.
    pub(crate) fn of_process(&mut self, process: &sysinfo::Process) -> Option<Text> {
        let uid = **process.effective_user_id().or(process.user_id())?;
        let name = self.name(uid);
        Some(name.unwrap_or_else(|| Text::new(&uid.to_string())))
    }
}

/// Updates a process with the late name of its user.
pub(crate) fn rename(process: &mut Arc<Process>, names: &HashMap<u32, Text>) {
    if let Some(name) = process.uid.and_then(|uid| names.get(&uid)) {
        Arc::make_mut(process).user = Some(name.clone());
    }
}

/// The same for a socket and its owners.
pub(crate) fn rename_socket(socket: &mut Socket, names: &HashMap<u32, Text>) {
    if let Some(name) = socket.uid.and_then(|uid| names.get(&uid)) {
        socket.user = Some(name.clone());
    }
    if let Owner::Known(processes) | Owner::Former(processes) | Owner::Inferred(processes) =
        &mut socket.owner
    {
        let is_late = |one: &Arc<Process>| one.uid.is_some_and(|uid| names.contains_key(&uid));
        if processes.iter().any(is_late) {
            for one in Arc::make_mut(processes) {
                rename(one, names);
            }
        }
    }
}

/// The same for all sockets and processes of a snapshot.
pub(crate) fn rename_all(snapshot: &mut Snapshot, names: &HashMap<u32, Text>) {
    if !names.is_empty() {
        for process in snapshot.processes.values_mut() {
            rename(process, names);
        }
        for socket in &mut snapshot.sockets {
            rename_socket(socket, names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::users::lookups::tests::Stub;

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
