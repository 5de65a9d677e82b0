//! Opening a listener in the browser.

use crate::app::tests::*;

const URL: &str = "http://127.0.0.1:8080/";

fn opened(url: &str) -> Vec<Effect> {
    vec![Effect::OpenUrl(url.into())]
}

#[test]
fn a_listener_opens_after_one_question_per_session() {
    let mut desk = Desk::with_ports(&[8080, 8443]);
    assert_eq!(desk.press("O"), []);
    let question = desk.view().overlay.expect("a question");
    let text: String = question.lines[0]
        .iter()
        .map(|span| span.text.as_str())
        .collect();
    assert!(text.starts_with(&format!("Open {URL} with ")), "{text}");
    assert_eq!(footer(&desk), " y yes  n no  ");
    assert_eq!(desk.press("y"), opened(URL));
    assert!(
        footer(&desk).starts_with(&format!(" opening {URL} with ")),
        "{}",
        footer(&desk)
    );
    assert_eq!(desk.press("jO"), opened("https://127.0.0.1:8443/"));
}

#[test]
fn any_other_key_than_yes_opens_nothing_and_the_question_comes_again() {
    let mut desk = Desk::with_ports(&[8080]);
    for key in [Key::Char('n'), Key::Esc, Key::Char('q')] {
        desk.press("O");
        assert_eq!(desk.mode(), Mode::Question);
        assert_eq!(desk.key(key), []);
        assert_eq!(desk.mode(), Mode::Table);
    }
    // What is bound in the question of ending a process, or not at all, does nothing here.
    desk.press("O");
    for key in [Key::Enter, Key::Char('O'), Key::Char('x')] {
        assert_eq!(desk.key(key), []);
        assert_eq!(desk.mode(), Mode::Question);
    }
}

#[test]
fn without_a_listener_nothing_opens() {
    let udp = Socket {
        protocol: Protocol::Udp,
        state: State::Unconn,
        ..listener(53)
    };
    let mut desk = Desk::new();
    desk.read(&[udp]);
    assert_eq!(desk.press("O"), []);
    assert!(
        footer(&desk).contains("no TCP listener is selected"),
        "{}",
        footer(&desk)
    );
    let mut desk = Desk::with_ports(&[8080]);
    desk.settle_on(&[]);
    assert_eq!(desk.press("O"), []);
    assert!(
        footer(&desk).contains("no TCP listener is selected"),
        "it is closed"
    );
}

#[test]
fn a_recording_opens_nothing() {
    let mut desk = Desk::with_ports(&[8080]);
    desk.app.environment.origin = crate::model::Origin::Recording;
    assert_eq!(desk.press("O"), []);
    assert!(
        footer(&desk).contains("this is a recording"),
        "{}",
        footer(&desk)
    );
}

#[test]
fn a_failure_is_one_line() {
    let mut desk = Desk::with_ports(&[8080]);
    desk.press("Oy");
    let message = "xdg-open: not found".to_owned();
    desk.send(Msg::JobDone {
        succeeded: false,
        message,
    });
    assert_eq!(footer(&desk), " xdg-open: not found");
}
