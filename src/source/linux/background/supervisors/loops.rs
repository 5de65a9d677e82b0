//! Whether a shell script runs its commands in an endless loop. The text is not fully parsed: if it is unclear whether
//! a loop ends, the answer is unknown.

use std::collections::HashSet;

/// Words of a condition that reads arguments or lines: such a loop ends with them.
const FINITE: [&str; 6] = ["getopts", "getopt", "shift", "read", "mapfile", ARGUMENTS];
/// The arguments of a script, in a stripped text.
const ARGUMENTS: &str = "$#";

/// Words after which a command begins.
const BEFORE_COMMAND: [&str; 11] = [
    ";", "&", "|", "(", "{", ")", "do", "then", "else", "!", "time",
];

/// Words and operators that are no command, or that a command follows in the same simple command.
const NO_COMMAND: [&str; 17] = [
    "if", "elif", "fi", "case", "esac", "while", "until", "do", "then", "else", "done", "exec",
    "nohup", "setsid", "command", "env", "time",
];

const OPERATORS: [&str; 7] = [";", "&", "|", "(", ")", "{", "}"];

/// Whether a text has a `while` or `until` loop that may run for ever and in which this command is, or may be. `None` if it has
/// only other loops: `for`, or one that reads arguments or lines.
pub(super) fn has_loop(script: &str, command: &[String]) -> Option<bool> {
    let text = stripped(&without_documents(script));
    let mut scan = Scan::new(command);
    for line in text.lines() {
        scan.line(line);
    }
    if scan.has_endless {
        Some(!scan.is_elsewhere())
    } else {
        (!scan.has_other).then_some(false)
    }
}

/// What was found in a script so far.
#[expect(clippy::struct_excessive_bools, reason = "each is found or not")]
struct Scan<'a> {
    /// The words of the command that is looked for, paths without their folders.
    words: Vec<&'a str>,
    /// The loops that a command is in, and whether each may run for ever.
    loops: Vec<bool>,
    /// For each open brace whether it begins the body of a function.
    braces: Vec<bool>,
    /// Whether the body of a function comes next.
    is_header: bool,
    /// The functions, and the first words of the commands in endless loops.
    functions: HashSet<String>,
    in_loops: HashSet<String>,
    last: String,
    has_endless: bool,
    has_other: bool,
    /// Whether the command is in an endless loop or in a function, and whether it is elsewhere.
    is_inside: bool,
    is_outside: bool,
    /// Whether it is unclear what is in a loop: those of fish end like its other blocks.
    is_unclear: bool,
}

impl<'a> Scan<'a> {
    fn new(command: &'a [String]) -> Self {
        Self {
            words: command.iter().map(|word| base_name(word)).collect(),
            loops: Vec::new(),
            braces: Vec::new(),
            is_header: false,
            functions: HashSet::new(),
            in_loops: HashSet::new(),
            last: String::new(),
            has_endless: false,
            has_other: false,
            is_inside: false,
            is_outside: false,
            is_unclear: false,
        }
    }

    /// Whether the command is in the text, and in no endless loop: what runs in those is known, and is something else.
    fn is_elsewhere(&self) -> bool {
        let mut in_loops = self.in_loops.iter();
        let is_known = |word: &String| is_plain(word) && !self.functions.contains(word);
        self.is_outside && !self.is_inside && !self.is_unclear && in_loops.all(is_known)
    }

    fn line(&mut self, line: &str) {
        let (mut words, mut before) = (line.split_whitespace(), ";");
        let mut command = Vec::new();
        while let Some(word) = words.next() {
            let begins = BEFORE_COMMAND.contains(&before);
            if begins {
                self.end_command(&std::mem::take(&mut command));
            }
            let mut condition = words.clone().take_while(|word| *word != "do");
            match word {
                "{" => self.braces.push(std::mem::take(&mut self.is_header)),
                "}" => drop(self.braces.pop()),
                ")" if before == "(" => {
                    self.functions.insert(self.last.clone());
                    self.is_header = true;
                }
                "(" => self.is_unclear |= self.is_header,
                "function" if begins => {
                    self.functions.extend(words.next().map(str::to_owned));
                    self.is_header = true;
                }
                "while" | "until" if begins => {
                    let is_endless = !condition.any(|word| FINITE.contains(&word));
                    self.has_endless |= is_endless;
                    self.has_other |= !is_endless;
                    self.loops.push(is_endless);
                }
                "for" | "select" if begins => {
                    self.has_other = true;
                    self.loops.push(false);
                }
                "done" if begins => drop(self.loops.pop()),
                "end" if begins => self.is_unclear = true,
                _ if OPERATORS.contains(&word) => {}
                _ => command.push(word),
            }
            before = word;
        }
        self.end_command(&command);
    }

