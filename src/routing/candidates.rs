//! Which location can ship which demands whole, from when on, and what at the least it costs.
//!
//! One pass over the stock, one over the locations that hold something. At most 16 demands.

use super::days::{Handed, Left};
use super::departures::Departures;
use super::lanes::finite;
use super::request::{Demand, Job};
use super::tariff::NEVER;
use crate::ledger::Cell;
use crate::model::{EpochMillis, LocationId, Qty, RejectedReason};
use smallvec::SmallVec;

/// Demands as bits.
pub(super) type Set = u16;

/// A location and a hand-over that ships some demands whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) location: u16,
    /// What is there by then.
    pub(super) mask: Set,
    /// What of it is not there for an earlier hand-over of the same location: a shipment from
    /// here has some of that, or it would leave earlier.
    pub(super) fresh: Set,
    pub(super) departure: u32,
    /// No shipment from here costs less, goods apart.
    pub(super) base: i64,
    /// What its day has room for: number of `Candidates::rooms`, or [`ROOMY`].
    pub(super) room: u32,
}

/// The room of a day that has enough for the whole request.
pub(super) const ROOMY: u32 = u32::MAX;

/// Most sets of demands, those of every slot counted, that are gone through for more than
/// [`EXACT_DEMANDS_MAX`](super::EXACT_DEMANDS_MAX) demands.
const SETS_MAX: u64 = 1 << 23;

/// What one location has: in the lower half of what it holds units, perhaps fewer than wanted, in the upper
/// half of what it has the whole quantity now. One number, so that a cell is noted at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Held(u32);

impl Held {
    /// The lower half.
    const ANY: u32 = (1 << Set::BITS) - 1;

    /// The whole of a demand.
    #[inline]
    fn whole(line: usize) -> Self {
        Self((1 << Set::BITS | 1) << line)
    }

    /// Takes note of a demand, of which it has all or not. Whether it has is anybody's guess: no branch hangs
    /// on that.
    #[inline]
    fn note(&mut self, demand: Self, all: bool) {
        self.0 |= demand.0 & (Self::ANY | u32::from(all).wrapping_neg());
    }

    /// Holds units of these.
    #[inline]
    fn any(self) -> Set {
        Set::try_from(self.0 & Self::ANY).unwrap_or(Set::MAX)
    }

    /// Has the whole quantity of these now.
    #[inline]
    fn now(self) -> Set {
        Set::try_from(self.0 >> Set::BITS).unwrap_or(Set::MAX)
    }

    /// Has nothing whole that anybody ships.
    fn ship_nothing(&mut self) {
        self.0 &= Self::ANY;
    }
}

/// What seldom is so of what a location has.
#[derive(Debug, Clone, Copy, Default)]
struct Odd {
    /// May not ship these.
    unable: Set,
    /// Keeps all it has of these.
    kept: Set,
    /// Has the whole quantity of these later.
    later: Set,
}

/// What is the same for all locations of a request.
struct Common<'a> {
    /// Whether some may have a slot at once.
    may: bool,
    /// Whether all may: nobody is closed, has a limit by day, or has anything odd about it.
    all: bool,
    class_of: &'a [u16],
    per_shipment: &'a [i64],
}

/// Whole quantities that become available later.
#[derive(Debug, Clone, Copy)]
struct Later {
    location: u16,
    ready: EpochMillis,
    demand: u8,
}

/// A location that holds something of the order, for the explanation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) location: u16,
    /// Why it ships nothing; `None` when it could ship something.
    pub(super) reason: Option<RejectedReason>,
    /// What one shipment of the whole order costs from here; `NEVER` where that is impossible or
    /// was not asked.
    pub(super) whole: i64,
}

