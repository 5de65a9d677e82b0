//! The keys of this user: those of the table, except where the config has others; and their flaws: a key with two actions,
//! a mode that can't be left, a key that both opens and confirms a question. The config formats the errors.

use crate::columns::{pad, width};
use crate::keymap::{Action, Binding, KEYMAP, Key, Mode, modes};
use crate::keymap::{BindTestAction, DialogAction, PortAction, SessionAction};

/// Every binding of the program, in the order of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap(Vec<Binding>);

/// An action and the mode in which it is bound.
pub type BoundAction = (Mode, Action);

/// One flaw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the keys, modes and actions that it is about"
)]
pub enum Flaw {
    /// A key does two things in a mode; the actions are in the order of the table.
    Twice {
        mode: Mode,
        key: Key,
        actions: [Action; 2],
    },
    /// An essential action has no key.
    OutOfReach { mode: Mode, action: Action },
    /// A character does something where text is typed, so that it can't be typed.
    Typed {
        mode: Mode,
        action: Action,
        key: Key,
    },
    /// A key opens a question and confirms it: held down, it would end a process.
    AnswersItself {
        key: Key,
        opens: BoundAction,
        confirms: BoundAction,
    },
}

/// Actions that must have a key in every mode that has them: the ways out, and yes.
const ESSENTIAL: [Action; 4] = [
    Action::Session(SessionAction::Quit),
    Action::Back,
    Action::Dialog(DialogAction::Accept),
    Action::Dialog(DialogAction::Confirm),
];

/// What may open the question before a process is ended. Confirming opens the second question.
const OPENING: [BoundAction; 5] = [
    (Mode::Table, Action::Port(PortAction::EndProcess)),
    (Mode::Bind, Action::BindTest(BindTestAction::EndBlocker)),
    (Mode::Menu, Action::Dialog(DialogAction::Accept)),
    (Mode::Palette, Action::Dialog(DialogAction::Accept)),
    (Mode::Question, Action::Dialog(DialogAction::Confirm)),
];

impl Default for Keymap {
    fn default() -> Self {
        Self(KEYMAP.to_vec())
    }
}

impl Keymap {
    /// Looks up the action of a key in a mode.
    pub fn lookup(&self, mode: Mode, key: Key) -> Option<Action> {
        let mut bindings = self.bindings(mode);
        let bound = bindings.find(|binding| binding.keys.contains(&key));
        match bound {
            None if mode == Mode::Bind => self.lookup(Mode::Table, key),
            bound => bound.map(|binding| binding.action),
        }
    }

    /// The keys of a mode, in the order of the list; some of its actions may have none.
    pub fn bindings(&self, mode: Mode) -> impl Iterator<Item = &Binding> {
        self.0.iter().filter(move |binding| binding.mode == mode)
    }

    /// The keys that do this in a mode.
    pub fn keys(&self, mode: Mode, action: Action) -> &[Key] {
        let mut bindings = self.bindings(mode);
        let found = bindings.find(|binding| binding.action == action);
        found.map_or(&[], |binding| &binding.keys)
    }

    /// Gives an action other keys in a mode, or none.
    pub fn bind(&mut self, mode: Mode, action: Action, keys: Vec<Key>) {
        let is_it = |binding: &&mut Binding| (binding.mode, binding.action) == (mode, action);
        if let Some(binding) = self.0.iter_mut().find(is_it) {
            binding.keys = keys.into();
        }
    }

    /// The first key of an action in the table, as text, for hints.
    pub fn key(&self, action: Action) -> Option<String> {
        let first = self.keys(Mode::Table, action).first();
        first.map(ToString::to_string)
    }

    /// The keys of the table, and of a bind test, as the rows of Markdown tables, for the guide.
    pub fn markdown(&self) -> String {
        let row = |binding: &Binding| {
            let keys: Vec<_> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
            format!("| {} | {} |\n", keys.join(" "), binding.help)
        };
        let table = |title: &str, mode| {
            let rows: String = self.bound(mode).map(row).collect();
            format!("| {title} | |\n|---|---|\n{rows}")
        };
        in_two_parts(table)
    }

    /// The same as aligned text.
    pub fn plain(&self) -> String {
        let both = self.bound(Mode::Table).chain(self.bound(Mode::Bind));
        let widths = both.map(|binding| width(&binding.keys_text()));
        let widest = widths.max().unwrap_or(0);
        let row = |binding: &Binding| {
            let keys = pad(&binding.keys_text(), widest);
            format!("  {keys}  {}\n", binding.help)
        };
        in_two_parts(|title, mode| {
            let rows: String = self.bound(mode).map(row).collect();
            format!("{title}\n{rows}")
        })
    }

