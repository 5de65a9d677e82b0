//! What the program says of itself: help, man pages, completions and keys. The texts are pictures, to be
//! read when they change; real shells show what the completions offer.

mod shells;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use sockeye::keymap::{Binding, Keymap, Mode};

use crate::cli::scene::{BINARY, TempFile, sockeye};
use crate::support::is_required;

/// The shells that there is a script for.
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

#[test]
fn the_help_of_the_program_is_its_snapshot() {
    picture("help", &help(&["--help"], 80));
    picture("help_short", &help(&["-h"], 80));
}

#[test]
fn the_help_of_every_command_is_its_snapshot() {
    for command in commands() {
        let text = help(&[&command, "--help"], 80);
        picture(&format!("help_{command}"), &text);
    }
}

#[test]
fn no_line_of_help_is_wider_than_it_can_be_read() {
    for command in commands() {
        let text = help(&[&command, "--help"], 300);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{text}");
    }
}

#[test]
fn every_man_page_is_its_snapshot() {
    if !is_installed("mandoc", "mandoc") {
        return;
    }
    for (name, page) in pages() {
        let text = mandoc(&page, &["-T", "utf8", "-O", "width=80"]);
        let name = name.replacen("sockeye", "man", 1).replace('-', "_");
        picture(&name, &without_bold(&text));
    }
}

#[test]
fn no_man_page_has_a_syntax_error() {
    if !is_installed("mandoc", "mandoc") {
        return;
    }
    // A date would have to be kept by hand; the breaks are how the generator makes an empty line.
    let accepted = ["missing date", "skipping paragraph macro: br"];
    for (name, page) in pages() {
        let complaints = mandoc(&page, &["-T", "lint", "-W", "warning"]);
        let is_accepted = |line: &&str| accepted.iter().any(|what| line.contains(what));
        let rest: Vec<_> = complaints
            .lines()
            .filter(|line| !is_accepted(line))
            .collect();
        assert!(rest.is_empty(), "{name}: {rest:#?}");
    }
}

#[test]
fn man_writes_every_page_into_a_folder() {
    let folder = TempFolder::new("pages");
    let said = sockeye(&["man", "--dir", folder.path().to_str().unwrap()]);
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (0, "", "")
    );
    let mut expected = Vec::new();
    for (name, page) in pages() {
        let file = format!("{name}.1");
        assert_eq!(fs::read_to_string(folder.path().join(&file)).unwrap(), page);
        expected.push(file);
    }
    expected.sort();
    assert_eq!(folder.names(), expected);
}

#[test]
fn a_folder_that_pages_cannot_be_written_into_is_one_line_with_its_name() {
    let file = TempFile::containing("no-folder", "");
    let below = format!("{}/folder", file.path());
    for folder in [file.path(), &below] {
        refuses(&["man", "--dir", folder], &[folder]);
    }
}

#[test]
fn a_page_that_does_not_exist_is_one_line_that_names_those_that_do() {
    let commands = commands();
    let named: Vec<_> = commands.iter().map(String::as_str).collect();
    refuses(&["man", "nonsense"], &named);
}

#[test]
fn every_shell_has_a_script_that_ends_with_code_0() {
    for shell in SHELLS {
        let said = sockeye(&["completions", shell]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{shell}");
        assert!(said.out.contains("sockeye"), "{shell}");
    }
}

/// These are not tested further: Debian has no PowerShell, and elvish completes in its editor only. The
/// others are run, see `shells`.
#[test]
fn the_scripts_of_powershell_and_elvish_have_every_command() {
    for shell in ["powershell", "elvish"] {
        let script = sockeye(&["completions", shell]).out;
        for command in commands() {
            let key = format!("'sockeye;{command}'");
            assert!(script.contains(&key), "{shell}: {command}");
        }
    }
}

#[test]
fn a_shell_without_completions_is_one_line_that_names_those_with() {
    refuses(&["completions", "tcsh"], &SHELLS);
}

#[test]
fn keys_prints_every_key_with_its_help() {
    let said = sockeye(&["keys"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let told: Vec<_> = said
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    let keymap = Keymap::default();
    let bound: Vec<_> = [Mode::Table, Mode::Bind, Mode::Pane]
        .into_iter()
        .flat_map(|mode| keymap.bindings(mode))
        .collect();
    let tells = |line: &str, binding: &Binding| {
        let help = line.strip_prefix(&binding.keys_text()).map(str::trim_start);
        help == Some(binding.help)
    };
    let is_told = |(line, binding): (&&str, &&Binding)| tells(line, binding);
    assert_eq!(told.len(), bound.len(), "{}", said.out);
    assert!(told.iter().zip(&bound).all(is_told), "{}", said.out);
}

#[test]
fn keys_as_markdown_are_the_tables_of_the_guide() {
    let said = sockeye(&["keys", "--markdown"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert_eq!(said.out, Keymap::default().markdown());
}

/// Holds a text against its picture, whatever the version.
fn picture(name: &str, text: &str) {
    let version = env!("CARGO_PKG_VERSION").replace('.', r"\.");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(&format!("sockeye {version} +"), "sockeye VERSION ");
    settings.add_filter(&format!("v{version}"), "vVERSION");
    // What clap leaves of an empty line.
    settings.add_filter(r"(?m) +$", "");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// What is printed where nothing is set and nothing is a terminal, but for the columns.
fn help(args: &[&str], columns: u16) -> String {
    let mut command = Command::new(BINARY);
    command.args(args).env_clear();
    let output = command.env("COLUMNS", columns.to_string()).unwrap();
    assert_eq!(output.stderr, b"");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands, as the help lists them.
fn commands() -> Vec<String> {
    let text = help(&["-h"], 80);
    let lines = text.lines().skip_while(|&line| line != "Commands:").skip(1);
    let names = lines.map_while(|line| line.split_whitespace().next());
    names
        .filter(|&name| name != "help")
        .map(str::to_owned)
        .collect()
}

/// Every man page with its name.
fn pages() -> Vec<(String, String)> {
    let page = |name: String, args: &[&str]| {
        let said = sockeye(args);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
        (name, said.out)
    };
    let own = std::iter::once(page("sockeye".into(), &["man"]));
    let commands = commands().into_iter();
    own.chain(commands.map(|command| page(format!("sockeye-{command}"), &["man", &command])))
        .collect()
}

fn mandoc(page: &str, args: &[&str]) -> String {
    let output = Command::new("mandoc").args(args).write_stdin(page).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// The text of a page without the letters struck twice or underlined.
fn without_bold(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        if letter == '\u{8}' {
            plain.pop();
        } else {
            plain.push(letter);
        }
    }
    plain
}

/// Refuses these arguments with one line that says all of this.
fn refuses(args: &[&str], told: &[&str]) {
    let said = sockeye(args);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
    assert!(told.iter().all(|what| said.err.contains(what)), "{said:?}");
}

/// Whether a program that the tests ask can be started. Where not, says so, and fails if `facility` is
/// required.
fn is_installed(program: &str, facility: &str) -> bool {
    match std::process::Command::new(program)
        .arg("--version")
        .output()
    {
        Ok(_) => true,
        Err(error) => {
            assert!(!is_required(facility), "{program} is required, but {error}");
            eprintln!("NOT RUN: {program} can't be started: {error}");
            false
        }
    }
}

/// A folder of the test's own, removed with it.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new(name: &str) -> Self {
        let name = format!("sockeye-reference-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// What is in it, in order.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
