//! What fulfilment costs: prices worked out when a part ships, and what is told beside it.
//!
//! A part's forecast is what the order's plan expected of its shipment: postage, surcharges and
//! handling. Units that another part took over keep their forecast where the plan had them: the
//! first part that takes over from a rejected one carries on its forecast, any further one has 0,
//! and what it costs shows as a step. The prices between forecast and paid are those of the tariffs
//! in force when it shipped; they are written down, so replay prices nothing.

use super::error::EngineError;
use super::facts::referenced_fact;
use super::fulfillment::part_of;
use super::orders::Resolved;
use super::stock::StockAnswer;
use super::{Engine, PartName};
use crate::ledger::{Reservation, StockView};
use crate::lifecycle::{
    CostGroup, CostQuery, CostSums, FulfillmentOrder, OrderRecord, PartCosts, State, route,
};
use crate::model::{
    AnswerKind, Cents, CostFact, CostPlace, CostTold, EpochMillis, ExtraCost, Fact, Invalid,
    LocationId, OrderKey, Parcel, Prices, Qty, Route, ServiceId, Shipment, ShipmentLine, SkuId,
};
use crate::routing::{Lanes, Request, carried};
use std::collections::BTreeMap;
use std::sync::Arc;

type Record = OrderRecord<Reservation>;

/// What was spent beside a shipment.
#[derive(Debug, Clone, Copy)]
pub struct CostAsk<'a> {
    /// Identity of the write.
    pub reference: &'a str,
    /// Of which part.
    pub part: PartName<'a>,
    /// On what.
    pub kind: ExtraCost,
    /// How much.
    pub cents: Cents,
    /// Why, for people.
    pub reason: &'a str,
}

/// What is expected of shipments to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenCosts {
    /// How many.
    pub shipments: u64,
    /// Cents that their plans expect.
    pub cents: i128,
}

impl Engine {
    /// Adds what was spent beside a shipment: the same reference adds once.
    ///
    /// # Errors
    /// `NOTFOUND`, `CONFLICT`; `INVALID` for a part that was never routed, or more than money may be.
    pub fn add_cost(&self, ask: &CostAsk<'_>, now: EpochMillis) -> Result<(), EngineError> {
        let CostAsk {
            reference,
            part: name,
            kind,
            cents,
            reason,
        } = *ask;
        if cents <= Cents::ZERO || cents > Cents::MAX {
            return Err(Invalid::new("cents", cents, format!("1 to {}", Cents::MAX)).into());
        }
        let key = OrderKey::new(name.source, name.order);
        let number = name.number;
        let content = format!("COST.ADD {key}#{number} {} {cents} {reason}", kind.name());
        self.stock_references.once(reference, content, |content| {
            let added = self.orders.change(&key, |record| {
                let part = part_of(record, number).map_err(|_| name.unknown())?;
                let known = record.costs.get(&number);
                let (place, forecast) = match known {
                    Some(known) => (known.place().clone(), known.forecast()),
                    None => self.expected(record, &part, now)?,
                };
                let fact = CostFact {
                    key: key.clone(),
                    number,
                    place,
                    forecast,
                    told: CostTold::Extra {
                        kind,
                        cents,
                        reason: reason.into(),
                    },
                };
                let costs = told(record, &fact)?;
                let pass = self.gate.enter();
                self.save(record);
                let answered = referenced_fact(reference, content, AnswerKind::Done);
                let told = Fact::CostTold(Box::new(fact));
                self.history.append(&pass, now, || [told, answered]);
                self.put_costs(record, number, costs);
                Ok((Arc::new(StockAnswer::Done), pass))
            });
            added.ok_or_else(|| name.unknown())?
        })?;
        Ok(())
    }

    /// Costs of what has shipped, and what was spent beside it, by group in ascending order.
    #[must_use]
    pub fn cost_report(&self, query: &CostQuery) -> Vec<(CostGroup, CostSums)> {
        self.costs.lock().report(query)
    }

