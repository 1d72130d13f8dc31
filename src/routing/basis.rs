//! What a decision was made on, packed into a few bytes: enough to say later what bound it then.
//!
//! Kept are the moment, the complete policy, what could be promised of each demand by location and
//! time and what a unit of it was worth there to other orders, what was handed over already on the
//! days of locations with a limit, and who was paused. Of the network and the items a fingerprint is
//! kept: whoever asks later is told that they changed rather than an answer about another network.
//! Amounts beyond what the order could use are cut, numbers take as few bytes as they need: two bytes
//! for most positions.

use super::binding::{Binding, lifted};
use super::lanes::Lanes;
use super::request::{Demand, Job, Request, Unroutable};
use super::solve::Scratch;
use crate::ledger::{DayUse, Step, StockView};
use crate::model::{Cents, EpochMillis, LocationId, Policy, Qty, ScarcityRow, SkuId};
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Why nothing can be said about what bound a decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forgotten {
    /// It was made before anything was kept, or by another program.
    #[error("unknown")]
    Unknown,
    /// Tariffs, locations, items or holidays are not what they were.
    #[error("network_changed")]
    NetworkChanged,
}

/// A decision's basis, unpacked.
struct Basis {
    now: EpochMillis,
    policy: Policy,
    view: StockView,
    /// Prices of scarce units, as they were.
    scarcity: Vec<ScarcityRow>,
    days: Vec<DayUse>,
    paused: Vec<LocationId>,
}

/// Percent of the usual work.
const USUAL_EFFORT: u16 = 100;

/// How many locations there were when a decision was made.
#[must_use]
pub fn locations_then(basis: &[u8]) -> Option<usize> {
    let mut bytes = Bytes(basis.get(8..)?);
    usize::try_from(bytes.take()?).ok()
}

/// Packs what a request is decided on.
#[must_use]
pub fn pack(lanes: &Lanes, request: &Request<'_>) -> Box<[u8]> {
    // Two bytes for most positions, and room for the rest: it grows rarely, and is cut to size at the end.
    let cells = (0..request.demands.len()).map(|line| request.stock.cells(line).len());
    let mut out = Vec::with_capacity(64 + 3 * cells.sum::<usize>());
    out.extend(fingerprint(lanes, request.demands).to_le_bytes());
    put(&mut out, lanes.locations() as u64);
    put_signed(&mut out, request.now.0);
    put_policy(&mut out, &request.policy);
    let mut paused: Vec<LocationId> = Vec::new();
    for (line, demand) in request.demands.iter().enumerate() {
        put_line(&mut out, lanes, request, line, demand.qty);
        if lanes.any_paused() {
            let cells = request.stock.cells(line).iter().map(|c| c.location);
            paused.extend(cells.filter(|&l| lanes.paused(l)));
        }
    }
    paused.sort_unstable();
    paused.dedup();
    put(&mut out, paused.len() as u64);
    put_ascending(&mut out, paused.iter().map(|l| u64::from(l.0)));
    put(&mut out, request.days.len() as u64);
    for used in request.days {
        put(&mut out, u64::from(used.location.0));
        put_signed(&mut out, used.at.0 - request.now.0);
        put(&mut out, u64::from(used.shipments));
        put(&mut out, u64::from(used.units));
    }
    out.into_boxed_slice()
}

/// What bound a decision of which `basis` was kept, made for `request`; its moment, policy, stock and
/// days are not looked at. `total` is what its plan costs.
///
/// # Errors
/// Nothing can be said about it any more.
pub fn binding_then(
    lanes: &Lanes,
    request: &Request<'_>,
    basis: &[u8],
    total: Cents,
    scratch: &mut Scratch,
) -> Result<Vec<Binding>, Forgotten> {
    let known = basis.first_chunk::<8>().ok_or(Forgotten::Unknown)?;
    if u64::from_le_bytes(*known) != fingerprint(lanes, request.demands) {
        return Err(Forgotten::NetworkChanged);
    }
    let then = unpack(&basis[8..], request).ok_or(Forgotten::Unknown)?;
    let lanes = &lanes
        .priced(&then.scarcity)
        .map_err(|_| Forgotten::Unknown)?;
    let request = Request {
        now: then.now,
        policy: then.policy,
        stock: &then.view,
        days: &then.days,
        ..*request
    };
    let job =
        |request: &Request<'_>| -> Result<(), Unroutable> { Job::new(lanes, request).map(drop) };
    job(&request).map_err(|_| Forgotten::Unknown)?;
    let (plain, found) =
        lifted(lanes, &request, Some(&then.paused), scratch).map_err(|_| Forgotten::Unknown)?;
    // A plan that would be another one today says nothing about the one of then.
    match plain.plan.objective.total() == total {
        true => Ok(found),
        false => Err(Forgotten::NetworkChanged),
    }
}

