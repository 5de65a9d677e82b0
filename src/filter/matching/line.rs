//! A row as a regex sees it: one line, its texts in the order of the columns.

use std::fmt::Write as _;

use super::subject::Subject;
use crate::model::State;

/// Writes the line, with one space between the texts. If the owner is not known yet, the line ends before it.
pub(super) fn write_line(out: &mut String, subject: &Subject<'_>) {
    let socket = subject.socket;
    out.push_str(socket.protocol_and_family());
    if socket.portless.is_some() {
        push(out, socket.local_text().as_deref());
    } else {
        let _ = write!(out, " {}", socket.local);
        push(out, socket.service());
        if let Some(remote) = &socket.remote {
            let _ = write!(out, " {remote}");
        }
    }
    push(out, Some(socket.state.as_str()));
    if subject.is_closed() {
        push(out, Some(State::Closed.as_str()));
    }
    let Some(owners) = subject.owners() else {
        return;
    };
    for process in owners {
        let _ = write!(out, " {}", process.pid);
        push(out, Some(&process.name));
    }
    for name in subject.names() {
        push(out, name.as_deref());
    }
    for process in owners {
        push(out, process.command.as_deref());
    }
    if socket.portless.is_some() {
        // The peer of a unix socket is found together with the owners.
        push(out, socket.remote_text().as_deref());
    }
}

fn push(out: &mut String, text: Option<&str>) {
    if let Some(text) = text {
        out.push(' ');
        out.push_str(text);
    }
}
