//! The problem that the open orders of an engine make, as they are or under assumptions.

use super::problem::{Kept, OpenOrder, Problem, Supply, Today};
use super::rules::{Rules, Scope};
use super::what_if::{Scenario, Surge, with_surges};
use crate::engine::{Engine, EngineError, Unreleased};
use crate::ledger::{Step, StockView};
use crate::model::{ChannelId, EpochMillis, LocationId, Lsn, Millis, Order, OrderKey, Qty, SkuId};
use crate::routing::Lanes;
use std::sync::Arc;

/// A problem, and what it was made of.
pub struct Snapshot {
    /// What is to be decided.
    pub problem: Problem,
    /// The engine, which only serves for names by now.
    pub engine: Engine,
    /// Its compiled network.
    pub lanes: Arc<Lanes>,
    /// The number of the last fact in it.
    pub at: Lsn,
    /// Orders in the scope that cannot be looked up any more, or of which something shipped.
    pub lost: usize,
}

/// The problem of an engine's open orders at a moment. The engine is used up: what the orders hold
/// is given back in it, to see what there is for all of them.
#[must_use]
pub fn read(engine: Engine, scope: &Scope, rules: &Rules, now: EpochMillis) -> Snapshot {
    let nothing = Assumed::default();
    let read = read_assuming(engine, scope, rules, &nothing, now);
    read.expect("nothing is assumed, so nothing can be missing")
        .0
}

/// What a scenario assumes, by the engine's numbers.
#[derive(Default)]
struct Assumed<'s> {
    closed: Vec<LocationId>,
    late: Vec<(&'s str, Millis)>,
    surges: &'s [Surge],
}

/// The same under the assumptions of a scenario; with how many promises to others, which are not looked
/// at, its supply no longer covers.
///
/// # Errors
/// `NOTFOUND` for a location, an item or supply that the scenario names.
pub(super) fn read_if(
    engine: Engine,
    scope: &Scope,
    rules: &Rules,
    scenario: &Scenario,
    now: EpochMillis,
) -> Result<(Snapshot, usize), EngineError> {
    let registry = engine.registry();
    let closed = scenario.closed.iter();
    let assumed = Assumed {
        closed: closed
            .map(|name| registry.location("close", name))
            .collect::<Result<_, _>>()?,
        late: scenario.late.iter().map(|(id, by)| (&**id, *by)).collect(),
        surges: &scenario.surges,
    };
    for sku in scenario.surges.iter().filter_map(|s| s.sku.as_deref()) {
        registry.sku("surge", sku)?;
    }
    let mut rules = rules.clone();
    for (part, percent) in &scenario.weights {
        // Only names of parts are read.
        let known = rules.weights.set(part, *percent);
        debug_assert!(known, "{part}");
    }
    read_assuming(engine, scope, &rules, &assumed, now)
}

fn read_assuming(
    engine: Engine,
    scope: &Scope,
    rules: &Rules,
    assumed: &Assumed<'_>,
    now: EpochMillis,
) -> Result<(Snapshot, usize), EngineError> {
    let at = engine.latest_fact();
    let lanes = engine.lanes();
    let wanted = |order: &Order| in_scope(scope, order, now);
    let (mut open, lost) = engine.unreleased(&wanted);
    open.retain(|one| touches(scope, &engine, one));
    let frozen_until = now + Millis::from_hours(rules.frozen_hours);
    let mut orders: Vec<OpenOrder> = open
        .iter()
        .map(|one| {
            let soon = one.shipments.iter().any(|s| s.ship_at < frozen_until);
            open_order(one, rules, now, rules.frozen_hours > 0 && soon)
        })
        .collect();
    let keys: Vec<OrderKey> = open.iter().map(|one| one.order.key.clone()).collect();
    let engine = engine.without_holdings(keys.iter(), now);
    let mut broken = 0;
    for (number, &(id, by)) in assumed.late.iter().enumerate() {
        broken += delay(&engine, number, (id, by), now)?;
    }
    with_surges(
        &mut orders,
        assumed.surges,
        &|order, surge| is_surging(&engine, order, surge),
        now,
    );
    let supply = supply(&engine, &open, &assumed.closed, now);
    let mut problem = Problem {
        now,
        orders,
        supply,
        change_cents: rules.change_cents,
        days: Vec::new(),
    };
    if lanes.limited() {
        let locations = (0..lanes.locations()).filter_map(LocationId::from_index);
        let limited = locations.filter(|&l| lanes.limit(l).is_some());
        let mut used = Vec::new();
        // A hand-over of today may have been this morning.
        let from = now - Millis::from_hours(26);
        engine.ledger().days().list(limited, from, &mut used);
        problem.open_days(&lanes, &|location| lanes.limit(location), &used);
    }
    let snapshot = Snapshot {
        problem,
        engine,
        lanes,
        at,
        lost,
    };
    Ok((snapshot, broken))
}

/// Lets supply arrive later. Tells how many promises it does not cover any more.
fn delay(
    engine: &Engine,
    number: usize,
    (id, by): (&str, Millis),
    now: EpochMillis,
) -> Result<usize, EngineError> {
    let supply = engine.supply(id);
    let supply = supply.ok_or_else(|| EngineError::not_found("late", id, "supply"))?;
    let announced = &supply.announced;
    let arrives_at = announced.arrives_at + by;
    let reference = format!("what-if-{number}");
    let broken = engine.delay_supply(&reference, announced.kind, id, arrives_at, now)?;
    Ok(broken.len())
}