/// A number that is the same only while the network and the items are, as far as routing asks.
fn fingerprint(lanes: &Lanes, demands: &[Demand]) -> u64 {
    let mut bytes: SmallVec<[u8; 256]> = SmallVec::new();
    for demand in demands {
        bytes.extend_from_slice(&demand.grams.to_le_bytes());
        bytes.extend_from_slice(&demand.volume_mm3.to_le_bytes());
        bytes.extend_from_slice(&demand.longest_mm.to_le_bytes());
        bytes.extend_from_slice(&demand.class.0.to_le_bytes());
        bytes.extend_from_slice(&demand.value.0.to_le_bytes());
        bytes.push(u8::from(demand.ships_alone));
    }
    xxh3_64_with_seed(&bytes, lanes.fingerprint)
}

fn put_policy(out: &mut Vec<u8>, policy: &Policy) {
    let cents = [
        policy.split_penalty,
        policy.speed_value_per_day,
        policy.late_per_day,
        policy.short_per_unit,
        policy.min_value_to_split,
    ];
    cents.iter().for_each(|c| put_signed(out, c.0));
    let flags = u64::from(policy.ship_complete) | u64::from(policy.allow_backorder) << 1;
    // None where it is the usual.
    let effort = u64::from(policy.effort_percent ^ USUAL_EFFORT) << 10;
    put(out, effort | u64::from(policy.max_shipments) << 2 | flags);
}

fn take_policy(bytes: &mut Bytes<'_>) -> Option<Policy> {
    let mut cents = || bytes.take_signed().map(Cents);
    let (split_penalty, speed_value_per_day, late_per_day, short_per_unit, min_value_to_split) =
        (cents()?, cents()?, cents()?, cents()?, cents()?);
    let flags = bytes.take()?;
    Some(Policy {
        split_penalty,
        speed_value_per_day,
        late_per_day,
        short_per_unit,
        max_shipments: u8::try_from(flags >> 2 & 0xff).ok()?,
        ship_complete: flags & 1 == 1,
        allow_backorder: flags >> 1 & 1 == 1,
        min_value_to_split,
        effort_percent: u16::try_from(flags >> 10).ok()? ^ USUAL_EFFORT,
    })
}

fn put_line(out: &mut Vec<u8>, lanes: &Lanes, request: &Request<'_>, line: usize, wanted: Qty) {
    let (stock, now) = (request.stock, request.now);
    let cells = stock.cells(line);
    let prices = lanes.scarcity(request.demands[line].sku);
    // Two bytes for most cells.
    out.reserve(2 * cells.len() + 16);
    put(out, cells.len() as u64);
    let mut next = 0;
    for cell in cells {
        let kept = lanes.buffer(cell.location.index()).unwrap_or_default();
        let useful = |units: Qty| u64::from(units.min(Qty(wanted.0.saturating_add(kept.0))).0);
        let step = u64::from(cell.location.0) - next;
        next = u64::from(cell.location.0) + 1;
        if prices.is_empty() && !cell.grows() {
            put_two(out, step << 2, useful(cell.now));
            continue;
        }
        let later = stock.later(cell);
        let price = match prices {
            [] => 0,
            _ => priced(prices, cell.location),
        };
        // Steps that bring nothing more that the order could use are left out.
        let rises = (0..later.len()).filter(|&i| {
            let before = i
                .checked_sub(1)
                .map_or(cell.now, |before| later[before].qty);
            useful(later[i].qty) > useful(before)
        });
        let rises: SmallVec<[usize; 4]> = rises.collect();
        let flags = u64::from(!rises.is_empty()) | u64::from(price > 0) << 1;
        put(out, step << 2 | flags);
        put(out, useful(cell.now));
        if price > 0 {
            put_signed(out, price);
        }
        if !rises.is_empty() {
            put(out, rises.len() as u64);
            for step in rises.iter().map(|&i| &later[i]) {
                put_signed(out, step.from.0 - now.0);
                put(out, useful(step.qty));
            }
        }
    }
    let limit = stock.limit(line);
    put(out, limit.map_or(0, |steps| steps.len() as u64 + 1));
    for step in limit.unwrap_or(&[]) {
        put_signed(out, step.from.0 - now.0);
        put(out, u64::from(step.qty.min(wanted).0));
    }
}

/// The price of a unit at a location, 0 where there is none.
fn priced(prices: &[(LocationId, i64)], location: LocationId) -> i64 {
    let row = prices.binary_search_by_key(&location, |row| row.0);
    row.map_or(0, |row| prices[row].1)
}

