//! The pictures in `assets/` are what the program draws now.
//!
//! If the screen changed on purpose, run `cargo run --example screenshot`, and look at them before you commit.

#![allow(clippy::unwrap_used, reason = "all of this is test code")]

#[path = "../../examples/screenshot/pictures.rs"]
mod screenshot;

use std::fs;
use std::path::Path;

/// The largest picture, in bytes: a page loads it quickly.
const MOST_BYTES: usize = 60_000;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(screenshot::FOLDER)
}

/// Other systems have other bind rules, so the screens differ.
#[test]
#[cfg(target_os = "linux")]
fn every_picture_is_what_the_program_draws_now() {
    let stale: Vec<_> = screenshot::ALL
        .iter()
        .filter(|picture| {
            let there = fs::read_to_string(folder().join(picture.file)).unwrap_or_default();
            there != screenshot::drawn(picture)
        })
        .map(|picture| picture.file)
        .collect();
    assert!(
        stale.is_empty(),
        "made anew by `cargo run --example screenshot`: {stale:?}"
    );
}

#[test]
fn every_picture_is_generated_and_small() {
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_made = screenshot::ALL.iter().any(|picture| picture.file == name);
            assert!(is_made, "{name} is made by nothing");
            let size = fs::metadata(&path).unwrap().len();
            assert!(size < MOST_BYTES as u64, "{name}: {size} bytes");
        }
    }
}

/// A picture loads nothing else, and has a text for screen readers.
#[test]
fn a_picture_loads_nothing_and_has_a_description() {
    for picture in screenshot::ALL {
        let svg = screenshot::drawn(picture);
        // The shown text may contain an address, as in a command.
        let tags = svg.split('<').filter_map(|part| part.split('>').next());
        let tags: String = tags.flat_map(|tag| ["<", tag, ">"]).collect();
        let without_its_name = tags.replacen("http://www.w3.org/2000/svg", "", 1);
        for outside in ["://", "url(", "@import", "<script", "<image", "xlink"] {
            assert!(
                !without_its_name.contains(outside),
                "{}: {outside}",
                picture.file
            );
        }
        assert!(svg.contains("<title id=\"t\">sockeye"), "{}", picture.file);
        assert!(svg.contains("<desc id=\"d\">"), "{}", picture.file);
    }
}

/// Many viewers collapse spaces and drop those at the ends, whatever a style says.
#[test]
fn no_text_of_a_picture_depends_on_its_spaces() {
    for picture in screenshot::ALL {
        let svg = fs::read_to_string(folder().join(picture.file)).unwrap();
        let texts: Vec<_> = svg
            .lines()
            .filter(|line| line.starts_with("<text"))
            .collect();
        assert!(texts.len() > 10, "{}", picture.file);
        for line in texts {
            let (_, text) = line.split_once('>').unwrap();
            let text = text.strip_suffix("</text>").unwrap();
            let is_kept = !text.contains("  ") && text == text.trim();
            assert!(is_kept, "{}: {text:?}", picture.file);
            assert!(line.contains(" x=\"") && line.contains(" textLength=\""));
        }
    }
}
