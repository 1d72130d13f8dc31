//! What needs a decision, until it has one.
//!
//! Invariants: of one subject at most one exception is open, so a finding that is found again opens
//! nothing; a number is never used again; the counts are those of everything ever opened and resolved,
//! also of what was forgotten since.
//!
//! Who may decide, and carrying a decision out, are left to the caller.

use super::remedies::{Remedies, Remedy};
use crate::model::{
    ByRule, Cause, EpochMillis, ExceptionChange, ExceptionFact, ExceptionKind, Finding, Invalid,
    Order, OrderKey, SkuId, Subject, Topic, Trigger,
};
use bincode::enc::EncoderImpl;
use bincode::enc::write::SizeWriter;
use bincode::{Decode, Encode};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many resolved exceptions are kept to be looked at, the newest numbers; more are forgotten.
pub const RESOLVED_MAX: usize = 100_000;

/// How an exception ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Resolved {
    /// When.
    pub at: EpochMillis,
    /// By whom; `None` is by a rule.
    pub by: Option<Box<str>>,
    /// What was done.
    pub how: Box<str>,
    /// By which rule of the network.
    pub rule: Option<ByRule>,
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
    /// When the last rule that did not resolve it was to act.
    pub tried: Option<EpochMillis>,
    /// The refused order that it is about, where a rule may still place it.
    pub kept: Option<Arc<Order>>,
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

    /// Whether no rule that was to act at `due`, or later, has acted in vain.
    #[must_use]
    pub fn untried(&self, due: EpochMillis) -> bool {
        self.tried.is_none_or(|at| at < due)
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

/// What a rule did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct RuleCounts {
    /// Exceptions that it resolved.
    pub resolved: u64,
    /// Times that it acted at its time, and the exception stayed open.
    pub in_vain: u64,
}

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

/// All exceptions. A clone is a look at one moment: it shares what has not changed since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions {
    last: u64,
    /// Kept apart from the resolved ones, so that looking at what is open stays cheap.
    open: BTreeMap<u64, Arc<Exception>>,
    resolved: BTreeMap<u64, Arc<Exception>>,
    /// The open ones, by what they are about.
    about: BTreeMap<Subject, u64>,
    /// The last resolved one about each subject.
    ended: BTreeMap<Subject, u64>,
    /// Open ones that wait for a SKU.
    waiting: BTreeSet<(SkuId, u64)>,
    counts: BTreeMap<Cause, Counts>,
    rules: BTreeMap<ByRule, RuleCounts>,
    /// Bytes of the orders that open ones keep, each counted as often as it is kept.
    kept_bytes: u64,
}

impl Exceptions {
    /// Opens an exception, or answers the open one about the same; `true` when it is new.
    pub fn open(&mut self, finding: Finding, at: EpochMillis) -> (&Exception, bool) {
        let known = self.about.get(&finding.subject).copied();
        let id = known.unwrap_or(self.last + 1);
        if known.is_none() {
            self.counts.entry(finding.subject.cause).or_default().opened += 1;
            self.keep(Exception {
                id,
                finding,
                opened: at,
                assigned_to: None,
                resolved: None,
                tried: None,
                kept: None,
            });
        }
        (&self.open[&id], known.is_none())
    }

    /// Keeps one that is open or resolved, without counting it.
    fn keep(&mut self, exception: Exception) {
        let id = exception.id;
        self.last = self.last.max(id);
        if exception.resolved.is_some() {
            let last = self.ended.entry(exception.finding.subject.clone());
            let last = last.or_insert(id);
            *last = id.max(*last);
            self.resolved.insert(id, Arc::new(exception));
            return;
        }
        self.kept_bytes += bytes_kept(&exception);
        let finding = &exception.finding;
        self.about.insert(finding.subject.clone(), id);
        let waits = finding.waits_for.iter();
        self.waiting.extend(waits.map(|&sku| (sku, id)));
        self.open.insert(id, Arc::new(exception));
    }

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

    /// Gives it to somebody, or to nobody; `false` when that changed nothing.
    ///
    /// # Errors
    /// There is none, or it is resolved.
    pub fn assign(&mut self, id: u64, to: Option<&str>) -> Result<(&Exception, bool), Invalid> {
        if self.resolved.contains_key(&id) {
            let expected = "an open exception; this one is resolved";
            return Err(Invalid::new("exception", id, expected));
        }
        let exception = self.open.get_mut(&id).ok_or_else(|| unknown(id))?;
        let changes = exception.assigned_to.as_deref() != to;
        if changes {
            Arc::make_mut(exception).assigned_to = to.map(Into::into);
        }
        Ok((exception, changes))
    }

    /// A rule was to act at `due`, and did not resolve it; `false` when that is known or it is not
    /// open.
    pub fn tried(&mut self, id: u64, rule: &ByRule, due: EpochMillis) -> bool {
        let open = self.open.get_mut(&id);
        let Some(exception) = open.filter(|e| e.untried(due)) else {
            return false;
        };
        Arc::make_mut(exception).tried = Some(due);
        self.rules.entry(rule.clone()).or_default().in_vain += 1;
        true
    }

