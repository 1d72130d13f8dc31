//! Facts that were handed over and are not written yet.

use super::format::{BATCH_HEADER, BODY_MAX};
use std::collections::VecDeque;
use std::time::Instant;

/// What gathers beyond this while the disk is slow goes into another batch. A step adds less than
/// what is left up to the longest batch that is read.
const BATCH_BYTES_MAX: usize = BODY_MAX / 16;

/// What has gathered since the last batch.
pub(super) struct Gathered {
    /// Batches that are as large as one may get, and how many facts they have.
    pub(super) full: VecDeque<(Vec<u8>, u32)>,
    /// Bytes of those.
    pub(super) full_bytes: usize,
    /// Room for a batch's header, then facts.
    pub(super) batch: Vec<u8>,
    pub(super) count: u32,
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
            batch: vec![0; BATCH_HEADER],
            count: 0,
            since: Instant::now(),
            next,
            closing: false,
            rotate: false,
        }
    }

    /// Begins another batch when so many more bytes would make this one longer than a batch may
    /// be. Steps are not divided.
    pub(super) fn make_room(&mut self, bytes: usize) {
        if self.count > 0 && self.batch.len() + bytes > BATCH_BYTES_MAX {
            let batch = std::mem::replace(&mut self.batch, vec![0; BATCH_HEADER]);
            self.full_bytes += batch.len();
            let count = std::mem::take(&mut self.count);
            self.full.push_back((batch, count));
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
        gathered.batch.extend_from_slice(b"a step");
        gathered.count = 2;
        gathered.make_room(100);
        assert!(gathered.full.is_empty());
        gathered.make_room(BATCH_BYTES_MAX);
        let whole = [&[0; BATCH_HEADER], b"a step".as_slice()].concat();
        assert_eq!(gathered.full_bytes, whole.len());
        assert_eq!(gathered.full, [(whole, 2)]);
        assert_eq!((gathered.batch.len(), gathered.count), (BATCH_HEADER, 0));
    }
}
