//! The project of a process: the nearest folder, from its working directory up, that holds a manifest or a repository.
//! If there is none, the folders above its script count, unless that was installed as part of a package.
//!
//! A folder may be on a file system that no longer responds. So a thread looks, one for the whole program, and for each
//! folder once; requests don't wait, and results are collected later.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{Pid, Text};
use crate::source::Meter;

/// Each makes its folder a project.
const MARKERS: [&str; 17] = [
    ".git",
    ".hg",
    ".jj",
    "Cargo.toml",
    "package.json",
    "deno.json",
    "go.mod",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Gemfile",
    "composer.json",
    "mix.exs",
    "build.sbt",
];

/// Scripts in or below these folders belong to a package, not to a project.
const OF_PACKAGES: [&str; 5] = [
    "node_modules",
    "site-packages",
    "dist-packages",
    "usr",
    "opt",
];

/// The most folders in the queue.
const MAX_QUEUE: usize = 1024;

/// The most folders whose results are kept.
const MAX_KNOWN: usize = 4096;

/// The most folders above one another.
const MAX_DEPTH: usize = 64;

/// How long a command with a single snapshot waits for results.
const PATIENCE: Duration = Duration::from_millis(150);

/// Where a process is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Its mount namespace, where that can be read: in another one the same path is another folder.
    namespace: Option<PathBuf>,
    /// Its working directory, as it sees it.
    folder: String,
    /// The file that its interpreter runs, as its arguments name it.
    script: Option<String>,
}

/// The projects of processes.
#[derive(Default)]
pub(super) struct Projects {
    known: HashMap<Place, Option<Text>>,
    /// The processes whose results were not collected yet. Each place is known or queued.
    waiting: HashMap<Pid, Place>,
    queued: HashSet<Place>,
    answers: Option<(Sender<Answer>, Receiver<Answer>)>,
    /// Whether waiting for results took too long once.
    is_slow: bool,
}

type Answer = (Pid, Found);

struct Request {
    pid: Pid,
    place: Place,
    answers: Sender<Answer>,
}

/// The queue of the thread, once it has started.
static QUEUE: Mutex<Option<SyncSender<Request>>> = Mutex::new(None);

struct Found {
    place: Place,
    project: Option<Text>,
    /// Whether the process was still there afterwards.
    is_valid: bool,
}

impl Place {
    pub(super) fn of(pid: Pid, folder: &str, script: Option<&str>) -> Self {
        Self {
            namespace: std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok(),
            folder: folder.to_owned(),
            script: script.map(str::to_owned),
        }
    }

    /// Whether it can be in a project at all: most services of a system are in `/`.
    fn may_have_one(&self) -> bool {
        self.folder.len() > 1 || self.script.as_deref().is_some_and(is_own)
    }
}

impl Projects {
    /// The folder of a process's project, if already known. Otherwise it is looked for in the background.
    pub(super) fn of(&mut self, pid: Pid, place: Place) -> Option<Text> {
        if !place.may_have_one() {
            return None;
        }
        if let Some(known) = self.known.get(&place) {
            return known.clone();
        }
        if self.queued.contains(&place) || self.request(pid, &place) {
            self.waiting.insert(pid, place);
        }
        None
    }

    /// Queues a place. Returns whether there was room for it.
    fn request(&mut self, pid: Pid, place: &Place) -> bool {
        let (answers, _) = self.answers.get_or_insert_with(channel);
        let is_queued = queue(Request {
            pid,
            place: place.clone(),
            answers: answers.clone(),
        });
        if is_queued {
            self.queued.insert(place.clone());
        }
        is_queued
    }

    /// The projects found since the last call.
    pub(super) fn take_late(&mut self) -> HashMap<Pid, Text> {
        let results = self.answers.iter();
        let results: Vec<_> = results
            .flat_map(|(_, results)| results.try_iter())
            .collect();
        for (pid, found) in results {
            self.add(pid, found);
        }
        let known = &self.known;
        let mut late = HashMap::new();
        self.waiting.retain(|&pid, place| match known.get(place) {
            Some(project) => {
                late.extend(project.clone().map(|project| (pid, project)));
                false
            }
            None => true,
        });
        late
    }

    /// Waits a moment for results; never again if they did not come in time.
    pub(super) fn wait(&mut self) {
        let (mut left, mut meter) = (PATIENCE, Meter::start());
        let is_missing =
            |(_, place): (&Pid, &Place), known: &HashMap<_, _>| !known.contains_key(place);
        while !self.is_slow && self.waiting.iter().any(|one| is_missing(one, &self.known)) {
            let result = self
                .answers
                .as_ref()
                .map(|(_, results)| results.recv_timeout(left));
            match result {
                Some(Ok((pid, found))) => self.add(pid, found),
                _ => self.is_slow = true,
            }
            left = left.saturating_sub(meter.lap());
        }
    }

