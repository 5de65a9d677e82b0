//! Fixes of several parties as one list: what frees the port ends all of them.

use super::{Fix, FixCode, RunAs};

/// The fixes of one party as they are; of several, one that does the first of each.
pub(super) fn joined(mut of_parties: Vec<Vec<Fix>>) -> Vec<Fix> {
    of_parties.retain(|fixes| !fixes.is_empty());
    if of_parties.len() <= 1 {
        return of_parties.pop().unwrap_or_default();
    }
    let firsts: Vec<Fix> = of_parties.iter().map(|fixes| fixes[0].clone()).collect();
    if firsts.iter().any(|fix| fix.command.is_none()) {
        // One of them has no command: what there is to do is said of each.
        let is_sentence = |fix: &Fix| fix.command.is_none();
        let (mut sentences, commands): (Vec<Fix>, Vec<Fix>) =
            firsts.into_iter().partition(is_sentence);
        let incomplete = commands.into_iter().map(|fix| Fix {
            warning: Some("Something else has the port as well.".into()),
            ..fix
        });
        sentences.extend(incomplete);
        return sentences;
    }
    vec![both(&firsts)]
}

/// One fix that does all of these.
fn both(fixes: &[Fix]) -> Fix {
    let text = text_of(fixes);
    let commands: Vec<&str> = fixes
        .iter()
        .filter_map(|fix| fix.command.as_deref())
        .collect();
    let is_same = fixes.iter().all(|fix| fix.code == fixes[0].code);
    let code = match fixes[0].code {
        FixCode::EndProcess => FixCode::EndProcesses,
        code if is_same => code,
        _ => FixCode::EndProcesses,
    };
    let run_as = fixes
        .iter()
        .map(|fix| &fix.run_as)
        .find(|run_as| **run_as != RunAs::User);
    let warnings: Vec<&str> = fixes
        .iter()
        .filter_map(|fix| fix.warning.as_deref())
        .collect();
    Fix {
        run_as: run_as.cloned().unwrap_or(RunAs::User),
        also_ends: fixes.iter().flat_map(|fix| fix.also_ends.clone()).collect(),
        warning: (!warnings.is_empty()).then(|| warnings.join(" ")),
        ..Fix::command(code, text, merged(&commands))
    }
}

/// `Stop a.service, and end nginx (12), nginx (13)`: what begins alike is said once.
fn text_of(fixes: &[Fix]) -> String {
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    for fix in fixes {
        let (verb, what) = fix.text.split_once(' ').unwrap_or((&fix.text, ""));
        match said.iter_mut().find(|(known, _)| *known == verb) {
            Some((_, all)) => all.push(what),
            None => said.push((verb, vec![what])),
        }
    }
    let parts = said
        .iter()
        .map(|(verb, what)| format!("{verb} {}", what.join(" and ")));
    let parts: Vec<_> = parts.collect();
    let (first, rest) = parts
        .split_first()
        .map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    rest.iter().fold(first.to_owned(), |all, part| {
        format!("{all}, and {}", uncapitalised(part))
    })
}

/// `systemctl stop a` and `systemctl stop b` are one command.
fn merged(commands: &[&str]) -> String {
    const VERBS: [&str; 5] = [
        "systemctl stop ",
        "systemctl --user stop ",
        "docker stop ",
        "podman stop ",
        "kill ",
    ];
    let mut merged: Vec<String> = Vec::new();
    for command in commands {
        let is_simple = !command.contains(['$', ';', '&']);
        let verb = VERBS
            .iter()
            .flat_map(|verb| [(*verb).to_owned(), format!("sudo {verb}")]);
        let verb = verb.filter(|_| is_simple).find(|verb| {
            let operand = command.strip_prefix(verb.as_str());
            operand.is_some_and(|rest| !rest.starts_with('-'))
        });
        let before = verb.as_ref().and_then(|verb| {
            let mut known = merged.iter_mut();
            known.find(|known| known.starts_with(verb.as_str()) && !known.contains(" -"))
        });
        match (verb, before) {
            (Some(verb), Some(before)) => {
                before.push(' ');
                before.push_str(&command[verb.len()..]);
            }
            _ => merged.push((*command).to_owned()),
        }
    }
    merged.join("; ")
}

pub(super) fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
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
