//! Processes whose end must be confirmed twice: this program, its ancestors, and processes that others need.

use crate::model::{EndRisk, Pid, Process};

/// This program first, then its parent, up to the first process that it can see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage(pub Vec<Member>);

/// A member of the lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its pid.
    pub pid: Pid,
    /// As [`Process::started_at_tick`].
    pub started_at_tick: Option<u64>,
}

/// Why ending a process is to be confirmed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It is this program.
    Own,
    /// It is the first process: its system or container ends with it.
    First,
    /// It started this program.
    Parent,
    /// It is further up.
    Ancestor,
    /// Others need it. Neither [`EndRisk::Ordinary`] nor [`EndRisk::ContainerInit`].
    Needed(EndRisk),
}

impl Lineage {
    /// Whether this program descends from the process that has this pid now, or is it.
    pub fn has(&self, pid: Pid) -> bool {
        self.0.iter().any(|member| member.pid == pid)
    }

    /// Why ending a process must be confirmed twice, if it must.
    pub fn guard(&self, process: &Process) -> Option<Guard> {
        let is_it = |member: &Member| {
            let starts = member.started_at_tick.zip(process.started_at_tick);
            member.pid == process.pid && starts.is_none_or(|(one, other)| one == other)
        };
        match self.0.iter().position(is_it) {
            Some(0) => Some(Guard::Own),
            _ if process.pid == 1 => Some(Guard::First),
            Some(1) => Some(Guard::Parent),
            Some(_) => Some(Guard::Ancestor),
            None => None,
        }
    }
}

impl Guard {
    /// Why a process with this risk is guarded; `None` if ending it costs only its own work.
    pub const fn of(end_risk: EndRisk) -> Option<Self> {
        match end_risk {
            EndRisk::Ordinary | EndRisk::ContainerInit => None,
            EndRisk::Ancestor => Some(Self::Ancestor),
            other => Some(Self::Needed(other)),
        }
    }

    /// A description of the process, to follow "it is".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "sockeye itself",
            Self::First => "pid 1: this system or container ends with it",
            Self::Parent => "the parent of sockeye, which may end with it",
            Self::Ancestor => "an ancestor of sockeye, which may end with it",
            Self::Needed(end_risk) => match end_risk {
                EndRisk::Ordinary => "an ordinary process",
                EndRisk::ContainerInit => "the first process of a container, which ends with it",
                EndRisk::ContainerProxy => "the proxy of a container, which goes on without it",
                EndRisk::ContainerMonitor => {
                    "the monitor of a container: without it the engine can't stop the container"
                }
                EndRisk::Engine => "a container engine: every container depends on it",
                EndRisk::Manager => "a manager of services: everything that it runs ends with it",
                EndRisk::Supervisor => "a supervisor: every program that it runs ends with it",
                EndRisk::Login => "a login session, which ends with it",
                EndRisk::OwnLogin => "your own login session, which ends with it",
                EndRisk::Ancestor => "an ancestor of sockeye, which may end with it",
                EndRisk::Resolver => "the name resolver of this machine",
                EndRisk::SshServer => "the ssh server: no new login without it",
                EndRisk::Network => "what keeps this machine's network up",
                EndRisk::SystemService => "a service that the system needs",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: Pid, tick: u64) -> Process {
        Process {
            started_at_tick: Some(tick),
            ..Process::new(pid, "bash")
        }
    }

    fn lineage(members: &[(Pid, u64)]) -> Lineage {
        let member = |&(pid, tick)| Member {
            pid,
            started_at_tick: Some(tick),
        };
        Lineage(members.iter().map(member).collect())
    }

    #[test]
    fn the_program_its_ancestors_and_pid_1_are_guarded_and_no_others() {
        let line = lineage(&[(40, 400), (30, 300), (20, 200), (1, 1)]);
        let guards = [(40, 400), (30, 300), (20, 200), (1, 1), (50, 500)];
        let guards = guards.map(|(pid, tick)| line.guard(&process(pid, tick)));
        let expected = [Guard::Own, Guard::Parent, Guard::Ancestor, Guard::First];
        assert_eq!(guards[..4], expected.map(Some));
        assert_eq!(guards[4], None);
    }

    #[test]
    fn pid_1_is_guarded_where_it_is_no_ancestor() {
        assert_eq!(lineage(&[]).guard(&process(1, 1)), Some(Guard::First));
        let own = lineage(&[(1, 1)]);
        assert_eq!(own.guard(&process(1, 1)), Some(Guard::Own));
    }

    #[test]
    fn the_pid_of_an_ancestor_that_ended_is_not_guarded_for_another() {
        assert_eq!(
            lineage(&[(40, 400), (30, 300)]).guard(&process(30, 999)),
            None
        );
    }

    #[test]
    fn what_others_need_is_guarded_and_ordinary_work_is_not() {
        assert_eq!(Guard::of(EndRisk::Ordinary), None);
        assert_eq!(Guard::of(EndRisk::ContainerInit), None);
        for end_risk in [
            EndRisk::ContainerProxy,
            EndRisk::ContainerMonitor,
            EndRisk::Engine,
            EndRisk::Manager,
            EndRisk::Supervisor,
            EndRisk::Login,
            EndRisk::OwnLogin,
            EndRisk::Resolver,
            EndRisk::SshServer,
            EndRisk::Network,
            EndRisk::SystemService,
        ] {
            assert_eq!(Guard::of(end_risk), Some(Guard::Needed(end_risk)));
        }
        assert_eq!(Guard::of(EndRisk::Ancestor), Some(Guard::Ancestor));
    }
}