    fn end_command(&mut self, command: &[&str]) {
        let is_before = |word: &&&str| NO_COMMAND.contains(*word) || word.contains('=');
        let command = &command[command.iter().take_while(is_before).count()..];
        let Some(first) = command.first() else {
            return;
        };
        (*first).clone_into(&mut self.last);
        let is_in_loop = self.loops.contains(&true);
        if is_in_loop {
            self.in_loops.insert(self.last.clone());
        }
        let has = |word: &&str| command.iter().any(|one| base_name(one) == *word);
        if self.words.first() == Some(&base_name(first)) && self.words.iter().all(has) {
            let may_be_inside = is_in_loop || self.braces.contains(&true);
            self.is_inside |= may_be_inside;
            self.is_outside |= !may_be_inside;
        }
    }
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Whether a word names a program that starts no other one, as far as its name shows: no variable, script or shell.
fn is_plain(word: &str) -> bool {
    const STARTS_OTHERS: [&str; 9] = [
        "eval", "source", "sh", "bash", "dash", "zsh", "ksh", "xargs", "sudo",
    ];
    let is_name = word.chars().all(|c| c.is_alphanumeric() || c == '-');
    (is_name || matches!(word, ":" | "[" | "[[")) && !STARTS_OTHERS.contains(&word)
}

/// The text without comments and quotes, with blanks around operators; the script's arguments become [`ARGUMENTS`].
fn stripped(script: &str) -> String {
    let mut text = String::with_capacity(script.len());
    let mut chars = script.chars().peekable();
    let mut before = '\n';
    let part = |is_argument| if is_argument { " $# " } else { "_" };
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                // The line continues.
                let next = chars.next().unwrap_or_default();
                text.push(if next == '\n' { ' ' } else { '_' });
            }
            '\'' | '"' => {
                let quoted = quoted(&mut chars, c);
                let names = ["$#", "${#", "$1", "${1"];
                text.push_str(part(names.iter().any(|name| quoted.contains(name))));
            }
            '#' if before.is_whitespace() || ";&|(".contains(before) => {
                while chars.next_if(|&c| c != '\n').is_some() {}
            }
            '$' if chars.next_if(|&c| "#1@*".contains(c)).is_some() => text.push_str(" $# "),
            '$' if chars.next_if_eq(&'{').is_some() => {
                let next = || chars.next_if(|&c| c != '}' && c != '\n');
                let name: String = std::iter::from_fn(next).collect();
                chars.next_if_eq(&'}');
                text.push_str(part(name.starts_with(['#', '1', '@', '*'])));
            }
            ';' | '&' | '|' | '(' | ')' | '{' | '}' => text.extend([' ', c, ' ']),
            _ => text.push(c),
        }
        before = c;
    }
    text
}

