//! A map of the entries that were added last.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};

use super::BuildSpread;

/// Remembers so many entries; the oldest are forgotten.
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V, S = BuildSpread> {
    limit: usize,
    entries: HashMap<K, V, S>,
    /// The keys in the order in which they were added.
    order: VecDeque<K>,
}

impl<K: Copy + Eq + Hash, V, S: BuildHasher + Default> Recent<K, V, S> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: HashMap::default(),
            order: VecDeque::new(),
        }
    }

    /// Adds an entry, or replaces the value of one, which keeps its place.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.entries.insert(key, value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// How many entries, and how many keys in order.
    #[cfg(test)]
    pub(crate) fn lengths(&self) -> (usize, usize) {
        (self.entries.len(), self.order.len())
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_are_forgotten_and_a_replaced_one_keeps_its_place() {
        let mut recent: Recent<u32, char> = Recent::new(2);
        for (key, value) in [(1, 'a'), (2, 'b'), (1, 'c')] {
            recent.insert(key, value);
        }
        assert_eq!((recent.get(&1), recent.get(&2)), (Some(&'c'), Some(&'b')));
        recent.insert(3, 'd');
        assert_eq!(recent.lengths(), (2, 2));
        assert!(!recent.contains(&1));
        assert!(recent.contains(&2) && recent.contains(&3));
    }
}
