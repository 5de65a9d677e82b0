//! Tables, changes and verdicts as text, JSON and CSV, for the commands and for files. Pure: everything is
//! written to a given writer, whose errors are returned.
#![expect(clippy::missing_errors_doc, reason = "all are those of the writer")]

mod check_json;
mod check_text;
mod counters;
mod csv;
mod end;
mod free;
mod groups;
mod history;
mod json;
mod record;
mod run;
mod text;
mod wait;

pub use check_json::write_check_json;
pub use check_text::{Checked, write_check, write_gaps};
pub use csv::{CsvOptions, write_csv};
pub use end::{end_line, write_end_json, write_end_plan};
pub use free::{FreePorts, PortUser, UsualPort, free_port_lines, write_free_json};
pub use groups::{write_groups_csv, write_groups_json, write_groups_ndjson, write_groups_text};
pub use history::{
    PortHistory, PortHolder, before_history, gap_line, local_time, write_diff, write_diff_json,
    write_who, write_who_json,
};
pub use json::{JsonStream, RecordedListing, write_change_json, write_json, write_ndjson};
pub use run::{
    Caller, FailedCall, Freed, Listened, Repeated, write_failed_call, write_failed_call_json,
    write_freed, write_freed_json, write_listened, write_listened_json, write_repeated,
    write_repeated_json, write_unjudged_json,
};
pub use text::{Layout, refresh_line, write_change, write_text};
pub use wait::{WaitedPort, WaitedServer, wait_line, write_wait_json};