/// Everything about the locations of one request.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    held: Vec<Held>,
    /// What else is to be known of some location; all of it empty unless `is_odd`.
    odd: Vec<Odd>,
    is_odd: bool,
    /// Locations that hold something, as bits.
    touched: Vec<u64>,
    /// Not all of them are noted there yet.
    all_touched: bool,
    later: Vec<Later>,
    /// By location and demand, where the demand has scarcity prices: cents of one unit.
    scarce: Vec<i64>,
    scarce_lines: Set,
    /// Hand-overs by ascending location, then time.
    pub(super) slots: Vec<Slot>,
    /// The least base of any slot.
    pub(super) least_base: i64,
    /// Locations that hold something, ascending.
    pub(super) seen: Vec<Seen>,
    /// Demands that may be divided.
    pub(super) divisible: Set,
    /// Demands that ship together or not at all; usually none.
    groups: Vec<Set>,
    /// Room of the hand-overs of tight locations, of which the first slot is there too.
    rooms: Vec<(Left, u32)>,
    /// What may not ship from where, although there is room for it: see `joint`.
    pub(super) forbidden: Vec<(Set, u32)>,
    /// Demands that some slot ships.
    pub(super) served: Set,
}

impl Candidates {
    /// Reads the stock and works out the slots.
    pub(super) fn gather(&mut self, job: &Job<'_>, departures: &mut Departures) {
        self.forget(job);
        self.list_groups(job);
        for line in 0..job.request.demands.len() {
            self.read_line(job, line);
            self.read_scarcity(job, line);
        }
        if self.all_touched {
            for (word, rows) in self.touched.iter_mut().zip(self.held.chunks(64)) {
                let bits = rows.iter().enumerate();
                let holds = |row: &Held| u64::from(*row != Held::default());
                *word = bits.fold(0, |all, (at, row)| all | holds(row) << at);
            }
        }
        self.later.sort_unstable_by_key(|l| (l.location, l.ready));
        let many = self.touched.iter().map(|word| word.count_ones() as usize);
        let many = many.sum();
        self.slots.reserve(many);
        self.seen.reserve(many);
        let common = Common {
            may: self.groups.is_empty(),
            all: job.open() && !job.lanes.limited() && !self.is_odd,
            class_of: &job.request.destination.class_of,
            per_shipment: &job.lanes.per_shipment,
        };
        let (mut later, mut from) = (0, 0);
        while let Some(location) = self.add_simple(job, departures, &common, from) {
            self.settle(job, departures, location, &mut later);
            from = location + 1;
        }
    }

    /// Adds the slots of locations that ship at the next cut-off all that they can ever ship: nearly all. Begins
    /// at a location and ends at the first to which there is more, or that ships nothing.
    fn add_simple(
        &mut self,
        job: &Job<'_>,
        departures: &mut Departures,
        common: &Common<'_>,
        from: usize,
    ) -> Option<usize> {
        let (held, odd) = (&*self.held, self.is_odd.then_some(&*self.odd));
        let class_of = &common.class_of[..held.len()];
        let per_shipment = &common.per_shipment[..held.len()];
        let (mut least_base, mut served) = (self.least_base, self.served);
        let mut word = from / 64;
        let mut bits = self.touched.get(word)? & (u64::MAX << (from % 64));
        let stopped = loop {
            if bits == 0 {
                word += 1;
                match self.touched.get(word) {
                    Some(next) => bits = *next,
                    None => break None,
                }
                continue;
            }
            let at = word * 64 + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let now = held[at].now();
            let apart = || is_apart(job, odd, at);
            if now == 0 || !common.may || (!common.all && apart()) {
                break Some(at);
            }
            let (departure, least) = departures.least_now(job, class_of[at]);
            if !finite(least) {
                break Some(at);
            }
            let base = per_shipment[at].wrapping_add(least);
            least_base = least_base.min(base);
            served |= now;
            let location = super::lanes::location_id(at).0;
            self.seen.push(Seen {
                location,
                reason: None,
                whole: NEVER,
            });
            self.slots.push(Slot {
                location,
                mask: now,
                fresh: now,
                departure,
                base,
                room: ROOMY,
            });
        };
        (self.least_base, self.served) = (least_base, served);
        stopped
    }

    fn forget(&mut self, job: &Job<'_>) {
        let odd = std::mem::take(&mut self.is_odd);
        for (at, word) in self.touched.iter_mut().enumerate() {
            if *word != 0 {
                *word = 0;
                let rows = 64 * at..self.held.len().min(64 * at + 64);
                self.held[rows.clone()].fill(Held::default());
                if odd {
                    self.odd[rows].fill(Odd::default());
                }
            }
        }
        let locations = job.lanes.locations();
        self.touched.resize(locations.div_ceil(64), 0);
        self.held.resize(locations, Held::default());
        self.odd.resize(locations, Odd::default());
        self.all_touched = false;
        self.later.clear();
        self.slots.clear();
        self.least_base = NEVER;
        self.seen.clear();
        self.divisible = 0;
        self.served = 0;
        self.scarce_lines = 0;
        self.rooms.clear();
        self.forbidden.clear();
    }

