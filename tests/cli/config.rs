//! `sockeye config`, and what is said to a file that is wrong.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use sockeye::config::{MAX_BYTES, default_file};

use crate::cli::scene::{BINARY, Said, TempFile, sockeye, stage};
use crate::support::netns::in_netns_with_files;

/// A folder of the test's own, removed with it.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("sockeye-config-{}-{name}", std::process::id()));
        fs::create_dir_all(path.join("sockeye")).unwrap();
        Self(path)
    }

    /// With this as the user's own file.
    fn with(name: &str, text: &str) -> Self {
        let home = Self::new(name);
        fs::write(home.file(), text).unwrap();
        home
    }

    fn file(&self) -> PathBuf {
        self.0.join("sockeye/config.toml")
    }

    /// What is said to a user whose files these are.
    fn run(&self, args: &[&str]) -> Said {
        run(Command::new(BINARY)
            .args(args)
            .env("XDG_CONFIG_HOME", &self.0))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(command: &mut Command) -> Said {
    let output = command
        .timeout(std::time::Duration::from_secs(20))
        .output()
        .unwrap();
    Said::of(output)
}

/// Accepts the file.
fn accepts(path: &str) {
    let said = sockeye(&["config", "--config", path]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{path}");
}

/// Refuses the file with exactly these lines behind its name.
fn refuses(path: &str, lines: &[&str]) {
    let told = lines.iter().map(|line| format!("sockeye: {path}:{line}\n"));
    let told = told.collect::<Vec<_>>().concat();
    // The live table too, which would refuse to run without a terminal as well.
    for args in [
        &["config", "--config", path][..],
        &["--config", path],
        &["--config", path, "list"],
    ] {
        let said = sockeye(args);
        assert_eq!(
            (said.code, &*said.out, &*said.err),
            (2, "", &*told),
            "{args:?}"
        );
    }
}

#[test]
fn a_file_with_every_setting_is_accepted() {
    let default_file = default_file();
    let settings = default_file.replace("\n#", "\n");
    for (at, text) in [
        "",
        "\n\n\n",
        "# nothing",
        "# no end of the line",
        &default_file,
        "interval = \"50ms\"",
        "interval = '24h'\nlinger = \"0s\"\nhighlight = \"0ms\"\n",
        "\"interval\" = \"1s\"",
        "interval=\"1s\"#x",
        "view = \"ALL\"",
        "view = \"\"\"\nchanges\"\"\"",
        "protocols = [\"udp\", \"tcp\"]",
        "families = [ 'ipv6', ]",
        "filter = ''",
        "filter = '(nginx | \"a b\") !:80'",
        "filter = \"/caf\\u00e9|\\\\d+/\"",
        "columns = [\n  \"process\", # first\n  \"port\",\n  \"state\",\n]\n",
        "sort = \"Recv-Q\"\nreverse = true",
        "stats = true\r\ncolor = false\r\n",
        "\u{feff}stats = true\n",
        // Only the prose is still comment.
        &settings
            .lines()
            .filter(|line| !line.starts_with(' ') && line.contains(['=', '[']))
            .collect::<Vec<_>>()
            .join("\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = TempFile::containing(&format!("good-{at}.toml"), text);
        accepts(file.path());
    }
}

/// Refuses each of these texts with these lines.
fn refuses_each(name: &str, cases: &[(&str, &[&str])]) {
    for (at, (text, lines)) in cases.iter().enumerate() {
        let file = TempFile::containing(&format!("{name}-{at}.toml"), text);
        refuses(file.path(), lines);
    }
}

#[test]
fn a_value_that_is_not_accepted_is_refused_with_line_and_key() {
    refuses_each(
        "values",
        &[
            (
                "interval = \"soon\"",
                &["1: interval: `soon` isn't a duration (use 500ms, 0.5, 2s or 1.5m)"],
            ),
            (
                "interval = \"49ms\"",
                &["1: interval: `49ms` isn't an interval (use 50ms to 24h)"],
            ),
            (
                "interval = \"25h\"",
                &["1: interval: `25h` isn't an interval (use 50ms to 24h)"],
            ),
            (
                "highlight = \"-1s\"",
                &["1: highlight: `-1s` isn't a duration (use 500ms, 0.5, 2s or 1.5m)"],
            ),
            (
                "linger = \"99999999999999999h\"",
                &["1: linger: `99999999999999999h` isn't a duration (use 500ms, 0.5, 2s or 1.5m)"],
            ),
            (
                "interval = true",
                &[
                    "1: interval: found a boolean, expected a duration, such as \"500ms\", \"2s\", 0.5",
                ],
            ),
            (
                "interval = 5s",
                &["1: interval: string values must be quoted, expected literal string"],
            ),
            (
                "view = all",
                &["1: view: string values must be quoted, expected literal string"],
            ),
            (
                "view = \"lisening\"",
                &["1: view: unknown view `lisening`; did you mean `listening`?"],
            ),
            (
                "stats = yes",
                &["1: stats: string values must be quoted, expected literal string"],
            ),
            (
                "stats = \"yes\"",
                &["1: stats: found text, expected true or false"],
            ),
            (
                "protocols = [\"dccp\"]",
                &[
                    "1: protocols: unknown protocol `dccp`; use one of tcp, udp, udplite, sctp, raw, packet, unix",
                ],
            ),
            (
                "families = []",
                &["1: families: an empty list would show nothing"],
            ),
            (
                "filter = \"state:lisn\"",
                &[
                    "1: filter: unknown state `lisn`; did you mean `listen`? Accepted: listen bound unconn dnat syn_sent syn_recv established fin_wait1 fin_wait2 close_wait last_ack closing time_wait closed",
                ],
            ),
            ("filter = \"(a\"", &["1: filter: missing `)`"]),
            (
                "columns = [\"port\"]",
                &["1: columns: `state` is missing; it can't be hidden"],
            ),
            (
                "sort = \"prot\"",
                &["1: sort: unknown column `prot`; did you mean `proto`?"],
            ),
        ],
    );
}

#[test]
fn a_key_or_a_line_that_is_not_accepted_is_refused_too() {
    let deep = format!("columns = {}", "[".repeat(10_000));
    refuses_each(
        "lines",
        &[
            (
                "intervall = \"1s\"",
                &["1: unknown key `intervall`; did you mean `interval`?"],
            ),
            (
                "no-color = true",
                &["1: unknown key `no-color`; did you mean `color`?"],
            ),
            (
                "[keyss]\nquit = \"q\"",
                &["1: unknown key `keyss`; did you mean `keys`?"],
            ),
            (
                "stats = true\n\nstats = false",
                &["3: stats: duplicate key"],
            ),
            (
                "view = \"all\ncolor = true",
                &["1: view: invalid basic string, expected `\"`"],
            ),
            ("color", &["1: color: key with no value, expected `=`"]),
            (
                "\r\n\r\ncolor = 1\r\n",
                &["3: color: found a number, expected true or false"],
            ),
            (
                "\u{feff}color = 1",
                &["1: color: found a number, expected true or false"],
            ),
            (
                "view = 1\ncolor = true\nstats = 0\n\nxyz.a = 1\n",
                &[
                    "1: view: found a number, expected \"listening\", \"connections\", \"all\", \"changes\", \"trouble\" or a view of your own",
                    "3: stats: found a number, expected true or false",
                    "5: unknown key `xyz`; use one of interval, linger, highlight, view, protocols, families, filter, columns, sort, reverse, group, stats, notify, events, trace, mouse, color, themes, theme, services, views, keys",
                ],
            ),
            (
                &deep,
                &["1: columns: cannot recurse further; max recursion depth met"],
            ),
            (
                "\"\\u001b[2J\\n\" = 1",
                &[
                    r"1: unknown key `\x1b[2J\n`; use one of interval, linger, highlight, view, protocols, families, filter, columns, sort, reverse, group, stats, notify, events, trace, mouse, color, themes, theme, services, views, keys",
                ],
            ),
            (
                "sort = \"\\u202eport\"",
                &[r"1: sort: unknown column `\u{202e}port`; did you mean `port`?"],
            ),
        ],
    );
}

#[test]
fn a_file_that_is_not_text_is_refused_with_the_line() {
    let file = TempFile::new("latin1.toml");
    fs::write(file.path(), b"# caf\xc3\xa9\n# caf\xe9\n").unwrap();
    refuses(file.path(), &["2: not UTF-8: the byte 0xe9"]);
    fs::write(file.path(), b"\xff\xfes\0t\0").unwrap();
    refuses(file.path(), &["1: not UTF-8: the byte 0xff"]);
    fs::write(file.path(), [0; 1000]).unwrap();
    let said = sockeye(&["--config", file.path()]);
    assert!(
        said.err
            .starts_with(&format!("sockeye: {}:1: ", file.path())),
        "{said:?}"
    );
}

#[test]
fn an_unreadable_file_is_an_error_in_one_line_without_a_wait() {
    let home = Home::new("no-file");
    let path = |name: &str| home.0.join(name).to_str().unwrap().to_owned();
    mknodat(
        CWD,
        path("pipe"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    symlink("loop", path("loop")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    fs::write(
        path("large"),
        vec![b'\n'; usize::try_from(MAX_BYTES).unwrap() + 1],
    )
    .unwrap();
    for (file, why) in [
        (path("missing"), " No such file or directory (os error 2)"),
        (path("large/below"), " Not a directory (os error 20)"),
        (path("dangling"), " No such file or directory (os error 2)"),
        (
            path("loop"),
            " Too many levels of symbolic links (os error 40)",
        ),
        (path("sockeye"), " a folder, not a file"),
        (path("pipe"), " a pipe, socket or device, not a file"),
        (path("socket"), " a pipe, socket or device, not a file"),
        (path("large"), " larger than 65536 bytes"),
        ("/dev/zero".into(), " a pipe, socket or device, not a file"),
    ] {
        refuses(&file, &[why]);
    }
    fs::write(
        path("large"),
        vec![b'\n'; usize::try_from(MAX_BYTES).unwrap()],
    )
    .unwrap();
    accepts(&path("large"));
    symlink("large", path("link")).unwrap();
    accepts(&path("link"));
    accepts("/dev/null");
}

/// Each of these took more than a minute while a file could be of a megabyte.
#[test]
fn a_file_as_large_as_may_be_is_not_waited_for() {
    let most = usize::try_from(MAX_BYTES).unwrap() - 100;
    let filled = |begin: &str, piece: &dyn Fn(char) -> String, end: &str| {
        let mut text = begin.to_owned();
        for piece in ('\u{4e00}'..'\u{9fff}').map(piece) {
            if text.len() + piece.len() > most {
                break;
            }
            text.push_str(&piece);
        }
        text + end
    };
    let number = u32::from;
    for text in [
        filled("keys.quit = ['ctrl-c'", &|c| format!(",'{c}'"), "]"),
        filled("themes = {", &|c| format!("t{}={{}},", number(c)), "t={}}"),
        filled("", &|c| format!("[[views]]\nname='{c}'\n"), ""),
    ] {
        let file = TempFile::containing("large.toml", &text);
        let mut command = Command::new(BINARY);
        command.args(["keys", "--config", file.path()]);
        let ended = command.timeout(Duration::from_secs(30)).output().unwrap();
        assert!(ended.status.code().is_some(), "{}", &text[..30]);
    }
}

#[test]
fn a_file_that_may_not_be_read_is_one_line() {
    stage(|| {
        let file = TempFile::containing("unreadable.toml", "color = false");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o0)).unwrap();
        // Root of the namespace reads everything, unless its capabilities are taken away.
        let mut command = Command::new("setpriv");
        command.args([
            "--bounding-set=-all",
            "--inh-caps=-all",
            BINARY,
            "--config",
            file.path(),
        ]);
        let said = run(&mut command);
        let told = format!(
            "sockeye: {}: Permission denied (os error 13)\n",
            file.path()
        );
        assert_eq!((said.code, said.err), (2, told));
    });
}

#[test]
fn a_hostile_name_of_a_file_is_harmless() {
    let said = sockeye(&["--config", "/nonexistent/\x1b[2J\nx"]);
    let told = r"sockeye: /nonexistent/\x1b[2J\nx: No such file or directory (os error 2)";
    assert_eq!((said.code, said.err), (2, format!("{told}\n")));
}

#[test]
fn the_users_own_file_is_the_live_tables_but_for_names_of_services() {
    let home = Home::with("wrong", "color = false\nview = 1\n");
    let said = home.run(&[]);
    let told = format!(
        "sockeye: {}:2: view: found a number, expected \"listening\", \"connections\", \"all\", \"changes\", \"trouble\" or a view of your own\n",
        home.file().display()
    );
    assert_eq!((said.code, said.err), (2, told));
    // One that was named takes its place.
    let said = home.run(&["--config", "/dev/null"]);
    assert!(
        said.err.contains("the live table needs a terminal"),
        "{said:?}"
    );
    for args in [&["config"][..], &["man"], &["completions", "bash"]] {
        let said = home.run(args);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
    }
    stage(|| {
        let home = Home::with("others", "view = 1\n[keys]\nquit = []\n");
        for args in [
            &["list"][..],
            &["watch", "--for", "10ms"],
            &["check", "8080"],
            &["free"],
        ] {
            let said = home.run(args);
            assert!(said.code < 2 && said.err.is_empty(), "{args:?}: {said:?}");
        }
        let home = Home::with("nonsense", "[services]\n8080 = 5\n");
        let told = "sockeye: config.toml:2: services.8080: found a number, expected a name in quotes, such as \"my-api\"; your own service names are not used\n";
        for args in [&["list"][..], &["check", "8080"], &["free"]] {
            let said = home.run(args);
            assert!(said.code < 2, "{args:?}: {said:?}");
            assert_eq!(said.err, told, "{args:?}");
            let without = [args, &["--config", "/dev/null"]].concat();
            assert_eq!(home.run(&without).err, "", "{args:?}");
        }
    });
}

#[test]
fn a_missing_default_file_is_fine_and_one_that_is_not_a_file_is_an_error() {
    let needs_a_terminal = |said: &Said| said.err.contains("the live table needs a terminal");
    let home = Home::new("empty");
    assert!(needs_a_terminal(&home.run(&[])));
    fs::create_dir(home.file()).unwrap();
    assert_eq!(
        home.run(&[]).err,
        format!("sockeye: {}: a folder, not a file\n", home.file().display())
    );
    fs::remove_dir_all(home.0.join("sockeye")).unwrap();
    assert!(needs_a_terminal(&home.run(&[])));
    fs::write(home.0.join("sockeye"), "").unwrap();
    assert!(needs_a_terminal(&home.run(&[])));
}

#[test]
fn config_prints_a_file_that_is_accepted_and_changes_nothing() {
    let said = sockeye(&["config"]);
    assert_eq!(
        (said.code, &*said.out, &*said.err),
        (0, &*default_file(), "")
    );
    accepts(TempFile::containing("printed.toml", &said.out).path());
}

#[test]
fn the_guide_shows_the_real_output() {
    let guide = include_str!("../../docs/guide.md");
    let (_, block) = guide.split_once("<!-- config wrong -->\n```\n").unwrap();
    let (shown, _) = block.split_once("```").unwrap();
    let home = Home::new("guide");
    fs::write(
        home.0.join("config.toml"),
        "interval = \"soon\"\n\ncolour = false\n",
    )
    .unwrap();
    let mut command = Command::new(BINARY);
    let said = run(command
        .args(["--config", "config.toml"])
        .current_dir(&home.0));
    assert_eq!(said.err, shown);
}

#[test]
fn the_files_in_the_guide_are_accepted() {
    let guide = include_str!("../../docs/guide.md");
    let blocks: Vec<_> = guide.split("```toml\n").skip(1).collect();
    assert!(blocks.len() >= 2, "settings, and a theme");
    for block in blocks {
        let (text, _) = block.split_once("```").unwrap();
        accepts(TempFile::containing("guide.toml", text).path());
    }
}

#[test]
fn config_prints_the_path_of_the_file() {
    let path = |said: Said| {
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        said.out
    };
    let home = Home::new("path");
    assert_eq!(
        path(home.run(&["config", "--path"])),
        format!("{}\n", home.file().display())
    );
    let mut command = Command::new(BINARY);
    command
        .args(["config", "--path"])
        .env_clear()
        .env("HOME", &home.0);
    let expected = home.0.join(Path::new(".config/sockeye/config.toml"));
    assert_eq!(path(run(&mut command)), format!("{}\n", expected.display()));
    let said = home.run(&["config", "--path", "--config", "/dev/null"]);
    assert_eq!(path(said), "/dev/null\n");
}

#[test]
fn keys_prints_those_of_the_users_own_file() {
    let home = Home::with("keys", "[keys]\nquit = ['Q', 'f10']\nwrite = []\n");
    let line = |said: &Said, help: &str| {
        let found = said.out.lines().find(|line| line.ends_with(help));
        found.map(|line| line.trim().trim_end_matches(help).trim().to_owned())
    };
    let own = home.run(&["keys"]);
    assert_eq!((own.code, &*own.err), (0, ""));
    assert_eq!(line(&own, "  quit").as_deref(), Some("Q F10"));
    assert_eq!(line(&own, "JSON or CSV"), None, "it has no key");
    let at_first = home.run(&["keys", "--config", "/dev/null"]);
    assert_eq!(line(&at_first, "  quit").as_deref(), Some("q Ctrl-C F10"));
    let wrong = Home::with("wrong-keys", "[keys]\nbind-test = ['b']\nquit = ['b']\n");
    let said = wrong.run(&["keys"]);
    assert_eq!((said.code, &*said.out), (2, ""));
    assert!(
        said.err
            .contains(":3: keys.quit: `b` is already used by keys.bind-test"),
        "{said:?}"
    );
    let moved = Home::with("moved-keys", "[keys]\ntoggle-pause = ['space', 'f10']\n");
    let moved = moved.run(&["keys"]);
    assert_eq!((moved.code, &*moved.err), (0, ""));
    assert_eq!(line(&moved, "pause, resume").as_deref(), Some("Space F10"));
    assert_eq!(line(&moved, "  quit").as_deref(), Some("q Ctrl-C"));
    assert!(!moved.out.contains("mark or unmark the row"), "{moved:?}");
}

#[test]
fn a_port_has_its_own_name_in_every_command() {
    stage(|| {
        let _open = std::net::TcpListener::bind("127.0.0.1:9000").unwrap();
        let home = Home::with("services", "[services]\n9000 = 'my-api'\n");
        let listed = home.run(&["list", "--json", ":my-api"]);
        assert_eq!((listed.code, &*listed.err), (0, ""));
        assert!(listed.out.contains("\"service\":\"my-api\""), "{listed:?}");
        for args in [
            &["check", "my-api"][..],
            &["check", "127.0.0.1:MY-API"],
            &["wait", "my-api", "--for", "free", "--timeout", "10ms"],
        ] {
            let said = home.run(args);
            assert_eq!(said.code, 1, "{args:?}: {said:?}");
            let told = said.out + &said.err;
            assert!(told.contains("9000"), "{args:?}: {told}");
        }
        let unknown = home.run(&["--config", "/dev/null", "check", "my-api"]);
        assert_eq!(unknown.code, 2, "{unknown:?}");
        let named = home.file();
        let named = format!("--config={}", named.display());
        let elsewhere = Home::new("elsewhere");
        assert_eq!(elsewhere.run(&["check", "my-api", &named]).code, 1);
    });
}

/// A folder that hangs (a home on a network) would hang what only looks at it. Each time a link is followed its time
/// of access changes, on a file system that keeps it exactly.
#[test]
fn commands_without_settings_never_open_the_file() {
    let name = "config::commands_without_settings_never_open_the_file";
    in_netns_with_files(name, || {
        let home = Home::new("untouched");
        let mount = ["-t", "tmpfs", "-o", "strictatime", "none"];
        let status = std::process::Command::new("mount")
            .args(mount)
            .arg(&home.0)
            .status();
        assert!(status.unwrap().success());
        fs::create_dir_all(home.0.join("real/sockeye")).unwrap();
        let link = home.0.join("link");
        symlink("real", &link).unwrap();
        let followed = || {
            let link = fs::symlink_metadata(&link).unwrap();
            (link.atime(), link.atime_nsec())
        };
        let looks = |args: &[&str]| {
            let before = followed();
            let mut command = Command::new(BINARY);
            run(command.args(args).env("XDG_CONFIG_HOME", &link));
            before != followed()
        };
        assert!(looks(&["list"]) && looks(&["check", "81"]) && looks(&["keys"]));
        for args in [
            &["--version"][..],
            &["--help"],
            &["list", "--help"],
            &["help", "list"],
            &["completions", "bash"],
            &["man"],
            &["man", "list"],
            &["config"],
            &["--nonsense"],
            &["list", "--jsn"],
            &["check"],
            &["wait", "80", "--for", "fre"],
            &["chek", "80"],
            &["list", "--redact"],
        ] {
            assert!(!looks(args), "{args:?}");
        }
        let status = std::process::Command::new("umount").arg(&home.0).status();
        assert!(status.unwrap().success());
    });
}