/// Whether an order is one of those of which a surge brings more.
fn is_surging(engine: &Engine, order: &OpenOrder, surge: &Surge) -> bool {
    let registry = engine.registry();
    let channel = surge.channel.as_deref();
    let of_channel = channel.is_none_or(|name| registry.channel_name(order.channel) == name);
    let sku = surge.sku.as_deref();
    let mut skus = order.demands.iter().map(|d| registry.sku_name(d.sku));
    of_channel && sku.is_none_or(|name| skus.any(|sku| sku == name))
}

fn in_scope(scope: &Scope, order: &Order, now: EpochMillis) -> bool {
    let old = order.placed_at + Millis::from_hours(scope.age_hours) <= now || scope.age_hours == 0;
    let channel = scope.channels.is_empty() || scope.channels.contains(&order.channel);
    let item = |sku: &str| order.lines.iter().any(|l| *l.sku == *sku);
    old && channel && (scope.skus.is_empty() || scope.skus.iter().any(|sku| item(sku)))
}

fn touches(scope: &Scope, engine: &Engine, one: &Unreleased) -> bool {
    if !scope.state.has(one) {
        return false;
    }
    let name = |at: LocationId| engine.registry().location_name(at);
    let mut from = one.shipments.iter().map(|s| name(s.location));
    scope.locations.is_empty()
        || !one.short.is_empty()
        || from.any(|from| scope.locations.iter().any(|l| **l == *from))
}

fn open_order(one: &Unreleased, rules: &Rules, now: EpochMillis, frozen: bool) -> OpenOrder {
    let order = &one.order;
    let kept = one.shipments.iter().map(|s| Kept {
        location: s.location,
        need_at: s.need_at,
        ship_at: s.ship_at,
        lines: s.lines.clone(),
    });
    let strategy = rules.by_channel.get(&order.channel);
    let mut policy = one.policy;
    let days = (now.0 - order.placed_at.0).max(0) / 86_400_000;
    rules.weights.apply(&mut policy);
    let percent = 100 + i64::from(rules.age_percent_per_day) * days.min(365);
    for cents in [
        &mut policy.late_per_day,
        &mut policy.speed_value_per_day,
        &mut policy.short_per_unit,
    ] {
        cents.0 = cents.0.saturating_mul(percent) / 100;
    }
    OpenOrder {
        key: order.key.clone(),
        channel: one.channel,
        placed_at: order.placed_at,
        destination: one.destination.clone(),
        deliver_by: order.deliver_by,
        deliver_by_is_hard: order.deliver_by_is_hard,
        policy,
        demands: one.demands.clone(),
        excluded: one.excluded.clone(),
        pickup: one.pickup,
        today: Today {
            shipments: kept.collect(),
            short: one.short.clone(),
            promised: one.promised,
        },
        strategy: strategy.copied().unwrap_or(rules.strategy),
        frozen,
    }
}

/// What may be promised of the orders' items. Where channels have allocations, units on their way
/// are left out of what they share.
fn supply(engine: &Engine, open: &[Unreleased], closed: &[LocationId], now: EpochMillis) -> Supply {
    let mut skus: Vec<SkuId> = Vec::new();
    let mut channels: Vec<ChannelId> = Vec::new();
    for one in open {
        skus.extend(one.demands.iter().map(|d| d.sku));
        channels.push(one.channel);
    }
    skus.sort_unstable();
    skus.dedup();
    channels.sort_unstable();
    channels.dedup();
    let ledger = engine.ledger();
    let mut views: Vec<(ChannelId, StockView)> = Vec::new();
    for channel in channels {
        let mut view = StockView::default();
        ledger.view(skus.iter().copied(), channel, now, &mut view);
        views.push((channel, view));
    }
    let mut all = StockView::default();
    let mut limits: Vec<(SkuId, ChannelId, Vec<Step>)> = Vec::new();
    for (line, &sku) in skus.iter().enumerate() {
        all.push_line(sku);
        let of_channels = views
            .iter()
            .map(|(channel, view)| (*channel, view.limit(line)));
        let limited: Vec<(ChannelId, Vec<Step>)> = of_channels
            .filter_map(|(channel, limit)| Some((channel, limit?.to_vec())))
            .collect();
        match views.first() {
            Some((_, view)) if limited.is_empty() => {
                let cells = view.cells(line).iter();
                for cell in cells.filter(|cell| !closed.contains(&cell.location)) {
                    all.push_cell(cell.location, cell.now, view.later(cell));
                }
            }
            _ => {
                let held = ledger.atp_by_location(sku, None, now).into_iter();
                for (location, units) in held.filter(|(at, _)| !closed.contains(at)) {
                    let units = u32::try_from(units).unwrap_or(Qty::MAX.0).min(Qty::MAX.0);
                    all.push_cell(location, Qty(units), &[]);
                }
            }
        }
        limits.extend(limited.into_iter().map(|(c, steps)| (sku, c, steps)));
    }
    let mut supply = Supply::new(all);
    for (sku, channel, steps) in limits {
        supply.limit(sku, channel, steps);
    }
    supply
}
