//! Units as types, so that a gram cannot be added to a cent.
//!
//! | operation | result |
//! | --- | --- |
//! | `Qty ± Qty`, `Cents ± Cents`, `Grams + Grams` | the same; panics on overflow (a bug: what comes from outside is checked with the `checked_` forms first) |
//! | `Cents × u32`, `Cents × Qty` | `Cents` |
//! | `EpochMillis ± Millis` | `EpochMillis`, saturating (the ends of time stay the ends) |
//! | `EpochMillis − EpochMillis` | `Millis`, 0 when negative |
//! | `Day + i32`, `Day − Day` | `Day`, `i32` |

mod written;

use bincode::{Decode, Encode};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};

/// Whole units of a SKU. Never negative, never fractional.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[repr(transparent)]
pub struct Qty(pub u32);

impl Qty {
    /// No units.
    pub const ZERO: Self = Self(0);
    /// The largest quantity that any field takes: sums of two still fit.
    pub const MAX: Self = Self(2_000_000_000);

    /// Sum, or `None` above [`Qty::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0
            .checked_add(other.0)
            .filter(|&q| q <= Self::MAX.0)
            .map(Self)
    }

    /// Difference, at least 0.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether there are no units.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Integer money in the currency's minor unit. May be negative (a saving).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[repr(transparent)]
pub struct Cents(pub i64);

impl Cents {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// The largest amount that a field from outside may hold (10 billion in major units).
    pub const MAX: Self = Self(1_000_000_000_000);
}

/// Mass in whole grams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[repr(transparent)]
pub struct Grams(pub u64);

/// A span of time in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[repr(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// A span of whole hours.
    #[must_use]
    pub const fn from_hours(hours: u32) -> Self {
        Self(hours as u64 * 3_600_000)
    }
}

/// A moment: milliseconds since 1970-01-01T00:00:00 UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[repr(transparent)]
pub struct EpochMillis(pub i64);

impl EpochMillis {
    /// Before every moment.
    pub const DISTANT_PAST: Self = Self(i64::MIN);
    /// After every moment: "never expires", "no date known".
    pub const DISTANT_FUTURE: Self = Self(i64::MAX);

    /// Reads RFC 3339 with an offset (`2026-11-23T10:00:00Z`); `None` for anything else,
    /// a time without zone included.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|t| Self(t.as_millisecond()))
    }
}

impl fmt::Display for EpochMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(written) = written::moment(*self) {
            return f.write_str(written.as_str());
        }
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) if self.0 > 0 => f.write_str("never"),
            Err(_) => f.write_str("always"),
        }
    }
}

/// A civil date: days since 1970-01-01. Which zone it is a date of is said where it is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[repr(transparent)]
pub struct Day(pub i32);

impl Day {
    const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

    /// Reads `2026-11-27`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Stricter than the calendar library, which also takes a date with a time behind it.
        (text.len() == 10).then(|| text.parse::<jiff::civil::Date>().ok().map(Self::from_date))?
    }

    /// The day number of a civil date.
    #[must_use]
    pub fn from_date(date: jiff::civil::Date) -> Self {
        Self((date - Self::EPOCH).get_days())
    }

    /// The civil date; clamped to the calendar's range.
    #[must_use]
    pub fn date(self) -> jiff::civil::Date {
        Self::EPOCH.saturating_add(jiff::Span::new().days(self.0.clamp(-700_000, 2_900_000)))
    }

    /// 0 for Monday to 6 for Sunday.
    #[must_use]
    pub const fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday; the remainder is below 7, so it fits.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let weekday = (self.0 as i64 + 3).rem_euclid(7) as u8;
        weekday
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(written) = written::day(*self) {
            return f.write_str(written.as_str());
        }
        write!(f, "{}", self.date())
    }
}

/// A place on the globe in millionths of a degree, so that the same input gives the same bits
/// everywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Coordinate {
    /// Latitude × 10⁶, −90 000 000 to 90 000 000.
    pub lat_e6: i32,
    /// Longitude × 10⁶, −180 000 000 to 180 000 000.
    pub lon_e6: i32,
}

impl Coordinate {
    /// From degrees; `None` when out of range or not a number.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::float_arithmetic)] // bounded just above
    pub fn from_degrees(lat: f64, lon: f64) -> Option<Self> {
        let good = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
        good.then(|| Self {
            lat_e6: (lat * 1e6).round() as i32,
            lon_e6: (lon * 1e6).round() as i32,
        })
    }
}

/// The number of a fact in the history: dense, ascending, starting at 1. 0 means "none yet".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[repr(transparent)]
pub struct Lsn(pub u64);

macro_rules! plain_arithmetic {
    ($($name:ident),*) => {$(
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self(0), Add::add)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    )*};
}

plain_arithmetic!(Qty, Cents, Grams);

impl Mul<u32> for Cents {
    type Output = Self;
    fn mul(self, times: u32) -> Self {
        Self(self.0 * i64::from(times))
    }
}

impl Mul<Qty> for Cents {
    type Output = Self;
    fn mul(self, units: Qty) -> Self {
        self * units.0
    }
}

impl Add<Millis> for EpochMillis {
    type Output = Self;
    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }
}

impl Sub<Millis> for EpochMillis {
    type Output = Self;
    fn sub(self, span: Millis) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }
}

impl Sub for EpochMillis {
    type Output = Millis;
    fn sub(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<i32> for Day {
    type Output = Self;
    fn add(self, days: i32) -> Self {
        Self(self.0 + days)
    }
}

impl Sub for Day {
    type Output = i32;
    fn sub(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_the_epoch_and_know_their_weekday() {
        let day = Day::parse("2026-11-27").unwrap();
        assert_eq!(day.to_string(), "2026-11-27");
        assert_eq!(day.weekday(), 4, "a Friday");
        assert_eq!(Day(0).weekday(), 3, "1970-01-01 was a Thursday");
        assert_eq!(Day(-4).weekday(), 6);
        assert_eq!(Day::parse("2026-11-27T00:00:00Z"), None);
        assert_eq!(Day::parse("2026-02-29"), None);
    }

    #[test]
    fn a_moment_needs_a_zone() {
        let t = EpochMillis::parse("2026-11-23T10:00:00Z").unwrap();
        assert_eq!(EpochMillis::parse("2026-11-23T11:00:00+01:00"), Some(t));
        assert_eq!(EpochMillis::parse("2026-11-23T10:00:00"), None);
        assert_eq!(t.to_string(), "2026-11-23T10:00:00Z");
        assert_eq!(EpochMillis::DISTANT_FUTURE.to_string(), "never");
        assert_eq!(
            EpochMillis::DISTANT_FUTURE + Millis(1),
            EpochMillis::DISTANT_FUTURE
        );
    }
}
