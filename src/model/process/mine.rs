//! Which processes belong to the invoking user and to the project, or the session, that they work in.

use super::Process;
use crate::model::Text;

/// This user, and this project or this session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mine {
    /// The effective uid of the processes.
    pub uid: u32,
    /// The folder of their project.
    pub project: Option<Text>,
    /// The session that they are in (`setsid(2)`), as an alternative to the project.
    pub session: Option<u32>,
}

impl Mine {
    /// Whether the process is of this user, and of this project or this session. `None` if that can't be known: its
    /// user, or where it runs, can't be read. A project in a folder below is another one.
    pub fn is_mine(&self, process: &Process) -> Option<bool> {
        if process.uid? != self.uid {
            return Some(false);
        }
        let is_same = |wanted: Option<_>, actual: Option<_>| wanted.is_some() && wanted == actual;
        if is_same(self.session, process.session) {
            return Some(true);
        }
        match (&self.project, &process.project) {
            (Some(wanted), Some(project)) => Some(wanted == project),
            (Some(_), None) if process.cwd.is_none() => None,
            _ => Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(uid: Option<u32>, project: Option<&str>, session: u32) -> Process {
        Process {
            uid,
            project: project.map(Text::new),
            cwd: project.map(Text::new),
            session: Some(session),
            ..Process::new(7, "node")
        }
    }

    fn mine(session: Option<u32>) -> Mine {
        Mine {
            uid: 1000,
            project: Some("/shop".into()),
            session,
        }
    }

    #[test]
    fn user_and_project_must_both_be_the_same() {
        let is_mine = |uid, project| mine(None).is_mine(&process(uid, project, 5));
        assert_eq!(is_mine(Some(1000), Some("/shop")), Some(true));
        assert_eq!(is_mine(Some(1000), Some("/shop/web")), Some(false));
        assert_eq!(is_mine(Some(0), Some("/shop")), Some(false));
        assert_eq!(is_mine(None, Some("/shop")), None);
        assert_eq!(is_mine(Some(1000), None), None);
    }

    #[test]
    fn the_session_can_replace_the_project_but_not_the_user() {
        let is_mine =
            |uid, session| mine(Some(5)).is_mine(&process(Some(uid), Some("/x"), session));
        assert_eq!(is_mine(1000, 5), Some(true));
        assert_eq!(is_mine(1000, 6), Some(false));
        assert_eq!(is_mine(0, 5), Some(false));
    }
}
