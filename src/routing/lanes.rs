//! The compiled network: what every order needs to know of locations, carriers and places, as
//! arrays indexed by dense ids.
//!
//! Immutable but for the paused flags, so one [`Lanes`] is shared by all threads. Which zone a
//! location is in, as seen from a destination, is worked out once per place.

use super::ClassId;
use super::calendar::{Clock, Hours, WorkDays};
use super::days::{Limit, limits};
use super::places::{Destination, Pairs, Places};
use super::policies::Policies;
use super::restrictions::Restrictions;
use super::tariff::{NEVER, Tariffs, price};
use crate::model::{
    Cents, Coordinate, Day, EpochMillis, Invalid, Location, LocationId, Millis, Network, Policy,
    PolicyOverrides, Qty, ScarcityRow, ServiceId, ShipTo, SkuId, WeekDays,
};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Classes that need no ability.
pub(super) const ORDINARY: [&str; 3] = ["", "standard", "general"];
/// The class of items that no location can ship.
const NOBODY: ClassId = ClassId(u16::MAX);
/// Most services of a network: a zone table row is one byte per service.
const SERVICES_MAX: usize = 1_024;
/// Most locations of a network.
const LOCATIONS_MAX: usize = 65_535;
/// No zone: the service does not go there.
pub(super) const NO_ZONE: u8 = u8::MAX;

/// Tells compiled networks apart, so that a destination of one is never used with another.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// A place that ships, as far as routing is concerned.
#[derive(Debug)]
pub(super) struct Site {
    /// Row of `hours`.
    pub(super) hours: u16,
    /// Cents for each shipment.
    pub(super) per_shipment: i64,
    /// Cents for each unit.
    pub(super) per_unit: i64,
    /// Cents for each different item of a shipment.
    pub(super) per_line: i64,
    /// Cents for each parcel.
    pub(super) per_parcel: i64,
    /// Numbers of the countries that it ships to; empty is everywhere.
    pub(super) ships_to: Box<[u16]>,
    pub(super) coordinate: Coordinate,
    pub(super) postal: Box<str>,
}

/// How many levels of [`Site::per_unit`] are told apart in lower bounds.
pub(super) const UNIT_LEVELS: usize = 4;

/// What handling a unit costs at the least, roughly: that of the cheapest location, and so many steps.
#[derive(Debug)]
pub(super) struct UnitLevels {
    /// Cents from one level to the next.
    pub(super) step: i64,
    /// By location.
    pub(super) of: Vec<u8>,
}

impl UnitLevels {
    fn new(sites: &[Site], least: i64) -> Self {
        let beyond = |site: &Site| site.per_unit - least;
        let most = sites.iter().map(beyond).max().unwrap_or(0);
        let levels = i64::try_from(UNIT_LEVELS).unwrap_or(i64::MAX);
        let step = most / levels + 1;
        let level = |site: &Site| u8::try_from(beyond(site) / step).unwrap_or(0);
        Self {
            step,
            of: sites.iter().map(level).collect(),
        }
    }
}

/// A distance band of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    /// Number in files.
    pub(super) number: u8,
    /// Farthest distance in metres.
    pub(super) metres: u64,
    /// Which of the network's `runs` it takes.
    pub(super) run: u16,
}

/// Business days of a carrier: what leaves on the same day by the same run arrives on the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// On which days the carrier moves; row of `work`.
    work: u16,
    /// On which days it delivers; row of `work`.
    delivers: u16,
    /// So many days on which it moves, the last of them one on which it delivers.
    transit_days: u8,
}

/// A carrier service.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    /// Its zones, dense.
    pub(super) bands: Vec<Band>,
}

/// The compiled network with the prices of its scarce units.
#[derive(Debug)]
pub struct Lanes {
    core: Arc<Core>,
    /// Scarcity prices by SKU, each by ascending location.
    scarcity: Scarcity,
    /// The most that handling, per line included, and scarcity of one unit come to.
    pub(super) unit_max: i64,
}

