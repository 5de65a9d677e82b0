//! Where the bytes of a segment are: in a file, or in memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::history::writer::system::open_to_read;

/// The bytes of a segment in memory; the writer appends to them.
pub(crate) type SharedBytes = Arc<RwLock<Vec<u8>>>;

/// A segment that can be opened.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Memory(SharedBytes),
}

/// A segment that is open.
pub(crate) struct Input {
    bytes: Opened,
    /// Made once: it takes longer than a small frame.
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
}

enum Opened {
    File(File),
    Memory(SharedBytes),
}

impl Source {
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory(_) => None,
        }
    }

    pub fn open(&self) -> io::Result<Input> {
        let bytes = match self {
            Self::File(path) => Opened::File(open_to_read(path)?),
            Self::Memory(bytes) => Opened::Memory(Arc::clone(bytes)),
        };
        Ok(Input {
            bytes,
            decompressor: None,
        })
    }
}

impl Input {
    pub fn len(&self) -> io::Result<u64> {
        match &self.bytes {
            Opened::File(file) => Ok(file.metadata()?.len()),
            Opened::Memory(bytes) => {
                Ok(bytes.read().unwrap_or_else(PoisonError::into_inner).len() as u64)
            }
        }
    }

    /// Decompresses a body of at most this length.
    pub fn decompress(&mut self, bytes: &[u8], length: usize) -> io::Result<Vec<u8>> {
        let decompressor = match &mut self.decompressor {
            Some(decompressor) => decompressor,
            none => none.insert(zstd::bulk::Decompressor::new()?),
        };
        decompressor.decompress(bytes, length)
    }

    /// Reads so many bytes, or fewer at the end.
    pub fn read(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        match &mut self.bytes {
            Opened::File(file) => {
                file.seek(SeekFrom::Start(offset))?;
                let mut bytes = Vec::with_capacity(length);
                file.take(length as u64).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
            Opened::Memory(all) => {
                let all = all.read().unwrap_or_else(PoisonError::into_inner);
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
                let end = start.saturating_add(length).min(all.len());
                Ok(all[start..end].to_vec())
            }
        }
    }
}
