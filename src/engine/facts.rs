//! From the ledger's facts to the history: who keeps them and under which number.

use super::Engine;
use super::desk::{Facts, Note};
use super::duplicates::{Entering, Suspicion, Was, subject};
use super::refused::of_refusal;
use super::remedies::Deed;
use crate::cut::Pass;
use crate::journal::Journal;
use crate::ledger::FactLog;
use crate::model::{
    AnswerKind, Cause, Change, Decision, EpochMillis, ExceptionKind, Fact, FulfillmentFact, Lsn,
    Order, ReplanReason, ReplannedFact, ReservationAsked, State,
};
use smallvec::{SmallVec, smallvec};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Keeps facts. Called while the locks of what a fact is about are held, so it must be short.
pub trait FactSink: Send + Sync {
    /// Keeps the facts of one step, together or not at all, and gives each the next number of the
    /// history. Returns the number of the last.
    fn append(&self, at: EpochMillis, facts: &[Fact]) -> Lsn;

    /// The same with facts that nobody else needs.
    fn keep(&self, at: EpochMillis, facts: SmallVec<[Fact; 3]>) -> Lsn {
        self.append(at, &facts)
    }
}

impl FactSink for Journal {
    fn append(&self, at: EpochMillis, facts: &[Fact]) -> Lsn {
        Journal::append(self, at, facts)
    }

    fn keep(&self, at: EpochMillis, facts: SmallVec<[Fact; 3]>) -> Lsn {
        Journal::keep(self, at, facts)
    }
}

/// Where facts go.
#[derive(Default)]
pub(super) struct History {
    /// Nobody until the engine has been brought to where it was.
    sink: OnceLock<Box<dyn FactSink>>,
    /// The number of the latest fact.
    latest: AtomicU64,
}

impl History {
    /// Facts go to `sink` from now on, if there is one; `latest` is the number of the last one before.
    pub(super) fn attach(&self, sink: Option<Box<dyn FactSink>>, latest: Lsn) {
        self.latest.store(latest.0, Ordering::Release);
        if let Some(sink) = sink {
            // A second sink would be a second history.
            assert!(self.sink.set(sink).is_ok(), "facts go to one place");
        }
    }

    /// Whether facts go anywhere.
    pub(super) fn is_attached(&self) -> bool {
        self.sink.get().is_some()
    }

    /// Keeps the facts of one step. Whoever has them kept has passed the gate, and remembers what
    /// they tell of before the pass ends.
    pub(super) fn append<const N: usize>(
        &self,
        pass: &Pass<'_>,
        at: EpochMillis,
        facts: impl FnOnce() -> [Fact; N],
    ) {
        self.append_with(
            pass,
            at,
            || SmallVec::<[Fact; 3]>::from_iter(facts()),
            N as u64,
        );
    }

    /// The same for however many facts one step has.
    pub(super) fn append_all(&self, pass: &Pass<'_>, at: EpochMillis, facts: SmallVec<[Fact; 3]>) {
        let count = facts.len() as u64;
        self.append_with(pass, at, || facts, count);
    }

    fn append_with(
        &self,
        _: &Pass<'_>,
        at: EpochMillis,
        facts: impl FnOnce() -> SmallVec<[Fact; 3]>,
        count: u64,
    ) {
        match self.sink.get() {
            Some(sink) => {
                self.latest
                    .fetch_max(sink.keep(at, facts()).0, Ordering::Release);
            }
            None => {
                self.latest.fetch_add(count, Ordering::Release);
            }
        }
    }

    pub(super) fn latest(&self) -> Lsn {
        Lsn(self.latest.load(Ordering::Acquire))
    }
}

/// Passes facts on as they are.
pub(super) struct AsIs<'e>(pub(super) &'e Engine, pub(super) &'e Pass<'e>);

impl FactLog for AsIs<'_> {
    fn record<const N: usize>(&self, at: EpochMillis, facts: impl FnOnce() -> [Fact; N]) {
        self.0.history.append(self.1, at, facts);
    }
}

/// Adds under which reference it was done, so that no history can hold the effect of a write
/// without its identity.
pub(super) struct Referenced<'e> {
    pub(super) engine: &'e Engine,
    pub(super) pass: &'e Pass<'e>,
    pub(super) reference: &'e str,
    pub(super) content: &'e str,
    pub(super) answer: AnswerKind,
}

