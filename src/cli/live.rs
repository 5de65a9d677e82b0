//! `sockeye`: the live table.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockeye::app::{Environment, Exit, Size};
use sockeye::clock::Clock;
use sockeye::config;
use sockeye::linear;
use sockeye::model::{Origin, Socket, clean, time};
use sockeye::query::{GroupFields, NamespaceTarget, resolve};
use sockeye::report::{before_history, local_time};
use sockeye::runtime::collector::Collector;
use sockeye::runtime::history::{LastHour, Moments};
use sockeye::runtime::live::{self, ConfigFile, lines};
use sockeye::runtime::recording::{self, Recording};
use sockeye::runtime::{panic, process::signals};
use sockeye::settings::Settings;
use sockeye::source::{Source, System, lineage, own_uid};

use super::errors::print_error;
use super::global::{GlobalArgs, namespace_error, tracker};
use super::history::StoreArgs;
use super::{EXIT_BUG, EXIT_ERROR, output};

/// How the table is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// On the whole screen of a terminal, with keys.
    Screen,
    /// As lines, with typed commands; also through pipes.
    Lines,
}

impl Form {
    fn adapted(self, settings: Settings) -> Settings {
        match self {
            Self::Screen => settings,
            Self::Lines => linear::adapted(settings),
        }
    }
}

/// What the table can go back to.
pub(super) struct HistoryArgs {
    /// The time to begin at.
    pub at: Option<String>,
    /// The stored history.
    pub store: StoreArgs,
}

impl HistoryArgs {
    /// The time to begin at. It is an error if nothing is recorded then.
    fn begin_at(&self, global: &GlobalArgs, clock: Clock) -> anyhow::Result<Option<Timestamp>> {
        if self.store.is_named() && global.replay.is_some() {
            bail!("--dir and --replay each name a history: leave one out");
        }
        let Some(at) = &self.at else {
            if self.store.is_named() {
                self.store.open()?;
            }
            return Ok(None);
        };
        let range = match &global.replay {
            None => self.store.open()?.range,
            Some(path) => recording::range(path)?,
        };
        let now = match &global.replay {
            None => clock.now().wall,
            Some(_) => range.to,
        };
        let zone = TimeZone::system();
        let at = time::parse(at, &now.to_zoned(zone.clone()));
        let at = at.map_err(anyhow::Error::msg).context("--at")?;
        let until = time::end_of_second(at);
        if until < range.from {
            bail!("--at: {}", before_history(at, range.from, &zone));
        }
        if at > now {
            bail!("--at: {} is in the future", local_time(at, &zone));
        }
        Ok(Some(until))
    }
}

/// Shows the table until the user quits.
pub(super) fn run(
    global: &GlobalArgs,
    named: Option<Settings>,
    words: &[String],
    (form, group): (Form, Option<GroupFields>),
    args: &HistoryArgs,
) -> anyhow::Result<u8> {
    let mut below = named.map_or_else(config::read_default, Ok)?;
    below.group = group.or(below.group);
    below.namespaces = global.namespace_target()?;
    let namespaces = below.namespaces.clone();
    let settings = global.override_settings(below, words)?;
    // If standard input is a recording, keys come from the terminal itself.
    let has_keys = io::stdin().is_terminal() || global.replays_standard_input();
    if form == Form::Screen && !(has_keys && io::stdout().is_terminal()) {
        print_error("the live table needs a terminal; `sockeye list` prints the table once");
        return Ok(EXIT_ERROR);
    }
    if form == Form::Lines && global.replays_standard_input() {
        bail!("--linear reads commands from standard input, which is the recording: name its file");
    }
    let clock = Clock::start();
    let begin_at = args.begin_at(global, clock)?;
    let (source, host) = source(global, &settings)?;
    check_namespaces(global, &namespaces, clock)?;
    let origin = source.origin();
    let (history, moments) = history(global, &settings, (clock, form), args);
    let collector = Collector {
        source,
        tracker: tracker(&settings),
        recorder: global.recorder(settings.interval)?,
        history,
        clock,
        interval: settings.interval,
        lost_recording: None,
        // Printed lines can't be completed later.
        partial_owners_first: form == Form::Screen,
        is_measured: true,
    };
    let environment = Environment {
        begin_at,
        ..environment(host, origin, form)
    };
    let settings = form.adapted(settings);
    let path = global.config.clone().or_else(config::default_path);
    let read_again = {
        let (global, words) = (global.clone(), words.to_vec());
        Arc::new(move || {
            let (mut settings, path) = reload(&global, &words, group)?;
            settings.namespaces = namespaces.clone();
            Ok((form.adapted(settings), path))
        })
    };
    let config = ConfigFile { read_again, path };
    let shown = match form {
        Form::Screen => live::run(settings, environment, collector, moments, clock, config),
        Form::Lines => lines::run(settings, environment, collector, clock, config),
    };
    shown.context("the terminal can't be used").map(exit_code)
}

