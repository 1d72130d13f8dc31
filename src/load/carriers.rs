//! What carriers offer and charge: services, zones by distance and by postal prefixes, tariffs;
//! and the places that give a postal code its position.
//!
//! Together they are checked for holes that would otherwise show as an order nobody can ship: a
//! service without zones, a zone without a price, a heavier parcel that costs less.

use super::LoadError;
use super::field::{Field, GRAMS_MAX, class, coordinate};
use super::names::{Names, hint};
use super::table::{Column, ROWS_MAX, Table, may, must};
use crate::model::{
    Grams, Invalid, Place, RESIDENTIAL, Service, ServiceId, Surcharge, TariffStep, Zone, ZonePair,
};
use std::collections::HashSet;
use std::path::Path;

/// Most services of a network.
const SERVICES_MAX: usize = 256;

/// Farthest band: more than once around the globe.
const KM_MAX: u64 = 50_000;

const SERVICE: [Column; 9] = [
    must("service"),
    may("carrier"),
    must("works_on"),
    may("dim_divisor_cm3_per_kg"),
    may("dim_threshold_cm3"),
    may("billing_step_grams"),
    must("max_grams"),
    may("min_cents_per_shipment"),
    may("delivers_on"),
];
const ZONE: [Column; 4] = [
    must("service"),
    must("zone"),
    must("max_km"),
    must("transit_days"),
];
const ZONE_PAIR: [Column; 3] = [must("origin_prefix"), must("dest_prefix"), must("zone")];
const TARIFF: [Column; 4] = [
    must("service"),
    must("zone"),
    must("max_grams"),
    must("cents"),
];
const SURCHARGE: [Column; 6] = [
    must("service"),
    may("over_length_mm"),
    may("over_cm3"),
    may("over_grams"),
    may("area"),
    must("cents"),
];
const PLACE: [Column; 6] = [
    must("country"),
    must("postal_prefix"),
    must("lat"),
    must("lon"),
    may("population"),
    may("area"),
];

/// What the files about carriers say.
#[derive(Debug, Default)]
pub(super) struct Carriers {
    pub(super) services: Vec<Service>,
    pub(super) zones: Vec<Zone>,
    pub(super) zone_pairs: Vec<ZonePair>,
    pub(super) tariffs: Vec<TariffStep>,
    pub(super) surcharges: Vec<Surcharge>,
}

/// Reads and checks all files about carriers and places in `dir`.
pub(super) fn carriers(dir: &Path) -> Result<(Carriers, Vec<Place>), LoadError> {
    let places = places(&dir.join("places.csv"))?;
    let service_table = Table::open(&dir.join("services.csv"), &SERVICE, SERVICES_MAX)?;
    let services = service_table.rows(service)?;
    service_table.check_unique("service", services.iter().map(|s| &s.id), |row| {
        services[row].id.to_string()
    })?;
    let names = Names::new(
        "a service of services.csv",
        services.iter().map(|s| &*s.id),
        ServiceId::from_index,
    );
    let zone_table = Table::open(&dir.join("zones.csv"), &ZONE, ROWS_MAX)?;
    let mut zones = zone_table.rows(|fields| zone(&names, fields))?;
    check_bands(&zone_table, &zones, &services)?;
    let tariffs = tariffs(&dir.join("tariffs.csv"), &names, &services, &zones)?;
    check_every_zone_is_priced(&zone_table, &zones, &tariffs, &services)?;
    for (row, service) in services.iter().enumerate() {
        if !zones.iter().any(|zone| zone.service.index() == row) {
            let invalid = Invalid::new("service", &service.id, "a service with zones in zones.csv");
            return Err(service_table.refuse(row, invalid));
        }
    }
    let surcharges = surcharges(&dir.join("surcharges.csv"), &names, &services, &places)?;
    let zone_pairs = zone_pairs(&dir.join("zone_pairs.csv"), &zones)?;
    // Bands of one service ascend already; a stable sort keeps them so.
    zones.sort_by_key(|zone| zone.service);
    let carriers = Carriers {
        services,
        zones,
        zone_pairs,
        tariffs,
        surcharges,
    };
    Ok((carriers, places))
}

/// Reads `places.csv`.
fn places(file: &Path) -> Result<Vec<Place>, LoadError> {
    let table = Table::open(file, &PLACE, ROWS_MAX)?;
    let places = table.rows(
        |[country, postal_prefix, lat, lon, population, place_area]| {
            let area = place_area.optional(class)?.unwrap_or_default();
            if &*area == RESIDENTIAL {
                let expected = "another area: whether a home is meant, the order says";
                return Err(place_area.refuse(expected));
            }
            Ok(Place {
                country: country.country()?.into(),
                postal_prefix: postal_prefix.postal()?.into(),
                coordinate: coordinate(lat, lon)?,
                population: population
                    .optional(|f| f.whole(0..=u64::from(u32::MAX)))?
                    .unwrap_or(0),
                area,
            })
        },
    )?;
    table.check_unique(
        "country, postal_prefix",
        places
            .iter()
            .map(|place| (&place.country, &place.postal_prefix)),
        |row| format!("{}, {}", places[row].country, places[row].postal_prefix),
    )?;
    Ok(places)
}

