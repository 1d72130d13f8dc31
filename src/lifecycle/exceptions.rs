//! What needs a decision, until it has one.
//!
//! Invariants: for one order, fulfilment order and cause at most one exception is open, so a
//! finding that is found again opens nothing; a number is never used again; the counts are those of
//! everything ever opened and resolved, also of what was forgotten since.
//!
//! Who may decide, and carrying a decision out, are left to the caller.

use super::causes::{Cause, ExceptionKind};
use super::remedies::{Action, Remedies, Trigger};
use crate::model::{ChannelId, EpochMillis, Invalid, OrderKey, SkuId};
use bincode::{Decode, Encode};
use std::collections::{BTreeMap, BTreeSet};

/// What an exception is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Subject {
    /// The order.
    pub order: OrderKey,
    /// The number of its fulfilment order; `None` is the order as a whole.
    pub fulfillment: Option<u32>,
    /// Why.
    pub cause: Cause,
}

/// What was found, when opening an exception.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Finding {
    /// About what.
    pub subject: Subject,
    /// The channel of the order: rules go by it.
    pub channel: ChannelId,
    /// Readable particulars: which field, how many units, which other order.
    pub detail: Box<str>,
    /// SKUs whose arrival could resolve it.
    pub waits_for: Vec<SkuId>,
}

/// How an exception ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Resolved {
    /// When.
    pub at: EpochMillis,
    /// By whom; `None` is by a rule.
    pub by: Option<Box<str>>,
    /// What was done.
    pub how: Box<str>,
}

/// Something that needs a decision, or needed one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Exception {
    /// Its number, from 1.
    pub id: u64,
    /// What was found.
    pub finding: Finding,
    /// When.
    pub opened: EpochMillis,
    /// Who took it on.
    pub assigned_to: Option<Box<str>>,
    /// How it ended.
    pub resolved: Option<Resolved>,
}

impl Exception {
    /// Why.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.finding.subject.cause
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> ExceptionKind {
        self.cause().kind()
    }
}

/// How many there were, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Counts {
    /// Ever opened.
    pub opened: u64,
    /// Of these: resolved by somebody.
    pub resolved: u64,
    /// Of these: resolved by a rule.
    pub automatic: u64,
}

impl Counts {
    /// Still open.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.opened - self.resolved - self.automatic
    }
}

/// Which exceptions to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this type.
    pub kind: Option<ExceptionKind>,
    /// Of this order.
    pub order: Option<OrderKey>,
    /// Assigned to this person.
    pub assigned_to: Option<Box<str>>,
    /// Resolved ones as well.
    pub resolved_too: bool,
}

/// All exceptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Exceptions {
    last: u64,
    /// Kept apart from the resolved ones, so that looking at what is open stays cheap.
    open: BTreeMap<u64, Exception>,
    resolved: BTreeMap<u64, Exception>,
    /// The open ones, by what they are about.
    about: BTreeMap<Subject, u64>,
    /// Open ones that wait for a SKU.
    waiting: BTreeSet<(SkuId, u64)>,
    counts: BTreeMap<Cause, Counts>,
}

impl Exceptions {
    /// Opens an exception, or answers the open one about the same; `true` when it is new.
    pub fn open(&mut self, finding: Finding, at: EpochMillis) -> (&Exception, bool) {
        let known = self.about.get(&finding.subject).copied();
        let id = known.unwrap_or(self.last + 1);
        if known.is_none() {
            self.last = id;
            self.about.insert(finding.subject.clone(), id);
            let waits = finding.waits_for.iter();
            self.waiting.extend(waits.map(|&sku| (sku, id)));
            self.counts.entry(finding.subject.cause).or_default().opened += 1;
        }
        let exception = self.open.entry(id).or_insert_with(|| Exception {
            id,
            finding,
            opened: at,
            assigned_to: None,
            resolved: None,
        });
        (exception, known.is_none())
    }

