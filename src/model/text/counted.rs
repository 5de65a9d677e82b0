//! A count before its noun.

use std::fmt::Display;

/// `1 byte`, `0 bytes`, `2 bytes`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(
    count: N,
    one: &str,
    many: &str,
) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_all_others_are_plural() {
        let told = [0_u64, 1, 2, 11, 101].map(|count| counted(count, "byte", "bytes"));
        assert_eq!(
            told,
            ["0 bytes", "1 byte", "2 bytes", "11 bytes", "101 bytes"]
        );
    }
}
