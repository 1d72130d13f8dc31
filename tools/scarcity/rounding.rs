//! The published rules: each nominates a facility for every item of an order without looking at
//! the stock; an item that its facility does not have any more is not fulfilled.

use super::bound::Bound;
use super::instance::{Arrival, Instance, uniform};
use allot::bench::random::Random;

/// How a rule nominates.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// The nearest facility that stocked the item.
    Nearest,
    /// Every item by its shares, alone.
    Independent,
    /// One opening time for each facility, which an item sees stretched by its share (Ma).
    Dilated,
    /// The same, but the facility with the largest share opens in time (Ma).
    Forced,
}

/// A time of the unit exponential distribution.
fn exponential(random: &mut Random) -> f64 {
    -(1.0 - uniform(random)).ln()
}

/// The index of the least.
fn earliest(times: &[f64]) -> usize {
    let by_time = |a: &usize, b: &usize| times[*a].total_cmp(&times[*b]);
    (0..times.len()).min_by(by_time).unwrap_or_default()
}

fn by_share(share: &[f64], random: &mut Random) -> usize {
    let mut left = uniform(random) * share.iter().sum::<f64>();
    let found = share.iter().position(|s| {
        left -= s;
        left < 0.0
    });
    found.unwrap_or(share.len() - 1)
}

/// When each facility opens for an item with these shares.
fn seen(share: &[f64], opening: &[f64]) -> Vec<f64> {
    let both = share.iter().zip(opening);
    both.map(|(share, opening)| match *share > 0.0 {
        true => opening / share,
        false => f64::INFINITY,
    })
    .collect()
}

fn forced(share: &[f64], opening: &[f64], random: &mut Random) -> usize {
    let mut times = seen(share, opening);
    let by_share = |a: &usize, b: &usize| share[*a].total_cmp(&share[*b]);
    let most = (0..share.len()).max_by(by_share).unwrap_or_default();
    let x = share[most];
    // The chance that keeps every item's share what it was, forced or not.
    let late = (1.0 - x) / (1.0 - x + x * (1.0 / x).exp() - 1f64.exp());
    let at = if x < 1.0 && uniform(random) < late {
        1.0
    } else {
        opening[most].min(1.0)
    };
    times[most] = at / x;
    earliest(&times)
}

/// Dollars of a horizon under a rule.
pub(crate) fn cost(
    rule: Rule,
    instance: &Instance,
    bound: &Bound,
    arrivals: &[Option<Arrival>],
    random: &mut Random,
) -> f64 {
    let mut stock = instance.stock.clone();
    let mut cost = 0.0;
    for &(kind, metro) in arrivals.iter().flatten() {
        let opening: Vec<f64> = (0..instance.all()).map(|_| exponential(random)).collect();
        let mut used = vec![false; instance.all()];
        for (&item, share) in instance.types[kind].iter().zip(&bound.shares[kind][metro]) {
            let mut facility = match rule {
                Rule::Nearest => instance.nearest[item][metro],
                Rule::Independent => by_share(share, random),
                Rule::Dilated => earliest(&seen(share, &opening)),
                Rule::Forced => forced(share, &opening, random),
            };
            match stock.get_mut(facility).and_then(|s| s[item].checked_sub(1)) {
                Some(left) => stock[facility][item] = left,
                None => facility = instance.nowhere(),
            }
            used[facility] = true;
            cost += instance.unit[facility][metro];
        }
        cost += (0..used.len())
            .filter(|&k| used[k])
            .map(|k| instance.fixed(k))
            .sum::<f64>();
    }
    cost
}
