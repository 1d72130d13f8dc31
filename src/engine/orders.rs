//! Orders: routed, reserved and accepted in one step; quoted; cancelled.

use super::Engine;
use super::backorders::{Admission, Rank};
use super::error::EngineError;
use super::facts::Acceptance;
use super::findings::{invalid_qty, no_shipment};
use super::remedies::Deed;
use crate::cut::Pass;
use crate::ledger::{DayUse, Owner, Reservation, StockView, Take, Want};
use crate::lifecycle::{
    FulfillmentOrder, NewOrder, OrderRecord, OrderState, OrderStatus, Submission,
};
use crate::model::{
    Change, ChannelId, Decision, EpochMillis, LocationId, Order, OrderKey, OwnerFact, Plan, Policy,
    Qty, ReplanRules, SkuId, check_id,
};
use crate::routing::{
    Binding, Demand, Destination, Forgotten, Frontier, Goal, Lanes, Request, Scratch, Unroutable,
    binding, binding_then, draft, frontier, locations_then, pack, quote, route,
};
use crate::scarcity::Drawn;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often an order is routed anew when others took its stock. Each time somebody else got
/// his, so this many in a row means a stampede, and the sender should hear of it.
pub(super) const TRIES_MAX: u32 = 1000;

/// An order as it stands.
#[derive(Debug, Clone)]
pub struct OrderView {
    /// What was bought.
    pub order: Arc<Order>,
    /// The SKUs of the plan's demands, in their order.
    pub demands: Arc<[SkuId]>,
    /// What was decided when it was accepted.
    pub decision: Arc<Decision>,
    /// When it was accepted.
    pub accepted_at: EpochMillis,
    /// Where it stands, by its parts.
    pub status: OrderStatus,
    /// Its fulfilment orders; none while all are as planned, unless they were asked for.
    pub parts: Vec<FulfillmentOrder>,
    /// Units that wait for supply, by SKU.
    pub waits: Box<[(SkuId, Qty)]>,
    /// Its place in the order of creation; of two equal priorities the older gets units first.
    pub sequence: u64,
    /// It had been submitted before; this is the first answer.
    pub repeated: bool,
}

/// Plans for an order that was not placed.
#[derive(Debug, Clone)]
pub struct Quote {
    /// The SKUs of the plans' demands, in their order.
    pub demands: Arc<[SkuId]>,
    /// The best plan for every goal.
    pub plans: Vec<(Goal, Decision)>,
    /// Every plan that no other beats in cost, date and number of shipments at once.
    pub frontier: Frontier,
    /// The constraints without which the balanced plan would be cheaper.
    pub binding: Vec<Binding>,
}

/// Why an order's plan is what it is, as far as that was known when it was accepted.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The order, with its plan, the next best one, and what every location was out for.
    pub view: OrderView,
    /// What bound the plan; that the network changed since, so that it cannot be said.
    pub binding: Result<Vec<Binding>, Forgotten>,
    /// How many locations there were.
    pub locations: usize,
}

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
pub(super) struct Counters {
    accepted: AtomicU64,
    split: AtomicU64,
    backordered: AtomicU64,
    refused: AtomicU64,
    pub(super) cancelled: AtomicU64,
    pub(super) rerouted: AtomicU64,
    pub(super) replanned: AtomicU64,
}

/// What an order was granted.
pub(super) struct Granted<'e> {
    holding: Reservation,
    /// Since when all of it is on hold, and why; few orders are.
    held: Option<(EpochMillis, Box<str>)>,
    /// What lasts until it is remembered: its place among those that wait, and the pass.
    _until: (Admission<'e>, Pass<'e>),
}

/// An order with every name looked up.
pub(super) struct Resolved {
    pub(super) channel: ChannelId,
    pub(super) destination: Arc<Destination>,
    pub(super) policy: Policy,
    pub(super) demands: Vec<Demand>,
    pub(super) excluded: Vec<LocationId>,
    pub(super) pickup: Option<LocationId>,
}

impl Resolved {
    /// The SKUs of its demands, in their order.
    pub(super) fn skus(&self) -> impl Iterator<Item = SkuId> {
        self.demands.iter().map(|d| d.sku)
    }
}

#[derive(Default)]
pub(super) struct Workspace {
    pub(super) view: StockView,
    pub(super) days: Vec<DayUse>,
    pub(super) scratch: Scratch,
}

