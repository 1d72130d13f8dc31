//! Orders as plain numbers, for another solver: what every location has, what its goods cost, and
//! what a shipment from there costs by weight.
//!
//! The prices come from the router's own `price` of one-item shipments, so that both solve the same
//! problem; they are held against the tariff by the router's tests.

use allot::bench::single::{BRACKET_GRAMS, Mix, Single, World};
use allot::ledger::StockView;
use allot::model::{LocationId, Policy, Qty, ShipmentLine, SkuId};
use allot::routing::{Demand, Request, Scratch, price, route};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

/// The file.
pub(crate) struct Export {
    file: BufWriter<File>,
    each: usize,
}

impl Export {
    pub(crate) fn new(path: &Path, each: usize) -> anyhow::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        Ok(Self { file, each })
    }

    /// Writes the first orders of a world.
    pub(crate) fn write(&mut self, world: &World, kind: &str, mix: Mix) -> anyhow::Result<()> {
        let mut scratch = Scratch::default();
        for (number, order) in world.orders.iter().take(self.each).enumerate() {
            let decision = route(&world.lanes, &order.request(), &mut scratch)?;
            let start = Instant::now();
            let rounds = if mix.lines > 12 { 3 } else { 100 };
            for _ in 0..rounds {
                std::hint::black_box(route(&world.lanes, &order.request(), &mut scratch).is_ok());
            }
            let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
            let demands = order.demands.iter().map(|d| {
                json!({
                    "units": d.qty.0,
                    "grams": d.grams,
                    // 5 cm³ weigh a gram.
                    "volume": d.volume_mm3 / 5_000,
                    "divisible": divisible(world, order, d),
                    "short": order.policy.short_per_unit.0,
                })
            });
            let demands: Vec<_> = demands.collect();
            let places = (0..mix.locations).map(LocationId);
            let places: Vec<_> = places.filter_map(|l| place(world, order, l)).collect();
            let line = json!({
                "kind": kind,
                "lines": mix.lines,
                "locations": mix.locations,
                "number": number,
                "split": order.policy.split_penalty.0,
                "most": order.policy.max_shipments,
                "bracket": BRACKET_GRAMS,
                "demands": demands,
                "places": places,
                "cents": decision.plan.objective.total().0,
                "bound": decision.proof.bound.0,
                "micros": micros,
            });
            writeln!(self.file, "{line}")?;
        }
        Ok(())
    }
}

/// Whether no location has all of it.
fn divisible(world: &World, order: &Single, demand: &Demand) -> bool {
    let line = order
        .demands
        .iter()
        .position(|d| d.sku == demand.sku)
        .unwrap_or(0);
    let whole = |location| units(world, order, location, line) >= demand.qty.0;
    demand.may_split
        && !(0..world.lanes.locations())
            .any(|l| u16::try_from(l).is_ok_and(|l| whole(LocationId(l))))
}

/// Units of a line that a location may ship.
fn units(world: &World, order: &Single, location: LocationId, line: usize) -> u32 {
    let cells = order.stock.cells(line);
    let cell = cells.binary_search_by_key(&location, |c| c.location);
    let now = cell.map_or(0, |at| cells[at].now.0);
    now.saturating_sub(world.locations[location.index()].stock_buffer.0)
}

/// A location that has something: units, and what a shipment costs by weight.
fn place(world: &World, order: &Single, location: LocationId) -> Option<serde_json::Value> {
    let stock: Vec<u32> = (0..order.demands.len())
        .map(|line| units(world, order, location, line))
        .collect();
    if stock.iter().all(|&u| u == 0) {
        return None;
    }
    let weight = |of: &dyn Fn(&Demand) -> u64| -> u64 {
        order
            .demands
            .iter()
            .map(|d| u64::from(d.qty.0) * of(d))
            .sum()
    };
    let heaviest = weight(&|d| u64::from(d.grams)).max(weight(&|d| d.volume_mm3 / 5_000));
    let steps = heaviest.div_ceil(BRACKET_GRAMS).max(1);
    let site = &world.locations[location.index()];
    let (unit, line) = (site.handling_per_unit.0, site.handling_per_line.0);
    let fixed: Option<Vec<i64>> = (1..=steps)
        .map(|step| Some(shipment(world, order, location, step * BRACKET_GRAMS)? - unit - line))
        .collect();
    let fixed = fixed?;
    Some(json!({ "stock": stock, "unit": unit, "line": line, "curve": fixed }))
}

/// What a shipment of one unit of so many grams costs, all in all.
fn shipment(world: &World, order: &Single, location: LocationId, grams: u64) -> Option<i64> {
    let demand = Demand {
        sku: SkuId(0),
        qty: Qty(1),
        grams: u32::try_from(grams).ok()?,
        ..Demand::default()
    };
    let mut stock = StockView::default();
    stock.push_line(demand.sku);
    let request = Request {
        demands: &[demand],
        stock: &stock,
        policy: Policy {
            split_penalty: Default::default(),
            ..order.policy
        },
        ..order.request()
    };
    let lines = vec![ShipmentLine {
        demand: 0,
        qty: demand.qty,
    }];
    let plan = price(&world.lanes, &request, &[(location, order.now, lines)], &[])?;
    Some(plan.objective.total().0)
}
