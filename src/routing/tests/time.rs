//! The tables of days against walking from day to day.

use super::super::calendar::{Clock, Hours, WorkDays};
use super::kit::{Dice, at};
use crate::model::{Day, EpochMillis, Millis, WeekDays};
use jiff::civil::Time;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::Arc;

const NO_LEAD: Millis = Millis(0);

const ZONES: [&str; 8] = [
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    // Clocks change at midnight here.
    "America/Santiago",
    "Pacific/Apia",
];

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

fn holidays() -> Arc<[Day]> {
    ["2026-11-26", "2026-12-25", "2027-01-01", "2028-02-29"]
        .map(|d| Day::parse(d).unwrap())
        .into()
}

/// The first cut-off at or after `from`, found by walking.
fn walk(zone: &TimeZone, on: WeekDays, minutes: u16, from: EpochMillis) -> (EpochMillis, Day) {
    let moment = jiff::Timestamp::from_millisecond(from.0).unwrap();
    let mut date = zone.to_datetime(moment).date();
    #[allow(clippy::cast_possible_truncation, reason = "minutes of a day")]
    let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).unwrap();
    loop {
        let day = Day::from_date(date);
        let cutoff = zone.to_timestamp(date.to_datetime(time)).unwrap();
        let cutoff = EpochMillis(cutoff.as_millisecond());
        if on.contains(day) && !holidays().contains(&day) && cutoff >= from {
            return (cutoff, day);
        }
        date = date.tomorrow().unwrap();
    }
}

#[test]
fn cut_offs_are_those_of_a_walk_from_day_to_day() {
    let mut dice = Dice(11);
    for name in ZONES {
        let clock = Clock::of(name).unwrap();
        let zone = zone(name);
        for _ in 0..300 {
            let on = WeekDays(u8::try_from(1 + dice.below(127)).unwrap());
            let minutes = u16::try_from(dice.below(24 * 60)).unwrap();
            let work = Arc::new(WorkDays::new(on, &holidays()));
            let hours = Hours::new(Arc::clone(&clock), work, minutes, NO_LEAD);
            // Mostly around 2026, also before and after the tables.
            let span = if dice.once_in(10) { 80 } else { 3 };
            let from =
                at("2026-01-01T00:00:00Z").0 + dice.between(-span, span) * 31_557_600_000 / 2;
            let from = EpochMillis(from + dice.between(0, 31_557_600_000));
            let known = hours.handover(from);
            assert_eq!(
                known,
                Some(walk(&zone, on, minutes, from)),
                "{name} from {from}"
            );
        }
    }
}

#[test]
fn cut_offs_around_every_change_of_the_clocks() {
    for name in ZONES {
        let clock = Clock::of(name).unwrap();
        let zone = zone(name);
        let all = WeekDays(0b111_1111);
        let work = Arc::new(WorkDays::new(all, &holidays()));
        let from = jiff::Timestamp::from_millisecond(at("2024-01-01T00:00:00Z").0).unwrap();
        for change in zone.following(from).take(10) {
            let change = change.timestamp().as_millisecond();
            for minutes in (0..24 * 60).step_by(15) {
                let hours = Hours::new(Arc::clone(&clock), Arc::clone(&work), minutes, NO_LEAD);
                for before in [-90_000_000, -3_600_000, -1, 0, 1, 1_800_000, 7_200_000] {
                    let from = EpochMillis(change + before);
                    let found = hours.handover(from);
                    assert_eq!(
                        found,
                        Some(walk(&zone, all, minutes, from)),
                        "{name} {from}"
                    );
                }
            }
        }
    }
}

#[test]
fn local_dates_are_those_of_the_zone() {
    let mut dice = Dice(5);
    for name in ZONES {
        let clock = Clock::of(name).unwrap();
        let zone = zone(name);
        for _ in 0..5_000 {
            let moment = EpochMillis(dice.between(1_420_000_000_000, 3_100_000_000_000));
            let civil = zone.to_datetime(jiff::Timestamp::from_millisecond(moment.0).unwrap());
            assert_eq!(
                clock.date_of(moment),
                Some(Day::from_date(civil.date())),
                "{name}"
            );
        }
    }
}

#[test]
fn business_days_pass_over_weekends_holidays_and_leap_days() {
    let weekdays = WorkDays::new(WeekDays(0b001_1111), &holidays());
    let nth = |from: &str, more: u8| weekdays.nth(Day::parse(from).unwrap(), more).unwrap();
    // Thanksgiving is a Thursday; Friday works.
    assert_eq!(nth("2026-11-25", 1).to_string(), "2026-11-27");
    assert_eq!(nth("2026-11-26", 0).to_string(), "2026-11-27");
    assert_eq!(nth("2026-11-27", 1).to_string(), "2026-11-30");
    // Christmas and New Year are Fridays.
    assert_eq!(nth("2026-12-24", 1).to_string(), "2026-12-28");
    assert_eq!(nth("2026-12-31", 1).to_string(), "2027-01-04");
    assert_eq!(nth("2028-02-28", 1).to_string(), "2028-03-01");
    // Far outside the tables the walk answers.
    assert_eq!(nth("1999-12-31", 1).to_string(), "2000-01-03");
    assert_eq!(nth("2090-01-06", 0).to_string(), "2090-01-06");
}

#[test]
fn what_never_happens_is_said_so() {
    let never = Arc::new(WorkDays::new(WeekDays(0), &holidays()));
    assert_eq!(never.nth(Day(20_000), 0), None);
    let hours = Hours::new(Clock::of("UTC").unwrap(), never, 0, NO_LEAD);
    assert_eq!(hours.handover(at("2026-01-01T00:00:00Z")), None);
    let daily = Arc::new(WorkDays::new(WeekDays(127), &holidays()));
    let hours = Hours::new(Clock::of("UTC").unwrap(), daily, 0, NO_LEAD);
    for end in [EpochMillis::DISTANT_FUTURE, EpochMillis::DISTANT_PAST] {
        assert_eq!(hours.handover(end + Millis(0)), None, "{end}");
    }
    let unknown = Clock::of("Mars/Olympus").unwrap_err();
    assert_eq!(unknown.field, "timezone");
}
