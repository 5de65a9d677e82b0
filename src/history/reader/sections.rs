//! Which times a history covers, and the gaps in between.

use crate::history::format::{Head, Kind, StartReason};
use crate::history::segment::{Frames, Segment};
use crate::history::{Gap, GapReason};

/// Snapshots that follow each other without a gap, all in one segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub reason: StartReason,
    /// When its first and last snapshots were taken, in ms since 1970.
    pub start: i64,
    pub end: i64,
    /// Whether it was ended on purpose.
    pub is_stopped: bool,
    /// Whether what follows in its segment can't be read.
    is_cut: bool,
    /// The indices of its first and last frame.
    pub first: usize,
    pub last: usize,
}

/// The sections of a segment. One that is damaged goes on with its next keyframe.
pub(crate) fn sections(segment: &Segment) -> Vec<Section> {
    let mut all: Vec<Section> = Vec::new();
    let mut before = None;
    // Why the next keyframe begins a section, if it does.
    let mut begins = Some(StartReason::Started);
    for (at, entry) in segment.frames.entries.iter().enumerate() {
        let head = entry.head;
        let is_next = is_of_footer(head.kind)
            || before.is_none_or(|before: u32| head.sequence == before.wrapping_add(1));
        if (!is_next || segment.broken.contains(&at)) && begins.is_none() {
            begins = Some(StartReason::After(GapReason::Damaged));
        }
        before = Some(head.sequence);
        let is_damaged = begins == Some(StartReason::After(GapReason::Damaged));
        if head.kind == Kind::Start && !is_damaged {
            begins = Some(StartReason::of(head.flags));
        }
        if !segment.broken.contains(&at) {
            add(&mut all, &mut begins, (at, head));
        }
    }
    if let Some(last) = all.last_mut() {
        let is_damaged = begins == Some(StartReason::After(GapReason::Damaged));
        last.is_cut = is_damaged || is_cut(segment);
    }
    all
}

/// The frames of a footer belong to no section, so none of them is missing there.
const fn is_of_footer(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Index | Kind::Holders | Kind::Ports | Kind::Directory
    )
}

/// Whether there is damage right behind the last frame, which is not the end of its section.
fn is_cut(segment: &Segment) -> bool {
    let Some(last) = segment.frames.entries.last() else {
        return false;
    };
    let end = last.offset + last.length();
    let mut faults = segment.frames.faults.iter();
    Frames::is_moment(last.head.kind) && faults.any(|(offset, ..)| *offset >= end)
}

fn add(all: &mut Vec<Section>, begins: &mut Option<StartReason>, (at, head): (usize, Head)) {
    match (head.kind, all.last_mut()) {
        (Kind::Keyframe, _) if begins.is_some() => {
            let reason = begins.take().unwrap_or(StartReason::Started);
            all.push(Section {
                reason,
                start: head.wall,
                end: head.wall,
                is_stopped: false,
                is_cut: false,
                first: at,
                last: at,
            });
        }
        (Kind::Keyframe | Kind::Changes, Some(section)) if begins.is_none() => {
            section.end = head.end();
            section.last = at;
        }
        (Kind::Stop, Some(section)) if begins.is_none() => section.is_stopped = true,
        _ => {}
    }
}

/// The gap between two sections, if there is one.
pub(crate) fn gap(before: &Section, after: &Section) -> Option<Gap> {
    let reason = match after.reason {
        StartReason::Continued if before.is_cut => GapReason::Damaged,
        StartReason::Continued => return None,
        StartReason::After(reason) => reason,
        StartReason::Started if before.is_stopped => GapReason::Stopped,
        StartReason::Started => GapReason::Crashed,
    };
    Some(Gap {
        from: super::timestamp(before.end),
        to: super::timestamp(after.start),
        reason,
    })
}
