//! Network folders.

use crate::fixture::{GOOD, cases, check_words, folder, good_with, message};
use allot::load::{items_file, network_folder, network_folder_with};
use allot::model::{
    Cents, Coordinate, Day, Grams, HoldReason, IncomingKind, Location, LocationId, PromiseFrom,
    Qty, ServiceId, SkuId, Surcharge,
};
use std::fs;

fn refusal(changed: &[(&str, &[u8])]) -> String {
    let dir = folder(changed);
    match network_folder(dir.path()) {
        Ok(_) => format!("nothing refused in {changed:?}"),
        Err(error) => message(dir.path(), &error),
    }
}

#[test]
fn a_good_folder_is_read_whole() {
    let dir = folder(&[]);
    let files = network_folder(dir.path()).unwrap();
    let (network, opening) = (&files.network, &files.opening);
    assert_eq!(
        (network.name.as_str(), network.currency.as_str()),
        ("Test", "EUR")
    );
    let day = |text| Day::parse(text).unwrap();
    assert_eq!(
        network.holidays,
        [day("2026-11-26"), day("2026-12-25")],
        "ascending"
    );
    assert_eq!(network.policy.split_penalty, Cents(200));
    assert_eq!(network.policy.late_per_day, Cents(300), "the default");
    assert!(network.policy.ship_complete);
    assert_eq!(network.promise.default, PromiseFrom::Transfers);
    assert_eq!(network.promise.buffer_hours, 12);
    assert_eq!(
        network.promise.locations,
        [(LocationId(0), PromiseFrom::Off)]
    );
    assert_eq!(network.promise.skus, [(SkuId(0), PromiseFrom::All)]);

    let [east, west] = &network.locations[..] else {
        panic!("two locations")
    };
    assert_eq!((&*east.name, east.cutoff_minutes), ("Newark, NJ", 17 * 60));
    assert_eq!(
        (east.shipments_per_day, east.units_per_day),
        (Some(800), None)
    );
    let abilities: Vec<&str> = east.abilities.iter().map(|a| &**a).collect();
    assert_eq!(abilities, ["hazmat", "cold"]);
    assert_eq!(
        east.coordinate,
        Coordinate {
            lat_e6: 40_700_000,
            lon_e6: -74_170_000
        }
    );
    assert_eq!((west.shipments_per_day, west.abilities.len()), (None, 0));

    assert_eq!(network.services[0].dim_divisor_cm3_per_kg, Some(5000));
    assert_eq!(network.services[1].dim_divisor_cm3_per_kg, None);
    let zones: Vec<_> = network
        .zones
        .iter()
        .map(|z| (z.service, z.zone, z.max_km))
        .collect();
    let (ground, air) = (ServiceId(0), ServiceId(1));
    assert_eq!(
        zones,
        [(ground, 1, Some(500)), (ground, 2, None), (air, 1, None)]
    );
    let steps: Vec<_> = network
        .tariffs
        .iter()
        .map(|t| (t.service, t.zone, t.cents.0))
        .collect();
    assert_eq!(
        steps,
        [
            (ground, 1, 900),
            (ground, 2, 700),
            (ground, 2, 1500),
            (air, 1, 4000)
        ]
    );

    assert_eq!(opening.items[1].size_mm, [0; 3]);
    assert_eq!(opening.items[0].value, Cents(499));
    assert_eq!(opening.stock[0].held, Some((Qty(1), HoldReason::Damaged)));
    assert_eq!(
        (opening.stock[1].held, opening.stock[1].safety_stock),
        (None, Qty(0))
    );
    assert_eq!(opening.stock[2].on_hand, Qty::MAX);
    assert_eq!(opening.incoming[0].from, Some(LocationId(1)));
    assert_eq!(
        (opening.incoming[1].kind, opening.incoming[1].from),
        (IncomingKind::Purchase, None)
    );
    assert_eq!(
        (opening.allocations[1].protected, opening.allocations[1].cap),
        (Qty(0), Some(Qty(7)))
    );
    assert_eq!(network.scarcity[0].cents, Cents(25));
}

