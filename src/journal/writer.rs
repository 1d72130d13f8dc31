//! The one thread that writes.

use super::disk::{Disk, DiskFile};
use super::error::JournalError;
use super::format::{BATCH_HEADER, Link, SEGMENT_HEADER, SegmentHeader, close_batch};
use super::gathered::Portion;
use super::handle::Inner;
use super::options::Durability;
use super::reader::Tip;
use super::recover::sync_dir;
use crate::model::{EpochMillis, Fact, Lsn};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long facts gather when nobody waits for them.
const GATHER: Duration = Duration::from_millis(10);
/// So many bytes are written at once, however short they gathered.
pub(super) const GATHER_BYTES: usize = 1 << 20;

/// Room for so many facts at most is made ahead.
const GIVEN_ROOM_MAX: usize = 1 << 14;

/// Writes what gathers, batch by batch, to one segment after the other.
pub(super) struct Writer {
    inner: Arc<Inner>,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file: Box<dyn DiskFile>,
    tip: Tip,
    offset: u64,
}

/// What there is to do.
enum Work {
    Batch(Portion),
    Rotate,
    Close,
}

impl Writer {
    /// Begins a new segment at `tip`.
    pub(super) fn begin(
        inner: Arc<Inner>,
        disk: Arc<dyn Disk>,
        dir: &Path,
        tip: &Tip,
    ) -> Result<Self, JournalError> {
        let file = new_segment(&*disk, dir, tip)?;
        let segment = tip.segment + 1;
        inner.counters.segment.store(segment, Ordering::Relaxed);
        Ok(Self {
            inner,
            disk,
            dir: dir.to_owned(),
            file,
            tip: Tip { segment, ..*tip },
            offset: SEGMENT_HEADER as u64,
        })
    }

    /// Until the journal is closed or the disk fails.
    pub(super) fn run(&mut self) {
        let mut spare = Portion::new();
        loop {
            let done = match self.next_work(&mut spare) {
                Work::Batch(mut batch) => {
                    let Portion { count, facts, .. } = &mut batch;
                    let (count, facts) = (*count, std::mem::take(facts));
                    let given = facts.len();
                    let done = self.write(&mut batch.bytes, count, facts);
                    // One large batch must not keep its memory for ever.
                    batch.bytes.truncate(BATCH_HEADER);
                    batch.bytes.shrink_to(4 << 20);
                    // As many are likely to come, and nobody who hands facts over waits for the room.
                    let facts = Vec::with_capacity(given.min(GIVEN_ROOM_MAX));
                    spare = Portion {
                        bytes: batch.bytes,
                        count: 0,
                        facts,
                    };
                    done
                }
                Work::Rotate => self.rotate_now(),
                Work::Close => {
                    let sealed = self.seal();
                    return self.note(sealed, Some("the journal is closed"));
                }
            };
            let failed = done.is_err();
            self.note(done, None);
            if failed {
                return;
            }
        }
    }

    fn next_work(&mut self, spare: &mut Portion) -> Work {
        let mut gathered = self.inner.gathered.lock();
        loop {
            let closing = gathered.closing;
            if let Some(batch) = gathered.full.pop_front() {
                gathered.full_bytes -= batch.bytes.len();
                return Work::Batch(batch);
            }
            if gathered.batch.count == 0 {
                if std::mem::take(&mut gathered.rotate) {
                    return Work::Rotate;
                }
                if closing {
                    return Work::Close;
                }
                self.inner.work.wait(&mut gathered);
                continue;
            }
            let due = gathered.since + self.gather();
            let hurry = closing || gathered.rotate;
            if hurry || gathered.batch.bytes.len() >= GATHER_BYTES || due <= Instant::now() {
                let batch = std::mem::replace(&mut gathered.batch, std::mem::take(spare));
                return Work::Batch(batch);
            }
            let _ = self.inner.work.wait_until(&mut gathered, due);
        }
    }

    /// How long facts may gather.
    fn gather(&self) -> Duration {
        match self.inner.options.durability {
            Durability::Sync => Duration::ZERO,
            Durability::Interval(every) => Duration::from_millis(every.0),
            Durability::None => GATHER,
        }
    }

