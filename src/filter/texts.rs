//! Terms that search the texts of a row.

use std::fmt::Write as _;
use std::{iter, ptr};

use super::expr::{Part, Pattern};
use super::needle::{Needle, is_digits};
use super::pass::{Pass, Place};
use super::subject::Subject;
use crate::model::{Container, Endpoint, Kinds, Process, Socket, State, Text};

impl<'a> Pass<'a> {
    /// Whether any text of the row contains the needle.
    pub(super) fn row_contains(
        &mut self,
        needle: &'a Needle,
        subject: &Subject<'a>,
    ) -> Option<bool> {
        let socket = subject.socket;
        let is_found = self.address_contains(needle, socket)
            || subject.names().any(|name| self.contains(needle, name))
            || socket
                .service()
                .is_some_and(|name| self.contains(needle, name))
            || self.contains(needle, socket.state.as_str())
            || subject.is_closed() && self.contains(needle, State::Closed.as_str())
            || kind_contains(needle, socket)
            || subject
                .published()
                .is_some_and(|target| needle.is_in(&target));
        if is_found {
            return Some(true);
        }
        self.any_owner(needle, subject, |process| {
            name_contains(needle, process)
                || command_contains(needle, process)
                || process.user.as_ref().is_some_and(|user| needle.is_in(user))
        })
    }

    /// Whether this text of the row contains the needle.
    pub(super) fn part_contains(
        &mut self,
        part: Part,
        needle: &'a Needle,
        subject: &Subject<'a>,
    ) -> Option<bool> {
        let socket = subject.socket;
        let is_in = |text: Option<&str>| Some(text.is_some_and(|text| needle.is_in(text)));
        match part {
            Part::Proc => self.any_owner(needle, subject, |one| name_contains(needle, one)),
            Part::Cmd => self.any_owner(needle, subject, |one| command_contains(needle, one)),
            Part::User => {
                let is_user = |user: &str| user_matches(needle, user);
                let uid = socket.uid.filter(|_| needle.is_digits());
                if uid.is_some_and(|uid| needle.as_str().parse() == Ok(uid))
                    || socket.user.as_deref().is_some_and(is_user)
                {
                    return Some(true);
                }
                self.any_owner(needle, subject, |process| {
                    process.user.as_deref().is_some_and(is_user)
                })
            }
            Part::Unit => is_in(socket.unit.as_deref()),
            Part::Service => is_in(socket.service()),
            Part::Project => self.any_owner(needle, subject, |one| {
                one.project
                    .as_deref()
                    .is_some_and(|project| needle.is_in(project))
            }),
            Part::Branch => self.any_owner(needle, subject, |one| {
                let mut names = [&one.branch, &one.worktree].into_iter().flatten();
                names.any(|name| needle.is_in(name))
            }),
            Part::Started => self.any_owner(needle, subject, |one| {
                let by = one.started_by.as_ref();
                by.is_some_and(|by| needle.is_in(&by.name) || needle.is_in(by.kind.as_str()))
            }),
            Part::Ns => is_in(socket.namespace.as_ref().map(|one| &*one.name)),
            Part::Container => {
                let name = socket.container.as_ref();
                let is_found = name.is_some_and(|name| needle.is_in(name))
                    || socket
                        .containers()
                        .any(|one| container_matches(needle, one));
                // What it publishes depends on its owner.
                (is_found || subject.owners().is_some()).then_some(is_found)
            }
        }
    }

    /// Whether the regex finds something in the row's line.
    pub(super) fn line_matches(
        &mut self,
        Pattern(regex): &Pattern,
        subject: &Subject<'_>,
    ) -> Option<bool> {
        if self.line.is_empty() {
            self.write_line(subject);
        }
        if subject.owners().is_some() {
            return Some(regex.is_match(&self.line));
        }
        // A regex looks at most one character beyond what it finds. So what it finds before the end of this
        // beginning it finds in the whole line, too.
        let end = regex.shortest_match(&self.line)?;
        (end < self.line.len()).then_some(true)
    }

