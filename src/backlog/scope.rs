//! Which orders of an engine are looked at, by which rules, and the problem that they make.

use super::problem::{Kept, OpenOrder, Problem, Strategy, Supply, Today};
use crate::engine::{Engine, Unreleased};
use crate::ledger::{Step, StockView};
use crate::model::{
    ChannelId, EpochMillis, LocationId, Lsn, Millis, Order, OrderKey, Policy, Qty, SkuId,
};
use crate::routing::Lanes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which orders. Whoever is left out keeps what he has, and its stock is not shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Of these channels; empty is any.
    pub channels: Vec<Box<str>>,
    /// With a line of one of these items; empty is any.
    pub skus: Vec<Box<str>>,
    /// With a shipment from one of these locations, or waiting; empty is any.
    pub locations: Vec<Box<str>>,
    /// In which state.
    pub state: OpenState,
    /// Placed so long ago or longer.
    pub age_hours: u32,
}

/// States that open orders are in before anybody has a part of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OpenState {
    /// Any.
    #[default]
    Any,
    /// Something of it waits for supply.
    Waiting,
    /// Nothing of it waits.
    Planned,
    /// Its last delivery is after its promise date.
    Late,
}

impl OpenState {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("any", Self::Any),
        ("waiting", Self::Waiting),
        ("planned", Self::Planned),
        ("late", Self::Late),
    ];

    /// The state of a name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        let found = all.find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map(|(_, state)| *state)
    }

    fn has(self, one: &Unreleased) -> bool {
        let by = one.order.deliver_by;
        match self {
            Self::Any => true,
            Self::Waiting => !one.short.is_empty(),
            Self::Planned => one.short.is_empty(),
            Self::Late => one.promised.zip(by).is_some_and(|(on, by)| on > by),
        }
    }
}

/// Weights of the objective in percent of what each order's policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// For every shipment after the first.
    pub split: u32,
    /// For every day after the promise date.
    pub late: u32,
    /// For every day until delivery.
    pub speed: u32,
    /// For every unit that waits.
    pub short: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            split: 100,
            late: 100,
            speed: 100,
            short: 100,
        }
    }
}

impl Weights {
    /// Most percent of a weight.
    pub const MOST: u32 = 100_000;

    /// Sets a weight by its name; tells whether there is one of this name.
    pub fn set(&mut self, name: &str, percent: u32) -> bool {
        let weight = match name.to_ascii_lowercase().as_str() {
            "split" => &mut self.split,
            "late" => &mut self.late,
            "speed" => &mut self.speed,
            "short" => &mut self.short,
            _ => return false,
        };
        *weight = percent.min(Self::MOST);
        true
    }

    fn apply(&self, policy: &mut Policy) {
        for (cents, percent) in [
            (&mut policy.split_penalty, self.split),
            (&mut policy.late_per_day, self.late),
            (&mut policy.speed_value_per_day, self.speed),
            (&mut policy.short_per_unit, self.short),
        ] {
            cents.0 = cents.0.saturating_mul(i64::from(percent)) / 100;
        }
    }
}

/// By which rules orders change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// For all that nothing else is said of.
    pub strategy: Strategy,
    /// By channel.
    pub by_channel: BTreeMap<Box<str>, Strategy>,
    /// What is handed over sooner than this is not changed any more.
    pub frozen_hours: u32,
    /// Cents for every order whose plan changes.
    pub change_cents: i64,
    /// What lateness, waiting and being short cost more for every day since the order was placed, in
    /// percent.
    pub age_percent_per_day: u32,
    /// Weights of the objective.
    pub weights: Weights,
}

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
    let at = engine.latest_fact();
    let lanes = engine.lanes();
    let wanted = |order: &Order| in_scope(scope, order, now);
    let (mut open, lost) = engine.unreleased(&wanted);
    open.retain(|one| touches(scope, &engine, one));
    let frozen_until = now + Millis::from_hours(rules.frozen_hours);
    let orders = open
        .iter()
        .map(|one| {
            let soon = one.shipments.iter().any(|s| s.ship_at < frozen_until);
            open_order(one, rules, now, rules.frozen_hours > 0 && soon)
        })
        .collect();
    let keys: Vec<OrderKey> = open.iter().map(|one| one.order.key.clone()).collect();
    let engine = engine.without_holdings(keys.iter(), now);
    let supply = supply(&engine, &open, now);
    let problem = Problem {
        now,
        orders,
        supply,
        change_cents: rules.change_cents,
    };
    Snapshot {
        problem,
        engine,
        lanes,
        at,
        lost,
    }
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
fn supply(engine: &Engine, open: &[Unreleased], now: EpochMillis) -> Supply {
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
                for cell in view.cells(line) {
                    all.push_cell(cell.location, cell.now, view.later(cell));
                }
            }
            _ => {
                for (location, units) in ledger.atp_by_location(sku, None, now) {
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
