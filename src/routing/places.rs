//! Destinations: which zone each location is in, as seen from a place.
//!
//! Worked out once per place and kept; the cache is bounded and starts afresh when full, so that
//! a flood of odd addresses costs time, not memory.

use super::lanes::{Lanes, NO_ZONE, Site};
use super::restrictions::{Regions, Restricted};
use super::surcharges::Rule;
use super::zones::metres;
use crate::model::{Coordinate, Invalid, LocationId, Place, RESIDENTIAL, ShipTo, ZonePair};
use dashmap::DashMap;
use foldhash::{HashMap, HashMapExt as _};
use std::sync::Arc;

/// Most bytes that the cached destinations take together.
const CACHE_BYTES: usize = 64 << 20;

/// No row of the tariffs: the service does not go there.
pub(super) const NO_ROW: u32 = u32::MAX;

/// Where an order goes, seen from every location of one network.
#[derive(Debug)]
pub struct Destination {
    /// Of which compiled network.
    pub(super) serial: u64,
    /// Centre of the place.
    pub(super) coordinate: Coordinate,
    /// By location: its lane class. Locations of one class have the same hours, lead time and
    /// zones and cartons, so that a shipment from any of them arrives alike and costs the same
    /// to carry.
    pub(super) class_of: Vec<u16>,
    /// By lane class: the first location that is in it.
    pub(super) sample: Vec<u16>,
    /// By lane class: its row of hours.
    pub(super) hours: Vec<u16>,
    /// By lane class: its carriage class. Lane classes of one have the same zones and cartons: what leaves
    /// from them on one date arrives alike and costs the same to carry, whatever their hours.
    pub(super) carriage: Vec<u16>,
    /// How many carriage classes there are.
    pub(super) carriages: usize,
    /// By lane class and service: the dense zone, or [`NO_ZONE`].
    pub(super) zones: Vec<u8>,
    /// The same as rows of the tariffs, or [`NO_ROW`].
    rows: Vec<u32>,
    /// By billing: the surcharges that apply here; nothing at all where there are none.
    rules: Vec<Vec<Rule>>,
    /// By location: whether it does not ship to this country; nothing at all where all do.
    barred: Vec<bool>,
    /// What may not ship here.
    pub(super) restricted: Restricted,
    /// The same place where everything may ship, if something here may not.
    pub(super) free: Option<Arc<Destination>>,
}

/// Identity of a destination: where it is, the longest zone-pair prefix it matches, what surcharges
/// ask of it, its country where that matters, and the regions that restrictions name.
type Key = (Coordinate, Option<usize>, (u32, bool), Option<u16>, Regions);

/// What the table knows of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    centre: Coordinate,
    /// Its surcharge area; 0 is none.
    area: u32,
}

/// The table of places.
#[derive(Debug)]
pub(super) struct Places {
    /// By country, then postal prefix.
    by_country: HashMap<Box<str>, Prefixes<Known>>,
    /// Names of the surcharge areas; the first is none.
    areas: Vec<Box<str>>,
    cache: DashMap<Key, Arc<Destination>, foldhash::fast::RandomState>,
}

impl Places {
    pub(super) fn new(rows: &[Place]) -> Result<Self, Invalid> {
        let mut by_country: HashMap<Box<str>, Prefixes<Known>> = HashMap::new();
        let mut areas: Vec<Box<str>> = vec!["".into()];
        let mut numbers: HashMap<&str, u32> = HashMap::from_iter([("", 0)]);
        for (row, place) in rows.iter().enumerate() {
            let area = *numbers.entry(&*place.area).or_insert_with(|| {
                areas.push(place.area.clone());
                u32::try_from(areas.len() - 1).unwrap_or(u32::MAX)
            });
            let new = Known {
                centre: place.coordinate,
                area,
            };
            let country = by_country.entry(place.country.clone()).or_default();
            let known = country.insert(&place.postal_prefix, new);
            if known.is_some_and(|k| k != new) {
                let field = format!("places[{row}].postal_prefix");
                let expected = "one centre and area for each country and prefix";
                return Err(Invalid::new(field, &place.postal_prefix, expected));
            }
        }
        Ok(Self {
            by_country,
            areas,
            cache: DashMap::default(),
        })
    }

