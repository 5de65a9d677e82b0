//! Bind tests: what their answers, keys and time make of the pane.

use crate::app::tests::dialogs::ending::ending;
use crate::app::tests::*;
use crate::bind::{BindTestResult, Probe, ProbeResult, Prober, Target};
use crate::model::{Answered, Evidence, Holder};

/// The bind test that these effects ask for.
fn asked_test(effects: &[Effect]) -> (u64, Target) {
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::BindTest { job, target, .. } => Some((*job, target.clone())),
        _ => None,
    });
    asked.expect("a bind test is asked for")
}

/// The answer to it: the port is free, or these holders refuse it.
pub fn report(desk: &Desk, effects: &[Effect], holders: Vec<Holder>) -> BindReport {
    let (job, target) = asked_test(effects);
    let result = if holders.is_empty() {
        ProbeResult::Ok
    } else {
        ProbeResult::Errno("EADDRINUSE".into())
    };
    let probe = Probe {
        address: "0.0.0.0".parse().unwrap(),
        v6only: None,
        reuse_address: true,
        result,
    };
    let evidence = Evidence::new(desk.now(), holders);
    let test_result = BindTestResult::of(&target, &mut Told(evidence, probe));
    BindReport { job, test_result }
}

/// A witness who says the same each time.
struct Told(Evidence, Probe);

impl Prober for Told {
    fn rows(&mut self) -> Evidence {
        self.0.clone()
    }

    fn probes(&mut self, _: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        vec![self.1.clone()]
    }

    fn explain(&mut self, _: &mut Evidence, _: Answered) {}
}

/// A leftover of a server without `SO_REUSEADDR` on this port.
pub fn leftover(port: u16, left: Duration) -> Holder {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), port);
    let remote = Some(Endpoint::new("127.0.0.1".parse().unwrap(), 50_000));
    Holder {
        expires_in: Some(left),
        ..Holder::new(Socket::new(Protocol::Tcp, local, remote, State::TimeWait))
    }
}

#[test]
fn a_late_answer_to_an_older_bind_test_is_dropped() {
    let mut desk = Desk::with_ports(&[10, 20]);
    let effects = desk.press("b");
    let first = report(&desk, &effects, Vec::new());
    desk.press("j");
    let effects = desk.press("b");
    let second = report(&desk, &effects, Vec::new());
    assert_ne!(first.job, second.job);
    desk.send(Msg::BindTested(Box::new(first)));
    assert!(pane_text(&desk).contains("binding…"));
    desk.send(Msg::BindTested(Box::new(second)));
    assert!(pane_text(&desk).contains("✓ free"));
    let effects = desk.press("r");
    let third = report(&desk, &effects, Vec::new());
    assert!(pane_title(&desk).contains("testing…"), "r tests again");
    assert!(
        pane_text(&desk).contains("✓ free"),
        "what was found stays meanwhile"
    );
    desk.key(Key::Esc);
    desk.send(Msg::BindTested(Box::new(third)));
    assert!(desk.app.dock.pane.is_none(), "an answer opens nothing");
}

#[test]
fn a_watch_counts_down_and_rings_when_the_port_is_free() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.press("b");
    let left = 2 * SECOND;
    let answer = report(&desk, &effects, vec![leftover(10, left)]);
    desk.send(Msg::BindTested(Box::new(answer)));
    assert!(pane_text(&desk).contains("◷ waiting"));
    assert!(pane_text(&desk).contains("about 2 s"));
    // The time left counts down without a new test.
    desk.wait(SECOND);
    assert_eq!(desk.wake(), []);
    assert!(pane_text(&desk).contains("about 1 s"));
    desk.press("w");
    assert!(pane_title(&desk).contains("watching"));
    let effects = desk.wake();
    asked_test(&effects);
    assert_eq!(desk.wake(), [], "one test at a time");
    let answer = report(&desk, &effects, vec![leftover(10, SECOND)]);
    assert_eq!(desk.send(Msg::BindTested(Box::new(answer))), []);
    assert_eq!(desk.wake(), [], "once a second");
    desk.wait(SECOND);
    let effects = desk.wake();
    let answer = report(&desk, &effects, Vec::new());
    assert_eq!(desk.send(Msg::BindTested(Box::new(answer))), [Effect::Bell]);
    assert!(footer(&desk).contains("10 is free"));
    assert!(!pane_title(&desk).contains("watching"));
    desk.wait(SECOND);
    assert_eq!(desk.wake(), []);
}

#[test]
fn only_what_ends_by_itself_can_be_waited_for() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.press("b");
    desk.press("w");
    assert!(footer(&desk).contains("still running"));
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    desk.press("w");
    assert!(footer(&desk).contains("does not end by itself"));
    let effects = desk.press("r");
    let answer = report(&desk, &effects, Vec::new());
    desk.send(Msg::BindTested(Box::new(answer)));
    desk.press("w");
    assert!(footer(&desk).contains("already free: nothing to wait for"));
    assert!(!pane_title(&desk).contains("watching"));
}

