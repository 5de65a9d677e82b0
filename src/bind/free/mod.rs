//! Choosing a free port: by binding it and keeping it, never by looking at a table.
//!
//! A table can be stale, and two programs may see the same gap; whoever has bound the port has it.
//! What speaks for one port rather than another is in `unfit`; only `claim` touches the operating
//! system.

mod claim;
mod unfit;

pub use claim::{Claim, Refusal};
pub use unfit::{Unfit, has_only_leftovers, unfit};

use std::collections::HashSet;

use super::{Address, ProbeResult};
use crate::model::Protocol;

/// What a port is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// With TCP.
    pub tcp: bool,
    /// With UDP.
    pub udp: bool,
    /// On these addresses.
    pub address: Address,
}

impl Wish {
    /// The protocols, TCP first.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> + use<> {
        let tcp = self.tcp.then_some(Protocol::Tcp);
        tcp.into_iter().chain(self.udp.then_some(Protocol::Udp))
    }
}

/// What came of a search. All that was found is held at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<C> {
    /// The ports that were found, at most as many as were wanted.
    pub found: Vec<C>,
    /// The ports that came before and were not taken, in their order.
    pub passed_over: Vec<(u16, Unfit)>,
    /// Whether the kernel, which was to choose, has none left.
    pub is_exhausted: bool,
    /// Of what was found, what was taken for want of anything better, and what is wrong with it.
    pub settled_for: Vec<(u16, Unfit)>,
}

/// Looks through `ports` in their order for `count` of them that `claim` can have.
///
/// Those that `is_unfit` finds fault with come last, and are taken only if nothing else can be had.
/// `claim` may be asked for port 0, and then says which one it refused; `doubt` has a last word about
/// one that was just claimed.
///
/// # Errors
/// A refusal that says nothing about the port: no descriptors left, no such address.
pub fn choose<C>(
    ports: impl IntoIterator<Item = u16>,
    count: usize,
    is_unfit: impl Fn(u16) -> Option<Unfit>,
    mut claim: impl FnMut(u16) -> Result<C, Refusal>,
    mut doubt: impl FnMut(u16) -> Option<Unfit>,
) -> Result<Choice<C>, Refusal> {
    let mut choice = Choice {
        found: Vec::new(),
        passed_over: Vec::new(),
        is_exhausted: false,
        settled_for: Vec::new(),
    };
    let mut second_best = Vec::new();
    for port in ports {
        if choice.found.len() == count {
            return Ok(choice);
        }
        if let Some(unfit) = is_unfit(port) {
            second_best.push(choice.passed_over.len());
            choice.passed_over.push((port, unfit));
            continue;
        }
        match claim(port) {
            Ok(claimed) => match doubt(port) {
                Some(unfit) => {
                    second_best.push(choice.passed_over.len());
                    choice.passed_over.push((port, unfit));
                }
                None => choice.found.push(claimed),
            },
            Err(refusal) => {
                let why = why(&refusal).ok_or_else(|| refusal.clone())?;
                if refusal.port == 0 {
                    choice.is_exhausted = true;
                    break;
                }
                choice.passed_over.push((refusal.port, why));
            }
        }
    }
    settle(&mut choice, count, &second_best, claim)?;
    Ok(choice)
}

/// Takes from what was passed over, as far as more is wanted; `second_best` are indices into that.
fn settle<C>(
    choice: &mut Choice<C>,
    count: usize,
    second_best: &[usize],
    mut claim: impl FnMut(u16) -> Result<C, Refusal>,
) -> Result<(), Refusal> {
    let mut settled = HashSet::new();
    for &at in second_best {
        if choice.found.len() == count {
            break;
        }
        let port = choice.passed_over[at].0;
        match claim(port) {
            Ok(claimed) => {
                choice.found.push(claimed);
                choice.settled_for.push(choice.passed_over[at].clone());
                settled.insert(port);
            }
            Err(refusal) => choice.passed_over[at].1 = why(&refusal).ok_or(refusal)?,
        }
    }
    choice
        .passed_over
        .retain(|(port, _)| !settled.contains(port));
    Ok(())
}

/// What a refusal says about the port; `None` if it is about something else.
fn why(refusal: &Refusal) -> Option<Unfit> {
    match &refusal.result {
        result if result.is_in_use() => Some(Unfit::InUse),
        ProbeResult::Errno { name, .. } if ["EACCES", "EPERM"].contains(&&**name) => {
            Some(Unfit::Denied(name.clone()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
