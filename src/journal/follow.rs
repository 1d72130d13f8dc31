//! Facts handed on once they are as safe as the mode promises, in the order of their numbers.
//!
//! The writer puts what it has made safe into a bounded queue and goes on: the facts themselves where
//! they were given to the journal, so that nothing is read back from bytes for who keeps up. A follower that comes
//! late, or falls further behind than the queue holds, reads the segments from where it was; so
//! it never slows the writer, and never sees what a crash could take back. A journal in memory
//! has no segments: there the writer waits for room.

use super::disk::Disk;
use super::error::JournalError;
use super::format::{SEGMENT_HEADER, SegmentHeader, take_fact};
use super::handle::Journal;
use super::reader::{segment_names, walk};
use crate::model::{EpochMillis, Fact, Lsn};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Most bytes of memory that facts take which wait for a follower.
const QUEUE_BYTES: usize = 32 << 20;
/// After so long a follower tries again to read segments that could not be read.
const RETRY: Duration = Duration::from_secs(1);

/// Where the segments are.
pub(super) type Files = (Arc<dyn Disk>, PathBuf);

struct Handed {
    first: u64,
    count: u32,
    /// About what they take in memory.
    bytes: usize,
    body: Body,
}

enum Body {
    /// The facts themselves.
    Facts(Vec<(EpochMillis, Fact)>),
    /// As they were written, where not all of them were given.
    Bytes(Vec<u8>),
}

impl Handed {
    fn next(&self) -> u64 {
        self.first + u64::from(self.count)
    }
}

struct Queue {
    /// Somebody follows.
    followed: bool,
    /// Nothing more comes.
    ended: bool,
    batches: VecDeque<Handed>,
    bytes: usize,
    /// Number of the fact after the last one that is safe.
    next: u64,
}

impl Queue {
    /// Takes all out, to be freed by who has let go of the queue.
    fn clear(&mut self) -> VecDeque<Handed> {
        self.bytes = 0;
        std::mem::take(&mut self.batches)
    }
}

/// About the bytes that a batch takes in memory while it waits: facts that were given, or else what
/// was written.
fn memory_of(count: u32, written: &[u8], facts: &Vec<(EpochMillis, Fact)>) -> usize {
    match facts.len() == count as usize {
        // What hangs off them, texts and lists, is about as long as they are written.
        true => written.len() + facts.capacity() * size_of::<(EpochMillis, Fact)>(),
        false => written.len(),
    }
}

/// The writer's end.
pub(super) struct Following {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// As in the queue, for those who give facts.
    followed: AtomicBool,
}

impl Following {
    pub(super) fn new(next: u64) -> Self {
        Self {
            queue: Mutex::new(Queue {
                followed: false,
                ended: false,
                batches: VecDeque::new(),
                bytes: 0,
                next,
            }),
            changed: Condvar::new(),
            followed: AtomicBool::new(false),
        }
    }

    /// Whether somebody follows. Who hears that nobody does gives no facts, and who follows from then on
    /// reads them as they were written.
    pub(super) fn is_followed(&self) -> bool {
        self.followed.load(Ordering::Relaxed)
    }

    /// Hands on the facts of a batch that is safe. What is dropped for want of room can be read
    /// again where there are segments.
    pub(super) fn hand(
        &self,
        (first, count): (u64, u32),
        body: &[u8],
        facts: Vec<(EpochMillis, Fact)>,
        has_segments: bool,
    ) {
        let bytes = memory_of(count, body, &facts);
        let mut dropped = VecDeque::new();
        let mut queue = self.queue.lock();
        while queue.followed && queue.bytes > 0 && queue.bytes + bytes > QUEUE_BYTES {
            if has_segments {
                dropped = queue.clear();
            } else {
                self.changed.wait(&mut queue);
            }
        }
        queue.next = first + u64::from(count);
        // One that is too large by itself is read from the segments too.
        if queue.followed && (bytes <= QUEUE_BYTES || !has_segments) {
            queue.bytes += bytes;
            let body = match facts.len() == count as usize {
                true => Body::Facts(facts),
                false => Body::Bytes(body.to_vec()),
            };
            queue.batches.push_back(Handed {
                first,
                count,
                bytes,
                body,
            });
        }
        self.changed.notify_all();
        // Many facts are freed in a while: not while the follower waits for the queue.
        drop(queue);
        drop(dropped);
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.queue.lock().ended = true;
        self.changed.notify_all();
    }

    fn stop(&self) {
        let mut queue = self.queue.lock();
        queue.followed = false;
        self.followed.store(false, Ordering::Relaxed);
        let dropped = queue.clear();
        self.changed.notify_all();
        drop(queue);
        drop(dropped);
    }
}

/// Sees every fact of a journal from some number on, once it is safe. One at a time.
pub struct Follower {
    journal: Journal,
    next: u64,
}

/// What a follower finds.
enum Found {
    Batch(Handed),
    /// All up to before this number must be read from the segments.
    Missed(u64),
    End,
}

impl Journal {
    /// Follows the journal from the first fact that is kept; in memory, from the next one on.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the segments cannot be listed.
    ///
    /// # Panics
    /// When somebody follows it already.
    pub fn follow(&self) -> Result<Follower, JournalError> {
        let following = self.following();
        let first = match self.files() {
            Some((disk, dir)) => first_kept(&**disk, dir)?,
            None => None,
        };
        let mut queue = following.queue.lock();
        assert!(!queue.followed, "one follows a journal at a time");
        queue.followed = true;
        following.followed.store(true, Ordering::Relaxed);
        Ok(Follower {
            journal: self.clone(),
            next: first.unwrap_or(queue.next),
        })
    }