fn service(fields: [Field<'_>; 9]) -> Result<Service, Invalid> {
    let [
        id,
        carrier,
        works_on,
        divisor,
        threshold,
        step,
        max,
        minimum,
        delivers_on,
    ] = fields;
    if id.id()? == ServiceId::PICKUP_NAME {
        return Err(id.refuse("another id: this one is for what customers collect"));
    }
    Ok(Service {
        id: id.id()?.into(),
        carrier: carrier.optional(Field::text)?.unwrap_or_default().into(),
        works_on: works_on.weekdays()?,
        dim_divisor_cm3_per_kg: divisor.optional(|f| f.whole(1..=1_000_000))?,
        dim_threshold_cm3: threshold
            .optional(|f| f.whole(0..=u64::from(u32::MAX)))?
            .unwrap_or(0),
        billing_step: step.optional(Field::grams)?.unwrap_or(Grams(1)),
        max: max.grams()?,
        minimum: minimum.optional(Field::cents)?.unwrap_or_default(),
        delivers_on: delivers_on.optional(Field::weekdays)?,
    })
}

fn zone(names: &Names<'_, ServiceId>, fields: [Field<'_>; 4]) -> Result<Zone, Invalid> {
    let [service, zone, max_km, transit_days] = fields;
    Ok(Zone {
        service: names.find(service)?,
        zone: zone.whole(1..=255)?,
        max_km: max_km.optional(|f| f.whole(0..=KM_MAX))?,
        transit_days: transit_days.whole(0..=255)?,
    })
}

/// Within a service, bands ascend and only the last is open-ended.
fn check_bands(table: &Table<4>, zones: &[Zone], services: &[Service]) -> Result<(), LoadError> {
    let mut last_of_service: Vec<Option<Option<u32>>> = vec![None; services.len()];
    for (row, zone) in zones.iter().enumerate() {
        let refuse = |expected: String| {
            let shown = zone.max_km.map_or_else(String::new, |km| km.to_string());
            Err(table.refuse(row, Invalid::new("max_km", shown, expected)))
        };
        match (last_of_service[zone.service.index()], zone.max_km) {
            (Some(None), None) => {
                return refuse("one open-ended zone of each service, not two".to_owned());
            }
            (Some(None), Some(_)) => {
                return refuse("no zone behind the open-ended one of its service".to_owned());
            }
            (Some(Some(last)), Some(km)) if km <= last => {
                return refuse(format!("more than {last}, the zone before of this service"));
            }
            _ => last_of_service[zone.service.index()] = Some(zone.max_km),
        }
    }
    table.check_unique(
        "service, zone",
        zones.iter().map(|zone| (zone.service, zone.zone)),
        |row| show_zone(services, zones[row].service, zones[row].zone),
    )
}

fn show_zone(services: &[Service], service: ServiceId, zone: u8) -> String {
    format!("{}, {zone}", services[service.index()].id)
}

/// Reads `tariffs.csv`; the steps come out by service, zone and weight.
fn tariffs(
    file: &Path,
    names: &Names<'_, ServiceId>,
    services: &[Service],
    zones: &[Zone],
) -> Result<Vec<TariffStep>, LoadError> {
    let known: HashSet<(ServiceId, u8)> = zones.iter().map(|z| (z.service, z.zone)).collect();
    let table = Table::open(file, &TARIFF, ROWS_MAX)?;
    let steps = table.rows(|[service, zone, max, cents]| {
        let step = TariffStep {
            service: names.find(service)?,
            zone: zone.whole(1..=255)?,
            max: max.whole(1..=GRAMS_MAX).map(Grams)?,
            cents: cents.cents()?,
        };
        if known.contains(&(step.service, step.zone)) {
            Ok(step)
        } else {
            Err(zone.refuse("a zone that zones.csv has for this service"))
        }
    })?;
    table.check_unique(
        "service, zone, max_grams",
        steps.iter().map(|step| (step.service, step.zone, step.max)),
        |row| {
            let step = steps[row];
            format!(
                "{}, {}",
                show_zone(services, step.service, step.zone),
                step.max
            )
        },
    )?;
    let mut by_weight: Vec<(usize, TariffStep)> = steps.into_iter().enumerate().collect();
    by_weight.sort_unstable_by_key(|(_, step)| (step.service, step.zone, step.max));
    for pair in by_weight.windows(2) {
        let ((lighter_row, lighter), (row, step)) = (pair[0], pair[1]);
        let same = (lighter.service, lighter.zone) == (step.service, step.zone);
        if same && step.cents < lighter.cents {
            let expected = format!(
                "at least {}, the price of the lighter step on line {}",
                lighter.cents,
                table.line_of_row(lighter_row)
            );
            return Err(table.refuse(row, Invalid::new("cents", step.cents, expected)));
        }
    }
    Ok(by_weight.into_iter().map(|(_, step)| step).collect())
}

