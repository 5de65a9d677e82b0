//! Which processes are to end: the one that was asked about, its parent too, or all that have the socket.

use std::sync::Arc;

use crate::app::dialogs::end_process::Question;
use crate::app::{EndRole, EndTarget};
use crate::model::Process;

/// Which processes are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The one that the question is about.
    This,
    /// What starts it again, with those that have the socket; or its master alone.
    Parent,
    /// All that have the socket.
    All,
}

impl Question {
    /// What there is to choose from, in the order in which it is offered.
    pub fn choices(&self) -> Vec<Choice> {
        let has_parent = self.supervisor.is_some() || self.master().is_some();
        let all = [
            (Choice::This, true),
            (Choice::Parent, has_parent),
            (Choice::All, self.owners.len() > 1),
        ];
        let there = all.into_iter().filter(|&(_, is_there)| is_there);
        there.map(|(choice, _)| choice).collect()
    }

    /// Which one is chosen.
    pub const fn choice(&self) -> Choice {
        self.choice
    }

    /// Offers the next ones.
    #[must_use]
    pub fn with_next_choice(mut self) -> Self {
        let choices = self.choices();
        let at = choices.iter().position(|&one| one == self.choice);
        self.choice = choices[at.map_or(0, |at| at + 1) % choices.len()];
        self.aim();
        self
    }

    /// What a choice is called in a row of them.
    pub fn choice_label(&self, choice: Choice) -> String {
        let named = |process: &Process| format!("{} ({})", process.name, process.pid);
        match (choice, &self.supervisor) {
            (Choice::This, _) => "only it".into(),
            (Choice::Parent, Some((supervisor, _))) => format!("{} too", named(supervisor)),
            (Choice::Parent, None) => {
                let master = self.master().map(|master| named(master));
                format!("its parent {}", master.unwrap_or_default())
            }
            (Choice::All, _) => format!("all {}", self.owners.len()),
        }
    }

    /// The owner that started the process.
    fn master(&self) -> Option<&Arc<Process>> {
        let parent = self.process.parent?;
        let mut owners = self.owners.iter();
        owners.find(|owner| owner.pid == parent && owner.pid != self.process.pid)
    }

    /// Makes the targets those of the choice.
    pub(crate) fn aim(&mut self) {
        let owner = |process: &Arc<Process>| EndTarget {
            process: Arc::clone(process),
            role: EndRole::Owner,
        };
        self.ending.targets = match (self.choice, &self.supervisor) {
            (Choice::Parent, Some((supervisor, _))) => {
                let supervisor = EndTarget {
                    process: Arc::clone(supervisor),
                    role: EndRole::Supervisor,
                };
                let owners = self.owners.iter().map(owner);
                std::iter::once(supervisor).chain(owners).collect()
            }
            (Choice::Parent, None) => {
                vec![owner(self.master().unwrap_or(&self.process))]
            }
            (Choice::All, _) => self.owners.iter().map(owner).collect(),
            (Choice::This, _) => vec![owner(&self.process)],
        };
    }
}
