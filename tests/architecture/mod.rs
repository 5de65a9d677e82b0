//! The dependency rule of `src/lib.rs`, checked by reading the sources: pure modules name no
//! terminal, system, clock or thread, and no module imports from above.

mod reader;
mod shape;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use reader::{is_name, without_comments_and_strings};

/// Each module that the rule speaks of, and the modules that it may name.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("track", &["model"]),
    ("columns", &["model", "track"]),
    ("filter", &["model", "track"]),
    ("bind", &["model", "track"]),
    (
        "report",
        &["model", "track", "columns", "query", "bind", "history"],
    ),
    ("clock", &["model"]),
    ("source", &["model"]),
    ("history", &["model", "source"]),
    ("inspect", &["model", "bind", "source", "clock"]),
    ("theme", &["model", "filter"]),
    ("query", &["model", "track", "columns", "filter"]),
    ("keymap", &["columns"]),
    (
        "settings",
        &["model", "columns", "filter", "theme", "query", "keymap"],
    ),
    (
        "app",
        &[
            "model", "track", "columns", "filter", "bind", "theme", "query", "keymap", "settings",
        ],
    ),
    ("ui", &["app", "columns", "theme"]),
    (
        "linear",
        &[
            "model", "track", "columns", "filter", "bind", "theme", "query", "keymap", "settings",
            "app",
        ],
    ),
    (
        "config",
        &[
            "model", "columns", "filter", "theme", "query", "keymap", "settings",
        ],
    ),
];

/// Modules without a system: values in, values out.
const PURE: &[&str] = &[
    "model", "track", "columns", "filter", "query", "keymap", "settings", "report", "theme", "app",
    "bind", "config", "linear",
];

/// The files of a pure module that touch the system: they make the real binds and remember them, and read
/// and write the config file.
const IMPURE_FILES: &[&str] = &[
    "bind/probe/mod.rs",
    "bind/probe/own.rs",
    "bind/probe/exclusive.rs",
    "bind/free/claim.rs",
    "config/file.rs",
    "config/save.rs",
];

/// Where the code may ask which system it is built for.
const KNOWS_THE_SYSTEM: &[&str] = &[
    "source/",
    "inspect/",
    "clock",
    "runtime/",
    "bind/probe",
    "config/file",
    "config/save",
    "history/writer/system",
];

/// The words of such a condition, and the parts of the library that not every system has.
const SYSTEMS: &[&str] = &[
    "unix",
    "windows",
    "target_os",
    "target_family",
    "linux",
    "macos",
];

/// The files that may hold `unsafe`.
const UNSAFE_FILES: [&str; 6] = [
    "bind/probe/exclusive.rs",
    "runtime/process/memory.rs",
    "runtime/run/linux/calls/raw.rs",
    "source/linux/fork.rs",
    "source/linux/namespaces/socket_network.rs",
    "source/linux/trace/ioctl.rs",
];

/// What a pure module must not name.
const FORBIDDEN: &[&str] = &[
    "crossterm",
    "ratatui",
    "netstat2",
    "sysinfo",
    "socket2",
    "rustix",
    "libc",
    "signal_hook",
    "nix",
    "netlink_packet_core",
    "netlink_packet_sock_diag",
    "netlink_packet_utils",
    "netlink_sys",
    "std::thread",
    "std::sync::mpsc",
    "std::time::Instant",
    "std::time::SystemTime",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "std::fs",
    "std::process",
    "std::env",
    "std::os",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
];

/// A source file and every path that its code names.
struct Source {
    /// Below `src`, with `/`.
    file: String,
    paths: BTreeSet<String>,
}

