//! One stream: the events that are still kept, by ascending id.
//!
//! Events lie encoded in blocks. Closed blocks are shared with whoever reads them, so a read holds
//! the stream only to note which blocks it wants and to copy a part of the last one: a reader of a
//! million events does not keep a writer waiting. What exceeds the limits goes from the front, at
//! most as much as came in. The newest event is always kept.

use super::block::Block;
use super::event::Event;
use super::fields::Fields;
use crate::model::EventId;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// How much of a stream is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most events, at least 1.
    pub events: usize,
    /// Most bytes of encoded events.
    pub bytes: usize,
}

impl Default for Limits {
    /// A million events or 256 MiB, whichever is less.
    fn default() -> Self {
        Self {
            events: 1 << 20,
            bytes: 256 << 20,
        }
    }
}

/// What a stream says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events that are kept.
    pub len: u64,
    /// Events that were ever added.
    pub added: u64,
    /// The id of the first kept event; 0-0 when there is none.
    pub first: EventId,
    /// The highest id ever added; 0-0 when there is none.
    pub last: EventId,
    /// Bytes of the kept events.
    pub bytes: u64,
    /// Runs of memory that hold them.
    pub blocks: u64,
}

/// An append-only stream that keeps its newest events.
#[derive(Debug, Default)]
pub struct Stream {
    limits: Limits,
    /// Closed blocks, oldest first; none is empty.
    closed: VecDeque<Arc<Block>>,
    /// Where events are appended.
    open: Block,
    /// Events at the front of the oldest block that are no longer kept.
    gone: usize,
    len: usize,
    bytes: usize,
    added: u64,
    last: EventId,
}

impl Stream {
    /// A stream without events.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// It once had `added` events up to `last`, of which it keeps the newest or none: a gap that
    /// everybody can see.
    pub fn recount(&mut self, added: u64, last: EventId) {
        self.added = added.max(self.len as u64);
        self.last = self.last.max(last);
    }

    /// Keeps so much from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.trim();
    }

    /// How much it keeps.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Appends an event; `false` and nothing is changed when its id is not above all before it.
    #[must_use]
    pub fn append(&mut self, event: &Event<'_>) -> bool {
        if event.id <= self.last {
            return false;
        }
        self.bytes += self.open.push(event);
        self.len += 1;
        self.added += 1;
        self.last = event.id;
        if self.open.is_full() {
            self.closed.push_back(Arc::new(self.open.take()));
        }
        self.trim();
        true
    }

    /// How many events it keeps, and which.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let first = (self.len > 0).then(|| self.block(0).id(self.gone));
        Stats {
            len: self.len as u64,
            added: self.added,
            first: first.unwrap_or_default(),
            last: self.last,
            bytes: self.bytes as u64,
            blocks: (self.closed.len() + usize::from(self.open.len() > 0)) as u64,
        }
    }

    /// The kept events with ids from `from` to `to`, both inclusive: the first `limit` of them, or,
    /// in reverse, the last `limit`, newest first.
    #[must_use]
    pub fn range(&self, from: EventId, to: EventId, limit: usize, reverse: bool) -> Entries {
        let mut entries = Entries::default();
        if self.len == 0 || from > to {
            return entries;
        }
        let start = self.lower_bound(from);
        let end = to.next().map_or((self.closed.len(), self.open.len()), |e| {
            self.lower_bound(e)
        });
        let mut left = limit;
        let blocks = start.0..=end.0;
        let mut take = |at: usize| {
            let low = if at == start.0 { start.1 } else { 0 };
            let high = if at == end.0 {
                end.1
            } else {
                self.block(at).len()
            };
            let count = high.saturating_sub(low).min(left);
            left -= count;
            let range = if reverse {
                high.saturating_sub(count)..high
            } else {
                low..low + count
            };
            if count > 0 {
                entries.push(self.part(at, range));
            }
            left > 0
        };
        if reverse {
            blocks.rev().all(&mut take);
        } else {
            { blocks }.all(&mut take);
        }
        entries.reverse = reverse;
        entries
    }

    /// The event with exactly this id, if it is kept.
    #[must_use]
    pub fn get(&self, id: EventId) -> Option<Entry> {
        let (at, index) = self.find(id)?;
        let part = self.part(at, index..index + 1);
        Some(Entry {
            block: part.block,
            index: part.range.start,
        })
    }

    /// Whether an event with exactly this id is kept.
    #[must_use]
    pub fn contains(&self, id: EventId) -> bool {
        self.find(id).is_some()
    }

    fn find(&self, id: EventId) -> Option<(usize, usize)> {
        let (at, index) = self.lower_bound(id);
        let block = self.block(at);
        (index < block.len() && block.id(index) == id).then_some((at, index))
    }

    /// Drops events from the front until the limits hold.
    fn trim(&mut self) {
        while self.len > 1 && (self.len > self.limits.events || self.bytes > self.limits.bytes) {
            self.bytes -= self.block(0).bytes_of(self.gone);
            self.len -= 1;
            self.gone += 1;
            if self.gone == self.block(0).len() {
                self.gone = 0;
                if self.closed.pop_front().is_none() {
                    self.open = Block::default();
                }
            }
        }
        // A short stream would otherwise keep dropped events in its open block.
        if self.closed.is_empty() && self.gone > self.open.len() / 2 {
            self.open = self.open.copy(self.gone..self.open.len());
            self.gone = 0;
        }
    }

    /// Block and place of the first kept event whose id is at least `id`; behind the last event
    /// when there is none.
    fn lower_bound(&self, id: EventId) -> (usize, usize) {
        let at = self.closed.partition_point(|block| block.last() < id);
        let index = self.block(at).lower_bound(id);
        (at, if at == 0 { index.max(self.gone) } else { index })
    }

    /// The block at `at`: the open one comes after all closed ones.
    fn block(&self, at: usize) -> &Block {
        self.closed.get(at).map_or(&self.open, |block| block)
    }

    fn part(&self, at: usize, range: Range<usize>) -> Part {
        match self.closed.get(at) {
            Some(block) => Part {
                block: Arc::clone(block),
                range,
            },
            None => Part {
                range: 0..range.len(),
                block: Arc::new(self.open.copy(range)),
            },
        }
    }
}

#[derive(Debug, Clone)]
struct Part {
    block: Arc<Block>,
    range: Range<usize>,
}

/// One event, independent of its stream.
#[derive(Debug, Clone)]
pub struct Entry {
    block: Arc<Block>,
    index: usize,
}

impl Entry {
    /// Its id and fields.
    #[must_use]
    pub fn read(&self) -> (EventId, Fields<'_>) {
        self.block.read(self.index)
    }
}

/// Events that were found, independent of their stream: it may go on, and drop them.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    parts: Vec<Part>,
    len: usize,
    reverse: bool,
}

impl Entries {
    /// How many events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Id and fields of every event, in the order asked for.
    pub fn iter(&self) -> impl Iterator<Item = (EventId, Fields<'_>)> {
        self.parts.iter().flat_map(|part| {
            let range = part.range.clone();
            let (count, reverse) = (range.len(), self.reverse);
            (0..count).map(move |i| {
                let step = if reverse { count - 1 - i } else { i };
                part.block.read(range.start + step)
            })
        })
    }

    /// Ids of the events, in the order asked for.
    pub fn ids(&self) -> impl Iterator<Item = EventId> {
        self.iter().map(|(id, _)| id)
    }

    fn push(&mut self, part: Part) {
        self.len += part.range.len();
        self.parts.push(part);
    }
}

#[cfg(test)]
mod tests;
