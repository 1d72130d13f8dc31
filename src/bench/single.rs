//! Single orders with their stock already gathered, of any number of lines and locations: what the
//! router is measured on.
//!
//! The network has all that makes routing hard: three services over eight zones with forty weight
//! steps, dimensional weight, four time zones with two cut-offs, holidays, handling by shipment and
//! unit. With [`Mix::extras`] also a carrier's minimum, surcharges by weight and for homes, cartons,
//! handling by line and stock buffers.

use super::random::Random;
use crate::ledger::StockView;
use crate::model::{
    Cents, Coordinate, Day, EpochMillis, Grams, Location, LocationId, LocationKind, Millis,
    Network, Place, Policy, Qty, RESIDENTIAL, Restriction, Service, ServiceId, ShipTo, SkuId,
    Surcharge, TariffStep, WeekDays, Zone,
};
use crate::routing::{Demand, Destination, Lanes, Request};
use std::sync::Arc;

const SERVICES: u16 = 3;
const ZONES: u8 = 8;
/// Weight steps of a tariff.
pub const BRACKETS: u64 = 40;
/// Grams of a weight step.
pub const BRACKET_GRAMS: u64 = 500;

/// The class of the items that the cheapest service does not take.
const REFUSED: &str = "bulky";
/// Units of what is wanted and there where lines have hundreds of them.
const MANY: u32 = 40;

/// What makes orders harder to prove than their size does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Odd {
    /// Nothing.
    #[default]
    None,
    /// One item in three ships alone: every unit is a parcel.
    Alone,
    /// The cheapest service does not take one item in three.
    Refused,
    /// Carriers charge for one item in three by its length, and for large parcels.
    Sized,
    /// Lines have hundreds of units, of light things.
    Many,
    /// The same of heavy things.
    Heavy,
    /// All locations are in one place and ask the same.
    Alike,
    /// Alone, refused and sized.
    All,
}

impl Odd {
    /// Whether it is this one, or all of them.
    fn is(self, one: Self) -> bool {
        self == one
            || (self == Self::All && matches!(one, Self::Alone | Self::Refused | Self::Sized))
    }

    fn many(self) -> bool {
        matches!(self, Self::Many | Self::Heavy)
    }
}

/// What orders to make.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// Lines of an order, each another item.
    pub lines: u32,
    /// Locations of the network.
    pub locations: u16,
    /// Percent of the locations that hold an item.
    pub stocked: u64,
    /// Percent of the lines that want more than any location has.
    pub scattered: u64,
    /// Whether carriers and locations charge all that they can.
    pub extras: bool,
    /// What else is odd about them.
    pub odd: Odd,
    /// How many orders.
    pub orders: usize,
}

/// A network and orders for it.
#[derive(Debug)]
pub struct World {
    /// Where it ships from.
    pub locations: Vec<Location>,
    /// The network, compiled.
    pub lanes: Lanes,
    /// The orders.
    pub orders: Vec<Single>,
}

/// An order, ready to route.
#[derive(Debug)]
pub struct Single {
    /// The moment of the decision.
    pub now: EpochMillis,
    /// Where it goes.
    pub destination: Arc<Destination>,
    /// What is wanted.
    pub demands: Vec<Demand>,
    /// What may be promised.
    pub stock: StockView,
    /// Weights and limits.
    pub policy: Policy,
}

impl Single {
    /// The question to the router.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request {
            now: self.now,
            destination: &self.destination,
            deliver_by: None,
            deliver_by_is_hard: false,
            policy: self.policy,
            demands: &self.demands,
            stock: &self.stock,
            excluded: &[],
            pickup: None,
            days: &[],
        }
    }
}

impl World {
    /// The world of a seed.
    ///
    /// # Panics
    /// Never: what it makes is valid.
    #[must_use]
    pub fn new(mix: Mix, seed: u64) -> Self {
        let mut dice =
            Random::new(seed ^ u64::from(mix.lines) << 32 ^ u64::from(mix.locations) << 8);
        let network = network(&mut dice, mix);
        let lanes = Lanes::new(&network).expect("the network is sound");
        let orders = (0..mix.orders)
            .map(|_| order(&mut dice, &lanes, mix))
            .collect();
        Self {
            locations: network.locations,
            lanes,
            orders,
        }
    }
}

