//! The docs agree with the program: their tables come from its tables, and every link has a target.
//!
//! The text between `<!-- name -->` and `<!-- /name -->` is generated; `INSTA_UPDATE=always cargo test
//! --test pure docs` regenerates it.

#![allow(clippy::unwrap_used, reason = "all of this is test code")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sockeye::model::{Family, OwnerKind, Protocol, State};
use sockeye::{columns, config, filter, linear, theme};
use strum::VariantArray;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Holds a generated part of a page against what it is generated from, or renews it.
fn holds(page: &str, name: &str, expected: &str) {
    let before = text(page);
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let marked = before
        .split_once(&begin)
        .and_then(|(head, rest)| Some((head, rest.split_once(&end)?)));
    let (head, (shown, tail)) = marked.unwrap_or_else(|| panic!("{page} marks no {name}"));
    if shown == expected {
        return;
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|what| what == "always") {
        fs::write(at(page), format!("{head}{begin}{expected}{end}{tail}")).unwrap();
    } else {
        panic!(
            "{page}: renew it by `INSTA_UPDATE=always cargo test --test pure docs`:\n{expected}"
        );
    }
}

/// A cell of a table as Markdown has it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn the_guide_lists_the_keys_of_the_keymap() {
    let said = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["keys", "--markdown"])
        .output()
        .unwrap();
    holds(
        "docs/guide.md",
        "keys",
        &String::from_utf8(said.stdout).unwrap(),
    );
}

#[test]
fn the_guide_lists_every_column() {
    let mut table = String::from("| name | heading | shows |\n|---|---|---|\n");
    for column in columns::ALL {
        let (name, title, shows) = (column.name, column.title, cell(column.description));
        writeln!(table, "| `{name}` | {title} | {shows} |").unwrap();
    }
    holds("docs/guide.md", "columns", &table);
}

#[test]
fn the_guide_lists_every_word_of_the_filter_language() {
    let mut table = String::from("| term | matches |\n|---|---|\n");
    for (word, meaning) in filter::words() {
        writeln!(table, "| `{}` | {} |", cell(&word), cell(meaning)).unwrap();
    }
    holds("docs/guide.md", "filter", &table);
}

#[test]
fn the_guide_lists_every_command_of_the_lines() {
    let mut table = String::from("| command | |\n|---|---|\n");
    for (command, does) in linear::words() {
        writeln!(table, "| `{}` | {} |", cell(&command), cell(does)).unwrap();
    }
    holds("docs/guide.md", "linear", &table);
}

#[test]
fn the_guide_explains_every_key_of_the_configuration() {
    explains("docs/guide.md", config::keys().map(str::to_owned));
}