fn exit_code(exit: Exit) -> u8 {
    match exit {
        Exit::Quit => 0,
        Exit::Signal(number) => signals::end_by(number),
        Exit::TerminalGone => EXIT_ERROR,
        Exit::Crashed(what) => {
            print_error(&panic::bug_report(&what));
            EXIT_BUG
        }
    }
}

/// The history that the table can go back in: the file of a recording, or what the collector adds to it.
fn history(
    global: &GlobalArgs,
    settings: &Settings,
    (clock, form): (Clock, Form),
    args: &HistoryArgs,
) -> (Option<LastHour>, Moments) {
    if let Some(path) = &global.replay
        && !global.replays_standard_input()
    {
        return (None, Moments::of_recording(path, clock));
    }
    let history = LastHour::new(settings.interval);
    // What was played of a pipe is not what happened on this machine.
    let folder = args.store.folder().ok().filter(|_| global.replay.is_none());
    let moments = Moments::of_memory(history.clone(), folder);
    // Lines have no way back in time.
    (Some(history).filter(|_| form == Form::Screen), moments)
}

fn environment(host: String, origin: Origin, form: Form) -> Environment {
    let (width, height) = match form {
        Form::Screen => (80, 24),
        // Nothing is cut.
        Form::Lines => (1000, 24),
    };
    Environment {
        host,
        origin,
        uid: own_uid(),
        lineage: lineage(),
        time_zone: jiff::tz::TimeZone::system(),
        size: Size { width, height },
        depth: output::depth(),
        glyphs: output::glyphs(),
        opener: live::OPENER,
        begin_at: None,
    }
}

/// Reads the config file again, and applies the command line as at the start. If the file is gone, that is an error:
/// its settings would be lost silently.
fn reload(
    global: &GlobalArgs,
    words: &[String],
    group: Option<GroupFields>,
) -> Result<(Settings, String), String> {
    let path = global.config.clone().or_else(config::default_path);
    let path =
        path.ok_or("settings kept; no home directory, so there is no path for a config file")?;
    let mut read = config::read(&path).map_err(|error| match path.try_exists() {
        Ok(false) => format!("settings kept; no config file at {}", path.display()),
        _ => format!("settings kept; {}", error.brief()),
    })?;
    read.group = group.or(read.group);
    // The filter of the command line may use a new service name.
    let mut global = global.clone();
    global.services = read.services.clone();
    let settings = global.override_settings(read, words);
    let settings = settings.map_err(|error| format!("settings kept; {error:#}"))?;
    Ok((settings, path.display().to_string()))
}

/// Refuses a name that means no namespace, before there is a screen. A recording may have it later.
fn check_namespaces(
    global: &GlobalArgs,
    target: &NamespaceTarget,
    clock: Clock,
) -> anyhow::Result<()> {
    if target.fixed().is_some() || global.replay.is_some() {
        return Ok(());
    }
    // Not the source of the table: that one would leave owners out of its first snapshot, which may be printed.
    let mut system = System::new().with_all_namespaces();
    let no_owners = |sockets: &[Socket]| vec![false; sockets.len()];
    let snapshot = system.take_with_owners_of(clock.now(), no_owners)?;
    resolve(target, &snapshot.sockets)
        .map_err(|error| namespace_error(&error, false))
        .map(drop)
}

/// This machine or the recording, and its name.
fn source(global: &GlobalArgs, settings: &Settings) -> anyhow::Result<(Box<dyn Source>, String)> {
    let Some(path) = &global.replay else {
        let name = sysinfo::System::host_name().unwrap_or_default();
        let mut system = System::new()
            .with_kinds(settings.kinds)
            .with_all_namespaces();
        if settings.events {
            system = system.with_closes();
        }
        if global.trace {
            system.start_trace().context("--trace")?;
        } else if settings.trace {
            system.try_trace();
        }
        return Ok((Box::new(system), clean(&name).into_owned()));
    };
    let replay = Recording::open(path)?;
    let file = if global.replays_standard_input() {
        "standard input".into()
    } else {
        path.to_string_lossy()
    };
    let redacted = if replay.is_redacted() {
        " (redacted)"
    } else {
        ""
    };
    let name = format!("replay of {file}{redacted}");
    Ok((replay.into_source(), clean(&name).into_owned()))
}
