//! Whether a shell script runs its commands in an endless loop. The text is not fully parsed: if it is unclear whether
//! a loop ends, the answer is unknown.

/// Words of a condition that reads arguments or lines: such a loop ends with them.
const FINITE: [&str; 6] = ["getopts", "getopt", "shift", "read", "mapfile", ARGUMENTS];
/// The arguments of a script, in a stripped text.
const ARGUMENTS: &str = "$#";

/// Words that precede the first word of a command.
const BEFORE_COMMAND: [&str; 11] = [
    ";", "&", "|", "(", "{", ")", "do", "then", "else", "!", "time",
];

/// Whether a text has a `while` or `until` loop that may run for ever. `None` if it has only other loops: `for`, or one
/// that reads arguments or lines.
pub(super) fn has_loop(script: &str) -> Option<bool> {
    let text = stripped(&without_documents(script));
    let mut has_other = false;
    for line in text.lines() {
        let (mut words, mut before) = (line.split_whitespace(), ";");
        while let Some(word) = words.next() {
            let mut condition = words.clone().take_while(|word| *word != "do");
            match word {
                _ if !BEFORE_COMMAND.contains(&before) => {}
                "while" | "until" if !condition.any(|word| FINITE.contains(&word)) => {
                    return Some(true);
                }
                "while" | "until" | "for" | "select" => has_other = true,
                _ => {}
            }
            before = word;
        }
    }
    (!has_other).then_some(false)
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
            assert_eq!(has_loop(script), Some(true), "{script}");
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
            assert_eq!(has_loop(script), None, "{script}");
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
            assert_eq!(has_loop(script), Some(false), "{script}");
        }
    }
}
