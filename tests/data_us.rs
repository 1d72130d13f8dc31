//! The sample network in `data/us/`: made by its tool byte for byte, sound in itself, and with the
//! statistics that `data/README.md` promises.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test may panic as the test may"
)]

#[path = "../tools/make-us-network/network.rs"]
mod network;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

type Row = HashMap<String, String>;

/// The rows of a file of the sample network, by column name.
fn rows(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/us")
        .join(file);
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn number(row: &Row, column: &str) -> u64 {
    row[column]
        .parse()
        .unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

/// The values of one column, which must be unique.
fn keys(rows: &[Row], column: &str) -> HashSet<String> {
    let keys: HashSet<String> = rows.iter().map(|row| row[column].clone()).collect();
    assert_eq!(keys.len(), rows.len(), "{column} is not unique");
    keys
}

/// `part` of `whole` in 1/1000.
fn per_mille(part: usize, whole: usize) -> usize {
    part * 1000 / whole
}

struct Order {
    channel: String,
    postal: String,
    placed_at: String,
    lines: usize,
    units: BTreeMap<String, u64>,
}

/// The trace, in order of time.
fn orders() -> Vec<Order> {
    let mut orders: Vec<Order> = Vec::new();
    let mut last = (String::new(), String::new());
    let mut seen = HashSet::new();
    for row in rows("orders.csv") {
        let key = (row["source"].clone(), row["order"].clone());
        if key != last {
            assert!(
                seen.insert(key.clone()),
                "the lines of {key:?} are not together"
            );
            last = key;
            orders.push(Order {
                channel: row["channel"].clone(),
                postal: row["postal"].clone(),
                placed_at: row["placed_at"].clone(),
                lines: 0,
                units: BTreeMap::new(),
            });
        }
        let order = orders.last_mut().unwrap();
        order.lines += 1;
        *order.units.entry(row["sku"].clone()).or_default() += number(&row, "qty");
    }
    orders
}

#[test]
fn the_tool_makes_the_committed_bytes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let files = network::files(network::Recipe::default()).unwrap();
    for (name, text) in &files {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(
            committed == *text,
            "run `cargo run --example make-us-network`: {name} differs"
        );
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), files.len());
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    assert!(
        bytes < 6_000_000,
        "{bytes} bytes are too many for the repository"
    );
}

#[test]
fn another_recipe_makes_another_network() {
    let make = |seed, orders| network::files(network::Recipe { seed, orders }).unwrap();
    let text = |files: &[(&str, String)], name: &str| {
        files.iter().find(|file| file.0 == name).unwrap().1.clone()
    };
    let (one, two) = (make(1, 50), make(2, 50));
    for name in ["items.csv", "stock.csv", "incoming.csv", "orders.csv"] {
        assert_ne!(
            text(&one, name),
            text(&two, name),
            "{name} ignores the seed"
        );
    }
    for name in ["places.csv", "tariffs.csv", "network.toml"] {
        assert_eq!(
            text(&one, name),
            text(&two, name),
            "{name} is a matter of facts"
        );
    }
    assert!(text(&make(1, 1), "orders.csv").lines().count() >= 2);
}

#[test]
fn every_reference_resolves() {
    let (items, sites, services) = (
        rows("items.csv"),
        rows("locations.csv"),
        rows("services.csv"),
    );
    let (skus, locations) = (keys(&items, "sku"), keys(&sites, "location"));
    let service_ids = keys(&services, "service");
    let prefixes = keys(&rows("places.csv"), "postal_prefix");
    let classes: HashMap<&str, &str> = items
        .iter()
        .map(|i| (i["sku"].as_str(), i["class"].as_str()))
        .collect();
    let abilities: HashMap<&str, &str> = sites
        .iter()
        .map(|s| (s["location"].as_str(), s["abilities"].as_str()))
        .collect();
    let able = |sku: &str, location: &str| {
        let class = classes[sku];
        class == "standard"
            || abilities[location]
                .split(' ')
                .any(|ability| ability == class)
    };

    assert!(skus.len() >= 5000 && locations.len() >= 12);
    for site in &sites {
        assert!(prefixes.contains(&site["postal"][..3]), "{site:?}");
        jiff::tz::TimeZone::get(&site["timezone"]).unwrap();
    }
    let mut positions = HashSet::new();
    for row in rows("stock.csv") {
        assert!(
            able(&row["sku"], &row["location"]),
            "{row:?} is not allowed to be there"
        );
        assert!(
            positions.insert((row["sku"].clone(), row["location"].clone())),
            "{row:?} twice"
        );
        assert!(number(&row, "held") + number(&row, "safety_stock") <= number(&row, "on_hand"));
        assert_eq!(
            number(&row, "held") > 0,
            !row["hold_reason"].is_empty(),
            "{row:?}"
        );
    }
    let incoming = rows("incoming.csv");
    keys(&incoming, "id");
    for row in &incoming {
        assert!(
            able(&row["sku"], &row["to"]),
            "{row:?} is not allowed to go there"
        );
        assert_eq!(
            row["kind"] == "transfer",
            locations.contains(&row["from"]),
            "{row:?}"
        );
        assert!(
            number(row, "qty") > 0 && row["from"] != row["to"],
            "{row:?}"
        );
        let arrives_at: jiff::Timestamp = row["arrives_at"].parse().unwrap();
        assert!(
            ("2026-11-03".."2026-11-25").contains(&&*arrives_at.to_string()),
            "{row:?}"
        );
    }
    for row in rows("allocations.csv") {
        assert!(skus.contains(&row["sku"]), "{row:?}");
    }
    for row in rows("zones.csv").iter().chain(&rows("tariffs.csv")) {
        assert!(service_ids.contains(&row["service"]), "{row:?}");
    }
    for row in rows("orders.csv") {
        assert!(
            skus.contains(&row["sku"]) && prefixes.contains(&row["postal"][..3]),
            "{row:?}"
        );
        assert!(number(&row, "qty") > 0);
        let placed_at: jiff::Timestamp = row["placed_at"].parse().unwrap();
        assert!(row["deliver_by"].is_empty() || row["deliver_by"] > placed_at.to_string());
    }
}

