//! What people call an action who don't know its name here: one row for each action, each synonym a word or a phrase.

use crate::app::dialogs::palette::Command;
use crate::keymap::{
    Action as A, BindTestAction, PaneAction, PortAction, ProgramAction, SessionAction, TableAction,
    TimeAction,
};

/// The synonyms of actions, in lower case.
#[rustfmt::skip]
pub(crate) const SYNONYMS: &[(A, &[&str])] = &[
    (A::Port(PortAction::BindTest), &["why is the port taken", "check", "diagnose", "probe", "in use", "eaddrinuse", "who has the port"]),
    (A::Port(PortAction::BindTestAny), &["check another port", "check any port", "try a port"]),
    (A::Port(PortAction::FindFreePort), &["unused port", "next port", "available port"]),
    (A::Port(PortAction::EndProcess), &["kill", "signal", "stop", "terminate", "sigterm", "sigkill", "close socket", "free the port"]),
    (A::BindTest(BindTestAction::Watch), &["wait", "poll", "wait until free", "countdown"]),
    (A::BindTest(BindTestAction::EndBlocker), &["kill", "signal", "stop", "terminate", "sigterm", "sigkill", "free the port"]),
    (A::BindTest(BindTestAction::ToggleMatrix), &["matrix", "servers", "so_reuseaddr", "fold", "unfold"]),
    (A::BindTest(BindTestAction::GoToBlocker), &["jump to owner", "show the owner"]),
    (A::CopyFix, &["clipboard", "yank", "copy command"]),
    (A::Pane(PaneAction::ToggleDetails), &["info", "inspect", "open", "properties", "more"]),
    (A::Pane(PaneAction::ShowDetails), &["info", "inspect", "properties", "more"]),
    (A::Pane(PaneAction::ToggleEvents), &["log", "history", "changes", "timeline"]),
    (A::Pane(PaneAction::ToggleStats), &["statistics", "performance", "cost", "cpu", "profile"]),
    (A::Pane(PaneAction::Down), &["page the pane"]),
    (A::Table(TableAction::EditFilter), &["search", "find", "grep", "match", "query"]),
    (A::Table(TableAction::RestoreFilter), &["undo", "last filter", "filter again"]),
    (A::Table(TableAction::ChooseSort), &["order", "order by", "sort", "sort menu"]),
    (A::Table(TableAction::SortByNext), &["cycle sort"]),
    (A::Table(TableAction::ReverseSort), &["descending", "ascending", "invert", "flip"]),
    (A::Table(TableAction::GoTo), &["jump to port", "go to port", "goto"]),
    (A::Table(TableAction::ToggleFollow), &["tail", "track", "auto scroll"]),
    (A::Table(TableAction::TogglePinned), &["alert", "watch", "notify", "bell", "mark", "bookmark", "star"]),
    (A::Table(TableAction::NextTrouble), &["problem", "problems", "errors", "wrong", "leak", "next problem"]),
    (A::Table(TableAction::ShowTrouble), &["trouble view", "problems", "errors", "alarms", "close_wait", "leaks", "full queue"]),
    (A::Table(TableAction::MarkRow), &["select", "tag", "multi select", "check"]),
    (A::Table(TableAction::MarkAll), &["select all", "tag all", "unmark all", "deselect"]),
    (A::Table(TableAction::GroupByNext), &["aggregate", "count by", "tree", "summarize", "ungroup"]),
    (A::Table(TableAction::ChooseGroups), &["aggregate", "count by", "group by process", "group by peer", "pivot"]),
    (A::Table(TableAction::NextView), &["next tab", "switch tab"]),
    (A::Table(TableAction::PreviousView), &["previous tab"]),
    (A::Table(TableAction::ChooseKinds), &["protocol", "kinds", "families", "socket types", "unix sockets"]),
    (A::Table(TableAction::NextNamespace), &["containers", "netns", "docker", "podman", "pods", "scope"]),
    (A::Table(TableAction::ShowAllNamespaces), &["all namespaces", "every namespace", "containers", "all containers", "docker", "podman"]),
    (A::Table(TableAction::ShowOwnNamespace), &["own namespace", "host namespace", "this namespace", "without containers"]),
    (A::Table(TableAction::ChooseColumns), &["fields", "add column", "remove column", "hide column", "show column"]),
    (A::Table(TableAction::ToggleNumbers), &["traffic", "throughput", "bandwidth", "bytes", "rates", "rtt", "latency", "retransmits", "drops", "tcp info", "counters"]),
    (A::Table(TableAction::ToggleNames), &["dns", "resolve", "numeric", "numbers", "lookup", "hostnames"]),
    (A::Table(TableAction::Copy), &["clipboard", "yank", "curl", "copy pid", "copy address"]),
    (A::Table(TableAction::Write), &["export", "save", "dump", "download", "csv", "json"]),
    (A::Program(ProgramAction::TogglePause), &["freeze", "hold", "resume", "continue", "stop updates"]),
    (A::Program(ProgramAction::Refresh), &["reload", "update", "rescan", "redo"]),
    (A::Program(ProgramAction::Slower), &["interval", "slower", "delay", "longer interval"]),
    (A::Program(ProgramAction::Faster), &["interval", "faster", "shorter interval"]),
    (A::Time(TimeAction::PreviousSnapshot), &["rewind", "earlier", "time travel", "step back"]),
    (A::Time(TimeAction::NextSnapshot), &["step", "later"]),
    (A::Time(TimeAction::PreviousChange), &["who had the port", "history of the port", "last night"]),
    (A::Time(TimeAction::NextChange), &["history of the port"]),
    (A::Time(TimeAction::GoTo), &["seek", "jump to time", "at", "history", "last night", "yesterday"]),
    (A::Time(TimeAction::Start), &["beginning", "oldest", "rewind"]),
    (A::Time(TimeAction::End), &["newest", "latest"]),
    (A::Time(TimeAction::Now), &["live", "present", "return to now"]),
    (A::Program(ProgramAction::NextTheme), &["color", "colors", "colour", "colours", "dark mode", "light mode", "skin", "appearance"]),
    (A::Program(ProgramAction::ReadSettings), &["settings", "preferences", "options", "reload config", "configuration"]),
    (A::Program(ProgramAction::SaveSettings), &["keep", "remember", "store settings", "write config", "make default"]),
    (A::Program(ProgramAction::ToggleMouse), &["select text", "mouse mode", "pointer"]),
    (A::Port(PortAction::OpenInBrowser), &["url", "http", "web page", "firefox", "visit"]),
    (A::Table(TableAction::Find), &["find next", "highlight", "look for"]),
    (A::Program(ProgramAction::ToggleHelp), &["keys", "shortcuts", "manual", "key bindings", "legend", "cheat sheet"]),
    (A::Session(SessionAction::Quit), &["exit", "close", "leave", "bye"]),
    (A::Session(SessionAction::Redraw), &["repaint", "clear screen", "garbage"]),
    (A::Session(SessionAction::Suspend), &["background", "shell"]),
    (A::ShowView(0), &["listeners", "servers", "open ports"]),
    (A::ShowView(1), &["established", "clients", "peers"]),
    (A::ShowView(2), &["all", "all sockets"]),
    (A::ShowView(3), &["recent", "new", "diff"]),
    (A::Back, &["reset", "clear the filter", "cancel"]),
];

/// The words that lead to an entry, besides its text. Those of a column or a theme need its name as well.
pub(super) fn synonyms(command: Command) -> &'static [&'static str] {
    match command {
        Command::Act(action) => {
            let row = SYNONYMS.iter().find(|(one, _)| *one == action);
            row.map_or(&[], |(_, words)| words)
        }
        Command::Column(_) => &["show", "hide", "toggle", "display", "field"],
        Command::Kind(_) => &["show", "hide", "toggle", "display", "protocol"],
        Command::Sort(_) => &["order", "arrange", "ascending", "descending"],
        Command::Theme(_) => &["color", "colour", "scheme", "mode", "skin"],
    }
}
