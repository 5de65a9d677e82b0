//! How the user is notified of an alert about a pinned port, besides the line on the screen.

/// How to notify a user who is not watching the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// The terminal's bell.
    #[default]
    Bell,
    /// A notice on the desktop, sent through the terminal.
    Desktop,
    /// Both.
    Both,
    /// Neither.
    None,
}