impl Source {
    fn module(&self) -> &str {
        let first = self.file.split('/').next().unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    /// The modules of this crate that it names, its own not among them.
    fn named_modules<'a>(&'a self, all: &'a BTreeSet<String>) -> impl Iterator<Item = &'a str> {
        self.paths.iter().filter_map(|path| {
            let first = path.strip_prefix("crate::")?.split("::").next()?;
            (all.contains(first) && first != self.module()).then_some(first)
        })
    }
}

#[test]
fn pure_modules_name_no_terminal_no_system_no_clock_and_no_thread() {
    let mut faults = Vec::new();
    for source in sources() {
        let is_pure = PURE.contains(&source.module());
        if !is_pure || IMPURE_FILES.contains(&source.file.as_str()) {
            continue;
        }
        for path in &source.paths {
            let is_forbidden = |word: &&&str| {
                path.strip_prefix(**word)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            faults.extend(
                FORBIDDEN
                    .iter()
                    .find(is_forbidden)
                    .map(|_| format!("{}: {path}", source.file)),
            );
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn only_the_edges_know_which_system_they_are_built_for() {
    let mut faults = Vec::new();
    for source in sources() {
        let is_edge = KNOWS_THE_SYSTEM
            .iter()
            .any(|edge| source.file.starts_with(edge));
        if is_edge {
            continue;
        }
        let text = read(&root().join(&source.file));
        let asks = conditions(&text).filter(|condition| {
            let mut words = condition.split(|c: char| !is_name(c));
            words.any(|word| SYSTEMS.contains(&word))
        });
        faults.extend(asks.map(|condition| format!("{}: cfg{condition}", source.file)));
        let of_one_system = |path: &&String| path.starts_with("std::os::");
        let named = source.paths.iter().filter(of_one_system);
        faults.extend(named.map(|path| format!("{}: {path}", source.file)));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_question_about_the_system_is_found_in_every_form() {
    let text = "#[cfg(unix)] #[cfg(all(test, not(windows)))] if cfg!(target_os = \"linux\") {}\n\
                #[cfg_attr(windows, allow(dead_code))] // cfg(unix)";
    let found: Vec<_> = conditions(text).collect();
    let expected = [
        "(unix)",
        "(all(test, not(windows)))",
        "!(target_os =  )",
        "_attr(windows, allow(dead_code))",
    ];
    assert_eq!(found, expected);
}

#[test]
fn every_impure_file_is_still_there_and_still_impure() {
    for file in IMPURE_FILES {
        let source = sources()
            .into_iter()
            .find(|source| source.file == *file)
            .unwrap_or_else(|| panic!("{file} is gone: take it off the list"));
        assert!(
            source
                .paths
                .iter()
                .any(|path| FORBIDDEN.iter().any(|word| path.starts_with(word))),
            "{file} is pure now: take it off the list"
        );
    }
}

#[test]
fn no_module_names_one_above_it() {
    let all = modules();
    let mut faults = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == source.module()) else {
            continue;
        };
        let wrong = source
            .named_modules(&all)
            .filter(|named| !allowed.contains(named));
        faults.extend(wrong.map(|named| format!("{} names crate::{named}", source.file)));
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A module without a rule could import anything.
#[test]
fn every_module_has_a_rule_unless_it_may_import_everything() {
    let ruled: BTreeSet<String> = MAY_NAME.iter().map(|(name, _)| (*name).into()).collect();
    let seeing_everything = ["runtime", "cli", "main", "lib"].map(String::from);
    let unruled: Vec<_> = modules()
        .into_iter()
        .filter(|module| !ruled.contains(module) && !seeing_everything.contains(module))
        .collect();
    assert!(unruled.is_empty(), "no rule for {unruled:?}");
}

#[test]
fn the_map_of_the_library_names_every_module_and_no_other() {
    let text = read(&root().join("lib.rs"));
    let mapped: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
        .filter_map(|line| Some(line.split_once('`')?.0.to_owned()))
        .collect();
    let declared: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(String::from)
        .collect();
    assert_eq!(mapped, declared, "the map against the declarations");
    for module in &declared {
        assert!(modules().contains(module), "{module} has no file");
    }
}

#[test]
fn the_map_of_the_library_has_the_imports_that_are_checked() {
    let text = read(&root().join("lib.rs"));
    for (module, allowed) in MAY_NAME {
        let names: Vec<_> = allowed.iter().map(|name| format!("`{name}`")).collect();
        let cell = match &names[..] {
            [] => "–".to_owned(),
            names => names.join(", "),
        };
        let mut rows = text.lines();
        let row = rows.find(|line| line.starts_with(&format!("//! | [`{module}`] |")));
        let row = row.unwrap_or_else(|| panic!("{module} is not in the map"));
        assert!(row.ends_with(&format!("| {cell} |")), "{row}\n{cell}");
    }
}

#[test]
fn unsafe_code_is_denied_but_in_small_files_that_say_why() {
    let has_it = |file: &str| {
        without_comments_and_strings(&read(&root().join(file)))
            .split(|c: char| !is_name(c))
            .any(|word| word == "unsafe" || word == "unsafe_code")
    };
    let with_it: Vec<_> = sources()
        .into_iter()
        .map(|source| source.file)
        .filter(|file| has_it(file) && file != "main.rs")
        .collect();
    assert_eq!(with_it, UNSAFE_FILES);
    let has_line = |file: &str, line: &str| read(&root().join(file)).lines().any(|one| one == line);
    assert!(has_line("../Cargo.toml", "unsafe_code = \"deny\""));
    assert!(has_line("main.rs", "#![forbid(unsafe_code)]"));
    for file in UNSAFE_FILES {
        let text = read(&root().join(file));
        assert!(
            text.contains("unsafe_code,\n    reason = \""),
            "{file}: why it is lifted"
        );
        let reasons = text.matches("// SAFETY: ").count();
        let (blocks, promises) = (
            text.matches("unsafe {").count(),
            text.matches("unsafe impl").count(),
        );
        assert_eq!(
            blocks + promises,
            reasons,
            "{file}: each block says why it is sound"
        );
        assert!(text.lines().count() < 100, "{file} is small");
    }
    let parent = read(&root().join("bind/probe/mod.rs"));
    assert!(
        parent.contains("#[cfg(windows)]\nmod exclusive;"),
        "for Windows alone"
    );
}

#[test]
fn every_test_and_file_that_the_promises_name_is_there() {
    let promises = include_str!("../../SECURITY.md");
    let mut code = String::new();
    for folder in ["src", "tests"] {
        let mut files = Vec::new();
        collect(&root().with_file_name(folder), &mut files);
        code.extend(files.iter().map(|file| read(file)));
    }
    let named: Vec<_> = promises.split('`').skip(1).step_by(2).collect();
    let tests = named.iter().filter(|name| name.matches('_').count() > 2);
    for test in tests.clone() {
        assert!(code.contains(&format!("fn {test}(")), "no test {test}");
    }
    let files = named
        .iter()
        .filter(|name| name.contains('/') && !name.starts_with('/') && !name.contains(' '));
    for file in files.clone() {
        assert!(root().with_file_name(file).exists(), "no file {file}");
    }
    assert!(tests.count() > 10 && files.count() > 3);
}

#[test]
fn imports_are_found_however_they_are_written() {
    let code = "use std::{fs, net::{IpAddr, UdpSocket as U}};\n// use crossterm::event;\n\
                pub(crate) use crate::track::*;\nfn f() { std::thread::spawn(|| ()); \"std::env\"; }";
    let paths = paths(code, &["app".into(), "view".into()]);
    for found in [
        "std::fs",
        "std::net::IpAddr",
        "std::net::UdpSocket",
        "crate::track::*",
        "std::thread::spawn",
    ] {
        assert!(paths.contains(found), "{found} in {paths:?}");
    }
    assert!(!paths.iter().any(|path| path.starts_with("crossterm")));
    assert!(!paths.contains("std::env"), "a string names nothing");
    let up = |text| super_paths(text, &["app".into(), "view".into()]);
    assert_eq!(up("super::super::runtime"), "crate::runtime");
    assert_eq!(up("super::Size"), "crate::app::Size");
    assert_eq!(up("self::Role"), "crate::app::view::Role");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The modules at the top of the tree, whether a file or a folder.
fn modules() -> BTreeSet<String> {
    sources()
        .iter()
        .map(|source| source.module().to_owned())
        .filter(|module| module != "lib" && module != "main")
        .collect()
}

/// The files, below `src`, that are no tests.
fn product() -> Vec<String> {
    let is_test = |file: &str| {
        let mut parts = file.trim_end_matches(".rs").split('/');
        parts.any(|part| part == "tests" || part.ends_with("_tests"))
    };
    let files = sources().into_iter().map(|source| source.file);
    files.filter(|file| !is_test(file)).collect()
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    assert!(files.len() > 50, "the sources are not where they were");
    files.sort();
    files.into_iter().map(|path| source(&path)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("the sources can be read");
    for entry in entries {
        let path = entry.expect("the sources can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn source(path: &Path) -> Source {
    let below = path.strip_prefix(root()).expect("it was found there");
    let file = below.to_string_lossy().replace('\\', "/");
    let mut module: Vec<String> = file
        .trim_end_matches(".rs")
        .split('/')
        .map(String::from)
        .collect();
    if module
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        module.pop();
    }
    Source {
        paths: paths(&read(path), &module),
        file,
    }
}

/// Every path in the code: those of `use`, with their braces unfolded, and those in the text.
fn paths(text: &str, module: &[String]) -> BTreeSet<String> {
    let code = without_comments_and_strings(text);
    let mut found = BTreeSet::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find("use ") {
        let is_word = rest[..at].chars().next_back().is_none_or(|c| !is_name(c));
        let (tree, after) = rest[at + 4..]
            .split_once(';')
            .unwrap_or((&rest[at + 4..], ""));
        if is_word {
            unfold("", tree.trim(), &mut found);
            rest = after;
        } else {
            rest = &rest[at + 4..];
        }
    }
    let words = code.split(|c: char| !is_name(c) && c != ':');
    found.extend(
        words
            .map(|word| word.trim_matches(':'))
            .filter(|word| word.contains("::"))
            .map(String::from),
    );
    found
        .into_iter()
        .map(|path| super_paths(&path, module))
        .collect()
}

/// The item after each `cfg`, up to its closing brace.
fn conditions(text: &str) -> impl Iterator<Item = String> {
    let code = without_comments_and_strings(text);
    let found: Vec<_> = code
        .match_indices("cfg")
        .filter(|(at, _)| !code[..*at].ends_with(is_name))
        .filter_map(|(at, word)| {
            let rest = &code[at + word.len()..];
            let mut depth = 0;
            let end = rest.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                c == ')' && depth == 0
            })?;
            let is_condition = ["(", "!(", "_attr("]
                .iter()
                .any(|one| rest.starts_with(one));
            is_condition.then(|| rest[..=end].to_owned())
        })
        .collect();
    found.into_iter()
}

/// `a::{b, c as d}` → `a::b`, `a::c`.
fn unfold(prefix: &str, tree: &str, found: &mut BTreeSet<String>) {
    let tree = tree.trim();
    if let Some((head, inside)) = tree.split_once('{') {
        let inside = inside.trim_end().trim_end_matches('}');
        for branch in branches(inside) {
            unfold(&format!("{prefix}{}", head.trim()), branch, found);
        }
    } else if !tree.is_empty() {
        let name = tree.split_whitespace().next().unwrap_or_default();
        found.insert(format!("{prefix}{name}"));
    }
}

/// Splits at the commas that stand in no inner braces.
fn branches(inside: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&inside[start..]);
    found
}

/// The path from the root of the crate, if it began at the file's own module.
fn super_paths(path: &str, module: &[String]) -> String {
    let mut module = module.to_vec();
    let mut rest = path;
    if !rest.starts_with("super::") && !rest.starts_with("self::") {
        return path.to_owned();
    }
    while let Some((word @ ("super" | "self"), after)) = rest.split_once("::") {
        if word == "super" {
            module.pop();
        }
        rest = after;
    }
    let parts = std::iter::once("crate").chain(module.iter().map(String::as_str));
    parts
        .chain(std::iter::once(rest))
        .collect::<Vec<_>>()
        .join("::")
}
