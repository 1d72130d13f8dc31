//! What may not ship where: a location, a carrier service or a class of items to a region.
//!
//! A region is a set of postal prefixes. Which rules apply is worked out once per destination; where
//! none does nothing is kept and nothing is asked.

use super::lanes::{NO_ZONE, ORDINARY};
use super::request::KINDS_MAX;
use super::{ClassId, Lanes};
use crate::model::{Invalid, LocationId, Network, Restriction, ServiceId, ShipTo};
use foldhash::{HashMap, HashMapExt as _};
use smallvec::SmallVec;

/// The regions that a destination is in, ascending.
pub(super) type Regions = SmallVec<[u16; 4]>;

/// The rules of a network.
#[derive(Debug, Default)]
pub(super) struct Restrictions {
    rows: Vec<Row>,
    /// By country and postal prefix: numbers of the regions.
    regions: HashMap<Box<str>, HashMap<Box<str>, Regions>>,
    /// Classes that rules about services name.
    classes: Vec<Box<str>>,
}

/// A rule: what meets all of its conditions may not ship.
#[derive(Debug)]
struct Row {
    location: Option<LocationId>,
    service: Option<ServiceId>,
    class: Option<Box<str>>,
    region: Option<u16>,
}

impl Restrictions {
    /// # Errors
    /// Names the row and the column that cannot be used.
    pub(super) fn new(network: &Network) -> Result<Self, Invalid> {
        let mut new = Self::default();
        if network.restrictions.is_empty() {
            return Ok(new);
        }
        let mut numbers: HashMap<&str, u16> = HashMap::new();
        for part in &network.regions {
            let next = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
            let number = *numbers.entry(&part.region).or_insert(next);
            let country = new.regions.entry(part.country.clone()).or_default();
            let found = country.entry(part.postal_prefix.clone()).or_default();
            if !found.contains(&number) {
                found.push(number);
            }
        }
        for (at, row) in network.restrictions.iter().enumerate() {
            let row = new.row(network, &numbers, row);
            let row = row.map_err(|e| e.within(&format!("restrictions[{at}]")))?;
            new.rows.push(row);
        }
        Ok(new)
    }

    fn row(
        &mut self,
        network: &Network,
        numbers: &HashMap<&str, u16>,
        row: &Restriction,
    ) -> Result<Row, Invalid> {
        if let Some(location) = row.location
            && location.index() >= network.locations.len()
        {
            let expected = "a location of the network";
            return Err(Invalid::new("location", location.0, expected));
        }
        if let Some(service) = row.service
            && service.index() >= network.services.len()
        {
            let expected = "a service of the network";
            return Err(Invalid::new("service", service.0, expected));
        }
        let class = Some(&row.class).filter(|c| !c.is_empty());
        if let Some(class) = class {
            if ORDINARY.contains(&&**class) {
                let expected = "a class that needs an ability, or nothing for all items";
                return Err(Invalid::new("class", class, expected));
            }
            if row.service.is_some() && row.location.is_some() {
                let expected = "nothing beside a location and a service";
                return Err(Invalid::new("class", class, expected));
            }
            if row.service.is_some() && !self.classes.contains(class) {
                if self.classes.len() == usize::from(KINDS_MAX) {
                    let expected = format!("at most {KINDS_MAX} classes beside services");
                    return Err(Invalid::new("class", class, expected));
                }
                self.classes.push(class.clone());
            }
        }
        let region = Some(&*row.region).filter(|r| !r.is_empty());
        let known = |name: &str| {
            let expected = "a region of regions.csv";
            let number = numbers.get(name).copied();
            number.ok_or_else(|| Invalid::new("region", name, expected))
        };
        let region = region.map(known).transpose()?;
        if row.location.is_none() && row.service.is_none() && class.is_none() && region.is_none() {
            let expected = "at least one of location, service, class and region";
            return Err(Invalid::new("location", "", expected));
        }
        Ok(Row {
            location: row.location,
            service: row.service,
            class: class.cloned(),
            region,
        })
    }

    /// The classes that carriers may refuse.
    pub(super) fn classes_of_services(&self) -> &[Box<str>] {
        &self.classes
    }

    /// The regions that a destination is in; none where no rule names one.
    pub(super) fn regions_of(&self, to: &ShipTo) -> Regions {
        let mut found = Regions::new();
        let Some(prefixes) = self.regions.get(&to.country) else {
            return found;
        };
        for end in 0..=to.postal.len() {
            let known = to.postal.get(..end).and_then(|p| prefixes.get(p));
            found.extend(known.into_iter().flatten().copied());
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What applies to a destination in `regions`; `None` where nothing does.
    pub(super) fn of(&self, lanes: &Lanes, regions: &[u16]) -> Option<Restricted> {
        let within = |row: &&Row| row.region.is_none_or(|r| regions.contains(&r));
        let rows: Vec<&Row> = self.rows.iter().filter(within).collect();
        if rows.is_empty() {
            return None;
        }
        let mut found = Restricted {
            closed: vec![false; lanes.sites.len()],
            refuses: vec![0; lanes.carriers.len()],
            ..Restricted::default()
        };
        for row in rows {
            let class = row.class.as_deref().map(|name| lanes.class(name));
            match (row.service, class, row.location) {
                (Some(service), Some(class), _) => found.refuses[service.index()] |= class.kind(),
                (Some(service), None, location) => found.lanes.push((location, service)),
                (None, Some(class), location) => found.bars.push((location, class)),
                (None, None, Some(location)) => found.closed[location.index()] = true,
                (None, None, None) => found.closed.fill(true),
            }
        }
        if !found.closed.contains(&true) {
            found.closed = Vec::new();
        }
        if found.refuses.iter().all(|&kinds| kinds == 0) {
            found.refuses.clear();
        }
        Some(found)
    }
}

/// What may not ship to one destination.
#[derive(Debug, Default)]
pub(super) struct Restricted {
    /// By location: nothing of it may; empty where that is so of none.
    closed: Vec<bool>,
    /// Items of a class, from one location or from all.
    bars: Vec<(Option<LocationId>, ClassId)>,
    /// By service: the kinds that it does not take; empty where that is so of none.
    pub(super) refuses: Vec<u64>,
    /// Services that do not go there, from one location or from all.
    lanes: Vec<(Option<LocationId>, ServiceId)>,
}

impl Restricted {
    /// Whether nothing of a location may.
    #[inline]
    pub(super) fn closes(&self, location: LocationId) -> bool {
        self.closed
            .get(location.index())
            .is_some_and(|&closed| closed)
    }

    /// Whether nothing of some location may.
    pub(super) fn closes_any(&self) -> bool {
        !self.closed.is_empty()
    }

    /// Whether items of a class may not, from a location.
    pub(super) fn bars(&self, location: usize, class: ClassId) -> bool {
        let here = |place: Option<LocationId>| place.is_none_or(|l| l.index() == location);
        self.bars.iter().any(|b| b.1 == class && here(b.0))
    }

    /// Takes away the zones of services that do not go there.
    pub(super) fn cut(&self, location: usize, zones: &mut [u8]) {
        for &(place, service) in &self.lanes {
            if place.is_none_or(|l| l.index() == location) {
                zones[service.index()] = NO_ZONE;
            }
        }
    }

    /// Bytes beside the struct itself.
    pub(super) fn bytes(&self) -> usize {
        self.closed.len() + 8 * (self.bars.len() + self.refuses.len() + self.lanes.len())
    }
}