#[test]
fn a_watch_ends_when_a_server_takes_the_port() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.press("b");
    let answer = report(&desk, &effects, vec![leftover(10, SECOND)]);
    desk.send(Msg::BindTested(Box::new(answer)));
    desk.press("w");
    let effects = desk.wake();
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    assert_eq!(desk.send(Msg::BindTested(Box::new(answer))), []);
    assert!(footer(&desk).contains("does not end by itself"));
    assert!(!pane_title(&desk).contains("watching"));
}

#[test]
fn ending_what_has_the_port_shows_it_become_free() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.press("b");
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    assert_eq!(desk.press("K"), [], "it asks first");
    assert_eq!(ending(&desk.press("y")).process().unwrap().pid, 10);
    assert_eq!(desk.wake(), [], "a process takes its time to end");
    desk.wait(SECOND / 4);
    let effects = desk.wake();
    let answer = report(&desk, &effects, vec![leftover(10, SECOND)]);
    assert_eq!(
        desk.send(Msg::BindTested(Box::new(answer))),
        [],
        "its leftovers are in the way, and are waited for"
    );
    assert!(pane_title(&desk).contains("watching"));
    desk.wait(SECOND);
    let effects = desk.wake();
    let answer = report(&desk, &effects, Vec::new());
    assert_eq!(desk.send(Msg::BindTested(Box::new(answer))), [Effect::Bell]);
}

#[test]
fn one_test_runs_at_a_time_and_the_next_begins_when_it_has_answered() {
    let mut desk = Desk::with_ports(&[10]);
    let first = desk.press("b");
    for _ in 0..60 {
        assert_eq!(desk.press("rb"), [], "one is running");
    }
    let answer = report(&desk, &first, vec![Holder::new(listener(10))]);
    let second = desk.send(Msg::BindTested(Box::new(answer)));
    let answer = report(&desk, &second, Vec::new());
    assert_eq!(desk.send(Msg::BindTested(Box::new(answer))), []);
    assert!(pane_text(&desk).contains("✓ free"));
}

#[test]
fn the_new_owner_of_the_port_is_shown_after_the_process_has_ended() {
    let mut desk = Desk::with_ports(&[10, 20]);
    let effects = desk.press("b");
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    desk.press("Ky");
    desk.wait(SECOND);
    let effects = desk.wake();
    let answer = report(&desk, &effects, vec![Holder::new(listener(20))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    assert!(footer(&desk).contains("sending"), "it is looked on");
    assert!(!pane_title(&desk).contains("watching"));
    let told = "app (10) exited after 0.2 s, but 1 other process keeps port 10: app (20)";
    let message = told.to_owned();
    let succeeded = false;
    let effects = desk.send(Msg::EndOutcome { succeeded, message });
    asked_test(&effects);
    assert!(footer(&desk).contains(told));
}

#[test]
fn a_process_that_does_not_end_is_not_waited_for_for_ever() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.press("b");
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    desk.press("Ky");
    desk.wait(3 * SECOND);
    let effects = desk.wake();
    let message = "app (10) still running after 3 s".into();
    let succeeded = false;
    assert_eq!(desk.send(Msg::EndOutcome { succeeded, message }), []);
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    let effects = desk.send(Msg::BindTested(Box::new(answer)));
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    desk.wait(7 * SECOND);
    let effects = desk.wake();
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    assert!(footer(&desk).contains("with a stronger signal"));
    desk.press("Ky");
    // That another job failed says nothing of the signal.
    desk.send(Msg::JobDone {
        succeeded: false,
        message: "no file can be written".into(),
    });
    desk.wait(SECOND);
    let effects = desk.wake();
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    desk.send(Msg::SignalFailed("not permitted".into()));
    desk.wait(SECOND);
    assert_eq!(desk.wake(), [], "a signal that was not sent ends nothing");
}

#[test]
fn the_sockets_in_the_way_can_be_gone_to_whatever_the_view_hides() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("/:10");
    desk.key(Key::Enter);
    let effects = desk.press("b");
    let holders = vec![Holder::new(listener(20)), Holder::new(listener(30))];
    let answer = report(&desk, &effects, holders);
    desk.send(Msg::BindTested(Box::new(answer)));
    let selected = |desk: &Desk| desk.app.selected().map(|row| row.socket.local.port);
    assert_eq!(desk.ports(), [10]);
    for port in [20, 30, 20] {
        desk.press("J");
        assert_eq!(selected(&desk), Some(port));
    }
    assert_eq!(desk.ports(), [10, 20, 30], "the filter gave way");
    let pane = desk.view().pane.expect("the bind test is open");
    let is_it = |line: &view::Line| {
        line.iter()
            .any(|span| span.text.contains("tcp 127.0.0.1:30"))
    };
    let line = pane.lines.iter().position(is_it).expect("it is in sight");
    let row = desk.view().layout.pane.y + 1 + u16::try_from(line).unwrap();
    desk.send(Msg::Input(Input::Mouse(Mouse::Click { column: 20, row })));
    assert_eq!(selected(&desk), Some(30), "a click goes to it as well");
}