    fn list_groups(&mut self, job: &Job<'_>) {
        self.groups.clear();
        let demands = job.request.demands;
        for (line, demand) in demands.iter().enumerate().filter(|(_, d)| d.together != 0) {
            let same = |d: &Demand| d.together == demand.together;
            if demands[..line].iter().any(same) {
                continue;
            }
            let members = demands.iter().enumerate().filter(|(_, d)| same(d));
            self.groups
                .push(members.fold(0, |set, (i, _)| set | 1 << i));
        }
    }

    /// Whether no shipment may hold exactly these demands whole: some that go together are in it
    /// and some are not.
    #[inline]
    pub(super) fn cuts(&self, set: Set) -> bool {
        self.groups.iter().any(|&g| set & g != 0 && set & g != g)
    }

    /// Whether some demands go together.
    #[inline]
    pub(super) fn any_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// A set without what goes together and is not all there.
    fn closed(&self, set: Set) -> Set {
        let cut = self.groups.iter().filter(|&&g| set & g != g);
        cut.fold(set, |set, g| set & !g)
    }

    fn read_line(&mut self, job: &Job<'_>, line: usize) {
        let demand = &job.request.demands[line];
        let bit: Set = 1 << line;
        let divisible = demand.may_split && demand.qty > Qty(1) && demand.together == 0;
        self.divisible |= if divisible { bit } else { 0 };
        let cells = job.request.stock.cells(line);
        // Where most locations have it, looking at all of them is quicker than to note each.
        let many = 4 * cells.len() > self.held.len();
        self.all_touched |= many;
        let simple = demand.class.0 == 0 && !divisible;
        let kept = job.buffers();
        let beyond = |location: usize, now: Qty| {
            now.saturating_sub(kept.get(location).copied().unwrap_or_default())
        };
        let none = |_: &Cell, now: Qty| now.is_zero();
        match (kept, simple, job.request.stock.grows()) {
            ([], true, false) => self.read_cells(job, line, !many, |_, now| now, none),
            (_, true, false) => self.read_cells(job, line, !many, beyond, none),
            (_, true, true) => self.read_cells(job, line, !many, beyond, |cell, now| {
                now < demand.qty && (now.is_zero() || cell.grows())
            }),
            (_, false, _) => self.read_cells(job, line, !many, beyond, |_, _| true),
        }
    }

    /// Reads the cells of a line: `usable` is what of the units at a location routing may use now, and `odd`
    /// whether that is not all there is to know of a cell.
    #[inline]
    fn read_cells(
        &mut self,
        job: &Job<'_>,
        line: usize,
        note: bool,
        usable: impl Fn(usize, Qty) -> Qty,
        odd: impl Fn(&Cell, Qty) -> bool,
    ) {
        let (wanted, whole) = (job.request.demands[line].qty, Held::whole(line));
        for cell in job.request.stock.cells(line) {
            let location = cell.location.index();
            let Some(held) = self.held.get_mut(location) else {
                continue;
            };
            if note {
                self.touched[location / 64] |= 1 << (location % 64);
            }
            let now = usable(location, cell.now);
            if odd(cell, now) {
                held.note(whole, false);
                self.read_cell(job, line, cell, now);
            } else {
                held.note(whole, now >= wanted);
            }
        }
    }

