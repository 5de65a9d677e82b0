//! Colours: the sixteen of the terminal's own palette, the 240 that every terminal shows alike, or any.

use std::fmt;
use std::sync::LazyLock;

use super::lab::{Lab, distance, lab, light};

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// One of 256: the first sixteen are the terminal's own palette, then follow a cube of 6×6×6 and 24 greys.
    Indexed(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

/// The names of the first sixteen.
pub(super) const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// How bright each step along an edge of the cube is, in every terminal that has it.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl Colour {
    /// Reads `red`, `bright-red`, `0` to `255`, `#d8dee9`; `None` if it is none of these.
    pub(super) fn parse(word: &str) -> Option<Self> {
        if let Some(digits) = word.strip_prefix('#') {
            let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
            let [_, red, green, blue] = value.to_be_bytes();
            return Some(Self::Rgb(red, green, blue));
        }
        let named = NAMES.iter().zip(0..).find(|(name, _)| **name == word);
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = || word.parse().ok().filter(|_| is_number);
        named.map(|(_, at)| at).or_else(number).map(Self::Indexed)
    }

    /// Its red, green and blue, where that is not for the terminal's palette to say.
    pub fn rgb(self) -> Option<[u8; 3]> {
        match self {
            Self::Rgb(red, green, blue) => Some([red, green, blue]),
            Self::Indexed(0..16) => None,
            Self::Indexed(at @ 16..232) => {
                let at = usize::from(at - 16);
                Some([at / 36, at / 6 % 6, at % 6].map(|step| STEPS[step]))
            }
            Self::Indexed(at) => Some([8 + (at - 232) * 10; 3]),
        }
    }

    /// The one of the 240 that looks most like it. A step in lightness counts twice: what is darker by as much
    /// as another is redder can be read less well.
    #[must_use]
    pub(super) fn indexed(self) -> Self {
        let Self::Rgb(red, green, blue) = self else {
            return self;
        };
        let wanted = weighed([red, green, blue]);
        let nearer = |(_, one): &&(Self, Lab), (_, other): &&(Self, Lab)| {
            distance(*one, wanted).total_cmp(&distance(*other, wanted))
        };
        EVERYWHERE
            .iter()
            .min_by(nearer)
            .map_or(self, |found| found.0)
    }
}

/// The colours that every terminal of 256 shows alike.
static EVERYWHERE: LazyLock<Vec<(Colour, Lab)>> = LazyLock::new(|| {
    let all = (16..=255).map(Colour::Indexed);
    all.filter_map(|colour| Some((colour, weighed(colour.rgb()?))))
        .collect()
});

fn weighed(rgb: [u8; 3]) -> Lab {
    let [lightness, a, b] = lab(light(rgb));
    [2.0 * lightness, a, b]
}

/// As it is read.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Indexed(at) => match NAMES.get(usize::from(at)) {
                Some(name) => f.write_str(name),
                None => write!(f, "{at}"),
            },
            Self::Rgb(red, green, blue) => write!(f, "#{red:02x}{green:02x}{blue:02x}"),
        }
    }
}
