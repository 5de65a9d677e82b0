//! The language of the code: words that no name and text of the program may have, and no comment, not even of a test. A
//! program that explains has to read like a colleague's sentence; a name is the kernel's, POSIX's or the man page's.

use super::reader::{halves, is_name, without_tests};
use super::{collect, product, read, root};

/// Parts of identifiers and of file names: `take_in_news` has `news`. Most are for persons only (a socket
/// is no person), the others were private words for things with a usual name.
const NOT_IN_NAMES: &str = "tell tells told telling foretold ask asks asked asking whoever nobody anybody somebody \
    everybody pulse purse census unfound holding holdings held hold look looks looked seat seats unseat rival rivals \
    stranger strangers displaced neighbour neighbours neighbor neighbors witness witnesses investigator investigate \
    examination examine bystander bystanders principal wish wishes settle settles settled hand grip pace hasty hasten \
    calm past overdue watching insist vain surroundings patient slept complain blind deaf afresh news meet meets feel \
    feels pay pays deed came come comes stand stands standing keeper keepers heir heirs means mercy fate errand voice";

/// Words of comments, docs and texts. What is in backquotes is a name (`nobody` is a user).
const NOT_IN_TEXTS: &str = "tell tells told telling foretold whoever anybody somebody everybody nobody afresh vain \
    hasty deaf asks asked asking purse census stands lies lie stood strangers rivals seat seats seated unfound";

#[test]
fn no_name_has_a_banned_word() {
    let banned: Vec<_> = NOT_IN_NAMES.split_whitespace().collect();
    let mut faults = Vec::new();
    for file in product() {
        let stem = file.trim_end_matches(".rs").rsplit('/').next();
        let text = read(&root().join(&file));
        let code = halves(without_tests(&text)).code;
        let names = code.split(|c: char| !is_name(c)).chain(stem);
        let names = names.filter(|name| parts(name).iter().any(|part| banned.contains(&&**part)));
        faults.extend(names.map(|name| format!("{file}: {name}")));
    }
    faults.dedup();
    assert!(faults.is_empty(), "{} names: {faults:#?}", faults.len());
}

#[test]
fn no_comment_and_no_text_has_a_banned_word() {
    let banned: Vec<_> = NOT_IN_TEXTS.split_whitespace().collect();
    let mut faults = Vec::new();
    for file in product() {
        let text = read(&root().join(&file));
        let prose = halves(without_tests(&text)).prose;
        faults.extend(found(&banned, &prose, &file));
    }
    assert!(faults.is_empty(), "{} lines: {faults:#?}", faults.len());
}

#[test]
fn no_comment_of_a_test_has_a_banned_word() {
    let banned: Vec<_> = NOT_IN_TEXTS.split_whitespace().collect();
    let mut files = Vec::new();
    for folder in [
        "../benches",
        "../examples",
        "../fuzz/trials",
        "../tests",
        "",
    ] {
        collect(&root().join(folder), &mut files);
    }
    let mut faults = Vec::new();
    for file in files {
        let comments = halves(&read(&file)).comments;
        faults.extend(found(&banned, &comments, &file.display().to_string()));
    }
    assert!(faults.is_empty(), "{} lines: {faults:#?}", faults.len());
}

/// Each line with a banned word outside backquotes: `FILE:LINE: WORD`.
fn found(banned: &[&str], text: &str, file: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, words) in text.lines().enumerate() {
        let plain: String = words.split('`').step_by(2).collect();
        let mut words = plain.split(|c: char| !c.is_ascii_alphabetic());
        let found = words.find(|word| banned.contains(&&*word.to_ascii_lowercase()));
        faults.extend(found.map(|word| format!("{file}:{}: {word}", line + 1)));
    }
    faults
}

#[test]
fn a_name_is_taken_apart_at_capitals_and_underscores() {
    assert_eq!(parts("take_in_News2"), ["take", "in", "news", "2"]);
    assert_eq!(parts("TCPTable"), ["tcptable"]);
    assert_eq!(parts("isToldOf"), ["is", "told", "of"]);
}

/// `isToldOf` → `is`, `told`, `of`.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = '_';
    for c in name.chars() {
        let begins = before == '_'
            || c.is_ascii_uppercase() && !before.is_ascii_uppercase()
            || c.is_ascii_digit() != before.is_ascii_digit();
        match parts.last_mut() {
            _ if c == '_' => {}
            Some(part) if !begins => part.push(c.to_ascii_lowercase()),
            _ => parts.push(c.to_ascii_lowercase().to_string()),
        }
        before = c;
    }
    parts
}
