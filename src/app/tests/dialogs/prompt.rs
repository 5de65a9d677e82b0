//! What the keys do while a filter is typed: history, completion, and the way back from a filter that was cleared.

use crate::app::tests::*;

fn prompt_text(desk: &Desk) -> String {
    let Dialog::Prompt(prompt) = &desk.app.dialog else {
        panic!("no prompt")
    };
    prompt.text().to_owned()
}

/// Types a filter and keeps it.
fn filtered(desk: &mut Desk, filter: &str) {
    desk.key(Key::Esc);
    desk.press("/");
    desk.press(filter);
    desk.key(Key::Enter);
}

#[test]
fn a_cleared_filter_says_which_key_brings_it_back_and_that_key_does() {
    let mut desk = Desk::with_ports(&[10, 20]);
    filtered(&mut desk, ":20");
    desk.key(Key::Esc);
    assert_eq!(desk.ports(), [10, 20]);
    assert!(footer(&desk).contains("filter cleared; U restores it"));
    desk.press("U");
    assert_eq!(desk.ports(), [20]);
    assert!(footer(&desk).contains("filter restored: :20"));
    desk.press("/");
    assert_eq!(prompt_text(&desk), ":20");
}

#[test]
fn a_filter_that_was_cleared_while_it_was_typed_comes_back_as_far_as_it_was_good() {
    for (typed, back) in [(":20", ":20"), (":20 (", ":20"), ("  :20 ", ":20")] {
        let mut desk = Desk::with_ports(&[10, 20]);
        desk.press("/");
        desk.press(typed);
        desk.key(Key::Esc);
        assert_eq!(desk.ports(), [10, 20], "{typed}");
        desk.press("U/");
        assert_eq!(prompt_text(&desk), back, "{typed}");
    }
}

#[test]
fn a_filter_in_force_changes_places_with_the_one_that_comes_back() {
    let mut desk = Desk::with_ports(&[10, 20]);
    filtered(&mut desk, ":10");
    filtered(&mut desk, ":20");
    desk.press("U");
    assert_eq!(desk.ports(), [10]);
    desk.press("U");
    assert_eq!(desk.ports(), [20]);
}

#[test]
fn where_no_filter_was_cleared_there_is_nothing_to_bring_back_and_esc_says_nothing() {
    let mut desk = Desk::with_ports(&[10]);
    desk.key(Key::Esc);
    assert!(desk.app.notices.current.is_none());
    desk.press("/");
    desk.key(Key::Esc);
    assert!(desk.app.notices.current.is_none());
    desk.press("U");
    assert!(footer(&desk).contains("no filter was cleared"));
    filtered(&mut desk, ":10");
    desk.key(Key::Esc);
    desk.press("UU");
    assert!(footer(&desk).contains("no filter was cleared"));
    assert_eq!(desk.ports(), [10]);
}

#[test]
fn a_filter_of_which_nothing_is_left_is_cleared_and_can_be_brought_back() {
    let mut desk = Desk::with_ports(&[10, 20]);
    filtered(&mut desk, ":20");
    desk.press("/");
    desk.key(Key::Ctrl('u'));
    desk.key(Key::Enter);
    assert_eq!(desk.ports(), [10, 20]);
    assert!(footer(&desk).contains("filter cleared; U restores it"));
    desk.press("U");
    assert_eq!(desk.ports(), [20]);
    // Nothing was there, so nothing is cleared.
    desk.key(Key::Esc);
    desk.press("/");
    desk.key(Key::Enter);
    assert!(desk.app.notices.current.is_none());
}

#[test]
fn a_cleared_filter_is_in_the_history_too() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("/:20");
    desk.key(Key::Esc);
    desk.press("/");
    desk.key(Key::Up);
    assert_eq!(prompt_text(&desk), ":20");
    assert_eq!(desk.ports(), [20]);
}

#[test]
fn what_is_typed_recalls_the_filters_that_begin_with_it() {
    let mut desk = Desk::with_ports(&[10, 20]);
    for filter in ["user:ann", ":10", "user:root", ":20"] {
        filtered(&mut desk, filter);
    }
    desk.key(Key::Esc);
    desk.press("/us");
    let mut recalled = |key| {
        desk.key(key);
        prompt_text(&desk)
    };
    assert_eq!(recalled(Key::Up), "user:root");
    assert_eq!(recalled(Key::Up), "user:ann");
    assert_eq!(recalled(Key::Up), "user:ann");
    assert_eq!(recalled(Key::Down), "user:root");
    assert_eq!(recalled(Key::Down), "us");
}

#[test]
fn the_history_is_bounded() {
    let mut desk = Desk::with_ports(&[10]);
    for n in 1..=150 {
        filtered(&mut desk, &format!(":{n}"));
    }
    assert_eq!(desk.app.filter.history.len(), 100);
    assert_eq!(desk.app.filter.history.last().unwrap(), ":150");
}

#[test]
fn tab_completes_the_only_word_there_is_and_the_next_tab_what_follows() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("/proc");
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "proc:");
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "proc:app");
    assert_eq!(desk.ports(), [10, 20], "it holds at once");
}