#[test]
fn optional_files_may_be_absent_and_text_may_be_of_another_system() {
    let absent = [
        "network.toml",
        "stock.csv",
        "incoming.csv",
        "allocations.csv",
        "scarcity.csv",
    ];
    let mut changed: Vec<(&str, &[u8])> = absent.iter().map(|&name| (name, &b""[..])).collect();
    changed.push(("items.csv", b""));
    let dir = folder(&changed);
    let files = network_folder(dir.path()).unwrap();
    assert_eq!(files.opening, <_>::default());
    assert_eq!(files.network.policy, <_>::default());
    assert_eq!(files.network.currency, "USD");

    let elsewhere = dir.path().join("elsewhere.csv");
    let text = GOOD[2].1.replace('\n', "\r\n\r\n");
    fs::write(&elsewhere, format!("\u{feff}{text}")).unwrap();
    let files = network_folder_with(dir.path(), Some(&elsewhere)).unwrap();
    assert_eq!(files.opening.items, items_file(&elsewhere).unwrap());
    assert_eq!(
        &*files.opening.items[0].sku, "A.1",
        "no byte order mark in the first column"
    );

    fs::write(&elsewhere, "sku,grams\r\n\r\nA,1\r\n\r\nB,x\r\n").unwrap();
    let error = items_file(&elsewhere).unwrap_err();
    assert_eq!(
        message(dir.path(), &error),
        "elsewhere.csv:5: column grams is 'x'; expected a whole number from 0 to 1000000000",
        "blank lines and CRLF count as an editor counts them"
    );
}

#[test]
fn bad_files_are_refused_in_exact_words() {
    let cases = cases(include_str!("refused_files.txt"));
    check_words(cases.into_iter().map(|[file, from, to, expected]| {
        let found = refusal(&[(&file, good_with(&file, &from, &to).as_bytes())]);
        (format!("{file}: {from} -> {to}"), found, expected)
    }));
}

#[test]
fn files_that_are_not_there_or_not_text_are_refused() {
    let cases: [(&str, &[u8], &str); 10] = [
        (
            "zones.csv",
            b"",
            "zones.csv: does not exist; expected a file with the columns service, zone, max_km, transit_days",
        ),
        (
            "zones.csv",
            b"\n",
            "zones.csv:1: is empty; expected a header line with the columns service, zone, max_km, transit_days",
        ),
        (
            "zones.csv",
            b"service;zone;max_km\nair;1;",
            "zones.csv:1: column service is missing; found service;zone;max_km; expected commas between the columns",
        ),
        (
            "items.csv",
            b"sku,name,grams\nA.1,Caf\xe9,1\n",
            "items.csv:2: has the byte 0xE9 after 'A.1,Caf'; expected UTF-8 text",
        ),
        (
            "items.csv",
            b"\x1f\x8bnot gzip",
            "items.csv: cannot be read: invalid gzip header",
        ),
        (
            "items.csv",
            b"sku,grams\n",
            "stock.csv:2: column sku is 'A.1'; expected a sku of items.csv, which has none",
        ),
        (
            "surcharges.csv",
            b"service,area,cents\nair,remote,900\n",
            "surcharges.csv:2: column area is 'remote'; expected residential or an area of places.csv",
        ),
        (
            "surcharges.csv",
            b"service,over_grams,cents\nair,9000,900\nair,9000,950\n",
            "surcharges.csv:3: service, over_length_mm, over_cm3, over_grams, area 'air, , , 9000, ' \
             is on line 2 already; expected it once",
        ),
        (
            "places.csv",
            b"country,postal_prefix,lat,lon,area\nUS,,40,-100,residential\n",
            "places.csv:2: column area is 'residential'; expected another area: whether a home is \
             meant, the order says",
        ),
        (
            "zone_pairs.csv",
            b"origin_prefix,dest_prefix,zone\n071,9,7\n",
            "zone_pairs.csv:2: column zone is '7'; expected a zone of zones.csv",
        ),
    ];
    for (file, text, expected) in cases {
        let mut changed = vec![(file, text)];
        if file == "items.csv" {
            let toml: &[u8] = b"";
            changed.push(("network.toml", toml));
        }
        assert_eq!(refusal(&changed), expected);
    }
    for (before, nested, after) in [
        ("holidays = ", "[", ""),
        ("policy = ", "{a=", ""),
        ("", "a.", "a = 1"),
        ("[", "a.", "a]"),
    ] {
        let deep = format!("{before}{}{after}", nested.repeat(50_000));
        let found = refusal(&[("network.toml", deep.as_bytes())]);
        assert!(
            found.starts_with("network.toml:1: is not TOML: "),
            "{found}"
        );
    }
    let header_only: &[u8] = b"service,cents\n";
    let dir = folder(&[("surcharges.csv", header_only)]);
    network_folder(dir.path()).unwrap();
    let error = network_folder(&dir.path().join("nowhere")).unwrap_err();
    assert_eq!(
        message(dir.path(), &error),
        "nowhere: does not exist; expected a folder with locations.csv, services.csv, zones.csv, \
         tariffs.csv and places.csv"
    );
}

