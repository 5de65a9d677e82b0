//! The other network namespaces of this machine: finding, entering and naming them.
//!
//! Nothing here keeps a namespace: files that refer to one, sockets in it and threads that entered it are closed, or end,
//! before a function returns. A namespace that ends while it is read is gone at once with its devices.

mod access;
mod enter;
mod target;

pub use self::access::{AccessError, NamespaceAccess};
pub(crate) use self::enter::{Entry, within};