    /// The exception of this number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Exception> {
        self.open.get(&id).or_else(|| self.resolved.get(&id))
    }

    /// Exceptions that the filter lets through, numbers above `after`, oldest first, at most
    /// `limit`. It looks at each from there on until it has enough; at resolved ones only when asked.
    #[must_use]
    pub fn list(&self, filter: &Filter, after: u64, limit: usize) -> Vec<&Exception> {
        let page = |all: &'_ BTreeMap<u64, Exception>| {
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

    /// The open exceptions of an order.
    pub fn of_order<'a>(&'a self, order: &OrderKey) -> impl Iterator<Item = &'a Exception> {
        let first = Subject {
            order: order.clone(),
            fulfillment: None,
            cause: Cause::ALL[0],
        };
        let order = order.clone();
        let about = self.about.range(first..);
        about
            .take_while(move |(subject, _)| subject.order == order)
            .filter_map(|(_, id)| self.open.get(id))
    }

    /// Gives it to somebody, or to nobody. Doing so again changes nothing.
    ///
    /// # Errors
    /// There is none, or it is resolved.
    pub fn assign(&mut self, id: u64, to: Option<&str>) -> Result<&Exception, Invalid> {
        if self.resolved.contains_key(&id) {
            let expected = "an open exception; this one is resolved";
            return Err(Invalid::new("exception", id, expected));
        }
        let exception = self.open.get_mut(&id).ok_or_else(|| unknown(id))?;
        exception.assigned_to = to.map(Into::into);
        Ok(exception)
    }

    /// Ends it. The second time it is answered as it ended the first time, with `false`.
    ///
    /// # Errors
    /// There is none.
    pub fn resolve(
        &mut self,
        id: u64,
        by: Option<&str>,
        how: &str,
        at: EpochMillis,
    ) -> Result<(&Exception, bool), Invalid> {
        let Some(mut exception) = self.open.remove(&id) else {
            let known = self.resolved.get(&id);
            return known.map(|e| (e, false)).ok_or_else(|| unknown(id));
        };
        exception.resolved = Some(Resolved {
            at,
            by: by.map(Into::into),
            how: how.into(),
        });
        self.about.remove(&exception.finding.subject);
        for &sku in &exception.finding.waits_for {
            self.waiting.remove(&(sku, id));
        }
        let counts = self.counts.entry(exception.cause()).or_default();
        match by {
            Some(_) => counts.resolved += 1,
            None => counts.automatic += 1,
        }
        Ok((self.resolved.entry(id).or_insert(exception), true))
    }

    /// What rules do about the exceptions that wait for `sku`, now that some has arrived: number and
    /// action, oldest first. Each has then to be resolved by whoever carries the action out.
    #[must_use]
    pub fn on_stock(&self, remedies: &Remedies, sku: SkuId) -> Vec<(u64, Action)> {
        let waiting = self.waiting.range((sku, 0)..=(sku, u64::MAX));
        waiting
            .filter_map(|(_, id)| {
                let found = self.open.get(id)?;
                let action = remedies.action(found, Trigger::StockArrived)?;
                Some((*id, action))
            })
            .collect()
    }

    /// How many there were of every cause that ever occurred.
    pub fn counts(&self) -> impl Iterator<Item = (Cause, Counts)> {
        self.counts.iter().map(|(&cause, &counts)| (cause, counts))
    }

    /// How many there were of a type.
    #[must_use]
    pub fn counts_of(&self, kind: ExceptionKind) -> Counts {
        let of_kind = self.counts().filter(|(cause, _)| cause.kind() == kind);
        of_kind.fold(Counts::default(), |sum, (_, c)| Counts {
            opened: sum.opened + c.opened,
            resolved: sum.resolved + c.resolved,
            automatic: sum.automatic + c.automatic,
        })
    }

    /// Forgets what was resolved before `before`; the counts stay. Answers how many.
    pub fn forget_resolved(&mut self, before: EpochMillis) -> usize {
        let known = self.resolved.len();
        self.resolved
            .retain(|_, e| e.resolved.as_ref().is_none_or(|r| r.at >= before));
        known - self.resolved.len()
    }
}

impl Filter {
    fn shows(&self, exception: &Exception) -> bool {
        let subject = &exception.finding.subject;
        self.kind.is_none_or(|kind| kind == exception.kind())
            && self.order.as_ref().is_none_or(|o| *o == subject.order)
            && (self.assigned_to.is_none() || self.assigned_to == exception.assigned_to)
    }
}

