//! The four streams with their consumer groups: what a server holds.
//!
//! Each stream has two locks. Appending takes only the one of its events, for the time of a copy;
//! reading takes it as briefly. Groups have their own, so that a group that hands out many events
//! does not keep a writer waiting. Order: groups of several streams in ascending order of the
//! streams, then events of one stream at a time.

use super::event::{Batch, StreamName, StreamSet};
use super::group::{GroupFact, Groups};
use super::id::EventId;
use super::stream::{Limits, Stats, Stream};
use super::waiters::{Parked, Versions, Waiters};
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

#[derive(Debug, Default)]
struct Slot {
    events: Mutex<Stream>,
    groups: Mutex<Groups>,
}

/// The event feed. It always has its four streams, empty or not.
#[derive(Debug, Default)]
pub struct Feed {
    slots: [Slot; StreamName::ALL.len()],
    waiters: Arc<Waiters>,
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

    /// Goes on after a snapshot: `stream` once had `added` events up to `last` and keeps none of
    /// them. Its limits stay.
    pub fn resume_stream(&self, stream: StreamName, added: u64, last: EventId) {
        let mut events = self.events(stream);
        *events = Stream::resumed(events.limits(), added, last);
    }

    /// What a stream says of itself.
    #[must_use]
    pub fn stats(&self, stream: StreamName) -> Stats {
        self.events(stream).stats()
    }

    /// A copy of a stream's groups, for a snapshot.
    #[must_use]
    pub fn groups_image(&self, stream: StreamName) -> Groups {
        self.groups(stream).clone()
    }

    /// Puts a stream's groups back from a snapshot.
    pub fn restore_groups(&self, stream: StreamName, groups: Groups) {
        *self.groups(stream) = groups;
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