    /// What plans expect of everything that is routed and has not shipped, by group in ascending order;
    /// the day is the location's date of the planned hand-over. It looks at all orders.
    #[must_use]
    pub fn open_costs(&self, query: &CostQuery) -> Vec<(CostGroup, OpenCosts)> {
        let mut rows: BTreeMap<CostGroup, OpenCosts> = BTreeMap::new();
        let lanes = self.lanes.load();
        self.orders.for_each(|record| {
            let Ok(channel) = self
                .registry
                .channel_asked("channel", &record.order.channel)
            else {
                return;
            };
            let parts = record.parts();
            for part in parts.iter().filter(|part| will_ship(part)) {
                let Some(route) = part.route else {
                    continue;
                };
                let place = CostPlace {
                    day: lanes.date_at(route.location, route.ship_at),
                    location: route.location,
                    carrier: self.carrier(route.service).into(),
                    channel,
                };
                if let Some(group) = query.group(&place) {
                    let row = rows.entry(group).or_default();
                    let expected = origin(record, part).map_or(route.cents, |(_, cents)| cents);
                    row.shipments += 1;
                    row.cents += i128::from(expected.0);
                }
            }
        });
        rows.into_iter().collect()
    }

    /// The costs of one part, as far as any are known.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn cost_of(&self, name: PartName<'_>) -> Result<Option<PartCosts>, EngineError> {
        let key = OrderKey::new(name.source, name.order);
        let found = self.orders.read(&key, |record| {
            part_of(record, name.number).map_err(|_| name.unknown())?;
            Ok(record.costs.get(&name.number).cloned())
        });
        found.ok_or_else(|| name.unknown())?
    }

    /// What is known of the costs of a part that is `after` a change made at `now`; `None` when the
    /// change says nothing about them.
    pub(super) fn cost_of_change(
        &self,
        record: &Record,
        (part, after): (&FulfillmentOrder, &FulfillmentOrder),
        now: EpochMillis,
    ) -> Option<CostFact> {
        let told = after.has_left() && !part.has_left() || after.parcels != part.parcels;
        let route = after.route.filter(|_| told && after.has_left())?;
        let (mut place, forecast) = self.expected(record, after, now).ok()?;
        let lanes = self.lanes.load();
        let resolved = self.resolve(&record.order, &lanes).ok()?;
        let pricing = Pricing::of(&lanes, &resolved, after, now);
        let (carrier, services) = self.partners(&route, &after.parcels);
        place.carrier = carrier;
        if let Some(known) = record.costs.get(&after.id.number) {
            // Parcels that are told later do not move it to another day.
            place.day = match known.has_shipped() {
                true => known.place().day,
                false => place.day,
            };
        }
        let planned = origin(record, after).map_or((route.location, route.service), |(s, _)| {
            (s.location, s.service)
        });
        let partner = services
            .iter()
            .filter_map(|&service| pricing.cents(route.location, service))
            .min();
        let distance = pricing.cents(route.location, planned.1);
        let split = pricing.cents(planned.0, planned.1);
        let tariff = partner.or(distance).or(split).unwrap_or(forecast);
        let handling = pricing.handling(route.location, route.service);
        let paid = paid(&after.parcels).map_or(tariff, |cents| cents + handling);
        let prices = Prices {
            split,
            distance,
            partner,
            paid: paid.min(Cents::MAX),
        };
        Some(CostFact {
            key: record.order.key.clone(),
            number: after.id.number,
            place,
            forecast,
            told: CostTold::Shipped(prices),
        })
    }

    /// Notes what a fact tells of costs.
    pub(super) fn tell_cost(
        &self,
        record: &mut Record,
        fact: &CostFact,
    ) -> Result<(), EngineError> {
        let costs = told(record, fact)?;
        self.put_costs(record, fact.number, costs);
        Ok(())
    }

    /// The same, from a fact.
    pub(super) fn tell_cost_again(&self, fact: &CostFact) -> Result<(), String> {
        let told = self.orders.change(&fact.key, |record| {
            part_of(record, fact.number).map_err(|e| e.to_string())?;
            self.tell_cost(record, fact).map_err(|e| e.to_string())
        });
        told.unwrap_or_else(|| Err(format!("order {} was never accepted", fact.key)))
    }

    /// Counts the costs of an order that a snapshot holds.
    pub(super) fn count_costs(&self, record: &Record) {
        let mut book = self.costs.lock();
        for costs in record.costs.values() {
            book.change(None, costs);
        }
    }

    fn put_costs(&self, record: &mut Record, number: u32, costs: PartCosts) {
        let before = record.costs.insert(number, costs);
        let after = &record.costs[&number];
        self.costs.lock().change(before.as_ref(), after);
    }

    /// Where the costs of a part belong, and what the plan expected.
    fn expected(
        &self,
        record: &Record,
        part: &FulfillmentOrder,
        now: EpochMillis,
    ) -> Result<(CostPlace, Cents), EngineError> {
        let route = part
            .route
            .ok_or_else(|| Invalid::new("fulfillment", &part.id, "a part that was routed"))?;
        let forecast = origin(record, part).map_or(route.cents, |(_, cents)| cents);
        let channel = &record.order.channel;
        let place = CostPlace {
            day: self.lanes.load().date_at(route.location, now),
            location: route.location,
            carrier: self.carrier(route.service).into(),
            channel: self.registry.channel_asked("channel", channel)?,
        };
        Ok((place, forecast))
    }

    fn carrier(&self, service: ServiceId) -> &str {
        let known = self.carriers.get(service.index());
        known.map_or("collected", |carrier| carrier)
    }

    /// The carrier that has the parcels, and by which of its services they may travel: the planned
    /// one if it is its, else any of those that it offers here.
    fn partners(&self, route: &Route, parcels: &[Parcel]) -> (Box<str>, Vec<ServiceId>) {
        let planned = self.carrier(route.service);
        let Some(parcel) = parcels.first() else {
            return (planned.into(), vec![route.service]);
        };
        let told = &*parcel.tracking.carrier;
        let is = |service: usize| {
            let names = [&self.carriers[service], &self.services[service]];
            names.iter().any(|name| name.eq_ignore_ascii_case(told))
        };
        let all = 0..self.services.len().min(self.carriers.len());
        if all.contains(&route.service.index()) && is(route.service.index()) {
            return (planned.into(), vec![route.service]);
        }
        let found: Vec<usize> = all.filter(|&service| is(service)).collect();
        let carrier = match found.first() {
            Some(&service) => self.carriers[service].clone(),
            None => told.into(),
        };
        let services = found.into_iter().filter_map(|s| u16::try_from(s).ok());
        (carrier, services.map(ServiceId).collect())
    }
}

