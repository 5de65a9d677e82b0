//! Follows the advice as a person does: check, run the first fix, look at the port, start a server,
//! connect to it, and see who is still there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::expected::{Advice, First, Wanted, differences};
use crate::report::{Row, report};
use crate::scene::{Scene, SetUp};
use crate::stage::SOCKEYE;
use crate::started::{User, printed};
use crate::traffic::{ANSWER, Place, SEEN_OUTSIDE, Server, answer_here, answer_outside};

/// How soon after the command's start the port must be free.
const SOON: Duration = Duration::from_secs(5);

/// And how long after it, it must still be.
const LATER: Duration = Duration::from_secs(9);

/// How many scenes are followed at a time, where they don't disturb each other.
const AT_A_TIME: usize = 4;

/// With this, each scene's own command is run instead of what `sockeye` advises: whether the scenes are
/// true is then known without it.
const BY_SCENE: &str = "SOCKEYE_ADVICE_OWN";

/// With this, `sockeye end` carries the first fix out instead of a shell; where that is a sentence, it must end nothing.
const BY_END: &str = "SOCKEYE_ADVICE_END";

/// Follows the advice in each scene, some at a time, and fails with all that went wrong.
pub fn follow_all(family: &str, scenes: Vec<Scene>) {
    follow_families(vec![(family, scenes)]);
}

/// The same for several families on one stage.
pub fn follow_families(families: Vec<(&str, Vec<Scene>)>) {
    let numbered = families
        .into_iter()
        .flat_map(|(family, scenes)| scenes.into_iter().enumerate().map(move |one| (family, one)));
    let mut all: Vec<_> = numbered.collect();
    all.reverse();
    let all = Mutex::new(all);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = all.lock().unwrap().pop();
                    let Some((family, (number, scene))) = next else {
                        return;
                    };
                    if let Some(failure) = follow_caught(family, number, scene) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Follows the advice in one scene alone, where it concerns the whole machine.
pub fn follow_alone(family: &str, number: usize, scene: Scene) {
    if let Some(failure) = follow_caught(family, number, scene) {
        panic!("{failure}");
    }
}

/// What goes wrong when a scene's own command is run, not what `sockeye` advises.
pub fn own_failure(scene: Scene) -> String {
    follow("", 0, scene, Source::Scene).join("\n")
}

fn follow_caught(family: &str, number: usize, scene: Scene) -> Option<String> {
    let situation = scene.situation;
    let only = std::env::var("SOCKEYE_ADVICE_ONLY").unwrap_or_default();
    if !situation.contains(&only) {
        return None;
    }
    let source = if std::env::var_os(BY_SCENE).is_some() {
        Source::Scene
    } else if std::env::var_os(BY_END).is_some() {
        Source::End
    } else {
        Source::Sockeye
    };
    let followed =
        std::panic::catch_unwind(AssertUnwindSafe(|| follow(family, number, scene, source)));
    let wrong = followed.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        vec![said.unwrap_or_else(|| "panicked".into())]
    });
    let state = if wrong.is_empty() { "ok" } else { "FAILED" };
    println!("{state}: {family}: {situation}");
    (!wrong.is_empty()).then(|| format!("{family}: {situation}:\n  {}", wrong.join("\n  ")))
}

/// Whose command is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Sockeye,
    Scene,
    /// What `sockeye` advises, carried out by `sockeye end`.
    End,
}

/// Follows it; what went wrong.
fn follow(family: &str, number: usize, mut scene: Scene, source: Source) -> Vec<String> {
    let set_up = std::mem::replace(&mut scene.set_up, Box::new(SetUp::new))();
    let is_free = scene.place.bind().is_ok();
    assert_eq!(
        is_free, scene.is_bound_before,
        "whether it can be bound before"
    );
    let mut wrong = Vec::new();
    let said = match source {
        Source::Sockeye | Source::End => advised(&scene, &set_up, &mut wrong),
        Source::Scene => own(&scene, &set_up),
    };
    let happened = match (&scene.first, &said) {
        (First::Sentence { .. }, _) if source == Source::End => {
            wrong.extend(not_ended(&scene, &set_up));
            String::new()
        }
        (First::Sentence { .. }, _) => "nothing is run: a sentence".into(),
        (First::Command { .. }, Said { command: None, .. }) => {
            wrong.push("no command to run".into());
            String::new()
        }
        (
            First::Command { .. },
            Said {
                command: Some(command),
                ..
            },
        ) => {
            let command = match source {
                Source::End => &by_end(&scene, command),
                Source::Sockeye | Source::Scene => command,
            };
            let mut running = run(&set_up, scene.user, command);
            let happened = execute(&mut running, &scene.place, scene.is_seen_outside);
            happened.unwrap_or_else(|failure| {
                wrong.push(format!("`{command}`: {failure}"));
                String::new()
            })
        }
    };
    let gone = set_up.bystanders.iter().filter(|(_, lives)| !lives());
    wrong.extend(gone.map(|(name, _)| format!("{name} is gone")));
    if wrong.is_empty() && source != Source::End {
        report(&Row {
            family,
            number,
            situation: scene.situation,
            user: scene.user,
            first: &set_up.emptied(&said.first),
            is_command: said.command.as_ref() == Some(&said.first),
            happened: &happened,
            lives: set_up.bystanders.iter().map(|(name, _)| &**name).collect(),
        });
    }
    set_up.end();
    wrong
}

/// The first fix as it is printed, and the first command.
struct Said {
    first: String,
    command: Option<String>,
}

