//! Combines the fixes of several parties: freeing the port requires ending all of them.

use super::{Fix, FixCode, RunAs};
use crate::bind::text::{grouped, uncapitalised};

/// The fixes of a single party unchanged; for several, one fix that combines the first of each.
pub(super) fn joined(mut of_parties: Vec<Vec<Fix>>) -> Vec<Fix> {
    of_parties.retain(|fixes| !fixes.is_empty());
    if of_parties.len() <= 1 {
        return of_parties.pop().unwrap_or_default();
    }
    let firsts = of_parties.iter().map(|fixes| fixes[0].clone());
    let (mut sentences, mut commands): (Vec<Fix>, Vec<Fix>) =
        firsts.partition(|fix| fix.command.is_none());
    if sentences.is_empty() {
        return vec![all_of(&commands)];
    }
    // One of them has no command, so each is done separately.
    for fix in &mut commands {
        fix.warning = Some("Something else has the port as well.".into());
    }
    sentences.append(&mut commands);
    sentences
}

/// One fix that does all of these.
fn all_of(fixes: &[Fix]) -> Fix {
    let commands: Vec<&str> = fixes
        .iter()
        .filter_map(|fix| fix.command.as_deref())
        .collect();
    let warnings: Vec<&str> = fixes
        .iter()
        .filter_map(|fix| fix.warning.as_deref())
        .collect();
    let first = fixes[0].code;
    let is_same = fixes.iter().all(|fix| fix.code == first);
    let code = if is_same && first != FixCode::EndProcess {
        first
    } else {
        FixCode::EndProcesses
    };
    let mut run_as = fixes.iter().map(|fix| &fix.run_as);
    let run_as = run_as.find(|run_as| **run_as != RunAs::User);
    Fix {
        run_as: run_as.cloned().unwrap_or(RunAs::User),
        also_ends: fixes.iter().flat_map(|fix| fix.also_ends.clone()).collect(),
        warning: (!warnings.is_empty()).then(|| warnings.join(" ")),
        ..code.command(text_of(fixes), merged(&commands))
    }
}

/// `Stop a.service, and end nginx (12) and nginx (13)`: a verb is written once.
fn text_of(fixes: &[Fix]) -> String {
    let by_verb = grouped(
        fixes
            .iter()
            .map(|fix| fix.text.split_once(' ').unwrap_or((&fix.text, ""))),
    );
    let parts = by_verb.iter().enumerate().map(|(at, (verb, what))| {
        let part = format!("{verb} {}", what.join(" and "));
        if at == 0 { part } else { uncapitalised(&part) }
    });
    parts.collect::<Vec<_>>().join(", and ")
}

/// `systemctl stop a` and `systemctl stop b` as one command.
fn merged(commands: &[&str]) -> String {
    const VERBS: [&str; 5] = [
        "systemctl stop ",
        "systemctl --user stop ",
        "docker stop ",
        "podman stop ",
        "kill ",
    ];
    /// The verb of a simple command, with its `sudo`, and the operands.
    fn split(command: &str) -> Option<(&str, &str)> {
        let plain = command.strip_prefix("sudo ").unwrap_or(command);
        let verb = VERBS.iter().find(|verb| plain.starts_with(**verb))?;
        let (verb, operands) = command.split_at(command.len() - plain.len() + verb.len());
        let is_simple = !command.contains(['$', ';', '&']) && !operands.starts_with('-');
        is_simple.then_some((verb, operands))
    }
    let mut merged: Vec<String> = Vec::new();
    for command in commands {
        let before = split(command).and_then(|(verb, operands)| {
            let is_same = |one: &&mut String| one.starts_with(verb) && !one.contains(" -");
            Some((merged.iter_mut().find(is_same)?, operands))
        });
        match before {
            Some((before, operands)) => before.extend([" ", operands]),
            None => merged.push((*command).to_owned()),
        }
    }
    merged.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_one_kind_become_one_and_others_a_list() {
        assert_eq!(merged(&["kill 1", "kill 2"]), "kill 1 2");
        let units = [
            "sudo systemctl stop a.service",
            "sudo systemctl stop b.service",
        ];
        assert_eq!(merged(&units), "sudo systemctl stop a.service b.service");
        assert_eq!(
            merged(&["docker stop a", "kill 2"]),
            "docker stop a; kill 2"
        );
        assert_eq!(merged(&["kill -KILL 1", "kill 2"]), "kill -KILL 1; kill 2");
        assert_eq!(merged(&["kill 1", "kill -KILL 2"]), "kill 1; kill -KILL 2");
    }
}
