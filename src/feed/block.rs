//! A run of events in one piece of memory.
//!
//! | bytes | event |
//! | --- | --- |
//! | 0.. | varint: number of its fact less that of the block's first event |
//! | then | varint: its place among the events of that fact |
//! | then | its fields |
//!
//! Ids ascend within a block; `starts` finds one by halving.

use super::event::Event;
use super::fields::{Fields, put_varint, take_varint};
use crate::model::EventId;
use std::ops::Range;

/// A block is closed when its events take this many bytes, so that copying one stays cheap.
pub(super) const BLOCK_BYTES: usize = 32 << 10;

/// A run of events by ascending id.
#[derive(Debug, Default)]
pub(super) struct Block {
    base: u64,
    last: EventId,
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

impl Block {
    /// Appends an event whose id is above all before it; how many bytes it took.
    pub(super) fn push(&mut self, event: &Event<'_>) -> usize {
        let before = self.bytes.len();
        if self.starts.is_empty() {
            self.base = event.id.fact;
        }
        let start = u32::try_from(before).expect("a block is closed long before 4 GiB");
        self.starts.push(start);
        put_varint(&mut self.bytes, event.id.fact - self.base);
        put_varint(&mut self.bytes, event.id.n);
        self.bytes.extend_from_slice(event.bytes);
        self.last = event.id;
        self.bytes.len() - before
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= BLOCK_BYTES
    }

    /// All of it, in exactly as much memory as it needs. The room in which it grew stays here.
    pub(super) fn take(&mut self) -> Self {
        let whole = Self {
            base: self.base,
            last: self.last,
            starts: self.starts.as_slice().into(),
            bytes: self.bytes.as_slice().into(),
        };
        self.starts.clear();
        self.bytes.clear();
        self.last = EventId::default();
        whole
    }

    /// The highest id in it; 0-0 when it is empty.
    pub(super) fn last(&self) -> EventId {
        self.last
    }

    /// How many bytes the event at `index` takes.
    pub(super) fn bytes_of(&self, index: usize) -> usize {
        self.span(index).len()
    }

    /// The id of the event at `index`, which must be below [`Block::len`].
    pub(super) fn id(&self, index: usize) -> EventId {
        self.read(index).0
    }

    /// Id and fields of the event at `index`, which must be below [`Block::len`].
    pub(super) fn read(&self, index: usize) -> (EventId, Fields<'_>) {
        let mut bytes = &self.bytes[self.span(index)];
        let fact = self.base.saturating_add(take_varint(&mut bytes));
        let n = take_varint(&mut bytes);
        (EventId { fact, n }, Fields::new(bytes))
    }

    /// The place of the first event whose id is at least `id`.
    pub(super) fn lower_bound(&self, id: EventId) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.id(middle) < id {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// A copy of some of its events.
    pub(super) fn copy(&self, range: Range<usize>) -> Self {
        let Some(last) = range.clone().next_back() else {
            return Self::default();
        };
        let (start, end) = (self.starts[range.start], self.span(last).end);
        Self {
            base: self.base,
            last: self.id(last),
            starts: self.starts[range].iter().map(|s| s - start).collect(),
            bytes: self.bytes[start as usize..end].to_vec(),
        }
    }

    fn span(&self, index: usize) -> Range<usize> {
        let end = self.starts.get(index + 1);
        self.starts[index] as usize..end.map_or(self.bytes.len(), |&end| end as usize)
    }
}
