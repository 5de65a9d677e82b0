//! The order in which ports are tried for a service of a project. Pure.
//!
//! The order is a promise: every version, on every system, has the same one, so that a project keeps its port. FNV-1a
//! with 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>) of the project's path, a zero byte and the service's name
//! is the hash. With `count` ports in the range, the first to try is that at `hash % count`; each further one is `step`
//! ports on, and after the last port comes the first one. `step` is `1 + hash / count % (count - 1)`, or the next number
//! without a common divisor with `count`, so each port is tried once.

use std::hash::Hasher as _;
use std::ops::RangeInclusive;
use std::path::Path;

use fnv::FnvHasher;

/// Where the port of a project is without a range: most lower numbers are in use by convention, higher ones are
/// ephemeral on some system (Linux from 32768, others from 49152).
pub const SERVICE_PORTS: RangeInclusive<u16> = 10_000..=32_767;

/// Every port of the range once, in the order for this project, a real path, and this service; the name may be empty.
pub fn service_ports(
    project: &Path,
    service: &str,
    range: RangeInclusive<u16>,
) -> impl Iterator<Item = u16> {
    let ports: Vec<u16> = range.collect();
    let count = ports.len().max(1) as u64;
    let hash = hash(project, service);
    let start = hash % count;
    let mut step = 1 + hash / count % (count - 1).max(1);
    while greatest_common_divisor(step, count) > 1 {
        step = step % count + 1;
    }
    (0..count).filter_map(move |turn| {
        let at = (start + turn * step) % count;
        ports.get(usize::try_from(at).ok()?).copied()
    })
}

/// A path that is not Unicode counts with the bytes that the system has for it.
fn hash(project: &Path, service: &str) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(project.as_os_str().as_encoded_bytes());
    hasher.write(&[0]);
    hasher.write(service.as_bytes());
    hasher.finish()
}

const fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    let (mut one, mut other) = (one, other);
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn first(project: &str, service: &str) -> u16 {
        let mut ports = service_ports(Path::new(project), service, SERVICE_PORTS);
        ports.next().unwrap()
    }

    /// Other numbers would move every project to other ports.
    #[test]
    fn the_order_is_the_same_for_ever() {
        assert_eq!(hash(Path::new(""), ""), 0xaf63_bd4c_8601_b7df);
        assert_eq!(hash(Path::new("/srv/shop"), ""), 0xbb27_6ae1_5801_9960);
        assert_eq!(first("/srv/shop", ""), 29_024);
        assert_eq!(first("/srv/shop", "web"), 27_478);
        assert_eq!(first("/srv/shop", "db"), 11_082);
        assert_eq!(first("/srv/shop2", ""), 29_170);
        let few: Vec<u16> = service_ports(Path::new("/srv/shop"), "web", 3000..=3009).collect();
        assert_eq!(
            few,
            [3006, 3003, 3000, 3007, 3004, 3001, 3008, 3005, 3002, 3009]
        );
    }

    #[test]
    fn every_port_of_the_range_is_tried_once() {
        for range in [80..=80, 80..=81, 3000..=3010, 1..=65_535, SERVICE_PORTS] {
            for service in ["", "web", "db", "cache"] {
                let ports = service_ports(Path::new("/srv/shop"), service, range.clone());
                let mut ports: Vec<u16> = ports.collect();
                ports.sort_unstable();
                assert_eq!(ports, range.clone().collect::<Vec<_>>());
            }
        }
    }

    /// 192 of 22,768 ports: by chance 0.8 pairs have the same one.
    #[test]
    fn siblings_seldom_have_the_same_first_port() {
        for style in ["/home/ann/src/shop/.worktrees/NR", "/w/NR", "/srv/shop-NR"] {
            let name = |number: usize| style.replace("NR", &number.to_string());
            let ports = (0..64).flat_map(|number| {
                ["web", "api", "db"].map(|service| first(&name(number), service))
            });
            let different: HashSet<u16> = ports.collect();
            assert!(different.len() >= 189, "{style}: {}", different.len());
        }
    }

    #[test]
    fn those_with_the_same_first_port_part_at_the_second() {
        let mut by_first = std::collections::HashMap::new();
        let mut together = 0;
        for number in 0..2000 {
            let project = format!("/w/{number}");
            let mut ports = service_ports(Path::new(&project), "", SERVICE_PORTS);
            let (first, second) = (ports.next().unwrap(), ports.next().unwrap());
            let seconds: &mut HashSet<u16> = by_first.entry(first).or_default();
            together += usize::from(!seconds.insert(second));
        }
        assert_eq!(together, 0);
    }
}
