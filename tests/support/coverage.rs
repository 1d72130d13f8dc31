//! How much of the problem the random instances really reach, so that agreement means something.

use super::instance::Instance;
use super::naive;
use allot::model::{Plan, Surcharge};
use std::fmt;

/// Counts of plans with a property, over all plans that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) plans: u32,
    counts: [u32; NAMES.len()],
}

const NAMES: [&str; 36] = [
    "ships something",
    "several shipments",
    "leaves some short, ships some",
    "waits for incoming",
    "divides a demand",
    "several parcels",
    "dimensional weight",
    "late",
    "limited by a hard date",
    "two shipments from one location",
    "pays a surcharge",
    "ships something alone",
    "ships something alone with other parcels",
    "pays a carrier's minimum",
    "is collected",
    "ships several demands that go together",
    "leaves short what goes together",
    "delivers on days on which the carrier does not move, or the other way round",
    "ships a class that a service refuses",
    "goes to a region with restrictions",
    "from a location with a limit",
    "waits for a day with room",
    "pays for lines",
    "pays for cartons",
    "pays for days",
    "pays for scarce units",
    "pays for a further shipment",
    "pays a surcharge for weight",
    "pays a surcharge for volume",
    "pays a surcharge for length",
    "pays a surcharge for a home",
    "pays a surcharge for an area",
    "may not split for its value",
    "from a location that keeps a buffer",
    "ships a class that needs an ability",
    "is limited by a channel",
];

impl Default for Coverage {
    fn default() -> Self {
        Self {
            plans: 0,
            counts: [0; NAMES.len()],
        }
    }
}