fn unpack(bytes: &[u8], request: &Request<'_>) -> Option<Basis> {
    let mut bytes = Bytes(bytes);
    bytes.take()?;
    let now = EpochMillis(bytes.take_signed()?);
    let policy = take_policy(&mut bytes)?;
    let (mut view, mut scarcity) = (StockView::default(), Vec::new());
    for demand in request.demands {
        view.push_line(demand.sku);
        take_line(&mut bytes, (now, demand.sku), &mut view, &mut scarcity)?;
    }
    let mut paused = Vec::new();
    let mut next = 0;
    for _ in 0..bytes.take()? {
        next += bytes.take()?;
        paused.push(LocationId(u16::try_from(next).ok()?));
        next += 1;
    }
    let mut days = Vec::new();
    for _ in 0..bytes.take()? {
        days.push(DayUse {
            location: LocationId(u16::try_from(bytes.take()?).ok()?),
            at: EpochMillis(now.0.checked_add(bytes.take_signed()?)?),
            shipments: u32::try_from(bytes.take()?).ok()?,
            units: u32::try_from(bytes.take()?).ok()?,
        });
    }
    Some(Basis {
        now,
        policy,
        view,
        scarcity,
        days,
        paused,
    })
}

fn take_line(
    bytes: &mut Bytes<'_>,
    (now, sku): (EpochMillis, SkuId),
    view: &mut StockView,
    scarcity: &mut Vec<ScarcityRow>,
) -> Option<()> {
    let mut next = 0;
    for _ in 0..bytes.take()? {
        let head = bytes.take()?;
        next += head >> 2;
        let location = LocationId(u16::try_from(next).ok()?);
        next += 1;
        let units = Qty(u32::try_from(bytes.take()?).ok()?);
        if head & 2 == 2 {
            scarcity.push(ScarcityRow {
                sku,
                location,
                cents: Cents(bytes.take_signed()?),
            });
        }
        let later = match head & 1 {
            0 => Vec::new(),
            _ => {
                let count = bytes.take()?;
                take_steps(bytes, count, now)?
            }
        };
        view.push_cell(location, units, &later);
    }
    if let Some(steps) = bytes.take()?.checked_sub(1) {
        view.push_limit(&take_steps(bytes, steps, now)?);
    }
    Some(())
}

fn take_steps(bytes: &mut Bytes<'_>, count: u64, now: EpochMillis) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for _ in 0..count {
        steps.push(Step {
            from: EpochMillis(now.0.checked_add(bytes.take_signed()?)?),
            qty: Qty(u32::try_from(bytes.take()?).ok()?),
        });
    }
    Some(steps)
}

/// Seven bits a byte, the low ones first; the high bit says that more follow.
fn put(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Two numbers, most of them small.
fn put_two(out: &mut Vec<u8>, one: u64, other: u64) {
    match (u8::try_from(one), u8::try_from(other)) {
        (Ok(one @ 0..0x80), Ok(other @ 0..0x80)) => out.extend([one, other]),
        _ => {
            put(out, one);
            put(out, other);
        }
    }
}

/// The sign is the lowest bit.
fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(
        out,
        (number.unsigned_abs() << 1).wrapping_sub(u64::from(number < 0)),
    );
}

fn put_ascending(out: &mut Vec<u8>, numbers: impl Iterator<Item = u64>) {
    let mut next = 0;
    for number in numbers {
        put(out, number - next);
        next = number + 1;
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take_signed(&mut self) -> Option<i64> {
        let number = self.take()?;
        let half = i64::try_from(number >> 1).ok()?;
        Some(if number & 1 == 1 { -half - 1 } else { half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_read_back() {
        for (max_shipments, effort_percent) in
            [(1, 100), (255, 1), (3, Policy::EFFORT_MAX), (255, 99)]
        {
            let policy = Policy {
                max_shipments,
                effort_percent,
                ..Policy::default()
            };
            let mut out = Vec::new();
            put_policy(&mut out, &policy);
            assert_eq!(take_policy(&mut Bytes(&out)), Some(policy));
        }
    }

    #[test]
    fn numbers_read_back() {
        let mut out = Vec::new();
        let signed = [
            0,
            1,
            -1,
            63,
            -64,
            64,
            i64::from(i32::MAX),
            -(1 << 60),
            1 << 60,
        ];
        for number in signed {
            put_signed(&mut out, number);
        }
        put(&mut out, u64::MAX);
        let mut bytes = Bytes(&out);
        for number in signed {
            assert_eq!(bytes.take_signed(), Some(number));
        }
        assert_eq!(bytes.take(), Some(u64::MAX));
        assert_eq!(bytes.take(), None);
    }
}
