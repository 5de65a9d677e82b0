//! What a row says, for the terms that look for text in it.
//!
//! Nothing is copied but what must be printed first, and that only once for a row: the line that
//! a regex reads, and the addresses, if the text looked for may be a part of one.

use std::cell::OnceCell;

use super::ast::Part;
use super::needle::{Needle, is_digits};
use crate::model::{Process, Socket, State};
use crate::track::Row;

/// The texts of one row.
pub(super) struct Texts<'a> {
    socket: &'a Socket,
    is_closed: bool,
    addresses: OnceCell<String>,
    line: OnceCell<String>,
}

impl<'a> Texts<'a> {
    /// The texts of this row; none is printed yet.
    pub fn of(row: &'a Row) -> Self {
        Self {
            socket: &row.socket,
            is_closed: row.is_closed(),
            addresses: OnceCell::new(),
            line: OnceCell::new(),
        }
    }

    /// Whether that text of the row has the needle in it.
    pub fn part_contains(&self, part: Part, needle: &Needle) -> bool {
        match part {
            Part::Process => any_process(self.socket, |process| needle.is_in(&process.name)),
            Part::Command => any_process(self.socket, |process| {
                is_in(needle, process.command.as_deref())
            }),
            Part::User => self.has_user(needle),
            Part::Unit => is_in(needle, self.socket.unit.as_deref()),
            Part::Service => is_in(needle, self.socket.service()),
        }
    }

    /// Digits are a uid or a part of a name such as `user10`, never a part of a longer uid: a
    /// user without a name is called by the uid.
    fn has_user(&self, needle: &Needle) -> bool {
        let is_named = |name: &str| {
            if needle.is_digits() && is_digits(name) {
                name == needle.as_str()
            } else {
                needle.is_in(name)
            }
        };
        let uid = needle.as_str().parse().ok().filter(|_| needle.is_digits());
        (uid.is_some() && self.socket.uid == uid)
            || self.socket.user.as_deref().is_some_and(is_named)
            || any_process(self.socket, |process| {
                process.user.as_deref().is_some_and(is_named)
            })
    }

    /// Whether any text of the row has the needle in it.
    pub fn contains(&self, needle: &Needle) -> bool {
        let socket = self.socket;
        any_process(self.socket, |process| {
            needle.is_in(&process.name)
                || is_in(needle, process.command.as_deref())
                || is_in(needle, process.user.as_deref())
        }) || [
            &socket.user,
            &socket.unit,
            &socket.container,
            &socket.interface,
        ]
        .into_iter()
        .any(|text| is_in(needle, text.as_deref()))
            || is_in(needle, socket.service())
            || needle.is_in(socket.state.as_str())
            || (self.is_closed && needle.is_in(State::Closed.as_str()))
            || (needle.may_be_in_address(socket.family()) && needle.is_in(self.addresses()))
    }

    /// The addresses with their ports. A needle that may be an address has no space in it, so it
    /// is never found across both.
    fn addresses(&self) -> &str {
        self.addresses.get_or_init(|| match self.socket.remote {
            Some(remote) => format!("{} {remote}", self.socket.local),
            None => self.socket.local.to_string(),
        })
    }

    /// The row as a regex sees it: its texts in the order of the columns, one space apart.
    pub fn line(&self) -> &str {
        self.line.get_or_init(|| self.new_line())
    }

    fn new_line(&self) -> String {
        let socket = self.socket;
        let mut line = format!("{} {}", socket.protocol_and_family(), socket.local);
        let mut push = |text: Option<&str>| {
            if let Some(text) = text {
                line.push(' ');
                line.push_str(text);
            }
        };
        push(socket.service());
        push(socket.remote.map(|remote| remote.to_string()).as_deref());
        push(Some(socket.state.as_str()));
        push(self.is_closed.then_some(State::Closed.as_str()));
        for process in socket.owner.processes() {
            push(Some(&process.pid.to_string()));
            push(Some(&process.name));
        }
        for text in [
            &socket.user,
            &socket.unit,
            &socket.container,
            &socket.interface,
        ] {
            push(text.as_deref());
        }
        for process in socket.owner.processes() {
            push(process.command.as_deref());
        }
        line
    }
}

/// Whether it is so for any owner; past owners count as well as present ones.
pub(super) fn any_process(socket: &Socket, is_it: impl Fn(&Process) -> bool) -> bool {
    socket
        .owner
        .processes()
        .iter()
        .any(|process| is_it(process))
}

fn is_in(needle: &Needle, text: Option<&str>) -> bool {
    text.is_some_and(|text| needle.is_in(text))
}