thread_local! {
    pub(super) static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

impl OrderView {
    pub(super) fn rank(&self) -> Rank {
        Rank::new(self.order.priority, self.sequence, self.order.key.clone())
    }
}

impl Resolved {
    /// What the router is asked to price something by, whatever the order promised.
    pub(super) fn asked<'a>(&'a self, stock: &'a StockView, now: EpochMillis) -> Request<'a> {
        Request {
            now,
            destination: &self.destination,
            deliver_by: None,
            deliver_by_is_hard: false,
            policy: self.policy,
            demands: &self.demands,
            stock,
            excluded: &[],
            pickup: self.pickup,
            days: &[],
        }
    }
}

impl Engine {
    /// Accepts an order: routes it, reserves every unit of its plan, and remembers the answer for
    /// its identity, in one step. The same order again gets the first answer.
    ///
    /// # Errors
    /// `CONFLICT` naming the fields when the identity was used with other content; `NOSTOCK`
    /// when it may not be backordered and cannot ship completely; `INVALID`, `NOTFOUND`,
    /// `TOOLARGE`, `BUSY`.
    pub fn submit(&self, order: Arc<Order>, now: EpochMillis) -> Result<OrderView, EngineError> {
        if self.remedies.rules().is_none() {
            return self.submit_once(order, now);
        }
        let answer = self.submit_once(order.clone(), now);
        self.or_by_rule(answer, &order, now)
    }

    /// What a rule makes at once of an order that was refused: its answer then.
    pub(super) fn or_by_rule(
        &self,
        answer: Result<OrderView, EngineError>,
        order: &Order,
        now: EpochMillis,
    ) -> Result<OrderView, EngineError> {
        if answer.is_ok() || self.remedies.rules().is_none() {
            return answer;
        }
        self.remedy_order(&order.key, now);
        let placed = self.orders.read(&order.key, |record| {
            record.knows(order).then(|| view(record, false))
        });
        placed.flatten().map_or(answer, Ok)
    }

    fn submit_once(&self, order: Arc<Order>, now: EpochMillis) -> Result<OrderView, EngineError> {
        let place = match self.orders.submit(&order) {
            Submission::New(place) => place,
            Submission::Known(record) => return Ok(view(&record, true)),
            Submission::Differs(fields) => return Err(differs(&order, &fields)),
        };
        let lanes = self.lanes.load();
        let resolved = self.resolve(&order, &lanes);
        let resolved = resolved.map_err(|first| self.with_all_findings(&order, &lanes, first));
        let accepted = resolved.and_then(|resolved| {
            let skus: Arc<[SkuId]> = resolved.skus().collect();
            let granted = self.route_and_reserve(&order, &resolved, &lanes, (now, None))?;
            Ok((skus, granted))
        });
        let accepted = accepted.inspect_err(|error| {
            self.count_refused();
            self.refused(&order, error, now);
        });
        let (demands, (decision, granted)) =
            accepted.map_err(|error| self.keep_refused(&order, error, now))?;
        Ok(self.accept(place, order, demands, decision, granted, now))
    }

    /// Remembers an order whose units are reserved.
    pub(super) fn accept(
        &self,
        place: NewOrder<'_, Reservation>,
        order: Arc<Order>,
        demands: Arc<[SkuId]>,
        decision: Arc<Decision>,
        granted: Granted<'_>,
        now: EpochMillis,
    ) -> OrderView {
        let Granted {
            holding,
            held,
            _until,
        } = granted;
        self.count(&decision.plan);
        let units = decision.plan.shipments.iter().flat_map(|s| &s.lines);
        self.note_moved(units.map(|line| u64::from(line.qty.0)).sum());
        let state = OrderState::of(&decision.plan);
        let mut record = OrderRecord {
            order,
            demands,
            decision,
            accepted_at: now,
            state,
            parts: Vec::new(),
            costs: BTreeMap::new(),
            returns: None,
            holding: Some(holding),
            amended: None,
            waits: Box::default(),
            watched: crate::lifecycle::Watched::default(),
            counted: self.ledger.days().counting(),
        };
        let key = || record.order.key.clone();
        self.orders_before.save(key, || None);
        self.await_parts(&mut record);
        if let Some((at, reason)) = held {
            self.hold_all(&mut record, &reason, at);
        }
        let answer = view(&record, false);
        place.accept(record);
        answer
    }

    /// What an order would get: the cheapest, the fastest and the balanced plan, and all that no
    /// other beats. Reserves nothing and remembers nothing.
    ///
    /// # Errors
    /// As [`Engine::submit`], without `CONFLICT`.
    pub fn quote(&self, order: &Order, now: EpochMillis) -> Result<Quote, EngineError> {
        let lanes = self.lanes.load();
        let resolved = self.resolve(order, &lanes);
        let resolved = resolved.map_err(|first| self.with_all_findings(order, &lanes, first))?;
        let skus: Arc<[SkuId]> = resolved.demands.iter().map(|d| d.sku).collect();
        let plans = WORKSPACE.with_borrow_mut(|work| {
            let Workspace {
                view,
                days,
                scratch,
            } = work;
            self.ledger
                .view(skus.iter().copied(), resolved.channel, now, view);
            self.list_days(&lanes, view, now, days);
            let request = request(order, &resolved, (view, days), now);
            let plans = quote(&lanes, &request, scratch)?;
            let frontier = frontier(&lanes, &request, scratch)?;
            Ok((plans, frontier, binding(&lanes, &request, scratch)?))
        });
        let (plans, frontier, binding) = plans.map_err(|e| self.names().unroutable(&e, &skus))?;
        Ok(Quote {
            demands: skus,
            plans: plans.into_iter().collect(),
            frontier,
            binding,
        })
    }

    /// An order as it stands.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn order(&self, source: &str, order: &str) -> Result<OrderView, EngineError> {
        let key = OrderKey::new(source, order);
        let found = self.orders.read(&key, |record| view(record, true));
        found.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))
    }

    /// The same with its fulfilment orders also where all are as planned.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn order_in_parts(&self, source: &str, order: &str) -> Result<OrderView, EngineError> {
        let key = OrderKey::new(source, order);
        let found = self.orders.read(&key, |record| OrderView {
            parts: record.parts().into_owned(),
            ..view(record, true)
        });
        found.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))
    }

    /// Why an order is fulfilled as it is: what was decided, and what bound that, by what was known
    /// when it was accepted.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn explain(&self, source: &str, order: &str) -> Result<Explanation, EngineError> {
        let view = self.order(source, order)?;
        let basis = &view.decision.basis;
        let there = self.registry.location_count();
        let locations = locations_then(basis).map_or(there, |then| then.min(there));
        let binding = self.binding_then(&view.order, &view.decision);
        Ok(Explanation {
            view,
            binding,
            locations,
        })
    }

    fn binding_then(&self, order: &Order, decision: &Decision) -> Result<Vec<Binding>, Forgotten> {
        let lanes = self.lanes.load();
        // What cannot be looked up any more was changed since.
        let resolved = self.resolve(order, &lanes);
        let resolved = resolved.map_err(|_| Forgotten::NetworkChanged)?;
        WORKSPACE.with_borrow_mut(|work| {
            work.view.clear();
            let request = request(order, &resolved, (&work.view, &[]), EpochMillis::default());
            let total = decision.plan.objective.total();
            binding_then(&lanes, &request, &decision.basis, total, &mut work.scratch)
        })
    }

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

    pub(super) fn count(&self, plan: &Plan) {
        self.counts.accepted.fetch_add(1, Ordering::Relaxed);
        self.count_kind(plan, |counter| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// An accepted order has another plan now.
    pub(super) fn count_anew(&self, before: &Plan, now: &Plan) {
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

    pub(super) fn count_refused(&self) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Routes on a view of the stock and has the ledger grant the plan; when somebody took the
    /// units in between, looks again. The pass lasts until the order is remembered.
    pub(super) fn route_and_reserve(
        &self,
        order: &Arc<Order>,
        resolved: &Resolved,
        lanes: &Lanes,
        (now, deed): (EpochMillis, Option<&Deed>),
    ) -> Result<(Arc<Decision>, Granted<'_>), EngineError> {
        for _ in 0..TRIES_MAX {
            let see = |view: &mut StockView, days: &mut Vec<DayUse>| {
                self.see_stock(resolved, now, view);
                self.list_days(lanes, view, now, days);
            };
            let decision = Arc::new(self.route_on(order, resolved, lanes, now, see)?);
            if let Some(granted) = self.reserve(order, resolved, &decision, (now, deed))? {
                return Ok((decision, granted));
            }
            self.counts.rerouted.fetch_add(1, Ordering::Relaxed);
        }
        Err(EngineError::Busy { tries: TRIES_MAX })
    }

    /// The stock of an order's SKUs as it is.
    pub(super) fn see_stock(&self, resolved: &Resolved, now: EpochMillis, view: &mut StockView) {
        self.ledger
            .view(resolved.skus(), resolved.channel, now, view);
    }

    /// Routes on the stock, and on the days of the locations that have any of it, that `see` shows.
    pub(super) fn route_on(
        &self,
        order: &Order,
        resolved: &Resolved,
        lanes: &Lanes,
        now: EpochMillis,
        see: impl FnOnce(&mut StockView, &mut Vec<DayUse>),
    ) -> Result<Decision, EngineError> {
        let decided = WORKSPACE.with_borrow_mut(|work| {
            let Workspace {
                view,
                days,
                scratch,
            } = work;
            see(view, days);
            let request = request(order, resolved, (view, days), now);
            let mut decision = route(lanes, &request, scratch)?;
            decision.basis = pack(lanes, &request);
            Ok(decision)
        });
        decided.map_err(|error: Unroutable| {
            let skus: Vec<SkuId> = resolved.skus().collect();
            self.names().unroutable(&error, &skus)
        })
    }

    /// Whether the units of a plan may still be promised, each shipment looked at by itself.
    pub(super) fn has_stock(&self, resolved: &Resolved, plan: &Plan, now: EpochMillis) -> bool {
        WORKSPACE.with_borrow_mut(|Workspace { view, .. }| {
            self.see_stock(resolved, now, view);
            let wants = wants(plan, &resolved.demands);
            wants.iter().all(|want| {
                let line = (0..view.len()).find(|&line| view.sku(line) == want.sku);
                let mut cells = line.map_or(&[][..], |line| view.cells(line)).iter();
                let cell = cells.find(|cell| Some(cell.location) == want.location);
                cell.is_some_and(|cell| {
                    let mut later = view.later(cell).iter().rev();
                    let due = later.find(|step| step.from <= want.need_at);
                    due.map_or(cell.now, |step| step.qty) >= want.qty
                })
            })
        })
    }

    /// Has the ledger grant a plan; `None` when somebody took its units.
    pub(super) fn reserve(
        &self,
        order: &Arc<Order>,
        resolved: &Resolved,
        decision: &Arc<Decision>,
        (now, deed): (EpochMillis, Option<&Deed>),
    ) -> Result<Option<Granted<'_>>, EngineError> {
        let owner = Arc::new(Owner {
            id: OwnerFact::Order(order.key.clone()),
            priority: order.priority,
            sequence: self.next_sequence(),
        });
        let wants = wants(&decision.plan, &resolved.demands);
        let take = Take {
            owner: &owner,
            // Only now: a refused order leaves nothing behind, not even a channel's name.
            channel: self.channel("channel", &order.channel, now)?,
            expires_at: EpochMillis::DISTANT_FUTURE,
            wants: &wants,
        };
        let admitted = self.admit_short(&decision.plan, &resolved.demands, now)?;
        let pass = self.gate.enter();
        let log = Acceptance {
            engine: self,
            pass: &pass,
            now,
            order,
            decision,
            deed,
            held: RefCell::default(),
        };
        let rooms = self.rooms(&decision.plan);
        let taken = self.ledger.take_with_rooms(&take, &rooms, now, &log);
        let held = log.held.take();
        Ok(taken.ok().map(|holding| Granted {
            holding,
            held,
            _until: (admitted, pass),
        }))
    }

    /// All parts of an order that is being accepted are on hold; the facts of that are written.
    fn hold_all(&self, record: &mut OrderRecord<Reservation>, reason: &str, at: EpochMillis) {
        for mut part in record.parts().into_owned() {
            let reason = reason.into();
            part.apply(&Change::Hold { reason }, at)
                .expect("what was just routed or backordered can be held");
            self.put_part(record, part);
        }
    }

    pub(super) fn resolve(&self, order: &Order, lanes: &Lanes) -> Result<Resolved, EngineError> {
        check_id("source", order.key.source())?;
        check_id("order", order.key.order())?;
        self.check_lines(order.lines.len())?;
        let policy = lanes.policy(&order.channel, order.preset.as_deref(), &order.policy)?;
        if policy.max_shipments == 0 {
            return Err(no_shipment().into());
        }
        let pickup = order.pickup_at.as_deref();
        let pickup = pickup.map(|id| self.registry.location("pickup_at", id));
        let pickup = pickup.transpose()?;
        let destination = match pickup {
            // Whoever collects says nothing of where he lives.
            Some(store) => lanes.doorstep(store)?,
            None => lanes.destination(&order.ship_to)?,
        };
        Ok(Resolved {
            channel: self.registry.channel_asked("channel", &order.channel)?,
            destination,
            pickup,
            policy,
            demands: self.demands(order, lanes)?,
            excluded: self.excluded(order)?,
        })
    }

    /// One demand per SKU, duplicate lines summed: so no two lines can each count on the same
    /// units. A demand may split only if all of its lines may.
    pub(crate) fn demands(&self, order: &Order, lanes: &Lanes) -> Result<Vec<Demand>, EngineError> {
        let mut demands: Vec<Demand> = Vec::with_capacity(order.lines.len());
        let mut places: HashMap<SkuId, usize> = HashMap::new();
        let mut sets = Sets::default();
        for (index, line) in order.lines.iter().enumerate() {
            let invalid_qty = || EngineError::from(invalid_qty(index, line.qty));
            if line.qty.is_zero() || line.qty > Qty::MAX {
                return Err(invalid_qty());
            }
            let sku = self.line_sku(index, &line.sku)?;
            // A short order is searched faster than it is hashed.
            let known = if demands.len() < 16 {
                demands.iter().position(|d| d.sku == sku)
            } else {
                if places.is_empty() {
                    places.extend(demands.iter().enumerate().map(|(at, d)| (d.sku, at)));
                }
                places.get(&sku).copied()
            };
            if let Some(set) = &line.together {
                sets.add(set, known.unwrap_or(demands.len()));
            }
            match known {
                Some(at) => {
                    let sum = demands[at].qty.checked_add(line.qty);
                    demands[at].qty = sum.ok_or_else(invalid_qty)?;
                    demands[at].may_split &= line.may_split;
                }
                None => {
                    if !places.is_empty() {
                        places.insert(sku, demands.len());
                    }
                    demands.push(self.registry.demand(sku, line.qty, line.may_split, lanes));
                }
            }
        }
        sets.mark(&mut demands);
        Ok(demands)
    }

    /// The SKUs of an order, each once, in the order of its lines.
    pub(super) fn demand_skus(&self, order: &Order) -> Result<Vec<SkuId>, String> {
        let mut demands: Vec<SkuId> = Vec::with_capacity(order.lines.len());
        for line in &order.lines {
            let sku = self.registry.sku("sku", &line.sku);
            let sku = sku.map_err(|e| e.to_string())?;
            if !demands.contains(&sku) {
                demands.push(sku);
            }
        }
        Ok(demands)
    }

    /// Lets what a plan leaves short wait, if no more waits then than may.
    fn admit_short(
        &self,
        plan: &Plan,
        demands: &[Demand],
        now: EpochMillis,
    ) -> Result<Admission<'_>, EngineError> {
        let short = plan.short.iter();
        let units: Vec<(SkuId, Qty)> = short
            .map(|s| (demands[usize::from(s.demand)].sku, s.qty))
            .collect();
        self.admit_waiting(&units, now)
    }

    /// Lets units wait, if no more wait then than may: as many as are on their way and nobody was
    /// promised, and those beyond supply that the network allows.
    pub(super) fn admit_waiting(
        &self,
        units: &[(SkuId, Qty)],
        now: EpochMillis,
    ) -> Result<Admission<'_>, EngineError> {
        let rules = self.replan_rules();
        let coming = |sku| {
            self.ledger
                .coming(sku, now)
                .into_iter()
                .map(|(_, units)| units)
        };
        let most = |sku| {
            let beyond = rules.beyond_supply(sku)?;
            Some(u64::from(beyond.0) + coming(sku).sum::<u64>())
        };
        let admitted = self.backorders.admit(units, most);
        admitted.map_err(|(sku, waiting, most)| EngineError::BackorderLimit {
            sku: self.registry.sku_name(sku).to_owned(),
            waiting,
            most,
        })
    }

    /// How orders are placed anew and how many units may wait.
    pub(super) fn replan_rules(&self) -> &ReplanRules {
        static DEFAULT: ReplanRules = ReplanRules::DEFAULT;
        self.replan_rules.get().unwrap_or(&DEFAULT)
    }

    /// The locations that an order excludes.
    pub(crate) fn excluded(&self, order: &Order) -> Result<Vec<LocationId>, EngineError> {
        let ids = order.exclude.iter().enumerate();
        ids.map(|(at, id)| self.excluded_location(at, id)).collect()
    }

    pub(super) fn excluded_location(&self, at: usize, id: &str) -> Result<LocationId, EngineError> {
        // The field's name is only made when it is needed.
        let known = self.registry.location("", id);
        known.or_else(|_| self.registry.location(&format!("exclude[{at}]"), id))
    }

    pub(super) fn line_sku(&self, index: usize, sku: &str) -> Result<SkuId, EngineError> {
        // The field's name is only made when it is needed.
        self.registry
            .sku("", sku)
            .or_else(|_| self.registry.sku(&format!("lines[{index}].sku"), sku))
    }
}

