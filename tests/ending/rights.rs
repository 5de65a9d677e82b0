//! What is guarded, and what the kernel answers to those who may not.

use std::process::Command;

use rustix::process::Uid;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities, set_thread_res_uid};
use sockeye::app::{Confirmed, Ending, Signal};

use crate::ending::scene::{Server, end, inode, listener, refusal, seen};
use crate::support::netns::{has_users, in_pidns_with_users, name_of, stage, stage_with_pids};

/// Two users, neither of them root.
const ANN: u32 = 65_534;
const BOB: u32 = 65_533;

#[test]
fn this_very_process_is_not_ended_by_one_yes() {
    stage(|| {
        let _socket = listener();
        let told = refusal(&seen());
        assert!(
            told.starts_with("nothing was sent, not confirmed twice: "),
            "{told}"
        );
        assert!(told.ends_with(" is sockeye itself"), "{told}");
    });
}

/// As the test is the first process of its namespace, what the kernel would do is seen without harm.
#[test]
fn the_first_process_gets_only_what_it_handles() {
    stage_with_pids(|| {
        let _socket = listener();
        let twice = |signal| Ending {
            signal,
            confirmed: Confirmed::Twice,
            ..seen()
        };
        for signal in [Signal::Term, Signal::Kill] {
            let told = refusal(&twice(signal));
            let expected = format!("the kernel drops SIG{} to ", signal.as_str());
            assert!(told.starts_with(&expected), "{told}");
        }
    });
}

/// Where there is only one user there is nothing to run.
fn stage_with_users<Body: FnOnce()>(body: Body) {
    let name = name_of::<Body>();
    in_pidns_with_users(name, || {
        if has_users() {
            body();
        } else {
            println!("NOT RUN: no other users here");
        }
    });
}

fn drop_capabilities(kept: CapabilitySet) {
    let mut sets = capabilities(None).unwrap();
    sets.effective &= kept;
    set_capabilities(None, sets).unwrap();
}

#[test]
fn root_without_the_right_to_signal_sees_which_one_is_needed() {
    stage_with_users(|| {
        let mut server = Server::run(listener(), "exec cat", Some(BOB));
        assert!(server.answers());
        let ending = seen();
        drop_capabilities(CapabilitySet::all() - CapabilitySet::KILL);
        let pid = server.pid();
        assert_eq!(
            refusal(&ending),
            format!(
                "cat ({pid}): not permitted, even as root: it takes CAP_KILL, if nothing forbids it"
            )
        );
        assert!(server.answers());
    });
}

#[test]
fn a_user_who_may_look_but_not_signal_sees_who_may() {
    stage_with_users(|| {
        let mut server = Server::run(listener(), "exec cat", Some(BOB));
        assert!(server.answers());
        let ending = seen();
        set_thread_res_uid(Uid::from_raw(ANN), Uid::from_raw(ANN), Uid::ROOT).unwrap();
        drop_none_but(CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH);
        let pid = server.pid();
        assert_eq!(
            refusal(&ending),
            format!("cat ({pid}): not permitted: run as root or as its user")
        );
        assert!(server.answers());
    });
}

/// Raises these of the permitted capabilities, and no others.
fn drop_none_but(kept: CapabilitySet) {
    let mut sets = capabilities(None).unwrap();
    sets.effective = kept;
    set_capabilities(None, sets).unwrap();
}

#[test]
fn a_process_that_is_hidden_from_the_user_by_now_is_not_signalled() {
    stage_with_users(|| {
        let mut server = Server::with(listener());
        assert!(server.answers());
        let ending = seen();
        let hide = ["-o", "remount,hidepid=2", "/proc"];
        assert!(Command::new("mount").args(hide).status().unwrap().success());
        set_thread_res_uid(Uid::from_raw(ANN), Uid::from_raw(ANN), Uid::ROOT).unwrap();
        let told = refusal(&ending);
        set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).unwrap();
        let pid = server.pid();
        assert_eq!(
            told,
            format!("cat ({pid}) can't be checked any more: nothing was sent")
        );
        assert!(server.answers());
        assert!(end(&ending).0, "root still may");
    });
}

/// It could have been closed or passed on: that can't be seen any more.
#[test]
fn a_process_whose_sockets_may_not_be_looked_at_is_not_signalled() {
    stage_with_users(|| {
        let socket = listener();
        let mut server = Server::with(socket.try_clone().unwrap());
        let ending = server.ending(inode(&socket));
        set_thread_res_uid(Uid::from_raw(ANN), Uid::from_raw(ANN), Uid::ROOT).unwrap();
        let told = refusal(&ending);
        assert!(told.contains("can't be checked any more"), "{told}");
        assert!(server.answers());
    });
}
