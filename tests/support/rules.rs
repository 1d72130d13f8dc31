//! What every answer of the router must keep, whatever the instance.

use super::ask::{ask, priced};
use super::instance::Instance;
use super::{Best, Verdict, checker, enumerate, naive};
use allot::model::{Cents, Decision, EpochMillis, LocationId, Plan, RejectedReason, ShortLine};
use allot::routing::{EXACT_DEMANDS_MAX, Scratch, Unroutable};
use std::collections::BTreeSet;

/// The router's answer to `inst`, after everything in it that needs no optimum was checked;
/// `None` when it says that there is no plan.
pub(crate) fn answer(inst: &Instance) -> Result<Option<Decision>, String> {
    let decision = match ask(inst, &mut Scratch::default()) {
        Ok(decision) => decision,
        Err(Unroutable::Short { short, considered }) if !inst.policy.allow_backorder => {
            return refused(inst, &short, considered).map(|()| None);
        }
        Err(other) => return Err(format!("refused: {other:?}")),
    };
    sound(inst, &decision).map_err(|e| format!("{e}\n{}", brief(&decision)))?;
    Ok(Some(decision))
}

fn sound(inst: &Instance, decision: &Decision) -> Result<(), String> {
    let total = decision.plan.objective.total();
    let proof = decision.proof;
    checker::check(inst, &decision.plan).map_err(|e| format!("plan: {e}"))?;
    ensure(proof.bound <= total, || {
        format!("bound {} is above {total}", proof.bound)
    })?;
    ensure(!proof.optimal || proof.bound == total, || {
        format!("optimal at {total}, but the bound is {}", proof.bound)
    })?;
    if let Some(second) = &decision.runner_up {
        checker::check(inst, second).map_err(|e| format!("runner-up: {e}"))?;
        let differs = checker::key(second) != checker::key(&decision.plan);
        ensure(differs, || "the runner-up is the plan".into())?;
        let dearer = second.objective.total() >= total;
        ensure(dearer, || {
            format!("the runner-up costs {}", second.objective.total())
        })?;
    }
    priced_alike(inst, &decision.plan)?;
    rejected(inst, decision)
}

/// Pricing the plan's own shipments must give the plan.
fn priced_alike(inst: &Instance, plan: &Plan) -> Result<(), String> {
    let again = priced(inst, plan);
    ensure(again.as_ref() == Some(plan), || {
        format!("priced again: {again:#?}")
    })
}

/// A decision in few words, for messages.
fn brief(decision: &Decision) -> String {
    let second = decision.runner_up.as_ref().map(checker::brief);
    let plan = checker::brief(&decision.plan);
    format!(
        "plan: {plan}\nrunner-up: {}\n{:?} {:?}",
        second.as_deref().unwrap_or("none"),
        decision.proof,
        decision.rejected
    )
}

/// A refusal says what would stay short if as much as possible were shipped.
fn refused(inst: &Instance, short: &[ShortLine], considered: usize) -> Result<(), String> {
    let able = |l: &usize| {
        let cell = |d: usize| inst.stock[d].cell(*l).is_some() && naive::eligible(inst, *l, d);
        (0..inst.demands.len()).any(cell)
    };
    let may_ship = (0..inst.network.locations.len()).filter(able).count();
    ensure(considered <= may_ship, || {
        format!("{considered} locations considered, only {may_ship} may ship any of it")
    })?;
    ensure(!short.is_empty(), || {
        "refused although nothing is short".into()
    })?;
    if inst.policy.ship_complete {
        return Ok(());
    }
    let mut most = inst.clone();
    most.policy.allow_backorder = true;
    most.policy.short_per_unit = Cents(1_000_000_000);
    let limited = (0..inst.network.locations.len()).any(|l| naive::is_limited(inst, l));
    let divides = (0..inst.demands.len()).any(|d| naive::divisible(inst, d));
    if limited && divides {
        return Ok(());
    }
    if let Verdict::Best(best) = enumerate::all(&most) {
        let units: i64 = short.iter().map(|s| i64::from(s.qty.0)).sum();
        let least = best.total / 1_000_000_000;
        ensure(units == least, || {
            format!("refused for {units} short, only {least} must be")
        })?;
    }
    Ok(())
}

