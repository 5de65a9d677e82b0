//! Numbers as bars, one cell each.

/// From the lowest to the highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A sparkline, scaled from the least to the largest number. The full height is at least a quarter of the largest, so
/// that a small change looks small. Constant numbers are a low line; unknown ones are blank.
pub(crate) fn sparkline(numbers: &[Option<usize>]) -> String {
    let known = || numbers.iter().copied().flatten();
    let (least, most) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
    let top = BARS.len() - 1;
    let whole = (most - least).max(most / 4).max(top);
    let level = |number: usize| ((number - least) * top + whole / 2) / whole;
    if known().all(|number| level(number) == 0) {
        return numbers.iter().map(|_| BARS[0]).collect();
    }
    let bar = |number: &Option<usize>| number.map_or(' ', |number| BARS[level(number).min(top)]);
    numbers.iter().map(bar).collect()
}

/// A count as a bar, `peak` being the highest: blank for zero, visible for one.
pub(crate) fn bar(count: usize, peak: usize) -> char {
    match (count * BARS.len()).div_ceil(peak.max(1)) {
        0 => ' ',
        height => BARS[height.min(BARS.len()) - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_changes_is_a_low_line_and_a_small_change_a_small_step() {
        let line =
            |numbers: &[usize]| sparkline(&numbers.iter().map(|&n| Some(n)).collect::<Vec<_>>());
        assert_eq!(line(&[0, 0, 0]), "▁▁▁");
        assert_eq!(line(&[9000, 9000, 9000]), "▁▁▁");
        assert_eq!(line(&[3, 4, 3]), "▁▂▁");
        assert_eq!(line(&[0, 7, 3]), "▁█▄");
        assert_eq!(line(&[1000, 1010, 1000]), "▁▁▁");
        assert_eq!(line(&[1000, 1125, 1250]), "▁▄▇");
        assert_eq!(line(&[0, 50_000, 100_000]), "▁▅█");
    }

    #[test]
    fn what_is_not_known_is_left_open_unless_nothing_ever_changed() {
        assert_eq!(sparkline(&[None, Some(2), Some(2)]), "▁▁▁");
        assert_eq!(sparkline(&[None, Some(2), None, Some(9)]), " ▁ █");
        assert_eq!(sparkline(&[None, None]), "▁▁");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_single_event_is_seen_beside_any_peak() {
        assert_eq!(bar(0, 10), ' ');
        assert_eq!(bar(1, 1_000_000), '▁');
        assert_eq!(bar(5, 10), '▄');
        assert_eq!(bar(10, 10), '█');
        assert_eq!(bar(0, 0), ' ');
    }
}
