//! The pictures in `assets/` are what the program draws now.
//!
//! Of a screen that changed on purpose they are made anew by `cargo run --example screenshot`, and looked at
//! before they are committed.

#![allow(clippy::unwrap_used, reason = "all of this is test code")]

#[path = "../../examples/screenshot/pictures.rs"]
mod screenshot;

use std::fs;
use std::path::Path;

/// No picture on a page is waited for.
const MOST_BYTES: usize = 60_000;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(screenshot::FOLDER)
}

/// What the rules of another system say of the same sockets is another screen.
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
fn every_picture_there_is_one_that_is_made_and_is_small() {
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

/// It is shown by a page that loads nothing else, and told by those who read it aloud.
#[test]
fn a_picture_needs_nothing_from_elsewhere_and_says_what_it_shows() {
    for picture in screenshot::ALL {
        let svg = screenshot::drawn(picture);
        // What is shown as text may have an address in it, a command for one.
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

/// Many viewers make one space of two, whatever a style says, and drop those at the ends.
#[test]
fn no_text_of_a_picture_needs_its_spaces_kept() {
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