    /// The refused order that it is about is kept as it was sent the last time; `false` when that is
    /// known or it is not open.
    pub fn keep_order(&mut self, id: u64, order: &Arc<Order>) -> bool {
        let open = self.open.get_mut(&id);
        let Some(exception) = open.filter(|e| e.kept.as_ref() != Some(order)) else {
            return false;
        };
        self.kept_bytes = self.kept_bytes - bytes_kept(exception) + bytes_of(order);
        Arc::make_mut(exception).kept = Some(order.clone());
        true
    }

    /// Whether an order can be kept, instead of the one that is, with no more than `most` bytes in all.
    #[must_use]
    pub fn may_keep(&self, id: u64, order: &Order, most: u64) -> bool {
        let instead = self.open.get(&id).map_or(0, |e| bytes_kept(e));
        self.kept_bytes - instead + bytes_of(order) <= most
    }

    /// The refused order that it is about is kept no longer; `false` when none is.
    pub fn drop_order(&mut self, id: u64) -> bool {
        let open = self.open.get_mut(&id);
        let Some(exception) = open.filter(|e| e.kept.is_some()) else {
            return false;
        };
        self.kept_bytes -= bytes_kept(exception);
        Arc::make_mut(exception).kept = None;
        true
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
        self.end(id, (by, None), how, at)
    }

    /// The same, by a rule of the network.
    ///
    /// # Errors
    /// There is none.
    pub fn resolve_by(
        &mut self,
        id: u64,
        rule: &ByRule,
        how: &str,
        at: EpochMillis,
    ) -> Result<(&Exception, bool), Invalid> {
        self.end(id, (None, Some(rule)), how, at)
    }

    fn end(
        &mut self,
        id: u64,
        (by, rule): (Option<&str>, Option<&ByRule>),
        how: &str,
        at: EpochMillis,
    ) -> Result<(&Exception, bool), Invalid> {
        let Some(mut exception) = self.open.remove(&id) else {
            let known = self.resolved.get(&id);
            return known.map(|e| (&**e, false)).ok_or_else(|| unknown(id));
        };
        self.kept_bytes -= bytes_kept(&exception);
        let ended = Arc::make_mut(&mut exception);
        ended.resolved = Some(Resolved {
            at,
            by: by.map(Into::into),
            how: how.into(),
            rule: rule.cloned(),
        });
        // Nobody places it any more: its order, if it was kept, is not looked at again.
        ended.kept = None;
        if let Some(rule) = rule {
            self.rules.entry(rule.clone()).or_default().resolved += 1;
        }
        self.about.remove(&exception.finding.subject);
        for &sku in &exception.finding.waits_for {
            self.waiting.remove(&(sku, id));
        }
        let counts = self.counts.entry(exception.cause()).or_default();
        match by {
            Some(_) => counts.resolved += 1,
            None => counts.automatic += 1,
        }
        // Never this one: it would be answered as if there had been none.
        while self.resolved.len() >= RESOLVED_MAX {
            let Some((old, forgotten)) = self.resolved.pop_first() else {
                break;
            };
            let subject = &forgotten.finding.subject;
            if self.ended.get(subject) == Some(&old) {
                self.ended.remove(subject);
            }
        }
        self.ended.insert(exception.finding.subject.clone(), id);
        Ok((self.resolved.entry(id).or_insert(exception), true))
    }

