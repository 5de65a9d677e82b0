//! Sockets that nobody was found to hold: looked for ever more rarely.

/// An inode that nobody was found to hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unfound {
    /// How often in a row.
    pub(super) misses: u32,
    /// How many readings to let pass before it is looked for again.
    pub(super) patience: u32,
    /// Whether the last search ended before it had looked everywhere.
    pub(super) is_open: bool,
}

impl Unfound {
    /// Nobody was found. The second look is at once, later ones after 1, 2, 4, … readings.
    pub(super) fn miss(&mut self) {
        self.misses = self.misses.saturating_add(1);
        self.patience = match self.misses {
            1 => 0,
            misses => 1 << (misses - 2).min(16),
        };
    }
}