    /// The bindings of a mode that have a key.
    pub fn bound(&self, mode: Mode) -> impl Iterator<Item = &Binding> {
        self.bindings(mode)
            .filter(|binding| !binding.keys.is_empty())
    }

    /// All flaws of these keys.
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        for mode in modes() {
            let mut earlier: Vec<(Key, Action)> = Vec::new();
            for binding in self.bindings(mode) {
                for &key in &*binding.keys {
                    if let Some((_, first)) = earlier.iter().find(|(one, _)| *one == key) {
                        let actions = [*first, binding.action];
                        flaws.push(Flaw::Twice { mode, key, actions });
                    }
                    earlier.push((key, binding.action));
                }
            }
        }
        let default = Self::default();
        for mode in modes() {
            let is_lost = |action: &Action| {
                // An action missing from the table is also missing from a bind test; report it once.
                let is_reported = mode == Mode::Bind && !self.reaches(Mode::Table, *action);
                default.reaches(mode, *action) && !self.reaches(mode, *action) && !is_reported
            };
            let lost = ESSENTIAL.into_iter().filter(is_lost);
            flaws.extend(lost.map(|action| Flaw::OutOfReach { mode, action }));
        }
        for &Binding {
            mode,
            action,
            ref keys,
            ..
        } in &self.0
        {
            let is_typed = |key: &&Key| match (mode, key) {
                (Mode::Prompt | Mode::Palette, Key::Char(_)) => true,
                (Mode::Digits, Key::Char(c)) => c.is_ascii_digit(),
                _ => false,
            };
            let typed = keys.iter().filter(is_typed);
            flaws.extend(typed.map(|&key| Flaw::Typed { mode, action, key }));
        }
        for opens in OPENING {
            let mode = match opens.0 {
                Mode::Question => Mode::ConfirmAgain,
                _ => Mode::Question,
            };
            let confirms = (mode, Action::Dialog(DialogAction::Confirm));
            let confirming = self.keys(confirms.0, confirms.1);
            let both = self
                .keys(opens.0, opens.1)
                .iter()
                .filter(|key| confirming.contains(key));
            flaws.extend(both.map(|&key| Flaw::AnswersItself {
                key,
                opens,
                confirms,
            }));
        }
        flaws
    }

    /// Whether some key does this in a mode.
    fn reaches(&self, mode: Mode, action: Action) -> bool {
        let inherited = self.keys(Mode::Table, action);
        let mut keys = self.keys(mode, action).iter().chain(inherited);
        keys.any(|&key| self.lookup(mode, key) == Some(action))
    }
}

/// The keys of the table, then the additional ones of a bind test.
fn in_two_parts(part: impl Fn(&str, Mode) -> String) -> String {
    let table = part("keys", Mode::Table);
    let bind = part("with a bind test open", Mode::Bind);
    format!("{table}\n{bind}")
}

