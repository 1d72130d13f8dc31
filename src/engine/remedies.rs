//! Rules that resolve exceptions without anybody, carried out.
//!
//! | a rule acts | found by |
//! | --- | --- |
//! | at once | the command that opens the exception, for an order that is refused; else whoever does what is due |
//! | when stock arrives | whoever makes units promisable, after those that wait for them have theirs |
//! | after a time | whoever does what is due: one entry in a heap for each open exception that waits |
//!
//! What a rule does is a fact, and that it resolved the exception is one of the same step. What it did
//! at its time in vain is one too, so that no restart does it again; it comes again only for another
//! moment that the rules name, so nothing goes round in circles. Nothing that somebody has, or that
//! has left, is cancelled.
//!
//! Who acts holds no lock. The heap's lock is taken while the exceptions are, and is the last of all.

use super::Engine;
use super::arrivals::{IN_VAIN_MAX, coming_too};
use super::desk::Note;
use super::error::EngineError;
use super::replan::{Leaving, Rest};
use crate::ledger::Reservation;
use crate::lifecycle::{
    Deadlines, Exception, Exceptions, FulfillmentOrder, OrderRecord, Remedies, Remedy, RuleCounts,
    Submission, Timer,
};
use crate::model::{
    Action, ByRule, EpochMillis, ExceptionChange, Fact, LocationId, Network, NewPart, Order,
    OrderKey, Qty, ReplanReason, ReplannedFact, SkuId, State, Trigger,
};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

/// Nothing is due, ever.
const NEVER: i64 = i64::MAX;

/// What a rule is doing about which exception.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub(super) exception: u64,
    pub(super) by: ByRule,
    /// The part of its order that the exception is about; `None` is the order.
    part: Option<u32>,
}

impl Deed {
    /// What it did to units of an order.
    pub(super) const fn told(&self) -> &'static str {
        match self.by.action {
            Action::RetryRouting => "there is a place for all of it",
            Action::Backorder => "it has a place, or waits for supply",
            Action::Cancel => "it will not ship",
        }
    }

    /// That it resolved the exception.
    pub(super) fn resolves(&self, how: &str) -> Note {
        let how = format!("rule {} ({}): {how}", self.by.rule, self.by.action.name());
        Note::ByRule(self.clone(), how.into())
    }

    /// Whether units of a part have anything to do with the exception.
    pub(super) fn is_about(&self, number: u32) -> bool {
        self.part.is_none_or(|part| part == number)
    }
}

/// The rules, and when one acts next.
pub(super) struct Rules {
    /// Nobody's before commands begin, and where there are none.
    all: OnceLock<Remedies>,
    due: Mutex<Due>,
    /// The first moment of any, to be read without a lock.
    next: AtomicI64,
}

#[derive(Debug, Default)]
struct Due {
    heap: Deadlines<u64>,
    timers: HashMap<u64, Timer>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            all: OnceLock::new(),
            due: Mutex::default(),
            next: AtomicI64::new(NEVER),
        }
    }
}

impl Rules {
    /// The rules, where there are any.
    pub(super) fn rules(&self) -> Option<&Remedies> {
        self.all.get()
    }

    /// When the next rule acts by itself.
    pub(super) fn next(&self) -> Option<EpochMillis> {
        let next = self.next.load(Ordering::Acquire);
        (next != NEVER).then_some(EpochMillis(next))
    }

    /// Sets when rules act on the exceptions that facts tell of. The exceptions are locked.
    pub(super) fn rearm(&self, all: &Exceptions, facts: &[Fact]) {
        let Some(rules) = self.rules() else {
            return;
        };
        let mut due = self.due.lock();
        for fact in facts {
            if let Fact::ExceptionChanged(fact) = fact
                && !matches!(fact.change, ExceptionChange::Assigned { .. })
            {
                due.set(fact.id, next_of(rules, all, fact.id));
            }
        }
        self.tell(&due);
    }

    fn tell(&self, due: &Due) {
        let next = due.heap.next_due().map_or(NEVER, |at| at.0);
        self.next.store(next, Ordering::Release);
    }

    fn pop(&self, now: EpochMillis) -> Option<u64> {
        let mut due = self.due.lock();
        let (_, id) = due.heap.pop_due(now)?;
        due.timers.remove(&id);
        self.tell(&due);
        Some(id)
    }
}