/// The text up to the next quotation mark, which is consumed as well.
fn quoted(chars: &mut impl Iterator<Item = char>, mark: char) -> String {
    let mut quoted = String::new();
    while let Some(c) = chars.next().filter(|&c| c != mark) {
        if c == '\\' && mark == '"' {
            chars.next();
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// The script without the texts between `<<EOF` and `EOF`.
fn without_documents(script: &str) -> String {
    let mut lines = script.lines();
    let mut text = String::with_capacity(script.len());
    while let Some(line) = lines.next() {
        text.extend([line, "\n"]);
        if let Some(end) = end_of_document(line) {
            let mut rest = lines.clone();
            // Without its end it is not a document.
            if rest.any(|line| line.trim_start_matches('\t') == end) {
                lines = rest;
            }
        }
    }
    text
}

/// The word that ends the document that begins after a line.
fn end_of_document(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("<<")?;
    let word = rest.trim_start_matches('-').trim_start();
    let word = word.trim_start_matches(['\'', '"', '\\']);
    let mut words = word.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.next().filter(|end| !end.is_empty())
}

#[cfg(test)]
mod tests {
    use super::has_loop;

    /// For the server that these scripts start.
    fn found(script: &str) -> Option<bool> {
        has_loop(script, &["/srv/server".to_owned()])
    }

    /// It was "started again by" a script whose loop was about something else.
    #[test]
    fn a_loop_around_other_commands_does_not_count() {
        let command = "python3 -m http.server 8080".split(' ').map(str::to_owned);
        let command: Vec<_> = command.collect();
        for (script, expected) in [
            (
                "python3 -m http.server 8080 &\n( while true; do python3 -m http.server 8081; done ) &\nwait",
                false,
            ),
            (
                "( while true; do python3 -m http.server 8080; done ) &\npython3 -m http.server 8081 &\nwait",
                true,
            ),
            (
                "/usr/bin/python3 -m http.server 8080 & while sleep 9; do date; done",
                false,
            ),
            (
                "while sleep 1; do date; done & exec python3 -m http.server 8080",
                false,
            ),
            (
                "if true; then nohup python3 -m http.server 8080 & fi\nwhile :; do if [ -e x ]; then date; fi; sleep 1; done",
                false,
            ),
            // The port may be that of the loop.
            (
                "python3 -m http.server $A &\nwhile true; do python3 -m http.server $B; done",
                true,
            ),
            (
                "echo python3 -m http.server 8080 is started\nwhile true; do python3 -m http.server $1; done",
                true,
            ),
            // What the loop runs may be the same.
            (
                "python3 -m http.server 8080 &\nwhile true; do $again; done",
                true,
            ),
            (
                "python3 -m http.server 8080 &\nwhile true; do ./again.sh; done",
                true,
            ),
            (
                "python3 -m http.server 8080 &\nwhile true; do if \"$check\"; then date; fi; done",
                true,
            ),
            // The loops of fish end like its other blocks.
            (
                "while true\n if true\n  date\n end\n python3 -m http.server 8080\nend",
                true,
            ),
            // It is in neither: in a variable, or another script.
            ("while true; do $server; done", true),
            (
                "run=/usr/bin/python3\nwhile true; do $run $arguments; done",
                true,
            ),
            // The loop may call the function.
            (
                "start() { python3 -m http.server 8080; }\nwhile true; do start; done",
                true,
            ),
            (
                "function start {\n python3 -m http.server 8080\n}\nwhile true; do start; done",
                true,
            ),
            (
                "start()\n{\n python3 -m http.server 8080\n}\nwhile true; do start; done",
                true,
            ),
            (
                "function f { date; }; while true; do python3 -m http.server 8080; done",
                true,
            ),
            // What a function runs is not looked up.
            (
                "f() { date; }\npython3 -m http.server 8080 &\nwhile true; do f; sleep 1; done",
                true,
            ),
        ] {
            assert_eq!(has_loop(script, &command), Some(expected), "{script}");
        }
    }

    #[test]
    fn a_loop_without_an_end_counts() {
        for script in [
            "while true; do ./server; sleep 1; done",
            "#!/bin/sh\nuntil ./server; do sleep 1; done",
            "cd /srv && while :\ndo\n./server\ndone",
            "(while true; do ./server; done) &",
            "run() { while sleep 1; do ./server; done; }\nrun",
            "if [ -x \"$server\" ]; then while true; do \"$server\"; done; fi",
            // A document without an end is none.
            "x=$((1<<EOF))\nwhile true; do ./server; done",
            "while true\n  ./server\nend",
        ] {
            assert_eq!(found(script), Some(true), "{script}");
        }
    }

    #[test]
    fn a_loop_that_ends_is_unknown() {
        for script in [
            "for file in conf.d/*; do . $file; done\n./server",
            "while getopts p: option; do port=$OPTARG; done\n./server",
            "while [ $# -gt 0 ]; do shift; done\n./server",
            "while [ \"$#\" -gt 0 ]; do shift; done\n./server",
            "while [ -n \"${1:-}\" ]; do shift; done\n./server",
            "while [[ ${#} -gt 0 ]]; do shift; done\n./server",
            "while (($#)); do shift; done\n./server",
            "while IFS= read -r line; do export \"$line\"; done < .env\n./server",
            "cat .env | while read line; do echo $line; done; ./server",
            "for ((;;)); do ./server; done",
        ] {
            assert_eq!(found(script), None, "{script}");
        }
    }

    #[test]
    fn a_word_in_a_text_is_not_a_loop() {
        for script in [
            "# while it runs\nexec ./server --forward",
            "./server # while true; do",
            "echo 'while true; do it; done'\n./server",
            "echo \"a\nwhile true; do\n\"\n./server",
            "echo wait a while\nwhilere=1 ./server --until",
            "cat <<EOF\nwhile true; do it; done\nEOF\n./server",
            "cat <<-'END' >x\n\tfor x in y\n\tEND\n./server",
            "echo \\\nwhile; ./server",
            "",
        ] {
            assert_eq!(found(script), Some(false), "{script}");
        }
    }
}
