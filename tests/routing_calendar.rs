//! Hand-over and delivery against a walk: minute by minute on the location's clock until the cut-off,
//! day by day on the carrier's calendar until the delivery.
//!
//! The walk knows nothing of tables: it asks the time zone what its clocks show at every minute. Cases
//! are random dates from 2024 to 2040 in zones with every kind of daylight saving, half of them
//! around a change of the clocks, and known moments written down by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use allot::ledger::StockView;
use allot::model::{
    Cents, Coordinate, Day, EpochMillis, Grams, Location, LocationId, Millis, Network, Policy, Qty,
    Service, ServiceId, ShipTo, Shipment, ShipmentLine, SkuId, TariffStep, WeekDays, Zone,
};
use allot::routing::{Demand, Lanes, Request, price};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::HashSet;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Northern and southern daylight saving, half an hour of it, none, offsets of quarters of an hour,
/// a change at midnight, both ends of the calendar.
const ZONES: [&str; 15] = [
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/St_Johns",
    "America/Santiago",
    "Europe/London",
    "Europe/Berlin",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "UTC",
];

/// A place, a carrier, and something that is ready.
#[derive(Debug, Clone)]
struct Case {
    zone: &'static str,
    cutoff: u16,
    works: u8,
    lead_hours: u32,
    holidays: Vec<Day>,
    carrier: u8,
    delivers: Option<u8>,
    transit: u8,
    now: i64,
    deliver_by: Option<Day>,
}

impl Default for Case {
    /// A place that hands over at noon of every day to a carrier that delivers on the same day.
    fn default() -> Self {
        Self {
            zone: "UTC",
            cutoff: 12 * 60,
            works: 0b111_1111,
            lead_hours: 0,
            holidays: Vec::new(),
            carrier: 0b111_1111,
            delivers: None,
            transit: 0,
            now: 0,
            deliver_by: None,
        }
    }
}

/// What the router makes of it: one unit, ready now, a cent for every day until delivery and a
/// hundred for every day late.
fn routed(case: &Case) -> Shipment {
    let service = ServiceId(0);
    let network = Network {
        holidays: case.holidays.clone(),
        locations: vec![Location {
            id: "L".into(),
            country: "US".into(),
            postal: "1".into(),
            timezone: case.zone.into(),
            cutoff_minutes: case.cutoff,
            working_days: WeekDays(case.works),
            lead_hours: case.lead_hours,
            ..Location::default()
        }],
        services: vec![Service {
            id: "S".into(),
            works_on: WeekDays(case.carrier),
            delivers_on: case.delivers.map(WeekDays),
            billing_step: Grams(1),
            max: Grams(1_000),
            ..Service::default()
        }],
        zones: vec![Zone {
            service,
            zone: 1,
            max_km: None,
            transit_days: case.transit,
        }],
        tariffs: vec![TariffStep {
            service,
            zone: 1,
            max: Grams(1_000),
            cents: Cents(0),
        }],
        ..Network::default()
    };
    let lanes = Lanes::new(&network).unwrap();
    let to = ShipTo {
        country: "US".into(),
        coordinate: Some(Coordinate::default()),
        ..ShipTo::default()
    };
    let destination = lanes.destination(&to).unwrap();
    let demands = [Demand {
        sku: SkuId(0),
        qty: Qty(1),
        ..Demand::default()
    }];
    let mut stock = StockView::default();
    stock.push_line(SkuId(0));
    let now = EpochMillis(case.now);
    let request = Request {
        now,
        destination: &destination,
        deliver_by: case.deliver_by,
        deliver_by_is_hard: false,
        policy: Policy {
            speed_value_per_day: Cents(1),
            late_per_day: Cents(100),
            ..Policy::default()
        },
        demands: &demands,
        stock: &stock,
        excluded: &[],
        pickup: None,
        days: &[],
    };
    let line = ShipmentLine {
        demand: 0,
        qty: Qty(1),
    };
    let plan = price(&lanes, &request, &[(LocationId(0), now, vec![line])], &[]);
    plan.unwrap().shipments.remove(0)
}

/// What a location's clock shows.
fn shown(zone: &TimeZone, at: i64) -> DateTime {
    zone.to_datetime(Timestamp::from_millisecond(at).unwrap())
}

impl Case {
    fn is_holiday(&self, date: Date) -> bool {
        self.holidays.contains(&Day::from_date(date))
    }

    fn is_on(&self, days: u8, date: Date) -> bool {
        let weekday = date.weekday().to_monday_zero_offset();
        days >> weekday & 1 == 1 && !self.is_holiday(date)
    }

