//! A project, as options name it: by a folder in it.

use std::fs::{canonicalize, metadata};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sockeye::source;

/// The real path of the project of a folder: the nearest one, from it up, with a manifest or a repository, or else the
/// folder itself.
pub fn project_of(option: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let real = canonicalize(folder).and_then(|real| {
        // In a folder that can't be searched, a manifest would be missed.
        metadata(real.join(".")).map(|_| real)
    });
    let real = real.with_context(|| format!("{option} {}", folder.display()))?;
    Ok(source::project_folder_of(&real).unwrap_or(real))
}