impl Deref for Lanes {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

/// All of a compiled network that stays as it is when prices change.
#[derive(Debug)]
pub struct Core {
    pub(super) serial: u64,
    /// The same for networks with the same tables, policies, scarcity and names apart.
    pub(super) fingerprint: u64,
    pub(super) sites: Vec<Site>,
    /// By location: [`Site::per_shipment`], close together.
    pub(super) per_shipment: Vec<i64>,
    /// Locations by what handling of a unit costs, then by that of a line: cheapest first.
    pub(super) by_unit: Vec<u16>,
    /// The least of [`Site::per_line`].
    pub(super) line_min: i64,
    pub(super) hours: Vec<Hours>,
    work: Vec<Arc<WorkDays>>,
    runs: Vec<Run>,
    pub(super) carriers: Vec<Carrier>,
    /// By row of the tariffs, as [`Tariffs::row`] numbers them: which of the runs it is.
    pub(super) run_of: Vec<u16>,
    pub(super) tariffs: Tariffs,
    /// Whether nobody charges minimums, surcharges or cartons.
    pub(super) plain: bool,
    pub(super) pairs: Pairs,
    places: Places,
    classes: HashMap<Box<str>, ClassId>,
    /// Which classes each location can ship: `words` words of bits a location, bit 0 ordinary.
    abilities: Vec<u64>,
    words: usize,
    policies: Policies,
    pub(super) restrictions: Restrictions,
    /// By location: the most that it hands over on a day; empty where none has a limit.
    pub(super) limits: Vec<Option<Limit>>,
    /// By location: units of every SKU that stay there; empty where none do.
    buffers: Vec<Qty>,
    /// Countries that some location names as one that it ships to, counted from 1.
    countries: HashMap<Box<str>, u16>,
    paused: Vec<AtomicBool>,
    paused_count: AtomicUsize,
    /// The most that handling of one unit, per line included, comes to.
    handled_max: i64,
    /// The least of [`Site::per_unit`].
    pub(super) unit_min: i64,
    pub(super) unit_levels: UnitLevels,
}

impl Lanes {
    /// Compiles a network.
    ///
    /// # Errors
    /// Names the field that cannot be used: an unknown time zone, a cut-off past midnight, an id
    /// that is not in the network, a negative price, more rows than ids.
    pub fn new(network: &Network) -> Result<Self, Invalid> {
        at_most("locations", network.locations.len(), LOCATIONS_MAX)?;
        at_most("services", network.services.len(), SERVICES_MAX)?;
        let mut holidays = network.holidays.clone();
        holidays.sort_unstable();
        let mut work = Calendars::new(holidays.into());
        let mut hours = HoursTable::default();
        let mut sites = Vec::with_capacity(network.locations.len());
        let countries = countries(&network.locations);
        for (row, location) in network.locations.iter().enumerate() {
            let site = site(location, &countries, &mut hours, &mut work);
            sites.push(site.map_err(|e| e.within(&format!("locations[{row}]")))?);
        }
        let (carriers, runs) = carriers(network, &mut work)?;
        let numbers: Vec<Vec<u8>> = carriers
            .iter()
            .map(|c| c.bands.iter().map(|b| b.number).collect())
            .collect();
        let tariffs = Tariffs::new(network, &numbers)?;
        let bands = carriers.iter().flat_map(|c| &c.bands);
        let run_of = bands.map(|band| band.run).collect();
        let restrictions = Restrictions::new(network)?;
        let (classes, abilities, words) =
            abilities(&network.locations, restrictions.classes_of_services())?;
        let (scarcity, scarcity_max) = scarcity(&network.scarcity, network.locations.len())?;
        let handled_max = sites.iter().map(|s| s.per_unit + s.per_line).max();
        let handled_max = handled_max.unwrap_or(0);
        let line_min = sites.iter().map(|s| s.per_line).min().unwrap_or(0);
        let mut by_unit: Vec<u16> = (0..=u16::MAX).take(sites.len()).collect();
        by_unit.sort_by_key(|&at| {
            let site = &sites[usize::from(at)];
            (site.per_unit, site.per_line)
        });
        let unit_min = sites.iter().map(|s| s.per_unit).min().unwrap_or(0);
        let plain = !tariffs.has_minimum()
            && !tariffs.has_surcharges()
            && sites.iter().all(|s| s.per_parcel == 0);
        let unit_levels = UnitLevels::new(&sites, unit_min);
        let core = Core {
            plain,
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            fingerprint: fingerprint(network),
            policies: Policies::new(network),
            restrictions,
            limits: limits(&network.locations),
            buffers: buffers(&network.locations),
            countries,
            paused: sites.iter().map(|_| AtomicBool::new(false)).collect(),
            paused_count: AtomicUsize::new(0),
            per_shipment: sites.iter().map(|s| s.per_shipment).collect(),
            by_unit,
            line_min,
            sites,
            hours: hours.rows,
            work: work.rows,
            runs,
            tariffs,
            run_of,
            carriers,
            pairs: Pairs::new(&network.zone_pairs)?,
            places: Places::new(&network.places)?,
            classes,
            abilities,
            words,
            handled_max,
            unit_min,
            unit_levels,
        };
        Ok(Self {
            core: Arc::new(core),
            scarcity,
            unit_max: handled_max + scarcity_max,
        })
    }

