//! A plan as a file: for every order that changes from what to what, what that saves, and the stock
//! that it was computed on. JSON, so that anybody can read it; names instead of numbers, so that
//! it outlives a restart.

use super::outcome::{Move, Outcome, Totals};
use super::scope::Snapshot;
use super::transfers::Proposal;
use crate::engine::{Engine, Layout, Moving};
use crate::model::{Day, EpochMillis, Invalid, LocationId, OrderKey, Plan, Qty, ServiceId, SkuId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The first words of every plan.
pub const FORMAT: &str = "allot plan 1";

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFile {
    /// [`FORMAT`].
    pub format: String,
    /// Number of the last fact of the state that it was computed on.
    pub at_fact: u64,
    /// The moment that it was computed for.
    pub now: String,
    /// Orders that were looked at.
    pub orders: usize,
    /// Orders that were left as they are since they are too large to be looked at, or frozen.
    pub fixed: usize,
    /// Orders in the scope that cannot be looked up any more.
    pub lost: usize,
    /// Orders whose promise is broken: `source/order`.
    pub broken: Vec<String>,
    /// What all orders have, and what they get.
    pub before: Sums,
    /// The same after.
    pub after: Sums,
    /// What was minimised, of the plan.
    pub cents: i64,
    /// The same of today.
    pub cents_before: i64,
    /// No plan costs less: proven.
    pub bound_cents: i64,
    /// No plan costs less in which orders of more items than are looked at in full ship as they do here.
    #[serde(default)]
    pub bound_with_large_cents: i64,
    /// How the cost and the bound came about: pairs, the cost first, null before there was one.
    pub trace: Vec<(Option<i64>, i64)>,
    /// Milliseconds from the start to each of them, where they were taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace_ms: Vec<u64>,
    /// Transfers that would pay for themselves on top of the moves, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<TransferRow>,
    /// Where the locations are.
    #[serde(default)]
    pub places: Vec<PlaceRow>,
    /// Where the orders that change go: latitude and longitude in millionths of a degree, orders.
    #[serde(default)]
    pub destinations: Vec<(i32, i32, u64)>,
    /// The orders that change.
    pub moves: Vec<MoveRow>,
    /// What may be promised of the items that move, once all that the orders hold is given back.
    pub stock: Vec<StockCell>,
}

/// Sums over orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the objective's parts")]
pub struct Sums {
    pub postage: i64,
    pub surcharges: i64,
    pub handling: i64,
    pub split: i64,
    pub late: i64,
    pub speed: i64,
    pub scarcity: i64,
    pub short: i64,
    pub total: i64,
    /// Postage, surcharges and handling.
    pub freight: i64,
    pub shipments: u64,
    /// Orders in more than one shipment.
    pub split_orders: u64,
    /// Orders with something short.
    pub short_orders: u64,
    pub short_units: u64,
    /// Days to the last delivery, summed over orders that deliver something.
    pub days: u64,
    pub delivering_orders: u64,
    /// Orders whose last delivery is after the promise date.
    pub late_orders: u64,
    /// Orders by their number of shipments, from none on; the last counts those with more.
    #[serde(default)]
    pub orders_by_shipments: [u64; 6],
    /// Orders by days to their last delivery; the last counts the later ones.
    #[serde(default)]
    pub orders_by_days: [u64; 15],
}

/// Units that should be taken from one location to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRow {
    /// From where.
    pub from: String,
    /// To where.
    pub to: String,
    /// What.
    pub items: Vec<ItemRow>,
    /// From when it may be promised there.
    pub arrives_at: String,
    /// What it costs.
    pub cents: i64,
    /// What the open orders cost less for it: the difference of two solved outcomes.
    pub saved_cents: i64,
    /// What its units are worth more there to the orders to come, by the scarcity prices.
    pub later_cents: i64,
    /// What remains of both once it is paid.
    pub gain_cents: i64,
    /// Orders that get another plan for it: `source/order`.
    pub orders: Vec<String>,
}

/// A location on the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceRow {
    /// Its id.
    pub location: String,
    /// Its latitude in millionths of a degree.
    pub lat_e6: i32,
    /// Its longitude in millionths of a degree.
    pub lon_e6: i32,
}

