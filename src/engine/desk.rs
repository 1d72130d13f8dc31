//! What needs a decision: opened in the step that finds it, ended by a person or by what happens.
//!
//! A [`Note`] is made while what it is about is locked, and becomes a fact in the same step as the
//! facts that it follows from, so that no history can hold a short pick without its exception. The
//! exceptions are the last lock of all: a note may be made while the ledger's shards are held.

use super::Engine;
use super::error::EngineError;
use super::exceptions::no_exception;
use super::refused::of_refusal;
use super::remedies::Deed;
use crate::cut::Pass;
use crate::ledger::Broken;
use crate::lifecycle::{Exception, Exceptions, Remedies};
use crate::model::{
    Cause, ChannelId, EpochMillis, ExceptionChange, ExceptionFact, Fact, Finding, Invalid, Order,
    OrderKey, OwnerFact, Subject, Topic,
};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many open exceptions of refused orders are enough: a sender can make any number of them, and they
/// open no more then. Of orders that were accepted there is always one more.
const REFUSED_OPEN_MAX: u64 = 200_000;

/// Facts of one step.
pub(super) type Facts = SmallVec<[Fact; 3]>;

/// All exceptions, as they are now.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// Shared with a cut until the next change.
    all: Mutex<Arc<Exceptions>>,
    /// How many are open: most steps find that there is nothing to end without taking the lock.
    open: AtomicUsize,
}

/// What a step means for exceptions.
#[derive(Debug, Clone)]
pub(super) enum Note {
    /// Something needs a decision, unless that is known already.
    Raise(Finding),
    /// What was so is so no longer; `how` says why.
    Clear(Subject, Box<str>),
    /// The same for all of an order that are for one of these reasons: of the order as a whole and,
    /// if `part` is `None`, of all its parts; else of that part alone.
    ClearOrder {
        /// Which order.
        key: OrderKey,
        /// Which part of it.
        part: Option<u32>,
        /// Which reasons.
        which: fn(Cause) -> bool,
        /// Why.
        how: Box<str>,
    },
    /// A rule of the network resolved this exception.
    ByRule(Deed, Box<str>),
    /// A rule was to act at this moment, and did not resolve it.
    Tried(Deed, EpochMillis),
    /// The order was refused: it is kept where a rule may place it, if there is room for it.
    Keep(Arc<Order>),
}

impl Note {
    /// Everything about an order has ended.
    pub(super) fn clear_all(key: &OrderKey, how: &str) -> Self {
        Self::ClearOrder {
            key: key.clone(),
            part: None,
            which: |_| true,
            how: how.into(),
        }
    }

    /// Everything about a part of an order has ended that is for one of these reasons.
    pub(super) fn clear_part(
        key: &OrderKey,
        number: u32,
        which: fn(Cause) -> bool,
        how: &str,
    ) -> Self {
        Self::ClearOrder {
            key: key.clone(),
            part: Some(number),
            which,
            how: how.into(),
        }
    }
}

impl Desk {
    /// A look at one moment.
    pub(super) fn now(&self) -> Arc<Exceptions> {
        self.all.lock().clone()
    }

    /// Whether one about this is open, or was at `at` or later.
    pub(super) fn knows(&self, subject: &Subject, at: EpochMillis) -> bool {
        self.all.lock().knows(subject, at)
    }

    /// Whether this one is open.
    pub(super) fn is_open(&self, id: u64) -> bool {
        let all = self.all.lock();
        all.get(id).is_some_and(|e| e.resolved.is_none())
    }

    /// This one as it is now, if it is open. Whoever acts on it holds it alone: a look at all of them
    /// would make the next change copy everything.
    pub(super) fn open_one(&self, id: u64) -> Option<Arc<Exception>> {
        self.all.lock().open_one(id).cloned()
    }

