//! What becomes of a file or a text on its way: cut, joined with another one, with bytes lost, doubled
//! or changed.

use proptest::prelude::*;
use proptest::sample::Index;

/// One thing that happens to it.
#[derive(Clone, Debug)]
pub enum Mutation {
    /// It ends here.
    Cut(Index),
    /// From here on another one follows, from that place on.
    Splice(Index, Index),
    /// These bytes are lost.
    Lose(Index, Index),
    /// These bytes are duplicated.
    Double(Index, Index),
    /// This replaces a byte, or is inserted.
    Write { at: Index, over: bool, text: String },
    /// A byte is another one.
    Flip(Index, u8),
}

/// What breaks formats: their own marks, numbers that are too large, and bytes that terminals act on.
const BREAKING: [&str; 23] = [
    "\"",
    "'",
    "\"\"\"",
    "\\",
    "=",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "(",
    "!",
    "\n",
    "\r",
    "\0",
    "\u{1b}[2J",
    "\\u001b",
    "\u{202e}",
    "-1",
    "65536",
    "1e999",
    "99999999999999999999",
];

impl Arbitrary for Mutation {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let at = any::<Index>;
        let two = || (any::<Index>(), any::<Index>());
        let breaking = proptest::sample::select(BREAKING.to_vec());
        prop_oneof![
            1 => at().prop_map(Self::Cut),
            1 => two().prop_map(|(at, from)| Self::Splice(at, from)),
            2 => two().prop_map(|(from, to)| Self::Lose(from, to)),
            2 => two().prop_map(|(from, to)| Self::Double(from, to)),
            4 => (at(), any::<bool>(), breaking)
                .prop_map(|(at, over, text)| Self::Write { at, over, text: text.into() }),
            2 => (at(), any::<u8>()).prop_map(|(at, byte)| Self::Flip(at, byte)),
        ]
        .boxed()
    }
}

/// The bytes after all of this; `other` is what they may be joined with.
pub fn mutated(bytes: &[u8], other: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for mutation in mutations {
        mutate(&mut bytes, other, mutation);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], mutation: &Mutation) {
    let length = bytes.len();
    let place = |at: &Index| at.index(length + 1);
    let between = |from: &Index, to: &Index| {
        let (from, to) = (place(from), place(to));
        from.min(to)..from.max(to)
    };
    match mutation {
        Mutation::Cut(at) => bytes.truncate(place(at)),
        Mutation::Splice(at, from) => {
            bytes.truncate(place(at));
            bytes.extend(&other[from.index(other.len() + 1)..]);
        }
        Mutation::Lose(from, to) => drop(bytes.drain(between(from, to))),
        Mutation::Double(from, to) => {
            let twice = between(from, to);
            let at = twice.end;
            let doubled = bytes[twice].to_vec();
            drop(bytes.splice(at..at, doubled));
        }
        Mutation::Write { at, over, text } => {
            let at = place(at);
            let end = (at + usize::from(*over)).min(length);
            drop(bytes.splice(at..end, text.bytes()));
        }
        Mutation::Flip(at, byte) => {
            if let Some(one) = bytes.get_mut(place(at)) {
                *one = *byte;
            }
        }
    }
}
