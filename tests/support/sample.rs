//! Orders of the sample network as instances: its rows as they are, its opening stock without what is
//! on its way.

use super::instance::{CellSpec, DemandSpec, Instance, StockSpec};
use allot::load::{NetworkFiles, network_folder, orders_file};
use allot::model::{Item, Order, Qty, SkuId};
use allot::routing::Lanes;
use std::collections::HashMap;
use std::path::Path;

/// Every `step`-th order of `data/us`.
pub(crate) fn instances(step: usize) -> Vec<Instance> {
    let us = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let files = network_folder(&us).expect("the sample network");
    let orders = orders_file(&us.join("orders.csv"), None, None).expect("its orders");
    let lanes = Lanes::new(&files.network).expect("a good network");
    let items = files.opening.items.iter().enumerate();
    let items: HashMap<&str, (usize, &Item)> = items
        .map(|(number, item)| (&*item.sku, (number, item)))
        .collect();
    let orders = orders.orders.iter().step_by(step);
    orders
        .map(|order| instance(order, &files, &lanes, &items))
        .collect()
}

fn instance(
    order: &Order,
    files: &NetworkFiles,
    lanes: &Lanes,
    items: &HashMap<&str, (usize, &Item)>,
) -> Instance {
    let preset = order.preset.as_deref();
    let policy = lanes.policy(&order.channel, preset, &order.policy);
    let place = |id: &str| {
        let mut rows = files.network.locations.iter();
        rows.position(|l| &*l.id == id).expect("a known place")
    };
    let mut inst = Instance {
        network: files.network.clone(),
        ship_to: order.ship_to.clone(),
        now: order.placed_at,
        deliver_by: order.deliver_by,
        hard: order.deliver_by_is_hard,
        latest: None,
        policy: policy.expect("a known preset"),
        demands: Vec::new(),
        stock: Vec::new(),
        paused: Vec::new(),
        excluded: Vec::new(),
        pickup: order.pickup_at.as_deref().map(place),
        used: Vec::new(),
    };
    for line in &order.lines {
        let (number, item) = items[&*line.sku];
        let sku = SkuId::from_index(number).expect("few items");
        let together = u16::from(line.together.is_some());
        if let Some(known) = inst.demands.iter_mut().find(|d| d.sku == sku) {
            known.qty += line.qty.0;
            known.together = known.together.max(together);
            continue;
        }
        inst.demands.push(DemandSpec {
            sku,
            qty: line.qty.0,
            may_split: line.may_split,
            grams: item.grams,
            volume_mm3: item.size_mm.iter().map(|&mm| u64::from(mm)).product(),
            longest_mm: item.size_mm.into_iter().max().unwrap_or(0),
            ships_alone: item.ships_alone,
            value: item.value.0,
            class: item.class.to_string(),
            together,
        });
        inst.stock.push(stock(files, sku));
    }
    inst
}

/// What routing may use of an item: on hand, less what is held and kept back.
fn stock(files: &NetworkFiles, sku: SkuId) -> StockSpec {
    let rows = files.opening.stock.iter().filter(|row| row.sku == sku);
    let cells = rows.filter_map(|row| {
        let location = row.location.index();
        let held = row.held.map_or(Qty::ZERO, |(qty, _)| qty);
        let buffer = files.network.locations[location].stock_buffer;
        let kept = row.safety_stock.0 + held.0 + buffer.0;
        let now = row.on_hand.0.saturating_sub(kept);
        let later = Vec::new();
        (now > 0).then_some(CellSpec {
            location,
            now,
            later,
        })
    });
    let mut cells: Vec<CellSpec> = cells.collect();
    cells.sort_by_key(|cell| cell.location);
    StockSpec { cells, limit: None }
}
