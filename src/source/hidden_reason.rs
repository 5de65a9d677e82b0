//! Why the owner of a socket can't be seen, and what would show it.

/// Why a process can't be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux has it")
)]
pub(crate) enum HiddenReason {
    /// This user may not read it, root may.
    NotPermitted,
    /// The same, and no program started from here can become root (`no_new_privs`): `sudo` fails.
    Confined,
    /// Root may not read it without these capabilities.
    Lacking(&'static str),
    /// A security module forbids reading it, with every capability.
    Forbidden,
    /// It runs outside this user namespace, whose root has no rights there.
    OtherUsers,
    /// It runs outside this pid namespace, where its pid means nothing.
    OtherNamespace,
}

impl HiddenReason {
    /// The end of a sentence that begins with the owners; `them` is the pronoun for these.
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
