//! From the ledger's facts to the history: who keeps them and under which number.

use super::Engine;
use crate::ledger::FactLog;
use crate::model::{Decision, EpochMillis, Fact, Lsn, Order, OrderKey};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keeps facts. Called while the locks of what a fact is about are held, so it must be short.
pub trait FactSink: Send + Sync {
    /// Keeps one fact and gives it the next number of the history.
    fn append(&self, at: EpochMillis, fact: &Fact) -> Lsn;
}

/// Where facts go.
pub(super) struct History {
    sink: Option<Box<dyn FactSink>>,
    /// The number of the latest fact, when nobody keeps them.
    counted: AtomicU64,
}

impl History {
    pub(super) fn new(sink: Option<Box<dyn FactSink>>) -> Self {
        Self {
            sink,
            counted: AtomicU64::new(0),
        }
    }

    pub(super) fn append(&self, at: EpochMillis, fact: impl FnOnce() -> Fact) {
        match &self.sink {
            Some(sink) => {
                self.counted
                    .fetch_max(sink.append(at, &fact()).0, Ordering::Relaxed);
            }
            None => {
                self.counted.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn latest(&self) -> Lsn {
        Lsn(self.counted.load(Ordering::Relaxed))
    }
}

/// Passes facts on as they are.
pub(super) struct AsIs<'e> {
    pub(super) engine: &'e Engine,
    pub(super) now: EpochMillis,
}

impl FactLog for AsIs<'_> {
    fn record(&self, fact: impl FnOnce() -> Fact) {
        self.engine.history.append(self.now, fact);
    }
}

/// Turns the claims of an order into its acceptance: one fact, so that no history can hold the
/// one without the other.
pub(super) struct Acceptance<'e> {
    pub(super) engine: &'e Engine,
    pub(super) now: EpochMillis,
    pub(super) order: &'e Arc<Order>,
    pub(super) decision: &'e Arc<Decision>,
}

impl FactLog for Acceptance<'_> {
    fn record(&self, fact: impl FnOnce() -> Fact) {
        self.engine.history.append(self.now, || match fact() {
            Fact::Reserved {
                channel, claims, ..
            } => Fact::OrderAccepted {
                order: self.order.clone(),
                decision: self.decision.clone(),
                channel,
                claims,
            },
            other => other,
        });
    }
}

/// Turns the release of an order's claims into its cancellation.
pub(super) struct Cancellation<'e> {
    pub(super) engine: &'e Engine,
    pub(super) now: EpochMillis,
    pub(super) key: &'e OrderKey,
}

impl FactLog for Cancellation<'_> {
    fn record(&self, _: impl FnOnce() -> Fact) {
        let key = || Fact::OrderCancelled {
            key: self.key.clone(),
        };
        self.engine.history.append(self.now, key);
    }
}
