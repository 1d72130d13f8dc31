//! The network as a user describes it: places that ship, carriers, prices, items.
//!
//! Field names follow the columns of the network folder. Ids are positions in the vectors here:
//! location 3 is `locations[3]`.

use super::{
    Cents, Coordinate, Day, DeadlineRow, DuplicateRules, Grams, LocationId, Policy,
    PolicyOverrides, PricingRules, PromiseRules, Qty, RemedyRow, ReplanRules, ServiceId, SkuId,
    ThresholdRow,
};
use bincode::{Decode, Encode};

/// What kind of place a location is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
pub enum LocationKind {
    /// Distribution centre (`dc`).
    #[default]
    DistributionCentre,
    /// Shop that ships (`store`).
    Store,
    /// Third-party logistics provider (`3pl`).
    ThirdParty,
    /// Drop-shipping supplier (`supplier`).
    Supplier,
}

impl LocationKind {
    /// All kinds with their names in files and on the wire.
    pub const ALL: [(&'static str, Self); 4] = [
        ("dc", Self::DistributionCentre),
        ("store", Self::Store),
        ("3pl", Self::ThirdParty),
        ("supplier", Self::Supplier),
    ];
}

/// A set of weekdays, bit 0 for Monday.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
pub struct WeekDays(pub u8);

impl WeekDays {
    /// Whether `day` is one of them.
    #[must_use]
    pub const fn contains(self, day: Day) -> bool {
        self.0 >> day.weekday() & 1 == 1
    }

    /// Reads `Mon-Fri`, `Mon-Sat`, `Sun`, `Mon Wed Fri` or `Sat-Mon`; `None` for anything else
    /// and for no day at all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let number = |name: &str| NAMES.iter().position(|n| name.eq_ignore_ascii_case(n));
        let mut days = 0u8;
        for part in text.split_whitespace() {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (mut day, last) = (number(first)?, number(last)?);
            loop {
                days |= 1 << day;
                if day == last {
                    break;
                }
                day = (day + 1) % 7;
            }
        }
        (days != 0).then_some(Self(days))
    }
}

/// A place that holds stock and ships.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Location {
    /// Text id.
    pub id: Box<str>,
    /// For people.
    pub name: Box<str>,
    /// What kind of place.
    pub kind: LocationKind,
    /// ISO 3166 two-letter country code.
    pub country: Box<str>,
    /// Postal code.
    pub postal: Box<str>,
    /// Where it is.
    pub coordinate: Coordinate,
    /// IANA time zone name; known to the bundled zone database.
    pub timezone: Box<str>,
    /// Local time of the daily hand-over, in minutes after midnight.
    pub cutoff_minutes: u16,
    /// Days on which it ships.
    pub working_days: WeekDays,
    /// Hours from release to hand-over.
    pub lead_hours: u32,
    /// Most shipments a day; `None` is unlimited.
    pub shipments_per_day: Option<u32>,
    /// Most units a day; `None` is unlimited.
    pub units_per_day: Option<u32>,
    /// Cents for each shipment.
    pub handling_per_shipment: Cents,
    /// Cents for each unit.
    pub handling_per_unit: Cents,
    /// Cents for each different SKU in a shipment: the walk to its shelf.
    pub handling_per_line: Cents,
    /// Cents for the carton of each parcel.
    pub packaging_per_parcel: Cents,
    /// Item classes beyond the ordinary that it can ship.
    pub abilities: Vec<Box<str>>,
    /// Units of every SKU that routing leaves there, for the customers in the shop.
    pub stock_buffer: Qty,
    /// Countries that it ships to; empty is everywhere.
    pub ships_to: Vec<Box<str>>,
}

/// A speed offered by a carrier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Service {
    /// Text id.
    pub id: Box<str>,
    /// Who carries.
    pub carrier: Box<str>,
    /// Days on which the carrier moves.
    pub works_on: WeekDays,
    /// Days on which it delivers; `None` is those on which it moves.
    pub delivers_on: Option<WeekDays>,
    /// Cubic centimetres that weigh one kilogram; `None` bills actual weight only.
    pub dim_divisor_cm3_per_kg: Option<u32>,
    /// Dimensional weight applies only to more than this many cubic centimetres.
    pub dim_threshold_cm3: u32,
    /// Billable weight is rounded up to a multiple of this; 1 for none.
    pub billing_step: Grams,
    /// Heaviest parcel by billable weight.
    pub max: Grams,
    /// The least that the tariff prices of a shipment's parcels come to together; 0 for none.
    pub minimum: Cents,
}

/// A distance band of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Zone {
    /// Of which service.
    pub service: ServiceId,
    /// Number of the zone, as in the tariff.
    pub zone: u8,
    /// Farthest great-circle distance, inclusive; `None` is open-ended.
    pub max_km: Option<u32>,
    /// Carrier's business days from hand-over to delivery.
    pub transit_days: u8,
}

/// A zone by postal prefixes; wins over distance. The longest match of origin, then of
/// destination, counts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ZonePair {
    /// Prefix of the origin's postal code.
    pub origin_prefix: Box<str>,
    /// Prefix of the destination's postal code.
    pub dest_prefix: Box<str>,
    /// Number of the zone, for every service.
    pub zone: u8,
}

/// A step of a tariff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct TariffStep {
    /// Of which service.
    pub service: ServiceId,
    /// Of which zone.
    pub zone: u8,
    /// Inclusive upper bound of the step, in grams of billable weight.
    pub max: Grams,
    /// Price of one parcel.
    pub cents: Cents,
}