    /// The same network with these prices of scarce units. Which locations are paused stays common
    /// to both, and a destination of the one is one of the other.
    ///
    /// # Errors
    /// Names the row that cannot be used.
    pub fn priced(&self, rows: &[ScarcityRow]) -> Result<Self, Invalid> {
        let (scarcity, scarcity_max) = scarcity(rows, self.sites.len())?;
        Ok(Self {
            core: self.core.clone(),
            scarcity,
            unit_max: self.handled_max + scarcity_max,
        })
    }

    /// The price of a scarce unit; 0 for one that is not scarce.
    #[must_use]
    pub fn scarcity_of(&self, sku: SkuId, location: LocationId) -> Cents {
        let mut prices = self.scarcity(sku).iter();
        let found = prices.find(|(at, _)| *at == location);
        Cents(found.map_or(0, |&(_, cents)| cents))
    }

    /// Prices of the scarce units of a SKU, by ascending location.
    pub fn scarcity_prices(&self, sku: SkuId) -> impl Iterator<Item = (LocationId, Cents)> {
        let prices = self.scarcity(sku).iter();
        prices.map(|&(location, cents)| (location, Cents(cents)))
    }

    /// Where an order goes, with its zone at every location: from the table of places by the
    /// longest matching postal prefix, unless `to` has a coordinate of its own.
    ///
    /// # Errors
    /// The place is unknown: names `ship_to.postal`.
    pub fn destination(&self, to: &ShipTo) -> Result<Arc<Destination>, Invalid> {
        self.places.destination(self, to)
    }

    /// The destination of what a customer collects at a location of the network.
    ///
    /// # Errors
    /// The location is not in the network: names `pickup_at`.
    pub fn doorstep(&self, location: LocationId) -> Result<Arc<Destination>, Invalid> {
        self.places.doorstep(self, location)
    }

    /// The country of all places; `None` where they are in several or there are none.
    #[must_use]
    pub fn only_country(&self) -> Option<&str> {
        self.places.only_country()
    }

    /// The complete policy of an order: the network's, changed by that of its channel, by the preset
    /// that it names, and by its own fields.
    ///
    /// # Errors
    /// An unknown preset: names `policy.preset`.
    pub fn policy(
        &self,
        channel: &str,
        preset: Option<&str>,
        own: &PolicyOverrides,
    ) -> Result<Policy, Invalid> {
        self.policies.of(channel, preset, own)
    }

    /// The presets that an order may name, by name.
    #[must_use]
    pub fn presets(&self) -> Vec<&str> {
        self.policies.presets()
    }

    /// Units of every SKU that stay at a location; `None` where no location keeps any.
    #[inline]
    pub(super) fn buffer(&self, location: usize) -> Option<Qty> {
        self.buffers.get(location).copied()
    }

    /// By location: units of every SKU that stay there; empty where none do.
    #[inline]
    pub(super) fn buffers(&self) -> &[Qty] {
        &self.buffers
    }

    /// What of `units` of a SKU at a location routing may use: its stock buffer stays there.
    #[must_use]
    pub fn usable(&self, location: LocationId, units: Qty) -> Qty {
        let kept = self.buffer(location.index()).unwrap_or(Qty::ZERO);
        units.saturating_sub(kept)
    }

    /// The latest moment at which units must be at a location to be handed over at `ship_at`.
    #[must_use]
    pub fn needed_by(&self, location: LocationId, ship_at: EpochMillis) -> EpochMillis {
        let site = self.sites.get(location.index());
        site.map_or(ship_at, |site| ship_at - self.hours(site).lead())
    }

