//! The body of a frame: read, checked and decompressed.

use std::io;

use super::{Entry, Input};
use crate::history::DamageKind;
use crate::history::format::{HEAD_LENGTH, Head, Kind};

impl Input {
    /// The frame at an offset; `None` if it is damaged or of another kind.
    pub fn frame(&mut self, offset: u64, kind: Kind) -> io::Result<Option<(Vec<u8>, Head)>> {
        let head = self.read(offset, HEAD_LENGTH)?;
        let head = <[u8; HEAD_LENGTH]>::try_from(&head[..]).map(|head| Head::parse(&head));
        let Ok(Ok(head)) = head else {
            return Ok(None);
        };
        if head.kind != kind {
            return Ok(None);
        }
        let body = read_body(self, &Entry { offset, head })?;
        Ok(body.ok().map(|body| (body, head)))
    }
}

/// The body of a frame, or what is wrong with it.
pub(crate) fn read_body(
    input: &mut Input,
    entry: &Entry,
) -> io::Result<Result<Vec<u8>, DamageKind>> {
    let head = entry.head;
    let length = head.length as usize;
    let bytes = input.read(entry.offset + HEAD_LENGTH as u64, length)?;
    if bytes.len() < length {
        return Ok(Err(DamageKind::Incomplete));
    }
    if crc32fast::hash(&bytes) != head.body_crc {
        return Ok(Err(DamageKind::Checksum));
    }
    let raw = input.decompress(&bytes, head.raw_length as usize);
    Ok(match raw {
        Ok(raw) if raw.len() == head.raw_length as usize => Ok(raw),
        Ok(_) => Err(DamageKind::Content("its length is wrong".to_owned())),
        Err(error) => Err(DamageKind::Content(format!(
            "it can't be decompressed: {error}"
        ))),
    })
}