/// An order that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveRow {
    /// The system that took the order.
    pub source: String,
    /// Its id there.
    pub order: String,
    /// What it has.
    pub from: Side,
    /// What it gets.
    pub to: Side,
    /// By the order's own objective; negative where it gives way to others.
    pub saved_cents: i64,
    /// Days by which the last delivery is earlier.
    pub days_gained: Option<i64>,
}

/// One of the two plans of an order that changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Its shipments.
    pub shipments: Vec<ShipmentRow>,
    /// What waits for supply.
    pub short: Vec<ItemRow>,
    /// What it costs by the order's objective, as of the plan's moment.
    pub cents: i64,
}

/// A shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentRow {
    /// From where.
    pub location: String,
    /// How.
    pub service: String,
    /// From when its units are there.
    pub ready_at: String,
    /// When the carrier gets it.
    pub ship_at: String,
    /// When it is delivered.
    pub deliver_on: String,
    /// What is in it.
    pub items: Vec<ItemRow>,
}

/// Units of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRow {
    /// The item.
    pub sku: String,
    /// How many.
    pub qty: u32,
}

/// Units that may be promised at a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockCell {
    /// The item.
    pub sku: String,
    /// The place.
    pub location: String,
    /// Now.
    pub now: u32,
    /// From later moments on.
    pub later: Vec<(String, u32)>,
}

impl PlanFile {
    /// The plan of an outcome.
    #[must_use]
    pub fn new(snapshot: &Snapshot, outcome: &Outcome) -> Self {
        let problem = &snapshot.problem;
        let key = |order: usize| problem.orders[order].key.to_string();
        let moves: Vec<MoveRow> = outcome.moves.iter().map(|m| row(snapshot, m)).collect();
        Self {
            format: FORMAT.into(),
            at_fact: snapshot.at.0,
            now: problem.now.to_string(),
            orders: problem.orders.len(),
            fixed: outcome.fixed,
            lost: snapshot.lost,
            broken: outcome.broken.iter().map(|&b| key(b)).collect(),
            before: Sums::of(&outcome.before),
            after: Sums::of(&outcome.after),
            cents: outcome.cents.0,
            cents_before: outcome.cents_before.0,
            bound_cents: outcome.bound.0,
            bound_with_large_cents: outcome.bound_with_large.0,
            trace: outcome
                .trace
                .iter()
                .map(|p| (p.cents.map(|c| c.0), p.bound.0))
                .collect(),
            trace_ms: Vec::new(),
            transfers: Vec::new(),
            places: places(&snapshot.engine),
            destinations: destinations(snapshot, outcome),
            stock: stock(snapshot, outcome),
            moves,
        }
        .thinned()
    }

    /// With the moments at which the points of the trace were reached, one for each of the outcome's.
    #[must_use]
    pub fn timed(mut self, outcome: &Outcome, reached: &[std::time::Duration]) -> Self {
        if reached.len() == outcome.trace.len() {
            let millis = |d: &std::time::Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
            let (every, last) = (every(reached.len()), reached.len().saturating_sub(1));
            let kept = |at: usize| at.is_multiple_of(every) || at == last;
            let points = reached.iter().enumerate();
            self.trace_ms = points
                .filter(|(at, _)| kept(*at))
                .map(|(_, d)| millis(d))
                .collect();
        }
        self
    }

    /// With transfers that were proposed on top of the outcome.
    #[must_use]
    pub fn with_transfers(mut self, snapshot: &Snapshot, proposals: &[Proposal]) -> Self {
        let registry = snapshot.engine.registry();
        let row = |one: &Proposal| {
            let transfer = &one.transfer;
            let item = |&(sku, qty): &(SkuId, Qty)| ItemRow {
                sku: registry.sku_name(sku).to_owned(),
                qty: qty.0,
            };
            let key = |&order: &usize| snapshot.problem.orders[order].key.to_string();
            TransferRow {
                from: registry.location_name(transfer.from).to_owned(),
                to: registry.location_name(transfer.to).to_owned(),
                items: transfer.items.iter().map(item).collect(),
                arrives_at: transfer.arrives_at.to_string(),
                cents: one.cents.0,
                saved_cents: one.saved.0,
                later_cents: one.later.0,
                gain_cents: one.gain().0,
                orders: one.orders.iter().map(key).collect(),
            }
        };
        self.transfers = proposals.iter().map(row).collect();
        self
    }

