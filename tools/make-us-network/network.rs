//! The files of `data/us/`, in memory.
//!
//! Invariant: the same [`Recipe`] gives the same bytes on every machine. Nothing here reads a
//! clock, a file or a float.

mod carriers;
mod demand;
mod error;
mod items;
mod orders;
mod places;
mod rng;
mod sites;
mod stock;

/// `network.toml`.
const NETWORK_TOML: &str = r#"# A sample network of the United States. Made by tools/make-us-network; data/README.md explains it.
name = "Sample US network"
currency = "USD"
# Nobody ships, moves or delivers on these days.
holidays = ["2026-11-26", "2026-12-25", "2027-01-01"]

# The routing objective of an order that does not set its own, in cents.
[policy]
split_penalty_cents = 150
speed_value_cents_per_day = 40
late_cents_per_day = 300
short_cents_per_unit = 20000
max_shipments = 3
ship_complete = false
allow_backorder = true
# Goods of less than this ship in one parcel or wait.
min_value_to_split_cents = 1500

# What differs for the orders of a selling channel: a wholesaler can wait, a marketplace may not.
[channels.b2b]
speed_value_cents_per_day = 15
[channels.marketplace]
late_cents_per_day = 500

# What an order may ask for by name ("policy": {"preset": "gift"}), beside the presets that are there.
[presets.gift]
split_penalty_cents = 500
speed_value_cents_per_day = 90

# Whether promises may count on units that are on their way: "off", "transfers" or "all"; and how
# many hours after their expected arrival they count.
[promise]
from_incoming = "all"
buffer_hours = 24
"#;

/// What decides the bytes of the files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    /// Seed of every random choice.
    pub(crate) seed: u64,
    /// How many orders the trace has, at least 1.
    pub(crate) orders: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            seed: 1,
            orders: 20_000,
        }
    }
}

/// Name and content of every file.
pub(crate) fn files(
    recipe: Recipe,
) -> Result<Vec<(&'static str, String)>, Box<dyn std::error::Error + Send + Sync>> {
    let Recipe {
        seed,
        orders: count,
    } = recipe;
    let places = places::places()?;
    let items = items::items(seed);
    let demand = demand::Demand::new(seed, &items);
    let orders = orders::orders(seed, count, &items, &demand, &places);
    let forecast = demand.forecast(&orders);
    let supply = stock::plan(seed, &items, &demand, &forecast);
    Ok(vec![
        ("network.toml", NETWORK_TOML.to_owned()),
        ("places.csv", places::csv(&places)),
        ("locations.csv", sites::csv()),
        ("services.csv", carriers::services_csv()),
        ("zones.csv", carriers::zones_csv()),
        ("tariffs.csv", carriers::tariffs_csv()),
        ("surcharges.csv", carriers::surcharges_csv()),
        ("regions.csv", places::regions_csv(&places)),
        ("restrictions.csv", carriers::RESTRICTIONS_CSV.to_owned()),
        ("items.csv", items::csv(&items)),
        ("stock.csv", stock::stock_csv(seed, &items, &supply)),
        (
            "incoming.csv",
            stock::incoming_csv(seed, &items, &demand, &supply)?,
        ),
        (
            "allocations.csv",
            stock::allocations_csv(seed, &items, &demand, &supply),
        ),
        ("orders.csv", orders::csv(seed, &orders, &items, &supply)?),
    ])
}
