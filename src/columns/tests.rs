//! Columns at the widths and with the texts that make them hard.

use super::*;

fn fitted(width: u16) -> Vec<(&'static str, u16)> {
    let all: Vec<_> = ALL.iter().collect();
    fit(&all, width, |_| Demand::default())
        .iter()
        .map(|fitted| (fitted.column.title, fitted.width))
        .collect()
}

#[test]
fn every_column_is_found_under_its_id_and_its_name() {
    for column in ALL {
        assert_eq!(super::column(column.id).title, column.title);
        assert_eq!(by_name(column.name).unwrap().id, column.id);
    }
}

#[test]
fn port_state_and_process_are_never_dropped() {
    for width in 20..200 {
        let titles: Vec<_> = fitted(width).iter().map(|(title, _)| *title).collect();
        for kept in ["PORT", "STATE", "PROCESS"] {
            assert!(titles.contains(&kept), "{kept} at {width}");
        }
    }
}

#[test]
fn a_port_of_five_digits_fits_wherever_six_cells_do() {
    for width in 6..200 {
        let port = fitted(width)
            .iter()
            .find(|(title, _)| *title == "PORT")
            .unwrap()
            .1;
        assert!(port >= 5, "{port} at {width}");
    }
}

#[test]
fn columns_never_reach_beyond_the_edge() {
    let all: Vec<_> = ALL.iter().collect();
    for width in 1..250 {
        for wanted in [0, 60] {
            let fitted = fit(&all, width, |_| Demand {
                needed: wanted,
                useful: wanted,
            });
            let last = fitted.last().unwrap();
            assert!(
                last.x + last.width <= width,
                "{} at {width}",
                last.x + last.width
            );
        }
    }
}

#[test]
fn wide_terminals_show_everything_and_give_the_rest_to_the_command() {
    let fitted = fitted(250);
    assert_eq!(fitted.len(), ALL.len());
    assert!(fitted.last().unwrap().1 > 16);
}

#[test]
fn texts_are_cut_by_cells_not_by_characters() {
    assert_eq!(cut("データベース", 7), "データ…");
    assert_eq!(cut("nginx", 5), "nginx");
    assert_eq!(cut("nginx", 4), "ngi…");
    assert_eq!(cut("nginx", 0), "");
    assert_eq!(cut_middle("2001:db8:1234:5678::beef", 11), "2001:…:beef");
    assert_eq!(cut_middle("データベース", 6), "デ…ス");
    assert_eq!(pad("デ", 4, true), "  デ");
}

#[test]
fn a_text_cut_in_its_middle_leaves_no_accent_to_its_ellipsis() {
    assert_eq!(cut_middle("abcdee\u{301}fgh", 8), "abcd…fgh");
    assert_eq!(cut_middle("abcdefe\u{301}gh", 8), "abcd…e\u{301}gh");
}

#[test]
fn letters_that_a_font_may_join_take_their_own_cells() {
    assert_eq!(width("لا"), 2);
}

#[test]
fn a_word_that_is_too_wide_is_folded_where_a_wide_character_does_not_fit() {
    assert_eq!(folded("a 語語語 b", 5), ["a", "語語", "語", "b"]);
    assert_eq!(folded("語", 1), ["語"]);
}