    /// What a cell comes to of which more is to be known than that it has so many units now.
    /// `now` is what is there beyond the stock buffer.
    fn read_cell(&mut self, job: &Job<'_>, line: usize, cell: &Cell, now: Qty) {
        let demand = &job.request.demands[line];
        let (bit, whole): (Set, _) = (1 << line, demand.qty);
        let location = cell.location.index();
        if demand.class.0 != 0 && !job.able(location, demand.class) {
            self.odd[location].unable |= bit;
            self.is_odd = true;
            return;
        }
        let units = |all: Qty| job.beyond_buffer(location, all);
        let later = job.request.stock.later(cell);
        if now >= whole {
            self.held[location].note(Held::whole(line), true);
            if self.divisible & bit != 0 && job.closed(cell.location).is_none() {
                self.divisible &= !bit;
            }
        } else if let Some(step) = later.iter().find(|s| units(s.qty) >= whole) {
            self.odd[location].later |= bit;
            self.is_odd = true;
            self.later.push(Later {
                location: cell.location.0,
                ready: step.from.max(job.request.now),
                demand: u8::try_from(line).unwrap_or(u8::MAX),
            });
        } else if now.is_zero() && later.last().is_none_or(|s| units(s.qty).is_zero()) {
            self.odd[location].kept |= bit;
            self.is_odd = true;
        }
    }

    fn read_scarcity(&mut self, job: &Job<'_>, line: usize) {
        let demands = job.request.demands.len();
        let prices = job.lanes.scarcity(job.request.demands[line].sku);
        if prices.is_empty() {
            return;
        }
        if self.scarce_lines == 0 {
            self.scarce.clear();
            self.scarce.resize(self.held.len() * demands, 0);
        }
        self.scarce_lines |= 1 << line;
        for &(location, cents) in prices {
            self.scarce[location.index() * demands + line] = cents;
        }
    }

    /// Whether some units of a demand have a scarcity price.
    #[inline]
    pub(super) fn scarce(&self, line: usize) -> bool {
        self.scarce_lines >> line & 1 == 1
    }

    /// Whether some units of any demand have a scarcity price.
    #[inline]
    pub(super) fn any_scarce(&self) -> bool {
        self.scarce_lines != 0
    }

    /// Cents of handling and scarcity for one unit of a demand at a location.
    #[inline]
    pub(super) fn unit_cents(&self, job: &Job<'_>, location: usize, line: usize) -> i64 {
        let per_unit = job.lanes.sites[location].per_unit;
        if !self.scarce(line) {
            return per_unit;
        }
        per_unit + self.scarce[location * job.request.demands.len() + line]
    }

    /// Turns what a location holds into slots, or into the reason why there are none.
    fn settle(
        &mut self,
        job: &Job<'_>,
        departures: &mut Departures,
        location: usize,
        later: &mut usize,
    ) {
        let held = self.held[location];
        let odd = self.odd[location];
        let own_later = self.later[*later..]
            .iter()
            .take_while(|l| usize::from(l.location) == location)
            .count();
        let id = super::lanes::location_id(location);
        let first = self.slots.len();
        let mut reason = None;
        let parts = held.any() & !odd.unable & !odd.kept & self.divisible;
        if let Some(closed) = job.closed(id) {
            reason = Some(closed);
        } else if odd.unable == held.any() {
            reason = Some(unable(job, location, held.any()));
        } else if held.now() | odd.later | parts == 0 {
            reason = Some(RejectedReason::NoStock);
        } else {
            let own = *later..*later + own_later;
            let tight = job.tight(location);
            if tight {
                self.add_tight_slots(job, departures, id, held.now(), own);
            } else {
                self.add_slots(job, departures, id, held.now(), own);
            }
            if self.slots.len() == first {
                reason = Self::idle(job, departures, location, parts != 0);
                // Without its limit it could have shipped something.
                if tight && reason.is_none() && parts == 0 {
                    reason = Some(RejectedReason::Full);
                }
            } else if !self.groups.is_empty() {
                self.close_slots(first);
                let empty = self.slots.len() == first && parts == 0;
                // What is missing of a group may come, but not in time, or on a day without room.
                let missing = match self.closed(held.now() | odd.later) {
                    0 => RejectedReason::NoStock,
                    _ if tight => RejectedReason::Full,
                    _ => RejectedReason::TooLate,
                };
                reason = empty.then_some(missing);
            }
            for slot in &self.slots[first..] {
                self.served |= slot.fresh;
            }
        }
        if self.slots.len() == first {
            // Nobody ships what is there.
            self.held[location].ship_nothing();
        }
        *later += own_later;
        self.seen.push(Seen {
            location: id.0,
            reason,
            whole: NEVER,
        });
    }

