//! The capabilities of a terminal, by environment variables.

/// How many colours a terminal supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None, or none wanted.
    None,
    /// Its own palette.
    Sixteen,
    /// 256.
    Indexed,
    /// RGB.
    Full,
}

/// Which characters a terminal supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// All.
    Unicode,
    /// ASCII.
    Ascii,
}

/// Values of `TERM` that promise no more than sixteen colours.
#[rustfmt::skip]
const SIXTEEN: [&str; 11] = [
    "", "ansi", "cygwin", "dumb", "linux", "screen", "vt100", "vt102", "vt220", "wsvt25", "xterm",
];

impl Depth {
    /// By the values of `TERM` and `COLORTERM`, empty if unset. Terminals with RGB say so in the second; few values
    /// of the first that are still in use mean only sixteen colours.
    pub fn of(term: &str, colorterm: &str) -> Self {
        if ["truecolor", "24bit"].contains(&colorterm) || term.ends_with("-direct") {
            Self::Full
        } else if SIXTEEN.contains(&term) && colorterm.is_empty() {
            Self::Sixteen
        } else {
            Self::Indexed
        }
    }
}

impl Glyphs {
    /// By the values of `LC_ALL`, `LC_CTYPE` and `LANG`, empty if unset: the first that is set names the locale, its
    /// encoding follows the dot. If none is set, POSIX prescribes the locale `C`, which is ASCII.
    pub fn of(variables: &[impl AsRef<str>; 3]) -> Self {
        let mut variables = variables.iter().map(AsRef::as_ref);
        let locale = variables.find(|value: &&str| !value.is_empty());
        let encoding = locale.and_then(|locale| locale.split('.').nth(1)?.split('@').next());
        match encoding.map(str::to_ascii_lowercase).as_deref() {
            Some("utf-8" | "utf8") => Self::Unicode,
            _ => Self::Ascii,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_has_the_colours_that_it_says() {
        for (term, colorterm, depth) in [
            ("xterm-256color", "", Depth::Indexed),
            ("xterm-256color", "truecolor", Depth::Full),
            ("xterm-256color", "24bit", Depth::Full),
            ("xterm-direct", "", Depth::Full),
            ("xterm-kitty", "", Depth::Indexed),
            ("screen.xterm-256color", "", Depth::Indexed),
            ("xterm", "", Depth::Sixteen),
            ("xterm", "yes", Depth::Indexed),
            ("linux", "", Depth::Sixteen),
            ("vt220", "", Depth::Sixteen),
            ("dumb", "", Depth::Sixteen),
            ("", "", Depth::Sixteen),
        ] {
            assert_eq!(Depth::of(term, colorterm), depth, "{term} {colorterm}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_names_the_locale() {
        for (variables, glyphs) in [
            (["C.UTF-8", "C", "C"], Glyphs::Unicode),
            (["C", "C.UTF-8", "en_US.UTF-8"], Glyphs::Ascii),
            (["POSIX", "", ""], Glyphs::Ascii),
            (["", "en_US.UTF-8", "C"], Glyphs::Unicode),
            (["", "de_DE.ISO-8859-15@euro", "C.UTF-8"], Glyphs::Ascii),
            (["", "", "de_DE.utf8@euro"], Glyphs::Unicode),
            (["", "", "ja_JP.eucJP"], Glyphs::Ascii),
            (["", "", "en_US"], Glyphs::Ascii),
            (["", "", ""], Glyphs::Ascii),
        ] {
            assert_eq!(Glyphs::of(&variables), glyphs, "{variables:?}");
        }
    }
}
