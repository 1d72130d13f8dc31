//! A network folder and an order file as the router wants them: stock by SKU, demands by order.
//!
//! An order's lines of one SKU are one demand, which may split only if all of them may. What is on
//! its way does not count as stock here: a price is for the units that are there.

use allot::ledger::StockView;
use allot::load::{NetworkFiles, OrderFile};
use allot::model::{Decision, LocationId, Network, Order, Qty, SkuId};
use allot::routing::{Demand, Lanes, Request, Scratch, route};
use anyhow::Context as _;
use std::collections::HashMap;

/// Units that may be promised, by SKU and location.
pub(crate) type Stock = Vec<Vec<(LocationId, u32)>>;

/// An order with its SKUs looked up.
pub(crate) struct Wanted {
    pub(crate) order: Order,
    demands: Vec<Demand>,
    excluded: Vec<LocationId>,
}

impl Wanted {
    /// The SKUs of its demands.
    pub(crate) fn skus(&self) -> impl Iterator<Item = SkuId> {
        self.demands.iter().map(|d| d.sku)
    }
}

/// Everything that stays as it is while prices change.
pub(crate) struct Shop {
    pub(crate) network: Network,
    pub(crate) skus: Vec<Box<str>>,
    pub(crate) stock: Stock,
    pub(crate) orders: Vec<Wanted>,
}

impl Shop {
    /// Joins a folder and its orders. Prices that the folder has are left out.
    ///
    /// # Errors
    /// An order names a SKU or a location that the folder does not have.
    pub(crate) fn new(files: NetworkFiles, file: OrderFile) -> anyhow::Result<Self> {
        let NetworkFiles {
            mut network,
            opening,
        } = files;
        network.scarcity.clear();
        let lanes = Lanes::new(&network)?;
        let mut stock: Stock = vec![Vec::new(); opening.items.len()];
        for row in &opening.stock {
            let held = row.held.map_or(0, |(qty, _)| qty.0);
            let kept = row.safety_stock.0.saturating_add(held);
            let units = row.on_hand.0.saturating_sub(kept);
            if units > 0 {
                stock[row.sku.index()].push((row.location, units));
            }
        }
        for of_sku in &mut stock {
            of_sku.sort_unstable();
        }
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for (number, item) in opening.items.iter().enumerate() {
            numbers.insert(&item.sku, number);
        }
        let mut orders = Vec::with_capacity(file.orders.len());
        for order in file.orders {
            let mut demands: Vec<Demand> = Vec::new();
            for line in &order.lines {
                let number = numbers.get(&*line.sku);
                let number = *number.with_context(|| format!("no SKU '{}'", line.sku))?;
                let sku = SkuId::from_index(number).context("more SKUs than ids")?;
                if let Some(known) = demands.iter_mut().find(|d| d.sku == sku) {
                    let sum = known.qty.0.checked_add(line.qty.0);
                    known.qty = Qty(sum.with_context(|| format!("too many of '{}'", line.sku))?);
                    known.may_split &= line.may_split;
                    continue;
                }
                let item = &opening.items[number];
                demands.push(Demand {
                    together: 0,
                    sku,
                    qty: line.qty,
                    may_split: line.may_split,
                    grams: item.grams,
                    volume_mm3: item.size_mm.iter().map(|&mm| u64::from(mm)).product(),
                    longest_mm: item.size_mm.into_iter().max().unwrap_or(0),
                    ships_alone: item.ships_alone,
                    class: lanes.class(&item.class),
                    value: item.value,
                });
            }
            let excluded = |id: &str| {
                let at = network.locations.iter().position(|l| &*l.id == id);
                let at = at.with_context(|| format!("no location '{id}'"))?;
                Ok(LocationId(u16::try_from(at)?))
            };
            let excluded = order.exclude.iter().map(|id| excluded(id));
            let excluded = excluded.collect::<anyhow::Result<_>>()?;
            orders.push(Wanted {
                order,
                demands,
                excluded,
            });
        }
        let skus = opening.items.into_iter().map(|item| item.sku).collect();
        Ok(Self {
            network,
            skus,
            stock,
            orders,
        })
    }

    /// Routes one order on what `units` says of each position; `None` if nobody can ship it.
    pub(crate) fn route(
        &self,
        lanes: &Lanes,
        wanted: &Wanted,
        units: impl Fn(u32) -> u32,
        stock: &Stock,
        scratch: &mut Scratch,
    ) -> Option<Decision> {
        let order = &wanted.order;
        let destination = lanes.destination(&order.ship_to).ok()?;
        let preset = order.preset.as_deref();
        let policy = lanes.policy(&order.channel, preset, &order.policy).ok()?;
        let mut view = StockView::default();
        for demand in &wanted.demands {
            view.push_line(demand.sku);
            for &(location, held) in &stock[demand.sku.index()] {
                if units(held) > 0 {
                    view.push_cell(location, Qty(units(held)), &[]);
                }
            }
        }
        let request = Request {
            pickup: None,
            days: &[],
            now: order.placed_at,
            destination: &destination,
            deliver_by: order.deliver_by,
            deliver_by_is_hard: order.deliver_by_is_hard,
            policy,
            demands: &wanted.demands,
            stock: &view,
            excluded: &wanted.excluded,
        };
        route(lanes, &request, scratch).ok()
    }

    /// Units of a plan: SKU, location, how many.
    pub(crate) fn drawn<'a>(
        wanted: &'a Wanted,
        decision: &'a Decision,
    ) -> impl Iterator<Item = (SkuId, LocationId, u32)> + 'a {
        let shipments = decision.plan.shipments.iter();
        let lines = shipments.flat_map(|s| s.lines.iter().map(move |line| (s.location, line)));
        lines.map(|(location, line)| {
            let demand = &wanted.demands[usize::from(line.demand)];
            (demand.sku, location, line.qty.0)
        })
    }
}
