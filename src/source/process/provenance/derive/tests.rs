//! Which evidence counts, and who is left over.

use std::collections::HashMap;

use super::*;
use crate::model::Text;

/// A process in a session.
fn process(pid: Pid, parent: Pid, name: &str, session: u32) -> Process {
    Process {
        parent: Some(parent),
        session: Some(session),
        ..Process::new(pid, name)
    }
}

fn facts(names: &str) -> Facts {
    let entries = names.replace(' ', "\0");
    Facts {
        markers: Some(Markers::parse(entries.as_bytes())),
        ..Facts::default()
    }
}

fn unit(name: &str) -> StartedBy {
    StartedBy {
        kind: StarterKind::Service,
        name: Text::new(name),
        pid: None,
    }
}

/// The server, pid 50, and its ancestors.
struct Case {
    server: Process,
    ancestors: Vec<Process>,
    facts: HashMap<Pid, Facts>,
}

impl Case {
    fn new(parent: Pid, session: u32, names: &str, ancestors: &[(Pid, Pid, &str, u32)]) -> Self {
        let ancestors = ancestors.iter();
        Self {
            server: process(50, parent, "node server.js", session),
            ancestors: ancestors
                .map(|&(pid, parent, name, session)| process(pid, parent, name, session))
                .collect(),
            facts: [(50, facts(names))].into(),
        }
    }

    fn own(mut self, change: impl FnOnce(&mut Facts)) -> Self {
        change(self.facts.get_mut(&50).unwrap());
        self
    }

    fn of(mut self, pid: Pid, facts: Facts) -> Self {
        self.facts.insert(pid, facts);
        self
    }

    fn derive(&self) -> Derived {
        let process_of = |pid| self.ancestors.iter().find(|one| one.pid == pid);
        derive(&self.server, &self.facts[&50], process_of, |pid| {
            self.facts.get(&pid)
        })
    }

    fn name(&self) -> Option<String> {
        self.derive().started_by.map(|by| by.name.to_string())
    }

    fn left_over(&self) -> Option<LeftOver> {
        self.derive().left_over
    }
}

const TMUX: [(Pid, Pid, &str, u32); 2] = [(40, 30, "bash", 40), (30, 1, "tmux", 30)];

#[test]
fn the_nearest_ancestor_counts_more_than_the_names_that_it_passed_on() {
    let case = Case::new(40, 40, "SSH_CONNECTION=x TMUX=y", &TMUX);
    let by = case.derive().started_by.unwrap();
    assert_eq!((&*by.name, by.pid), ("tmux", Some(30)));
    let agent = [
        (45, 44, "bash", 45),
        (44, 40, "claude", 40),
        TMUX[0],
        TMUX[1],
    ];
    assert_eq!(
        Case::new(45, 45, "TMUX=y", &agent).name().as_deref(),
        Some("Claude Code")
    );
}

#[test]
fn an_agent_that_no_ancestor_is_known_for_is_between_the_process_and_the_terminal() {
    let case = || Case::new(40, 40, "TMUX=y CLAUDECODE=1", &TMUX);
    assert_eq!(case().derive().needs, Some(30));
    let inside = case().of(30, facts("SSH_TTY=z"));
    assert_eq!(inside.name().as_deref(), Some("Claude Code"));
    assert_eq!(inside.derive().needs, None);
    // The agent started tmux.
    let outside = case().of(30, facts("CLAUDECODE=1"));
    assert_eq!(outside.name().as_deref(), Some("tmux"));
}

#[test]
fn names_count_where_no_ancestor_is_known_and_a_unit_more_unless_it_runs_jobs() {
    assert_eq!(
        Case::new(1, 40, "TMUX=y", &[]).name().as_deref(),
        Some("tmux")
    );
    let service =
        |names| Case::new(1, 50, names, &[]).own(|own| own.unit = Some(unit("web.service")));
    // `systemctl --user import-environment`
    assert_eq!(service("TMUX=y").name().as_deref(), Some("web.service"));
    assert_eq!(
        service("GITHUB_ACTIONS=1").name().as_deref(),
        Some("GitHub Actions")
    );
    assert_eq!(Case::new(1, 50, "", &[]).name(), None);
    let hidden = Case::new(1, 50, "", &[]).own(|own| own.markers = None);
    assert_eq!(hidden.name(), None);
}

#[test]
fn the_ssh_server_is_not_started_over_ssh() {
    let mut case = Case::new(1, 50, "", &[]).own(|own| {
        own.unit = Some(StartedBy {
            kind: StarterKind::Ssh,
            ..unit("ssh")
        });
    });
    assert_eq!(case.name().as_deref(), Some("ssh"));
    case.server.name = "sshd".into();
    assert_eq!(case.name(), None);
}

