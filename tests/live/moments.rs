//! Going back in time, with real sockets.

use std::time::Duration;

use crate::live::scene::{after_it_closed, at, cell_of, listener, ports, row, stage};

#[test]
fn a_closed_listener_is_there_again_with_its_process_and_gone_after_it() {
    stage(|| {
        let _stays = listener(&at(8000));
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_text("AT ");
        live.wait_for_row(8080, |row| row.contains("LISTEN") && row.contains("sleep"));
        live.press("}");
        let is_closed = |screen: &str| row(screen, 8080).is_none_or(|row| row.starts_with('-'));
        live.wait_for("its end", is_closed);
        live.press("0");
        live.wait_without("AT ");
        live.wait_for_ports(&[8000]);
    });
}

#[test]
fn the_last_change_of_a_port_is_found_from_its_row() {
    stage(|| {
        let _stays = listener(&at(8000));
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("G");
        live.wait_for_selection(8080);
        live.press(">");
        live.wait_for_row(8080, |row| row.starts_with('-') && row.contains("closed"));
        live.press(">");
        live.wait_for_text("no later change of 127.0.0.1:8080 in the history");
        live.press("<");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.wait_for_selection(8080);
    });
}

#[test]
fn filter_groups_and_details_work_there_and_actions_do_not() {
    stage(|| {
        let _stays = listener(&at(8000));
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("/:8080\r");
        live.wait_for_ports(&[8080]);
        for key in ["K", "b", "f", "O"] {
            live.press(key);
            live.wait_for_text("; actions are disabled; 0 returns to now");
            live.press("j");
            live.wait_without("actions are disabled");
        }
        live.press("\r");
        live.wait_for_text("sleep 1000");
        live.press("\r");
        live.wait_without("details");
        live.press("z");
        live.wait_for_text("▸ sleep");
    });
}

#[test]
fn the_live_table_goes_on_meanwhile() {
    stage(|| {
        let _stays = listener(&at(8000));
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        let _new = listener(&at(9090));
        std::thread::sleep(Duration::from_millis(500));
        assert!(!ports(&live.pty.screen_text()).contains(&9090));
        live.press("0");
        live.wait_for_ports(&[8000, 9090]);
    });
}

#[test]
fn the_moment_is_reversed_and_a_typed_time_is_gone_to() {
    stage(|| {
        let mut live = after_it_closed(&[]);
        live.press("@");
        live.wait_for_text("go to time:");
        live.press("3x");
        live.wait_for_text("`3x` isn't a time");
        live.press("\x15start\r");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.wait_for_cells("a reversed moment", |screen| {
            let (_, columns) = screen.size();
            (0..columns).any(|x| {
                screen
                    .cell(0, x)
                    .is_some_and(|cell| cell.contents() == "A" && cell.inverse())
            })
        });
        assert!(cell_of(&live.pty.screen(), 8080, "LISTEN").is_some());
    });
}

#[test]
fn at_rest_a_moment_writes_nothing() {
    stage(|| {
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        let time = Duration::from_secs(1);
        assert_eq!(live.pty.bytes_written_during(time), 0);
    });
}
