//! Makes the pictures in `assets/`: `cargo run --example screenshot`.
//!
//! A real run: real sockets in a network namespace of its own, opened by processes of this very
//! program under other names; the real `sockeye` in a real pty; what its terminal shows, cell by
//! cell, as SVG.
#![allow(clippy::print_stdout, reason = "it says what it wrote")]

mod scene;
#[path = "../../tests/support/mod.rs"]
mod support;
mod svg;

use std::path::Path;
use std::process::Command;

use scene::Scene;
use sockeye::app::Key;
use support::pty::Pty;

const INSIDE: &str = "SOCKEYE_SCREENSHOT_INSIDE";
const SIZE: (u16, u16) = (120, 26);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = std::env::current_exe()?;
    if let Some(role) = scene::role() {
        return scene::play(&role);
    }
    if std::env::var_os(INSIDE).is_none() {
        let status = Command::new("unshare")
            .args([
                "-Urn",
                "--kill-child",
                "sh",
                "-ec",
                "ip link set lo up && exec \"$0\"",
            ])
            .arg(&own)
            .env(INSIDE, "1")
            .status()?;
        return if status.success() {
            Ok(())
        } else {
            Err(status.to_string().into())
        };
    }
    let program = own
        .parent()
        .and_then(Path::parent)
        .ok_or("no target folder")?
        .join("sockeye");
    if !program.exists() {
        return Err("build the program first: cargo build".into());
    }
    take_pictures(&program, Path::new("assets"))
}

fn take_pictures(program: &Path, assets: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut scene = Scene::set()?;
    let linger = [
        "-a",
        "--interval",
        "200ms",
        "--linger",
        "60s",
        "--highlight",
        "60s",
    ];
    let mut pty = Pty::spawn(program, &linger, SIZE, &[("TZ", "UTC")]);
    pty.wait_for_text("metrics");
    scene.let_things_happen()?;
    pty.wait_for("what happened", |screen| {
        [" + ", " - "]
            .iter()
            .all(|mark| format!("\n{screen}").contains(mark.trim_start()))
            && screen.contains("→ CLOSE_WAIT")
            && screen.contains("closed")
    });
    save(&pty, &assets.join("table.svg"))?;
    pty.send("/:8080");
    pty.send_key(Key::Enter);
    pty.send("b");
    pty.wait_for_text("EADDRINUSE");
    save(&pty, &assets.join("bind-test.svg"))?;
    pty.send("q");
    pty.wait_exit();
    Ok(())
}

fn save(pty: &Pty, path: &Path) -> std::io::Result<()> {
    std::fs::write(path, svg::picture(&pty.screen()))?;
    println!("wrote {}", path.display());
    Ok(())
}
