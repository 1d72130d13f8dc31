//! Where customers live: three-digit ZIP areas with a centre and a population.
//!
//! `areas.txt` gives the town that stands for each area; the populations of a state's areas sum
//! exactly to its Census 2020 count. What a prefix has beyond a single town is an estimate.

use super::error::Problem;
use super::rng::apportion;
use std::fmt::Write;

/// Resident population on 1 April 2020, Census 2020 apportionment and redistricting counts.
const STATES: [(&str, u64); 52] = [
    ("AL", 5_024_279),
    ("AK", 733_391),
    ("AZ", 7_151_502),
    ("AR", 3_011_524),
    ("CA", 39_538_223),
    ("CO", 5_773_714),
    ("CT", 3_605_944),
    ("DE", 989_948),
    ("DC", 689_545),
    ("FL", 21_538_187),
    ("GA", 10_711_908),
    ("HI", 1_455_271),
    ("ID", 1_839_106),
    ("IL", 12_812_508),
    ("IN", 6_785_528),
    ("IA", 3_190_369),
    ("KS", 2_937_880),
    ("KY", 4_505_836),
    ("LA", 4_657_757),
    ("ME", 1_362_359),
    ("MD", 6_177_224),
    ("MA", 7_029_917),
    ("MI", 10_077_331),
    ("MN", 5_706_494),
    ("MS", 2_961_279),
    ("MO", 6_154_913),
    ("MT", 1_084_225),
    ("NE", 1_961_504),
    ("NV", 3_104_614),
    ("NH", 1_377_529),
    ("NJ", 9_288_994),
    ("NM", 2_117_522),
    ("NY", 20_201_249),
    ("NC", 10_439_388),
    ("ND", 779_094),
    ("OH", 11_799_448),
    ("OK", 3_959_353),
    ("OR", 4_237_256),
    ("PA", 13_002_700),
    ("PR", 3_285_874),
    ("RI", 1_097_379),
    ("SC", 5_118_425),
    ("SD", 886_667),
    ("TN", 6_910_840),
    ("TX", 29_145_505),
    ("UT", 3_271_616),
    ("VT", 643_077),
    ("VA", 8_631_393),
    ("WA", 7_705_281),
    ("WV", 1_793_716),
    ("WI", 5_893_718),
    ("WY", 576_851),
];

/// How many people an area has, before the state's total is known.
#[derive(Debug, Clone, Copy)]
enum Size {
    /// A town with this many people.
    People(u64),
    /// So many shares of the rest of the state.
    Shares(u64),
}

/// A three-digit ZIP area.
#[derive(Debug)]
pub(crate) struct Place {
    /// The three digits.
    pub(crate) prefix: String,
    /// People who live there.
    pub(crate) population: u64,
    state: String,
    lat: String,
    lon: String,
    size: Size,
}

/// All areas, ascending by prefix.
pub(crate) fn places() -> Result<Vec<Place>, Problem> {
    let mut places = Vec::new();
    for (number, row) in include_str!("areas.txt").lines().enumerate() {
        if !row.starts_with('#') {
            read_row(row, &mut places)
                .ok_or_else(|| Problem(format!("areas.txt line {}: `{row}`", number + 1)))?;
        }
    }
    places.sort_by(|a, b| a.prefix.cmp(&b.prefix));
    if let Some(twice) = places.windows(2).find(|w| w[0].prefix == w[1].prefix) {
        return Err(Problem(format!("areas.txt: {} twice", twice[0].prefix)));
    }
    for (state, people) in STATES {
        spread(&mut places, state, people)?;
    }
    Ok(places)
}

/// Adds the areas of one row: state, prefix or range of prefixes, latitude, longitude, size, town.
fn read_row(row: &str, places: &mut Vec<Place>) -> Option<()> {
    let mut fields = row.splitn(6, ' ');
    let state = fields
        .next()
        .filter(|s| STATES.iter().any(|(name, _)| name == s))?;
    let prefixes = fields.next()?;
    let (lat, lon) = (fields.next()?, fields.next()?);
    let size = fields.next()?;
    let size = match size.strip_suffix('k') {
        Some(thousands) => Size::People(thousands.parse::<u64>().ok()? * 1000),
        None => Size::Shares(size.parse().ok()?),
    };
    fields.next()?;
    let (first, last) = prefixes.split_once('-').unwrap_or((prefixes, prefixes));
    for prefix in first.parse::<u16>().ok()?..=last.parse().ok()? {
        places.push(Place {
            prefix: format!("{prefix:03}"),
            population: 0,
            state: state.to_owned(),
            lat: lat.to_owned(),
            lon: lon.to_owned(),
            size,
        });
    }
    Some(())
}

/// Gives the areas of one state their people: towns first, the rest by shares.
fn spread(places: &mut [Place], state: &str, people: u64) -> Result<(), Problem> {
    let mut ours: Vec<&mut Place> = places.iter_mut().filter(|p| p.state == state).collect();
    let towns: u64 = ours
        .iter()
        .map(|p| if let Size::People(n) = p.size { n } else { 0 })
        .sum();
    let shares: Vec<u64> = ours
        .iter()
        .map(|p| if let Size::Shares(n) = p.size { n } else { 0 })
        .collect();
    let rest = people
        .checked_sub(towns)
        .filter(|_| shares.iter().any(|&n| n > 0))
        .ok_or_else(|| {
            Problem(format!(
                "areas.txt: the towns of {state} exceed its population"
            ))
        })?;
    for (place, part) in ours.iter_mut().zip(apportion(rest, &shares)) {
        place.population = if let Size::People(n) = place.size {
            n
        } else {
            part
        };
    }
    Ok(())
}

impl Place {
    /// Whether carriers have to cross the sea, or Canada, to get there.
    fn is_overseas(&self) -> bool {
        ["AK", "HI", "PR"].contains(&&*self.state)
    }
}

/// `places.csv`.
pub(crate) fn csv(places: &[Place]) -> String {
    let mut text = String::from("country,postal_prefix,lat,lon,population,area\n");
    for p in places {
        let area = if p.is_overseas() { "remote" } else { "" };
        let _ = writeln!(
            text,
            "US,{},{},{},{},{area}",
            p.prefix, p.lat, p.lon, p.population
        );
    }
    text
}

/// `regions.csv`.
pub(crate) fn regions_csv(places: &[Place]) -> String {
    let mut text = String::from("region,country,postal_prefix\n");
    for p in places.iter().filter(|p| p.is_overseas()) {
        let _ = writeln!(text, "overseas,US,{}", p.prefix);
    }
    text
}
