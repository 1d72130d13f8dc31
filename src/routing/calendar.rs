//! Civil time: when a location hands over, on which date a carrier delivers.
//!
//! Everything is looked up in tables that cover [`FIRST`] to [`LAST`]; outside of them the same
//! answers are worked out day by day, slower. Zones come from the database inside the program,
//! never from the machine, so that every machine has the same ones.
//!
//! A cut-off that the clocks skip happens as much later as they skip; one that happens twice
//! counts the first time.

use crate::model::{Day, EpochMillis, Invalid, Millis, WeekDays};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// First date in the tables: 2015-01-01.
const FIRST: i32 = 16_436;
/// First date after the tables: 2065-01-01.
const LAST: i32 = 34_699;
/// Milliseconds of an ordinary day.
const DAY_MILLIS: i64 = 86_400_000;
/// Farthest that a search outside the tables walks.
const WALK_DAYS_MAX: i32 = 4_000;

/// The local dates of one time zone.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    /// The first millisecond of every local date from `FIRST` to `LAST`, both included.
    starts: Box<[i64]>,
}

/// Zones already tabled: at most as many as the database has, about 150 KB each.
static CLOCKS: LazyLock<Mutex<HashMap<String, Arc<Clock>>>> = LazyLock::new(Mutex::default);
/// The database inside the program.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

impl Clock {
    /// The clock of an IANA zone.
    pub(super) fn of(name: &str) -> Result<Arc<Self>, Invalid> {
        let zone = ZONES.get(name).map_err(|_| {
            let expected = "the name of an IANA time zone, e.g. America/Chicago";
            Invalid::new("timezone", name, expected)
        })?;
        let known = zone.iana_name().unwrap_or(name).to_owned();
        let mut clocks = CLOCKS.lock();
        let clock = clocks
            .entry(known)
            .or_insert_with(|| Arc::new(Self::tabled(zone)));
        Ok(Arc::clone(clock))
    }

    fn tabled(zone: TimeZone) -> Self {
        let mut starts = Vec::with_capacity(usize::try_from(LAST - FIRST).unwrap_or(0) + 1);
        // Between two transitions the offset stands still; only near one is the zone asked.
        let mut near = Vec::new();
        let from = jiff::Timestamp::from_millisecond(i64::from(FIRST - 3) * DAY_MILLIS);
        if let Ok(from) = from {
            near.extend(
                zone.following(from)
                    .map(|t| t.timestamp().as_millisecond().div_euclid(DAY_MILLIS))
                    .take_while(|&day| day <= i64::from(LAST) + 3),
            );
        }
        let mut next = 0;
        let mut offset = None;
        for day in FIRST..=LAST {
            while near.get(next).is_some_and(|&t| t < i64::from(day) - 2) {
                next += 1;
            }
            let moving = near.get(next).is_some_and(|&t| t <= i64::from(day) + 2);
            let utc = i64::from(day) * DAY_MILLIS;
            let start = match offset {
                Some(offset) if !moving => utc - offset,
                _ => start_of(&zone, Day(day)).unwrap_or(utc),
            };
            offset = (!moving).then_some(utc - start);
            starts.push(start);
        }
        Self {
            zone,
            starts: starts.into_boxed_slice(),
        }
    }

    /// The local date at a moment; `None` beyond the calendar.
    pub(super) fn date_of(&self, at: EpochMillis) -> Option<Day> {
        let guess = at.0.div_euclid(DAY_MILLIS) - i64::from(FIRST);
        let last = self.starts.len() - 1;
        if let Ok(mut row) = usize::try_from(guess)
            && row > 0
            && row + 1 < last
        {
            // Local midnight is within a day of midnight in UTC.
            if self.starts[row] > at.0 {
                row -= 1;
            } else if self.starts[row + 1] <= at.0 {
                row += 1;
            }
            return Some(Day(FIRST + i32::try_from(row).ok()?));
        }
        let moment = jiff::Timestamp::from_millisecond(at.0).ok()?;
        Some(Day::from_date(self.zone.to_datetime(moment).date()))
    }

    /// The moment at which the local clock shows `minutes` after midnight on `day`.
    fn at(&self, day: Day, minutes: u16) -> Option<EpochMillis> {
        let row = usize::try_from(i64::from(day.0) - i64::from(FIRST)).ok();
        if let Some(row) = row
            && let Some(&[start, end]) = self.starts.get(row..row + 2)
            && end - start == DAY_MILLIS
        {
            return Some(EpochMillis(start + i64::from(minutes) * 60_000));
        }
        let (hour, minute) = (
            i8::try_from(minutes / 60).ok()?,
            i8::try_from(minutes % 60).ok()?,
        );
        let time = jiff::civil::Time::new(hour, minute, 0, 0).ok()?;
        let moment = self.zone.to_timestamp(day.date().to_datetime(time)).ok()?;
        Some(EpochMillis(moment.as_millisecond()))
    }
}

fn start_of(zone: &TimeZone, day: Day) -> Option<i64> {
    let midnight = day.date().to_datetime(jiff::civil::Time::midnight());
    Some(zone.to_timestamp(midnight).ok()?.as_millisecond())
}

