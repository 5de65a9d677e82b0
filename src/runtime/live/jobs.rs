//! Slow work that a key starts, each on a thread of its own. The result of a job is one message.

use std::fs::File;
use std::io::{self, BufWriter, Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::app::{BindReport, FileFormat, Inspected, Msg, RowFormat, RowNamespace, Save, Written};
use crate::bind::{self, Address, Claim, PortRequest, Target};
use crate::clock::Clock;
use crate::columns::CellContext;
use crate::config;
use crate::inspect::BindTester;
use crate::model::{Moment, clean};
use crate::report::{self, CsvOptions, Layout, RecordedListing};
use crate::runtime::history::LastHour;
use crate::runtime::namespace::run_in_row;
use crate::settings::Settings;
use crate::track::{RowId, Table};

/// How many ports are tried to find a free one.
const MAX_TRIES: usize = 1000;

/// Makes real binds, and reads the evidence that explains the results.
pub fn bind_test(job: u64, target: &Target, row: Option<&RowNamespace>, clock: Clock) -> Msg {
    let test = |inside| BindTester::inside(clock, inside).test(target);
    match run_in_row(row, test) {
        Ok(test_result) => Msg::BindTested(Box::new(BindReport { job, test_result })),
        Err(why) => Msg::BindTestFailed {
            job,
            message: why.to_string(),
        },
    }
}

/// Reads the settings again. The file system may be slow.
pub fn read_settings(read: &dyn Fn() -> Result<(Settings, String), String>) -> Msg {
    read().map_or_else(failed, |(settings, from)| Msg::SettingsRead {
        settings: Box::new(settings),
        from,
    })
}

/// Compares these settings with the config file.
pub fn prepare_save(path: Option<&Path>, settings: Settings) -> Msg {
    difference(path, settings).map_or_else(failed, |(save, _)| Msg::SavePrepared(Box::new(save)))
}

/// Writes the settings to the config file, unless that would change something else than was confirmed.
pub fn save(path: Option<&Path>, confirmed: &Save) -> Msg {
    let written = difference(path, confirmed.settings.clone()).and_then(|(save, text)| {
        if save != *confirmed {
            return Err(format!("{} has changed: nothing was written", save.path));
        }
        let path = path.unwrap_or(Path::new(""));
        let written = config::save(path, &text);
        written.map_err(|error| format!("can't write {}: {error}", save.path))
    });
    written.map_or_else(failed, |()| Msg::JobDone {
        succeeded: true,
        message: format!("saved in {}", confirmed.path),
    })
}

/// The difference, and the text of the file with the settings in it.
fn difference(path: Option<&Path>, settings: Settings) -> Result<(Save, String), String> {
    let path = path.ok_or("no home directory, so there is no path for a config file")?;
    let edited = config::prepare(path, &settings);
    let edited = edited.map_err(|error| format!("nothing was saved; {}", error.brief()))?;
    let save = Save {
        path: path.display().to_string(),
        changes: edited.changes,
        settings,
    };
    Ok((save, edited.text))
}

/// Finds the first port above `from` that can be bound on every address, with TCP and UDP.
pub fn find_free_port(from: u16, row: Option<&RowNamespace>) -> Msg {
    let inside = RowNamespace::in_words(row);
    let found = run_in_row(row, |_| first_free_port(from));
    match found.map_err(|why| why.to_string()).flatten() {
        Ok(Some(port)) => Msg::JobDone {
            succeeded: true,
            message: format!(
                "{port} is free{inside} (a test bind of TCP and UDP on every address worked)"
            ),
        },
        Ok(None) => failed(format!("no free port found above {from}{inside}")),
        Err(why) => failed(why),
    }
}

fn first_free_port(from: u16) -> Result<Option<u16>, String> {
    let request = PortRequest {
        tcp: true,
        udp: true,
        address: Address::Every,
    };
    let above = (from..=u16::MAX).skip(1).take(MAX_TRIES);
    let claim = |port| Claim::of(&request, port);
    let choice = bind::choose(above, 1, |_| None, claim, |_| None);
    let choice = choice.map_err(|refusal| format!("no port can be bound ({})", refusal.result))?;
    Ok(choice.found.first().map(Claim::port))
}

/// Writes rows of a table to a new file in the current directory. If that can't be written, in the home
/// directory or the one for temporary files.
/// `counters_at`: when the counters of the sockets were read, if that was before the table.
pub fn write_rows(
    table: &Table,
    rows: &[RowId],
    format: FileFormat,
    counters_at: Option<Timestamp>,
    now: Moment,
) -> Msg {
    let listing = RecordedListing {
        counters_at,
        ..RecordedListing::default()
    };
    write_here(format.ending(), now, |path| {
        write_file(path, table, rows, format, listing)
    })
}

/// Writes the last hour to a new recording, likewise.
pub fn write_history(history: Option<&LastHour>, now: Moment) -> Msg {
    let Some(history) = history else {
        return failed("no history is kept".to_owned());
    };
    write_here("seg", now, |path| {
        let length = history.write_to(path).map_err(io::Error::other)?;
        let seconds = usize::try_from(length.as_secs()).unwrap_or(usize::MAX);
        let (count, nouns) = if seconds < 120 {
            (seconds, ["second", "seconds"])
        } else {
            (seconds / 60, ["minute", "minutes"])
        };
        Ok(Written {
            count,
            nouns,
            path: path.display().to_string(),
            not_in: None,
        })
    })
}

fn write_here(ending: &str, now: Moment, write: impl Fn(&Path) -> io::Result<Written>) -> Msg {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let others = home.into_iter().chain([std::env::temp_dir()]);
    let stamp = now.wall.strftime("%Y%m%dT%H%M%S%3fZ");
    let name = format!("sockeye-{stamp}.{ending}");
    let write = |folder: &Path| write(&folder.join(&name));
    let here = std::env::current_dir().map_err(|error| format!("the current directory: {error}"));
    write_to_first(here, others, write)
}

/// Writes to the first folder, or else to the first of the others that can be written to.
fn write_to_first(
    first: Result<PathBuf, String>,
    mut others: impl Iterator<Item = PathBuf>,
    write: impl Fn(&Path) -> io::Result<Written>,
) -> Msg {
    let written = first.and_then(|folder| {
        write(&folder).map_err(|error| format!("{}: {error}", folder.display()))
    });
    match written {
        Ok(written) => Msg::RowsWritten(written),
        Err(why) => match others.find_map(|folder| write(&folder).ok()) {
            Some(written) => Msg::RowsWritten(Written {
                not_in: Some(why),
                ..written
            }),
            None => failed(format!("can't write to {why}")),
        },
    }
}

/// Writes a file that only its owner can read, as it contains command lines.
fn write_file(
    path: &Path,
    table: &Table,
    ids: &[RowId],
    format: FileFormat,
    listing: RecordedListing,
) -> io::Result<Written> {
    let rows = ids.iter().filter_map(|&id| table.position(id));
    let rows: Vec<_> = rows.map(|at| &*table.rows[at]).collect();
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(path)?);
    let written = match format {
        FileFormat::Json => report::write_json(&mut file, table, &rows, listing),
        FileFormat::Csv => report::write_csv(
            &mut file,
            table,
            rows.iter().copied(),
            CsvOptions::default(),
        ),
    };
    // Remove a partial file, which would look complete.
    let written = written.and_then(|()| file.flush());
    written.inspect_err(|_| drop(std::fs::remove_file(path)))?;
    Ok(Written {
        count: rows.len(),
        nouns: ["row", "rows"],
        path: path.display().to_string(),
        not_in: None,
    })
}

