//! Looking for a text among what a row says.
//!
//! What depends on a process or on a name alone is found out once in a pass; only the addresses
//! must be looked at for each row, and only if the text may be a part of one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::ast::Part;
use super::memo::Memo;
use super::needle::{Needle, is_digits};
use super::printed::{Printed, push_address, push_digits};
use super::subject::Subject;
use crate::model::{Endpoint, Family, Kinds, Process, Socket, State, Text};

/// A text that is looked for, and what is known so far of where it is.
pub(super) struct Search<'a> {
    needle: &'a Needle,
    /// Whether it is in what such a term looks at of a process.
    is_in_process: fn(&Needle, &Process) -> bool,
    processes: Memo<'a, Process>,
    /// Owners that share a socket, together; rows of one pool of workers are many.
    lists: Memo<'a, [Arc<Process>]>,
    texts: Memo<'a, str>,
    addresses: HashMap<IpAddr, bool>,
    is_digits: bool,
    /// The uid that it is, if it is digits.
    uid: Option<u32>,
    /// By state: whether it is in its name.
    is_in_state: [bool; State::ALL.len()],
    /// Finds it in printed addresses, which are in lower case as it is.
    finder: Finder<'a>,
    /// Whether it may be in one, IPv4 and IPv6.
    may_be_in_address: [bool; 2],
    /// Room to print something in.
    room: Vec<u8>,
}

impl<'a> Search<'a> {
    /// For a text that may be anywhere.
    pub fn anywhere(needle: &'a Needle) -> Self {
        Self::new(needle, |needle, process| {
            is_in_name(needle, process)
                || is_in_command(needle, process)
                || is_in(needle, process.user.as_ref())
        })
    }

    /// For one that is to be in that part of a row.
    pub fn within(part: Part, needle: &'a Needle) -> Self {
        let is_in_process: fn(&Needle, &Process) -> bool = match part {
            Part::Process => is_in_name,
            Part::Command => is_in_command,
            Part::User => |needle, process| {
                let user = process.user.as_deref();
                user.is_some_and(|user| is_user(needle, user))
            },
            Part::Unit | Part::Service => |_, _| false,
        };
        Self::new(needle, is_in_process)
    }

    fn new(needle: &'a Needle, is_in_process: fn(&Needle, &Process) -> bool) -> Self {
        let uid = needle.as_str().parse().ok();
        Self {
            needle,
            is_in_process,
            processes: Memo::new(),
            lists: Memo::new(),
            texts: Memo::new(),
            addresses: HashMap::default(),
            is_digits: needle.is_digits(),
            uid: uid.filter(|_| needle.is_digits()),
            room: Vec::new(),
            is_in_state: State::ALL.map(|state| needle.is_in(state.as_str())),
            finder: Finder::new(needle.as_str()),
            may_be_in_address: [Family::Ipv4, Family::Ipv6]
                .map(|family| needle.may_be_in_address(family)),
        }
    }

    /// Whether that part of the row has the text in it.
    pub fn part_has_it(&mut self, part: Part, subject: &Subject<'a>) -> Option<bool> {
        let socket = subject.socket;
        match part {
            Part::Process | Part::Command => self.owners_have_it(subject),
            Part::User => {
                let is_of_socket = (self.uid.is_some() && socket.uid == self.uid)
                    || self.text_has_it(socket.user.as_ref(), is_user);
                if is_of_socket {
                    Some(true)
                } else {
                    self.owners_have_it(subject)
                }
            }
            Part::Unit => Some(self.text_has_it(socket.unit.as_ref(), Needle::is_in)),
            Part::Service => Some(self.service_has_it(subject)),
        }
    }

    /// Whether any text of the row has it in it.
    pub fn row_has_it(&mut self, subject: &Subject<'a>, printed: &mut Printed) -> Option<bool> {
        let owners_have_it = self.owners_have_it(subject);
        let is_found = owners_have_it == Some(true)
            || self.names_have_it(subject)
            || self.service_has_it(subject)
            || self.is_in_state[subject.socket.state as usize]
            || (self.is_in_state[State::Closed as usize] && subject.is_closed())
            || self.optional_kind_has_it(subject.socket)
            || self.addresses_have_it(subject, printed);
        if is_found { Some(true) } else { owners_have_it }
    }

