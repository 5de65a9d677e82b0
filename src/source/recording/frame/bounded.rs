//! Lists with a maximum length, so that a small file can't fill the memory. The writer has the same limit.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};

/// The most sockets, or processes, in a snapshot.
pub(super) const MAX_LENGTH: usize = 1 << 19;

/// A list that is rejected if it exceeds this length.
pub(super) fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Bounded(PhantomData))
}

struct Bounded<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX_LENGTH}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            if all.len() == MAX_LENGTH {
                return Err(A::Error::custom(format_args!(
                    "a list of more than {MAX_LENGTH}"
                )));
            }
            all.push(one);
        }
        Ok(all)
    }
}