fn unknown(id: u64) -> Invalid {
    Invalid::new("exception", id, "the number of an exception")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(order: &str, cause: Cause) -> Finding {
        Finding {
            subject: Subject {
                order: OrderKey::new("shop", order),
                fulfillment: None,
                cause,
            },
            channel: ChannelId(0),
            detail: "".into(),
            waits_for: vec![SkuId(7), SkuId(8)],
        }
    }

    fn open(exceptions: &mut Exceptions, order: &str, cause: Cause) -> (u64, bool) {
        let (exception, new) = exceptions.open(finding(order, cause), EpochMillis(1));
        (exception.id, new)
    }

    #[test]
    fn the_same_finding_opens_one_exception_until_it_is_resolved() {
        let mut all = Exceptions::default();
        assert_eq!(open(&mut all, "1", Cause::NoStock), (1, true));
        assert_eq!(open(&mut all, "1", Cause::NoStock), (1, false));
        assert_eq!(open(&mut all, "1", Cause::TooLate), (2, true));
        let (_, first) = all
            .resolve(1, Some("ann"), "stock came", EpochMillis(5))
            .unwrap();
        assert!(first);
        let (again, first) = all.resolve(1, None, "late", EpochMillis(9)).unwrap();
        assert!(!first);
        let ended = again.resolved.as_ref().unwrap();
        assert_eq!(
            (&*ended.how, ended.by.as_deref()),
            ("stock came", Some("ann"))
        );
        assert_eq!(open(&mut all, "1", Cause::NoStock), (3, true));
        let counts = all.counts_of(ExceptionKind::Unroutable);
        assert_eq!((counts.opened, counts.resolved, counts.open()), (3, 1, 2));
        assert!(all.resolve(9, None, "", EpochMillis(1)).is_err());
    }

    #[test]
    fn lists_go_by_type_order_and_person_in_pages() {
        let mut all = Exceptions::default();
        for order in ["1", "2", "3"] {
            open(&mut all, order, Cause::NoStock);
            open(&mut all, order, Cause::DeadlineMissed);
        }
        let stuck = Filter {
            kind: Some(ExceptionKind::Stuck),
            ..Filter::default()
        };
        let ids = |all: &Exceptions, filter: &Filter, after, limit| {
            let found = all.list(filter, after, limit);
            found.iter().map(|e| e.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&all, &stuck, 0, 2), [2, 4]);
        assert_eq!(ids(&all, &stuck, 4, 2), [6]);
        let order = OrderKey::new("shop", "2");
        let of_order: Vec<_> = all.of_order(&order).map(|e| e.id).collect();
        assert_eq!(of_order, [3, 4]);
        all.assign(4, Some("ann")).unwrap();
        let anns = Filter {
            assigned_to: Some("ann".into()),
            ..Filter::default()
        };
        assert_eq!(all.list(&anns, 0, 9)[0].id, 4);
        all.resolve(4, Some("ann"), "asked", EpochMillis(3))
            .unwrap();
        assert!(all.list(&anns, 0, 9).is_empty());
        let both = Filter {
            resolved_too: true,
            ..Filter::default()
        };
        assert_eq!(ids(&all, &both, 2, 3), [3, 4, 5]);
        assert!(all.assign(4, None).is_err());
        assert_eq!(all.forget_resolved(EpochMillis(4)), 1);
        assert_eq!(all.counts_of(ExceptionKind::Stuck).opened, 3);
    }

    #[test]
    fn arriving_stock_finds_who_waits_for_it() {
        let mut all = Exceptions::default();
        open(&mut all, "1", Cause::NoStock);
        open(&mut all, "2", Cause::NoStock);
        open(&mut all, "3", Cause::TooLate);
        let remedies = Remedies::new(vec![super::super::remedies::Remedy {
            cause: Some(Cause::NoStock),
            channel: None,
            trigger: Trigger::StockArrived,
            action: Action::RetryRouting,
        }])
        .unwrap();
        let retry = Action::RetryRouting;
        assert_eq!(all.on_stock(&remedies, SkuId(8)), [(1, retry), (2, retry)]);
        assert_eq!(all.on_stock(&remedies, SkuId(9)), []);
        all.resolve(1, None, retry.name(), EpochMillis(2)).unwrap();
        assert_eq!(all.on_stock(&remedies, SkuId(8)), [(2, retry)]);
        let counts: Vec<_> = all.counts().collect();
        assert_eq!(counts[0].0, Cause::NoStock);
        assert_eq!(counts[0].1.automatic, 1);
    }
}