    pub(super) fn destination(
        &self,
        lanes: &Lanes,
        to: &ShipTo,
    ) -> Result<Arc<Destination>, Invalid> {
        let place = self.place(to);
        let coordinate = match (to.coordinate, place) {
            (Some(own), _) => own,
            (None, Some(place)) => place.centre,
            (None, None) => return Err(unknown(to)),
        };
        let prefix = lanes.pairs.longest(&to.postal);
        let (area, residential) = if lanes.tariffs.has_surcharges() {
            (place.map_or(0, |p| p.area), to.residential)
        } else {
            (0, false)
        };
        let country = lanes.country(&to.country);
        let regions = lanes.restrictions.regions_of(to);
        let key = (coordinate, prefix, (area, residential), country, regions);
        if let Some(known) = self.cache.get(&key) {
            return Ok(Arc::clone(&known));
        }
        let name = &self.areas[area as usize];
        let home = if residential { RESIDENTIAL } else { "" };
        let make = |restricted| {
            let mut new = Destination::new(lanes, coordinate, prefix, restricted);
            new.rules = lanes.tariffs.rules(&[name, home]);
            if let Some(country) = country {
                let bars = |s: &Site| !s.ships_to.is_empty() && !s.ships_to.contains(&country);
                new.barred = lanes.sites.iter().map(bars).collect();
                if !new.barred.contains(&true) {
                    new.barred = Vec::new();
                }
            }
            new
        };
        let mut new = make(Restricted::default());
        if let Some(restricted) = lanes.restrictions.of(lanes, &key.4) {
            let free = Arc::new(std::mem::replace(&mut new, make(restricted)));
            new.free = Some(free);
        }
        let new = Arc::new(new);
        let most = (CACHE_BYTES / new.bytes()).max(64);
        if self.cache.len() >= most {
            self.cache.clear();
        }
        self.cache.insert(key, Arc::clone(&new));
        Ok(new)
    }

    /// The destination at a location itself, of no place in particular.
    pub(super) fn doorstep(
        &self,
        lanes: &Lanes,
        location: LocationId,
    ) -> Result<Arc<Destination>, Invalid> {
        let Some(site) = lanes.sites.get(location.index()) else {
            let expected = "a location of the network";
            return Err(Invalid::new("pickup_at", location.0, expected));
        };
        let to = ShipTo {
            coordinate: Some(site.coordinate),
            ..ShipTo::default()
        };
        self.destination(lanes, &to)
    }

    /// The country of all places.
    pub(super) fn only_country(&self) -> Option<&str> {
        let mut names = self.by_country.keys();
        names
            .next()
            .filter(|_| self.by_country.len() == 1)
            .map(|n| &**n)
    }

    /// The place with the longest prefix of a postal code.
    fn place(&self, to: &ShipTo) -> Option<Known> {
        let prefixes = self.by_country.get(&to.country)?;
        prefixes.longest(&to.postal).copied()
    }
}

fn unknown(to: &ShipTo) -> Invalid {
    let expected = format!(
        "a postal code in {} that the network's places cover, or lat and lon",
        to.country
    );
    Invalid::new("ship_to.postal", &to.postal, expected)
}

/// Something by prefix of a text.
#[derive(Debug)]
struct Prefixes<T> {
    by_text: HashMap<Box<str>, T>,
    /// How long the prefixes are, longest first: a table has a few lengths only.
    lengths: Vec<usize>,
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self {
            by_text: HashMap::new(),
            lengths: Vec::new(),
        }
    }
}

impl<T> Prefixes<T> {
    /// Adds a prefix; what was known of it before.
    fn insert(&mut self, prefix: &str, new: T) -> Option<T> {
        if !self.lengths.contains(&prefix.len()) {
            self.lengths.push(prefix.len());
            self.lengths.sort_unstable_by(|a, b| b.cmp(a));
        }
        self.by_text.insert(prefix.into(), new)
    }

    /// What is known of the longest prefix of a text.
    fn longest(&self, text: &str) -> Option<&T> {
        let prefixes = self.lengths.iter().filter_map(|&end| text.get(..end));
        let mut known = prefixes.filter_map(|prefix| self.by_text.get(prefix));
        known.next()
    }
}

/// Zones by postal prefixes.
#[derive(Debug)]
pub(super) struct Pairs {
    /// By origin prefix, then destination prefix: the number of the zone.
    by_origin: HashMap<Box<str>, Prefixes<u8>>,
    /// All destination prefixes.
    destinations: Prefixes<usize>,
    /// The same by number.
    names: Vec<Box<str>>,
}

impl Pairs {
    pub(super) fn new(rows: &[ZonePair]) -> Result<Self, Invalid> {
        let mut by_origin: HashMap<Box<str>, Prefixes<u8>> = HashMap::new();
        let mut destinations = Prefixes::default();
        let mut names: Vec<Box<str>> = Vec::new();
        for (row, pair) in rows.iter().enumerate() {
            let origin = by_origin.entry(pair.origin_prefix.clone()).or_default();
            let known = origin.insert(&pair.dest_prefix, pair.zone);
            if known.is_some_and(|zone| zone != pair.zone) {
                let field = format!("zone_pairs[{row}].zone");
                let expected = "one zone for each pair of prefixes";
                return Err(Invalid::new(field, pair.zone, expected));
            }
            if !destinations.by_text.contains_key(&pair.dest_prefix) {
                destinations.insert(&pair.dest_prefix, names.len());
                names.push(pair.dest_prefix.clone());
            }
        }
        Ok(Self {
            by_origin,
            destinations,
            names,
        })
    }

