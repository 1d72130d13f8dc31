//! A good network, good orders, and tables of refusals.

use allot::load::{Faulty, LoadError, order_json};
use allot::model::Order;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A small network that is right in every file.
pub(crate) const GOOD: [(&str, &str); 11] = [
    (
        "network.toml",
        "name = \"Test\"\ncurrency = \"EUR\"\nholidays = [\"2026-12-25\", \"2026-11-26\"]\n\
         [policy]\nsplit_penalty_cents = 200\nship_complete = true\n\
         [promise]\nfrom_incoming = \"transfers\"\nbuffer_hours = 12\n\
         [promise.locations]\nEAST = \"off\"\n[promise.skus]\n\"A.1\" = \"all\"\n",
    ),
    (
        "locations.csv",
        "location,name,kind,country,postal,lat,lon,timezone,cutoff,working_days,lead_hours,\
         shipments_per_day,handling_cents_per_shipment,handling_cents_per_unit,abilities\n\
         EAST,\"Newark, NJ\",dc,US,07114,40.7,-74.17,America/New_York,17:00,Mon-Sat,4,800,180,35,hazmat cold\n\
         WEST,Reno,3pl,US,89506,39.7,-119.82,America/Los_Angeles,00:00,Mon-Fri,8,,260,45,\n",
    ),
    (
        "items.csv",
        "sku,name,grams,length_mm,width_mm,height_mm,class,value_cents\n\
         A.1,Cup,300,90,90,100,general,499\n\
         B,\"Lamp, tall\",2000,,,,hazmat,\n\
         C,,0,0,0,0,,0\n",
    ),
    (
        "services.csv",
        "service,carrier,works_on,dim_divisor_cm3_per_kg,max_grams\n\
         ground,Post,Mon-Sat,5000,30000\n\
         air,Post,Mon-Sun,,30000\n",
    ),
    (
        "zones.csv",
        "service,zone,max_km,transit_days\n\
         air,1,,1\nground,1,500,2\nground,2,,4\n",
    ),
    (
        "tariffs.csv",
        "service,zone,max_grams,cents\n\
         ground,2,30000,1500\nground,2,1000,700\nground,1,30000,900\nair,1,30000,4000\n",
    ),
    (
        "places.csv",
        "country,postal_prefix,lat,lon,population\nUS,941,37.77,-122.4,800000\n",
    ),
    (
        "stock.csv",
        "sku,location,on_hand,safety_stock,held,hold_reason\n\
         A.1,EAST,10,2,1,damaged\nA.1,WEST,5,,,\nB,EAST,2000000000,0,0,\n",
    ),
    (
        "incoming.csv",
        "id,kind,sku,from,to,qty,arrives_at\n\
         T1,transfer,A.1,WEST,EAST,4,2026-11-23T10:00:00Z\n\
         P1,purchase,B,,WEST,9,2026-11-24T10:00:00-05:00\n",
    ),
    (
        "allocations.csv",
        "sku,channel,protected,cap\nA.1,web,3,\nA.1,b2b,,7\n",
    ),
    ("scarcity.csv", "sku,location,cents\nB,WEST,25\n"),
];

/// Writes the good network with `changed` files instead of its own; empty content leaves a file
/// out.
pub(crate) fn folder(changed: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in GOOD {
        if !changed.iter().any(|&(other, _)| other == name) {
            fs::write(dir.path().join(name), text).unwrap();
        }
    }
    for (name, text) in changed.iter().filter(|(_, text)| !text.is_empty()) {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// The good text of a file with `from` replaced by `to`.
pub(crate) fn good_with(name: &str, from: &str, to: &str) -> String {
    let text = GOOD.iter().find(|(file, _)| *file == name).unwrap().1;
    assert!(text.contains(from), "{name} has '{from}'");
    text.replacen(from, to, 1)
}

/// The message without the folder in front.
pub(crate) fn message(dir: &Path, error: &LoadError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    text.strip_prefix(&format!("{}/", dir.display()))
        .map_or(text.clone(), str::to_owned)
}

/// The lines of a table of refusals, each in `N` columns; `\n` and `\u{7}` are spelt out.
pub(crate) fn cases<const N: usize>(table: &'static str) -> Vec<[String; N]> {
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let mut columns: Vec<String> = line.split(" | ").map(str::to_owned).collect();
        let (_, spelt) = columns.split_last_mut().unwrap();
        for text in spelt {
            *text = text.replace("\\n", "\n").replace("\\u{7}", "\u{7}");
        }
        columns
            .try_into()
            .unwrap_or_else(|columns| panic!("{N} columns: {columns:?}"))
    })
    .collect()
}

/// Fails with all cases whose words are others than expected.
pub(crate) fn check_words(found: impl Iterator<Item = (String, String, String)>) {
    let wrong: Vec<String> = found
        .filter(|(_, found, expected)| found != expected)
        .map(|(case, found, expected)| format!("{case}\n  found    {found}\n  expected {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub(crate) fn good_order() -> Value {
    json!({
        "source": "shopify", "order": "1001", "channel": "web",
        "placed_at": "2026-11-23T10:00:00Z", "priority": 0,
        "ship_to": {"country": "US", "postal": "94107", "lat": 37.77, "lon": -122.39},
        "deliver_by": "2026-11-27", "deliver_by_is_hard": false,
        "policy": {"split_penalty_cents": 150, "speed_value_cents_per_day": 40,
                   "late_cents_per_day": 300, "short_cents_per_unit": 2500, "max_shipments": 3,
                   "ship_complete": false, "allow_backorder": true},
        "lines": [{"line": "1", "sku": "SKU-1", "qty": 2, "may_split": true},
                  {"line": "2", "sku": "SKU-1", "qty": 1, "may_split": false}],
    })
}

pub(crate) fn read(value: &Value) -> Result<Order, Faulty> {
    order_json(value.to_string().as_bytes(), 100)
}
