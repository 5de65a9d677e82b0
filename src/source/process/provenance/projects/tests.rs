//! Projects and branches of real processes in real folders and repositories.

use std::time::Duration;

use std::process::{Child, Command};

use super::*;
use crate::model::Text;
use crate::source::process::provenance::find::project_of;

/// The place of a process of this user.
fn place_of(pid: Pid, folder: &str, script: Option<&str>) -> Place {
    Place::of(pid, crate::source::own_uid(), folder, script)
}

/// A folder of a test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let top = std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&top).unwrap();
        Self(std::fs::canonicalize(top).unwrap())
    }

    /// Makes an empty file.
    fn add(&self, file: &str) {
        let file = self.0.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
    }

    /// Runs git in a folder of it; what it prints. `None` if there is no git, where tests may be left out.
    fn git(&self, folder: &str, line: &str) -> Option<String> {
        let folder = self.0.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let settings = [
            "user.name=a",
            "user.email=a@b",
            "init.defaultBranch=main",
            "protocol.file.allow=always",
        ];
        let mut git = Command::new("git");
        for setting in settings {
            git.args(["-c", setting]);
        }
        let git = git
            .args(line.split(' '))
            .current_dir(folder)
            .env("HOME", &self.0)
            .output();
        let Ok(git) = git else {
            let required = std::env::var("SOCKEYE_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|one| one == "git"), "no git");
            eprintln!("left out: no git");
            return None;
        };
        assert!(
            git.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&git.stderr)
        );
        Some(String::from_utf8_lossy(&git.stdout).trim().to_owned())
    }

    fn run_in(&self, folder: &str) -> Running {
        let folder = self.0.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut child = Command::new("sleep");
        Running(child.arg("60").current_dir(&folder).spawn().unwrap())
    }

    /// The facts of a process in `folder` that runs `script`; `TOP` is this folder.
    fn facts(&self, folder: &str, script: Option<&str>) -> PlaceFacts {
        let child = self.run_in(folder);
        let script = script.map(|script| script.replace("TOP", self.0.to_str().unwrap()));
        let mut projects = Projects::default();
        let folder = self.0.join(folder);
        let place = place_of(child.pid(), folder.to_str().unwrap(), script.as_deref());
        assert_eq!(
            projects.of(child.pid(), place.clone()),
            PlaceFacts::default()
        );
        let found = next(&mut projects, child.pid()).unwrap_or_default();
        assert_eq!(projects.of(child.pid(), place), found);
        found
    }

    /// The path of its project, below the folder of the test.
    fn project(&self, folder: &str, script: Option<&str>) -> Option<String> {
        let path = self.facts(folder, script).project?;
        Some(
            path.strip_prefix(self.0.to_str().unwrap())
                .unwrap()
                .to_owned(),
        )
    }

    /// Its branch and its worktree.
    fn branch(&self, folder: &str) -> (Option<String>, Option<String>) {
        let facts = self.facts(folder, None);
        let text = |text: Option<Text>| text.map(|text| text.to_string());
        (text(facts.branch), text(facts.worktree))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Running(Child);

impl Running {
    fn pid(&self) -> Pid {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The next facts of a process, once nothing is queued any more.
fn next(projects: &mut Projects, pid: Pid) -> Option<PlaceFacts> {
    for _ in 0..2000 {
        let late = projects.take_late().remove(&pid);
        if late.is_some() || projects.queued.is_empty() {
            return late;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

fn is(branch: &str) -> (Option<String>, Option<String>) {
    (Some(branch.to_owned()), None)
}

#[test]
fn a_project_is_the_nearest_folder_with_a_manifest_or_a_repository() {
    let top = Folder::new("nearest");
    for file in [
        "shop/.git/HEAD",
        "shop/web/package.json",
        "shop/web/src/a.js",
    ] {
        top.add(file);
    }
    assert_eq!(top.project("shop", None).as_deref(), Some("/shop"));
    assert_eq!(
        top.project("shop/web/src", None).as_deref(),
        Some("/shop/web")
    );
    assert_eq!(top.project("elsewhere", None), None);
}

#[test]
fn the_script_counts_where_the_folder_is_in_no_project() {
    let top = Folder::new("script");
    for file in ["shop/go.mod", "shop/node_modules/vite/package.json"] {
        top.add(file);
    }
    let found = |script| top.project("home", Some(script));
    assert_eq!(found("TOP/shop/serve.py").as_deref(), Some("/shop"));
    assert_eq!(found("../shop/serve.py").as_deref(), Some("/shop"));
    assert_eq!(found("TOP/shop/node_modules/vite/vite.js"), None);
}

#[test]
fn the_branch_is_the_one_that_git_has() {
    let top = Folder::new("branch");
    if top.git("shop", "init -q").is_none() {
        return;
    }
    // Before the first commit, too.
    assert_eq!(top.branch("shop"), is("main"));
    top.git("shop", "commit -q --allow-empty -m one");
    top.git("shop", "checkout -q -b fix/42");
    assert_eq!(top.branch("shop"), is("fix/42"));
    // The repository of a package is that of the folder above.
    top.add("shop/web/package.json");
    let web = top.facts("shop/web", None);
    assert!(web.project.unwrap().ends_with("/shop/web"));
    assert_eq!(web.branch.as_deref(), Some("fix/42"));
    top.git("shop", "checkout -q --detach");
    let commit = top.git("shop", "rev-parse HEAD").unwrap();
    assert_eq!(top.branch("shop"), is(&commit[..7]));
}

#[test]
fn a_linked_worktree_is_a_project_of_its_own_with_a_name() {
    let top = Folder::new("worktree");
    if top.git("shop", "init -q").is_none() {
        return;
    }
    top.git("shop", "commit -q --allow-empty -m one");
    top.git("shop", "worktree add -q -b fix ../shop-fix");
    // Also one that is inside the folder of the main one.
    top.git("shop", "worktree add -q -b inner trees/inner");
    let named = |branch: &str, name: &str| (Some(branch.to_owned()), Some(name.to_owned()));
    assert_eq!(top.branch("shop-fix"), named("fix", "shop-fix"));
    assert_eq!(top.branch("shop/trees/inner"), named("inner", "inner"));
    assert_eq!(top.branch("shop"), is("main"));
    let folders = ["shop", "shop-fix", "shop/trees/inner"];
    let projects = folders.map(|folder| project_of(&top.0.join(folder)).unwrap());
    assert_eq!(
        projects
            .clone()
            .map(|one| one.worktree.map(|name| name.to_string())),
        [None, Some("shop-fix".to_owned()), Some("inner".to_owned())]
    );
    assert!(projects[0].path != projects[1].path && projects[0].path != projects[2].path);
    assert_eq!(
        (&*projects[1].name, projects[1].branch.as_deref()),
        ("shop-fix", Some("fix"))
    );
}

#[test]
fn a_submodule_has_its_own_commit_and_is_no_worktree() {
    let top = Folder::new("submodule");
    if top.git("lib", "init -q").is_none() {
        return;
    }
    top.git("lib", "commit -q --allow-empty -m one");
    top.git("shop", "init -q");
    top.git("shop", "submodule --quiet add ../lib lib");
    assert_eq!(top.branch("shop/lib"), is("main"));
    top.git("shop/lib", "checkout -q --detach");
    let commit = top.git("lib", "rev-parse HEAD").unwrap();
    assert_eq!(top.branch("shop/lib"), is(&commit[..7]));
    assert_eq!(top.branch("shop"), is("main"));
}

#[test]
fn files_by_hand_are_read_as_git_describes_them() {
    let top = Folder::new("by-hand");
    let write = |file: &str, text: &str| {
        top.add(file);
        std::fs::write(top.0.join(file), text).unwrap();
    };
    write("shop/.git/HEAD", "ref: refs/heads/main\n");
    write("shop/.git/worktrees/fix/HEAD", "ref: refs/heads/fix\n");
    write("shop/.git/worktrees/fix/commondir", "../..\n");
    write("fix/.git", "gitdir: ../shop/.git/worktrees/fix\n");
    assert_eq!(
        top.branch("fix"),
        (Some("fix".to_owned()), Some("fix".to_owned()))
    );
    write("odd/.git", "gitdir: ../nowhere\n");
    assert_eq!(top.branch("odd"), (None, None));
    assert_eq!(top.project("odd", None).as_deref(), Some("/odd"));
}

#[test]
fn a_branch_that_was_changed_under_a_process_is_found_again() {
    let top = Folder::new("checkout");
    let head = |name: &str| {
        let text = format!("ref: refs/heads/{name}\n");
        // As git replaces it.
        std::fs::write(top.0.join("shop/.git/HEAD.lock"), text).unwrap();
        std::fs::rename(
            top.0.join("shop/.git/HEAD.lock"),
            top.0.join("shop/.git/HEAD"),
        )
        .unwrap();
    };
    top.add("shop/.git/HEAD");
    head("main");
    let child = top.run_in("shop");
    let mut projects = Projects::default();
    let folder = top.0.join("shop");
    projects.of(
        child.pid(),
        place_of(child.pid(), folder.to_str().unwrap(), None),
    );
    let branch = |projects: &mut Projects| {
        let found = next(projects, child.pid())?;
        Some(found.branch.unwrap().to_string())
    };
    assert_eq!(branch(&mut projects).as_deref(), Some("main"));
    projects.check_again(16, |_| true);
    assert_eq!(branch(&mut projects), None);
    head("fix");
    projects.check_again(16, |_| true);
    assert_eq!(branch(&mut projects).as_deref(), Some("fix"));
    // Processes that have ended are forgotten.
    projects.check_again(16, |_| false);
    assert!(projects.members.is_empty() && projects.to_check.is_empty());
}

#[test]
fn no_folder_is_searched_for_a_service_in_the_root() {
    let mut projects = Projects::default();
    let place = place_of(1, "/", Some("/usr/bin/gunicorn"));
    assert_eq!(projects.of(1, place), PlaceFacts::default());
    assert!(projects.answers.is_unused());
}

/// No process has this pid.
const NO_PID: Pid = Pid::MAX;

fn place(folder: &str) -> Place {
    place_of(NO_PID, folder, None)
}

fn found(place: Place, is_valid: bool) -> Answer {
    let found = Found {
        facts: PlaceFacts {
            project: Some(Text::new("/shop")),
            ..PlaceFacts::default()
        },
        ..Found::default()
    };
    Answer {
        pid: NO_PID,
        place,
        found: Some(found),
        is_valid,
    }
}

#[test]
fn all_requests_share_one_thread() {
    for _ in 0..3 {
        let mut projects = Projects::default();
        projects.of(NO_PID, place("/home/one"));
        projects.answers.wait_for_one();
    }
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        threads.filter_map(|one| std::fs::read_to_string(one.ok()?.path().join("comm")).ok());
    assert_eq!(names.filter(|name| name == "provenance\n").count(), 1);
}

#[test]
fn a_place_of_several_processes_is_queued_once() {
    let mut projects = Projects::default();
    for (pid, folder) in [
        (NO_PID, "/home/one"),
        (NO_PID - 1, "/home/one"),
        (NO_PID - 2, "/home/two"),
    ] {
        projects.of(pid, place(folder));
    }
    let folders = [(); 2].map(|()| projects.answers.wait_for_one().place.folder);
    assert_eq!(folders, ["/home/one", "/home/two"]);
}

#[test]
fn a_place_is_searched_again_for_another_process_if_the_first_has_left() {
    let mut projects = Projects::default();
    for pid in [NO_PID, NO_PID - 1] {
        projects.of(pid, place("/home/one"));
    }
    projects.add(found(place("/home/one"), false));
    assert!(projects.queued.contains(&place("/home/one")));
    let members: Vec<_> = projects.members.into_keys().collect();
    assert_eq!(members, [NO_PID - 1]);
}

#[test]
fn results_that_were_not_collected_stay_when_the_others_are_forgotten() {
    let mut projects = Projects::default();
    for number in 0..MAX_KNOWN {
        projects
            .known
            .insert(place(&format!("/home/{number}")), Found::default());
    }
    projects.members.insert(NO_PID, place("/home/one"));
    projects.add(found(place("/home/one"), true));
    projects
        .known
        .extend((0..MAX_KNOWN).map(|number| (place(&format!("/srv/{number}")), Found::default())));
    projects.add(found(place("/home/two"), true));
    assert!(projects.known.len() < MAX_KNOWN);
    assert_eq!(projects.take_late().len(), 1);
}