    /// Number of a country, 0 for one that no location names; `None` where none names any.
    pub(super) fn country(&self, name: &str) -> Option<u16> {
        if self.countries.is_empty() {
            return None;
        }
        Some(self.countries.get(name).copied().unwrap_or(0))
    }

    /// The interned class of an item. A class that no location has the ability for is one that
    /// nobody can ship.
    #[must_use]
    pub fn class(&self, name: &str) -> ClassId {
        if ORDINARY.contains(&name) {
            return ClassId(0);
        }
        self.classes.get(name).copied().unwrap_or(NOBODY)
    }

    /// Stops or resumes sending new shipments from a location.
    pub fn set_paused(&self, location: LocationId, paused: bool) {
        let Some(flag) = self.paused.get(location.index()) else {
            return;
        };
        if flag.swap(paused, Ordering::Relaxed) != paused {
            if paused {
                self.paused_count.fetch_add(1, Ordering::Relaxed);
            } else {
                self.paused_count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Whether a location sends no new shipments; one that is not in the network sends none.
    #[must_use]
    pub fn paused(&self, location: LocationId) -> bool {
        self.paused
            .get(location.index())
            .is_none_or(|flag| flag.load(Ordering::Relaxed))
    }

    /// Whether any location is paused.
    pub(super) fn any_paused(&self) -> bool {
        self.paused_count.load(Ordering::Relaxed) != 0
    }

    /// How many locations the network has.
    #[must_use]
    pub fn locations(&self) -> usize {
        self.sites.len()
    }

    /// Whether a location sends new shipments and may ship items of a class to a destination.
    #[must_use]
    pub fn can_ship(&self, location: LocationId, class: ClassId, to: &Destination) -> bool {
        let able = class.0 == 0 || self.able(location.index(), class);
        let open = !to.bars(location) && !to.restricted.closes(location);
        !self.paused(location) && able && open && !to.restricted.bars(location.index(), class)
    }

    /// Whether a location may ship items of a class.
    pub(super) fn able(&self, location: usize, class: ClassId) -> bool {
        let word = usize::from(class.0 / 64);
        word < self.words && self.abilities[location * self.words + word] >> (class.0 % 64) & 1 == 1
    }

    /// Scarcity prices of a SKU by ascending location.
    pub(super) fn scarcity(&self, sku: SkuId) -> &[(LocationId, i64)] {
        if self.scarcity.is_empty() {
            return &[];
        }
        self.scarcity.get(&sku).map_or(&[], Vec::as_slice)
    }

    /// The civil date at a location; that of UTC for a moment that no calendar has.
    #[must_use]
    pub fn date_at(&self, location: LocationId, at: EpochMillis) -> Day {
        let site = self.sites.get(location.index());
        let local = site.and_then(|site| self.hours(site).date_of(at));
        local.unwrap_or_else(|| {
            let days = at.0.div_euclid(86_400_000);
            Day(i32::try_from(days).unwrap_or(i32::MAX))
        })
    }

    /// The moment at which so much of a location's working time has passed since `from`: all hours of
    /// the days on which it works, by its own clock. Beyond the calendar every hour counts.
    #[must_use]
    pub fn add_working(
        &self,
        location: LocationId,
        from: EpochMillis,
        span: Millis,
    ) -> EpochMillis {
        let site = self.sites.get(location.index());
        let passed = site.and_then(|site| self.hours(site).add_working(from, span));
        passed.unwrap_or(from + span)
    }

    /// When a location hands over.
    pub(super) fn hours(&self, site: &Site) -> &Hours {
        &self.hours[usize::from(site.hours)]
    }

    /// Which run a service takes to a zone.
    pub(super) fn run(&self, service: usize, zone: u8) -> u16 {
        self.carriers[service].bands[usize::from(zone)].run
    }

    /// How many runs there are.
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The date on which a run delivers what was handed over on `day`.
    pub(super) fn delivery(&self, run: u16, day: Day) -> Option<Day> {
        let Run {
            work,
            delivers,
            transit_days,
        } = self.runs[usize::from(run)];
        let moves = &self.work[usize::from(work)];
        if delivers == work {
            return moves.nth(day, transit_days);
        }
        let delivers = &self.work[usize::from(delivers)];
        match transit_days.checked_sub(1) {
            None => delivers.nth(moves.nth(day, 0)?, 0),
            Some(before) => {
                let there = moves.nth(day, before)?;
                delivers.nth(Day(there.0.checked_add(1)?), 0)
            }
        }
    }
}

/// A hash of everything that a plan's cost and possibility hang on but policies, and prices of scarce
/// units, which change by the minute: whoever has to know them later keeps them.
fn fingerprint(network: &Network) -> u64 {
    let mut bytes = Vec::new();
    let tables = (
        (&network.holidays, &network.locations, &network.services),
        (&network.zones, &network.zone_pairs, &network.tariffs),
        (&network.surcharges, &network.places),
        (&network.regions, &network.restrictions),
    );
    let config = bincode::config::legacy();
    bincode::encode_into_std_write(tables, &mut bytes, config)
        .expect("memory takes what is written to it");
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

fn at_most(field: &str, count: usize, max: usize) -> Result<(), Invalid> {
    if count <= max {
        return Ok(());
    }
    Err(Invalid::new(field, count, format!("at most {max} rows")))
}

/// Business days by weekdays, one table for all that share them.
struct Calendars {
    holidays: Arc<[Day]>,
    rows: Vec<Arc<WorkDays>>,
}

impl Calendars {
    fn new(holidays: Arc<[Day]>) -> Self {
        let rows = Vec::new();
        Self { holidays, rows }
    }

    fn of(&mut self, on: WeekDays) -> usize {
        let known = self.rows.iter().position(|r| r.weekdays() == on);
        known.unwrap_or_else(|| {
            self.rows.push(Arc::new(WorkDays::new(on, &self.holidays)));
            self.rows.len() - 1
        })
    }
}

/// Hours by (time zone, weekdays, cut-off, lead time), one row for all locations that share them.
#[derive(Default)]
struct HoursTable {
    known: HashMap<(Box<str>, WeekDays, u16, u32), u16>,
    rows: Vec<Hours>,
}

fn countries(locations: &[Location]) -> HashMap<Box<str>, u16> {
    let mut countries = HashMap::new();
    for name in locations.iter().flat_map(|l| &l.ships_to) {
        let next = u16::try_from(countries.len() + 1).unwrap_or(u16::MAX);
        countries.entry(name.clone()).or_insert(next);
    }
    countries
}

fn buffers(locations: &[Location]) -> Vec<Qty> {
    if locations.iter().all(|l| l.stock_buffer.is_zero()) {
        return Vec::new();
    }
    locations.iter().map(|l| l.stock_buffer).collect()
}

fn site(
    row: &Location,
    countries: &HashMap<Box<str>, u16>,
    hours: &mut HoursTable,
    work: &mut Calendars,
) -> Result<Site, Invalid> {
    if row.cutoff_minutes >= 24 * 60 {
        return Err(Invalid::new(
            "cutoff",
            row.cutoff_minutes,
            "a time of the day: 0 to 1439 minutes after midnight",
        ));
    }
    let key = (
        row.timezone.clone(),
        row.working_days,
        row.cutoff_minutes,
        row.lead_hours,
    );
    let hours = match hours.known.get(&key) {
        Some(&known) => known,
        None => {
            let clock = Clock::of(&row.timezone)?;
            let days = work.of(row.working_days);
            let work = Arc::clone(&work.rows[days]);
            let new = u16::try_from(hours.rows.len()).unwrap_or(u16::MAX);
            let lead = Millis::from_hours(row.lead_hours);
            let row = Hours::new(clock, work, row.cutoff_minutes, lead);
            hours.rows.push(row);
            hours.known.insert(key, new);
            new
        }
    };
    Ok(Site {
        hours,
        per_shipment: price("handling_cents_per_shipment", row.handling_per_shipment)?,
        per_unit: price("handling_cents_per_unit", row.handling_per_unit)?,
        per_line: price("handling_cents_per_line", row.handling_per_line)?,
        per_parcel: price("packaging_cents_per_parcel", row.packaging_per_parcel)?,
        ships_to: row.ships_to.iter().map(|name| countries[name]).collect(),
        coordinate: row.coordinate,
        postal: row.postal.clone(),
    })
}

fn carriers(
    network: &Network,
    calendars: &mut Calendars,
) -> Result<(Vec<Carrier>, Vec<Run>), Invalid> {
    let services = network.services.iter();
    let work: Vec<(usize, usize)> = services
        .map(|s| {
            let moves = calendars.of(s.works_on);
            (moves, s.delivers_on.map_or(moves, |on| calendars.of(on)))
        })
        .collect();
    let mut carriers: Vec<Carrier> = Vec::new();
    carriers.resize_with(work.len(), Carrier::default);
    let mut runs: Vec<Run> = Vec::new();
    for (row, zone) in network.zones.iter().enumerate() {
        let field = || format!("zones[{row}].service");
        let service = zone.service.index();
        let Some(carrier) = carriers.get_mut(service) else {
            let expected = "a service of the network";
            return Err(Invalid::new(field(), zone.service.0, expected));
        };
        let run = Run {
            work: u16::try_from(work[service].0).unwrap_or(u16::MAX),
            delivers: u16::try_from(work[service].1).unwrap_or(u16::MAX),
            transit_days: zone.transit_days,
        };
        let known = runs.iter().position(|r| *r == run).unwrap_or_else(|| {
            runs.push(run);
            runs.len() - 1
        });
        carrier.bands.push(Band {
            number: zone.zone,
            metres: zone.max_km.map_or(u64::MAX, |km| u64::from(km) * 1_000),
            run: u16::try_from(known).unwrap_or(u16::MAX),
        });
        if carrier.bands.len() > usize::from(NO_ZONE) {
            let expected = "at most 255 zones a service";
            return Err(Invalid::new(field(), zone.service.0, expected));
        }
    }
    Ok((carriers, runs))
}

type Abilities = (HashMap<Box<str>, ClassId>, Vec<u64>, usize);

/// `first` are numbered before all others.
fn abilities(locations: &[Location], first: &[Box<str>]) -> Result<Abilities, Invalid> {
    let mut classes: HashMap<Box<str>, ClassId> = HashMap::new();
    for ability in first
        .iter()
        .chain(locations.iter().flat_map(|l| &l.abilities))
    {
        if classes.contains_key(ability) {
            continue;
        }
        let next = classes.len() + 1;
        at_most("abilities", next, usize::from(NOBODY.0) - 1)?;
        classes
            .entry(ability.clone())
            .or_insert(ClassId(u16::try_from(next).unwrap_or(NOBODY.0)));
    }
    let words = classes.len() / 64 + 1;
    let mut bits = vec![0u64; locations.len() * words];
    for (row, location) in bits.chunks_mut(words).zip(locations) {
        row[0] |= 1;
        for ability in &location.abilities {
            let class = classes[ability].0;
            row[usize::from(class / 64)] |= 1 << (class % 64);
        }
    }
    Ok((classes, bits, words))
}

type Scarcity = HashMap<SkuId, Vec<(LocationId, i64)>, foldhash::fast::FixedState>;

fn scarcity(rows: &[ScarcityRow], locations: usize) -> Result<(Scarcity, i64), Invalid> {
    let mut prices: Scarcity = HashMap::default();
    let mut most = 0;
    for (row, scarce) in rows.iter().enumerate() {
        if scarce.location.index() >= locations {
            let field = format!("scarcity[{row}].location");
            return Err(Invalid::new(
                field,
                scarce.location.0,
                "a location of the network",
            ));
        }
        let cents = price(&format!("scarcity[{row}].cents"), scarce.cents)?;
        most = most.max(cents);
        let of_sku = prices.entry(scarce.sku).or_default();
        // The last row of a position counts, as with any table that is loaded again.
        of_sku.retain(|&(location, _)| location != scarce.location);
        of_sku.push((scarce.location, cents));
    }
    for of_sku in prices.values_mut() {
        of_sku.sort_unstable();
    }
    Ok((prices, most))
}

/// The service at a dense position; services are at most [`SERVICES_MAX`].
pub(super) fn service_id(index: usize) -> ServiceId {
    ServiceId(u16::try_from(index).unwrap_or(u16::MAX))
}

/// The location at a dense position; locations are at most [`LOCATIONS_MAX`].
pub(super) fn location_id(index: usize) -> LocationId {
    LocationId(u16::try_from(index).unwrap_or(u16::MAX))
}

/// Whether a cost exists.
pub(super) fn finite(cents: i64) -> bool {
    cents < NEVER
}
