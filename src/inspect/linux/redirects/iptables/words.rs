//! The words of a line of `iptables-save`: separated by blanks, quoted with `"` and `\` if they contain some
//! (`xtables_save_string`). Pure.

/// The words of a line.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if is_quoted => {
                let escaped = letters.next();
                word.get_or_insert_default().extend(escaped);
            }
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_join_a_word() {
        let line = r#"-A c -m comment --comment "a \"b\" -j" -j d --x """#;
        let expected = [
            "-A",
            "c",
            "-m",
            "comment",
            "--comment",
            "a \"b\" -j",
            "-j",
            "d",
            "--x",
            "",
        ];
        assert_eq!(words(line), expected);
        assert_eq!(words("").len(), 0);
    }

    /// As `xtables_save_string` does it.
    fn saved(text: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if !text.is_empty() && text.chars().all(is_plain) {
            return text.to_owned();
        }
        let mut saved = String::from('"');
        for c in text.chars() {
            if "\"\\'".contains(c) {
                saved.push('\\');
            }
            saved.push(c);
        }
        saved.push('"');
        saved
    }

    proptest::proptest! {
        #[test]
        fn words_of_iptables_save_are_read_back(
            texts in proptest::collection::vec(r#"[a-z"'\\ é\-]{0,8}"#, 0..5),
        ) {
            let line: Vec<_> = texts.iter().map(|text| saved(text)).collect();
            proptest::prop_assert_eq!(words(&line.join(" ")), texts);
        }
    }
}
