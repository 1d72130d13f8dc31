//! The one thread that writes, and the handle by which everybody reaches it.

use super::disk::{Disk, DiskFile, NoDisk};
use super::error::JournalError;
use super::follow::{Files, Following};
use super::format::{
    BATCH_HEADER, BODY_MAX, Link, SEGMENT_HEADER, SegmentHeader, close_batch, put_fact,
};
use super::options::{Durability, Options};
use super::reader::Tip;
use super::recover::sync_dir;
use crate::model::{EpochMillis, Fact, Lsn};
use parking_lot::{Condvar, Mutex};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long facts gather when nobody waits for them.
const GATHER: Duration = Duration::from_millis(10);
/// So many bytes are written at once, however short they gathered.
const GATHER_BYTES: usize = 1 << 20;
/// What gathers beyond this while the disk is slow goes into another batch. A step adds less than
/// what is left up to the longest batch that is read.
const BATCH_BYTES_MAX: usize = BODY_MAX / 16;

/// How far the journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// All facts up to this number are on disk; in mode `none`, with the operating system.
    pub durable: Lsn,
    /// Why nothing is written any more: a failure, or that the journal was closed.
    pub failure: Option<Arc<str>>,
}

/// Counts since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Facts written.
    pub facts: u64,
    /// Batches written.
    pub batches: u64,
    /// Times the disk was waited for.
    pub syncs: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Number of the segment that is written now.
    pub segment: u64,
}

#[derive(Default)]
struct Counters {
    facts: AtomicU64,
    batches: AtomicU64,
    syncs: AtomicU64,
    bytes: AtomicU64,
    segment: AtomicU64,
    /// Times somebody asked for a new segment and has it.
    rotations: AtomicU64,
}

/// What has gathered since the last batch.
struct Gathered {
    /// Batches that are as large as one may get, and how many facts they have.
    full: VecDeque<(Vec<u8>, u32)>,
    /// Bytes of those.
    full_bytes: usize,
    /// Room for a batch's header, then facts.
    batch: Vec<u8>,
    count: u32,
    /// When the first of them came.
    since: Instant,
    /// Number of the next fact.
    next: u64,
    closing: bool,
    /// A new segment shall begin once all that has gathered is written.
    rotate: bool,
}

struct Inner {
    options: Options,
    gathered: Mutex<Gathered>,
    /// Something has gathered, or the journal closes.
    work: Condvar,
    progress: watch::Sender<Progress>,
    /// For those who wait without a runtime.
    settled: (Mutex<()>, Condvar),
    failure: OnceLock<Arc<str>>,
    counters: Counters,
    thread: Mutex<Option<JoinHandle<()>>>,
    directory: [u8; 16],
    /// Where the segments are; nowhere for a journal in memory.
    files: Option<Files>,
    following: Following,
    /// Facts from this number on are kept although snapshots hold them.
    kept_from: AtomicU64,
}

/// An open journal. Copies are the same journal.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

