//! The rules of a network that are no costs: what promises may count on, how orders are placed anew, what
//! is suspected, how long parts may stand, and when prices are made anew.

use super::{LocationId, Millis, Qty, SkuId, State};
use bincode::{Decode, Encode};

/// Whether a position may promise against incoming units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub enum PromiseFrom {
    /// Only what is there.
    #[default]
    Off,
    /// Also in-transit transfers.
    Transfers,
    /// Also inbound purchases.
    All,
}

impl PromiseFrom {
    /// All values with their names in files.
    pub const ALL: [(&'static str, Self); 3] = [
        ("off", Self::Off),
        ("transfers", Self::Transfers),
        ("all", Self::All),
    ];
}

/// Promise-from-incoming policy. A SKU's own rule wins over its location's, that over the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct PromiseRules {
    /// For everything not named below.
    pub default: PromiseFrom,
    /// Hours added to every expected arrival before it is promised against.
    pub buffer_hours: u32,
    /// Rules of single locations.
    pub locations: Vec<(LocationId, PromiseFrom)>,
    /// Rules of single SKUs.
    pub skus: Vec<(SkuId, PromiseFrom)>,
}

/// How orders whose units lost their place get another one, and how many units may wait for supply.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReplanRules {
    /// For how many hours a location that refused units of an order, or did not find them, gets none
    /// of it.
    pub exclude_hours: u32,
    /// Whether what is left of a count that was too high is held until somebody counts.
    pub hold_on_short: bool,
    /// Units of a SKU that may wait for supply beyond what is on its way; `None` is any number.
    pub beyond_supply: Option<Qty>,
    /// The same for single SKUs.
    pub skus: Vec<(SkuId, Qty)>,
}

impl ReplanRules {
    /// What holds where nothing else is said.
    pub const DEFAULT: Self = Self {
        exclude_hours: 24,
        hold_on_short: true,
        beyond_supply: None,
        skus: Vec::new(),
    };

    /// Units of a SKU that may wait for supply beyond what is on its way; `None` is any number.
    #[must_use]
    pub fn beyond_supply(&self, sku: SkuId) -> Option<Qty> {
        let own = self.skus.iter().find(|(known, _)| *known == sku);
        own.map(|(_, qty)| *qty).or(self.beyond_supply)
    }
}

impl Default for ReplanRules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// When an order is suspected to be another one again, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct DuplicateRules {
    /// Orders of one customer with the same items that were placed within this time of each other; 0
    /// suspects none.
    pub window: Millis,
    /// Whether a suspected order is held until somebody has decided, rather than only reported.
    pub hold: bool,
}

impl Default for DuplicateRules {
    fn default() -> Self {
        Self {
            window: Millis::from_hours(1),
            hold: false,
        }
    }
}

/// A span that is allowed in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Limit {
    /// How long.
    pub span: Millis,
    /// Whether only the location's working time counts.
    pub working: bool,
}

/// How long a part of an order may stand in one state; `None` is any channel or location.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeadlineRow {
    /// In which state.
    pub state: State,
    /// For orders of which channel.
    pub channel: Option<Box<str>>,
    /// At which location.
    pub location: Option<LocationId>,
    /// How long; `None` is for as long as it takes.
    pub limit: Option<Limit>,
}

/// Units at which an item is low.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ThresholdRow {
    /// Of which item; `None` is every item.
    pub sku: Option<SkuId>,
    /// For which channel; `None` is all together.
    pub channel: Option<Box<str>>,
    /// How many units.
    pub low: Qty,
}

/// How scarce units are priced while orders come.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PricingRules {
    /// Whether prices are made anew by themselves.
    pub live: bool,
    /// Not sooner than this after the last time.
    pub every: Millis,
    /// Once so many units have moved since.
    pub moved_units: u64,
    /// Orders accepted within this time stand for those to come.
    pub window: Millis,
    /// Until replenishment: the time whose orders compete for the units that are there.
    pub horizon: Millis,
    /// Most orders that stand for those to come; the newest.
    pub orders_max: u32,
    /// Steps of a pricing.
    pub steps: u32,
    /// Order file that stands for those to come, beside `network.toml`; accepted orders when absent.
    pub demand: Option<String>,
}

impl Default for PricingRules {
    fn default() -> Self {
        Self {
            live: false,
            every: Millis(60_000),
            moved_units: 100,
            window: Millis::from_hours(168),
            horizon: Millis::from_hours(168),
            orders_max: 20_000,
            steps: 30,
            demand: None,
        }
    }
}
