//! When each order is due next, and what a breach means.
//!
//! Every order has at most one deadline: the earliest of all that its parts have. So an order whose
//! parts are as planned costs one entry and keeps no part in memory. What is due follows from the
//! orders and the network alone and is worked out anew at every start; nothing looks at all orders
//! meanwhile. Replay sets no deadline.
//!
//! Setting one takes the lock of the deadlines while the order is locked; whoever takes what is due
//! lets go of that lock before he locks an order.

use super::Engine;
use super::desk::{Note, about_part};
use super::error::EngineError;
use crate::ledger::Reservation;
use crate::lifecycle::{
    Deadlines, Finding, FulfillmentOrder, LeaseVerdict, LimitRule, Limits, OrderRecord, OrderState,
    Subject, Topic, stuck,
};
use crate::model::{
    Cause, Change, ChannelId, EpochMillis, LocationId, Millis, Network, Order, SkuId, State,
};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Nothing is due, ever.
const NEVER: i64 = i64::MAX;

/// What is due when.
pub(super) struct Watch {
    /// Nobody's before commands begin.
    limits: OnceLock<Limits>,
    due: Mutex<Deadlines<u64>>,
    /// The first of them, to be read without a lock.
    next: AtomicI64,
    /// Orders by the number under which they are watched. They are kept for good, as in the book.
    orders: boxcar::Vec<Arc<Order>>,
    breaches: AtomicU64,
    /// Up to when whoever worked before the start has looked at places that were left out for a while.
    since: AtomicI64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            limits: OnceLock::new(),
            due: Mutex::default(),
            next: AtomicI64::new(NEVER),
            orders: boxcar::Vec::new(),
            breaches: AtomicU64::new(0),
            since: AtomicI64::new(0),
        }
    }
}

impl Watch {
    fn change<T>(&self, change: impl FnOnce(&mut Deadlines<u64>) -> T) -> T {
        let mut due = self.due.lock();
        let changed = change(&mut due);
        let next = due.next_due().map_or(NEVER, |at| at.0);
        self.next.store(next, Ordering::Release);
        changed
    }
}

impl Engine {
    /// When something is due next; `None` while nothing is. It takes no lock.
    #[must_use]
    pub fn next_due(&self) -> Option<EpochMillis> {
        let next = self.watch.next.load(Ordering::Acquire);
        let next = (next != NEVER).then_some(EpochMillis(next));
        next.into_iter().chain(self.remedies.next()).min()
    }

    /// How many orders have a deadline, and how many breaches there were since the start.
    #[must_use]
    pub fn watched(&self) -> (usize, u64) {
        let breaches = self.watch.breaches.load(Ordering::Relaxed);
        (self.watch.due.lock().len(), breaches)
    }

    /// Does what is due at `now`, at most for so many orders: what stands still for longer than it may
    /// becomes an exception; a claim that was not acknowledged goes back if its holder cannot have
    /// begun, and else becomes one; what has no place and was not tried at a location for a while is
    /// tried there again; rules that wait for time resolve exceptions. Returns for how many orders and
    /// exceptions something was due.
    pub fn due(&self, now: EpochMillis, most: usize) -> usize {
        let mut done = self.remedy_due(now, most);
        let due = |watch: &Watch| watch.next.load(Ordering::Acquire) <= now.0;
        while done < most && due(&self.watch) {
            let Some((_, place)) = self.watch.change(|due| due.pop_due(now)) else {
                break;
            };
            done += 1;
            let order = usize::try_from(place).ok();
            if let Some(order) = order.and_then(|place| self.watch.orders.get(place)) {
                let back = self
                    .orders
                    .change(&order.key, |record| self.breach(record, now));
                // What nobody has any more may move, if its promise broke while somebody had it.
                for (sku, location) in back.into_iter().flatten() {
                    self.rescue_at(sku, location, now);
                }
            }
        }
        // Rules may act at once on what was just found.
        done + self.remedy_due(now, most - done)
    }