/// What `sockeye` advises, held against what the scene expects.
fn advised(scene: &Scene, set_up: &SetUp, wrong: &mut Vec<String>) -> Said {
    let line = format!("{SOCKEYE} check {} --json", scene.place.target());
    let output = run(set_up, scene.user, &line).output().unwrap();
    let advice = match Advice::parse(&String::from_utf8_lossy(&output.stdout)) {
        Ok(advice) => advice,
        Err(error) => panic!("{error}: {}", printed(&output)),
    };
    let fill = |texts: &[String]| texts.iter().map(|one| set_up.filled(one)).collect();
    let facts = scene.facts.iter();
    let wanted = Wanted {
        never: fill(&scene.never),
        also_ends: fill(&scene.also_ends),
        warns: fill(&scene.warns),
        facts: facts
            .map(|(of, key, pattern)| (*of, *key, set_up.filled(pattern)))
            .collect(),
    };
    let first = scene.first.filled(|text| set_up.filled(text));
    let differences = differences(&advice, &first, &wanted);
    if !differences.is_empty() {
        let parts = ["summary", "remedies", "behind", "kept_by", "notes", "gaps"];
        let parts = parts.map(|part| format!("{part}: {}", advice.whole[part]));
        println!("advice in {}:\n  {}", scene.situation, parts.join("\n  "));
    }
    wrong.extend(differences);
    let first = advice.fixes.first().cloned();
    let first = first.map(|fix| fix.command.unwrap_or(fix.text));
    Said {
        first: first.unwrap_or_default(),
        command: advice.fixes.into_iter().find_map(|fix| fix.command),
    }
}

/// The line that carries a command out, as the same user: SIGKILL is to be allowed, and there is no terminal for `sudo`.
fn by_end(scene: &Scene, command: &str) -> String {
    let sudo = if command.starts_with("sudo ") {
        "sudo "
    } else {
        ""
    };
    let hard = if command.contains("KILL") {
        " --hard"
    } else {
        ""
    };
    let target = scene.place.target();
    format!("{sudo}{SOCKEYE} end {target} --yes{hard} --timeout 5")
}

/// What goes wrong when `sockeye end` is to carry a sentence out: it must end nothing.
fn not_ended(scene: &Scene, set_up: &SetUp) -> Option<String> {
    let line = format!("{SOCKEYE} end {} --yes --timeout 0.1", scene.place.target());
    let output = run(set_up, scene.user, &line).output().unwrap();
    let expected = i32::from(!scene.is_bound_before);
    // A shell of the scene's own may have no exit code of the line.
    if set_up.shell.is_none() && output.status.code() != Some(expected) {
        return Some(format!("`{line}`: {}", printed(&output)));
    }
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let has_acted = err.contains("sent SIG") || err.lines().any(|line| line.starts_with("run: "));
    let is_free = scene.place.bind().is_ok();
    (has_acted || is_free != scene.is_bound_before).then_some(err)
}

/// What the scene itself is known to be mended by.
fn own(scene: &Scene, set_up: &SetUp) -> Said {
    let command = match &scene.first {
        First::Command { line, .. } => Some(set_up.filled(line)),
        First::Sentence { .. } => None,
    };
    Said {
        first: command.clone().unwrap_or_else(|| "(a sentence)".into()),
        command,
    }
}

fn run(set_up: &SetUp, user: User, line: &str) -> Command {
    let shell = set_up.shell.as_ref();
    shell.map_or_else(|| user.shell(line), |shell| shell(line))
}

/// Runs the fix and looks at the port; what happened, or what did not.
fn execute(command: &mut Command, place: &Place, is_seen_outside: bool) -> Result<String, String> {
    let began = Instant::now();
    let running = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let output = thread::spawn(move || running.wait_with_output().unwrap());
    while place.bind().is_err() {
        if began.elapsed() > SOON {
            let said = output
                .is_finished()
                .then(|| printed(&output.join().unwrap()));
            let said = said.unwrap_or_else(|| "it still runs".into());
            return Err(format!("the port is not free after 5 s: {said}"));
        }
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(SOON.saturating_sub(began.elapsed()));
    place
        .bind()
        .map_err(|error| format!("after 5 s: {error}"))?;
    thread::sleep(LATER.saturating_sub(began.elapsed()));
    let server = Server::start(place).map_err(|error| format!("after 9 s: {error}"))?;
    reach(place, is_seen_outside)?;
    drop(server);
    if !output.is_finished() {
        return Err("the command still runs after 9 s".into());
    }
    let output = output.join().unwrap();
    if !output.status.success() {
        return Err(format!("the command fails: {}", printed(&output)));
    }
    let from = if is_seen_outside { " and outside" } else { "" };
    Ok(format!(
        "free after 5 s and 9 s; the new server answers on loopback{from}"
    ))
}

/// Connects to the new server by every way that leads there.
fn reach(place: &Place, is_seen_outside: bool) -> Result<(), String> {
    for &ip in &place.addresses {
        let to: IpAddr = match ip {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            one => one,
        };
        let answer = answer_here(place.protocol, to, place.port);
        if answer != ANSWER {
            return Err(format!("{to} answers {answer:?}, not the new server"));
        }
    }
    let is_asked = |seen: &&&str| {
        let seen: IpAddr = seen.parse().unwrap();
        let mut addresses = place.addresses.iter();
        addresses.any(|ip| ip.is_unspecified() && ip.is_ipv4() == seen.is_ipv4())
    };
    for seen in SEEN_OUTSIDE
        .iter()
        .filter(|_| is_seen_outside)
        .filter(is_asked)
    {
        let answer = answer_outside(place.protocol, seen, place.port);
        if answer != ANSWER {
            return Err(format!(
                "from outside {seen} answers {answer:?}, not the new server"
            ));
        }
    }
    Ok(())
}