/// Where all locations are that are alike.
const CENTRE: Coordinate = Coordinate {
    lat_e6: 39_100_000,
    lon_e6: -94_600_000,
};

fn small(dice: &mut Random, bound: u32) -> u32 {
    u32::try_from(dice.below(u64::from(bound))).unwrap_or(0)
}

fn cents(dice: &mut Random, bound: u32) -> Cents {
    Cents(i64::from(small(dice, bound)))
}

/// Somewhere in the contiguous United States.
fn spot(dice: &mut Random) -> Coordinate {
    let offset = |n| i32::try_from(n).unwrap_or(0);
    Coordinate {
        lat_e6: 30_000_000 + offset(dice.below(17_000_000)),
        lon_e6: -121_000_000 + offset(dice.below(47_000_000)),
    }
}

fn location(dice: &mut Random, mix: Mix, number: u16) -> Location {
    let made = any_location(dice, mix, if mix.odd == Odd::Alike { 0 } else { number });
    Location {
        id: format!("L{number}").into(),
        ..made
    }
}

fn any_location(dice: &mut Random, mix: Mix, number: u16) -> Location {
    let zones = ["New_York", "Chicago", "Denver", "Los_Angeles"];
    let unlike = |dice: &mut Random, bound| match mix.odd {
        Odd::Alike => Cents(0),
        _ => cents(dice, bound),
    };
    let extra = |dice: &mut Random, bound| {
        if mix.extras {
            cents(dice, bound)
        } else {
            Cents(0)
        }
    };
    Location {
        kind: LocationKind::DistributionCentre,
        country: "US".into(),
        coordinate: match mix.odd {
            Odd::Alike => CENTRE,
            _ => spot(dice),
        },
        timezone: format!("America/{}", zones[usize::from(number % 4)]).into(),
        cutoff_minutes: if number % 8 < 4 { 14 * 60 } else { 17 * 60 },
        working_days: WeekDays(0b001_1111),
        lead_hours: 2,
        handling_per_shipment: Cents(80) + unlike(dice, 100),
        handling_per_unit: Cents(10) + unlike(dice, 30),
        abilities: match mix.odd.is(Odd::Refused) {
            true => vec![REFUSED.into()],
            false => Vec::new(),
        },
        handling_per_line: extra(dice, 20),
        packaging_per_parcel: extra(dice, 2) + extra(dice, 2),
        stock_buffer: Qty(u32::from(mix.extras && number.is_multiple_of(3))),
        ..Location::default()
    }
}

fn network(dice: &mut Random, mix: Mix) -> Network {
    let mut network = Network {
        locations: (0..mix.locations)
            .map(|number| location(dice, mix, number))
            .collect(),
        holidays: Day::parse("2026-11-26").into_iter().collect(),
        ..Network::default()
    };
    for service in 0..SERVICES {
        add_service(&mut network, mix, service);
    }
    network.places = (0..100)
        .map(|prefix| Place {
            country: "US".into(),
            postal_prefix: format!("{prefix:02}").into(),
            coordinate: spot(dice),
            ..Place::default()
        })
        .collect();
    network
}

