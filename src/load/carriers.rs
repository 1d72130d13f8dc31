//! What carriers offer and charge: services, zones by distance and by postal prefixes, tariffs;
//! and the places that give a postal code its position.
//!
//! Together they are checked for holes that would otherwise show as an order nobody can ship: a
//! service without zones, a zone without a price, a heavier parcel that costs less.

use super::LoadError;
use super::field::{Field, GRAMS_MAX, coordinate};
use super::names::Names;
use super::table::{Column, ROWS_MAX, Table, may, must};
use crate::model::{Grams, Invalid, Place, Service, ServiceId, TariffStep, Zone, ZonePair};
use std::collections::HashSet;
use std::path::Path;

/// Most services of a network.
const SERVICES_MAX: usize = 256;

/// Farthest band: more than once around the globe.
const KM_MAX: u64 = 50_000;

const SERVICE: [Column; 7] = [
    must("service"),
    may("carrier"),
    must("works_on"),
    may("dim_divisor_cm3_per_kg"),
    may("dim_threshold_cm3"),
    may("billing_step_grams"),
    must("max_grams"),
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
const PLACE: [Column; 5] = [
    must("country"),
    must("postal_prefix"),
    must("lat"),
    must("lon"),
    may("population"),
];

/// What the files about carriers say.
#[derive(Debug, Default)]
pub(super) struct Carriers {
    pub(super) services: Vec<Service>,
    pub(super) zones: Vec<Zone>,
    pub(super) zone_pairs: Vec<ZonePair>,
    pub(super) tariffs: Vec<TariffStep>,
}

/// Reads and checks all files about carriers in `dir`.
pub(super) fn carriers(dir: &Path) -> Result<Carriers, LoadError> {
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
    refuse_surcharges(&dir.join("surcharges.csv"))?;
    let zone_pairs = zone_pairs(&dir.join("zone_pairs.csv"), &zones)?;
    // Bands of one service ascend already; a stable sort keeps them so.
    zones.sort_by_key(|zone| zone.service);
    Ok(Carriers {
        services,
        zones,
        zone_pairs,
        tariffs,
    })
}

/// Reads `places.csv`.
pub(super) fn places(file: &Path) -> Result<Vec<Place>, LoadError> {
    let table = Table::open(file, &PLACE, ROWS_MAX)?;
    let places = table.rows(|[country, postal_prefix, lat, lon, population]| {
        Ok(Place {
            country: country.country()?.into(),
            postal_prefix: postal_prefix.postal()?.into(),
            coordinate: coordinate(lat, lon)?,
            population: population
                .optional(|f| f.whole(0..=u64::from(u32::MAX)))?
                .unwrap_or(0),
        })
    })?;
    table.check_unique(
        "country, postal_prefix",
        places
            .iter()
            .map(|place| (&place.country, &place.postal_prefix)),
        |row| format!("{}, {}", places[row].country, places[row].postal_prefix),
    )?;
    Ok(places)
}

fn service(fields: [Field<'_>; 7]) -> Result<Service, Invalid> {
    let [id, carrier, works_on, divisor, threshold, step, max] = fields;
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

/// A cost that is not charged must not be ignored either.
fn refuse_surcharges(file: &Path) -> Result<(), LoadError> {
    let Some(table) = Table::open_optional(file, &SURCHARGE, ROWS_MAX)? else {
        return Ok(());
    };
    if table.rows(|_| Ok(()))?.is_empty() {
        return Ok(());
    }
    Err(LoadError::Surcharges {
        file: file.to_owned(),
        line: table.line_of_row(0),
    })
}
