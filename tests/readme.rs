//! The README says what the program does.

use std::path::Path;

/// The keys stand in the README exactly as the program knows them. When this fails, put the text
/// of `sockeye::app::keymap::Keymap::default().markdown()`, which the failure prints, between the two markers.
#[test]
fn the_readme_lists_the_keys_of_the_keymap() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("README.md stands beside Cargo.toml");
    let listed = readme
        .split_once("<!-- keys -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- /keys -->"))
        .map(|(keys, _)| keys.trim())
        .expect("README.md marks its keys with <!-- keys --> and <!-- /keys -->");
    let keymap = sockeye::app::keymap::Keymap::default().markdown();
    assert_eq!(listed, keymap.trim(), "the keymap says:\n{keymap}");
}
