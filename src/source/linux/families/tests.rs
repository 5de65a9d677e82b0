//! What is said of a kind that can't be listed.

use super::*;

fn told(protocol: Protocol, trouble: &Trouble) -> (ProblemCode, String) {
    let problem = problem(protocol, trouble);
    (problem.code, problem.message.to_string())
}

fn missing() -> DumpError {
    DumpError::System(io::Error::from_raw_os_error(2))
}

#[test]
fn a_kind_without_a_handler_is_said_not_to_be_listed() {
    let (code, message) = told(Protocol::Unix, &Trouble::NotListed(missing()));
    assert_eq!(code, ProblemCode::NotListed);
    assert_eq!(
        message,
        "unix sockets can't be listed: this kernel has no handler that lists them (sock_diag says ENOENT)"
    );
    let refused = DumpError::System(io::Error::from_raw_os_error(1));
    let (code, message) = told(Protocol::Packet, &Trouble::NotListed(refused));
    assert_eq!(code, ProblemCode::NotListed);
    assert!(
        message.ends_with(": sock_diag is refused (EPERM)"),
        "{message}"
    );
}

#[test]
fn what_proc_net_lacks_is_said() {
    let less = Trouble::Less(missing(), "peers, queues and users");
    let (code, message) = told(Protocol::Unix, &less);
    assert_eq!(code, ProblemCode::DetailsUnreadable);
    let end = "unix sockets are read from /proc/net, without peers, queues and users";
    assert!(message.ends_with(end), "{message}");
}

#[test]
fn nothing_is_read_if_nothing_is_requested() {
    let mut problems = Vec::new();
    assert_eq!(read(Kinds::DEFAULT, &mut problems), []);
    assert_eq!(problems, []);
}

#[test]
fn the_kernel_says_which_protocols_it_has() {
    assert_eq!(kernel_has(Protocol::Unix), Some(true));
    assert_eq!(kernel_has(Protocol::Raw), None);
}
