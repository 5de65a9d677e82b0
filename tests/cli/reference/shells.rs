//! The completions in real shells: what does Tab offer at the end of this line?
//!
//! Each shell reads its script the way `sockeye completions --help` says.

use std::process::{Command, Output};

use sockeye::columns;

use super::{SHELLS, TempFolder, commands, is_installed};
use crate::cli::scene::BINARY;
use crate::support::pty::{self, Pty};

/// What is offered, and nothing else: no file, where a word or a duration belongs.
const CASES: [(&str, &[&str]); 16] = [
    ("sockeye fr", &["free"]),
    ("sockeye -a li", &["list"]),
    ("sockeye list --so", &["--sort"]),
    ("sockeye list --sort po", &["port"]),
    ("sockeye list --columns rec", &["recv-q"]),
    ("sockeye list --group netw", &["network"]),
    ("sockeye list --interval ", &[]),
    ("sockeye watch --for ", &[]),
    ("sockeye wait 80 --for l", &["listening"]),
    ("sockeye free -u --stab", &["--stable"]),
    ("sockeye completions z", &["zsh"]),
    ("sockeye completions ba", &["bash"]),
    ("sockeye man ch", &["check"]),
    ("sockeye man --dir pag", &["pages"]),
    ("sockeye list --replay re", &["recording.jsonl"]),
    ("sockeye --config re", &["recording.jsonl"]),
];

/// Files that start like the word to complete.
const FILES: [&str; 6] = [
    "free.txt",
    "list.txt",
    "port",
    "zsh.txt",
    "check.txt",
    "recording.jsonl",
];

#[test]
fn bash_completes_commands_options_and_values() {
    completes("bash");
}

#[test]
fn zsh_completes_commands_options_and_values() {
    if pty::is_available("zsh_completes_commands_options_and_values") {
        completes("zsh");
    }
}

#[test]
fn fish_completes_commands_options_and_values() {
    completes("fish");
}

fn completes(shell: &str) {
    if !is_installed(shell, "shells") {
        return;
    }
    let asked = Asked::new(shell);
    for (line, expected) in CASES {
        assert_eq!(asked.offers(line), expected, "{shell}: {line:?}");
    }
    let names: Vec<_> = columns::ALL
        .iter()
        .map(|column| column.name.to_owned())
        .collect();
    for (line, expected) in [
        ("sockeye ", commands()),
        ("sockeye man ", commands()),
        ("sockeye completions ", SHELLS.map(str::to_owned).into()),
        ("sockeye list --sort ", names),
    ] {
        let offered = asked.offers(line);
        // bash offers the options too, where nothing is typed yet.
        let words = offered.into_iter().filter(|word| !word.starts_with('-'));
        let words: Vec<_> = words.filter(|word| word != "help").collect();
        assert_eq!(words, sorted(expected), "{shell}: {line:?}");
    }
}

/// Reads the script and calls the function that it declares, as Tab does. What bash adds of its own if
/// that finds nothing (files) is not seen here.
const ASK_BASH: &str = r#"
source <(sockeye completions bash)
compopt() { :; }
read -ra COMP_WORDS <<<"$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
declared=$(complete -p sockeye)
[[ $declared =~ -F\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" sockeye "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

const ASK_FISH: &str = "sockeye completions fish | source; complete --do-complete $argv[1]";

/// For a zsh at its first prompt: only its line editor completes. What is offered goes
/// through `compadd`; calls that do not offer anything (-O, -A, -D) are left alone.
const ASK_ZSH: &str = r#"
sockeye completions zsh >$FOLDER/functions/_sockeye
fpath=($FOLDER/functions $fpath)
autoload -Uz compinit && compinit -u -D
cd $FOLDER/files
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a offered
  builtin compadd -A offered "$@"
  print -rl -- $offered >>$FOLDER/answer
}
zle -C offer list-choices _main_complete
zle-line-init() { BUFFER=$ASKED CURSOR=$#ASKED; zle offer; exit 0 }
zle -N zle-line-init
"#;

/// A shell in an empty folder.
struct Asked {
    shell: String,
    folder: TempFolder,
}

impl Asked {
    fn new(shell: &str) -> Self {
        let folder = TempFolder::new(shell);
        for name in ["files", "files/pages", "functions"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in FILES {
            folder.write(&format!("files/{name}"), "");
        }
        folder.write(".zshrc", ASK_ZSH);
        let shell = shell.to_owned();
        Self { shell, folder }
    }

    /// What is offered to complete this line, in order, each once.
    fn offers(&self, line: &str) -> Vec<String> {
        let told = match self.shell.as_str() {
            "bash" => self.run(&["--norc", "-c", ASK_BASH, "bash", line]),
            "fish" => self.run(&["--no-config", "-c", ASK_FISH, line]),
            _ => self.ask_zsh(line),
        };
        // fish prints the meaning of each word after a tab; a folder has a slash there.
        let words = told.lines().filter_map(|line| line.split('\t').next());
        let words = words.map(|word| word.trim_end_matches('/').to_owned());
        sorted(words.filter(|word| !word.is_empty()).collect())
    }

    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(&self.shell);
        command
            .args(args)
            .current_dir(self.folder.path().join("files"));
        command.env_clear().env("PATH", path());
        command
            .env("HOME", self.folder.path())
            .env("LANG", "C.UTF-8");
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let complaint = String::from_utf8_lossy(&stderr);
        assert!(
            status.success() && complaint.is_empty(),
            "{args:?}: {complaint}"
        );
        String::from_utf8(stdout).unwrap()
    }

    fn ask_zsh(&self, line: &str) -> String {
        self.folder.write("answer", "");
        let (folder, path) = (self.folder.path().to_str().unwrap(), path());
        let env = [
            ("ZDOTDIR", folder),
            ("FOLDER", folder),
            ("ASKED", line),
            ("PATH", &path),
        ];
        // Without the machine's own settings (-d), and with room for every answer.
        let mut zsh = Pty::spawn("zsh", &["-d", "-i"], (200, 100), &env);
        assert_eq!(zsh.wait_exit(), 0, "{}", zsh.screen_text());
        std::fs::read_to_string(self.folder.path().join("answer")).unwrap()
    }
}

/// Where the shells find the program, and it alone of its name.
fn path() -> String {
    let (folder, _) = BINARY.rsplit_once('/').unwrap();
    format!("{folder}:{}", std::env::var("PATH").unwrap())
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words.dedup();
    words
}
