//! The table at a moment of the history.

use crate::app::tests::*;
use crate::columns::width;
use crate::model::Services;

const HOUR: u64 = 3600;

/// The only request among these effects.
fn request(effects: &[Effect]) -> MomentRequest {
    let requests: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::ShowMoment(request) => Some(&**request),
            _ => None,
        })
        .collect();
    match requests[..] {
        [one] => one.clone(),
        _ => panic!("{effects:?}"),
    }
}

impl Desk {
    /// After an hour with port 10.
    fn after_an_hour() -> Self {
        let mut desk = Self::with_ports(&[10]);
        desk.wait(SECOND * 3600).read_ports(&[10]);
        desk
    }

    /// Answers a request: so many seconds after the beginning these ports were open, since 5 s.
    fn answer(&mut self, request: &MomentRequest, second: u64, ports: &[u16]) -> Vec<Effect> {
        let shown = self.shown(request, second, ports);
        self.send(Msg::MomentShown(Box::new(shown)))
    }

    fn shown(&self, request: &MomentRequest, second: u64, ports: &[u16]) -> ShownMoment {
        let at = moment(Duration::from_secs(second));
        let last_id = (1 << 48) + request.job * 1000;
        let mut tracker = Tracker::new(LINGER).with_ids_of(&request.known, last_id);
        let _ = tracker.apply(Snapshot {
            taken_at: moment(Duration::from_secs(second.saturating_sub(6))),
            ..Snapshot::default()
        });
        let update = tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            taken_at: moment(Duration::from_secs(second.saturating_sub(5))),
            sockets: ports.iter().map(|&port| listener(port)).collect(),
            ..Snapshot::default()
        });
        let cells = (0..request.cells).map(|part| TimelinePart {
            changes: (part % 3 > 0).then_some(part % 2),
            has_listener_change: part % 5 == 0,
        });
        ShownMoment {
            job: request.job,
            update,
            at,
            gap: None,
            counters_at: None,
            timeline: Timeline {
                from: moment(Duration::ZERO).wall,
                to: self.now().wall,
                parts: cells.collect(),
            },
        }
    }

    /// Presses keys, and shows the moment that they request.
    fn go(&mut self, keys: &str, second: u64, ports: &[u16]) -> MomentRequest {
        let effects = self.press(keys);
        let request = request(&effects);
        self.answer(&request, second, ports);
        request
    }

    fn moment_badge(&self) -> String {
        let view = self.view();
        let reversed = view.header_right.iter().filter(|span| span.is_reversed);
        reversed.map(|span| span.text.as_str()).collect()
    }
}

#[test]
fn the_table_goes_back_and_returns_to_now() {
    let mut desk = Desk::after_an_hour();
    let request = desk.go(",", HOUR - 60, &[10, 20]);
    assert_eq!(request.seek, Seek::Snapshot(Direction::Back));
    assert_eq!(request.from, Some(desk.now().wall));
    assert_eq!(desk.ports(), [10, 20]);
    assert_eq!(desk.moment_badge(), "AT 12:59:00 · 1 min ago");
    let request = desk.go(".", HOUR - 30, &[10, 30]);
    assert_eq!(
        (request.seek, request.from),
        (Seek::Snapshot(Direction::Forward), None)
    );
    desk.press("0");
    assert_eq!(desk.ports(), [10]);
    assert_eq!(desk.moment_badge(), "");
}

#[test]
fn several_keys_before_the_first_answer_start_from_one_another() {
    let mut desk = Desk::after_an_hour();
    let first = request(&desk.press(","));
    let second = request(&desk.press(","));
    assert!(first.from.is_some() && second.from.is_none());
    assert!(second.job > first.job);
}

#[test]
fn an_answer_after_the_return_to_now_is_dropped() {
    let mut desk = Desk::after_an_hour();
    let late = request(&desk.press(","));
    desk.press("0");
    desk.answer(&late, 60, &[20]);
    assert_eq!(desk.ports(), [10]);
    assert_eq!(request(&desk.press(",")).from, Some(desk.now().wall));
}

