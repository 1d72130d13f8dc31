//! Shipments of one plan that share a day of a location, where the day has not room for all of them.
//!
//! The search chooses the place of every shipment by itself. Where it puts more on one day than there
//! is room for, at least one of these shipments is elsewhere in every plan that may be: each in turn
//! is forbidden there, and the search is asked again. The best open case is taken up first, so the
//! first plan without such a clash is the best one. A shipment that is forbidden where it has room in
//! the end waits for nothing: that is no plan, and it is forbidden where it is as well. So the second
//! plan is the best other one that was met.

use super::candidates::{Candidates, Set};
use super::departures::Departures;
use super::partition::Found;
use super::request::Job;

/// Most searches; where they do not suffice the best plans so far stand. A clash needs two shipments
/// of one order from one location on one day, so this is never seen with fewer than three.
const SEARCHES_MAX: usize = 400;

/// A case: what is forbidden, and what its plans cost at the least.
type Case = (i64, Vec<(Set, u32)>);

/// The best two plans that keep within the room of every day.
pub(super) fn best_two(
    job: &Job<'_>,
    candidates: &mut Candidates,
    departures: &mut Departures,
    mut search: impl FnMut(&Candidates, &mut Departures) -> [Option<Found>; 2],
) -> [Option<Found>; 2] {
    let mut open: Vec<Case> = vec![(i64::MIN, Vec::new())];
    let mut best: Vec<Found> = Vec::new();
    for _ in 0..SEARCHES_MAX {
        let next = (0..open.len()).min_by_key(|&at| (open[at].0, at));
        let Some(next) = next else { break };
        if best.len() == 2 && open[next].0 > best[1].cents {
            break;
        }
        let (_, forbidden) = open.remove(next);
        candidates.forbidden.clone_from(&forbidden);
        for found in search(candidates, departures).into_iter().flatten() {
            let barred = match clash(job, candidates, &found) {
                Some(clash) => clash,
                None => match idle(job, candidates, &found) {
                    Some(block) => vec![block],
                    None => {
                        keep(candidates, departures, &mut best, found);
                        continue;
                    }
                },
            };
            for block in barred {
                let mut forbidden = forbidden.clone();
                forbidden.push(block);
                forbidden.sort_unstable();
                if !open.iter().any(|case| case.1 == forbidden) {
                    open.push((found.cents, forbidden));
                }
            }
            // What comes after it is found in these cases as well.
            break;
        }
    }
    candidates.forbidden.clear();
    let mut best = best.into_iter();
    [best.next(), best.next()]
}

fn units(job: &Job<'_>, set: Set) -> u64 {
    let demands = job.request.demands.iter().enumerate();
    let within = demands.filter(|&(i, _)| set >> i & 1 == 1);
    within.map(|(_, d)| u64::from(d.qty.0)).sum()
}

/// A shipment that would have room on an earlier day, all others as they are.
fn idle(job: &Job<'_>, candidates: &Candidates, found: &Found) -> Option<(Set, u32)> {
    let blocks = &found.blocks[..usize::from(found.shipments)];
    blocks.iter().copied().find(|&(set, number)| {
        let Some(earlier) = candidates.earlier(number) else {
            return false;
        };
        earlier.into_iter().any(|day| {
            let slot = &candidates.slots[day as usize];
            let room = candidates.room(slot);
            let others = blocks.iter().filter(|b| b.1 == day);
            let shipments = 1 + others.clone().count() as u64;
            let all = units(job, set) + others.map(|b| units(job, b.0)).sum::<u64>();
            set & !slot.mask == 0
                && shipments <= u64::from(room.shipments)
                && all <= u64::from(room.units)
        })
    })
}

/// Shipments that have no room together on one day.
fn clash(job: &Job<'_>, candidates: &Candidates, found: &Found) -> Option<Vec<(Set, u32)>> {
    let blocks = &found.blocks[..usize::from(found.shipments)];
    for &(_, slot) in blocks {
        let together: Vec<(Set, u32)> = blocks.iter().copied().filter(|b| b.1 == slot).collect();
        let room = candidates.room(&candidates.slots[slot as usize]);
        let all: u64 = together.iter().map(|b| units(job, b.0)).sum();
        if together.len() as u64 > u64::from(room.shipments) || all > u64::from(room.units) {
            return Some(together);
        }
    }
    None
}

/// Keeps a plan if it is one of the best two that differ.
fn keep(candidates: &Candidates, departures: &Departures, best: &mut Vec<Found>, new: Found) {
    let sorted = |found: &Found| {
        let mut blocks = found.blocks[..usize::from(found.shipments)].to_vec();
        blocks.sort_unstable();
        (blocks, found.short)
    };
    if best.iter().any(|known| sorted(known) == sorted(&new)) {
        return;
    }
    best.push(new);
    best.sort_by_cached_key(|found| {
        let places = found.blocks[..usize::from(found.shipments)].iter();
        let mut places: Vec<(u16, i64)> = places
            .map(|&(_, slot)| {
                let slot = &candidates.slots[slot as usize];
                (slot.location, departures.get(slot.departure).ship_at.0)
            })
            .collect();
        places.sort_unstable();
        (found.cents, found.shipments, places)
    });
    best.truncate(2);
}
