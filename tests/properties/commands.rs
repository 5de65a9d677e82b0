//! Commands that a bind test names are run by a shell: whatever a unit or a container is called, it runs that
//! one command with that one name, or there is no command.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;
use sockeye::bind::{Target, Verdict};
use sockeye::model::{
    Activation, Background, Behind, BehindKind, Engine, Holder, Manager, Process, Supervisor,
    SupervisorKind, Text, Unit,
};

use super::stage::{after, known, listener, process, test_result};

/// What each stand-in does: it writes down its name and its words, one a line, and a line that ends them.
const STAND_IN: &str = "#!/bin/sh\nprintf '%s\\n' \"${0##*/}\" \"$@\" -- >> \"${0%/*}/said\"\n";

/// A folder with stand-ins for what may be named, and nothing else to run.
struct Path(PathBuf);

impl Path {
    fn new() -> Self {
        let name = format!("sockeye-commands-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for name in [
            "systemctl",
            "docker",
            "podman",
            "nerdctl",
            "machinectl",
            "supervisorctl",
            "kill",
            "id",
            "rm",
        ] {
            let file = folder.join(name);
            std::fs::write(&file, STAND_IN).expect("a file");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&file, mode).expect("its rights");
        }
        Self(folder)
    }

    /// What was run, each with its words.
    fn run(&self, command: &str) -> Vec<String> {
        let said = self.0.join("said");
        let _ = std::fs::remove_file(&said);
        // `kill` is a builtin: only a file can be replaced.
        let command = command.replacen(
            "kill ",
            "./kill ",
            usize::from(command.starts_with("kill ")),
        );
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &command]);
        let status = shell.env("PATH", &self.0).current_dir(&self.0).status();
        assert!(status.expect("a shell").success(), "{command}");
        let said = std::fs::read_to_string(said).unwrap_or_default();
        said.lines().map(str::to_owned).collect()
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Names that a user may have given a cgroup.
fn name() -> impl Strategy<Value = String> {
    let known = select(vec![
        "a;rm -rf ~;",
        "$(id)",
        "`id`",
        "-H host",
        "--root=/tmp",
        "it's",
        "\"",
        "a\nb",
        "*",
        "~root",
        "a\\x2db",
        "user@1000",
        "-",
        "a&id",
        "|id",
        ">said",
        "#",
        "\\",
        "!1",
        "{a,b}",
        "",
        "é\u{202e}",
    ]);
    prop_oneof![
        known.prop_map(str::to_owned),
        "[ -~]{0,12}",
        "[a-z0-9@:._\\\\-]{1,12}",
        ".{0,8}"
    ]
}

/// The commands of the answer about a listener in such a place.
fn commands(holder: Holder) -> Vec<String> {
    let target: Target = "0.0.0.0:80".parse().expect("a target");
    let taken = Some("EADDRINUSE");
    let answers = [
        ("0.0.0.0", None, true, taken),
        ("0.0.0.0", None, false, taken),
    ];
    let test_result = test_result(&target, after(Duration::ZERO), &[holder], &answers);
    let verdict = Verdict::of(&test_result, &TimeZone::UTC, test_result.evidence.taken_at);
    verdict
        .fixes
        .into_iter()
        .filter_map(|one| one.command)
        .collect()
}

fn holder(change: impl FnOnce(&mut Background)) -> Holder {
    let server = process(812, "nginx", "root", Duration::ZERO);
    let mut background = Background::new(812);
    change(&mut background);
    Holder {
        backgrounds: vec![background],
        ..Holder::new(listener("0.0.0.0:80", 1, known(&[&server])))
    }
}

fn service(name: &str) -> Unit {
    Unit {
        name: name.into(),
        manager: Manager::System,
        is_server: Some(true),
        main_pid: Some(812),
        restart: None,
        kill_mode: None,
        triggered_by: Vec::new(),
    }
}

/// Runs what is named and holds it against what may be: the words before the name, and then the name.
fn check(path: &Path, commands: &[String], expected: &[&[&str]]) {
    for command in commands
        .iter()
        .filter(|command| !command.starts_with("ss "))
    {
        let said = path.run(command);
        let is_it = |words: &&[&str]| said == *words;
        assert!(expected.iter().any(is_it), "{command:?} ran {said:?}");
    }
}

#[test]
fn a_command_names_the_unit_or_the_container_and_runs_nothing_else() {
    let path = Path::new();
    let kill: &[&str] = &["kill", "812", "--"];
    proptest!(|(name in name(), engine in select(vec![Engine::Docker, Engine::Podman, Engine::Nerdctl]))| {
        let unit = Text::new(&format!("{name}.service"));
        let in_unit = holder(|background| background.unit = Some(service(&unit)));
        let stop: &[&str] = &["systemctl", "stop", &unit, "--"];
        let stop_behind: &[&str] = &["systemctl", "stop", "--", &unit, "--"];
        check(&path, &commands(in_unit), &[kill, stop, stop_behind]);

        let container = Text::new(&name);
        let word = match engine {
            Engine::Podman => "podman",
            Engine::Nerdctl => "nerdctl",
            _ => "docker",
        };
        let in_container = holder(|background| {
            background.behind = Some(Behind {
                engine: Some(engine),
                name: Some(container.clone()),
                id: Some("0123456789ab".into()),
                ..Behind::new(BehindKind::Container)
            });
        });
        let stop: &[&str] = &[word, "stop", &container, "--"];
        // A name that no container can have gives way to the id.
        let stop_by_id: &[&str] = &[word, "stop", "0123456789ab", "--"];
        check(&path, &commands(in_container), &[stop, stop_by_id]);

        let file = Text::new(&format!("/{name}"));
        let of_app = holder(|background| {
            background.kept_by = Some(Supervisor {
                name: Some(container.clone()),
                place: Some(file.clone()),
                ..Supervisor::new(SupervisorKind::Supervisord)
            });
        });
        let stop: &[&str] = &["supervisorctl", "-c", &file, "stop", &container, "--"];
        check(&path, &commands(of_app), &[kill, stop]);

        let mut activated = holder(|_| {});
        let socket_unit = Text::new(&format!("{name}.socket"));
        activated.activation = Some(Activation { socket_unit: socket_unit.clone(), service: unit.clone() });
        let socket: &[&str] = &["systemctl", "stop", &socket_unit, "--"];
        let socket_behind: &[&str] = &["systemctl", "stop", "--", &socket_unit, "--"];
        check(&path, &commands(activated.clone()), &[kill, socket, socket_behind]);

        // A program of its own has it: the service was started, and ends too, unless its name is a template's.
        let server = Process { executable: Some("/usr/sbin/nginx".into()), ..Process::new(812, "nginx") };
        activated.socket = listener("0.0.0.0:80", 1, known(&[&Arc::new(server)])).into();
        let both: &[&str] = &["systemctl", "stop", &socket_unit, &unit, "--"];
        let both_behind: &[&str] = &["systemctl", "stop", "--", &socket_unit, &unit, "--"];
        let of_template: &[&[&str]] = if unit.contains("@.") { &[socket, socket_behind] } else { &[] };
        check(&path, &commands(activated), &[&[kill, both, both_behind], of_template].concat());
    });
}

#[test]
fn ordinary_names_have_their_commands() {
    let in_unit = holder(|background| background.unit = Some(service(r"my\x2dapp@1.service")));
    let named = commands(in_unit);
    assert!(
        named.contains(&r"systemctl stop 'my\x2dapp@1.service'".to_owned()),
        "{named:?}"
    );
}
