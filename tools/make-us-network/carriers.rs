//! Carriers, zones and tariffs of our own making, at the level of published ones.
//!
//! Invariant: a price never falls with weight or with zone. Parcel prices climb in ounces to one
//! pound, jump there, then climb in pounds with knees at 5 and 20 lb, as published US parcel
//! prices do: postage is not linear in weight, and a test of a router must not make it so.

use std::fmt::Write;

/// Zones of every service: farthest distance in km. Bands of 50, 150, 300, 600, 1,000, 1,400 and
/// 1,800 miles, rounded to 10 km.
const ZONE_KM: [Option<u64>; 8] = [
    Some(80),
    Some(240),
    Some(480),
    Some(970),
    Some(1610),
    Some(2250),
    Some(2900),
    None,
];

/// Heaviest parcel: 70 lb in grams, rounded down.
const PARCEL_MAX_LB: u64 = 70;

/// A price that grows with the zone.
struct Rate {
    /// Cents in zone 1.
    cents: u64,
    /// % of that by zone.
    zones: [u64; 8],
}

impl Rate {
    /// Hundredths of a cent for `units`, in the zone at `zone`.
    const fn of(&self, units: u64, zone: usize) -> u64 {
        units * self.cents * self.zones[zone]
    }
}

const fn rate(cents: u64, zones: [u64; 8]) -> Rate {
    Rate { cents, zones }
}

/// A parcel service with its prices.
struct Parcel {
    id: &'static str,
    carrier: &'static str,
    works_on: &'static str,
    /// Empty: on the days on which it moves.
    delivers_on: &'static str,
    dim_divisor: u64,
    /// Business days by zone.
    transit_days: [u64; 8],
    /// Where the steps up to one pound end, in ounces.
    ounce_steps: &'static [u64],
    /// The first step.
    base: Rate,
    /// An ounce more, up to one pound.
    ounce: Rate,
    /// The jump from one pound to two.
    knee: Rate,
    /// A pound more: up to 5, 20, 30 and 70 lb.
    pounds: [Rate; 4],
}

const PARCELS: [Parcel; 3] = [
    Parcel {
        id: "ground",
        carrier: "Meridian Parcel",
        works_on: "Mon-Sat",
        delivers_on: "",
        dim_divisor: 6000,
        transit_days: [1, 1, 2, 2, 3, 4, 4, 5],
        ounce_steps: &[2, 4, 6, 8, 10, 12, 14, 16],
        base: rate(420, [100, 101, 102, 104, 107, 110, 113, 117]),
        ounce: rate(15, [100, 101, 108, 118, 126, 128, 134, 138]),
        knee: rate(100, [100, 103, 106, 112, 205, 320, 350, 400]),
        pounds: [
            rate(53, [100, 102, 108, 128, 170, 205, 240, 300]),
            rate(47, [100, 104, 116, 130, 150, 178, 216, 262]),
            rate(118, [100, 116, 142, 190, 290, 350, 410, 460]),
            rate(52, [100, 106, 116, 142, 218, 276, 334, 398]),
        ],
    },
    Parcel {
        id: "two_day",
        carrier: "Meridian Parcel",
        works_on: "Mon-Sat",
        delivers_on: "Mon-Fri",
        dim_divisor: 6000,
        transit_days: [1, 1, 2, 2, 2, 2, 2, 3],
        ounce_steps: &[8, 16],
        base: rate(815, [100, 102, 109, 115, 134, 149, 155, 157]),
        ounce: rate(0, [100; 8]),
        knee: rate(13, [100, 100, 110, 110, 1200, 1200, 1400, 1400]),
        pounds: [
            rate(76, [100, 103, 132, 190, 310, 440, 500, 520]),
            rate(61, [100, 103, 115, 140, 230, 262, 328, 384]),
            rate(116, [100, 120, 138, 168, 252, 314, 370, 460]),
            rate(61, [100, 108, 118, 146, 240, 256, 278, 322]),
        ],
    },
    Parcel {
        id: "overnight",
        carrier: "Kestrel Air",
        works_on: "Mon-Sun",
        delivers_on: "Mon-Sat",
        dim_divisor: 5000,
        transit_days: [1, 1, 1, 1, 1, 1, 1, 2],
        ounce_steps: &[8, 16],
        base: rate(2790, [100, 101, 103, 110, 124, 134, 142, 153]),
        ounce: rate(5, [100, 220, 560, 1050, 1500, 1700, 1760, 1780]),
        knee: rate(40, [100, 230, 560, 1050, 1500, 1700, 1760, 1780]),
        pounds: [
            rate(60, [100, 190, 420, 760, 1150, 1280, 1330, 1340]),
            rate(258, [100, 118, 174, 202, 217, 219, 229, 241]),
            rate(280, [100, 121, 187, 194, 210, 218, 224, 232]),
            rate(285, [100, 118, 178, 200, 216, 226, 236, 250]),
        ],
    },
];

/// Pallet freight for what is far too heavy for parcels.
const FREIGHT_TRANSIT_DAYS: [u64; 8] = [1, 2, 2, 3, 4, 5, 5, 6];
const FREIGHT_MAX_KG: u64 = 4000;
/// The least that a pallet shipment costs, in cents.
const FREIGHT_MIN: u64 = 14_000;
const FREIGHT_ZONE: [u64; 8] = [100, 110, 124, 142, 168, 196, 222, 246];

/// Weight of a parcel step in whole grams, rounded down so that no parcel pays too little.
const fn grams(sixteenths_of_pound: u64) -> u64 {
    sixteenths_of_pound * 45_359_237 / 1_600_000
}

