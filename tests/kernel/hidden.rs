//! What a user sees who may not read other users' processes.

use sockeye::model::{Owner, ProblemCode};
use sockeye::source::System;

use crate::kernel::scene::{at, is_inner, listener, run_under};
use crate::support::netns::in_netns;

#[test]
fn an_owner_that_may_not_be_read_is_hidden() {
    in_netns("hidden::an_owner_that_may_not_be_read_is_hidden", || {
        let _listening = listener("127.0.0.1:8080");
        // Without capabilities, root of the namespace may not read this process, which has them.
        let command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
        run_under(&command, "hidden::reader_without_rights");
    });
}

#[test]
fn reader_without_rights() {
    if !is_inner("hidden::reader_without_rights") {
        return;
    }
    let seen = System::new().take_once(at(0)).unwrap();
    let [socket] = &seen.sockets[..] else {
        panic!("{:?}", seen.sockets)
    };
    assert_eq!(socket.local.to_string(), "127.0.0.1:8080");
    assert_eq!((&socket.owner, socket.uid), (&Owner::Hidden, Some(0)));
    assert_eq!(socket.user.as_deref(), Some("root"));
    assert!(socket.inode.is_some() && socket.queue.is_some());
    let [problem] = &seen.problems[..] else {
        panic!("{:?}", seen.problems)
    };
    assert_eq!(
        (problem.code, problem.count),
        (ProblemCode::HiddenOwners, Some(1))
    );
    assert_eq!(
        &*problem.message,
        // In the namespace the reader is root, only without its rights.
        "the owner of 1 socket is hidden even from root: it takes CAP_SYS_PTRACE and \
         CAP_DAC_READ_SEARCH to see it"
    );
}
