//! One situation: who has the port, who runs sockeye, the first fix expected, and what must keep running.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Command;

use crate::expected::First;
use crate::started::{User, is_alive};
use crate::traffic::{Place, Protocol};

/// Something that must keep running: its name and whether it does.
type Bystander = (String, Box<dyn Fn() -> bool + Send>);

/// How a line is run if not by the user's own shell: through an ssh session, for example.
type Shell = Box<dyn Fn(&str) -> Command + Send>;

/// What a set-up leaves behind: guards that end it, what must keep running, and what its placeholders mean.
#[derive(Default)]
pub struct SetUp {
    pub guards: Vec<Box<dyn Send>>,
    pub bystanders: Vec<Bystander>,
    pub names: Vec<(String, String)>,
    pub shell: Option<Shell>,
}

impl SetUp {
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends this when the scene is over; the last one first.
    pub fn keep(mut self, guard: impl Send + 'static) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Something else that must still be true afterwards, as it is now.
    pub fn lives(mut self, name: &str, check: impl Fn() -> bool + Send + 'static) -> Self {
        assert!(check(), "{name} is not alive before");
        self.bystanders.push((name.to_owned(), Box::new(check)));
        self
    }

    /// A process that must be there afterwards.
    pub fn lives_on(self, name: &str, pid: u32) -> Self {
        self.lives(name, move || is_alive(pid))
    }

    /// `{name}` in the scene's expectations is replaced by this value; in the report the value is replaced by the name.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a pid or a text, without an ampersand at each call"
    )]
    pub fn names(mut self, name: &str, value: impl ToString) -> Self {
        self.names.push((name.to_owned(), value.to_string()));
        self
    }

    /// Runs every line by this instead of the user's own shell.
    pub fn by_shell(mut self, shell: impl Fn(&str) -> Command + Send + 'static) -> Self {
        self.shell = Some(Box::new(shell));
        self
    }

    /// Ends what the set-up started, the last one first.
    pub fn end(mut self) {
        while let Some(guard) = self.guards.pop() {
            drop(guard);
        }
    }

    /// A text with each `{name}` replaced by what it means.
    pub fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.names {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        filled
    }

    /// The other way round, for the report: longest values first.
    pub fn emptied(&self, text: &str) -> String {
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let mut emptied = text.to_owned();
        for (name, value) in names {
            // A pid is no part of a port or of another pid.
            let word = regex::Regex::new(&format!(r"\b{}\b", regex::escape(value))).unwrap();
            emptied = word.replace_all(&emptied, name).into_owned();
        }
        emptied
    }
}

/// A row of the table in docs/taken.md, set up for real.
pub struct Scene {
    pub situation: &'static str,
    pub place: Place,
    pub user: User,
    pub first: First,
    pub never: Vec<String>,
    pub also_ends: Vec<String>,
    pub warns: Vec<String>,
    pub facts: Vec<(&'static str, &'static str, String)>,
    pub is_seen_outside: bool,
    pub is_bound_before: bool,
    pub set_up: Box<dyn FnOnce() -> SetUp + Send>,
}

impl Scene {
    /// A situation in words, for the table in docs/taken.md, and the TCP port it is about: every address.
    pub fn new(situation: &'static str, port: u16) -> Self {
        Self {
            situation,
            place: Place {
                protocol: Protocol::Tcp,
                addresses: vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
                port,
            },
            user: User::Root,
            first: First::Sentence {
                code: "none",
                says: String::new(),
                then: None,
            },
            never: Vec::new(),
            also_ends: Vec::new(),
            warns: Vec::new(),
            facts: Vec::new(),
            is_seen_outside: false,
            is_bound_before: false,
            set_up: Box::new(SetUp::new),
        }
    }

    pub fn udp(mut self) -> Self {
        self.place.protocol = Protocol::Udp;
        self
    }

    /// Only these addresses are checked. One address is the target `ADDRESS:PORT`.
    pub fn at(mut self, addresses: &[&str]) -> Self {
        let parse = |text: &&str| text.parse::<IpAddr>().unwrap();
        self.place.addresses = addresses.iter().map(parse).collect();
        self
    }

    pub fn run_by(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    /// The first fix has this code and a command that `pattern` matches; `line` is the command that this
    /// scene is known to be mended by. Both may have `{NAMES}` of the set-up.
    pub fn expects(mut self, code: &'static str, pattern: &str, line: &str) -> Self {
        self.first = First::Command {
            code,
            pattern: pattern.into(),
            line: line.into(),
        };
        self
    }

    /// The first fix is a sentence.
    pub fn expects_sentence(mut self, code: &'static str, says: &str, then: Option<&str>) -> Self {
        self.first = First::Sentence {
            code,
            says: says.into(),
            then: then.map(Into::into),
        };
        self
    }

    /// No command without a mark (`also_ends`, `restarts`, `warning`, `frees` not yes) matches these.
    pub fn never(mut self, patterns: &[&str]) -> Self {
        self.never.extend(patterns.iter().map(ToString::to_string));
        self
    }

    /// The first fix may name these as what it ends as well.
    pub fn also_ends(mut self, pattern: &str) -> Self {
        self.also_ends.push(pattern.into());
        self
    }

    /// The first fix may warn of this, and of nothing else.
    pub fn warns(mut self, pattern: &str) -> Self {
        self.warns.push(pattern.into());
        self
    }

    /// `behind.KEY` is text that matches this.
    pub fn behind(mut self, key: &'static str, pattern: &str) -> Self {
        self.facts.push(("behind", key, pattern.into()));
        self
    }

    /// `kept_by.KEY` is text that matches this.
    pub fn kept_by(mut self, key: &'static str, pattern: &str) -> Self {
        self.facts.push(("kept_by", key, pattern.into()));
        self
    }

    /// A client outside has to reach the new server too.
    pub fn seen_outside(mut self) -> Self {
        self.is_seen_outside = true;
        self
    }

    /// The port can be bound before anything is done; the packets go elsewhere all the same.
    pub fn bound_before(mut self) -> Self {
        self.is_bound_before = true;
        self
    }

    pub fn set_up(mut self, set_up: impl FnOnce() -> SetUp + Send + 'static) -> Self {
        self.set_up = Box::new(set_up);
        self
    }
}