impl Flaw {
    /// The bindings of which one must change.
    pub fn places(&self) -> Vec<BoundAction> {
        match *self {
            Self::Twice { mode, actions, .. } => actions.map(|action| (mode, action)).into(),
            Self::OutOfReach { mode, action } => {
                let all = KEYMAP.iter().map(|binding| (binding.mode, binding.action));
                all.filter(|bound| *bound == (mode, action)).collect()
            }
            Self::Typed { mode, action, .. } => vec![(mode, action)],
            Self::AnswersItself {
                opens, confirms, ..
            } => vec![opens, confirms],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Key::{Char, Ctrl, Enter, Esc};

    use crate::keymap::TableAction;

    /// The keys as they are at first, but for these.
    fn with(changes: &[(Mode, Action, &[Key])]) -> Vec<Flaw> {
        let mut keymap = Keymap::default();
        for &(mode, action, keys) in changes {
            keymap.bind(mode, action, keys.to_vec());
        }
        keymap.flaws()
    }

    #[test]
    fn the_keys_as_they_are_at_first_have_no_flaw() {
        assert_eq!(Keymap::default().flaws(), []);
    }

    #[test]
    fn a_key_that_does_two_things_in_a_mode_is_one() {
        let (mode, key) = (Mode::Table, Char('b'));
        let actions = [
            Action::Port(PortAction::BindTest),
            Action::Session(SessionAction::Quit),
        ];
        let keys = [Char('q'), key];
        let flaws = with(&[(mode, Action::Session(SessionAction::Quit), &keys)]);
        assert_eq!(flaws, [Flaw::Twice { mode, key, actions }]);
        let moved = (mode, Action::Port(PortAction::BindTest), &[Char('z')][..]);
        assert_eq!(
            with(&[(mode, Action::Session(SessionAction::Quit), &keys), moved]),
            []
        );
        let in_another = (
            Mode::Bind,
            Action::BindTest(BindTestAction::Watch),
            &[key][..],
        );
        assert_eq!(with(&[in_another]), []);
    }

    #[test]
    fn a_mode_that_can_not_be_left_or_answered_is_one() {
        for (mode, action) in [
            (Mode::Table, Action::Session(SessionAction::Quit)),
            (Mode::Prompt, Action::Back),
            (Mode::Prompt, Action::Dialog(DialogAction::Accept)),
            (Mode::Menu, Action::Session(SessionAction::Quit)),
            (Mode::Question, Action::Dialog(DialogAction::Confirm)),
            (Mode::ConfirmAgain, Action::Back),
            (Mode::Help, Action::Back),
            (Mode::Palette, Action::Back),
            (Mode::Palette, Action::Dialog(DialogAction::Accept)),
        ] {
            let flaws = with(&[(mode, action, &[])]);
            let here = Flaw::OutOfReach { mode, action };
            assert!(flaws.contains(&here), "{mode:?} {action:?}: {flaws:?}");
        }
    }

    #[test]
    fn a_bind_test_can_be_left_by_the_keys_of_the_table() {
        assert_eq!(with(&[(Mode::Bind, Action::Back, &[])]), []);
        let shadows = [Char('q'), Ctrl('c')];
        let flaws = with(&[(
            Mode::Bind,
            Action::BindTest(BindTestAction::Watch),
            &shadows,
        )]);
        let (mode, action) = (Mode::Bind, Action::Session(SessionAction::Quit));
        assert_eq!(flaws, [Flaw::OutOfReach { mode, action }]);
    }

    #[test]
    fn a_character_that_can_not_be_typed_is_one() {
        for (mode, key) in [
            (Mode::Prompt, Char('a')),
            (Mode::Palette, Char('a')),
            (Mode::Digits, Char('8')),
        ] {
            let action = Action::Dialog(DialogAction::Accept);
            let flaws = with(&[(mode, action, &[Enter, key])]);
            assert_eq!(flaws, [Flaw::Typed { mode, action, key }]);
        }
        assert_eq!(
            with(&[(
                Mode::Digits,
                Action::Dialog(DialogAction::Accept),
                &[Char('a')]
            )]),
            []
        );
    }

    #[test]
    fn a_key_that_would_answer_its_own_question_is_one() {
        for (asks, answers, keys) in [
            (
                (Mode::Table, Action::Port(PortAction::EndProcess)),
                Mode::Question,
                [Char('y')],
            ),
            (
                (Mode::Question, Action::Dialog(DialogAction::Confirm)),
                Mode::ConfirmAgain,
                [Char('Y')],
            ),
            (
                (Mode::Bind, Action::BindTest(BindTestAction::EndBlocker)),
                Mode::Question,
                [Char('y')],
            ),
        ] {
            let flaws = with(&[
                (Mode::Table, Action::Table(TableAction::Copy), &[Char('c')]),
                (Mode::Bind, Action::CopyFix, &[Char('c')]),
                (asks.0, asks.1, &keys),
            ]);
            let (key, answers) = (keys[0], (answers, Action::Dialog(DialogAction::Confirm)));
            assert_eq!(
                flaws,
                [Flaw::AnswersItself {
                    key,
                    opens: asks,
                    confirms: answers
                }]
            );
        }
        let enter = with(&[(
            Mode::Question,
            Action::Dialog(DialogAction::Confirm),
            &[Enter],
        )]);
        let asked =
            [Mode::Menu, Mode::Palette].map(|mode| (mode, Action::Dialog(DialogAction::Accept)));
        let answers = (Mode::Question, Action::Dialog(DialogAction::Confirm));
        let key = Enter;
        let flaws = asked.map(|asks| Flaw::AnswersItself {
            key,
            opens: asks,
            confirms: answers,
        });
        assert_eq!(enter, flaws, "either may have asked");
        let esc = with(&[(
            Mode::Question,
            Action::Dialog(DialogAction::Confirm),
            &[Esc],
        )]);
        assert_eq!(esc.len(), 1, "it says no: {esc:?}");
    }
}
