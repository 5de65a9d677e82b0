//! What is typed as a filter.

use crate::app::tests::*;

#[test]
fn the_last_good_filter_stays_in_force_while_the_text_is_wrong() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("/:20");
    assert_eq!(desk.ports(), [20], "it holds while it is typed");
    desk.press(" (");
    assert!(desk.app.filter.error.is_some());
    assert_eq!(desk.ports(), [20]);
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Prompt, "a wrong filter is not kept");
    desk.key(Key::Backspace);
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Table);
    assert_eq!(desk.ports(), [20]);
}

#[test]
fn esc_in_the_prompt_clears_the_filter() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("/:20 (");
    desk.key(Key::Esc);
    assert_eq!(desk.ports(), [10, 20]);
    assert!(desk.app.filter.error.is_none());
    desk.press("/");
    let Dialog::Prompt(prompt) = &desk.app.dialog else {
        panic!("no prompt")
    };
    assert_eq!(prompt.text(), "");
}

#[test]
fn kept_filters_are_recalled_once_each_the_latest_first() {
    let mut desk = Desk::with_ports(&[10, 20]);
    for text in [":10", ":20", ":10"] {
        desk.key(Key::Esc);
        desk.press("/");
        desk.press(text);
        desk.key(Key::Enter);
    }
    desk.key(Key::Esc);
    desk.press("/");
    let mut recalled = |key| {
        desk.key(key);
        let Dialog::Prompt(prompt) = &desk.app.dialog else {
            panic!("no prompt")
        };
        (prompt.text().to_owned(), desk.ports())
    };
    assert_eq!(recalled(Key::Up), (":10".into(), vec![10]));
    assert_eq!(recalled(Key::Up), (":20".into(), vec![20]));
    assert_eq!(recalled(Key::Up), (":20".into(), vec![20]));
    assert_eq!(recalled(Key::Down), (":10".into(), vec![10]));
    assert_eq!(recalled(Key::Down), (String::new(), vec![10, 20]));
}

#[test]
fn a_paste_goes_into_the_prompt_and_nowhere_else() {
    let mut desk = Desk::with_ports(&[10, 20]);
    let paste = |text: &str| Msg::Input(Input::Paste(text.into()));
    let before = desk.view();
    assert_eq!(desk.send(paste("qKy")), []);
    assert_eq!(desk.view(), before, "pasted text is no keys");
    desk.press("/");
    desk.send(paste(":2\x1b0\nq"));
    assert_eq!(desk.ports(), [20]);
}
