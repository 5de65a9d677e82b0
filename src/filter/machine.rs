//! A regex as an automaton, which reads what rows share only once.
//!
//! A row's line is made of pieces that it shares with many rows: its addresses, its service, and
//! from its state on all the rest, with the long command lines of its owners. What comes out of a
//! piece depends on nothing but the state in which the automaton enters it: that is remembered,
//! and only the ports are read in every row.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::net::IpAddr;

use regex_automata::Input;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};

use super::printed::{push_address, push_digits, push_protocol, push_rest, push_service};
use super::subject::Subject;
use crate::model::{Endpoint, Protocol, Socket, State, Text};

/// An automaton that remembers what it has read.
pub(super) struct Machine<'a> {
    automaton: &'a DFA,
    /// The states that it came by so far.
    states: Cache,
    /// What came out of a piece, by the state before it.
    known: HashMap<(LazyStateID, Piece), Read>,
    /// How often the states were forgotten: what is known from before speaks of others.
    forgotten: usize,
    /// Room to print a piece in.
    room: Vec<u8>,
    /// Borrowed for as long as pieces are known by where their texts are.
    sockets: PhantomData<&'a Socket>,
}

/// A piece of a line that rows share. A text is known by its place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Piece {
    /// Up to the local port.
    Local(Protocol, IpAddr),
    /// Between the ports, or between the local one and the state.
    Between(Option<usize>, Option<IpAddr>),
    /// From the state on.
    Rest(State, bool, usize, [usize; 4]),
}

/// What the automaton says after it has read a piece.
#[derive(Clone, Copy)]
pub(super) enum Read {
    /// It was found.
    Found,
    /// It will not be found.
    Lost,
    /// That depends on what follows.
    At(LazyStateID),
    /// It cannot read this.
    Stuck,
}

impl<'a> Machine<'a> {
    /// Nothing was read yet.
    pub fn new(automaton: &'a DFA) -> Self {
        Self {
            automaton,
            states: automaton.create_cache(),
            known: HashMap::default(),
            forgotten: 0,
            room: Vec::new(),
            sockets: PhantomData,
        }
    }

    /// Reads a row's whole line; nothing is left open then.
    pub fn reads(&mut self, subject: &Subject<'a>) -> Read {
        let socket = subject.socket;
        if socket.portless.is_some() {
            // Its name is no piece that rows share.
            return Read::Stuck;
        }
        let (local, remote) = (&socket.local, socket.remote.as_ref());
        let start = self.start();
        let read = self.piece(start, Piece::Local(socket.protocol, local.address), |out| {
            push_protocol(out, socket);
            push_address(out, local.address);
            out.push(b':');
        });
        let read = self.port(read, local);
        let service = socket.service();
        let between = Piece::Between(service.map(place), remote.map(|remote| remote.address));
        let read = self.piece(read, between, |out| {
            push_service(out, service);
            if let Some(remote) = remote {
                out.push(b' ');
                push_address(out, remote.address);
                out.push(b':');
            }
        });
        let read = remote.map_or(read, |remote| self.port(read, remote));
        self.piece(read, Piece::rest(subject), |out| push_rest(out, subject))
    }

    fn start(&mut self) -> Read {
        self.automaton
            .start_state_forward(&mut self.states, &Input::new(""))
            .map_or(Read::Stuck, Read::At)
    }

    /// A port: hardly ever the same, and soon read.
    fn port(&mut self, before: Read, endpoint: &Endpoint) -> Read {
        let Read::At(state) = before else {
            return before;
        };
        self.room.clear();
        push_digits::<10>(&mut self.room, endpoint.port.into());
        self.read(state)
    }

    /// A piece: as it is known, or as it is printed.
    fn piece(&mut self, before: Read, piece: Piece, print: impl FnOnce(&mut Vec<u8>)) -> Read {
        let Read::At(state) = before else {
            return before;
        };
        if self.states.clear_count() != self.forgotten {
            self.forgotten = self.states.clear_count();
            self.known.clear();
        }
        if let Some(read) = self.known.get(&(state, piece)) {
            return *read;
        }
        self.room.clear();
        print(&mut self.room);
        let mut read = self.read(state);
        if matches!(piece, Piece::Rest(..)) {
            read = self.end(read);
        }
        self.known.insert((state, piece), read);
        read
    }

