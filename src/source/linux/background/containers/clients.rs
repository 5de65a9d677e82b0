//! `docker run` and `docker start -a`: commands that stay as long as their container. Pure.

use super::super::facts::Facts;

/// Whether these are the arguments of Docker's command that runs the container of this name and id in the
/// foreground. What runs in it, or is executed in it, may have the same words among its arguments.
pub(super) fn runs(facts: &Facts, name: &str, id: &str) -> bool {
    let words: Vec<&str> = facts.argv.iter().map(String::as_str).collect();
    let Some(command) = words.get(1..) else {
        return false;
    };
    let command = command.strip_prefix(&["container"]).unwrap_or(command);
    facts.program() == "docker"
        && match command {
            ["run", rest @ ..] => name_of(rest) == Some(name),
            ["start", rest @ ..] => starts(rest, name, id),
            _ => false,
        }
}

/// The value of `--name`.
fn name_of<'a>(words: &[&'a str]) -> Option<&'a str> {
    let at = words
        .iter()
        .position(|word| *word == "--name" || word.starts_with("--name="))?;
    let joined = words[at].strip_prefix("--name=");
    joined.or_else(|| words.get(at + 1).copied())
}

/// Whether the operands of `docker start` have the container, and its options say to stay with it.
fn starts(words: &[&str], name: &str, id: &str) -> bool {
    const WITH_VALUE: [&str; 3] = ["--detach-keys", "--checkpoint", "--checkpoint-dir"];
    let (mut stays, mut is_named, mut is_value) = (false, false, false);
    for word in words {
        if std::mem::take(&mut is_value) {
            continue;
        }
        is_value = WITH_VALUE.contains(word);
        match word.strip_prefix('-') {
            Some(long) if long.starts_with('-') => {
                stays |= matches!(long, "-attach" | "-interactive");
            }
            Some(short) => stays |= short.contains(['a', 'i']),
            None => is_named |= *word == name || !id.is_empty() && word.starts_with(id),
        }
    }
    stays && is_named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_with_the_container_is_its_client() {
        let facts = |command: &str| Facts {
            argv: command.split(' ').map(str::to_owned).collect(),
            ..Facts::default()
        };
        for command in [
            "docker run --rm --name web nginx",
            "/usr/bin/docker container run --name=web nginx",
            "docker start -a web",
            "docker start --detach-keys x -ai 0123456789ab",
            "docker start --attach 0123456789abcdef web2",
        ] {
            assert!(runs(&facts(command), "web", "0123456789ab"), "{command}");
        }
        for command in [
            "docker",
            "docker exec web npm start web",
            "docker exec -it web run --name web",
            "docker run --name other nginx web",
            "docker run --name web2 nginx",
            "docker start web",
            "docker start --detach-keys web -a other",
            "docker logs -f web",
            "podman run --name web nginx",
        ] {
            assert!(!runs(&facts(command), "web", "0123456789ab"), "{command}");
        }
    }
}
