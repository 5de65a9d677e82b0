//! Who holds which socket: an index from inode to pids, kept from one reading to the next.
//!
//! A known inode costs a hash lookup. An inode seen for the first time costs a walk over `/proc`
//! (see `scan`); one that nobody was found to hold costs further walks at growing intervals, not
//! at every reading. A walk every few seconds corrects what forking, passing and closing
//! descriptors changed without a change in the table.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::scan::{self, Scan};
use crate::model::{Moment, Pid};
use crate::source::{Blind, Holding};

/// How old the index may become before everything is looked at again.
const RESCAN_AFTER: Duration = Duration::from_secs(5);

/// The index.
#[derive(Default)]
pub(super) struct Holders {
    entries: HashMap<u32, Entry>,
    /// Counts the readings; an entry of an earlier one is of a socket that is no more.
    reading: u64,
    scanned_at: Option<Moment>,
    blind: Option<Blind>,
}

/// What is known of one inode.
#[derive(Debug)]
struct Entry {
    /// Ascending; empty if nobody was found.
    pids: Arc<[Pid]>,
    /// How often in a row nobody was found.
    misses: u32,
    /// How many readings to let pass before the next walk for this inode alone.
    patience: u32,
    reading: u64,
}

impl Entry {
    fn is_due(&self) -> bool {
        self.pids.is_empty() && self.patience == 0
    }
}

impl Holders {
    /// Brings the index up to date with the inodes of a reading.
    ///
    /// # Errors
    ///
    /// When `/proc` can't be read; whoever is not known is then hidden.
    pub(super) fn update(
        &mut self,
        inodes: impl Iterator<Item = u32>,
        at: Moment,
    ) -> std::io::Result<()> {
        self.update_by(inodes, at, |entries| {
            Ok(scan::scan(|inode| entries.contains_key(&inode))?)
        })
    }

    fn update_by(
        &mut self,
        inodes: impl Iterator<Item = u32>,
        at: Moment,
        walk: impl FnOnce(&HashMap<u32, Entry>) -> std::io::Result<Scan>,
    ) -> std::io::Result<()> {
        self.reading += 1;
        let mut is_due = self
            .scanned_at
            .is_none_or(|scanned| scanned.age(at) >= RESCAN_AFTER);
        for inode in inodes {
            let entry = self
                .entries
                .entry(inode)
                .or_insert_with(|| Entry::new(self.reading));
            entry.reading = self.reading;
            is_due |= entry.is_due();
            entry.patience = entry.patience.saturating_sub(1);
        }
        self.entries
            .retain(|_, entry| entry.reading == self.reading);
        if !is_due || self.entries.is_empty() {
            return Ok(());
        }
        let scan = walk(&self.entries).inspect_err(|_| self.blind = Some(Blind::NotPermitted))?;
        self.scanned_at = Some(at);
        self.take_in(scan);
        Ok(())
    }

    fn take_in(&mut self, mut scan: Scan) {
        self.blind = scan.blind;
        for (inode, entry) in &mut self.entries {
            match scan.holders.remove(inode) {
                Some(pids) if *pids == *entry.pids => {}
                Some(pids) => {
                    entry.pids = pids.into();
                    entry.misses = 0;
                }
                None => entry.miss(),
            }
        }
    }

    /// Who holds an inode, as far as is known.
    ///
    /// Nobody at the first look may be a socket that was closed between table and walk, or one in
    /// flight between processes; at the second look it is the kernel's.
    pub(super) fn of(&self, inode: u32) -> Holding {
        match self.entries.get(&inode) {
            Some(entry) if !entry.pids.is_empty() => Holding::By(Arc::clone(&entry.pids)),
            _ if self.blind.is_some() => Holding::Hidden,
            Some(entry) if entry.misses > 1 => Holding::Kernel,
            _ => Holding::None,
        }
    }

    /// Why holders may be hidden.
    pub(super) const fn blind(&self) -> Option<Blind> {
        self.blind
    }

    /// Removes processes that are no more. Whether that left a socket without a holder.
    pub(super) fn forget(&mut self, gone: &[Pid]) -> bool {
        let mut is_any_lost = false;
        for entry in self.entries.values_mut() {
            if entry.pids.iter().any(|pid| gone.contains(pid)) {
                entry.pids = entry
                    .pids
                    .iter()
                    .copied()
                    .filter(|pid| !gone.contains(pid))
                    .collect();
                (entry.misses, entry.patience) = (0, 0);
                is_any_lost |= entry.pids.is_empty();
            }
        }
        is_any_lost
    }
}

impl Entry {
    fn new(reading: u64) -> Self {
        Self {
            pids: Arc::default(),
            misses: 0,
            patience: 0,
            reading,
        }
    }

    /// Nobody was found. The second look is at once, later ones after 1, 2, 4, … readings.
    fn miss(&mut self) {
        self.pids = Arc::default();
        self.misses = self.misses.saturating_add(1);
        self.patience = match self.misses {
            1 => 0,
            misses => 1 << (misses - 2).min(16),
        };
    }
}

#[cfg(test)]
mod tests;