impl FactLog for Referenced<'_> {
    fn record<const N: usize>(&self, at: EpochMillis, facts: impl FnOnce() -> [Fact; N]) {
        let facts = || {
            let mut all: SmallVec<[Fact; 3]> = facts().into_iter().collect();
            all.push(Fact::Referenced {
                reference: self.reference.into(),
                content: self.content.into(),
                answer: match N {
                    0 => AnswerKind::Nothing,
                    _ => self.answer,
                },
            });
            all
        };
        let history = &self.engine.history;
        history.append_with(self.pass, at, facts, N as u64 + 1);
    }
}

/// That the facts before it in its group are the effect of a write with this reference.
pub(super) fn referenced_fact(reference: &str, content: &str, answer: AnswerKind) -> Fact {
    Fact::Referenced {
        reference: reference.into(),
        content: content.into(),
        answer,
    }
}

/// Turns the claims of an order into its acceptance: one fact, so that no history can hold the
/// one without the other.
pub(super) struct Acceptance<'e> {
    pub(super) engine: &'e Engine,
    pub(super) pass: &'e Pass<'e>,
    pub(super) now: EpochMillis,
    pub(super) order: &'e Arc<Order>,
    pub(super) decision: &'e Arc<Decision>,
    /// The rule that places it.
    pub(super) deed: Option<&'e Deed>,
    /// Since when all of it is on hold, and why, once it is accepted so.
    pub(super) held: RefCell<Option<(EpochMillis, Box<str>)>>,
}

impl Acceptance<'_> {
    /// Whether the order looks like another one: what is told of that, and the facts of its parts being
    /// held. From now on others may look like it.
    fn suspect(&self, at: EpochMillis, facts: &mut Facts) -> Option<Note> {
        let Some(&Fact::OrderAccepted {
            sequence, channel, ..
        }) = facts.first()
        else {
            return None;
        };
        let duplicates = &self.engine.duplicates;
        let new = Entering {
            order: self.order,
            sequence,
            accepted_at: self.now,
        };
        let found = duplicates.enter(new, self.now)?;
        if duplicates.holds() {
            let reason: Box<str> = found.reason().into();
            let plan = &self.decision.plan;
            let parts = plan.shipments.len() + usize::from(!plan.short.is_empty());
            let held = (1u32..).take(parts).map(|number| {
                Fact::FulfillmentChanged(Box::new(FulfillmentFact {
                    key: self.order.key.clone(),
                    number,
                    change: Change::Hold {
                        reason: reason.clone(),
                    },
                    late: false,
                    state: State::OnHold,
                    settled: Vec::new(),
                }))
            });
            facts.extend(held);
            self.held.replace(Some((at, reason)));
        }
        Some(Note::Raise(found.finding(&self.order.key, Some(channel))))
    }
}

impl FactLog for Acceptance<'_> {
    fn record<const N: usize>(&self, at: EpochMillis, facts: impl FnOnce() -> [Fact; N]) {
        let accepted = |fact| match fact {
            Fact::Reserved {
                channel,
                claims,
                sequence,
                ..
            } => Fact::OrderAccepted {
                order: self.order.clone(),
                decision: self.decision.clone(),
                channel,
                sequence,
                accepted_at: self.now,
                claims,
            },
            other => other,
        };
        let open = self.engine.desk.any_open();
        if !open && self.order.customer.is_none() {
            let history = &self.engine.history;
            history.append(self.pass, at, || facts().map(accepted));
            return;
        }
        let mut facts: Facts = facts().map(accepted).into_iter().collect();
        let mut notes: SmallVec<[Note; 2]> = SmallVec::new();
        if open {
            // What was refused before is accepted now.
            let accepted_now = "the order was accepted";
            notes.extend(self.deed.map(|deed| deed.resolves(accepted_now)));
            notes.push(Note::ClearOrder {
                key: self.order.key.clone(),
                part: None,
                which: of_refusal,
                how: accepted_now.into(),
            });
        }
        notes.extend(self.suspect(at, &mut facts));
        self.engine.append_noting(self.pass, at, facts, &notes);
    }
}

