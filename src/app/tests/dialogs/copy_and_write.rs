//! What is copied, and what is written to a file.

use crate::app::tests::*;

#[test]
fn the_rows_written_are_the_rows_shown() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("/!:20");
    desk.key(Key::Enter);
    desk.press("S");
    assert_eq!(desk.press("w"), []);
    desk.press("j");
    let effects = desk.key(Key::Enter);
    let shown: Vec<RowId> = desk.app.rows_in_view().map(|row| row.id).collect();
    assert_eq!(shown.len(), 2);
    assert_eq!(effects, [Effect::Write(FileFormat::Csv, shown)]);
}

#[test]
fn rows_to_write_are_counted_before_and_the_folder_is_shown_after() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("w");
    let menu = desk.view().overlay.expect("a choice of formats");
    assert_eq!(menu.title, "write the 2 rows shown");
    desk.key(Key::Enter);
    assert_eq!(footer(&desk), " writing 2 rows…");
    let written = |path: &str, not_in: Option<&str>| {
        Msg::RowsWritten(Written {
            count: 2,
            nouns: ["row", "rows"],
            path: path.into(),
            not_in: not_in.map(String::from),
        })
    };
    desk.send(written("/home/ann/sockeye-1.json", None));
    assert_eq!(footer(&desk), " wrote 2 rows to /home/ann/sockeye-1.json");
    desk.send(written("/tmp/sockeye-1.json", Some("/opt: not permitted")));
    let elsewhere = " wrote 2 rows to /tmp/sockeye-1.json, not to /opt: not permitted";
    assert_eq!(footer(&desk), elsewhere);
    let long = format!(
        "/srv/{}/sockeye-20260102T030405678Z.json",
        "deep/".repeat(20)
    );
    desk.send(written(&long, None));
    let told = footer(&desk);
    assert_eq!(columns::width(&told), 80, "{told}");
    assert!(
        told.starts_with(" wrote 2 rows to /srv/") && told.ends_with("Z.json"),
        "{told}"
    );
}

#[test]
fn without_rows_there_is_nothing_to_write_or_to_copy() {
    for (key, told) in [("w", "no rows are shown"), ("c", "no row is selected")] {
        let mut desk = Desk::with_ports(&[]);
        assert_eq!(desk.press(key), []);
        assert_eq!(desk.mode(), Mode::Table);
        assert!(footer(&desk).contains(told), "{}", footer(&desk));
    }
}

#[test]
fn copied_text_is_shown_and_cut_before_the_words_around_it() {
    let mut desk = Desk::with_ports(&[80]);
    desk.press("c");
    assert_eq!(desk.key(Key::Enter), [Effect::Copy("127.0.0.1:80".into())]);
    assert_eq!(
        footer(&desk),
        " copied 127.0.0.1:80 to the clipboard (by the terminal)"
    );
    let (width, height) = (60, 24);
    desk.send(Msg::Input(Input::Resized { width, height }));
    let mut process = (*process(7)).clone();
    process.command = Some("x".repeat(200).as_str().into());
    let socket = Socket {
        owner: Owner::Known([Arc::new(process)].into()),
        ..listener(80)
    };
    desk.read(&[socket]);
    desk.press("cjj");
    desk.key(Key::Enter);
    let told = footer(&desk);
    assert!(
        told.starts_with(" copied xxxx") && told.ends_with("… to the clipboard (by the terminal)"),
        "{told}"
    );
    assert_eq!(columns::width(&told), 60, "{told}");
}

fn menu_items(desk: &Desk) -> Vec<String> {
    let menu = desk.view().overlay.expect("a menu is open");
    let text = |line: &crate::app::view::Line| line.iter().map(|span| span.text.as_str()).collect();
    menu.lines.iter().map(text).collect()
}

#[test]
fn a_whole_row_is_copied_as_text_or_json_after_the_items_that_were_there_before() {
    for (up, format, kind) in [(1, RowFormat::Text, "text"), (0, RowFormat::Json, "JSON")] {
        let mut desk = Desk::with_ports(&[80, 81]);
        desk.press("jc");
        let items = menu_items(&desk);
        let names: Vec<_> = items
            .iter()
            .filter_map(|item| item.split_whitespace().next())
            .collect();
        assert_eq!(names, ["address", "pid", "command", "curl", "row", "row"]);
        assert!(items[4].contains("row as text") && items[5].contains("row as JSON"));
        desk.press("jjjjjj");
        for _ in 0..up {
            desk.press("k");
        }
        let selected = desk.app.selected().map(|row| row.id);
        let effects = desk.key(Key::Enter);
        assert_eq!(
            effects,
            [Effect::CopyRows(format, selected.into_iter().collect())]
        );
        let expected = format!(" copied 1 row as {kind} to the clipboard (by the terminal)");
        assert_eq!(footer(&desk), expected);
    }
}

#[test]
fn a_row_that_ended_while_the_menu_was_open_is_not_copied_in_place_of_another() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("c");
    desk.read_ports(&[81]);
    desk.settle_on(&[81]);
    desk.wait(LINGER).read_ports(&[81]);
    desk.press("jjjjjj");
    assert_eq!(desk.key(Key::Enter), []);
    assert!(
        footer(&desk).contains("not in the table any more"),
        "{}",
        footer(&desk)
    );
}
