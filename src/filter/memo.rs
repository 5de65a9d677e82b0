//! Remembers an answer about a thing that many rows share: a process, a user's name.
//!
//! A hundred thousand rows share some hundred processes and a handful of users, so most of what a
//! filter asks for was asked a row before. The thing is known by its place in memory, which costs
//! less than to look at it.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::ptr;

use crate::model::BuildSpread;

/// Answers about things that stay where they are for as long as `'a`.
pub(super) struct Memo<'a, T: ?Sized> {
    answers: HashMap<usize, bool, BuildSpread>,
    /// Borrowed for as long as the answers are kept, or its place could become another's.
    things: PhantomData<&'a T>,
}

impl<'a, T: ?Sized> Memo<'a, T> {
    /// Nothing was asked yet.
    pub fn new() -> Self {
        Self {
            answers: HashMap::default(),
            things: PhantomData,
        }
    }

    /// The answer about it: the one given before, or that of `find`.
    pub fn ask(&mut self, thing: &'a T, find: impl FnOnce(&'a T) -> bool) -> bool {
        let place = ptr::from_ref(thing).cast::<()>().addr();
        *self.answers.entry(place).or_insert_with(|| find(thing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_looked_at_once() {
        let (one, other) = (String::from("a"), String::from("a"));
        let mut memo = Memo::new();
        assert!(memo.ask(one.as_str(), |_| true));
        assert!(memo.ask(one.as_str(), |_| panic!("asked again")));
        assert!(!memo.ask(other.as_str(), |_| false), "another of that name");
    }
}