/// Fails with `rule` unless it holds.
pub(crate) fn ensure(holds: bool, rule: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule()) }
}

/// Every location that holds something of the order or is paused is in the plan or has its reason.
fn rejected(inst: &Instance, decision: &Decision) -> Result<(), String> {
    let used: BTreeSet<usize> = decision
        .plan
        .shipments
        .iter()
        .map(|s| s.location.index())
        .collect();
    let holds = |&l: &usize| (0..inst.demands.len()).any(|d| inst.shows(d, l));
    let due = (0..inst.network.locations.len())
        .filter(|l| inst.is_paused(*l) || (holds(l) && !used.contains(l)));
    let due: Vec<usize> = due.collect();
    let named: Vec<usize> = decision
        .rejected
        .iter()
        .map(|r| r.location.index())
        .collect();
    ensure(named == due, || {
        format!("rejected are {named:?}, should be {due:?}")
    })?;
    for row in &decision.rejected {
        let location = row.location.index();
        reason(inst, location, row.reason).map_err(|e| format!("rejected {location}: {e}"))?;
        let dearer = row.reason == RejectedReason::Dearer;
        ensure(
            row.extra().is_none_or(|cents| dearer && cents.0 >= 0),
            || format!("rejected {location}: extra is {:?}", row.extra()),
        )?;
    }
    Ok(())
}

/// Whether `reason` may be why `location`, which holds something or is paused, is not in the plan.
fn reason(inst: &Instance, location: usize, reason: RejectedReason) -> Result<(), String> {
    let stocked = |d: &usize| inst.shows(*d, location);
    let able = |d: &usize| stocked(d) && naive::eligible(inst, location, *d);
    let enough = |d: &usize| {
        let later = inst.stock[*d].atp(location, EpochMillis::DISTANT_FUTURE);
        let least = if naive::divisible(inst, *d) {
            1
        } else {
            inst.demands[*d].qty
        };
        able(d) && later >= least
    };
    let demands = 0..inst.demands.len();
    // What goes together is there together or not at all.
    let mates = |d: usize| {
        let together = inst.demands[d].together;
        (0..inst.demands.len())
            .filter(move |&o| o == d || (together != 0 && inst.demands[o].together == together))
    };
    let enough = |d: &usize| mates(*d).all(|o| enough(&o));
    let paused = inst.is_paused(location);
    let excluded = inst.excluded.contains(&location);
    let closed = !naive::is_open(inst, location);
    let unable = !closed && !demands.clone().any(|d| able(&d));
    let reaches = |i: &Instance| !naive::lanes(i, location, |d| able(&d)).is_empty();
    let mut softened = inst.clone();
    softened.hard = false;
    let (in_time, ever) = (reaches(inst), reaches(&softened));
    use RejectedReason as R;
    let right = match reason {
        R::Paused => paused,
        R::Excluded => !paused && excluded,
        R::PickUp => !paused && !excluded && inst.pickup.is_some_and(|l| l != location),
        R::Country => closed && !paused && !excluded && inst.pickup.is_none(),
        R::LacksAbility | R::Region => unable,
        R::Full => !closed && !unable && naive::is_limited(inst, location),
        // With these items: a service that goes there may still carry none of them.
        R::NoService => !closed && !unable,
        R::TooLate => !closed && !unable && ever && inst.hard,
        R::Dearer | R::PartialDearer => !closed && !unable && in_time,
        // A whole demand of which it never has enough is as good as nothing.
        R::NoStock => !closed && !unable && !demands.clone().any(|d| enough(&d)),
    };
    ensure(right, || format!("{} cannot be the reason", reason.name()))
}

