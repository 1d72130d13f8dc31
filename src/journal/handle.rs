//! The handle by which everybody reaches the journal, and what it shares with the thread that writes.

use super::disk::{Disk, NoDisk};
use super::error::JournalError;
use super::follow::{Files, Following};
use super::format::put_fact;
use super::gathered::Gathered;
use super::options::{Durability, Options};
use super::reader::Tip;
use super::writer::{GATHER_BYTES, Writer};
use crate::model::{EpochMillis, Fact, Lsn};
use parking_lot::{Condvar, Mutex};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::watch;

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
pub(super) struct Counters {
    pub(super) facts: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) syncs: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) segment: AtomicU64,
    /// Times somebody asked for a new segment and has it.
    pub(super) rotations: AtomicU64,
}

/// What the handles and the writer share.
pub(super) struct Inner {
    pub(super) options: Options,
    pub(super) gathered: Mutex<Gathered>,
    /// Something has gathered, or the journal closes.
    pub(super) work: Condvar,
    pub(super) progress: watch::Sender<Progress>,
    /// For those who wait without a runtime.
    pub(super) settled: (Mutex<()>, Condvar),
    pub(super) failure: OnceLock<Arc<str>>,
    pub(super) counters: Counters,
    pub(super) thread: Mutex<Option<JoinHandle<()>>>,
    pub(super) directory: [u8; 16],
    /// Where the segments are; nowhere for a journal in memory.
    pub(super) files: Option<Files>,
    pub(super) following: Following,
    /// Facts from this number on are kept although snapshots hold them.
    pub(super) kept_from: AtomicU64,
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
        let inner = Arc::new(Inner {
            options,
            gathered: Mutex::new(Gathered::new(tip.next)),
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
        let mut writer = Writer::begin(inner.clone(), disk, dir, tip)?;
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
            let count = encode(encoded, at, facts);
            self.gather(encoded, count, at, SmallVec::new())
        })
    }

    /// The same with facts that are the journal's now: who follows gets these, and need not read again
    /// what was written.
    pub fn keep(&self, at: EpochMillis, facts: SmallVec<[Fact; 3]>) -> Lsn {
        ENCODED.with_borrow_mut(|encoded| {
            let count = encode(encoded, at, &facts);
            let given = match self.0.following.is_followed() {
                true => facts,
                false => SmallVec::new(),
            };
            self.gather(encoded, count, at, given)
        })
    }

    fn gather(
        &self,
        encoded: &[u8],
        count: u32,
        at: EpochMillis,
        given: SmallVec<[Fact; 3]>,
    ) -> Lsn {
        let mut gathered = self.0.gathered.lock();
        if gathered.closing || self.0.failure.get().is_some() {
            return Lsn(gathered.next);
        }
        gathered.make_room(encoded.len());
        let before = gathered.batch.bytes.len();
        let first = gathered.batch.count == 0;
        if first {
            gathered.since = Instant::now();
        }
        let batch = &mut gathered.batch;
        batch.bytes.extend_from_slice(encoded);
        batch.count += count;
        batch.facts.extend(given.into_iter().map(|fact| (at, fact)));
        let full = before < GATHER_BYTES && batch.bytes.len() >= GATHER_BYTES;
        gathered.next += u64::from(count);
        let last = Lsn(gathered.next - 1);
        drop(gathered);
        if first || full {
            self.0.work.notify_one();
        }
        last
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
        gathered.batch.bytes.len() + gathered.full_bytes
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

/// Puts the facts of one step into `out`, and nothing else; how many there are.
fn encode(out: &mut Vec<u8>, at: EpochMillis, facts: &[Fact]) -> u32 {
    out.clear();
    for fact in facts {
        put_fact(out, at, fact);
    }
    u32::try_from(facts.len()).expect("a step has few facts")
}