impl Due {
    fn set(&mut self, id: u64, at: Option<EpochMillis>) {
        let timer = self.timers.get(&id).copied();
        let Some(at) = at else {
            if let Some(timer) = timer {
                self.heap.remove(timer);
                self.timers.remove(&id);
            }
            return;
        };
        let moved = timer.is_some_and(|timer| self.heap.replace(timer, at));
        if let (false, Some(timer)) = (moved, (!moved).then(|| self.heap.insert(at, id)).flatten())
        {
            self.timers.insert(id, timer);
        }
    }
}

fn next_of(rules: &Remedies, all: &Exceptions, id: u64) -> Option<EpochMillis> {
    let open = all.get(id).filter(|e| e.resolved.is_none());
    open.and_then(|e| rules.next(e)).map(|(at, _)| at)
}

impl Engine {
    /// The network's rules hold from now on, also for what is open already.
    pub(super) fn begin_remedies(
        &self,
        folder: &Network,
        now: EpochMillis,
    ) -> Result<(), EngineError> {
        if folder.remedies.is_empty() {
            return Ok(());
        }
        let mut rules = Vec::with_capacity(folder.remedies.len());
        for row in &folder.remedies {
            let channel = row.channel.as_deref();
            let channel = channel.map(|c| self.channel("remedies.channel", c, now));
            rules.push(Remedy {
                name: row.name.clone(),
                cause: row.cause,
                channel: channel.transpose()?,
                trigger: row.trigger,
                action: row.action,
            });
        }
        let rules = Remedies::new(rules)?;
        let rules = self.remedies.all.get_or_init(|| rules);
        let all = self.desk.now();
        let mut due = self.remedies.due.lock();
        for id in all.open_ids() {
            due.set(id, next_of(rules, &all, id));
        }
        self.remedies.tell(&due);
        Ok(())
    }

    /// What every rule did: those of the network, in their order, then those of before.
    #[must_use]
    pub fn rule_counts(&self) -> Vec<(ByRule, RuleCounts)> {
        let all = self.desk.now();
        let known = |by: &ByRule| {
            let mut found = all.rule_counts().filter(|(rule, _)| *rule == by);
            found.next().map_or_else(RuleCounts::default, |(_, c)| c)
        };
        let rules = self.remedies.rules().into_iter().flat_map(Remedies::iter);
        let mut counts: Vec<(ByRule, RuleCounts)> =
            rules.map(|rule| (rule.by(), known(&rule.by()))).collect();
        for (by, did) in all.rule_counts() {
            if counts.iter().all(|(other, _)| other != by) {
                counts.push((by.clone(), did));
            }
        }
        counts
    }

    /// Does what rules do by themselves at `now`, and nothing else that is due. Returns for how many
    /// exceptions.
    pub fn remedy_now(&self, now: EpochMillis) -> usize {
        self.remedy_due(now, usize::MAX)
    }

    /// The same for so many exceptions at most.
    pub(super) fn remedy_due(&self, now: EpochMillis, most: usize) -> usize {
        let Some(rules) = self.remedies.rules() else {
            return 0;
        };
        let mut done = 0;
        while done < most && self.remedies.next().is_some_and(|at| at <= now) {
            let Some(id) = self.remedies.pop(now) else {
                break;
            };
            done += 1;
            self.remedy(rules, id, now);
        }
        done
    }

    /// Does what rules do at once about an order that was just refused.
    pub(super) fn remedy_order(&self, key: &OrderKey, now: EpochMillis) {
        let Some(rules) = self.remedies.rules() else {
            return;
        };
        let at_once = |exception: &&Exception| {
            let next = rules.next(exception);
            next.is_some_and(|(_, rule)| rule.trigger == Trigger::AtOnce)
        };
        let at_once: Vec<u64> = {
            let all = self.desk.now();
            all.of_order(key).filter(at_once).map(|e| e.id).collect()
        };
        for id in at_once {
            self.remedy(rules, id, now);
        }
    }

    /// The rule that is due for an exception acts, and that it did is known from then on.
    fn remedy(&self, rules: &Remedies, id: u64, now: EpochMillis) {
        let Some(exception) = self.desk.open_one(id) else {
            return;
        };
        let next = rules.next(&exception).filter(|(due, _)| *due <= now);
        let Some((due, rule)) = next else {
            return;
        };
        let freed = self.act(&exception, rule, now);
        if self.desk.is_open(id) {
            let tried = Note::Tried(deed(&exception, rule), due);
            self.note(&self.gate.enter(), now, &[tried]);
        }
        self.allocate_all(freed, now);
    }

