//! The index against walks that the test makes up.

use super::*;

fn at(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(seconds),
        wall: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Updates with these inodes; whether that took a walk, which finds `found`.
fn update(holders: &mut Holders, inodes: &[u32], at: Moment, found: &[(u32, &[Pid])]) -> bool {
    let mut walked = false;
    let walk = |_: &HashMap<u32, Entry>| {
        walked = true;
        let holders = found
            .iter()
            .map(|&(inode, pids)| (inode, pids.to_vec()))
            .collect();
        Ok(Scan {
            holders,
            blind: None,
        })
    };
    holders.update_by(inodes.iter().copied(), at, walk).unwrap();
    walked
}

fn by(pids: &[Pid]) -> Holding {
    Holding::By(pids.into())
}

#[test]
fn a_known_inode_costs_no_walk() {
    let mut holders = Holders::default();
    assert!(update(&mut holders, &[1], at(0), &[(1, &[10, 11])]));
    assert!(!update(&mut holders, &[1], at(1), &[]));
    assert_eq!(holders.of(1), by(&[10, 11]));
}

#[test]
fn a_new_inode_costs_a_walk() {
    let mut holders = Holders::default();
    update(&mut holders, &[1], at(0), &[(1, &[10])]);
    assert!(update(
        &mut holders,
        &[1, 2],
        at(1),
        &[(1, &[10]), (2, &[11])]
    ));
    assert_eq!(holders.of(2), by(&[11]));
}

#[test]
fn a_periodic_walk_notices_forks_and_closed_descriptors() {
    let mut holders = Holders::default();
    update(&mut holders, &[1], at(0), &[(1, &[10])]);
    assert!(update(&mut holders, &[1], at(5), &[(1, &[11, 12])]));
    assert_eq!(holders.of(1), by(&[11, 12]));
}

#[test]
fn nobody_is_the_kernel_from_the_second_look_on() {
    let mut holders = Holders::default();
    update(&mut holders, &[1], at(0), &[]);
    assert_eq!(holders.of(1), Holding::None);
    assert!(update(&mut holders, &[1], at(1), &[]));
    assert_eq!(holders.of(1), Holding::Kernel);
}

#[test]
fn an_inode_that_nobody_holds_is_looked_for_less_and_less() {
    let mut holders = Holders::default();
    let now = at(0);
    let walks: Vec<_> = (0..20)
        .map(|_| update(&mut holders, &[1], now, &[]))
        .collect();
    let at: Vec<_> = (0..20).filter(|&reading| walks[reading]).collect();
    assert_eq!(at, [0, 1, 3, 6, 11], "the gap doubles");
}

#[test]
fn an_inode_that_vanished_is_forgotten() {
    let mut holders = Holders::default();
    update(&mut holders, &[1], at(0), &[(1, &[10])]);
    update(&mut holders, &[], at(1), &[]);
    assert!(holders.entries.is_empty());
    assert!(
        update(&mut holders, &[1], at(2), &[(1, &[20])]),
        "a reused inode is a new one"
    );
    assert_eq!(holders.of(1), by(&[20]));
}

#[test]
fn the_remaining_holders_keep_a_socket_and_the_last_one_leaves_it_to_be_looked_for() {
    let mut holders = Holders::default();
    update(&mut holders, &[1], at(0), &[(1, &[10, 11])]);
    assert!(!holders.forget(&[10]));
    assert_eq!(holders.of(1), by(&[11]));
    assert!(!update(&mut holders, &[1], at(1), &[]));
    assert!(holders.forget(&[11]));
    assert_eq!(holders.of(1), Holding::None);
    assert!(update(&mut holders, &[1], at(1), &[(1, &[12])]));
    assert_eq!(holders.of(1), by(&[12]));
}

#[test]
fn without_proc_every_unknown_holder_is_hidden() {
    let mut holders = Holders::default();
    let failing = |_: &HashMap<u32, Entry>| Err(std::io::ErrorKind::NotFound.into());
    assert!(holders.update_by([1].into_iter(), at(0), failing).is_err());
    assert_eq!(holders.of(1), Holding::Hidden);
}