pub(super) fn request<'a>(
    order: &Order,
    resolved: &'a Resolved,
    (stock, days): (&'a StockView, &'a [DayUse]),
    now: EpochMillis,
) -> Request<'a> {
    Request {
        now,
        destination: &resolved.destination,
        deliver_by: order.deliver_by,
        deliver_by_is_hard: order.deliver_by_is_hard,
        policy: resolved.policy,
        demands: &resolved.demands,
        stock,
        excluded: &resolved.excluded,
        pickup: resolved.pickup,
        days,
    }
}

/// What a plan for an order like one that was placed before would take of `stock`, at the moment
/// when that one was placed; nothing where there is none.
pub(super) fn route_sample(
    order: &Order,
    resolved: &Resolved,
    lanes: &Lanes,
    stock: &StockView,
    scratch: &mut Scratch,
) -> Drawn {
    let request = request(order, resolved, (stock, &[]), order.placed_at);
    let Ok(plan) = draft(lanes, &request, scratch) else {
        return Drawn::new();
    };
    let wants = wants(&plan, &resolved.demands).into_iter();
    wants
        .filter_map(|want| Some((want.sku, want.location?, want.qty.0)))
        .collect()
}

/// Which demands ship together: those that a set of lines names, and those of sets that share one.
#[derive(Default)]
struct Sets<'a> {
    /// Names, each with its demands.
    named: Vec<(&'a str, Vec<usize>)>,
}

