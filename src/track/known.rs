//! The ids of sockets that another table has already: rows of the same sockets get the same ids in this one.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::Arc;

use super::matching::Address;
use super::{Row, RowId};
use crate::model::Socket;

/// The ids that are left, by the addresses of their sockets, with the kernel's cookies.
#[derive(Debug, Default)]
pub(super) struct KnownIds(HashMap<Address, Vec<(Option<NonZeroU64>, RowId)>>);

impl KnownIds {
    /// Where two rows have the same id, the first one counts.
    pub fn of(rows: &[Arc<Row>]) -> Self {
        let mut seen = HashSet::with_capacity(rows.len());
        let mut known = Self::default();
        for row in rows.iter().filter(|row| seen.insert(row.id)) {
            let ids = known.0.entry(Address::of(&row.socket)).or_default();
            ids.push((row.socket.cookie, row.id));
        }
        known
    }

    /// Takes the id of this very socket, or else of the first one that had its addresses.
    pub fn take(&mut self, socket: &Socket) -> Option<RowId> {
        if self.0.is_empty() {
            return None;
        }
        let ids = self.0.get_mut(&Address::of(socket))?;
        let is_it = |(cookie, _): &(Option<NonZeroU64>, RowId)| {
            cookie.is_some() && *cookie == socket.cookie
        };
        let at = ids.iter().position(is_it).unwrap_or(0);
        (at < ids.len()).then(|| ids.remove(at).1)
    }
}
