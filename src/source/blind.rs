//! Why a process that holds a socket can't be seen, and what would show it.

/// Why it can't be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux tells")
)]
pub(crate) enum HiddenReason {
    /// This user may not look at it, root may.
    NotPermitted,
    /// The same, and nobody becomes root from here (`no_new_privs`): `sudo` fails.
    Confined,
    /// Root without these capabilities may not look at it.
    Lacking(&'static str),
    /// Whoever has every capability may not look at it: a security module forbids it.
    Forbidden,
    /// It runs outside this user namespace, whose root is nobody there.
    OtherUsers,
    /// It runs outside this pid namespace, where its pid means nothing.
    OtherNamespace,
}

impl HiddenReason {
    /// How a sentence goes on that begins with the owners, of whom it speaks as `them`.
    pub(super) fn describe(self, them: &str) -> String {
        match self {
            Self::NotPermitted => format!("hidden: run as root to see {them}"),
            Self::Confined => format!(
                "hidden: run as root to see {them}, outside this sandbox (no_new_privs stops sudo)"
            ),
            Self::Lacking(capabilities) => {
                format!("hidden even from root: it takes {capabilities} to see {them}")
            }
            Self::Forbidden => {
                format!("hidden even from root: a security module forbids to look at {them}")
            }
            Self::OtherUsers => {
                format!("outside this user namespace: run on the host as root to see {them}")
            }
            Self::OtherNamespace => {
                format!("outside this pid namespace: run on the host to see {them}")
            }
        }
    }

    /// What would show it, in a few words.
    pub(super) const fn brief(self) -> &'static str {
        match self {
            Self::NotPermitted => "sudo",
            Self::Confined => "root, outside this sandbox",
            Self::Lacking(capabilities) => capabilities,
            Self::Forbidden => "a security module forbids it",
            Self::OtherUsers | Self::OtherNamespace => "outside this container",
        }
    }
}
