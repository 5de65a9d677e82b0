//! Writing the config file: whole or not at all, with the owner and permissions of the old one.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::file::EMPTY;

/// Writes this text to the config file at this path, whole or not at all. A link stays a link, and a file keeps its
/// permissions, its owner and its group. What root makes in the folder of another user belongs to that user.
///
/// # Errors
/// The path is a link to nothing, its folder can't be made, or the file can't be written.
pub fn save(path: &Path, text: &str) -> io::Result<()> {
    if path == Path::new(EMPTY) {
        return Err(io::Error::other("it is used in place of an empty file"));
    }
    let path = target(path)?;
    let folders = missing_folders(&path);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut temporary = path.clone().into_os_string();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = write(&temporary, &path, &folders, text);
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// The file itself if this is a link.
fn target(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(why) if path.is_symlink() => {
            let what = std::fs::read_link(path)?;
            let text = format!(
                "a link to {}, which can't be followed: {why}",
                what.display()
            );
            Err(io::Error::new(why.kind(), text))
        }
        Err(_) => Ok(path.to_owned()),
        found => found,
    }
}

/// The folders of this file that do not exist yet, from the innermost.
fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let folders = path.ancestors().skip(1);
    let folders = folders.take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    folders.map(Path::to_owned).collect()
}

fn write(temporary: &Path, path: &Path, folders: &[PathBuf], text: &str) -> io::Result<()> {
    let mut file = File::create_new(temporary)?;
    match path.metadata() {
        Ok(old) => {
            file.set_permissions(old.permissions())?;
            #[cfg(unix)]
            owner::keep(&file, &old)?;
        }
        #[cfg(unix)]
        Err(_) => owner::of_folder(&file, path, folders)?,
        #[cfg(not(unix))]
        Err(_) => _ = folders,
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(temporary, path)
}

#[cfg(unix)]
mod owner {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::{MetadataExt as _, fchown};
    use std::path::{Path, PathBuf};

    use rustix::fs::{Mode, OFlags};

    /// Gives a file the owner and group of an old one.
    pub fn keep(file: &File, old: &Metadata) -> io::Result<()> {
        let new = file.metadata()?;
        if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
            return Ok(());
        }
        fchown(file, Some(old.uid()), Some(old.gid()))
    }

    /// Gives root's new file and its new folders, from the innermost, the owner and group of the folder around them.
    pub fn of_folder(file: &File, path: &Path, folders: &[PathBuf]) -> io::Result<()> {
        let innermost = folders.last().map_or(path, PathBuf::as_path);
        let around = match innermost.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let around = around.metadata()?;
        if !rustix::process::geteuid().is_root() || around.uid() == 0 {
            return Ok(());
        }
        let (user, group) = (Some(around.uid()), Some(around.gid()));
        fchown(file, user, group)?;
        for folder in folders {
            // A link that someone puts there in the meantime is not followed.
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let folder = rustix::fs::open(folder, flags, Mode::empty())?;
            fchown(&folder, user, group)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, chown, symlink};

    use super::*;
    use crate::config::prepare;
    use crate::settings::Settings;

    /// A new folder for one test.
    fn folder(name: &str) -> PathBuf {
        let name = format!("sockeye-save-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn owner(path: &Path) -> (u32, u32) {
        let file = path.metadata().unwrap();
        (file.uid(), file.gid())
    }

    #[test]
    fn a_saved_file_keeps_its_link_and_permissions_and_leaves_nothing_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder("link");
        let (link, file) = (folder.join("a/config.toml"), folder.join("dotfiles.toml"));
        std::fs::write(&file, "sort = 'pid'\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::fs::create_dir_all(folder.join("a")).unwrap();
        symlink(&file, &link).unwrap();
        let edited = prepare(&link, &Settings::default()).unwrap();
        save(&link, &edited.text).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "sort = \"port\"\n");
        assert!(link.is_symlink());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        let new = folder.join("b/config.toml");
        save(&new, "").unwrap();
        assert!(new.is_file());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_link_to_nothing_is_an_error_and_stays() {
        let folder = folder("dangling");
        let link = folder.join("config.toml");
        symlink(folder.join("gone/dotfiles.toml"), &link).unwrap();
        let why = save(&link, "").unwrap_err().to_string();
        assert!(
            why.contains("a link to") && why.contains("gone/dotfiles.toml"),
            "{why}"
        );
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// Another user and group than root; only root can give files away, so another user tests with its own.
    fn someone() -> (u32, u32) {
        if rustix::process::geteuid().is_root() {
            (4711, 4712)
        } else {
            let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
            (user.as_raw(), group.as_raw())
        }
    }

    #[test]
    fn a_saved_file_keeps_its_group_also_if_its_owner_saves_it() {
        let folder = folder("group");
        let file = folder.join("config.toml");
        std::fs::write(&file, "").unwrap();
        chown(&file, None, Some(someone().1)).unwrap();
        let before = owner(&file);
        save(&file, "sort = 'pid'\n").unwrap();
        assert_eq!(owner(&file), before);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_root_makes_in_the_folder_of_a_user_belongs_to_the_user() {
        let home = folder("home");
        let (user, group) = someone();
        chown(&home, Some(user), Some(group)).unwrap();
        let file = home.join(".config/sockeye/config.toml");
        save(&file, "").unwrap();
        let made = [home.join(".config"), home.join(".config/sockeye"), file];
        assert!(made.iter().all(|path| owner(path) == (user, group)));
        std::fs::remove_dir_all(&home).unwrap();
    }
}