    /// Begins to watch: all orders that are there, by the network's limits.
    pub(super) fn begin_watching(
        &self,
        folder: &Network,
        since: EpochMillis,
        now: EpochMillis,
    ) -> Result<(), EngineError> {
        self.watch.since.store(since.0, Ordering::Relaxed);
        let mut rules = Vec::with_capacity(folder.deadlines.len());
        for row in &folder.deadlines {
            let channel = row.channel.as_deref();
            let channel = channel.map(|c| self.channel("deadlines.channel", c, now));
            let place = row.location.and_then(|l| folder.locations.get(l.index()));
            let place = place.map(|l| self.registry.location("deadlines.location", &l.id));
            rules.push(LimitRule {
                state: row.state,
                channel: channel.transpose()?,
                location: place.transpose()?,
                limit: row.limit,
            });
        }
        let limits = Limits::with(&rules)?;
        if self.watch.limits.set(limits).is_ok() {
            self.orders.change_each(|record| self.watch(record));
        }
        Ok(())
    }

    /// Sets when an order is due next, after something has happened to it. It is locked.
    pub(super) fn watch(&self, record: &mut OrderRecord<Reservation>) {
        let Some(limits) = self.watch.limits.get() else {
            return;
        };
        let next = self.next_due_of(limits, record);
        let timer = record.watched.timer;
        let Some(at) = next else {
            if let Some(timer) = timer {
                self.watch.change(|due| due.remove(timer));
                record.watched.timer = None;
            }
            return;
        };
        let place = *record.watched.place.get_or_insert_with(|| {
            u32::try_from(self.watch.orders.push(record.order.clone())).unwrap_or(u32::MAX)
        });
        record.watched.timer = self.watch.change(|due| match timer {
            Some(timer) if due.replace(timer, at) => Some(timer),
            _ => due.insert(at, u64::from(place)),
        });
    }

    /// The earliest moment, later than the last look, at which something about an order is due.
    fn next_due_of(
        &self,
        limits: &Limits,
        record: &OrderRecord<Reservation>,
    ) -> Option<EpochMillis> {
        let channel = record.holding.as_ref()?.channel();
        if record.state == OrderState::Cancelled {
            return None;
        }
        let after = |at: &EpochMillis| *at > record.watched.looked;
        if !record.parts.is_empty() {
            let all = record.parts.iter().flat_map(|part| {
                let lease = part.holder.as_ref().and_then(|h| h.lease_end);
                let lease = lease.filter(|_| part.state == State::Sent);
                [lease, self.part_due(limits, channel, part)]
            });
            let again = self.tried_again(record).filter(after);
            return all.flatten().filter(after).chain(again).min();
        }
        let plan = &record.decision.plan;
        let since = record.accepted_at;
        let due = |state, location| self.due_at(limits, (state, channel, location), since);
        let shipments = plan.shipments.iter();
        let routed = shipments.map(|s| due(State::Routed, Some(s.location)));
        let short = (!plan.short.is_empty()).then(|| due(State::Backordered, None));
        routed.chain(short).flatten().filter(after).min()
    }

