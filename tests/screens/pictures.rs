//! Pictures of every scene at five sizes of terminal.

use sockeye::app::{Effect, Input, Inspected, Msg};
use sockeye::keymap::Key;
use std::time::Duration;

use sockeye::model::{
    Background, Behind, BehindKind, EndRisk, Engine, Limits, Problem, ProblemCode, RefreshTimings,
};

use super::canvas::{Canvas, Theme};
use super::kinds::kinds_stage;
use super::meanings::no_meaning_is_in_colour_or_glyph_alone;
use super::scenes::{
    bind_test_stage, busy, busy_stage, changes_stage, clients_stage, hidden_owners,
    leftovers_stage, minutes_stage, moment_stage, ports_stage, queues_stage, recording_stage,
    strange_stage, trouble_stage,
};
use super::stage::{Stage, known, listener, process};

const SIZES: [(u16, u16); 5] = [(80, 24), (40, 10), (160, 45), (120, 30), (200, 50)];

/// Compares the scene with its snapshot at each size. The scene is built for each size from the start.
pub fn picture(name: &str, scene: impl Fn(u16, u16) -> Stage) {
    for (width, height) in SIZES {
        let stage = scene(width, height);
        no_meaning_is_in_colour_or_glyph_alone(name, &stage);
        let text = Canvas::of(&stage, Theme::COLOUR).text();
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(format!("{name}_{width}x{height}"), text));
    }
}

#[test]
fn busy_table() {
    picture("busy", busy_stage);
}

#[test]
fn changes() {
    picture("changes", changes_stage);
}

#[test]
fn a_moment_of_the_last_hour() {
    picture("moment", moment_stage);
}

#[test]
fn a_time_to_go_to() {
    picture("moment_prompt", |width, height| {
        let mut stage = moment_stage(width, height);
        stage.press("@yesterday 3");
        stage
    });
}

#[test]
fn groups_of_processes_one_of_them_open() {
    picture("groups", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("3z");
        stage.key(Key::Home);
        stage.key(Key::Right);
        stage
    });
}

#[test]
fn groups_within_groups() {
    picture("groups_within", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("3Zj");
        stage.key(Key::Enter);
        stage.press("jjjj");
        stage.key(Key::Enter);
        stage.key(Key::Home);
        stage.key(Key::Right);
        stage.press("j");
        stage.key(Key::Right);
        stage
    });
}

#[test]
fn groups_in_trouble() {
    picture("groups_trouble", |width, height| {
        let mut stage = trouble_stage(width, height);
        stage.press("3z");
        stage
    });
}

#[test]
fn the_fields_to_group_by() {
    picture("menu_groups", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("Z");
        stage
    });
}

#[test]
fn details_of_a_group() {
    picture("details_group", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("3z");
        stage.key(Key::Home);
        stage.key(Key::Right);
        stage.press("j");
        stage.key(Key::Enter);
        stage.press("k");
        stage
    });
}

