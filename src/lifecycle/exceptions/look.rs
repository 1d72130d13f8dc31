//! Finding exceptions: by number, by what they are about, by what they wait for, and in pages.

use super::super::remedies::{Remedies, Remedy};
use super::{Exception, Exceptions};
use crate::model::{Cause, EpochMillis, ExceptionKind, OrderKey, SkuId, Subject, Topic, Trigger};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which exceptions to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this type.
    pub kind: Option<ExceptionKind>,
    /// For this reason.
    pub cause: Option<Cause>,
    /// Of this order.
    pub order: Option<OrderKey>,
    /// Assigned to this person.
    pub assigned_to: Option<Box<str>>,
    /// Resolved ones as well.
    pub resolved_too: bool,
}

impl Filter {
    fn shows(&self, exception: &Exception) -> bool {
        let order = exception.finding.subject.topic.order_key();
        self.kind.is_none_or(|kind| kind == exception.kind())
            && self.cause.is_none_or(|cause| cause == exception.cause())
            && self.order.as_ref().is_none_or(|o| Some(o) == order)
            && (self.assigned_to.is_none() || self.assigned_to == exception.assigned_to)
    }
}

impl Exceptions {
    /// The exception of this number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Exception> {
        let found = self.open.get(&id).or_else(|| self.resolved.get(&id));
        found.map(|e| &**e)
    }

    /// The open exception of this number.
    #[must_use]
    pub fn open_one(&self, id: u64) -> Option<&Arc<Exception>> {
        self.open.get(&id)
    }

    /// The open exception about this.
    #[must_use]
    pub fn about(&self, subject: &Subject) -> Option<&Exception> {
        self.about.get(subject).and_then(|id| self.get(*id))
    }

    /// The last resolved exception about this, unless it was forgotten.
    #[must_use]
    pub fn ended(&self, subject: &Subject) -> Option<&Exception> {
        let ended = self.ended.get(subject).and_then(|id| self.resolved.get(id));
        ended.map(|e| &**e)
    }

    /// SKUs that open ones wait for, ascending.
    #[must_use]
    pub fn waited_for(&self) -> Vec<SkuId> {
        let mut skus: Vec<SkuId> = self.waiting.iter().map(|(sku, _)| *sku).collect();
        skus.dedup();
        skus
    }

    /// Whether one about this is open, or was at `at` or later.
    #[must_use]
    pub fn knows(&self, subject: &Subject, at: EpochMillis) -> bool {
        let ended = self.ended(subject).and_then(|e| e.resolved.as_ref());
        self.about.contains_key(subject) || ended.is_some_and(|end| end.at >= at)
    }

    /// How many are open.
    #[must_use]
    pub fn open_len(&self) -> usize {
        self.open.len()
    }

    /// Exceptions that the filter lets through, numbers above `after`, oldest first, at most
    /// `limit`. It looks at each from there on until it has enough; at resolved ones only when asked;
    /// of one order only at its own open ones, unless resolved ones are asked for.
    #[must_use]
    pub fn list(&self, filter: &Filter, after: u64, limit: usize) -> Vec<&Exception> {
        if let (Some(order), false) = (&filter.order, filter.resolved_too) {
            let mut of_order: Vec<&Exception> = self.of_order(order).collect();
            of_order.retain(|e| e.id > after && filter.shows(e));
            of_order.sort_unstable_by_key(|e| e.id);
            of_order.truncate(limit);
            return of_order;
        }
        let page = |all: &'_ BTreeMap<u64, Arc<Exception>>| {
            let rest = all.range(after.saturating_add(1)..);
            let shown = rest.filter(|(_, e)| filter.shows(e)).map(|(&id, _)| id);
            shown.take(limit).collect::<Vec<u64>>()
        };
        let mut ids = page(&self.open);
        if filter.resolved_too {
            ids.append(&mut page(&self.resolved));
            ids.sort_unstable();
            ids.truncate(limit);
        }
        ids.into_iter().filter_map(|id| self.get(id)).collect()
    }

    /// The open exceptions of an order, those of the order as a whole first.
    pub fn of_order<'a>(&'a self, order: &OrderKey) -> impl Iterator<Item = &'a Exception> {
        let first = Subject {
            topic: Topic::order(order),
            cause: Cause::ALL[0],
        };
        let order = order.clone();
        let about = self.about.range(first..);
        about
            .take_while(move |(subject, _)| subject.topic.order_key() == Some(&order))
            .filter_map(|(_, id)| self.get(*id))
    }

    /// Which rules act on the exceptions that wait for `sku`, now that some of it can be promised:
    /// number and rule, oldest first.
    #[must_use]
    pub fn on_stock<'r>(&self, remedies: &'r Remedies, sku: SkuId) -> Vec<(u64, &'r Remedy)> {
        let waiting = self.waiting.range((sku, 0)..=(sku, u64::MAX));
        waiting
            .filter_map(|(_, id)| {
                let found = self.open.get(id)?;
                let rule = remedies.action(found, Trigger::StockArrived)?;
                Some((*id, rule))
            })
            .collect()
    }

    /// Numbers of those that are open.
    pub fn open_ids(&self) -> impl Iterator<Item = u64> {
        self.open.keys().copied()
    }
}
