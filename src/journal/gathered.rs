//! Facts that were handed over and are not written yet.

use super::format::{BATCH_HEADER, BODY_MAX};
use crate::model::{EpochMillis, Fact};
use std::collections::VecDeque;
use std::time::Instant;

/// What gathers beyond this while the disk is slow goes into another batch. A step adds less than
/// what is left up to the longest batch that is read.
const BATCH_BYTES_MAX: usize = BODY_MAX / 16;

/// Facts that are written together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Portion {
    /// Room for a batch's header, then facts.
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    /// The same facts for whoever follows, so that he need not read the bytes; without some or all of
    /// them where nobody followed, or they were only lent.
    pub(super) facts: Vec<(EpochMillis, Fact)>,
}

impl Portion {
    /// Without facts.
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; BATCH_HEADER],
            count: 0,
            facts: Vec::new(),
        }
    }
}

/// What has gathered since the last batch.
pub(super) struct Gathered {
    /// Batches that are as large as one may get.
    pub(super) full: VecDeque<Portion>,
    /// Bytes of those.
    pub(super) full_bytes: usize,
    /// The one that gathers.
    pub(super) batch: Portion,
    /// When the first of them came.
    pub(super) since: Instant,
    /// Number of the next fact.
    pub(super) next: u64,
    pub(super) closing: bool,
    /// A new segment shall begin once all that has gathered is written.
    pub(super) rotate: bool,
}

impl Gathered {
    /// Nothing yet; the next fact has the number `next`.
    pub(super) fn new(next: u64) -> Self {
        Self {
            full: VecDeque::new(),
            full_bytes: 0,
            batch: Portion::new(),
            since: Instant::now(),
            next,
            closing: false,
            rotate: false,
        }
    }

    /// Begins another batch when so many more bytes would make this one longer than a batch may
    /// be. Steps are not divided.
    pub(super) fn make_room(&mut self, bytes: usize) {
        if self.batch.count > 0 && self.batch.bytes.len() + bytes > BATCH_BYTES_MAX {
            let batch = std::mem::replace(&mut self.batch, Portion::new());
            self.full_bytes += batch.bytes.len();
            self.full.push_back(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gathers_on_a_slow_disk_is_divided_between_steps() {
        let mut gathered = Gathered::new(1);
        gathered.make_room(BATCH_BYTES_MAX);
        assert!(gathered.full.is_empty(), "no batch is without facts");
        gathered.batch.bytes.extend_from_slice(b"a step");
        gathered.batch.count = 2;
        gathered.make_room(100);
        assert!(gathered.full.is_empty());
        gathered.make_room(BATCH_BYTES_MAX);
        let whole = [&[0; BATCH_HEADER], b"a step".as_slice()].concat();
        assert_eq!(gathered.full_bytes, whole.len());
        let full = Portion {
            bytes: whole,
            count: 2,
            facts: Vec::new(),
        };
        assert_eq!(gathered.full, [full]);
        assert_eq!(gathered.batch, Portion::new());
    }
}