    /// Whether any is open: else there is none to end.
    pub(super) fn any_open(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    /// How many are open for reasons that a refused order has.
    fn refused_open(&self) -> u64 {
        let all = self.all.lock();
        let refused = all.counts().filter(|(cause, _)| of_refusal(*cause));
        refused.map(|(_, counts)| counts.open()).sum()
    }

    /// Changes them as history says. Until [`Desk::begin`] no step ends any by itself: what replay does
    /// again is followed by the facts that say so.
    pub(super) fn restore<T>(&self, restore: impl FnOnce(&mut Exceptions) -> T) -> T {
        restore(Arc::make_mut(&mut self.all.lock()))
    }

    /// History is over, and commands begin.
    pub(super) fn begin(&self) {
        self.open
            .store(self.all.lock().open_len(), Ordering::Relaxed);
    }
}

impl Engine {
    /// Keeps the facts of one step together with what they mean for exceptions. What the notes are
    /// about is locked, and the step has passed the gate.
    pub(super) fn append_noting(
        &self,
        pass: &Pass<'_>,
        at: EpochMillis,
        mut facts: Facts,
        notes: &[Note],
    ) {
        let raises = notes.iter().any(|n| matches!(n, Note::Raise(_)));
        if raises || (!notes.is_empty() && self.desk.any_open()) {
            let mut all = self.desk.all.lock();
            let keeping = (self.remedies.rules(), self.limits.kept_bytes);
            for note in notes {
                change(&mut all, keeping, at, note, &mut facts);
            }
            self.remedies.rearm(&all, &facts);
            self.desk.open.store(all.open_len(), Ordering::Relaxed);
            // Under the lock: the order of numbers in history is the order of changes.
            if !facts.is_empty() {
                self.history.append_all(pass, at, facts);
            }
            return;
        }
        if !facts.is_empty() {
            self.history.append_all(pass, at, facts);
        }
    }

    /// Notes what follows from no fact of its own.
    pub(super) fn note(&self, pass: &Pass<'_>, at: EpochMillis, notes: &[Note]) {
        self.append_noting(pass, at, Facts::new(), notes);
    }

    /// That supply does not cover what orders were promised any more. Of reservations whoever changed
    /// the supply is told, and nobody else: most run out by themselves.
    pub(super) fn at_risk(
        &self,
        pass: &Pass<'_>,
        at: EpochMillis,
        cause: Cause,
        broken: &[Broken],
    ) {
        if broken.is_empty() {
            return;
        }
        let orders = broken.iter().filter_map(|b| match &b.owner.id {
            OwnerFact::Order(key) => Some((key, b)),
            OwnerFact::Reservation(_) => None,
        });
        let notes = orders.map(|(key, b)| {
            let (sku, place) = (
                self.registry.sku_name(b.sku),
                self.registry.location_name(b.location),
            );
            Note::Raise(Finding {
                subject: Subject {
                    topic: Topic::order(key),
                    cause,
                },
                channel: None,
                detail: format!("{} of {sku} at {place} are not covered", b.qty).into(),
                waits_for: vec![b.sku],
            })
        });
        self.note(pass, at, &notes.collect::<Vec<_>>());
    }

    /// An order that was refused is nobody's, so whoever looks after orders hears of it.
    pub(super) fn note_refused(&self, finding: Finding, now: EpochMillis) {
        if self.desk.refused_open() < REFUSED_OPEN_MAX {
            let pass = self.gate.enter();
            self.note(&pass, now, &[Note::Raise(finding)]);
        }
    }

