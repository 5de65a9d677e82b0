//! Splits a source file into code, and comments and strings.

/// A source text, split; each part has the same lines.
pub struct Halves {
    /// The code; a string is a space.
    pub code: String,
    /// Comments, docs and strings.
    pub prose: String,
    /// Comments and docs alone.
    pub comments: String,
}

/// The code alone; comments, strings and characters are not paths.
pub fn without_comments_and_strings(text: &str) -> String {
    halves(text).code
}

/// Both halves of a source text.
pub fn halves(text: &str) -> Halves {
    let mut code = String::with_capacity(text.len());
    let (mut prose, mut comments) = (String::new(), String::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let before = prose.len();
        let is_comment = c == '/' && chars.peek() == Some(&'/');
        match c {
            '/' if is_comment => {
                while let Some(c) = chars.next_if(|&c| c != '\n') {
                    prose.push(c);
                }
            }
            '\'' => skip_char_literal(&mut chars),
            '"' => {
                read_string(&mut chars, &mut prose);
                code.push(' ');
            }
            'r' if !code.ends_with(is_name) && read_raw_string(&mut chars, &mut prose) => {
                code.push(' ');
            }
            c => {
                code.push(c);
                if c == '\n' {
                    prose.push('\n');
                }
            }
        }
        let added = prose[before..].chars();
        comments.extend(added.filter(|&c| is_comment || c == '\n'));
    }
    Halves {
        code,
        prose,
        comments,
    }
}

/// The text without what is compiled for tests: everything from `#[cfg(test)]` (or more of a condition) and `mod` on,
/// which comes last.
pub fn without_tests(text: &str) -> &str {
    let end = text.match_indices("#[cfg(").find(|(at, _)| {
        let Some((condition, rest)) = text[*at..].split_once('\n') else {
            return false;
        };
        let is_test = condition.contains("(test");
        let module = rest.lines().next().unwrap_or_default();
        is_test && module.starts_with("mod ") && module.ends_with('{')
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// Whether a character is part of a name.
pub const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn read_string(chars: &mut Chars<'_>, prose: &mut String) {
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                // Not the letter of an escape, which would become part of a word.
                prose.push(if chars.next() == Some('\n') {
                    '\n'
                } else {
                    ' '
                });
            }
            '"' => break,
            c => prose.push(c),
        }
    }
    prose.push(' ');
}

/// After an `r`: reads `"…"` or `#"…"#`. Returns whether there was one.
fn read_raw_string(chars: &mut Chars<'_>, prose: &mut String) -> bool {
    if !matches!(chars.peek(), Some('"' | '#')) {
        return false;
    }
    let text: String = chars.clone().collect();
    let hashes = text.len() - text.trim_start_matches('#').len();
    if !text[hashes..].starts_with('"') {
        return false;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let inside = &text[hashes + 1..];
    let length = inside.find(&end).unwrap_or(inside.len());
    prose.push_str(&inside[..length]);
    prose.push(' ');
    let skipped = (hashes + 1 + length + end.len()).min(text.len());
    chars.nth(text[..skipped].chars().count() - 1);
    true
}

/// `'"'` and `'\\'` must not open a string; a lifetime has no end.
fn skip_char_literal(chars: &mut Chars<'_>) {
    let mut ahead = chars.clone();
    let first = ahead.next();
    if first == Some('\\') {
        chars.next();
        chars.next();
        while chars.next_if(|&c| c != '\'' && c != '\n').is_some() {}
        chars.next();
    } else if ahead.next() == Some('\'') {
        chars.next();
        chars.next();
    }
}