#[test]
fn details_of_a_shared_listener() {
    picture("details", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/:80");
        stage.key(Key::Enter);
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn sockets_without_ports() {
    picture("kinds", kinds_stage);
}

#[test]
fn details_of_a_unix_connection() {
    picture("kinds_details", |width, height| {
        let mut stage = kinds_stage(width, height);
        stage.press("/u_str dockerd");
        stage.key(Key::Enter);
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn the_kinds_to_choose_from() {
    picture("menu_kinds", |width, height| {
        let mut stage = kinds_stage(width, height);
        stage.press("P");
        stage
    });
}

#[test]
fn accept_queues_that_fill() {
    picture("queues", queues_stage);
}

#[test]
fn trouble() {
    picture("trouble", trouble_stage);
}

#[test]
fn the_next_row_in_trouble() {
    picture("trouble_next", |width, height| {
        let mut stage = trouble_stage(width, height);
        stage.press("!!");
        stage
    });
}

#[test]
fn details_of_a_listener_whose_queue_is_full() {
    picture("details_queue", |width, height| {
        let mut stage = queues_stage(width, height);
        stage.press("/is:full");
        stage.key(Key::Enter);
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn connections_of_a_listener_and_the_processes_at_their_other_ends() {
    picture("clients", clients_stage);
}

#[test]
fn details_of_a_listener_with_connections() {
    picture("details_clients", |width, height| {
        let mut stage = clients_stage(width, height);
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn details_of_a_connection_whose_peer_is_on_this_machine() {
    picture("details_peer", |width, height| {
        let mut stage = clients_stage(width, height);
        stage.press("/41162");
        stage.key(Key::Enter);
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn details_of_a_connection() {
    picture("details_connection", |width, height| {
        let mut stage = changes_stage(width, height);
        stage.press("2");
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn completions_of_a_filter() {
    picture("completion", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/!udp user:");
        stage.key(Key::Tab);
        stage.key(Key::Tab);
        stage
    });
}

#[test]
fn a_filter_that_was_cleared() {
    picture("filter_cleared", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/nginx");
        stage.key(Key::Enter);
        stage.key(Key::Esc);
        stage
    });
}

#[test]
fn events() {
    picture("events", |width, height| {
        let mut stage = changes_stage(width, height);
        stage.press("e");
        stage
    });
}

#[test]
fn a_focused_pane_with_a_search() {
    picture("pane_focused", |width, height| {
        let mut stage = changes_stage(width, height);
        stage.press("eo/listen");
        stage.key(Key::Enter);
        stage.press("n");
        stage
    });
}

#[test]
fn a_zoomed_pane_while_a_search_is_typed() {
    picture("pane_zoomed", |width, height| {
        let mut stage = changes_stage(width, height);
        stage.press("eo+/clo");
        stage
    });
}

#[test]
fn details_of_a_focused_pane() {
    picture("pane_details", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/node");
        stage.key(Key::Enter);
        stage.press("oG");
        stage
    });
}

#[test]
fn no_events_yet() {
    picture("events_none", |width, height| {
        let mut stage = busy_scene_without_history(width, height);
        stage.press("e");
        stage
    });
}

#[test]
fn stats() {
    picture("stats", |width, height| {
        let mut stage = Stage::new(width, height);
        let millis = |tenths: u64| Duration::from_micros(tenths * 100);
        // First without owners, then with all of them, then as usual.
        stage.refresh(&busy(), cost(&[93, 0, 0, 21], 0, 0), millis(12));
        let all = cost(&[98, 1104, 253, 9], 1150, 23_456);
        stage.refresh(&busy(), all, millis(46));
        for at in 0..10 {
            stage.wait_secs(1);
            let usual = cost(&[98 + at, 10, 6, 9 + at], at / 9, 2 + at);
            stage.refresh(&busy(), usual, millis(30 + at));
        }
        stage.press("$");
        stage
    });
}

#[test]
fn stats_of_a_recording() {
    picture("stats_recording", |width, height| {
        let mut stage = Stage::new(width, height);
        stage.refresh(
            &busy(),
            cost(&[0, 0, 0, 12], 0, 0),
            Duration::from_millis(3),
        );
        stage.press("$");
        stage
    });
}

#[test]
fn ephemeral_ports_in_the_stats() {
    picture("stats_ports", |width, height| {
        let mut stage = ports_stage(width, height, 43);
        stage.press("$");
        stage
    });
}

#[test]
fn ephemeral_ports_that_run_out() {
    picture("ports_short", |width, height| {
        let mut stage = ports_stage(width, height, 91);
        stage.press("$");
        stage
    });
}

#[test]
fn no_ephemeral_port_left() {
    picture("ports_none", |width, height| ports_stage(width, height, 99));
}

#[test]
fn the_last_minutes() {
    picture("minutes", minutes_stage);
}

#[test]
fn events_of_the_last_minutes() {
    picture("events_minutes", |width, height| {
        let mut stage = minutes_stage(width, height);
        stage.press("e]]");
        stage
    });
}

#[test]
fn events_of_the_last_minutes_that_match_a_filter() {
    picture("events_minutes_filter", |width, height| {
        let mut stage = minutes_stage(width, height);
        stage.press("/remote::50010");
        stage.key(Key::Enter);
        stage.press("e");
        stage
    });
}

/// Tenths of a millisecond: dump, owners, processes, diff.
fn cost(tenths: &[u64; 4], searched: u64, files: u64) -> RefreshTimings {
    let [dump, owners, processes, diff] = tenths.map(|one| Duration::from_micros(one * 100));
    RefreshTimings {
        dump,
        owners,
        processes,
        diff,
        searched,
        files,
    }
}

fn busy_scene_without_history(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(width, height);
    stage.read(&busy());
    stage
}

#[test]
fn bind_test() {
    picture("bind_test", bind_test_stage);
}

#[test]
fn bind_test_of_leftovers() {
    picture("bind_test_leftovers", leftovers_stage);
}

#[test]
fn bind_test_watched() {
    picture("bind_test_watched", |width, height| {
        let mut stage = leftovers_stage(width, height);
        stage.press("w");
        stage.wait_secs(2).send(Msg::Woke);
        stage
    });
}

#[test]
fn bind_test_with_the_question_to_end_the_owner() {
    picture("bind_test_end", |width, height| {
        let mut stage = bind_test_stage(width, height);
        stage.press("K");
        stage
    });
}

#[test]
fn bind_test_with_the_menu_of_what_to_copy() {
    picture("bind_test_copy", |width, height| {
        let mut stage = bind_test_stage(width, height);
        stage.press("c");
        stage
    });
}

#[test]
fn bind_test_under_way() {
    picture("bind_test_under_way", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("b");
        stage
    });
}

#[test]
fn bind_test_of_any_port_being_typed() {
    picture("bind_test_prompt", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("B8080/ud");
        stage
    });
}

#[test]
fn bind_test_of_no_port() {
    picture("bind_test_prompt_wrong", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("B8080/ud");
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn help() {
    picture("help", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("?");
        stage
    });
}

#[test]
fn help_with_a_bind_test_open() {
    picture("help_bind_test", |width, height| {
        let mut stage = bind_test_stage(width, height);
        stage.press("?");
        stage
    });
}

#[test]
fn help_searched() {
    picture("help_search", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("?/time");
        stage
    });
}

#[test]
fn menu_of_orders() {
    picture("menu_sort", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("s");
        stage
    });
}

#[test]
fn the_palette_by_a_synonym() {
    picture("palette_synonym", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press(":color");
        stage
    });
}

#[test]
fn help_scrolled_to_its_end() {
    picture("help_end", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("?");
        for _ in 0..100 {
            stage.key(Key::PageDown);
        }
        stage
    });
}

#[test]
fn menu_of_columns() {
    picture("menu_columns", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("Cjj jj");
        stage
    });
}

#[test]
fn menu_of_what_to_copy() {
    picture("menu_copy", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/nginx");
        stage.key(Key::Enter);
        stage.press("c");
        stage
    });
}

#[test]
fn question_before_a_process_is_ended() {
    picture("question", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/nginx");
        stage.key(Key::Enter);
        stage.press("Ks");
        stage
    });
}

/// A container's proxy: the question says what it is, what restarts it, and what is better.
#[test]
fn question_about_a_process_that_others_need() {
    picture("question_guarded", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/:80 state:listen");
        stage.key(Key::Enter);
        let key = Msg::Input(Input::Key(Key::Char('K')));
        let effects = stage.app.update(key, stage.now);
        let [Effect::InspectOwner { job, socket }] = &effects[..] else {
            panic!("{effects:?}")
        };
        let behind = Behind {
            name: Some("web".into()),
            image: Some("nginx:1.27".into()),
            engine: Some(Engine::Docker),
            ..Behind::new(BehindKind::Container)
        };
        let backgrounds = socket.owner.present().iter().map(|owner| Background {
            behind: Some(behind.clone()),
            end_risk: EndRisk::ContainerProxy,
            ..Background::new(owner.pid)
        });
        let found = Inspected {
            job: *job,
            backgrounds: backgrounds.collect(),
            supervisor: None,
            limits: Limits::default(),
        };
        stage.send(Msg::OwnerInspected(Box::new(found)));
        stage
    });
}

#[test]
fn marked_rows() {
    picture("marks", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("jm  j ");
        stage.key(Key::Home);
        stage
    });
}

#[test]
fn question_about_several_processes() {
    picture("question_several", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/nginx or node or cupsd");
        stage.key(Key::Enter);
        stage.press("VK");
        stage
    });
}

/// Longer than a line of the terminal.
#[test]
fn outcome_of_ending_a_process() {
    picture("outcome", |width, height| {
        let mut stage = busy_stage(width, height);
        let message = "python3 app.py (26489) exited after 0.2 s, back as 1054 after 0.4 s, started by supervisord \
                       (77): `supervisorctl stop web` keeps it down";
        stage.send(Msg::EndOutcome {
            succeeded: false,
            message: message.into(),
        });
        stage
    });
}

#[test]
fn nothing_to_end() {
    picture("nothing_to_end", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/is:hidden");
        stage.key(Key::Enter);
        stage.press("K");
        stage
    });
}

#[test]
fn filter_in_force() {
    picture("filter", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/nginx | :8000-9000");
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn filter_being_typed_with_an_error_marked() {
    picture("filter_wrong", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/nginx port:99999");
        stage
    });
}

#[test]
fn filter_that_is_longer_than_the_line() {
    picture("filter_long", |width, height| {
        let mut stage = busy_stage(width, height);
        let names: Vec<_> = (0..30).map(|n| format!("name{n}")).collect();
        stage.press(&format!("/{}", names.join(" | ")));
        stage
    });
}

#[test]
fn filter_that_nothing_matches() {
    picture("empty_filter", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/nginx :81");
        stage.key(Key::Enter);
        stage
    });
}

#[test]
fn protocol_that_is_off() {
    picture("protocol_off", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("tu");
        stage
    });
}

#[test]
fn before_the_first_snapshot() {
    picture("empty_start", Stage::new);
}

#[test]
fn host_without_sockets() {
    picture("empty_host", |width, height| {
        let mut stage = Stage::new(width, height);
        stage.read(&[]);
        stage.press("1");
        stage
    });
}

#[test]
fn nothing_has_changed_yet() {
    picture("empty_changes", |width, height| {
        let mut stage = busy_scene_without_history(width, height);
        stage.press("4");
        stage
    });
}

#[test]
fn paused() {
    picture("paused", |width, height| {
        let mut stage = changes_stage(width, height);
        stage.press("p");
        stage.wait_secs(150);
        stage.send(Msg::Woke);
        stage
    });
}

/// A recording has its own time.
#[test]
fn a_recording_that_has_ended() {
    picture("recording", |width, height| {
        let mut stage = recording_stage(width, height);
        stage.wait_secs(150);
        stage.send(Msg::Woke);
        stage
    });
}

#[test]
fn first_snapshot_that_failed() {
    picture("failed_at_first", |width, height| {
        let mut stage = Stage::new(width, height);
        stage.send(Msg::SnapshotFailed(
            "The socket table could not be read. Is /proc mounted?".into(),
        ));
        stage
    });
}

#[test]
fn later_snapshot_that_failed() {
    picture("failed_later", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.wait_secs(7).send(Msg::SnapshotFailed(
            "The socket table could not be read: permission denied.".into(),
        ));
        stage
    });
}

