//! Who makes events of facts: one thread that follows the journal.
//!
//! It sees a fact once it is as safe as the journal's mode promises, so no event tells of what a
//! crash takes back; and it holds no lock that a command waits for. After a start it reads the
//! segments that are kept, so that the feed has what it had; until then readers of the feed are
//! told to come again.

use crate::engine::Engine;
use crate::feed::{Batch, Limits, StreamName, from_fact};
use crate::journal::{Follower, Journal, JournalError};
use crate::model::{EpochMillis, Fact, Lsn};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// So many events go into their streams together.
const TOGETHER: usize = 256;

pub(super) struct Feeder {
    journal: Journal,
    /// A journal in memory, which exists for the feed alone.
    in_memory: bool,
    caught_up: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Feeder {
    /// Begins to feed the engine's feed, which keeps the newest `keep` events of each stream, from
    /// its journal. Without one the facts are followed from now on, unless somebody else has them:
    /// then there is no feeder.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(super) fn start(
        engine: &Arc<Engine>,
        journal: Option<Journal>,
        keep: usize,
    ) -> Result<Option<Self>, JournalError> {
        let in_memory = journal.is_none();
        let journal = match journal {
            Some(journal) => journal,
            None => match in_memory_journal(engine)? {
                Some(journal) => journal,
                None => return Ok(None),
            },
        };
        engine.feed().set_limits(|_| Limits {
            events: keep.max(1),
            ..Limits::default()
        });
        let follower = journal.follow()?;
        journal.keep_from(follower.next());
        let caught_up = Arc::new(AtomicBool::new(false));
        let feeding = Feeding {
            engine: engine.clone(),
            journal: journal.clone(),
            batch: Batch::new(),
            last: Lsn(follower.next().0 - 1),
            resume: engine.feed().resumes_at(),
            target: journal.durable(),
            caught_up: caught_up.clone(),
        };
        let thread = std::thread::Builder::new().name("feed".to_owned());
        let thread = thread.spawn(move || feeding.run(follower));
        let thread = thread.map_err(JournalError::io("start the thread of", "the feed"))?;
        Ok(Some(Self {
            journal,
            in_memory,
            caught_up,
            thread: Mutex::new(Some(thread)),
        }))
    }

    /// Whether everything is in the feed that was safe when it began.
    pub(super) fn is_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Acquire)
    }

    /// The number of the last fact that is safe.
    pub(super) fn safe(&self) -> Lsn {
        self.journal.durable()
    }

    /// Facts that wait to be followed, where there is no journal on disk to wait for.
    pub(super) fn memory(&self) -> Option<&Journal> {
        self.in_memory.then_some(&self.journal)
    }

    /// Ends feeding.
    pub(super) fn stop(&self) {
        self.journal.stop_following();
        if self.in_memory {
            // It keeps nothing, so there is nothing that closing could lose.
            let _ = self.journal.close();
        }
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the feed ended before its time");
        }
    }
}

/// A journal in memory for an engine whose facts went nowhere until now.
fn in_memory_journal(engine: &Engine) -> Result<Option<Journal>, JournalError> {
    let mut made = None;
    engine.keep_facts(|latest| {
        let journal = Journal::in_memory(latest)?;
        made = Some(journal.clone());
        Ok::<_, JournalError>(Box::new(journal))
    })?;
    Ok(made)
}

struct Feeding {
    engine: Arc<Engine>,
    journal: Journal,
    batch: Batch,
    /// The last fact that was seen.
    last: Lsn,
    /// The fact at which counts go on from before a restart.
    resume: Option<Lsn>,
    /// The last fact that was safe when feeding began.
    target: Lsn,
    caught_up: Arc<AtomicBool>,
}

impl Feeding {
    fn run(mut self, mut follower: Follower) {
        self.settle();
        while follower.wait(&mut |lsn, at, fact| self.take(lsn, at, &fact)) {
            self.settle();
        }
    }

    fn take(&mut self, lsn: Lsn, at: EpochMillis, fact: &Fact) {
        if self.resume.take_if(|resume| lsn > *resume).is_some() {
            self.flush();
            self.engine.feed().mark(Lsn(lsn.0 - 1));
        }
        from_fact(lsn, at, fact, &*self.engine, &mut self.batch);
        self.last = lsn;
        if self.batch.len() >= TOGETHER {
            self.flush();
            self.engine.feed().mark(lsn);
        }
    }

    fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let skipped = self.engine.feed().append(&self.batch);
        if skipped > 0 {
            tracing::error!(skipped, last = self.last.0, "events came out of order");
        }
        self.batch.clear();
    }

    /// Everything that came together is in the feed.
    fn settle(&mut self) {
        self.flush();
        let feed = self.engine.feed();
        if self.resume.is_none_or(|resume| self.last >= resume) {
            self.resume = None;
            feed.mark(self.last);
        }
        if self.last < self.target {
            return;
        }
        self.caught_up.store(true, Ordering::Release);
        let next = Lsn(self.last.0 + 1);
        let events = feed.stats(StreamName::Events);
        self.journal.keep_from(match events.len {
            0 => next,
            _ => Lsn(events.first.fact).min(next),
        });
    }
}
