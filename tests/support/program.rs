//! System calls that no safe crate has, in small programs in C, built when they are
//! needed. Rust links by the same compiler, so it is there. Not part of `support`, which benches and
//! examples use too: only tests have a folder for such things.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds a file below `tests`, such as `bind/helpers/cage.c`, under a name of this process's own until
/// it is whole.
#[allow(dead_code, reason = "each test binary uses one of the two")]
pub fn built(source: &str) -> PathBuf {
    built_with(source, &[])
}

/// The same as a library to preload.
#[allow(dead_code, reason = "each test binary uses one of the two")]
pub fn built_library(source: &str) -> PathBuf {
    built_with(source, &["-shared", "-fPIC"])
}

/// The same without libraries at run time.
#[allow(dead_code, reason = "each test binary uses one of the two")]
pub fn built_static(source: &str) -> PathBuf {
    built_with(source, &["-static"])
}

fn built_with(source: &str, options: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(source);
    let name = source.file_stem().expect("it has a name").to_string_lossy();
    let (built, building) = (
        folder.join(&*name),
        folder.join(format!("{name}-{}", unique())),
    );
    let output = Command::new("cc")
        .args(options)
        .args(["-O1", "-o"])
        .arg(&building)
        .arg(&source)
        .arg("-lpthread")
        .output()
        .expect("cc starts");
    assert!(output.status.success(), "{output:?}");
    std::fs::rename(building, &built).expect("both are in one folder");
    built
}

/// A name that no other process has, also one with the same pid in another namespace.
fn unique() -> String {
    let random = std::fs::read_to_string("/proc/sys/kernel/random/uuid").expect("/proc is mounted");
    random.trim().to_owned()
}
