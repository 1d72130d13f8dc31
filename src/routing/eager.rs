//! Cheapest plans among those that leave the fewest units short.
//!
//! A unit short costs so much that no plan gets cheaper by leaving one more. Such sums are more than the search
//! over amounts counts with. Where it has to prove something, a unit short costs [`MILD`] times what the best
//! known plan does: a cheapest plan by that which leaves as few short as any is the cheapest of these, since
//! all of them pay the same for it; and where it leaves more, every plan that leaves fewer costs more than that
//! many times the known one.

use super::request::{EXACT_DEMANDS_MAX, Job, Unroutable};
use super::solve::{Scratch, decide};
use super::tariff::AMOUNT_MAX;
use crate::model::{Cents, Decision};

/// What one unit short costs where demands are divided, in costs of a known plan, and in cents at the least.
const MILD: i64 = 16;
const LEAST: i64 = 100_000;

/// Who looks for such plans.
#[derive(Clone, Copy)]
pub(super) struct Eager<'a> {
    /// The order, where a unit short costs more than anything that shipping it could.
    job: Job<'a>,
    /// What it costs where demands are divided.
    mild: Option<Cents>,
    /// The fewest units short that a plan was found with.
    pub(super) fewest: u64,
    /// Whether no plan leaves fewer, and costs no more than [`MILD`] times as much.
    pub(super) proven: bool,
}

impl<'a> Eager<'a> {
    /// Looks for the fewest units short; with the cheapest plan that was found to leave no more.
    pub(super) fn new(
        job: &Job<'a>,
        scratch: &mut Scratch,
    ) -> Result<(Self, Decision), Unroutable> {
        let mut dear = *job;
        let units: i64 = job.request.demands.iter().map(|d| i64::from(d.qty.0)).sum();
        dear.policy.short_per_unit = Cents(AMOUNT_MAX / units);
        let first = decide(&dear, scratch)?;
        let mut this = Self {
            job: dear,
            mild: None,
            fewest: first.plan.short_units(),
            proven: first.proof.optimal,
        };
        let exact = job.request.demands.len() <= EXACT_DEMANDS_MAX;
        if !exact || !scratch.divides() {
            return Ok((this, first));
        }
        if this.fewest == 0 {
            // Plans that leave some short are no answer: that they are allowed tells where there is none.
            this.job.policy.allow_backorder = true;
            this.job.policy.ship_complete = false;
        }
        let mut best = first;
        loop {
            let most = this.job.policy.short_per_unit;
            let mild = Cents(shipped(&best).saturating_mul(MILD).max(LEAST));
            this.mild = Some(mild.min(most));
            let fewest = this.fewest;
            let found = this.mildly(&this.job, scratch);
            let Some(found) = found.filter(|f| f.plan.short_units() <= fewest) else {
                return Ok((this, best));
            };
            let fewer = found.plan.short_units() < fewest;
            let rank = |d: &Decision| (!d.proof.optimal, shipped(d));
            this.proven |= found.proof.optimal && mild <= most;
            if fewer || rank(&found) <= rank(&best) {
                best = found;
            }
            if !fewer {
                return Ok((this, best));
            }
            // What is sixteen times as dear is told by this one.
            (this.fewest, this.proven) = (best.plan.short_units(), false);
        }
    }

    /// The order, its constraints to be changed for [`Eager::cheapest`].
    pub(super) const fn job(&self) -> Job<'a> {
        self.job
    }

    /// The cheapest plan that leaves as few short as any, by the constraints of `job`, and whether that is proven;
    /// or whether it is proven that there is none.
    pub(super) fn cheapest(
        &self,
        job: &Job<'_>,
        scratch: &mut Scratch,
    ) -> (Option<Decision>, bool) {
        let few = |found: &Decision| found.plan.short_units() == self.fewest;
        match self.mildly(job, scratch) {
            Some(found) if few(&found) => {
                let proven = found.proof.optimal;
                return (Some(found), proven);
            }
            Some(found) if found.proof.optimal => return (None, true),
            _ => {}
        }
        match decide(job, scratch) {
            Ok(found) => {
                let proven = found.proof.optimal;
                (Some(found).filter(few), proven)
            }
            Err(_) => (None, !scratch.divides()),
        }
    }

    /// The cheapest plan that is found to leave as few short, at whatever cost.
    pub(super) fn at_any_cost(&self, job: &Job<'_>, scratch: &mut Scratch) -> Option<Decision> {
        let few = |found: &Decision| found.plan.short_units() == self.fewest;
        let mild = self.mildly(job, scratch).filter(few);
        mild.or_else(|| decide(job, scratch).ok().filter(few))
    }

    /// The cheapest plan where a unit short costs less.
    fn mildly(&self, job: &Job<'_>, scratch: &mut Scratch) -> Option<Decision> {
        let mut job = *job;
        job.policy.short_per_unit = self.mild?;
        decide(&job, scratch).ok()
    }
}

/// What a plan costs besides what is short, in cents.
fn shipped(decision: &Decision) -> i64 {
    let objective = decision.plan.objective;
    (objective.total() - objective.short).0
}