#[test]
fn a_job_of_a_shell_that_has_ended_is_left_over() {
    let job = |names| Case::new(1, 40, names, &[]).own(|own| own.session = Session::JobOfEnded);
    assert_eq!(job("TMUX=y").left_over(), Some(LeftOver::ParentGone));
    // Also of another user, whose environment can't be read.
    let hidden = job("").own(|own| own.markers = None);
    assert_eq!(hidden.left_over(), Some(LeftOver::ParentGone));
    // `npm run dev`, whose child it is, was adopted; also by a user manager.
    let npm = Case::new(45, 40, "", &[(45, 1, "npm run dev", 40)]);
    let npm = npm.own(|own| own.session = Session::JobOfEnded);
    assert_eq!(npm.left_over(), Some(LeftOver::ParentGone));
    let manager = Case::new(20, 40, "", &[(20, 1, "systemd", 20)]);
    let manager = manager.own(|own| own.session = Session::JobOfEnded);
    assert_eq!(manager.left_over(), Some(LeftOver::ParentGone));
}

#[test]
fn without_job_control_an_agent_a_job_or_a_login_must_have_started_it() {
    let left_over = |names| {
        Case::new(1, 40, names, &[])
            .own(|own| own.session = Session::Ended)
            .left_over()
    };
    for names in ["CLAUDECODE=1", "GITHUB_ACTIONS=1", "SSH_CONNECTION=x"] {
        assert_eq!(left_over(names), Some(LeftOver::ParentGone), "{names}");
    }
    // A daemon that was started by hand.
    for names in ["", "TMUX=y", "TERM_PROGRAM=x"] {
        assert_eq!(left_over(names), None, "{names}");
    }
}

#[test]
fn a_shell_that_lost_its_agent_is_left_over_with_its_server() {
    let orphan = |name, names| Case::new(45, 45, names, &[(45, 1, name, 45)]);
    assert_eq!(
        orphan("bash", "CLAUDECODE=1").left_over(),
        Some(LeftOver::ParentGone)
    );
    assert_eq!(orphan("bash", "").left_over(), None);
    // A daemon and its worker.
    assert_eq!(orphan("nginx", "CLAUDECODE=1").left_over(), None);
}

#[test]
fn what_sockeye_run_adopted_is_left_over_as_what_the_first_process_adopted() {
    let run = [
        (45, 44, "sockeye-run", 44),
        (44, 40, "sockeye", 44),
        TMUX[0],
        TMUX[1],
    ];
    let of = |session| {
        let case = Case::new(45, 60, "CLAUDECODE=1", &run).of(30, facts(""));
        case.own(|own| own.session = session)
    };
    assert_eq!(of(Session::Ended).left_over(), Some(LeftOver::ParentGone));
    assert_eq!(
        of(Session::JobOfEnded).left_over(),
        Some(LeftOver::ParentGone)
    );
    // What was run is its child, too, and what that is below is still there.
    assert_eq!(of(Session::Lasts).left_over(), None);
    assert_eq!(of(Session::Lasts).name().as_deref(), Some("Claude Code"));
    let shell = [(46, 45, "bash", 46), run[0], run[1], run[2], run[3]];
    let below = Case::new(46, 46, "CLAUDECODE=1", &shell).of(30, facts(""));
    assert_eq!(below.left_over(), None);
}

#[test]
fn what_is_there_to_stay_is_not_left_over() {
    let job = |own: &mut Facts| own.session = Session::JobOfEnded;
    // A service, and what started others.
    let service = Case::new(1, 40, "TMUX=y", &[]).own(job);
    assert_eq!(
        service
            .own(|own| own.unit = Some(unit("web.service")))
            .left_over(),
        None
    );
    let mut server = Case::new(1, 40, "", &[]).own(job);
    server.server.name = "tmux".into();
    assert_eq!(server.left_over(), None);
    // It has its terminal.
    assert_eq!(Case::new(40, 40, "", &TMUX).own(job).left_over(), None);
    // It began a session of its own: `setsid`, a daemon.
    assert_eq!(Case::new(1, 50, "CLAUDECODE=1", &[]).left_over(), None);
    // Its ancestors can't be seen.
    assert_eq!(Case::new(45, 40, "", &[]).own(job).left_over(), None);
}

#[test]
fn a_deleted_folder_counts_whoever_started_it() {
    let case = Case::new(40, 40, "", &TMUX);
    let case = case.own(|own| own.left_over = Some(LeftOver::FolderDeleted));
    assert_eq!(case.left_over(), Some(LeftOver::FolderDeleted));
    assert_eq!(case.name().as_deref(), Some("tmux"));
}

#[test]
fn records_that_form_a_cycle_have_an_end() {
    let case = Case::new(40, 40, "", &[(40, 50, "a", 40)]);
    let case = Case {
        ancestors: vec![case.ancestors[0].clone(), case.server.clone()],
        ..case
    };
    assert_eq!(case.name(), None);
}
