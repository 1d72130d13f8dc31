//! How much more shipments cost together than the lines of the search over sets say, whatever places they leave
//! from: what they hold at the least says it where nothing that is able to ship stays short (see `held`).
//!
//! For so many shipments the best steps of all places count, each as often as there are shipments. Where many
//! places cost the same that is nearly what the best of all their sets costs, and no set has to be looked at.

use super::Search;
use super::amounts::{MIXES, Shipper};
use super::curves::{BEYOND, Curve, Curves, Line, MICRO, Window};
use super::held::{Goods, Step, Steps, slope_of};
use crate::model::Qty;
use std::collections::HashSet;
use std::rc::Rc;

/// Nothing is said of more shipments: sets of so many places are not told apart by their number.
const COUNTED: usize = 12;

/// What the goods of an order weigh in one measure, and the steps of all places.
struct Measured {
    /// By demand: what all of it that may ship weighs, in grams over `divisor`.
    weights: Vec<u64>,
    divisor: u32,
    /// No line's slope is below.
    slope: i64,
    steps: Vec<Step>,
}

/// What is known of the shipments from all places.
pub(super) struct Together {
    measured: Vec<Measured>,
    /// By demand: whether some of it can ship.
    served: Vec<bool>,
    /// Most shipments.
    most: usize,
}

impl Together {
    /// Of all shippers, by the lines that the search over sets has; nothing where some shipment's cost is not known
    /// by weight.
    pub(super) fn new(search: &Search<'_>, curves: &mut Curves<'_>, shippers: &[Shipper]) -> Self {
        let demands = 0..search.job.request.demands.len();
        let mut new = Self {
            measured: Vec::new(),
            served: demands.map(|i| search.frame.served >> i & 1 == 1).collect(),
            most: usize::from(search.job.policy.max_shipments),
        };
        let mut known = HashSet::new();
        let mut all: Vec<Rc<Curve>> = Vec::new();
        for &(entry, mode) in shippers {
            let row = search.entries.get(entry);
            let Some(curve) = curves.of(row.location, row.departure, mode) else {
                return new;
            };
            if !curve.weighs() && curves.modes[usize::from(mode)].packed {
                return new;
            }
            if known.insert((row.departure, mode)) {
                all.push(curve);
            }
        }
        let weighing = || all.iter().filter(|curve| curve.weighs());
        let divisors = weighing().map(|curve| curve.bulk.map(|bulk| bulk.divisor));
        let divisor = divisors.collect::<Option<Vec<u32>>>();
        let divisor = divisor.and_then(|all| all.into_iter().max());
        let measures = [None, divisor];
        let measures = &measures[..1 + usize::from(divisor.is_some())];
        for &divisor in measures {
            let measured = Measured::new(search, curves, &all, divisor);
            new.measured.push(measured);
        }
        new
    }

    /// By how many millionths of a cent so many shipments cost more than the lines say, from one on, where all of
    /// the demands ship that are `able` to.
    pub(super) fn above(&self, able: &[bool]) -> Vec<i64> {
        // Of what is not able to ship as a whole some may ship besides.
        let partly = self
            .served
            .iter()
            .zip(able)
            .any(|(&served, able)| served && !able);
        let mut most: Vec<i64> = Vec::new();
        for measured in &self.measured {
            let weights = measured.weights.iter().zip(able).filter(|w| *w.1);
            let weights = weights.map(|w| *w.0);
            let goods = Goods {
                weight: weights
                    .fold(0, u64::saturating_add)
                    .div_ceil(measured.divisor.into()),
                slope: if partly { 0 } else { measured.slope },
                room: BEYOND,
            };
            let steps = Steps::best(goods, &measured.steps);
            let mut all = Steps::new(goods);
            for shipments in 0..self.most.min(COUNTED) {
                if !all.add(&steps) {
                    break;
                }
                let least = all.least();
                match most.get_mut(shipments) {
                    Some(most) => *most = least.max(*most),
                    None => most.push(least),
                }
            }
        }
        most
    }
}

impl Measured {
    /// By volume over a divisor, or by mass where there is none.
    fn new(
        search: &Search<'_>,
        curves: &Curves<'_>,
        all: &[Rc<Curve>],
        divisor: Option<u32>,
    ) -> Self {
        let by_volume = divisor.is_some();
        let demands = search.job.request.demands.iter().enumerate();
        let weights = demands.map(|(i, demand)| {
            let load = demand.load(Qty(1));
            let one = if by_volume { load.mm3 } else { load.grams };
            one.saturating_mul(search.wanted(i).into())
        });
        let mut new = Self {
            weights: weights.collect(),
            divisor: divisor.unwrap_or(1).max(1),
            slope: i64::MAX,
            steps: Vec::new(),
        };
        for curve in all {
            if !curve.weighs() {
                // It holds nothing that is packed together.
                new.steps.push((0, 0));
                continue;
            }
            let under = curve.third(curves.all);
            let mix = if under.divisor.is_some() { MIXES } else { 0 };
            let line = Line {
                base: under.base * MICRO,
                slope: i64::try_from(under.slope).unwrap_or(0),
            };
            // In which measure the line counts.
            let own = under.divisor == divisor;
            let slope = slope_of(line, (u8::from(own), 1));
            new.slope = new.slope.min(slope.max(0));
            let steps = curve.above(Window::ALL, (line, mix), (BEYOND, by_volume));
            new.steps.extend(steps);
        }
        if new.slope == i64::MAX {
            new.slope = 0;
        }
        // Places that cost the same have the same steps.
        new.steps.sort_unstable();
        new.steps.dedup();
        new
    }
}
