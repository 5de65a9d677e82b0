//! The helper and its children: what runs instead of `main`, with a single thread.

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::retry_on_intr;
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, getppid,
    set_dumpable_behavior, set_parent_process_death_signal, waitid, waitpid,
};
use rustix::stdio::stdin;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space, set_name};

use super::message::{Message, receive, send};
use crate::source::linux::fork::{close_all_but_standard, fork};
use crate::source::linux::netlink;

/// Serves requests that arrive on standard input, until its other end is closed. Returns the exit code of the process, or of
/// a child.
pub(super) fn serve() -> u8 {
    let _ = set_name(c"sockeye-netns");
    close_all_but_standard();
    // From here on its own files in /proc are root's.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    while let Ok(Some((Message::Enter, namespaces))) = receive(stdin()) {
        let users = match fork() {
            Ok(None) => return u8::from(enter_all(&namespaces).is_err()),
            Ok(Some(child)) => wait_for(child),
            Err(_) => None,
        };
        drop(namespaces);
        if send(stdin(), &Message::Ended { users }, &[]).is_err() {
            break;
        }
    }
    0
}

/// Waits for the end of a child. Returns what [`users_of`] does: until it is waited for again, `/proc` has its files.
fn wait_for(child: Pid) -> Option<String> {
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let _ = retry_on_intr(|| waitid(WaitId::Pid(child), ended));
    let users = users_of(child);
    let _ = retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
    users
}

/// Enters the first namespace, a user namespace, and then the others.
fn enter_all(namespaces: &[OwnedFd]) -> io::Result<()> {
    let Some((user, networks)) = namespaces.split_first() else {
        return Ok(());
    };
    let helper = getppid();
    move_into_link_name_space(user.as_fd(), Some(LinkNameSpaceType::User))?;
    // Entering a user namespace resets both. Who is root in there must not trace this process.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() != helper {
        return Ok(());
    }
    for (index, network) in networks.iter().enumerate() {
        let opened = open_in(network);
        let message = match &opened {
            Ok(_) => Message::Opened {
                index,
                sockstat: counts("sockstat"),
                sockstat6: counts("sockstat6"),
            },
            Err(error) => Message::Failed {
                index,
                error: error.raw_os_error().unwrap_or_default(),
            },
        };
        let diag: Vec<_> = opened.iter().map(OwnedFd::as_fd).collect();
        send(stdin(), &message, &diag)?;
    }
    Ok(())
}

fn open_in(network: &OwnedFd) -> io::Result<OwnedFd> {
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
    netlink::open()
}

fn counts(file: &str) -> String {
    fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap_or_default()
}

/// The `uid_map` of the user namespace that a child was in, which has ended but is still in `/proc`. `None` if that `/proc`
/// has the processes of another pid namespace, and so other numbers.
fn users_of(child: Pid) -> Option<String> {
    let own = fs::read_link("/proc/self").ok()?;
    if own.to_str() != Some(&getpid().as_raw_nonzero().to_string()) {
        return None;
    }
    fs::read_to_string(format!("/proc/{}/uid_map", child.as_raw_nonzero())).ok()
}
