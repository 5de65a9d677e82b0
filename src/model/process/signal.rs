//! The signals that end a process.

use strum::{IntoStaticStr, VariantArray};

/// The signals that can be sent, the gentlest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
#[expect(missing_docs, reason = "signal(7) describes each")]
pub enum Signal {
    Term,
    Int,
    Hup,
    Quit,
    Kill,
}

impl Signal {
    /// All of them, in menu order.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its name without `SIG`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The signal of a name, with or without `SIG`, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        Self::ALL.iter().copied().find(|one| one.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_named_with_or_without_its_prefix() {
        for (name, signal) in [
            ("TERM", Some(Signal::Term)),
            ("SIGINT", Some(Signal::Int)),
            ("sigkill", Some(Signal::Kill)),
            ("hup", Some(Signal::Hup)),
            ("SIGSTOP", None),
            ("9", None),
            ("", None),
        ] {
            assert_eq!(Signal::named(name), signal, "{name}");
        }
    }
}