/// The router's answer must cost what the judge found.
pub(crate) fn optimal(inst: &Instance, verdict: &Verdict) -> Result<Option<Decision>, String> {
    let answer = answer(inst)?;
    let best = match (verdict, &answer) {
        (Verdict::Unknown, _) | (Verdict::NoPlan, None) => return Ok(answer),
        (Verdict::Best(best), Some(_)) => best,
        (verdict, answer) => return Err(format!("the judge says {verdict:?}, not {answer:#?}")),
    };
    let decision = answer.as_ref().expect("just matched");
    let exact = inst.demands.len() <= EXACT_DEMANDS_MAX;
    let divides = (0..inst.demands.len()).any(|d| naive::divisible(inst, d));
    ensure(decision.proof.optimal || divides || !exact, || {
        "not proven".into()
    })?;
    let judged = best.plan.as_ref().map(checker::brief);
    cost(decision, best).map_err(|e| format!("{e}\n{}\njudge: {:?}", brief(decision), judged))?;
    Ok(answer)
}

/// What the chosen plan of a given cost is the least by.
fn rank(plan: &Plan) -> (usize, Vec<(LocationId, EpochMillis)>) {
    let list = plan
        .shipments
        .iter()
        .map(|s| (s.location, s.ship_at))
        .collect();
    (plan.shipments.len(), list)
}

fn cost(decision: &Decision, best: &Best) -> Result<(), String> {
    let total = decision.plan.objective.total().0;
    ensure(total >= best.total, || {
        format!("{total} beats the judge's {}", best.total)
    })?;
    ensure(decision.proof.bound.0 <= best.total, || {
        format!(
            "bound {} above the judge's {}",
            decision.proof.bound, best.total
        )
    })?;
    ensure(!decision.proof.optimal || total == best.total, || {
        format!("{total} is not the optimum {}", best.total)
    })?;
    if let (Some(plan), true) = (&best.plan, decision.proof.optimal) {
        let (is, should) = (rank(&decision.plan), rank(plan));
        ensure(is == should, || {
            format!("of equal cost {should:?} comes before {is:?}")
        })?;
    }
    let bound = decision.proof.bound.0;
    ensure(bound <= best.total, || {
        format!("bound {bound} is above the optimum {}", best.total)
    })
}

/// The runner-up must be the cheapest plan that differs from the chosen one (with a divided demand it
/// is only one that the search met: it may be dearer, never cheaper), and the extra cost of a
/// dearer location that of the best plan from there alone.
pub(crate) fn explained(inst: &Instance, decision: &Decision, best: &Best) -> Result<(), String> {
    let cents = |plan: &Plan| plan.objective.total().0;
    if decision.proof.optimal {
        let second = decision.runner_up.as_ref().map(cents);
        // Where days are crowded it need not be the cheapest either.
        let limited = (0..inst.network.locations.len()).any(|l| naive::is_limited(inst, l));
        let divides = limited || (0..inst.demands.len()).any(|d| naive::divisible(inst, d));
        let good = match (second, best.second) {
            (Some(is), Some(least)) if divides => is >= least,
            (None, _) if divides => true,
            (is, least) => is == least,
        };
        ensure(good, || {
            let judged = &best.second;
            format!(
                "the runner-up costs {second:?}, should be {judged:?}\n{}",
                brief(decision)
            )
        })?;
    }
    for row in decision
        .rejected
        .iter()
        .filter(|r| !inst.is_paused(r.location.index()))
    {
        let alone = enumerate::whole_from(inst, row.location.index());
        if alone == Verdict::Unknown {
            continue;
        }
        let extra = alone.total().map(|alone| alone - cents(&decision.plan));
        ensure(row.extra().map(|c| c.0) == extra, || {
            format!(
                "{row:?}: alone it costs {extra:?} more\n{}",
                brief(decision)
            )
        })?;
    }
    Ok(())
}
