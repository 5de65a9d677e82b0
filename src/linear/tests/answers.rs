//! What commands print, and what happens by itself.

use super::*;
use crate::model::Problem;

#[test]
fn a_listing_is_read_in_pages_and_its_numbers_lead_to_rows() {
    let ports: Vec<_> = (8000..8030).collect();
    let mut desk = Desk::with_ports(&ports);
    let page = desk.types("list 2");
    assert_eq!(
        page,
        [
            "1. tcp port 8000, listening on 127.0.0.1, app, pid 8000, user ann",
            "2. tcp port 8001, listening on 127.0.0.1, app, pid 8001, user ann",
            "28 more lines; type more.",
        ]
    );
    assert_eq!(
        desk.types("more 1")[0].get(..20),
        Some("3. tcp port 8002, li")
    );
    assert_eq!(desk.types("more all").len(), 27);
    assert_eq!(desk.types("more"), ["no more lines"]);
    let row = desk.types("row 30");
    assert_eq!(row[0].get(..28), Some("row 30 of 30: tcp port 8029,"));
    assert_eq!(desk.types("next")[0], "last row");
    assert_eq!(
        desk.types("row 31"),
        ["`31`: the last listing has rows 1 to 30"]
    );
    assert_eq!(
        desk.types("list 0"),
        ["`0`: expected a number of lines, or all"]
    );
}

#[test]
fn changes_are_one_line_each_and_only_of_rows_that_are_shown() {
    let mut desk = Desk::with_ports(&[80]);
    let opened = desk.read(&[listener(80), listener(8080)]);
    let facts = "tcp port 8080 (http-alt), listening on 127.0.0.1, app, pid 8080, user ann";
    assert_eq!(opened, [format!("opened: {facts}")]);
    desk.read(&[listener(80)]);
    let closed = desk.read(&[listener(80)]);
    let was = facts.replace("listening", "was listening");
    assert_eq!(closed, [format!("closed: {was}")]);
    desk.types("filter :90");
    assert_eq!(desk.read(&[listener(80), listener(8080)]), [""; 0]);
    assert_eq!(desk.read(&[listener(80), listener(90)]).len(), 1);
}

#[test]
fn a_burst_of_changes_is_counted() {
    let mut desk = Desk::with_ports(&[]);
    let many: Vec<_> = (1000..2000).map(listener).collect();
    let lines = desk.read(&many);
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[20], "980 more changes; events lists them.");
}

#[test]
fn changes_are_printed_with_the_next_command_or_left_out() {
    let mut desk = Desk::with_ports(&[]);
    desk.types("changes later");
    assert_eq!(desk.read(&[listener(80)]), [""; 0]);
    assert!(desk.types("")[0].starts_with("opened: tcp port 80 "));
    desk.types("changes off");
    assert_eq!(desk.read(&[listener(80), listener(90)]), [""; 0]);
    assert_eq!(desk.types(""), [""; 0]);
    assert!(desk.types("events 1")[0].contains("opened: tcp port 90"));
}

#[test]
fn a_pinned_port_is_announced_with_alert_whatever_is_shown() {
    let mut desk = Desk::with_ports(&[]);
    desk.types("changes off");
    desk.types("filter nothing");
    assert!(desk.types("pin 8080")[0].starts_with("pinned 8080: "));
    assert_eq!(desk.types("pin 8080"), ["8080 is already pinned"]);
    let lines = desk.read(&[listener(8080)]);
    assert!(
        lines[0].starts_with("alert: opened: tcp port 8080"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 1);
    assert!(desk.effects.contains(&Effect::Bell));
    desk.types("unpin 8080");
    assert_eq!(desk.read(&[]), [""; 0]);
    assert_eq!(desk.types("unpin 8080"), ["8080 is not pinned"]);
}

#[test]
fn nothing_changes_while_paused_and_resume_prints_what_did() {
    let mut desk = Desk::with_ports(&[]);
    assert_eq!(desk.types("pause"), ["paused; resume continues"]);
    assert_eq!(desk.read(&[listener(80)]), [""; 0]);
    let lines = desk.types("resume");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with("opened: tcp port 80 "), "{lines:?}");
}

#[test]
fn find_reads_rows_that_the_view_hides_and_go_shows_them() {
    let mut desk = Desk::with_ports(&[80, 8080]);
    desk.types("filter :80");
    assert!(desk.types("find app").len() == 2);
    assert_eq!(
        desk.types("find"),
        ["find what? For example: find node, or find :8080"]
    );
    assert_eq!(desk.types("find nobody"), ["nothing matches `nobody`"]);
    let lines = desk.types("8080");
    assert!(lines[0].starts_with("8080 was hidden"), "{lines:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("row 2 of 2: tcp port 8080"))
    );
    let none = "no socket has port 9; test 9 says whether it is free";
    assert_eq!(desk.types("go 9"), [none]);
}