impl<'a> Sets<'a> {
    fn add(&mut self, name: &'a str, demand: usize) {
        match self.named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, demands)) => demands.push(demand),
            None => self.named.push((name, vec![demand])),
        }
    }

    fn mark(&self, demands: &mut [Demand]) {
        for (at, (_, members)) in self.named.iter().enumerate() {
            let number = u16::try_from(at + 1).unwrap_or(u16::MAX);
            // The sets that one of its demands is in already become this one.
            let joined: Vec<u16> = members.iter().map(|&i| demands[i].together).collect();
            for (i, demand) in demands.iter_mut().enumerate() {
                let shared = demand.together != 0 && joined.contains(&demand.together);
                if shared || members.contains(&i) {
                    demand.together = number;
                }
            }
        }
    }
}

pub(super) fn wants(plan: &Plan, demands: &[Demand]) -> Vec<Want> {
    let lines = plan
        .shipments
        .iter()
        .flat_map(|s| s.lines.iter().map(move |line| (s, line)));
    lines
        .map(|(shipment, line)| Want {
            sku: demands[usize::from(line.demand)].sku,
            location: Some(shipment.location),
            qty: line.qty,
            need_at: shipment.need_at,
        })
        .collect()
}

/// The refusal of an order whose identity stands for another one.
pub(super) fn differs(order: &Order, fields: &[&str]) -> EngineError {
    EngineError::Conflict {
        field: "order",
        value: order.key.to_string(),
        why: format!("it was placed before with another {}", fields.join(", ")),
    }
}

pub(super) fn view(record: &OrderRecord<Reservation>, repeated: bool) -> OrderView {
    OrderView {
        order: record.order.clone(),
        demands: record.demands.clone(),
        decision: record.decision.clone(),
        accepted_at: record.accepted_at,
        status: record.status(),
        parts: record.parts.clone(),
        waits: record.waits.clone(),
        sequence: super::fulfillment::sequence_of(record),
        repeated,
    }
}
