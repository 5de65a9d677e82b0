//! The commands of a shell script, each with the blocks that it is in. Scripts of fish are read too: their blocks all
//! end with `end`.

use std::collections::HashSet;

use super::text::{ARGUMENTS, FOR_EVER};

/// Words of a condition that reads arguments or lines: such a loop ends with them.
const FINITE: [&str; 5] = ["getopts", "getopt", "shift", "read", "mapfile"];

/// Words before the name of a command.
const PREFIXES: [&str; 7] = [
    "exec", "nohup", "setsid", "command", "env", "time", "builtin",
];

/// Commands that rarely fail: what follows them after `&&` is run.
const SUCCEEDING: [&str; 13] = [
    ":", "true", "cd", "echo", "printf", "export", "sleep", "wait", "date", "mkdir", "rm", "touch",
    ".",
];

/// What separates commands.
const OPERATORS: [&str; 7] = [";", ";;", "&", "|", "&&", "||", ")"];

/// The deepest nesting that is followed.
const MOST_BLOCKS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// `{ … }`, `( … )`.
    Group,
    /// Between `if` and `then`.
    If,
    /// After `then` or `else`, or in a `case`: it may not run.
    Branch,
    Case,
    Function(&'a str),
    /// The condition of a loop, by its number.
    Condition(usize),
    /// The body of a loop.
    Body(usize),
}

#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) parent: Option<usize>,
    /// Whether it may not run because of a command before it: `… && { … }`.
    pub(super) is_guarded: bool,
    /// The first command of the list that it is in.
    list: usize,
}

/// When a loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Never,
    /// When its condition fails, or no longer fails.
    OnFailure,
    OnSuccess,
    /// With its arguments or lines.
    Finite,
}

#[derive(Debug)]
pub(super) struct Loop {
    pub(super) ends: Ends,
    /// Whether a command in it ends it.
    pub(super) has_break: bool,
}

#[derive(Debug)]
pub(super) struct Command<'a> {
    pub(super) words: Vec<&'a str>,
    pub(super) block: Option<usize>,
    /// Whether it may not run because of a command before it: `… && command`.
    pub(super) is_guarded: bool,
    pub(super) is_background: bool,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is found or not")]
pub(super) struct Script<'a> {
    pub(super) commands: Vec<Command<'a>>,
    pub(super) blocks: Vec<Block<'a>>,
    pub(super) loops: Vec<Loop>,
    pub(super) functions: HashSet<&'a str>,
    /// Whether its blocks could not be followed.
    pub(super) is_unclear: bool,
    is_fish: bool,
    /// The innermost open block, and the number of open ones.
    block: Option<usize>,
    depth: usize,
    /// The first command of the current list, and whether the next one depends on one before it.
    list: usize,
    is_guarded: bool,
    /// The words of the current command.
    words: Vec<&'a str>,
    /// The function whose body comes next.
    header: Option<&'a str>,
    /// Whether a pattern of a `case` comes next, or the target of a redirection.
    is_pattern: bool,
    is_target: bool,
}

impl<'a> Script<'a> {
    pub(super) fn parse(tokens: &[&'a str]) -> Self {
        let has = |words: [&str; 2]| tokens.windows(2).any(|pair| pair == words);
        let mut script = Self {
            is_fish: has([";", "end"]) && !has([";", "do"]) && !has([";", "done"]),
            ..Self::default()
        };
        let mut at = 0;
        while let Some(token) = tokens.get(at).filter(|_| !script.is_unclear) {
            at += 1 + script.read(token, &tokens[at + 1..]);
        }
        script.end_command();
        script.is_unclear |= script.block.is_some();
        script
    }

    /// Reads a token. Returns how many of the following ones belong to it.
    fn read(&mut self, token: &'a str, next: &[&'a str]) -> usize {
        if self.is_pattern {
            self.pattern(token);
            return 0;
        }
        let in_brackets = self.words.first() == Some(&"[[") && self.words.last() != Some(&"]]");
        if in_brackets && token != ";" {
            self.words.push(token);
            return 0;
        }
        if self.operator(token) {
            return 0;
        }
        match token {
            "(" => return self.parenthesis(next),
            ")" => self.close(is_group),
            _ if !self.words.is_empty() => self.word(token),
            "!" => {}
            "{" => self.open_body(),
            _ => return self.keyword(token, next),
        }
        0
    }

