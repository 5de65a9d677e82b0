//! The image that all container scenes run: made of busybox, as none can be pulled.

use std::path::Path;
use std::process::Command;

/// A shell command that prints the image as a tar.
pub fn tar() -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/advice");
    let helper = "/run/stage/answers_udp";
    if !Path::new(helper).exists() {
        let output = Command::new("cc")
            .args(["-static", "-O1", "-o", helper])
            .arg(here.join("helpers/answers_udp.c"))
            .output()
            .expect("cc starts");
        assert!(output.status.success(), "{output:?}");
    }
    format!("sh {}/image.sh /tmp/of-$(id -un) {helper}", here.display())
}
