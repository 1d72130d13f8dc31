//! What an order costs, fitted to measured runs, and what a load to come needs.
//!
//! Processor time of an order is linear in the number of places (routing weighs each), memory is linear in
//! positions and in orders kept, journal and wire bytes belong to the order. So four least-squares lines say
//! all of it; how far a target lies beyond the runs is said beside each answer, since nobody measured there.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a fitted model"
)]

use super::target::Target;
use serde::{Deserialize, Serialize};

/// A run that the model is fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Orders a second, with everything that a profile asks beside them.
    pub orders_per_second: f64,
    /// Places.
    pub locations: f64,
    /// Positions.
    pub positions: f64,
    /// Cores that the server used.
    pub cores: f64,
    /// Memory before the first order, bytes.
    pub memory_before: f64,
    /// Memory afterwards.
    pub memory_after: f64,
    /// Orders accepted meanwhile.
    pub orders: f64,
    /// Bytes a second of the journal.
    pub journal_per_second: f64,
    /// Bytes a second over the wire, both ways.
    pub wire_per_second: f64,
    /// Syncs a second.
    pub syncs_per_second: f64,
}

/// A line: `base + slope × x`, and the root of the mean square of what it leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// At nothing.
    pub base: f64,
    /// For each.
    pub slope: f64,
    /// What it leaves.
    pub error: f64,
}

/// What was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Core-seconds of an order by number of places.
    pub cpu: Line,
    /// Bytes of memory by number of positions.
    pub positions: Line,
    /// Bytes of memory that an order keeps.
    pub order_bytes: f64,
    /// Bytes of the journal for an order.
    pub journal_bytes: f64,
    /// Bytes over the wire for an order.
    pub wire_bytes: f64,
    /// The largest of each that was measured: orders a second, places, positions, orders.
    pub reach: [f64; 4],
}

/// One need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// Of what.
    pub what: String,
    /// How much, as a person would order it.
    pub amount: String,
    /// How it comes about.
    pub because: String,
    /// How many times farther than any run.
    pub beyond: f64,
}

/// What a target needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Cores, with headroom.
    pub cores: f64,
    /// Bytes of memory, with headroom.
    pub memory: f64,
    /// In words.
    pub needs: Vec<Need>,
    /// The farthest that any of them looks beyond what was measured.
    pub beyond: f64,
}

impl Line {
    /// The line of least squares through `points`; level where there is only one place.
    #[must_use]
    pub fn through(points: &[(f64, f64)]) -> Self {
        let count = (points.len() as f64).max(1.0);
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|p| p.0), mean(|p| p.1));
        let spread: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
        let together: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
        // More never costs less: a slope below nothing is noise.
        let slope = if spread > 0.0 {
            (together / spread).max(0.0)
        } else {
            0.0
        };
        let base = y - slope * x;
        let left: f64 = points
            .iter()
            .map(|p| (p.1 - base - slope * p.0).powi(2))
            .sum();
        Self {
            base,
            slope,
            error: (left / count).sqrt(),
        }
    }

    /// Its value.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        self.base + self.slope * x
    }
}

impl Model {
    /// Fits the model; `None` without runs that had orders.
    #[must_use]
    pub fn fit(runs: &[Measured]) -> Option<Self> {
        let runs: Vec<&Measured> = runs.iter().filter(|r| r.orders_per_second > 0.0).collect();
        if runs.is_empty() {
            return None;
        }
        let mean = |of: &dyn Fn(&Measured) -> f64| {
            runs.iter().map(|run| of(run)).sum::<f64>() / runs.len() as f64
        };
        let most =
            |of: &dyn Fn(&Measured) -> f64| runs.iter().map(|run| of(run)).fold(0.0, f64::max);
        let pairs = |x: &dyn Fn(&Measured) -> f64, y: &dyn Fn(&Measured) -> f64| {
            runs.iter().map(|run| (x(run), y(run))).collect::<Vec<_>>()
        };
        let of_order = |run: &Measured| run.cores / run.orders_per_second;
        Some(Self {
            cpu: Line::through(&pairs(&|r| r.locations, &of_order)),
            positions: Line::through(&pairs(&|r| r.positions, &|r| r.memory_before)),
            order_bytes: mean(&|r| (r.memory_after - r.memory_before).max(0.0) / r.orders.max(1.0)),
            journal_bytes: mean(&|r| r.journal_per_second / r.orders_per_second),
            wire_bytes: mean(&|r| r.wire_per_second / r.orders_per_second),
            reach: [
                most(&|r| r.orders_per_second),
                most(&|r| r.locations),
                most(&|r| r.positions),
                most(&|r| r.orders),
            ],
        })
    }