#[test]
fn esc_returns_to_now_after_it_closed_the_pane_and_before_it_clears_the_filter() {
    let mut desk = Desk::after_an_hour();
    desk.press("/10");
    desk.key(Key::Enter);
    desk.key(Key::Enter);
    desk.go(",", 60, &[10]);
    assert!(desk.view().pane.is_some());
    desk.key(Key::Esc);
    assert!(desk.view().pane.is_none() && desk.app.is_at_moment());
    desk.key(Key::Esc);
    assert!(!desk.app.is_at_moment());
    assert_eq!(desk.app.filter.text, "10");
}

#[test]
fn the_live_table_goes_on_out_of_sight_and_no_event_is_lost() {
    let mut desk = Desk::after_an_hour();
    desk.go(",", 60, &[20]);
    let shown = desk.view();
    desk.wait(SECOND).read_ports(&[10, 40]);
    assert_eq!(desk.view(), shown);
    desk.press("0");
    assert_eq!(desk.ports(), [10, 40]);
    assert_eq!(desk.app.log.len(), 1);
}

#[test]
fn a_pause_ends_where_a_moment_is_shown() {
    let mut desk = Desk::after_an_hour();
    desk.press("p");
    desk.wait(SECOND).read_ports(&[10, 40]);
    let request = request(&desk.press(","));
    assert_eq!(desk.answer(&request, 60, &[20]), [Effect::SetPaused(false)]);
    desk.press("0");
    assert_eq!(desk.ports(), [10, 40]);
}

#[test]
fn the_cursor_follows_its_socket_also_through_moments_without_it() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.wait(SECOND * 3600).read_ports(&[10, 20, 30]);
    desk.press("j");
    assert_eq!(desk.selected_port(), Some(20));
    desk.go(",", 3000, &[5, 10, 15, 20]);
    assert_eq!(desk.selected_port(), Some(20));
    desk.go(",", 2000, &[5, 10]);
    assert_ne!(desk.selected_port(), Some(20));
    let request = desk.go("<", 1000, &[7, 20]);
    assert_eq!(desk.selected_port(), Some(20));
    let Seek::Change(Direction::Back, socket) = request.seek else {
        panic!("{:?}", request.seek)
    };
    assert_eq!(socket.local.port, 20);
    desk.press("k");
    desk.go(".", 2000, &[5, 7, 20]);
    assert_eq!(
        desk.selected_port(),
        Some(7),
        "the user has selected another row"
    );
    desk.go(".", 3000, &[20]);
    desk.press("0");
    assert_eq!(desk.ports(), [10, 20, 30]);
}

#[test]
fn no_action_is_possible_at_a_moment() {
    let mut desk = Desk::after_an_hour();
    desk.go(",", 60, &[10, 20]);
    for key in ["b", "B", "f", "K", "O"] {
        assert_eq!(desk.press(key), []);
        let said = footer(&desk);
        let refusal = "this is the table at 12:01:00; actions are disabled; 0 returns to now";
        assert!(said.contains(refusal), "{key}: {said}");
        assert_eq!(desk.mode(), Mode::Table, "{key}");
    }
}

#[test]
fn a_bind_test_is_closed_as_it_is_about_now() {
    let mut desk = Desk::after_an_hour();
    desk.press("b");
    desk.go(",", 60, &[10]);
    assert!(desk.view().pane.is_none());
}

