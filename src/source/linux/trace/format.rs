//! The format of a tracepoint's records, from the file `format` of tracefs: which number the tracepoint has and where each
//! field is.
//!
//! Both differ between kernels (and the number between boots), so none is assumed.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::TraceError;

/// Where tracefs is mounted; the second is that of kernels before 4.1, and still there if debugfs is mounted.
const MOUNTS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// The number of a tracepoint and its fields.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) id: u64,
    fields: Vec<Field>,
}

/// A field: its offset and size in bytes.
#[derive(Debug, PartialEq, Eq)]
struct Field {
    name: String,
    offset: usize,
    size: usize,
}

impl Format {
    /// Reads the format of a tracepoint, such as `sock/inet_sock_set_state`.
    pub(super) fn read(tracepoint: &'static str) -> Result<Self, TraceError> {
        let events = events_folder()?;
        let path = events.join(tracepoint).join("format");
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => TraceError::NoTracepoint(tracepoint),
            ErrorKind::PermissionDenied => TraceError::unreadable(&path),
            _ => TraceError::system("read", error),
        })?;
        Self::parse(&text).ok_or(TraceError::UnknownFormat(tracepoint))
    }

    /// Parses the line with `ID: 12` and each with `field:__u16 sport;`, its offset and size. Others are skipped.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let id = text.lines().find_map(|line| line.strip_prefix("ID:"))?;
        let fields = text.lines().filter_map(|line| Field::parse(line.trim()));
        Some(Self {
            id: id.trim().parse().ok()?,
            fields: fields.collect(),
        })
    }

    /// The offset of a field of this size; `None` if there is none.
    pub(super) fn offset(&self, name: &str, size: usize) -> Option<usize> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        (field.size == size).then_some(field.offset)
    }
}

impl Field {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(';').map(str::trim);
        let declaration = parts.next()?.strip_prefix("field:")?;
        let name = declaration.split('[').next()?.split_whitespace().last()?;
        let mut number = |prefix| parts.next()?.strip_prefix(prefix)?.parse().ok();
        Some(Self {
            name: name.to_owned(),
            offset: number("offset:")?,
            size: number("size:")?,
        })
    }
}

/// The folder of the tracepoints. An empty mount point has none.
fn events_folder() -> Result<PathBuf, TraceError> {
    let mut error = TraceError::NotMounted;
    for mount in MOUNTS {
        let path = Path::new(mount).join("events");
        match fs::metadata(&path) {
            Ok(_) => return Ok(path),
            Err(failure) => error = worse(error, &path, &failure),
        }
    }
    Err(error)
}

/// A folder that may not be read says more than one that doesn't exist.
fn worse(error: TraceError, path: &Path, failure: &io::Error) -> TraceError {
    let is_first = matches!(error, TraceError::NotMounted);
    if is_first && failure.kind() == ErrorKind::PermissionDenied {
        return TraceError::unreadable(path);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "name: inet_sock_set_state\nID: 2287\nformat:\n\
        \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
        \tfield:const void * skaddr;\toffset:8;\tsize:8;\tsigned:0;\n\
        \tfield:__u8 saddr_v6[16];\toffset:40;\tsize:16;\tsigned:0;\n\n\
        print fmt: \"family=%s\", REC->saddr\n";

    #[test]
    fn the_number_and_every_field_are_parsed() {
        let format = Format::parse(STATE).unwrap();
        assert_eq!((format.id, format.fields.len()), (2287, 3));
        assert_eq!(format.offset("skaddr", 8), Some(8));
        assert_eq!(format.offset("saddr_v6", 16), Some(40));
    }

    #[test]
    fn a_field_of_another_size_or_name_is_none() {
        let format = Format::parse(STATE).unwrap();
        assert_eq!(format.offset("skaddr", 4), None);
        assert_eq!(format.offset("sport", 2), None);
    }

    #[test]
    fn without_a_number_there_is_no_format() {
        for text in ["", "name: a\n", "ID: x\n", "<html>"] {
            assert_eq!(Format::parse(text), None);
        }
        assert_eq!(Format::parse("ID: 7").unwrap().fields, []);
        assert_eq!(Field::parse("field:;offset:1;size:2;"), None);
        assert_eq!(Field::parse("field:int a;offset:-1;size:2;"), None);
    }
}
