//! A network folder: its files in the order in which they need each other, and items by themselves.

use super::LoadError;
use super::carriers::carriers;
use super::restrictions::{Restricted, restricted};
use super::rows::{ITEM, LOCATION, item, location};
use super::settings::settings;
use super::supply::Known;
use super::table::Table;
use crate::model::{Item, Location, Network, Opening};
use std::path::Path;

/// Most items of a network.
const ITEMS_MAX: usize = 16_000_000;

/// Most locations of a network.
const LOCATIONS_MAX: usize = 65_535;

/// What a network folder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkFiles {
    /// Where things ship from and what carriers charge. Location 3 is row 3 of `locations.csv`,
    /// counted from 0; services likewise.
    pub network: Network,
    /// Items, and what is where. SKU 7 is row 7 of `items.csv`.
    pub opening: Opening,
}

/// Reads a network folder.
///
/// `locations.csv`, `services.csv`, `zones.csv`, `tariffs.csv` and `places.csv` must be there;
/// `network.toml` and every other file may be absent, which means defaults and no rows.
///
/// # Errors
/// The first fault found, with its file, line, column, value and what was expected.
pub fn network_folder(dir: &Path) -> Result<NetworkFiles, LoadError> {
    network_folder_with(dir, None)
}

/// Reads a network folder with the items of another file instead of its own `items.csv`.
///
/// # Errors
/// As [`network_folder`].
pub fn network_folder_with(dir: &Path, items: Option<&Path>) -> Result<NetworkFiles, LoadError> {
    if !dir.is_dir() {
        return Err(LoadError::MissingFile {
            file: dir.to_owned(),
            expected: "a folder with locations.csv, services.csv, zones.csv, tariffs.csv and \
                       places.csv"
                .to_owned(),
        });
    }
    let ((locations, items), carriers) = rayon::join(
        || (locations(&dir.join("locations.csv")), items_of(dir, items)),
        || carriers(dir),
    );
    let (locations, items, (carriers, places)) = (locations?, items?, carriers?);
    let known = Known::new(&items, &locations);
    let (stock, (incoming, (allocations, scarcity))) = rayon::join(
        || known.stock(&dir.join("stock.csv")),
        || {
            let incoming = known.incoming(&dir.join("incoming.csv"));
            let allocations = known.allocations(&dir.join("allocations.csv"));
            (
                incoming,
                (allocations, known.scarcity(&dir.join("scarcity.csv"))),
            )
        },
    );
    let settings = settings(dir, &known)?;
    let Restricted {
        regions,
        restrictions,
    } = restricted(dir, &known, &carriers.services)?;
    let (stock, incoming, allocations) = (stock?, incoming?, allocations?);
    let network = Network {
        name: settings.name,
        currency: settings.currency,
        policy: settings.policy,
        presets: settings.presets,
        channels: settings.channels,
        promise: settings.promise,
        replan: settings.replan,
        duplicates: settings.duplicates,
        deadlines: settings.deadlines,
        remedies: settings.remedies,
        thresholds: settings.thresholds,
        holidays: settings.holidays,
        services: carriers.services,
        zones: carriers.zones,
        zone_pairs: carriers.zone_pairs,
        tariffs: carriers.tariffs,
        surcharges: carriers.surcharges,
        places,
        regions,
        restrictions,
        scarcity: scarcity?,
        pricing: settings.pricing,
        locations,
    };
    let opening = Opening {
        items,
        stock,
        incoming,
        allocations,
    };
    Ok(NetworkFiles { network, opening })
}

/// Reads a file of items with the columns of `items.csv`.
///
/// # Errors
/// The first fault found, with its line, column, value and what was expected.
pub fn items_file(path: &Path) -> Result<Vec<Item>, LoadError> {
    let table = Table::open(path, &ITEM, ITEMS_MAX)?;
    let items = table.rows(item)?;
    table.check_unique("sku", items.iter().map(|i| &i.sku), |row| {
        items[row].sku.to_string()
    })?;
    Ok(items)
}

fn items_of(dir: &Path, items: Option<&Path>) -> Result<Vec<Item>, LoadError> {
    match items {
        Some(path) => items_file(path),
        None => match items_file(&dir.join("items.csv")) {
            Err(LoadError::MissingFile { .. }) => Ok(Vec::new()),
            read => read,
        },
    }
}

fn locations(path: &Path) -> Result<Vec<Location>, LoadError> {
    let table = Table::open(path, &LOCATION, LOCATIONS_MAX)?;
    let locations = table.rows(location)?;
    table.check_unique("location", locations.iter().map(|l| &l.id), |row| {
        locations[row].id.to_string()
    })?;
    Ok(locations)
}
