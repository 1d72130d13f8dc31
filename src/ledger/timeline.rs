//! ATP over time, for positions that may promise against incoming supply.
//!
//! Supply S(s) only steps up at arrivals and demand D(s) only steps up at need times, so between
//! two arrivals S − D is least just before the next arrival. Time therefore falls into segments,
//! segment k running from arrival k (inclusive) to arrival k + 1 (exclusive), and
//!
//! ```text
//! ATP(t) = max(0, min over segments k ≥ segment(t) of ( S(k) − D(end of k) ))
//! ```
//!
//! which needs the demand per segment only, not per reservation.

use crate::model::EpochMillis;
use smallvec::SmallVec;

/// Units that arrive at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arrival {
    at: EpochMillis,
    units: u64,
}

/// Arrivals of one position and the demand between them.
#[derive(Debug, Clone, Default)]
pub(super) struct Timeline {
    arrivals: SmallVec<[Arrival; 3]>,
    /// Units needed within segment k; one more entry than arrivals.
    demand: SmallVec<[u64; 4]>,
}

impl Timeline {
    /// A timeline without demand. `arrivals` in any order.
    pub(super) fn new(arrivals: impl Iterator<Item = (EpochMillis, u32)>) -> Self {
        let mut sorted: SmallVec<[Arrival; 3]> = arrivals
            .map(|(at, units)| Arrival {
                at,
                units: u64::from(units),
            })
            .collect();
        sorted.sort_unstable_by_key(|a| a.at);
        sorted.dedup_by(|later, kept| {
            let same = later.at == kept.at;
            if same {
                kept.units += later.units;
            }
            same
        });
        let demand = SmallVec::from_elem(0, sorted.len() + 1);
        Self {
            arrivals: sorted,
            demand,
        }
    }

    fn segment(&self, at: EpochMillis) -> usize {
        self.arrivals.iter().take_while(|a| a.at <= at).count()
    }

    /// Adds `units` needed at `need_at`.
    pub(super) fn add_demand(&mut self, need_at: EpochMillis, units: u32) {
        let segment = self.segment(need_at);
        self.demand[segment] += u64::from(units);
    }

    /// Takes back what [`Timeline::add_demand`] added.
    pub(super) fn remove_demand(&mut self, need_at: EpochMillis, units: u32) {
        let segment = self.segment(need_at);
        let left = self.demand[segment].checked_sub(u64::from(units));
        self.demand[segment] = left.expect("a claim removes exactly the demand it added");
    }

    /// Units that arrive and units that are needed, at any time.
    pub(super) fn totals(&self) -> (u64, u64) {
        let arriving = self.arrivals.iter().map(|a| a.units).sum();
        (arriving, self.demand.iter().sum())
    }

    /// S − D at the end of every segment, given the `supply` on hand.
    fn balances(&self, supply: i64) -> SmallVec<[i64; 4]> {
        let mut balance = supply;
        let mut out = SmallVec::with_capacity(self.demand.len());
        for (k, &needed) in self.demand.iter().enumerate() {
            if k > 0 {
                balance = balance.saturating_add_unsigned(self.arrivals[k - 1].units);
            }
            balance = balance.saturating_sub_unsigned(needed);
            out.push(balance);
        }
        out
    }

    /// ATP at `at` before it is cut at 0, given the `supply` on hand.
    pub(super) fn atp(&self, supply: i64, at: EpochMillis) -> i64 {
        let from = self.segment(at);
        self.balances(supply)[from..]
            .iter()
            .copied()
            .min()
            .unwrap_or(supply)
    }

    /// The moments after `now` at which ATP grows, with the ATP from then on (cut at 0).
    pub(super) fn steps(
        &self,
        supply: i64,
        now: EpochMillis,
    ) -> impl Iterator<Item = (EpochMillis, i64)> {
        let mut atp = self.balances(supply);
        for k in (1..atp.len()).rev() {
            atp[k - 1] = atp[k - 1].min(atp[k]);
        }
        let mut reached = atp[self.segment(now)].max(0);
        let mut steps: SmallVec<[(EpochMillis, i64); 4]> = SmallVec::new();
        for (k, arrival) in self.arrivals.iter().enumerate() {
            if arrival.at > now && atp[k + 1] > reached {
                reached = atp[k + 1];
                steps.push((arrival.at, reached));
            }
        }
        steps.into_iter()
    }

    /// For every segment from `now` on, by how much promises exceed supply at its end (0 where
    /// they do not). What is on hand today says nothing of a segment that is over.
    pub(super) fn shortfalls(&self, supply: i64, now: EpochMillis) -> Shortfalls<'_> {
        let mut missing: SmallVec<[u64; 4]> = self
            .balances(supply)
            .iter()
            .map(|b| b.min(&0).unsigned_abs())
            .collect();
        missing[..self.segment(now)].fill(0);
        Shortfalls {
            timeline: self,
            missing,
        }
    }
}

/// What is missing by segment, while broken promises are picked.
pub(super) struct Shortfalls<'t> {
    timeline: &'t Timeline,
    missing: SmallVec<[u64; 4]>,
}

impl Shortfalls<'_> {
    /// How many of `units` needed at `need_at` must go, given what was picked before; they are
    /// then picked.
    pub(super) fn pick(&mut self, need_at: EpochMillis, units: u32) -> u32 {
        let from = self.timeline.segment(need_at);
        let worst = self.missing[from..].iter().copied().max().unwrap_or(0);
        let picked = worst.min(u64::from(units));
        for missing in &mut self.missing[from..] {
            *missing = missing.saturating_sub(picked);
        }
        u32::try_from(picked).unwrap_or(units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> EpochMillis {
        EpochMillis(ms)
    }

    #[test]
    fn a_promise_today_cannot_eat_what_next_week_counts_on() {
        let mut line = Timeline::new([(at(100), 5)].into_iter());
        line.add_demand(at(150), 8);
        // 10 on hand, 5 arrive at 100, 8 needed at 150: 7 may go at any time.
        assert_eq!(line.atp(10, at(0)), 7);
        assert_eq!(line.atp(10, at(100)), 7);
        line.add_demand(at(0), 6);
        assert_eq!(line.atp(10, at(0)), 1);
    }

    #[test]
    fn atp_steps_up_where_supply_arrives() {
        let mut line = Timeline::new([(at(200), 4), (at(100), 3), (at(100), 2)].into_iter());
        assert_eq!(
            line.steps(1, at(0)).collect::<Vec<_>>(),
            vec![(at(100), 6), (at(200), 10)]
        );
        line.add_demand(at(250), 10);
        assert_eq!(line.atp(1, at(0)), 0);
        assert_eq!(line.steps(1, at(0)).count(), 0, "everything is spoken for");
    }

    #[test]
    fn shortfalls_are_picked_only_where_they_help() {
        let mut line = Timeline::new([(at(100), 5)].into_iter());
        line.add_demand(at(0), 4);
        line.add_demand(at(150), 5);
        // Supply fell to 2: 2 are missing before the arrival and 2 after.
        let mut short = line.shortfalls(2, at(0));
        assert_eq!(
            short.pick(at(150), 5),
            2,
            "the later promise repairs only the later segment"
        );
        assert_eq!(short.pick(at(0), 4), 2);
        assert_eq!(short.pick(at(0), 4), 0);
    }
}
