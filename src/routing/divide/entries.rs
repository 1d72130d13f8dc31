//! Where parts of a demand can come from: locations and hand-overs with how many units each has.
//!
//! Waiting only counts where it brings more units or more of a channel's limit: other moments make
//! the same shipments for the same money.

use super::super::candidates::{Candidates, Set};
use super::super::days::{Handed, Left};
use super::super::departures::Departures;
use super::super::lanes::{finite, location_id};
use super::super::request::Job;
use crate::model::{EpochMillis, LocationId, Qty};

/// A location and a hand-over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) location: u16,
    /// The latest moment of the view that makes the hand-over.
    pub(super) ready: EpochMillis,
    pub(super) ship_at: EpochMillis,
    pub(super) departure: u32,
    /// Handling of the shipment.
    pub(super) handling: i64,
    /// Handling of each different item in it.
    pub(super) per_line: i64,
    /// No shipment from here costs less, goods apart.
    pub(super) base: i64,
    /// What its day has room for.
    pub(super) room: Left,
    /// Entries of the same location: from this one on …
    pub(super) first: u32,
    /// … up to here, excluded; by ascending time.
    pub(super) end: u32,
}

/// A step of a channel limit: until when at most how many units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cap {
    /// Excluded; `None` for ever.
    pub(super) until: Option<EpochMillis>,
    pub(super) units: u32,
}

/// All entries of a request.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) rows: Vec<Entry>,
    /// By entry and demand: units that are there by then; of a demand that may not be divided
    /// all or none.
    units: Vec<u32>,
    /// By entry and demand: cents of handling and scarcity for one unit.
    cents: Vec<i64>,
    /// By demand: its limit.
    pub(super) caps: Vec<Vec<Cap>>,
    demands: usize,
    times: Vec<EpochMillis>,
}

impl Entries {
    /// Works out the entries of a request whose stock was gathered.
    pub(super) fn fill(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &mut Departures,
    ) {
        self.rows.clear();
        self.units.clear();
        self.cents.clear();
        self.caps.clear();
        self.demands = job.request.demands.len();
        for line in 0..self.demands {
            self.caps.push(caps(job, line, candidates.divisible));
        }
        for seen in &candidates.seen {
            if job.closed(LocationId(seen.location)).is_none() {
                self.add_location(job, candidates, departures, usize::from(seen.location));
            }
        }
    }

    fn add_location(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &mut Departures,
        location: usize,
    ) {
        self.list_times(job, location);
        let class = job.request.destination.class_of[location];
        let site = &job.lanes.sites[location];
        let handling = site.per_shipment;
        let first = self.rows.len();
        let handed: Vec<(EpochMillis, Left)> = match job.tight(location) {
            true => self.tight_times(job, location),
            false => self.times.iter().map(|&t| (t, Left::ANY)).collect(),
        };
        for (ready, room) in handed {
            let departure = if ready == job.request.now {
                departures.now(job, class)
            } else {
                departures.add(job, class, ready)
            };
            let known = departures.get(departure);
            if !finite(known.least) {
                break;
            }
            if self.rows.len() > first
                && let Some(last) = self.rows.last_mut()
                && last.ship_at == known.ship_at
            {
                // The same hand-over with more stock.
                last.ready = ready;
                self.units.truncate(self.units.len() - self.demands);
                self.push_units(job, candidates, location, ready);
                continue;
            }
            self.rows.push(Entry {
                location: location_id(location).0,
                ready,
                ship_at: known.ship_at,
                departure,
                handling,
                room,
                per_line: site.per_line,
                base: known.least + handling,
                first: index(first),
                end: 0,
            });
            self.push_units(job, candidates, location, ready);
            for line in 0..self.demands {
                self.cents.push(candidates.unit_cents(job, location, line));
            }
        }
        let end = index(self.rows.len());
        for row in &mut self.rows[first..] {
            row.end = end;
        }
    }