#[test]
fn optional_columns_say_more() {
    let dir = folder(&[
        (
            "locations.csv",
            b"location,kind,country,postal,lat,lon,timezone,cutoff,working_days,lead_hours,\
              handling_cents_per_shipment,handling_cents_per_unit,handling_cents_per_line,\
              packaging_cents_per_parcel,stock_buffer,ships_to\n\
              EAST,dc,US,07114,40.7,-74.17,America/New_York,17:00,Mon-Sat,4,180,35,12,30,3,US CA\n\
              WEST,3pl,US,89506,39.7,-119.82,America/Los_Angeles,00:00,Mon-Fri,8,260,45,,,,\n",
        ),
        (
            "network.toml",
            b"[policy]\nmin_value_to_split_cents = 2500\n\
              [presets.gift]\nmax_shipments = 1\n[channels.web]\nspeed_value_cents_per_day = 60\n",
        ),
        (
            "items.csv",
            b"sku,grams,ships_alone\nA.1,300,\nB,20000,true\nC,1,false\n",
        ),
        (
            "services.csv",
            b"service,works_on,max_grams,min_cents_per_shipment\n\
              ground,Mon-Sat,30000,650\nair,Mon-Sun,30000,\n",
        ),
        (
            "places.csv",
            b"country,postal_prefix,lat,lon,area\nUS,941,37.77,-122.4,\nUS,999,60,-150,remote\n",
        ),
        (
            "surcharges.csv",
            b"service,over_length_mm,over_cm3,over_grams,area,cents\n\
              ground,1219,,,,1800\nground,,,22679,,2600\nair,,170000,,remote,900\n\
              ground,,,,residential,480\n",
        ),
    ]);
    let files = network_folder(dir.path()).unwrap();
    let [east, west] = &files.network.locations[..] else {
        panic!("two locations")
    };
    let extra = |l: &Location| (l.handling_per_line.0, l.packaging_per_parcel.0);
    assert_eq!((extra(east), extra(west)), ((12, 30), (0, 0)));
    assert_eq!((east.stock_buffer, west.stock_buffer), (Qty(3), Qty(0)));
    let countries: Vec<&str> = east.ships_to.iter().map(|c| &**c).collect();
    assert_eq!((countries, west.ships_to.len()), (vec!["US", "CA"], 0));
    assert_eq!(files.network.policy.min_value_to_split, Cents(2500));
    let (name, gift) = &files.network.presets[0];
    assert_eq!((&**name, gift.max_shipments), ("gift", Some(1)));
    let (name, web) = &files.network.channels[0];
    assert_eq!((&**name, web.speed_value_per_day), ("web", Some(Cents(60))));
    let alone: Vec<bool> = files.opening.items.iter().map(|i| i.ships_alone).collect();
    assert_eq!(alone, [false, true, false]);
    let minimum: Vec<i64> = files.network.services.iter().map(|s| s.minimum.0).collect();
    assert_eq!(minimum, [650, 0]);
    let areas: Vec<&str> = files.network.places.iter().map(|p| &*p.area).collect();
    assert_eq!(areas, ["", "remote"]);
    let rows = &files.network.surcharges;
    assert_eq!(rows.len(), 4);
    let third = Surcharge {
        service: ServiceId(1),
        over_length_mm: None,
        over_cm3: Some(170_000),
        over: None,
        area: "remote".into(),
        cents: Cents(900),
    };
    assert_eq!(rows[2], third);
    assert_eq!(rows[1].over, Some(Grams(22_679)));
}