    /// Changes one as somebody says, and tells whether that changed anything.
    pub(super) fn change_exception(
        &self,
        id: u64,
        change: ExceptionChange,
        now: EpochMillis,
        act: impl FnOnce(&mut Exceptions) -> Result<(Exception, bool), Invalid>,
    ) -> Result<(Exception, bool), EngineError> {
        let pass = self.gate.enter();
        let mut all = self.desk.all.lock();
        if all.get(id).is_none() {
            return Err(no_exception(id));
        }
        let (after, changed) = act(Arc::make_mut(&mut all))?;
        self.desk.open.store(all.open_len(), Ordering::Relaxed);
        if changed {
            let facts = [fact(&after, change)];
            self.remedies.rearm(&all, &facts);
            self.history.append(&pass, now, || facts);
        }
        Ok((after, changed))
    }
}

/// Does what a note says and adds the facts of it.
fn change(
    all: &mut Arc<Exceptions>,
    (rules, most_kept): (Option<&Remedies>, u64),
    at: EpochMillis,
    note: &Note,
    facts: &mut Facts,
) {
    match note {
        Note::Raise(finding) => {
            // Known already is no change, and must not make a cut copy everything.
            if all.about(&finding.subject).is_some() {
                return;
            }
            let (opened, _) = Arc::make_mut(all).open(finding.clone(), at);
            let change = ExceptionChange::Opened {
                channel: finding.channel,
                detail: finding.detail.clone(),
                waits_for: finding.waits_for.clone(),
            };
            facts.push(fact(opened, change));
        }
        Note::Clear(subject, how) => {
            let known = all.about(subject).map(|e| e.id);
            clear(all, at, known, how, facts);
        }
        Note::ClearOrder {
            key,
            part,
            which,
            how,
        } => {
            let ends = |e: &&Exception| {
                let number = e.finding.subject.topic.fulfillment();
                which(e.cause()) && (part.is_none() || number == *part)
            };
            let ids: SmallVec<[u64; 4]> = all.of_order(key).filter(ends).map(|e| e.id).collect();
            clear(all, at, ids, how, facts);
        }
        Note::ByRule(deed, how) => {
            let open = all
                .get(deed.exception)
                .is_some_and(|e| e.resolved.is_none());
            if open {
                let all = Arc::make_mut(all);
                let ended = all.resolve_by(deed.exception, &deed.by, how, at);
                let (ended, _) = ended.expect("it is open");
                let change = ExceptionChange::Resolved {
                    by: None,
                    how: how.clone(),
                    rule: Some(deed.by.clone()),
                };
                facts.push(fact(ended, change));
            }
        }
        Note::Tried(deed, due) => {
            let news = all
                .open_one(deed.exception)
                .is_some_and(|e| e.untried(*due));
            if news && Arc::make_mut(all).tried(deed.exception, &deed.by, *due) {
                let change = ExceptionChange::Tried {
                    rule: deed.by.clone(),
                    due: *due,
                };
                facts.extend(all.get(deed.exception).map(|e| fact(e, change)));
            }
        }
        Note::Keep(order) => {
            let kept = |e: &&Exception| {
                let fits = || rules.is_some_and(|rules| rules.fit(e));
                let news = || e.kept.as_ref() != Some(order);
                let whole = e.finding.subject.topic.fulfillment().is_none();
                of_refusal(e.cause()) && whole && fits() && news()
            };
            let of_order = all.of_order(&order.key).filter(kept).map(|e| e.id);
            let ids: SmallVec<[u64; 4]> = of_order.collect();
            for id in ids {
                let room = all.may_keep(id, order, most_kept);
                // What its sender sent before is not to be placed either way.
                let changed = match room {
                    true => Arc::make_mut(all).keep_order(id, order),
                    false if all.get(id).is_some_and(|e| e.kept.is_some()) => {
                        Arc::make_mut(all).drop_order(id)
                    }
                    false => false,
                };
                let change = match room {
                    true => ExceptionChange::Kept {
                        order: order.clone(),
                    },
                    false => ExceptionChange::Dropped,
                };
                let changed = all.get(id).filter(|_| changed);
                facts.extend(changed.map(|e| fact(e, change)));
            }
        }
    }
}

fn clear(
    all: &mut Arc<Exceptions>,
    at: EpochMillis,
    ids: impl IntoIterator<Item = u64>,
    how: &str,
    facts: &mut Facts,
) {
    for id in ids {
        let ended = Arc::make_mut(all).resolve(id, None, how, at);
        let (ended, _) = ended.expect("it was found just now");
        let change = ExceptionChange::Resolved {
            by: None,
            how: how.into(),
            rule: None,
        };
        facts.push(fact(ended, change));
    }
}

fn fact(exception: &Exception, change: ExceptionChange) -> Fact {
    Fact::ExceptionChanged(Box::new(ExceptionFact {
        id: exception.id,
        subject: exception.finding.subject.clone(),
        change,
    }))
}

/// Findings about a part of an order.
pub(super) fn about_part(
    (key, number): (&OrderKey, u32),
    channel: Option<ChannelId>,
    cause: Cause,
    detail: impl Into<Box<str>>,
) -> Finding {
    Finding {
        subject: Subject {
            topic: Topic::part(key, number),
            cause,
        },
        channel,
        detail: detail.into(),
        waits_for: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reasons_of_refused_orders_count_as_refused() {
        let desk = Desk::default();
        let key = OrderKey::new("shop", "1");
        for &cause in Cause::ALL {
            let subject = Subject {
                topic: Topic::order(&key),
                cause,
            };
            let finding = Finding {
                subject,
                channel: None,
                detail: "".into(),
                waits_for: Vec::new(),
            };
            desk.restore(|all| all.open(finding, EpochMillis(0)).1);
        }
        let refused = Cause::ALL.iter().filter(|c| of_refusal(**c)).count();
        assert_eq!(desk.refused_open(), refused as u64);
        assert!(desk.refused_open() < desk.now().open_len() as u64);
    }
}
