//! User names from sysinfo.

use crate::model::{Socket, Text};

/// The names of this machine's users.
pub(crate) struct Users {
    list: Option<sysinfo::Users>,
}

impl Default for Users {
    fn default() -> Self {
        let list = sysinfo::Users::new_with_refreshed_list().ok();
        Self { list }
    }
}

impl Users {
    /// The users of sockets are not known here.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(crate) const fn name_sockets(&mut self, _: &mut [Socket]) {}

    /// The user that a process runs as: the name, or the id in digits.
    pub(crate) fn of_process(&mut self, process: &sysinfo::Process) -> Option<Text> {
        let id = process.effective_user_id().or(process.user_id())?;
        let user = self.list.as_ref()?.get_user_by_id(id);
        let name = user.map(|user| Text::new(user.name()));
        Some(name.unwrap_or_else(|| Text::new(&id.to_string())))
    }
}
