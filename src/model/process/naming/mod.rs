//! Names of processes for people: `nginx`, `node server.js`, `python3 pg.py`, `gunicorn`.
//!
//! Pure: comm, executable and arguments in, a name out. The executable decides because a process can't
//! fake it. `comm` is cut at 15 bytes, may be a thread's name (Node 24 calls its first one `MainThread`),
//! and can be set by the program (`prctl(2)`). Arguments name the script of an interpreter
//! (`interpreter`). If in doubt, the name is `comm`.

mod interpreter;

use interpreter::{LOADER, Script, family, find, interpreter, script};

/// The facts about a program.
#[derive(Clone, Copy, Debug)]
pub struct ProgramFacts<'a> {
    /// The kernel's short name.
    pub comm: &'a str,
    /// Path of the executable, as `/proc/PID/exe` has it, where it can be read.
    pub executable: Option<&'a str>,
    /// The arguments; none for a kernel thread or a process that has ended.
    pub argv: &'a [&'a str],
}

/// How many bytes of a name the kernel keeps (`TASK_COMM_LEN` less the end).
const COMM: usize = 15;

/// The name that a runtime gives its first thread, whatever the program.
const RENAMED: &str = "MainThread";

/// Executables that contain many programs, selected by the name of the call.
const MULTI_CALL: [&str; 3] = ["busybox", "toybox", "coreutils"];

impl<'a> ProgramFacts<'a> {
    /// The name; never empty unless `comm` is.
    pub fn name(&self) -> String {
        let Some(program) = self.program() else {
            return self.comm.to_owned();
        };
        if MULTI_CALL.contains(&program) {
            return self.applet();
        }
        if program.starts_with("ld-linux") || program.starts_with("ld-musl") {
            // The dynamic loader, called as a program that runs another one.
            let found = find(&LOADER, self.arguments());
            return found.map_or(self.comm, |(word, _)| base(word)).to_owned();
        }
        let Some(interpreter) = interpreter(program) else {
            return program.to_owned();
        };
        // A title that the process wrote over its arguments: `gunicorn: master [app]`, `PM2 v5: …`.
        let is_title = |first: &&&str| first.contains(' ') && !same_kind(base(first), program);
        if let Some(title) = self.argv.first().filter(is_title) {
            let word = self.title_word(title);
            let word = word.or_else(|| self.own_comm(program));
            return word.unwrap_or(program).to_owned();
        }
        let script = script(interpreter, self.arguments());
        match self.own_comm(program) {
            // Code of the command line has no name, unless it set one itself.
            Some(own) if script == Script::None => own.to_owned(),
            _ => {
                // As it was called: `python3` for `python3.11`, `sh` for `dash`.
                let called = self.called_by().filter(|called| same_kind(called, program));
                with_script(called.unwrap_or(program), script, self.comm)
            }
        }
    }