    /// A pattern of a `case`.
    fn pattern(&mut self, token: &str) {
        match token {
            ")" => self.is_pattern = false,
            "esac" => {
                self.is_pattern = false;
                self.close(|kind| kind == Kind::Case);
            }
            _ => {}
        }
    }

    /// Whether it is an operator between commands.
    fn operator(&mut self, token: &str) -> bool {
        match token {
            ";" | ";;" | "&" => {
                self.end_command();
                if token == "&" {
                    self.put_into_background();
                }
                (self.list, self.is_guarded) = (self.commands.len(), false);
                let kind = self.kind();
                self.is_pattern = token == ";;" && kind == Some(Kind::Case);
                let has_condition = matches!(kind, Some(Kind::If | Kind::Condition(_)));
                if self.is_fish && has_condition {
                    self.begin_body();
                }
            }
            "|" => self.end_command(),
            "&&" | "||" => {
                self.end_command();
                let last = self.commands.last().and_then(|last| last.words.first());
                let succeeds = last.is_some_and(|last| SUCCEEDING.contains(last));
                self.is_guarded |= token == "||" || !succeeds;
            }
            _ => return false,
        }
        true
    }

    fn parenthesis(&mut self, next: &[&str]) -> usize {
        if let [name] = self.words[..]
            && next.first() == Some(&")")
        {
            self.words.clear();
            self.begin_function(name);
            return 1;
        }
        // After `function name`.
        if self.header.is_some() && next.first() == Some(&")") {
            return 1;
        }
        self.end_command();
        self.open_body();
        0
    }

    fn begin_function(&mut self, name: &'a str) {
        self.functions.insert(name);
        self.header = Some(name);
    }

    /// The body of a function if one comes next, or a group.
    fn open_body(&mut self) {
        let kind = self.header.take().map_or(Kind::Group, Kind::Function);
        self.open(kind);
    }