    /// Reads on from a state. Only ASCII is read: there, a byte is a character.
    fn read(&mut self, mut state: LazyStateID) -> Read {
        if !self.room.is_ascii() {
            return Read::Stuck;
        }
        for &byte in &self.room {
            match self.automaton.next_state(&mut self.states, state, byte) {
                Ok(next) => state = next,
                Err(_) => return Read::Stuck,
            }
            if state.is_match() {
                return Read::Found;
            }
            if state.is_dead() {
                return Read::Lost;
            }
            if state.is_quit() {
                return Read::Stuck;
            }
        }
        Read::At(state)
    }

    /// At the end of the line, nothing is left open.
    fn end(&mut self, read: Read) -> Read {
        let Read::At(state) = read else {
            return read;
        };
        match self.automaton.next_eoi_state(&mut self.states, state) {
            Ok(end) if end.is_match() => Read::Found,
            Ok(_) => Read::Lost,
            Err(_) => Read::Stuck,
        }
    }
}

impl Piece {
    fn rest(subject: &Subject<'_>) -> Self {
        let owners = subject.owners().unwrap_or_default();
        let names = subject.names();
        let places = names.map(|name| name.as_ref().map_or(0, |name: &Text| place(name)));
        let is_closed = subject.is_closed();
        Self::Rest(
            subject.socket.state,
            is_closed,
            owners.as_ptr().addr(),
            places,
        )
    }
}

fn place(text: &str) -> usize {
    text.as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::filter::printed::Printed;
    use crate::filter::tests::{process, row};
    use crate::model::Owner;
    use crate::track::Row;

    fn rows() -> Vec<Row> {
        let owners = ["node", "nginx", "né"].map(|name| {
            let command = format!("{name} a7b3c9d1 --with-{name}=abcabc");
            Owner::Known([process(7, name, &command)].into())
        });
        (1..500)
            .map(|port| {
                let local = format!("10.0.{}.{}:{}", port % 7, port % 31, port * 131);
                row(Protocol::Tcp, &local, None, State::Listen, |socket| {
                    socket.owner = owners[port % 3].clone();
                })
            })
            .collect()
    }

    /// With room for hardly any states, the automaton forgets them all the time and calls others
    /// by their names. These regexes depend on a port long after it was read.
    #[test]
    fn what_is_known_goes_with_the_states_it_speaks_of() {
        let mut forgotten = 0;
        for source in [
            ":[13579][0-9]*[02468] .*nginx",
            "[0-4][0-9]{2} LISTEN.*(node a7|x a7)",
            "(1.*2|2.*1|3.?4).{8}.*[b-d][0-9]{2}=?",
            "(a|b|[0-5.])+.{3}[4-8:].*(x[ab]|[0-4]b[^z]{2}9|né)",
        ] {
            forgotten += times_forgotten_over_rows(source);
        }
        assert!(forgotten > 100, "only {forgotten} times");
    }

    fn times_forgotten_over_rows(source: &str) -> usize {
        let regex = Regex::new(source).unwrap();
        let config = DFA::config()
            .cache_capacity(0)
            .skip_cache_capacity_check(true);
        let automaton = DFA::builder().configure(config).build(source).unwrap();
        let mut machine = Machine::new(&automaton);
        let (rows, mut printed) = (rows(), Printed::default());
        for row in rows.iter().chain(rows.iter().rev()) {
            let subject = Subject::of_row(row);
            printed.clear();
            let line = printed.line(&subject);
            let expected = regex.is_match(line);
            match machine.reads(&subject) {
                Read::Found => assert!(expected, "{source} in {line}"),
                Read::Lost => assert!(!expected, "{source} in {line}"),
                Read::At(_) => panic!("the line is over"),
                Read::Stuck => assert!(!line.is_ascii(), "{line}"),
            }
        }
        machine.forgotten
    }
}
