//! Work that a key asks for and the main thread must not wait for. Each job answers with one
//! message.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::inspect::BindTester;
use crate::clock::Clock;
use crate::settings::Settings;
use crate::app::{BindReport, FileFormat, Msg, Written};
use crate::bind::{self, Address, Claim, PortRequest, Target};
use crate::model::Moment;
use crate::report::{self, CsvOptions};
use crate::track::{RowId, Table};

/// How many ports are tried before the search for a free one is given up.
const MAX_TRIES: usize = 1000;

/// Binds for real, and finds out what explains the answers.
pub fn bind_test(job: u64, target: &Target, clock: Clock) -> Msg {
    let test_result = BindTester::new(clock).test(target);
    Msg::BindTested(Box::new(BindReport { job, test_result }))
}

/// Reads the settings again. Here, as a file may be somewhere that does not answer.
pub fn read_settings(read: &dyn Fn() -> Result<(Settings, String), String>) -> Msg {
    match read() {
        Ok((settings, from)) => Msg::SettingsRead {
            settings: Box::new(settings),
            from,
        },
        Err(why) => failed(why),
    }
}

/// Finds the first port above `from` that can be bound on every address, with TCP and UDP.
pub fn find_free_port(from: u16) -> Msg {
    let request = PortRequest {
        tcp: true,
        udp: true,
        address: Address::Every,
    };
    let above = (from..=u16::MAX).skip(1).take(MAX_TRIES);
    let claim = |port| Claim::of(&request, port);
    let found = match bind::choose(above, 1, |_| None, claim, |_| None) {
        Ok(choice) => choice.found.first().map(Claim::port),
        Err(refusal) => return failed(format!("no port can be bound ({})", refusal.result)),
    };
    match found {
        Some(port) => done(format!(
            "{port} is free: bound on every address, TCP and UDP"
        )),
        None => failed(format!("no free port found above {from}")),
    }
}

/// Writes rows of a table to a new file in the current directory. If nothing can be written there, it
/// goes to the home directory, or to that for temporary files.
pub fn write_rows(table: &Table, rows: &[RowId], format: FileFormat, now: Moment) -> Msg {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let others = home.into_iter().chain([std::env::temp_dir()]);
    let stamp = now.wall.strftime("%Y%m%dT%H%M%S%3fZ");
    let name = format!("sockeye-{stamp}.{}", format.ending());
    let write = |folder: &Path| write_file(&folder.join(&name), table, rows, format);
    let here = std::env::current_dir().map_err(|error| format!("the current directory: {error}"));
    write_to_first(here, others, write)
}

/// Writes to the folder that is meant, or else to the first other that takes it.
fn write_to_first(
    meant: Result<PathBuf, String>,
    others: impl Iterator<Item = PathBuf>,
    write: impl Fn(&Path) -> io::Result<Written>,
) -> Msg {
    let refused = |folder: &Path, error| format!("{}: {error}", folder.display());
    let first = meant.and_then(|meant| write(&meant).map_err(|error| refused(&meant, error)));
    let why = match first {
        Ok(written) => return Msg::RowsWritten(written),
        Err(why) => why,
    };
    let mut others = others.filter_map(|folder| write(&folder).ok());
    match others.next() {
        Some(written) => Msg::RowsWritten(Written {
            not_in: Some(why),
            ..written
        }),
        None => failed(format!("can't write to {why}")),
    }
}

/// Writes a file that only its owner can read, as it holds command lines.
fn write_file(
    path: &Path,
    table: &Table,
    ids: &[RowId],
    format: FileFormat,
) -> io::Result<Written> {
    let rows = ids.iter().filter_map(|&id| table.position(id));
    let rows: Vec<_> = rows.map(|at| &*table.rows[at]).collect();
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(path)?);
    let written = match format {
        FileFormat::Json => report::write_json(&mut file, table, &rows),
        FileFormat::Csv => report::write_csv(&mut file, rows.iter().copied(), CsvOptions::default()),
    };
    // Half a file would be taken for a whole one.
    let written = written.and_then(|()| file.flush());
    written.inspect_err(|_| drop(std::fs::remove_file(path)))?;
    Ok(Written {
        rows: rows.len(),
        path: path.display().to_string(),
        not_in: None,
    })
}

fn done(message: String) -> Msg {
    Msg::JobDone {
        succeeded: true,
        message,
    }
}

/// The answer of a job that did not do what was asked.
pub const fn failed(message: String) -> Msg {
    Msg::JobDone {
        succeeded: false,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// A directory of the test's own, removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn files(&self) -> Vec<PathBuf> {
            let entries = std::fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// Writes no rows to `sockeye.csv` in the first folder that takes it.
    fn write(folders: &[&Path]) -> Msg {
        let (meant, others) = folders.split_first().unwrap();
        let others = others.iter().map(|&folder| folder.to_owned());
        let table = Table::empty(Clock::start().now());
        write_to_first(Ok((*meant).to_owned()), others, |folder| {
            write_file(&folder.join("sockeye.csv"), &table, &[], FileFormat::Csv)
        })
    }

    #[test]
    fn rows_go_to_the_first_folder_and_nothing_is_overwritten() {
        let folder = Folder::new("first");
        let Msg::RowsWritten(written) = write(&[&folder.0]) else {
            panic!("it can be written to");
        };
        assert_eq!(written.not_in, None);
        assert_eq!(folder.files(), [PathBuf::from(&written.path)]);
        std::fs::write(&written.path, "kept").unwrap();
        let Msg::JobDone {
            succeeded: false,
            message,
        } = write(&[&folder.0])
        else {
            panic!("it is there already");
        };
        assert!(message.contains(&*folder.0.to_string_lossy()), "{message}");
        assert_eq!(std::fs::read_to_string(&written.path).unwrap(), "kept");
    }

    #[test]
    fn where_nothing_can_be_written_they_go_to_the_next_folder_and_it_is_said_why() {
        let folder = Folder::new("next");
        let gone = folder.0.join("gone");
        let Msg::RowsWritten(written) = write(&[&gone, &folder.0]) else {
            panic!("the second can be written to");
        };
        assert!(Path::new(&written.path).starts_with(&folder.0));
        let why = written.not_in.unwrap();
        assert!(why.starts_with(&format!("{}: ", gone.display())), "{why}");
        let Msg::JobDone {
            succeeded: false,
            message,
        } = write(&[&gone])
        else {
            panic!("there is no other");
        };
        assert_eq!(message, format!("can't write to {why}"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_what_is_written() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new("private");
        write(&[&folder.0]);
        let mode = std::fs::metadata(&folder.files()[0])
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
