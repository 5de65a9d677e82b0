//! Which processes belong to the invoking user and to the project that they work in.

use super::Process;
use crate::model::Text;

/// This user, and this project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mine {
    /// The effective uid of the processes.
    pub uid: u32,
    /// The folder of their project.
    pub project: Text,
}

impl Mine {
    /// Whether the process is of this user, and of this project. `None` if that can't be known: its
    /// user, or where it runs, can't be read. A project in a folder below is another one.
    pub fn is_mine(&self, process: &Process) -> Option<bool> {
        if process.uid? != self.uid {
            return Some(false);
        }
        match &process.project {
            Some(project) => Some(*project == self.project),
            None if process.cwd.is_none() => None,
            None => Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_project_must_both_be_the_same() {
        let mine = Mine {
            uid: 1000,
            project: "/shop".into(),
        };
        let is_mine = |uid, project: Option<&str>| {
            mine.is_mine(&Process {
                uid,
                project: project.map(Text::new),
                cwd: project.map(Text::new),
                ..Process::new(7, "node")
            })
        };
        assert_eq!(is_mine(Some(1000), Some("/shop")), Some(true));
        assert_eq!(is_mine(Some(1000), Some("/shop/web")), Some(false));
        assert_eq!(is_mine(Some(0), Some("/shop")), Some(false));
        assert_eq!(is_mine(None, Some("/shop")), None);
        assert_eq!(is_mine(Some(1000), None), None);
    }
}
