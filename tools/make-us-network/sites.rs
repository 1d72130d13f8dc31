//! The places that ship: distribution centres, one fast and dear partner, stores, one supplier.
//!
//! The metropolitan areas are real logistics clusters; the sites in them, their cut-offs,
//! capacities and costs are invented. Postal codes and coordinates are those of the towns.

use std::fmt::Write;

/// What kind of place; decides most of its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Centre,
    Partner,
    Store,
    Supplier,
}

/// A place that ships.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) id: &'static str,
    pub(crate) kind: Kind,
    /// Item classes beyond `standard` that it can ship, separated by spaces.
    pub(crate) abilities: &'static str,
    /// Its part of the stock of a SKU that all centres hold, relative to the others.
    pub(crate) share: u64,
    pub(crate) postal: &'static str,
    name: &'static str,
    lat: &'static str,
    lon: &'static str,
    timezone: &'static str,
}

impl Site {
    /// Whether an item of `class` may be stocked here.
    pub(crate) fn handles(&self, class: &str) -> bool {
        class == "standard" || self.abilities.split(' ').any(|ability| ability == class)
    }
}

const fn site(
    id: &'static str,
    name: &'static str,
    kind: Kind,
    place: [&'static str; 4],
    abilities: &'static str,
    share: u64,
) -> Site {
    let [postal, lat, lon, timezone] = place;
    Site {
        id,
        kind,
        abilities,
        share,
        name,
        postal,
        lat,
        lon,
        timezone,
    }
}

const PACIFIC: &str = "America/Los_Angeles";
const MOUNTAIN: &str = "America/Denver";
const CENTRAL: &str = "America/Chicago";
const EASTERN: &str = "America/New_York";

/// All sites, in the order of `locations.csv`.
#[rustfmt::skip]
pub(crate) const SITES: [Site; 21] = [
    site("DC-ONT", "Moreno Valley CA (Inland Empire)", Kind::Centre, ["92551", "33.89", "-117.23", PACIFIC], "hazmat oversize", 15),
    site("DC-SCK", "Tracy CA", Kind::Centre, ["95304", "37.74", "-121.46", PACIFIC], "cold", 9),
    site("DC-DFW", "Fort Worth TX (Alliance)", Kind::Centre, ["76177", "32.98", "-97.31", CENTRAL], "hazmat oversize", 12),
    site("DC-ORD", "Joliet IL", Kind::Centre, ["60436", "41.50", "-88.12", CENTRAL], "hazmat oversize", 12),
    site("DC-MEM", "Memphis TN", Kind::Centre, ["38118", "35.05", "-89.93", CENTRAL], "cold", 7),
    site("DC-IND", "Plainfield IN", Kind::Centre, ["46168", "39.70", "-86.37", "America/Indiana/Indianapolis"], "", 8),
    site("DC-CMH", "Groveport OH", Kind::Centre, ["43125", "39.86", "-82.89", EASTERN], "", 8),
    site("DC-ATL", "Union City GA", Kind::Centre, ["30291", "33.58", "-84.54", EASTERN], "hazmat oversize", 12),
    site("DC-ABE", "Breinigsville PA (Lehigh Valley)", Kind::Centre, ["18031", "40.54", "-75.65", EASTERN], "hazmat oversize", 10),
    site("DC-EWR", "Edison NJ", Kind::Centre, ["08817", "40.52", "-74.39", EASTERN], "cold", 11),
    site("3PL-SDF", "Louisville KY (night air hub)", Kind::Partner, ["40213", "38.18", "-85.72", "America/Kentucky/Louisville"], "cold", 6),
    site("ST-NYC", "Store Brooklyn NY", Kind::Store, ["11201", "40.69", "-73.99", EASTERN], "", 1),
    site("ST-LAX", "Store Los Angeles CA", Kind::Store, ["90015", "34.04", "-118.27", PACIFIC], "", 1),
    site("ST-CHI", "Store Chicago IL", Kind::Store, ["60611", "41.89", "-87.62", CENTRAL], "", 1),
    site("ST-HOU", "Store Houston TX", Kind::Store, ["77056", "29.75", "-95.47", CENTRAL], "", 1),
    site("ST-PHX", "Store Phoenix AZ", Kind::Store, ["85016", "33.51", "-112.03", "America/Phoenix"], "", 1),
    site("ST-SEA", "Store Seattle WA", Kind::Store, ["98101", "47.61", "-122.33", PACIFIC], "", 1),
    site("ST-MIA", "Store Miami FL", Kind::Store, ["33131", "25.77", "-80.19", EASTERN], "", 1),
    site("ST-DEN", "Store Denver CO", Kind::Store, ["80202", "39.75", "-104.99", MOUNTAIN], "", 1),
    site("ST-BOS", "Store Boston MA", Kind::Store, ["02116", "42.35", "-71.08", EASTERN], "", 1),
    site("SUP-HPT", "High Point NC furniture maker", Kind::Supplier, ["27260", "35.96", "-80.01", EASTERN], "oversize", 6),
];

/// Kind, cut-off, working days, lead hours, shipments and units a day, cents per shipment and unit.
const fn terms(kind: Kind) -> &'static str {
    match kind {
        Kind::Centre => "dc,17:00,Mon-Sat,4,1200,16000,180,35",
        Kind::Partner => "3pl,22:00,Mon-Sun,2,500,2500,420,85",
        Kind::Store => "store,14:00,Mon-Sun,6,60,150,220,60",
        Kind::Supplier => "supplier,12:00,Mon-Fri,24,80,200,300,120",
    }
}

/// Cents per line and per carton, units that stay on the shelf, countries that it ships to.
const fn further_terms(kind: Kind) -> &'static str {
    match kind {
        Kind::Centre => "10,38,,",
        Kind::Partner => "30,75,,",
        Kind::Store => "25,55,1,US",
        Kind::Supplier => ",,,US",
    }
}

/// `locations.csv`.
pub(crate) fn csv() -> String {
    let mut text = String::from(
        "location,name,kind,country,postal,lat,lon,timezone,cutoff,working_days,lead_hours,\
         shipments_per_day,units_per_day,handling_cents_per_shipment,handling_cents_per_unit,\
         abilities,handling_cents_per_line,packaging_cents_per_parcel,stock_buffer,ships_to\n",
    );
    for s in &SITES {
        let (kind, rest) = terms(s.kind)
            .split_once(',')
            .expect("every row of terms has commas");
        let _ = writeln!(
            text,
            "{},{},{kind},US,{},{},{},{},{rest},{},{}",
            s.id,
            s.name,
            s.postal,
            s.lat,
            s.lon,
            s.timezone,
            s.abilities,
            further_terms(s.kind)
        );
    }
    text
}
