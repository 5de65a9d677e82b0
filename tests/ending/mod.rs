//! A signal to a process that holds a socket, against the real kernel: it reaches the one that was
//! seen, or nobody. Each test has a pid namespace of its own, so that it can have a pid reused.

mod namespaces;
mod reuse;
mod rights;
mod scene;
mod several;
mod sockets;
