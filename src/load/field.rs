//! One named value from outside, and what it may be read as.
//!
//! The same readers serve cells of a CSV row and members of a JSON object, so a field means and
//! accepts the same in both. A reader takes the value or says what was expected; it never panics
//! and never rounds.

use super::node::Node;
use crate::model::{
    CUSTOMER_BYTES_MAX, Cents, Coordinate, Day, EpochMillis, Grams, Invalid, Qty, WeekDays,
    check_id,
};
use jiff::tz::TimeZoneDatabase;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// Most grams of any field: a thousand tonnes.
pub(super) const GRAMS_MAX: u64 = 1_000_000_000;

/// Longest text for people, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// Longest postal code, in bytes.
const POSTAL_BYTES_MAX: usize = 32;

/// A value and the name of its column or member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    /// The column or member.
    pub(super) name: &'a str,
    /// What stands there.
    pub(super) raw: Raw<'a>,
}

/// What stands in a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    /// An object without the member.
    Missing,
    /// A cell; empty where the column is absent.
    Cell(&'a str),
    /// A member of an object.
    Node(&'a Node<'a>),
}

impl<'a> Field<'a> {
    pub(super) fn new(name: &'a str, raw: Raw<'a>) -> Self {
        Self { name, raw }
    }

    /// Whether there is nothing: no such member, `null`, or an empty cell.
    pub(super) fn is_absent(self) -> bool {
        matches!(
            self.raw,
            Raw::Missing | Raw::Cell("") | Raw::Node(Node::Null)
        )
    }

    /// What `read` makes of the value, or `None` where there is nothing.
    pub(super) fn optional<T>(
        self,
        read: impl FnOnce(Self) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        if self.is_absent() {
            Ok(None)
        } else {
            read(self).map(Some)
        }
    }

    /// The value is not acceptable.
    pub(super) fn refuse(self, expected: impl Into<String>) -> Invalid {
        match self.raw {
            Raw::Missing => Invalid::new(self.name, "missing", expected),
            Raw::Cell(cell) => Invalid::new(self.name, cell, expected),
            Raw::Node(node) => Invalid::new(self.name, node, expected),
        }
    }

    /// A text where `expected` is not one: quotes are the usual cause.
    fn refuse_unquoted(self, expected: String) -> Invalid {
        match self.raw {
            Raw::Node(Node::Text(_)) => self.refuse(expected + ", without quotes"),
            Raw::Missing | Raw::Cell(_) | Raw::Node(_) => self.refuse(expected),
        }
    }

