//! `sockeye keys`: the keys of the live table, from the table that drives it.

use clap::Args;
use sockeye::config;
use sockeye::settings::Settings;

use crate::cli::output::print;

/// Print the keys of the live table
///
/// They are those that the live table would have now: the user's own, where the file of settings gives some
/// (`sockeye config`); with `--config /dev/null` those that it has at first.
#[derive(Debug, Args)]
pub struct Keys {
    /// As tables in Markdown
    #[arg(long)]
    markdown: bool,
}

/// Prints every key of the table, and of a bind test.
pub fn run(named: Option<Settings>, wanted: &Keys) -> anyhow::Result<u8> {
    let Settings { keymap, .. } = match named {
        Some(named) => named,
        None => config::read_default()?,
    };
    let text = if wanted.markdown {
        keymap.markdown()
    } else {
        keymap.plain()
    };
    print(|out| out.write_all(text.as_bytes()))?;
    Ok(0)
}
