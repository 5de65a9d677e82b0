//! How the user is told of a watched port, besides the line on the screen.

/// What rings or shows where nobody looks at the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// The terminal's bell.
    #[default]
    Bell,
    /// A notice on the desktop, by way of the terminal.
    Desktop,
    /// Both of them.
    Both,
    /// Neither.
    None,
}
