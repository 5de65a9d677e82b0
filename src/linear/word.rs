//! The words of commands, in one table: parsing, help and documentation go by it.

use crate::filter::nearest;

/// What a word does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    List,
    More,
    Find,
    Go,
    Row,
    Next,
    Previous,
    First,
    Last,
    Here,
    Details,
    Test,
    Wait,
    Free,
    End,
    Yes,
    No,
    Signal,
    Targets,
    Pin,
    Unpin,
    Filter,
    View,
    Sort,
    Reverse,
    Kinds,
    Namespaces,
    Group,
    Trouble,
    Events,
    Changes,
    Status,
    Write,
    Pause,
    Resume,
    Refresh,
    Interval,
    Run,
    Help,
    Quit,
}

/// A word, what follows it, and the help.
#[derive(Debug)]
pub(super) struct Word {
    pub verb: Verb,
    pub name: &'static str,
    /// Other words for it.
    also: &'static str,
    /// What follows it.
    pub arguments: &'static str,
    pub help: &'static str,
    /// Whether it has to be typed whole: an answer to a question.
    is_whole: bool,
}

const fn word(
    verb: Verb,
    name: &'static str,
    also: &'static str,
    arguments: &'static str,
    help: &'static str,
) -> Word {
    Word {
        verb,
        name,
        also,
        arguments,
        help,
        is_whole: matches!(verb, Verb::Yes),
    }
}

/// Every word, in the order of the help.
#[rustfmt::skip]
pub(super) const WORDS: &[Word] = &[
    word(Verb::List,     "list",     "ls rows table",        "[NUMBER]",        "read the rows shown, 20 or NUMBER at a time"),
    word(Verb::More,     "more",     "continue",             "[NUMBER]",        "read on"),
    word(Verb::Find,     "find",     "search",               "FILTER",          "read the rows that match, without changing the filter; the first that is shown becomes the current row"),
    word(Verb::Go,       "go",       "goto port",            "PORT",            "make the row of a port the current row; the port alone does the same"),
    word(Verb::Row,      "row",      "",                     "NUMBER",          "make a row of the last listing the current row"),
    word(Verb::Next,     "next",     "down",                 "",                "next row"),
    word(Verb::Previous, "previous", "up back",              "",                "previous row"),
    word(Verb::First,    "first",    "top",                  "",                "first row"),
    word(Verb::Last,     "last",     "bottom",               "",                "last row"),
    word(Verb::Here,     "here",     "current where",        "",                "read the current row again"),
    word(Verb::Details,  "details",  "info show",            "[PORT]",          "everything known about the current row: socket, process, its ancestors, its other sockets"),
    word(Verb::Test,     "test",     "check bind-test",      "[PORT]",          "bind test: is the port taken, why, and the first fix; more reads the rest"),
    word(Verb::Wait,     "wait",     "watch",                "",                "after a test: wait until the port frees itself; again: stop waiting"),
    word(Verb::Free,     "free",     "",                     "[PORT]",          "find a free port above it, by binding"),
    word(Verb::End,      "end",      "kill stop",            "[PORT]",          "end the process of the current row: you confirm first, then hear the outcome"),
    word(Verb::Yes,      "yes",      "",                     "",                "confirm the question"),
    word(Verb::No,       "no",       "cancel",               "",                "cancel; any other command does so too"),
    word(Verb::Signal,   "signal",   "",                     "NAME",            "another signal for the question: term, int, hup, quit or kill"),
    word(Verb::Targets,  "targets",  "all parent",           "",                "for the question: end its parent too, or all owners of the socket"),
    word(Verb::Pin,      "pin",      "follow alert",         "[PORT]",          "print an alert when a listener opens, closes or changes there"),
    word(Verb::Unpin,    "unpin",    "unfollow",             "[PORT]",          "no more alerts about it"),
    word(Verb::Filter,   "filter",   "",                     "[FILTER|off]",    "show only the rows that match; alone: read the filter"),
    word(Verb::View,     "view",     "tab",                  "[NAME]",          "show listening, connections, all, changes, trouble or a view of the config"),
    word(Verb::Sort,     "sort",     "order",                "[COLUMN]",        "sort by a column, such as port, process, state or age"),
    word(Verb::Reverse,  "reverse",  "",                     "",                "reverse the order"),
    word(Verb::Kinds,    "kinds",    "protocols",            "[KIND]",          "show or hide a kind of sockets: tcp, udp, udplite, sctp, raw, packet or unix"),
    word(Verb::Namespaces, "namespaces", "namespace netns containers", "[own|all|NAME]", "list the network namespaces, or show the rows of the own one, of all, or of one by its name"),
    word(Verb::Group,    "group",    "count",                "FIELD [FIELD]",   "count the rows shown by process, port, peer, network, state, user, unit, container, namespace, project, branch or started"),
    word(Verb::Trouble,  "trouble",  "",                     "",                "read the rows in trouble"),
    word(Verb::Events,   "events",   "history log",          "[NUMBER]",        "read the latest changes, the newest first"),
    word(Verb::Changes,  "changes",  "",                     "[on|off|later]",   "print changes at once, not at all, or with the next command; alerts always come at once"),
    word(Verb::Status,   "status",   "summary",              "",                "counts, what is shown, problems, pinned ports"),
    word(Verb::Write,    "write",    "save export",          "json|csv",        "write the rows shown to a file"),
    word(Verb::Pause,    "pause",    "",                     "",                "stop refreshing"),
    word(Verb::Resume,   "resume",   "unpause",              "",                "refresh again"),
    word(Verb::Refresh,  "refresh",  "",                     "",                "refresh now"),
    word(Verb::Interval, "interval", "every",                "[TIME]",          "time between two refreshes, such as 2s"),
    word(Verb::Run,      "run",      "action",               "ACTION",          "run another action by its name in the config, such as toggle-names"),
    word(Verb::Help,     "help",     "commands",             "[WORD]",          "this list, or one command"),
    word(Verb::Quit,     "quit",     "exit bye",             "",                "quit"),
];

