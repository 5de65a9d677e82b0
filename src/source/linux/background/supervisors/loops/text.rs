//! The text of a shell script without what is of no interest: comments, the contents of quotes and documents.

use std::iter::Peekable;
use std::str::Chars;

/// What replaces a text that is not known here: a quoted one, the value of `$(…)`.
pub(super) const UNKNOWN: char = '\u{1a}';
/// The arguments of a script, in a stripped text.
pub(super) const ARGUMENTS: &str = "$#";
/// What `for ((;;))` becomes.
pub(super) const FOR_EVER: &str = "((;;))";

/// The words and operators of a stripped text. A line ends with `;`, unless its last command goes on.
pub(super) fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for line in text.lines() {
        tokens.extend(line.split_whitespace());
        if !matches!(tokens.last(), Some(&("|" | "&&" | "||"))) {
            tokens.push(";");
        }
    }
    tokens
}

/// The text without comments, documents and quotes, with blanks around operators; the script's arguments become
/// [`ARGUMENTS`].
pub(super) fn stripped(script: &str) -> String {
    let script = without_documents(script);
    let mut reader = Reader {
        chars: script.chars().peekable(),
        text: String::with_capacity(script.len()),
        before: '\n',
        is_balanced: true,
    };
    while let Some(c) = reader.chars.next() {
        reader.read(c);
        reader.before = c;
    }
    reader.text
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    text: String,
    before: char,
    /// Whether each parenthesis that was looked up has its other one.
    is_balanced: bool,
}

impl Reader<'_> {
    fn read(&mut self, c: char) {
        match c {
            '\\' => {
                // The line continues.
                let next = self.chars.next().unwrap_or_default();
                self.text.push(if next == '\n' { ' ' } else { UNKNOWN });
            }
            '\'' | '"' | '`' => {
                let quoted = quoted(&mut self.chars, c);
                self.value(&quoted);
            }
            '#' if self.before.is_whitespace() || ";&|(".contains(self.before) => {
                while self.chars.next_if(|&c| c != '\n').is_some() {}
            }
            '$' => self.variable(),
            '(' => self.parenthesis(),
            '&' | '|' if "<>".contains(self.before) => self.text.push(c),
            '&' if self.chars.peek() == Some(&'>') => self.text.push_str(" &"),
            ';' | '&' | '|' if self.chars.next_if_eq(&c).is_some() => {
                self.text.extend([' ', c, c, ' ']);
            }
            ';' | '&' | '|' | ')' | '{' | '}' => self.text.extend([' ', c, ' ']),
            _ => self.text.push(c),
        }
    }

    /// What is behind a `$`.
    fn variable(&mut self) {
        if self.chars.next_if(|&c| "#1@*".contains(c)).is_some() {
            self.text.push_str(ARGUMENTS);
        } else if self.chars.next_if_eq(&'{').is_some() {
            let next = || self.chars.next_if(|&c| c != '}' && c != '\n');
            let name: String = std::iter::from_fn(next).collect();
            self.chars.next_if_eq(&'}');
            let is_argument = name.starts_with(['#', '1', '@', '*']);
            self.value(if is_argument { ARGUMENTS } else { "" });
        } else if self.chars.peek() == Some(&'(') {
            self.chars.next();
            match self.group() {
                Some(_) => self.value(""),
                None => self.text.push_str("$ ( "),
            }
        } else {
            self.text.push('$');
        }
    }

    /// A subshell, a calculation, an array or the file of a command (`<(…)`).
    fn parenthesis(&mut self) {
        let is_value = "=<>".contains(self.before);
        if !is_value && self.chars.peek() != Some(&'(') {
            self.text.push_str(" ( ");
            return;
        }
        let chars = self.chars.clone();
        match self.group() {
            Some(_) if is_value => self.value(""),
            Some(inside) if is_calculation(&inside) => self.text.push_str(calculation(&inside)),
            _ => {
                self.chars = chars;
                self.text.push_str(" ( ");
            }
        }
    }

    /// The text up to the parenthesis that closes an open one, without quotes. Nothing is consumed if there is none.
    fn group(&mut self) -> Option<String> {
        let mut chars = self.chars.clone();
        let (mut inside, mut depth) = (String::new(), 1_usize);
        // A text with one that is missing is searched only once.
        while let Some(c) = chars.next().filter(|_| self.is_balanced) {
            match c {
                '\\' => drop(chars.next()),
                '\'' | '"' => drop(quoted(&mut chars, c)),
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.chars = chars;
                return Some(inside);
            }
            inside.push(c);
        }
        self.is_balanced = false;
        None
    }

    /// A part of a word whose text is not known.
    fn value(&mut self, text: &str) {
        let names = ["$#", "${#", "$1", "${1"];
        if names.iter().any(|name| text.contains(name)) {
            self.text.push_str(ARGUMENTS);
        } else {
            self.text.push(UNKNOWN);
        }
    }
}

/// Whether a text in parentheses is another one in parentheses: `((x + 1))`, and not `((a) && (b))`.
fn is_calculation(inside: &str) -> bool {
    let inside = inside.strip_prefix('(');
    let Some(inside) = inside.and_then(|inside| inside.strip_suffix(')')) else {
        return false;
    };
    let mut depth = 0_i32;
    inside.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    })
}

/// A command in place of `((…))`.
fn calculation(inside: &str) -> &'static str {
    let inside = inside.trim_matches(['(', ')', ' ']);
    let parts: Vec<_> = inside.split(';').map(str::trim).collect();
    match parts[..] {
        [_, "", _] => " ((;;)) ",
        ["1"] => " true ",
        _ if inside.contains("$#") || inside.contains("$1") => " : $# ",
        _ => " : ",
    }
}

/// The text up to the next quotation mark, which is consumed as well.
fn quoted(chars: &mut impl Iterator<Item = char>, mark: char) -> String {
    let mut quoted = String::new();
    while let Some(c) = chars.next().filter(|&c| c != mark) {
        if c == '\\' && mark != '\'' {
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