    /// The hand-overs of a location that is tight.
    fn tight_times(&self, job: &Job<'_>, location: usize) -> Vec<(EpochMillis, Left)> {
        let times = self.times.iter();
        let mut handed: Vec<Handed> = times.flat_map(|&t| job.hand_overs(location, t)).collect();
        handed.sort_unstable_by_key(|h| h.ship_at);
        handed.dedup_by_key(|h| h.ship_at);
        handed.iter().map(|h| (h.ready, h.room)).collect()
    }

    /// Whether some location is tight.
    pub(super) fn any_tight(&self) -> bool {
        self.rows.iter().any(|row| row.room != Left::ANY)
    }

    /// Now, and when more comes to the location or more may be promised.
    fn list_times(&mut self, job: &Job<'_>, location: usize) {
        let stock = job.request.stock;
        let now = job.request.now;
        self.times.clear();
        self.times.push(now);
        for line in 0..self.demands {
            let cells = stock.cells(line);
            if let Ok(cell) = cells.binary_search_by_key(&location, |c| c.location.index()) {
                let later = stock.later(&cells[cell]);
                self.times.extend(later.iter().map(|s| s.from.max(now)));
            }
            let rises = self.caps[line].iter().filter_map(|c| c.until);
            self.times.extend(rises.filter(|&t| t > now));
        }
        self.times.sort_unstable();
        self.times.dedup();
    }

    fn push_units(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        location: usize,
        ready: EpochMillis,
    ) {
        for (line, demand) in job.request.demands.iter().enumerate() {
            let mut units = promisable(job, line, location, ready).min(demand.qty);
            if candidates.divisible >> line & 1 == 0 && units < demand.qty {
                units = Qty::ZERO;
            }
            self.units.push(units.0);
        }
    }

    /// Units of a demand that are at an entry, what was taken before included.
    pub(super) fn units(&self, entry: u32, line: usize) -> u32 {
        self.units[entry as usize * self.demands + line]
    }

    /// Cents of handling and scarcity for one unit of a demand.
    pub(super) fn unit_cents(&self, entry: u32, line: usize) -> i64 {
        self.cents[entry as usize * self.demands + line]
    }

    /// Which demands an entry has something of.
    pub(super) fn holds(&self, entry: u32) -> Set {
        (0..self.demands)
            .filter(|&line| self.units(entry, line) > 0)
            .fold(0, |set, line| set | 1 << line)
    }

    pub(super) fn get(&self, entry: u32) -> &Entry {
        &self.rows[entry as usize]
    }

    /// The numbers of all entries.
    pub(super) fn numbers(&self) -> std::ops::Range<u32> {
        0..index(self.rows.len())
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).expect("entries are locations × arrivals of one order")
}

/// The limit of a demand that may be divided; whole demands are within it cell by cell.
fn caps(job: &Job<'_>, line: usize, divisible: Set) -> Vec<Cap> {
    let steps = job.request.stock.limit(line);
    let Some(steps) = steps.filter(|_| divisible >> line & 1 == 1) else {
        return Vec::new();
    };
    let ends = steps.iter().skip(1).map(|s| Some(s.from)).chain([None]);
    steps
        .iter()
        .zip(ends)
        .map(|(step, until)| Cap {
            until,
            units: step.qty.0,
        })
        .collect()
}

/// ATP of a demand at a location and a moment; nothing where its class may not be shipped.
fn promisable(job: &Job<'_>, line: usize, location: usize, at: EpochMillis) -> Qty {
    let stock = job.request.stock;
    let cells = stock.cells(line);
    let class = job.request.demands[line].class;
    let Ok(cell) = cells.binary_search_by_key(&location, |c| c.location.index()) else {
        return Qty::ZERO;
    };
    if !job.able(location, class) {
        return Qty::ZERO;
    }
    let later = stock.later(&cells[cell]);
    let reached = later.iter().take_while(|s| s.from <= at).last();
    let all = reached.map_or(cells[cell].now, |s| s.qty);
    job.beyond_buffer(location, all)
}
