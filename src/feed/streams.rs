//! The four streams with their consumer groups: what a server holds.
//!
//! Each stream has two locks. Appending takes only the one of its events, for the time of a copy;
//! reading takes it as briefly. Groups have their own, so that a group that hands out many events
//! does not keep a writer waiting. Order: groups of several streams in ascending order of the
//! streams, then events of one stream at a time.

use super::event::{Batch, StreamSet};
use super::group::Groups;
use super::stream::{Limits, Stats, Stream};
use super::waiters::{Parked, Versions, Waiters};
use crate::model::{EventId, GroupFact, Lsn, StreamName};
use bincode::{Decode, Encode};
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

#[derive(Debug, Default)]
struct Slot {
    events: Mutex<Stream>,
    groups: Mutex<Groups>,
}

/// How far the feed was at one moment: enough to go on counting after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Marks {
    /// The events of all facts up to this number were in their streams.
    pub fact: Lsn,
    /// Of each stream, how many events it ever had and the last of them.
    pub streams: [(u64, EventId); StreamName::ALL.len()],
}

#[derive(Debug, Default)]
struct Progress {
    now: Option<Marks>,
    /// What counts up to here were before the restart, until the feed is there again.
    before: Option<Marks>,
}

/// The event feed. It always has its four streams, empty or not.
#[derive(Debug, Default)]
pub struct Feed {
    slots: [Slot; StreamName::ALL.len()],
    waiters: Arc<Waiters>,
    progress: Mutex<Progress>,
}

impl Feed {
    /// A feed without events that keeps so much of each stream.
    #[must_use]
    pub fn new(limits: impl Fn(StreamName) -> Limits) -> Self {
        let slot = |stream| Slot {
            events: Mutex::new(Stream::new(limits(stream))),
            groups: Mutex::default(),
        };
        Self {
            slots: StreamName::ALL.map(slot),
            waiters: Arc::default(),
            progress: Mutex::default(),
        }
    }

    /// Keeps so much of each stream from now on.
    pub fn set_limits(&self, limits: impl Fn(StreamName) -> Limits) {
        for stream in StreamName::ALL {
            self.events(stream).set_limits(limits(stream));
        }
    }

    /// Appends events to their streams and wakes who waits for them. Answers how many places in a
    /// stream were left out because the stream was already past the event's id: after a restart,
    /// what it has; at any other time a sign that facts came out of order.
    pub fn append(&self, batch: &Batch) -> usize {
        let mut skipped = 0;
        let mut touched = StreamSet::default();
        for stream in StreamName::ALL {
            let mut mine = batch
                .iter()
                .filter(|e| e.streams.contains(stream))
                .peekable();
            if mine.peek().is_none() {
                continue;
            }
            let mut events = self.events(stream);
            skipped += mine.filter(|event| !events.append(event)).count();
            touched.insert(stream);
        }
        if touched != StreamSet::default() {
            self.waiters.notify(touched);
        }
        skipped
    }

    /// Notes that the events of all facts up to `fact` are in their streams. Called by whoever
    /// appends, between two appends; at the fact at which counting goes on ([`Feed::resumes_at`]),
    /// if not behind it.
    pub fn mark(&self, fact: Lsn) {
        let mut progress = self.progress.lock();
        if let Some(before) = progress.before.take_if(|before| before.fact <= fact) {
            for (stream, (added, last)) in StreamName::ALL.into_iter().zip(before.streams) {
                self.events(stream).recount(added, last);
            }
        }
        let counts = |stream| {
            let stats = self.stats(stream);
            (stats.added, stats.last)
        };
        progress.now = Some(Marks {
            fact,
            streams: StreamName::ALL.map(counts),
        });
    }

    /// How far the feed is, or was before the restart until it is there again; `None` when nothing
    /// was ever fed.
    #[must_use]
    pub fn marks(&self) -> Option<Marks> {
        let progress = self.progress.lock();
        progress.before.or(progress.now)
    }

    /// The events of all facts up to this number are in their streams.
    #[must_use]
    pub fn fed(&self) -> Lsn {
        let now = self.progress.lock().now;
        now.map_or(Lsn(0), |now| now.fact)
    }

    /// Counts go on from what they were before a restart once the feed is there again.
    pub fn restore_marks(&self, marks: Marks) {
        self.progress.lock().before = Some(marks);
    }

    /// The fact up to which events must be fed before counts go on.
    #[must_use]
    pub fn resumes_at(&self) -> Option<Lsn> {
        self.progress.lock().before.map(|before| before.fact)
    }

    /// What a stream says of itself.
    #[must_use]
    pub fn stats(&self, stream: StreamName) -> Stats {
        self.events(stream).stats()
    }

    /// A copy of a stream's groups. It shares every group until it changes.
    #[must_use]
    pub fn groups_image(&self, stream: StreamName) -> Groups {
        self.groups(stream).clone()
    }

    /// Repeats a change of a group that was written down.
    pub fn apply(&self, fact: &GroupFact) {
        self.groups(fact.stream).apply(&fact.group, &fact.change);
    }

    /// How many readers are parked.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.waiters.parked()
    }

    pub(super) fn events(&self, stream: StreamName) -> MutexGuard<'_, Stream> {
        self.slots[stream.index()].events.lock()
    }

    pub(super) fn groups(&self, stream: StreamName) -> MutexGuard<'_, Groups> {
        self.slots[stream.index()].groups.lock()
    }

    pub(super) fn versions(&self) -> Versions {
        self.waiters.versions()
    }

    pub(super) fn park_readers(&self, streams: StreamSet, read_at: &Versions) -> Parked {
        self.waiters.park(streams, read_at)
    }

    /// Wakes the readers of a stream although no event came: what they read for is gone.
    pub(super) fn wake(&self, stream: StreamName) {
        let mut streams = StreamSet::default();
        streams.insert(stream);
        self.waiters.notify(streams);
    }
}