    /// The first word of a command. Returns how many tokens belong to it.
    fn keyword(&mut self, token: &'a str, next: &[&'a str]) -> usize {
        let to = |word| next.iter().position(|one| *one == word);
        let header_end = if self.is_fish { ";" } else { "do" };
        match token {
            "if" => self.open(Kind::If),
            "then" | "do" => self.begin_body(),
            "else" if self.is_fish && next.first() == Some(&"if") => return 1,
            "elif" | "else" => {}
            "fi" => self.close(|kind| kind == Kind::Branch),
            "case" if self.is_fish => return to(";").unwrap_or_default(),
            "case" => {
                self.open(Kind::Case);
                self.is_pattern = true;
                return to("in").map_or(0, |at| at + 1);
            }
            "switch" if self.is_fish => self.open(Kind::Branch),
            "esac" => self.close(|kind| kind == Kind::Case),
            "while" | "until" => {
                let condition = &next[..to(header_end).unwrap_or(next.len())];
                let number = self.add_loop(ends(token, condition));
                self.open(Kind::Condition(number));
            }
            "for" | "select" => {
                let length = to(header_end).unwrap_or_default();
                let is_endless = next[..length].contains(&FOR_EVER);
                let number = self.add_loop(if is_endless {
                    Ends::Never
                } else {
                    Ends::Finite
                });
                self.open(Kind::Body(number));
                return length + usize::from(length > 0);
            }
            "done" => self.close(|kind| matches!(kind, Kind::Body(_))),
            "function" => {
                self.begin_function(next.first().copied().unwrap_or_default());
                if self.is_fish {
                    self.open_body();
                    return to(";").unwrap_or_default();
                }
                return 1;
            }
            "begin" if self.is_fish => self.open(Kind::Group),
            "}" => self.close(is_group),
            "end" if self.is_fish => self.close_any(),
            _ => self.word(token),
        }
        0
    }

    fn add_loop(&mut self, ends: Ends) -> usize {
        self.loops.push(Loop {
            ends,
            has_break: false,
        });
        self.loops.len() - 1
    }

    /// A word of a command. Redirections are left out.
    fn word(&mut self, token: &'a str) {
        self.is_unclear |= self.header.is_some();
        if std::mem::take(&mut self.is_target) || matches!(token, "{" | "}") {
            return;
        }
        let Some(at) = token.find(['<', '>']) else {
            self.words.push(token);
            return;
        };
        self.is_target = token.ends_with(['<', '>', '&', '|']);
        let word = token[..at].trim_end_matches('&');
        if !word.chars().all(|c| c.is_ascii_digit()) {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.is_target = false;
        let mut words = std::mem::take(&mut self.words);
        let is_name = |word: &&str| !(PREFIXES.contains(word) || word.contains('='));
        let mut name = words.iter().position(is_name).unwrap_or(words.len());
        if name > 0 {
            // The options of `exec` or `env`.
            name += words[name..]
                .iter()
                .take_while(|word| word.starts_with('-'))
                .count();
        }
        words.drain(..name);
        let Some(&first) = words.first() else {
            return;
        };
        if matches!(first, "break" | "exit" | "return") {
            self.mark_loops(first == "break");
        }
        self.commands.push(Command {
            words,
            block: self.block,
            is_guarded: self.is_guarded,
            is_background: false,
        });
    }

    /// Notes that a command ends the loop that it is in, or all of them.
    fn mark_loops(&mut self, only_innermost: bool) {
        let mut block = self.block;
        while let Some(at) = block {
            if let Kind::Body(number) = self.blocks[at].kind {
                self.loops[number].has_break = true;
                if only_innermost {
                    return;
                }
            }
            block = self.blocks[at].parent;
        }
    }

    /// The commands of the current list are not waited for. For those in a loop of the list that makes no difference.
    fn put_into_background(&mut self) {
        for command in &mut self.commands[self.list..] {
            let mut block = command.block;
            while let Some(at) = block.filter(|_| block != self.block) {
                if matches!(self.blocks[at].kind, Kind::Condition(_) | Kind::Body(_)) {
                    break;
                }
                block = self.blocks[at].parent;
            }
            command.is_background |= block == self.block;
        }
    }

    fn kind(&self) -> Option<Kind<'a>> {
        self.block.map(|at| self.blocks[at].kind)
    }

    fn open(&mut self, kind: Kind<'a>) {
        self.depth += 1;
        self.is_unclear |= self.depth > MOST_BLOCKS;
        self.blocks.push(Block {
            kind,
            parent: self.block,
            is_guarded: self.is_guarded,
            list: self.list,
        });
        self.block = Some(self.blocks.len() - 1);
        (self.list, self.is_guarded) = (self.commands.len(), false);
    }

    /// Closes a block of this kind.
    fn close(&mut self, is_meant: fn(Kind<'_>) -> bool) {
        self.end_command();
        self.is_unclear |= !self.kind().is_some_and(is_meant);
        self.close_any();
    }

    fn close_any(&mut self) {
        self.end_command();
        self.depth = self.depth.saturating_sub(1);
        let Some(block) = self.block.map(|at| &self.blocks[at]) else {
            self.is_unclear = true;
            return;
        };
        (self.list, self.is_guarded) = (block.list, block.is_guarded);
        self.block = block.parent;
    }

    /// The condition of a loop or an `if` ends, and what depends on it begins. After `elif` it is the same.
    fn begin_body(&mut self) {
        let kind = match self.kind() {
            Some(Kind::Condition(number)) => Kind::Body(number),
            Some(Kind::If) => Kind::Branch,
            Some(Kind::Branch) => return,
            _ => {
                self.is_unclear = true;
                return;
            }
        };
        self.close_any();
        self.open(kind);
    }
}

fn is_group(kind: Kind<'_>) -> bool {
    matches!(kind, Kind::Group | Kind::Function(_))
}

/// When a loop ends, by its first word and its condition.
fn ends(keyword: &str, condition: &[&str]) -> Ends {
    let is_finite = |word: &&str| FINITE.contains(word) || word.contains(ARGUMENTS);
    if condition.iter().any(is_finite) {
        return Ends::Finite;
    }
    let condition = condition.strip_suffix(&[";"]).unwrap_or(condition);
    let (is_negated, condition) = match condition {
        ["!", rest @ ..] => (true, rest),
        _ => (false, condition),
    };
    let is_one = !condition.iter().any(|word| OPERATORS.contains(word));
    let is_true = is_one && matches!(condition, ["true" | ":" | "sleep", ..] | ["[", "1", "]"]);
    let ends_on_success = (keyword == "until") != is_negated;
    match ends_on_success {
        true if condition == ["false"] => Ends::Never,
        false if is_true => Ends::Never,
        true => Ends::OnSuccess,
        false => Ends::OnFailure,
    }
}