#[test]
fn ages_go_by_the_time_of_the_moment() {
    let mut desk = Desk::after_an_hour();
    desk.resize(160, 24);
    desk.go(",", 60, &[10]);
    let row = |desk: &Desk| {
        let cells = desk.view().rows[0].cells.clone();
        cells
            .iter()
            .map(|cell| cell.text.trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(row(&desk).contains(&"5s".to_owned()), "{:?}", row(&desk));
    let shown = row(&desk);
    desk.wait(SECOND * 600).wake();
    assert_eq!(row(&desk), shown);
}

#[test]
fn the_moment_is_reversed_at_every_width() {
    let mut desk = Desk::after_an_hour();
    desk.go(",", 60, &[10]);
    for columns in 1..=200 {
        desk.resize(columns, 24);
        let badge = desk.moment_badge();
        assert!(!badge.is_empty(), "{columns}");
        assert!(
            columns < 3 || width(&badge) <= usize::from(columns),
            "{columns}: {badge}"
        );
        assert_eq!(badge.contains("12:01"), columns >= 6, "{columns}: {badge}");
    }
    for (columns, badge) in [
        (160, "AT 12:01:00 · 59 min ago"),
        (80, "AT 12:01:00 · 59 min ago"),
        (40, "AT 12:01:00 · 59 min ago"),
        (20, "AT 12:01:00"),
        (9, "12:01:00"),
        (6, "12:01"),
        (3, "AT"),
    ] {
        desk.resize(columns, 24);
        assert_eq!(desk.moment_badge(), badge, "{columns}");
    }
}

#[test]
fn a_moment_of_another_day_has_its_date_and_a_gap_its_reason() {
    let mut desk = Desk::after_an_hour();
    desk.wait(SECOND * 86_400).read_ports(&[10]);
    desk.resize(160, 24);
    desk.go(",", 60, &[10]);
    assert_eq!(desk.moment_badge(), "AT 2026-01-02 12:01:00 · 24 h ago");
    let shown = desk.app.playhead.moment.as_mut().unwrap();
    shown.gap = Some("the recorder was stopped");
    let badge = desk.moment_badge();
    assert!(
        badge.ends_with(" · not recorded: the recorder was stopped"),
        "{badge}"
    );
    desk.resize(60, 24);
    assert_eq!(
        desk.moment_badge(),
        "AT 2026-01-02 12:01:00 · 24 h ago · not recorded"
    );
}

#[test]
fn the_timeline_is_there_where_there_is_room_and_fits() {
    let mut desk = Desk::after_an_hour();
    assert!(desk.view().timeline.is_empty());
    desk.go(",", 1800, &[10]);
    for (columns, lines, is_there) in [
        (150, 40, true),
        (80, 24, true),
        (40, 10, true),
        (24, 8, true),
        (23, 8, false),
        (40, 7, false),
    ] {
        let effects = desk.resize_and_answer(columns, lines);
        let view = desk.view();
        assert_eq!(
            view.layout.timeline.height > 0,
            is_there,
            "{columns}×{lines}"
        );
        let text: String = view
            .timeline
            .iter()
            .map(|span| span.text.as_str())
            .collect();
        if is_there {
            assert_eq!(width(&text), usize::from(columns), "{effects} {text}");
            assert!(
                text.starts_with(" 12:00 ") && text.ends_with(" 13:00 "),
                "{text}"
            );
            let here = view.timeline.iter().filter(|span| span.is_reversed);
            assert_eq!(here.count(), 1);
        }
    }
}

impl Desk {
    /// Changes the size, and answers the request for another timeline; returns how many there were.
    fn resize_and_answer(&mut self, width: u16, height: u16) -> usize {
        let effects = self.send(Msg::Input(Input::Resized { width, height }));
        let requests = effects.iter().filter_map(|effect| match effect {
            Effect::ShowMoment(request) => Some((**request).clone()),
            _ => None,
        });
        let requests: Vec<_> = requests.collect();
        for request in &requests {
            assert_eq!(request.seek, Seek::Stay);
            self.answer(request, 1800, &[10]);
        }
        requests.len()
    }
}

#[test]
fn a_click_and_a_drag_on_the_timeline_seek() {
    let mut desk = Desk::after_an_hour();
    desk.go(",", 1800, &[10]);
    let y = desk.view().layout.timeline.y;
    let parts = 80 - 14;
    let effects = desk.send(Msg::Input(Input::Mouse(Mouse::Click { column: 7, row: y })));
    assert_eq!(
        request(&effects).seek,
        Seek::Time(moment(Duration::ZERO).wall)
    );
    let effects = desk.send(Msg::Input(Input::Mouse(Mouse::Drag {
        column: 7 + 11,
        row: 12,
    })));
    let at = moment(Duration::from_secs(HOUR * 11 / parts)).wall;
    assert_eq!(request(&effects).seek, Seek::Time(at));
    let effects = desk.send(Msg::Input(Input::Mouse(Mouse::Drag { column: 79, row: 3 })));
    assert_eq!(
        request(&effects).seek,
        Seek::Time(desk.now().wall),
        "the end"
    );
    desk.send(Msg::Input(Input::Mouse(Mouse::Release)));
    let effects = desk.send(Msg::Input(Input::Mouse(Mouse::Drag { column: 20, row: y })));
    assert_eq!(effects, []);
}

#[test]
fn a_time_is_typed_with_its_meaning_or_its_error_below() {
    let mut desk = Desk::after_an_hour();
    desk.press("@");
    assert!(footer(&desk).contains("go to time: ") && footer(&desk).contains("yesterday 3am"));
    desk.press("12:3");
    assert!(
        footer(&desk).contains("`12:3` isn't a time (use 03:12"),
        "{}",
        footer(&desk)
    );
    assert_eq!(desk.key(Key::Enter), []);
    assert_eq!(desk.mode(), Mode::Prompt, "an error stays");
    desk.press("0");
    assert!(
        footer(&desk).contains(" 2026-01-02 12:30:00"),
        "{}",
        footer(&desk)
    );
    let effects = desk.key(Key::Enter);
    let seek = request(&effects).seek;
    let at = moment(SECOND * 1800).wall + Duration::from_nanos(999_999_999);
    assert_eq!(seek, Seek::Time(at), "all of that second");
    for (text, seek) in [("start", Seek::Start), ("end", Seek::End)] {
        desk.press("@");
        desk.press(text);
        assert_eq!(request(&desk.key(Key::Enter)).seek, seek);
    }
    desk.press("@2030-01-01");
    assert!(footer(&desk).contains("2030-01-01 00:00:00 is in the future"));
    desk.key(Key::Esc);
    desk.go(",", 60, &[10]);
    desk.press("@now");
    assert_eq!(desk.key(Key::Enter), []);
    assert!(!desk.app.is_at_moment());
}

#[test]
fn what_can_not_be_shown_is_said_and_nothing_changes() {
    let mut desk = Desk::after_an_hour();
    let job = request(&desk.press(",")).job;
    let message = "the history begins here".to_owned();
    desk.send(Msg::MomentFailed { job, message });
    assert!(footer(&desk).contains("the history begins here"));
    assert!(!desk.app.is_at_moment());
    assert!(request(&desk.press(",")).from.is_some(), "from now again");
}

#[test]
fn p_plays_from_a_moment_and_stops_at_the_end() {
    let mut desk = Desk::after_an_hour();
    desk.go(",", 60, &[10]);
    desk.press("p");
    assert!(
        desk.moment_badge().ends_with(" · playing"),
        "{}",
        desk.moment_badge()
    );
    let due = desk.app.next_wake(desk.now()).unwrap();
    assert!(due >= SECOND && due < SECOND * 2, "{due:?}");
    let playing = request(&desk.wait(SECOND).wake());
    assert_eq!(playing.seek, Seek::Snapshot(Direction::Forward));
    assert_eq!(desk.wait(SECOND).wake(), [], "one after the other");
    desk.answer(&playing, 70, &[10, 20]);
    assert_eq!(desk.ports(), [10, 20]);
    let last = request(&desk.wait(SECOND).wake());
    let message = "the history ends here".to_owned();
    desk.send(Msg::MomentFailed {
        job: last.job,
        message,
    });
    assert_eq!(desk.wait(SECOND * 5).wake(), []);
    assert!(!desk.moment_badge().contains("playing"));
    desk.press("p");
    desk.go(",", 60, &[10]);
    assert!(!desk.moment_badge().contains("playing"), "a step stops it");
}

#[test]
fn a_recording_is_sought_and_played_with_the_same_keys() {
    let mut desk = Desk::with_ports(&[10]);
    desk.app.environment.origin = crate::model::Origin::Recording;
    let first = request(&desk.press("."));
    assert_eq!(
        desk.answer(&first, 60, &[10, 20]),
        [Effect::SetPaused(true)]
    );
    assert_eq!(desk.moment_badge(), "REPLAY 2026-01-02 12:01:00 · ended");
    desk.wait(SECOND * 3600);
    desk.go(",", 60, &[10]);
    assert_eq!(desk.moment_badge(), "REPLAY 2026-01-02 12:01:00 · paused");
    desk.press("p");
    assert_eq!(desk.moment_badge(), "REPLAY 2026-01-02 12:01:00");
    desk.key(Key::Esc);
    assert!(desk.app.is_at_moment(), "a recording has no now");
    assert_eq!(request(&desk.press("0")).seek, Seek::End);
    desk.press("b");
    assert!(footer(&desk).contains("this is a recording; actions are disabled"));
}

#[test]
fn the_services_of_the_user_and_the_time_of_closed_rows_count_there_too() {
    let mut desk = Desk::after_an_hour();
    let request = request(&desk.press(","));
    assert_eq!((request.linger, request.cells), (LINGER, 66));
    assert_eq!(request.services, Services::default());
    assert!(request.known.iter().all(|row| row.socket.local.port == 10));
}

#[test]
fn the_last_hour_is_written_as_a_recording_but_not_that_of_a_recording() {
    let mut desk = Desk::after_an_hour();
    desk.go(",", 60, &[10]);
    desk.press("wjj");
    assert_eq!(desk.key(Key::Enter), [Effect::WriteHistory]);
    assert_eq!(footer(&desk), " writing the last hour…");
    desk.send(Msg::RowsWritten(Written {
        count: 1,
        nouns: ["snapshot", "snapshots"],
        path: "/tmp/sockeye-1.jsonl".into(),
        not_in: None,
    }));
    assert_eq!(footer(&desk), " wrote 1 snapshot to /tmp/sockeye-1.jsonl");
    desk.app.environment.origin = crate::model::Origin::Recording;
    desk.press("wjj");
    let effects = desk.key(Key::Enter);
    assert!(
        matches!(effects[..], [Effect::Write(FileFormat::Csv, _)]),
        "{effects:?}"
    );
}

#[test]
fn what_would_act_on_now_is_closed_by_the_first_moment() {
    for (keys, is_closed) in [("K", true), ("B", true), ("w", false), ("/", false)] {
        let mut desk = Desk::after_an_hour();
        let late = request(&desk.press(","));
        desk.press(keys);
        assert_ne!(desk.mode(), Mode::Table, "{keys}");
        desk.answer(&late, 60, &[10]);
        assert_eq!(desk.mode() == Mode::Table, is_closed, "{keys}");
    }
}

#[test]
fn a_recording_is_read_before_a_time_in_it_means_anything() {
    let mut desk = Desk::with_ports(&[10]);
    desk.app.environment.origin = crate::model::Origin::Recording;
    let reads = request(&desk.press("@"));
    assert_eq!(reads.seek, Seek::Stay);
    desk.press("12:01");
    assert!(
        footer(&desk).contains("reading the recording…"),
        "{}",
        footer(&desk)
    );
    assert_eq!(desk.key(Key::Enter), []);
    desk.wait(SECOND * 120);
    desk.answer(&reads, 60, &[10]);
    assert!(
        footer(&desk).contains(" 2026-01-02 12:01:00"),
        "{}",
        footer(&desk)
    );
    let Seek::Time(_) = request(&desk.key(Key::Enter)).seek else {
        panic!("it is a time")
    };
}

/// The columns were empty, as if nothing had been counted.
#[test]
fn the_header_says_when_the_numbers_were_read() {
    let mut desk = Desk::after_an_hour();
    desk.resize(140, 24);
    let badge = |desk: &mut Desk, counters_at: Option<u64>| {
        let request = request(&desk.press(","));
        let mut shown = desk.shown(&request, 30, &[10]);
        shown.counters_at = counters_at.map(|second| moment(Duration::from_secs(second)).wall);
        desk.send(Msg::MomentShown(Box::new(shown)));
        desk.moment_badge()
    };
    assert!(!badge(&mut desk, None).contains("numbers"));
    desk.press("i");
    let none = badge(&mut desk, None);
    assert!(none.ends_with(" · numbers not recorded"), "{none}");
    assert!(!badge(&mut desk, Some(30)).contains("numbers"));
    let earlier = badge(&mut desk, Some(22));
    let seconds = earlier.rsplit_once(':').unwrap().1;
    assert!(
        earlier.contains(" · numbers of ") && seconds == "22",
        "{earlier}"
    );
}
