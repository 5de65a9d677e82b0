//! Flaws of a keymap: a key with two actions, a mode that can't be left, a key that both opens and confirms a question.
//!
//! The rules apply to the default keys and to those of the config, which formats the errors.

use crate::keymap::{Action, Binding, KEYMAP, Key, Keymap, Mode, modes};
use crate::keymap::{BindTestAction, DialogAction, PaneAction, PortAction, SessionAction};

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
pub(super) const ESSENTIAL: [Action; 4] = [
    Action::Session(SessionAction::Quit),
    Action::Back,
    Action::Dialog(DialogAction::Accept),
    Action::Dialog(DialogAction::Confirm),
];

/// What may open the question before a process is ended. Confirming opens the second question.
const OPENING: [BoundAction; 6] = [
    (Mode::Table, Action::Port(PortAction::EndProcess)),
    (Mode::Bind, Action::BindTest(BindTestAction::EndBlocker)),
    (Mode::Pane, Action::Pane(PaneAction::GoToRow)),
    (Mode::Menu, Action::Dialog(DialogAction::Accept)),
    (Mode::Palette, Action::Dialog(DialogAction::Accept)),
    (Mode::Question, Action::Dialog(DialogAction::Confirm)),
];

impl Keymap {
    /// All flaws of these keys.
    pub fn flaws(&self) -> Vec<Flaw> {
        let twice = modes().into_iter().flat_map(|mode| self.bound_twice(mode));
        let lost = modes().into_iter().flat_map(|mode| self.out_of_reach(mode));
        let typed = self.0.iter().flat_map(typed);
        let confirming = OPENING.into_iter();
        let confirming = confirming.flat_map(|opens| self.confirmed_by_opening(opens));
        twice.chain(lost).chain(typed).chain(confirming).collect()
    }

    fn bound_twice(&self, mode: Mode) -> Vec<Flaw> {
        let mut flaws = Vec::new();
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
        flaws
    }

    fn out_of_reach(&self, mode: Mode) -> impl Iterator<Item = Flaw> {
        let default = Self::default();
        let is_lost = move |action: &Action| {
            // An action missing from the table is also missing from a bind test; report it once.
            let is_reported = mode.is_of_table() && !self.reaches(Mode::Table, *action);
            default.reaches(mode, *action) && !self.reaches(mode, *action) && !is_reported
        };
        let lost = ESSENTIAL.into_iter().filter(is_lost);
        lost.map(move |action| Flaw::OutOfReach { mode, action })
    }

    /// Whether some key does this in a mode.
    fn reaches(&self, mode: Mode, action: Action) -> bool {
        let inherited = self.keys(Mode::Table, action);
        let mut keys = self.keys(mode, action).iter().chain(inherited);
        keys.any(|&key| self.lookup(mode, key) == Some(action))
    }

    fn confirmed_by_opening(&self, opens: BoundAction) -> impl Iterator<Item = Flaw> {
        let mode = match opens.0 {
            Mode::Question => Mode::ConfirmAgain,
            _ => Mode::Question,
        };
        let confirms = (mode, Action::Dialog(DialogAction::Confirm));
        let confirming = self.keys(confirms.0, confirms.1);
        let opening = self.keys(opens.0, opens.1).iter();
        let both = opening.filter(|key| confirming.contains(key));
        both.map(move |&key| Flaw::AnswersItself {
            key,
            opens,
            confirms,
        })
    }
}

fn typed(binding: &Binding) -> impl Iterator<Item = Flaw> {
    let (mode, action) = (binding.mode, binding.action);
    let is_typed = move |key: &&Key| match (mode, key) {
        (Mode::Prompt | Mode::Finding | Mode::Palette | Mode::HelpSearch, Key::Char(_)) => true,
        (Mode::Digits, Key::Char(c)) => c.is_ascii_digit(),
        _ => false,
    };
    let keys = binding.keys.iter().filter(is_typed);
    keys.map(move |&key| Flaw::Typed { mode, action, key })
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
        let moved = (mode, Action::Port(PortAction::BindTest), &[Char('X')][..]);
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
        let shadows = [Char('q'), Ctrl('c'), Key::F(10)];
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
        let accept = Action::Dialog(DialogAction::Accept);
        let asked = [
            (Mode::Pane, Action::Pane(PaneAction::GoToRow)),
            (Mode::Menu, accept),
            (Mode::Palette, accept),
        ];
        let answers = (Mode::Question, Action::Dialog(DialogAction::Confirm));
        let key = Enter;
        let flaws = asked.map(|asks| Flaw::AnswersItself {
            key,
            opens: asks,
            confirms: answers,
        });
        assert_eq!(enter, flaws, "each may have asked");
        let esc = with(&[(
            Mode::Question,
            Action::Dialog(DialogAction::Confirm),
            &[Esc],
        )]);
        assert_eq!(esc.len(), 1, "it says no: {esc:?}");
    }
}
