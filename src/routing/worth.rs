//! Which slots are of no use any more: by set of demands, the most that a slot may cost.
//!
//! A shipment of a set is of no use where two places are known that are as cheap, or where the plan around
//! it costs more than the second best that is known, however cheap its other shipments are. What those
//! cost at the least depends on who has what is missing.

use super::candidates::Slot;
use super::departures::{Departures, Loads};
use super::lanes::UNIT_LEVELS;
use super::partition::Rules;
use super::request::Job;
use super::subsets::{BySet, Subsets};

/// Levels of what handling a unit costs, see [`UnitLevels`](super::lanes::UnitLevels).
const LEVELS: usize = UNIT_LEVELS;
/// Sets that are looked at together.
const BLOCK: usize = 8;
/// Cents that are not told apart from more: a few of them still add up in an `i32`.
const FAR: i32 = i32::MAX / 8;

/// What a slot may cost, to be of any use. Cents are counted from the least base of all slots, and not told
/// apart beyond what small numbers hold: those are looked through together.
#[derive(Debug, Default)]
pub(super) struct Worth {
    /// By set and level: the most that the base of a slot may be that has the set.
    most: BySet<[i16; LEVELS]>,
    /// By set and level: what the units of the set cost there more than at the lowest.
    dearer: BySet<[i16; LEVELS]>,
    /// By set: no slot that has all of it has a lower base.
    base: BySet<i16>,
    /// By set: no shipment of it costs less besides its base.
    one: BySet<i32>,
    /// By set: no shipments of it cost less, however many, besides their bases.
    apart: BySet<i32>,
    /// By set: no plan with a shipment of it costs less, the base of its slot apart.
    plan: BySet<i32>,
    /// By load id: the least that carrying it costs beyond the least of any departure.
    carried: Vec<i64>,
    /// The least base.
    from: i64,
}

impl Worth {
    /// Takes note of the slots of a search. The units of all demands must be counted.
    pub(super) fn start<'s>(
        &mut self,
        job: &Job<'_>,
        (departures, loads): (&Departures, &Loads),
        rules: &Rules,
        slots: impl Iterator<Item = &'s Slot>,
    ) {
        let demands = job.request.demands.len();
        let base = self.base.upto(1 << demands);
        self.from = rules.least_base;
        base.fill(i16::MAX);
        // Nobody has to have what is not to be decided.
        let outside = base.len() - 1 - usize::from(rules.all);
        for slot in slots {
            let row = &mut base[usize::from(slot.mask) | outside];
            *row = (*row).min(small(slot.base - self.from));
        }
        spread_down(base);
        self.sum_up(job, (departures, loads), rules);
        self.add_rest(rules, demands);
    }

    /// Works out what the goods of every set cost at the least.
    fn sum_up(&mut self, job: &Job<'_>, (departures, loads): (&Departures, &Loads), rules: &Rules) {
        let demands = job.request.demands.len();
        self.apart[0] = 0;
        self.apart.grow(demands, |i, without, with| {
            let goods = match rules.all >> i & 1 {
                1 => near(rules.least_goods[i]),
                _ => 0,
            };
            for (with, without) in with.iter_mut().zip(without) {
                *with = without.wrapping_add(goods).min(FAR);
            }
        });
        let carried = (0..loads.ids()).map(|id| departures.least_beyond(job, loads, id));
        self.carried.clear();
        self.carried.extend(carried);
        let sets = 1 << demands;
        let (per_unit, per_line) = (job.lanes.unit_min, job.lanes.line_min);
        let unit_step = job.lanes.unit_levels.step;
        let rows = loads.of_set.first(sets).iter();
        let dearer = self.dearer.upto(sets).iter_mut();
        for ((row, one), dearer) in rows.zip(self.one.upto(sets)).zip(dearer) {
            let units = i64::from(row.units);
            let carried = self.carried.get(usize::from(row.id)).copied();
            let goods = per_unit
                .wrapping_mul(units)
                .wrapping_add(per_line.wrapping_mul(row.lines.into()))
                .wrapping_add(carried.unwrap_or(0));
            *one = near(goods);
            let step = small(unit_step.wrapping_mul(units));
            let twice = step.saturating_add(step);
            *dearer = [0, step, twice, twice.saturating_add(step)];
        }
        self.one[0] = 0;
        if usize::from(rules.all) + 1 != sets {
            // What is not to be decided costs nothing.
            let one = self.one.upto(sets);
            for set in 0..sets {
                one[set] = one[set & usize::from(rules.all)];
            }
        }
    }

    /// Adds to the goods of every set the least that a plan has besides.
    fn add_rest(&mut self, rules: &Rules, demands: usize) {
        let sets = 1 << demands;
        // Beside a shipment there is one with all the rest, or two more, or something is short.
        let mut otherwise = rules.spared();
        if rules.most > 2 {
            otherwise = otherwise.min(2 * (rules.least_base + rules.split));
        }
        let otherwise = near(otherwise);
        let another = near(self.from + rules.split);
        let own = self.one.first(sets).iter();
        // What a set lacks of everything: the other way round.
        let rest = self.base.first(sets).iter().rev();
        let rest = rest.zip(self.one.first(sets).iter().rev());
        let rest = rest.zip(self.apart.first(sets).iter().rev());
        let plan = self.plan.upto(sets).iter_mut();
        for ((plan, own), ((base, one), apart)) in plan.zip(own).zip(rest) {
            let one = another.wrapping_add((*base).into()).wrapping_add(*one);
            *plan = one.min(otherwise.wrapping_add(*apart)).wrapping_add(*own);
        }
    }

    /// Works out what a slot may cost, by the subsets and the ceiling known so far.
    pub(super) fn fill(&mut self, rules: &Rules, subsets: &Subsets) {
        let sets = 1 << subsets.demands;
        let ceiling = rules.ceiling - self.from;
        let within = i64::from(FAR);
        let known = subsets.second.first(sets).iter();
        let known = known.zip(self.one.first(sets)).zip(self.plan.first(sets));
        let known = known.zip(self.dearer.first(sets));
        let from = self.from;
        for (most, (((second, one), plan), dearer)) in self.most.upto(sets).iter_mut().zip(known) {
            // Beyond that nothing is too dear.
            let limit = if ceiling < within {
                ceiling.wrapping_sub((*plan).into())
            } else {
                within
            };
            let cheaper = second.wrapping_sub(from).wrapping_sub((*one).into());
            let cents = small(limit.min(cheaper));
            *most = match cents {
                i16::MAX => [i16::MAX; LEVELS],
                cents => dearer.map(|dearer| cents.saturating_sub(dearer)),
            };
        }
        // Nothing is no shipment, and single shipments of everything are known.
        self.most[0] = [i16::MIN; LEVELS];
        self.most[rules.all] = [i16::MIN; LEVELS];
        spread_up(self.most.upto(sets));
    }

    /// Whether a slot may still be of use.
    #[inline]
    pub(super) fn keeps(&self, job: &Job<'_>, slot: &Slot) -> bool {
        let level = job.lanes.unit_levels.of[usize::from(slot.location)];
        let most = self.most[slot.mask][usize::from(level) % LEVELS];
        most == i16::MAX || slot.base.wrapping_sub(self.from) <= most.into()
    }
}