fn add_service(network: &mut Network, mix: Mix, service: u16) {
    let (days, base) = [(5, 620), (2, 1_150), (1, 2_300)][usize::from(service)];
    let id = ServiceId(service);
    network.services.push(Service {
        id: format!("S{service}").into(),
        carrier: "C".into(),
        works_on: WeekDays(0b001_1111),
        // 5 cm³ weigh a gram: sizes are multiples of that, so that a linear model can say it.
        dim_divisor_cm3_per_kg: Some(5_000),
        billing_step: Grams(1),
        max: Grams(BRACKETS * BRACKET_GRAMS),
        minimum: Cents(if mix.extras { base + 60 } else { 0 }),
        ..Service::default()
    });
    if mix.extras {
        let rule = |area: &str, over: Option<u64>, cents: i64| Surcharge {
            service: id,
            area: area.into(),
            over: over.map(Grams),
            cents: Cents(cents),
            ..Surcharge::default()
        };
        network.surcharges.push(rule(RESIDENTIAL, None, 145));
        network.surcharges.push(rule("", Some(7_000), 310));
    }
    if mix.odd.is(Odd::Sized) {
        let rule = |over_length_mm, over_cm3, cents| Surcharge {
            service: id,
            over_length_mm,
            over_cm3,
            cents: Cents(cents),
            ..Surcharge::default()
        };
        network.surcharges.push(rule(Some(1_200), None, 1_650));
        network.surcharges.push(rule(None, Some(28_000), 890));
    }
    if mix.odd.is(Odd::Refused) && service == 0 {
        network.restrictions.push(Restriction {
            service: Some(id),
            class: REFUSED.into(),
            ..Restriction::default()
        });
    }
    for zone in 1..=ZONES {
        network.zones.push(Zone {
            service: id,
            zone,
            max_km: (zone < ZONES).then_some(u32::from(zone) * 550),
            transit_days: days.min(zone),
        });
        for bracket in 1..=BRACKETS {
            let steps = i64::try_from(bracket).unwrap_or(0) - 1;
            let zone_cents = i64::from(zone);
            network.tariffs.push(TariffStep {
                service: id,
                zone,
                max: Grams(bracket * BRACKET_GRAMS),
                cents: Cents(base + 35 * zone_cents + (12 + 9 * zone_cents) * steps),
            });
        }
    }
}

fn make_odd(dice: &mut Random, lanes: &Lanes, odd: Odd, demand: &mut Demand) {
    demand.ships_alone = odd.is(Odd::Alone) && dice.chance(33);
    if odd.is(Odd::Refused) && dice.chance(33) {
        demand.class = lanes.class(REFUSED);
    }
    if odd.is(Odd::Sized) {
        demand.longest_mm = if dice.chance(33) { 1_300 } else { 300 };
    }
    if odd.many() {
        demand.qty = Qty(demand.qty.0 * MANY + small(dice, MANY));
    }
    if odd == Odd::Many {
        demand.grams /= 20;
        demand.volume_mm3 /= 20;
    }
}

fn order(dice: &mut Random, lanes: &Lanes, mix: Mix) -> Single {
    let to = ShipTo {
        country: "US".into(),
        postal: format!("{:02}", dice.below(100)).into(),
        residential: mix.extras && dice.chance(50),
        ..ShipTo::default()
    };
    let large = mix.lines > 16;
    let demands: Vec<Demand> = (0..mix.lines)
        .map(|sku| {
            let scattered = dice.chance(mix.scattered);
            let mut demand = Demand {
                sku: SkuId(sku),
                qty: Qty(1 + small(dice, 3) + if scattered { 8 } else { 0 }),
                may_split: scattered,
                grams: if large {
                    20 + small(dice, 100)
                } else {
                    100 + small(dice, 1_200)
                },
                volume_mm3: 5_000 * dice.below(if large { 100 } else { 1_000 }),
                class: lanes.class("standard"),
                ..Demand::default()
            };
            make_odd(dice, lanes, mix.odd, &mut demand);
            demand
        })
        .collect();
    let mut stock = StockView::default();
    for demand in &demands {
        stock.push_line(demand.sku);
        for location in 0..mix.locations {
            if dice.chance(mix.stocked) {
                let mut units = 1 + small(dice, 8);
                if mix.odd.many() {
                    units = units * MANY + small(dice, MANY);
                }
                stock.push_cell(LocationId(location), Qty(units), &[]);
            }
        }
    }
    let monday = EpochMillis::parse("2026-11-16T15:00:00Z").unwrap_or_default();
    Single {
        now: monday + Millis(dice.below(4 * 86_400_000)),
        destination: lanes.destination(&to).expect("all places are known"),
        demands,
        stock,
        policy: Policy {
            max_shipments: if large { 8 } else { 3 },
            ..Policy::default()
        },
    }
}
