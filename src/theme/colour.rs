//! Colours: the sixteen of the terminal's palette, the 240 that are the same on every terminal, or RGB; and how far
//! apart two colours look, in L*, a* and b* of CIE 1976 (a distance of 2.3 is just noticeable).

use std::fmt;
use std::sync::LazyLock;

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// One of 256: the first sixteen are the terminal's own palette, then follow a cube of 6×6×6 and 24 greys.
    Indexed(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

/// The names of the first eight; with `bright-` before them they are those of the next eight.
const NAMES: [&str; 8] = [
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
];

/// The values along an edge of the 6×6×6 cube.
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
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = || word.parse().ok().filter(|_| is_number);
        let named = (0..16).find(|&at| Self::Indexed(at).to_string() == word);
        named.or_else(number).map(Self::Indexed)
    }

    /// Its red, green and blue; `None` for the terminal's palette, which the user can change.
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

    /// From 0, black, to 100, white; 0 for the terminal's palette.
    pub(super) fn lightness(self) -> f64 {
        self.rgb().map_or(0.0, |rgb| lab(light(rgb))[0])
    }

    /// The most similar of the 240. Lightness counts double, as readability depends on it.
    #[must_use]
    pub(super) fn indexed(self) -> Self {
        let Self::Rgb(red, green, blue) = self else {
            return self;
        };
        let wanted = weighed([red, green, blue]);
        let nearest = FIXED.iter().min_by(|(_, one), (_, other)| {
            distance(*one, wanted).total_cmp(&distance(*other, wanted))
        });
        nearest.map_or(self, |(colour, _)| *colour)
    }
}

/// The colours that are the same on every terminal of 256.
static FIXED: LazyLock<Vec<(Colour, Lab)>> = LazyLock::new(|| {
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
            Self::Indexed(at @ 0..8) => f.write_str(NAMES[usize::from(at)]),
            Self::Indexed(at @ 8..16) => write!(f, "bright-{}", NAMES[usize::from(at - 8)]),
            Self::Indexed(at) => write!(f, "{at}"),
            Self::Rgb(red, green, blue) => write!(f, "#{red:02x}{green:02x}{blue:02x}"),
        }
    }
}

/// Lightness from 0 to 100, from green to red, from blue to yellow.
pub(super) type Lab = [f64; 3];

pub(super) type Matrix = [[f64; 3]; 3];

/// Linear sRGB to X, Y and Z, each 1 for the white of D65 (IEC 61966-2-1).
pub(super) const XYZ: Matrix = [
    [0.433_953, 0.376_219, 0.189_828],
    [0.212_673, 0.715_152, 0.072_175],
    [0.017_758, 0.109_477, 0.872_766],
];

pub(super) fn times(matrix: &Matrix, [a, b, c]: [f64; 3]) -> [f64; 3] {
    matrix.map(|[x, y, z]| x * a + y * b + z * c)
}

/// Linear light of sRGB values, from 0 to 1.
pub(super) fn light(rgb: [u8; 3]) -> [f64; 3] {
    rgb.map(|part| match f64::from(part) / 255.0 {
        faint if faint <= 0.040_45 => faint / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    })
}

pub(super) fn lab(light: [f64; 3]) -> Lab {
    const KNEE: f64 = 6.0 / 29.0;
    let [x, y, z] = times(&XYZ, light).map(|part| {
        if part > KNEE.powi(3) {
            part.cbrt()
        } else {
            part / (3.0 * KNEE.powi(2)) + 4.0 / 29.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// How far apart two colours look.
pub(super) fn distance(one: Lab, other: Lab) -> f64 {
    let squares = one.iter().zip(other).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}
