//! Wrong usage: exit code 2 and one clear line.

use crate::cli::scene::{TempFile, sockeye, stage};

#[test]
fn without_a_terminal_it_points_to_list() {
    for args in [&[][..], &["nginx"], &["-a"]] {
        let said = sockeye(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.contains("`sockeye list`"), "{said:?}");
    }
}

#[test]
fn lines_need_no_terminal_but_standard_input_and_no_command() {
    for (args, why) in [
        (&["--linear", "list"][..], "a form of the live table"),
        (&["--linear", "--replay", "-"], "which is the recording"),
    ] {
        let said = sockeye(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
}

#[test]
fn a_mistyped_command_is_refused_with_the_command_that_was_meant() {
    for (typed, meant) in [("chek", "check"), ("lst", "list"), ("wathc", "watch")] {
        let said = sockeye(&[typed, "8080"]);
        assert_eq!(said.code, 2, "{said:?}");
        let expected = format!(
            "sockeye: unknown command `{typed}`; did you mean `sockeye {meant}`? To filter for that \
             word: sockeye -- {typed} 8080\n"
        );
        assert_eq!((&*said.out, said.err), ("", expected));
    }
    for (typed, expected) in [
        (
            "lsit",
            "sockeye: unknown command `lsit`; did you mean `sockeye help list`? (see --help)\n",
        ),
        ("zebra", "sockeye: unknown command `zebra` (see --help)\n"),
    ] {
        let said = sockeye(&["help", typed]);
        assert_eq!((said.code, &*said.err), (2, expected));
    }
    let said = sockeye(&["--", "chek"]);
    assert!(said.err.contains("needs a terminal"), "{said:?}");
    assert!(!sockeye(&["nginx"]).err.contains("did you mean"));
}

#[test]
fn a_wrong_filter_is_one_line() {
    for command in [&["list"][..], &["list", "--json"], &[]] {
        let said = sockeye(&[command, &["state:lisn"]].concat());
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(
            said.err.starts_with("sockeye: filter `state:lisn`"),
            "{said:?}"
        );
        assert!(said.err.contains("did you mean `listen`?"), "{said:?}");
    }
}

#[test]
fn a_hostile_filter_is_not_printed_raw() {
    let said = sockeye(&["list", "state:\x1b[31mx"]);
    assert_eq!(said.code, 2);
    assert!(!said.err.contains('\x1b'), "{said:?}");
}

#[test]
fn a_hostile_word_is_one_harmless_line() {
    for word in ["po\nrt", "\x1b[2J", "\u{202e}trop", "\u{9b}31m"] {
        for args in [&["list", "--sort", word][..], &["wait", "--for", word]] {
            let said = sockeye(args);
            assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
            assert_eq!(said.err.lines().count(), 1, "{said:?}");
            assert!(said.err.contains("[possible values: "), "{said:?}");
            assert!(
                !said.err.contains(['\x1b', '\u{202e}', '\u{9b}']),
                "{said:?}"
            );
        }
    }
}

#[test]
fn an_argument_that_is_missing_is_named() {
    for (args, named) in [
        (&["check"][..], "<TARGET>..."),
        (&["wait"], "<TARGET>..."),
        (&["completions"], "<SHELL>"),
    ] {
        let said = sockeye(args);
        assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.contains(named), "{said:?}");
    }
}

#[test]
fn a_wrong_duration_names_the_option_and_what_is_accepted() {
    for (option, value, accepted) in [
        (
            "--interval",
            "5x",
            "isn't a duration (use 500ms, 0.5, 2s or 1.5m)",
        ),
        ("--interval", "1ms", "isn't an interval (use 50ms to 24h)"),
        ("--interval", "0.01", "isn't an interval (use 50ms to 24h)"),
        (
            "--linger",
            "soon",
            "isn't a duration (use 500ms, 0.5, 2s or 1.5m)",
        ),
        (
            "--highlight",
            "-1s",
            "isn't a duration (use 500ms, 0.5, 2s or 1.5m)",
        ),
    ] {
        let said = sockeye(&["list", &format!("{option}={value}")]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(
            said.err.contains(option) && said.err.contains(accepted),
            "{said:?}"
        );
    }
}

#[test]
fn an_unknown_option_is_exit_code_2() {
    let said = sockeye(&["list", "--jsn"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(
        said.err.contains("--jsn") && said.err.contains("--json"),
        "{said:?}"
    );
}

#[test]
fn contradicting_options_are_exit_code_2() {
    let said = sockeye(&["list", "-l", "-a"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
}

#[test]
fn a_command_that_reads_no_table_says_that_it_records_nothing() {
    for command in [
        &["check", "8080"][..],
        &["free"],
        &["wait", "8080", "--for", "free"],
    ] {
        let said = sockeye(&[command, &["--record", "/nonexistent/recording"]].concat());
        assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
        assert!(
            said.err
                .contains("--record works with the live table, list and watch only"),
            "{said:?}"
        );
    }
}

#[test]
fn a_recording_that_is_none_is_one_line_with_its_name() {
    let cases = [
        TempFile::new("missing.jsonl"),
        TempFile::containing("empty.jsonl", ""),
        TempFile::containing("text.jsonl", "this is no recording\n"),
        TempFile::containing("other.jsonl", "{\"a\":1}\n"),
    ];
    for file in &cases {
        let said = sockeye(&["list", "--replay", file.path()]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(
            said.err.starts_with("sockeye: ") && said.err.contains(file.path()),
            "{said:?}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_recorded_into_is_one_line_with_its_name() {
    stage(|| {
        let said = sockeye(&["list", "--record", "/nonexistent/file"]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.contains("/nonexistent/file"), "{said:?}");
    });
}

#[test]
fn help_and_version_are_on_standard_output() {
    for (option, text) in [("--help", "Usage: sockeye"), ("--version", "sockeye ")] {
        let said = sockeye(&[option]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        assert!(said.out.contains(text), "{said:?}");
    }
}

#[test]
fn a_program_to_run_without_the_dashes_before_it_is_one_line_with_them() {
    let output = sockeye(&["run", "ls"]);
    assert_eq!(output.code, 2);
    let err = output.err;
    assert_eq!(
        err,
        "sockeye: the program comes after `--`: sockeye run -- CMD (see --help)\n"
    );
    let output = sockeye(&["run", "--free-first=0", "--", "true"]);
    let err = output.err;
    assert!(
        err.contains("'0'") && err.contains("not a port (1 to 65535"),
        "{err}"
    );
}
