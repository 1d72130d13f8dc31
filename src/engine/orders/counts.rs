//! What became of orders, counted.

use crate::engine::Engine;
use crate::model::Plan;
use std::sync::atomic::{AtomicU64, Ordering};

/// What became of orders so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Orders accepted, all kinds.
    pub accepted: u64,
    /// Of these with more than one shipment.
    pub split: u64,
    /// Of these with units that wait for supply.
    pub backordered: u64,
    /// Orders refused.
    pub refused: u64,
    /// Orders cancelled.
    pub cancelled: u64,
    /// Times an order was routed anew because its stock was taken meanwhile.
    pub rerouted: u64,
    /// Times units of an accepted order got another place.
    pub replanned: u64,
}

#[derive(Debug, Default)]
pub(in crate::engine) struct Counters {
    accepted: AtomicU64,
    split: AtomicU64,
    backordered: AtomicU64,
    refused: AtomicU64,
    pub(in crate::engine) cancelled: AtomicU64,
    pub(in crate::engine) rerouted: AtomicU64,
    pub(in crate::engine) replanned: AtomicU64,
}

impl Engine {
    /// What became of orders so far.
    #[must_use]
    pub fn order_counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: read(&self.counts.accepted),
            split: read(&self.counts.split),
            backordered: read(&self.counts.backordered),
            refused: read(&self.counts.refused),
            cancelled: read(&self.counts.cancelled),
            rerouted: read(&self.counts.rerouted),
            replanned: read(&self.counts.replanned),
        }
    }

    /// How many orders others are compared with, to find those that look alike.
    #[must_use]
    pub fn orders_compared(&self) -> usize {
        self.duplicates.len()
    }

    pub(in crate::engine) fn count(&self, plan: &Plan) {
        self.counts.accepted.fetch_add(1, Ordering::Relaxed);
        self.count_kind(plan, |counter| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// An accepted order has another plan now.
    pub(in crate::engine) fn count_anew(&self, before: &Plan, now: &Plan) {
        self.count_kind(before, |counter| {
            counter.fetch_sub(1, Ordering::Relaxed);
        });
        self.count_kind(now, |counter| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    }

    fn count_kind(&self, plan: &Plan, count: impl Fn(&AtomicU64)) {
        if plan.shipments.len() > 1 {
            count(&self.counts.split);
        }
        if !plan.short.is_empty() {
            count(&self.counts.backordered);
        }
    }

    pub(in crate::engine) fn count_refused(&self) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
    }
}