#[test]
fn problems_in_the_header() {
    picture("problems", |width, height| {
        let node = process(40211, "node", "ann", std::time::Duration::from_hours(1));
        let mut stage = Stage::new(width, height);
        let details = Problem::new(
            ProblemCode::DetailsUnreadable,
            "Queues can't be read: the kernel refuses sock_diag.",
        );
        stage.read_with(
            &[listener("127.0.0.1:8080", 6, known(&[&node]))],
            &[hidden_owners(1), details],
        );
        stage
    });
}

#[test]
fn one_problem_in_the_header() {
    picture("problem", |width, height| {
        let mut stage = Stage::new(width, height);
        stage.read_with(&busy(), &[hidden_owners(14)]);
        stage
    });
}

#[test]
fn numbers_instead_of_names() {
    picture("names_off", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("n");
        stage
    });
}

#[test]
fn sorted_by_another_column() {
    picture("sorted", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("sjjj");
        stage.key(Key::Enter);
        stage.press("S");
        stage
    });
}

#[test]
fn strange_names_and_long_addresses() {
    picture("strange", strange_stage);
}

#[test]
fn notice_of_something_done() {
    picture("notice", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.send(Msg::JobDone {
            succeeded: true,
            message: "TERM sent to nginx (pid 812).".into(),
        });
        stage
    });
}

