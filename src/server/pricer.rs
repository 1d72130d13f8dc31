//! Who prices scarce units anew while orders come: one thread of its own.
//!
//! It prices when enough units have moved and the last time is long enough ago, and when somebody
//! asks. Orders are routed by the prices before until the new ones are there; nobody waits for it.

use super::clock::Clock;
use super::later::Later;
use crate::engine::{Engine, Priced};
use crate::model::PricingRules;
use crate::wire::Reply;
use parking_lot::{Condvar, Mutex};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How often it looks whether enough has moved.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How the last pricing went.
#[derive(Debug, Clone, Default)]
pub(super) struct Last {
    pub(super) priced: Priced,
    pub(super) took: Duration,
    /// When it ended; `None` before the first.
    pub(super) at: Option<Instant>,
    /// How many there were.
    pub(super) count: u64,
    pub(super) failure: Option<String>,
}

#[derive(Default)]
struct Asked {
    by: Vec<oneshot::Sender<Reply>>,
    stopping: bool,
}

pub(super) struct Pricer {
    engine: Arc<Engine>,
    clock: Clock,
    rules: PricingRules,
    asked: Mutex<Asked>,
    bell: Condvar,
    last: Mutex<Last>,
    /// Units that had moved at the last pricing.
    moved: Mutex<u64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Pricer {
    /// Begins to look after the prices of an engine, by the rules of its network.
    pub(super) fn start(engine: Arc<Engine>, clock: Clock) -> std::io::Result<Arc<Self>> {
        // Pricing shares itself out over the threads of where it runs: here there is one.
        let pool = ThreadPoolBuilder::new().num_threads(1);
        let pool = pool.thread_name(|_| "pricing".to_owned()).build();
        let pool = pool.map_err(std::io::Error::other)?;
        let this = Arc::new(Self {
            rules: engine.with_network(|network| network.pricing.clone()),
            engine,
            clock,
            asked: Mutex::default(),
            bell: Condvar::new(),
            last: Mutex::default(),
            moved: Mutex::default(),
            thread: Mutex::default(),
        });
        let looking = this.clone();
        let thread = std::thread::Builder::new().name("scarcity".to_owned());
        let thread = thread.spawn(move || looking.run(&pool))?;
        *this.thread.lock() = Some(thread);
        Ok(this)
    }

    /// Prices now; answered when the new prices are there.
    pub(super) fn price_now(&self) -> Later {
        let (tell, told) = oneshot::channel();
        self.asked.lock().by.push(tell);
        self.bell.notify_one();
        Box::pin(async {
            let stopped = Reply::error("ERR", "the server is shutting down");
            told.await.unwrap_or(stopped)
        })
    }

    /// Ends looking.
    pub(super) fn stop(&self) {
        self.asked.lock().stopping = true;
        self.bell.notify_one();
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the prices ended before its time");
        }
    }

    pub(super) const fn rules(&self) -> &PricingRules {
        &self.rules
    }

    pub(super) fn last(&self) -> Last {
        self.last.lock().clone()
    }

    /// Units that have moved since the last pricing.
    pub(super) fn moved(&self) -> u64 {
        self.engine.units_moved() - *self.moved.lock()
    }

    fn run(&self, pool: &ThreadPool) {
        loop {
            let mut asked = self.asked.lock();
            while !asked.stopping && asked.by.is_empty() && !self.is_due() {
                match self.rules.live {
                    true => drop(self.bell.wait_for(&mut asked, LOOK_EVERY)),
                    false => self.bell.wait(&mut asked),
                }
            }
            if asked.stopping {
                // Whoever still asks is told by its end.
                asked.by.clear();
                return;
            }
            let by = std::mem::take(&mut asked.by);
            drop(asked);
            let reply = pool.install(|| self.price());
            for tell in by {
                let _ = tell.send(reply.clone());
            }
        }
    }

    fn is_due(&self) -> bool {
        let rested = |at: Instant| at.elapsed() >= Duration::from_millis(self.rules.every.0);
        self.rules.live
            && self.moved() >= self.rules.moved_units
            && self.last.lock().at.is_none_or(rested)
    }

    fn price(&self) -> Reply {
        let begun = Instant::now();
        *self.moved.lock() = self.engine.units_moved();
        let priced = self.engine.price_scarcity(&self.rules, self.clock.now());
        let took = begun.elapsed();
        let mut last = self.last.lock();
        last.count += 1;
        (last.took, last.at) = (took, Some(Instant::now()));
        match priced {
            Ok(priced) => {
                (last.priced, last.failure) = (priced, None);
                tracing::debug!(?priced, ?took, "priced scarce units");
                let count = |n: usize| Reply::Int(i64::try_from(n).unwrap_or(i64::MAX));
                let millis = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
                Reply::map([
                    ("orders", count(priced.orders)),
                    ("positions", count(priced.positions)),
                    ("millis", Reply::Int(millis)),
                ])
            }
            Err(error) => {
                tracing::error!(%error, "scarce units keep the prices that they had");
                last.failure = Some(error.to_string());
                Reply::error(error.code(), error.to_string())
            }
        }
    }
}