    /// The first cut-off at or after the lead time on a working day, and its local date. Every minute
    /// is looked at: the first one of a date at which the clock shows the cut-off is it. Of minutes
    /// that the clock skips each happens as much after the skip as it comes after the first of them.
    fn walk(&self) -> (i64, Date) {
        let zone = TimeZone::get(self.zone).unwrap();
        let from = self.now + i64::from(self.lead_hours) * 60 * MINUTE;
        // From the day before on, so that a cut-off that happens twice is seen the first time.
        let mut at = from.div_euclid(MINUTE) * MINUTE - 30 * 60 * MINUTE;
        let mut expected = shown(&zone, at);
        let mut seen: HashSet<Date> = HashSet::new();
        loop {
            let shows = shown(&zone, at);
            let mut passed = vec![(shows, at)];
            let (mut skipped, mut later) = (expected, at);
            while skipped < shows {
                passed.push((skipped, later));
                skipped = skipped.checked_add(Span::new().minutes(1)).unwrap();
                later += MINUTE;
            }
            for (time, moment) in passed {
                let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
                if minutes == i64::from(self.cutoff)
                    && seen.insert(time.date())
                    && moment >= from
                    && self.is_on(self.works, time.date())
                {
                    return (moment, time.date());
                }
            }
            expected = shows.checked_add(Span::new().minutes(1)).unwrap();
            at += MINUTE;
        }
    }

    /// The date of delivery of what the carrier gets on `date`.
    fn deliver(&self, date: Date) -> Date {
        let delivers = self.delivers.unwrap_or(self.carrier);
        let until = |date: Date, days: u8| {
            let mut date = date;
            while !self.is_on(days, date) {
                date = date.tomorrow().unwrap();
            }
            date
        };
        let mut date = until(date, self.carrier);
        for day in 1..=self.transit {
            let days = if day == self.transit {
                delivers
            } else {
                self.carrier
            };
            date = until(date.tomorrow().unwrap(), days);
        }
        until(date, delivers)
    }

    fn judge(&self) -> Result<(), TestCaseError> {
        let (found, (cut_off, date)) = (routed(self), self.walk());
        prop_assert_eq!(found.ship_at, EpochMillis(cut_off));
        let delivered = self.deliver(date);
        prop_assert_eq!(found.deliver_on.date(), delivered);
        let zone = TimeZone::get(self.zone).unwrap();
        let today = shown(&zone, self.now).date();
        let days = i64::from(today.until(delivered).unwrap().get_days());
        prop_assert_eq!(found.cents.speed, Cents(days));
        let late = self.deliver_by.map_or(0, |by| {
            i64::from(by.date().until(delivered).unwrap().get_days()).max(0)
        });
        prop_assert_eq!(found.cents.late, Cents(100 * late));
        let need_at = cut_off - i64::from(self.lead_hours) * 60 * MINUTE;
        prop_assert_eq!(found.need_at, EpochMillis(self.now.max(need_at)));
        Ok(())
    }
}

fn moment(text: &str) -> i64 {
    EpochMillis::parse(text).unwrap().0
}

/// The changes of a zone's clocks from 2024 to 2040.
fn changes(zone: &str) -> Vec<i64> {
    let zone = TimeZone::get(zone).unwrap();
    let first = Timestamp::from_millisecond(moment("2024-01-01T00:00:00Z")).unwrap();
    let end = moment("2041-01-01T00:00:00Z");
    let all = zone
        .following(first)
        .map(|t| t.timestamp().as_millisecond());
    all.take_while(|&at| at < end).collect()
}

fn cases() -> impl Strategy<Value = Case> {
    let days = 1u8..128;
    let place = (
        proptest::sample::select(&ZONES[..]),
        any::<bool>(),
        any::<proptest::sample::Index>(),
        moment("2024-01-01T00:00:00Z")..moment("2041-01-01T00:00:00Z"),
        0u16..1440,
        days.clone(),
        proptest::sample::select(&[0u32, 0, 1, 2, 4, 24, 30, 72][..]),
    );
    let carrier = (
        days.clone(),
        proptest::option::of(days),
        0u8..8,
        proptest::collection::vec(-2i32..16, 0..4),
        proptest::option::of(-2i32..20),
    );
    (place, carrier).prop_map(|(place, carrier)| {
        let (zone, near, which, any_moment, cutoff, works, lead_hours) = place;
        let (carrier, delivers, transit, holidays, by) = carrier;
        let changes = changes(zone);
        let (mut now, mut cutoff) = (any_moment, cutoff);
        if near && !changes.is_empty() {
            // Within a day and a half of the change, to the millisecond; in the small hours.
            let change = changes[which.index(changes.len())];
            now = change + any_moment % (3 * DAY) - 3 * DAY / 2;
            if any_moment % 3 == 0 {
                now = change + any_moment % 5 - 2;
            }
            cutoff %= 5 * 60;
        }
        let today = Day(i32::try_from(now.div_euclid(DAY)).unwrap());
        let mut holidays: Vec<Day> = holidays.into_iter().map(|days| today + days).collect();
        holidays.sort_unstable();
        holidays.dedup();
        Case {
            zone,
            cutoff,
            works,
            lead_hours,
            holidays,
            carrier,
            delivers,
            transit,
            now,
            deliver_by: by.map(|days| today + days),
        }
    })
}

