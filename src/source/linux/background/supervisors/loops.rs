//! Whether a shell's script starts its commands again and again. Its text is not parsed as a shell does: a
//! loop that may be another thing counts as not known.

/// Words of a condition that goes through arguments or lines: such a loop ends with them.
const FINITE: [&str; 6] = ["getopts", "getopt", "shift", "read", "mapfile", ARGUMENTS];
/// What stands for the arguments of a script in a stripped text.
const ARGUMENTS: &str = "$#";

/// Whether a text has a `while` or `until` loop that may run for ever. `None` if it has other loops only:
/// `for`, or one that reads arguments or lines.
pub(super) fn has_loop(script: &str) -> Option<bool> {
    let text = stripped(&without_documents(script));
    let mut has_other = false;
    for line in text.lines() {
        let words: Vec<&str> = words(line).collect();
        for (at, &word) in words.iter().enumerate() {
            if !is_command(words[..at].last().copied()) {
                continue;
            }
            match word {
                "while" | "until" if is_endless(&words[at + 1..]) => return Some(true),
                "while" | "until" | "for" | "select" => has_other = true,
                _ => {}
            }
        }
    }
    if has_other { None } else { Some(false) }
}

/// Whether a word behind this one is a command's first.
fn is_command(before: Option<&str>) -> bool {
    let Some(before) = before else { return true };
    before.ends_with([';', '&', '|', '(', '{', ')'])
        || matches!(before, "do" | "then" | "else" | "!" | "time")
}

/// Whether the condition at the beginning of these words goes through nothing.
fn is_endless(words: &[&str]) -> bool {
    let mut condition = words.iter().take_while(|word| **word != "do");
    !condition.any(|word| FINITE.contains(word))
}

/// The words of a line and its operators: `while`, `true`, `;`, `do`.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_operator = |c: char| ";&|(){}".contains(c);
    line.split(char::is_whitespace).flat_map(move |word| {
        word.split_inclusive(is_operator)
            .flat_map(move |part| match part.char_indices().last() {
                Some((at, c)) if is_operator(c) => [&part[..at], &part[at..]],
                _ => [part, ""],
            })
            .filter(|part| !part.is_empty())
    })
}

/// The text without comments and quoted strings. The arguments of the script become [`ARGUMENTS`].
fn stripped(script: &str) -> String {
    let mut text = String::with_capacity(script.len());
    let mut chars = script.chars().peekable();
    let mut before = '\n';
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                // A line goes on behind it.
                let next = chars.next().unwrap_or_default();
                text.push(if next == '\n' { ' ' } else { '_' });
            }
            '\'' | '"' => {
                let quoted = quoted(&mut chars, c);
                text.push_str(if names_arguments(&quoted) {
                    " $# "
                } else {
                    "_"
                });
            }
            '#' if before.is_whitespace() || ";&|(".contains(before) => {
                while chars.next_if(|&c| c != '\n').is_some() {}
            }
            '$' if chars.next_if(|&c| "#1@*".contains(c)).is_some() => text.push_str(" $# "),
            '$' if chars.next_if_eq(&'{').is_some() => {
                let name: String =
                    std::iter::from_fn(|| chars.next_if(|&c| c != '}' && c != '\n')).collect();
                chars.next_if_eq(&'}');
                let is_argument = name.starts_with(['#', '1', '@', '*']);
                text.push_str(if is_argument { " $# " } else { "_" });
            }
            _ => text.push(c),
        }
        before = c;
    }
    text
}

/// What stands before the next quotation mark, which is taken as well.
fn quoted(chars: &mut impl Iterator<Item = char>, mark: char) -> String {
    let mut quoted = String::new();
    while let Some(c) = chars.next() {
        if c == mark {
            break;
        }
        if c == '\\' && mark == '"' {
            chars.next();
            continue;
        }
        quoted.push(c);
    }
    quoted
}

fn names_arguments(quoted: &str) -> bool {
    ["$#", "${#", "$1", "${1"]
        .iter()
        .any(|name| quoted.contains(name))
}

/// The script without the texts between `<<EOF` and `EOF`.
fn without_documents(script: &str) -> String {
    let lines: Vec<&str> = script.lines().collect();
    let (mut text, mut at) = (String::with_capacity(script.len()), 0);
    while let Some(line) = lines.get(at) {
        text.push_str(line);
        text.push('\n');
        at += 1;
        let Some(end) = end_of_document(line) else {
            continue;
        };
        // Without its end it was none.
        let until = lines[at..]
            .iter()
            .position(|line| line.trim_start_matches('\t') == end);
        at += until.map_or(0, |until| until + 1);
    }
    text
}

/// The word that ends the text that begins behind a line.
fn end_of_document(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("<<")?;
    let word = rest
        .trim_start_matches('-')
        .trim_start()
        .trim_start_matches(['\'', '"', '\\']);
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let end = word.find(|c| !is_name(c)).unwrap_or(word.len());
    (end > 0).then(|| &word[..end])
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
    fn a_loop_that_ends_is_no_more_than_a_guess() {
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
    fn a_word_in_a_text_is_no_loop() {
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