/// The dates on which somebody works: some weekdays, no holidays.
#[derive(Debug)]
pub(super) struct WorkDays {
    on: WeekDays,
    holidays: Arc<[Day]>,
    /// For every date from `FIRST`: how many working days come before it in the table.
    rank: Box<[u32]>,
    /// The working days, ascending.
    days: Box<[i32]>,
}

impl WorkDays {
    /// `holidays` are ascending.
    pub(super) fn new(on: WeekDays, holidays: &Arc<[Day]>) -> Self {
        let mut rank = Vec::with_capacity(usize::try_from(LAST - FIRST).unwrap_or(0));
        let mut days = Vec::new();
        for day in FIRST..LAST {
            rank.push(u32::try_from(days.len()).unwrap_or(u32::MAX));
            if on.contains(Day(day)) && holidays.binary_search(&Day(day)).is_err() {
                days.push(day);
            }
        }
        Self {
            on,
            holidays: Arc::clone(holidays),
            rank: rank.into_boxed_slice(),
            days: days.into_boxed_slice(),
        }
    }

    /// The weekdays it was made for.
    pub(super) fn weekdays(&self) -> WeekDays {
        self.on
    }

    /// The first working day on or after `day`, then `more` further ones later.
    pub(super) fn nth(&self, day: Day, more: u8) -> Option<Day> {
        let row = usize::try_from(i64::from(day.0) - i64::from(FIRST)).ok();
        if let Some(&rank) = row.and_then(|row| self.rank.get(row))
            && let Some(&found) = self.days.get(rank as usize + usize::from(more))
        {
            return Some(Day(found));
        }
        self.walk(day, more)
    }

    fn walk(&self, day: Day, more: u8) -> Option<Day> {
        let mut left = more;
        for step in 0..WALK_DAYS_MAX {
            let day = Day(day.0.checked_add(step)?);
            if self.on.contains(day) && self.holidays.binary_search(&day).is_err() {
                if left == 0 {
                    return Some(day);
                }
                left -= 1;
            }
        }
        None
    }
}

/// When a location hands over to carriers; shared by the locations that have the same hours.
#[derive(Debug)]
pub(super) struct Hours {
    clock: Arc<Clock>,
    work: Arc<WorkDays>,
    cutoff_minutes: u16,
    lead: Millis,
}

impl Hours {
    pub(super) fn new(
        clock: Arc<Clock>,
        work: Arc<WorkDays>,
        cutoff_minutes: u16,
        lead: Millis,
    ) -> Self {
        Self {
            clock,
            work,
            cutoff_minutes,
            lead,
        }
    }

    /// From release to hand-over.
    pub(super) fn lead(&self) -> Millis {
        self.lead
    }

    /// The local date at a moment.
    pub(super) fn date_of(&self, at: EpochMillis) -> Option<Day> {
        self.clock.date_of(at)
    }

    /// When a local date begins and when it ends.
    pub(super) fn bounds(&self, day: Day) -> Option<(EpochMillis, EpochMillis)> {
        let next = Day(day.0.checked_add(1)?);
        Some((self.clock.at(day, 0)?, self.clock.at(next, 0)?))
    }

    /// The moment at which so much time of its working days has passed since `from`; `None` beyond
    /// the calendar.
    pub(super) fn add_working(&self, from: EpochMillis, span: Millis) -> Option<EpochMillis> {
        let (mut at, mut left) = (from, span);
        loop {
            let today = self.clock.date_of(at)?;
            let day = self.work.nth(today, 0)?;
            if day != today {
                at = self.clock.at(day, 0)?;
            }
            let end = self.clock.at(Day(day.0.checked_add(1)?), 0)?;
            let rest = end - at;
            if left <= rest {
                return Some(at + left);
            }
            left = Millis(left.0 - rest.0);
            at = end;
        }
    }

    /// The last moment on the local date `today` at which what is ready still leaves at `ship_at`, the
    /// cut-off of `day`, if some earlier moment of that date made it; `None` outside of the tables.
    pub(super) fn same_until(
        &self,
        today: Day,
        (ship_at, day): (EpochMillis, Day),
    ) -> Option<EpochMillis> {
        let end = |of: Day| {
            let row = usize::try_from(i64::from(of.0) - i64::from(FIRST)).ok()?;
            self.clock.starts.get(row + 1).copied()
        };
        // A cut-off that the clocks skip may happen on the day after its own, when nobody waits for it.
        let last = ship_at.0.min(end(day)? - 1) - i64::try_from(self.lead.0).ok()?;
        Some(EpochMillis(last.min(end(today)? - 1)))
    }

    /// When units that are ready at `ready` leave, and on which local date: the first cut-off that
    /// leaves the lead time.
    pub(super) fn handover(&self, ready: EpochMillis) -> Option<(EpochMillis, Day)> {
        let from = ready + self.lead;
        let mut day = self.work.nth(self.clock.date_of(from)?, 0)?;
        loop {
            let cutoff = self.clock.at(day, self.cutoff_minutes)?;
            if cutoff >= from {
                return Some((cutoff, day));
            }
            day = self.work.nth(Day(day.0.checked_add(1)?), 0)?;
        }
    }
}