    /// Does what a fact says was done.
    ///
    /// # Errors
    /// A sentence that says why it cannot follow on what was before.
    pub fn apply(&mut self, at: EpochMillis, fact: &ExceptionFact) -> Result<(), String> {
        let ExceptionFact {
            id,
            subject,
            change,
        } = fact;
        if let ExceptionChange::Opened {
            channel,
            detail,
            waits_for,
        } = change
        {
            let finding = Finding {
                subject: subject.clone(),
                channel: *channel,
                detail: detail.clone(),
                waits_for: waits_for.clone(),
            };
            let (opened, new) = self.open(finding, at);
            return match new && opened.id == *id {
                true => Ok(()),
                false => Err(format!("{subject} is exception {}, not {id}", opened.id)),
            };
        }
        let known = self.get(*id).is_some_and(|e| e.finding.subject == *subject);
        if !known {
            return Err(format!("exception {id} is not about {subject}"));
        }
        let done = match change {
            ExceptionChange::Assigned { to } => {
                self.assign(*id, to.as_deref()).map(|(_, changed)| changed)
            }
            ExceptionChange::Resolved { by, how, rule } => {
                let ended = self.end(*id, (by.as_deref(), rule.as_ref()), how, at);
                ended.map(|(_, changed)| changed)
            }
            ExceptionChange::Tried { rule, due } => Ok(self.tried(*id, rule, *due)),
            ExceptionChange::Kept { order } => Ok(self.keep_order(*id, order)),
            ExceptionChange::Dropped => Ok(self.drop_order(*id)),
            ExceptionChange::Opened { .. } => unreachable!("done above"),
        };
        match done.map_err(|e| e.to_string())? {
            true => Ok(()),
            false => Err(format!("exception {id} was so already")),
        }
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

    /// What every rule did that ever did something.
    pub fn rule_counts(&self) -> impl Iterator<Item = (&ByRule, RuleCounts)> {
        self.rules.iter().map(|(rule, &counts)| (rule, counts))
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

    /// Everything that makes it: what to keep of it in a file.
    pub fn records(&self) -> impl Iterator<Item = ExceptionRecord> {
        let kept = self.resolved.values().chain(self.open.values());
        let kept = kept.map(|e| ExceptionRecord::Kept(Box::new(Exception::clone(e))));
        let counts = self
            .counts()
            .map(|(cause, counts)| ExceptionRecord::Counts(cause, counts));
        // Before anything there is nothing to keep.
        let last = (self.last > 0).then_some(ExceptionRecord::Last(self.last));
        let rules = self.rules.iter();
        let rules = rules.map(|(rule, &counts)| ExceptionRecord::Rule(rule.clone(), counts));
        last.into_iter().chain(counts).chain(rules).chain(kept)
    }

    /// Takes back what [`Exceptions::records`] gave.
    pub fn restore(&mut self, record: ExceptionRecord) {
        match record {
            ExceptionRecord::Last(last) => self.last = last,
            ExceptionRecord::Counts(cause, counts) => {
                self.counts.insert(cause, counts);
            }
            ExceptionRecord::Rule(rule, counts) => {
                self.rules.insert(rule, counts);
            }
            ExceptionRecord::Kept(exception) => self.keep(*exception),
        }
    }
}

/// A piece of all exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ExceptionRecord {
    /// The highest number that was ever given.
    Last(u64),
    /// How many there were for one reason.
    Counts(Cause, Counts),
    /// One of them.
    Kept(Box<Exception>),
    /// What a rule did.
    Rule(ByRule, RuleCounts),
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

/// Bytes of the order that an exception keeps.
fn bytes_kept(exception: &Exception) -> u64 {
    exception.kept.as_ref().map_or(0, |order| bytes_of(order))
}

/// Bytes of an order as it is encoded; in memory it has up to a few times as many.
fn bytes_of(order: &Order) -> u64 {
    let mut counted = EncoderImpl::new(SizeWriter::default(), bincode::config::legacy());
    order
        .encode(&mut counted)
        .expect("whoever counts takes what is written");
    counted.into_writer().bytes_written as u64
}

fn unknown(id: u64) -> Invalid {
    Invalid::new("exception", id, "the number of an exception")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    fn finding(order: &str, cause: Cause) -> Finding {
        Finding {
            subject: Subject {
                topic: Topic::order(&OrderKey::new("shop", order)),
                cause,
            },
            channel: None,
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
            open(&mut all, order, Cause::NotClaimed);
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
        assert_eq!(all.counts_of(ExceptionKind::Stuck).opened, 3);
        let mut back = Exceptions::default();
        all.records().for_each(|record| back.restore(record));
        assert_eq!(back, all);
    }

    #[test]
    fn arriving_stock_finds_who_waits_for_it() {
        let mut all = Exceptions::default();
        open(&mut all, "1", Cause::NoStock);
        open(&mut all, "2", Cause::NoStock);
        open(&mut all, "3", Cause::TooLate);
        let rule = Remedy {
            name: "again".into(),
            cause: Some(Cause::NoStock),
            channel: None,
            trigger: Trigger::StockArrived,
            action: Action::RetryRouting,
        };
        let by = rule.by();
        let remedies = Remedies::new(vec![rule]).unwrap();
        let found = |all: &Exceptions, sku| {
            let found = all.on_stock(&remedies, sku).into_iter();
            found
                .map(|(id, rule)| (id, rule.action))
                .collect::<Vec<_>>()
        };
        let retry = Action::RetryRouting;
        assert_eq!(found(&all, SkuId(8)), [(1, retry), (2, retry)]);
        assert_eq!(found(&all, SkuId(9)), []);
        all.resolve_by(1, &by, "it was accepted", EpochMillis(2))
            .unwrap();
        assert_eq!(found(&all, SkuId(8)), [(2, retry)]);
        assert!(all.tried(2, &by, EpochMillis(5)) && !all.tried(2, &by, EpochMillis(5)));
        let did: Vec<_> = all
            .rule_counts()
            .map(|(_, c)| (c.resolved, c.in_vain))
            .collect();
        assert_eq!(did, [(1, 1)]);
        let counts: Vec<_> = all.counts().collect();
        assert_eq!(counts[0].0, Cause::NoStock);
        assert_eq!(counts[0].1.automatic, 1);
    }
}