/// `ALLOT_CALENDAR_CASES` says how many.
#[test]
fn hand_over_and_delivery_are_those_of_a_walk() {
    let cases_max = std::env::var("ALLOT_CALENDAR_CASES");
    let config = Config {
        cases: cases_max.map_or(1_000, |text| text.parse().unwrap()),
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    runner.run(&cases(), |case| case.judge()).unwrap();
}

/// Every change of the clocks of every zone from 2024 to 2040: cut-offs before, in and after the time
/// that is skipped or happens twice, for what is ready around it.
#[test]
fn every_change_of_the_clocks() {
    let mut judged = 0;
    for zone in ZONES {
        // The years are alike; each kind of change once, in its first and its last year.
        let changes = changes(zone);
        let ends = changes.iter().take(2).chain(changes.iter().rev().take(2));
        for &change in ends {
            let clock = TimeZone::get(zone).unwrap();
            let shows = shown(&clock, change - 1);
            let around = i64::from(shows.hour()) * 60 + i64::from(shows.minute());
            for minutes in [-61, -31, -30, 0, 1, 29, 30, 31, 59, 60, 61] {
                for ready in [
                    -3_600_001, -1_800_000, -1, 0, 1, 1_799_999, 3_600_000, 3_600_001,
                ] {
                    let case = Case {
                        zone,
                        cutoff: u16::try_from((around + minutes).rem_euclid(1440)).unwrap(),
                        now: change + ready,
                        ..Case::default()
                    };
                    case.judge().unwrap();
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 3_000, "only {judged} were judged");
}

/// A location hands over at the first moment that its clock shows the time, and as much later as the
/// clocks skip where it never does.
#[test]
fn known_cut_offs() {
    let known = [
        // Clocks go from 02:00 to 03:00: half past two is half past three.
        (
            "America/New_York",
            "02:30",
            "2027-03-14T00:00:00Z",
            "2027-03-14T07:30:00Z",
        ),
        // From 02:00 back to 01:00: half past one happens twice, the first one counts,
        (
            "America/New_York",
            "01:30",
            "2026-11-01T04:00:00Z",
            "2026-11-01T05:30:00Z",
        ),
        // and who misses it by a millisecond waits until tomorrow.
        (
            "America/New_York",
            "01:30",
            "2026-11-01T05:30:00.001Z",
            "2026-11-02T06:30:00Z",
        ),
        (
            "America/New_York",
            "17:00",
            "2026-10-31T21:00:00Z",
            "2026-10-31T21:00:00Z",
        ),
        (
            "America/New_York",
            "17:00",
            "2026-10-31T21:00:00.001Z",
            "2026-11-01T22:00:00Z",
        ),
        (
            "Europe/London",
            "01:30",
            "2026-03-28T12:00:00Z",
            "2026-03-29T01:30:00Z",
        ),
        (
            "Europe/London",
            "01:30",
            "2026-10-24T12:00:00Z",
            "2026-10-25T00:30:00Z",
        ),
        (
            "Europe/London",
            "17:00",
            "2026-03-29T00:00:00Z",
            "2026-03-29T16:00:00Z",
        ),
        // South of the equator spring is in October.
        (
            "Australia/Sydney",
            "02:30",
            "2026-10-03T12:00:00Z",
            "2026-10-03T16:30:00Z",
        ),
        (
            "Australia/Sydney",
            "02:30",
            "2027-04-03T12:00:00Z",
            "2027-04-03T15:30:00Z",
        ),
        (
            "Australia/Sydney",
            "02:30",
            "2027-04-03T15:30:00.001Z",
            "2027-04-04T16:30:00Z",
        ),
        // Half an hour of daylight saving.
        (
            "Australia/Lord_Howe",
            "02:15",
            "2026-10-03T12:00:00Z",
            "2026-10-03T15:45:00Z",
        ),
        // No daylight saving; a zone of half hours.
        (
            "America/Phoenix",
            "17:00",
            "2026-07-01T12:00:00Z",
            "2026-07-02T00:00:00Z",
        ),
        (
            "America/Phoenix",
            "17:00",
            "2026-12-01T12:00:00Z",
            "2026-12-02T00:00:00Z",
        ),
        (
            "Asia/Kolkata",
            "17:00",
            "2026-11-23T00:00:00Z",
            "2026-11-23T11:30:00Z",
        ),
        // Clocks go from 24:00 to 01:00 of the same night.
        (
            "America/Santiago",
            "00:15",
            "2026-09-05T12:00:00Z",
            "2026-09-06T04:15:00Z",
        ),
        // The year's end, on either side of the date line.
        (
            "Pacific/Kiritimati",
            "09:00",
            "2026-12-31T12:00:00Z",
            "2026-12-31T19:00:00Z",
        ),
        (
            "America/New_York",
            "23:59",
            "2027-01-01T04:59:00.001Z",
            "2027-01-02T04:59:00Z",
        ),
    ];
    for (zone, cutoff, ready, ship_at) in known {
        let (hours, minutes) = cutoff.split_once(':').unwrap();
        let number = |text: &str| text.parse::<u16>().unwrap();
        let case = Case {
            zone,
            cutoff: number(hours) * 60 + number(minutes),
            now: moment(ready),
            ..Case::default()
        };
        let found = routed(&case).ship_at;
        assert_eq!(
            found,
            EpochMillis(moment(ship_at)),
            "{zone} {cutoff} {ready}"
        );
        case.judge().unwrap();
    }
}

/// Monday to Friday unless said otherwise; handed over at noon UTC.
#[test]
fn known_deliveries() {
    const WEEK: u8 = 0b001_1111;
    const SATURDAY_TOO: u8 = 0b011_1111;
    let known = [
        // 2028 is a leap year: Monday 28, Tuesday 29, Wednesday 1.
        (WEEK, None, 1, "2028-02-28", "2028-02-29"),
        (WEEK, None, 2, "2028-02-28", "2028-03-01"),
        (WEEK, None, 1, "2028-02-29", "2028-03-01"),
        (WEEK, None, 1, "2027-02-26", "2027-03-01"),
        // 2100 is none: Friday 26, Sunday 28, Monday 1. 2000 was one.
        (WEEK, None, 1, "2100-02-26", "2100-03-01"),
        (0b111_1111, None, 1, "2100-02-28", "2100-03-01"),
        (0b111_1111, None, 1, "2000-02-28", "2000-02-29"),
        // Over the year's end; New Year's Day 2027 is a Friday and a holiday.
        (WEEK, None, 1, "2026-12-31", "2027-01-04"),
        (SATURDAY_TOO, None, 1, "2026-12-31", "2027-01-02"),
        // Friday to Saturday where the carrier delivers on Saturdays, else to Monday.
        (WEEK, Some(SATURDAY_TOO), 1, "2026-11-20", "2026-11-21"),
        (SATURDAY_TOO, Some(WEEK), 1, "2026-11-20", "2026-11-23"),
        (SATURDAY_TOO, Some(WEEK), 2, "2026-11-19", "2026-11-23"),
        (SATURDAY_TOO, None, 2, "2026-11-19", "2026-11-21"),
        // Thanksgiving is a holiday.
        (WEEK, None, 1, "2026-11-25", "2026-11-27"),
        // Far from every table.
        (WEEK, None, 3, "2399-12-31", "2400-01-05"),
    ];
    for (carrier, delivers, transit, ready, deliver_on) in known {
        let case = Case {
            carrier,
            delivers,
            transit,
            holidays: ["2026-11-26", "2027-01-01"]
                .map(|day| Day::parse(day).unwrap())
                .to_vec(),
            now: moment(&format!("{ready}T09:00:00Z")),
            ..Case::default()
        };
        let found = routed(&case);
        assert_eq!(found.deliver_on.to_string(), deliver_on, "{case:?}");
        case.judge().unwrap();
    }
}

/// The lead time is real hours, not the clock's: a night that is an hour short leaves less of it.
#[test]
fn a_lead_time_is_hours_that_pass() {
    let case = Case {
        zone: "America/New_York",
        cutoff: 17 * 60,
        lead_hours: 24,
        // Five in the afternoon of the day before the clocks go forward.
        now: moment("2027-03-13T22:00:00Z"),
        ..Case::default()
    };
    // 24 hours later it is six; the cut-off at five is missed.
    let a_day_later = EpochMillis(moment("2027-03-15T21:00:00Z"));
    assert_eq!(routed(&case).ship_at, a_day_later);
    let earlier = Case {
        now: moment("2027-03-13T21:00:00Z"),
        ..case
    };
    let made = EpochMillis(moment("2027-03-14T21:00:00Z"));
    assert_eq!(routed(&earlier).ship_at, made);
    assert_eq!(routed(&earlier).need_at, made - Millis::from_hours(24));
}
