//! How far above the lines under their costs some shipments are together, at the least, because they must hold all
//! that ships.
//!
//! A shipment is billed a step of its tariff, which holds so many grams and costs at least so much more than the
//! line at these grams. What is in it weighs no more, and by the line each gram that is missing costs less by the
//! line's slope. So let `s` be a slope that no place's is below, in the measure that goods are counted in (by mass
//! or by volume), `W` what all goods weigh that ship, and let the steps that the shipments are billed hold `H` and
//! be `A` above their lines, all together: then the shipments cost at least `A + s × (H − W)` more than the goods by
//! the lines do, and `H ≥ W`. The least of that over all choices of steps bounds every choice of amounts. Where
//! lines of some places weigh goods in another measure, `s` is none.

use super::curves::{BEYOND, Line};
use std::cmp::Reverse;

/// Most pairs of steps that are tried for a bound.
const PAIRS_MAX: usize = 40_000;

/// A step of a shipment: what it holds in grams, and how far it is above the line.
pub(super) type Step = (u64, i64);

/// What shipments so far hold and cost.
#[derive(Debug, Clone, Copy)]
struct Held {
    holds: u64,
    above: i64,
    /// `above` with what they hold at the slope.
    cost: i128,
}

/// What must be held, in grams, and `s`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goods {
    pub(super) weight: u64,
    pub(super) slope: i64,
    /// What is farther above is of no interest.
    pub(super) room: i64,
}

/// All choices of steps that may be the best, for some shipments.
#[derive(Debug)]
pub(super) struct Steps {
    goods: Goods,
    held: Vec<Held>,
    /// Pairs of steps that were tried.
    pub(super) pairs: usize,
}

impl Steps {
    /// No shipment.
    pub(super) fn new(goods: Goods) -> Self {
        Self {
            goods,
            held: vec![Held {
                holds: 0,
                above: 0,
                cost: 0,
            }],
            pairs: 0,
        }
    }

    /// One more shipment, billed any of some steps; `false` where the pairs are too many.
    pub(super) fn add(&mut self, steps: &[Step]) -> bool {
        let pairs = self.held.len().saturating_mul(steps.len());
        if pairs > PAIRS_MAX {
            return false;
        }
        self.pairs += pairs;
        let mut both: Vec<Held> = Vec::with_capacity(pairs);
        for held in &self.held {
            both.extend(
                steps
                    .iter()
                    .filter_map(|&step| self.goods.with(*held, step)),
            );
        }
        self.held = lowest(&mut both, self.goods.weight);
        true
    }

    /// Of the steps of many shipments those that one of them may best be billed.
    pub(super) fn best(goods: Goods, steps: &[Step]) -> Vec<Step> {
        let none = Self::new(goods).held[0];
        let mut held: Vec<Held> = steps
            .iter()
            .filter_map(|&step| goods.with(none, step))
            .collect();
        let best = lowest(&mut held, goods.weight);
        best.iter().map(|held| (held.holds, held.above)).collect()
    }

    /// How far the shipments are above their lines and goods at the least.
    pub(super) fn least(&self) -> i64 {
        let enough = self.held.iter().find(|h| h.holds >= self.goods.weight);
        let all = i128::from(self.goods.slope) * i128::from(self.goods.weight);
        let least = enough.map(|held| held.cost - all);
        least.map_or(BEYOND, |least| i64::try_from(least.max(0)).unwrap_or(0))
    }
}

impl Goods {
    /// A shipment besides others; `None` where that is too far above their lines.
    fn with(&self, held: Held, (holds, above): Step) -> Option<Held> {
        let cost = i128::from(self.slope) * i128::from(holds) + i128::from(above);
        let above = held.above.saturating_add(above);
        (above <= self.room).then(|| Held {
            holds: held.holds.saturating_add(holds),
            above,
            cost: held.cost + cost,
        })
    }
}

/// Of those that are no dearer only the one that holds the most, and none that is dearer than one that holds all.
fn lowest(all: &mut [Held], weight: u64) -> Vec<Held> {
    all.sort_unstable_by_key(|held| (held.cost, Reverse(held.holds), held.above));
    let mut lowest: Vec<Held> = Vec::new();
    for held in all.iter() {
        if lowest.last().is_none_or(|last| last.holds < held.holds) {
            lowest.push(*held);
        }
        if held.holds >= weight {
            break;
        }
    }
    lowest
}

/// The slope of a line in a measure, where so many of `parts` parts of what goods weigh for it are of that measure.
pub(super) fn slope_of(line: Line, (part, parts): (u8, u8)) -> i64 {
    line.slope / i64::from(parts.max(1)) * i64::from(part)
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::kit::Dice;
    use super::*;

    /// A tariff, and a line that nothing of it lies below.
    fn shipment(dice: &mut Dice) -> (Vec<(u64, i64)>, Line) {
        let mut steps = Vec::new();
        let (mut grams, mut cents) = (0, dice.between(0, 9));
        for _ in 0..=dice.below(4) {
            grams += 1 + dice.below(5);
            steps.push((grams, cents));
            cents += dice.between(-1, 6);
        }
        let slope = dice.between(0, 2);
        let over = steps
            .iter()
            .map(|&(end, cents)| cents - slope * i64::try_from(end).unwrap());
        let base = over.min().unwrap() - i64::from(dice.once_in(3));
        (steps, Line { base, slope })
    }

    /// The least that any division of so many grams costs more than by the lines.
    fn cheapest(shipments: &[(Vec<(u64, i64)>, Line)], left: u64) -> Option<i64> {
        let Some(((steps, line), others)) = shipments.split_first() else {
            return (left == 0).then_some(0);
        };
        let most = left.min(steps.last().unwrap().0);
        let with = (0..=most).filter_map(|grams| {
            let holds = steps.iter().filter(|step| step.0 >= grams);
            let cents = holds.map(|step| step.1).min()?;
            let above = cents - line.base - line.slope * i64::try_from(grams).unwrap();
            Some(above + cheapest(others, left - grams)?)
        });
        with.min()
    }

    #[test]
    fn no_division_of_goods_over_shipments_is_less_above_the_lines() {
        let (mut exact, mut with_slope) = (0, 0);
        for seed in 0..4_000 {
            let mut dice = Dice(seed);
            let shipments: Vec<_> = (0..1 + dice.below(3))
                .map(|_| shipment(&mut dice))
                .collect();
            let weight = dice.below(24);
            let slopes = shipments.iter().map(|(_, line)| line.slope);
            let slope = slopes.min().unwrap();
            let known = cheapest(&shipments, weight);
            for room in [BEYOND, dice.between(0, 12)] {
                let mut all = Steps::new(Goods {
                    weight,
                    slope,
                    room,
                });
                for (steps, line) in &shipments {
                    let above = |&(end, cents): &(u64, i64)| {
                        let weight = line.slope * i64::try_from(end).unwrap();
                        (end, cents - line.base - weight)
                    };
                    assert!(all.add(&steps.iter().map(above).collect::<Vec<_>>()));
                }
                let least = all.least();
                // Beyond the room it need only be known to be beyond it.
                let known = known.unwrap_or(BEYOND);
                assert!(
                    least.min(room + 1) <= known,
                    "seed {seed}: {least}, {known}"
                );
                exact += u32::from(least == known);
                with_slope += u32::from(least == known && slope > 0);
            }
        }
        assert!(exact > 2_000 && with_slope > 300, "{exact}, {with_slope}");
    }
}