    fn thinned(mut self) -> Self {
        let (every, last) = (every(self.trace.len()), self.trace.len().saturating_sub(1));
        let kept = |at: usize| at.is_multiple_of(every) || at == last;
        let points = self.trace.into_iter().enumerate();
        self.trace = points.filter(|(at, _)| kept(*at)).map(|(_, p)| p).collect();
        self
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// Names what is no plan of this format.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            format: String,
        }
        const EXPECTED: &str = "a plan that allot wrote, as BACKLOG.PLAN and --out give it";
        // What is no JSON may be a server's refusal that was kept in a file: it is told as it is.
        let begins = text.trim_start();
        if !begins.starts_with('{') {
            let line = begins.lines().next().unwrap_or_default();
            let shown: String = line.chars().take(SHOWN_MAX).collect();
            return Err(Invalid::new("plan", shown, EXPECTED));
        }
        let wrong = |e: serde_json::Error| Invalid::new("plan", e.to_string(), EXPECTED);
        let head: Head = serde_json::from_str(text).map_err(wrong)?;
        if head.format != FORMAT {
            return Err(Invalid::new("format", head.format, FORMAT));
        }
        serde_json::from_str(text).map_err(wrong)
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Characters of a text that is no plan which its refusal shows.
const SHOWN_MAX: usize = 80;

/// At most this many points are kept: a chart needs no more.
const POINTS_MAX: usize = 400;

fn every(points: usize) -> usize {
    points.div_ceil(POINTS_MAX).max(1)
}

fn places(engine: &Engine) -> Vec<PlaceRow> {
    let row = |l: &crate::model::Location| PlaceRow {
        location: l.id.to_string(),
        lat_e6: l.coordinate.lat_e6,
        lon_e6: l.coordinate.lon_e6,
    };
    engine.with_network(|network| network.locations.iter().map(row).collect())
}

fn destinations(snapshot: &Snapshot, outcome: &Outcome) -> Vec<(i32, i32, u64)> {
    let mut counts: std::collections::BTreeMap<(i32, i32), u64> = std::collections::BTreeMap::new();
    for one in &outcome.moves {
        let at = snapshot.problem.orders[one.order].destination.coordinate();
        *counts.entry((at.lat_e6, at.lon_e6)).or_default() += 1;
    }
    let rows = counts.into_iter();
    rows.map(|((lat, lon), orders)| (lat, lon, orders))
        .collect()
}

impl Sums {
    pub(super) fn of(totals: &Totals) -> Self {
        let o = &totals.objective;
        Self {
            postage: o.postage.0,
            surcharges: o.surcharges.0,
            handling: o.handling.0,
            split: o.split.0,
            late: o.late.0,
            speed: o.speed.0,
            scarcity: o.scarcity.0,
            short: o.short.0,
            total: o.total().0,
            freight: o.freight().0,
            shipments: totals.shipments,
            split_orders: totals.split,
            short_orders: totals.short,
            short_units: totals.short_units,
            days: totals.days,
            delivering_orders: totals.delivering,
            late_orders: totals.late,
            orders_by_shipments: totals.by_shipments,
            orders_by_days: totals.by_days,
        }
    }
}

fn row(snapshot: &Snapshot, one: &Move) -> MoveRow {
    let order = &snapshot.problem.orders[one.order];
    let skus: Vec<SkuId> = order.demands.iter().map(|d| d.sku).collect();
    let nothing = Plan::default();
    let from = one.from.as_ref().unwrap_or(&nothing);
    MoveRow {
        source: order.key.source().to_owned(),
        order: order.key.order().to_owned(),
        from: side(&snapshot.engine, &skus, from),
        to: side(&snapshot.engine, &skus, &one.to),
        saved_cents: one.saved().0,
        days_gained: one.days_gained(),
    }
}

fn side(engine: &Engine, skus: &[SkuId], plan: &Plan) -> Side {
    let registry = engine.registry();
    let item = |demand: u16, qty: Qty| ItemRow {
        sku: registry.sku_name(skus[usize::from(demand)]).to_owned(),
        qty: qty.0,
    };
    let shipments = plan.shipments.iter().map(|s| ShipmentRow {
        location: registry.location_name(s.location).to_owned(),
        service: service(engine, s.service),
        ready_at: s.need_at.to_string(),
        ship_at: s.ship_at.to_string(),
        deliver_on: s.deliver_on.to_string(),
        items: s.lines.iter().map(|l| item(l.demand, l.qty)).collect(),
    });
    Side {
        shipments: shipments.collect(),
        short: plan.short.iter().map(|s| item(s.demand, s.qty)).collect(),
        cents: plan.objective.total().0,
    }
}

fn service(engine: &Engine, service: ServiceId) -> String {
    engine.service_name(service).to_owned()
}

fn stock(snapshot: &Snapshot, outcome: &Outcome) -> Vec<StockCell> {
    let problem = &snapshot.problem;
    let moved = outcome.moves.iter();
    let skus: BTreeSet<SkuId> = moved
        .flat_map(|m| problem.orders[m.order].demands.iter().map(|d| d.sku))
        .collect();
    let view = problem.supply.view();
    let registry = snapshot.engine.registry();
    let lines = skus.iter().filter_map(|sku| problem.supply.line(*sku));
    let cells = lines.flat_map(|line| view.cells(line).iter().map(move |cell| (line, cell)));
    let cell = |(line, cell): (usize, &crate::ledger::Cell)| StockCell {
        sku: registry.sku_name(view.sku(line)).to_owned(),
        location: registry.location_name(cell.location).to_owned(),
        now: cell.now.0,
        later: view
            .later(cell)
            .iter()
            .map(|s| (s.from.to_string(), s.qty.0))
            .collect(),
    };
    cells.map(cell).collect()
}

impl MoveRow {
    /// The move as an engine makes it.
    ///
    /// # Errors
    /// Names an item, a location or a time that cannot be read.
    pub fn moving(&self, engine: &Engine) -> Result<Moving, crate::engine::EngineError> {
        let mut times = Vec::with_capacity(self.to.shipments.len());
        let mut deliver_by: Option<Day> = None;
        for shipment in &self.to.shipments {
            times.push((
                moment("ready_at", &shipment.ready_at)?,
                moment("ship_at", &shipment.ship_at)?,
            ));
            let on = Day::parse(&shipment.deliver_on).ok_or_else(|| {
                Invalid::new("deliver_on", &shipment.deliver_on, "a date as 2026-11-27")
            })?;
            deliver_by = deliver_by.max(Some(on));
        }
        let from = self.from.layout(engine)?;
        let to = self.to.layout(engine)?;
        // The moments go with their shipments where those are sorted.
        let mut paired: Vec<_> = to.shipments.into_iter().zip(times).collect();
        paired.sort();
        let (shipments, times): (_, Vec<_>) = paired.into_iter().unzip();
        let (ready, ships) = times.into_iter().unzip();
        let short = to.short;
        Ok(Moving {
            key: OrderKey::new(&self.source, &self.order),
            from: from.sorted(),
            to: Layout { shipments, short },
            ready,
            ships,
            deliver_by,
        })
    }
}

fn moment(field: &str, text: &str) -> Result<EpochMillis, Invalid> {
    let expected = "an RFC 3339 time, such as 2026-11-23T10:00:00Z";
    EpochMillis::parse(text).ok_or_else(|| Invalid::new(field, text, expected))
}

impl Side {
    /// In the order of the file, what is in each shipment and what is short sorted.
    fn layout(&self, engine: &Engine) -> Result<Layout, crate::engine::EngineError> {
        let registry = engine.registry();
        let items = |rows: &[ItemRow]| {
            let one = |row: &ItemRow| Ok((registry.sku("sku", &row.sku)?, Qty(row.qty)));
            let mut items = rows
                .iter()
                .map(one)
                .collect::<Result<Vec<_>, crate::engine::EngineError>>()?;
            items.sort_unstable();
            Ok::<_, crate::engine::EngineError>(items)
        };
        let mut layout = Layout::default();
        for shipment in &self.shipments {
            let at: LocationId = registry.location("location", &shipment.location)?;
            layout.shipments.push((at, items(&shipment.items)?));
        }
        layout.short = items(&self.short)?;
        Ok(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plan_is_told_as_it_is() {
        for (text, says) in [
            (
                "NOTFOUND run 5 is not known\n",
                "NOTFOUND run 5 is not known",
            ),
            ("", "''"),
            (r#"{"run": 5, "state": "done"}"#, "format is ''"),
            (r#"{"format": "allot plan 1"}"#, "missing field"),
            ("{", "EOF"),
        ] {
            let refusal = PlanFile::parse(text).unwrap_err().to_string();
            assert!(refusal.contains(says), "{text}: {refusal}");
        }
    }
}