    /// The longest destination prefix of a postal code; which shorter ones match follows from it.
    fn longest(&self, postal: &str) -> Option<usize> {
        self.destinations.longest(postal).copied()
    }

    /// The zone from an origin to the places of a destination prefix: the longest origin prefix
    /// that has a pair with the destination counts, then the longest destination prefix.
    fn zone(&self, origin: &str, destination: usize) -> Option<u8> {
        let destination = &self.names[destination];
        (0..=origin.len())
            .rev()
            .filter_map(|end| self.by_origin.get(origin.get(..end)?))
            .find_map(|pairs| pairs.longest(destination).copied())
    }
}

impl Destination {
    fn new(
        lanes: &Lanes,
        coordinate: Coordinate,
        prefix: Option<usize>,
        restricted: Restricted,
    ) -> Self {
        let mut new = Self {
            serial: lanes.serial,
            coordinate,
            class_of: Vec::with_capacity(lanes.sites.len()),
            sample: Vec::new(),
            hours: Vec::new(),
            carriage: Vec::new(),
            carriages: 0,
            zones: Vec::new(),
            rows: Vec::new(),
            rules: Vec::new(),
            barred: Vec::new(),
            restricted,
            free: None,
        };
        let mut known = HashMap::new();
        let mut carriages: HashMap<(i64, Vec<u8>), u16> = HashMap::new();
        for (location, site) in lanes.sites.iter().enumerate() {
            let pair = prefix.and_then(|prefix| lanes.pairs.zone(&site.postal, prefix));
            let distance = u64::from(metres(site.coordinate, coordinate));
            let mut zones: Vec<u8> = lanes
                .carriers
                .iter()
                .map(|carrier| {
                    let dense = carrier.bands.iter().position(|band| match pair {
                        Some(number) => band.number == number,
                        None => distance <= band.metres,
                    });
                    dense.and_then(|z| u8::try_from(z).ok()).unwrap_or(NO_ZONE)
                })
                .collect();
            new.restricted.cut(location, &mut zones);
            let key = (site.hours, site.per_parcel, zones);
            let class = *known.entry(key).or_insert_with_key(|(_, _, zones)| {
                new.hours.push(site.hours);
                let next = u16::try_from(carriages.len()).unwrap_or(u16::MAX);
                let carriage = carriages.entry((site.per_parcel, zones.clone()));
                new.carriage.push(*carriage.or_insert(next));
                new.zones.extend_from_slice(zones);
                new.rows
                    .extend(zones.iter().enumerate().map(|(service, &zone)| match zone {
                        NO_ZONE => NO_ROW,
                        _ => u32::try_from(lanes.tariffs.row(service, zone)).unwrap_or(NO_ROW),
                    }));
                new.sample.push(u16::try_from(location).unwrap_or(u16::MAX));
                new.sample.len() - 1
            });
            new.class_of.push(u16::try_from(class).unwrap_or(u16::MAX));
        }
        new.carriages = carriages.len();
        new
    }

    /// The dense zone of every service, as seen from a lane class.
    pub(super) fn zones(&self, class: usize, services: usize) -> &[u8] {
        &self.zones[class * services..(class + 1) * services]
    }

    /// The row of every service, as seen from a lane class.
    #[inline]
    pub(super) fn rows(&self, class: usize, services: usize) -> &[u32] {
        &self.rows[class * services..(class + 1) * services]
    }

    /// Whether no location is closed to it.
    pub(super) fn open(&self) -> bool {
        self.barred.is_empty() && !self.restricted.closes_any()
    }

    /// Whether a location does not ship to the country.
    #[inline]
    pub(super) fn bars(&self, location: LocationId) -> bool {
        self.barred
            .get(location.index())
            .is_some_and(|&barred| barred)
    }

    /// The surcharges that a billing has to add.
    pub(super) fn rules(&self, billing: usize) -> &[Rule] {
        self.rules.get(billing).map_or(&[], Vec::as_slice)
    }

    /// Centre of the place.
    #[must_use]
    pub fn coordinate(&self) -> Coordinate {
        self.coordinate
    }

    fn bytes(&self) -> usize {
        let rules: usize = self.rules.iter().map(|r| size_of_val(&**r) + 24).sum();
        let classes = 2 * (self.class_of.len() + 3 * self.sample.len());
        let free = self.free.as_ref().map_or(0, |free| free.bytes());
        let tables = 5 * self.zones.len() + rules + self.barred.len() + self.restricted.bytes();
        size_of::<Self>() + classes + tables + free + 64
    }
}
