//! Ports: their services, redirects, the ports left for outgoing connections, and a fast hash.

mod ephemeral;
mod redirect;
mod service;

use std::hash::{BuildHasherDefault, Hasher};

pub use ephemeral::{Destination, EphemeralPorts, EphemeralUse, PortUsage, TimeWaitReuse};
pub use redirect::{Redirect, RedirectTarget, RedirectedPackets};
pub use service::{Services, service_name};

/// For a `HashMap` whose keys can't be chosen from outside. The standard hash resists chosen keys, but costs many times
/// as much as the rest of the lookup.
pub(crate) type BuildSpread = BuildHasherDefault<Spread>;

/// Spreads numbers over 64 bits by one multiplication each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread(u64);

impl Spread {
    /// An odd number without a pattern in its bits (L'Ecuyer's table of multipliers, 1999).
    const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;

    fn add(&mut self, number: u64) {
        self.0 = self.0.wrapping_add(number).wrapping_mul(Self::FACTOR);
    }
}

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..piece.len()].copy_from_slice(piece);
            self.add(u64::from_le_bytes(number));
        }
    }

    fn write_u16(&mut self, number: u16) {
        self.add(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.add(number.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    /// The high bits of a product are well mixed, and the hash table uses both ends.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
