//! Ports that ssh forwards and the logins that go with them: an ssh server on loopback, ann's keys.

use crate::started::{User, by, sh};

/// How ann's clients connect.
const OPTIONS: &str = "-o StrictHostKeyChecking=no -o BatchMode=yes -o ExitOnForwardFailure=yes";

/// Keys and a configuration of the ssh server's.
pub fn prepare() {
    // An account without a password counts as locked.
    sh("mkdir -p /run/sshd; ssh-keygen -A >/dev/null; usermod -p '*' ann");
    let config = "PasswordAuthentication no\nUsePAM no\nPidFile none\n";
    std::fs::write("/etc/ssh/sshd_config", config).unwrap();
    by(
        User::Ann,
        "mkdir -m 700 .ssh; ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519; cp .ssh/id_ed25519.pub .ssh/authorized_keys",
    );
}

/// The line that runs one by ssh as ann.
pub fn remote(line: &str) -> String {
    format!("ssh {OPTIONS} ann@127.0.0.1 '{line}'")
}
