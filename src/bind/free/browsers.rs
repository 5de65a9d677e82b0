//! Ports that browsers refuse to open a page on: the "bad ports" of the Fetch standard
//! (<https://fetch.spec.whatwg.org/#port-blocking>, as of July 2026). Pure.

use std::ops::RangeInclusive;

/// The list, ascending.
#[rustfmt::skip]
const BAD_PORTS: [RangeInclusive<u16>; 60] = [
    1..=1, 7..=7, 9..=9, 11..=11, 13..=13, 15..=15, 17..=17, 19..=23, 25..=25, 37..=37, 42..=43, 53..=53,
    69..=69, 77..=77, 79..=79, 87..=87, 95..=95, 101..=104, 109..=111, 113..=113, 115..=115, 117..=117,
    119..=119, 123..=123, 135..=135, 137..=137, 139..=139, 143..=143, 161..=161, 179..=179, 389..=389,
    427..=427, 465..=465, 512..=515, 526..=526, 530..=532, 540..=540, 548..=548, 554..=554, 556..=556,
    563..=563, 587..=587, 601..=601, 636..=636, 989..=990, 993..=993, 995..=995, 1719..=1720,
    1723..=1723, 2049..=2049, 3659..=3659, 4045..=4045, 4190..=4190, 5060..=5061, 6000..=6000,
    6566..=6566, 6665..=6669, 6679..=6679, 6697..=6697, 10_080..=10_080,
];

/// Whether browsers refuse to connect to this TCP port.
pub fn browsers_refuse(port: u16) -> bool {
    BAD_PORTS.iter().any(|range| range.contains(&port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_refuse_the_ports_of_the_fetch_standard_and_no_others() {
        let listed = "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 \
                      110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 \
                      530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 \
                      3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080";
        let listed: Vec<u16> = listed
            .split(' ')
            .map(|port| port.parse().unwrap())
            .collect();
        let refused: Vec<_> = (0..=u16::MAX)
            .filter(|&port| browsers_refuse(port))
            .collect();
        assert_eq!(refused, listed);
    }
}