    /// Takes out of the slots of a location, which begin at `first`, what goes together and is not
    /// all there.
    fn close_slots(&mut self, first: usize) {
        let (mut kept, mut before) = (first, 0);
        for at in first..self.slots.len() {
            let mut slot = self.slots[at];
            slot.mask = self.closed(slot.mask);
            slot.fresh = slot.mask & !before;
            before = slot.mask;
            // A day with more room is worth having though nothing new is there.
            if slot.fresh != 0 || (slot.room != ROOMY && slot.mask != 0) {
                self.slots[kept] = slot;
                kept += 1;
            }
        }
        self.slots.truncate(kept);
    }

    /// Why a location that has something ships nothing whole; `None` when it may ship a part.
    fn idle(
        job: &Job<'_>,
        departures: &mut Departures,
        location: usize,
        has_parts: bool,
    ) -> Option<RejectedReason> {
        let class = job.request.destination.class_of[location];
        let number = departures.now(job, class);
        let departure = departures.get(number);
        if finite(departure.least) && (has_parts || job.tight(location)) {
            return None;
        }
        Some(if departure.reaches {
            RejectedReason::TooLate
        } else {
            RejectedReason::NoService
        })
    }

    fn add_slots(
        &mut self,
        job: &Job<'_>,
        departures: &mut Departures,
        location: LocationId,
        now: Set,
        later: std::ops::Range<usize>,
    ) {
        let class = job.request.destination.class_of[location.index()];
        let mut slot = Slot {
            location: location.0,
            mask: 0,
            fresh: now,
            departure: 0,
            base: job.lanes.sites[location.index()].per_shipment,
            room: ROOMY,
        };
        if now != 0 {
            slot.departure = departures.now(job, class);
            self.add_slot(departures, &mut slot);
        }
        let mut known = None;
        for at in later {
            let Later { ready, demand, .. } = self.later[at];
            // Arrivals at one moment come one after the other: one departure serves them all.
            if known != Some(ready) {
                known = Some(ready);
                slot.departure = departures.add(job, class, ready);
            }
            slot.fresh = 1 << demand;
            self.add_slot(departures, &mut slot);
        }
    }

    /// Adds the hand-overs of a location that has no room for the whole request on every day: a
    /// shipment leaves on the first one with room for it.
    fn add_tight_slots(
        &mut self,
        job: &Job<'_>,
        departures: &mut Departures,
        location: LocationId,
        now: Set,
        later: std::ops::Range<usize>,
    ) {
        // What makes which hand-over at the earliest, and all that have room.
        let hours = job.lanes.hours(&job.lanes.sites[location.index()]);
        let moments = self.later[later].iter().map(|l| (l.ready, 1 << l.demand));
        let moments = std::iter::once((job.request.now, now)).chain(moments);
        let mut firsts: SmallVec<[(EpochMillis, Set); 4]> = SmallVec::new();
        let mut handed: SmallVec<[Handed; 8]> = SmallVec::new();
        for (ready, set) in moments.filter(|m| m.1 != 0) {
            let Some((ship_at, _)) = hours.handover(ready) else {
                continue;
            };
            firsts.push((ship_at, set));
            handed.extend(job.hand_overs(location.index(), ready));
        }
        handed.sort_unstable_by_key(|h| h.ship_at);
        handed.dedup_by_key(|h| h.ship_at);
        let class = job.request.destination.class_of[location.index()];
        let first = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let mut before = 0;
        for handed in handed {
            let departure = departures.add(job, class, handed.ready);
            let least = departures.get(departure).least;
            if !finite(least) {
                break;
            }
            let there = firsts.iter().filter(|f| f.0 <= handed.ship_at);
            let mask = there.fold(0, |all, f| all | f.1);
            let base = job.lanes.sites[location.index()].per_shipment + least;
            self.least_base = self.least_base.min(base);
            self.slots.push(Slot {
                location: location.0,
                mask,
                fresh: mask & !before,
                departure,
                base,
                room: u32::try_from(self.rooms.len()).unwrap_or(u32::MAX),
            });
            self.rooms.push((handed.room, first));
            before = mask;
        }
    }

    /// Whether the sets of demands that all slots ship can be gone through in little time.
    pub(super) fn are_few(&self) -> bool {
        let sets = self.slots.iter().map(|slot| 1u64 << slot.mask.count_ones());
        self.divisible == 0 && !self.any_tight() && sets.sum::<u64>() <= SETS_MAX
    }