impl Coverage {
    /// Counts the optimal `plan` of `inst`; `softened` is its cost with the promise date made soft
    /// and free of penalty, where the date is hard.
    pub(crate) fn count(&mut self, inst: &Instance, plan: &Plan, softened: Option<i64>) {
        self.plans += 1;
        let shipments = &plan.shipments;
        let has = |d: usize| {
            shipments
                .iter()
                .filter(move |s| s.lines.iter().any(|l| usize::from(l.demand) == d))
        };
        let waits = |s: &allot::model::Shipment| {
            let location = s.location.index();
            naive::hand_over(&inst.network, location, inst.now) != s.ship_at
        };
        let grams = |s: &allot::model::Shipment| -> u64 {
            let unit = |d: u16| u64::from(inst.demands[usize::from(d)].grams);
            s.lines
                .iter()
                .map(|l| u64::from(l.qty.0) * unit(l.demand))
                .sum()
        };
        let dimensional = |s: &allot::model::Shipment| {
            let service = inst.network.services.get(s.service.index());
            let step = service.map_or(1, |s| s.billing_step.0);
            s.billable.0 > grams(s).div_ceil(step) * step
        };
        let alone = |s: &allot::model::Shipment| -> usize {
            let alone = |d: u16| inst.demands[usize::from(d)].ships_alone;
            s.lines.iter().filter(|l| alone(l.demand)).count()
        };
        let minimum = |s: &allot::model::Shipment| {
            let service = inst.network.services.get(s.service.index());
            let least = service.map_or(allot::model::Cents(0), |s| s.minimum);
            least.0 > 0 && s.cents.postage == least
        };
        let net = &inst.network;
        let pays = |s: &allot::model::Shipment, which: &dyn Fn(&Surcharge) -> bool| {
            let service = s.service.index();
            let mut units = vec![0; inst.demands.len()];
            for line in &s.lines {
                units[usize::from(line.demand)] = line.qty.0;
            }
            let rows = net.surcharges.iter().filter(|row| which(row));
            let without = |row: &Surcharge| Instance {
                network: allot::model::Network {
                    surcharges: vec![row.clone()],
                    ..net.clone()
                },
                ..inst.clone()
            };
            let parcels = net.services.get(service);
            let parcels = parcels.and_then(|_| naive::parcels(inst, service, &units));
            let parcels = parcels.unwrap_or_default();
            let mut rows = rows.filter(|row| row.service.index() == service);
            rows.any(|row| {
                let alone = without(row);
                let due = |p| naive::surcharge(&alone, service, p) > allot::model::Cents(0);
                parcels.iter().any(due)
            })
        };
        let any_pays = |which: &dyn Fn(&Surcharge) -> bool| {
            plan.objective.surcharges.0 > 0 && shipments.iter().any(|s| pays(s, which))
        };
        let value: i64 = inst
            .demands
            .iter()
            .map(|d| d.value * i64::from(d.qty))
            .sum();
        let from = |s: &allot::model::Shipment| &net.locations[s.location.index()];
        let places: std::collections::BTreeSet<_> = shipments.iter().map(|s| s.location).collect();
        let holds = [
            !shipments.is_empty(),
            shipments.len() > 1,
            !shipments.is_empty() && !plan.short.is_empty(),
            shipments.iter().any(waits),
            (0..inst.demands.len()).any(|d| has(d).count() > 1),
            shipments.iter().any(|s| s.parcels > 1),
            shipments.iter().any(dimensional),
            plan.objective.late.0 > 0,
            softened.is_some_and(|cents| cents < plan.objective.total().0),
            places.len() < shipments.len(),
            plan.objective.surcharges.0 > 0,
            shipments.iter().any(|s| alone(s) > 0),
            shipments
                .iter()
                .any(|s| alone(s) > 0 && alone(s) < s.lines.len()),
            shipments.iter().any(minimum),
            inst.pickup.is_some() && !shipments.is_empty(),
            shipments.iter().any(|s| {
                let together = |d: u16| inst.demands[usize::from(d)].together != 0;
                s.lines.iter().filter(|l| together(l.demand)).count() > 1
            }),
            !shipments.is_empty()
                && plan
                    .short
                    .iter()
                    .any(|s| inst.demands[usize::from(s.demand)].together != 0),
            shipments.iter().any(|s| {
                let service = inst.network.services.get(s.service.index());
                service.is_some_and(|s| s.delivers_on.is_some())
            }),
            shipments.iter().flat_map(|s| &s.lines).any(|l| {
                let refused = |s: usize| {
                    let (location, demand) = (usize::MAX, usize::from(l.demand));
                    naive::restricted(inst, location, Some(s), demand)
                };
                (0..inst.network.services.len()).any(refused)
            }),
            !shipments.is_empty()
                && inst.network.locations.iter().enumerate().any(|(l, _)| {
                    (0..inst.demands.len()).any(|d| naive::restricted(inst, l, None, d))
                }),
            shipments
                .iter()
                .any(|s| naive::is_limited(inst, s.location.index())),
            inst.stock
                .iter()
                .all(|s| s.cells.iter().all(|c| c.later.is_empty()))
                && shipments.iter().any(waits),
            shipments.iter().any(|s| from(s).handling_per_line.0 > 0),
            shipments
                .iter()
                .any(|s| s.parcels > 0 && from(s).packaging_per_parcel.0 > 0),
            plan.objective.speed.0 > 0,
            plan.objective.scarcity.0 > 0,
            plan.objective.split.0 > 0,
            any_pays(&|row| row.over.is_some()),
            any_pays(&|row| row.over_cm3.is_some()),
            any_pays(&|row| row.over_length_mm.is_some()),
            any_pays(&|row| &*row.area == "residential"),
            any_pays(&|row| !row.area.is_empty() && &*row.area != "residential"),
            !shipments.is_empty()
                && inst.policy.max_shipments > 1
                && value < inst.policy.min_value_to_split.0,
            shipments.iter().any(|s| from(s).stock_buffer.0 > 0),
            shipments.iter().flat_map(|s| &s.lines).any(|l| {
                let class = &*inst.demands[usize::from(l.demand)].class;
                ["hazmat", "cold"].contains(&class)
            }),
            !shipments.is_empty() && inst.stock.iter().any(|s| s.limit.is_some()),
        ];
        for (count, holds) in self.counts.iter_mut().zip(holds) {
            *count += u32::from(holds);
        }
    }

    /// The properties that fewer than `least` plans have.
    pub(crate) fn rarer_than(&self, least: u32) -> Vec<&'static str> {
        let rare = NAMES.iter().zip(self.counts).filter(|(_, n)| *n < least);
        rare.map(|(name, _)| *name).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} plans", self.plans)?;
        for (name, count) in NAMES.iter().zip(self.counts) {
            write!(f, "; {name}: {} %", count * 100 / self.plans.max(1))?;
        }
        Ok(())
    }
}