    /// Units of these SKUs can be promised: what waits for them and a rule is for. Returns SKUs of
    /// which that made more promisable.
    pub(super) fn remedy_stock(&self, skus: &[SkuId], now: EpochMillis) -> Vec<SkuId> {
        let Some(rules) = self.remedies.rules().filter(|_| self.desk.any_open()) else {
            return Vec::new();
        };
        let mut freed = Vec::new();
        for &sku in skus {
            // The look at all of them ends here: whoever acts changes some.
            let waiting = self.desk.now().on_stock(rules, sku);
            let mut in_vain = 0;
            for (id, rule) in waiting {
                // Of none that is left, nothing more can be had.
                if in_vain >= IN_VAIN_MAX || self.ledger.atp(sku, &coming_too(), now) == 0 {
                    break;
                }
                let Some(exception) = self.desk.open_one(id) else {
                    continue;
                };
                freed.extend(self.act(&exception, rule, now));
                in_vain = match self.desk.is_open(id) {
                    true => in_vain + 1,
                    false => 0,
                };
            }
        }
        freed
    }

    /// A rule does what it does about an exception. Returns SKUs of which units are free now.
    fn act(&self, exception: &Exception, rule: &Remedy, now: EpochMillis) -> Vec<SkuId> {
        let topic = &exception.finding.subject.topic;
        let Some(key) = topic.order_key() else {
            return Vec::new();
        };
        let deed = deed(exception, rule);
        let acted = self.orders.change(key, |record| {
            // Whatever ends one about an order has the order locked, but for people.
            match self.desk.is_open(exception.id) {
                true => self.act_on(record, &deed, now),
                false => Vec::new(),
            }
        });
        let Some(freed) = acted else {
            self.act_on_kept(exception, &deed, now);
            return Vec::new();
        };
        // Of several claims of an order at one place those that are left may be the uncovered ones.
        for &(sku, location) in &freed {
            self.rescue_at(sku, location, now);
        }
        freed.into_iter().map(|(sku, _)| sku).collect()
    }

    /// About an order that was accepted. It is locked.
    fn act_on(
        &self,
        record: &mut OrderRecord<Reservation>,
        deed: &Deed,
        now: EpochMillis,
    ) -> Vec<(SkuId, LocationId)> {
        // A place is for what has none: where nothing waits, there is something else to decide.
        let about = |part: &FulfillmentOrder| deed.is_about(part.id.number) && part.waits();
        let waits = record.parts().iter().any(about);
        match deed.by.action {
            Action::Cancel => return self.give_up(record, deed, now),
            Action::RetryRouting if waits => {
                // What finds no place stays as it is.
                let _ = self.place_waiting_by(record, Some(deed), now);
            }
            Action::Backorder if waits => self.wait_for_supply(record, deed, now),
            Action::RetryRouting | Action::Backorder => {}
        }
        Vec::new()
    }

    /// Units that have no place wait for supply, whatever the order's policy says. Some that the deed is
    /// about have none, or wait already.
    fn wait_for_supply(
        &self,
        record: &mut OrderRecord<Reservation>,
        deed: &Deed,
        now: EpochMillis,
    ) {
        let mut leaving = Leaving::new(ReplanReason::NotShipped, Rest::Waits);
        leaving.deed = Some(deed.clone());
        for part in record.parts().iter().filter(|p| has_no_place(p)) {
            leaving.all_of(part, None);
        }
        if !leaving.given_up.is_empty() {
            // Others keep taking the units: they stay where they are, and the rule was in vain.
            let _ = self.place_anew(record, &leaving, now);
        } else {
            let resolved = deed.resolves("it waits for supply");
            self.note(&self.gate.enter(), now, &[resolved]);
        }
    }

    /// Everything that the exception is about and nobody has will not ship. Returns where units are
    /// free now.
    fn give_up(
        &self,
        record: &mut OrderRecord<Reservation>,
        deed: &Deed,
        now: EpochMillis,
    ) -> Vec<(SkuId, LocationId)> {
        let mut leaving = Leaving::new(ReplanReason::GivenUp, Rest::Stays);
        let parts = record.parts().into_owned();
        let open = parts.iter().filter(|p| p.state != State::Cancelled);
        for part in open.clone().filter(|p| deed.is_about(p.id.number)) {
            leaving.all_of(part, None);
        }
        if leaving.given_up.is_empty() {
            return Vec::new();
        }
        let freed = leaving.freed.iter().map(|f| (f.sku, f.location));
        let freed: Vec<(SkuId, LocationId)> = freed.collect();
        let gives_up = |part: &&FulfillmentOrder| {
            let told = |g: &crate::model::GivenUp| g.number == part.id.number;
            part.lines.iter().all(|l| part.may_give_up(l).is_zero())
                || leaving.given_up.iter().any(told)
        };
        let nobody_has_any = open
            .clone()
            .all(|p| !p.state.with_holder() && !p.has_left());
        if nobody_has_any && open.clone().all(|p| gives_up(&p)) {
            // That nobody has a part was looked at just now.
            let _ = self.cancel_record(record, Some(deed), now);
            return freed;
        }
        let fact = given_up_fact(record, &parts, leaving, deed);
        let _ = self.replan_by(record, fact, &[], Some(deed), now);
        freed
    }

