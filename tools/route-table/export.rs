//! Orders as plain numbers, for another solver: what every location has, what its goods cost, and
//! what a shipment from there costs by weight.
//!
//! The prices come from the router's own `price` of one-item shipments, so that both solve the same
//! problem; they are held against the tariff by the router's tests.

use super::{Cell, Timed};
use allot::bench::single::{BRACKET_GRAMS, Single, World};
use allot::ledger::StockView;
use allot::model::{LocationId, Policy, Qty, ShipmentLine, SkuId};
use allot::routing::{Demand, Request, price};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Lines times locations from where on one order of a size is enough: it is a large file by itself.
const LARGE: u32 = 20_000;

/// The file.
pub(crate) struct Export {
    file: BufWriter<File>,
    each: usize,
    kind: String,
}

impl Export {
    /// Writes to `path` what every cell came to, and `each` orders of the cells of one kind.
    pub(crate) fn new(path: &Path, each: usize, kind: &str) -> anyhow::Result<Self> {
        Ok(Self {
            file: BufWriter::new(File::create(path)?),
            each,
            kind: kind.to_owned(),
        })
    }

    /// Writes a cell.
    pub(crate) fn write(&mut self, world: &World, cell: &Cell) -> anyhow::Result<()> {
        let line = json!({ "cell": {
            "kind": cell.kind,
            "lines": cell.mix.lines,
            "locations": cell.mix.locations,
            "median": cell.median,
            "largest": cell.largest,
            "proven": cell.proven(),
            "orders": cell.orders.len(),
            "gap": cell.gap(),
        }});
        writeln!(self.file, "{line}")?;
        if cell.kind != self.kind {
            return Ok(());
        }
        let large = cell.mix.lines * u32::from(cell.mix.locations) >= LARGE;
        let each = if large { 1 } else { self.each };
        for (number, order) in world.orders.iter().take(each).enumerate() {
            let line = exported(world, order, cell, number);
            writeln!(self.file, "{line}")?;
        }
        Ok(())
    }
}

fn exported(world: &World, order: &Single, cell: &Cell, number: usize) -> serde_json::Value {
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
    let places = (0..cell.mix.locations).map(LocationId);
    let places = places.filter_map(|location| place(world, order, location));
    let Timed {
        micros,
        cents,
        bound,
    } = cell.orders[number];
    json!({
        "kind": cell.kind,
        "lines": cell.mix.lines,
        "locations": cell.mix.locations,
        "number": number,
        "split": order.policy.split_penalty.0,
        "most": order.policy.max_shipments,
        "bracket": BRACKET_GRAMS,
        "demands": demands.collect::<Vec<_>>(),
        "places": places.collect::<Vec<_>>(),
        "cents": cents,
        "bound": bound,
        "micros": micros,
    })
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
    // Never more than what it holds of the order.
    let weight = |of: &dyn Fn(&Demand) -> u64| -> u64 {
        let held = order.demands.iter().zip(&stock);
        held.map(|(d, &held)| u64::from(d.qty.0.min(held)) * of(d))
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