/// The costs of a part once a fact has told of them.
fn told(record: &Record, fact: &CostFact) -> Result<PartCosts, Invalid> {
    let known = record.costs.get(&fact.number).cloned();
    let costs = known.unwrap_or_else(|| PartCosts::new(fact.place.clone(), fact.forecast));
    costs.with(&fact.place, fact.forecast, &fact.told)
}

/// The shipment of the plan that a part's units were in, and how much of its forecast the part has.
fn origin<'r>(record: &'r Record, part: &FulfillmentOrder) -> Option<(&'r Shipment, Cents)> {
    let shipments = &record.decision.plan.shipments;
    let index = |number: u32| usize::try_from(number).ok()?.checked_sub(1);
    if let Some(shipment) = index(part.id.number).and_then(|at| shipments.get(at)) {
        return Some((shipment, route(shipment).cents));
    }
    let shares = |p: &FulfillmentOrder, q: &FulfillmentOrder| {
        let skus = |sku: SkuId| q.lines.iter().any(|l| l.sku == sku);
        p.lines.iter().any(|l| skus(l.sku))
    };
    let parts = record.parts();
    let lost = parts.iter().find(|p| {
        let planned = index(p.id.number).is_some_and(|at| at < shipments.len());
        let short = p.lines.iter().any(|l| !l.units.short.is_zero());
        planned && short && shares(p, part)
    })?;
    let shipment = shipments.get(index(lost.id.number)?)?;
    let later = |p: &&FulfillmentOrder| {
        index(p.id.number).is_some_and(|at| at >= shipments.len()) && p.route.is_some()
    };
    let first = parts.iter().filter(later).find(|p| shares(p, lost));
    let carries = lost.state == State::Rejected && first.is_some_and(|p| p.id == part.id);
    let forecast = match carries {
        true => route(shipment).cents,
        false => Cents::ZERO,
    };
    Some((shipment, forecast))
}

