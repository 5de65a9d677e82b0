//! The user that this program runs as, and the names of all.
//!
//! On Linux from `/etc/passwd` itself: sysinfo's list leaves out every account whose shell is
//! `/bin/false`, and those are the ones that run servers (mysql, tss, …). Elsewhere from sysinfo.

use crate::model::Text;

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
pub(super) struct Users {
    names: std::collections::HashMap<u32, Option<Text>>,
}

#[cfg(target_os = "linux")]
impl Users {
    /// The name of a uid, if it has one. A uid seen for the first time has the file read again:
    /// its account may be younger than this program. Where there is such a file and it can't be read
    /// now, that is tried again.
    pub(super) fn name(&mut self, uid: u32) -> Option<Text> {
        if let Some(known) = self.names.get(&uid) {
            return known.clone();
        }
        let passwd = match std::fs::read("/etc/passwd") {
            Ok(passwd) => passwd,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(_) => return None,
        };
        let found = parse(&passwd).find(|&(id, _)| id == uid);
        let name = found.map(|(_, name)| Text::from_bytes(name));
        self.names.insert(uid, name.clone());
        name
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
pub(super) struct Users {
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
    use super::*;

    #[test]
    fn accounts_are_found_whatever_their_shell() {
        let passwd = b"root:x:0:0:root:/root:/bin/bash\nmysql:x:106:1:,,,:/x:/bin/false\n\n#\n:x:7:\nbad:x:y:\n";
        let users: Vec<_> = parse(passwd).collect();
        assert_eq!(users, [(0, &b"root"[..]), (106, &b"mysql"[..])]);
    }

    #[test]
    fn a_uid_without_an_account_has_no_name() {
        let mut users = Users::default();
        assert_eq!(users.name(0).as_deref(), Some("root"));
        assert_eq!(users.name(4_000_000_001), None);
    }
}
