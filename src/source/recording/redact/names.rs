//! Pseudonyms of users, units, containers, interfaces and unix sockets: a kind and a number.

use std::collections::HashMap;

use crate::model::{Text, UnixName};

/// The first uid that replaces another.
const FIRST_UID: u32 = 1001;

/// Prefixes of a unit's name that show its engine (and so its stop command) or its kind.
const UNIT_PREFIXES: [&str; 8] = [
    "docker-",
    "libpod-",
    "nerdctl-",
    "cri-containerd-",
    "machine-",
    "user@",
    "user-",
    "session-",
];

/// Suffixes of a unit's name.
const UNIT_SUFFIXES: [&str; 4] = [".service", ".socket", ".scope", ".slice"];

/// The pseudonyms assigned so far.
#[derive(Default)]
pub(super) struct Names {
    uids: HashMap<u32, u32>,
    /// By the kind of thing.
    names: HashMap<&'static str, HashMap<Text, Text>>,
}

impl Names {
    /// `user1`; root stays root.
    pub(super) fn user(&mut self, name: &Text) -> Text {
        if &**name == "root" {
            return name.clone();
        }
        self.numbered("user", name)
    }

    /// 1001, 1002, …; 0 stays 0.
    pub(super) fn uid(&mut self, uid: u32) -> u32 {
        if uid == 0 {
            return 0;
        }
        let next = FIRST_UID.saturating_add(u32::try_from(self.uids.len()).unwrap_or(u32::MAX));
        *self.uids.entry(uid).or_insert(next)
    }

    /// `unit1.service`, `docker-2.scope`, `user@3.service`: the kind stays, the number is the unit's.
    pub(super) fn unit(&mut self, name: &Text) -> Text {
        let mut prefixes = UNIT_PREFIXES.into_iter();
        let prefix = prefixes.find(|prefix| name.starts_with(prefix));
        let mut suffixes = UNIT_SUFFIXES.into_iter();
        let suffix = suffixes.find(|suffix| name.ends_with(suffix));
        let (prefix, suffix) = (prefix.unwrap_or("unit"), suffix.unwrap_or_default());
        self.given("unit", name, |number| format!("{prefix}{number}{suffix}"))
    }

    /// `/path1`, `@name1`.
    pub(super) fn unix(&mut self, name: &UnixName) -> UnixName {
        match name {
            UnixName::Path(path) => UnixName::Path(self.numbered("/path", path)),
            UnixName::Abstract(name) => UnixName::Abstract(self.numbered("name", name)),
        }
    }

    /// `if1`; every machine has `lo`.
    pub(super) fn interface(&mut self, name: &Text) -> Text {
        if &**name == "lo" {
            return name.clone();
        }
        self.numbered("if", name)
    }

    /// `container1`.
    pub(super) fn numbered(&mut self, kind: &'static str, name: &Text) -> Text {
        self.given(kind, name, |number| format!("{kind}{number}"))
    }

    /// The pseudonym of a name, made with the next number if there is none yet.
    fn given(
        &mut self,
        kind: &'static str,
        name: &Text,
        make: impl FnOnce(usize) -> String,
    ) -> Text {
        let given = self.names.entry(kind).or_default();
        let next = given.len() + 1;
        let given = given.entry(name.clone());
        given.or_insert_with(|| Text::new(&make(next))).clone()
    }
}