    /// Whether some location is tight.
    pub(super) fn any_tight(&self) -> bool {
        !self.rooms.is_empty()
    }

    /// What the day of a slot has room for.
    pub(super) fn room(&self, slot: &Slot) -> Left {
        let room = self.rooms.get(slot.room as usize);
        room.map_or(Left::ANY, |room| room.0)
    }

    /// The slots of a tight location before one of its slots.
    pub(super) fn earlier(&self, number: u32) -> Option<std::ops::Range<u32>> {
        let slot = &self.slots[number as usize];
        let room = self.rooms.get(slot.room as usize);
        room.map(|&(_, first)| first..number)
    }

    /// Whether one shipment of a set leaves at a slot: it is there, its day has room, and no earlier
    /// one of the location does as well.
    pub(super) fn leaves(&self, job: &Job<'_>, number: u32, set: Set) -> bool {
        let slot = &self.slots[number as usize];
        let Some(&(_, first)) = self.rooms.get(slot.room as usize) else {
            let late = slot.fresh != slot.mask;
            return set & !slot.mask == 0 && (!late || set & slot.fresh != 0);
        };
        let demands = job.request.demands.iter().enumerate();
        let units = demands.filter(|&(i, _)| set >> i & 1 == 1);
        let units: u64 = units.map(|(_, d)| u64::from(d.qty.0)).sum();
        let fits = |number: u32| {
            let slot = &self.slots[number as usize];
            let there = set & !slot.mask == 0 && u64::from(self.room(slot).units) >= units;
            there && !self.forbidden.contains(&(set, number))
        };
        fits(number) && !(first..number).any(fits)
    }

    /// Adds the hand-over that `slot.departure` says, unless it does not exist or is the one
    /// before; `slot.mask` collects what is there by then.
    fn add_slot(&mut self, departures: &Departures, slot: &mut Slot) {
        let departure = departures.get(slot.departure);
        if !finite(departure.least) {
            return;
        }
        slot.mask |= slot.fresh;
        if let Some(last) = self.slots.last_mut()
            && last.location == slot.location
            && departures.get(last.departure).ship_at == departure.ship_at
        {
            last.mask |= slot.fresh;
            last.fresh |= slot.fresh;
            return;
        }
        let base = slot.base + departure.least;
        self.least_base = self.least_base.min(base);
        self.slots.push(Slot { base, ..*slot });
    }

    /// Handling and scarcity of the whole quantity of a demand, from a slot's location.
    #[inline]
    pub(super) fn goods(&self, job: &Job<'_>, slot: &Slot, line: usize) -> i64 {
        self.goods_at(job, usize::from(slot.location), line)
    }

    /// The same from a location.
    #[inline]
    pub(super) fn goods_at(&self, job: &Job<'_>, location: usize, line: usize) -> i64 {
        let units = i64::from(job.request.demands[line].qty.0);
        self.unit_cents(job, location, line) * units + job.lanes.sites[location].per_line
    }

    /// Whether every slot ships what its location has now and nothing else.
    pub(super) fn only_now(&self) -> bool {
        self.later.is_empty() && self.groups.is_empty() && !self.any_tight()
    }

    /// Whether a location ships the whole quantity of a demand, where [`Self::only_now`].
    #[inline]
    pub(super) fn has(&self, location: usize, line: usize) -> bool {
        self.held[location].now() >> line & 1 == 1
    }
}

/// Whether there is more to a location than a hand-over of what it has now.
fn is_apart(job: &Job<'_>, odd: Option<&[Odd]>, location: usize) -> bool {
    odd.is_some_and(|odd| odd[location].later != 0)
        || job.closed(super::lanes::location_id(location)).is_some()
        || job.tight(location)
}

/// Why a location may ship nothing of what it holds.
fn unable(job: &Job<'_>, location: usize, held: Set) -> RejectedReason {
    let demands = job.request.demands.iter().enumerate();
    let mut held = demands.filter(|&(i, _)| held >> i & 1 == 1);
    match held.any(|(_, d)| job.has_ability(location, d.class)) {
        true => RejectedReason::Region,
        false => RejectedReason::LacksAbility,
    }
}
