//! Numbers with few significant bits, which is what makes them small: a measured time has no more, and of 1.31 GB the
//! bytes do not matter.

/// Round-trip times: 5 significant bits, so an error of at most 1.6 %.
pub(crate) const TIME: Precision = Precision(5);

/// Counts of bytes: 8 significant bits, so an error of at most 0.2 %.
pub(crate) const BYTES: Precision = Precision(8);

/// How many significant bits are kept. Smaller numbers are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Precision(u32);

impl Precision {
    /// The code of a number: larger for a larger one, without gaps. At most 7,423 for 8 bits.
    pub fn encode(self, number: u64) -> u32 {
        let Self(bits) = self;
        let length = u64::BITS - number.leading_zeros();
        let shift = length.saturating_sub(bits);
        let start = u32::try_from(number >> shift).unwrap_or(u32::MAX);
        (shift << (bits - 1)) + start
    }

    /// The number in the middle of those with this code, or the largest one.
    pub fn decode(self, code: u32) -> u64 {
        let Self(bits) = self;
        let half = 1 << (bits - 1);
        let shift = (code / half).saturating_sub(1);
        let start = u64::from(code - shift * half);
        if shift > u64::BITS - bits {
            return u64::MAX;
        }
        let middle = if shift == 0 { 0 } else { 1 << (shift - 1) };
        (start << shift) | middle
    }

    /// What is read of a number that was written.
    #[cfg(test)]
    pub fn rounded(self, number: u64) -> u64 {
        self.decode(self.encode(number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_numbers_are_exact_and_the_largest_one_is_close() {
        for precision in [TIME, BYTES] {
            assert!((0..1 << precision.0).all(|one| precision.rounded(one) == one));
            assert!(precision.rounded(u64::MAX) > u64::MAX / 100 * 96);
        }
        assert_eq!(BYTES.encode(u64::MAX), 7423);
    }

    proptest! {
        #[test]
        fn a_number_is_read_nearly_as_it_was_written(number: u64, shift in 0_u32..64) {
            let number = number >> shift;
            for (precision, error) in [(TIME, 31), (BYTES, 255)] {
                let read = precision.rounded(number);
                prop_assert!(read.abs_diff(number) <= number / error, "{number}: {read}");
                prop_assert_eq!(precision.rounded(read), read);
            }
        }

        #[test]
        fn any_code_is_a_number(code: u32) {
            TIME.decode(code);
            BYTES.decode(code);
        }
    }
}