    /// About an order that was refused and is kept.
    fn act_on_kept(&self, exception: &Exception, deed: &Deed, now: EpochMillis) {
        let Some(order) = &exception.kept else {
            return;
        };
        match deed.by.action {
            Action::Cancel => {
                let resolved = deed.resolves("it was refused, and is not placed any more");
                self.note(&self.gate.enter(), now, &[resolved]);
            }
            // What cannot be placed stays open.
            Action::RetryRouting | Action::Backorder => {
                let _ = self.place_kept(order, deed, now);
            }
        }
    }

    /// Places an order that was refused, if its sender has said nothing else since.
    fn place_kept(
        &self,
        order: &Arc<Order>,
        deed: &Deed,
        now: EpochMillis,
    ) -> Result<(), EngineError> {
        let Submission::New(place) = self.orders.submit(order) else {
            return Ok(());
        };
        let latest = self.desk.open_one(deed.exception);
        if latest.is_none_or(|e| e.kept.as_ref() != Some(order)) {
            return Ok(());
        }
        let lanes = self.lanes.load();
        let mut resolved = self.resolve(order, &lanes)?;
        resolved.policy.allow_backorder |= deed.by.action == Action::Backorder;
        let skus: Arc<[SkuId]> = resolved.skus().collect();
        let routed = self.route_and_reserve(order, &resolved, &lanes, (now, Some(deed)))?;
        let (decision, granted) = routed;
        self.accept(place, order.clone(), skus, decision, granted, now);
        Ok(())
    }

    /// Keeps a refused order where a rule may place it and there is room for it, and says so to its
    /// sender.
    pub(super) fn keep_refused(
        &self,
        order: &Arc<Order>,
        mut error: EngineError,
        now: EpochMillis,
    ) -> EngineError {
        if self.remedies.rules().is_none() {
            return error;
        }
        let keep = [Note::Keep(order.clone())];
        self.note(&self.gate.enter(), now, &keep);
        let all = self.desk.now();
        let kept = all
            .of_order(&order.key)
            .find(|e| e.kept.as_ref() == Some(order));
        if let (Some(kept), EngineError::Unroutable { why, .. }) = (kept, &mut error) {
            let more = format!("; exception {} keeps it for the network's rules", kept.id);
            why.push_str(&more);
        }
        error
    }
}

/// Whether units of a part that somebody had are without a place.
fn has_no_place(part: &FulfillmentOrder) -> bool {
    !part.state.unreleased() && part.state != State::Cancelled && part.unplaced() > 0
}

fn deed(exception: &Exception, rule: &Remedy) -> Deed {
    Deed {
        exception: exception.id,
        by: rule.by(),
        part: exception.finding.subject.topic.fulfillment(),
    }
}

/// The fact that units of an order will not ship.
fn given_up_fact(
    record: &OrderRecord<Reservation>,
    parts: &[FulfillmentOrder],
    leaving: Leaving,
    deed: &Deed,
) -> ReplannedFact {
    let mut lines: Vec<(SkuId, Qty)> = Vec::new();
    for given in &leaving.given_up {
        let part = parts.iter().find(|p| p.id.number == given.number);
        let line = part.and_then(|p| p.lines.get(usize::from(given.line)));
        let Some(sku) = line.map(|l| l.sku) else {
            continue;
        };
        match lines.iter_mut().find(|(known, _)| *known == sku) {
            Some((_, sum)) => *sum += given.qty,
            None => lines.push((sku, given.qty)),
        }
    }
    let last = parts.iter().map(|p| p.id.number).max();
    ReplannedFact {
        key: record.order.key.clone(),
        reason: leaving.reason,
        amended: None,
        given_up: leaving.given_up,
        left: Vec::new(),
        parts: vec![NewPart {
            number: last.unwrap_or(0) + 1,
            route: None,
            lines,
            held: None,
            cancelled: Some(format!("rule {}", deed.by.rule).into()),
        }],
        freed: leaving.freed,
        granted: Vec::new(),
    }
}
