//! The rules that `iptables-save -t nat` prints (`iptables-extensions(8)`). Pure.

use crate::model::{Protocol, Redirect, Text};

/// The redirects of a port; `place` says whose rules they are.
pub(super) fn redirects(saved: &str, place: &str, port: u16) -> Vec<Redirect> {
    rules(saved)
        .filter_map(|rule| redirect(rule, place, port))
        .collect()
}

/// Whether a rule on the port goes on in a chain of somebody's own, which is not followed.
pub(super) fn is_partial(saved: &str, port: u16) -> bool {
    let own_chains: Vec<&str> = saved
        .lines()
        .filter_map(|line| line.strip_prefix(':'))
        .filter_map(|line| line.split_once(" - ").map(|(chain, _)| chain))
        .collect();
    rules(saved).map(words).any(|words| {
        let goes_on = after(&words, "-j").or_else(|| after(&words, "-g"));
        is_on_port(&words, port) && goes_on.is_some_and(|chain| own_chains.contains(&chain))
    })
}

fn rules(saved: &str) -> impl Iterator<Item = &str> {
    saved.lines().filter_map(|line| line.strip_prefix("-A "))
}

fn words(rule: &str) -> Vec<&str> {
    rule.split_ascii_whitespace().collect()
}

/// What follows an option, if it is there and not negated.
fn after<'a>(words: &[&'a str], option: &str) -> Option<&'a str> {
    let at = words.iter().position(|&word| word == option)?;
    let is_negated = at > 0 && words[at - 1] == "!";
    words.get(at + 1).copied().filter(|_| !is_negated)
}

fn is_on_port(words: &[&str], port: u16) -> bool {
    let ports = after(words, "--dport").or_else(|| after(words, "--dports"));
    ports.is_some_and(|ports| ports.split(',').any(|part| holds(part, port)))
}

fn redirect(rule: &str, place: &str, port: u16) -> Option<Redirect> {
    let words = words(rule);
    if !is_on_port(&words, port) {
        return None;
    }
    let after = |option: &str| after(&words, option);
    let to = match after("-j")? {
        "REDIRECT" => match after("--to-ports") {
            Some(port) => format!("port {port}"),
            None => "the same port of the interface it came in by".into(),
        },
        "DNAT" => after("--to-destination").unwrap_or("another place").into(),
        _ => return None,
    };
    let protocol = match after("-p") {
        Some("tcp") => Some(Protocol::Tcp),
        Some("udp") => Some(Protocol::Udp),
        _ => None,
    };
    let place = format!("{place} table nat, chain {}", words.first()?);
    Some(Redirect {
        protocol,
        to: Text::new(&to),
        place: Text::new(&place),
    })
}

/// `80` or `8000:8010`.
fn holds(range: &str, port: u16) -> bool {
    let (first, last) = range.split_once(':').unwrap_or((range, range));
    let ends = first.parse::<u16>().ok().zip(last.parse::<u16>().ok());
    ends.is_some_and(|(first, last)| (first..=last).contains(&port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = "*nat\n:PREROUTING ACCEPT [0:0]\n\
        -A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\n\
        -A DOCKER ! -i br0 -p tcp -m tcp --dport 3000 -j DNAT --to-destination 172.17.0.2:80\n\
        -A PREROUTING -p udp -m multiport --dports 53,5000:5010 -j REDIRECT --to-ports 5353\n\
        -A PREROUTING -p tcp -m tcp ! --dport 22 -j REDIRECT --to-ports 1\n\
        -A PREROUTING -p tcp -m tcp --dport 81 -j ACCEPT\nCOMMIT\n";

    fn told(port: u16) -> Option<(Option<Protocol>, String, String)> {
        let found = redirects(SAVED, "iptables", port).into_iter().next()?;
        Some((
            found.protocol,
            found.to.to_string(),
            found.place.to_string(),
        ))
    }

    #[test]
    fn a_chain_that_is_not_followed_is_noticed() {
        let saved = "*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE - [0:0]\n\
            -A PREROUTING -p tcp -m tcp --dport 7740 -j KUBE\n\
            -A PREROUTING -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n";
        assert!(is_partial(saved, 7740));
        assert!(!is_partial(saved, 80));
        assert!(!is_partial(SAVED, 80));
    }

    #[test]
    fn rules_are_read_as_they_are_saved() {
        let rule = |protocol, to: &str, chain: &str| {
            let place = format!("iptables table nat, chain {chain}");
            Some((Some(protocol), to.to_owned(), place))
        };
        let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
        assert_eq!(told(80), rule(tcp, "port 8080", "PREROUTING"));
        assert_eq!(told(3000), rule(tcp, "172.17.0.2:80", "DOCKER"));
        assert_eq!(told(53), rule(udp, "port 5353", "PREROUTING"));
        assert_eq!(told(5005), rule(udp, "port 5353", "PREROUTING"));
        for other in [22, 81, 5011] {
            assert_eq!(told(other), None);
        }
    }
}