    fn add(&mut self, pid: Pid, found: Found) {
        let place = found.place;
        self.queued.remove(&place);
        if found.is_valid {
            self.forget_if_full();
            self.known.insert(place, found.project);
            return;
        }
        if self.waiting.get(&pid) == Some(&place) {
            self.waiting.remove(&pid);
        }
        // Another process may still be there.
        let other = self.waiting.iter().find(|(_, one)| **one == place);
        let other = other.map(|(&pid, _)| pid);
        if other.is_some_and(|other| !self.request(other, &place)) {
            self.waiting.retain(|_, one| *one != place);
        }
    }

    /// Makes room for a result. Those that processes wait for stay.
    fn forget_if_full(&mut self) {
        if self.known.len() >= MAX_KNOWN {
            let needed: HashSet<_> = self.waiting.values().collect();
            self.known.retain(|place, _| needed.contains(place));
        }
    }
}

/// Starts the thread, if it is not there: it stays, and in the network namespace that it was started in.
#[cfg(target_os = "linux")]
pub(crate) fn start_background_thread() {
    drop(started());
}

fn started() -> MutexGuard<'static, Option<SyncSender<Request>>> {
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    if queue.is_none() {
        *queue = start().ok();
    }
    queue
}

/// Adds to the queue, if there is room, and starts the thread if it is not there.
fn queue(request: Request) -> bool {
    let mut queue = started();
    let sent = queue.as_ref().map(|queue| queue.try_send(request));
    if matches!(sent, Some(Err(TrySendError::Disconnected(_)))) {
        *queue = None;
    }
    matches!(sent, Some(Ok(())))
}

fn start() -> std::io::Result<SyncSender<Request>> {
    let (requests, queue) = sync_channel::<Request>(MAX_QUEUE);
    let work = move || {
        for Request {
            pid,
            place,
            answers,
        } in queue
        {
            let project = find(pid, &place);
            let is_valid = is_there(pid, Path::new(&place.folder));
            let found = Found {
                place,
                project,
                is_valid,
            };
            // No one may wait for it any more.
            let _ = answers.send((pid, found));
        }
    };
    std::thread::Builder::new()
        .name("projects".into())
        .spawn(work)?;
    Ok(requests)
}

fn find(pid: Pid, place: &Place) -> Option<Text> {
    let folder = Path::new(&place.folder);
    let script = place.script.as_deref().filter(|script| is_own(script));
    let above_script = script.and_then(|script| {
        let parent = Path::new(script).parent()?;
        let (start, within) = match parent.strip_prefix("/") {
            Ok(within) => (root(pid), within),
            Err(_) => (working_directory(pid, folder), parent),
        };
        nearest(&start.join(within), &folder.join(parent))
    });
    let project = nearest(&working_directory(pid, folder), folder).or(above_script);
    project.map(|path| Text::new(&path.to_string_lossy()))
}

/// The project of a folder: the nearest one from it up that holds a manifest or a repository, as its real path, without
/// symbolic links. `None` if there is none, or the folder can't be read.
pub fn project_of(folder: &Path) -> Option<PathBuf> {
    let real = std::fs::canonicalize(folder).ok()?;
    nearest(&real, &real)
}

/// The nearest project from a folder up: the folder itself, and its path as its process sees it.
pub(super) fn nearest(folder: &Path, path: &Path) -> Option<PathBuf> {
    let mut here = folder.to_owned();
    for above in path.ancestors().take(MAX_DEPTH) {
        if above.parent().is_none_or(|parent| parent == Path::new("")) {
            return None;
        }
        let is_there = |marker| std::fs::symlink_metadata(here.join(marker)).is_ok();
        if MARKERS.iter().any(is_there) {
            return Some(above.to_owned());
        }
        here.push("..");
    }
    None
}

fn is_own(script: &str) -> bool {
    let mut parts = script.split('/');
    !parts.any(|part| OF_PACKAGES.contains(&part))
}

/// A process may be in another mount namespace, where its path is another folder.
#[cfg(target_os = "linux")]
fn working_directory(pid: Pid, _: &Path) -> PathBuf {
    format!("/proc/{pid}/cwd").into()
}

#[cfg(not(target_os = "linux"))]
fn working_directory(_: Pid, folder: &Path) -> PathBuf {
    folder.to_owned()
}

#[cfg(target_os = "linux")]
pub(super) fn root(pid: Pid) -> PathBuf {
    format!("/proc/{pid}/root").into()
}

#[cfg(not(target_os = "linux"))]
fn root(_: Pid) -> PathBuf {
    "/".into()
}

/// Whether the process is still in this folder, or another one has its pid.
#[cfg(target_os = "linux")]
fn is_there(pid: Pid, folder: &Path) -> bool {
    let now = std::fs::read_link(format!("/proc/{pid}/cwd"));
    now.is_ok_and(|now| now.to_string_lossy() == folder.to_string_lossy())
}

