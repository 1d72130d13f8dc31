//! Who takes snapshots: on command, and when so much has been written or so long ago.

use crate::engine::Engine;
use crate::journal::{Disk, Journal};
use crate::model::EpochMillis;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where snapshots go and when they are taken by themselves.
#[derive(Clone)]
pub struct SnapshotPlan {
    /// The files.
    pub disk: Arc<dyn Disk>,
    /// The data directory.
    pub dir: PathBuf,
    /// Once the journal has grown by so many bytes; never when absent.
    pub every_bytes: Option<u64>,
    /// Once the last one is so old and something has happened since; never when absent.
    pub every: Option<Duration>,
    /// Bytes of the journal that the last start had to read.
    pub behind: u64,
}

/// How the last one went.
#[derive(Debug, Clone, Default)]
pub(super) struct Last {
    pub(super) fact: u64,
    pub(super) bytes: u64,
    pub(super) took: Duration,
    pub(super) failure: Option<String>,
}

pub(super) struct Snapshots {
    plan: SnapshotPlan,
    engine: Arc<Engine>,
    journal: Journal,
    running: AtomicBool,
    taken: AtomicU64,
    last: Mutex<Last>,
    /// Bytes that the journal had written, its facts, and the time, when the last one began.
    since: Mutex<(u64, u64, Instant)>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Snapshots {
    pub(super) fn new(plan: SnapshotPlan, engine: Arc<Engine>, journal: Journal) -> Self {
        let fact = engine.latest_fact().0;
        Self {
            plan,
            engine,
            journal,
            running: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            last: Mutex::default(),
            since: Mutex::new((0, fact, Instant::now())),
            thread: Mutex::new(None),
        }
    }

    /// Begins to take one in a thread of its own. Returns whether it did: one at a time is taken.
    pub(super) fn start(self: &Arc<Self>, now: EpochMillis) -> std::io::Result<bool> {
        if self.running.swap(true, Ordering::AcqRel) {
            return Ok(false);
        }
        let fact = self.engine.latest_fact().0;
        *self.since.lock() = (self.journal.stats().bytes, fact, Instant::now());
        let this = self.clone();
        let thread = std::thread::Builder::new().name("snapshot".to_owned());
        let thread = thread.spawn(move || this.take(now));
        if thread.is_err() {
            self.running.store(false, Ordering::Release);
        }
        *self.thread.lock() = Some(thread?);
        Ok(true)
    }

    /// Waits for the one that is being taken, if any.
    pub(super) fn wait(&self) {
        let thread = self.thread.lock().take();
        // It has said itself what went wrong.
        let _ = thread.map(std::thread::JoinHandle::join);
    }

    /// Begins one if it is time.
    pub(super) fn start_if_due(self: &Arc<Self>, now: EpochMillis) {
        if !self.is_running()
            && self.is_due()
            && let Err(error) = self.start(now)
        {
            tracing::warn!(%error, "no thread for a snapshot");
        }
    }

    fn is_due(&self) -> bool {
        if self.journal.failure().is_some() {
            return false;
        }
        let (bytes, fact, when) = *self.since.lock();
        let mut grown = self.journal.stats().bytes - bytes;
        if self.taken.load(Ordering::Relaxed) == 0 {
            grown += self.plan.behind;
        }
        let much = self.plan.every_bytes.is_some_and(|most| grown >= most);
        let old = self.plan.every.is_some_and(|every| when.elapsed() >= every);
        much || (old && self.engine.latest_fact().0 > fact)
    }

    fn take(&self, now: EpochMillis) {
        let begun = Instant::now();
        let plan = &self.plan;
        let taken = self
            .engine
            .take_snapshot(&self.journal, &*plan.disk, &plan.dir, now);
        let took = begun.elapsed();
        let mut last = self.last.lock();
        match taken {
            Ok(taken) => {
                tracing::info!(
                    file = %taken.file.name,
                    bytes = taken.file.bytes,
                    removed = taken.removed,
                    ?took,
                    "took a snapshot"
                );
                *last = Last {
                    fact: taken.at.0,
                    bytes: taken.file.bytes,
                    took,
                    failure: None,
                };
            }
            Err(error) => {
                tracing::error!(%error, "no snapshot was taken; what was there before is there");
                last.failure = Some(error.to_string());
            }
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.running.store(false, Ordering::Release);
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    pub(super) fn last(&self) -> (u64, Last) {
        (self.taken.load(Ordering::Relaxed), self.last.lock().clone())
    }
}
