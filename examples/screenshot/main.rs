//! Makes the pictures in `assets/` from a recording: `cargo run --example screenshot`.
//!
//! The output is the same each time: `tests/pictures` compares it with the committed files. The recording beside this
//! file was made from real sockets by `cargo run --example screenshot -- record` (`record`).
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it prints what it wrote, and waits for other processes"
)]

mod pictures;
#[cfg(target_os = "linux")]
mod record;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(target_os = "linux")]
    if let Some(done) = record::take_part(std::env::args().nth(1).as_deref()) {
        return done;
    }
    for picture in pictures::ALL {
        let path = Path::new(pictures::FOLDER).join(picture.file);
        std::fs::write(&path, pictures::drawn(picture))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