fn check_every_zone_is_priced(
    table: &Table<4>,
    zones: &[Zone],
    tariffs: &[TariffStep],
    services: &[Service],
) -> Result<(), LoadError> {
    let priced: HashSet<(ServiceId, u8)> = tariffs.iter().map(|t| (t.service, t.zone)).collect();
    let unpriced = zones
        .iter()
        .position(|zone| !priced.contains(&(zone.service, zone.zone)));
    unpriced.map_or(Ok(()), |row| {
        let service = &services[zones[row].service.index()].id;
        let expected = format!("a zone that tariffs.csv prices for the service {service}");
        Err(table.refuse(row, Invalid::new("zone", zones[row].zone, expected)))
    })
}

fn zone_pairs(file: &Path, zones: &[Zone]) -> Result<Vec<ZonePair>, LoadError> {
    let known: HashSet<u8> = zones.iter().map(|zone| zone.zone).collect();
    let Some(table) = Table::open_optional(file, &ZONE_PAIR, ROWS_MAX)? else {
        return Ok(Vec::new());
    };
    let pairs = table.rows(|[origin_prefix, dest_prefix, zone]| {
        let number = zone.whole(1..=255)?;
        if !known.contains(&number) {
            return Err(zone.refuse("a zone of zones.csv"));
        }
        Ok(ZonePair {
            origin_prefix: origin_prefix.postal()?.into(),
            dest_prefix: dest_prefix.postal()?.into(),
            zone: number,
        })
    })?;
    table.check_unique(
        "origin_prefix, dest_prefix",
        pairs
            .iter()
            .map(|pair| (&pair.origin_prefix, &pair.dest_prefix)),
        |row| format!("{}, {}", pairs[row].origin_prefix, pairs[row].dest_prefix),
    )?;
    Ok(pairs)
}

/// Reads `surcharges.csv`.
fn surcharges(
    file: &Path,
    names: &Names<'_, ServiceId>,
    services: &[Service],
    places: &[Place],
) -> Result<Vec<Surcharge>, LoadError> {
    let Some(table) = Table::open_optional(file, &SURCHARGE, ROWS_MAX)? else {
        return Ok(Vec::new());
    };
    let areas: HashSet<&str> = places.iter().map(|place| &*place.area).collect();
    let rows = table.rows(|[service, length, cm3, grams, row_area, cents]| {
        let limit = |field: Field<'_>| field.optional(|f| f.whole(0..=u64::from(u32::MAX)));
        let area = row_area.optional(class)?.unwrap_or_default();
        // A surcharge that no address ever pays is a misspelt one.
        if !area.is_empty() && &*area != RESIDENTIAL && !areas.contains(&*area) {
            let near = hint(&area, areas.iter().copied().chain([RESIDENTIAL]));
            let expected = format!(
                "{RESIDENTIAL} or an area of places.csv{}",
                near.unwrap_or_default()
            );
            return Err(row_area.refuse(expected));
        }
        Ok(Surcharge {
            service: names.find(service)?,
            over_length_mm: limit(length)?,
            over_cm3: limit(cm3)?,
            over: grams.optional(|f| f.whole(0..=GRAMS_MAX))?.map(Grams),
            area,
            cents: cents.cents()?,
        })
    })?;
    table.check_unique(
        "service, over_length_mm, over_cm3, over_grams, area",
        rows.iter().map(|row| {
            (
                row.service,
                row.over_length_mm,
                row.over_cm3,
                row.over,
                &row.area,
            )
        }),
        |row| show_surcharge(services, &rows[row]),
    )?;
    Ok(rows)
}

fn show_surcharge(services: &[Service], row: &Surcharge) -> String {
    let limit = |limit: Option<u32>| limit.map_or_else(String::new, |l| l.to_string());
    format!(
        "{}, {}, {}, {}, {}",
        services[row.service.index()].id,
        limit(row.over_length_mm),
        limit(row.over_cm3),
        row.over.map_or_else(String::new, |g| g.to_string()),
        row.area
    )
}
