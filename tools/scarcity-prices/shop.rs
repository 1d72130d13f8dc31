//! A network folder and an order file as the router wants them: stock by SKU, demands by order.
//!
//! An order's lines of one SKU are one demand, which may split only if all of them may. What is on
//! its way counts as stock only where that is asked for: a price is for the units that are there.

use allot::ledger::StockView;
use allot::load::{NetworkFiles, OrderFile};
use allot::model::{Decision, LocationId, Network, Order, Plan, Policy, Qty, SkuId};
use allot::routing::{Demand, Destination, Lanes, Request, Scratch, draft, route};
use anyhow::Context as _;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Units that may be promised, by SKU and location.
pub(crate) type Stock = Vec<Vec<(LocationId, u32)>>;

/// An order with its names looked up.
pub(crate) struct Wanted {
    pub(crate) order: Order,
    demands: Vec<Demand>,
    excluded: Vec<LocationId>,
    pickup: Option<LocationId>,
    /// Where it goes and by which policy; `None` where nobody can say.
    terms: Option<(Arc<Destination>, Policy)>,
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
    /// The network without prices, compiled.
    pub(crate) lanes: Lanes,
    pub(crate) skus: Vec<Box<str>>,
    pub(crate) stock: Stock,
    pub(crate) orders: Vec<Wanted>,
}

impl Shop {
    /// Joins a folder and its orders. Prices that the folder has are left out; units on their way
    /// are there already if `arrived` says so.
    ///
    /// # Errors
    /// An order names a SKU or a location that the folder does not have.
    pub(crate) fn new(files: NetworkFiles, file: OrderFile, arrived: bool) -> anyhow::Result<Self> {
        let NetworkFiles {
            mut network,
            opening,
        } = files;
        network.scarcity.clear();
        let lanes = Lanes::new(&network)?;
        let mut stock: Vec<BTreeMap<LocationId, u32>> = vec![BTreeMap::new(); opening.items.len()];
        let mut add = |sku: SkuId, location, units: u32| {
            let cell: &mut u32 = stock[sku.index()].entry(location).or_default();
            *cell = cell.saturating_add(units);
        };
        for row in &opening.stock {
            let held = row.held.map_or(0, |(qty, _)| qty.0);
            let kept = row.safety_stock.0.saturating_add(held);
            add(row.sku, row.location, row.on_hand.0.saturating_sub(kept));
        }
        for row in opening.incoming.iter().filter(|_| arrived) {
            add(row.sku, row.to, row.qty.0);
        }
        let some = |held: BTreeMap<LocationId, u32>| {
            let held = held.into_iter().filter(|(_, units)| *units > 0);
            held.collect::<Vec<_>>()
        };
        let stock: Stock = stock.into_iter().map(some).collect();
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
            let place = |id: &str| {
                let at = network.locations.iter().position(|l| &*l.id == id);
                let at = at.with_context(|| format!("no location '{id}'"))?;
                anyhow::Ok(LocationId(u16::try_from(at)?))
            };
            let excluded = order.exclude.iter().map(|id| place(id));
            let excluded = excluded.collect::<anyhow::Result<_>>()?;
            let pickup = order.pickup_at.as_deref().map(place).transpose()?;
            orders.push(Wanted {
                terms: terms(&lanes, &order, pickup),
                order,
                demands,
                excluded,
                pickup,
            });
        }
        let skus = opening.items.into_iter().map(|item| item.sku).collect();
        Ok(Self {
            network,
            lanes,
            skus,
            stock,
            orders,
        })
    }

    /// Routes one order on its stock; `None` if nobody can ship it.
    pub(crate) fn route(
        &self,
        lanes: &Lanes,
        wanted: &Wanted,
        stock: &Stock,
        scratch: &mut Scratch,
    ) -> Option<Decision> {
        self.ask(wanted, stock, |request| route(lanes, request, scratch).ok())
    }

    /// The same as if it were the only order.
    pub(crate) fn route_alone(
        &self,
        lanes: &Lanes,
        wanted: &Wanted,
        scratch: &mut Scratch,
    ) -> Option<Decision> {
        self.route(lanes, wanted, &self.stock, scratch)
    }

    /// The plan of that alone, without its proof.
    pub(crate) fn draft_alone(
        &self,
        lanes: &Lanes,
        wanted: &Wanted,
        scratch: &mut Scratch,
    ) -> Option<Plan> {
        self.ask(wanted, &self.stock, |request| {
            draft(lanes, request, scratch).ok()
        })
    }

    /// Puts an order to the router.
    fn ask<R>(
        &self,
        wanted: &Wanted,
        stock: &Stock,
        answer: impl FnOnce(&Request<'_>) -> Option<R>,
    ) -> Option<R> {
        let order = &wanted.order;
        let (destination, policy) = wanted.terms.as_ref()?;
        let mut view = StockView::default();
        for demand in &wanted.demands {
            view.push_line(demand.sku);
            for &(location, held) in stock[demand.sku.index()].iter().filter(|(_, h)| *h > 0) {
                view.push_cell(location, Qty(held), &[]);
            }
        }
        answer(&Request {
            pickup: wanted.pickup,
            days: &[],
            now: order.placed_at,
            destination,
            deliver_by: order.deliver_by,
            deliver_by_is_hard: order.deliver_by_is_hard,
            policy: *policy,
            demands: &wanted.demands,
            stock: &view,
            excluded: &wanted.excluded,
        })
    }

    /// Units of a plan: SKU, location, how many.
    pub(crate) fn drawn<'a>(
        wanted: &'a Wanted,
        plan: &'a Plan,
    ) -> impl Iterator<Item = (SkuId, LocationId, u32)> + 'a {
        let shipments = plan.shipments.iter();
        let lines = shipments.flat_map(|s| s.lines.iter().map(move |line| (s.location, line)));
        lines.map(|(location, line)| {
            let demand = &wanted.demands[usize::from(line.demand)];
            (demand.sku, location, line.qty.0)
        })
    }
}

/// Where an order goes and by which policy.
fn terms(
    lanes: &Lanes,
    order: &Order,
    pickup: Option<LocationId>,
) -> Option<(Arc<Destination>, Policy)> {
    let destination = match pickup {
        Some(store) => lanes.doorstep(store),
        None => lanes.destination(&order.ship_to),
    };
    let preset = order.preset.as_deref();
    let policy = lanes.policy(&order.channel, preset, &order.policy);
    Some((destination.ok()?, policy.ok()?))
}
