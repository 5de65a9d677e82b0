//! How the user is told of a watched port, besides the line on the screen.

use super::Effect;

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

impl Notify {
    /// What is to be done to tell this.
    pub(super) fn effects(self, told: String) -> Vec<Effect> {
        match self {
            Self::Bell => vec![Effect::Bell],
            Self::Desktop => vec![Effect::DesktopNotice(told)],
            Self::Both => vec![Effect::Bell, Effect::DesktopNotice(told)],
            Self::None => Vec::new(),
        }
    }
}