/// Gives every set the most of the sets that are part of it, level by level.
fn spread_up(most: &mut [[i16; LEVELS]]) {
    let most = most.as_flattened_mut();
    // So short that a loop would take longer.
    for pair in most.as_chunks_mut::<{ 2 * LEVELS }>().0 {
        for at in 0..LEVELS {
            pair[LEVELS + at] = pair[LEVELS + at].max(pair[at]);
        }
    }
    let mut bit = 2 * LEVELS;
    while bit < most.len() {
        for pair in most.chunks_exact_mut(2 * bit) {
            let (without, with) = pair.split_at_mut(bit);
            for (with, without) in with.iter_mut().zip(without) {
                *with = (*with).max(*without);
            }
        }
        bit *= 2;
    }
}

/// Gives every set the least of the sets that it is part of.
fn spread_down(least: &mut [i16]) {
    let sets = least.len();
    let mut bit = 1;
    while bit < sets.min(BLOCK) {
        // Too few at a time for more than one after the other.
        for at in (0..sets).filter(|at| at & bit == 0) {
            least[at] = least[at].min(least[at + bit]);
        }
        bit *= 2;
    }
    while bit < sets {
        for pair in least.chunks_exact_mut(2 * bit) {
            let (without, with) = pair.split_at_mut(bit);
            for (without, with) in without.iter_mut().zip(with) {
                *without = (*without).min(*with);
            }
        }
        bit *= 2;
    }
}

/// The nearest number there is.
#[inline]
fn small(cents: i64) -> i16 {
    let (least, most) = (i64::from(i16::MIN), i64::from(i16::MAX));
    i16::try_from(cents.clamp(least, most)).unwrap_or(i16::MAX)
}

/// At most [`FAR`], at least less that.
#[inline]
fn near(cents: i64) -> i32 {
    let far = i64::from(FAR);
    i32::try_from(cents.clamp(-far, far)).unwrap_or(FAR)
}