#[cfg(not(target_os = "linux"))]
const fn is_there(_: Pid, _: &Path) -> bool {
    true
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// The project, below the folder of the test, of a process in `folder` that runs `script`.
    fn project(name: &str, files: &[&str], folder: &str, script: Option<&str>) -> Option<String> {
        let top = std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id()));
        for file in files {
            let file = top.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let folder = top.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut child = std::process::Command::new("sleep");
        let mut child = child.arg("60").current_dir(&folder).spawn().unwrap();
        let script = script.map(|script| script.replace("TOP", top.to_str().unwrap()));
        let mut projects = Projects::default();
        let place = Place::of(child.id(), folder.to_str().unwrap(), script.as_deref());
        assert_eq!(projects.of(child.id(), place.clone()), None);
        let found = (0..1000).find_map(|_| {
            std::thread::sleep(Duration::from_millis(5));
            let late = projects.take_late().remove(&child.id());
            projects.waiting.is_empty().then_some(late)
        });
        assert_eq!(projects.of(child.id(), place), found.clone().unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::remove_dir_all(&top).unwrap();
        let path = found.unwrap()?;
        Some(path.strip_prefix(top.to_str().unwrap()).unwrap().to_owned())
    }

    #[test]
    fn a_project_is_the_nearest_folder_with_a_manifest_or_a_repository() {
        let files = [
            "shop/.git/HEAD",
            "shop/web/package.json",
            "shop/web/src/a.js",
        ];
        let found = |folder| project("nearest", &files, folder, None);
        assert_eq!(found("shop").as_deref(), Some("/shop"));
        assert_eq!(found("shop/web/src").as_deref(), Some("/shop/web"));
        assert_eq!(found("elsewhere"), None);
    }

    #[test]
    fn the_script_counts_where_the_folder_is_in_no_project() {
        let files = ["shop/go.mod", "shop/node_modules/vite/package.json"];
        let found = |script| project("script", &files, "home", Some(script));
        assert_eq!(found("TOP/shop/serve.py").as_deref(), Some("/shop"));
        assert_eq!(found("../shop/serve.py").as_deref(), Some("/home/../shop"));
        assert_eq!(found("TOP/shop/node_modules/vite/vite.js"), None);
    }

    #[test]
    fn the_project_of_a_folder_is_a_real_path() {
        let top = std::env::temp_dir().join(format!("sockeye-real-{}", std::process::id()));
        let top = {
            std::fs::create_dir_all(top.join("shop/src")).unwrap();
            top.canonicalize().unwrap()
        };
        std::fs::write(top.join("shop/go.mod"), "").unwrap();
        std::os::unix::fs::symlink(top.join("shop/src"), top.join("link")).unwrap();
        let shop = Some(top.join("shop"));
        for folder in ["shop", "shop/src", "shop/src/..", "link"] {
            assert_eq!(project_of(&top.join(folder)), shop, "{folder}");
        }
        assert_eq!(project_of(&top.join("missing")), None);
        std::fs::remove_dir_all(&top).unwrap();
    }

    #[test]
    fn no_folder_is_searched_for_a_service_in_the_root() {
        let mut projects = Projects::default();
        let place = Place::of(1, "/", Some("/usr/bin/gunicorn"));
        assert_eq!(projects.of(1, place), None);
        assert!(projects.answers.is_none());
    }

    /// No process has this pid.
    const NO_PID: Pid = Pid::MAX;

    fn place(folder: &str) -> Place {
        Place::of(NO_PID, folder, None)
    }

    fn found(place: Place, is_valid: bool) -> Found {
        Found {
            place,
            project: Some(Text::new("/shop")),
            is_valid,
        }
    }

    #[test]
    fn all_requests_share_one_thread() {
        for _ in 0..3 {
            let mut projects = Projects::default();
            projects.of(NO_PID, place("/home/one"));
            let (_, answers) = projects.answers.as_ref().unwrap();
            answers.recv().unwrap();
        }
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let names =
            threads.filter_map(|one| std::fs::read_to_string(one.ok()?.path().join("comm")).ok());
        assert_eq!(names.filter(|name| name == "projects\n").count(), 1);
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
        let (_, answers) = projects.answers.as_ref().unwrap();
        let folders = [(); 2].map(|()| answers.recv().unwrap().1.place.folder);
        assert_eq!(folders, ["/home/one", "/home/two"]);
    }

    #[test]
    fn a_place_is_searched_again_for_another_process_if_the_first_has_left() {
        let mut projects = Projects::default();
        for pid in [NO_PID, NO_PID - 1] {
            projects.of(pid, place("/home/one"));
        }
        projects.add(NO_PID, found(place("/home/one"), false));
        assert!(projects.queued.contains(&place("/home/one")));
        let waiting: Vec<_> = projects.waiting.into_keys().collect();
        assert_eq!(waiting, [NO_PID - 1]);
    }

    #[test]
    fn results_that_processes_wait_for_stay_when_the_others_are_forgotten() {
        let mut projects = Projects::default();
        projects.waiting.insert(NO_PID, place("/home/one"));
        projects.add(NO_PID, found(place("/home/one"), true));
        for number in 0..MAX_KNOWN {
            projects.add(NO_PID, found(place(&format!("/home/{number}")), true));
        }
        assert!(projects.known.len() < MAX_KNOWN);
        assert_eq!(projects.take_late().len(), 1);
    }
}