/// A postal area with its centre.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Place {
    /// ISO 3166 two-letter country code.
    pub country: Box<str>,
    /// Start of the postal codes in it; may be empty for a whole country. The longest match counts.
    pub postal_prefix: Box<str>,
    /// Its centre.
    pub coordinate: Coordinate,
    /// People who live there; 0 where unknown.
    pub population: u64,
    /// Surcharge area that the place lies in; empty for none.
    pub area: Box<str>,
}

/// The surcharge area of every home, whatever its place: see [`ShipTo`](super::ShipTo).
pub const RESIDENTIAL: &str = "residential";

/// A part of a region: everything with a start of postal codes. A region may have many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct RegionPart {
    /// Name of the region.
    pub region: Box<str>,
    /// ISO 3166 two-letter country code.
    pub country: Box<str>,
    /// Start of the postal codes in it; empty for the whole country.
    pub postal_prefix: Box<str>,
}

/// What may not ship: everything that meets all of the conditions that are given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Restriction {
    /// Only from this location.
    pub location: Option<LocationId>,
    /// Only by this service.
    pub service: Option<ServiceId>,
    /// Only items of this class; empty for all.
    pub class: Box<str>,
    /// Only to this region; empty for everywhere.
    pub region: Box<str>,
}

/// What a carrier charges on top of the tariff for every parcel that meets all conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Surcharge {
    /// Of which service.
    pub service: ServiceId,
    /// Only parcels whose longest side is more than this many millimetres.
    pub over_length_mm: Option<u32>,
    /// Only parcels with more than this volume.
    pub over_cm3: Option<u32>,
    /// Only parcels with more than this billable weight.
    pub over: Option<Grams>,
    /// Only to this area: [`RESIDENTIAL`], or that of a place; empty for everywhere.
    pub area: Box<str>,
    /// Price for one parcel.
    pub cents: Cents,
}

/// What a SKU is, as far as shipping is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Item {
    /// Text id.
    pub sku: Box<str>,
    /// For people.
    pub name: Box<str>,
    /// Mass of one unit.
    pub grams: u32,
    /// Length, width and height of one unit in millimetres; zeros where unknown.
    pub size_mm: [u32; 3],
    /// Item class; empty, `standard` and `general` need no ability, any other name needs the
    /// location's ability of that name.
    pub class: Box<str>,
    /// Price of one unit.
    pub value: Cents,
    /// Whether every unit is a parcel by itself.
    pub ships_alone: bool,
}

/// Everything that changes rarely: where things ship from and what carriers charge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Network {
    /// For people.
    pub name: String,
    /// ISO 4217 code of all money.
    pub currency: String,
    /// Defaults of the routing objective.
    pub policy: Policy,
    /// Policy fields that replace the defaults, by the name of the preset that an order asks for.
    pub presets: Vec<(Box<str>, PolicyOverrides)>,
    /// Policy fields that replace the defaults, by selling channel.
    pub channels: Vec<(Box<str>, PolicyOverrides)>,
    /// Promise-from-incoming policy.
    pub promise: PromiseRules,
    /// How orders are placed anew, and how many units may wait.
    pub replan: ReplanRules,
    /// Which orders are suspected to be others again.
    pub duplicates: DuplicateRules,
    /// How long parts of orders may stand in which state, in place of the defaults.
    pub deadlines: Vec<DeadlineRow>,
    /// What resolves exceptions by itself; of several rules that fit the first counts.
    pub remedies: Vec<RemedyRow>,
    /// Thresholds of availability, where nobody has set one.
    pub thresholds: Vec<ThresholdRow>,
    /// Civil dates on which nobody ships, moves or delivers; ascending.
    pub holidays: Vec<Day>,
    /// Places that ship.
    pub locations: Vec<Location>,
    /// Carriers' services.
    pub services: Vec<Service>,
    /// Distance bands, by service and ascending distance.
    pub zones: Vec<Zone>,
    /// Zones by postal prefixes.
    pub zone_pairs: Vec<ZonePair>,
    /// Tariffs, by service, zone and ascending weight.
    pub tariffs: Vec<TariffStep>,
    /// Surcharges on top of the tariffs.
    pub surcharges: Vec<Surcharge>,
    /// Postal areas.
    pub places: Vec<Place>,
    /// What the regions of `restrictions` are.
    pub regions: Vec<RegionPart>,
    /// What may not ship where.
    pub restrictions: Vec<Restriction>,
    /// Prices of units kept for later promises.
    pub scarcity: Vec<ScarcityRow>,
    /// How such prices are made anew.
    pub pricing: PricingRules,
}

/// One row of `scarcity.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ScarcityRow {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// Price of a unit kept for later promises.
    pub cents: Cents,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_are_ranges_or_lists() {
        assert_eq!(WeekDays::parse("Mon-Fri"), Some(WeekDays(0b001_1111)));
        assert_eq!(WeekDays::parse("Sat-Mon"), Some(WeekDays(0b110_0001)));
        assert_eq!(WeekDays::parse("Mon Wed"), Some(WeekDays(0b000_0101)));
        assert_eq!(WeekDays::parse(""), None);
        assert_eq!(WeekDays::parse("Mon-Noday"), None);
        let friday = Day::parse("2026-11-27").unwrap();
        assert!(WeekDays::parse("Fri").unwrap().contains(friday));
    }
}