    /// Ends following: the follower sees nothing more.
    pub fn stop_following(&self) {
        self.following().stop();
    }
}

impl Follower {
    /// Number of the next fact that it sees.
    #[must_use]
    pub fn next(&self) -> Lsn {
        Lsn(self.next)
    }

    /// Waits for facts that are safe and shows them. `false` when nothing more comes.
    pub fn wait(&mut self, see: &mut dyn FnMut(Lsn, EpochMillis, Fact)) -> bool {
        match self.find() {
            Found::End => false,
            Found::Batch(batch) => {
                self.show(batch, see);
                true
            }
            Found::Missed(end) => {
                if let Err(error) = self.read_segments(end, see) {
                    tracing::error!(%error, "the journal cannot be followed; trying again");
                    let following = self.journal.following();
                    let mut queue = following.queue.lock();
                    let _ = following.changed.wait_for(&mut queue, RETRY);
                }
                true
            }
        }
    }

    fn find(&self) -> Found {
        let following = self.journal.following();
        let mut queue = following.queue.lock();
        loop {
            if !queue.followed {
                return Found::End;
            }
            while let Some(batch) = queue.batches.front() {
                if batch.first > self.next {
                    return Found::Missed(batch.first);
                }
                let Some(batch) = queue.batches.pop_front() else {
                    break;
                };
                queue.bytes -= batch.bytes;
                following.changed.notify_all();
                if batch.next() > self.next {
                    return Found::Batch(batch);
                }
            }
            if self.next < queue.next {
                return Found::Missed(queue.next);
            }
            if queue.ended {
                return Found::End;
            }
            following.changed.wait(&mut queue);
        }
    }

    fn show(&mut self, batch: Handed, see: &mut dyn FnMut(Lsn, EpochMillis, Fact)) {
        let (numbers, next) = (batch.first..batch.next(), batch.next());
        let mut tell = |lsn, at, fact| {
            if lsn >= self.next {
                see(Lsn(lsn), at, fact);
            }
        };
        match batch.body {
            Body::Facts(facts) => {
                for (lsn, (at, fact)) in numbers.zip(facts) {
                    tell(lsn, at, fact);
                }
            }
            Body::Bytes(bytes) => {
                let mut body = &bytes[..];
                for lsn in numbers {
                    let fact = take_fact(&mut body);
                    let (at, fact) = fact.expect("this process wrote it a moment ago");
                    tell(lsn, at, fact);
                }
            }
        }
        self.next = next;
    }

    /// Shows what is safe in the segments. Behind it there may be a batch that is being written.
    fn read_segments(
        &mut self,
        end: u64,
        see: &mut dyn FnMut(Lsn, EpochMillis, Fact),
    ) -> Result<(), JournalError> {
        let Some((disk, dir)) = self.journal.files() else {
            // In memory nothing is ever missed.
            self.next = end;
            return Ok(());
        };
        let after = Lsn(self.next - 1);
        let next = &mut self.next;
        let mut visit = |_: super::Place<'_>, lsn: Lsn, at: EpochMillis, fact: Fact| {
            if lsn.0 >= *next && lsn.0 < end {
                *next = lsn.0 + 1;
                see(lsn, at, fact);
            }
            Ok(())
        };
        walk(&**disk, dir, Some(after), &mut |_, _| {}, &mut visit)?;
        Ok(())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.journal.following().stop();
    }
}

/// Number of the first fact that the segments of a folder begin with.
fn first_kept(disk: &dyn Disk, dir: &Path) -> Result<Option<u64>, JournalError> {
    let names = segment_names(disk, dir)?;
    let Some(first) = names.first() else {
        return Ok(None);
    };
    let path = dir.join(first);
    let head = disk.read_head(&path, SEGMENT_HEADER);
    let head = head.map_err(JournalError::io("read", path.display().to_string()))?;
    Ok(SegmentHeader::read(&head).ok().map(|header| header.first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LocationId;

    #[test]
    fn facts_that_wait_count_as_what_they_take_in_memory() {
        const EACH: u32 = 1_000;
        let following = Following::new(1);
        following.queue.lock().followed = true;
        let fact = Fact::LocationPaused {
            location: LocationId(0),
            paused: true,
        };
        let batch = size_of::<(EpochMillis, Fact)>() * EACH as usize;
        let fit = QUEUE_BYTES / batch;
        let mut next = 1;
        let mut hand = |count: usize| {
            for _ in 0..count {
                // As if next to nothing were written of them.
                let facts = vec![(EpochMillis(0), fact.clone()); EACH as usize];
                following.hand((next, EACH), &[], facts, true);
                next += u64::from(EACH);
            }
            let queue = following.queue.lock();
            assert!(queue.bytes <= QUEUE_BYTES);
            assert_eq!(queue.bytes, queue.batches.len() * batch);
            assert_eq!(queue.next, next);
            queue.batches.len()
        };
        assert_eq!(hand(fit), fit, "all that there is room for");
        assert_eq!(hand(1), 1, "the others are read again from the segments");
        let mut large = Vec::with_capacity(QUEUE_BYTES / size_of::<(EpochMillis, Fact)>() + 1);
        large.push((EpochMillis(0), fact));
        following.hand((next, 1), &[], large, true);
        assert_eq!(
            following.queue.lock().batches.len(),
            0,
            "larger than the queue"
        );
        assert_eq!(following.queue.lock().next, next + 1);
        following.stop();
        let queue = following.queue.lock();
        assert_eq!((queue.bytes, queue.batches.len()), (0, 0));
    }
}
