//! The plan and the question on standard error, and the answer from the terminal.

use std::io::{self, IsTerminal as _, Write as _};

use sockeye::bind::{EndPlan, EndStep, RunAs};
use sockeye::model::{Signal, clean};
use sockeye::report;
use sockeye::theme::Glyphs;
use sockeye::ui::in_ascii;

use crate::cli::output::{self, terminal_width};

/// Whether there is a terminal to show the question on and to read the answer from.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Prints what has the ports and what is to be done.
pub(super) fn print_plan(plan: &EndPlan, signal: Option<Signal>) {
    let columns = terminal_width().filter(|_| io::stderr().is_terminal());
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = report::write_end_plan(&mut text, plan, columns);
    let text = String::from_utf8_lossy(&text);
    text.lines().for_each(print_text);
    let steps = plan.steps();
    let has_signal = steps
        .iter()
        .any(|step| matches!(step, EndStep::Signal { .. }));
    if let Some(signal) = signal.filter(|_| !steps.is_empty() && !has_signal) {
        let signal = signal.as_str();
        print_text(&format!("  SIG{signal} is not used: no signal is sent."));
    }
    let fixes = plan.ports.iter().filter_map(|port| port.fix());
    let mut actions = fixes.flat_map(|fix| &fix.actions);
    if actions.any(|action| action.run_as != RunAs::User) && has_sudo(&steps) {
        print_text("  sudo may want your password.");
    }
}

fn has_sudo(steps: &[EndStep]) -> bool {
    let text = |step| sockeye::bind::describe_step(step);
    steps.iter().map(text).any(|text| text.contains(": sudo "))
}

/// Prints a line on the progress.
pub(super) fn print_line(line: &str) {
    print_text(line);
}

fn print_text(line: &str) {
    let mut line = clean(line);
    if io::stderr().is_terminal() && output::glyphs() == Glyphs::Ascii {
        line = in_ascii(&line).into();
    }
    // If standard error is closed, nothing can be shown.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Reads the answer: only `y` and `yes` confirm, the end of the input does not.
pub(super) fn confirm() -> io::Result<bool> {
    let mut err = io::stderr();
    write!(err, "\nDo this? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    if io::stdin().read_line(&mut answer)? == 0 {
        let _ = writeln!(err);
    }
    let answer = answer.trim().to_lowercase();
    Ok(answer == "y" || answer == "yes")
}