/// The most bytes of rows to copy: terminals drop longer texts for the clipboard (`OSC 52`), many of them far shorter ones.
const MAX_COPY: usize = 1 << 20;

/// No row has fewer bytes.
const LEAST_ROW: usize = 16;

/// The answer for rows that are too much to copy.
pub const TOO_MUCH: &str = "too much to copy: write the rows to a file instead";

/// Rows of a table as text, a line for each, without a line feed at the end; `None` if that is too much to copy. Control
/// characters are made visible: the text may be pasted anywhere.
pub fn rows_text(table: &Table, ids: &[RowId], format: RowFormat) -> Option<String> {
    if ids.len() > MAX_COPY / LEAST_ROW {
        return None;
    }
    let rows = ids.iter().filter_map(|&id| table.position(id));
    let rows: Vec<_> = rows.map(|at| &*table.rows[at]).collect();
    // Writing fails where it ends.
    let mut out = Cursor::new(vec![0; MAX_COPY].into_boxed_slice());
    let written = match format {
        RowFormat::Json => report::write_ndjson(&mut out, table, &rows),
        RowFormat::Text => {
            let context = CellContext::whole(table, Duration::ZERO);
            let layout = Layout {
                without_header: true,
                ..Layout::default()
            };
            report::write_text(&mut out, &rows, &context, &layout)
        }
    };
    written.ok()?;
    let length = usize::try_from(out.position()).ok()?;
    let text = String::from_utf8_lossy(out.get_ref().get(..length)?);
    let lines: Vec<_> = text.lines().map(clean).collect();
    Some(lines.join("\n"))
}

/// The answer if nothing could be read of an owner: then only the check before the signal counts.
pub fn uninspected(job: u64) -> Msg {
    let unread = Inspected {
        job,
        ..Inspected::default()
    };
    Msg::OwnerInspected(Box::new(unread))
}

/// The result of a job that failed.
pub const fn failed(message: String) -> Msg {
    Msg::JobDone {
        succeeded: false,
        message,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::model::{Endpoint, Kinds, Protocol, Snapshot, Socket, State};
    use crate::track::Tracker;

    /// A directory that is removed with it.
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
            write_file(
                &folder.join("sockeye.csv"),
                &table,
                &[],
                FileFormat::Csv,
                RecordedListing::default(),
            )
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
    fn rows_go_to_the_next_folder_if_the_first_cannot_be_written_and_the_message_says_why() {
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
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new("private");
        write(&[&folder.0]);
        let mode = std::fs::metadata(&folder.files()[0])
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn rows_that_are_too_much_to_copy_are_not_copied() {
        let clock = Clock::start();
        let mut tracker = Tracker::new(Duration::ZERO);
        let local = Endpoint::new("127.0.0.1".parse().unwrap(), 80);
        let socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        let table = tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            taken_at: clock.now(),
            sockets: vec![socket],
            processes: HashMap::new(),
            problems: Vec::new(),
            ..Snapshot::default()
        });
        let id = table.table.rows[0].id;
        for format in [RowFormat::Text, RowFormat::Json] {
            let copied = |count| rows_text(&table.table, &vec![id; count], format);
            assert_eq!(copied(2).unwrap().lines().count(), 2);
            assert!(copied(40_000).is_none());
        }
    }
}
