//! The history that the live table goes back in: the last hour in memory and before it what `record` has stored, or a
//! recording. The collector adds to it; a thread of its own finds the moments, so that no key waits for them.

mod memory;
mod places;
mod run_up;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use memory::LastHour;
use memory::Origin;
use places::{Places, Spot};
use run_up::run_up;

use crate::app::{Direction, MomentRequest, Msg, Seek, ShownMoment, Timeline, TimelinePart};
use crate::clock::Clock;
use crate::history::{ChangeKey, History};
use crate::model::{Moment, Socket};
use crate::report::before_history;
use crate::track::Tracker;

/// Ids of rows that no live table has had begin here.
const FIRST_ID: u64 = 1 << 48;

/// How often an empty history is read again, and how soon.
const MAX_TRIES: u32 = 200;
const RETRY: Duration = Duration::from_millis(10);

/// Finds moments of a history.
pub struct Moments {
    places: Places,
    /// The snapshot of the moment that is shown.
    spot: Option<Spot>,
    last_id: u64,
}

impl Moments {
    /// Those of the last hour, and of the stored history in a folder, if there is one.
    pub fn of_memory(memory: LastHour, folder: Option<PathBuf>) -> Self {
        Self::of(Places::new(Origin::Memory(memory), folder))
    }

    /// Those of a recording, which is read with the first request.
    pub fn of_recording(path: impl Into<PathBuf>, clock: Clock) -> Self {
        Self::of(Places::new(Origin::Recording(path.into(), clock), None))
    }

    const fn of(places: Places) -> Self {
        Self {
            places,
            spot: None,
            last_id: FIRST_ID,
        }
    }

    /// Answers requests until no one makes any more. Of several that wait only the last one gets an answer.
    pub fn run(mut self, requests: &Receiver<MomentRequest>, mut send: impl FnMut(Msg) -> bool) {
        while let Ok(first) = requests.recv() {
            let waiting: Vec<_> = std::iter::once(first).chain(requests.try_iter()).collect();
            if let Some(answer) = self.answer(&waiting)
                && !send(answer)
            {
                return;
            }
        }
    }

    /// Carries out requests in their order, and answers the last one.
    pub fn answer(&mut self, requests: &[MomentRequest]) -> Option<Msg> {
        let mut last = None;
        for request in requests {
            last = Some((request, self.seek(request)));
        }
        let (request, found) = last?;
        Some(match found.and_then(|()| self.show(request)) {
            Ok(shown) => Msg::MomentShown(Box::new(shown)),
            Err(message) => Msg::MomentFailed {
                job: request.job,
                message,
            },
        })
    }

    /// Goes to the moment of a request. If there is none, the one before stays.
    fn seek(&mut self, request: &MomentRequest) -> Result<(), String> {
        // The first table is shown before its owners are known, and is in the history when they are.
        let mut tries = 0;
        while !self.places.refresh()? {
            if tries == MAX_TRIES {
                return Err(NOTHING.to_owned());
            }
            tries += 1;
            thread::sleep(RETRY);
        }
        if let Some(from) = request.from {
            self.spot = self.places.at(from).map_err(in_words)?;
        }
        let from = self.spot.ok_or(NOTHING)?;
        if let Seek::Time(time) = request.seek {
            self.check_begin(time)?;
        }
        let found = self.places.seek(&request.seek, from).map_err(in_words)?;
        self.spot = Some(found.ok_or_else(|| self.nothing_there(&request.seek))?);
        Ok(())
    }

    /// It is an error if a time is before the history. A click on the timeline is exact to the part of a second.
    fn check_begin(&mut self, time: Timestamp) -> Result<(), String> {
        let begin = self.places.begin().map_err(in_words)?.ok_or(NOTHING)?;
        if begin.duration_since(time) <= SignedDuration::from_secs(1) {
            return Ok(());
        }
        Err(before_history(time, begin, &TimeZone::system()))
    }

    /// The table at the spot.
    fn show(&mut self, request: &MomentRequest) -> Result<ShownMoment, String> {
        let spot = self.spot.ok_or(NOTHING)?;
        let gap = self.places.gap(spot).map_err(in_words)?;
        let history = self.places.history_of(spot).map_err(in_words)?;
        let recorded = history.get(spot.position).map_err(in_words)?;
        let taken_at = recorded.snapshot.taken_at;
        let counters_at = recorded.counters.as_ref().map(|counters| counters.read_at);
        let mut tracker = Tracker::new(request.linger).with_ids_of(&request.known, self.last_id);
        // No snapshot in which nothing changed confirms it.
        tracker.closes_unconfirmed = true;
        tracker.services = request.services.clone();
        let update = run_up(history, &recorded, request.linger, &mut tracker);
        self.last_id = tracker.last_id();
        let later = spot.at.duration_since(taken_at.wall);
        let later = Duration::try_from(later.max(SignedDuration::ZERO)).unwrap_or_default();
        Ok(ShownMoment {
            job: request.job,
            update: update.map_err(in_words)?,
            at: Moment {
                steady: taken_at.steady.saturating_add(later),
                wall: spot.at.max(taken_at.wall),
            },
            gap,
            counters_at,
            timeline: timeline(history, request.cells),
        })
    }

    /// Why a seek found nothing.
    fn nothing_there(&self, seek: &Seek) -> String {
        match seek {
            Seek::Snapshot(Direction::Back) if self.places.may_have_stored() => {
                "the history begins here; `sockeye record` keeps a longer one".to_owned()
            }
            Seek::Snapshot(Direction::Back) => "the history begins here".to_owned(),
            Seek::Snapshot(Direction::Forward) => "the history ends here".to_owned(),
            Seek::Change(direction, socket) => {
                let which = match direction {
                    Direction::Back => "earlier",
                    Direction::Forward => "later",
                };
                let whose = match (socket.remote, socket.port()) {
                    (Some(remote), _) => format!("{} → {remote}", socket.local),
                    (None, Some(port)) => format!("port {port}"),
                    (None, None) => socket.local.to_string(),
                };
                format!("no {which} change of {whose} in the history")
            }
            Seek::Stay | Seek::Time(_) | Seek::Start | Seek::End => NOTHING.to_owned(),
        }
    }
}

fn timeline(history: &History, cells: usize) -> Timeline {
    let Some(range) = history.range() else {
        return Timeline::default();
    };
    let counts = history.counts(range, cells).into_iter();
    let parts = counts.map(|bucket| {
        let changes = bucket.opened + bucket.closed + bucket.changed;
        let changes = usize::try_from(changes).unwrap_or(usize::MAX);
        // A part with both has the bar.
        let is_gap = !bucket.is_recorded || bucket.has_gap && changes == 0;
        TimelinePart {
            changes: (!is_gap).then_some(changes),
            has_listener_change: bucket.has_listener_change,
        }
    });
    Timeline {
        from: range.from,
        to: range.to,
        parts: parts.collect(),
    }
}

/// Whose changes to find: of a socket without a peer, any such one on its port.
fn key_of(socket: &Socket) -> ChangeKey {
    let protocol = socket.protocol;
    match socket.port() {
        Some(port) if socket.remote.is_none() => ChangeKey::Unconnected { protocol, port },
        _ => ChangeKey::Socket {
            protocol,
            local: socket.local,
            remote: socket.remote,
            cookie: socket.cookie.filter(|_| socket.remote.is_some()),
        },
    }
}

const NOTHING: &str = "the history is empty";

fn in_words(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
