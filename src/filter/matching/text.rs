//! Terms that search the texts of a row.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ptr;

use super::line::write_line;
use super::subject::Subject;
use crate::filter::expr::{Part, Pattern};
use crate::filter::needle::{Needle, is_digits};
use crate::model::{BuildSpread, Endpoint, Kinds, Process, Socket, State};

/// Cached data of terms from row to row, and buffers.
#[derive(Default)]
pub(super) struct Scratch {
    /// By term and list of owners, both by address: whether one of the owners matches.
    owners: HashMap<(usize, usize), bool, BuildSpread>,
    /// The line of the current row, once a term needed it.
    line: String,
    endpoint: String,
}

impl Scratch {
    /// Forgets the current row.
    pub fn clear(&mut self) {
        self.line.clear();
    }

    /// Whether one of the owners matches. Many rows share a list, and command lines are long.
    fn any_owner(
        &mut self,
        needle: &Needle,
        subject: &Subject<'_>,
        matches: impl Fn(&Process) -> bool,
    ) -> Option<bool> {
        let owners = subject.owners()?;
        let key = (ptr::from_ref(needle).addr(), owners.as_ptr().addr());
        let known = self.owners.entry(key);
        Some(*known.or_insert_with(|| owners.iter().any(|process| matches(process))))
    }

    fn endpoint_contains(&mut self, needle: &Needle, endpoint: &Endpoint) -> bool {
        self.endpoint.clear();
        let _ = write!(self.endpoint, "{endpoint}");
        self.endpoint.contains(needle.as_str())
    }
}

/// Whether any text of the row contains the needle.
pub(super) fn row_contains(
    needle: &Needle,
    subject: &Subject<'_>,
    scratch: &mut Scratch,
) -> Option<bool> {
    let owners = scratch.any_owner(needle, subject, |process| {
        name_contains(needle, process)
            || command_contains(needle, process)
            || process.user.as_ref().is_some_and(|user| needle.is_in(user))
    });
    let socket = subject.socket;
    let mut names = subject.names().into_iter().flatten();
    let is_found = owners == Some(true)
        || names.any(|name| needle.is_in(name))
        || socket.service().is_some_and(|name| needle.is_in(name))
        || needle.is_in(socket.state.as_str())
        || subject.is_closed() && needle.is_in(State::Closed.as_str())
        || kind_contains(needle, socket)
        || address_contains(needle, socket, scratch);
    if is_found { Some(true) } else { owners }
}

/// Whether this text of the row contains the needle.
pub(super) fn part_contains(
    part: Part,
    needle: &Needle,
    subject: &Subject<'_>,
    scratch: &mut Scratch,
) -> Option<bool> {
    let socket = subject.socket;
    let is_in = |text: Option<&str>| Some(text.is_some_and(|text| needle.is_in(text)));
    match part {
        Part::Process => scratch.any_owner(needle, subject, |one| name_contains(needle, one)),
        Part::Command => scratch.any_owner(needle, subject, |one| command_contains(needle, one)),
        Part::User => {
            let is_user = |user: &str| user_matches(needle, user);
            let uid = socket.uid.filter(|_| needle.is_digits());
            if uid.is_some_and(|uid| needle.as_str().parse() == Ok(uid))
                || socket.user.as_deref().is_some_and(is_user)
            {
                return Some(true);
            }
            scratch.any_owner(needle, subject, |process| {
                process.user.as_deref().is_some_and(is_user)
            })
        }
        Part::Unit => is_in(socket.unit.as_deref()),
        Part::Service => is_in(socket.service()),
    }
}

/// Whether the regex finds something in the row's line.
pub(super) fn line_matches(
    pattern: &Pattern,
    subject: &Subject<'_>,
    scratch: &mut Scratch,
) -> Option<bool> {
    if scratch.line.is_empty() {
        write_line(&mut scratch.line, subject);
    }
    let line = &scratch.line;
    if subject.owners().is_some() {
        return Some(pattern.regex.is_match(line));
    }
    // A regex looks at most one character beyond what it finds. So what it finds before the end of this
    // beginning it finds in the whole line, too.
    let end = pattern.regex.shortest_match(line)?;
    (end < line.len()).then_some(true)
}

/// A needle of digits is a uid or part of a name such as `user10`, never part of a longer uid: a user without
/// a name is called by its uid.
fn user_matches(needle: &Needle, name: &str) -> bool {
    if needle.is_digits() && is_digits(name) {
        name == needle.as_str()
    } else {
        needle.is_in(name)
    }
}

/// The name that is shown, or the kernel's.
fn name_contains(needle: &Needle, process: &Process) -> bool {
    needle.is_in(&process.name) || needle.is_in(&process.comm)
}

/// The command line that is shown may be cut; the arguments are whole.
fn command_contains(needle: &Needle, process: &Process) -> bool {
    process
        .command
        .as_ref()
        .is_some_and(|command| needle.is_in(command))
        || process.is_command_cut() && needle.is_in(&process.full_command())
}

/// Kinds that are not listed by default are found by their words: `unix`, `u_str`.
fn kind_contains(needle: &Needle, socket: &Socket) -> bool {
    let mut words = [socket.protocol.as_str(), socket.protocol_and_family()].into_iter();
    !Kinds::DEFAULT.has(socket.protocol) && words.any(|word| needle.is_in(word))
}

fn address_contains(needle: &Needle, socket: &Socket, scratch: &mut Scratch) -> bool {
    if socket.portless.is_some() {
        let texts = [socket.local_text(), socket.remote_text()];
        return texts.iter().flatten().any(|text| needle.is_in(text));
    }
    let mut endpoints = [Some(&socket.local), socket.remote.as_ref()]
        .into_iter()
        .flatten();
    needle.may_be_in_address(socket.family())
        && endpoints.any(|endpoint| scratch.endpoint_contains(needle, endpoint))
}
