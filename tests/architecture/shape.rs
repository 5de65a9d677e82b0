//! How large the rooms are, and what none of them has.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{halves, is_name, without_tests};
use super::{IMPURE_FILES, PURE, collect, product, read, root, sources};

/// So many files are seen at a glance.
const MOST_FILES: usize = 12;

/// A struct with more is several.
const MOST_FIELDS: usize = 25;

/// A function is seen without scrolling.
const MOST_LINES: usize = 60;

/// Enums of the state machine: a variant without a handler has to fail to compile.
const MATCHED_WHOLE: &[&str] = &["Action", "Msg", "Effect"];

#[test]
fn no_folder_has_more_files_than_can_be_seen_at_a_glance() {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        let folder = file.parent().expect("it is in a folder").to_path_buf();
        let below = folder.strip_prefix(root()).expect("it was found there");
        *folders.entry(below.display().to_string()).or_default() += 1;
    }
    let full: Vec<_> = folders
        .iter()
        .filter(|(_, files)| **files > MOST_FILES)
        .collect();
    assert!(full.is_empty(), "more than {MOST_FILES} files: {full:?}");
}

#[test]
fn no_struct_has_more_fields_than_can_be_kept_in_mind() {
    let mut faults = Vec::new();
    for file in product() {
        let text = read(&root().join(&file));
        let code = halves(without_tests(&text)).code;
        for (name, body) in bodies(&code, "struct") {
            let fields = at_top(body).filter(|line| {
                let line = line.trim_start_matches("pub ").trim();
                let name = line.split(':').next().unwrap_or_default();
                line.contains(':') && !name.is_empty() && name.chars().all(is_name)
            });
            let fields = fields.count();
            if fields > MOST_FIELDS {
                faults.push(format!("{file}: {name} has {fields}"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "more than {MOST_FIELDS} fields: {faults:#?}"
    );
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut faults = Vec::new();
    for file in product() {
        let text = read(&root().join(&file));
        let code = halves(without_tests(&text)).code;
        for (head, body) in bodies(&code, "fn") {
            let lines = body.trim().lines().count();
            if lines > MOST_LINES {
                let name = head.split('(').next().unwrap_or_default();
                faults.push(format!("{file}: {name} has {lines}"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "more than {MOST_LINES} lines: {faults:#?}"
    );
}

#[test]
fn a_new_action_message_or_effect_can_not_be_forgotten() {
    let mut faults = Vec::new();
    for file in product() {
        let text = read(&root().join(&file));
        let code = halves(without_tests(&text)).code;
        for (head, body) in bodies(&code, "match") {
            let arms: Vec<_> = at_top(body).filter(|line| line.contains("=>")).collect();
            let of = |name: &&&str| {
                arms.iter().any(|arm| {
                    let pattern = arm.split("=>").next().unwrap_or_default();
                    let pattern = pattern.split(" if ").next().unwrap_or_default();
                    pattern
                        .trim_start_matches('|')
                        .trim()
                        .starts_with(&format!("{name}::"))
                })
            };
            let is_open = arms.iter().any(|arm| arm.trim().starts_with("_ =>"));
            let found = MATCHED_WHOLE.iter().find(of).filter(|_| is_open);
            faults.extend(found.map(|name| format!("{file}: match {head}: `_` over {name}")));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn pure_rooms_keep_no_state_that_changes_behind_a_shared_reference() {
    let forbidden = [
        "RefCell",
        "OnceCell",
        "LazyCell",
        "Mutex",
        "RwLock",
        "AtomicBool",
        "AtomicUsize",
        "AtomicU64",
        "OnceLock",
        "thread_local",
    ];
    let mut faults = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| PURE.contains(&source.module()))
        .filter(|source| !IMPURE_FILES.contains(&source.file.as_str()))
    {
        let text = read(&root().join(&source.file));
        let code = halves(without_tests(&text)).code;
        let is_there = |name: &&&str| code.split(|c: char| !is_name(c)).any(|word| word == **name);
        faults.extend(
            forbidden
                .iter()
                .find(is_there)
                .map(|name| format!("{}: {name}", source.file)),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn nothing_reaches_over_its_parent() {
    let mut faults = Vec::new();
    for file in product() {
        let text = read(&root().join(&file));
        let code = halves(without_tests(&text)).code;
        if code.contains("super::super") {
            faults.push(file);
        }
    }
    assert!(faults.is_empty(), "super::super in {faults:#?}");
}

/// The bodies in braces behind a keyword, each with the text before its brace.
fn bodies<'a>(code: &'a str, keyword: &str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(keyword) {
        let is_word = !code[..at].ends_with(is_name) && code[at + keyword.len()..].starts_with(' ');
        let rest = &code[at + keyword.len()..];
        let end = rest
            .find(['{', ';'])
            .filter(|end| rest[*end..].starts_with('{'));
        let (true, Some(open)) = (is_word, end) else {
            continue;
        };
        let mut depth = 0;
        let close = rest[open..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        if let Some(close) = close {
            found.push((rest[..open].trim(), &rest[open + 1..open + close]));
        }
    }
    found
}

/// The lines of a body that are in no inner braces.
fn at_top(body: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    body.lines().filter(move |line| {
        let is_top = depth == 0;
        for c in line.chars() {
            depth +=
                i32::from(matches!(c, '{' | '(' | '[')) - i32::from(matches!(c, '}' | ')' | ']'));
        }
        is_top
    })
}

#[test]
fn bodies_are_found_with_what_is_at_their_top() {
    let code = "match a {\n    Action::B { c } => {\n        _ => 1\n    }\n    _ => 2,\n}\nstruct S { a: u8 }";
    let found = bodies(code, "match");
    assert_eq!(found.len(), 1);
    let top: BTreeSet<_> = at_top(found[0].1).map(str::trim).collect();
    assert!(
        top.contains("_ => 2,") && !top.contains("_ => 1"),
        "{top:?}"
    );
    assert_eq!(bodies(code, "struct"), [("S", " a: u8 ")]);
}
