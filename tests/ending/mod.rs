//! A signal to a process that has a socket, with the real kernel: it reaches the process that was
//! seen, or none. Each test has a pid namespace of its own, so that it can have a pid reused.

mod inside;
mod namespaces;
mod ports;
mod reuse;
mod rights;
mod scene;
mod several;
mod sockets;
