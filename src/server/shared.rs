//! What all sessions of a server share.

use super::backlog::Runs;
use super::clock::Clock;
use super::config::ServerConfig;
use super::early::Early;
use super::feeder::Feeder;
use super::later::Workers;
use super::pricer::Pricer;
use super::snapshots::Snapshots;
use super::timer::Timer;
use crate::engine::Engine;
use crate::journal::Journal;
use crate::model::EpochMillis;
use arc_swap::ArcSwapOption;
use crossbeam::utils::CachePadded;
use dashmap::DashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// A connected client, as others may see it.
#[derive(Debug)]
pub(super) struct ClientEntry {
    pub(super) peer: SocketAddr,
    pub(super) since_millis: u64,
    pub(super) name: String,
    pub(super) library: String,
    /// Notified when the connection shall close.
    pub(super) kill: Arc<Notify>,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) connections: AtomicU64,
    pub(super) refused_connections: AtomicU64,
    pub(super) commands: AtomicU64,
    pub(super) errors: AtomicU64,
}

/// What commands are carried out with, once all state is there.
pub(super) struct Ready {
    pub(super) engine: Arc<Engine>,
    /// Where the engine's facts go; nowhere when absent.
    pub(super) journal: Option<Journal>,
    /// Who takes snapshots; nobody without a data directory.
    pub(super) snapshots: Option<Arc<Snapshots>>,
    /// Who makes events of facts; nobody where there is no feed.
    pub(super) feeder: Option<Feeder>,
    /// Who does what takes long; nobody where no thread could be had.
    pub(super) workers: Option<Arc<Workers>>,
    /// Who prices scarce units; nobody where no thread could be had.
    pub(super) pricer: Option<Arc<Pricer>>,
    /// Re-optimisations of the backlog.
    pub(super) runs: Arc<Runs>,
    /// Who does what is due; kept so that it works.
    pub(super) timer: Option<Timer>,
    /// Tells engine time.
    pub(super) clock: Clock,
}

pub(super) struct Shared {
    ready: OnceLock<Ready>,
    /// What can be said before.
    pub(super) early: ArcSwapOption<Early>,
    pub(super) config: ServerConfig,
    /// Tells how long the server is up.
    pub(super) clock: Clock,
    pub(super) clients: DashMap<u64, ClientEntry>,
    pub(super) next_client: AtomicU64,
    pub(super) unauthenticated: AtomicUsize,
    /// Every command counts itself; what only is read must not lie beside it.
    pub(super) stats: CachePadded<Stats>,
}

impl Shared {
    pub(super) fn new(config: ServerConfig, clock: Clock) -> Self {
        Self {
            ready: OnceLock::new(),
            early: ArcSwapOption::empty(),
            config,
            clock,
            clients: DashMap::new(),
            next_client: AtomicU64::new(1),
            unauthenticated: AtomicUsize::new(0),
            stats: CachePadded::default(),
        }
    }

    /// All state is there from now on.
    pub(super) fn open(&self, ready: Ready) {
        let first = self.ready.set(ready).is_ok();
        assert!(first, "a server is opened once");
        self.early.store(None);
    }

    /// What commands are carried out with; `None` while state is being read.
    #[inline]
    pub(super) fn ready(&self) -> Option<&Ready> {
        self.ready.get()
    }

    /// Engine time; wall time while state is being read.
    pub(super) fn now(&self) -> EpochMillis {
        self.ready.get().map_or(self.clock, |r| r.clock).now()
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
