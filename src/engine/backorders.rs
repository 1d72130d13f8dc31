//! Which orders wait for units of a SKU, in the order in which they get them: the higher priority
//! first, then the older.
//!
//! Made from the orders, never written down. Whoever changes an order has it locked and says here what
//! it waits for now, so finding who may have what has arrived looks at nobody else.

use crate::model::{OrderKey, Qty, SkuId};
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Locks: two SKUs rarely share one.
const LOCKS: usize = 64;

/// The order of getting units: the higher priority, then the older order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    priority: Reverse<i32>,
    sequence: u64,
    pub(super) key: OrderKey,
}

impl Rank {
    pub(super) fn new(priority: i32, sequence: u64, key: OrderKey) -> Self {
        Self {
            priority: Reverse(priority),
            sequence,
            key,
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeMap<Rank, Qty>,
    /// Units over all that wait, and of orders that are being accepted.
    units: u64,
}

type Queues = Mutex<HashMap<SkuId, Queue, RandomState>>;

/// By SKU.
#[derive(Debug)]
pub(super) struct Backorders {
    queues: [Queues; LOCKS],
    /// How many (order, SKU) wait: nobody looks further while it is 0.
    count: AtomicUsize,
}

impl Default for Backorders {
    fn default() -> Self {
        Self {
            queues: std::array::from_fn(|_| Mutex::default()),
            count: AtomicUsize::new(0),
        }
    }
}

/// Units that an order which is being accepted will wait for; given back when it is dropped. Once
/// the order is remembered it waits on its own account.
pub(super) struct Admission<'b> {
    backorders: &'b Backorders,
    units: Vec<(SkuId, Qty)>,
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        for &(sku, qty) in &self.units {
            let of = |queue: &mut Queue| queue.units = queue.units.saturating_sub(u64::from(qty.0));
            self.backorders.at(sku, of);
        }
    }
}

impl Backorders {
    fn at<T>(&self, sku: SkuId, work: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queues = self.queues[sku.index() % LOCKS].lock();
        let done = work(queues.entry(sku).or_default());
        if queues
            .get(&sku)
            .is_some_and(|q| q.units == 0 && q.waiting.is_empty())
        {
            queues.remove(&sku);
        }
        done
    }

    /// An order waits for this many units of a SKU from now on; for none it waits no more.
    pub(super) fn put(&self, sku: SkuId, rank: &Rank, qty: Qty) {
        self.at(sku, |queue| {
            let before = match qty.is_zero() {
                true => queue.waiting.remove(rank),
                false => queue.waiting.insert(rank.clone(), qty),
            };
            match (before, qty.is_zero()) {
                (None, false) => self.count.fetch_add(1, Ordering::Relaxed),
                (Some(_), true) => self.count.fetch_sub(1, Ordering::Relaxed),
                _ => 0,
            };
            let before = before.map_or(0, |q| u64::from(q.0));
            queue.units = (queue.units + u64::from(qty.0)).saturating_sub(before);
        });
    }

    /// Lets units of an order wait that would make no more of a SKU wait than `most` says.
    ///
    /// # Errors
    /// What more than that would be: the SKU, the units that wait already, and the most.
    pub(super) fn admit(
        &self,
        units: &[(SkuId, Qty)],
        most: impl Fn(SkuId) -> Option<u64>,
    ) -> Result<Admission<'_>, (SkuId, u64, u64)> {
        let mut admission = Admission {
            backorders: self,
            units: Vec::with_capacity(units.len()),
        };
        for &(sku, qty) in units {
            let most = most(sku);
            self.at(sku, |queue| {
                let sum = queue.units + u64::from(qty.0);
                if let Some(most) = most.filter(|&most| sum > most) {
                    return Err((sku, queue.units, most));
                }
                queue.units = sum;
                Ok(())
            })?;
            admission.units.push((sku, qty));
        }
        Ok(admission)
    }

    /// Whether anybody waits for anything.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// Who waits for a SKU next after `last`, the first when `None`.
    pub(super) fn next(&self, sku: SkuId, last: Option<&Rank>) -> Option<Rank> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let queues = self.queues[sku.index() % LOCKS].lock();
        let mut after = queues.get(&sku)?.waiting.range((from, Bound::Unbounded));
        after.next().map(|(rank, _)| rank.clone())
    }

    /// Units that wait for a SKU before an order.
    pub(super) fn ahead(&self, sku: SkuId, rank: &Rank) -> u64 {
        let queues = self.queues[sku.index() % LOCKS].lock();
        queues.get(&sku).map_or(0, |queue| {
            let before = queue.waiting.range(..rank);
            before.map(|(_, qty)| u64::from(qty.0)).sum()
        })
    }

    /// How many orders wait for a SKU, and for how many units.
    pub(super) fn of(&self, sku: SkuId) -> (usize, u64) {
        let queues = self.queues[sku.index() % LOCKS].lock();
        let queue = queues.get(&sku);
        queue.map_or((0, 0), |q| (q.waiting.len(), q.units))
    }

    /// All SKUs that somebody waits for.
    pub(super) fn skus(&self) -> Vec<SkuId> {
        let mut all: Vec<SkuId> = Vec::new();
        for queues in &self.queues {
            let queues = queues.lock();
            let waited = queues.iter().filter(|(_, q)| !q.waiting.is_empty());
            all.extend(waited.map(|(sku, _)| *sku));
        }
        all.sort_unstable();
        all
    }
}