    /// The text as it stands.
    pub(super) fn words(self, expected: &str) -> Result<&'a str, Invalid> {
        match self.raw {
            Raw::Cell(cell) => Ok(cell),
            Raw::Node(Node::Text(text)) => Ok(text),
            Raw::Node(Node::Whole(_) | Node::Float(_) | Node::Flag(_)) => {
                Err(self.refuse(format!("{expected}, in quotes")))
            }
            Raw::Missing | Raw::Node(_) => Err(self.refuse(expected)),
        }
    }

    /// What `read` makes of the text.
    fn parsed<T>(
        self,
        expected: &str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Invalid> {
        read(self.words(expected)?).ok_or_else(|| self.refuse(expected))
    }

    /// A whole number in `range`.
    pub(super) fn whole<T: TryFrom<u64>>(self, range: RangeInclusive<u64>) -> Result<T, Invalid> {
        let number = match self.raw {
            // Stricter than the standard parser, which also takes a plus sign.
            Raw::Cell(cell) if cell.bytes().all(|b| b.is_ascii_digit()) => cell.parse().ok(),
            Raw::Node(Node::Whole(number)) => u64::try_from(*number).ok(),
            Raw::Missing | Raw::Cell(_) | Raw::Node(_) => None,
        };
        number
            .filter(|number| range.contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                self.refuse_unquoted(format!("a whole number from {least} to {most}"))
            })
    }

    /// A whole number that may be negative.
    pub(super) fn signed(self) -> Result<i32, Invalid> {
        match self.raw {
            Raw::Cell(cell) => cell.parse().ok(),
            Raw::Node(Node::Whole(number)) => i32::try_from(*number).ok(),
            Raw::Missing | Raw::Node(_) => None,
        }
        .ok_or_else(|| {
            self.refuse_unquoted(format!("a whole number from {} to {}", i32::MIN, i32::MAX))
        })
    }

    /// Units, at least `least`.
    pub(super) fn qty(self, least: u32) -> Result<Qty, Invalid> {
        self.whole(u64::from(least)..=u64::from(Qty::MAX.0))
            .map(Qty)
    }

    /// Money of a price or cost: never negative.
    pub(super) fn cents(self) -> Result<Cents, Invalid> {
        self.whole(0..=Cents::MAX.0.unsigned_abs()).map(Cents)
    }

    /// A weight of at least one gram.
    pub(super) fn grams(self) -> Result<Grams, Invalid> {
        self.whole(1..=GRAMS_MAX).map(Grams)
    }

    /// `true` or `false`.
    pub(super) fn flag(self) -> Result<bool, Invalid> {
        match self.raw {
            Raw::Cell("true") | Raw::Node(Node::Flag(true)) => Ok(true),
            Raw::Cell("false") | Raw::Node(Node::Flag(false)) => Ok(false),
            Raw::Missing | Raw::Cell(_) | Raw::Node(_) => {
                Err(self.refuse_unquoted("true or false".to_owned()))
            }
        }
    }

    /// A text id.
    pub(super) fn id(self) -> Result<&'a str, Invalid> {
        let text = self.words("1 to 64 printable ASCII characters without spaces")?;
        check_id(self.name, text).map(|()| text)
    }

    /// A text for people; may be empty.
    pub(super) fn text(self) -> Result<&'a str, Invalid> {
        self.parsed("at most 256 bytes of text on one line", |text| {
            (text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control)).then_some(text)
        })
    }

    /// The id that a host has of a customer.
    pub(super) fn customer(self) -> Result<&'a str, Invalid> {
        self.parsed("1 to 128 bytes of text on one line", |text| {
            let fits = (1..=CUSTOMER_BYTES_MAX).contains(&text.len());
            (fits && !text.contains(char::is_control)).then_some(text)
        })
    }

    /// A country code. `ZZ`, the user-assigned code for an unknown country, is one.
    pub(super) fn country(self) -> Result<&'a str, Invalid> {
        self.parsed("two capital letters (ISO 3166)", |text| {
            (text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())).then_some(text)
        })
    }

    /// A postal code or the start of one; may be empty.
    pub(super) fn postal(self) -> Result<&'a str, Invalid> {
        self.parsed(
            "at most 32 ASCII characters without spaces around them",
            |text| {
                let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
                (text.len() <= POSTAL_BYTES_MAX && printable && text.trim() == text).then_some(text)
            },
        )
    }

    /// A moment with its offset.
    pub(super) fn moment(self) -> Result<EpochMillis, Invalid> {
        self.parsed(
            "a time with its zone, such as 2026-11-23T10:00:00Z",
            EpochMillis::parse,
        )
    }

    /// A civil date.
    pub(super) fn day(self) -> Result<Day, Invalid> {
        self.parsed("a date such as 2026-11-27", Day::parse)
    }

    /// Degrees in `range`.
    fn degrees(self, range: RangeInclusive<f64>) -> Result<f64, Invalid> {
        match self.raw {
            Raw::Cell(cell) => cell.parse().ok(),
            Raw::Node(Node::Float(number)) => Some(*number),
            Raw::Node(Node::Whole(number)) => i32::try_from(*number).ok().map(f64::from),
            Raw::Missing | Raw::Node(_) => None,
        }
        .filter(|degrees| range.contains(degrees))
        .ok_or_else(|| {
            self.refuse_unquoted(format!("degrees from {} to {}", range.start(), range.end()))
        })
    }

    /// One of the named values.
    pub(super) fn one_of<T: Copy>(self, values: &[(&'static str, T)]) -> Result<T, Invalid> {
        let text = match self.raw {
            Raw::Cell(cell) => Some(cell),
            Raw::Node(Node::Text(text)) => Some(&**text),
            Raw::Missing | Raw::Node(_) => None,
        };
        let found = values.iter().find(|&&(name, _)| text == Some(name));
        found.map(|&(_, value)| value).ok_or_else(|| {
            let names: Vec<&str> = values.iter().map(|&(name, _)| name).collect();
            self.refuse(format!("one of {}", names.join(", ")))
        })
    }

    /// Weekdays.
    pub(super) fn weekdays(self) -> Result<WeekDays, Invalid> {
        self.parsed("weekdays such as Mon-Fri or 'Mon Wed Fri'", WeekDays::parse)
    }

    /// A local time as minutes after midnight.
    pub(super) fn time_of_day(self) -> Result<u16, Invalid> {
        self.parsed("a local time from 00:00 to 23:59", |text| {
            let &[h, g, b':', m, n] = text.as_bytes() else {
                return None;
            };
            let digit = |b: u8| b.is_ascii_digit().then(|| u16::from(b - b'0'));
            let (hour, minute) = (digit(h)? * 10 + digit(g)?, digit(m)? * 10 + digit(n)?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        })
    }

    /// The canonical name of a time zone.
    pub(super) fn timezone(self) -> Result<Box<str>, Invalid> {
        static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
        let name = self.words("an IANA time zone such as America/Chicago")?;
        if let Ok(zone) = ZONES.get(name)
            && let Some(canonical) = zone.iana_name()
        {
            return Ok(canonical.into());
        }
        let known: Vec<String> = ZONES.available().map(|zone| zone.to_string()).collect();
        let hint = super::names::hint(name, known.iter().map(String::as_str));
        Err(self.refuse(format!(
            "an IANA time zone such as America/Chicago{}",
            hint.unwrap_or_default()
        )))
    }
}

/// A place on the globe from its two fields.
pub(super) fn coordinate(lat: Field<'_>, lon: Field<'_>) -> Result<Coordinate, Invalid> {
    let (degrees_lat, degrees_lon) = (lat.degrees(-90.0..=90.0)?, lon.degrees(-180.0..=180.0)?);
    Coordinate::from_degrees(degrees_lat, degrees_lon)
        .ok_or_else(|| lat.refuse("degrees from -90 to 90"))
}

/// Whether `text` may name an item class or an ability.
pub(super) fn is_class(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// An item class; may be empty.
pub(super) fn class(field: Field<'_>) -> Result<Box<str>, Invalid> {
    field.parsed("letters, digits, '-' and '_', at most 64", |text| {
        (text.is_empty() || is_class(text)).then(|| text.into())
    })
}

/// Item classes with spaces between them, each once.
pub(super) fn abilities(field: Field<'_>) -> Result<Vec<Box<str>>, Invalid> {
    let expected = "item classes (letters, digits, '-' and '_') with spaces between them";
    let mut abilities: Vec<Box<str>> = Vec::new();
    for ability in field
        .words(expected)?
        .split(' ')
        .filter(|word| !word.is_empty())
    {
        if !is_class(ability) {
            return Err(field.refuse(expected));
        }
        if !abilities.iter().any(|known| **known == *ability) {
            abilities.push(ability.into());
        }
    }
    Ok(abilities)
}

/// Country codes with spaces between them, each once.
pub(super) fn countries(field: Field<'_>) -> Result<Vec<Box<str>>, Invalid> {
    let expected = "country codes (ISO 3166) with spaces between them";
    let mut countries: Vec<Box<str>> = Vec::new();
    for word in field.words(expected)?.split(' ').filter(|w| !w.is_empty()) {
        if word.len() != 2 || !word.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(field.refuse(expected));
        }
        if !countries.iter().any(|known| **known == *word) {
            countries.push(word.into());
        }
    }
    Ok(countries)
}
