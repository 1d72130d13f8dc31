//! Where orders go: the sample network's places, by population.

use crate::bench::random::{Random, Weighted};

/// `country,postal_prefix,lat,lon,population` of the United States.
pub(super) const PLACES: &str = include_str!("../../../data/us/places.csv");

/// Postal codes to draw from.
#[derive(Debug, Clone)]
pub(super) struct Postal {
    codes: Vec<String>,
    people: Weighted,
}

/// A row of the table that somebody lives in: prefix, latitude, longitude, people.
pub(super) fn populated() -> impl Iterator<Item = (&'static str, &'static str, &'static str, u64)> {
    PLACES.lines().skip(1).filter_map(|row| {
        let mut cells = row.split(',').skip(1);
        let (prefix, lat, lon) = (cells.next()?, cells.next()?, cells.next()?);
        let people: u64 = cells.next()?.parse().ok()?;
        (people > 0).then_some((prefix, lat, lon, people))
    })
}

impl Postal {
    pub(super) fn new() -> Self {
        let (codes, people): (Vec<String>, Vec<u64>) = populated()
            .map(|(prefix, _, _, people)| (format!("{prefix}01"), people))
            .unzip();
        let people = Weighted::new(people.into_iter()).expect("the table of places has people");
        Self { codes, people }
    }

    pub(super) fn draw(&self, random: &mut Random) -> u32 {
        u32::try_from(self.people.draw(random)).unwrap_or(0)
    }

    pub(super) fn code(&self, place: u32) -> &str {
        self.codes
            .get(usize::try_from(place).unwrap_or(0))
            .map_or("00001", String::as_str)
    }
}