thread_local! {
    static ENCODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Journal {
    /// Begins a new segment at `tip`, and the thread that writes to it.
    pub(super) fn start(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        tip: &Tip,
    ) -> Result<Self, JournalError> {
        let files = Some((disk.clone(), dir.to_owned()));
        Self::start_with(disk, dir, options, tip, files)
    }

    /// A journal that keeps nothing and only hands facts on; its first fact comes after `latest`.
    ///
    /// # Errors
    /// [`JournalError::Io`] when there is no thread for it.
    pub fn in_memory(latest: Lsn) -> Result<Self, JournalError> {
        let options = Options {
            durability: Durability::None,
            segment_bytes: u64::MAX,
        };
        let tip = Tip {
            next: latest.0 + 1,
            ..Tip::default()
        };
        Self::start_with(Arc::new(NoDisk), Path::new(""), options, &tip, None)
    }

    fn start_with(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        tip: &Tip,
        files: Option<Files>,
    ) -> Result<Self, JournalError> {
        let file = new_segment(&*disk, dir, tip)?;
        let inner = Arc::new(Inner {
            options,
            gathered: Mutex::new(Gathered {
                full: VecDeque::new(),
                full_bytes: 0,
                batch: vec![0; BATCH_HEADER],
                count: 0,
                since: Instant::now(),
                next: tip.next,
                closing: false,
                rotate: false,
            }),
            work: Condvar::new(),
            progress: watch::Sender::new(Progress {
                durable: Lsn(tip.next - 1),
                failure: None,
            }),
            settled: (Mutex::new(()), Condvar::new()),
            failure: OnceLock::new(),
            counters: Counters::default(),
            thread: Mutex::new(None),
            directory: tip.directory,
            files,
            following: Following::new(tip.next),
            kept_from: AtomicU64::new(u64::MAX),
        });
        let mut writer = Writer {
            inner: inner.clone(),
            disk,
            dir: dir.to_owned(),
            file,
            tip: Tip {
                segment: tip.segment + 1,
                ..*tip
            },
            offset: SEGMENT_HEADER as u64,
        };
        let number = &inner.counters.segment;
        number.store(writer.tip.segment, Ordering::Relaxed);
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(JournalError::io("start the thread of", "the journal"))?;
        *inner.thread.lock() = Some(thread);
        Ok(Self(inner))
    }

    /// Gives the facts of one step the next numbers and hands them to the writer; returns the
    /// last number. It never waits for the disk. After a failure or [`Journal::close`] nothing is
    /// taken any more; the number that is returned then is one that never becomes durable.
    pub fn append(&self, at: EpochMillis, facts: &[Fact]) -> Lsn {
        ENCODED.with_borrow_mut(|encoded| {
            encoded.clear();
            for fact in facts {
                put_fact(encoded, at, fact);
            }
            let count = u32::try_from(facts.len()).expect("a step has few facts");
            let mut gathered = self.0.gathered.lock();
            if gathered.closing || self.0.failure.get().is_some() {
                return Lsn(gathered.next);
            }
            gathered.make_room(encoded.len());
            let before = gathered.batch.len();
            let first = gathered.count == 0;
            if first {
                gathered.since = Instant::now();
            }
            gathered.batch.extend_from_slice(encoded);
            gathered.count += count;
            gathered.next += u64::from(count);
            let last = Lsn(gathered.next - 1);
            let full = before < GATHER_BYTES && gathered.batch.len() >= GATHER_BYTES;
            drop(gathered);
            if first || full {
                self.0.work.notify_one();
            }
            last
        })
    }

    /// Number of the latest fact.
    #[must_use]
    pub fn latest(&self) -> Lsn {
        Lsn(self.0.gathered.lock().next - 1)
    }

    /// All facts up to this number are on disk; in mode `none`, with the operating system.
    #[must_use]
    pub fn durable(&self) -> Lsn {
        self.0.progress.borrow().durable
    }

    /// Bytes that are not written yet.
    #[must_use]
    pub fn gathered_bytes(&self) -> usize {
        let gathered = self.0.gathered.lock();
        gathered.batch.len() + gathered.full_bytes
    }

    /// The mode.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.0.options.durability
    }

    /// Tells how far the journal is, whenever that changes.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.0.progress.subscribe()
    }

    /// Waits until a fact is as safe as the mode promises.
    ///
    /// # Errors
    /// Why it never will be.
    pub fn wait(&self, lsn: Lsn) -> Result<(), Arc<str>> {
        let waits = self.0.options.durability == Durability::Sync;
        let mut waiting = self.0.settled.0.lock();
        loop {
            {
                let progress = self.0.progress.borrow();
                if progress.durable >= lsn {
                    return Ok(());
                }
                if let Some(reason) = &progress.failure {
                    return Err(reason.clone());
                }
            }
            if !waits {
                return Ok(());
            }
            self.0.settled.1.wait(&mut waiting);
        }
    }

    /// Which directory this is: the same in all of its files.
    #[must_use]
    pub fn directory(&self) -> [u8; 16] {
        self.0.directory
    }

    pub(super) fn files(&self) -> Option<&Files> {
        self.0.files.as_ref()
    }

    pub(super) fn following(&self) -> &Following {
        &self.0.following
    }

    /// Keeps the segments from this fact on, also those that snapshots make needless: somebody
    /// who follows wants to read them again after a restart.
    pub fn keep_from(&self, fact: Lsn) {
        self.0.kept_from.store(fact.0, Ordering::Release);
    }

    /// From which fact on segments are kept whatever snapshots hold.
    #[must_use]
    pub fn kept_from(&self) -> Lsn {
        Lsn(self.0.kept_from.load(Ordering::Acquire))
    }

    /// Makes everything that was handed over so far safe, in every mode, and begins a new segment.
    ///
    /// # Errors
    /// Why that never will be.
    pub fn rotate(&self) -> Result<(), Arc<str>> {
        let rotations = || self.0.counters.rotations.load(Ordering::Acquire);
        let mut waiting = self.0.settled.0.lock();
        let before = rotations();
        self.0.gathered.lock().rotate = true;
        self.0.work.notify_one();
        while rotations() == before {
            if let Some(reason) = &self.0.progress.borrow().failure {
                return Err(reason.clone());
            }
            self.0.settled.1.wait(&mut waiting);
        }
        Ok(())
    }

    /// Why nothing is written any more.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<str>> {
        self.0.failure.get().cloned()
    }

    /// Counts since it was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counters = &self.0.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            facts: read(&counters.facts),
            batches: read(&counters.batches),
            syncs: read(&counters.syncs),
            bytes: read(&counters.bytes),
            segment: read(&counters.segment),
        }
    }

    /// Writes what has gathered, marks the stop as clean, and ends. Facts handed over afterwards
    /// are not taken. Closing again changes nothing.
    ///
    /// # Errors
    /// Why not everything was written.
    pub fn close(&self) -> Result<(), Arc<str>> {
        self.0.gathered.lock().closing = true;
        self.0.work.notify_one();
        if let Some(thread) = self.0.thread.lock().take()
            && thread.join().is_err()
        {
            return Err("its thread ended before its time".into());
        }
        self.failure().map_or(Ok(()), Err)
    }
}

