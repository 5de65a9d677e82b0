//! Moves the cursor: to a time, to a position, forward and back. Frames that can't be read are noted and passed over.

use super::sections::{Section, sections};
use super::{History, timestamp};
use crate::history::format::{Head, Kind, StartReason};
use crate::history::segment::{Cursor, Fault, Readable};
use crate::history::{Position, Recorded, StoreError};

/// A frame: the index of its segment, and its own among the frames of that.
type Place = (usize, usize);

/// Where to stop within a frame.
#[derive(Clone, Copy, Debug)]
enum Until {
    /// After so many snapshots of it.
    Applied(u32),
    /// Before the first snapshot that is later than this, in ms since 1970.
    Time(i64),
    /// At its end.
    End,
}

impl History {
    /// What the cursor points to.
    pub(super) fn recorded(&self) -> Result<Option<Recorded>, StoreError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let position = cursor.position();
        let (segment, _) = self.find(position)?;
        let next = cursor.next_step().map(|step| step.taken_at().wall);
        let later = || self.next_with_snapshot((segment, cursor.entered()));
        let [counters, earlier] = cursor.decoder().counters();
        let both = counters.as_ref().zip(earlier);
        let earlier_counters = both.and_then(|(counters, earlier)| counters.since(earlier));
        Ok(Some(Recorded {
            snapshot: cursor.snapshot(),
            position,
            next: next.or_else(|| later().map(|head| timestamp(head.wall))),
            gap: None,
            begins_run: self.begins_run((segment, cursor.entry())),
            is_redacted: cursor.is_redacted(),
            counters,
            earlier_counters,
        }))
    }

    /// Moves to the last snapshot at or before this time, in ms since 1970. Without one there is no cursor.
    pub(super) fn seek_time(&mut self, time: i64) -> Result<bool, StoreError> {
        let Some((at, section)) = self.section_at(time) else {
            self.cursor = None;
            return Ok(false);
        };
        let moments = self.segments[at].moments_before(section.last + 1);
        let mut earlier = moments.filter(|entry| self.head((at, *entry)).wall <= time);
        let entry = earlier.next().unwrap_or(section.first).max(section.first);
        drop(earlier);
        self.seek((at, entry), Until::Time(time))
    }

    /// The section that a time is in, with the index of its segment; else the last one before it. Where the clock was set back,
    /// of several the one that was written last.
    fn section_at(&self, time: i64) -> Option<(usize, Section)> {
        let segments = self.segments.iter().enumerate();
        let all =
            segments.flat_map(|(at, one)| sections(one).into_iter().map(move |one| (at, one)));
        let earlier: Vec<_> = all.filter(|(_, section)| section.start <= time).collect();
        let around = earlier.iter().rfind(|(_, section)| time <= section.end);
        around
            .or_else(|| earlier.iter().max_by_key(|(_, section)| section.end))
            .copied()
    }

    /// Moves to the first snapshot. Returns whether there is one.
    pub(super) fn seek_first(&mut self) -> Result<bool, StoreError> {
        self.cursor = None;
        self.forward_from(None)
    }

    /// Moves to a position.
    pub(super) fn seek_position(&mut self, position: Position) -> Result<(), StoreError> {
        if self.position() != Some(position) {
            let place = self.find(position)?;
            self.seek(place, Until::Applied(position.step.saturating_add(1)))?;
        }
        if self.position() == Some(position) {
            Ok(())
        } else {
            Err(StoreError::Removed)
        }
    }

    /// Moves to the snapshot before a position. Returns whether there is one.
    pub(super) fn seek_before(&mut self, position: Position) -> Result<bool, StoreError> {
        let mut position = position;
        loop {
            let place = self.find(position)?;
            if position.step > 0 {
                return self.seek(place, Until::Applied(position.step));
            }
            let (wall, is_repeated) = (self.head(place).wall, self.is_repeated(place));
            let mut before = self.before(place);
            while let Some(at) = before.filter(|at| !self.has_own_snapshot(*at)) {
                before = self.before(at);
            }
            let Some(before) = before else {
                return Ok(false);
            };
            if !self.seek(before, Until::End)? {
                return Ok(false);
            }
            let cursor = self.cursor.as_ref();
            let found = cursor.map(|one| one.taken_at().wall.as_millisecond());
            if !(is_repeated && found == Some(wall)) {
                return Ok(true);
            }
            position = self.position().ok_or(StoreError::Removed)?;
        }
    }

    /// Moves to the next snapshot. Returns whether there is one; else the cursor stays.
    pub(super) fn forward(&mut self) -> Result<bool, StoreError> {
        let Some(cursor) = &mut self.cursor else {
            return Ok(false);
        };
        let number = cursor.position().file;
        let Ok(at) = self
            .segments
            .binary_search_by_key(&number, |one| one.number)
        else {
            return Err(StoreError::Removed);
        };
        let entered = cursor.entered();
        match cursor.step(&self.segments[at], true) {
            Ok(true) => Ok(true),
            Ok(false) => self.forward_from(Some((at, entered))),
            Err(fault) => {
                self.note((at, entered), fault);
                self.cursor = None;
                self.forward_from(Some((at, entered)))
            }
        }
    }

    /// The next snapshot in a frame behind this place. Without a cursor the next keyframe is the next one.
    fn forward_from(&mut self, place: Option<Place>) -> Result<bool, StoreError> {
        let last = self.cursor.as_ref().map(Cursor::taken_at);
        let mut place = place;
        while let Some(next) = self.after(place) {
            let is_linked = place.is_some_and(|place| self.is_linked(place, next));
            place = Some(next);
            let is_keyframe = self.head(next).kind == Kind::Keyframe;
            if !is_linked && !is_keyframe {
                self.cursor = None;
                continue;
            }
            let segment = &self.segments[next.0];
            match &mut self.cursor {
                Some(cursor) if is_linked => {
                    let entered = if is_keyframe {
                        cursor.pass_keyframe(segment, next.1)?.map(|()| false)
                    } else {
                        let entered = cursor.enter(segment, next.1)?;
                        entered.and_then(|()| cursor.step(segment, true))
                    };
                    match entered {
                        Ok(true) => return Ok(true),
                        Ok(false) => {}
                        Err(fault) => {
                            self.note(next, fault);
                            self.cursor = None;
                        }
                    }
                }
                _ if is_keyframe => {
                    let loaded = Cursor::of_keyframe(segment, next.1)?;
                    self.cursor = self.noted(next, loaded);
                    let found = self.cursor.as_ref().map(Cursor::taken_at);
                    let is_same = found == last && self.is_repeated(next);
                    if found.is_some() && !is_same {
                        return Ok(true);
                    }
                }
                _ => {}
            }
        }
        Ok(false)
    }

    /// Moves to the last snapshot up to a place. Returns whether there is one.
    fn seek(&mut self, place: Place, until: Until) -> Result<bool, StoreError> {
        let (mut place, mut until) = (place, until);
        loop {
            let Some(base) = self.keyframe_before(place) else {
                self.cursor = None;
                return Ok(false);
            };
            if base.0 != place.0 {
                // Nothing of the segment can be read: the last snapshot of an earlier one.
                let last = self.segments[base.0].moments().next_back();
                place = (base.0, last.map_or(base.1, |(at, _)| at));
                until = Until::End;
                continue;
            }
            match self.seek_from(base, place, until)? {
                Ok(()) => return Ok(true),
                Err((broken, fault)) => {
                    self.note(broken, fault);
                    self.cursor = None;
                    if self.head(broken).kind == Kind::Changes {
                        place = self.before(broken).unwrap_or(broken);
                        until = Until::End;
                    }
                }
            }
        }
    }

    /// The same from a keyframe of the same segment, or from where the cursor is, if that is nearer.
    fn seek_from(
        &mut self,
        base: Place,
        place: Place,
        until: Until,
    ) -> Result<Result<(), (Place, Fault)>, StoreError> {
        if !self.is_between(base, place, until) {
            match Cursor::of_keyframe(&self.segments[base.0], base.1)? {
                Ok(cursor) => self.cursor = Some(cursor),
                Err(fault) => return Ok(Err((base, fault))),
            }
        }
        let Some(cursor) = &mut self.cursor else {
            return Ok(Ok(()));
        };
        let segment = &self.segments[base.0];
        loop {
            let entered = (base.0, cursor.entered());
            let is_last = entered == place;
            let until = if is_last { until } else { Until::End };
            while until.has_more(cursor) {
                // A heartbeat may follow the last changes.
                let keeps_difference = is_last || entered.1 + 2 > place.1;
                if let Err(fault) = cursor.step(segment, keeps_difference) {
                    return Ok(Err((entered, fault)));
                }
            }
            let next = (base.0, entered.1 + 1);
            if entered >= place || !segment.is_linked(entered.1, next.1) {
                return Ok(Ok(()));
            }
            let entered = match segment.frames.entries[next.1].head.kind {
                Kind::Changes => cursor.enter(segment, next.1)?,
                Kind::Keyframe => cursor.pass_keyframe(segment, next.1)?,
                _ => {
                    cursor.pass(next.1);
                    Ok(())
                }
            };
            if let Err(fault) = entered {
                return Ok(Err((next, fault)));
            }
        }
    }

    /// Whether the cursor is behind the keyframe and not beyond the place.
    fn is_between(&self, base: Place, place: Place, until: Until) -> bool {
        let Some(cursor) = &self.cursor else {
            return false;
        };
        let is_here = cursor.position().file == self.segments[place.0].number;
        let is_before = cursor.entered() < place.1
            || cursor.entered() == place.1
                && match until {
                    Until::Applied(count) => cursor.applied() <= count && cursor.applied() > 0,
                    Until::Time(time) => {
                        cursor.entry() == place.1 && cursor.taken_at().wall.as_millisecond() <= time
                    }
                    Until::End => true,
                };
        is_here && cursor.entry() >= base.1 && is_before
    }

    /// Moves to the last snapshot of a frame, or before it.
    pub(super) fn seek_end(&mut self, place: Place) -> Result<bool, StoreError> {
        self.seek(place, Until::End)
    }

    /// Whether the next snapshot is of another section.
    pub(super) fn leaves_section(&self) -> bool {
        let Some(cursor) = self.cursor.as_ref().filter(|one| one.next_step().is_none()) else {
            return false;
        };
        let Ok((segment, _)) = self.find(cursor.position()) else {
            return false;
        };
        let here = (segment, cursor.entered());
        let next = self.after(Some(here));
        next.is_some_and(|next| !self.is_linked(here, next) || self.has_own_snapshot(next))
            && next.is_some_and(|next| self.head(next).flags & Head::IS_HEARTBEAT == 0)
    }

    /// The nearest keyframe before a position.
    pub(super) fn keyframe_ahead_of(
        &self,
        position: Position,
    ) -> Result<Option<Place>, StoreError> {
        let place = self.find(position)?;
        let is_keyframe = self.head(place).kind == Kind::Keyframe;
        let place = if is_keyframe {
            self.before(place)
        } else {
            Some(place)
        };
        Ok(place.and_then(|place| self.keyframe_before(place)))
    }

    /// The position of a keyframe.
    pub(super) fn position_of(&self, (segment, entry): Place) -> Position {
        let segment = &self.segments[segment];
        Position {
            file: segment.number,
            offset: segment.frames.entries[entry].offset,
            step: 0,
        }
    }

    /// The position of the next keyframe, or behind the segment.
    pub(super) fn next_keyframe(&self, (segment, entry): Place) -> Position {
        let mut later = self.segments[segment].moments_from(entry + 1);
        let is_keyframe = |at: &usize| self.head((segment, *at)).kind == Kind::Keyframe;
        match later.find(is_keyframe) {
            Some(next) => self.position_of((segment, next)),
            None => Position {
                offset: u64::MAX,
                ..self.position_of((segment, entry))
            },
        }
    }

    /// The nearest keyframe that can be read, at or before a place.
    fn keyframe_before(&self, place: Place) -> Option<Place> {
        let mut place = Some(place);
        while let Some(at) = place {
            let is_readable = !self.segments[at.0].broken.contains(&at.1);
            if self.head(at).kind == Kind::Keyframe && is_readable {
                return Some(at);
            }
            place = self.before(at);
        }
        None
    }

    pub(super) fn position(&self) -> Option<Position> {
        self.cursor.as_ref().map(Cursor::position)
    }

    /// The frame of a position.
    pub(crate) fn find(&self, position: Position) -> Result<Place, StoreError> {
        let at = self
            .segments
            .binary_search_by_key(&position.file, |one| one.number);
        let at = at.map_err(|_| StoreError::Removed)?;
        let entries = &self.segments[at].frames.entries;
        let entry = entries.binary_search_by_key(&position.offset, |entry| entry.offset);
        Ok((at, entry.map_err(|_| StoreError::Removed)?))
    }

    pub(super) fn head(&self, (segment, entry): Place) -> Head {
        self.segments[segment].frames.entries[entry].head
    }

    /// The next frame with a moment; without a place the first one.
    pub(super) fn after(&self, place: Option<Place>) -> Option<Place> {
        let (first, entry) = place.map_or((0, 0), |(segment, entry)| (segment, entry + 1));
        let segments = self.segments.iter().enumerate().skip(first);
        let mut places = segments.flat_map(|(at, segment)| {
            let entry = if at == first { entry } else { 0 };
            segment.moments_from(entry).map(move |found| (at, found))
        });
        places.next()
    }

    /// The frame with a moment before this one.
    pub(super) fn before(&self, (segment, entry): Place) -> Option<Place> {
        let segments = self.segments.iter().enumerate().take(segment + 1).rev();
        let mut places = segments.flat_map(|(at, one)| {
            let end = if at == segment { entry } else { usize::MAX };
            one.moments_before(end).map(move |found| (at, found))
        });
        places.next()
    }

    /// Whether the second frame continues the first one.
    fn is_linked(&self, one: Place, next: Place) -> bool {
        one.0 == next.0 && self.segments[one.0].is_linked(one.1, next.1)
    }

    /// Whether a frame has snapshots that no frame before it has.
    pub(super) fn has_own_snapshot(&self, place: Place) -> bool {
        let head = self.head(place);
        match head.kind {
            Kind::Keyframe => {
                let is_next = self
                    .before(place)
                    .is_some_and(|one| self.is_linked(one, place));
                !is_next || head.flags & Head::IS_FIRST != 0
            }
            _ => head.flags & Head::IS_HEARTBEAT == 0,
        }
    }

    fn next_with_snapshot(&self, place: Place) -> Option<Head> {
        let mut next = self.after(Some(place));
        while let Some(place) = next {
            if self.has_own_snapshot(place) && !self.is_repeated(place) {
                return Some(self.head(place));
            }
            next = self.after(Some(place));
        }
        None
    }

    /// The position of the same snapshot in the segment before, if a keyframe repeats it.
    pub(super) fn original(&mut self, position: Position) -> Result<Position, StoreError> {
        let place = self.find(position)?;
        let Some(before) = self.before(place).filter(|_| self.is_repeated(place)) else {
            return Ok(position);
        };
        let wall = self.head(place).wall;
        self.seek(before, Until::End)?;
        let cursor = self.cursor.as_ref();
        let same = cursor.filter(|one| one.taken_at().wall.as_millisecond() == wall);
        Ok(same.map_or(position, Cursor::position))
    }

    /// Whether a keyframe repeats the last snapshot of the segment before it.
    pub(super) fn is_repeated(&self, (segment, entry): Place) -> bool {
        let start = entry
            .checked_sub(1)
            .map(|start| self.head((segment, start)));
        let is_continued = |head: Head| {
            head.kind == Kind::Start && StartReason::of(head.flags) == StartReason::Continued
        };
        self.head((segment, entry)).kind == Kind::Keyframe && start.is_some_and(is_continued)
    }

    /// Whether the snapshot of a frame begins a run.
    fn begins_run(&self, place: Place) -> bool {
        let is_first = self.before(place).is_none();
        let is_keyframe = self.head(place).kind == Kind::Keyframe;
        is_keyframe && self.has_own_snapshot(place) && (is_first || !self.is_repeated(place))
    }

    /// Notes why a frame can't be read.
    fn note(&mut self, (segment, entry): Place, fault: Fault) {
        self.segments[segment].note(entry, fault);
    }

    fn noted<T>(&mut self, place: Place, read: Readable<T>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(fault) => {
                self.note(place, fault);
                None
            }
        }
    }
}

impl Until {
    /// Whether the next snapshot of the frame is to be applied.
    fn has_more(self, cursor: &Cursor) -> bool {
        cursor.next_step().is_some_and(|next| match self {
            Self::Applied(count) => cursor.applied() < count,
            Self::Time(time) => next.taken_at().wall.as_millisecond() <= time,
            Self::End => true,
        })
    }
}