    fn write(
        &mut self,
        batch: &mut [u8],
        count: u32,
        facts: Vec<(EpochMillis, Fact)>,
    ) -> Result<(), JournalError> {
        self.append_batch(batch, count, false)?;
        if self.inner.options.durability != Durability::None {
            self.sync()?;
        }
        let first = self.tip.next - u64::from(count);
        let body = &batch[BATCH_HEADER..];
        let inner = &self.inner;
        let keeps = inner.files.is_some();
        inner.following.hand((first, count), body, facts, keeps);
        let counters = &self.inner.counters;
        counters.facts.fetch_add(count.into(), Ordering::Relaxed);
        if self.offset >= self.inner.options.segment_bytes {
            self.rotate()?;
        }
        Ok(())
    }

    fn append_batch(
        &mut self,
        batch: &mut [u8],
        count: u32,
        seal: bool,
    ) -> Result<(), JournalError> {
        let link = Link {
            directory: self.tip.directory,
            offset: self.offset,
            first: self.tip.next,
            previous: self.tip.previous,
        };
        let sum = close_batch(batch, &link, count, seal);
        let name = SegmentHeader::name(self.tip.segment);
        let written = self.file.append(batch);
        written.map_err(JournalError::io("write to", name))?;
        self.offset += batch.len() as u64;
        self.tip.next += u64::from(count);
        self.tip.previous = sum;
        let counters = &self.inner.counters;
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters
            .bytes
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        let name = SegmentHeader::name(self.tip.segment);
        self.file.sync().map_err(JournalError::io("sync", name))?;
        self.inner.counters.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn rotate_now(&mut self) -> Result<(), JournalError> {
        // A segment without facts is new already.
        if self.offset > SEGMENT_HEADER as u64 {
            self.rotate()?;
        }
        let rotations = &self.inner.counters.rotations;
        rotations.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        // What is in an earlier segment is on disk before anything is in a later one.
        self.sync()?;
        self.file = new_segment(&*self.disk, &self.dir, &self.tip)?;
        self.tip.segment += 1;
        self.offset = SEGMENT_HEADER as u64;
        let number = &self.inner.counters.segment;
        number.store(self.tip.segment, Ordering::Release);
        Ok(())
    }

    fn seal(&mut self) -> Result<(), JournalError> {
        let mut batch = [0; BATCH_HEADER];
        self.append_batch(&mut batch, 0, true)?;
        self.sync()
    }

    /// Tells everybody how far it is, or that this is the end.
    fn note(&self, done: Result<(), JournalError>, end: Option<&str>) {
        let failure: Option<Arc<str>> = done.err().map(|error| error.to_string().into());
        if let Some(reason) = &failure {
            tracing::error!(%reason, "the journal failed; nothing is written any more");
            // Only this thread sets it, once, and then ends.
            let _ = self.inner.failure.set(reason.clone());
        }
        if failure.is_some() || end.is_some() {
            self.inner.following.end();
        }
        let durable = Lsn(self.tip.next - 1);
        self.inner.progress.send_modify(|progress| {
            if failure.is_none() {
                progress.durable = durable;
            }
            progress.failure = failure.or_else(|| end.map(Into::into));
        });
        drop(self.inner.settled.0.lock());
        self.inner.settled.1.notify_all();
    }
}

/// Makes the segment after `tip`: header and name are on disk before anything is written to it.
fn new_segment(disk: &dyn Disk, dir: &Path, tip: &Tip) -> Result<Box<dyn DiskFile>, JournalError> {
    let header = SegmentHeader {
        directory: tip.directory,
        number: tip.segment + 1,
        first: tip.next,
        previous: tip.previous,
    };
    let path = dir.join(SegmentHeader::name(header.number));
    let made = disk.create(&path).and_then(|mut file| {
        file.append(&header.to_bytes())?;
        file.sync()?;
        Ok(file)
    });
    let file = made.map_err(JournalError::io("make", path.display().to_string()))?;
    sync_dir(disk, dir)?;
    Ok(file)
}
