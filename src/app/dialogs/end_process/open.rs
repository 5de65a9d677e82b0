//! Opens the question: for the selected row, for all marked ones, or for the port of a bind test.

use super::{Question, Several};
use crate::app::{App, Dialog, Effect};
use crate::model::{Holder, Moment};

impl App {
    pub(crate) fn open_end_question(&mut self, now: Moment) {
        let rows = self.acted_on_rows();
        let several = match rows.as_slice() {
            [] => return self.warn("no row is selected", now),
            [row] => {
                let holder = Holder::new(row.socket.clone());
                return self.open_question(self.question(&holder, row.is_closed()), now);
            }
            rows => {
                let known = (&*self.rows.table, &self.environment.lineage);
                Several::of(rows, known, self.jobs.inspection + 1)
            }
        };
        match several {
            Ok(mut several) => match several.only() {
                Some(question) => self.open_question(Ok(question), now),
                None => self.open_several(several),
            },
            Err(why) => self.warn(why, now),
        }
    }

    pub(crate) fn question(&self, holder: &Holder, is_closed: bool) -> Result<Question, String> {
        let known = (&*self.rows.table, &self.environment.lineage);
        Question::end_owner(holder, is_closed, known, self.jobs.inspection + 1)
    }

    pub(crate) fn open_question(&mut self, question: Result<Question, String>, now: Moment) {
        match question {
            Ok(question) => {
                self.jobs.inspection = question.job;
                let (job, socket) = (question.job, Box::new((*question.holder.socket).clone()));
                self.dialog = Dialog::Question(Box::new(question));
                self.request(Effect::InspectOwner { job, socket });
            }
            Err(why) => self.warn(why, now),
        }
    }

    fn open_several(&mut self, mut several: Several) {
        self.jobs.inspection = several.last_job();
        let requests = several.requests();
        self.dialog = Dialog::EndSeveral(Box::new(several));
        for (job, socket) in requests {
            self.request(Effect::InspectOwner { job, socket });
        }
    }
}
