//! Port ranges that Windows excludes (for Hyper-V, containers, or by an administrator): a bind to one of them is refused
//! though no socket has it. `netsh` lists them.

use std::ops::RangeInclusive;

use crate::model::Protocol;

/// The ranges; `None` if there are none or they can't be read. Other systems exclude no ranges.
pub(crate) fn ranges(protocol: Protocol) -> Option<Vec<RangeInclusive<u16>>> {
    if !cfg!(windows) {
        return None;
    }
    let root = std::env::var_os("SystemRoot")?;
    let netsh = std::path::Path::new(&root).join(r"System32\netsh.exe");
    let protocol = format!("protocol={}", protocol.as_str());
    let output = std::process::Command::new(netsh)
        .args(["int", "ipv4", "show", "excludedportrange", &protocol])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| parse(&text))
}

/// A line with two numbers is a range, in any language of the headings; a `*` after them marks a range set by an
/// administrator.
fn parse(text: &str) -> Vec<RangeInclusive<u16>> {
    let range = |line: &str| {
        let mut words = line.split_whitespace();
        let (first, last) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let rest = words.next();
        (first <= last && rest.is_none_or(|rest| rest == "*")).then_some(first..=last)
    };
    text.lines().filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Windows prints it according to its documentation; not verified on a machine.
    #[test]
    fn ranges_are_the_lines_of_two_numbers() {
        let text = "\r\nProtocol tcp Port Exclusion Ranges\r\n\r\nStart Port    End Port\r\n\
                    ----------    --------\r\n      5357        5357\r\n     50000       50059     *\r\n\r\n\
                    * - Administered port exclusions.\r\n";
        assert_eq!(parse(text), [5357..=5357, 50_000..=50_059]);
        assert_eq!(parse("9 8\n1 2 3\n70000 70001\n"), []);
    }
}
