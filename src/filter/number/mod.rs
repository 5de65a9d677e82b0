//! Numbers that a filter names: one, a range, a list, or all above or below a limit.

mod unit;

use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;
use std::time::Duration;

pub(super) use unit::Unit;
pub(super) use unit::{AGE, BYTES, COUNT, PID, PORT, SIZE, TIME, items};

use crate::model::Age;

/// A number, a range, a list, or all above or below a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Numbers<T> {
    /// A single number is a range of one.
    Range(RangeInclusive<T>),
    Compared(Comparison<T>),
    /// At least two.
    OneOf(Vec<RangeInclusive<T>>),
}

/// All above or below a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comparison<T> {
    pub order: Order,
    pub limit: T,
}

/// On which side of the limit a number is, and whether the limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Order {
    /// Every one with its sign; a sign comes before those that it begins with.
    const SIGNS: [(&'static str, Self); 4] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        (">", Self::Above),
        ("<", Self::Below),
    ];

    /// The order whose sign the text begins with, and the rest.
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let mut signs = Self::SIGNS.into_iter();
        signs.find_map(|(sign, order)| Some((order, text.strip_prefix(sign)?)))
    }

    pub fn sign(self) -> &'static str {
        let mut signs = Self::SIGNS.into_iter();
        let found = signs.find(|&(_, order)| order == self);
        found.map_or("", |(sign, _)| sign)
    }

    /// Whether larger numbers are the ones that match.
    const fn is_upwards(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }
}

impl<T: PartialOrd> Numbers<T> {
    pub fn contains(&self, number: &T) -> bool {
        match self {
            Self::Range(range) => range.contains(number),
            Self::Compared(comparison) => comparison.holds(number),
            Self::OneOf(ranges) => ranges.iter().any(|range| range.contains(number)),
        }
    }
}

impl<T: PartialOrd> Comparison<T> {
    pub fn holds(&self, number: &T) -> bool {
        match self.order {
            Order::Above => *number > self.limit,
            Order::AtLeast => *number >= self.limit,
            Order::Below => *number < self.limit,
            Order::AtMost => *number <= self.limit,
        }
    }
}

impl Comparison<Duration> {
    /// Whether it is true of an age; `None` if a lower bound does not prove it either way.
    pub fn holds_for(&self, age: Age) -> Option<bool> {
        match age {
            Age::Exactly(age) => Some(self.holds(&age)),
            // The age is the bound or more.
            Age::AtLeast(bound) => {
                let holds = self.holds(&bound);
                (holds == self.order.is_upwards()).then_some(holds)
            }
        }
    }

    /// The age from which on the answer is another one.
    pub fn turns_at(&self) -> Duration {
        match self.order {
            Order::AtLeast | Order::Below => self.limit,
            Order::Above | Order::AtMost => self.limit.saturating_add(Duration::from_nanos(1)),
        }
    }
}

/// Numbers as they are spelled in their unit.
pub(super) struct Spelled<'a, T>(pub &'a Numbers<T>, pub &'a Unit<T>);

impl<T: PartialEq + Copy> Display for Spelled<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(numbers, unit) = self;
        match numbers {
            Numbers::Range(range) => f.write_str(&unit.range_text(range)),
            Numbers::Compared(comparison) => f.write_str(&unit.comparison_text(comparison)),
            Numbers::OneOf(ranges) => {
                let ranges: Vec<_> = ranges.iter().map(|range| unit.range_text(range)).collect();
                f.write_str(&ranges.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_read_whole_and_is_written_as_it_was() {
        for (text, sign, rest) in [(">=5", ">=", "5"), ("<5", "<", "5"), (">>", ">", ">")] {
            let (order, found) = Order::split(text).unwrap();
            assert_eq!((order.sign(), found), (sign, rest), "{text}");
        }
        assert_eq!(Order::split("=5"), None);
    }

    #[test]
    fn a_bound_says_only_what_it_proves() {
        let seconds = Duration::from_secs;
        let holds = |order, limit, age| {
            let limit = seconds(limit);
            Comparison { order, limit }.holds_for(age)
        };
        let (five, at_least_five) = (Age::Exactly(seconds(5)), Age::AtLeast(seconds(5)));
        for (order, limit, of_five, of_five_or_more) in [
            (Order::Above, 4, true, Some(true)),
            (Order::Above, 5, false, None),
            (Order::AtLeast, 5, true, Some(true)),
            (Order::AtLeast, 6, false, None),
            (Order::Below, 5, false, Some(false)),
            (Order::Below, 6, true, None),
            (Order::AtMost, 4, false, Some(false)),
            (Order::AtMost, 5, true, None),
        ] {
            assert_eq!(
                holds(order, limit, five),
                Some(of_five),
                "{order:?} {limit}"
            );
            let bound = holds(order, limit, at_least_five);
            assert_eq!(bound, of_five_or_more, "{order:?} {limit}");
        }
    }

    #[test]
    fn the_answer_turns_exactly_there() {
        let nanosecond = Duration::from_nanos(1);
        for (_, order) in Order::SIGNS {
            let limit = Duration::from_mins(1);
            let comparison = Comparison { order, limit };
            let turn = comparison.turns_at();
            let (before, after) = (turn.saturating_sub(nanosecond), turn + nanosecond);
            assert_ne!(comparison.holds(&before), comparison.holds(&turn));
            assert_eq!(comparison.holds(&turn), comparison.holds(&after));
        }
    }
}