    /// The texts in the order of the columns, with one space between them. If the owner is not known yet, the line ends
    /// before it.
    fn write_line(&mut self, subject: &Subject<'_>) {
        let socket = subject.socket;
        self.line.push_str(socket.protocol_and_family());
        if socket.portless.is_some() {
            self.push(socket.local_text().as_deref());
        } else {
            self.push_endpoint(&socket.local);
            self.push(socket.service());
            if let Some(remote) = &socket.remote {
                self.push_endpoint(remote);
            }
        }
        self.push(Some(socket.state.as_str()));
        self.push(subject.is_closed().then_some(State::Closed.as_str()));
        let Some(owners) = subject.owners() else {
            return;
        };
        for process in owners {
            let _ = write!(self.line, " {}", process.pid);
            self.push(Some(&process.name));
        }
        subject.names().for_each(|name| self.push(Some(name)));
        self.push(subject.published().as_deref());
        for process in owners {
            self.push(process.command.as_deref());
        }
        if socket.portless.is_some() {
            // The peer of a unix socket is found together with the owners.
            self.push(socket.remote_text().as_deref());
        }
    }

    fn push(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.line.push(' ');
            self.line.push_str(text);
        }
    }

    fn push_endpoint(&mut self, endpoint: &Endpoint) {
        let address = self.addresses.entry(endpoint.address);
        self.line.push(' ');
        self.line
            .push_str(address.or_insert_with(|| before_port(endpoint)));
        let _ = write!(self.line, ":{}", endpoint.port);
    }

    /// Whether one of the owners matches. Many rows share a list, and command lines are long.
    fn any_owner(
        &mut self,
        needle: &'a Needle,
        subject: &Subject<'a>,
        matches: impl Fn(&Process) -> bool,
    ) -> Option<bool> {
        let owners = subject.owners()?;
        let any = || owners.iter().any(|process| matches(process));
        Some(self.known(needle, (owners.as_ptr().addr(), owners.len()), any))
    }

    /// Whether the text contains the needle. Many rows share it.
    fn contains(&mut self, needle: &'a Needle, text: &'a str) -> bool {
        let place = (text.as_ptr().addr(), text.len());
        self.known(needle, place, || needle.is_in(text))
    }

    /// What was found for the needle in the thing at this place.
    fn known(&mut self, needle: &'a Needle, place: Place, find: impl FnOnce() -> bool) -> bool {
        let key = (ptr::from_ref(needle).addr(), place);
        if let Some(found) = self.known.get(&key) {
            return *found;
        }
        let found = find();
        self.known.insert(key, found);
        found
    }

    fn address_contains(&mut self, needle: &Needle, socket: &Socket) -> bool {
        if socket.portless.is_some() {
            let texts = [socket.local_text(), socket.remote_text()];
            return texts.iter().flatten().any(|text| needle.is_in(text));
        }
        if !needle.may_be_in_address(socket.family()) {
            return false;
        }
        let text = needle.as_str();
        let around_colon = text.rsplit_once(':');
        let mut ends = iter::once(&socket.local).chain(&socket.remote);
        ends.any(|end| {
            let address = self.addresses.entry(end.address);
            let address = address.or_insert_with(|| before_port(end));
            let port = || end.port.to_string();
            address.contains(text)
                || match around_colon {
                    None => needle.is_digits() && port().contains(text),
                    Some((before, after)) => address.ends_with(before) && port().starts_with(after),
                }
        })
    }
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

/// Part of its name or image, or the start of its id.
fn container_matches(needle: &Needle, container: &Container) -> bool {
    let is_in = |text: &Option<Text>| text.as_ref().is_some_and(|text| needle.is_in(text));
    let starts_id = |id: &Text| id.starts_with(&needle.as_str().to_ascii_lowercase());
    needle.is_in(&container.name)
        || is_in(&container.image)
        || container.id.as_ref().is_some_and(starts_id)
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

/// The address as it is printed before a colon and a port.
fn before_port(endpoint: &Endpoint) -> String {
    let mut text = Endpoint::new(endpoint.address, 0).to_string();
    text.truncate(text.len() - ":0".len());
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::filter::{Context, Filter};
    use crate::model::Moment;

    #[test]
    fn a_text_that_begins_where_another_does_is_searched_too() {
        let (filter, needle) = (Filter::default(), Needle::new("nginx"));
        let now = Moment {
            steady: Duration::ZERO,
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        let mut pass = filter.pass(&Context {
            now,
            highlight: Duration::ZERO,
            uid: None,
        });
        let text = "nginx";
        assert!(!pass.contains(&needle, &text[..0]));
        assert!(!pass.contains(&needle, &text[..4]));
        assert!(pass.contains(&needle, text));
    }
}