impl Gathered {
    /// Begins another batch when so many more bytes would make this one longer than a batch may
    /// be. Steps are not divided.
    fn make_room(&mut self, bytes: usize) {
        if self.count > 0 && self.batch.len() + bytes > BATCH_BYTES_MAX {
            let batch = std::mem::replace(&mut self.batch, vec![0; BATCH_HEADER]);
            self.full_bytes += batch.len();
            let count = std::mem::take(&mut self.count);
            self.full.push_back((batch, count));
        }
    }
}

struct Writer {
    inner: Arc<Inner>,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file: Box<dyn DiskFile>,
    tip: Tip,
    offset: u64,
}

/// What there is to do.
enum Work {
    Batch(Vec<u8>, u32),
    Rotate,
    Close,
}

impl Writer {
    fn run(&mut self) {
        let mut spare = vec![0; BATCH_HEADER];
        loop {
            let done = match self.next_work(&mut spare) {
                Work::Batch(mut batch, count) => {
                    let done = self.write(&mut batch, count);
                    // One large batch must not keep its memory for ever.
                    batch.truncate(BATCH_HEADER);
                    batch.shrink_to(4 << 20);
                    spare = batch;
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

    fn next_work(&mut self, spare: &mut Vec<u8>) -> Work {
        let mut gathered = self.inner.gathered.lock();
        loop {
            let closing = gathered.closing;
            if let Some((batch, count)) = gathered.full.pop_front() {
                gathered.full_bytes -= batch.len();
                return Work::Batch(batch, count);
            }
            if gathered.count == 0 {
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
            if hurry || gathered.batch.len() >= GATHER_BYTES || due <= Instant::now() {
                let batch = std::mem::replace(&mut gathered.batch, std::mem::take(spare));
                return Work::Batch(batch, std::mem::take(&mut gathered.count));
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

    fn write(&mut self, batch: &mut [u8], count: u32) -> Result<(), JournalError> {
        self.append_batch(batch, count, false)?;
        if self.inner.options.durability != Durability::None {
            self.sync()?;
        }
        let first = self.tip.next - u64::from(count);
        let body = &batch[BATCH_HEADER..];
        let inner = &self.inner;
        inner
            .following
            .hand(first, count, body, inner.files.is_some());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gathers_on_a_slow_disk_is_divided_between_steps() {
        let mut gathered = Gathered {
            full: VecDeque::new(),
            full_bytes: 0,
            batch: vec![0; BATCH_HEADER],
            count: 0,
            since: Instant::now(),
            next: 1,
            closing: false,
            rotate: false,
        };
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