#[test]
fn a_remedy_can_be_copied() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.press("b");
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    desk.press("c");
    assert_eq!(desk.key(Key::Enter), [Effect::Copy("kill 10".into())]);
}

#[test]
fn a_port_typed_wrong_keeps_the_prompt_open() {
    for text in ["", "99999", "x:1", "80-90"] {
        let mut desk = Desk::with_ports(&[10]);
        desk.press("B");
        desk.press(text);
        assert_eq!(desk.key(Key::Enter), [], "{text:?}");
        assert_eq!(desk.mode(), Mode::Prompt, "{text:?}");
    }
}

#[test]
fn a_bind_test_says_what_to_do_then_who_then_why_and_folds_the_addresses() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.press("b");
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    let text = pane_text(&desk);
    let places = ["✗ in use", "fix", "in the way", "▸ addresses"].map(|part| text.find(part));
    assert!(places.iter().all(Option::is_some), "{text}");
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("0.0.0.0 refused"), "{text}");
    assert!(!text.contains("EADDRINUSE"), "{text}");
    desk.press("a");
    desk.press("]]]]]]]]]]");
    let pane = desk.view().pane.expect("the bind test is open");
    let spans: Vec<_> = pane.lines.concat();
    for text in ["EADDRINUSE", "refused"] {
        let mut spans = spans.iter().filter(|span| span.text.trim() == text);
        assert!(spans.next().is_some(), "{text}: {spans:?}");
        assert!(
            spans.all(|span| span.role != view::Role::Bad),
            "red is for the verdict"
        );
    }
    let effects = desk.press("r");
    let answer = report(&desk, &effects, vec![Holder::new(listener(10))]);
    desk.send(Msg::BindTested(Box::new(answer)));
    assert!(pane_text(&desk).contains("EADDRINUSE"), "they stay open");
    desk.press("a");
    assert!(!pane_text(&desk).contains("EADDRINUSE"));
}

#[test]
fn a_click_on_the_addresses_opens_them() {
    let mut desk = Desk::with_ports(&[10]);
    let effects = desk.press("b");
    let answer = report(&desk, &effects, Vec::new());
    desk.send(Msg::BindTested(Box::new(answer)));
    let view = desk.view();
    let pane = view.pane.expect("the bind test is open");
    let is_it = |line: &view::Line| line.iter().any(|span| span.text.contains("addresses"));
    let line = pane.lines.iter().position(is_it).expect("it is in sight");
    let row = view.layout.pane.y + 1 + u16::try_from(line).unwrap();
    desk.send(Msg::Input(Input::Mouse(Mouse::Click { column: 5, row })));
    assert!(pane_text(&desk).contains("▾ addresses"));
}

/// Rows of another network namespace are tested, and their processes ended, there.
#[test]
fn a_row_of_another_namespace_is_tested_and_ended_in_there() {
    let container = crate::model::Container {
        engine: Some(crate::model::Engine::Docker),
        id: None,
        name: "web".into(),
        image: None,
        project: None,
        service: None,
        pod: None,
    };
    let namespace = std::sync::Arc::new(crate::model::Namespace {
        id: crate::model::NamespaceId(7),
        inode: Some(4_026_532_254),
        cookie: None,
        name: "web".into(),
        container: Some(container.into()),
    });
    let mut desk = Desk::new();
    desk.app.rows.criteria.namespaces = crate::model::NamespaceScope::All;
    let socket = Socket {
        namespace: Some(namespace.clone()),
        ..listener(80)
    };
    desk.read(&[socket]);
    let effects = desk.press("b");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::BindTest { namespace, .. } => namespace.clone(),
        _ => None,
    });
    let asked = asked.unwrap();
    assert_eq!((asked.namespace.id, asked.owners), (namespace.id, vec![80]));
    assert!(pane_title(&desk).contains("tcp 80 in container web"));
    desk.key(Key::Esc);
    let effects = desk.press("f");
    let expected = |effect: &Effect| matches!(effect, Effect::FindFreePort { from: 80, namespace: Some(found) } if found.namespace.id == namespace.id);
    assert!(effects.iter().any(expected), "{effects:?}");
    desk.press("K");
    let Dialog::Question(question) = &desk.app.dialog else {
        panic!("it asks nothing");
    };
    let text = question.text().join(" ");
    assert!(
        text.starts_with("Send SIGTERM to app (80) in container web? "),
        "{text}"
    );
    let effects = desk.press("y");
    let port = ending(&effects).port.clone().unwrap();
    assert_eq!(port.namespace.unwrap().namespace.id, namespace.id);
    // The same port of ours is another target.
    desk.press("B80");
    let effects = desk.key(Key::Enter);
    let is_ours = |effect: &Effect| {
        matches!(
            effect,
            Effect::BindTest {
                namespace: None,
                ..
            }
        )
    };
    assert!(effects.iter().any(is_ours), "{effects:?}");
}
