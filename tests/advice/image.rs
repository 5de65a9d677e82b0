//! The image that all container scenes run: made of busybox, as none can be pulled.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::started::sh;

/// The image as a tar that every user of the stage may read; made once.
pub fn tar() -> &'static str {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(make);
    "/run/stage/image.tar"
}

fn make() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/advice");
    let helper = "/run/stage/answers_udp";
    let output = Command::new("cc")
        .args(["-static", "-O1", "-o", helper])
        .arg(here.join("helpers/answers_udp.c"))
        .output()
        .expect("cc starts");
    assert!(output.status.success(), "{output:?}");
    let script = here.join("image.sh");
    sh(&format!(
        "sh {} /run/stage/image {helper} >/run/stage/image.tar",
        script.display()
    ));
}
