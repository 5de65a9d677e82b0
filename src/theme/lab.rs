//! Colours as eyes measure them: L*, a* and b* of CIE 1976, in which a straight line is about how far apart
//! two of them look, and 2.3 just noticeable.

/// Lightness from 0 to 100, from green to red, from blue to yellow.
pub(super) type Lab = [f64; 3];

/// Three rows.
pub(super) type Matrix = [[f64; 3]; 3];

/// Red, green and blue light of sRGB to X, Y and Z, each of which is 1 for the white of D65 (IEC 61966-2-1).
pub(super) const XYZ: Matrix = [
    [0.433_953, 0.376_219, 0.189_828],
    [0.212_673, 0.715_152, 0.072_175],
    [0.017_758, 0.109_477, 0.872_766],
];

pub(super) fn times(matrix: &Matrix, [a, b, c]: [f64; 3]) -> [f64; 3] {
    matrix.map(|[x, y, z]| x * a + y * b + z * c)
}

/// How much light a red, green and blue of sRGB give, from 0 to 1.
pub(super) fn light(rgb: [u8; 3]) -> [f64; 3] {
    rgb.map(|part| match f64::from(part) / 255.0 {
        faint if faint <= 0.040_45 => faint / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    })
}

/// What this light looks like.
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