    /// What `target` needs, where a core may be busy for `busy` of its time.
    #[must_use]
    pub fn answer(&self, target: &Target, busy: f64) -> Answered {
        const GIB: f64 = 1_073_741_824.0;
        const MB: f64 = 1e6;
        let positions = target.skus * target.locations;
        let of_order = self.cpu.at(target.locations).max(0.0);
        let used = of_order * target.orders_per_second;
        let cores = (used / busy).ceil().max(1.0);
        // A snapshot copies all shards while it is taken: the positions' memory once more.
        let held = self.positions.at(positions) + self.order_bytes * target.open_orders;
        let memory = held + self.positions.slope * positions + held * 0.25;
        let journal = self.journal_bytes * target.orders_per_second;
        let wire = self.wire_bytes * target.orders_per_second * 8.0;
        let beyond = |at: usize, value: f64| (value / self.reach[at].max(1e-9)).max(1.0);
        let need = |what: &str, amount: String, because: String, beyond: f64| Need {
            what: what.to_owned(),
            amount,
            because,
            beyond,
        };
        let needs = vec![
            need(
                "cores",
                format!("{cores:.0}"),
                format!(
                    "{:.1} µs an order and what is asked beside it at {:.0} locations, {used:.2} cores at the \
                     peak, at most {:.0} % busy",
                    of_order * 1e6,
                    target.locations,
                    busy * 100.0
                ),
                beyond(0, target.orders_per_second).max(beyond(1, target.locations)),
            ),
            need(
                "memory",
                format!("{:.1} GiB", memory / GIB),
                format!(
                    "{:.0} bytes a position of {:.1} million, {:.0} bytes an order of {:.1} million kept, a \
                     snapshot's copy of the positions, a quarter to spare",
                    self.positions.slope,
                    positions / 1e6,
                    self.order_bytes,
                    target.open_orders / 1e6
                ),
                beyond(2, positions).max(beyond(3, target.open_orders)),
            ),
            need(
                "disk",
                format!(
                    "{:.1} MB/s, {:.0} GB a day of peak",
                    journal / MB,
                    journal * 86_400.0 / 1e9
                ),
                format!(
                    "{:.0} bytes of journal an order; snapshots write the memory's size each time",
                    self.journal_bytes
                ),
                beyond(0, target.orders_per_second),
            ),
            need(
                "bandwidth",
                format!("{:.1} Mbit/s", wire / MB),
                format!(
                    "{:.0} bytes an order, both ways, replies with their plans",
                    self.wire_bytes
                ),
                beyond(0, target.orders_per_second),
            ),
        ];
        let farthest = needs.iter().map(|need| need.beyond).fold(1.0, f64::max);
        Answered {
            cores,
            memory,
            needs,
            beyond: farthest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose costs are known.
    fn run(orders_per_second: f64, skus: f64, locations: f64) -> Measured {
        let positions = skus * locations;
        Measured {
            orders_per_second,
            locations,
            positions,
            cores: orders_per_second * (20e-6 + 0.5e-6 * locations),
            memory_before: 50e6 + 35.0 * positions,
            memory_after: 50e6 + 35.0 * positions + 900.0 * orders_per_second * 10.0,
            orders: orders_per_second * 10.0,
            journal_per_second: orders_per_second * 700.0,
            wire_per_second: orders_per_second * 2_000.0,
            syncs_per_second: 400.0,
        }
    }

    #[test]
    fn known_costs_are_found_and_scaled() {
        let runs = [
            run(500.0, 2e4, 10.0),
            run(1_000.0, 1e5, 20.0),
            run(2_000.0, 5e4, 40.0),
        ];
        let model = Model::fit(&runs).unwrap();
        assert!((model.cpu.slope - 0.5e-6).abs() < 1e-12, "{model:?}");
        assert!((model.positions.slope - 35.0).abs() < 1e-6);
        assert!((model.order_bytes - 900.0).abs() < 1e-6);
        let target: Target = "2000 orders/s at peak, 300k SKUs, 40 locations, 1M open orders"
            .parse()
            .unwrap();
        let answer = model.answer(&target, 0.5);
        // 2,000 × 40 µs are 0.08 cores.
        assert_eq!(answer.cores, 1.0);
        let held = 50e6 + 35.0 * 12e6 + 900e6;
        assert!((answer.memory - (held * 1.25 + 35.0 * 12e6)).abs() < 1.0);
        // 12 million positions where 2 million were measured, a million orders where 20,000 were.
        assert!((answer.beyond - 50.0).abs() < 1e-9, "{}", answer.beyond);
        let ten: Target = "200k orders/s, 300k SKUs, 40 locations".parse().unwrap();
        assert_eq!(model.answer(&ten, 0.5).cores, 16.0);
        assert_eq!(Model::fit(&[]), None);
    }

    #[test]
    fn noise_that_falls_is_a_level_line() {
        let line = Line::through(&[(1.0, 5.0), (2.0, 4.0)]);
        assert_eq!((line.slope, line.base, line.error), (0.0, 4.5, 0.5));
    }
}