    /// One owner is remembered as such, several together.
    fn owners_have_it(&mut self, subject: &Subject<'a>) -> Option<bool> {
        let (needle, is_in_process) = (self.needle, self.is_in_process);
        let has_it = |process: &Process| is_in_process(needle, process);
        Some(match subject.owners()? {
            [] => false,
            [only] => self.processes.ask(only, has_it),
            several => self
                .lists
                .ask(several, |list| list.iter().any(|process| has_it(process))),
        })
    }

    fn names_have_it(&mut self, subject: &Subject<'a>) -> bool {
        let mut names = subject.names().into_iter();
        names.any(|name| self.text_has_it(name.as_ref(), Needle::is_in))
    }

    fn text_has_it(
        &mut self,
        text: Option<&'a Text>,
        is_in: impl FnOnce(&Needle, &str) -> bool,
    ) -> bool {
        text.is_some_and(|text| self.texts.ask(text, |text| is_in(self.needle, text)))
    }

    fn service_has_it(&mut self, subject: &Subject<'a>) -> bool {
        let service = subject.socket.service();
        service.is_some_and(|name| self.texts.ask(name, |name| self.needle.is_in(name)))
    }

    /// What may be an address has no space in it, so it is never found across both.
    fn addresses_have_it(&mut self, subject: &Subject<'a>, printed: &mut Printed) -> bool {
        let socket = subject.socket;
        if socket.portless.is_some() {
            let texts = [socket.local_text(), socket.remote_text()];
            return texts.iter().flatten().any(|text| self.needle.is_in(text));
        }
        if !self.may_be_in_address[socket.family() as usize] {
            return false;
        }
        if self.needle.as_str().contains(':') {
            return self.finder.find(printed.addresses(socket)).is_some();
        }
        self.endpoint_has_it(&socket.local)
            || (socket.remote.as_ref()).is_some_and(|remote| self.endpoint_has_it(remote))
    }

    /// Words for the kinds that are not read by themselves are text: `unix`, `u_str`.
    fn optional_kind_has_it(&self, socket: &Socket) -> bool {
        let mut words = [socket.protocol.as_str(), socket.protocol_and_family()].into_iter();
        !Kinds::DEFAULT.has(socket.protocol) && words.any(|word| self.needle.is_in(word))
    }

    /// What has no colon in it is found in the address or in the port, never across both.
    fn endpoint_has_it(&mut self, endpoint: &Endpoint) -> bool {
        let Self { finder, room, .. } = self;
        let mut find = |push: &dyn Fn(&mut Vec<u8>)| {
            room.clear();
            push(room);
            finder.find(room).is_some()
        };
        let address = endpoint.address;
        let is_in_address = self
            .addresses
            .entry(address)
            .or_insert_with(|| find(&|out| push_address(out, address)));
        *is_in_address
            || (self.is_digits && find(&|out| push_digits::<10>(out, endpoint.port.into())))
    }
}

/// Digits are a uid or a part of a name such as `user10`, never a part of a longer uid: a user
/// without a name is called by the uid.
fn is_user(needle: &Needle, name: &str) -> bool {
    if needle.is_digits() && is_digits(name) {
        name == needle.as_str()
    } else {
        needle.is_in(name)
    }
}

/// What a person calls it, or what the kernel does.
fn is_in_name(needle: &Needle, process: &Process) -> bool {
    needle.is_in(&process.name) || needle.is_in(&process.comm)
}

/// The command line that is shown may be cut; the arguments are whole.
fn is_in_command(needle: &Needle, process: &Process) -> bool {
    is_in(needle, process.command.as_ref())
        || (process.is_command_cut() && needle.is_in(&process.full_command()))
}

fn is_in(needle: &Needle, text: Option<&Text>) -> bool {
    text.is_some_and(|text| needle.is_in(text))
}
