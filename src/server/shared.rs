//! What all sessions of a server share.

use super::clock::Clock;
use super::config::ServerConfig;
use crate::engine::Engine;
use crate::journal::Journal;
use dashmap::DashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    /// Where the engine's facts go; nowhere when absent.
    pub(super) journal: Option<Journal>,
    pub(super) config: ServerConfig,
    pub(super) clock: Clock,
    pub(super) clients: DashMap<u64, ClientEntry>,
    pub(super) next_client: AtomicU64,
    pub(super) unauthenticated: AtomicUsize,
    pub(super) stats: Stats,
}

impl Shared {
    pub(super) fn new(
        engine: Arc<Engine>,
        journal: Option<Journal>,
        config: ServerConfig,
        clock: Clock,
    ) -> Self {
        Self {
            engine,
            journal,
            config,
            clock,
            clients: DashMap::new(),
            next_client: AtomicU64::new(1),
            unauthenticated: AtomicUsize::new(0),
            stats: Stats::default(),
        }
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
