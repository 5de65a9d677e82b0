//! `sockeye`: the live table.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use anyhow::Context as _;
use sockeye::app::{Environment, Exit, Size};
use sockeye::clock::Clock;
use sockeye::config;
use sockeye::model::{Kinds, clean};
use sockeye::runtime::collector::Collector;
use sockeye::runtime::{live, panic, process::signals};
use sockeye::settings::Settings;
use sockeye::source::{Replay, Source, lineage, own_uid};
use sockeye::track::Tracker;

use super::args::Shared;
use super::{EXIT_BUG, EXIT_TROUBLE, complain, output};

/// Shows the table until the user leaves it.
pub(super) fn run(
    shared: &Shared,
    named: Option<Settings>,
    words: &[String],
) -> anyhow::Result<u8> {
    let below = match named {
        Some(named) => named,
        None => config::read_default()?,
    };
    let settings = shared.over(below, words)?;
    // Keys come from the terminal itself where standard input is a recording.
    let has_keys = io::stdin().is_terminal() || shared.replays_standard_input();
    if !(has_keys && io::stdout().is_terminal()) {
        complain("the live table needs a terminal; `sockeye list` prints the table once");
        return Ok(EXIT_TROUBLE);
    }
    let clock = Clock::start();
    let (source, host) = source(shared, settings.kinds)?;
    let collector = Collector {
        source,
        tracker: Tracker::new(settings.linger),
        recorder: shared.recorder()?,
        clock,
        interval: settings.interval,
        lost_recording: None,
        partial_owners_first: true,
        is_measured: true,
    };
    let surroundings = Environment {
        host,
        is_recording: shared.replay.is_some(),
        uid: own_uid(),
        lineage: lineage(),
        time_zone: jiff::tz::TimeZone::system(),
        size: Size {
            width: 80,
            height: 24,
        },
        depth: output::depth(),
        glyphs: output::glyphs(),
    };
    let read_again = {
        let (shared, words) = (shared.clone(), words.to_vec());
        Arc::new(move || read_again(&shared, &words))
    };
    let exit = live::run(settings, surroundings, collector, clock, read_again)
        .context("the terminal can't be used")?;
    Ok(match exit {
        Exit::Quit => 0,
        Exit::Signal(number) => signals::end_by(number),
        Exit::TerminalGone => EXIT_TROUBLE,
        Exit::Crashed(what) => {
            complain(&panic::bug_report(&what));
            EXIT_BUG
        }
    })
}

/// Reads the file of the start once more, and puts the command line over it as then. One that is not there any more
/// is a fault: it would undo what nobody asked to undo.
fn read_again(shared: &Shared, words: &[String]) -> Result<(Settings, String), String> {
    let path = shared.config.clone().or_else(config::default_path);
    let path = path.ok_or("settings kept; there is no home directory to look for a file in")?;
    let read = config::read(&path).map_err(|error| format!("settings kept; {}", error.brief()))?;
    // A filter that was typed may use a name that is new.
    let services = read.services.clone();
    let settings = services.while_tried(|| shared.over(read, words));
    let settings = settings.map_err(|error| format!("settings kept; {error:#}"))?;
    services.use_everywhere();
    Ok((settings, path.display().to_string()))
}

/// This machine or the recording that is shown instead of it, and its name.
fn source(shared: &Shared, kinds: Kinds) -> anyhow::Result<(Box<dyn Source>, String)> {
    let Some(path) = &shared.replay else {
        let name = sysinfo::System::host_name().unwrap_or_default();
        return Ok((shared.source(kinds)?, clean(&name).into_owned()));
    };
    let replay = Replay::open(path)?;
    let redacted = if replay.is_redacted() {
        " (redacted)"
    } else {
        ""
    };
    let name = if shared.replays_standard_input() {
        format!("replay of standard input{redacted}")
    } else {
        format!("replay of {}{redacted}", path.display())
    };
    Ok((Box::new(replay), clean(&name).into_owned()))
}
