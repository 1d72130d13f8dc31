//! A profile as it is written: TOML, every field named, an unknown one refused.

use super::operation::Kind;
use crate::bench::drive::{Nanos, SECOND, Schedule, Spacing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most items, so that their numbers have six digits or fewer to speak of.
const SKUS_MAX: u32 = 10_000_000;
/// Most places: their ids are 16 bits wide.
const LOCATIONS_MAX: u32 = 60_000;

/// A load: what is there, what is asked of it, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// A few words.
    pub title: String,
    /// What it stands for, in sentences.
    pub about: String,
    /// What there is.
    pub catalogue: CatalogueSize,
    /// What an order looks like.
    pub baskets: Baskets,
    /// When commands are due.
    pub arrivals: Arrivals,
    /// How often each command comes, beside the others.
    pub mix: BTreeMap<Kind, u64>,
    /// How much one command asks for.
    #[serde(default)]
    pub sizes: Sizes,
    /// How it is offered.
    pub run: Run,
    /// What has happened before the clock starts.
    #[serde(default)]
    pub before: Before,
    /// Readers of the event feed beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumers: Option<Consumers>,
    /// A crash and a restart in the middle of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
}

/// Items, places and units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueSize {
    /// Number of items.
    pub skus: u32,
    /// Places that hold every item.
    pub warehouses: u32,
    /// Places that hold the best sellers only.
    #[serde(default)]
    pub stores: u32,
    /// How many of the best sellers a store holds.
    #[serde(default)]
    pub skus_per_store: u32,
    /// Units of an item in a warehouse.
    pub units_per_warehouse: u32,
    /// Units of an item in a store.
    #[serde(default)]
    pub units_per_store: u32,
    /// Units of each hot item in a warehouse, in place of the others' number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_units_per_warehouse: Option<u32>,
    /// Sales fall with an item's rank to this power.
    pub popularity_exponent: f64,
}

/// What an order looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baskets {
    /// Weights of orders with 1, 2, 3 ... lines.
    pub lines: Vec<u64>,
    /// Weights of lines of 1, 2, 3 ... units.
    pub units: Vec<u64>,
    /// Lines in a hundred that name a hot item.
    #[serde(default)]
    pub hot_percent: u64,
    /// Number of hot items.
    #[serde(default)]
    pub hot_skus: u32,
    /// Whether an order is accepted when not all of it is there; the network's policy when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_backorder: Option<bool>,
}

/// When commands are due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// Commands a second, on average (in a step: outside of it).
    pub rate: f64,
    /// How the rate changes over the run.
    pub shape: Shape,
}

/// How a rate changes over a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// It does not, and commands are evenly apart.
    Constant,
    /// It does not, and commands come by chance.
    Poisson,
    /// The run is a day: weights of its equal parts, commands by chance.
    Day(Vec<f64>),
    /// So many times as much between two parts of the run, by chance.
    Step {
        /// How many times.
        times: f64,
        /// Where it begins, in percent of the run.
        from_percent: u64,
        /// Where it ends.
        to_percent: u64,
    },
}

/// How much one command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sizes {
    /// Items of one `ATP.GET`.
    pub atp_skus: u32,
    /// Rows of one `STOCK.LOAD`.
    pub load_rows: u32,
    /// Parts of one `FULFILLMENT.CLAIM`.
    pub claim_count: u32,
    /// How long a cart keeps its units, in seconds.
    pub cart_seconds: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            atp_skus: 1,
            load_rows: 100,
            claim_count: 10,
            cart_seconds: 900,
        }
    }
}

/// How it is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Seconds of it, the warm-up among them.
    pub seconds: u64,
    /// Seconds at its beginning that are not counted.
    pub warm_up_seconds: u64,
    /// Connections.
    pub connections: u32,
    /// Most commands of a connection that have no reply yet.
    pub depth: u32,
}

/// What has happened before the clock starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Before {
    /// Orders that were submitted.
    pub orders: u64,
    /// Whether all of them were shipped and delivered.
    pub delivered: bool,
}

/// Readers of the event feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumers {
    /// How many.
    pub count: u32,
    /// Events of one read.
    pub batch: u32,
    /// Milliseconds between two reads of one reader.
    pub pause_ms: u64,
}

/// A crash in the middle of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// When the server is killed, in percent of the run. It is started again at once.
    pub at_percent: u64,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is no TOML, or has a field that is not known, or lacks one.
    #[error("profile '{name}': {reason}")]
    Toml {
        /// Which.
        name: String,
        /// Line, column and what was expected.
        reason: Box<toml::de::Error>,
    },
    /// A number makes no sense.
    #[error("profile '{name}': {field} is {value}; expected {expected}")]
    Value {
        /// Which.
        name: String,
        /// The field.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// There is none of that name.
    #[error("there is no profile '{name}'; expected a TOML file or one of: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Those that are part of the program.
        known: String,
    },
}