    /// The file that an interpreter runs, as its arguments name it.
    pub fn script(&self) -> Option<&'a str> {
        match script(interpreter(self.program()?)?, self.arguments()) {
            Script::File(path) => Some(path),
            Script::Named(_) | Script::None => None,
        }
    }

    /// The base name of the executable, or of the first argument if it is reliable.
    fn program(&self) -> Option<&'a str> {
        match self.executable {
            Some(path) => of_executable(path),
            None => self.called(),
        }
    }

    /// The first argument's base name, where the kernel's name says the same, or only that of a thread or of the script
    /// that names an interpreter (`#!`).
    fn called(&self) -> Option<&'a str> {
        let called = self.called_by()?;
        if is_cut(called, self.comm) || same_family(called, self.comm) {
            return Some(called);
        }
        let script = script(interpreter(called)?, self.arguments());
        let is_of_script = matches!(script, Script::File(path) if is_cut(base(path), self.comm));
        (self.comm == RENAMED || is_of_script).then_some(called)
    }

    /// The first argument's base name, without the dash of a login shell; `None` for a title.
    fn called_by(&self) -> Option<&'a str> {
        let first = *self.argv.first()?;
        let called = base(first.strip_prefix('-').unwrap_or(first));
        let is_word = !called.is_empty() && !called.ends_with(':') && !called.contains(": ");
        is_word.then_some(called)
    }

    fn arguments(&self) -> &'a [&'a str] {
        self.argv.get(1..).unwrap_or_default()
    }

    /// The word that a title begins with, where the kernel's name begins with it too: libraries that set
    /// titles set both (`gunicorn`, `PM2`).
    fn title_word(&self, title: &'a str) -> Option<&'a str> {
        let word = title.split([':', ' ']).next()?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_word = word.len() > 1 && word.chars().all(is_plain);
        let is_known = self.comm.starts_with(word) || is_cut(word, self.comm);
        (is_word && is_known).then_some(word)
    }

    /// `busybox httpd`, or a link `httpd` to it: httpd.
    fn applet(&self) -> String {
        let Some(called) = self.called_by() else {
            return self.comm.to_owned();
        };
        let (applet, rest) = if MULTI_CALL.contains(&called) {
            match self.arguments() {
                [applet, rest @ ..] if !applet.starts_with('-') => (base(applet), rest),
                _ => return called.to_owned(),
            }
        } else {
            (called, self.arguments())
        };
        match interpreter(applet) {
            Some(interpreter) => with_script(applet, script(interpreter, rest), self.comm),
            None => applet.to_owned(),
        }
    }

    /// The kernel's name, unless it is the interpreter's or a thread's.
    fn own_comm(&self, program: &str) -> Option<&'a str> {
        let is_own = !same_kind(self.comm, program) && self.comm != RENAMED;
        (is_own && !self.comm.is_empty()).then_some(self.comm)
    }
}

/// `node server.js`; a command (`/usr/bin/gunicorn`) goes by its own name.
fn with_script(interpreter: &str, script: Script<'_>, comm: &str) -> String {
    match script {
        Script::File(path) => {
            let name = base(path);
            let folder = path.strip_suffix("/__main__.py").map(base);
            let name = folder.filter(|_| name == "__main__.py").unwrap_or(name);
            if is_command(path, comm) {
                name.to_owned()
            } else {
                format!("{interpreter} {name}")
            }
        }
        Script::Named(name) => format!("{interpreter} {name}"),
        Script::None => interpreter.to_owned(),
    }
}

/// Whether a script is a command: it has no extension, and is in a folder of commands or was called as one.
fn is_command(path: &str, comm: &str) -> bool {
    let name = base(path);
    let folder = path.strip_suffix(name).unwrap_or_default();
    let folder = base(folder.trim_end_matches('/'));
    !name.contains('.') && (matches!(folder, "bin" | "sbin" | ".bin") || is_cut(name, comm))
}

fn same_family(one: &str, other: &str) -> bool {
    !family(one).is_empty() && family(one) == family(other)
}

/// Whether both are the same interpreter: `python3` and `python3.11`, `sh` and `dash`.
fn same_kind(one: &str, other: &str) -> bool {
    let name = |program| interpreter(program).map(|interpreter| interpreter.name);
    same_family(one, other) || name(one).is_some() && name(one) == name(other)
}

/// Whether `comm` is the name as the kernel keeps it.
fn is_cut(name: &str, comm: &str) -> bool {
    let kept = name.as_bytes().get(..COMM).unwrap_or(name.as_bytes());
    !comm.is_empty() && comm.as_bytes() == kept
}

/// The program of an executable's path; `None` if that does not name it (`memfd_create(2)`, a version for a name).
fn of_executable(path: &str) -> Option<&str> {
    // What the kernel adds if the executable was deleted.
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    if path.starts_with("/memfd:") {
        return None;
    }
    let name = base(path);
    // NixOS: `.nginx-wrapped` is called by a script `nginx`.
    let wrapped = name
        .strip_prefix('.')
        .and_then(|n| n.strip_suffix("-wrapped"));
    let name = wrapped.unwrap_or(name);
    name.contains(char::is_alphabetic).then_some(name)
}

fn base(path: &str) -> &str {
    let is_of_windows = path.as_bytes().get(1..3) == Some(br":\");
    let separator = if is_of_windows { '\\' } else { '/' };
    path.rsplit(separator).next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
