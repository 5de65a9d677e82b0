//! `sockeye keys`: the keys of the live table.

use clap::Args;
use sockeye::config;
use sockeye::settings::Settings;

use crate::cli::output::print;

/// Print the keys of the live table
///
/// Includes the keys of your config file (`sockeye config`); with `--config /dev/null`, the default keys.
#[derive(Debug, Args)]
pub struct Keys {
    /// Print tables in Markdown
    #[arg(long)]
    markdown: bool,
}

pub fn run(named: Option<Settings>, wanted: &Keys) -> anyhow::Result<u8> {
    let keymap = named.map_or_else(config::read_default, Ok)?.keymap;
    let text = if wanted.markdown {
        keymap.markdown()
    } else {
        keymap.plain()
    };
    print(|out| out.write_all(text.as_bytes()))?;
    Ok(0)
}
