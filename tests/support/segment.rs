//! The text in a file of the history.

use std::io::Read as _;

/// All bytes of a file, with those of its frames, whose bodies zstd has compressed, as text.
pub fn decompressed(file: &[u8]) -> String {
    const BEGINS: [u8; 4] = zstd::zstd_safe::MAGICNUMBER.to_le_bytes();
    let bodies = (0..file.len()).filter(|&at| file[at..].starts_with(&BEGINS));
    let mut all = file.to_vec();
    for body in bodies {
        let decoder = zstd::Decoder::with_buffer(&file[body..]).expect("a decoder");
        let read = decoder.single_frame().read_to_end(&mut all);
        read.expect("the body of a frame");
    }
    String::from_utf8_lossy(&all).into_owned()
}
