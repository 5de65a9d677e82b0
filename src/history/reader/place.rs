//! Where the segments of a history are: found, and read on while they grow.

use std::path::PathBuf;

use crate::history::StoreError;
use crate::history::memory::Shared;
use crate::history::segment::{Segment, Source};
use crate::history::writer::folder::segments;

/// Where a history is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Folder(PathBuf),
    File(PathBuf),
    Memory(Shared),
}

impl Place {
    /// Updates the list of segments, and reads on those that grew.
    pub fn refresh(&self, known: &mut Vec<Segment>) -> Result<(), StoreError> {
        let found = self.list()?;
        let mut all = Vec::with_capacity(found.len());
        let mut before = std::mem::take(known).into_iter().peekable();
        for (number, source) in found {
            while before.peek().is_some_and(|one| one.number < number) {
                before.next();
            }
            // A folder that was removed and made anew has other segments with these numbers.
            let is_same =
                |one: &Segment| one.number == number && one.source.path() == source.path();
            let same = before.next_if(is_same);
            let is_last = before.peek().is_none();
            let mut segment = match same {
                Some(segment) if !is_last => {
                    all.push(segment);
                    continue;
                }
                same => same.unwrap_or_else(|| Segment::new(number, source)),
            };
            if segment.refresh()? {
                all.push(segment);
            }
        }
        *known = all;
        Ok(())
    }

    fn list(&self) -> Result<Vec<(u64, Source)>, StoreError> {
        Ok(match self {
            Self::Folder(path) => {
                let found = segments(path).map_err(|reason| StoreError::file(path, reason))?;
                let found = found.into_iter();
                found
                    .map(|one| (one.number, Source::File(one.path)))
                    .collect()
            }
            Self::File(path) => vec![(0, Source::File(path.clone()))],
            Self::Memory(shared) => shared.segments(),
        })
    }
}
