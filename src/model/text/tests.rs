//! What is kept, what becomes visible, and that all who measure a text agree.

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::clean::{MAX_CHARS, MAX_JOINED, is_hostile};
use super::*;

/// Every character of Unicode.
fn every_char() -> impl Iterator<Item = char> {
    '\0'..=char::MAX
}

fn escaped(c: char) -> String {
    match c {
        '\n' => r"\n".into(),
        '\r' => r"\r".into(),
        '\t' => r"\t".into(),
        c if u32::from(c) < 0x100 => format!("\\x{:02x}", u32::from(c)),
        c => c.escape_unicode().to_string(),
    }
}

/// Cells, as a terminal counts them: character by character.
fn cells(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// What must hold for whatever was cleaned.
fn check(outside: &str) {
    let text = Text::new(outside);
    assert!(!text.chars().any(is_hostile), "{outside:.99?}");
    assert!(Text::new(&text) == text, "cleaned twice: {outside:.99?}");
    assert!(text.chars().count() <= MAX_CHARS);
    for cluster in text.graphemes(true) {
        assert_eq!(
            cluster.width(),
            cells(cluster),
            "{outside:.99?}: {cluster:?}"
        );
        assert!(cluster.chars().count() <= 1 + MAX_JOINED, "{cluster:?}");
        assert!(
            cells(cluster) > 0,
            "{outside:.99?}: {cluster:?} joins what is before it"
        );
    }
}

#[test]
fn ordinary_text_is_kept_as_it_is() {
    for kept in [
        "nginx",
        "ジャーナル",
        "naïve: -g 'daemon off;'",
        r"C:\path",
        "",
        "nai\u{308}ve",
        "Việt, Vie\u{302}\u{323}t",
        "हिन्दी",
        "ภาษาไทยกี่",
        "한글, \u{1112}\u{1161}\u{11ab}",
        "עברית عربى",
        "🦀 crab",
        "no\u{a0}break, \u{2003}, \u{2800}",
    ] {
        assert_eq!(Text::new(kept).as_str(), kept);
    }
}

#[test]
fn escape_sequences_become_visible() {
    assert_eq!(Text::new("\x1b[2Jrm\x07\n").as_str(), r"\x1b[2Jrm\x07\n");
    assert_eq!(Text::new("\u{9b}31m").as_str(), r"\x9b31m");
}

#[test]
fn bidirectional_and_invisible_characters_become_visible() {
    assert_eq!(
        Text::new("a\u{202e}b\u{200b}").as_str(),
        r"a\u{202e}b\u{200b}"
    );
}

/// The classes are those of the regex crate, which takes them from the tables of Unicode. What is hostile
/// beyond them are two characters.
#[test]
fn hostile_is_what_unicode_calls_control_format_invisible_private_or_none() {
    let classes = r"^[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\p{gcb=Prepend}\p{Regional_Indicator}]$";
    let classes = Regex::new(classes).unwrap();
    let is_of_them = |c: char| classes.is_match(c.encode_utf8(&mut [0; 4]));
    let differ: Vec<char> = every_char()
        .filter(|&c| is_hostile(c) != is_of_them(c))
        .collect();
    assert_eq!(differ, ['\u{17d8}', '\u{3000}']);
}

#[test]
fn every_character_has_the_same_width_for_all_at_every_position() {
    // A letter, one from the right, a wide one, an emoji, a Korean consonant, an accent, a vowel sign, the
    // sign that joins two consonants, and the replacement of a hostile character.
    let others = [
        "a",
        "ل",
        "語",
        "👩",
        "\u{1100}",
        "e\u{301}",
        "को",
        "क\u{94d}",
        "ខ",
        "\u{200d}",
    ];
    // Of the thousands that are of one kind a few will do.
    let is_one_of_thousands = |c: char| {
        matches!(c, '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{e000}'..='\u{f8ff}'
            | '\u{17000}'..='\u{18cff}' | '\u{20000}'..='\u{dffff}' | '\u{e1000}'..)
    };
    let told = every_char().filter(|&c| !is_one_of_thousands(c) || u32::from(c) % 997 == 0);
    for c in told {
        let beside: Vec<_> = others.map(|other| format!("{other}{c}{other}{c}")).into();
        check(&beside.concat());
    }
}

#[test]
fn no_character_is_wider_than_two_cells() {
    assert!(every_char().all(|c| is_hostile(c) || c.width().unwrap_or(0) <= 2));
}

#[test]
fn a_hostile_character_becomes_one_escape_anywhere_in_a_text() {
    for c in every_char().filter(|&c| is_hostile(c)) {
        let shown = escaped(c);
        assert_eq!(
            Text::new(&format!("a{c}b{c}")).as_str(),
            format!("a{shown}b{shown}")
        );
    }
}

#[test]
fn a_flood_of_accents_is_stopped_and_none_lands_on_a_neighbour() {
    let flood = format!("z{}b", "\u{301}".repeat(10_000));
    let text = Text::new(&flood);
    assert!(text.starts_with(&format!(
        "z{}{}",
        "\u{301}".repeat(MAX_JOINED),
        r"\u{301}\u{301}"
    )));
    assert_eq!(Text::new("\u{301}a").as_str(), r"\u{301}a");
    assert_eq!(Text::new("\n\u{301}a").as_str(), r"\n\u{301}a");
    // Neither joins accents; all of a cluster that never ends.
    for joining in [
        "\u{94d}\u{915}",
        "\u{903}",
        "\u{1100}",
        "\u{1161}",
        "\u{d4e}",
    ] {
        check(&format!("क{}", joining.repeat(5000)));
    }
}

#[test]
fn emoji_that_terminals_draw_differently_are_taken_apart() {
    for (sequence, shown) in [
        ("👩\u{200d}🔬", r"👩\u{200d}🔬"),
        ("👩🏽", r"👩\u{1f3fd}"),
        ("🇩🇪", r"\u{1f1e9}\u{1f1ea}"),
        ("1\u{fe0f}\u{20e3}", r"1\u{fe0f}\u{20e3}"),
        ("❤\u{fe0f}", r"❤\u{fe0f}"),
    ] {
        assert_eq!(Text::new(sequence).as_str(), shown);
    }
}

#[test]
fn invalid_utf8_is_replaced() {
    assert_eq!(
        Text::from_bytes(b"a\xff\xfeb").as_str(),
        "a\u{fffd}\u{fffd}b"
    );
}

#[test]
fn a_huge_command_line_is_cut() {
    let text = Text::new(&"x".repeat(128 * 1024));
    assert_eq!(text.chars().count(), MAX_CHARS);
    assert!(text.ends_with('…'));
    assert_eq!(Text::new(&"x".repeat(MAX_CHARS)).len(), MAX_CHARS);
}

#[test]
fn a_cut_splits_no_escape_and_cleaning_twice_changes_nothing() {
    for before in MAX_CHARS - 12..=MAX_CHARS + 1 {
        let text = Text::new(&format!("{}\u{202e}yz", "x".repeat(before)));
        let rest = text.trim_start_matches('x');
        assert!(
            ["…", r"\u{202e}…", r"\u{202e}yz", r"\u{202e}y…"].contains(&rest),
            "{rest}"
        );
        check(&format!("{}\u{202e}yz", "x".repeat(before)));
    }
    check("\x1b]0;title\x07 tab\t");
    check(&"\x1b".repeat(MAX_CHARS));
}

#[test]
fn a_whole_text_is_clean_and_not_cut() {
    let outside = "é\x1b".repeat(70_000);
    let text = Text::whole(&outside);
    assert_eq!(text.as_str(), r"é\x1b".repeat(70_000));
    assert_eq!(Text::whole(&text), text);
}

#[test]
fn one_is_singular_and_all_others_are_plural() {
    let texts = [0_u64, 1, 2, 11, 101].map(|count| counted(count, "byte", "bytes"));
    assert_eq!(
        texts,
        ["0 bytes", "1 byte", "2 bytes", "11 bytes", "101 bytes"]
    );
}