#[test]
fn groups_are_counted() {
    let mut desk = Desk::with_ports(&[80, 8080]);
    assert_eq!(
        desk.types("group user state"),
        ["1 group of 2 rows", "user ann, state LISTEN: 2 sockets",]
    );
    assert!(desk.types("group planet")[0].starts_with("unknown field `planet`; group by"));
}

#[test]
fn a_problem_is_printed_when_it_begins() {
    let mut desk = Desk::with_ports(&[]);
    let mut read = |count: usize| {
        desk.time += SECOND;
        let text = format!("{count} owners hidden");
        let problem = Problem::new(ProblemCode::HiddenOwners, &text);
        let update = desk.tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            counters: None,
            ephemeral: None,
            taken_at: moment(desk.time),
            sockets: Vec::new(),
            processes: HashMap::new(),
            problems: vec![problem],
        });
        desk.send(Msg::SnapshotTaken(update))
    };
    assert_eq!(read(3), ["problem: 3 owners hidden"]);
    assert_eq!(read(4), [""; 0]);
}

#[test]
fn what_is_typed_is_never_repeated_raw() {
    let mut desk = Desk::with_ports(&[]);
    for line in ["\x1b]0;x\x07", "find \x1b[2J", "view \u{202e}x", "run \x07"] {
        let lines = desk.types(line).join("\n");
        assert!(!lines.contains(['\x1b', '\x07', '\u{202e}']), "{lines:?}");
    }
}

#[test]
fn hints_name_no_keys() {
    let mut desk = Desk::with_ports(&[80]);
    desk.types("filter :80");
    assert_eq!(desk.types("filter off")[1], "filter cleared");
    desk.types("filter x");
    assert_eq!(desk.types("list")[0], "Nothing matches `x`.");
}

#[test]
fn an_action_that_needs_the_screen_says_so_and_leaves_nothing_open() {
    let mut desk = Desk::with_ports(&[80]);
    for name in [
        "choose-columns",
        "open-palette",
        "edit-filter",
        "toggle-help",
        "go-to",
        "find",
        "find-next",
        "find-previous",
        "choose-sort",
        "choose-groups",
        "group-by-next",
        "mark-row",
        "mark-all",
        "focus-pane",
        "search-pane",
        "toggle-mouse",
        "save-settings",
    ] {
        let lines = desk.types(&format!("run {name}"));
        assert_eq!(
            lines,
            [format!(
                "`{name}` needs the screen; help lists the commands"
            )]
        );
    }
    assert_eq!(desk.types("run toggle-names"), ["done"]);
    assert_eq!(desk.types("list").len(), 1);
    let selected = desk.types("first");
    assert!(selected.last().unwrap().contains("port 80"), "{selected:?}");
}

#[test]
fn go_to_and_find_leave_the_current_row_and_the_search_as_they_were() {
    let mut desk = Desk::with_ports(&[80, 81]);
    let before = desk.types("last");
    for name in ["go-to", "find", "find-next", "find-previous"] {
        desk.types(&format!("run {name}"));
    }
    assert_eq!(desk.types("here"), before);
    assert!(desk.session.app.rows().find.is_none());
}

#[test]
fn details_of_a_port_with_several_rows_say_how_many() {
    let other = Socket {
        inode: Some(1),
        local: Endpoint::new("127.0.0.2".parse().unwrap(), 8080),
        ..listener(8080)
    };
    let mut desk = Desk::new(&[listener(8080), other, listener(80)]);
    let lines = desk.types("details 8080");
    assert_eq!(lines[0], "2 rows have that port; find :8080 reads them");
    let lines = desk.types("details 80");
    assert!(!lines[0].contains("rows have"), "{lines:?}");
}

#[test]
fn groups_of_the_config_leave_rows_to_list_and_to_select() {
    let mut desk = Desk::with_ports(&[80, 81]);
    assert_eq!(desk.types("list").len(), 2);
    for (command, port) in [("first", "port 80"), ("next", "port 81")] {
        let selected = desk.types(command);
        assert!(selected.last().unwrap().contains(port), "{selected:?}");
    }
}

/// A command after it must not act on a row that was never read.
#[test]
fn find_says_when_no_match_can_become_the_current_row() {
    let mut desk = Desk::with_ports(&[80, 81, 90]);
    desk.types("filter :81,90");
    desk.types("go 90");
    let lines = desk.types("find :80");
    assert!(
        lines[0].starts_with("hidden by the view or the filter"),
        "{lines:?}"
    );
    assert!(desk.types("here")[0].contains("port 90"));
    desk.types("find :80,81");
    assert!(
        desk.types("here")[0].contains("port 81"),
        "the first that is shown"
    );
    desk.types("find :80");
    assert!(desk.types("row 1").concat().contains("port 80 "));
}