/// Keeps facts, with what they mean for exceptions, instead of what the ledger tells, and remembers at
/// which moment of the shards.
pub(super) struct Changing<'e> {
    engine: &'e Engine,
    pass: &'e Pass<'e>,
    notes: &'e [Note],
    facts: RefCell<SmallVec<[Fact; 3]>>,
    at: Cell<EpochMillis>,
}

impl<'e> Changing<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        pass: &'e Pass<'e>,
        fact: Fact,
        notes: &'e [Note],
    ) -> Self {
        Self {
            engine,
            pass,
            notes,
            facts: RefCell::new(smallvec![fact]),
            at: Cell::default(),
        }
    }

    /// Keeps another one in the same group.
    pub(super) fn and(self, fact: Option<Fact>) -> Self {
        self.facts.borrow_mut().extend(fact);
        self
    }

    /// Adds one to the group that is being recorded.
    pub(super) fn add(&self, fact: Fact) {
        self.facts.borrow_mut().push(fact);
    }

    /// When it was recorded.
    pub(super) fn at(&self) -> EpochMillis {
        self.at.get()
    }
}

impl FactLog for Changing<'_> {
    fn record<const N: usize>(&self, at: EpochMillis, _: impl FnOnce() -> [Fact; N]) {
        self.at.set(at);
        let facts = self.facts.take();
        if !facts.is_empty() {
            self.engine.append_noting(self.pass, at, facts, self.notes);
        }
    }
}

/// Puts one fact before what the ledger tells, in one group, and remembers at which moment of the
/// shards.
pub(super) struct Leading<'e> {
    engine: &'e Engine,
    pass: &'e Pass<'e>,
    fact: RefCell<Option<Fact>>,
    at: Cell<EpochMillis>,
}

impl<'e> Leading<'e> {
    pub(super) fn new(engine: &'e Engine, pass: &'e Pass<'e>, fact: Fact) -> Self {
        Self {
            engine,
            pass,
            fact: RefCell::new(Some(fact)),
            at: Cell::default(),
        }
    }

    /// When it was recorded.
    pub(super) fn at(&self) -> EpochMillis {
        self.at.get()
    }
}

impl FactLog for Leading<'_> {
    fn record<const N: usize>(&self, at: EpochMillis, facts: impl FnOnce() -> [Fact; N]) {
        self.at.set(at);
        let all = self.fact.take().into_iter().chain(facts());
        self.engine.history.append_all(self.pass, at, all.collect());
    }
}

/// Turns the claims that units of an order were granted at another place into the fact that they were
/// placed anew.
pub(super) struct Replanning<'e> {
    engine: &'e Engine,
    pass: &'e Pass<'e>,
    fact: RefCell<ReplannedFact>,
    /// Parts that have no units any more that wait for a place.
    emptied: Vec<u32>,
    deed: Option<&'e Deed>,
    /// What the order was, where others may look like it.
    was: Option<Was>,
    at: Cell<Option<EpochMillis>>,
}

impl<'e> Replanning<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        pass: &'e Pass<'e>,
        fact: ReplannedFact,
        (emptied, deed): (Vec<u32>, Option<&'e Deed>),
        was: Option<Was>,
    ) -> Self {
        Self {
            engine,
            pass,
            fact: RefCell::new(fact),
            emptied,
            deed,
            was,
            at: Cell::default(),
        }
    }

    /// What an order that has other items now looks like. Its new parts are held for that alone, or no
    /// longer.
    fn suspect(&self, was: &Was, fact: &mut ReplannedFact, at: EpochMillis) -> [Option<Note>; 2] {
        let Some(amended) = &fact.amended else {
            return [None, None];
        };
        let duplicates = &self.engine.duplicates;
        let found = duplicates.change(was, &amended.order, at);
        let reason = found.as_ref().filter(|_| duplicates.holds());
        let reason: Option<Box<str>> = reason.map(|found| found.reason().into());
        for part in &mut fact.parts {
            if part.held.as_deref().is_none_or(Suspicion::is_reason) {
                part.held.clone_from(&reason);
            }
        }
        let over = Note::Clear(subject(&fact.key), "the order was changed".into());
        let found = found.map(|found| found.finding(&fact.key, Some(was.channel)));
        [Some(over), found.map(Note::Raise)]
    }

    /// When it was recorded and what; `None` when it was not.
    pub(super) fn done(self) -> Option<(EpochMillis, ReplannedFact)> {
        Some((self.at.get()?, self.fact.into_inner()))
    }
}

