//! Follows the advice as a person does: check, run the first fix, look at the port, start a server,
//! connect to it, and see who is still there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::expected::{Advice, First, differences};
use crate::report::report;
use crate::scene::{Scene, SetUp};
use crate::stage::SOCKEYE;
use crate::started::printed;
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

/// Follows the advice in each scene, some at a time, and fails with all that went wrong.
pub fn follow_all(family: &str, scenes: Vec<Scene>) {
    let all = Mutex::new(scenes.into_iter().enumerate().collect::<Vec<_>>());
    all.lock().unwrap().reverse();
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = all.lock().unwrap().pop();
                    let Some((number, scene)) = next else { return };
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

fn follow_caught(family: &str, number: usize, scene: Scene) -> Option<String> {
    let situation = scene.situation;
    let only = std::env::var("SOCKEYE_ADVICE_ONLY").unwrap_or_default();
    if !situation.contains(&only) {
        return None;
    }
    let followed = std::panic::catch_unwind(AssertUnwindSafe(|| follow(family, number, scene)));
    let wrong = followed.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        vec![said.unwrap_or_else(|| "panicked".into())]
    });
    let state = if wrong.is_empty() { "ok" } else { "FAILED" };
    println!("{state}: {family}: {situation}");
    (!wrong.is_empty()).then(|| format!("{family}: {situation}:\n  {}", wrong.join("\n  ")))
}

/// Follows it; what went wrong.
fn follow(family: &str, number: usize, scene: Scene) -> Vec<String> {
    let mut set_up = (scene.set_up)();
    let is_free = scene.place.bind().is_ok();
    assert_eq!(is_free, scene.is_bound_before, "whether it is free before");
    let run = |line: &str| run(&set_up, scene.user, line);
    let mut wrong = Vec::new();
    let own = match &scene.first {
        First::Command { line, .. } => Some(set_up.filled(line)),
        First::Sentence { .. } => None,
    };
    let (command, said) = if std::env::var_os(BY_SCENE).is_some() {
        (own.clone(), own.unwrap_or_default())
    } else {
        let first = filled(&scene.first, &set_up);
        let never: Vec<_> = scene.never.iter().map(|one| set_up.filled(one)).collect();
        let facts = scene.facts.iter();
        let facts: Vec<_> = facts
            .map(|(of, key, pattern)| (*of, *key, set_up.filled(pattern)))
            .collect();
        let line = format!("{SOCKEYE} check {} --json", scene.place.target());
        let output = run(&line).output().unwrap();
        match Advice::parse(&String::from_utf8_lossy(&output.stdout)) {
            Ok(advice) => {
                wrong.extend(differences(&advice, &first, &never, &facts));
                let first = advice.fixes.first().cloned();
                let said = first.map_or_else(String::new, |fix| {
                    fix.command.clone().unwrap_or_else(|| fix.text.clone())
                });
                (advice.fixes.into_iter().find_map(|fix| fix.command), said)
            }
            Err(error) => return vec![format!("{error}: {}", printed(&output))],
        }
    };
    let is_to_be_run = matches!(scene.first, First::Command { .. });
    let happened = match command.filter(|_| is_to_be_run) {
        Some(command) => {
            let happened = execute(&mut run(&command), &scene.place, scene.is_seen_outside);
            happened.unwrap_or_else(|failure| {
                wrong.push(format!("`{command}`: {failure}"));
                String::new()
            })
        }
        None if is_to_be_run => {
            wrong.push("no command to run".into());
            String::new()
        }
        None => "nothing is run: a sentence".into(),
    };
    let gone = set_up.bystanders.iter().filter(|(_, lives)| !lives());
    wrong.extend(gone.map(|(name, _)| format!("{name} is gone")));
    if wrong.is_empty() {
        let lives: Vec<_> = set_up.bystanders.iter().map(|(name, _)| name).collect();
        report(
            family,
            number,
            scene.user,
            scene.situation,
            &set_up.emptied(&said),
            &happened,
            &lives,
        );
    }
    while let Some(guard) = set_up.guards.pop() {
        drop(guard);
    }
    wrong
}

fn run(set_up: &SetUp, user: crate::started::User, line: &str) -> Command {
    let shell = set_up.shell.as_ref();
    shell.map_or_else(|| user.shell(line), |shell| shell(line))
}

fn filled(first: &First, set_up: &SetUp) -> First {
    match first {
        First::Command {
            code,
            pattern,
            line,
        } => First::Command {
            code,
            pattern: set_up.filled(pattern),
            line: set_up.filled(line),
        },
        sentence @ First::Sentence { .. } => sentence.clone(),
    }
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