/// Whether a part is planned to ship, and has not.
fn will_ship(part: &FulfillmentOrder) -> bool {
    let over = matches!(part.state, State::Cancelled | State::Rejected) || part.has_left();
    !over && part.lines.iter().any(|line| !line.units.open().is_zero())
}

/// What the carrier charges; `None` until that is known of every parcel.
fn paid(parcels: &[Parcel]) -> Option<Cents> {
    let known = parcels.iter().map(|p| p.cents);
    let all: Option<Vec<Cents>> = known.collect();
    let all = all.filter(|all| !all.is_empty())?;
    Some(all.into_iter().fold(Cents::ZERO, |sum, c| sum + c))
}

/// Prices what has left, from anywhere by anything.
struct Pricing<'a> {
    lanes: &'a Lanes,
    resolved: &'a Resolved,
    stock: StockView,
    now: EpochMillis,
    all: Vec<ShipmentLine>,
    /// What is in which parcel; empty where that is not known of all units.
    parcels: Vec<Vec<ShipmentLine>>,
}

impl<'a> Pricing<'a> {
    fn of(
        lanes: &'a Lanes,
        resolved: &'a Resolved,
        part: &FulfillmentOrder,
        now: EpochMillis,
    ) -> Self {
        let line = |sku: SkuId, qty: Qty| {
            let demand = resolved.demands.iter().position(|d| d.sku == sku)?;
            let demand = u16::try_from(demand).ok()?;
            (!qty.is_zero()).then_some(ShipmentLine { demand, qty })
        };
        let shipped = part.lines.iter();
        let all: Vec<_> = shipped
            .filter_map(|l| line(l.sku, l.units.shipped))
            .collect();
        let parcels: Vec<Vec<ShipmentLine>> = part
            .parcels
            .iter()
            .map(|parcel| {
                let contents = parcel.contents.iter();
                let known = contents
                    .filter_map(|&(at, qty)| line(part.lines.get(usize::from(at))?.sku, qty));
                known.collect()
            })
            .collect();
        let units = |lines: &[ShipmentLine]| lines.iter().map(|l| u64::from(l.qty.0)).sum::<u64>();
        let told: u64 = parcels.iter().map(|p| units(p)).sum();
        let whole = told == units(&all) && parcels.iter().all(|p| !p.is_empty());
        let mut stock = StockView::default();
        for demand in &resolved.demands {
            stock.push_line(demand.sku);
        }
        Self {
            lanes,
            resolved,
            stock,
            now,
            all,
            parcels: if whole { parcels } else { Vec::new() },
        }
    }

    fn request(&self) -> Request<'_> {
        self.resolved.asked(&self.stock, self.now)
    }

    /// Postage, surcharges and handling: postage parcel by parcel where their contents are known.
    fn cents(&self, location: LocationId, service: ServiceId) -> Option<Cents> {
        let request = self.request();
        let of = |lines: &[ShipmentLine]| carried(self.lanes, &request, (location, service), lines);
        let whole = of(&self.all)?;
        let postage = match &self.parcels[..] {
            [] | [_] => whole.postage + whole.surcharges,
            several => several.iter().try_fold(Cents::ZERO, |sum, lines| {
                let parcel = of(lines)?;
                Some(sum + parcel.postage + parcel.surcharges)
            })?,
        };
        Some(postage + whole.handling)
    }

    /// Handling alone, which no carrier charges.
    fn handling(&self, location: LocationId, service: ServiceId) -> Cents {
        let request = self.request();
        let priced = carried(self.lanes, &request, (location, service), &self.all);
        priced.map_or(Cents::ZERO, |cents| cents.handling)
    }
}