impl FactLog for Replanning<'_> {
    fn record<const N: usize>(&self, at: EpochMillis, facts: impl FnOnce() -> [Fact; N]) {
        self.at.set(Some(at));
        let mut fact = self.fact.borrow_mut();
        for granted in facts() {
            if let Fact::Reserved { claims, .. } = granted {
                fact.granted = claims;
            }
        }
        let mut notes = Vec::new();
        if self.engine.desk.any_open() {
            notes.extend(self.deed.map(|deed| deed.resolves(deed.told())));
            notes.extend(notes_of_replan(&fact, &self.emptied));
        }
        if let Some(was) = &self.was {
            let told = self.suspect(was, &mut fact, at);
            notes.extend(told.into_iter().flatten());
        }
        let replanned = Fact::OrderReplanned(Box::new(fact.clone()));
        let facts = std::iter::once(replanned).collect();
        self.engine.append_noting(self.pass, at, facts, &notes);
    }
}

/// What ends when units of an order are placed anew; `emptied` are parts without any that wait.
pub(super) fn notes_of_replan(fact: &ReplannedFact, emptied: &[u32]) -> Vec<Note> {
    let short = |cause: Cause| cause.kind() == ExceptionKind::ShortPick;
    let stuck = |cause: Cause| cause.kind() == ExceptionKind::Stuck;
    let given_up = fact.reason == ReplanReason::GivenUp;
    let how = match given_up {
        false => "its units have another place, or wait for supply",
        true => "its units will not ship",
    };
    let mut notes: Vec<Note> = Vec::new();
    for &number in emptied {
        notes.push(Note::clear_part(&fact.key, number, short, how));
        // Nobody has it: what is left of it stands still no longer.
        if fact.left.contains(&(number, State::Cancelled)) {
            notes.push(Note::clear_part(&fact.key, number, stuck, how));
        }
    }
    let routed = fact.parts.iter().all(|p| p.route.is_some());
    let promised = match fact.reason {
        ReplanReason::NotShipped | ReplanReason::GivenUp => false,
        // What waits now has no promise: that stays open until it has one.
        ReplanReason::PromiseBroken => routed,
        ReplanReason::SupplyArrived | ReplanReason::Amended | ReplanReason::Optimized => true,
    };
    if promised {
        notes.push(Note::ClearOrder {
            key: fact.key.clone(),
            part: None,
            which: |cause| cause.kind() == ExceptionKind::PromiseAtRisk,
            how: "it was promised anew".into(),
        });
    }
    notes
}

/// Adds what was asked to what a reservation was granted.
pub(super) struct Putting<'e> {
    pub(super) engine: &'e Engine,
    pub(super) pass: &'e Pass<'e>,
    pub(super) id: &'e str,
    pub(super) asked: &'e ReservationAsked,
}

impl FactLog for Putting<'_> {
    fn record<const N: usize>(&self, at: EpochMillis, facts: impl FnOnce() -> [Fact; N]) {
        let put = |fact| match fact {
            Fact::Reserved {
                sequence,
                expires_at,
                claims,
                ..
            } => Fact::ReservationPut {
                id: self.id.into(),
                asked: Box::new(self.asked.clone()),
                sequence,
                expires_at,
                claims,
            },
            other => other,
        };
        let history = &self.engine.history;
        history.append(self.pass, at, || facts().map(put));
    }
}

/// Turns the release of a reservation's claims into its cancellation, which is for good.
pub(super) struct Cancelling<'e> {
    pub(super) engine: &'e Engine,
    pub(super) pass: &'e Pass<'e>,
    pub(super) id: &'e str,
}

impl FactLog for Cancelling<'_> {
    fn record<const N: usize>(&self, at: EpochMillis, _: impl FnOnce() -> [Fact; N]) {
        let id = || Fact::ReservationCancelled { id: self.id.into() };
        self.engine.history.append(self.pass, at, || [id()]);
    }
}