impl Word {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.name].into_iter().chain(self.also.split_whitespace())
    }

    /// `find FILTER`
    fn usage(&self) -> String {
        let usage = format!("{} {}", self.name, self.arguments);
        usage.trim_end().to_owned()
    }

    /// `find FILTER: read the rows that match (also: search)`
    pub fn line(&self) -> String {
        let also: Vec<_> = self.also.split_whitespace().collect();
        let also = match also.join(", ") {
            none if none.is_empty() => none,
            also => format!(" (also: {also})"),
        };
        format!("{}: {}{also}", self.usage(), self.help)
    }
}

/// Each command with what follows it, and its help, for the guide.
pub fn words() -> impl Iterator<Item = (String, &'static str)> {
    WORDS.iter().map(|word| (word.usage(), word.help))
}

/// Parses a typed line: the command, and the rest of the line. Digits are a port, also as `53/udp`, `/` begins a filter, `?` is help.
///
/// # Errors
/// One sentence that names the nearest commands.
pub(super) fn parse(line: &str) -> Result<(Verb, &str), String> {
    if let Some(filter) = line.strip_prefix('/') {
        return Ok((Verb::Filter, filter.trim()));
    }
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if first == "?" {
        return Ok((Verb::Help, rest.trim()));
    }
    let port = first.strip_prefix(':').unwrap_or(first);
    let digits = port.split('/').next().unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((Verb::Go, line));
    }
    find(first).map(|word| (word.verb, rest.trim()))
}

/// The command of a word, or of the beginning of only one.
pub(super) fn find(typed: &str) -> Result<&'static Word, String> {
    let typed = typed.to_ascii_lowercase();
    let is_named = |word: &&Word| word.names().any(|name| name == typed);
    if let Some(word) = WORDS.iter().find(is_named) {
        return Ok(word);
    }
    let begins = |word: &&Word| !word.is_whole && word.names().any(|name| name.starts_with(&typed));
    let by_name = |word: &&Word| !word.is_whole && word.name.starts_with(&typed);
    let mut found: Vec<_> = WORDS.iter().filter(by_name).collect();
    if found.is_empty() {
        found = WORDS.iter().filter(begins).collect();
    }
    match found[..] {
        [word] => return Ok(word),
        [] => {}
        [..] => {
            let names: Vec<_> = found.iter().map(|word| word.name).collect();
            return Err(format!("`{typed}` can be {}", names.join(", ")));
        }
    }
    let names = WORDS.iter().flat_map(Word::names);
    let hint = nearest(&typed, names).map(|name| format!("did you mean `{name}`?"));
    let hint = hint.unwrap_or_else(|| "help lists the commands".to_owned());
    Err(format!("unknown command `{typed}`; {hint}"))
}