#[test]
fn a_table_longer_than_the_screen_has_a_scrollbar() {
    picture("scrolled", |width, height| {
        let mut stage = Stage::new(width, height);
        let owner = || known(&[&process(812, "nginx", "root", Duration::from_mins(90))]);
        let sockets: Vec<_> = (1..=200)
            .map(|n| listener(&format!("127.0.0.1:{}", 8000 + n), n, owner()))
            .collect();
        stage.read(&sockets);
        for _ in 0..100 {
            stage.press("j");
        }
        stage
    });
}

#[test]
fn the_palette() {
    picture("palette", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press(":");
        stage
    });
}

#[test]
fn the_palette_narrowed() {
    picture("palette_narrowed", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press(":port");
        stage.key(Key::Down);
        stage
    });
}

#[test]
fn a_text_being_found() {
    picture("find", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.key(Key::F(3));
        stage.press("nginx");
        stage
    });
}

#[test]
fn between_two_matches() {
    picture("find_matches", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.key(Key::F(3));
        stage.press("nginx");
        stage.key(Key::Enter);
        stage.press("n");
        stage
    });
}

#[test]
fn suggestions_from_the_first_letter() {
    picture("suggestions", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("/s");
        stage
    });
}

#[test]
fn the_question_before_the_browser_opens() {
    picture("browser", |width, height| {
        let mut stage = busy_stage(width, height);
        stage.press("O");
        stage
    });
}