#[test]
fn tab_and_shift_tab_go_round_what_is_offered_and_show_which_is_chosen() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("/pro");
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "proc:");
    assert!(
        footer(&desk).ends_with(" [proc:]  proto:   project:  "),
        "{}",
        footer(&desk)
    );
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "proto:");
    assert!(
        footer(&desk).ends_with("  proc:  [proto:]  project:  "),
        "{}",
        footer(&desk)
    );
    desk.key(Key::Tab);
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "proc:");
    desk.key(Key::BackTab);
    desk.key(Key::BackTab);
    assert_eq!(prompt_text(&desk), "proto:");
    // Another key takes it: what comes next is another word.
    desk.press("u");
    assert!(!footer(&desk).contains("[proto:]"));
    desk.key(Key::BackTab);
    assert_eq!(prompt_text(&desk), "proto:udp");
}

#[test]
fn enter_on_an_offered_word_that_is_no_filter_yet_says_what_is_missing() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("/pro");
    desk.key(Key::Tab);
    desk.key(Key::Enter);
    assert_eq!(prompt_text(&desk), "proc:");
    assert!(footer(&desk).contains("is missing"), "{}", footer(&desk));
    assert!(!footer(&desk).contains("[proc:]"), "{}", footer(&desk));
}

#[test]
fn what_is_chosen_is_in_sight_on_a_narrow_terminal_however_much_is_offered() {
    let mut desk = Desk::with_ports(&(1000..1150).collect::<Vec<_>>());
    let (width, height) = (40, 10);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk.press("/:1");
    for n in 0..300u16 {
        desk.key(Key::Tab);
        let chosen = format!("[:{}]", 1000 + n % 150);
        let below = &desk.view().footer[1];
        let text: String = below.iter().map(|span| span.text.as_str()).collect();
        assert!(text.contains(&chosen), "{chosen}: {text}");
    }
}

#[test]
fn a_filter_that_is_complete_or_of_which_nothing_is_known_stays_as_it_is() {
    let mut desk = Desk::with_ports(&[10]);
    for text in ["zzz", "cmd:x", "/regex"] {
        desk.press("/");
        desk.press(text);
        desk.key(Key::Tab);
        assert_eq!(prompt_text(&desk), text);
        desk.key(Key::Esc);
    }
    // A port is no word of the filter language.
    desk.press("B");
    desk.press("po");
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "po");
}

#[test]
fn a_completion_leaves_what_follows_the_cursor() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("/(us) :20");
    for _ in 0.." :20)".len() {
        desk.key(Key::Left);
    }
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "(user:) :20");
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "(user:ann) :20");
    assert_eq!(desk.ports(), [20]);
}

fn below(desk: &Desk) -> String {
    let footer = desk.view().footer;
    footer[1].iter().map(|span| span.text.as_str()).collect()
}

#[test]
fn suggestions_are_there_from_the_first_letter_beside_how_much_matches() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("/");
    assert!(
        below(&desk).starts_with(" 3 of 3  Enter confirm"),
        "{}",
        below(&desk)
    );
    desk.press("s");
    let line = below(&desk);
    assert!(line.starts_with(" 3 of 3 "), "`app --serve`: {line}");
    assert!(line.contains(" state:  ") && !line.contains('['), "{line}");
    assert_eq!(prompt_text(&desk), "s", "none is taken");
    desk.press("tate:");
    assert!(below(&desk).contains(" state:listen "), "{}", below(&desk));
    desk.press("lis");
    desk.key(Key::Tab);
    assert_eq!(prompt_text(&desk), "state:listen");
    assert_eq!(below(&desk).trim_end().split("  ").next(), Some(" 3 of 3"));
    // A complete word has none: the keys are shown.
    assert!(below(&desk).contains("Enter confirm"), "{}", below(&desk));
}

#[test]
fn an_error_is_shown_once_its_word_can_not_be_completed() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("/state:lis");
    assert!(below(&desk).contains("state:listen"), "{}", below(&desk));
    desk.press("s");
    assert!(
        below(&desk).contains("unknown state `liss`"),
        "{}",
        below(&desk)
    );
    desk.key(Key::Backspace);
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Prompt);
    assert!(below(&desk).contains("lis"), "{}", below(&desk));
}

#[test]
fn suggestions_follow_the_cursor() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("/us :10");
    for _ in 0.." :10".len() {
        desk.key(Key::Left);
    }
    assert!(below(&desk).contains(" user: "), "{}", below(&desk));
    desk.key(Key::Home);
    assert!(!below(&desk).contains(" user: "), "{}", below(&desk));
}

#[test]
fn an_error_in_another_word_is_not_hidden_by_suggestions() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("/state:liss us");
    assert!(
        below(&desk).contains("unknown state `liss`"),
        "{}",
        below(&desk)
    );
    desk.key(Key::Ctrl('u'));
    desk.press(":10 (");
    assert!(below(&desk).contains("missing `)`"), "{}", below(&desk));
}

#[test]
fn how_many_rows_match_is_shown_as_long_as_there_is_a_filter() {
    let line = |desk: &Desk| -> String {
        let view = desk.view();
        view.filter.iter().map(|span| span.text.as_str()).collect()
    };
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    assert_eq!(line(&desk), "3 ");
    for (filter, count) in [(":20", "1 of 3"), ("tcp", "3 of 3"), ("udp", "0 of 3")] {
        filtered(&mut desk, filter);
        assert!(
            line(&desk).ends_with(&format!("  {count} ")),
            "{}",
            line(&desk)
        );
    }
    // A small terminal has it in its first line.
    let (width, height) = (40, 10);
    desk.send(Msg::Input(Input::Resized { width, height }));
    let header: String = desk
        .view()
        .header
        .iter()
        .map(|span| span.text.as_str())
        .collect();
    assert!(header.contains("  0 of 3"), "{header}");
}