impl Profile {
    /// Reads and checks a profile; `name` is for its errors.
    ///
    /// # Errors
    /// When it is no profile, or one that no load can follow from.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text).map_err(|reason| ProfileError::Toml {
            name: name.to_owned(),
            reason: Box::new(reason),
        })?;
        profile.check(name)?;
        Ok(profile)
    }

    /// Refuses numbers that no load can follow from.
    ///
    /// # Errors
    /// [`ProfileError::Value`] with the first such field.
    pub fn check(&self, name: &str) -> Result<(), ProfileError> {
        let refuse = |field, value: String, expected| {
            Err(ProfileError::Value {
                name: name.to_owned(),
                field,
                value,
                expected,
            })
        };
        let (size, baskets, run) = (&self.catalogue, &self.baskets, &self.run);
        if !(1..=SKUS_MAX).contains(&size.skus) {
            return refuse("catalogue.skus", size.skus.to_string(), "1 to 10,000,000");
        }
        let places = size.warehouses.saturating_add(size.stores);
        if size.warehouses == 0 || places > LOCATIONS_MAX {
            return refuse(
                "catalogue.warehouses",
                places.to_string(),
                "1 to 60,000 with the stores",
            );
        }
        if size.skus_per_store > size.skus {
            let value = size.skus_per_store.to_string();
            return refuse("catalogue.skus_per_store", value, "at most catalogue.skus");
        }
        let exponent = size.popularity_exponent;
        if !(0.0..=3.0).contains(&exponent) {
            return refuse(
                "catalogue.popularity_exponent",
                exponent.to_string(),
                "0 to 3",
            );
        }
        if baskets.lines.iter().sum::<u64>() == 0 || baskets.lines.len() > 200 {
            let value = format!("{:?}", baskets.lines);
            return refuse("baskets.lines", value, "1 to 200 weights, not all 0");
        }
        if baskets.units.iter().sum::<u64>() == 0 {
            return refuse(
                "baskets.units",
                format!("{:?}", baskets.units),
                "weights, not all 0",
            );
        }
        if baskets.hot_percent > 100 || (baskets.hot_percent > 0 && baskets.hot_skus == 0) {
            let value = baskets.hot_percent.to_string();
            return refuse(
                "baskets.hot_percent",
                value,
                "0 to 100, with hot_skus above 0",
            );
        }
        if baskets.hot_skus > size.skus {
            let value = baskets.hot_skus.to_string();
            return refuse("baskets.hot_skus", value, "at most catalogue.skus");
        }
        if self.mix.values().sum::<u64>() == 0 {
            return refuse("mix", "empty".into(), "at least one command with a weight");
        }
        let rate = self.arrivals.rate;
        if !(rate > 0.0 && rate <= 1e8) {
            return refuse(
                "arrivals.rate",
                rate.to_string(),
                "above 0, commands a second",
            );
        }
        match &self.arrivals.shape {
            Shape::Day(weights)
                if !weights.iter().all(|w| *w >= 0.0) || weights.iter().all(|w| *w == 0.0) =>
            {
                return refuse(
                    "arrivals.shape.day",
                    format!("{weights:?}"),
                    "weights, not all 0",
                );
            }
            Shape::Step {
                from_percent,
                to_percent,
                ..
            } if from_percent >= to_percent || *to_percent > 100 => {
                let value = format!("{from_percent} to {to_percent}");
                return refuse("arrivals.shape.step", value, "from before to, at most 100");
            }
            Shape::Day(_) | Shape::Step { .. } | Shape::Constant | Shape::Poisson => {}
        }
        if run.seconds == 0 || run.seconds <= run.warm_up_seconds {
            return refuse(
                "run.seconds",
                run.seconds.to_string(),
                "more than run.warm_up_seconds",
            );
        }
        if !(1..=512).contains(&run.connections) {
            return refuse("run.connections", run.connections.to_string(), "1 to 512");
        }
        if !(1..=10_000).contains(&run.depth) {
            return refuse("run.depth", run.depth.to_string(), "1 to 10,000");
        }
        let sizes = &self.sizes;
        for (field, value, most) in [
            ("sizes.atp_skus", sizes.atp_skus, 1_000),
            ("sizes.load_rows", sizes.load_rows, 1_000),
            ("sizes.claim_count", sizes.claim_count, 1_000),
            ("sizes.cart_seconds", sizes.cart_seconds, 1_000_000),
        ] {
            if !(1..=most).contains(&value) {
                return refuse(field, value.to_string(), "1 to 1,000 (seconds: 1,000,000)");
            }
        }
        Ok(())
    }

    /// When its commands are due.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let (rate, length) = (self.arrivals.rate, self.run.seconds * SECOND);
        let percent = |percent: u64| -> Nanos { length / 100 * percent };
        match &self.arrivals.shape {
            Shape::Constant => Schedule::constant(Spacing::Even, rate, length),
            Shape::Poisson => Schedule::constant(Spacing::Chance, rate, length),
            Shape::Day(weights) => Schedule::curve(Spacing::Chance, rate, length, weights),
            Shape::Step {
                times,
                from_percent,
                to_percent,
            } => {
                let between = (percent(*from_percent), percent(*to_percent));
                Schedule::step(Spacing::Chance, rate, length, *times, between)
            }
        }
    }

    /// Positions of its catalogue.
    #[must_use]
    pub fn positions(&self) -> u64 {
        let size = &self.catalogue;
        u64::from(size.skus) * u64::from(size.warehouses)
            + u64::from(size.stores) * u64::from(size.skus_per_store)
    }

    /// The same load, so small that it says nothing about speed: to see that it works.
    #[must_use]
    pub fn tiny(mut self) -> Self {
        let size = &mut self.catalogue;
        size.skus = size.skus.min(300);
        size.stores = size.stores.min(8);
        size.skus_per_store = size.skus_per_store.min(50);
        self.baskets.hot_skus = self.baskets.hot_skus.min(size.skus);
        self.arrivals.rate = self.arrivals.rate.min(500.0);
        self.run.seconds = 2;
        self.run.warm_up_seconds = 0;
        self.before.orders = self.before.orders.min(500);
        if let Some(consumers) = &mut self.consumers {
            consumers.pause_ms = consumers.pause_ms.min(50);
        }
        self
    }
}
