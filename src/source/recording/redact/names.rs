//! Pseudonyms of users, units, containers, interfaces and unix sockets: what kind of thing it is, and a number.

use std::collections::HashMap;

use crate::model::{Text, UnixName};

/// The first uid that stands for another.
const FIRST_UID: u32 = 1001;

/// The kinds of names that tell which engine made them, and so which command stops them.
const ENGINES: [&str; 5] = [
    "docker-",
    "libpod-",
    "nerdctl-",
    "cri-containerd-",
    "machine-",
];

/// The pseudonyms given so far.
#[derive(Default)]
pub(super) struct Names {
    users: HashMap<Text, Text>,
    uids: HashMap<u32, u32>,
    units: HashMap<Text, Text>,
    containers: HashMap<Text, Text>,
    interfaces: HashMap<Text, Text>,
    paths: HashMap<Text, Text>,
    abstracts: HashMap<Text, Text>,
}

impl Names {
    /// `user1`; root stays root.
    pub(super) fn user(&mut self, name: &Text) -> Text {
        if &**name == "root" {
            return name.clone();
        }
        numbered(&mut self.users, name, |number| format!("user{number}"))
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
        numbered(&mut self.units, name, |number| {
            let kind = ["service", "socket", "scope", "slice"]
                .into_iter()
                .find(|kind| name.ends_with(&format!(".{kind}")));
            let ending = kind.map_or(String::new(), |kind| format!(".{kind}"));
            let begins = ENGINES.into_iter().chain(["user@", "user-", "session-"]);
            let begin = begins.into_iter().find(|begin| name.starts_with(begin));
            format!("{}{number}{ending}", begin.unwrap_or("unit"))
        })
    }

    /// `container1`.
    pub(super) fn container(&mut self, name: &Text) -> Text {
        numbered(&mut self.containers, name, |number| {
            format!("container{number}")
        })
    }

    /// `/path1`, `@name1`.
    pub(super) fn unix(&mut self, name: &UnixName) -> UnixName {
        match name {
            UnixName::Path(path) => UnixName::Path(numbered(&mut self.paths, path, |number| {
                format!("/path{number}")
            })),
            UnixName::Abstract(name) => {
                let names = &mut self.abstracts;
                UnixName::Abstract(numbered(names, name, |number| format!("name{number}")))
            }
        }
    }

    /// `if1`; every machine has `lo`.
    pub(super) fn interface(&mut self, name: &Text) -> Text {
        if &**name == "lo" {
            return name.clone();
        }
        numbered(&mut self.interfaces, name, |number| format!("if{number}"))
    }
}

/// The pseudonym of a name, made with the next number if there is none yet.
fn numbered(
    given: &mut HashMap<Text, Text>,
    name: &Text,
    make: impl FnOnce(usize) -> String,
) -> Text {
    let next = given.len() + 1;
    let given = given.entry(name.clone());
    given.or_insert_with(|| Text::new(&make(next))).clone()
}