/// A new user finds an example of everything that a network folder can say, except what a sample has no
/// use for: zones by postal prefixes win over distance, and prices of scarce units are made.
#[test]
fn every_column_has_a_value_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".csv") {
            continue;
        }
        files += 1;
        let rows = rows(&name);
        for column in rows[0].keys() {
            let said = rows.iter().any(|row| !row[column].is_empty());
            assert!(said, "{name}: nothing in {column}");
        }
    }
    assert_eq!(files, 13);
    let toml = include_str!("../data/us/network.toml");
    for part in [
        "[policy]",
        "[channels.",
        "[presets.",
        "[promise]",
        "min_value_to_split_cents",
    ] {
        assert!(toml.contains(part), "{part}");
    }
}

#[test]
fn prices_never_fall_with_weight_or_zone_and_are_not_linear() {
    let mut tariffs: BTreeMap<(String, u64), Vec<(u64, u64)>> = BTreeMap::new();
    for row in rows("tariffs.csv") {
        let step = (number(&row, "max_grams"), number(&row, "cents"));
        tariffs
            .entry((row["service"].clone(), number(&row, "zone")))
            .or_default()
            .push(step);
    }
    for row in rows("zones.csv") {
        let steps = &tariffs[&(row["service"].clone(), number(&row, "zone"))];
        assert!(steps.len() >= 24, "{row:?} has few steps");
        assert!(
            steps.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
            "{row:?}"
        );
        // A gram in the lightest parcel costs many times what it costs in the heaviest.
        let (light, heavy) = (steps[0], steps[steps.len() - 1]);
        assert!(
            light.1 * heavy.0 > heavy.1 * light.0 * 5,
            "{row:?} is linear"
        );
    }
    for service in rows("services.csv") {
        let of_zone = |zone| &tariffs[&(service["service"].clone(), zone)];
        for zone in 1..8 {
            let (near, far) = (of_zone(zone), of_zone(zone + 1));
            assert!(
                near.iter().zip(far).all(|(n, f)| n.0 == f.0 && n.1 <= f.1),
                "zone {zone}"
            );
        }
        assert_eq!(of_zone(1).last().unwrap().0, number(&service, "max_grams"));
    }
}

#[test]
fn areas_hold_the_people_of_the_census() {
    let people: u64 = rows("places.csv")
        .iter()
        .map(|row| number(row, "population"))
        .sum();
    // Census 2020: 331,449,281 in the states and DC, 3,285,874 in Puerto Rico.
    assert_eq!(people, 331_449_281 + 3_285_874);
}