#[test]
fn the_guide_names_every_theme() {
    let page = text("docs/guide.md");
    for (name, _) in theme::BUILT_IN {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn every_verdict_cause_and_note_is_explained() {
    let page = text("docs/taken.md");
    let source = "src/bind/verdict/mod.rs";
    for word in ["Cause", "NoteCode"]
        .iter()
        .flat_map(|of| variants(source, of))
    {
        assert!(page.contains(&format!("\n| `{word}` | ")), "{word}");
    }
    for word in variants("src/bind/verdict/unix/mod.rs", "UnixCause") {
        assert!(page.contains(&format!("\n| `{word}` | ")), "{word}");
    }
    for word in variants(source, "Outcome") {
        assert!(page.contains(&format!(" | `{word}` | ")), "{word}");
    }
}

#[test]
fn every_state_owner_problem_and_gap_is_explained() {
    explains(
        "docs/terms.md",
        State::ALL.into_iter().map(|state| state.to_string()),
    );
    explains("docs/terms.md", as_strs(OwnerKind::as_str));
    explains(
        "docs/terms.md",
        variants("src/model/problem.rs", "ProblemCode"),
    );
    explains(
        "docs/terms.md",
        variants("src/model/evidence.rs", "GapCode"),
    );
}

/// Each of the words begins a row of a table on that page.
fn explains(page: &str, words: impl IntoIterator<Item = String>) {
    let there = text(page);
    let is_missing = |word: &String| !there.contains(&format!("\n| `{word}` | "));
    let missing: Vec<_> = words.into_iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "{page} does not explain {missing:?}");
}

/// The names of an enum's variants as JSON has them, read from its source: no list of them is kept.
fn variants(file: &str, of: &str) -> Vec<String> {
    let source = text(file);
    let (_, body) = source
        .split_once(&format!("pub enum {of} {{"))
        .expect("it is there");
    let (body, _) = body.split_once("\n}").expect("it ends");
    let lines = body.lines().map(str::trim);
    let names = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let names: Vec<_> = names
        .map(|name| snake_case(name.trim_end_matches(',')))
        .collect();
    assert!(names.len() > 3, "{of}: {names:?}");
    names
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut pages = vec![
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    for entry in fs::read_dir(at("docs")).unwrap() {
        let name = entry.unwrap().file_name();
        pages.push(format!("docs/{}", name.to_string_lossy()));
    }
    let link = regex::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = BTreeSet::new();
    for page in &pages {
        for (_, [target]) in link.captures_iter(&text(page)).map(|found| found.extract()) {
            if !target.contains("://") && !leads_somewhere(page, target) {
                broken.insert(format!("{page}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// A named file is useful only if it exists.
#[test]
fn every_file_that_the_contributing_page_names_is_there() {
    let page = text("CONTRIBUTING.md");
    let name = regex::Regex::new(r"`((?:src|tests|assets|docs|examples|\.ci)/[^`\s]*)`").unwrap();
    let named: BTreeSet<&str> = name
        .captures_iter(&page)
        .map(|found| found.extract::<1>().1[0])
        .collect();
    assert!(named.len() > 40, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|file| !at(file).exists()).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn leads_somewhere(page: &str, target: &str) -> bool {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let to = match file {
        "" => at(page),
        file => at(page).with_file_name("").join(file),
    };
    let Ok(there) = fs::read(&to) else {
        return false;
    };
    let there = String::from_utf8_lossy(&there);
    let mut headings = there.lines().filter(|line| line.starts_with('#'));
    heading.is_empty() || headings.any(|line| anchor(line) == heading)
}

/// What a page calls a heading in its address.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A version of Rust, `1.95` or `1.88.0`.
#[cfg(target_os = "linux")]
fn rust(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// It could not be built with a lower one, and a higher one would exclude users for no reason.
#[test]
#[cfg(target_os = "linux")]
fn the_rust_version_is_the_highest_that_a_dependency_needs() {
    // Those of other systems are not on this machine; the ones of this one are, as the tests were built.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version=1"])
        .args(["--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let asked = |package: &&serde_json::Value| package["rust_version"].is_string();
    let (own, others): (Vec<_>, Vec<_>) = packages
        .iter()
        .filter(asked)
        .partition(|package| package["name"] == env!("CARGO_PKG_NAME"));
    let version = |package: &serde_json::Value| rust(package["rust_version"].as_str().unwrap());
    let highest = others
        .into_iter()
        .max_by_key(|package| version(package))
        .unwrap();
    assert_eq!(version(own[0]), version(highest), "{}", highest["name"]);
    let promise = format!("Rust {} or newer", env!("CARGO_PKG_RUST_VERSION"));
    assert!(text("README.md").contains(&promise), "{promise}");
}

/// The gate runs the command in the README, and finds it as one line.
#[test]
fn the_readme_has_one_line_of_tests_and_the_gate_runs_it() {
    let readme = text("README.md");
    let lines: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("cargo test"))
        .collect();
    assert_eq!(lines, ["cargo test --locked"]);
    assert!(text(".ci/run").contains("line=$(grep -x 'cargo test.*' README.md)"));
}

/// The words of an enumeration of a schema.
fn words(file: &str, path: &str) -> BTreeSet<String> {
    let schema: serde_json::Value = serde_json::from_str(&text(file)).unwrap();
    let found = schema
        .pointer(path)
        .unwrap_or_else(|| panic!("{file}: {path}"));
    let words = found["enum"].as_array().unwrap().iter();
    words
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

/// The words of all variants.
fn as_strs<T: VariantArray + Copy>(as_str: fn(T) -> &'static str) -> BTreeSet<String> {
    let all = T::VARIANTS.iter().copied();
    all.map(|one| as_str(one).to_owned()).collect()
}

/// The words that a function of the source has for its variants.
fn codes(file: &str, of: &str, function: &str) -> BTreeSet<String> {
    let source = text(file);
    let (_, body) = source.split_once(&format!("impl {of} {{")).unwrap();
    let (_, body) = body.split_once(&format!("fn {function}(")).unwrap();
    let (body, _) = body.split_once("\n    }\n").unwrap();
    let word = regex::Regex::new(r#"=> "([^"]+)""#).unwrap();
    let words = word.captures_iter(body).map(|found| found[1].to_owned());
    words.collect()
}

#[test]
fn the_schemas_have_every_word_of_the_code_and_no_other() {
    let (common, check) = ("assets/common.schema.json", "assets/check.schema.json");
    for (name, expected) in [
        ("protocol", as_strs(Protocol::as_str)),
        ("state", as_strs(State::as_str)),
        ("family", as_strs(Family::as_str)),
        ("owner", as_strs(OwnerKind::as_str)),
    ] {
        assert_eq!(words(common, &format!("/$defs/{name}")), expected, "{name}");
    }
    let reasons = codes("src/bind/free/skip_reasons.rs", "SkipReason", "code");
    assert_eq!(words("assets/free.schema.json", "/$defs/unfit"), reasons);
    let outcomes = codes("src/bind/end/report.rs", "EndOutcome", "code");
    let outcome = "/$defs/target/properties/outcome";
    assert_eq!(words("assets/end.schema.json", outcome), outcomes);
    let (verdict, background) = ("src/bind/verdict/mod.rs", "src/model/background.rs");
    for (schema, path, file, of) in [
        (
            common,
            "/$defs/problem_code",
            "src/model/problem.rs",
            "ProblemCode",
        ),
        (
            common,
            "/$defs/gap/properties/code",
            "src/model/evidence.rs",
            "GapCode",
        ),
        (
            check,
            "/$defs/target_fields/properties/cause",
            verdict,
            "Cause",
        ),
        (
            check,
            "/$defs/target_fields/properties/verdict",
            verdict,
            "Outcome",
        ),
        (
            check,
            "/$defs/target_fields/properties/notes/items/properties/code",
            verdict,
            "NoteCode",
        ),
        (
            check,
            "/$defs/fix/properties/code",
            "src/bind/fix/mod.rs",
            "FixCode",
        ),
        (
            check,
            "/$defs/behind/properties/kind",
            background,
            "BehindKind",
        ),
        (
            check,
            "/$defs/behind/properties/engine",
            background,
            "Engine",
        ),
        (
            check,
            "/$defs/kept_by/properties/kind",
            background,
            "SupervisorKind",
        ),
        (
            check,
            "/$defs/kept_by/properties/restarts",
            background,
            "Restarts",
        ),
    ] {
        let expected: BTreeSet<_> = variants(file, of).into_iter().collect();
        assert_eq!(words(schema, path), expected, "{path}");
    }
}