impl Parcel {
    /// Cents for a parcel of `ounces`, in the zone at `zone`.
    fn price(&self, ounces: u64, zone: usize) -> u64 {
        let light = ounces.min(16) - self.ounce_steps[0];
        let mut price = self.base.of(1, zone) + self.ounce.of(light, zone);
        if ounces > 16 {
            let weight = ounces / 16;
            price += self.knee.of(1, zone);
            let bounds = [2, 5, 20, 30, PARCEL_MAX_LB];
            for (bound, rate) in bounds.windows(2).zip(&self.pounds) {
                let within = weight.min(bound[1]) - weight.min(bound[0]);
                price += rate.of(within, zone);
            }
            // Published prices are not smooth; a ripple below the price of a pound keeps the order.
            price += weight * 37 % 11 * 100;
        }
        price / 100
    }

    /// Where the steps end, in ounces.
    fn steps(&self) -> impl Iterator<Item = u64> {
        let pounds = (2..=PARCEL_MAX_LB).map(|pounds| pounds * 16);
        self.ounce_steps.iter().copied().chain(pounds)
    }
}

/// Where the freight steps end, in kg.
fn freight_steps() -> impl Iterator<Item = u64> {
    let light = (1..10).map(|n| n * 50);
    let middle = (5..20).map(|n| n * 100);
    light
        .chain(middle)
        .chain((4..=FREIGHT_MAX_KG / 500).map(|n| n * 500))
}

/// Cents for a pallet shipment: a minimum charge, then less per kg the heavier it is.
fn freight_price(kg: u64, zone: usize) -> u64 {
    let mut cents = 9_500;
    let bounds = [0, 100, 500, 2000, FREIGHT_MAX_KG];
    for (bound, per_kg) in bounds.windows(2).zip([55, 38, 24, 18]) {
        cents += (kg.min(bound[1]) - kg.min(bound[0])) * per_kg;
    }
    cents * FREIGHT_ZONE[zone] / 100
}

/// `services.csv`.
pub(crate) fn services_csv() -> String {
    let mut text = String::from(
        "service,carrier,works_on,dim_divisor_cm3_per_kg,dim_threshold_cm3,billing_step_grams,\
         max_grams,min_cents_per_shipment,delivers_on\n",
    );
    for p in &PARCELS {
        // One cubic foot is 28,317 cm³: smaller parcels pay for their mass alone.
        let max = grams(PARCEL_MAX_LB * 16);
        let _ = writeln!(
            text,
            "{},{},{},{},28317,1,{max},,{}",
            p.id, p.carrier, p.works_on, p.dim_divisor, p.delivers_on
        );
    }
    let _ = writeln!(
        text,
        "freight,Prairie Freight,Mon-Fri,4000,0,1,{},{FREIGHT_MIN},",
        FREIGHT_MAX_KG * 1000
    );
    text
}

/// Conditions of a surcharge (longest side, volume, weight, area) and cents by parcel service: parcels
/// over 48 inches, over 10,368 cubic inches, over 50 lb; homes; places off the mainland.
const SURCHARGES: [(&str, [u64; 3]); 5] = [
    ("1219,,,", [1_600, 1_600, 2_400]),
    (",169901,,", [2_900, 2_900, 3_600]),
    (",,22679,", [2_300, 2_300, 2_900]),
    (",,,residential", [290, 330, 370]),
    (",,,remote", [950, 1_400, 2_200]),
];

/// `surcharges.csv`. Freight has to be lifted off the lorry at a home.
pub(crate) fn surcharges_csv() -> String {
    let mut text = String::from("service,over_length_mm,over_cm3,over_grams,area,cents\n");
    for (number, p) in PARCELS.iter().enumerate() {
        for (conditions, cents) in SURCHARGES {
            let _ = writeln!(text, "{},{conditions},{}", p.id, cents[number]);
        }
    }
    text.push_str("freight,,,,residential,8500\nfreight,,,,remote,19500\n");
    text
}

/// `restrictions.csv`: dangerous goods do not fly, chilled goods travel on no pallet and not over the
/// sea, the furniture maker serves the mainland.
pub(crate) const RESTRICTIONS_CSV: &str = "\
location,service,class,region
,overnight,hazmat,
,two_day,hazmat,overseas
,freight,cold,
,,cold,overseas
SUP-HPT,,,overseas
";

/// `zones.csv`.
pub(crate) fn zones_csv() -> String {
    let mut text = String::from("service,zone,max_km,transit_days\n");
    let freight = [("freight", FREIGHT_TRANSIT_DAYS)];
    let services = PARCELS
        .iter()
        .map(|p| (p.id, p.transit_days))
        .chain(freight);
    for (id, transit_days) in services {
        for ((zone, km), days) in (1..).zip(ZONE_KM).zip(transit_days) {
            let km = km.map(|km| km.to_string()).unwrap_or_default();
            let _ = writeln!(text, "{id},{zone},{km},{days}");
        }
    }
    text
}

/// `tariffs.csv`.
pub(crate) fn tariffs_csv() -> String {
    let mut text = String::from("service,zone,max_grams,cents\n");
    for p in &PARCELS {
        for zone in 0..ZONE_KM.len() {
            for ounces in p.steps() {
                let (max, cents) = (grams(ounces), p.price(ounces, zone));
                let _ = writeln!(text, "{},{},{max},{cents}", p.id, zone + 1);
            }
        }
    }
    for zone in 0..ZONE_KM.len() {
        for kg in freight_steps() {
            let (max, cents) = (kg * 1000, freight_price(kg, zone));
            let _ = writeln!(text, "freight,{},{max},{cents}", zone + 1);
        }
    }
    text
}