#[test]
fn baskets_popularity_and_times_are_as_documented() {
    let orders = orders();
    assert!(orders.len() >= 20_000);
    assert!(orders.is_sorted_by(|a, b| a.placed_at <= b.placed_at));
    let share = |test: &dyn Fn(&Order) -> bool| {
        per_mille(
            orders.iter().filter(|order| test(order)).count(),
            orders.len(),
        )
    };

    let single = share(&|order| order.units.len() == 1);
    assert!(
        (440..=520).contains(&single),
        "{single} ‰ of orders have one SKU"
    );
    let repeated = share(&|order| order.lines > order.units.len());
    assert!(
        (10..=25).contains(&repeated),
        "{repeated} ‰ of orders name a SKU twice"
    );
    let wholesale = share(&|order| order.channel == "b2b");
    assert!(
        (30..=50).contains(&wholesale),
        "{wholesale} ‰ of orders are wholesale"
    );

    let mut lines: HashMap<&str, usize> = HashMap::new();
    for sku in orders.iter().flat_map(|order| order.units.keys()) {
        *lines.entry(sku).or_default() += 1;
    }
    let mut counts: Vec<usize> = lines.values().copied().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let all = counts.iter().sum();
    let top = |skus: usize| per_mille(counts[..skus].iter().sum(), all);
    assert!(
        (90..=140).contains(&top(50)),
        "top 1 % of SKUs: {} ‰ of lines",
        top(50)
    );
    assert!(
        (280..=380).contains(&top(250)),
        "top 5 % of SKUs: {} ‰ of lines",
        top(250)
    );
    assert!(
        (620..=730).contains(&top(1000)),
        "top 20 % of SKUs: {} ‰ of lines",
        top(1000)
    );

    // Measured from 08:00 on, in 1/1000; here on US Eastern time, five hours behind UTC.
    let measured = [26, 76, 123, 120, 162, 137, 123, 119, 63, 32];
    for (hour, expected) in (8..).zip(measured) {
        let utc = format!("T{:02}", hour + 5);
        let found = share(&|order: &Order| order.placed_at.contains(&utc));
        assert!(
            found.abs_diff(expected) <= 20,
            "{found} ‰ of orders come at {hour}:00"
        );
    }
    let mut minutes: HashMap<&str, usize> = HashMap::new();
    for order in &orders {
        *minutes.entry(&order.placed_at[..16]).or_default() += 1;
    }
    let (busiest, most) = minutes.iter().max_by_key(|minute| *minute.1).unwrap();
    assert_eq!(*busiest, "2026-11-05T17:00");
    assert!(
        (200..=400).contains(most),
        "{most} orders in the busiest minute"
    );
}

/// Units that may be promised, by SKU and location.
type Stock = HashMap<String, HashMap<String, u64>>;

fn promisable() -> Stock {
    let mut stock = Stock::new();
    for row in rows("stock.csv") {
        let free = number(&row, "on_hand") - number(&row, "safety_stock") - number(&row, "held");
        stock
            .entry(row["sku"].clone())
            .or_default()
            .insert(row["location"].clone(), free);
    }
    stock
}

/// Locations by rough distance from every postal prefix, nearest first.
fn nearest_first() -> HashMap<String, Vec<String>> {
    let hundredths =
        |row: &Row, column: &str| -> i64 { row[column].replace('.', "").parse().unwrap() };
    let sites = rows("locations.csv");
    let far = |a: &Row, b: &Row| {
        let north = hundredths(a, "lat") - hundredths(b, "lat");
        let east = (hundredths(a, "lon") - hundredths(b, "lon")) * 3 / 4;
        north * north + east * east
    };
    let near = |place: &Row| {
        let mut sites: Vec<&Row> = sites.iter().collect();
        sites.sort_by_key(|site| far(place, site));
        sites.iter().map(|site| site["location"].clone()).collect()
    };
    rows("places.csv")
        .iter()
        .map(|place| (place["postal_prefix"].clone(), near(place)))
        .collect()
}

/// Takes what `location` has of `wanted`; returns how many units that is.
fn take(stock: &mut Stock, location: &str, wanted: &mut BTreeMap<String, u64>) -> u64 {
    let mut taken = 0;
    for (sku, units) in wanted.iter_mut() {
        if let Some(free) = stock.get_mut(sku).and_then(|sites| sites.get_mut(location)) {
            let part = (*units).min(*free);
            *free -= part;
            *units -= part;
            taken += part;
        }
    }
    wanted.retain(|_, units| *units > 0);
    taken
}

/// How many units of `wanted` a location has.
fn has(stock: &Stock, location: &str, wanted: &BTreeMap<String, u64>) -> u64 {
    let free = |sku: &str| {
        stock
            .get(sku)
            .and_then(|sites| sites.get(location))
            .copied()
    };
    wanted
        .iter()
        .map(|(sku, units)| free(sku).unwrap_or(0).min(*units))
        .sum()
}

#[test]
fn some_orders_must_split_and_a_few_run_short() {
    let (mut stock, near, orders) = (promisable(), nearest_first(), orders());
    let (mut split, mut short) = (0, 0);
    for order in &orders {
        let sites = &near[&order.postal[..3]];
        let mut wanted = order.units.clone();
        let all: u64 = wanted.values().sum();
        if let Some(site) = sites.iter().find(|site| has(&stock, site, &wanted) == all) {
            take(&mut stock, site, &mut wanted);
            continue;
        }
        // The default policy allows three shipments; the fullest first, the nearer of equals.
        for _ in 0..3 {
            let best = sites
                .iter()
                .rev()
                .max_by_key(|site| has(&stock, site, &wanted))
                .unwrap();
            take(&mut stock, best, &mut wanted);
        }
        split += usize::from(wanted.is_empty());
        short += usize::from(!wanted.is_empty());
    }
    let (split, short) = (
        per_mille(split, orders.len()),
        per_mille(short, orders.len()),
    );
    assert!((100..=200).contains(&split), "{split} ‰ of orders split");
    assert!((10..=40).contains(&short), "{short} ‰ of orders run short");
}
