//! Dates and moments as text, quickly: every reply and every event has several.
//!
//! From 1970 to 9909 the digits are put down here; the calendar library writes all others, and the
//! same text for these (the test compares them).

use super::{Day, EpochMillis};

/// Milliseconds of a day.
const DAY_MILLIS: u64 = 86_400_000;
/// 9909-12-07: later dates are cut to that one.
const DAYS_END: u32 = 2_900_000;

/// A short text without an allocation.
pub(super) struct Written {
    bytes: [u8; 24],
    len: usize,
}

impl Written {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        // Only digits and signs are put in.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    fn put(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// The lowest `N` digits of a number.
    fn digits<const N: usize>(&mut self, mut number: u32) {
        for at in (self.len..self.len + N).rev() {
            self.bytes[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }
        self.len += N;
    }

    fn of_days(days: u32) -> Self {
        let mut text = Self {
            bytes: [0; 24],
            len: 0,
        };
        let (year, month, day) = civil(days);
        text.digits::<4>(year);
        text.put(b'-');
        text.digits::<2>(month);
        text.put(b'-');
        text.digits::<2>(day);
        text
    }
}

/// A date; `None` for one that the calendar library has to write.
pub(super) fn day(day: Day) -> Option<Written> {
    let days = u32::try_from(day.0).ok().filter(|&d| d < DAYS_END)?;
    Some(Written::of_days(days))
}

/// A moment; `None` for one that the calendar library has to write.
pub(super) fn moment(at: EpochMillis) -> Option<Written> {
    let millis = u64::try_from(at.0).ok()?;
    let days = u32::try_from(millis / DAY_MILLIS).ok();
    let mut text = Written::of_days(days.filter(|&d| d < DAYS_END)?);
    let rest = u32::try_from(millis % DAY_MILLIS).unwrap_or(0);
    let (seconds, mut fraction) = (rest / 1_000, rest % 1_000);
    text.put(b'T');
    text.digits::<2>(seconds / 3_600);
    text.put(b':');
    text.digits::<2>(seconds / 60 % 60);
    text.put(b':');
    text.digits::<2>(seconds % 60);
    if fraction > 0 {
        text.put(b'.');
        // No zeros at the end.
        while fraction > 0 {
            text.digits::<1>(fraction / 100);
            fraction = fraction % 100 * 10;
        }
    }
    text.put(b'Z');
    Some(text)
}

/// Year, month and day of a number of days since 1970-01-01 (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`): years begin in March, so that the leap day is
/// their last.
fn civil(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + u32::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_library_writes_the_same() {
        let end = i32::try_from(DAYS_END).unwrap();
        for days in (0..end).step_by(13).chain(0..80_000).chain([end - 1]) {
            let text = day(Day(days)).unwrap();
            assert_eq!(text.as_str(), Day(days).date().to_string());
        }
        let mut millis = 0;
        for step in 0..200_000 {
            let text = moment(EpochMillis(millis)).unwrap();
            let told = jiff::Timestamp::from_millisecond(millis).unwrap();
            assert_eq!(text.as_str(), told.to_string());
            millis = (millis + 1_258_112_345 + step) % (i64::from(DAYS_END) * 86_400_000);
        }
        for millis in [1, 10, 100, 120, 123, 999, 1_000, 86_399_999, 86_400_000] {
            let text = moment(EpochMillis(millis)).unwrap();
            let told = jiff::Timestamp::from_millisecond(millis).unwrap();
            assert_eq!(text.as_str(), told.to_string());
        }
    }

    #[test]
    fn others_are_left_to_it() {
        assert!(day(Day(-1)).is_none() && moment(EpochMillis(-1)).is_none());
        assert!(day(Day(i32::MAX)).is_none() && moment(EpochMillis(i64::MAX)).is_none());
        assert_eq!(Day(-1).to_string(), "1969-12-31");
        assert_eq!(EpochMillis(-500).to_string(), "1969-12-31T23:59:59.5Z");
    }
}
