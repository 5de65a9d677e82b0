//! Work that a key asks for and the main thread must not wait for. Each job answers with one
//! message.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::bind_test::BindTester;
use super::clock::Clock;
use crate::app::{BindReport, FileFormat, Msg, Settings};
use crate::bind::{self, Address, Claim, Target, Wish};
use crate::model::Moment;
use crate::report;
use crate::track::{RowId, Table};

/// How many ports are tried before the search for a free one is given up.
const MAX_TRIES: usize = 1000;

/// Binds for real, and finds out what explains the answers.
pub fn bind_test(job: u64, target: &Target, clock: Clock) -> Msg {
    let examination = BindTester::new(clock).test(target);
    Msg::BindTested(Box::new(BindReport { job, examination }))
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
    let wish = Wish {
        tcp: true,
        udp: true,
        address: Address::Every,
    };
    let above = (from..=u16::MAX).skip(1).take(MAX_TRIES);
    let claim = |port| Claim::of(&wish, port);
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

/// Writes rows of a table to a new file in the current directory.
pub fn write_rows(table: &Table, rows: &[RowId], format: FileFormat, now: Moment) -> Msg {
    let stamp = now.wall.strftime("%Y%m%dT%H%M%S%3fZ");
    let ending = match format {
        FileFormat::Json => "json",
        FileFormat::Csv => "csv",
    };
    let path = PathBuf::from(format!("sockeye-{stamp}.{ending}"));
    match write_file(&path, table, rows, format) {
        Ok(()) => done(format!("wrote {} rows to {}", rows.len(), path.display())),
        Err(error) => failed(format!("{}: {error}", path.display())),
    }
}

fn write_file(path: &Path, table: &Table, rows: &[RowId], format: FileFormat) -> io::Result<()> {
    let rows = rows.iter().filter_map(|&id| table.position(id));
    let rows = rows.map(|at| &*table.rows[at]);
    let mut file = BufWriter::new(File::create_new(path)?);
    match format {
        FileFormat::Json => report::write_json(&mut file, table, rows)?,
        FileFormat::Csv => report::write_csv(&mut file, rows)?,
    }
    file.flush()
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
