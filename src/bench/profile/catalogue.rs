//! Items, places and stock of a profile: their names, and a network folder of them.
//!
//! Carriers, tariffs, zones and places to ship to are those of the sample network; so are the first
//! warehouses. What is needed beyond them stands where people live. What the sample's carriers and
//! locations charge and rule besides (surcharges, minimums, cartons, regions) is left out, so that the
//! load of a profile is that of the commands.

use super::file::Profile;
use super::postal::{PLACES, populated};
use super::shapes::scattered;
use crate::bench::random::{Random, Weighted};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

const NETWORK: &str = include_str!("../../../data/us/network.toml");
const LOCATIONS: &str = include_str!("../../../data/us/locations.csv");
const SERVICES: &str = include_str!("../../../data/us/services.csv");
const ZONES: &str = include_str!("../../../data/us/zones.csv");
const TARIFFS: &str = include_str!("../../../data/us/tariffs.csv");
/// So many columns of a location and of a service are there in every network.
const LOCATION_COLUMNS: usize = 16;
const SERVICE_COLUMNS: usize = 7;

/// Where the places that we make up lie is the same for every seed of the load.
const PLACES_SEED: u64 = 20_261_128;

/// Names and units.
#[derive(Debug, Clone)]
pub struct Catalogue {
    skus: u32,
    /// Rows of `locations.csv`, warehouses first.
    locations: Vec<String>,
    warehouses: u32,
    skus_per_store: u32,
    units_per_warehouse: u32,
    units_per_store: u32,
    hot_skus: u32,
    hot_units: u32,
}

/// What a position holds at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stocked {
    /// The item.
    pub sku: u32,
    /// The place.
    pub location: u32,
    /// Units on hand.
    pub units: u32,
}

impl Catalogue {
    /// The catalogue of a profile that has been checked.
    #[must_use]
    pub fn new(profile: &Profile) -> Self {
        let size = &profile.catalogue;
        let (warehouses, stores): (Vec<&str>, Vec<&str>) = LOCATIONS
            .lines()
            .skip(1)
            .map(|row| columns(row, LOCATION_COLUMNS))
            .partition(|row| row.split(',').nth(2) != Some("store"));
        let mut locations = rows(&warehouses, size.warehouses, "DC-N");
        locations.extend(rows(&stores, size.stores, "ST-N"));
        let hot = size.hot_units_per_warehouse;
        Self {
            skus: size.skus,
            locations,
            warehouses: size.warehouses,
            skus_per_store: size.skus_per_store,
            units_per_warehouse: size.units_per_warehouse,
            units_per_store: size.units_per_store,
            hot_skus: hot.map_or(0, |_| profile.baskets.hot_skus),
            hot_units: hot.unwrap_or(0),
        }
    }

    /// Number of items.
    #[must_use]
    pub fn skus(&self) -> u32 {
        self.skus
    }

    /// Number of places.
    #[must_use]
    pub fn locations(&self) -> u32 {
        u32::try_from(self.locations.len()).unwrap_or(u32::MAX)
    }

    /// The name of a place.
    #[must_use]
    pub fn location(&self, location: u32) -> &str {
        let row = self.locations.get(usize::try_from(location).unwrap_or(0));
        row.and_then(|row| row.split(',').next()).unwrap_or("?")
    }

    /// The items that sell best, best first.
    pub fn best_sellers(&self) -> impl Iterator<Item = u32> + use<> {
        let skus = self.skus;
        (0..skus).map(move |rank| scattered(rank, skus))
    }

    /// Units of a position at the beginning; `None` where it does not exist.
    fn units(&self, rank: u32, location: u32) -> Option<u32> {
        if location >= self.warehouses {
            return (rank < self.skus_per_store).then_some(self.units_per_store);
        }
        Some(match rank < self.hot_skus {
            true => self.hot_units,
            false => self.units_per_warehouse,
        })
    }

    /// All positions, best sellers first.
    pub fn stock(&self) -> impl Iterator<Item = Stocked> + '_ {
        (0..self.skus).flat_map(move |rank| {
            let sku = scattered(rank, self.skus);
            (0..self.locations()).filter_map(move |location| {
                Some(Stocked {
                    sku,
                    location,
                    units: self.units(rank, location)?,
                })
            })
        })
    }

    /// Writes the network folder that a server reads.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let services: String = SERVICES
            .lines()
            .flat_map(|row| [columns(row, SERVICE_COLUMNS), "\n"])
            .collect();
        for (name, text) in [
            ("network.toml", NETWORK),
            ("services.csv", &services),
            ("zones.csv", ZONES),
            ("tariffs.csv", TARIFFS),
            ("places.csv", PLACES),
        ] {
            fs::write(folder.join(name), text)?;
        }
        let create = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
        let mut out = create("locations.csv")?;
        let header = LOCATIONS.lines().next().unwrap_or_default();
        writeln!(out, "{}", columns(header, LOCATION_COLUMNS))?;
        for row in &self.locations {
            writeln!(out, "{row}")?;
        }
        out.flush()?;
        let mut out = create("items.csv")?;
        writeln!(out, "sku,grams,length_mm,width_mm,height_mm,value_cents")?;
        for sku in 0..self.skus {
            // 0.1 to 2.4 kg around a hand's breadth: parcels that fall into different weight steps.
            let (grams, height) = (100 + sku % 97 * 24, 30 + sku % 11 * 12);
            writeln!(out, "SKU-{sku},{grams},220,160,{height},2000")?;
        }
        out.flush()?;
        let mut out = create("stock.csv")?;
        writeln!(out, "sku,location,on_hand")?;
        for at in self.stock() {
            let place = self.location(at.location);
            writeln!(out, "SKU-{},{place},{}", at.sku, at.units)?;
        }
        out.flush()
    }
}

/// The first `count` columns of a row; no cell of the sample has quotes.
fn columns(row: &str, count: usize) -> &str {
    let end = row.match_indices(',').nth(count - 1);
    end.map_or(row, |(at, _)| &row[..at])
}

/// `count` rows of `locations.csv`: those given, and more that are like them where people live.
fn rows(given: &[&str], count: u32, prefix: &str) -> Vec<String> {
    let count = usize::try_from(count).unwrap_or(0);
    let mut random = Random::new(PLACES_SEED);
    let places: Vec<_> = populated().collect();
    let people = Weighted::new(places.iter().map(|p| p.3));
    let like = |number: usize| {
        let model: Vec<&str> = given[number % given.len()].split(',').collect();
        let at = people.as_ref().map_or(0, |p| p.draw(&mut random));
        let (postal, lat, lon, _) = places[at];
        let rest = model[7..].join(",");
        let (kind, country) = (model[2], model[3]);
        format!(
            "{prefix}{number:04},{prefix}{number},{kind},{country},{postal}01,{lat},{lon},{rest}"
        )
    };
    let own = given.iter().take(count).map(|row| (*row).to_owned());
    own.chain((given.len()..count).map(like)).collect()
}
