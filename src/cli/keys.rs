//! `sockeye keys`: the keys of the live table, from the table that drives it.

use std::io;

use clap::Args;
use sockeye::app::keymap::Keymap;

use super::output::print;

/// Print the keys of the live table
#[derive(Debug, Args)]
pub(super) struct Keys {
    /// As tables in Markdown
    #[arg(long)]
    markdown: bool,
}

/// Prints every key of the table, and of a bind test.
pub(super) fn run(wanted: &Keys) -> io::Result<u8> {
    let keymap = Keymap::default();
    let text = if wanted.markdown {
        keymap.markdown()
    } else {
        keymap.plain()
    };
    print(|out| out.write_all(text.as_bytes()))?;
    Ok(0)
}
