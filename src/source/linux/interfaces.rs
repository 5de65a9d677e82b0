//! Names of network interfaces.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::net::netdevice::index_to_name;
use rustix::net::{AddressFamily, SocketType, socket};

use crate::model::Text;

/// Names of interfaces, for one snapshot: an interface can be renamed and its index reused. `/sys/class/net` lists the
/// interfaces of the namespace in which `/sys` was mounted.
#[derive(Default)]
pub(crate) struct Interfaces {
    names: HashMap<u32, Text>,
    /// A socket in their namespace; `None` for that of this thread.
    socket: Option<OwnedFd>,
}

impl Interfaces {
    /// Those of the network namespace that a socket was opened in.
    pub(super) fn of(socket: OwnedFd) -> Self {
        Self {
            socket: Some(socket),
            ..Self::default()
        }
    }

    /// The name, or `#4` if there is none or it is not text: without a name the socket would seem to be on all
    /// interfaces.
    pub(crate) fn name(&mut self, index: u32) -> Text {
        let find = || {
            let name = match &self.socket {
                Some(socket) => index_to_name(socket, index),
                None => socket(AddressFamily::INET, SocketType::DGRAM, None)
                    .and_then(|socket| index_to_name(socket, index)),
            };
            Text::new(&name.unwrap_or_else(|_| format!("#{index}")))
        };
        self.names.entry(index).or_insert_with(find).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_whose_name_cannot_be_had_goes_by_its_number() {
        let mut interfaces = Interfaces::default();
        assert_eq!(&*interfaces.name(1), "lo");
        assert_eq!(&*interfaces.name(2_000_000_000), "#2000000000");
    }
}
