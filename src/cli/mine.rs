//! `--mine`: the invoking user and the project that the current directory is in.

use std::env;

use anyhow::{Context as _, anyhow};
use sockeye::model::Mine;
use sockeye::source::{invoking_uid, project_of};

/// This user and this project.
pub fn mine() -> anyhow::Result<Mine> {
    let uid = invoking_uid().context("--mine: this system has no uids")?;
    let folder = env::current_dir().context("--mine: can't find the current directory")?;
    let project = project_of(&folder).ok_or_else(|| {
        anyhow!(
            "--mine: no project here: neither {} nor a folder above it has a repository (.git, .hg, .jj) or a manifest \
             (Cargo.toml, package.json, go.mod, pyproject.toml, …)",
            folder.display()
        )
    })?;
    Ok(Mine {
        uid,
        project: project.path,
    })
}
