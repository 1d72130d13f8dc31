//! A load offered by several threads at once, each with connections of its own.

use crate::bench::dialect::Dialect;
use crate::bench::drive::{
    DriveError, Gauge, Hello, Nanos, Plan, Record, SECOND, Schedule, Share, Sockets, drive,
};
use crate::bench::profile::Load;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time for the threads to connect before the run begins.
const HEAD_START: Duration = Duration::from_millis(100);

/// A load, and how it is offered.
pub struct Offer<'a> {
    /// The server.
    pub address: SocketAddr,
    /// Its language.
    pub dialect: Arc<dyn Dialect>,
    /// What is asked.
    pub load: &'a dyn Load,
    /// When.
    pub schedule: &'a Schedule,
    /// Seed of the moments.
    pub seed: u64,
    /// Connections of all threads.
    pub connections: usize,
    /// Threads of the driver.
    pub threads: usize,
    /// How it is paced.
    pub plan: Plan,
    /// What is due before this does not count.
    pub warm_up: Nanos,
}

/// When a run that is offered now begins: its threads connect before that.
pub(super) fn beginning() -> Instant {
    Instant::now() + HEAD_START
}

/// Offers all of it and waits for its end; `gauge` tells how far it is.
///
/// # Errors
/// When a connection fails.
pub fn offer(offer: &Offer<'_>, gauge: &Gauge, began: Instant) -> anyhow::Result<Record> {
    let threads = offer.threads.clamp(1, offer.connections.max(1));
    let interval = (offer.plan.until / 120).max(SECOND / 10);
    let dialect = offer.dialect.clone();
    let hello: Hello = Arc::new(move |stream| dialect.hello(stream));
    let run = |thread: usize| -> anyhow::Result<Record> {
        let first = offer.connections * thread / threads;
        let own = offer.connections * (thread + 1) / threads - first;
        let share = Share {
            first,
            own,
            all: offer.connections,
        };
        let mut wire = Sockets::connect(offer.address, own, hello.clone(), began)
            .with_context(|| format!("cannot connect to {}", offer.address))?;
        std::thread::sleep(began.saturating_duration_since(Instant::now()));
        let mut record = Record::new(offer.warm_up, interval);
        let driven: Result<(), DriveError> = drive(
            &mut wire,
            &*offer.dialect,
            offer.load,
            offer.schedule.arrivals(offer.seed),
            share,
            offer.plan,
            &mut record,
            gauge,
        );
        driven?;
        Ok(record)
    };
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        let mut all = Record::new(offer.warm_up, interval);
        for thread in threads {
            let record = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a thread of the driver died"))?;
            all.add(record?);
        }
        Ok(all)
    })
}