    /// When places that were left out for a while may have units of an order again, if any of it has
    /// no place; later than anybody before the start has looked.
    fn tried_again<'r>(
        &self,
        record: &'r OrderRecord<Reservation>,
    ) -> impl Iterator<Item = EpochMillis> + use<'r> {
        let out = Millis::from_hours(self.replan_rules().exclude_hours);
        let since = EpochMillis(self.watch.since.load(Ordering::Relaxed));
        let refused = record.parts.iter().filter_map(|part| part.refused_at);
        let waits = refused.clone().next().is_some() && !record.waiting().is_empty();
        let ends = refused.filter(move |_| waits).map(move |at| at + out);
        ends.filter(move |end| *end > since)
    }

    fn part_due(
        &self,
        limits: &Limits,
        channel: ChannelId,
        part: &FulfillmentOrder,
    ) -> Option<EpochMillis> {
        let location = part.route.as_ref().map(|r| r.location);
        self.due_at(limits, (part.state, channel, location), part.since)
    }

    fn due_at(
        &self,
        limits: &Limits,
        (state, channel, location): (State, ChannelId, Option<LocationId>),
        since: EpochMillis,
    ) -> Option<EpochMillis> {
        limits.due(state, channel, location, since, |location, at, span| {
            self.lanes.load().add_working(location, at, span)
        })
    }

    /// Something about an order is due. It is locked. Returns where units are that went back.
    fn breach(
        &self,
        record: &mut OrderRecord<Reservation>,
        now: EpochMillis,
    ) -> Vec<(SkuId, LocationId)> {
        record.watched.timer = None;
        let mut went_back = Vec::new();
        let (Some(limits), Some(holding)) = (self.watch.limits.get(), &record.holding) else {
            return went_back;
        };
        let channel = holding.channel();
        let mut notes = Vec::new();
        for part in record.parts().into_owned() {
            match part.lease(now) {
                LeaseVerdict::MayGoBack => {
                    let back = Change::TakeBack { vouched_by: None };
                    // Its state was looked at just now, so it is possible.
                    let _ = self.change_part(record, &part, &back, now);
                    let place = part.route.map(|r| r.location);
                    let skus = part.lines.iter().map(|l| l.sku);
                    went_back.extend(skus.filter_map(|sku| Some((sku, place?))));
                    continue;
                }
                LeaseVerdict::MayHaveBegun => {
                    let end = part.holder.as_ref().and_then(|h| h.lease_end);
                    let unheard = Self::unheard(record, &part, channel);
                    if !self.desk.knows(&unheard.subject, end.unwrap_or_default()) {
                        notes.push(Note::Raise(unheard));
                    }
                }
                LeaseVerdict::Running => {}
            }
            let due = self.part_due(limits, channel, &part);
            let due = due.filter(|due| *due <= now && *due > record.watched.looked);
            if let (Some(due), Some(cause)) = (due, stuck(part.state)) {
                let still = self.stands_still(record, &part, (channel, cause, due));
                // After a restart everything is looked at anew: what was found, and what somebody has
                // decided, stays as it is.
                if !self.desk.knows(&still.subject, due) {
                    notes.push(Note::Raise(still));
                    notes.extend(self.overloaded(&part));
                }
            }
        }
        let looked = record.watched.looked;
        let again = self
            .tried_again(record)
            .any(|end| looked < end && end <= now);
        record.watched.looked = now;
        if !notes.is_empty() {
            self.watch.breaches.fetch_add(1, Ordering::Relaxed);
            self.note(&self.gate.enter(), now, &notes);
        }
        if again {
            // What finds no place stays as it is.
            let _ = self.place_waiting(record, now);
        }
        self.watch(record);
        went_back
    }

    /// A claim whose lease has ended, and whose holder may have begun.
    fn unheard(
        record: &OrderRecord<Reservation>,
        part: &FulfillmentOrder,
        channel: ChannelId,
    ) -> Finding {
        let holder = part.holder.as_ref();
        let name = holder.map_or("", |h| &*h.name);
        let end = holder.and_then(|h| h.lease_end).unwrap_or_default();
        let detail = format!("{name} has it and did not acknowledge it by {end}");
        let part = (&record.order.key, part.id.number);
        about_part(part, Some(channel), Cause::NotAcknowledged, detail)
    }

    /// A part that stands still for longer than it may.
    fn stands_still(
        &self,
        record: &OrderRecord<Reservation>,
        part: &FulfillmentOrder,
        (channel, cause, due): (ChannelId, Cause, EpochMillis),
    ) -> Finding {
        let route = part.route.as_ref();
        let place = route.map_or_else(String::new, |r| {
            format!(" at {}", self.registry.location_name(r.location))
        });
        let holder = part.holder.as_ref().filter(|_| part.state.with_holder());
        let holder = holder.map_or_else(String::new, |h| format!(" with {}", h.name));
        let (state, since) = (part.state.name(), part.since);
        let detail = format!("{state}{place}{holder} since {since}, due {due}");
        let mut finding = about_part(
            (&record.order.key, part.id.number),
            Some(channel),
            cause,
            detail,
        );
        if part.state == State::Backordered {
            finding.waits_for = part.lines.iter().map(|l| l.sku).collect();
        }
        finding
    }

    /// Whether a part waits because its location has more to do than it can in a day.
    fn overloaded(&self, part: &FulfillmentOrder) -> Option<Note> {
        let location = part.route.as_ref()?.location;
        // Of the lanes, not of the network: its lock comes before any order's.
        let a_day = self.lanes.load().limit(location)?.shipments?;
        let subject = Subject {
            topic: Topic::Location(location),
            cause: Cause::LocationFull,
        };
        let waiting = self.waiting.count(location);
        if waiting <= usize::try_from(a_day).unwrap_or(usize::MAX) {
            return Some(Note::Clear(subject, "it keeps up again".into()));
        }
        let name = self.registry.location_name(location);
        Some(Note::Raise(Finding {
            subject,
            channel: None,
            detail: format!("{waiting} wait at {name}, which ships {a_day} a day").into(),
            waits_for: Vec::new(),
        }))
    }
}
